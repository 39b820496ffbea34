//! The welcome: a card for every scenario that ships, in groups that can be searched. The run behind it is paused until it closes.

use crate::ui::actions::Action;
use crate::ui::ask::Ask;
use crate::ui::help::lesson::contents;
use crate::ui::kit::glossary::terms;
use crate::ui::kit::icon::mark;
use crate::ui::kit::matching::plain;
use crate::ui::kit::style::{SMALL, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::primary;
use crate::ui::kit::widgets::search::search_first;
use eframe::egui::{
    self, Align, Button, Color32, ColorImage, CornerRadius, Frame, Key, Layout, Margin, Modal, Modifiers, Rect,
    RichText, ScrollArea, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, pos2, vec2,
};
use moebias_files::Scenario;
use moebias_files::shipped::{self, shipped};
use moebias_lab::command::LessonDo;
use moebias_lab::lesson::Shelf;
use std::path::PathBuf;
use std::sync::OnceLock;
use strum::IntoEnumIterator as _;

/// Least width of a card, points.
const NARROWEST: f32 = 200.0;
/// Most width of four cards with their gaps, points: longer lines would be hard to read.
const WIDEST: f32 = 4.0 * (226.0 + GAP) - GAP;
/// Height of a card, points.
const CARD_HEIGHT: f32 = 140.0;
/// Height of its picture, points.
const PICTURE: f32 = 66.0;
/// Gap between cards, points.
const GAP: f32 = 12.0;
/// How many recent files are shown.
const RECENT: usize = 4;
/// Least distance of the dialog from the window's edges, points.
const MARGIN: f32 = 16.0;
/// Least height of the part that scrolls, points.
const LOWEST: f32 = 80.0;
/// In a window lower than this, points, the invitation to the lessons scrolls with the cards.
const LOW: f32 = 560.0;

/// How scenarios are grouped, in the order in which they are best read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::Display)]
pub enum Group {
    /// For a first hour.
    Begin,
    /// How biases move, and what else balances.
    #[strum(to_string = "Balancing rules")]
    Rules,
    /// How tokens choose experts.
    Routers,
    /// Recorded and published models.
    #[strum(to_string = "Real models")]
    Models,
    /// The price view.
    Theory,
}

impl Group {
    /// The group of a shipped scenario; `None` if it was given none.
    fn of(id: &str) -> Option<Self> {
        Some(match id {
            "first-look" | "microscope" | "step-too-small" | "step-too-large" | "skew" | "top-k"
            | "drifting-topics" | "bursts" => Self::Begin,
            "sign-and-proportional"
            | "four-rules"
            | "shrinking-step"
            | "freezing"
            | "quantile-balancing"
            | "assignment-methods"
            | "auxiliary-loss-dilemma"
            | "learning-step-sizes" => Self::Rules,
            "softmax-gate" | "expert-groups" | "capacity" | "dynamic-k" | "expert-choice" => Self::Routers,
            "real-model" | "real-model-rules" | "published-models" | "learned-bias" => Self::Models,
            "fixed-batch" | "price-view" | "band" => Self::Theory,
            _ => return None,
        })
    }
}

/// The card of a shipped scenario.
#[derive(Debug)]
pub struct Card {
    /// Its id.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// Its summary, one line.
    pub summary: String,
    /// What to look for.
    pub look_for: String,
    /// Its group.
    pub group: Group,
    /// The text that it is found by, as [`plain`] writes it.
    words: String,
}

impl Card {
    fn new(id: &'static str, told: &Scenario) -> Self {
        let mut words = vec![told.title.clone(), told.summary.clone(), told.look_for.clone()];
        for v in &told.variants {
            words.push(format!("{} · {} · {} gate", v.name, v.balancer.rule.title(), v.router.gate.title()));
        }
        let said = format!(" {} ", plain(&words.join(" ")));
        // If it mentions a term under one of its names, it is found by the term's own name as well.
        let speaks_of = |name: &str| said.contains(&format!(" {} ", plain(name)));
        let spoken = terms().iter().filter(|t| std::iter::once(t.name).chain(t.also.iter().copied()).any(speaks_of));
        let known: Vec<String> = spoken.map(|t| plain(t.name)).collect();
        let (title, summary, look_for) = (told.title.clone(), told.summary.clone(), told.look_for.clone());
        let group = Group::of(id).unwrap_or(Group::Begin);
        Self { id, title, summary, look_for, group, words: format!("{said}{}", known.join(" ")) }
    }

    /// Whether the card contains every word that was typed, in any order.
    fn fits(&self, typed: &str) -> bool {
        plain(typed).split(' ').all(|word| self.words.contains(word))
    }
}

/// A card for every shipped scenario that can be read.
#[must_use]
pub fn cards() -> &'static [Card] {
    static CARDS: OnceLock<Vec<Card>> = OnceLock::new();
    CARDS.get_or_init(|| {
        let card = |s: &'static shipped::Shipped| match s.load() {
            Ok(loaded) => Some(Card::new(s.id, &loaded.scenario)),
            Err(e) => {
                log::error!("a shipped scenario can't be read: {e}");
                None
            }
        };
        shipped().iter().filter_map(card).collect()
    })
}

/// Pictures of the cards, in the colours of one theme.
#[derive(Default)]
pub struct Thumbnails {
    made_for: Option<bool>,
    textures: Vec<(&'static str, TextureHandle)>,
}

impl Thumbnails {
    /// The picture of a scenario in the theme's colours. The stored pictures show loads over time in grey: 0 is no load, 128 the fair share,
    /// 255 about twice the fair share.
    fn get(&mut self, ctx: &egui::Context, theme: &Theme, id: &str) -> Option<&TextureHandle> {
        if self.made_for != Some(theme.dark) {
            self.made_for = Some(theme.dark);
            self.textures = shipped()
                .iter()
                .filter_map(|s| {
                    let grey =
                        image::load_from_memory_with_format(s.thumbnail, image::ImageFormat::Png).ok()?.to_luma8();
                    let size = [grey.width() as usize, grey.height() as usize];
                    let pixels = grey.pixels().map(|p| theme.diverging((f32::from(p.0[0]) - 128.0) / 127.0)).collect();
                    let image = ColorImage::new(size, pixels);
                    Some((s.id, ctx.load_texture(s.id, image, TextureOptions::LINEAR)))
                })
                .collect();
        }
        self.textures.iter().find(|(i, _)| *i == id).map(|(_, t)| t)
    }
}

/// What the welcome remembers while it is open.
#[derive(Default)]
pub struct Welcome {
    typed: String,
    thumbnails: Thumbnails,
    /// Height of everything but the part that scrolls, in the last frame, points.
    around: f32,
    /// Height of the whole content of the part that scrolls, when nothing was searched for, points.
    whole: f32,
    /// Where the dialog stood in the last frame.
    stood: Option<Rect>,
}

/// What the welcome shows beside the cards.
pub struct Around<'a> {
    /// The title of the run behind it.
    pub running: &'a str,
    /// Whether that run has done any steps.
    pub begun: bool,
    /// How far lessons were read.
    pub shelf: &'a Shelf,
    /// Files opened or saved lately, newest first.
    pub recent: &'a [PathBuf],
}

impl Welcome {
    /// Call when it opens: clears the search.
    pub fn open(&mut self) {
        self.typed.clear();
    }

    /// Draws the welcome. False once it is to close.
    pub fn show(&mut self, ui: &mut Ui, around: &Around<'_>, asks: &mut Vec<Ask>, theme: &Theme) -> bool {
        let screen = ui.ctx().content_rect();
        let low = screen.height() < LOW;
        let inner = if low { 14 } else { 22 };
        let frame = Frame::popup(ui.style()).fill(theme.panel).corner_radius(12).inner_margin(Margin::same(inner));
        let outside = 2.0 * MARGIN + frame.total_margin().sum().x;
        let width = (screen.width() - outside).clamp(NARROWEST, WIDEST);
        let modal = Modal::new(egui::Id::unique("welcome"))
            .backdrop_color(Color32::from_black_alpha(if theme.dark { 120 } else { 70 }))
            .frame(frame)
            .show(ui.ctx(), |ui| {
                let before = asks.len();
                ui.set_width(width);
                let top = ui.cursor().top();
                let entered = self.head(ui, theme);
                ui.add_space(if low { 4.0 } else { 12.0 });
                if !low {
                    invite(ui, around, asks, theme);
                    ui.add_space(8.0);
                }
                let found = self.found();
                let room = (screen.height() - outside - self.around).max(LOWEST);
                // The height stays the same while the person searches, so that nothing moves under the pointer.
                let height = if self.whole > 0.0 { room.min(self.whole) } else { room };
                let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink(false);
                let scrolled = area.show(ui, |ui| {
                    if low {
                        invite(ui, around, asks, theme);
                        ui.add_space(8.0);
                    }
                    self.groups(ui, &found, around, asks, theme);
                    crate::ui::kit::focus::follow(ui);
                });
                let searched = !self.typed.trim().is_empty();
                if !searched {
                    self.whole = scrolled.content_size.y;
                }
                ui.add_space(8.0);
                let first = found.first().filter(|_| searched);
                let chosen = foot(ui, around, first.map(|c| c.title.as_str()), asks, theme);
                self.around = ui.min_rect().bottom() - top - scrolled.inner_rect.height();
                if let Some(card) = first.filter(|_| entered || chosen) {
                    asks.push(Ask::OpenShipped(card.id));
                }
                asks.len() > before || chosen
            });
        if self.stood.replace(modal.response.rect) != Some(modal.response.rect) {
            // egui places the dialog by its size in the frame before, so one more frame is needed.
            ui.ctx().request_repaint();
        }
        !modal.inner && !modal.should_close()
    }

    /// The cards that match what was typed, in the order in which they are shown.
    fn found(&self) -> Vec<&'static Card> {
        let of = |group| cards().iter().filter(move |c: &&Card| c.group == group);
        Group::iter().flat_map(of).filter(|c| c.fits(&self.typed)).collect()
    }

    /// Draws the head: name, one sentence, and the search field. True if Enter chose the first card found.
    fn head(&mut self, ui: &mut Ui, theme: &Theme) -> bool {
        ui.horizontal(|ui| {
            mark(ui, 44.0);
            ui.add_space(4.0);
            let field = 230.0_f32.min(ui.available_width() * 0.4);
            ui.allocate_ui(vec2(ui.available_width() - field - 16.0, 44.0), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(ui.available_width());
                    ui.label(RichText::new("Moebias").font(semibold(20.0)).color(theme.text));
                    let words = "Watch a Mixture-of-Experts router balance itself. Choose a scenario, change a slider, see why.";
                    ui.add(egui::Label::new(RichText::new(words).color(theme.dim)).truncate());
                });
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.allocate_ui(vec2(field, 30.0), |ui| {
                    let response = search_first(ui, &mut self.typed, "Search scenarios");
                    let searched = !self.typed.trim().is_empty();
                    // While nothing is typed, Enter presses the main button.
                    response.lost_focus() && searched && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter))
                })
                .inner
            })
            .inner
        })
        .inner
    }

    /// Draws the cards that were found, group by group.
    fn groups(
        &mut self,
        ui: &mut Ui,
        found: &[&'static Card],
        around: &Around<'_>,
        asks: &mut Vec<Ask>,
        theme: &Theme,
    ) {
        let columns = Columns::in_width(ui.available_width());
        if self.typed.trim().is_empty() {
            recent(ui, around.recent, columns, asks, theme);
        }
        for of in found.chunk_by(|a, b| a.group == b.group) {
            heading(ui, &of[0].group.to_string(), theme);
            for row in of.chunks(columns.count) {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = GAP;
                    for card in row {
                        if draw(ui, card, columns.width, &mut self.thumbnails, theme) {
                            asks.push(Ask::OpenShipped(card.id));
                        }
                    }
                });
                ui.add_space(8.0);
            }
        }
        if found.is_empty() {
            let words =
                format!("No scenario mentions “{}”. Ctrl+P searches settings and commands too.", self.typed.trim());
            ui.add(egui::Label::new(RichText::new(words).color(theme.dim)).wrap());
        }
    }
}

/// The columns in which cards stand.
#[derive(Clone, Copy)]
struct Columns {
    count: usize,
    /// Width of a card, points.
    width: f32,
}

impl Columns {
    /// As many columns as have room, at least 1 and at most 4.
    fn in_width(room: f32) -> Self {
        let count = (((room + GAP) / (NARROWEST + GAP)) as usize).clamp(1, 4);
        Self { count, width: ((room + GAP) / count as f32 - GAP).floor() }
    }
}

fn heading(ui: &mut Ui, words: &str, theme: &Theme) {
    ui.label(RichText::new(words).font(semibold(SMALL)).color(theme.dim));
    ui.add_space(2.0);
}

/// Draws the invitation to the lessons, and a button that continues the lesson that was begun.
fn invite(ui: &mut Ui, around: &Around<'_>, asks: &mut Vec<Ask>, theme: &Theme) {
    if contents::invitation(ui, around.shelf, theme) {
        asks.push(Ask::Do(Action::Lessons));
    }
    let Some((lesson, page)) = contents::next(around.shelf).filter(|(_, page)| *page > 0) else { return };
    ui.add_space(6.0);
    let words = format!("Continue the lesson “{}”, page {}", lesson.title, page + 1);
    if ui.add(Button::new(words).min_size(vec2(0.0, 28.0))).clicked() {
        asks.push(Ask::Lesson(LessonDo::Open(lesson.id.into())));
    }
}

/// Draws the files opened or saved lately, in the columns of the cards.
fn recent(ui: &mut Ui, recent: &[PathBuf], columns: Columns, asks: &mut Vec<Ask>, theme: &Theme) {
    if recent.is_empty() {
        return;
    }
    heading(ui, "Recent files", theme);
    for row in recent[..recent.len().min(RECENT)].chunks(columns.count) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for path in row {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                let button = Button::new(RichText::new(name).font(text(SMALL))).truncate();
                let response = ui.add_sized(vec2(columns.width, 28.0), button);
                if response.on_hover_text(path.display().to_string()).clicked() {
                    asks.push(Ask::Open(path.clone()));
                }
            }
        });
    }
    ui.add_space(8.0);
}

/// Draws the button that opens a file, and the main button, which opens the first card found, or else closes the welcome.
/// True if the main button was pressed.
fn foot(ui: &mut Ui, around: &Around<'_>, found: Option<&str>, asks: &mut Vec<Ask>, theme: &Theme) -> bool {
    const OPEN: &str = "Open a file…";
    const DROP: &str = "or drop a scenario, a recording or a trace on the window";
    let wide = |ui: &Ui, words: &str, font| {
        let padding = 2.0 * ui.spacing().button_padding.x + ui.spacing().item_spacing.x;
        ui.painter().layout_no_wrap(words.to_owned(), font, theme.text).size().x + padding
    };
    let body = || egui::TextStyle::Button.resolve(ui.style());
    let (verb, title) = match found {
        Some(title) => ("Open", title),
        None if around.begun => ("Continue with", around.running),
        None => ("Begin with", around.running),
    };
    let (room, open) = (ui.available_width(), wide(ui, OPEN, body()));
    // If both have no room side by side, each has a line of its own; a title that is too long even for that is shortened.
    let stacked = open + wide(ui, &format!("{verb} “{title}”"), body()) > room;
    let left = room - wide(ui, &format!("{verb} “”"), body());
    let title = crate::ui::kit::words::ended(title, left, |w| wide(ui, w, body()));
    let words = format!("{verb} “{title}”");
    let hint = room - open - wide(ui, &words, body()) > wide(ui, DROP, text(SMALL));
    if stacked {
        let pressed = ui.vertical_centered_justified(|ui| primary(ui, theme, &words, 28.0)).inner;
        let file = ui.vertical_centered_justified(|ui| ui.add(Button::new(OPEN).min_size(vec2(0.0, 28.0)))).inner;
        if file.clicked() {
            asks.push(Ask::Do(Action::Open));
        }
        return pressed;
    }
    ui.horizontal(|ui| {
        if ui.add(Button::new(OPEN).min_size(vec2(0.0, 28.0))).clicked() {
            asks.push(Ask::Do(Action::Open));
        }
        if hint {
            ui.label(RichText::new(DROP).font(text(SMALL)).color(theme.dim));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| primary(ui, theme, &words, 28.0)).inner
    })
    .inner
}

/// Draws a card. True if it was clicked.
fn draw(ui: &mut Ui, card: &Card, width: f32, thumbnails: &mut Thumbnails, theme: &Theme) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(width, CARD_HEIGHT), Sense::click());
    let name = format!("{}: {}", card.title, card.summary);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    let hot = ui.ctx().animate_bool_with_time(response.id, response.hovered() || response.has_focus(), 0.14);
    let painter = ui.painter();
    let line = Theme::mix(theme.line, theme.accent, hot);
    painter.rect(rect, CornerRadius::same(8), theme.pane, Stroke::new(1.0, line), StrokeKind::Inside);
    let picture = Rect::from_min_size(rect.min + vec2(1.0, 1.0), vec2(width - 2.0, PICTURE));
    let rounded = CornerRadius { nw: 7, ne: 7, sw: 0, se: 0 };
    painter.rect_filled(picture, rounded, theme.diverging(0.0));
    if let Some(texture) = thumbnails.get(ui.ctx(), theme, card.id) {
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let image = egui::epaint::RectShape::filled(picture, rounded, Color32::WHITE).with_texture(texture.id(), uv);
        painter.add(image);
    }
    let left = rect.left() + 12.0;
    let width = width - 24.0;
    let title = painter.layout(card.title.clone(), semibold(13.0), theme.text, width);
    let mut y = picture.bottom() + 10.0;
    let height = title.size().y;
    painter.galley(pos2(left, y), title, theme.text);
    y += height + 4.0;
    let mut job = egui::text::LayoutJob::simple(card.summary.clone(), text(SMALL), theme.dim, width);
    job.wrap.max_rows = ((rect.bottom() - 10.0 - y) / 15.0).max(1.0) as usize;
    painter.galley(pos2(left, y), painter.layout_job(job), theme.dim);
    response.on_hover_text(&card.look_for).clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_has_its_place_and_a_picture() {
        for s in shipped() {
            assert!(Group::of(s.id).is_some(), "{} stands in no group of the welcome", s.id);
            let picture = image::load_from_memory_with_format(s.thumbnail, image::ImageFormat::Png).unwrap().to_luma8();
            let first = picture.get_pixel(0, 0);
            let other = picture.pixels().filter(|p| *p != first).count();
            assert!(other > 500, "the picture of {} is blank", s.id);
        }
        for group in Group::iter() {
            assert!(cards().iter().filter(|c| c.group == group).count() >= 3, "{group}");
        }
    }

    #[test]
    fn cards_are_found_by_title_summary_rule_and_term() {
        let found = |typed: &str| -> Vec<&str> { cards().iter().filter(|c| c.fits(typed)).map(|c| c.id).collect() };
        assert!(found("a first look").contains(&"first-look"));
        assert!(found("quantile").contains(&"quantile-balancing"));
        assert!(found("sinkhorn").contains(&"assignment-methods"));
        assert!(found("softmax").contains(&"softmax-gate"));
        assert!(found("dual price").contains(&"price-view"));
        assert!(found("DeepSeek").contains(&"published-models"));
        assert!(found("kiwi").is_empty());
        assert_eq!(found("").len(), cards().len());
    }
}
