//! The numbers of the axes: round, and as many as fit.

use super::Axis;
use crate::ui::kit::style::{TINY, mono};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{self, Ui};
use egui_plot::GridMark;
use std::ops::RangeInclusive;

/// Sets the fonts and colours of the axes for everything drawn inside `ui`.
pub(super) fn look(ui: &mut Ui, theme: &Theme) {
    let style = ui.style_mut();
    style.override_font_id = Some(mono(TINY));
    style.visuals.override_text_color = Some(theme.faint);
    style.text_styles.insert(egui::TextStyle::Body, mono(TINY));
    style.text_styles.insert(egui::TextStyle::Small, mono(TINY));
}

/// The smallest of 1, 2, 5 × 10ⁿ that is not below `x`.
pub(super) fn nice_above(x: f64) -> f64 {
    let below = nice(x);
    if below >= x * (1.0 - 1e-9) { below } else { nice(below * 2.6) }
}

/// The largest of 1, 2, 5 × 10ⁿ that is not above `x`.
pub(super) fn nice(x: f64) -> f64 {
    let power = 10f64.powf(x.log10().floor());
    let lead = x / power;
    power
        * if lead >= 5.0 {
            5.0
        } else if lead >= 2.0 {
            2.0
        } else {
            1.0
        }
}

/// Grid lines for the steps, dividing the span into at most `columns` parts. If grid lines were closer than about 80 points, the plot would
/// leave out their numbers.
pub(super) fn steps_grid((from, to): (f64, f64), columns: f64) -> Vec<GridMark> {
    let step = nice_above((to - from) / columns).max(1.0);
    (0..=20)
        .map(|i| ((from / step).ceil() + f64::from(i)) * step)
        .take_while(|v| *v <= to)
        .map(|value| GridMark { value, step_size: step })
        .collect()
}

pub(super) fn values_grid(axis: Axis, (low, high): (f64, f64), rows: f64) -> Vec<GridMark> {
    if axis == Axis::Log && high - low >= 1.0 {
        let whole = low.ceil() as i64..=high.floor() as i64;
        return whole.map(|d| GridMark { value: d as f64, step_size: 1.0 }).collect();
    }
    let step = nice_above((high - low) / rows);
    (0..=20)
        .map(|i| ((low / step).ceil() + f64::from(i)) * step)
        .take_while(|v| *v <= high)
        .map(|value| GridMark { value, step_size: step })
        .collect()
}

pub(super) fn value_label(axis: Axis, value: f64, range: &RangeInclusive<f64>, rows: f64) -> String {
    if axis == Axis::Log {
        return figure(10f64.powf(value), value >= 0.0);
    }
    let step = nice_above((range.end() - range.start()) / rows);
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{:.decimals$}", if value.abs() < step * 1e-6 { 0.0 } else { value });
    text.replace('-', "−")
}
