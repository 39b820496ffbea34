//! The CPU engine: the model's own batch, routed in parts on all cores.

use super::{Engine, EngineError, EngineInfo, EngineKind};
use crate::model::step::{Batch, Counts, Simulation, StepRow};
use rayon::prelude::*;

/// Fewer token–expert pairs than this are not worth waking another thread for.
const PAIRS_PER_PART: u64 = 1 << 16;

/// Advances a simulation on all CPU cores.
#[derive(Debug)]
pub struct CpuEngine {
    info: EngineInfo,
}

impl CpuEngine {
    /// The CPU engine, with the reason why it was chosen.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        let threads = rayon::current_num_threads();
        let adapter = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
        Self { info: EngineInfo { kind: EngineKind::Cpu, adapter, reason: reason.into() } }
    }
}

impl Engine for CpuEngine {
    fn advance(&mut self, simulation: &mut Simulation, steps: u32, rows: &mut Vec<StepRow>) -> Result<(), EngineError> {
        for _ in 0..steps {
            let batch = simulation.next_batch();
            let counts = count(&batch);
            rows.push(simulation.finish(&batch, counts));
        }
        Ok(())
    }

    fn info(&self) -> &EngineInfo {
        &self.info
    }
}

/// Routes a whole batch on all cores. Sums of integers: the order of the parts does not matter.
#[must_use]
pub fn count(batch: &Batch) -> Counts {
    let tokens = batch.inputs.batch;
    let experts: u64 = batch.variants.iter().map(|v| u64::from(v.router.experts)).sum();
    let most = (u64::from(tokens) * experts / PAIRS_PER_PART).max(1);
    let parts = (4 * rayon::current_num_threads() as u64).min(most) as u32;
    let part = |p: u32| {
        let mut counts = Counts::new(batch);
        let share = |of: u32| {
            let edge = |p: u32| (u64::from(of) * u64::from(p) / u64::from(parts)) as u32;
            edge(p)..edge(p + 1)
        };
        batch.route(share(tokens), &mut counts);
        batch.count_moved(share(batch.sample_size()), &mut counts);
        counts
    };
    if parts == 1 {
        return part(0);
    }
    (0..parts).into_par_iter().map(part).reduce_with(|a, b| a.merged(&b)).unwrap_or_else(|| Counts::new(batch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Experiment, Source, Synthetic, Variant};

    #[test]
    fn equal_to_the_oracle() {
        let variants = vec![
            Variant { name: "a".into(), router: Default::default(), balancer: Default::default() },
            Variant {
                name: "b".into(),
                router: crate::model::config::Router { experts: 33, top_k: 5, ..Default::default() },
                balancer: Default::default(),
            },
        ];
        let source = Source::Synthetic(Synthetic { batch: 5000, drift: 3.0, ..Default::default() });
        let experiment = Experiment { seed: 5, source, variants };
        let mut oracle = Simulation::new(experiment, None).unwrap();
        let mut fast = oracle.clone();
        let mut rows = vec![];
        CpuEngine::new("").advance(&mut fast, 10, &mut rows).unwrap();
        for row in rows {
            assert_eq!(row, oracle.advance());
        }
        assert_eq!(fast.digest(), oracle.digest());
    }
}
