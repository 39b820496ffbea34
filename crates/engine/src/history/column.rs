//! A column of the history: one exact step, or several consecutive steps summarised by mean, smallest and largest value.

use moebias_model::metrics::Metrics;
use moebias_model::row::LearningRow;
use std::mem::size_of;
use std::sync::Arc;

/// Bytes that an allocation costs in addition to its content.
const ALLOCATION: usize = 16;

/// One or several consecutive steps of one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The first step it covers.
    pub step: u64,
    /// How many steps it covers.
    pub steps: u64,
    /// Means of the figures over the steps. Counts are rounded means; `saturated` is the largest count.
    pub metrics: Metrics,
    /// Mean load divided by the fair share, one per expert.
    pub load: Box<[f32]>,
    /// Mean bias, one per expert, in score units.
    pub bias: Box<[f32]>,
    /// The smallest and largest values, if the column covers several steps.
    spread: Option<Box<Spread>>,
}

/// The smallest and largest values of several steps.
#[derive(Clone, Debug, PartialEq)]
struct Spread {
    low: Metrics,
    high: Metrics,
    /// Smallest and largest difference of any bias from the median of its step.
    around_median: [f64; 2],
    load_low: Box<[f32]>,
    load_high: Box<[f32]>,
    bias_low: Box<[f32]>,
    bias_high: Box<[f32]>,
}

impl Column {
    /// A column of one step from its figures and from the load over fair share and the bias of each expert.
    #[must_use]
    pub fn single(step: u64, metrics: Metrics, load: Box<[f32]>, bias: Box<[f32]>) -> Self {
        Self { step, steps: 1, metrics, load, bias, spread: None }
    }

    /// The step after the last one it covers.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.step + self.steps
    }

    /// The smallest value of each figure over the steps.
    #[must_use]
    pub fn low(&self) -> &Metrics {
        self.spread.as_ref().map_or(&self.metrics, |s| &s.low)
    }

    /// The largest value of each figure over the steps.
    #[must_use]
    pub fn high(&self) -> &Metrics {
        self.spread.as_ref().map_or(&self.metrics, |s| &s.high)
    }

    /// Smallest and largest difference of a bias from the median of its step, over all experts and steps.
    #[must_use]
    pub fn around_median(&self) -> [f64; 2] {
        let m = &self.metrics;
        self.spread.as_ref().map_or([m.bias_min - m.bias_median, m.bias_max - m.bias_median], |s| s.around_median)
    }

    /// Smallest load over fair share of any step, one per expert.
    #[must_use]
    pub fn load_low(&self) -> &[f32] {
        self.spread.as_ref().map_or(&self.load, |s| &s.load_low)
    }

    /// Largest load over fair share of any step, one per expert.
    #[must_use]
    pub fn load_high(&self) -> &[f32] {
        self.spread.as_ref().map_or(&self.load, |s| &s.load_high)
    }

    /// Smallest bias after any step, one per expert.
    #[must_use]
    pub fn bias_low(&self) -> &[f32] {
        self.spread.as_ref().map_or(&self.bias, |s| &s.bias_low)
    }

    /// Largest bias after any step, one per expert.
    #[must_use]
    pub fn bias_high(&self) -> &[f32] {
        self.spread.as_ref().map_or(&self.bias, |s| &s.bias_high)
    }

    /// Joins consecutive columns into one: smallest and largest values over all, means weighted by the number of steps. `None` if there are
    /// no columns.
    #[must_use]
    pub fn joined(parts: &[Arc<Self>]) -> Option<Self> {
        let first = parts.first()?;
        let weights: Vec<f64> = parts.iter().map(|c| c.steps as f64).collect();
        let total: f64 = weights.iter().sum();
        let mean = |of: fn(&Self) -> &[f32]| {
            let mut sums = vec![0f64; of(first).len()];
            for (c, w) in parts.iter().zip(&weights) {
                sums.iter_mut().zip(of(c)).for_each(|(s, &x)| *s += f64::from(x) * w);
            }
            sums.into_iter().map(|s| (s / total) as f32).collect::<Box<[f32]>>()
        };
        let extreme = |of: fn(&Self) -> &[f32], pick: fn(f32, f32) -> f32| {
            let mut out: Box<[f32]> = of(first).into();
            for c in &parts[1..] {
                out.iter_mut().zip(of(c)).for_each(|(a, &b)| *a = pick(*a, b));
            }
            out
        };
        let mut metrics = first.metrics;
        let (mut low, mut high, mut around_median) = (*first.low(), *first.high(), first.around_median());
        let mut before = weights[0];
        for (c, w) in parts.iter().zip(&weights).skip(1) {
            let (a, b) = (before, *w);
            let mean = |x: f64, y: f64| (x * a + y * b) / (a + b);
            metrics = combined(&metrics, &c.metrics, mean, |x, y| mean(f64::from(x), f64::from(y)).round() as u32);
            metrics.saturated = high.saturated.max(c.high().saturated);
            low = combined(&low, c.low(), f64::min, u32::min);
            high = combined(&high, c.high(), f64::max, u32::max);
            let other = c.around_median();
            around_median = [around_median[0].min(other[0]), around_median[1].max(other[1])];
            before += b;
        }
        Some(Self {
            step: first.step,
            steps: parts.iter().map(|c| c.steps).sum(),
            metrics,
            load: mean(|c| &c.load),
            bias: mean(|c| &c.bias),
            spread: Some(Box::new(Spread {
                low,
                high,
                around_median,
                load_low: extreme(Self::load_low, f32::min),
                load_high: extreme(Self::load_high, f32::max),
                bias_low: extreme(Self::bias_low, f32::min),
                bias_high: extreme(Self::bias_high, f32::max),
            })),
        })
    }

    /// Bytes used by a column with this many experts: a column of one step, and a joined column.
    #[must_use]
    pub fn bytes(experts: usize) -> [usize; 2] {
        let list = 4 * experts + ALLOCATION;
        let single = size_of::<Self>() + 2 * size_of::<usize>() + ALLOCATION + 2 * list;
        [single, single + size_of::<Spread>() + ALLOCATION + 4 * list]
    }
}

/// Combines two sets of figures, one figure after the other.
fn combined(a: &Metrics, b: &Metrics, value: impl Fn(f64, f64) -> f64, count: impl Fn(u32, u32) -> u32) -> Metrics {
    Metrics {
        fair: value(a.fair, b.fair),
        floor: value(a.floor, b.floor),
        max_vio: value(a.max_vio, b.max_vio),
        max_vio_16: value(a.max_vio_16, b.max_vio_16),
        came_vio_16: value(a.came_vio_16, b.came_vio_16),
        max_vio_global: value(a.max_vio_global, b.max_vio_global),
        min_vio: value(a.min_vio, b.min_vio),
        load_median: value(a.load_median, b.load_median),
        cv: value(a.cv, b.cv),
        entropy: value(a.entropy, b.entropy),
        effective: value(a.effective, b.effective),
        starving: count(a.starving, b.starving),
        dead: count(a.dead, b.dead),
        moved: value(a.moved, b.moved),
        dropped: value(a.dropped, b.dropped),
        active: value(a.active, b.active),
        bias_min: value(a.bias_min, b.bias_min),
        bias_median: value(a.bias_median, b.bias_median),
        bias_max: value(a.bias_max, b.bias_max),
        saturated: count(a.saturated, b.saturated),
        learning: LearningRow::combined(a.learning, b.learning, value),
    }
}
