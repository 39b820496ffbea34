//! The real app, drawn offscreen at one step after another: for pictures, drawings and films. Both `moebias render` and films from the
//! window use it, so they show the same.

use crate::ui::export::caption::Caption;
use crate::ui::export::svg::Drawing;
use crate::ui::kit::pixels::images;
use crate::ui::store::Stored;
use eframe::egui::{self, Rect, vec2};
use egui_kittest::Harness;
use image::RgbaImage;
use moebias_files::view::PaneKind;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use std::time::{Duration, Instant};

/// The number of frames drawn at first until the layout is final: panes measure themselves in the first frames.
const FRAMES: usize = 12;
/// The number of consecutive frames in which nothing may be outstanding before a picture is taken.
const RESTING: usize = 3;
/// The longest time that panes may take for one picture: the price view of a large batch is slow.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest time that a run may make no progress on its way to a step.
const STUCK: Duration = Duration::from_secs(120);

/// How many times a picture that could not be rendered is tried again.
const RETRIES: usize = 3;

/// The settings of a picture.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Width and height, in pixels.
    pub size: (u32, u32),
    /// Pixels per point.
    pub scale: f32,
    /// Whether the theme is dark.
    pub dark: bool,
    /// The only pane to show; `None` for the whole window.
    pub pane: Option<PaneKind>,
    /// The stored state of the window: the layout of panes, and whether the settings are shown.
    pub window: Stored,
    /// Whether pixel images have the title, the step and a key of the variants at the top. A drawing of one pane always has them.
    pub caption: bool,
}

/// An app that a studio can draw: the whole window, over a lab of its own.
pub trait Drawn: eframe::App + Sized + 'static {
    /// Opens the app without a window, in which no messages appear. With `caption`, the title, the step and a key of the variants are at
    /// the top; `only` shows one pane alone.
    fn open(ctx: &egui::Context, lab: Lab, stored: Stored, caption: bool, only: Option<PaneKind>) -> Self;
    /// The lab.
    fn lab(&self) -> &Lab;
    /// The lab, to send it commands.
    fn lab_mut(&mut self) -> &mut Lab;
    /// Whether everything that was requested from the worker for this picture has arrived.
    fn rests(&self) -> bool;
    /// The place of a pane, in points; `None` if it is not shown.
    fn place_of(&self, kind: PaneKind) -> Option<Rect>;
}

/// The app with a window that is only drawn offscreen.
pub struct Studio<A: Drawn> {
    harness: Harness<'static, A>,
    setting: Setting,
    fresh: bool,
}

impl<A: Drawn> Studio<A> {
    /// Opens a studio over a lab. `pixels` is whether [`Self::image`] will be called, which needs a graphics adapter.
    ///
    /// # Errors
    /// There is no graphics adapter, although `pixels` needs one.
    pub fn open(lab: Lab, setting: Setting, pixels: bool) -> Result<Self, String> {
        if pixels {
            adapter()?;
        }
        let zoom = lab.document().view.as_ref().and_then(|v| v.zoom).unwrap_or(1.0);
        let scale = setting.scale * zoom;
        let (width, height) = setting.size;
        let theme = if setting.dark { egui::Theme::Dark } else { egui::Theme::Light };
        let mut builder = Harness::builder()
            .with_size(vec2(width as f32, height as f32) / scale)
            .with_pixels_per_point(scale)
            .with_max_steps(64)
            // A glyph that neither our fonts nor those of the system have is drawn as a box, instead of a panic.
            .allow_missing_glyphs()
            .with_theme(theme);
        if pixels {
            builder = builder.wgpu();
        }
        let caption = setting.caption;
        let (stored, pane) = (Stored { dark: Some(setting.dark), ..setting.window.clone() }, setting.pane);
        let harness = builder.build_eframe(|cc| A::open(&cc.egui_ctx, lab, stored, caption, pane));
        Ok(Self { harness, setting, fresh: true })
    }

    /// The lab.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        self.harness.state().lab()
    }

    /// Takes the run to a step, however long that takes. `at` receives the step reached so far and returns whether to go on.
    ///
    /// # Errors
    /// The step lies before the first one, the run makes no progress, or it was cancelled.
    pub fn go_to(&mut self, step: u64, mut at: impl FnMut(u64) -> bool) -> Result<(), String> {
        let first = self.lab().first_step();
        if step < first {
            return Err(before(step, first));
        }
        self.harness.state_mut().lab_mut().send(Command::Seek(step));
        let mut moved = (Instant::now(), 0);
        loop {
            let lab = self.harness.state_mut().lab_mut();
            lab.poll();
            let snapshot = lab.snapshot();
            if snapshot.step == step && snapshot.seeking.is_none() {
                break;
            }
            let now = snapshot.seeking.map_or(snapshot.step, |s| s.at);
            if now != moved.1 {
                moved = (Instant::now(), now);
            } else if moved.0.elapsed() > STUCK {
                return Err(format!("step {step} was not reached: the run stands at step {now}"));
            }
            if !at(now) {
                return Err("it was cancelled".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.settle();
        Ok(())
    }

    /// Draws frames until the worker has answered all requests of the panes.
    fn settle(&mut self) {
        let mut resting = 0;
        let since = Instant::now();
        let least = if std::mem::take(&mut self.fresh) { FRAMES } else { RESTING };
        for frame in 1.. {
            self.harness.step();
            resting = if self.harness.state().rests() { resting + 1 } else { 0 };
            if frame >= least && resting >= RESTING || since.elapsed() > PATIENCE {
                return;
            }
            if resting == 0 {
                std::thread::sleep(Duration::from_millis(4));
            }
        }
    }

    /// The picture at the present step.
    ///
    /// # Errors
    /// The picture could not be rendered.
    pub fn image(&mut self) -> Result<RgbaImage, String> {
        let mut tries = 0;
        loop {
            match self.harness.render() {
                Ok(image) => return Ok(image),
                // A software adapter on a busy machine may deliver its pixels too late; a film should not fail for that.
                Err(_) if tries < RETRIES => tries += 1,
                Err(e) => return Err(format!("nothing could be drawn: {e}")),
            }
        }
    }

    /// The present step as a drawing.
    #[must_use]
    pub fn drawing(&self) -> Drawing {
        let lab = self.lab();
        let what = self.setting.pane.map_or("Moebias", PaneKind::name);
        let theme = if self.setting.dark { &crate::ui::kit::theme::DARK } else { &crate::ui::kit::theme::LIGHT };
        Drawing {
            shapes: self.harness.output().shapes.clone(),
            part: self.harness.ctx.content_rect(),
            ground: theme.pane,
            title: format!("{what} – {}, step {}", lab.document().title, lab.snapshot().step),
            caption: self.setting.pane.map(|_| Caption::of(lab, theme)),
            images: images(&self.harness.ctx),
        }
    }

    /// The place of a pane, in points; `None` if it is not shown.
    #[must_use]
    pub fn place_of(&self, kind: PaneKind) -> Option<Rect> {
        self.harness.state().place_of(kind)
    }
}

/// The message that a step before the first cannot be shown.
#[must_use]
pub fn before(step: u64, first: u64) -> String {
    format!("step {step} can't be shown: this recording begins at step {first}. Choose that one or a later one")
}

/// Checks that there is a graphics adapter, because the offscreen renderer would panic without one.
///
/// # Errors
/// There is no graphics adapter, in a sentence.
pub(crate) fn adapter() -> Result<(), String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    if found.is_empty() {
        return Err("nothing here can draw: neither Vulkan, Metal, Direct3D nor OpenGL. On Debian or Ubuntu: apt install mesa-vulkan-drivers".into());
    }
    Ok(())
}
