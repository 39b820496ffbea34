//! Verifies what the lesson on recordings says, as `numbers` does for the others, and what saving keeps of a recording that ships.

use super::book::Book;
use super::measure::{page, spread, vio, with};
use moebias_files::{Examined, lesson, load_text, to_text};
use moebias_model::change::Change::SetRule;
use moebias_model::config::{Rule, Source};
use moebias_model::metrics::Metrics;
use moebias_model::settings::reading::LeaveOut;
use std::path::Path;
use std::sync::Arc;

/// The recording on a page, counted from 1.
fn recording(number: usize) -> Arc<Examined> {
    let lesson = lesson::find("your-model").unwrap().load().unwrap();
    lesson.scene(number - 1, false).unwrap().loaded.examined.unwrap()
}

/// MaxVio of each layer, read as on a page.
fn each_layer(number: usize) -> Vec<f64> {
    let examined = recording(number);
    let of = |layer| {
        let facts = examined.recording.facts(layer).unwrap();
        examined.recording.figures(layer, &facts, &examined.reading).unwrap().maxvio
    };
    examined.recording.layers.iter().map(of).collect()
}

fn worst(vio: &[f64]) -> usize {
    (0..vio.len()).max_by(|&a, &b| vio[a].total_cmp(&vio[b])).unwrap()
}

fn moved(m: &Metrics) -> f64 {
    m.moved
}

#[test]
fn the_numbers_of_your_own_model() {
    let mut book = Book::open("your-model");
    let whole = recording(1);
    let (layers, trace) = (&whole.recording.layers, &whole.trace);
    book.says(1, "4 layers", layers.len() as f64, 4.0..=4.0);
    book.says(1, "1,024 tokens", layers[0].tokens() as f64, 1024.0..=1024.0);
    book.says(1, "16 experts", trace.experts as f64, 16.0..=16.0);
    book.says(1, "K = 2", f64::from(whole.top_k), 2.0..=2.0);
    book.argued(&[1, 5]);

    let mut seen = page("your-model", 2, None);
    seen.on(8);
    for step in [1, 5] {
        book.says(2, "it is 7 in every fourth step", seen.at(0, step, vio), 7.0..=7.0);
        let others = (1..4).map(|i| seen.at(0, step + i, vio)).fold(0.0, f64::max);
        assert!(others < 1.0, "MaxVio is {others} beside the warm-up tokens");
    }
    assert!(whole.facts.identical.len() == 1 && whole.facts.identical[0] == (0..256), "{:?}", whole.facts.identical);
    book.says(2, "A step is 256 tokens, and the first 256", trace.tokens as f64, 256.0..=256.0);
    let tidy = recording(3);
    book.says(2, "768 tokens remain", (tidy.trace.steps * tidy.trace.tokens) as f64, 768.0..=768.0);
    book.says(2, "in 3 steps", tidy.trace.steps as f64, 3.0..=3.0);

    let (all, left) = (each_layer(1), each_layer(3));
    assert_eq!((worst(&all), worst(&left)), (1, 3), "the warm-up tokens mislead");
    book.says(3, "layer 1 would look worst, with a MaxVio of 2.3;", all[1], 2.25..=2.35);
    book.says(3, "without them it has 0.74", left[1], 0.735..=0.745);
    book.says(3, "Layer 3: MaxVio is 2.5", left[3], 2.45..=2.55);
    book.says(3, "its favourite gets 3.5 times its share", left[3] + 1.0, 3.45..=3.55);

    let mut sign = with("your-model", 4, None, &[SetRule(Rule::Sign)]);
    sign.on(600);
    book.says(4, "layer 3 is uneven, MaxVio 2.5", left[3], 2.45..=2.55);
    book.says(4, "after about 230 steps", sign.balanced(0), 220.0..=240.0);
    book.says(4, "about 0.54 apart", sign.at(0, 600, spread), 0.535..=0.545);
    let half = sign.mean(0, 400..600, moved);
    assert!((0.45..=0.55).contains(&half), "about half of all assignments differ: {half}");
    book.given(4, &["MaxVio over 16 steps has been **below 0.2 for 50 steps**"]);
    book.close();
}

#[test]
fn a_saved_run_keeps_the_layer_and_what_is_left_out() {
    let lesson = lesson::find("your-model").unwrap().load().unwrap();
    let scenario = lesson.scene(3, false).unwrap().loaded.scenario;
    let text = to_text(&scenario);
    assert!(text.contains("builtin:four-layers"), "{text}");
    let again = load_text(&text, "saved.ron", Path::new("/nowhere")).unwrap();
    let Source::Trace(source) = &again.scenario.source else { panic!("a recording") };
    assert_eq!((source.layer.as_deref(), source.reading.leave_out.as_slice()), (Some("3"), &[LeaveOut::Identical][..]));
    let examined = again.examined.expect("its layers are shown");
    assert_eq!((examined.layer.as_str(), examined.trace.steps), ("3", 3));
    assert_eq!(examined.recording.layers.len(), 4);
}
