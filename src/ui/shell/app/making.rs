//! Pictures, drawings (SVG) and films: asked for, drawn, and written beside the window.

use super::App;
use crate::ui::actions::Action;
use crate::ui::export::caption::Caption;
use crate::ui::export::film::{Film, Made, size_of};
use crate::ui::export::film_dialog::{FilmDialog, Outcome};
use crate::ui::export::pictures::{Goal, Pictures};
use crate::ui::export::svg::Drawing;
use crate::ui::kit::pixels::{Images, images};
use crate::ui::kit::style;
use crate::ui::kit::theme::{LIGHT, Theme};
use crate::ui::panes::PaneContext;
use crate::ui::panes::shared::frame::{self, Export};
use crate::ui::shell::files::Purpose;
use crate::ui::shell::notices::ProgressBar;
use eframe::egui::epaint::ClippedShape;
use eframe::egui::{self, Context, LayerId, Pos2, RawInput, Rect, Ui, Vec2};
use moebias_files::atomic;
use moebias_files::film::Format;
use moebias_files::view::PaneKind;
use moebias_lab::Lab;
use moebias_lab::job::{Job, Progress};
use moebias_lab::notices::Level;
use std::path::PathBuf;
use std::sync::Arc;

/// The number of frames after which a pane has measured itself and no longer moves.
const PASSES: usize = 4;

/// What is being made, and what a person is still asked about it.
#[derive(Default)]
pub(super) struct Making {
    /// Pictures of the window, and work that writes files on threads of its own.
    pub(super) pictures: Pictures,
    /// The open dialog in which a film is described.
    dialog: Option<FilmDialog>,
    /// The film that was described, while its path is asked for.
    wanted: Option<Film>,
    /// The film and its path, while the lab copies the run for it.
    asked: Option<(Film, PathBuf)>,
    /// The film being made, and its path.
    filming: Option<(Job<Result<Made, String>>, PathBuf)>,
    /// The pane to be saved as a drawing once this frame is painted, and the path.
    drawing: Option<(PaneKind, PathBuf)>,
    /// The drawing has the colours of the window, rather than the light theme for paper.
    as_seen: bool,
}

impl Making {
    /// Whether the dialog of a film is open.
    pub(super) fn is_open(&self) -> bool {
        self.dialog.is_some()
    }
}

impl App {
    /// Does what concerns pictures to the clipboard and films. False for another action.
    pub(super) fn act_on_making(&mut self, ctx: &Context, action: Action) -> bool {
        match action {
            Action::CopyPicture => self.making.pictures.take(ctx, Goal::Clipboard, None),
            Action::CopyPane => self.export(ctx, self.pane_meant(), Export::Copy),
            Action::Film => self.ask_film(ctx, None),
            _ => return false,
        }
        true
    }

    /// Copies, saves or films a pane.
    pub(super) fn export(&mut self, ctx: &Context, kind: PaneKind, export: Export) {
        match export {
            Export::Copy => self.take_picture(ctx, kind, Goal::Clipboard),
            Export::Picture => self.ask_path(ctx, Purpose::Picture(Some(kind))),
            Export::Svg | Export::SvgAsSeen => {
                self.making.as_seen = export == Export::SvgAsSeen;
                self.ask_path(ctx, Purpose::Svg(kind));
            }
            Export::Film => self.ask_film(ctx, Some(kind)),
        }
    }

    /// Takes a picture of a pane, if it is visible.
    pub(super) fn take_picture(&mut self, ctx: &Context, kind: PaneKind, goal: Goal) {
        match self.showing.layout.rect_of(kind) {
            Some(part) => self.making.pictures.take(ctx, goal, Some(part)),
            None => self.not_seen(kind),
        }
    }

    /// Tells that a pane is hidden, so it can't be drawn.
    fn not_seen(&mut self, kind: PaneKind) {
        self.lab.tell(Level::Warning, format!("{} is hidden behind another pane: show it first", kind.name()));
    }

    /// Saves the next frame of a pane as a drawing at this path.
    pub(super) fn draw_to(&mut self, ctx: &Context, kind: PaneKind, path: PathBuf) {
        if self.showing.layout.rect_of(kind).is_none() {
            return self.not_seen(kind);
        }
        self.making.drawing = Some((kind, path));
        self.link.bare = true;
        ctx.request_repaint();
    }

    /// Call once the panes are painted: makes the drawing that was asked for from the shapes in this frame.
    pub(super) fn take_drawing(&mut self, ctx: &Context, theme: &Theme) {
        let Some((kind, path)) = self.making.drawing.take() else { return };
        self.link.bare = self.showing.is_bare();
        ctx.request_repaint();
        let Some(part) = self.showing.layout.rect_of(kind) else { return };
        let (theme, part, shapes, images) = if theme.dark && !self.making.as_seen {
            let (shapes, images) = self.on_paper(ctx, kind, part.size());
            (&LIGHT, Rect::from_min_size(Pos2::ZERO, part.size()), shapes, images)
        } else {
            let painted = ctx.graphics(|g| {
                g.get(LayerId::background()).map(|list| list.all_entries().cloned().collect()).unwrap_or_default()
            });
            (theme, part, painted, images(ctx))
        };
        let (run, step) = (&self.lab.document().title, self.lab.snapshot().step);
        let title = format!("{} – {run}, step {step}", kind.name());
        let caption = Some(Caption::of(&self.lab, theme));
        let drawing = Drawing { shapes, part, ground: theme.pane, title, caption, images };
        self.making.pictures.work(ctx, move || {
            atomic::write(&path, drawing.text().as_bytes()).map_err(|e| e.to_string())?;
            Ok(format!("Saved {}", path.display()))
        });
    }

    /// Draws a pane again in the light theme, in a context of its own. Returns the shapes that were painted and the pixels of their textures.
    fn on_paper(&mut self, ctx: &Context, kind: PaneKind, size: Vec2) -> (Vec<ClippedShape>, Images) {
        let paper = Context::default();
        style::install(&paper);
        paper.set_theme(egui::Theme::Light);
        let input = RawInput { screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)), ..RawInput::default() };
        let bare = std::mem::replace(&mut self.link.bare, true);
        self.link.begin_frame();
        let mut shapes = vec![];
        // A pane measures itself in the first frames.
        for _ in 0..PASSES {
            let mut output = paper.run_ui(input.clone(), |ui| {
                let mut cx = PaneContext { lab: &mut self.lab, link: &mut self.link, theme: &LIGHT };
                frame::show(ui, self.showing.panes.get(kind), &mut cx, false);
            });
            // The textures of glyphs are not needed: text stays text in the drawing.
            output.textures_delta.clear();
            shapes = output.shapes;
        }
        self.link.bare = bare;
        // Textures that were not drawn again keep their pixels from the window.
        let mut pixels = images(ctx);
        pixels.extend(images(&paper));
        (shapes, pixels)
    }

    /// Opens the dialog of a film, of one pane or of the window.
    fn ask_film(&mut self, ctx: &Context, pane: Option<PaneKind>) {
        if self.making.filming.is_some() || self.making.asked.is_some() {
            return self.lab.tell(Level::Info, "A film is being made. Wait for it, or cancel it, before the next");
        }
        let size = ctx.content_rect().size() * ctx.pixels_per_point();
        let window = (size.x.round() as u32, size.y.round() as u32);
        self.making.dialog = Some(FilmDialog::new(self.lab.first_step(), self.lab.snapshot().head, pane, window));
    }

    /// Asks the lab for a copy of the run, to film it to this path.
    pub(super) fn film_to(&mut self, path: PathBuf) {
        if let Some(film) = self.making.wanted.take() {
            self.making.asked = Some((film, path));
            self.lab.ask_copy();
        }
    }

    /// Takes what was finished on other threads: pictures, the copy of a run, a film. Call once per frame.
    pub(super) fn poll_making(&mut self, ctx: &Context) {
        while let Some(outcome) = self.making.pictures.poll() {
            match outcome {
                Ok(text) => self.lab.tell(Level::Success, text),
                Err(text) => self.lab.tell(Level::Error, text),
            }
        }
        if let Some((mut document, start)) = self.lab.take_copy()
            && let Some((mut film, path)) = self.making.asked.take()
        {
            // The film shows the window as it is now, whatever view the scenario asks for.
            let mut view = self.view();
            if !self.showing.views.is_on() {
                film.setting.window.panes = Some(self.showing.layout.tree().clone());
                (view.columns, view.widths) = Default::default();
            }
            document.view = Some(view);
            let (wake, file) = (ctx.clone(), path.clone());
            let examined = self.lab.examined().cloned();
            let work = move |progress: &Progress| {
                let lab = Lab::beside(document, start).map_err(|e| e.to_string())?.with_recording(examined.clone());
                film.make::<App>(lab, &file, |share| {
                    progress.set(share);
                    !progress.cancelled()
                })
            };
            match Job::spawn(named(&path), Arc::new(move || wake.request_repaint()), work) {
                Ok(job) => self.making.filming = Some((job, path)),
                Err(e) => self.lab.tell(Level::Error, format!("The film can't be made now: {e}")),
            }
        }
        let Some((job, path)) = &self.making.filming else { return };
        let (name, cancelled) = (path.display(), job.progress.cancelled());
        let (level, text) = match job.poll() {
            Ok(None) => return,
            Ok(Some(Ok(made))) => {
                (Level::Success, format!("Saved {name}: {} frames, {}", made.frames, size_of(made.bytes)))
            }
            Ok(Some(Err(_))) if cancelled => (Level::Info, format!("{name} was not made")),
            Ok(Some(Err(why))) => (Level::Error, format!("{name} was not made: {why}")),
            Err(died) => (Level::Error, format!("{name} was not made: {died}")),
        };
        self.making.filming = None;
        self.lab.tell(level, text);
    }

    /// Draws the dialog and the progress of a film.
    pub(super) fn show_making(&mut self, ui: &mut Ui, theme: &Theme) {
        if let Some(mut dialog) = self.making.dialog.take() {
            match dialog.show(ui, theme) {
                Outcome::Open => self.making.dialog = Some(dialog),
                Outcome::Closed => {}
                Outcome::Chosen(film) => {
                    self.ask_path(ui.ctx(), Purpose::Film(film.format));
                    self.making.wanted = Some(*film);
                }
            }
        }
        let above = if self.lab.job().is_some() { 48.0 } else { 0.0 };
        if let Some((job, _)) = &self.making.filming {
            let bar = ProgressBar { id: "film", name: &job.name, share: job.progress.share(), above };
            if bar.show(ui, theme) {
                job.cancel();
            }
        }
    }
}

/// The name of a film's work, for its bar of progress.
fn named(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let what = if Format::of(path) == Some(Format::Pngs) { "pictures in " } else { "" };
    format!("Filming {what}{name}")
}
