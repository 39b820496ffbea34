//! Bias curves.

use super::expert_curves::{self, Quantity};
use super::frame::mode;
use super::{Pane, PaneContext, PaneKind, compared};
use crate::engine::history::Column;
use crate::model::config::Rule;
use crate::model::metrics::Metrics;
use eframe::egui::Ui;

/// The pane of biases over time.
#[derive(Debug, Default)]
pub struct Bias {
    /// Whether every bias is shown relative to the median of its step.
    relative: bool,
}

impl Pane for Bias {
    fn kind(&self) -> PaneKind {
        PaneKind::Bias
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let unit = if multiplies(cx) { "factors of the score" } else { "score units" };
        format!("{}, {unit}", expert_curves::described(cx))
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let tip = "Shows every bias relative to the median of its step. All biases drifting together changes no selection, but it hides \
                   what does";
        if mode(ui, cx.theme, "− median", self.relative, tip) {
            self.relative = !self.relative;
        }
        compared::switch(ui, cx, ("Overlaid", false), compared::NARROW);
    }

    fn help(&self) -> &'static str {
        "The bias of every expert after each step, in score units. It is added to the score for selection alone (under the multiplicative rule the score is multiplied by it): a rising curve means \
         that its expert gets fewer tokens than its fair share, a falling one more. Blue are the two largest biases now, orange the two \
         smallest. Only differences matter; a common shift changes no selection. Point at a curve to see its expert everywhere, click \
         to pin it. Scroll to zoom, drag to pan, double-click for the whole run, again for its latest steps."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let band: fn(&Column) -> [f64; 3] = if self.relative {
            |c| [c.around_median()[0], 0.0, c.around_median()[1]]
        } else {
            |c| [c.low().bias_min, c.metrics.bias_median, c.high().bias_max]
        };
        let from: fn(&Metrics) -> f64 = if self.relative { |m| m.bias_median } else { |_| 0.0 };
        let multiplies = multiplies(cx);
        let include: &[f64] = if multiplies && !self.relative { &[0.99, 1.01] } else { &[-0.01, 0.01] };
        let quantity = Quantity {
            id: "biases over time",
            of: |c| &c.bias,
            extremes: |c| [c.bias_low(), c.bias_high()],
            band,
            mark: None,
            include,
            high_is_over: false,
            from,
        };
        expert_curves::show(ui, cx, quantity);
    }
}

/// Whether the biases of the variant shown are factors.
fn multiplies(cx: &PaneContext<'_>) -> bool {
    let variant = cx.lab.snapshot().experiment.variants.get(cx.link.variant).map(|v| v.balancer.rule);
    variant == Some(Rule::Multiplicative)
}
