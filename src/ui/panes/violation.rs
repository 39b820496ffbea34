//! MaxVio over time.

use super::super::style::{SMALL, text};
use super::frame::mode;
use super::time_plot::{self, Axis, Band, Curve, Mark, TimePlot};
use super::{Pane, PaneContext, PaneKind, compared};
use crate::engine::history::Column;
use crate::engine::run::lock;
use crate::model::config::Source;
use crate::model::metrics::{IN_BALANCE, Metrics, sampling_floor};
use eframe::egui::{self, Ui};

/// Smaller values are drawn here on the logarithmic axis.
const SMALLEST: f64 = 1e-3;

/// Which MaxVio the strong curve shows.
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

    fn to_axis(&self, v: f64) -> f64 {
        if self.linear { v } else { v.max(SMALLEST).log10() }
    }
}

impl Pane for Violation {
    fn kind(&self) -> PaneKind {
        PaneKind::Violation
    }

    fn subtitle(&self, _: &PaneContext<'_>) -> String {
        let what = match self.window {
            Window::Batch => "MaxVio per batch",
            Window::Sixteen => "MaxVio of 16 steps",
            Window::Global => "MaxVio since the mark",
        };
        what.into()
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
        // Where there is little room, the modes are a menu.
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
        if mode(ui, cx.theme, axis, false, "Linear or logarithmic axis") {
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
         normals × √((1 − K/E)/L). Tokens of a trace or in bursts are not independent, so there it has no place. Below 0.2 over 16 \
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
            return time_plot::empty(ui, theme);
        }
        let several = history.variants.len() > 1;
        let (mut bands, mut curves) = (vec![], vec![]);
        for (i, v) in history.variants.iter().enumerate() {
            let colour = compared::colour(cx, i);
            let groups = time_plot::grouped(v, span, pixels, |group| {
                let low = group.iter().map(|c| self.value(c.low())).fold(f64::INFINITY, f64::min);
                let high = group.iter().map(|c| self.value(c.high())).fold(0.0, f64::max);
                let steps: f64 = group.iter().map(|c| c.steps as f64).sum();
                let mean = group.iter().map(|c| self.value(&c.metrics) * c.steps as f64).sum::<f64>() / steps.max(1.0);
                (time_plot::middle(group), low, mean, high)
            });
            // Where every step has a column of its own there is nothing between lowest and highest.
            if groups.iter().any(|g| g.3 > g.1) {
                bands.push(Band {
                    steps: groups.iter().map(|g| g.0).collect(),
                    low: groups.iter().map(|g| self.to_axis(g.1)).collect(),
                    high: groups.iter().map(|g| self.to_axis(g.3)).collect(),
                    colour: colour.gamma_multiply(0.22),
                });
            }
            let points = groups.iter().map(|g| [g.0, self.to_axis(g.2)]).collect();
            let name =
                snapshot.experiment.variants.get(i).filter(|_| several).map(|v| v.name.clone()).unwrap_or_default();
            let width = if cx.link.hovered_variant == Some(i) { 2.4 } else { 1.5 };
            curves.push(Curve { points, colour, width, name });
        }
        drop(history);
        let mut marks = vec![];
        let mut include = if self.linear { vec![0.0, 0.5] } else { vec![-1.0, 0.0] };
        let fresh = matches!(&snapshot.experiment.source, Source::Synthetic(s) if s.burst == 1);
        if let Some(v) = snapshot
            .experiment
            .variants
            .get(cx.link.variant)
            .filter(|v| fresh && self.window == Window::Batch && v.has_floor())
        {
            let floor = sampling_floor(v.router.experts, v.router.top_k, snapshot.batch);
            if floor > 0.0 {
                marks.push(Mark { value: self.to_axis(floor), name: format!("sampling floor {floor:.2}") });
                include.push(self.to_axis(floor));
            }
        }
        if self.window == Window::Sixteen {
            marks.push(Mark { value: self.to_axis(IN_BALANCE), name: format!("in balance below {IN_BALANCE}") });
            include.push(self.to_axis(IN_BALANCE));
        }
        let axis = if self.linear { Axis::Linear } else { Axis::Log };
        let plot = TimePlot { id: "MaxVio over time", bands, curves, marks, axis, include };
        let (response, transform) = plot.show(ui, cx);
        if let Some(pointer) = response.hover_pos() {
            let step = transform.value_from_position(pointer).x.max(0.0) as u64;
            let history = lock(&snapshot.history);
            let here: Vec<_> = history.variants.iter().filter_map(|v| v.at(step)).cloned().collect();
            drop(history);
            let far = |c: &Column| {
                let mean = self.to_axis(self.value(&c.metrics));
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
}
