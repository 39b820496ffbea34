//! MaxVio against the size of a computation batch, for every variant.

use super::super::PaneContext;
use super::super::shared::compared::Mark;
use super::super::shared::time_plot;
use super::xy::{Axis, Scale, Xy, key};
use super::{captioned, figures, places, row, row_in, words};
use crate::ui::kit::style::{TINY, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{Color32, Stroke, Ui};
use moebias_engine::message::Snapshot;
use moebias_engine::run::lock;
use moebias_engine::theory::{Theory, sizes_of_steps};
use moebias_model::config::Source;
use moebias_model::metrics::sampling_floor;
use moebias_model::theory::batch_size::Size;
use std::sync::Arc;

/// Smaller values are drawn at this one.
const SMALLEST: f64 = 0.003;

/// One variant's curve: within a batch, then over whole steps.
struct Measured {
    name: String,
    colour: Color32,
    mark: Mark,
    sizes: Vec<Size>,
}

pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, theory: &Arc<Theory>) {
    let snapshot = cx.lab.snapshot().clone();
    let theme = cx.theme;
    let measured = measure(&snapshot, theory, theme);
    let all = || measured.iter().flat_map(|m| &m.sizes);
    let (Some(least), Some(most)) = (all().map(|s| s.tokens).min(), all().map(|s| s.tokens).max()) else {
        return super::super::shared::nothing_yet(ui, cx, "batches appear with the first step");
    };
    let (place, column) = places(ui.max_rect());
    let high = all().map(|s| s.mean).fold(0.1, f64::max) * 3.0;
    let low = all().map(|s| s.mean).filter(|m| *m > 0.0).fold(high, f64::min).max(SMALLEST) / 1.5;
    let chart = Chart { measured: &measured, tokens: (least, most), range: (low, high) };
    let caption = "MaxVio of a computation batch, mean";
    let hovered = captioned(ui, cx, place, caption, |ui, cx| chart.show(ui, cx));
    figures(ui, column, |ui| chart.column(ui, cx, hovered));
}

/// The curve of every variant: within a batch, then over whole steps.
fn measure(snapshot: &Snapshot, theory: &Theory, theme: &Theme) -> Vec<Measured> {
    let several = snapshot.experiment.variants.len() > 1;
    let history = lock(&snapshot.history);
    let variants = snapshot.experiment.variants.iter().enumerate();
    variants
        .map(|(i, v)| {
            let mut sizes = theory.sizes.get(i).cloned().unwrap_or_default();
            sizes.retain(|s| s.tokens < u64::from(snapshot.routed_batch));
            if let Some(of) = history.variants.get(i) {
                sizes.extend(sizes_of_steps(of, snapshot.step, snapshot.routed_batch));
            }
            let colour = if several { theme.variants[i % theme.variants.len()] } else { theme.accent };
            Measured { name: v.name.to_string(), colour, mark: Mark::of(i), sizes }
        })
        .collect()
}

/// The plot and the figures beside it.
struct Chart<'a> {
    measured: &'a [Measured],
    /// The smallest and the largest computation batch.
    tokens: (u64, u64),
    /// The lower and the upper end of the axis of MaxVio.
    range: (f64, f64),
}

impl Chart<'_> {
    /// Draws the plot. Returns the size of the batch that is nearest to the pointer.
    fn show(&self, ui: &mut Ui, cx: &mut PaneContext<'_>) -> Option<u64> {
        let (measured, (least, most), (low, high)) = (self.measured, self.tokens, self.range);
        let (snapshot, theme) = (cx.lab.snapshot().clone(), cx.theme);
        let several = snapshot.experiment.variants.len() > 1;
        let x = Axis {
            name: "tokens in a computation batch",
            scale: Scale::Log(2),
            range: (least as f64, most.max(least * 2) as f64),
        };
        let y = Axis { name: "MaxVio", scale: Scale::Log(10), range: (low, high) };
        let plot = Xy::new(ui, theme, "MaxVio against computation batch", x, y);
        if let Some(v) = snapshot.experiment.variants.get(cx.link.variant) {
            let floor = |n: u64| {
                (n as f64, sampling_floor(v.router.experts, v.router.top_k, n.min(u64::from(u32::MAX)) as u32))
            };
            let curve: Vec<(f64, f64)> = (0..40).map(|i| least << i).take_while(|n| *n <= most).map(floor).collect();
            plot.curve(ui, &curve, Stroke::new(1.2, theme.fair), true);
        }
        for m in measured {
            let curve: Vec<(f64, f64)> = m.sizes.iter().map(|s| (s.tokens as f64, s.mean.max(SMALLEST))).collect();
            plot.curve(ui, &curve, Stroke::new(1.6, m.colour), false);
            let painter = ui.painter().with_clip_rect(plot.frame.expand(5.0));
            curve.iter().for_each(|&(x, y)| m.mark.draw(&painter, plot.at(x, y), 3.0, m.colour, theme.pane));
        }
        // Left of the line at one step, a computation batch is part of a step; right of it, several steps.
        let step = plot.at(f64::from(snapshot.routed_batch), low).x;
        if plot.frame.x_range().contains(step) {
            ui.painter().vline(step, plot.frame.y_range(), Stroke::new(1.0, theme.fair.gamma_multiply(0.6)));
            let at = eframe::egui::pos2(step + 4.0, plot.frame.bottom() - 8.0);
            let align = eframe::egui::Align2::LEFT_CENTER;
            if at.x + 50.0 < plot.frame.right() {
                ui.painter().text(at, align, "one step", text(TINY), theme.dim);
            }
        }
        key(ui, theme, plot.frame, &self.names(several, theme));
        self.nearest(ui, cx, &plot)
    }

    /// The names of the curves.
    fn names(&self, several: bool, theme: &Theme) -> Vec<(String, Color32, Option<Mark>)> {
        let mut names: Vec<(String, Color32, Option<Mark>)> = vec![];
        if several {
            let short = |n: &str| {
                if n.chars().count() > 24 { n.chars().take(23).chain(['…']).collect() } else { n.to_owned() }
            };
            names.extend(self.measured.iter().take(6).map(|m| (short(&m.name), m.colour, Some(m.mark))));
        }
        names.push(("chance alone".into(), theme.fair, None));
        names
    }

    /// Shows the figures of the batch that is nearest to the pointer. Returns its size.
    fn nearest(&self, ui: &mut Ui, cx: &mut PaneContext<'_>, plot: &Xy) -> Option<u64> {
        let several = self.measured.len() > 1;
        let pointer = plot.response.hover_pos()?;
        let far = |s: &Size| (plot.at(s.tokens as f64, s.mean.max(SMALLEST)) - pointer).length();
        let of = self.measured.iter().flat_map(|m| m.sizes.iter().map(move |s| (m, *s)));
        let (m, s) = of.min_by(|a, b| far(&a.1).total_cmp(&far(&b.1)))?;
        let name = if several { format!("{}  ", m.name) } else { String::new() };
        let words = format!(
            "{name}{} tokens  mean {:.3}  from {:.3} to {:.3}  {} batches",
            figure(s.tokens as f64, true),
            s.mean,
            s.low,
            s.high,
            s.batches
        );
        time_plot::readout(ui, cx, plot.frame, &words);
        Some(s.tokens)
    }

    /// The figures of the variant shown, one row per size.
    fn column(&self, ui: &mut Ui, cx: &PaneContext<'_>, hovered: Option<u64>) {
        let (snapshot, theme, measured) = (cx.lab.snapshot(), cx.theme, self.measured);
        let v = snapshot.experiment.variants.get(cx.link.variant);
        let shown = measured.get(cx.link.variant).or(measured.first());
        let Some((v, m)) = v.zip(shown) else { return };
        for s in &m.sizes {
            let colour = if Some(s.tokens) == hovered { theme.accent } else { theme.dim };
            let value = format!("{:.3}", s.mean);
            let tip = format!(
                "From {:.3} to {:.3} in {} batches; chance alone {:.3}",
                s.low,
                s.high,
                s.batches,
                sampling_floor(v.router.experts, v.router.top_k, s.tokens as u32)
            );
            row_in(ui, cx, colour, &format!("{} tokens", figure(s.tokens as f64, true)), &value, &tip);
        }
        if let Some(view) = snapshot.variants.get(cx.link.variant) {
            row(
                ui,
                cx,
                "MaxVio global",
                &format!("{:.3}", view.metrics.max_vio_global),
                "Of all loads since the mark: where the curve ends",
            );
        }
        let note = match &snapshot.experiment.source {
            Source::Synthetic(s) if s.burst == 1 => {
                "Left of one step: its batch, the tokens in order. Right of it: up to 64 past steps, summed; it may fall below chance, because the biases correct what chance did."
            }
            Source::Fixed(_) => "One batch, repeated: right of one step nothing is new, and the curve is level.",
            _ => "These tokens are not independent: even a balanced router shows more than chance alone.",
        };
        words(ui, cx, text(TINY), note);
    }
}
