//! A capacity makes loads even by dropping assignments, which is not balance.

use moebias_engine::cpu::CpuEngine;
use moebias_engine::run::Run;
use moebias_engine::start::{RunId, Start};
use moebias_model::config::{Balancer, Capacity, Experiment, Router, Rule, Source, Stays, Synthetic, Variant};
use moebias_model::diagnose::{Evidence, Kind};

fn variant(factor: Option<f64>, rule: Rule, rate: f64) -> Variant {
    let capacity = factor.map(|factor| Capacity { factor, by: Stays::Score });
    let router = Router { experts: 16, top_k: 2, capacity, ..Router::default() };
    Variant { router, balancer: Balancer { rule, rate, ..Balancer::default() }, ..Variant::default() }
}

#[test]
fn what_is_dropped_is_not_in_balance() {
    let source = Source::Synthetic(Synthetic { batch: 2048, skew: 1.2, ..Synthetic::default() });
    let variants = vec![
        variant(Some(1.0), Rule::None, 0.0),
        variant(Some(1.0), Rule::Sign, 0.002),
        variant(None, Rule::None, 0.0),
    ];
    let experiment = Experiment { seed: 3, source, variants };
    let mut run =
        Run::new(RunId(0), Start { experiment, trace: None, state: None, events: vec![], stop: None }).unwrap();
    let mut engine = CpuEngine::new("test");
    while run.step() < 600 {
        run.advance(&mut engine, 50, |_, _| {}).unwrap();
    }
    let figures: Vec<_> = run.figures().into_iter().collect();
    let found = |v: usize, kind: Kind| run.findings(v).iter().find(|f| f.kind == kind && f.until.is_none()).cloned();

    // Every expert that is full holds exactly its fair share, so MaxVio is 0, but a quarter of the assignments is lost.
    assert_eq!((figures[0].settling, figures[0].in_balance), (None, Some(0.0)));
    assert!(figures[0].steady.unwrap() < 1e-9 && figures[0].dropped.unwrap() > 0.2, "{:?}", figures[0]);
    let dropping = found(0, Kind::Dropping).expect("it is reported");
    let Evidence::Dropping { share, count } = dropping.evidence else { panic!("{dropping:?}") };
    assert!((share - figures[0].dropped.unwrap()).abs() < 0.02 && count > 2 && !dropping.experts.is_empty());
    assert!(dropping.sentence().contains("no balancing is chosen"), "{}", dropping.sentence());

    // The same capacity with a balancer.
    assert!(figures[1].settling.is_some() && figures[1].dropped.unwrap() < 0.05, "{:?}", figures[1]);
    assert_eq!(found(1, Kind::Dropping), None);
    // Without a capacity nothing is dropped.
    assert_eq!((figures[2].dropped, found(2, Kind::Dropping)), (Some(0.0), None));
}
