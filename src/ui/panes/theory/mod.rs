//! The price view of the running experiment: the Lagrangian, the tokens that move, the band, the online setting, computation batches, and
//! a learned bias.

mod band;
mod batch_size;
mod learned;
mod moves;
mod objective;
mod online;
mod sections;
mod xy;

use super::assignment::card::line;
use super::shared::frame::{message, mode};
use super::shared::of_several;
use super::shared::time_plot::Curve;
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::style::{SMALL, TINY, text};
use crate::ui::kit::words::fitted;
use eframe::egui::{self, Align, Color32, FontId, Layout, Rect, RichText, Ui, UiBuilder, pos2, text::LayoutJob, vec2};
use egui_material_icons::icons::ICON_SWAP_HORIZ;
use moebias_engine::message::Snapshot;
use moebias_engine::theory::{Point, Theory, TheoryRequest};
use moebias_files::view::Section;
use moebias_lab::command::Command;
use sections::Explained as _;
use std::sync::Arc;
use strum::IntoEnumIterator as _;

/// Width of the column of figures, points.
const FIGURES: f32 = 236.0;
/// A gap is drawn if this many times more steps than usual passed unexamined.
const MISSED: u64 = 4;
/// The distance between columns, in points.
const BETWEEN: f32 = 14.0;

/// The pane.
#[derive(Debug, Default)]
pub struct TheoryPane {
    section: Section,
    /// Whether the second plot is shown, if there is room for only one.
    other: bool,
}

impl TheoryPane {
    /// The section that is shown.
    pub fn section(&self) -> Section {
        self.section
    }

    /// Opens a section.
    pub fn set_section(&mut self, section: Section) {
        self.section = section;
    }
}

impl Pane for TheoryPane {
    fn kind(&self) -> PaneKind {
        PaneKind::Theory
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let Some(examined) = cx.lab.snapshot().theory.as_ref().and_then(|t| t.examined.clone()) else {
            // Before the first step, the pane itself shows a message.
            return if cx.lab.snapshot().shown_step().is_none() { "" } else { "the price view" }.into();
        };
        let (tokens, figure) = (examined.problem.tokens(), crate::ui::kit::widgets::slider::figure);
        let of = if tokens < examined.batch as usize {
            format!("{} of {} tokens", figure(tokens as f64, true), figure(f64::from(examined.batch), true))
        } else {
            format!("{} tokens", figure(tokens as f64, true))
        };
        format!("step {} · {of}", figure(examined.step as f64, true))
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_several(cx)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let learned = has_learned(cx.lab.snapshot());
        let sections: Vec<Section> = Section::iter().filter(|s| *s != Section::Learned || learned).collect();
        if !sections.contains(&self.section) {
            self.section = Section::default();
        }
        if ui.available_width() < 400.0 {
            let label = RichText::new(format!("{}  ▾", self.section.name())).font(text(SMALL)).color(cx.theme.text);
            let button = ui.add(egui::Button::new(label).min_size(vec2(0.0, 22.0)));
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Section of the theory"));
            egui::Popup::menu(&button).show(|ui| {
                for s in sections {
                    ui.radio_value(&mut self.section, s, s.name()).on_hover_text(s.tip());
                }
            });
            return;
        }
        for s in sections.into_iter().rev() {
            if mode(ui, cx.theme, s.name(), self.section == s, s.tip()) {
                self.section = s;
            }
        }
    }

    fn help(&self) -> &'static str {
        "Balancing as a market: a bias is the price p of an expert's places, top-K of γ + p is what each token buys, and the balanced \
         assignment max Σγ·x is what the prices search for. The Lagrangian is Λ = Σγ·x + Σp·(load − L). Each update first moves the prices, \
         which takes ΣΔp·(load − L) from Λ (u Σ|load − L| for the sign rule), then tokens move and give their switching benefit back. \
         Exact integers, on the biases as they enter the selection key. The derivation is our own, in the spirit of Han & Zhong 2025 \
         (arXiv 2512.03915), of which only the abstracts were available to us; its last version speaks of a monotonic improvement \
         condition, and so do we. What is shown is computed only while this pane is in sight."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let request = TheoryRequest { variant: cx.link.variant };
        let theory = cx.lab.snapshot().theory.clone().filter(|t| t.request == request);
        let Some(theory) = theory else {
            // Requested in every frame until the worker has sent it.
            cx.lab.send(Command::SetTheory(Some(request)));
            return message(ui, cx.theme, "Examining the last step…");
        };
        let body = footnote(ui, cx, self.section.source());
        let mut ui = ui.new_child(UiBuilder::new().max_rect(body));
        let needs_prices = !matches!(self.section, Section::BatchSize | Section::Learned);
        if let Some(why) = theory.blocked.as_ref().filter(|_| needs_prices) {
            return message(&ui, cx.theme, why);
        }
        if theory.examined.is_none() && needs_prices {
            return super::shared::nothing_yet(&ui, cx, "the first step has prices of its own");
        }
        match self.section {
            Section::Objective => objective::show(&mut ui, cx, &theory, &mut self.other),
            Section::Moves => moves::show(&mut ui, cx, &theory),
            Section::Band => band::show(&mut ui, cx, &theory),
            Section::Online => online::show(&mut ui, cx, &theory, &mut self.other),
            Section::BatchSize => batch_size::show(&mut ui, cx, &theory),
            Section::Learned => learned::show(&mut ui, cx, &mut self.other),
        }
    }
}

/// Whether the trace of the present run has a learned bias.
fn has_learned(snapshot: &Snapshot) -> bool {
    snapshot.trace.as_ref().is_some_and(|t| !t.learned_bias.is_empty())
}

/// Draws the sentence about the source at the bottom, and returns the room above it. In a low pane the sentence is cut; pointing at it shows
/// all of it.
fn footnote(ui: &mut Ui, cx: &PaneContext<'_>, words: &str) -> Rect {
    let rect = ui.max_rect();
    let mut job = LayoutJob::simple(words.to_owned(), text(TINY), cx.theme.faint, rect.width());
    // The whole sentence, if that leaves most of the room to the plots.
    job.wrap.max_rows = ((rect.height() * 0.3 / 12.0) as usize).max(1);
    let galley = ui.painter().layout_job(job);
    let at = pos2(rect.left(), rect.bottom() - galley.size().y + 2.0);
    let place = Rect::from_min_size(at, galley.size());
    // The whole sentence can be reached by the keyboard as well.
    let sense = if galley.elided { egui::Sense::FOCUSABLE } else { egui::Sense::hover() };
    let response = ui.interact(place, ui.scope_id().with("source"), sense);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, words));
    if galley.elided && response.has_focus() {
        ui.painter().rect_stroke(place.expand(3.0), 3.0, (1.0, cx.theme.accent), egui::StrokeKind::Outside);
        response.show_tooltip_text(words);
    }
    response.on_hover_text(words);
    ui.painter().galley(at, galley, cx.theme.faint);
    rect.with_max_y(at.y - 4.0)
}

/// The place of the plots, and that of the column of figures if there is room for it.
fn places(rect: Rect) -> (Rect, Option<Rect>) {
    if rect.width() < FIGURES + 200.0 {
        return (rect, None);
    }
    (rect.with_max_x(rect.right() - FIGURES - BETWEEN), Some(rect.with_min_x(rect.right() - FIGURES)))
}

/// A caption, and the function that draws what stands below it.
type Drawn<'a> = (&'a str, &'a mut dyn FnMut(&mut Ui, &mut PaneContext<'_>));

/// Draws two plots one above the other or side by side. If there is room for only one, a click switches to the other.
fn pair(ui: &mut Ui, cx: &mut PaneContext<'_>, place: Rect, other: &mut bool, plots: [Drawn<'_>; 2]) {
    let [(first, draw_first), (second, draw_second)] = plots;
    let both = if place.height() >= 250.0 {
        let (top, bottom) = place.split_top_bottom_at_fraction(0.54);
        Some((top.with_max_y(top.bottom() - 7.0), bottom.with_min_y(bottom.top() + 7.0)))
    } else if place.width() >= 560.0 {
        let (a, b) = place.split_left_right_at_fraction(0.5);
        Some((a.with_max_x(a.right() - 6.0), b.with_min_x(b.left() + 6.0)))
    } else {
        None
    };
    if let Some((a, b)) = both {
        captioned(ui, cx, a, first, |ui, cx| draw_first(ui, cx));
        captioned(ui, cx, b, second, |ui, cx| draw_second(ui, cx));
        return;
    }
    let corner =
        Rect::from_min_max(pos2(place.right() - 22.0, place.top() - 3.0), pos2(place.right(), place.top() + 17.0));
    let next = if *other { first } else { second };
    let symbol = crate::ui::kit::style::icon(ICON_SWAP_HORIZ, 14.0).color(cx.theme.dim);
    let button = ui.put(corner, egui::Button::new(symbol).frame(false));
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "The other plot"));
    if button.on_hover_text(format!("Instead: {next}")).clicked() {
        *other = !*other;
    }
    if *other {
        captioned(ui, cx, place, second, |ui, cx| draw_second(ui, cx));
    } else {
        captioned(ui, cx, place, first, |ui, cx| draw_first(ui, cx));
    }
}

/// Draws a caption, and what `draw` draws below it. Returns the result of `draw`.
fn captioned<T>(
    ui: &mut Ui,
    cx: &mut PaneContext<'_>,
    place: Rect,
    caption: &str,
    draw: impl FnOnce(&mut Ui, &mut PaneContext<'_>) -> T,
) -> T {
    let (galley, whole) = fitted(ui, caption, &text(TINY), cx.theme.dim, (place.width() - 26.0).max(20.0));
    if !whole {
        let seen = Rect::from_min_size(place.left_top(), galley.size());
        ui.interact(seen, ui.scope_id().with(("caption", caption)), egui::Sense::hover()).on_hover_text(caption);
    }
    ui.painter().galley(place.left_top(), galley, cx.theme.dim);
    let inside = place.with_min_y(place.top() + 16.0);
    let mut child = ui.new_child(UiBuilder::new().max_rect(inside).id_salt(caption));
    draw(&mut child, cx)
}

/// The column of figures.
fn figures(ui: &mut Ui, place: Option<Rect>, add: impl FnOnce(&mut Ui)) {
    let Some(place) = place else { return };
    let mut child =
        ui.new_child(UiBuilder::new().max_rect(place).layout(Layout::top_down(Align::Min)).id_salt("figures"));
    egui::ScrollArea::vertical().auto_shrink([false, false]).show(&mut child, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.spacing_mut().interact_size.y = 16.0;
        add(ui);
    });
}

/// A figure with its tooltip.
fn row(ui: &mut Ui, cx: &PaneContext<'_>, name: &str, value: &str, tip: &str) {
    line(ui, cx.theme, name, value, cx.theme.text).on_hover_text(tip);
}

/// As [`row`], in another colour.
fn row_in(ui: &mut Ui, cx: &PaneContext<'_>, colour: Color32, name: &str, value: &str, tip: &str) {
    line(ui, cx.theme, name, value, colour).on_hover_text(tip);
}

/// Words under the figures.
fn words(ui: &mut Ui, cx: &PaneContext<'_>, font: FontId, words: &str) {
    ui.add_space(3.0);
    ui.add(egui::Label::new(RichText::new(words).font(font).color(cx.theme.dim)).wrap());
}

/// A real number with its sign, with a typographic minus.
fn signed(x: f64, decimals: usize) -> String {
    format!("{x:+.decimals$}").replace('-', "−")
}

/// The points for the visible steps, about one per two pixels: the last step of each group.
fn in_sight(theory: &Arc<Theory>, (from, to): (f64, f64), pixels: f32) -> Vec<Point> {
    let all = &theory.points;
    let first = all.partition_point(|p| (p.step as f64) < from).saturating_sub(1);
    let last = (all.partition_point(|p| (p.step as f64) <= to) + 1).min(all.len());
    let shown = &all[first..last.max(first)];
    let together = (shown.len() as f32 / (pixels / 2.0).max(1.0)).ceil().max(1.0) as u64;
    shown.chunk_by(|a, b| a.step / together == b.step / together).filter_map(|g| g.last().copied()).collect()
}

/// The points in pieces: nothing is drawn where far more steps than usual passed unexamined.
fn stretches(points: &[Point]) -> Vec<&[Point]> {
    let steps = |i: usize| points[i + 1].step - points[i].step;
    let gap = |i: &usize| {
        let before = i.checked_sub(1).map(steps);
        let after = (i + 2 < points.len()).then(|| steps(i + 1));
        let usual = before.into_iter().chain(after).max().unwrap_or(1);
        steps(*i) > MISSED * usual.max(2)
    };
    let ends = (0..points.len().saturating_sub(1)).filter(gap).map(|i| i + 1).chain([points.len()]);
    let mut from = 0;
    ends.map(|to| &points[std::mem::replace(&mut from, to)..to]).filter(|s| !s.is_empty()).collect()
}

/// A quantity over the examined steps: a curve for each piece without a gap; the last curve has the name.
fn curves(points: &[Point], of: impl Fn(&Point) -> Option<f64>, look: Curve) -> Vec<Curve> {
    let value = |p: &Point| Some([objective::middle(p), of(p)?]);
    let mut out: Vec<Curve> = vec![];
    for stretch in stretches(points) {
        let mut points: Vec<[f64; 2]> = stretch.iter().filter_map(value).collect();
        // A single step is drawn as wide as one step.
        if let [[x, y]] = points[..] {
            points = vec![[x - 0.5, y], [x + 0.5, y]];
        }
        if !points.is_empty() {
            out.push(Curve { points, colour: look.colour, width: look.width, ..Curve::default() });
        }
    }
    if let Some(last) = out.last_mut() {
        last.name = look.name;
    }
    out
}

#[cfg(test)]
mod tests;
