//! Order statistics over a batch, computed on all cores with the algorithm of [`moebias_model::order`]: the kernels count a digit in parts,
//! the parts are summed, and the sums determine that digit of the result.

use super::plan::{Centroids, Plan, Work};
use super::{Kernel, parts, share};
use moebias_model::batch::{Batch, Counts, Routing};
use moebias_model::config::Rule;
use moebias_model::order::{BINS, STAGES, Search, VALUE_STAGES};
use rayon::prelude::*;

/// Lets rules that look at a batch before routing it do so, equal to [`Batch::look_ahead`].
pub fn settle(kernel: Kernel, batch: &mut Batch, centroids: &Centroids) {
    let rounds = batch.variants.iter().map(Routing::rounds).max().unwrap_or(0);
    for round in 0..rounds {
        let found = search(kernel, batch, centroids, |r| r.rounds() > round);
        for (routing, found) in batch.variants.iter_mut().zip(found) {
            if let Some(found) = found {
                routing.settle_with(&found, round);
            }
        }
    }
}

/// Finds the thresholds that Quantile Balancing needs from a batch.
pub fn thresholds(kernel: Kernel, batch: &Batch, centroids: &Centroids) {
    let found = search(kernel, batch, centroids, |r| r.rule == Rule::Quantile && r.moves);
    for (routing, found) in batch.variants.iter().zip(found) {
        if let Some(found) = found {
            routing.set_thresholds(&found);
        }
    }
}

/// Finds each expert's cut-off where experts choose. A step does not need it, because each load is the expert's quota.
pub fn cuts(kernel: Kernel, batch: &Batch, centroids: &Centroids) {
    let found = search(kernel, batch, centroids, |r| r.rule == Rule::ExpertChoice);
    for (routing, found) in batch.variants.iter().zip(found) {
        if let Some(found) = found {
            routing.set_cuts(&found);
        }
    }
}

/// Runs the searches of the variants that `wanted` picks; `None` for variants without one.
fn search(
    kernel: Kernel,
    batch: &Batch,
    centroids: &Centroids,
    wanted: impl Fn(&Routing) -> bool,
) -> Vec<Option<Vec<Search>>> {
    let all = batch.variants.iter().enumerate();
    let mut searches: Vec<Option<Vec<Search>>> =
        all.map(|(i, r)| if wanted(r) { batch.searches(i) } else { None }).collect();
    for stage in 0..STAGES {
        // The digits after those of the value are of the token's index. They matter only where experts choose and scores are tied.
        let going = |r: &Routing, s: &Option<Vec<Search>>| match s {
            None => false,
            Some(s) => stage < VALUE_STAGES || r.rule == Rule::ExpertChoice && s.iter().any(|s| s.tied),
        };
        let now: Vec<bool> = batch.variants.iter().zip(&searches).map(|(r, s)| going(r, s)).collect();
        if !now.contains(&true) {
            break;
        }
        let plan = Plan::ordering(batch, centroids, stage, |i| searches[i].as_ref().filter(|_| now[i]));
        let counts = count(kernel, &plan);
        for ((searches, bins), _) in searches.iter_mut().zip(&counts.digits).zip(&now).filter(|(_, now)| **now) {
            let searches = searches.iter_mut().flatten();
            searches.zip(bins.chunks_exact(BINS)).for_each(|(s, bins)| s.pick(stage, bins));
        }
    }
    searches
}

/// Counts one digit over all tokens.
fn count(kernel: Kernel, plan: &Plan<'_>) -> Counts {
    let parts = parts(plan.batch);
    let part = |p: u32| {
        let mut counts = Counts { digits: vec![vec![]; plan.batch.variants.len()], ..Counts::default() };
        for v in plan.groups.iter().flat_map(|g| &g.variants) {
            counts.digits[v.index].resize(v.experts * BINS, 0);
        }
        kernel.run(plan, &Work::Digits(share(plan.batch.inputs.batch, p, parts)), &mut counts);
        counts
    };
    if parts == 1 {
        return part(0);
    }
    (0..parts).into_par_iter().map(part).reduce_with(|a, b| a.merged(&b)).unwrap_or_default()
}
