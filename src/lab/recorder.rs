//! From a run to a file. Every run is known from its first step, so recording only names what to keep.

use super::sheet::Sheet;
use crate::disk::name;
use crate::engine::message::Exported;
use crate::model::naming;
use crate::scenario::view::View;
use crate::scenario::{Recorded, Scenario};
use std::path::{Path, PathBuf};

/// A recording that begins after this step holds the state it began with, so that a replay need not do all the steps before.
const STATE_AFTER: u64 = 5000;

/// A recording under way.
#[derive(Debug)]
pub struct Recording {
    /// The step at which it began.
    pub since: u64,
    /// The run at that step, once the worker has answered.
    pub begin: Option<Box<Exported>>,
}

/// The run as a scenario that repeats it, with the digest it came to.
#[must_use]
pub fn scenario_of(sheet: &Sheet, run: &Exported) -> Scenario {
    let document = &sheet.texts();
    let experiment = run.start.experiment.clone();
    let experts = experiment.variants.iter().map(|v| v.router.experts).min().unwrap_or(0);
    // An expert that a smaller router lacks can't be pinned in it.
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

/// What was recorded: from the first step, or from the state at which a late recording began.
#[must_use]
pub fn recording_of(sheet: &Sheet, recording: &Recording, run: &Exported) -> Scenario {
    let mut scenario = scenario_of(sheet, run);
    if let Some(begin) =
        recording.begin.as_ref().filter(|b| b.step > STATE_AFTER && b.run == run.run && b.step <= run.step)
    {
        let mut experiment = begin.experiment.clone();
        // What was typed since then holds all the same.
        for (i, v) in run.start.experiment.variants.iter().enumerate() {
            experiment.rename(i, v.name.typed());
        }
        naming::settle_start(&mut experiment.variants);
        scenario.source = experiment.source;
        scenario.variants = experiment.variants;
        scenario.seed = experiment.seed;
        scenario.start = Some(begin.state.clone());
        scenario.events.retain(|e| e.step >= begin.step);
    }
    scenario.stop = Some(run.step.max(1));
    scenario
}

/// A file name for a recording that no file in `folder` has.
#[must_use]
pub fn free_name(folder: &Path, title: &str) -> PathBuf {
    let stem = name::stem(title, "recording");
    (1..)
        .map(|n| folder.join(if n == 1 { format!("{stem}.ron") } else { format!("{stem}-{n}.ron") }))
        .find(|p| !p.exists())
        .unwrap_or_else(|| folder.join("recording.ron"))
}
