//! The loads of the experts over time, as curves.

use super::shared::expert_curves::{self, Quantity};
use super::shared::{compared, of_one};
use super::{Pane, PaneContext, PaneKind};
use eframe::egui::Ui;
use moebias_engine::history::Column;

/// The pane of loads over time, as curves.
#[derive(Debug, Default)]
pub struct LoadCurves;

impl Pane for LoadCurves {
    fn kind(&self) -> PaneKind {
        PaneKind::LoadCurves
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        format!("{}, times fair", expert_curves::described(cx))
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_one(cx)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        compared::switch(ui, cx, ("Overlaid", false), compared::NARROW);
    }

    fn help(&self) -> &'static str {
        "Tokens of every expert in each step, divided by the fair share L = K·T/E: 1 is fair, 0 is an expert without work. Point at a \
         curve to see its expert everywhere, click to pin it. Scroll to zoom, drag to pan, double-click for the whole run, again for its latest steps."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let band = |c: &Column| [1.0 - c.high().min_vio, c.metrics.load_median, 1.0 + c.high().max_vio];
        let mark = Some((1.0, "fair share"));
        let quantity = Quantity {
            id: "loads over time",
            title: "load ÷ fair share",
            of: |c| &c.load,
            extremes: |c| [c.load_low(), c.load_high()],
            band,
            mark,
            recorded: &[],
            include: &[0.0, 2.0],
            from: |_| 0.0,
            high_is_over: true,
        };
        expert_curves::show(ui, cx, quantity);
    }
}
