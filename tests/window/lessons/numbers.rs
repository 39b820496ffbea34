//! Verifies what lessons say: each number on a page is measured here, given by the page itself, or has a source, and a right answer is right
//! on five seeds.

use super::book::{Book, nearest};
use super::measure::{nmse, of, page, rises, spread, vio, vio16, with};
use moebias_files::lesson;
use moebias_model::change::Change::*;
use moebias_model::change::LearningChange;
use moebias_model::config::{Gate, Rule, Schedule};
use moebias_model::metrics::{Metrics, sampling_floor};
use moebias_model::presets::Preset;

fn starving(m: &Metrics) -> f64 {
    f64::from(m.starving)
}

fn moved(m: &Metrics) -> f64 {
    m.moved
}

fn min_vio(m: &Metrics) -> f64 {
    m.min_vio
}

/// The run of a page with its answer, this many steps further.
fn run(id: &str, number: usize, seed: Option<u32>, steps: u64) -> super::measure::Seen {
    let mut seen = page(id, number, seed);
    seen.on(steps);
    seen
}

#[test]
fn the_numbers_of_what_a_router_does() {
    let mut book = Book::open("router");
    book.given(1, &["4,096 tokens arrive", "64 experts", "K = 6"]);
    let lines = ["4,096 tokens with 6 choices", "24,576 assignments", "64 experts, that is 384", "128 experts"];
    book.given(2, &lines);
    book.given(2, &["At 768 tokens", "At 192 tokens", "24,576 / 128 = 192"]);
    book.argued(&[2, 3]);
    book.given(
        3,
        &["0 is perfect", "share is also 384", "gets 960", "960 / 384 = 2.5", "(960 − 384) / 384 = 1.5", "576"],
    );
    let none = with("router", 4, None, &[SetTopK(6)]).on(60).mean(0, 0..60, vio);
    book.says(4, "MaxVio is about 3 now", none, 2.8..=3.3);
    let sixteen = run("router", 4, None, 60).mean(0, 0..60, vio);
    book.says(4, "MaxVio is now about 1.5", sixteen, 1.4..=1.6);
    book.given(4, &["K goes from 6 to 16", "from 384 to 1,024 tokens"]);
    book.right(4, |seed| {
        let before = with("router", 4, Some(seed), &[SetTopK(6)]).on(40).mean(0, 0..40, vio);
        nearest(run("router", 4, Some(seed), 40).mean(0, 0..40, vio) / before, &[1.5, 1.0, 0.5])
    });
    let one = with("router", 5, None, &[SetTopK(1)]).on(40).mean(0, 0..40, vio);
    book.says(
        5,
        "With K = 1, as in the Switch Transformer, MaxVio is about 6.9: the favourite gets nearly eight times",
        one,
        6.8..=7.0,
    );
    book.given(5, &["MaxVio to 6 or more", "for 20 steps"]);
    book.close();
}

#[test]
fn the_numbers_of_why_experts_starve() {
    let mut book = Book::open("starving");
    let first = run("starving", 1, None, 80);
    book.says(1, "gets four times its share", 1.0 + first.mean(0, 0..80, vio), 3.7..=4.3);
    book.says(1, "some get next to nothing", first.at(0, 80, min_vio), 0.85..=1.0);
    book.given(1, &["1 / r"]);
    book.says(
        2,
        "about 3 at skew 1.5",
        with("starving", 2, None, &[SetSkew(1.5)]).on(60).mean(0, 0..60, vio),
        2.8..=3.3,
    );
    book.says(2, "About 0.7", run("starving", 2, None, 60).mean(0, 0..60, vio), 0.65..=0.75);
    book.given(2, &["skew 0", "all 32 topics", "64 experts lie near 32 topics", "0: equal topics", "Still about 3"]);
    book.right(2, |seed| nearest(run("starving", 2, Some(seed), 60).mean(0, 0..60, vio), &[0.05, 0.7, 3.0]));
    let skewed = |skew| with("starving", 3, None, &[SetSkew(skew)]).on(80).at(0, 80, starving);
    book.says(3, "At skew 1.5 there are about six", skewed(1.5), 5.0..=7.0);
    book.says(3, "At skew 2 about twenty of the 64 experts", skewed(2.0), 18.0..=22.0);
    book.given(3, &["over 64 steps", "at least 15 experts", "Try 2, and give it 64 steps"]);
    let learning = run("starving", 4, None, 310);
    book.says(4, "At the start MaxVio is about 4", learning.at(0, 1, vio), 3.5..=4.5);
    book.says(4, "stays near 2.8", learning.mean(0, 290..310, vio), 2.7..=2.9);
    book.given(4, &["After 300 steps", "close to 0", "between 2 and 3"]);
    book.right(4, |seed| nearest(run("starving", 4, Some(seed), 310).mean(0, 290..310, vio), &[0.1, 2.5]));
    book.argued(&[5]);
    book.close();
}

#[test]
fn the_numbers_of_the_auxiliary_loss() {
    let mut book = Book::open("auxiliary-loss");
    let alpha = |alpha, steps| {
        with("auxiliary-loss", 2, None, &[SetLearning(LearningChange::Alpha(alpha))])
            .on(steps)
            .stays_below(0, 0.3, 30, vio16)
    };
    book.given(1, &["small, 0.01"]);
    let weak = run("auxiliary-loss", 2, None, 400);
    book.says(2, "At α = 0.01 MaxVio stays near 2.4", weak.mean(0, 200..400, vio), 2.2..=2.6);
    book.says(2, "α = 0.1 takes a few hundred steps", alpha(0.1, 700), 150.0..=600.0);
    book.says(2, "0.3 or 1 about a hundred", alpha(0.3, 300).max(alpha(1.0, 300)), 80.0..=160.0);
    book.given(2, &["MaxVio over 16 steps below 0.3", "for 30 steps"]);
    let losses = |seed| {
        let four = run("auxiliary-loss", 3, seed, 600);
        [0, 1, 2, 3].map(|v| four.mean(v, 590..600, nmse))
    };
    let [bias, none, tenth, one] = losses(None);
    book.says(3, "at about 39 % it has the lowest loss of the four", none, 38.5..=39.5);
    assert!(none < bias.min(tenth).min(one));
    book.says(3, "about 40 %, against 39 % without balancing", tenth, 39.5..=40.5);
    book.says(3, "about 43 %, against 39 % without balancing", one, 42.5..=43.5);
    book.says(
        3,
        "The bias, just as even by now, costs half a point or so; the gradient costs four",
        bias - none,
        0.2..=0.8,
    );
    assert!((3.5..=4.5).contains(&(one - none)));
    book.given(3, &["α = 0.1 and one with α = 1", "from step 0", "stops at step 600"]);
    book.right(3, |seed| {
        let [_, none, tenth, one] = losses(Some(seed));
        if one > none.max(tenth) { 2 } else { usize::from(tenth > none) }
    });
    // Wang et al. 2024, main table, 1B.
    book.given(4, &["α = 0.001: perplexity 9.56, MaxVio 0.72", "u = 0.001: perplexity **9.50**, MaxVio **0.04**"]);
    book.argued(&[4]);
    book.close();
}

#[test]
fn the_numbers_of_a_bias_instead() {
    let mut book = Book::open("bias");
    book.given(1, &["Algorithm 1", "u = 0.001"]);
    let seen = run("bias", 2, None, 260);
    book.says(2, "the busiest expert gets four times its share", 1.0 + seen.at(0, 1, vio), 3.7..=4.3);
    book.says(2, "about 0.35 apart", seen.at(0, 200, spread), 0.34..=0.36);
    book.says(2, "down after about 160 steps", seen.balanced(0), 155.0..=170.0);
    book.given(
        2,
        &["All biases are 0", "u is 0.001", "by 2u", "About 16", "In 16 steps two biases move only 0.032", "About 170"],
    );
    book.given(2, &["0.35 / (2 · 0.001) = 175", "About 1,700", "u = 0.0001"]);
    book.right(2, |seed| nearest(run("bias", 2, Some(seed), 260).balanced(0), &[16.0, 170.0, 1700.0]));
    book.argued(&[3]);
    book.says(4, "MaxVio is 3", run("bias", 4, None, 40).mean(0, 0..40, vio), 2.8..=3.3);
    book.says(
        4,
        "About 40 % of all assignments",
        with("bias", 4, None, &[SetRule(Rule::Sign)]).on(250).mean(0, 200..250, moved),
        0.37..=0.43,
    );
    book.given(4, &["MaxVio over 16 steps has been **below 0.2 for 50 steps**"]);
    let again = run("bias", 5, None, 220);
    book.says(5, "back up to about 3", again.at(0, 1, vio), 2.8..=3.3);
    book.says(5, "down again in about 160 steps", again.balanced(0), 150.0..=175.0);
    book.given(5, &["set back to 0"]);
    book.right(5, |seed| usize::from(run("bias", 5, Some(seed), 1).at(0, 1, vio) > 1.0));
    book.close();
}

#[test]
fn the_numbers_of_step_size() {
    let mut book = Book::open("step-size");
    let slow = run("step-size", 1, None, 1700);
    book.says(1, "gap to open is about 0.35", slow.at(0, 1700, spread), 0.33..=0.37);
    book.says(1, "the loads are even after about 1,570", slow.balanced(0), 1540.0..=1600.0);
    book.says(1, "At step 600 MaxVio is still above 2", slow.at(0, 600, vio), 2.0..=2.5);
    book.given(1, &["u = 0.0001", "by 2u", "About 175", "u = 0.001", "About 1,750", "0.35 / (2 · 0.0001) = 1,750"]);
    book.right(1, |seed| nearest(run("step-size", 1, Some(seed), 2000).balanced(0), &[175.0, 1750.0, 1e9]));
    let jumps = |seed| run("step-size", 2, seed, 150).mean(0, 50..150, vio);
    book.says(2, "About 2", jumps(None), 1.8..=2.3);
    book.given(2, &["u = 0.1", "About 0: it", "About 0.1, as large as u", "jumps by 0.1"]);
    book.right(2, |seed| nearest(jumps(Some(seed)), &[0.01, 0.1, 2.0]));
    let steady = |u| with("step-size", 3, None, &[SetRate(u)]).on(500).mean(0, 300..500, vio);
    book.says(3, "leaves about 0.13 here", steady(0.001), 0.12..=0.14);
    book.says(3, "u = 0.01 leaves about 0.26", steady(0.01), 0.24..=0.28);
    let wait = |u| with("step-size", 3, None, &[SetRate(u)]).on(500).stays_below(0, 0.25, 100, vio);
    assert!(wait(0.001) < 300.0 && wait(0.0005) > 400.0, "how long one waits");
    book.given(3, &["below 0.25 for 100 steps", "Try u = 0.001", "below 0.0005"]);
    let soft = |seed| {
        let seen = run("step-size", 4, seed, 300);
        (seen.balanced(0), seen.balanced(1), seen.mean(0, 200..300, vio), seen.mean(1, 200..300, vio))
    };
    // Wang et al. 2024, the update rate.
    book.given(4, &["**u = 0.001**", "0.0001 was too slow", "0.01 swung", "between 0 and 1"]);
    book.given(4, &["Softmax scores of 64 experts are about 1/64", "0.001 is a sixteenth of 1/64"]);
    book.right(4, |seed| {
        let (sigmoid, softmax, calm, swings) = soft(Some(seed));
        usize::from(softmax < sigmoid / 2.0 && swings > 1.5 * calm)
    });
    let schedule =
        with("step-size", 5, None, &[SetSchedule(Schedule::InverseSqrt)]).on(300).stays_below(0, 0.25, 50, vio);
    assert!(schedule < 200.0, "there soon: {schedule}");
    book.given(5, &["0.03/√n: 0.03 at first, 0.003 after", "MaxVio below 0.25 for 50 steps", "lesson 8"]);
    assert_eq!(lesson::shipped()[7].id, "moving-targets");
    book.close();
}

#[test]
fn the_numbers_of_sign_or_proportional() {
    let mut book = Book::open("sign-or-proportional");
    let both = |seed| run("sign-or-proportional", 1, seed, 300);
    let seen = both(None);
    let arrive = seen.balanced(0).max(seen.balanced(1));
    book.says(1, "Both get there in about 30 steps", arrive, 25.0..=35.0);
    book.says(1, "stays near 0.26", seen.mean(0, 200..300, vio), 0.24..=0.28);
    book.says(1, "comes down to 0.12", seen.mean(1, 200..300, vio), 0.115..=0.13);
    book.given(1, &["u = 0.01", "whole 0.01", "0.26 and 0.12"]);
    book.right(1, |seed| {
        let seen = both(Some(seed));
        let ratio = seen.mean(1, 200..300, vio) / seen.mean(0, 200..300, vio);
        nearest(ratio, &[2.0, 0.5, 1.0])
    });
    let fixed = |seed| {
        let seen = run("sign-or-proportional", 2, seed, 300);
        [0, 1].map(|v| seen.mean(v, 200..300, vio))
    };
    let [sign, proportional] = fixed(None);
    book.says(2, "with MaxVio about 0.18", sign, 0.17..=0.19);
    book.says(2, "comes to rest at about 0.005", proportional, 0.003..=0.007);
    book.given(2, &["both go to 0", "About 0.2 for sign"]);
    book.right(2, |seed| {
        let [sign, proportional] = fixed(Some(seed));
        if sign < 0.05 { 0 } else { 1 + usize::from(proportional > 0.05) }
    });
    let swings = |seed| run("sign-or-proportional", 3, seed, 150).mean(0, 50..150, vio);
    book.says(3, "MaxVio stays above 2", swings(None), 2.0..=6.0);
    book.given(3, &["u = 0.2"]);
    book.right(3, |seed| usize::from(swings(Some(seed)) > 0.5));
    let most = |u| with("sign-or-proportional", 4, None, &[SetRate(u)]).on(200).most(0, 100..200, vio);
    assert!(most(0.2) > 0.5 && (0.2..0.35).contains(&most(0.05)), "{} {}", most(0.2), most(0.05));
    assert!(most(0.02) < 0.25 && most(0.01) < 0.25);
    book.given(4, &["below 0.25 for 60 steps", "0.05 is at the edge", "0.02 or 0.01 is calm", "between 0.2 and 0.05"]);
    // Wang et al. 2024, table of variants.
    book.given(5, &["u = 0.001: perplexity **9.50**, MaxVio 0.044", "u = 0.01: perplexity 9.53, MaxVio **0.028**"]);
    book.given(5, &["u = 0.0001: perplexity 9.51, MaxVio 0.040", "9.51 to 9.53 against 9.50"]);
    book.argued(&[5]);
    book.close();
}

#[test]
fn the_numbers_of_skew_k_and_expert_count() {
    let mut book = Book::open("shape");
    let balanced = run("sampling-floor", 1, None, 100).mean(0, 0..100, vio);
    book.says(1, "MaxVio is near 0.13", balanced, 0.12..=0.14);
    let bare = with("router", 1, None, &[SetSkew(3.0)]).on(60).mean(0, 0..60, vio);
    book.says(1, "without a bias, MaxVio would be about 6", bare, 5.7..=6.3);
    let harder = |seed| run("shape", 1, seed, 400);
    let seen = harder(None);
    book.says(1, "to 0.58 instead of 0.35", seen.at(0, 400, spread), 0.56..=0.6);
    book.says(1, "Near 0.13 again", seen.mean(0, 300..400, vio), 0.12..=0.14);
    book.given(1, &["u = 0.001", "At skew 3", "from 1.5 to 3", "Near 0.5", "Near 6"]);
    book.right(1, |seed| nearest(harder(Some(seed)).mean(0, 300..400, vio), &[0.13, 0.5, 6.0]));
    let one = |seed| run("shape", 2, seed, 350).mean(0, 250..350, vio);
    book.says(2, "about 0.33", one(None), 0.31..=0.35);
    book.says(2, "MaxVio is 0.13", balanced, 0.12..=0.14);
    book.given(2, &["K = 6", "With K = 1", "now 64 tokens", "64 tokens instead of 384"]);
    book.right(2, |seed| nearest(one(Some(seed)), &[0.05, 0.13, 0.33]));
    let many = |seed| run("shape", 3, seed, 250);
    let seen = many(None);
    book.says(3, "MaxVio starts at 16", seen.at(0, 1, vio), 15.5..=16.5);
    book.says(3, "0.33, as with K = 1", seen.mean(0, 200..250, vio), 0.31..=0.35);
    book.says(3, "about as long as with 64 experts", seen.balanced(0), 140.0..=200.0);
    book.given(
        3,
        &["256 instead of 64", "4,096 tokens and K = 6", "After 200 steps", "0.13, as with 64", "per expert: 96"],
    );
    book.given(3, &["4,096 · 6 / 256 = 96", "4, a quarter"]);
    book.right(3, |seed| nearest(many(Some(seed)).mean(0, 200..250, vio), &[0.13, 0.33, 4.0]));
    let fed = with("shape", 4, None, &[SetBatch(16_384)]).on(300).stays_below(0, 0.25, 40, vio);
    assert!(fed < 300.0, "the second hint helps: {fed}");
    book.given(
        4,
        &["256 experts and K = 6, L is 96", "below 0.25 for 40 steps", "16,384 makes L four times", "Lesson 10"],
    );
    assert_eq!(lesson::shipped()[9].id, "sampling-floor");
    book.given(5, &["MaxVio over 16 steps", "MaxVio 0.3 per batch and 0.03 over 16 steps"]);
    book.argued(&[5]);
    book.close();
}

#[test]
fn the_numbers_of_moving_targets() {
    let mut book = Book::open("moving-targets");
    let rest = with("moving-targets", 1, None, &[SetDrift(0.0)]).on(250).balanced(0);
    book.says(1, "balances the loads in about 115 steps", rest, 110.0..=120.0);
    let late = |seed| run("moving-targets", 1, seed, 500).mean(0, 200..500, vio);
    book.says(1, "About 1", late(None), 0.9..=1.2);
    book.given(1, &["At drift 10 a topic lives for 100 steps", "u = 0.001", "MaxVio at 0.13", "Near 0.13"]);
    book.right(1, |seed| nearest(late(Some(seed)), &[0.13, 1.0, 10.0]));
    let three = |seed| {
        let seen = run("moving-targets", 2, seed, 600);
        [0, 1, 2].map(|v| seen.mean(v, 200..600, vio))
    };
    let [a, b, c] = three(None);
    book.says(2, "MaxVio is about 0.5", a, 0.4..=0.6);
    book.says(2, "About 0.15", b, 0.14..=0.16);
    book.says(2, "leaves about 0.23", c, 0.22..=0.245);
    book.given(2, &["u = 0.001, 0.003 and 0.01", "drift 5: a topic lives for 200 steps"]);
    book.right(2, |seed| {
        let all = three(Some(seed));
        (0..3).min_by(|a, b| all[*a].total_cmp(&all[*b])).unwrap()
    });
    let follow = |u| with("moving-targets", 3, None, &[SetRate(u)]).on(500).stays_below(0, 0.2, 60, vio16);
    assert!(follow(0.001).is_infinite() && follow(0.005) < 300.0 && follow(0.02) < 300.0);
    book.given(
        3,
        &["drift 10", "MaxVio over 16 steps below 0.2 for 60 steps", "0.001 is too slow", "0.005 to 0.02", "u = 0.005"],
    );
    let frozen = |seed| {
        let seen = run("moving-targets", 4, seed, 230);
        [10, 70, 120, 220].map(|at: usize| seen.mean(0, at - 8..at + 8, vio))
    };
    let [before, fifty, hundred, two] = frozen(None);
    book.says(4, "From 0.13", before, 0.12..=0.14);
    book.says(4, "about 0.2 after 50 steps", fifty, 0.17..=0.25);
    book.says(4, "0.4 after 100", hundred, 0.35..=0.45);
    book.says(4, "0.8 after 200", two, 0.75..=0.85);
    let mut bare = with("moving-targets", 4, None, &[SetRule(Rule::None), ResetBias]);
    book.says(4, "about 3, as without a bias", bare.on(40).mean(0, 0..40, vio), 2.3..=3.5);
    book.given(4, &["first 14.3 trillion", "last 500 billion", "live for 1,000 steps", "At step 400"]);
    book.given(4, &["γ = 0.001, then 0", "200 steps after the freeze", "about 0.8"]);
    book.right(4, |seed| nearest(frozen(Some(seed))[3], &[0.13, 0.8, 3.0]));
    book.close();
}

#[test]
fn the_numbers_of_the_price_view() {
    let mut book = Book::open("prices");
    let up = |seed| rises("prices", 2, seed, 120);
    let shown = up(None);
    let first = shown.iter().position(|r| *r).unwrap();
    book.says(2, "From step 46 on", first as f64, 45.0..=47.0);
    book.says(2, "Look at the first 40 steps", first as f64, 40.0..=60.0);
    let half = |list: &[bool]| list.iter().filter(|r| **r).count() as f64 / list.len() as f64;
    book.says(2, "rises at about every other step", half(&shown[first..]), 0.3..=0.6);
    book.given(2, &["u = 0.003"]);
    book.right(2, |seed| {
        let list = up(Some(seed));
        let first = list.iter().position(|r| *r).unwrap_or(list.len());
        if first == list.len() {
            0
        } else if first > 20 {
            1
        } else {
            2
        }
    });
    book.argued(&[3, 5]);
    let coarse = run("prices", 4, None, 200).most(0, 100..200, vio) * 64.0;
    book.says(4, "as many as three too many", coarse, 2.9..=3.1);
    let fine = with("prices", 4, None, &[SetRate(0.0005)]).on(400).stays_below(0, 0.04, 40, vio) - 40.0;
    book.says(4, "0.0005 takes about 260 steps", fine, 250.0..=270.0);
    book.given(4, &["L is 64 tokens", "MaxVio of 0.016", "u = 0.003", "below 0.04 for 40 steps", "E − 1"]);
    book.close();
}

#[test]
fn the_numbers_of_the_sampling_floor() {
    let mut book = Book::open("sampling-floor");
    let still = |seed| run("sampling-floor", 1, seed, 100);
    let seen = still(None);
    book.says(1, "MaxVio of a batch is about 0.13", seen.mean(0, 0..100, vio), 0.12..=0.14);
    book.says(1, "it is near 0.03", seen.mean(0, 20..100, vio16), 0.025..=0.035);
    book.says(1, "averages out to about 0.03", seen.mean(0, 20..100, vio16), 0.025..=0.035);
    book.says(1, "even the emptiest has nearly its share", seen.mean(0, 0..100, min_vio), 0.05..=0.2);
    book.given(1, &["200 steps at u = 0.001", "that 0.13", "over 16 steps", "4,096 tokens"]);
    book.argued(&[1, 3, 6]);
    let larger = |seed| run("sampling-floor", 2, seed, 80).mean(0, 20..80, vio);
    book.says(2, "0.13 becomes about 0.07", larger(None), 0.06..=0.075);
    book.given(
        2,
        &["100 times", "by 5", "400 times", "by 10", "from 4,096 to 16,384", "0.13: it is", "about 0.07", "about 0.03"],
    );
    book.right(2, |seed| nearest(larger(Some(seed)), &[0.13, 0.067, 0.03]));
    book.says(3, "the floor is 0.114", sampling_floor(64, 6, 4096), 0.1135..=0.1145);
    book.says(
        3,
        "about 2.3 for 64 experts",
        sampling_floor(64, 6, 4096) / ((1.0 - 6.0 / 64.0) / 384.0_f64).sqrt(),
        2.25..=2.4,
    );
    book.given(3, &["√((1 − K/E) / L)", "T = 4,096 and K = 6", "MaxVio 0.05"]);
    let bursts = |seed| run("sampling-floor", 4, seed, 200);
    let seen = bursts(None);
    book.says(4, "about 0.5, and jumpy", seen.mean(0, 20..200, vio), 0.42..=0.55);
    assert!(seen.most(0, 20..200, vio) > 0.8, "jumpy");
    book.given(
        4,
        &["64 tokens in a row", "runs of 64 tokens", "at 4,096", "only 64 times", "4,096 tokens in runs of 64"],
    );
    book.right(4, |seed| nearest(bursts(Some(seed)).mean(0, 20..200, vio), &[0.13, 0.5]));
    let bought = with("sampling-floor", 5, None, &[SetBatch(65_536)]).on(60).mean(0, 20..60, vio);
    book.says(5, "65,536 tokens bring the mean to 0.04", bought, 0.035..=0.045);
    book.says(5, "At 65,536 tokens MaxVio is 0.04", bought, 0.035..=0.045);
    book.given(5, &["below 0.08 for 40 steps", "below 0.13"]);
    // Wang et al. 2024, main table, 1B.
    book.given(6, &["MaxVio 0.72"]);
    book.close();
}

#[test]
fn the_numbers_of_the_big_models() {
    let mut book = Book::open("big-models");
    let published = |seed| {
        let seen = run("big-models", 1, seed, 400);
        [seen.balanced(0), seen.balanced(1)]
    };
    let [deepseek, trinity] = published(None);
    book.says(1, "DeepSeek-V3 needs about 150 steps", deepseek, 140.0..=160.0);
    book.says(1, "about 290", trinity, 275.0..=305.0);
    book.says(1, "290 steps are next to nothing", trinity, 275.0..=305.0);
    // Their reports; see the sources that the page names.
    book.given(
        1,
        &[
            "256 experts, K = 8, in 8 groups of which a token keeps 4",
            "u = 0.001",
            "256 experts, K = 4",
            "momentum, 0.0005",
        ],
    );
    book.given(1, &["512 experts and 256 that do nothing, K = 12", "about 75", "about 150"]);
    book.right(1, |seed| {
        let [_, trinity] = published(Some(seed));
        nearest(trinity, &[75.0, 150.0, 290.0])
    });
    let groups = |seed| {
        let seen = run("big-models", 2, seed, 350);
        [0, 1].map(|v| (seen.at(v, 1, vio), seen.mean(v, 250..350, vio)))
    };
    let [grouped, free] = groups(None);
    book.says(2, "Both fall from MaxVio 12", grouped.0.min(free.0), 11.0..=14.0);
    book.says(2, "to about 0.4", grouped.1.max(free.1), 0.35..=0.45);
    book.given(2, &["4 of 8 **groups**", "its 8 experts"]);
    book.right(2, |seed| {
        let [grouped, free] = groups(Some(seed));
        usize::from(grouped.1 < 1.3 * free.1)
    });
    let jumps = |seed| run("big-models", 3, seed, 60);
    let seen = jumps(None);
    book.says(3, "MaxVio is 0.14", seen.mean(0, 10..60, vio), 0.135..=0.15);
    assert!(seen.at(0, 2, vio) < 0.25 * seen.at(0, 1, vio), "one step does most of it");
    book.says(3, "instead of 0.13", run("sampling-floor", 1, None, 100).mean(0, 0..100, vio), 0.12..=0.14);
    book.says(3, "The sign rule needs 160 steps here", run("bias", 2, None, 260).balanced(0), 155.0..=170.0);
    book.given(3, &["about 80", "about 160"]);
    book.right(3, |seed| nearest(jumps(Some(seed)).stays_below(0, 0.3, 10, vio) - 9.0, &[3.0, 80.0, 160.0]));
    let mut scene = lesson::find("big-models").unwrap().load().unwrap().scene(3, false).unwrap();
    let variant = &mut scene.loaded.scenario.variants[0];
    (variant.router, variant.balancer) = Preset::DeepSeekV3.settings();
    book.says(4, "balanced after about 180 steps", of(&scene).on(300).balanced(0), 170.0..=190.0);
    book.given(4, &["MaxVio over 16 steps has been **below 0.2 for 30 steps**", "256 experts", "14.3 trillion"]);
    // DeepSeek-V3 technical report.
    book.given(5, &["α = 0.0001"]);
    book.argued(&[5]);
    book.close();
}

#[test]
fn the_numbers_of_an_experiment_of_your_own() {
    let mut book = Book::open("your-own");
    book.given(1, &["at step 0"]);
    // The published step size of ID Balancing, which is its default.
    let step = Rule::IdBalancing.published_rate(Gate::Sigmoid).unwrap();
    book.says(2, "step size, 0.006", step, 0.006..=0.006);
    book.given(2, &["u = 0.01"]);
    book.given(3, &["step 50", "step 100", "old steps 50 to 100"]);
    let question = book.page(3).question.clone().unwrap();
    assert!(question.then.play == Some(false) && question.then.changes.is_empty(), "nothing happens but what is said");
    book.answered.insert(3);
    book.argued(&[4]);
    book.close();
}

#[test]
fn every_lesson_has_a_test_of_its_numbers() {
    assert_eq!(lesson::shipped().len(), 13, "the new one needs a test of its own here");
}
