//! Task loss over time, and how hard task and balance pull at the router.

use super::shared::frame::{message, mode};
use super::shared::time_plot::{self, Axis, Curve, Mark, TimePlot};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::style::{SMALL, text};
use eframe::egui::{self, Rect, Ui};
use moebias_engine::history::{Column, History};
use moebias_engine::run::lock;
use moebias_model::row::LearningRow;

/// What the curves show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shows {
    /// Normalised squared error.
    #[default]
    Loss,
    /// The same minus the error of the variant shown, on the same tokens.
    Gap,
    /// The cosine of the angle between the gradients of task loss and auxiliary loss.
    Interference,
    /// The strength of the auxiliary loss's gradient, relative to that of the task.
    Force,
    /// Mean score.
    Score,
}

impl Shows {
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (
            Self::Loss,
            "Loss",
            "NMSE = Σ|ŷ − y|² / Σ|y|² of the batch, before the step's update: predicting nothing gives 100 %",
        ),
        (Self::Gap, "Gap", "NMSE minus that of the variant shown, on the same tokens: what a method costs, in points"),
        (
            Self::Interference,
            "Interference",
            "Cosine of the angle between the task's and the auxiliary loss's gradient on the router: −1 where they oppose each other",
        ),
        (
            Self::Force,
            "Force",
            "α·|auxiliary gradient| / |task gradient| on the router: above 1 the auxiliary loss decides where it goes",
        ),
        (
            Self::Score,
            "Score",
            "Mean score of all tokens at all experts. Where it falls, a fixed step size u becomes coarser",
        ),
    ];

    fn of(self, row: &LearningRow) -> f64 {
        match self {
            Self::Loss | Self::Gap => 100.0 * row.nmse,
            Self::Interference => row.cosine,
            Self::Force => row.force,
            Self::Score => row.mean_score,
        }
    }

    /// The title of the y axis, with its unit.
    fn title(self) -> &'static str {
        match self {
            Self::Loss => "NMSE, %",
            Self::Gap => "NMSE less, points",
            Self::Interference => "cosine",
            Self::Force => "ratio",
            Self::Score => "mean score",
        }
    }

    fn figure(self, value: f64) -> String {
        match self {
            Self::Loss => format!("{value:.1} %"),
            Self::Gap => format!("{value:+.1}").replace('-', "−"),
            _ => format!("{value:.3}").replace('-', "−"),
        }
    }
}

/// The pane of task loss.
#[derive(Debug, Default)]
pub struct TaskLoss {
    shows: Shows,
}

impl Pane for TaskLoss {
    fn kind(&self) -> PaneKind {
        PaneKind::TaskLoss
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let learning = |v: &moebias_engine::message::VariantView| v.metrics.learning;
        match (self.shows, cx.lab.snapshot().variants.get(cx.link.variant).and_then(learning)) {
            (Shows::Loss, Some(l)) => {
                format!(
                    "{}NMSE {:.1} % of Σ|y|²; e^loss {:.3}",
                    super::shared::of_step(cx),
                    100.0 * l.nmse,
                    l.perplexity()
                )
            }
            (Shows::Loss, None) => "NMSE, % of Σ|y|²".into(),
            (Shows::Gap, _) => {
                let name = cx.lab.settings().variants.get(cx.link.variant).map(|v| v.name.as_str()).unwrap_or_default();
                format!("NMSE minus that of {name}, points")
            }
            (Shows::Interference, _) => "cos(task, auxiliary gradient) on the router".into(),
            (Shows::Force, _) => "α·|auxiliary| / |task| gradient on the router".into(),
            (Shows::Score, _) => "mean score".into(),
        }
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        // In a narrow pane the modes are a menu.
        if ui.available_width() < 450.0 {
            let now = Shows::ALL.iter().find(|s| s.0 == self.shows).map_or("", |s| s.1);
            let menu = ui.add(egui::Button::new(egui::RichText::new(format!("{now}  ▾")).font(text(SMALL))));
            menu.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "What Task loss shows"));
            egui::Popup::menu(&menu).show(|ui| {
                for (shows, name, tip) in Shows::ALL {
                    ui.radio_value(&mut self.shows, shows, name).on_hover_text(tip);
                }
            });
            return;
        }
        for (shows, name, tip) in Shows::ALL.into_iter().rev() {
            if mode(ui, cx.theme, name, self.shows == shows, tip) {
                self.shows = shows;
            }
        }
    }

    fn help(&self) -> &'static str {
        "Only where experts learn. Loss: squared error over squared target of each batch, before the step's update; e^loss is e to half the \
         mean squared error of a coordinate, a figure that resembles a perplexity but is not that of a language model. Compare \
         variants only on the same seed: worlds differ far more than methods do. Gap does this, on the very same tokens. Interference and force belong together: a cosine near −1 \
         with a force near 1 is a stalemate, and at a very large α the cosine is near 0 because the auxiliary gradient is mostly the \
         chance of each batch. Without an auxiliary loss the normalised one's gradient is measured and not applied, and the force is 0."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let snapshot = cx.lab.snapshot().clone();
        if snapshot.experiment.world().is_none() {
            let words = "Nothing learns in this experiment.\nOpen “The auxiliary-loss dilemma” to see experts and routers learn.";
            return message(ui, cx.theme, words);
        }
        let span = time_plot::span(cx.link, &snapshot);
        let pixels = ui.available_width();
        let history = lock(&snapshot.history);
        if history.variants.iter().all(|v| v.recent().len() == 0) {
            drop(history);
            return time_plot::empty(ui, cx);
        }
        let mut curves = self.curves(cx, &history, span, pixels);
        drop(history);
        if self.shows == Shows::Gap {
            less(&mut curves, cx.link.variant);
        }
        let (marks, include) = match self.shows {
            Shows::Loss => (vec![], vec![]),
            Shows::Gap => (vec![], vec![-1.0, 1.0]),
            Shows::Interference => {
                (vec![Mark { value: 0.0, name: "at right angles".into(), ..Mark::default() }], vec![-0.5, 0.0, 0.1])
            }
            Shows::Force => {
                (vec![Mark { value: 1.0, name: "as strong as the task".into(), ..Mark::default() }], vec![0.0, 1.0])
            }
            Shows::Score => (vec![], vec![0.0, 0.5]),
        };
        let plot = TimePlot {
            id: "task loss over time",
            y: self.shows.title(),
            bands: vec![],
            curves,
            marks,
            axis: Axis::Linear,
            include,
        };
        let (response, transform) = plot.show(ui, cx);
        if let Some(pointer) = response.hover_pos() {
            let step = transform.value_from_position(pointer).x.max(0.0) as u64;
            self.figures_of(ui, cx, step, *transform.frame());
        }
    }
}

impl TaskLoss {
    /// The value of a column that is shown; `None` for a variant that diverged.
    fn value(&self, column: &Column) -> Option<f64> {
        column.metrics.learning.map(|l| self.shows.of(&l))
    }

    /// One curve per variant.
    fn curves(&self, cx: &PaneContext<'_>, history: &History, span: (f64, f64), pixels: f32) -> Vec<Curve> {
        let snapshot = cx.lab.snapshot();
        let compared = history.variants.len() > 1;
        let mut curves = vec![];
        for (i, v) in history.variants.iter().enumerate() {
            let colour = super::shared::compared::colour(cx, i);
            let points = time_plot::grouped(v, span, pixels, |group| {
                let known: Vec<f64> = group.iter().filter_map(|c| self.value(c)).collect();
                let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
                (!known.is_empty()).then(|| [time_plot::middle(group), mean])
            });
            let name = snapshot.experiment.variants.get(i).map(|v| v.name.to_string()).filter(|_| compared);
            let diverged =
                snapshot.variants.get(i).is_some_and(|v| !v.loads.is_empty() && v.metrics.learning.is_none());
            let name = match (name, diverged) {
                (Some(name), true) => format!("{name}: diverged"),
                (None, true) => "diverged: lower the learning rates".into(),
                (name, false) => name.unwrap_or_default(),
            };
            curves.push(Curve {
                points: points.into_iter().flatten().collect(),
                colour,
                width: 1.5,
                name,
                mark: super::shared::compared::mark(cx, i),
                ..Curve::default()
            });
        }
        curves
    }

    /// Shows the value of every variant at a step.
    fn figures_of(&self, ui: &mut Ui, cx: &mut PaneContext<'_>, step: u64, frame: Rect) {
        let snapshot = cx.lab.snapshot().clone();
        let history = lock(&snapshot.history);
        let columns = history.variants.iter().map(|v| v.at(step).and_then(|c| self.value(c)));
        let values: Vec<Option<f64>> = columns.collect();
        let steps =
            history.variants.first().and_then(|v| v.at(step)).map(|c| time_plot::steps_of(c)).unwrap_or_default();
        let of = values.get(cx.link.variant).copied().flatten().filter(|_| self.shows == Shows::Gap);
        let words = |v: &Option<f64>| v.map_or("–".into(), |v| self.shows.figure(v - of.unwrap_or(0.0)));
        let known = values.iter().any(Option::is_some);
        let values: Vec<String> = values.iter().filter(|_| known).map(words).collect();
        drop(history);
        if !values.is_empty() {
            let words = format!("{steps}  {}", values.join("  "));
            time_plot::readout(ui, cx, frame, &words);
        }
    }
}

/// Subtracts one curve from all, step by step. Points at which it has no value are left out of the others too.
fn less(curves: &mut [Curve], which: usize) {
    let Some(base) = curves.get(which).map(|c| c.points.clone()) else { return };
    for curve in curves {
        let both = curve.points.iter().zip(&base).filter(|(p, b)| p[0] == b[0]);
        curve.points = both.map(|(p, b)| [p[0], p[1] - b[1]]).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{lab_at, stage};
    use egui_kittest::kittest::Queryable as _;

    const TEXT: &str =
        "source: Learning(batch: 256), variants: [(name: \"a\"), (name: \"b\", learning: (auxiliary: Normalised))]";

    #[test]
    fn every_mode_is_drawn_and_says_what_it_is() {
        let mut harness = stage(TaskLoss::default(), lab_at(TEXT, 40), [1000.0, 300.0], true);
        harness.run_steps(3);
        for (shows, name, _) in Shows::ALL {
            harness.get_by_label(name).click();
            harness.run_steps(3);
            assert_eq!(harness.state().pane.shows, shows);
        }
    }

    #[test]
    fn a_gap_is_taken_step_by_step() {
        let curve = |points: &[[f64; 2]]| Curve {
            points: points.to_vec(),
            colour: egui::Color32::RED,
            width: 1.0,
            ..Curve::default()
        };
        let mut curves = vec![curve(&[[0.5, 40.0], [1.5, 30.0]]), curve(&[[0.5, 42.0], [1.5, 29.0], [2.5, 1.0]])];
        less(&mut curves, 0);
        assert_eq!(curves[0].points, [[0.5, 0.0], [1.5, 0.0]]);
        assert_eq!(curves[1].points, [[0.5, 2.0], [1.5, -1.0]]);
    }
}
