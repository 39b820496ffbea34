use super::*;
use moebias_model::config::{Capacity, Experiment, Gate, Groups, Stays, Synthetic, Variant};
use strum::IntoEnumIterator as _;

fn simulation(router: Router, balancer: Balancer) -> Simulation {
    let source = Source::Synthetic(Synthetic { batch: 24, topics: 5, skew: 1.4, ..Synthetic::default() });
    let variant = |name: &str, router, balancer| Variant { name: name.into(), router, balancer, ..Variant::default() };
    let plain = variant("plain", Router { experts: 8, top_k: 3, ..Router::default() }, Balancer::default());
    let variants = vec![plain, variant("looked at", router, balancer)];
    Simulation::new(Experiment { seed: 5, source, variants }, None).unwrap()
}

/// Compares some steps in the Microscope with what the model's own scalar step then does.
fn agrees(router: &Router, balancer: &Balancer) {
    let what = format!("{router:?} {balancer:?}");
    let mut run = simulation(router.clone(), balancer.clone());
    let mut engine = CpuEngine::new("test");
    let request = MicroscopeRequest { variant: 1, tokens: 24, columns: 64, ..Default::default() };
    for _ in 0..5 {
        let view = Microscope::of(&run, &mut engine, request);
        let before = run.state().variants[1].clone();
        let batch = run.next_batch();
        let mut ready = batch.clone();
        ready.look_ahead();
        assert!(view.shows_all_tokens() && view.shows_all_experts(), "{what}");
        assert_eq!(view.step, run.step());
        let (mut came, mut kept) = (vec![0; view.came.len()], vec![0; view.came.len()]);
        for (i, token) in view.tokens.iter().enumerate() {
            assert_eq!((token.index, &token.scores), (i as u32, &batch.scores(i as u32, 1)), "{what}");
            token.chosen.iter().for_each(|&e| came[e] += 1);
            token.chosen.iter().filter(|e| token.goes_to(**e)).for_each(|&e| kept[e] += 1);
            if let Some((last, next, margin)) = view.margin(token) {
                assert!(token.keys[last] > token.keys[next] && margin > -1e-5, "{what}: {margin}");
            }
        }
        assert_eq!((&view.came, &view.loads), (&came, &kept), "{what}");
        let row = run.advance();
        let after = &run.state().variants[1];
        assert_eq!((&view.before, &view.next), (&before.bias, &after.bias), "{what}");
        assert_eq!((&view.memory, &view.memory_after), (&before.memory, &after.memory), "{what}");
        assert_eq!(view.loads, row.variants[1].loads, "{what}");
        assert_eq!(view.bias, ready.bias_of(1), "{what}");
    }
}

#[test]
fn what_is_seen_is_what_happens_under_every_gate_and_rule() {
    for rule in Rule::iter() {
        for gate in Gate::iter() {
            let top_k = if rule == Rule::Base { 1 } else { 2 };
            let router = Router { experts: 6, top_k, gate, ..Router::default() };
            let balancer = Balancer { rule, rate: 0.02, real_experts: 1.5, ..Balancer::default() };
            let balancer = Balancer { zero_experts: u32::from(rule == Rule::LongCat), ..balancer };
            agrees(&router, &balancer);
        }
    }
}

#[test]
fn groups_capacity_and_frozen_biases() {
    let router = Router { experts: 6, top_k: 2, ..Router::default() };
    let balancer = Balancer { rate: 0.02, ..Balancer::default() };
    agrees(&Router { groups: Some(Groups { groups: 3, kept: 2 }), ..router.clone() }, &balancer);
    for by in Stays::iter() {
        agrees(&Router { capacity: Some(Capacity { factor: 0.8, by }), ..router.clone() }, &balancer);
    }
    agrees(&router, &Balancer { freeze: Some(2), ..balancer.clone() });
    agrees(&router, &Balancer { centred: true, ..balancer });
}

#[test]
fn a_window_of_a_large_batch() {
    let request = MicroscopeRequest { tokens: 8, page: 1, columns: 4, token: Some(700), expert: Some(9), variant: 0 };
    assert_eq!(indices(1000, MicroscopeRequest { token: None, ..request }), [1, 126, 251, 376, 501, 626, 751, 876]);
    assert_eq!(indices(1000, request)[5], 700, "the token asked for stands in its stretch");
    assert_eq!(indices(3, request), [0, 1, 2]);
    assert_eq!(indices(0, request), [0; 0]);
    let router = Router { experts: 16, top_k: 2, ..Router::default() };
    let run = simulation(router, Balancer::default());
    let view = Microscope::of(&run, &mut CpuEngine::new("test"), MicroscopeRequest { variant: 1, ..request });
    assert_eq!((view.tokens.len(), view.experts.len(), view.pages()), (8, 4, 3));
    assert!(view.experts.contains(&9) && view.experts.is_sorted());
    assert!(view.closest().is_some());
}
