//! Turns a run into a scenario for a file. Start and events of a run are known at any time, so a recording only needs the steps at which it
//! began and ended.

use super::sheet::Sheet;
use moebias_disk::name;
use moebias_engine::message::Exported;
use moebias_engine::start::Start;
use moebias_files::view::View;
use moebias_files::{Recorded, Scenario, limits, parse, to_text};
use moebias_model::naming;
use moebias_model::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A recording that begins after this step contains the state at its begin, so that a replay need not compute all earlier steps.
const STATE_AFTER: u64 = 5000;

/// A recording in progress.
#[derive(Debug)]
pub struct Recording {
    /// The step at which the recording began.
    pub since: u64,
    /// The run at that step; `None` until the worker has answered.
    pub begin: Option<Box<Exported>>,
}

/// A scenario that repeats the run, with the digest that the run reached.
#[must_use]
pub fn scenario_of(sheet: &Sheet, run: &Exported) -> Scenario {
    let document = &sheet.texts();
    let experiment = run.start.experiment.clone();
    let experts = experiment.variants.iter().map(|v| v.router.experts).min().unwrap_or(0);
    // An expert that the smallest router does not have can't be pinned.
    let view = document.view.clone().map(|v| View { expert: v.expert.filter(|e| *e < experts), ..v });
    let mut events = run.start.events.clone();
    events.sort_by_key(|e| e.step);
    Scenario {
        summary: document.summary.clone(),
        look_for: document.look_for.clone(),
        events,
        stop: run.start.stop,
        start: run.start.state.clone(),
        view,
        recorded: Some(Recorded {
            steps: run.step,
            digest: run.digest,
            engine: run.engine.clone(),
            app_version: env!("CARGO_PKG_VERSION").into(),
        }),
        ..Scenario::from_experiment(&document.title, experiment)
    }
}

/// The recording as scenarios: one that starts from the state at which a late recording began, if that state is known, and one that starts
/// from the first step.
#[must_use]
pub fn recording_of(sheet: &Sheet, recording: &Recording, run: &Exported) -> (Option<Scenario>, Scenario) {
    let stop = Some(run.step.max(1));
    let whole = Scenario { stop, ..scenario_of(sheet, run) };
    let begin = recording.begin.as_ref().filter(|b| b.step > STATE_AFTER && b.run == run.run && b.step <= run.step);
    let late = begin.and_then(|begin| {
        let mut scenario = whole.clone();
        let mut experiment = begin.experiment.clone();
        // Names that the user typed after the recording began are kept.
        for (i, v) in run.start.experiment.variants.iter().enumerate() {
            experiment.rename(i, v.name.typed());
        }
        naming::settle_start(&mut experiment.variants);
        scenario.source = experiment.source;
        scenario.variants = experiment.variants;
        scenario.seed = experiment.seed;
        scenario.start = Some(begin.state.clone()?);
        scenario.events.retain(|e| e.step >= begin.step);
        Some(scenario)
    });
    (late, whole)
}

/// Checks that Moebias will be able to open a scenario before it is written: its text is parsed again, and a run must be able to start from
/// it on this trace.
///
/// # Errors
/// The reason why it could not be opened, a sentence.
pub fn opens_again(scenario: &Scenario, trace: Option<&Arc<Trace>>) -> Result<(), String> {
    let text = to_text(scenario);
    let most = limits::SCENARIO_BYTES;
    if text.len() as u64 > most {
        let mib = |n: u64| n.div_ceil(1 << 20);
        return Err(format!(
            "it would take {} MiB, and a scenario's file at most {}",
            mib(text.len() as u64),
            mib(most)
        ));
    }
    let again = parse(&text, &scenario.title).map_err(|e| e.headline())?;
    let start = Start { trace: trace.cloned(), ..crate::start_of_scenario(&again) };
    start.check().map_err(|e| e.to_string())?;
    start.ignored().first().map_or(Ok(()), |i| Err(i.why.to_string()))
}

/// A path in `folder` for a recording with this title, under a name that no file has yet.
#[must_use]
pub fn free_name(folder: &Path, title: &str) -> PathBuf {
    let stem = name::stem(title, "recording");
    (1..)
        .map(|n| folder.join(if n == 1 { format!("{stem}.ron") } else { format!("{stem}-{n}.ron") }))
        .find(|p| !p.exists())
        .unwrap_or_else(|| folder.join("recording.ron"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_opened_is_not_written() {
        use moebias_engine::run::Run;
        use moebias_engine::start::RunId;
        use moebias_model::config::{Experiment, Router, Source, Variant};
        use moebias_model::learn::settings::World;
        let source = Source::Learning(World { batch: 64, topics: 16, domains: 4, ..World::default() });
        let variant = Variant { router: Router { experts: 1024, ..Router::default() }, ..Variant::default() };
        let experiment = Experiment { seed: 1, source, variants: vec![variant; 3] };
        let mut scenario = Scenario::from_experiment("Large", experiment);
        assert!(opens_again(&scenario, None).is_ok());
        let run = Run::new(RunId(0), crate::start_of_scenario(&scenario)).unwrap();
        scenario.start = Some(run.simulation().state().clone());
        let said = opens_again(&scenario, None).unwrap_err();
        assert!(said.contains("MiB") && said.contains("at most 16"), "{said}");
        // A negative bias, which the multiplicative rule does not allow.
        let mut scenario = Scenario { start: None, ..scenario };
        scenario.source = Source::Synthetic(Default::default());
        let run = Run::new(RunId(0), crate::start_of_scenario(&scenario)).unwrap();
        scenario.start = Some(run.simulation().state().clone());
        assert!(opens_again(&scenario, None).is_ok());
        scenario.variants[0].balancer.rule = moebias_model::config::Rule::Multiplicative;
        scenario.start.as_mut().unwrap().variants[0].bias[0] = -1;
        assert!(opens_again(&scenario, None).unwrap_err().contains("multiplicative"));
    }

    #[test]
    fn names_are_short_whatever_the_title() {
        let folder = tempfile::tempdir().unwrap();
        for title in ["x".repeat(4000), "路由器平衡".repeat(100), "é".repeat(99), "☃☃".into(), String::new()]
        {
            let first = free_name(folder.path(), &title);
            std::fs::write(&first, "").unwrap();
            let second = free_name(folder.path(), &title);
            std::fs::write(&second, "").unwrap();
            assert_ne!(first, second);
            assert!(second.file_name().unwrap().len() <= 200, "{second:?}");
        }
    }
}
