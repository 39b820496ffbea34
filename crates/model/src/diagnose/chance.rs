//! The effect of chance on loads, and the bound for being out of balance.

use super::Context;
use super::blocks::{Block, Blocks};
use crate::metrics::IN_BALANCE;

/// MaxVio_16 from which a run counts as out of balance. Between [`IN_BALANCE`] and this nothing is reported.
pub(super) const OUT: f64 = 1.5 * IN_BALANCE;

/// The variance of load / fair share for independent tokens, as a mean over experts. Loads are then binomial, so it is exact for any
/// topics. `None` where it is not known how tokens depend on each other.
pub(super) fn chance(blocks: &Blocks, cx: &Context) -> Option<f64> {
    let newest = blocks.newest()?;
    let share = newest.fair / newest.tokens.max(1.0);
    Some(cx.together? * (1.0 - share).max(0.0) / newest.fair.max(1e-9))
}

/// Each expert's mean of load / fair share − 1 over some blocks.
pub(super) fn mean_load<'a>(blocks: impl Iterator<Item = &'a Block>, experts: usize) -> Vec<f64> {
    let (mut sums, mut n) = (vec![0.0; experts], 0usize);
    for block in blocks {
        sums.iter_mut().zip(block.load.iter()).for_each(|(s, &l)| *s += f64::from(l));
        n += 1;
    }
    sums.iter_mut().for_each(|s| *s /= n.max(1) as f64);
    sums
}
