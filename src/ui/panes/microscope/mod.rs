//! One step in detail: scores, + bias, top-K, counts, error, new bias. The numbers are the engine's own, stage by stage.

mod board;
mod draw;
mod player;
mod stepper;
mod words;

use super::assignment::facts::topic_name;
use super::shared::frame::message;
use super::shared::{describe, of_several};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::style::{SMALL, TINY, mono, text};
use crate::ui::kit::widgets::button::icon_button;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::kit::words::fitted;
use board::Board;
use draw::{Draw, Hot};
use eframe::egui::{self, Color32, Rect, RichText, Sense, Ui, pos2, vec2};
use egui_material_icons::icons::{ICON_CHEVRON_LEFT, ICON_CHEVRON_RIGHT};
use moebias_engine::microscope::{MOST_TOKENS, Microscope, MicroscopeRequest};
use moebias_lab::command::Command;
use player::{Player, Stage, Wish};
use strum::IntoEnumIterator as _;

/// Height of the text below, in points.
const WORDS: f32 = 50.0;
/// The speeds that can be chosen.
const SPEEDS: [f32; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// The pane.
#[derive(Debug, Default)]
pub struct MicroscopePane {
    player: Player,
    page: u32,
    /// What the pointer was on in the last frame.
    hot: Hot,
    /// The changes of the stage that keys requested since the last frame.
    asked: Vec<Turn>,
}

/// A change of the stage by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// To the next stage.
    Forward,
    /// To the previous stage.
    Back,
}

impl MicroscopePane {
    /// Requests a change of the stage; it happens when the pane is drawn next.
    pub fn turn(&mut self, turn: Turn) {
        self.asked.push(turn);
    }

    /// Whether the picture is moving: it is playing, or on the way to a stage that was chosen.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.player.moves()
    }

    fn wish(cx: &mut PaneContext<'_>, wish: Wish) {
        cx.lab.send(match wish {
            Wish::Next => Command::StepForward(1),
            Wish::Previous => Command::StepBack(1),
        });
    }

    /// Advances the picture by the time since the last frame, and requests another frame if something will move in it.
    fn advance(&mut self, ui: &Ui, cx: &mut PaneContext<'_>) {
        let mut wishes = vec![];
        for turn in std::mem::take(&mut self.asked) {
            wishes.extend(match turn {
                Turn::Forward => self.player.forward(),
                Turn::Back => self.player.back().filter(|_| cx.lab.snapshot().step > 1),
            });
        }
        // While the run plays, its newest step is shown complete.
        if cx.lab.snapshot().playing {
            self.player.stop();
        }
        if self.player.moves() {
            wishes.extend(self.player.tick(ui.input(|i| i.stable_dt).min(0.1)));
            ui.ctx().request_repaint();
        }
        wishes.into_iter().for_each(|w| Self::wish(cx, w));
    }

    /// The token and the expert in the formula: those pointed at, or else pinned, or else those of the closest decision.
    fn told(&self, view: &Microscope, cx: &PaneContext<'_>) -> Hot {
        let pinned = cx.link.pinned_token.and_then(|t| view.tokens.iter().position(|s| s.index == t));
        let row = self.hot.row.or(pinned).or_else(|| view.closest()).or((!view.tokens.is_empty()).then_some(0));
        let linked = cx.link.expert().and_then(|e| view.experts.iter().position(|x| *x == e));
        let last =
            row.and_then(|r| view.tokens[r].chosen.iter().rev().find_map(|e| view.experts.iter().position(|x| x == e)));
        Hot { row, column: self.hot.column.or(linked).or(last).or(Some(0)) }
    }

    fn point(&mut self, response: &egui::Response, cx: &mut PaneContext<'_>, view: &Microscope, board: &Board) {
        let at = response.hover_pos();
        self.hot = Hot { row: at.and_then(|p| board.row_at(p)), column: at.and_then(|p| board.column_at(p)) };
        let expert = self.hot.column.and_then(|c| view.experts.get(c).copied());
        if let Some(expert) = expert {
            cx.link.hover_expert(expert);
        }
        if response.clicked() {
            let token = self.hot.row.and_then(|r| view.tokens.get(r)).map(|t| t.index);
            let same = token == cx.link.pinned_token && expert == cx.link.pinned_expert;
            cx.link.pinned_token = token.filter(|_| !same);
            cx.link.pinned_expert = expert.filter(|_| !same);
        }
    }
}

impl Pane for MicroscopePane {
    fn kind(&self) -> PaneKind {
        PaneKind::Microscope
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let Some(view) = cx.lab.snapshot().microscope.as_ref().filter(|v| !v.tokens.is_empty()) else {
            return "one step, stage by stage".into();
        };
        let whole = |n: f64| figure(n, true);
        let part = |shown: usize, all: usize, what: &str| match shown == all {
            true => format!("all {} {what}", whole(all as f64)),
            false => format!("{} of {} {what}", whole(shown as f64), whole(all as f64)),
        };
        let tokens = part(view.tokens.len(), view.batch as usize, "tokens");
        let experts = part(view.experts.len(), view.came.len(), "experts");
        format!("step {} · {tokens} · {experts}", whole(view.step as f64))
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_several(cx)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let label = RichText::new(format!("{}×  ▾", self.player.speed)).font(text(SMALL)).color(cx.theme.text);
        let button =
            ui.add(egui::Button::new(label).min_size(vec2(0.0, 22.0))).on_hover_text("How fast the stages play");
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Speed of the stages"));
        egui::Popup::menu(&button).show(|ui| {
            for speed in SPEEDS {
                ui.radio_value(&mut self.player.speed, speed, format!("{speed}×"));
            }
        });
        let Some(view) = cx.lab.snapshot().microscope.clone().filter(|v| v.pages() > 1) else { return };
        let pages = view.pages();
        ui.spacing_mut().item_spacing.x = 0.0;
        let tip = "Other tokens of the batch";
        if icon_button(ui, cx.theme, ICON_CHEVRON_RIGHT, 15.0, true, "Next tokens", tip).clicked() {
            self.page = (self.page + 1) % pages;
        }
        if icon_button(ui, cx.theme, ICON_CHEVRON_LEFT, 15.0, true, "Previous tokens", tip).clicked() {
            self.page = (self.page + pages - 1) % pages;
        }
    }

    fn help(&self) -> &'static str {
        "The last step of the run, taken apart: the scores of each token, the bias added to them, the K largest of every row, \
         how many tokens each expert gets, how far that is from the mean, and what the balancer makes of it. These are the engine’s \
         own numbers of the step whose loads the other panes show. A token whose scores alone would send it to another expert goes there first and \
         from there, in orange, to where the bias sends it. Click a stage, drag along the line, or press [ and ]; beyond the last stage the \
         run does its step and the next one is shown. Point at a cell for its formula, click to pin it. Of a batch of more than 32 \
         tokens some are shown, evenly spaced; counts are of the whole batch."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let all = ui.max_rect();
        let (top, rest) = all.split_top_bottom_at_y(all.top() + stepper::HEIGHT);
        let snapshot = cx.lab.snapshot().clone();
        // The text has the same height in every stage, so that nothing jumps.
        let remarks = |v: &Microscope| Stage::iter().any(|s| words::remark(s, v).is_some());
        let remarks = snapshot.microscope.as_ref().is_some_and(|v| remarks(v));
        let words = if remarks { WORDS } else { WORDS - 15.0 };
        let place = Rect::from_min_max(rest.min + vec2(0.0, 6.0), rest.max - vec2(0.0, words + 4.0));
        let experts = snapshot.variants.get(cx.link.variant).map_or(0, |v| v.bias.len());
        let (tokens, columns) = board::room(place, snapshot.batch, experts, MOST_TOKENS);
        let (token, expert) = (cx.link.pinned_token, cx.link.pinned_expert);
        let variant = cx.link.variant;
        let request = MicroscopeRequest { variant, tokens, page: self.page, columns, token, expert };
        let view = snapshot.microscope.clone();
        if view.as_ref().is_none_or(|v| v.request != request) {
            // Requested in every frame until the worker has sent it.
            cx.lab.send(Command::SetMicroscope(Some(request)));
        }
        let Some(view) = view.filter(|v| v.request.variant == variant) else {
            return message(ui, cx.theme, "Taking the step apart…");
        };
        if let Some(why) = &view.blocked {
            return message(ui, cx.theme, why);
        }
        self.advance(ui, cx);
        if view.is_empty() {
            let key = cx.lab.play_key();
            let words = format!("Nothing has been routed yet.\nPress ] for the first step, or {key} to play");
            return message(ui, cx.theme, &words);
        }
        if let Some(wish) = stepper::show(ui, cx, top, &mut self.player, &view) {
            Self::wish(cx, wish);
            if snapshot.playing {
                cx.lab.send(Command::Pause);
            }
        }
        if self.player.playing() && snapshot.playing {
            cx.lab.send(Command::Pause);
        }
        if self.player.moves() {
            ui.ctx().request_repaint();
        }
        if view.tokens.is_empty() || place.height() < 110.0 {
            let below = ui.new_child(egui::UiBuilder::new().max_rect(rest));
            return message(&below, cx.theme, too_small(cx.link.maximised));
        }
        let board = Board::new(place, &view, self.player.done(Stage::Counts));
        let response = ui.interact(place, ui.scope_id().with("board"), Sense::click());
        describe(&response, self, cx);
        self.point(&response, cx, &view, &board);
        let told = self.told(&view, cx);
        let linked = cx.link.expert().and_then(|e| view.experts.iter().position(|x| *x == e));
        let hot = Hot { row: self.hot.row, column: self.hot.column.or(linked) };
        let painter = ui.painter().with_clip_rect(place.expand(2.0));
        Draw { painter: &painter, theme: cx.theme, view: &view, board, player: &self.player, hot, told }.all();
        self.say(ui, cx, rest.with_min_y(rest.bottom() - words), &view, told);
    }
}

/// What to do if a step does not fit.
fn too_small(maximised: bool) -> &'static str {
    match maximised {
        true => "There is too little room: make the window larger, or zoom out (Ctrl+−)",
        false => "There is too little room: maximise this pane",
    }
}

impl MicroscopePane {
    /// Draws the text below: what happens, the formula, and what differs under this rule.
    fn say(&self, ui: &mut Ui, cx: &PaneContext<'_>, place: Rect, view: &Microscope, told: Hot) {
        let theme = cx.theme;
        let stage = self.player.stage();
        let mut y = place.top();
        let mut line = |words: String, font: egui::FontId, colour: Color32| {
            if words.is_empty() || y > place.bottom() - 10.0 {
                return;
            }
            let (galley, whole) = fitted(ui, &words, &font, colour, place.width());
            let rect = Rect::from_min_size(pos2(place.left(), y), galley.size());
            ui.painter().galley(rect.min, galley, colour);
            let response = ui.interact(rect, ui.scope_id().with(("words", y as i32)), Sense::hover());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &words));
            if !whole {
                response.on_hover_text(words);
            }
            y = rect.bottom() + 2.0;
        };
        let token = told.row.and_then(|r| view.tokens.get(r));
        let expert = told.column.and_then(|c| view.experts.get(c).copied());
        if let (Some(token), Some(expert)) = (token, expert) {
            line(words::formula(stage, view, token, expert), mono(SMALL), theme.text);
        }
        let mut what = words::what(stage, view);
        if let Some(token) = token.filter(|_| self.hot.row.is_some()) {
            what = format!("Token {} · {}. {what}", token.index, topic_name(cx.lab.snapshot(), token.topic));
        }
        let remark = words::remark(stage, view);
        line(what, text(SMALL), theme.dim);
        line(remark.unwrap_or_default(), text(TINY), theme.dim);
    }
}

#[cfg(test)]
mod tests;
