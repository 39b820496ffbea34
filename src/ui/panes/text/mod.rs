//! The tokens of a step as text: which experts each word goes to.

mod below;
mod colours;
mod page;

use super::shared::frame::{message, mode};
use super::shared::{describe, of_several};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::actions::Action;
use crate::ui::kit::style::{SMALL, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::icon_button;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{self, Rangef, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, vec2};
use egui_material_icons::icons::{ICON_CHEVRON_LEFT, ICON_CHEVRON_RIGHT};
use moebias_engine::routes::{MOST_TOKENS, Routes, RoutesRequest};
use moebias_engine::view::Rows;
use moebias_lab::command::Command;
use moebias_lab::words::Words;
use moebias_recordings::{Vocabulary, vocabulary};
use page::{Page, Source, Span};
use std::sync::Arc;
use strum::IntoEnumIterator as _;

/// Room between the lines of text and the scroll bar, points.
const RIGHT: f32 = 14.0;
/// How much of the ground covers words that do not use the expert pointed at.
const VEIL: f32 = 0.74;

/// What the colours of words show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumIter)]
pub(super) enum Colouring {
    /// The first expert.
    #[default]
    Expert,
    /// The load of the first expert.
    Load,
    /// Whether the bias moved the token.
    Moved,
}

impl Colouring {
    fn name(self) -> &'static str {
        match self {
            Self::Expert => "First expert",
            Self::Load => "Load",
            Self::Moved => "Moved by bias",
        }
    }

    fn tip(self) -> &'static str {
        match self {
            Self::Expert => "A colour per expert: words of one colour go to the same expert first",
            Self::Load => "The load of the word’s first expert: orange above the fair share, blue below",
            Self::Moved => "Orange: words with an expert that they would not have without the bias",
        }
    }
}

/// The pane.
#[derive(Default)]
pub struct TextPane {
    colouring: Colouring,
    /// The first token shown.
    first: u32,
    page: Option<Page>,
    /// The token under the pointer in this pane, as of the last frame.
    pointed: Option<u32>,
    /// Where the text begins on the screen, as of the last frame.
    corner: egui::Vec2,
}

/// What is drawn.
struct Shown<'a> {
    routes: &'a Routes,
    words: &'a Vocabulary,
    colouring: Colouring,
}

impl TextPane {
    /// Why there is no text, in a sentence.
    fn missing(cx: &mut PaneContext<'_>) -> Option<String> {
        let Some(trace) = cx.lab.snapshot().trace.clone() else {
            return Some(
                "These tokens are random vectors, not text.\nOpen a recording with token ids to read its tokens."
                    .into(),
            );
        };
        if trace.token_ids.is_empty() {
            return Some("This recording has no token ids, so its tokens can’t be shown as text.".into());
        }
        match cx.lab.words() {
            Words::Known(_) => None,
            Words::Reading => Some("The vocabulary is being read".into()),
            Words::Failed(why) => Some(why),
            Words::Missing => {
                let [most, last] = [&vocabulary::FILES[..2], &vocabulary::FILES[2..]].map(|f| f.join(", "));
                Some(format!(
                    "This recording has token ids, but nothing says which words they are.\nPut the model’s {most} or {last} into its folder and open it again."
                ))
            }
        }
    }

    /// Without scores nothing is moved by a bias.
    fn colouring(&self, cx: &PaneContext<'_>) -> Colouring {
        if cx.lab.snapshot().has_scores() || self.colouring != Colouring::Moved {
            self.colouring
        } else {
            Colouring::default()
        }
    }

    fn choices(cx: &PaneContext<'_>) -> Vec<Colouring> {
        let scored = cx.lab.snapshot().has_scores();
        Colouring::iter().filter(|c| scored || *c != Colouring::Moved).collect()
    }

    /// The page of these tokens, laid out only if it is another one than before.
    fn page(&mut self, ui: &Ui, theme: &Theme, words: Arc<Vocabulary>, ids: &[i64], width: f32) -> &Page {
        let scale = ui.ctx().pixels_per_point();
        let same = |p: &Page| {
            Arc::ptr_eq(&p.of.words, &words)
                && p.of.ids == ids
                && (p.of.width, p.of.scale, p.of.dark) == (width, scale, theme.dark)
        };
        let kept = self.page.take().filter(same);
        self.page.insert(kept.unwrap_or_else(|| {
            let source = Source { words, ids: ids.to_vec(), width, scale, dark: theme.dark };
            Page::new(ui, theme, source)
        }))
    }

    fn point(&mut self, cx: &mut PaneContext<'_>, response: &egui::Response, routes: &Routes, token: Option<usize>) {
        self.pointed = token.map(|t| routes.first + t as u32);
        let Some(token) = self.pointed else { return };
        let experts: Vec<usize> =
            routes.of_token(token).unwrap_or_default().iter().map(|c| usize::from(c.expert)).collect();
        cx.link.hover_experts(&experts);
        let picture = &cx.lab.snapshot().picture;
        let same = picture.request.rows == Rows::Batch && picture.per_row == 1 && picture.step == routes.step;
        if let Some(row) = picture.tokens.iter().position(|t| t.index == token).filter(|_| same) {
            cx.link.hover_token(row);
        }
        if response.double_clicked() {
            cx.link.pinned_token = Some(token);
            cx.link.asked.push(Action::ShowMicroscope);
        } else if response.clicked() {
            cx.link.pinned_token = Some(token).filter(|t| cx.link.pinned_token != Some(*t));
        }
    }
}

impl Pane for TextPane {
    fn kind(&self) -> PaneKind {
        PaneKind::Text
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let Some(routes) = cx.lab.snapshot().routes.as_ref().filter(|r| !r.ids.is_empty()) else {
            return "the words of recorded tokens".into();
        };
        let whole = |n: u32| figure(f64::from(n), true);
        let step = figure(routes.step as f64, true);
        let step = if routes.ahead { format!("nothing routed yet: next step {step}") } else { format!("step {step}") };
        let shown = routes.ids.len() as u32;
        if shown == routes.batch {
            return format!("{step} · {} tokens", whole(shown));
        }
        let last = routes.first + shown.max(1) - 1;
        format!("{step} · tokens {} to {} of {}", whole(routes.first), whole(last), whole(routes.batch))
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_several(cx)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let Some(routes) = cx.lab.snapshot().routes.clone().filter(|r| !r.ids.is_empty()) else { return };
        let (theme, colouring) = (cx.theme, self.colouring(cx));
        if routes.batch > MOST_TOKENS {
            let last = (routes.batch - 1) / MOST_TOKENS * MOST_TOKENS;
            let tip = "Other tokens of the batch";
            if icon_button(ui, theme, ICON_CHEVRON_RIGHT, 15.0, routes.first < last, "Next tokens", tip).clicked() {
                self.first = routes.first + MOST_TOKENS;
            }
            if icon_button(ui, theme, ICON_CHEVRON_LEFT, 15.0, routes.first > 0, "Previous tokens", tip).clicked() {
                self.first = routes.first.saturating_sub(MOST_TOKENS);
            }
        }
        if ui.available_width() < 480.0 {
            let label = RichText::new(format!("{}  ▾", colouring.name())).font(text(SMALL)).color(theme.text);
            let button = ui.add(egui::Button::new(label).min_size(vec2(0.0, 22.0)));
            let name = format!("Colours show: {}", colouring.name());
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
            egui::Popup::menu(&button).show(|ui| {
                for c in Self::choices(cx) {
                    if ui.selectable_label(colouring == c, c.name()).on_hover_text(c.tip()).clicked() {
                        self.colouring = c;
                    }
                }
            });
            return;
        }
        for c in Self::choices(cx).into_iter().rev() {
            if mode(ui, theme, c.name(), colouring == c, c.tip()) {
                self.colouring = c;
            }
        }
    }

    fn help(&self) -> &'static str {
        "The tokens of the step that all panes show, as text. Colours show the expert that a token wants most, how loaded that expert is, or \
         which tokens have an expert only because of the bias. Point at a word to light its experts up in every pane; point at an expert \
         in another pane, or below the text, to see its words. Click a word to pin it, double-click to see it in the Microscope. ⏎ is a \
         line break, ⇥ a tab; bytes that are no text are shown as ‹E2 96›; · continues the character of the token before it. The words \
         come from tokenizer.json, vocab.json or vocabulary.json in the folder of the recording, or from the recording itself."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        if let Some(why) = Self::missing(cx) {
            return message(ui, cx.theme, &why);
        }
        let Words::Known(words) = cx.lab.words() else { return };
        let request = RoutesRequest { variant: cx.link.variant, first: self.first };
        let routes = cx.lab.snapshot().routes.clone();
        if routes.as_ref().is_none_or(|r| r.request != request) {
            // Asked for every frame until it is there.
            cx.lab.send(Command::SetRoutes(Some(request)));
        }
        let Some(routes) = routes.filter(|r| !r.ids.is_empty()) else {
            return message(ui, cx.theme, "Finding the experts of the tokens…");
        };
        let all = ui.max_rect();
        let low = all.height() < 3.0 * below::HEIGHT;
        let split = if low { all.bottom() } else { all.bottom() - below::HEIGHT };
        let (place, rest) = all.split_top_bottom_at_y(split);
        let colouring = self.colouring(cx);
        let mut content = ui.new_child(UiBuilder::new().max_rect(place.with_max_y(place.bottom() - 6.0)));
        self.scrolled(&mut content, cx, &routes, &words, colouring);
        if !low {
            let shown = Shown { routes: &routes, words: &words, colouring };
            let pinned = cx.link.pinned_token.filter(|t| routes.of_token(*t).is_some());
            below::show(ui, cx, rest, &shown, self.pointed.or(pinned));
        }
    }
}

impl TextPane {
    /// The text, which scrolls.
    fn scrolled(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneContext<'_>,
        routes: &Routes,
        words: &Arc<Vocabulary>,
        colouring: Colouring,
    ) {
        let width = (ui.available_width() - RIGHT).max(40.0).floor();
        let (pinned, pointed) = (cx.link.pinned_token, self.pointed);
        // What is pointed at here dims nothing.
        let expert = if pointed.is_some() { cx.link.pinned_expert } else { cx.link.expert() };
        ScrollArea::vertical().id_salt("text").auto_shrink(false).show_viewport(ui, |ui, viewport| {
            let theme = cx.theme;
            let page = self.page(ui, theme, Arc::clone(words), &routes.ids, width);
            let (rect, response) = ui.allocate_exact_size(vec2(width, page.galley.size().y), Sense::click());
            let painter = ui.painter();
            let origin = rect.min.to_vec2();
            let lines = page.within(Rangef::new(viewport.top(), viewport.bottom()));
            let chosen = |token: usize| routes.chosen.get(token).map_or(&[][..], Vec::as_slice);
            for line in lines {
                for span in &line.spans {
                    let ground = colours::ground(theme, colouring, routes, chosen(span.token));
                    if let Some(ground) = ground.filter(|_| span.ground.span() > 0.0) {
                        let area = line.rect(span.ground).translate(origin).shrink2(vec2(-1.0, 2.0));
                        painter.rect_filled(area, 3.0, ground);
                    }
                }
            }
            painter.galley(rect.min, Arc::clone(&page.galley), theme.text);
            for line in lines {
                let uses = |e: usize, s: &Span| chosen(s.token).iter().any(|c| usize::from(c.expert) == e);
                for x in expert.map(|e| line.runs(|s| !uses(e, s))).unwrap_or_default() {
                    painter.rect_filled(line.rect(x).translate(origin), 0.0, theme.pane.gamma_multiply(VEIL));
                }
                for span in &line.spans {
                    let token = Some(routes.first + span.token as u32);
                    if (token == pointed || token == pinned) && span.ground.span() > 0.0 {
                        let colour = if token == pointed { theme.text } else { theme.accent };
                        ring(painter, line.rect(span.ground).translate(origin), colour);
                    }
                }
            }
            let token = response.hover_pos().and_then(|p| page.token_at(p.x - origin.x, p.y - origin.y));
            self.corner = origin;
            describe(&response, self, cx);
            self.point(cx, &response, routes, token);
        });
    }
}

fn ring(painter: &egui::Painter, word: Rect, colour: egui::Color32) {
    painter.rect_stroke(word.shrink2(vec2(-1.5, 1.5)), 3.0, Stroke::new(1.0, colour), StrokeKind::Outside);
}

#[cfg(test)]
mod tests;
