//! The shipped scenarios: all load, each shows what its texts say, and the first four agree with the theory.

use moebias_engine::cpu::CpuEngine;
use moebias_engine::run::Run;
use moebias_engine::start::{RunId, Start};
use moebias_engine::theory::{Examined, examine};
use moebias_files::{self as files, Loaded, Scenario, shipped, to_text};
use moebias_model::balance::longcat::reached;
use moebias_model::change::{Change, Event, Target};
use moebias_model::fixed::from_q32;
use moebias_model::metrics::{IN_BALANCE, Metrics, Settling, sampling_floor};
use moebias_model::step::Simulation;
use moebias_model::theory::{band, correlation, lagrangian, optimum};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, OnceLock};

#[path = "scenarios/said.rs"]
mod said;

fn loaded(id: &str) -> Loaded {
    shipped().iter().find(|s| s.id == id).unwrap_or_else(|| panic!("{id} does not ship")).load().unwrap()
}

/// The metrics and biases of one variant, step by step.
#[derive(Default)]
struct Seen {
    metrics: Vec<Metrics>,
    /// [steps][experts], score units.
    bias: Vec<Vec<f64>>,
    settling: Settling,
}

impl Seen {
    fn settled(&self) -> u64 {
        self.settling.step().expect("settles")
    }

    /// The mean of the per-batch MaxVio over some steps.
    fn max_vio(&self, steps: std::ops::Range<usize>) -> f64 {
        mean(self.metrics[steps].iter().map(|m| m.max_vio))
    }

    fn max_vio_16(&self, step: usize) -> f64 {
        self.metrics[step].max_vio_16
    }

    /// The gap between the largest and the smallest bias at the end, from each expert's mean over the last 100 steps.
    fn gap(&self) -> f64 {
        let last = &self.bias[self.bias.len() - 100..];
        let means: Vec<f64> = (0..last[0].len()).map(|e| mean(last.iter().map(|b| b[e]))).collect();
        means.iter().copied().fold(f64::MIN, f64::max) - means.iter().copied().fold(f64::MAX, f64::min)
    }

    /// Oscillation amplitude over the 100 steps before `end`: the median over experts of half the 5–95 % range of the bias after
    /// taking out its linear trend.
    fn amplitude(&self, end: usize) -> f64 {
        let rows = &self.bias[end - 100..end];
        let of_expert = |e: usize| {
            let b: Vec<f64> = rows.iter().map(|r| r[e]).collect();
            let (middle, centre) = (mean(b.iter().copied()), 49.5);
            let over = |f: fn(f64, f64) -> f64| -> f64 {
                b.iter().enumerate().map(|(i, &x)| f(i as f64 - centre, x - middle)).sum()
            };
            let slope = over(|t, x| t * x) / over(|t, _| t * t);
            let mut rest: Vec<f64> =
                b.iter().enumerate().map(|(i, &x)| x - middle - slope * (i as f64 - centre)).collect();
            rest.sort_by(f64::total_cmp);
            (rest[94] - rest[5]) / 2.0
        };
        let mut all: Vec<f64> = (0..rows[0].len()).map(of_expert).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

fn play(start: Start, to: u64) -> Vec<Seen> {
    let mut seen: Vec<Seen> = start.experiment.variants.iter().map(|_| Seen::default()).collect();
    let mut run = Run::new(RunId(0), start).unwrap();
    let mut engine = CpuEngine::new("");
    while run.step() < to {
        let most = (to - run.step()) as u32;
        run.advance(&mut engine, most, |row, metrics| {
            for ((seen, v), m) in seen.iter_mut().zip(&row.variants).zip(metrics) {
                seen.metrics.push(*m);
                seen.settling.push(row.step, m);
                seen.bias.push(v.bias.iter().map(|&b| from_q32(b)).collect());
            }
        })
        .unwrap();
    }
    seen
}

/// A shipped scenario played to its end, computed once for all tests.
fn shown(id: &'static str) -> &'static [Seen] {
    type Played = &'static OnceLock<Vec<Seen>>;
    static ALL: LazyLock<Mutex<HashMap<&str, Played>>> = LazyLock::new(Mutex::default);
    let played: Played = ALL.lock().unwrap().entry(id).or_insert_with(|| Box::leak(Box::default()));
    played.get_or_init(|| {
        let start = moebias_lab::start_of(&loaded(id));
        let end = start.stop.unwrap_or(500);
        play(start, end)
    })
}

fn only(seen: &[Seen]) -> &Seen {
    assert_eq!(seen.len(), 1);
    &seen[0]
}

#[test]
fn all_load_and_can_start() {
    let ids: Vec<&str> = shipped().iter().map(|s| s.id).collect();
    assert!(ids.len() >= 8);
    assert_eq!(ids[..4], ["first-look", "microscope", "step-too-small", "step-too-large"]);
    for s in shipped() {
        let Loaded { scenario, trace, .. } = s.load().unwrap_or_else(|e| panic!("{e}"));
        let mut simulation = Simulation::new(scenario.experiment(), trace).unwrap();
        for event in &scenario.events {
            simulation.apply_event(event).unwrap();
            assert!(scenario.stop.is_some_and(|stop| event.step < stop), "{}: an event nobody sees", s.id);
        }
        let again = files::parse(&to_text(&scenario), s.id).unwrap();
        assert_eq!(again, scenario, "{}", s.id);
    }
}

#[test]
fn the_scenario_in_the_readme_can_start() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let text = readme.split("```ron\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let loaded = files::load_text(text, "README.md", std::path::Path::new("")).unwrap_or_else(|e| panic!("{e}"));
    Run::new(RunId(0), moebias_lab::start_of(&loaded)).unwrap();
}

#[test]
fn all_say_what_they_teach() {
    for s in shipped() {
        let Scenario { title, summary, look_for, speed, .. } = s.load().unwrap().scenario;
        let upper = |text: &str| text.starts_with(|c: char| c.is_uppercase());
        assert!(title.chars().count() <= 28 && !title.ends_with('.'), "{title}");
        assert!(summary.chars().count() <= 80 && !summary.ends_with('.'), "{summary}");
        let sentences = look_for.matches(". ").count() + 1;
        assert!(look_for.ends_with('.') && sentences <= 4 && look_for.chars().count() <= 330, "{}: {look_for}", s.id);
        assert!(upper(&title) && upper(&look_for), "{title}");
        assert!(speed.is_some_and(|s| (1.0..=120.0).contains(&s)), "{title}: a speed at which one sees something");
    }
}

/// Closing a gap Δ between two biases takes about Δ/(2u) steps, because one falls by u per step while the other rises by u. Checked within
/// 25 %.
#[test]
fn the_first_look_settles_after_half_the_gap_over_u() {
    for (u, to) in [(0.002, 300), (0.001, 500), (0.0005, 700)] {
        let mut start = moebias_lab::start_of(&loaded("first-look"));
        start.experiment.variants[0].balancer.rate = u;
        let seen = play(start, to).remove(0);
        let predicted = seen.gap() / (2.0 * u);
        let ratio = seen.settled() as f64 / predicted;
        println!("u = {u}: settled at {}, Δ/(2u) = {predicted:.0}", seen.settled());
        assert!((0.75..=1.25).contains(&ratio), "u = {u}: settled at {}, Δ/(2u) = {predicted:.0}", seen.settled());
    }
}

#[test]
fn the_first_look_comes_down_to_the_sampling_floor() {
    // The run continues past the step at which the scenario pauses.
    let seen = play(moebias_lab::start_of(&loaded("first-look")), 500).remove(0);
    assert!((2.8..3.2).contains(&seen.metrics[0].max_vio), "four times the fair share at first");
    assert!((140..=180).contains(&seen.settled()));
    let floor = sampling_floor(64, 6, 4096);
    let steady = seen.max_vio(400..500);
    println!("steady MaxVio {steady:.4}, sampling floor {floor:.4}");
    assert!((0.9..=1.25).contains(&(steady / floor)), "{steady} for a floor of {floor}");
}

#[test]
fn too_small_a_step_does_not_arrive_in_time_but_would_later() {
    let small = only(shown("step-too-small"));
    assert_eq!(small.settling.step(), None);
    assert!(small.max_vio_16(599) > 2.0, "three times the fair share at the end");
    let mut start = moebias_lab::start_of(&loaded("step-too-small"));
    start.stop = None;
    let longer = play(start, 2000).remove(0);
    let predicted = longer.gap() / (2.0 * 0.0001);
    println!("settled at {}, Δ/(2u) = {predicted:.0}", longer.settled());
    assert!((1650.0..=1850.0).contains(&predicted), "the scenario says 1,750: {predicted}");
    assert!((0.75..=1.25).contains(&(longer.settled() as f64 / predicted)));
}

#[test]
fn the_swing_grows_with_u() {
    let seen = only(shown("step-too-large"));
    let [large, middle, small] = [300, 600, 900].map(|end| seen.amplitude(end));
    println!("amplitude {large:.4} at u = 0.1, {middle:.4} at 0.01, {small:.4} at 0.001");
    assert!(large > 3.0 * middle && middle > 3.0 * small);
    for (amplitude, u) in [(large, 0.1), (middle, 0.01)] {
        assert!((0.5..=2.0).contains(&(amplitude / u)), "{amplitude} at u = {u}");
    }
    assert!(seen.metrics[..300].iter().all(|m| m.max_vio > 1.0), "it never comes to rest");
    assert!((1.8..=2.3).contains(&seen.max_vio(200..300)));
    assert!((0.2..=0.3).contains(&seen.max_vio(500..600)));
    assert!((0.11..=0.14).contains(&seen.max_vio(800..900)));
}

#[test]
fn sign_keeps_stepping_and_proportional_slows_down() {
    let seen = shown("sign-and-proportional");
    let floor = sampling_floor(64, 6, 4096);
    for s in seen {
        assert!((20..=40).contains(&s.settled()), "both arrive after about 30 steps");
    }
    let [sign, proportional] = [0, 1].map(|i| seen[i].max_vio(300..400));
    println!("steady MaxVio {sign:.3} (sign), {proportional:.3} (proportional), floor {floor:.3}");
    assert!((0.23..=0.29).contains(&sign));
    assert!((0.9..=1.15).contains(&(proportional / floor)));
    assert!(seen[0].amplitude(400) > 4.0 * seen[1].amplitude(400));
}

#[test]
fn the_bias_catches_up_with_skew() {
    let seen = shown("skew");
    let [free, none] = [0, 1].map(|i| &seen[i]);
    for step in [200, 600] {
        assert!(free.metrics[step + 1].max_vio > 1.2, "jumps at {step}");
        assert!(free.max_vio_16(step + 150) <= IN_BALANCE, "has caught up");
    }
    assert!((4.2..=4.6).contains(&none.max_vio(900..1000)));
}

#[test]
fn more_experts_per_token_violate_less() {
    let seen = only(shown("top-k"));
    assert!(seen.metrics[0].max_vio > 6.5, "nearly eight times the fair share");
    for (steps, said) in [(300..400, 0.33), (700..800, 0.13), (1100..1200, 0.07)] {
        let found = seen.max_vio(steps);
        assert!((found - said).abs() < 0.015, "{found} where {said} is said");
    }
}

#[test]
fn drifting_topics_need_a_step_that_keeps_up() {
    let seen = shown("drifting-topics");
    let [slow, middle, fast] = [0, 1, 2].map(|i| seen[i].max_vio(200..1200));
    assert!((0.8..=1.5).contains(&slow) && middle < slow / 3.0 && fast < middle, "{slow} {middle} {fast}");
    let in_balance = |s: &Seen| mean(s.metrics.iter().map(|m| f64::from(u8::from(m.max_vio_16 <= IN_BALANCE))));
    let [slow, middle, fast] = [0, 1, 2].map(|i| in_balance(&seen[i]));
    assert!(slow < 0.05 && middle > 0.5 && fast > 0.95, "{slow} {middle} {fast}");
}

#[test]
fn the_real_model_arrives() {
    let seen = shown("real-model");
    let [free, none] = [0, 1].map(|i| &seen[i]);
    assert!((2.9..=3.2).contains(&none.max_vio_16(319)));
    assert!(free.max_vio_16(50) < 0.35, "{}", free.max_vio_16(50));
    assert!((1.3..=1.7).contains(&free.max_vio(220..320)), "a single batch stays uneven");
    let rules = shown("real-model-rules");
    let [proportional, sign] = [0, 1].map(|i| &rules[i]);
    assert!((0.15..=0.3).contains(&mean(sign.metrics[220..].iter().map(|m| m.max_vio_16))));
    assert!(proportional.max_vio_16(100) < 0.1 && proportional.max_vio_16(200) < 0.01);
}

#[test]
fn shrinking_steps_calm_down_or_fall_short() {
    let seen = shown("shrinking-step");
    let end: Vec<f64> = seen.iter().map(|s| s.max_vio(500..600)).collect();
    assert!(end[0] > 0.5 && end[1] < 0.14 && end[2] < end[1] && end[3] > 1.5, "{end:?}");
    let first = |s: &Seen| s.metrics.iter().position(|m| m.max_vio_16 <= IN_BALANCE);
    assert!(first(&seen[0]) < Some(25) && first(&seen[1]) < Some(25) && first(&seen[3]).is_none());
}

#[test]
fn four_rules_arrive_at_the_same_floor_at_their_own_pace() {
    let seen = shown("four-rules");
    for (s, said) in seen.iter().zip([160, 90, 335, 45]) {
        assert!((0.9..=1.1).contains(&(s.settled() as f64 / f64::from(said))), "{} where {said} is said", s.settled());
        assert!((0.11..=0.15).contains(&s.max_vio(400..500)) && (0.11..=0.135).contains(&s.max_vio(900..1000)));
        assert!(s.metrics[500].max_vio > 0.6, "the skew jumps");
    }
    let back = |s: &Seen| s.metrics[500..].iter().position(|m| m.max_vio < 0.2).unwrap();
    let [sign, rms, smebu, id] = [0, 1, 2, 3].map(|i| back(&seen[i]));
    assert!(id < rms && rms < sign && sign < smebu, "the same order again: {id} {rms} {sign} {smebu}");
}

#[test]
fn freezing_has_its_price_while_topics_wander() {
    let seen = shown("freezing");
    let [frozen, free] = [0, 1].map(|i| &seen[i]);
    assert_eq!(frozen.bias[..400], free.bias[..400]);
    assert!(frozen.bias[400..].iter().all(|b| *b == frozen.bias[400]), "it stays as it is");
    for (step, said) in [(450, 0.3), (600, 0.8), (799, 1.9)] {
        let found = frozen.metrics[step].max_vio;
        assert!((found - said).abs() < 0.08, "{found} where {said} is said");
    }
    assert!((0.11..=0.15).contains(&free.max_vio(600..800)));
}

#[test]
fn published_models_come_into_balance() {
    let seen = shown("published-models");
    for (s, said) in seen.iter().zip([150, 290, 64]) {
        assert!((0.9..=1.1).contains(&(s.settled() as f64 / f64::from(said))), "{} where {said} is said", s.settled());
    }
    let mut start = moebias_lab::start_of(&loaded("published-models"));
    start.experiment.variants.drain(..2);
    let longcat = start.experiment.variants[0].clone();
    let mut run = Run::new(RunId(1), start).unwrap();
    while run.step() < 300 {
        run.advance(&mut CpuEngine::new(""), 100, |_, _| {}).unwrap();
    }
    let loads = &run.loads[0];
    let computing = reached(loads, longcat.router.top_k, longcat.balancer.zero_experts);
    assert!((computing - 8.0).abs() < 0.1, "{computing} of 12 compute");
}

#[test]
fn softmax_needs_smaller_steps() {
    let seen = shown("softmax-gate");
    let gaps: Vec<f64> = seen.iter().map(Seen::gap).collect();
    assert!(gaps[1] < gaps[0] / 4.0, "{gaps:?}");
    assert!(seen[1].settled() < 60 && seen[0].settled() > 140);
    let [sign, proportional] = [1, 2].map(|i| seen[i].max_vio(300..400));
    assert!(sign > 0.2 && proportional < 0.14, "{sign} {proportional}");
}

#[test]
fn without_chance_the_biases_end_in_a_cycle_as_large_as_u() {
    let seen = shown("fixed-batch");
    for (s, said) in seen.iter().zip([0.5, 0.18, 0.077, 0.003]) {
        assert!((s.max_vio(300..400) - said).abs() < 0.02);
    }
    for (s, u) in seen[..3].iter().zip([0.03, 0.01, 0.003]) {
        let n = s.bias.len();
        assert_eq!(s.bias[n - 1], s.bias[n - 3], "a cycle of two steps");
        assert!((s.amplitude(n) / u - 0.5).abs() < 0.05, "{}", s.amplitude(n));
    }
}

#[test]
fn bursts_are_uneven_whatever_the_bias() {
    let seen = only(shown("bursts"));
    let (before, during, after) = (seen.max_vio(200..300), seen.max_vio(300..600), seen.max_vio(700..900));
    assert!(before < 0.14 && (0.4..=0.55).contains(&during) && after < 0.14, "{before} {during} {after}");
    assert!(mean(seen.metrics[400..600].iter().map(|m| m.max_vio_16)) < 0.13);
}

/// docs/learning.md has results over several seeds.
#[test]
fn a_router_that_learns_pays_for_balance() {
    let nmse =
        |s: &Seen, steps: std::ops::Range<usize>| mean(s.metrics[steps].iter().map(|m| m.learning.unwrap().nmse));
    let seen = shown("auxiliary-loss-dilemma");
    let [free, none, weak, strong] = [0, 1, 2, 3].map(|i| (nmse(&seen[i], 500..600), seen[i].max_vio(500..600)));
    println!("loss and MaxVio: loss-free {free:?}, none {none:?}, α = 0.1 {weak:?}, α = 1 {strong:?}");
    assert!(strong.0 > weak.0 + 0.015 && weak.0 > free.0 + 0.005, "the larger α, the worse the task");
    assert!(none.0 < free.0 && none.1 > 2.5, "no balancing is cheapest and uneven");
    assert!(weak.1 > 0.2 && free.1 < 0.2 && strong.1 < 0.2);
    assert!((85..=95).contains(&seen[3].settled()) && (280..=310).contains(&seen[0].settled()));
    let seen = shown("learning-step-sizes");
    let [slow, good, restless] = [0, 1, 2].map(|i| seen[i].max_vio(500..600));
    assert!(slow > 2.0 && good < 0.2 && (0.22..0.32).contains(&restless), "{slow} {good} {restless}");
    let arrived = |s: &Seen| s.metrics.iter().position(|m| m.max_vio_16 <= IN_BALANCE);
    assert_eq!(arrived(&seen[0]), None);
    assert!(arrived(&seen[2]) < Some(30), "{:?}", arrived(&seen[2]));
}

#[test]
fn groups_are_balanced_too() {
    let seen = shown("expert-groups");
    assert!(seen.iter().all(|s| s.metrics[0].max_vio > 11.5 && s.settled() < 110));
    let (before, during, after) = (seen[0].max_vio(400..500), seen[0].max_vio(500..506), seen[0].max_vio(600..900));
    assert!(
        (0.35..0.45).contains(&before) && during > 1.6 * before && after < 1.2 * before,
        "{before} {during} {after}"
    );
    assert!((0.35..0.45).contains(&seen[1].max_vio(400..900)), "as well as a free choice");
}

#[test]
fn biases_end_the_dropping() {
    let seen = shown("capacity");
    let dropped = |i: usize, step: usize| seen[i].metrics[step].dropped;
    assert!((0..3).all(|i| (0.25..0.28).contains(&dropped(i, 0))));
    assert!((0..2).all(|i| (100..400).all(|step| dropped(i, step) < 0.004)));
    assert!((100..400).all(|step| dropped(2, step) > 0.24));
    assert!((0..400).all(|step| dropped(0, step) == dropped(1, step)), "equally many");
    assert!(seen.iter().all(|s| s.metrics.iter().all(|m| m.max_vio < 0.2501)), "no bar passes the capacity");
}

#[test]
fn four_ways_to_assign_differ_as_told() {
    let seen = shown("assignment-methods");
    let [base, sinkhorn, free, hash] = [0, 1, 2, 3].map(|i| &seen[i]);
    assert!(base.metrics.iter().all(|m| m.max_vio == 0.0));
    let moved = |s: &Seen| mean(s.metrics.iter().map(|m| m.moved));
    assert!((0.42..0.55).contains(&moved(base)), "{}", moved(base));
    assert!((1.3..1.7).contains(&sinkhorn.max_vio(100..400)), "{}", sinkhorn.max_vio(100..400));
    assert!(free.metrics[0].max_vio > 2.5 && (20..=40).contains(&free.settled()) && free.max_vio(100..400) < 0.6);
    assert!((0.6..0.85).contains(&hash.max_vio(0..400)) && moved(hash) > 0.9, "{}", hash.max_vio(0..400));
}

#[test]
fn a_threshold_aims_at_k() {
    let seen = shown("dynamic-k");
    let active = |i: usize, range: std::ops::Range<usize>| mean(seen[i].metrics[range].iter().map(|m| m.active));
    assert!((active(0, 100..400) - 6.0).abs() < 0.15 && (active(0, 500..800) - 12.0).abs() < 0.25);
    assert!(active(0, 400..402) < 6.5 && active(1, 400..402) == 12.0);
    let arrives = (400..800).find(|&n| seen[0].metrics[n].active > 11.5).unwrap();
    assert!((425..=440).contains(&arrives), "{arrives}");
    let settled = [0, 1].map(|i| seen[i].settled());
    assert!(settled.iter().all(|s| (40..=75).contains(s)), "{settled:?}");
}

#[test]
fn an_event_applies_before_its_step_is_routed() {
    let mut start = moebias_lab::start_of(&loaded("first-look"));
    let set = |step, rate| Event { step, target: Target::AllVariants, change: Change::SetRate(rate) };
    start.events = vec![set(5, 0.25)];
    let seen = play(start, 7).remove(0);
    let step = |n: usize| (seen.bias[n][0] - seen.bias[n - 1][0]).abs();
    assert!(step(4) < 0.0011 && (step(5) - 0.25).abs() < 1e-9);
}

/// The price view of every step of a shipped scenario, and the run after the last step.
fn looked_at(id: &str, variant: usize, steps: u64) -> (Vec<Examined>, Run) {
    let mut run = Run::new(RunId(0), moebias_lab::start_of(&loaded(id))).unwrap();
    let (mut engine, mut beside) = (CpuEngine::new(""), CpuEngine::new(""));
    run.watched = true;
    let mut seen = vec![];
    while run.step() < steps {
        run.advance(&mut engine, 1, |_, _| {}).unwrap();
        seen.push(examine(&mut run.before_last(&mut beside).unwrap(), &mut beside, variant).unwrap());
    }
    (seen, run)
}

#[test]
fn the_price_view_falls_to_the_optimum_and_rises_again() {
    let (seen, _) = looked_at("price-view", 0, 200);
    assert!(seen[..46].iter().all(|e| !e.change.rises()), "it falls for 46 steps");
    assert!(seen[46].change.rises(), "and then rises");
    let rose = seen[46..].iter().filter(|e| e.change.rises()).count();
    assert!((70..=85).contains(&rose), "in about every other step: {rose} of 154");
    assert_eq!(seen.iter().map(|e| e.moves.violations).sum::<u64>(), 0);
    let last = seen.last().unwrap();
    let best = optimum::solve(&last.problem, &last.before.prices).unwrap();
    let gap = last.score(lagrangian::bound(&last.problem, &last.before) - best.value);
    assert!((0.0..1e-4).contains(&gap), "{gap}");
}

#[test]
fn the_band_is_promised_and_kept() {
    let (seen, _) = looked_at("band", 0, 2000);
    let first = &seen[0];
    assert!(first.band_applies() && first.furthest() > 4.0, "it starts outside");
    let most = band::largest_step(&first.problem).unwrap();
    assert!((104..=200).contains(&most), "u = 0.0001 is 105 units, admissible are {most}");
    let entered = seen.iter().position(|e| e.furthest() <= 4.0).expect("it enters the band");
    assert!(entered < 1500 && seen[entered..].iter().all(|e| e.furthest() <= 4.0), "and stays, from {entered} on");
}

#[test]
fn our_biases_come_to_the_learned_ones() {
    let seen = only(shown("learned-bias"));
    let Loaded { trace, .. } = loaded("learned-bias");
    let learned = trace.unwrap().learned_bias.clone();
    let at = |step: usize| correlation(&seen.bias[step], &learned).unwrap();
    println!("correlation {:.3} at step 1, {:.3} at 60, {:.4} at the end", at(0), at(60), at(239));
    assert!(at(0) < 0.85 && at(60) > 0.97 && at(239) > 0.985);
}

#[test]
fn quantile_balancing_is_at_the_floor_at_once() {
    let seen = shown("quantile-balancing");
    let floor = sampling_floor(64, 6, 4096);
    let [quantile, averaged, sign, id, smebu, bip] = [0, 1, 2, 3, 4, 5].map(|i| &seen[i]);
    println!("floor {floor:.3}; steps 1..10 and 200..300:");
    for s in seen {
        println!("{:.3} {:.3}", s.max_vio(1..10), s.max_vio(200..300));
    }
    assert!(quantile.metrics[0].max_vio > 3.0 && quantile.max_vio(1..10) < 2.5 * floor);
    assert!(quantile.max_vio(10..50) < 1.5 * floor);
    assert!(averaged.max_vio(200..300) < quantile.max_vio(200..300), "an average calms");
    assert!([sign, id, smebu].iter().all(|walks| walks.max_vio(1..10) > 4.0 * quantile.max_vio(1..10)), "they walk");
    assert!(bip.metrics[0].max_vio < 0.5 && bip.max_vio(10..50) < 0.5 * floor, "it has seen the batch");
}

#[test]
fn expert_choice_is_balanced_from_the_first_step() {
    let seen = shown("expert-choice");
    assert!(seen[0].metrics.iter().all(|m| m.max_vio == 0.0 && m.min_vio == 0.0));
    assert!(seen[1].metrics[0].max_vio > 1.0);
}
