//! The real app, drawn offscreen at one step after another: for pictures, drawings and films. `moebias render` and films from the window
//! use it alike, so that they show the same.

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

/// Frames until everything stands where it belongs: panes measure themselves in the first ones.
const FRAMES: usize = 12;
/// Frames in a row in which nothing more may come.
const RESTING: usize = 3;
/// So long panes may take for one picture: the price view of a large batch is slow.
const PATIENCE: Duration = Duration::from_secs(20);
/// So long a run may stand still on its way.
const STUCK: Duration = Duration::from_secs(120);

/// So often a picture that did not come is asked for again.
const RETRIES: usize = 3;

/// What a picture is to be like.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Width and height, pixels.
    pub size: (u32, u32),
    /// Pixels per point.
    pub scale: f32,
    /// Light on dark.
    pub dark: bool,
    /// One pane alone.
    pub pane: Option<PaneKind>,
    /// The window as somebody has it: places of panes, settings shown or not.
    pub window: Stored,
    /// Title, step and a key of the variants above it, in pixels. A drawing of one pane always has them.
    pub caption: bool,
}

/// What a studio draws: the whole window, over a lab of its own.
pub trait Drawn: eframe::App + Sized + 'static {
    /// Opens without a window: no messages appear. With `caption` the title, the step and a key of the variants stand above everything;
    /// `only` shows one pane alone.
    fn open(ctx: &egui::Context, lab: Lab, stored: Stored, caption: bool, only: Option<PaneKind>) -> Self;
    /// The lab.
    fn lab(&self) -> &Lab;
    /// The lab, to send it commands.
    fn lab_mut(&mut self) -> &mut Lab;
    /// Whether all that was asked of the worker for this picture has come.
    fn rests(&self) -> bool;
    /// Where a pane stands, points.
    fn place_of(&self, kind: PaneKind) -> Option<Rect>;
}

/// A window that nobody sees.
pub struct Studio<A: Drawn> {
    harness: Harness<'static, A>,
    setting: Setting,
    fresh: bool,
}

impl<A: Drawn> Studio<A> {
    /// Opens one over a lab. Only `pixels` need something that can draw.
    ///
    /// # Errors
    /// Nothing here can draw.
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
            // Where neither we nor the system have a letter, a box is drawn: never a panic.
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

    /// Computes up to a step, however long it takes; `at` hears how far it is and says whether to go on.
    ///
    /// # Errors
    /// The run does not come there, or was given up.
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

    /// Frames until the worker has answered what the panes asked of it.
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

    /// The picture at the step gone to.
    ///
    /// # Errors
    /// It can't be drawn.
    pub fn image(&mut self) -> Result<RgbaImage, String> {
        let mut tries = 0;
        loop {
            match self.harness.render() {
                Ok(image) => return Ok(image),
                // A software adapter on a machine with much to do may be late with its pixels; a film is not given up for that.
                Err(_) if tries < RETRIES => tries += 1,
                Err(e) => return Err(format!("nothing could be drawn: {e}")),
            }
        }
    }

    /// The same as a drawing.
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

    /// Where a pane stands, points.
    #[must_use]
    pub fn place_of(&self, kind: PaneKind) -> Option<Rect> {
        self.harness.state().place_of(kind)
    }
}

/// Why a step before the first can't be shown.
#[must_use]
pub fn before(step: u64, first: u64) -> String {
    format!("step {step} can't be shown: this recording begins at step {first}. Choose that one or a later one")
}

/// Whether anything can draw; the offscreen renderer would panic without.
///
/// # Errors
/// Nothing can, in a sentence.
pub(crate) fn adapter() -> Result<(), String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    if found.is_empty() {
        return Err("nothing here can draw: neither Vulkan, Metal, Direct3D nor OpenGL. On Debian or Ubuntu: apt install mesa-vulkan-drivers".into());
    }
    Ok(())
}
