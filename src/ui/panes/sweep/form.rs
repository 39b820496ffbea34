//! The form that sets up a sweep.

use super::super::PaneContext;
use crate::ui::kit::focus;
use crate::ui::kit::style::{SMALL, TINY, semibold, text};
use crate::ui::kit::theme::{ROW, Theme};
use crate::ui::kit::widgets::choice::{Item, choice};
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{
    self, Align, Button, Color32, DragValue, Layout, RichText, ScrollArea, Ui, UiBuilder, style::ScrollStyle, vec2,
};
use moebias_lab::command::Command;
use moebias_lab::command::SweepRequest;
use moebias_model::config::{Experiment, Rule, Source};
use moebias_model::sweep::{Axis, Kind, MOST_SEEDS, MOST_VALUES, Parameter, Spacing, Value};
use std::ops::RangeInclusive;
use strum::IntoEnumIterator as _;

/// Greatest width of the form, in points.
const WIDEST: f32 = 620.0;
/// Below this width, in points, the fields of a row are placed below its choice of a setting.
const NARROW: f32 = 590.0;
/// Width of the words before a row, in points.
const WORDS: f32 = 46.0;
/// Height of the button that starts the sweep, with the space above it, in points.
const FOOT: f32 = 36.0;
/// Why there is only one seed.
const RECORDED: &str = "A seed changes nothing in a recorded trace, so each combination runs once";
/// The largest number of steps per run that can be set in the form.
const MOST_STEPS: u64 = 1_000_000;

/// The settings of a sweep as they are entered.
#[derive(Debug)]
pub(super) struct Form {
    first: Row,
    second: Option<Row>,
    seeds: u32,
    steps: u64,
    /// The request and experiment checked last, with the number of runs or the reason why the sweep is not possible.
    checked: Option<(SweepRequest, Experiment, Result<usize, String>)>,
}

/// One setting to sweep, and its values: a range for a number, a choice for names.
#[derive(Debug)]
struct Row {
    parameter: Parameter,
    from: f64,
    to: f64,
    spacing: Spacing,
    count: usize,
    /// If the values are names: which of them are swept.
    chosen: Vec<bool>,
}

impl Default for Form {
    fn default() -> Self {
        let (first, second) = (Row::new(Parameter::Rate), Some(Row::new(Parameter::TopK)));
        Self { first, second, seeds: 3, steps: 500, checked: None }
    }
}

impl Row {
    /// A row for this setting with its default values.
    fn new(parameter: Parameter) -> Self {
        let (from, to, spacing, count) = match parameter {
            Parameter::Rate => (1e-5, 0.1, Spacing::Log, 13),
            Parameter::TopK | Parameter::Iterations => (1.0, 8.0, Spacing::Linear, 8),
            Parameter::Experts => (8.0, 256.0, Spacing::Log, 6),
            Parameter::Skew | Parameter::Noise => (0.0, 2.0, Spacing::Linear, 9),
            Parameter::Drift => (0.0, 10.0, Spacing::Linear, 6),
            Parameter::Burst => (1.0, 64.0, Spacing::Log, 7),
            Parameter::Topics => (4.0, 256.0, Spacing::Log, 7),
            Parameter::Batch => (64.0, 4096.0, Spacing::Log, 7),
            Parameter::Capacity => (1.0, 2.0, Spacing::Linear, 6),
            Parameter::Momentum | Parameter::Average => (0.0, 0.9, Spacing::Linear, 10),
            Parameter::Steepness => (0.0, 8.0, Spacing::Linear, 9),
            Parameter::Derivative => (0.0, 0.05, Spacing::Linear, 6),
            Parameter::RealExperts => (1.0, 12.0, Spacing::Linear, 12),
            Parameter::Alpha => (1e-4, 1.0, Spacing::Log, 9),
            Parameter::Seed => (1.0, 8.0, Spacing::Linear, 8),
            Parameter::Rule | Parameter::Gate | Parameter::Schedule => (0.0, 0.0, Spacing::Linear, 0),
        };
        // By default, only rules that work with every experiment.
        let plain = |v: &Value| match v {
            Value::Rule(r) => r.is_top_k() && !matches!(r, Rule::None | Rule::LongCat),
            _ => true,
        };
        let chosen = parameter.choices().iter().map(plain).collect();
        Self { parameter, from, to, spacing, count, chosen }
    }

    fn axis(&self) -> Result<Axis, String> {
        if matches!(self.parameter.kind(), Kind::Choice) {
            let all = self.parameter.choices().into_iter().zip(&self.chosen);
            let values: Vec<Value> = all.filter(|(_, on)| **on).map(|(v, _)| v).collect();
            return Axis::new(self.parameter, values);
        }
        Axis::range(self.parameter, self.from, self.to, self.spacing, self.count)
    }
}

/// Whether sweeping this setting could change anything in this experiment.
fn matters(parameter: Parameter, experiment: &Experiment) -> bool {
    let rule = |rules: &[Rule]| experiment.variants.iter().any(|v| rules.contains(&v.balancer.rule));
    match parameter {
        Parameter::Momentum | Parameter::Steepness => rule(&[Rule::Smebu]),
        Parameter::Derivative => rule(&[Rule::IdBalancing]),
        Parameter::RealExperts => rule(&[Rule::LongCat]),
        Parameter::Average => rule(&[Rule::Quantile, Rule::Bip]),
        Parameter::Iterations => rule(&[Rule::Bip]),
        Parameter::Experts => !matches!(experiment.source, Source::Trace(_)),
        Parameter::Capacity => true,
        other => other.of(experiment, 0).is_some(),
    }
}

impl Form {
    /// A sweep of few short runs.
    #[cfg(test)]
    pub(super) fn small() -> Self {
        let first = Row { from: 0.01, to: 0.1, count: 4, ..Row::new(Parameter::Rate) };
        let second = Row { to: 2.0, count: 2, ..Row::new(Parameter::TopK) };
        Self { first, second: Some(second), seeds: 1, steps: 40, checked: None }
    }

    /// Draws the form. True if a sweep was requested.
    pub(super) fn show(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) -> bool {
        let theme = cx.theme;
        let experiment = cx.lab.settings().clone();
        if !is_drawn(&experiment) {
            self.seeds = 1;
        }
        let all = ui.available_rect_before_wrap();
        // The button always stays visible; the settings above it scroll.
        let (above, foot) = all.split_top_bottom_at_y((all.bottom() - FOOT).max(all.top()));
        let mut ui_above = ui.new_child(UiBuilder::new().max_rect(above).id_salt("settings of the sweep"));
        ui_above.style_mut().spacing.scroll = ScrollStyle::solid();
        let scroll = ScrollArea::vertical().auto_shrink([false, false]);
        let runs = scroll.show(&mut ui_above, |ui| {
            let runs = placed(ui, |ui| self.content(ui, cx, theme, experiment));
            focus::follow(ui);
            runs
        });
        let mut ui_foot = ui.new_child(UiBuilder::new().max_rect(foot).id_salt("start the sweep"));
        placed(&mut ui_foot, |ui| start(ui, cx, theme, runs.inner))
    }

    /// Draws the settings. Returns the request with the number of runs, or why the sweep is not possible.
    fn content(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneContext<'_>,
        theme: &'static Theme,
        experiment: Experiment,
    ) -> Result<(SweepRequest, usize), String> {
        ui.add_space(4.0);
        let words = "Runs this experiment once for every combination of one or two settings, with several seeds, beside the run you \
                     watch. You see how fast the loads settle, how well they stay balanced and how far the biases swing; click a cell \
                     of the map to open its experiment.";
        ui.add(egui::Label::new(RichText::new(words).font(text(SMALL)).color(theme.dim)).wrap());
        ui.add_space(8.0);
        let offered: Vec<Parameter> = Parameter::iter().filter(|p| matters(*p, &experiment)).collect();
        if !offered.contains(&self.first.parameter) {
            self.first = Row::new(offered.first().copied().unwrap_or(Parameter::Rate));
        }
        self.second = self.second.take().filter(|r| offered.contains(&r.parameter));
        let taken = self.second.as_ref().map(|r| r.parameter);
        let name = |p: Parameter| Item::new(Some(p), p.title(), format!("`{}` on the command line", p.name()));
        let all = offered.iter().copied();
        let firsts: Vec<Item<Option<Parameter>>> = all.clone().filter(|p| Some(*p) != taken).map(name).collect();
        let none = Item::new(None, "nothing else", "One setting alone: a curve in place of a map");
        let seconds: Vec<_> =
            std::iter::once(none).chain(all.filter(|p| *p != self.first.parameter).map(name)).collect();
        if let Some(Some(p)) = row(ui, theme, "Sweep", Some(&mut self.first), &firsts) {
            self.first = Row::new(p);
        }
        if let Some(p) = row(ui, theme, "and", self.second.as_mut(), &seconds) {
            self.second = p.map(Row::new);
        }
        ui.horizontal(|ui| {
            words_before(ui, theme, "with");
            ui.add_enabled_ui(is_drawn(&experiment), |ui| {
                let seeds = whole(ui, "Seeds of each combination", &mut self.seeds, 1..=MOST_SEEDS);
                seeds.on_disabled_hover_text(RECORDED);
            });
            ui.label(if self.seeds == 1 { "seed," } else { "seeds," });
            whole(ui, "Steps of each run", &mut self.steps, 1..=MOST_STEPS);
            ui.label("steps each");
        });
        if !is_drawn(&experiment) {
            aside(ui, theme, RECORDED, TINY, theme.dim);
        }
        let runs = self.runs(cx, experiment);
        if let Err(e) = &runs {
            ui.add_space(4.0);
            aside(ui, theme, e, SMALL, theme.over_text);
        }
        ui.add_space(6.0);
        let words = "It shares the machine with the run that is shown: pause that to sweep faster. The same from the command \
                     line: moebias sweep.";
        aside(ui, theme, words, TINY, theme.faint);
        runs
    }

    /// The request and its number of runs, or why the sweep is not possible.
    fn runs(&mut self, cx: &PaneContext<'_>, experiment: Experiment) -> Result<(SweepRequest, usize), String> {
        let axes = std::iter::once(&self.first).chain(&self.second).map(Row::axis).collect::<Result<Vec<_>, _>>();
        let request = SweepRequest { axes: axes?, seeds: self.seeds, steps: self.steps };
        let runs = match &self.checked {
            Some((r, e, known)) if *r == request && *e == experiment => known.clone(),
            _ => {
                let runs = cx.lab.plan_sweep(&request).map(|plan| plan.len());
                self.checked = Some((request.clone(), experiment, runs.clone()));
                runs
            }
        };
        runs.map(|n| (request, n))
    }
}

/// Whether the tokens depend on the seed; those of a recorded trace do not.
fn is_drawn(experiment: &Experiment) -> bool {
    !matches!(experiment.source, Source::Trace(_))
}

/// Centres the content if the pane is wider than the form.
fn placed<T>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> T) -> T {
    let width = ui.available_width().min(WIDEST);
    let side = ((ui.available_width() - width) / 2.0).max(0.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(side);
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.x = 6.0;
            add(ui)
        })
        .inner
    })
    .inner
}

/// A remark, aligned with the fields.
fn aside(ui: &mut Ui, theme: &Theme, words: &str, size: f32, colour: Color32) {
    ui.horizontal_top(|ui| {
        words_before(ui, theme, "");
        ui.add(egui::Label::new(RichText::new(words).font(text(size)).color(colour)).wrap());
    });
}

/// The start button with the number of runs. True if it was clicked.
fn start(ui: &mut Ui, cx: &mut PaneContext<'_>, theme: &Theme, runs: Result<(SweepRequest, usize), String>) -> bool {
    let name = match &runs {
        Ok((_, 1)) => "Start 1 run".to_owned(),
        Ok((_, n)) => format!("Start {} runs", figure(*n as f64, true)),
        Err(_) => "Start".to_owned(),
    };
    ui.add_space(4.0);
    let clicked = ui.horizontal(|ui| {
        words_before(ui, theme, "");
        let on = if theme.dark { theme.window } else { theme.pane };
        let colour = if runs.is_ok() { on } else { theme.dim };
        let mut button =
            Button::new(RichText::new(&name).font(semibold(13.0)).color(colour)).min_size(vec2(120.0, 30.0));
        if runs.is_ok() {
            button = button.fill(theme.accent);
        }
        let response = ui.add_enabled(runs.is_ok(), button);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, runs.is_ok(), &name));
        response.clicked()
    });
    let asked = runs.ok().filter(|_| clicked.inner);
    let started = asked.is_some();
    if let Some((request, _)) = asked {
        cx.lab.send(Command::StartSweep(request));
    }
    started
}

fn words_before(ui: &mut Ui, theme: &Theme, words: &str) {
    ui.allocate_ui_with_layout(vec2(WORDS, ROW), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(WORDS);
        ui.label(RichText::new(words).color(theme.dim));
    });
}

/// Draws a row: a setting and its values. Returns the setting that was chosen instead, if any; `Some(None)` is “nothing else”.
fn row(
    ui: &mut Ui,
    theme: &Theme,
    before: &str,
    of: Option<&mut Row>,
    offered: &[Item<Option<Parameter>>],
) -> Option<Option<Parameter>> {
    let mut chosen = None;
    let narrow = ui.available_width() < NARROW;
    let now = of.as_ref().map(|r| r.parameter);
    let name = if before == "and" { "Second setting to sweep" } else { "Setting to sweep" };
    let pick = |ui: &mut Ui, width: f32| {
        ui.allocate_ui_with_layout(vec2(width, ROW), Layout::left_to_right(Align::Center), |ui| {
            choice(ui, theme, name, "What is varied", &now, offered)
        })
        .inner
    };
    let below = ui.horizontal(|ui| {
        words_before(ui, theme, before);
        let width = if narrow { ui.available_width() } else { 176.0 };
        chosen = pick(ui, width);
        match of {
            Some(row) if !narrow => {
                values(ui, theme, row);
                None
            }
            other => other,
        }
    });
    if let Some(row) = below.inner {
        ui.horizontal(|ui| {
            words_before(ui, theme, "");
            values(ui, theme, row);
        });
    }
    chosen
}

/// Draws the fields for the values of a setting.
fn values(ui: &mut Ui, theme: &Theme, row: &mut Row) {
    let (limits, all_whole) = match row.parameter.kind() {
        Kind::Real(limits) => (limits, false),
        Kind::Whole(limits) => (limits, true),
        Kind::Choice => return names(ui, row),
    };
    let title = row.parameter.title();
    let range = limits.min..=limits.max;
    real(ui, &format!("{title}, from"), &mut row.from, range.clone(), all_whole);
    ui.label(RichText::new("to").color(theme.dim));
    real(ui, &format!("{title}, to"), &mut row.to, range, all_whole);
    let tip = "Spread evenly, or by equal factors";
    let words = row.spacing.to_string();
    let scale = ui.add(Button::new(&words).min_size(vec2(52.0, ROW))).on_hover_text(tip);
    scale.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{title}, spacing: {words}")));
    if scale.clicked() {
        row.spacing = if row.spacing == Spacing::Log { Spacing::Linear } else { Spacing::Log };
    }
    let mut count = row.count as u32;
    ui.label(RichText::new("in").color(theme.dim));
    whole(ui, &format!("{title}, how many values"), &mut count, 1..=MOST_VALUES as u32);
    row.count = count as usize;
    ui.label(RichText::new("values").color(theme.dim));
}

/// Draws the menu that chooses names.
fn names(ui: &mut Ui, row: &mut Row) {
    let all = row.parameter.choices();
    let count = row.chosen.iter().filter(|c| **c).count();
    let words = format!("{count} of {}", all.len());
    let button = ui.add(Button::new(format!("{words}  ▾")).min_size(vec2(110.0, ROW)));
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Which: {words}")));
    egui::Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        focus::stays(ui);
        ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
            for (value, on) in all.iter().zip(&mut row.chosen) {
                ui.checkbox(on, value.in_words());
            }
        });
    });
}

/// A field for a number that can be dragged or typed; it is rounded if `whole`.
fn real(ui: &mut Ui, name: &str, value: &mut f64, range: RangeInclusive<f64>, whole: bool) {
    let speed = if whole { 0.1 } else { (value.abs() * 0.01).max(1e-6) };
    let mut drag = DragValue::new(value)
        .range(range)
        .speed(speed)
        .custom_formatter(move |x, _| figure(x, whole))
        .custom_parser(read)
        .update_while_editing(false);
    if whole {
        drag = drag.max_decimals(0);
    }
    let response = ui.add_sized(vec2(66.0, ROW), drag);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, true, name));
    if whole {
        *value = value.round();
    }
}

fn whole<T: egui::emath::Numeric>(ui: &mut Ui, name: &str, value: &mut T, range: RangeInclusive<T>) -> egui::Response {
    let drag = DragValue::new(value)
        .range(range)
        .speed(0.1)
        .custom_formatter(|x, _| figure(x, true))
        .custom_parser(read)
        .update_while_editing(false);
    let response = ui.add_sized(vec2(54.0, ROW), drag);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, true, name));
    response
}

/// Parses a number that may have digit groups separated by spaces and a decimal comma.
fn read(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{202f}').collect();
    plain.replace(',', ".").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::SweepPane;
    use super::*;
    use crate::ui::testing::{lab_at, stage};
    use eframe::egui::Rect;
    use egui_kittest::kittest::Queryable as _;

    #[test]
    fn in_a_low_pane_the_button_is_in_sight() {
        let lab = lab_at("variants: [(name: \"a\")]", 0);
        let mut harness = stage(SweepPane::default(), lab, [460.0, 170.0], true);
        harness.run_steps(3);
        let pane = Rect::from_min_size(Default::default(), vec2(460.0, 170.0));
        assert!(pane.contains_rect(harness.get_by_label("Start 312 runs").rect()));
    }

    #[test]
    fn a_recorded_trace_runs_once_per_combination() {
        let lab = lab_at(
            "source: Trace(file: \"builtin:sample\"), variants: [(name: \"a\", router: (experts: 64, top_k: 6))]",
            0,
        );
        let mut harness = stage(SweepPane::default(), lab, [620.0, 400.0], true);
        harness.run_steps(3);
        assert!(harness.query_by_label_contains(RECORDED).is_some());
        assert!(harness.query_by_label("Start 104 runs").is_some(), "13 step sizes × 8 values of K");
    }

    #[test]
    fn every_setting_begins_with_values_that_can_be_swept() {
        for parameter in Parameter::iter() {
            let axis = Row::new(parameter).axis().unwrap();
            assert!(axis.values.len() > 1, "{parameter:?}");
        }
        assert_eq!(
            [read("1\u{202f}000"), read("1e-5"), read("0,5"), read("x")],
            [Some(1000.0), Some(1e-5), Some(0.5), None]
        );
    }
}
