//! Every valid scenario can be written and read again, unchanged.

use moebias_files::view::{PaneKind, Part, View};
use moebias_files::{Recorded, Scenario, parse, to_text};
use moebias_model::balance;
use moebias_model::change::{self, Change, Event, Target};
use moebias_model::change::{LearningChange, WorldChange};
use moebias_model::config::{
    Balancer, Capacity, Gate, Groups, Limits, Router, Rule, Schedule, Source, Stays, Synthetic, TraceSource, Variant,
    limits,
};
use moebias_model::digest::Digest;
use moebias_model::fixed::BIAS_ONE;
use moebias_model::learn::parameters::Learned;
use moebias_model::learn::settings::{self as learn, Auxiliary, Gating, Learning, Optimiser, World};
use moebias_model::naming::{self, Name};
use moebias_model::settings::reading::{LeaveOut, Reading, RecordedKind};
use moebias_model::step::{State, VariantState};
use proptest::prelude::*;
use strum::IntoEnumIterator as _;

/// A number within its limits; more often than by chance the limits themselves, and numbers that are hard to write.
fn real(l: Limits) -> impl Strategy<Value = f64> {
    prop_oneof![4 => l.min..=l.max, 1 => Just(l.min), 1 => Just(l.max), 1 => Just(l.min + (l.max - l.min) * 1e-17), 1 => Just(0.1 + 0.2)]
        .prop_map(move |x| x.clamp(l.min, l.max))
}

fn whole(l: Limits) -> impl Strategy<Value = u32> {
    prop_oneof![l.min as u32..=l.max as u32, l.min as u32..=(l.max as u32).min(l.min as u32 + 3)]
}

/// Text with characters that could break a file.
fn text(most: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(any::<char>(), 0..most).prop_map(|c| c.into_iter().collect::<String>()),
        prop::collection::vec(
            prop::sample::select(vec![
                '"', '\\', '\n', '\r', '\t', '\0', '(', ')', ',', ':', '/', '*', 'a', 'é', '\u{feff}'
            ]),
            0..most
        )
        .prop_map(|c| c.into_iter().collect::<String>()),
        Just("title: 1, // version: 2".to_owned()),
    ]
}

fn gate() -> impl Strategy<Value = Gate> {
    prop_oneof![Just(Gate::Sigmoid), Just(Gate::Softmax), Just(Gate::SqrtSoftplus)]
}

fn rule() -> impl Strategy<Value = Rule> {
    prop::sample::select(Rule::iter().filter(|r| !r.takes_whole_batch()).collect::<Vec<_>>())
}

fn schedule() -> impl Strategy<Value = Schedule> {
    prop_oneof![Just(Schedule::Constant), Just(Schedule::InverseSqrt), Just(Schedule::Inverse)]
}

fn freeze() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(0u64..=1 << 48)
}

fn source() -> impl Strategy<Value = Source> {
    let synthetic = (
        whole(limits::BATCH),
        whole(limits::TOPICS),
        real(limits::SKEW),
        real(limits::NOISE),
        real(limits::DRIFT),
        whole(limits::BURST),
    )
        .prop_map(|(batch, topics, skew, noise, drift, burst)| Synthetic { batch, topics, skew, noise, drift, burst })
        .boxed();
    prop_oneof![
        3 => world().prop_map(Source::Learning),
        3 => synthetic.clone().prop_map(Source::Synthetic),
        1 => synthetic.prop_map(Source::Fixed),
        1 => Just(Source::Synthetic(Synthetic::default())),
        1 => (text(12), prop::option::of(text(5)), reading())
            .prop_map(|(file, layer, reading)| Source::Trace(TraceSource { file: format!("x{file}"), layer, reading })),
    ]
}

fn reading() -> impl Strategy<Value = Box<Reading>> {
    let leave_out = prop_oneof![Just(LeaveOut::Identical), any::<i64>().prop_map(LeaveOut::TokenId)];
    let words = (prop::option::of(text(9)), prop::option::of(text(5)), prop::collection::vec(text(4), 0..2));
    let numbers = prop::option::of(1u32..99);
    let some = (numbers.clone(), numbers.clone(), numbers, prop::option::of((0u64..9, 9u64..99)));
    let enums = (any::<bool>(), any::<bool>(), any::<bool>(), prop::collection::vec(leave_out, 0..3));
    (words, some, enums).prop_map(
        |((axes, token_ids, also), (top_k, experts, step, tokens), (gated, sum, from_bias, leave_out))| {
            let gate = gated.then_some(Gate::Softmax);
            let kind = gated.then_some(RecordedKind::Scores);
            Box::new(Reading {
                kind,
                axes,
                top_k,
                experts,
                gate,
                gated: gate,
                step,
                tokens,
                leave_out,
                token_ids,
                from_bias,
                also,
                sum,
            })
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    use learn::limits as l;
    let whole = (1u32..=600, whole(l::TOPICS), 0u32..=9, whole(limits::BURST));
    let real = (real(limits::SKEW), real(l::RICH), real(l::KINSHIP), real(l::COMMON), real(l::TARGET_NOISE));
    (whole, real, real_drift()).prop_map(
        |((batch, topics, domains, burst), (skew, rich, kinship, common, target_noise), drift)| World {
            batch,
            topics,
            domains: domains.min(topics),
            skew,
            rich,
            kinship,
            common,
            noise: (1.0 - common) / 3.0,
            target_noise,
            drift,
            burst,
        },
    )
}

fn real_drift() -> impl Strategy<Value = f64> {
    real(limits::DRIFT)
}

fn learning() -> impl Strategy<Value = Learning> {
    use learn::limits as l;
    let choices = (any::<bool>(), any::<bool>(), 0usize..6);
    let reals = (real(l::EXPERT_RATE), real(l::ROUTER_RATE), real(l::ALPHA), real(l::Z_LOSS));
    (choices, reals, whole(l::HORIZON), whole(l::SEQUENCE), whole(l::BATCHES)).prop_map(
        |((sgd, normalised, a), (expert_rate, router_rate, alpha, z_loss), horizon, sequence, batches)| Learning {
            optimiser: if sgd { Optimiser::Sgd } else { Optimiser::Adam },
            expert_rate,
            router_rate,
            horizon,
            gating: if normalised { Gating::Normalised } else { Gating::Raw },
            auxiliary: Auxiliary::iter().nth(a).unwrap(),
            alpha,
            z_loss,
            sequence,
            batches,
        },
    )
}

fn variant() -> impl Strategy<Value = Variant> {
    let more = (
        prop::option::of((1u32..=6, 1u32..=6)),
        prop::option::of(capacity()),
        0u32..=16,
        any::<bool>(),
        real(limits::SCALE),
    );
    let router = (2u32..=12, 1u32..=12, gate(), more).prop_map(
        |(experts, k, gate, (groups, capacity, shared, renormalise, scale))| {
            let groups = groups.filter(|(n, kept)| experts.is_multiple_of(*n) && kept <= n);
            let groups = groups.map(|(groups, kept)| Groups { groups, kept });
            let mut router =
                Router { experts, top_k: k.min(experts), gate, groups, capacity, shared, renormalise, scale };
            router.top_k = router.top_k.min(router.eligible());
            router
        },
    );
    let plain = (rule(), real(limits::RATE), schedule(), any::<bool>());
    let reals = (real(limits::MOMENTUM), real(limits::STEEPNESS), real(limits::DERIVATIVE), real(limits::REAL_EXPERTS));
    let orders = (real(limits::AVERAGE), whole(limits::ITERATIONS));
    let rest = prop_oneof![
        1 => (freeze(), 0u32..2, reals, orders).boxed(),
        1 => Just((None, 0, (0.5, 2.0, 0.006, 8.0), (0.0, 4))).boxed(),
    ];
    let balancer =
        (plain, rest).prop_map(|((rule, rate, schedule, centred), (freeze, zero_experts, reals, orders))| {
            let (momentum, steepness, derivative, real_experts) = reals;
            let (average, iterations) = orders;
            Balancer {
                rule,
                rate,
                schedule,
                centred,
                freeze,
                momentum,
                steepness,
                derivative,
                zero_experts,
                real_experts,
                average,
                iterations,
            }
        });
    (text(20), any::<bool>(), router, balancer, learning()).prop_map(|(name, keep, mut router, balancer, learning)| {
        let name = if keep && !name.trim().is_empty() { Name::kept(&name) } else { name.into() };
        router.groups = router.groups.filter(|_| balancer.rule.is_top_k() && !balancer.rule.orders());
        router.capacity = router.capacity.filter(|_| balancer.rule != Rule::ExpertChoice);
        Variant { name, router, balancer, learning }
    })
}

fn capacity() -> impl Strategy<Value = Capacity> {
    let by = prop_oneof![Just(Stays::Score), Just(Stays::Position)];
    (real(limits::CAPACITY), by).prop_map(|(factor, by)| Capacity { factor, by })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        whole(limits::BATCH).prop_map(Change::SetBatch),
        whole(limits::TOPICS).prop_map(Change::SetTopics),
        real(limits::SKEW).prop_map(Change::SetSkew),
        real(limits::NOISE).prop_map(Change::SetNoise),
        real(limits::DRIFT).prop_map(Change::SetDrift),
        whole(limits::BURST).prop_map(Change::SetBurst),
        any::<bool>().prop_map(Change::SetFixed),
        (1u32..=3).prop_map(Change::SetTopK),
        gate().prop_map(Change::SetGate),
        rule().prop_map(Change::SetRule),
        real(limits::RATE).prop_map(Change::SetRate),
        schedule().prop_map(Change::SetSchedule),
        any::<bool>().prop_map(Change::SetCentred),
        freeze().prop_map(Change::SetFreeze),
        real(limits::MOMENTUM).prop_map(Change::SetMomentum),
        real(limits::STEEPNESS).prop_map(Change::SetSteepness),
        real(limits::DERIVATIVE).prop_map(Change::SetDerivative),
        (0u32..2).prop_map(Change::SetZeroExperts),
        real(limits::REAL_EXPERTS).prop_map(Change::SetRealExperts),
        prop_oneof![Just(None), Just(Some(Groups { groups: 1, kept: 1 }))].prop_map(Change::SetGroups),
        prop::option::of(capacity()).prop_map(Change::SetCapacity),
        (0u32..=16).prop_map(Change::SetShared),
        any::<bool>().prop_map(Change::SetRenormalise),
        real(limits::SCALE).prop_map(Change::SetScale),
        real(limits::AVERAGE).prop_map(Change::SetAverage),
        whole(limits::ITERATIONS).prop_map(Change::SetIterations),
        Just(Change::ResetBias),
        (0u32..=3).prop_map(|n| Change::SetWorld(WorldChange::Domains(n))),
        real(learn::limits::KINSHIP).prop_map(|x| Change::SetWorld(WorldChange::Kinship(x))),
        real(learn::limits::ALPHA).prop_map(|x| Change::SetLearning(LearningChange::Alpha(x))),
        (0usize..6).prop_map(|i| Change::SetLearning(LearningChange::Auxiliary(Auxiliary::iter().nth(i).unwrap()))),
        Just(Change::SetLearning(LearningChange::Gating(Gating::Normalised))),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let texts = (text(30), text(30), text(60));
    let variants = prop::collection::vec(variant(), 1..5);
    let events = prop::collection::vec((0u64..1 << 40, 0usize..6, change()), 0..8);
    let limits = moebias_files::limits::SPEED;
    let rest =
        (prop::option::of(0u64..=1 << 48), prop::option::of(real(limits)), any::<bool>(), any::<u64>(), 0u64..1 << 40);
    (texts, any::<u32>(), source(), variants, events, rest).prop_map(
        |((title, summary, look_for), seed, source, mut variants, events, (stop, speed, full, number, at))| {
            let many = matches!(&source, Source::Synthetic(s) | Source::Fixed(s) if s.batch > 500_000);
            variants.iter_mut().for_each(|v| v.router.capacity = v.router.capacity.filter(|_| !many));
            let learns = matches!(source, Source::Learning(_));
            for v in &mut variants {
                if learns {
                    // Only plain routers can learn.
                    (v.router.groups, v.router.capacity) = (None, None);
                    v.router.gate = if v.router.gate == Gate::SqrtSoftplus { Gate::Softmax } else { v.router.gate };
                    v.balancer.rule = if v.balancer.rule.is_top_k() { v.balancer.rule } else { Rule::Sign };
                } else {
                    v.learning = Learning::default();
                }
            }
            let start = full.then(|| State {
                step: at,
                phase: number,
                variants: variants
                    .iter()
                    .map(|v| VariantState {
                        bias: (0..i64::from(v.router.experts))
                            .map(|e| e.wrapping_mul(number as i64).rem_euclid(4 * BIAS_ONE))
                            .collect(),
                        schedule_from: number % (at + 1),
                        digest: Digest::from_value(number),
                        memory: match balance::memory_limit(v.balancer.rule) {
                            0 => vec![],
                            most => {
                                (0..i64::from(v.router.experts)).map(|e| e.wrapping_mul(number as i64) % most).collect()
                            }
                        },
                        learned: learns.then(|| Learned::untrained(v.router.experts as usize, seed).into()),
                    })
                    .collect(),
            });
            let first = start.as_ref().map_or(0, |s| s.step);
            let recorded = full.then(|| Recorded {
                steps: first + 5,
                digest: Digest::from_value(number),
                engine: "CPU, “2 threads”".into(),
                app_version: "0.1.0".into(),
            });
            naming::settle_start(&mut variants);
            let mut scenario = Scenario {
                title,
                summary,
                look_for,
                seed,
                source,
                variants,
                events: vec![],
                stop,
                speed,
                start,
                view: (number % 3 == 0).then(|| View {
                    columns: vec![vec![PaneKind::Load], vec![PaneKind::Bias, PaneKind::Theory]],
                    widths: if full { vec![1.0, 2.5] } else { vec![] },
                    zoom: full.then_some(1.25),
                    hidden: vec![Part::Controls],
                    expert: Some(0),
                    ..View::default()
                }),
                recorded,
            };
            // Only events that are valid: a scenario with others is rejected.
            let mut experiment = scenario.experiment();
            let mut events: Vec<_> = events.into_iter().map(|(step, to, change)| (first + step, to, change)).collect();
            events.sort_by_key(|e| e.0);
            for (step, to, change) in events {
                let target = match to {
                    _ if change.is_of_source() => Target::Source,
                    0 => Target::AllVariants,
                    i => Target::Variant(i - 1),
                };
                if change::apply(&mut experiment, target, &change).is_ok() {
                    scenario.events.push(Event { step, target, change });
                }
            }
            scenario
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_and_read_again_it_is_the_same(scenario in scenario()) {
        let text = to_text(&scenario);
        let again = parse(&text, "x.ron").map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(&again, &scenario, "{}", text);
        prop_assert_eq!(to_text(&again), text);
    }
}
