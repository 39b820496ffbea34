use super::*;
use moebias_model::config::{Experiment, Source, Synthetic, Variant};

fn simulation(batch: u32) -> Simulation {
    let router = Router { experts: 8, top_k: 2, ..Router::default() };
    let experiment = Experiment {
        seed: 3,
        source: Source::Synthetic(Synthetic { batch, ..Default::default() }),
        variants: vec![Variant { name: "a".into(), router, balancer: Default::default(), ..Variant::default() }],
    };
    let mut simulation = Simulation::new(experiment, None).unwrap();
    (0..30).for_each(|_| drop(simulation.advance()));
    simulation
}

fn live() -> ViewRequest {
    ViewRequest { rows: Rows::Batch, ..ViewRequest::default() }
}

#[test]
fn a_row_that_tokens_share_is_the_sum_of_their_rows() {
    let mut simulation = simulation(1000);
    for by_topic in [false, true] {
        let each = picture(&mut simulation, ViewRequest { per_row: 1, by_topic, ..live() });
        let shared = picture(&mut simulation, ViewRequest { per_row: 16, by_topic, ..live() });
        assert_eq!((each.rows(), shared.rows()), (1000, 63));
        assert_eq!(shared.sampled, 16, "all are looked at");
        for row in 0..63 {
            let of = row * 16..((row + 1) * 16).min(1000);
            assert_eq!(shared.tokens[row], each.tokens[of.start]);
            assert_eq!(shared.tokens_of(row) as usize, of.len());
            for e in 0..8 {
                let marks = || of.clone().map(|r| each.marks_of(r)[e]);
                let count = shared.counts_of(row)[e];
                assert_eq!(usize::from(count.chosen), marks().filter(|m| m & CHOSEN != 0).count());
                assert_eq!(usize::from(count.moved_out), marks().filter(|m| *m == UNBIASED).count());
                let sum: i32 = of.clone().map(|r| each.scores_of(r)[e]).sum();
                assert_eq!(shared.scores_of(row)[e], sum / of.len() as i32);
            }
        }
    }
}

#[test]
fn pictures_beside_each_other_are_of_the_same_tokens() {
    let mut simulation = simulation(1000);
    let like = simulation.experiment().variants[0].clone();
    let experiment = Experiment { variants: vec![like; 6], ..simulation.experiment().clone() };
    simulation = Simulation::new(experiment, None).unwrap();
    let rule = moebias_model::change::Change::SetTopK(3);
    simulation.apply(moebias_model::change::Target::Variant(4), &rule).unwrap();
    let all = picture(&mut simulation, ViewRequest { variant: 4, beside: Beside::All, ..live() });
    assert_eq!(all.beside.iter().map(|p| p.request.variant).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(all.beside.iter().all(|p| p.tokens == all.tokens && p.per_row == all.per_row));
    let one = ViewRequest { variant: 4, beside: Beside::Variant(5), rows: Rows::Fixed, ..live() };
    let one = picture(&mut simulation, one);
    let chosen = |p: &Picture| p.marks_of(0).iter().filter(|m| *m & CHOSEN != 0).count();
    assert_eq!((chosen(&one), chosen(&one.beside[0]), one.beside.len()), (3, 2, 1));
    let none = ViewRequest { beside: Beside::Variant(6), ..live() };
    assert!(picture(&mut simulation, none).beside.is_empty());
}

#[test]
fn any_part_of_a_million_tokens_is_shown_for_little() {
    let mut simulation = simulation(1000);
    let source = Source::Synthetic(Synthetic { batch: 1 << 20, ..Default::default() });
    let experiment = Experiment { source, ..simulation.experiment().clone() };
    simulation = Simulation::new(experiment, None).unwrap();
    let all = picture(&mut simulation, live());
    assert_eq!((all.rows(), all.per_row), (512, 2048));
    assert!(all.sampled < 2048 && all.sampled >= LEAST_SAMPLE, "{}", all.sampled);
    let bytes = all.scores.len() * 4 + all.counts.len() * size_of::<Count>();
    assert!(bytes < 1 << 20, "{bytes}");
    let request = ViewRequest { first: 1_000_000, tokens: 100, per_row: 1, pinned: Some(7), ..live() };
    let part = picture(&mut simulation, request);
    assert_eq!((part.rows(), part.tokens[99].index), (100, 1_000_099));
    assert_eq!(part.pinned.as_ref().unwrap().token.index, 7, "known though it is out of sight");
    let by_topic = picture(&mut simulation, ViewRequest { by_topic: true, ..request });
    assert!(by_topic.tokens.windows(2).all(|w| w[0].topic <= w[1].topic));
    let pinned = by_topic.pinned.unwrap();
    let there = ViewRequest { by_topic: true, first: pinned.place, tokens: 1, ..request };
    assert_eq!(picture(&mut simulation, there).tokens[0].index, 7);
}
