//! The Sweep pane: the experiment run with every combination of one or two settings, shown as a map and as small multiples (one small plot
//! per value of the second setting).

mod curves;
mod form;
mod grid;
mod map;
mod scale;
mod words;

use super::shared::describe;
use super::shared::frame::mode;
use super::{Pane, PaneContext, PaneKind};
use crate::ui::actions::Action;
use crate::ui::kit::style::{SMALL, TINY, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::kit::words::headed;
use eframe::egui::{self, Align, Button, EventFilter, Key, Layout, Rect, RichText, Sense, Ui, UiBuilder, pos2, vec2};
use form::Form;
use grid::Grid;
use moebias_lab::command::Command;
use moebias_model::sweep::Measure;
use std::time::Duration;
use strum::IntoEnumIterator as _;

/// Heights of the line above the drawing and of the two lines of text below it, in points.
const LINE: f32 = 26.0;
const WORDS: f32 = 34.0;
/// From this width on, the map and the small multiples are shown side by side, in points.
const BOTH: f32 = 900.0;

/// A cell of the map by its column and row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spot {
    column: usize,
    row: usize,
}

/// The Sweep pane.
#[derive(Debug, Default)]
pub struct SweepPane {
    form: Form,
    /// Whether the form is shown although there is a sweep.
    setting_up: bool,
    measure: Measure,
    /// The title of the experiment in the last frame. When another experiment is opened, the pane shows the form instead of the old sweep.
    document: String,
    /// Whether small multiples are shown instead of the map, if there is only space for one of them.
    curves: bool,
    /// The cell that the arrow keys select.
    cursor: Spot,
    grid: Option<Grid>,
}

impl Pane for SweepPane {
    fn kind(&self) -> PaneKind {
        PaneKind::Sweep
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let Some(of) = cx.lab.sweep().filter(|_| !self.setting_up) else {
            return "every combination of one or two settings".into();
        };
        let plan = of.sweep.plan();
        let held = self.grid.as_ref().map(Grid::held).unwrap_or_default();
        format!("{}, {} steps each{held}", of.title, figure(plan.steps() as f64, true))
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        let of = cx.lab.sweep().filter(|_| !self.setting_up)?;
        let count = of.sweep.plan().base().variants.len();
        (count > 1).then(|| cx.link.variant.min(count - 1))
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        if cx.lab.sweep().is_none() || self.setting_up {
            return;
        }
        if ui.available_width() < 560.0 {
            let menu = ui.add(Button::new(RichText::new(format!("{}  ▾", self.measure.name())).font(text(SMALL))));
            menu.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "What the colours show"));
            egui::Popup::menu(&menu).show(|ui| {
                for m in Measure::iter() {
                    if ui.selectable_label(self.measure == m, m.name()).on_hover_text(m.meaning()).clicked() {
                        self.measure = m;
                    }
                }
            });
            return;
        }
        let all: Vec<Measure> = Measure::iter().collect();
        for m in all.into_iter().rev() {
            if mode(ui, cx.theme, m.name(), self.measure == m, m.meaning()) {
                self.measure = m;
            }
        }
    }

    fn help(&self) -> &'static str {
        "One run per combination of values and seed, all from the first step. A colour is the median over the seeds; hatched is a cell \
         without a value, as where most seeds do not settle within the run. Where a cell has another value but did not settle, there is a stroke through it. Small triangles mark the choices of papers: point at one for its source. Settling \
         time is the first step from which MaxVio over 16 steps stays at most 0.2 for 64 steps; steady MaxVio is over the last 100 steps. \
         Point at a cell for its figures, click it to open its experiment, or use the arrow keys and Enter. Every number is the same on \
         any engine and machine."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let title = &cx.lab.document().title;
        if *title != self.document {
            // The title of an experiment opened from a cell begins with the title of the sweep.
            self.setting_up |= cx.lab.sweep().is_some_and(|of| !title.starts_with(&of.title));
            self.document.clone_from(title);
        }
        if cx.lab.sweep().is_none() || self.setting_up {
            if cx.lab.sweep().is_some() && back(ui, cx.theme) {
                self.setting_up = false;
            }
            if self.form.show(ui, cx) {
                self.setting_up = false;
                self.cursor = Spot::default();
            }
            return;
        }
        let rect = ui.max_rect();
        let line = rect.with_max_y(rect.top() + LINE);
        let mut top = ui.new_child(UiBuilder::new().max_rect(line).layout(Layout::right_to_left(Align::Center)));
        self.state(&mut top, cx);
        let body = rect.with_min_y(line.bottom() + 6.0).with_max_y(rect.bottom() - WORDS);
        self.draw(ui, cx, body, rect.with_min_y(rect.bottom() - WORDS + 2.0));
    }
}

/// The button that leads from the form back to the sweep. True if it was clicked.
fn back(ui: &mut Ui, theme: &Theme) -> bool {
    ui.add(Button::new(RichText::new("← Back to the map").font(text(SMALL)).color(theme.dim)).frame(false)).clicked()
}

impl SweepPane {
    /// The line above the drawing: the progress of the sweep, and buttons.
    fn state(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let theme = cx.theme;
        let Some(of) = cx.lab.sweep() else { return };
        let (ended, done) = {
            let found = of.sweep.found();
            (found.ended.clone(), found.outcomes.iter().flatten().count())
        };
        let (all, share, left) = (of.sweep.plan().len(), of.sweep.share(), of.sweep.left());
        let one = of.sweep.plan().axes().len() == 1;
        ui.spacing_mut().item_spacing.x = 6.0;
        let button = |ui: &mut Ui, name: &str, tip: &str| {
            ui.add(Button::new(RichText::new(name).font(text(SMALL))).min_size(vec2(0.0, 24.0)))
                .on_hover_text(tip)
                .clicked()
        };
        if cx.link.bare {
            // An exported picture has no buttons.
        } else if ended.is_none() {
            if button(ui, "Cancel", "Stop here; finished runs are kept") {
                cx.lab.send(Command::CancelSweep);
            }
        } else {
            if button(ui, "New sweep…", "Set up another sweep") {
                self.setting_up = true;
            }
            if button(ui, "Save CSV…", "One row per run, with every setting and figure") {
                cx.link.asked.push(Action::SaveSweep);
            }
            if done < all && button(ui, "Go on", "Do what is left") {
                cx.lab.send(Command::GoOnWithSweep);
            }
        }
        if !one && !cx.link.bare && ui.max_rect().width() < BOTH {
            ui.add_space(4.0);
            if mode(
                ui,
                theme,
                "Curves",
                self.curves,
                "One small plot per value of the second setting, with the spread over seeds",
            ) {
                self.curves = true;
            }
            if mode(ui, theme, "Map", !self.curves, "A colour per combination") {
                self.curves = false;
            }
        }
        let room = Rect::from_min_max(ui.max_rect().min, pos2(ui.min_rect().left() - 10.0, ui.max_rect().bottom()));
        let words = match &ended {
            None => {
                let left = left.map(|l| format!(", {} left", span(l))).unwrap_or_default();
                // Runs over the same tokens are computed together and finish together, so the share of the work shows the progress better
                // than the number of finished runs.
                let runs = format!("{} of {} runs finished", figure(done as f64, true), figure(all as f64, true));
                format!("{:.0} % done{left} · {runs}", 100.0 * share)
            }
            Some(e) if e.trouble.is_some() => e.trouble.clone().unwrap_or_default(),
            Some(e) if e.whole && e.took > Duration::ZERO => {
                let engine = e.engine.as_ref().map(|e| format!(" on the {}", e.kind)).unwrap_or_default();
                format!("{} runs in {}{engine}", figure(all as f64, true), span(e.took))
            }
            Some(e) if e.whole => format!("{} runs, read from a file", figure(all as f64, true)),
            Some(_) => format!("{} of {} runs done", figure(done as f64, true), figure(all as f64, true)),
        };
        let mut at = room.left_center();
        if ended.is_none() {
            let bar = Rect::from_min_size(at - vec2(0.0, 3.0), vec2((room.width() * 0.4).clamp(30.0, 160.0), 6.0));
            ui.painter().rect_filled(bar, 3.0, theme.chip);
            let full = bar.with_max_x(bar.left() + bar.width() * share as f32);
            ui.painter().rect_filled(full, 3.0, theme.accent);
            at.x = bar.right() + 10.0;
        }
        put(ui, at.x, room.right(), at.y, &words, &text(TINY), theme.dim);
    }

    fn draw(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>, body: Rect, below: Rect) {
        let theme = cx.theme;
        {
            let Some(of) = cx.lab.sweep() else { return };
            let found = of.sweep.found();
            let key = grid::Key::of(of, &found, self.measure, cx.link.variant);
            if self.grid.as_ref().is_none_or(|g| g.key != key) {
                self.grid = Grid::new(key, of.sweep.plan(), &found);
            }
        }
        let response = ui.interact(body, ui.scope_id().with("cells"), Sense::click());
        describe(&response, self, cx);
        let Some(grid) = &self.grid else { return };
        let last = Spot { column: grid.columns() - 1, row: grid.rows() - 1 };
        self.cursor = Spot { column: self.cursor.column.min(last.column), row: self.cursor.row.min(last.row) };
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
            self.cursor = moved(ui, self.cursor, last, grid.downwards());
        }
        let none = grid.spreads.iter().all(|s| s.is_some_and(|s| s.median.is_none()));
        let none = if none && grid.measure == Measure::Settling { " · nothing settles in so few steps" } else { "" };
        let (name, unit) = (grid.measure.name(), grid.measure.unit());
        let whole = cx.lab.sweep().is_some_and(|of| of.sweep.found().outcomes.iter().all(Option::is_some));
        let caption = format!("{name}, {unit}{}{none}", seeds(grid.plan.seeds(), whole));
        let (first, second) = if grid.y.is_none() {
            (body, None)
        } else if body.width() >= BOTH {
            let (a, b) = body.split_left_right_at_fraction(0.52);
            (a.with_max_x(a.right() - 8.0), Some(b.with_min_x(b.left() + 8.0)))
        } else {
            (body, None)
        };
        put(ui, first.left(), first.right(), first.top() + 7.0, &caption, &text(TINY), theme.dim);
        let inside = |r: Rect| r.with_min_y(r.top() + 16.0);
        let cursor = Some(self.cursor);
        let map_first = second.is_some() || !(self.curves || grid.y.is_none());
        let (mut spot, mut told) = if map_first {
            map::show(ui, theme, inside(first), &response, grid, cursor)
        } else {
            curves::show(ui, theme, inside(first), &response, grid, cursor)
        };
        if let Some(place) = second {
            let (s, t) = curves::show(ui, theme, inside(place), &response, grid, cursor);
            (spot, told) = (spot.or(s), told.or(t));
        }
        let shown = spot.or(cursor.filter(|_| response.has_focus()));
        let (above, under) = if let Some(words) = told {
            ("What papers choose".to_owned(), words.to_owned())
        } else if let (Some(s), Some(of)) = (shown, cx.lab.sweep()) {
            let cell = grid.cells[grid.at(s.column, s.row)];
            let (first, others) = words::figures(grid, &of.sweep.found(), cell);
            (format!("{}: {first}", words::name(grid, s.column, s.row)), others)
        } else {
            let marks = grid.published.iter().flatten().map(|p| p.words).collect::<Vec<_>>().join(" · ");
            let hint = "Point at a cell for its figures, click it to open its experiment".to_owned();
            (hint, if marks.is_empty() { marks } else { format!("▾ {marks}") })
        };
        put(ui, below.left(), below.right(), below.top() + 8.0, &above, &text(SMALL), theme.text);
        put(ui, below.left(), below.right(), below.top() + 24.0, &under, &text(TINY), theme.dim);
        let entered = response.has_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let asked = if entered { cursor } else { spot.filter(|_| response.clicked()) };
        if let Some(s) = asked {
            self.cursor = s;
            let cell = grid.cells[grid.at(s.column, s.row)];
            if let Some(run) = grid.plan.runs_of(cell, grid.variant).next() {
                cx.lab.send(Command::OpenRun(run));
            }
        }
    }
}

/// The cell that is selected after the arrow keys pressed in this frame. `last` is the cell in the last column and row.
fn moved(ui: &Ui, at: Spot, last: Spot, downwards: bool) -> Spot {
    ui.input(|i| {
        let times = |key| i.num_presses(key);
        let (mut up, mut down) = (times(Key::ArrowUp), times(Key::ArrowDown));
        if downwards {
            std::mem::swap(&mut up, &mut down);
        }
        Spot {
            column: (at.column + times(Key::ArrowRight)).saturating_sub(times(Key::ArrowLeft)).min(last.column),
            row: (at.row + up).saturating_sub(down).min(last.row),
        }
    })
}

/// What a colour is the median of, in words. While runs are missing, the number of finished seeds differs from cell to cell.
fn seeds(seeds: u32, whole: bool) -> String {
    match seeds {
        ..2 => String::new(),
        n if whole => format!(" · median of {n} seeds"),
        _ => " · median of the seeds finished so far".into(),
    }
}

/// A duration in words.
fn span(time: Duration) -> String {
    let s = time.as_secs_f64();
    match s {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Draws a line of text between `left` and `right`; clauses are removed from its end if it is too long.
fn put(ui: &Ui, left: f32, right: f32, middle: f32, words: &str, font: &egui::FontId, colour: egui::Color32) {
    if right - left < 20.0 {
        return;
    }
    let lay = |w: &str| ui.painter().layout_no_wrap(w.to_owned(), font.clone(), colour);
    let galley = lay(&headed(words, right - left, |w| lay(w).size().x));
    ui.painter().galley(pos2(left, middle - galley.size().y / 2.0), galley, colour);
}

#[cfg(test)]
mod tests;
