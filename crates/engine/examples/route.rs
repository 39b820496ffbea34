//! Balances a router with the sign rule and prints how MaxVio falls: `cargo run -p moebias-engine --example route`.

use moebias_engine::{EngineChoice, open};
use moebias_model::config::{Balancer, Experiment, Router, Rule, Source, Synthetic, Variant};
use moebias_model::step::Simulation;
use moebias_model::tracker::Tracker;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let router = Router { experts: 64, top_k: 6, ..Router::default() };
    let balancer = Balancer { rule: Rule::Sign, rate: 0.001, ..Balancer::default() };
    let experiment = Experiment {
        seed: 7,
        source: Source::Synthetic(Synthetic { batch: 4096, ..Synthetic::default() }),
        variants: vec![Variant { router, balancer, ..Variant::default() }],
    };
    let mut simulation = Simulation::new(experiment, None)?;
    let mut engine = open(EngineChoice::Auto)?;
    println!("engine: {} ({})", engine.info().adapter, engine.info().reason);

    let (mut tracker, mut rows) = (Tracker::default(), vec![]);
    while simulation.step() < 400 {
        let left = 400 - simulation.step() as u32;
        engine.advance(&mut simulation, left, &mut rows)?;
    }
    for row in &rows {
        let metrics = tracker.push(&row.variants[0]);
        if row.step % 50 == 0 {
            println!("step {:3}: MaxVio {:.3}, over 16 steps {:.3}", row.step, metrics.max_vio, metrics.max_vio_16);
        }
    }
    println!("digest after {} steps: {}", simulation.step(), simulation.digest());
    Ok(())
}
