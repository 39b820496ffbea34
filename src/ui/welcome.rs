//! The welcome: a card for every scenario that ships, over the experiment that runs behind it.

use super::actions::Action;
use super::app::Ask;
use super::icon::mark;
use super::lesson::contents;
use super::style::{SMALL, semibold, text};
use super::theme::Theme;
use crate::lab::lesson::Shelf;
use crate::scenario::shipped::{self, shipped};
use eframe::egui::{
    self, Align, Color32, ColorImage, CornerRadius, Frame, Layout, Margin, Modal, Rect, RichText, ScrollArea, Sense,
    Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, pos2, vec2,
};
use std::sync::OnceLock;

/// Width of a card, points.
const CARD: f32 = 226.0;
/// Height of a card, points.
const CARD_HEIGHT: f32 = 140.0;
/// Height of its picture, points.
const PICTURE: f32 = 66.0;

/// A shipped scenario, as its card tells it.
#[derive(Debug)]
pub struct Card {
    /// Its id.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// One line.
    pub summary: String,
    /// What to look for.
    pub look_for: String,
}

/// A card for every shipped scenario that can be read.
#[must_use]
pub fn cards() -> &'static [Card] {
    static CARDS: OnceLock<Vec<Card>> = OnceLock::new();
    CARDS.get_or_init(|| {
        let card = |s: &'static shipped::Shipped| match s.load() {
            Ok(loaded) => {
                let told = loaded.scenario;
                Some(Card { id: s.id, title: told.title, summary: told.summary, look_for: told.look_for })
            }
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
    /// Colours the stored pictures of loads over time (128 is fair, 0 none, 255 twice fair).
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

/// Draws the welcome. False once it is to close.
pub fn show(
    ui: &mut Ui,
    thumbnails: &mut Thumbnails,
    running: &str,
    shelf: &Shelf,
    asks: &mut Vec<Ask>,
    theme: &Theme,
) -> bool {
    let mut open = true;
    let screen = ui.ctx().content_rect();
    let columns = (((screen.width() - 96.0) / (CARD + 12.0)) as usize).clamp(1, 4);
    let frame = Frame::popup(ui.style()).fill(theme.panel).corner_radius(12).inner_margin(Margin::same(22));
    let modal = Modal::new(egui::Id::unique("welcome"))
        .backdrop_color(Color32::from_black_alpha(if theme.dark { 120 } else { 70 }))
        .frame(frame)
        .show(ui.ctx(), |ui| {
            ui.set_width(columns as f32 * (CARD + 12.0) - 12.0);
            ui.horizontal(|ui| {
                mark(ui, 44.0);
                ui.add_space(4.0);
                ui.vertical(|ui| {
                    ui.label(RichText::new("Moebias").font(semibold(20.0)).color(theme.text));
                    let words = "Watch a Mixture-of-Experts router balance itself. Choose a scenario, change a slider, see why.";
                    ui.label(RichText::new(words).color(theme.dim));
                });
            });
            ui.add_space(14.0);
            if contents::invitation(ui, shelf, theme) {
                asks.push(Ask::Do(Action::Lessons));
                open = false;
            }
            ui.add_space(10.0);
            ScrollArea::vertical().max_height(screen.height() - 286.0).show(ui, |ui| {
                for row in cards().chunks(columns) {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 12.0;
                        for card in row {
                            if draw(ui, card, thumbnails, theme) {
                                asks.push(Ask::OpenShipped(card.id));
                                open = false;
                            }
                        }
                    });
                    ui.add_space(8.0);
                }
                super::focus::follow(ui);
            });
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                if ui.add(egui::Button::new("Open a file…").min_size(vec2(0.0, 28.0))).clicked() {
                    asks.push(Ask::Do(Action::Open));
                    open = false;
                }
                ui.label(RichText::new("or drop a scenario, a recording or a trace on the window").font(text(SMALL)).color(theme.dim));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let ink = if theme.dark { theme.window } else { theme.pane };
                    let words = RichText::new(format!("Continue with “{running}”")).color(ink);
                    if ui.add(egui::Button::new(words).fill(theme.accent).min_size(vec2(0.0, 28.0))).clicked() {
                        open = false;
                    }
                });
            });
        });
    open && !modal.should_close()
}

/// One card. True if it was clicked.
fn draw(ui: &mut Ui, card: &Card, thumbnails: &mut Thumbnails, theme: &Theme) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(CARD, CARD_HEIGHT), Sense::click());
    let name = format!("{}: {}", card.title, card.summary);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    let hot = ui.ctx().animate_bool_with_time(response.id, response.hovered() || response.has_focus(), 0.14);
    let painter = ui.painter();
    let line = Theme::mix(theme.line, theme.accent, hot);
    painter.rect(rect, CornerRadius::same(8), theme.pane, Stroke::new(1.0, line), StrokeKind::Inside);
    let picture = Rect::from_min_size(rect.min + vec2(1.0, 1.0), vec2(CARD - 2.0, PICTURE));
    let rounded = CornerRadius { nw: 7, ne: 7, sw: 0, se: 0 };
    painter.rect_filled(picture, rounded, theme.diverging(0.0));
    if let Some(texture) = thumbnails.get(ui.ctx(), theme, card.id) {
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let image = egui::epaint::RectShape::filled(picture, rounded, Color32::WHITE).with_texture(texture.id(), uv);
        painter.add(image);
    }
    let left = rect.left() + 12.0;
    let width = CARD - 24.0;
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
