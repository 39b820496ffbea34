//! MaxVio over time.

use super::shared::compared;
use super::shared::frame::mode;
use super::shared::time_plot::{self, Axis, Band, Curve, Mark, TimePlot};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::style::{SMALL, text};
use eframe::egui::{self, Pos2, Ui};
use egui_plot::PlotTransform;
use moebias_engine::history::{Column, VariantHistory};
use moebias_engine::run::lock;
use moebias_model::metrics::{IN_BALANCE, Metrics};

/// The lower limit of the logarithmic axis, except for zero.
const SMALLEST: f64 = 1e-6;
/// Zero, which has no logarithm, is drawn this many decades below the power of ten at or below the lowest value.
const ZERO_BELOW: f64 = 0.5;

/// Over which steps MaxVio is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Window {
    /// Of each batch.
    #[default]
    Batch,
    /// Of the loads of 16 steps.
    Sixteen,
    /// Of all loads since the mark.
    Global,
}

/// The pane of MaxVio over time.
#[derive(Debug, Default)]
pub struct Violation {
    linear: bool,
    window: Window,
}

impl Violation {
    fn value(&self, m: &Metrics) -> f64 {
        match self.window {
            Window::Batch => m.max_vio,
            Window::Sixteen => m.max_vio_16,
            Window::Global => m.max_vio_global,
        }
    }

    fn title(&self) -> &'static str {
        match self.window {
            Window::Batch => "MaxVio per batch",
            Window::Sixteen => "MaxVio of 16 steps",
            Window::Global => "MaxVio since the mark",
        }
    }
}

/// How values of MaxVio map to the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Linear,
    /// By the logarithm; `zero` is the place of zero.
    Log {
        zero: f64,
    },
}

impl Scale {
    /// The scale for these values.
    fn over(linear: bool, values: impl Iterator<Item = f64>) -> Self {
        if linear {
            return Self::Linear;
        }
        let least = values.filter(|v| *v > 0.0).fold(0.1, f64::min).max(SMALLEST);
        Self::Log { zero: least.log10().floor() - ZERO_BELOW }
    }

    fn place(self, v: f64) -> f64 {
        match self {
            Self::Linear => v,
            Self::Log { zero } if v <= 0.0 => zero,
            Self::Log { .. } => v.max(SMALLEST).log10(),
        }
    }
}

impl Pane for Violation {
    fn kind(&self) -> PaneKind {
        PaneKind::Violation
    }

    fn subtitle(&self, _: &PaneContext<'_>) -> String {
        // The number is spelled out, because the digits would make the switches wide enough to fold into a menu.
        self.title().replace("16", "sixteen")
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let axis = if self.linear { "Linear" } else { "Log" };
        let windows = [
            (
                Window::Global,
                "Global",
                "max/fair − 1 of all loads since the mark (M sets it): MaxVio global of Wang et al. 2024",
            ),
            (Window::Sixteen, "16", "max/fair − 1 of the loads of the last 16 steps"),
            (Window::Batch, "1", "max/fair − 1 of each batch: MaxVio batch of Wang et al. 2024"),
        ];
        // In a narrow pane the modes are a menu.
        if ui.available_width() < 170.0 {
            let now = windows.iter().find(|w| w.0 == self.window).map_or("", |w| w.1);
            let menu = ui.add(egui::Button::new(egui::RichText::new(format!("{now} · {axis}  ▾")).font(text(SMALL))));
            menu.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Which MaxVio, which axis"));
            egui::Popup::menu(&menu).show(|ui| {
                for (window, name, tip) in windows.into_iter().rev() {
                    ui.radio_value(&mut self.window, window, name).on_hover_text(tip);
                }
                ui.separator();
                ui.checkbox(&mut self.linear, "Linear axis");
            });
            return;
        }
        if mode(ui, cx.theme, "Log", !self.linear, "Logarithmic axis; off, it is linear") {
            self.linear = !self.linear;
        }
        for (window, name, tip) in windows {
            if mode(ui, cx.theme, name, self.window == window, tip) {
                self.window = window;
            }
        }
    }

    fn help(&self) -> &'static str {
        "MaxVio = max load / fair share − 1: how far the fullest expert is above its fair share, 0 at perfect balance (Wang et al. 2024). \
         The dashed line is the sampling floor, what independent tokens show even at perfect balance: the expected maximum of E standard \
         normals × √((1 − K/E)/L), with the K, E and T of each step. Tokens of a trace or in bursts are not independent, so there it has no \
         place. A MaxVio of 0 has a line of its own below the logarithmic axis. Below 0.2 over 16 \
         steps Moebias calls a run in balance. Scroll to zoom, drag to pan, double-click for the whole run, again for its latest steps."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let snapshot = cx.lab.snapshot().clone();
        let span = time_plot::span(cx.link, &snapshot);
        let theme = cx.theme;
        let pixels = ui.available_width();
        let history = lock(&snapshot.history);
        if history.variants.iter().all(|v| v.recent().len() == 0) {
            drop(history);
            return time_plot::empty(ui, cx);
        }
        let several = history.variants.len() > 1;
        let (mut bands, mut curves) = (vec![], vec![]);
        let mut grouped = vec![];
        for v in &history.variants {
            let groups = time_plot::grouped(v, span, pixels, |group| {
                let low = group.iter().map(|c| self.value(c.low())).fold(f64::INFINITY, f64::min);
                let high = group.iter().map(|c| self.value(c.high())).fold(0.0, f64::max);
                let steps: f64 = group.iter().map(|c| c.steps as f64).sum();
                let mean = group.iter().map(|c| self.value(&c.metrics) * c.steps as f64).sum::<f64>() / steps.max(1.0);
                (time_plot::middle(group), low, mean, high)
            });
            grouped.push(groups);
        }
        let floors = match self.window {
            Window::Batch => history.variants.get(cx.link.variant).map(|v| floor(v, span, pixels)).unwrap_or_default(),
            _ => vec![],
        };
        drop(history);
        let values = || grouped.iter().flatten().flat_map(|g| [g.1, g.2, g.3]);
        let scale = Scale::over(self.linear, values());
        for (i, groups) in grouped.iter().enumerate() {
            let colour = compared::colour(cx, i);
            // If every step has a column of its own, the lowest and the highest value are equal, and no band is needed.
            if groups.iter().any(|g| g.3 > g.1) {
                bands.push(Band {
                    steps: groups.iter().map(|g| g.0).collect(),
                    low: groups.iter().map(|g| scale.place(g.1)).collect(),
                    high: groups.iter().map(|g| scale.place(g.3)).collect(),
                    colour: colour.gamma_multiply(0.22),
                });
            }
            let points = groups.iter().map(|g| [g.0, scale.place(g.2)]).collect();
            let name =
                snapshot.experiment.variants.get(i).filter(|_| several).map(|v| v.name.to_string()).unwrap_or_default();
            let width = if cx.link.hovered_variant == Some(i) { 2.4 } else { 1.5 };
            curves.push(Curve { points, colour, width, name, mark: compared::mark(cx, i), ..Curve::default() });
        }
        let mut marks = vec![];
        let mut include = if self.linear { vec![0.0, 0.5] } else { vec![-1.0, 0.0] };
        // The floor is that of each step, because the settings may have changed since.
        for points in floors {
            let points: Vec<[f64; 2]> = points.iter().map(|p| [p[0], scale.place(p[1])]).collect();
            include.extend(points.iter().map(|p| p[1]));
            curves.insert(0, Curve { points, colour: theme.fair, width: 1.0, dashed: true, ..Curve::default() });
        }
        let shown = snapshot.variants.get(cx.link.variant).map_or(0.0, |v| v.metrics.floor);
        // With several curves, the floor is named in the key.
        if let Some(curve) = curves.first_mut().filter(|c| several && c.dashed) {
            curve.name = format!("sampling floor {shown:.2}");
        } else if self.window == Window::Batch && shown > 0.0 {
            marks.push(Mark { value: scale.place(shown), name: format!("sampling floor {shown:.2}"), bare: true });
        }
        if let Scale::Log { zero } = scale
            && values().any(|v| v <= 0.0)
        {
            marks.push(Mark { value: zero, name: "MaxVio 0".into(), ..Mark::default() });
            include.push(zero);
        }
        if self.window == Window::Sixteen {
            let name = format!("in balance below {IN_BALANCE}");
            marks.push(Mark { value: scale.place(IN_BALANCE), name, ..Mark::default() });
            include.push(scale.place(IN_BALANCE));
        }
        let axis = if self.linear { Axis::Linear } else { Axis::Log };
        let plot = TimePlot { id: "MaxVio over time", y: self.title(), bands, curves, marks, axis, include };
        let (response, transform) = plot.show(ui, cx);
        if let Some(pointer) = response.hover_pos() {
            self.point(ui, cx, (&transform, pointer), scale);
        }
    }
}

impl Violation {
    /// Shows the values at the step under the pointer. Near a curve, its variant is highlighted.
    fn point(&self, ui: &mut Ui, cx: &mut PaneContext<'_>, (transform, pointer): (&PlotTransform, Pos2), scale: Scale) {
        let snapshot = cx.lab.snapshot().clone();
        let several = snapshot.experiment.variants.len() > 1;
        let step = transform.value_from_position(pointer).x.max(0.0) as u64;
        let history = lock(&snapshot.history);
        let here: Vec<_> = history.variants.iter().filter_map(|v| v.at(step)).cloned().collect();
        drop(history);
        let far = |c: &Column| {
            let mean = scale.place(self.value(&c.metrics));
            (transform.position_from_point_y(mean) - pointer.y).abs()
        };
        let near = here.iter().enumerate().min_by(|a, b| far(a.1).total_cmp(&far(b.1)));
        if let Some((variant, _)) = near.filter(|(_, c)| several && far(c) < 8.0) {
            cx.link.hover_variant(variant);
        }
        if let Some(first) = here.first() {
            let value = |c: &Column| match c.steps {
                1 => format!("{:.3}", self.value(&c.metrics)),
                _ => format!("{:.3} – {:.3}", self.value(c.low()), self.value(c.high())),
            };
            let values: Vec<String> = here.iter().map(|c| value(c)).collect();
            let words = format!("{}  {}", time_plot::steps_of(first), values.join("  "));
            time_plot::readout(ui, cx, *transform.frame(), &words);
        }
    }
}

/// The sampling floor of each step, as pieces without gaps. Steps whose tokens are not independent have no floor.
fn floor(of: &VariantHistory, span: (f64, f64), pixels: f32) -> Vec<Vec<[f64; 2]>> {
    let read = |group: &[&Column]| {
        let steps: f64 = group.iter().map(|c| c.steps as f64).sum();
        let mean = group.iter().map(|c| c.metrics.floor * c.steps as f64).sum::<f64>() / steps.max(1.0);
        let all = group.iter().all(|c| c.low().floor > 0.0);
        all.then(|| [time_plot::middle(group), mean])
    };
    let mut points = time_plot::grouped(of, span, pixels, read);
    // A level piece needs only its ends, so that its dashes are even.
    let level: Vec<bool> = (0..points.len())
        .map(|i| {
            let value = |i: usize| points.get(i).copied().flatten().map(|p| p[1]);
            i > 0 && value(i).is_some() && value(i - 1) == value(i) && value(i + 1) == value(i)
        })
        .collect();
    let mut level = level.into_iter();
    points.retain(|_| !level.next().unwrap_or(false));
    points
        .split(Option::is_none)
        .map(|part| part.iter().copied().flatten().collect::<Vec<_>>())
        .filter(|p| !p.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{lab_at, picture, stage, wait};
    use moebias_lab::command::Command;
    use moebias_model::change::{Change, Target};
    use moebias_model::metrics::sampling_floor;

    #[test]
    fn zero_has_a_place_below_all_values() {
        let scale = Scale::over(false, [0.0, 0.03, 2.0].into_iter());
        assert_eq!(scale, Scale::Log { zero: -2.5 });
        assert!(scale.place(0.0) < scale.place(0.03));
        assert_eq!(Scale::over(true, [0.0].into_iter()).place(0.0), 0.0);
    }

    #[test]
    fn the_past_keeps_its_floor() {
        let text = "source: Synthetic(batch: 256), variants: [(name: \"a\", router: (experts: 16, top_k: 6))]";
        let mut lab = lab_at(text, 20);
        lab.send(Command::Change { target: Target::Variant(0), change: Change::SetTopK(1) });
        lab.send(Command::StepForward(20));
        wait(&mut lab, |s| s.step == 40);
        let all = floor(&lock(&lab.snapshot().history).variants[0], (0.0, 40.0), 1000.0);
        assert_eq!(all.len(), 1);
        let at = |step: usize| all[0].iter().find(|p| p[0] == step as f64 + 0.5).unwrap()[1];
        assert_eq!((at(0), at(19)), (sampling_floor(16, 6, 256), sampling_floor(16, 6, 256)));
        assert_eq!((at(20), at(39)), (sampling_floor(16, 1, 256), sampling_floor(16, 1, 256)));
        for dark in [true, false] {
            let lab = lab_at(text, 60);
            let mut harness = stage(Violation::default(), lab, [420.0, 200.0], dark);
            harness.run_steps(3);
            picture(&mut harness, &format!("violation-{dark}"));
        }
    }

    #[test]
    fn a_perfect_batch_is_named_zero() {
        // Under expert choice all loads are equal.
        let text = "source: Synthetic(batch: 256), variants: [(name: \"a\", router: (experts: 16, top_k: 2), balancer: (rule: ExpertChoice)), (name: \"b\", router: (experts: 16, top_k: 2))]";
        let mut harness = stage(Violation::default(), lab_at(text, 60), [420.0, 200.0], true);
        harness.run_steps(3);
        picture(&mut harness, "violation-zero");
    }
}
