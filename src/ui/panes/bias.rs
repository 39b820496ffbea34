//! The biases of the experts over time, as curves.

use super::shared::expert_curves::{self, Quantity};
use super::shared::frame::mode;
use super::shared::{compared, of_one, time_plot};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::link::Side;
use eframe::egui::Ui;
use moebias_engine::history::{Column, VariantHistory};
use moebias_engine::run::lock;
use moebias_model::config::Rule;
use moebias_model::metrics::Metrics;

/// The pane of biases over time.
#[derive(Debug, Default)]
pub struct Bias {
    /// Whether every bias is shown minus the median of its step, if the user chose it; otherwise the pane chooses.
    choice: Option<bool>,
}

impl Bias {
    /// The user's choice, to be remembered for the next session.
    #[must_use]
    pub fn choice(&self) -> Option<bool> {
        self.choice
    }

    /// Restores the user's choice of an earlier session.
    pub fn choose(&mut self, choice: Option<bool>) {
        self.choice = choice;
    }

    /// Whether biases are shown minus the median: as the user chose, or else if their common drift exceeds their spread.
    fn relative(&self, cx: &PaneContext<'_>) -> bool {
        self.choice.unwrap_or_else(|| drifts(cx))
    }
}

/// Whether the common drift of the biases over the visible steps exceeds their spread. The drift would then hide the differences.
fn drifts(cx: &PaneContext<'_>) -> bool {
    let snapshot = cx.lab.snapshot();
    let (from, to) = time_plot::span(cx.link, snapshot);
    let history = lock(&snapshot.history);
    let drift = |of: &VariantHistory| {
        let start = f64::from(u8::from(multiplies(cx)));
        let whole = [f64::INFINITY, f64::NEG_INFINITY, 0.0];
        // A few columns of many steps each are enough for the extremes.
        let few = ((to - from) / 16.0).max(1.0) as u64;
        let all = of.columns(from.max(0.0) as u64, to.max(0.0) as u64, few);
        let [low, high, spread] = all.iter().fold(whole, |[low, high, spread], c| {
            let around = c.around_median();
            [low.min(c.low().bias_median), high.max(c.high().bias_median), spread.max(around[1] - around[0])]
        });
        // If the first step is visible, the start of the biases counts too.
        let drift = if from <= history.first as f64 { high.max(start) - low.min(start) } else { high - low };
        drift > spread && drift.is_finite()
    };
    let variants = if compared::side(cx) == Side::One { vec![cx.link.variant] } else { compared::beside(cx) };
    variants.into_iter().filter_map(|v| history.variants.get(v)).any(drift)
}

impl Pane for Bias {
    fn kind(&self) -> PaneKind {
        PaneKind::Bias
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let unit = if multiplies(cx) { "factors of the score" } else { "score units" };
        // What is shown comes first, because a narrow header cuts the end.
        let how = if self.relative(cx) { "minus the median" } else { "as they are" };
        let dashed = if recorded(cx, false).is_empty() { "" } else { ", dashed: as recorded" };
        format!("{how}, {unit}{dashed} · {}", expert_curves::described(cx))
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_one(cx)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let tip = "Every bias minus the median of its step. All biases drifting together changes no selection, but it hides what does. \
                   Chosen by itself where that drift is more than the spread";
        let relative = self.relative(cx);
        if mode(ui, cx.theme, "− median", relative, tip) {
            self.choice = Some(!relative);
        }
        compared::switch(ui, cx, ("Overlaid", false), compared::NARROW);
    }

    fn help(&self) -> &'static str {
        "The bias of every expert after each step, in score units. It is added to the score only for selection (under the multiplicative rule the score is multiplied by it): a rising curve means \
         that its expert gets fewer tokens than its fair share, a falling one more. Blue are the two largest biases now, orange the two \
         smallest. Dashed lines are the biases that a recorded model had learned. Only differences matter; a common shift changes no selection, and if it exceeds the spread, biases are shown minus the median. Point at a curve to see its expert everywhere, click \
         to pin it. Scroll to zoom, drag to pan, double-click for the whole run, again for its latest steps."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let relative = self.relative(cx);
        let band: fn(&Column) -> [f64; 3] = if relative {
            |c| [c.around_median()[0], 0.0, c.around_median()[1]]
        } else {
            |c| [c.low().bias_min, c.metrics.bias_median, c.high().bias_max]
        };
        let from: fn(&Metrics) -> f64 = if relative { |m| m.bias_median } else { |_| 0.0 };
        let multiplies = multiplies(cx);
        let include: &[f64] = if multiplies && !relative { &[0.99, 1.01] } else { &[-0.01, 0.01] };
        let quantity = Quantity {
            id: "biases over time",
            title: match (relative, multiplies) {
                (true, false) => "bias − median, score units",
                (false, false) => "bias, score units",
                (true, true) => "factor − median",
                (false, true) => "factor of the score",
            },
            of: |c| &c.bias,
            extremes: |c| [c.bias_low(), c.bias_high()],
            band,
            mark: None,
            recorded: &recorded(cx, relative),
            include,
            high_is_over: false,
            from,
        };
        expert_curves::show(ui, cx, quantity);
    }
}

/// The biases that a recorded model had learned, in score units, for a variant whose biases mean the same. Only their differences matter, so
/// they are shown around their median, or else around their mean. Without the median, they are unchanged if the run starts from them.
fn recorded(cx: &PaneContext<'_>, relative: bool) -> Vec<f64> {
    let snapshot = cx.lab.snapshot();
    let Some(trace) = snapshot.trace.as_ref().filter(|t| !t.learned_bias.is_empty()) else { return vec![] };
    let fits =
        snapshot.experiment.variants.get(cx.link.variant).is_some_and(|v| {
            v.balancer.rule.kind_of_bias() == 0 && v.router.experts as usize == trace.learned_bias.len()
        });
    if !fits {
        return vec![];
    }
    let learned = &trace.learned_bias;
    let from = if relative {
        let mut sorted = learned.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    } else if trace.starts_from_bias {
        0.0
    } else {
        learned.iter().sum::<f64>() / learned.len() as f64
    };
    learned.iter().map(|bias| bias - from).collect()
}

/// Whether the biases of the variant shown are factors.
fn multiplies(cx: &PaneContext<'_>) -> bool {
    let variant = cx.lab.snapshot().experiment.variants.get(cx.link.variant).map(|v| v.balancer.rule);
    variant == Some(Rule::Multiplicative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{lab_at, picture, stage};
    use egui_kittest::kittest::Queryable as _;

    fn shown(variant: &str, steps: u64) -> (String, String, bool) {
        let text = format!("source: Synthetic(batch: 256, burst: 64), variants: [(name: \"a\", {variant})]");
        let mut harness = stage(Bias::default(), lab_at(&text, steps), [520.0, 260.0], true);
        harness.run_steps(3);
        let stage = harness.state_mut();
        let theme = crate::ui::kit::theme::Theme::of(&eframe::egui::Context::default());
        let cx = PaneContext { lab: &mut stage.lab, link: &mut stage.link, theme };
        let (before, relative) = (stage.pane.subtitle(&cx), stage.pane.relative(&cx));
        picture(&mut harness, &format!("bias-{relative}"));
        harness.get_by_label("− median").click();
        harness.run_steps(3);
        let stage = harness.state_mut();
        let cx = PaneContext { lab: &mut stage.lab, link: &mut stage.link, theme };
        assert_eq!((stage.pane.choice(), stage.pane.relative(&cx)), (Some(!relative), !relative), "a person decides");
        (before, stage.pane.subtitle(&cx), relative)
    }

    #[test]
    fn a_drift_that_drowns_the_picture_is_taken_away_and_that_is_said() {
        let router = "router: (experts: 16, top_k: 1)";
        // Tokens come in bursts: at every step a few experts are far over their share, and the sign rule lifts all the others.
        let (before, after, relative) = shown(&format!("{router}, balancer: (rate: 0.01, rule: Sign)"), 400);
        assert!(relative, "{before}");
        assert!(before.starts_with("minus the median, score units"), "{before}");
        assert!(after.starts_with("as they are, score units"), "{after}");
        let (before, _, relative) = shown(&format!("{router}, balancer: (rate: 0.01, rule: CentredSign)"), 400);
        assert!(!relative && before.starts_with("as they are"), "{before}");
    }
}
