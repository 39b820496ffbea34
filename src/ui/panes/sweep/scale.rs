//! Places values of a sweep between the smallest and the largest one.

use crate::ui::kit::widgets::slider::{figure, significant};
use moebias_model::sweep::{Axis, Value};

/// A scale is logarithmic if its largest value is at least this many times the smallest.
const WIDE: f64 = 20.0;
/// Colours use the whole ramp only if the largest value is at least this many times the smallest, so that similar values have similar
/// colours.
const LEAST: f64 = 2.0;

/// A range of values, linear or logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    log: bool,
    pub from: f64,
    pub to: f64,
}

impl Scale {
    /// The scale from the smallest to the largest of these values.
    pub(super) fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
        values.for_each(|v| (from, to) = (from.min(v), to.max(v)));
        if from > to {
            (from, to) = (0.0, 1.0);
        }
        if from == to {
            // A single value is placed in the middle.
            let around = if from == 0.0 { 0.5 } else { from.abs() / 2.0 };
            (from, to) = (from - around, to + around);
        }
        Self { log: from > 0.0 && to / from >= WIDE, from, to }
    }

    /// As [`Self::over`], for colours, which are compared by eye: positive values get a range of at least a factor of [`LEAST`] around
    /// their geometric mean.
    pub(super) fn of_colours(values: impl Iterator<Item = f64>) -> Self {
        let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
        values.for_each(|v| (from, to) = (from.min(v), to.max(v)));
        if from > 0.0 && from < to && to / from < LEAST {
            let middle = (from * to).sqrt();
            (from, to) = (middle / LEAST.sqrt(), middle * LEAST.sqrt());
        }
        Self::over([from, to].into_iter().filter(|v| v.is_finite()))
    }

    /// The position of a value in the range, in \[0, 1].
    pub(super) fn share(&self, value: f64) -> f32 {
        let t = if self.log {
            (value.max(self.from).ln() - self.from.ln()) / (self.to.ln() - self.from.ln())
        } else {
            (value - self.from) / (self.to - self.from)
        };
        t.clamp(0.0, 1.0) as f32
    }

    /// Round values in the range for labels, about `most` of them.
    pub(super) fn ticks(&self, most: f32) -> Vec<f64> {
        if self.log {
            let (low, high) = (self.from.log10().ceil() as i32, self.to.log10().floor() as i32);
            let decades = (f64::from(high - low) + 1.0).max(1.0);
            let between: &[f64] = if decades * 3.0 <= f64::from(most) { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let all = (low - 1..=high).flat_map(|i| between.iter().map(move |m| m * 10f64.powi(i)));
            let ticks: Vec<f64> = all.filter(|v| *v >= self.from * 0.999 && *v <= self.to * 1.001).collect();
            return if ticks.len() > 1 { ticks } else { vec![self.from, self.to] };
        }
        let rough = (self.to - self.from) / f64::from(most.max(1.0));
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(rough);
        let first = (self.from / step - 1e-9).ceil() as i64;
        (first..).map(|i| i as f64 * step).take_while(|v| *v <= self.to + 1e-9 * step).take(20).collect()
    }
}

/// A value with three significant digits, without trailing zeros.
pub(super) fn short(value: f64) -> String {
    let value = significant(value, 3);
    if value.fract() == 0.0 {
        return figure(value, true);
    }
    let text = figure(value, false);
    if text.contains('e') { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// The label of a value on an axis.
pub(super) fn label(value: Value) -> String {
    match value {
        Value::Real(x) => short(x),
        Value::Whole(n) => figure(f64::from(n), true),
        name => name.in_words(),
    }
}

/// The position of a value among the values of an axis: 0 is the first, 1 the second, and fractions lie between two. `None` if the value
/// lies outside.
pub(super) fn place(axis: &Axis, value: Value) -> Option<f32> {
    if let Some(i) = axis.values.iter().position(|v| *v == value) {
        return Some(i as f32);
    }
    let x = value.number()?;
    let numbers: Vec<f64> = axis.values.iter().filter_map(|v| v.number()).collect();
    let i = numbers.windows(2).position(|w| (w[0] < x && x < w[1]) || (w[1] < x && x < w[0]))?;
    let (a, b) = (numbers[i], numbers[i + 1]);
    let t = if a > 0.0 && b > 0.0 { (x / a).ln() / (b / a).ln() } else { (x - a) / (b - a) };
    Some(i as f32 + t as f32)
}

/// The indices of the labels to show out of `count`, if about `most` fit: evenly spaced, and ending with the last one if possible.
pub(super) fn labelled(count: usize, most: f32) -> impl Iterator<Item = usize> {
    let last = count.saturating_sub(1);
    let every = (count as f32 / most.max(1.0)).ceil().max(1.0) as usize;
    let every = (every..=2 * every).find(|e| last.is_multiple_of(*e)).unwrap_or(every);
    (0..count).step_by(every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_placed_and_labelled() {
        let scale = Scale::over([10.0, 1000.0].into_iter());
        assert!((scale.share(100.0) - 0.5).abs() < 1e-6);
        assert_eq!(scale.ticks(4.0), [10.0, 100.0, 1000.0]);
        let even = Scale::over([0.1, 0.5].into_iter());
        assert!((even.share(0.3) - 0.5).abs() < 1e-6);
        assert_eq!(Scale::over([3.0].into_iter()).share(3.0), 0.5);
        assert_eq!(Scale::over([].into_iter()).ticks(2.0), [0.0, 0.5, 1.0]);
        assert_eq!(
            [short(0.001), short(97.0), short(0.12345), short(1e-5), short(0.0)],
            ["0.001", "97", "0.123", "1e-5", "0"]
        );
    }

    #[test]
    fn what_hardly_differs_has_hardly_other_colours() {
        let scale = Scale::of_colours([91.0, 98.0].into_iter());
        assert!((scale.share(98.0) - scale.share(91.0)).abs() < 0.15, "{scale:?}");
        let far = Scale::of_colours([20.0, 98.0].into_iter());
        assert_eq!((far.share(20.0), far.share(98.0)), (0.0, 1.0));
        assert_eq!(Scale::of_colours([].into_iter()).share(0.5), 0.5);
    }

    #[test]
    fn a_published_value_is_found_between_others() {
        let u = Axis::parse("u=1e-4..1e-1:log:4").unwrap();
        assert_eq!(place(&u, Value::Real(0.001)), Some(1.0));
        assert!((place(&u, Value::Real(0.01f64.powf(1.25))).unwrap() - 1.5).abs() < 1e-3);
        assert_eq!(place(&u, Value::Real(0.5)), None);
        assert_eq!(labelled(25, 9.0).collect::<Vec<_>>(), [0, 3, 6, 9, 12, 15, 18, 21, 24]);
        assert_eq!(labelled(8, 20.0).count(), 8);
    }
}
