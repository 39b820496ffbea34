//! The pictures on the scenario cards: each scenario's loads over time, really computed, at a smaller batch than in the lab.
//!
//! `MOEBIAS_BLESS=1 cargo test --test thumbnails` makes them again after a scenario has changed.

use moebias::engine::EngineChoice;
use moebias::engine::message::{RunId, Start};
use moebias::engine::run::Run;
use moebias::model::config::Source;
use moebias::scenario::shipped::shipped;

/// Columns of a picture.
const COLUMNS: u64 = 112;
/// Steps of a scenario that does not say where it ends.
const STEPS: u64 = 448;
/// Most tokens of a batch.
const BATCH: u32 = 1024;

#[test]
fn the_cards_show_what_the_scenarios_do() {
    let bless = std::env::var_os("MOEBIAS_BLESS").is_some();
    let mut stale = vec![];
    for scenario in shipped() {
        let (width, height, grey) = thumbnail(scenario);
        if bless {
            let path = format!("{}/assets/thumbnails/{}.png", env!("CARGO_MANIFEST_DIR"), scenario.id);
            image::GrayImage::from_raw(width, height, grey).unwrap().save(path).unwrap();
        } else {
            let stored = image::load_from_memory(scenario.thumbnail).unwrap().to_luma8();
            if stored.dimensions() != (width, height) || *stored.as_raw() != grey {
                stale.push(scenario.id);
            }
        }
    }
    assert!(
        stale.is_empty(),
        "these pictures no longer show their scenario: {stale:?}. Make them again with MOEBIAS_BLESS=1"
    );
}

/// Width, height and one byte per pixel: 0 no load, 128 fair, 255 twice fair.
fn thumbnail(scenario: &moebias::scenario::Shipped) -> (u32, u32, Vec<u8>) {
    let loaded = scenario.load().unwrap();
    let mut start = Start::of(&loaded);
    let steps = start.stop.unwrap_or(STEPS).clamp(COLUMNS, 2 * STEPS);
    if let Source::Synthetic(s) | Source::Fixed(s) = &mut start.experiment.source {
        s.batch = s.batch.min(BATCH);
    }
    start.experiment.variants.truncate(1);
    // Of a comparison the first router is shown; what happens to the others is left out.
    use moebias::model::change::Target;
    start.events.retain(|e| !matches!(e.target, Target::Variant(i) if i > 0));
    start.events.retain(|e| !matches!(e.change, moebias::model::change::Change::SetBatch(_)));
    let experts = start.experiment.variants[0].router.experts as usize;
    let mut run = Run::new(RunId(0), start).unwrap();
    let mut engine = moebias::engine::open(EngineChoice::Cpu).unwrap();
    let mut sums = vec![vec![0f64; experts]; COLUMNS as usize];
    let mut counts = vec![0u32; COLUMNS as usize];
    while run.step() < steps {
        let most = (steps - run.step()) as u32;
        run.advance(engine.as_mut(), most, |row, _| {
            let column = (row.step * COLUMNS / steps) as usize;
            let v = &row.variants[0];
            let fair = f64::from(row.tokens) * f64::from(v.top_k) / experts as f64;
            sums[column].iter_mut().zip(&v.loads).for_each(|(s, &l)| *s += f64::from(l) / fair);
            counts[column] += 1;
        })
        .unwrap();
    }
    let mut grey = Vec::with_capacity(experts * COLUMNS as usize);
    for e in 0..experts {
        for (sum, &n) in sums.iter().zip(&counts) {
            let share = sum[e] / f64::from(n.max(1));
            grey.push((share * 128.0).round().min(255.0) as u8);
        }
    }
    (COLUMNS as u32, experts as u32, grey)
}
