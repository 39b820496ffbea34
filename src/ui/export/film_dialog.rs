//! The dialog for the settings of a film, which is shown before the path is chosen.

use crate::ui::export::film::Film;
use crate::ui::export::studio::Setting;
use crate::ui::kit::focus;
use crate::ui::kit::style::{SMALL, semibold, text};
use crate::ui::kit::theme::{ROW, Theme};
use crate::ui::kit::widgets::choice::{Item, choice};
use crate::ui::store::Stored;
use eframe::egui::{self, Button, DragValue, Frame, Layout, Margin, Modal, RichText, ScrollArea, Ui, vec2};
use moebias_files::film::{Format, MOST_STEP, RATES};
use moebias_files::view::PaneKind;
use strum::IntoEnumIterator as _;

/// A film has about this many frames by default: few enough for a slide.
const FRAMES: u64 = 240;
/// Height of everything around the rows, including the margins to the edges of the window, in points.
const AROUND: f32 = 210.0;
/// Sizes to choose from: width and height, in pixels.
const SIZES: [(u32, u32); 4] = [(800, 450), (1280, 720), (1920, 1080), (1080, 1080)];

/// The dialog while it is open.
pub struct FilmDialog {
    /// The first step of the run.
    first: u64,
    from: u64,
    to: u64,
    every: u64,
    fps: u32,
    size: (u32, u32),
    format: Format,
    /// Whether the film has the dark theme; `None`: that of the window.
    dark: Option<bool>,
    pane: Option<PaneKind>,
    /// Width and height of the window, in pixels.
    window: (u32, u32),
}

/// What became of the dialog in this frame.
pub enum Outcome {
    /// It is still open.
    Open,
    /// It was closed.
    Closed,
    /// This film was chosen.
    Chosen(Box<Film>),
}

impl FilmDialog {
    /// Opens the dialog for a run that begins at step `first` and has reached step `head`. `pane` is the pane to film, if it is only one;
    /// `window` is the size of the window in pixels.
    #[must_use]
    pub fn new(first: u64, head: u64, pane: Option<PaneKind>, window: (u32, u32)) -> Self {
        let to = if head <= first { first + 300 } else { head };
        let every = (to - first).div_ceil(FRAMES).max(1);
        // The film begins one step later, because before the first step there is nothing to show.
        Self {
            first,
            from: first + 1,
            to,
            every,
            fps: 20,
            size: SIZES[1],
            format: Format::Gif,
            dark: None,
            pane,
            window,
        }
    }

    /// The film with the chosen settings. `dark` is the theme of the window; `scale` is the number of pixels per point in the window.
    fn film(&self, dark: bool, scale: f32) -> Film {
        Film {
            from: self.from,
            to: self.to,
            every: self.every,
            fps: self.fps,
            format: self.format,
            setting: Setting {
                size: self.size,
                scale: if self.size == self.window { scale } else { 1.0 },
                dark: self.dark.unwrap_or(dark),
                pane: self.pane,
                window: Stored::default(),
                caption: true,
            },
        }
    }

    /// Draws the dialog.
    pub fn show(&mut self, ui: &mut Ui, theme: &Theme) -> Outcome {
        let mut outcome = Outcome::Open;
        let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(18));
        let modal = Modal::new(egui::Id::unique("film dialog")).frame(frame).show(ui.ctx(), |ui| {
            ui.set_width(430.0_f32.min(ui.ctx().content_rect().width() - 60.0));
            ui.label(RichText::new("Film of the run").font(semibold(15.0)));
            let hint = "The run is repeated beside the one you see and drawn step by step, with its title and a key. You can go on working meanwhile";
            ui.add(egui::Label::new(RichText::new(hint).font(text(SMALL)).color(theme.dim)).wrap());
            ui.add_space(8.0);
            // Only the rows scroll, so that everything above and below them stays visible in a low window.
            let room = (ui.ctx().content_rect().height() - AROUND).max(ROW);
            ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
                self.rows(ui, theme);
                focus::follow(ui);
            });
            ui.add_space(8.0);
            let film = self.film(theme.dark, ui.ctx().native_pixels_per_point().unwrap_or(1.0));
            let steps = film.steps();
            let (words, colour) = match &steps {
                Ok(steps) => (told(steps.len(), self.fps), theme.dim),
                Err(why) => (why.clone(), theme.over_text),
            };
            ui.add(egui::Label::new(RichText::new(words).font(text(SMALL)).color(colour)).wrap());
            ui.add_space(10.0);
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                let go = Button::new(if self.format == Format::Pngs { "Choose folder…" } else { "Choose file…" });
                if ui.add_enabled(steps.is_ok(), go.min_size(vec2(110.0, 28.0))).clicked() {
                    outcome = Outcome::Chosen(Box::new(film));
                }
                if ui.button("Cancel").clicked() {
                    outcome = Outcome::Closed;
                }
            });
        });
        if modal.should_close() && matches!(outcome, Outcome::Open) { Outcome::Closed } else { outcome }
    }

    fn rows(&mut self, ui: &mut Ui, theme: &Theme) {
        let panes = PaneKind::iter().map(|kind| Item::new(Some(kind), kind.name(), "Only this pane"));
        let whole = Item::new(None, "The window as it is now", "With its panes, without what is hidden");
        let shown: Vec<Item<Option<PaneKind>>> = std::iter::once(whole).chain(panes).collect();
        row(ui, theme, "Shows", |ui| {
            self.pane = choice(ui, theme, "Shows", "What is filmed", &self.pane, &shown).unwrap_or(self.pane);
        });
        row(ui, theme, "Steps", |ui| {
            whole_number(ui, "From step", &mut self.from, self.first, "");
            ui.label(RichText::new("to").font(text(SMALL)).color(theme.dim));
            whole_number(ui, "To step", &mut self.to, self.first, "");
            ui.label(RichText::new("every").font(text(SMALL)).color(theme.dim));
            whole_number(ui, "Steps per frame", &mut self.every, 1, "");
        });
        row(ui, theme, "Speed", |ui| {
            let field = DragValue::new(&mut self.fps).range(RATES).suffix(" frames/s");
            named(&ui.add_sized(vec2(120.0, ROW), field), "Frames per second");
        });
        let name = |(w, h): (u32, u32)| format!("{w} × {h}");
        let mut sizes: Vec<Item<(u32, u32)>> =
            SIZES.iter().map(|s| Item::new(*s, name(*s), "Width and height, pixels")).collect();
        if !SIZES.contains(&self.window) {
            sizes.push(Item::new(
                self.window,
                format!("As the window: {}", name(self.window)),
                "Pixels of this window",
            ));
        }
        row(ui, theme, "Size", |ui| {
            self.size = choice(ui, theme, "Size", "Width and height, pixels", &self.size, &sizes).unwrap_or(self.size);
        });
        let tip = |format| match format {
            Format::Gif => "Plays everywhere, with at most 255 colours per frame",
            Format::WebP => "Every pixel exactly, and small; for browsers and most slide programs",
            Format::Pngs => "A numbered file per frame in a folder, for editing elsewhere",
        };
        let formats: Vec<Item<Format>> = Format::iter().map(|f| Item::new(f, f.name(), tip(f))).collect();
        let themes = [
            Item::new(None, "As this window", "Dark or light, as the window is now"),
            Item::new(Some(false), "Light", "Dark on light, for paper and bright rooms"),
            Item::new(Some(true), "Dark", "Light on dark"),
        ];
        row(ui, theme, "Theme", |ui| {
            self.dark = choice(ui, theme, "Theme", "Dark or light", &self.dark, &themes).unwrap_or(self.dark);
        });
        row(ui, theme, "Format", |ui| {
            let tip = "The file format of the film";
            self.format = choice(ui, theme, "Format", tip, &self.format, &formats).unwrap_or(self.format);
        });
    }
}

/// The length of a film in words.
fn told(frames: usize, fps: u32) -> String {
    let seconds = frames as f64 / f64::from(fps.max(1));
    let frames = if frames == 1 { "1 frame".into() } else { format!("{frames} frames") };
    format!("{frames}, {seconds:.1} s")
}

fn row(ui: &mut Ui, theme: &Theme, name: &str, add: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), ROW + 4.0),
        Layout::left_to_right(egui::Align::Center),
        |ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(64.0, ROW), egui::Sense::hover());
            ui.painter().text(rect.left_center(), egui::Align2::LEFT_CENTER, name, text(13.0), theme.dim);
            add(ui);
        },
    );
}

fn whole_number(ui: &mut Ui, name: &str, value: &mut u64, least: u64, suffix: &str) {
    let speed = (*value as f64 * 0.01).max(0.2);
    let field = DragValue::new(value).range(least..=MOST_STEP).speed(speed).suffix(suffix);
    named(&ui.add_sized(vec2(84.0, ROW), field), name);
}

fn named(response: &egui::Response, name: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_of_a_long_run_takes_every_so_many_steps() {
        let late = FilmDialog::new(6_000, 8_400, None, (1440, 900));
        assert_eq!((late.from, late.to, late.every), (6_001, 8_400, 10), "from where a late recording begins");
        let film = FilmDialog::new(0, 24_000, None, (1440, 900)).film(true, 2.0);
        assert_eq!((film.to, film.every, film.steps().unwrap().len()), (24_000, 100, 241));
        assert_eq!(FilmDialog::new(0, 0, None, (1440, 900)).film(true, 1.0).steps().unwrap().len(), 151);
        let mut dialog = FilmDialog::new(0, 100, Some(PaneKind::Bias), (1440, 900));
        dialog.size = dialog.window;
        assert_eq!(dialog.film(false, 2.0).setting.scale, 2.0, "as sharp as the window");
        assert_eq!(told(101, 20), "101 frames, 5.0 s");
    }
}
