//! The figures of one layer, as recorded or as routed again.

use moebias_engine::layers::Standing;
use moebias_recordings::Figures;

/// The figures of one layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// MaxVio: of all tokens if recorded, over the last 16 steps if routed again.
    pub(super) max_vio: f64,
    /// The entropy of the load shares, in nats.
    pub(super) entropy: f64,
    /// Effective experts: e to the entropy.
    pub(super) effective: f64,
    /// Experts that got no token if recorded, or less than 1 % of the fair share over the last 64 steps if routed again.
    pub(super) dead: u32,
    /// Each expert's load divided by the fair share.
    pub(super) loads: Vec<f32>,
}

impl Row {
    pub(super) fn recorded(figures: &Figures) -> Self {
        Self {
            max_vio: figures.maxvio,
            entropy: figures.entropy,
            effective: figures.effective_experts,
            dead: figures.dead as u32,
            loads: over_fair(&figures.loads),
        }
    }

    pub(super) fn routed(standing: &Standing) -> Self {
        let m = &standing.metrics;
        Self {
            max_vio: m.max_vio_16,
            entropy: m.effective.max(1.0).ln(),
            effective: m.effective,
            dead: m.dead,
            loads: over_fair(&standing.loads),
        }
    }
}

fn over_fair(loads: &[u64]) -> Vec<f32> {
    let fair = loads.iter().sum::<u64>() as f64 / loads.len().max(1) as f64;
    loads.iter().map(|&l| if fair > 0.0 { (l as f64 / fair) as f32 } else { 0.0 }).collect()
}

/// The 5th, 50th and 95th percentile of the values of the layers; `None` if there are no values.
pub(super) fn spread(mut values: Vec<f64>) -> Option<[f64; 3]> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some([0.05, 0.5, 0.95].map(|q| values[(last as f64 * q).round() as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_spread() {
        assert_eq!(spread(vec![]), None);
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), Some([1.0, 2.0, 3.0]));
        assert_eq!(spread((0..101).map(f64::from).collect()), Some([5.0, 50.0, 95.0]));
        assert_eq!(over_fair(&[2, 4, 0]), [1.0, 2.0, 0.0]);
    }
}
