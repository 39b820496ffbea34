//! The lab's sweep: the experiment as it is now with every combination of some settings, computed on another thread.

use super::command::SweepRequest;
use super::notices::Level;
use super::runs::Announcement;
use super::saves::Written;
use super::sheet::Sheet;
use super::{Document, Lab};
use moebias_engine::start::Start;
use moebias_engine::sweep::{self, Sweep};
use moebias_files::{self as files, Scenario};
use moebias_model::config::Source;
use moebias_model::sweep::{Outcome, Plan};
use moebias_model::trace::Trace;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A sweep that took longer than this shows a message when it is done.
const LONG: Duration = Duration::from_secs(5);

/// The sweep that is shown, and the number of sweeps so far.
#[derive(Debug, Default)]
pub(super) struct Sweeping {
    pub(super) shown: Option<LabSweep>,
    pub(super) count: u64,
}

/// A sweep, running or done.
#[derive(Debug)]
pub struct LabSweep {
    /// The title of the experiment.
    pub title: String,
    /// The sweep.
    pub sweep: Sweep,
    /// The number of the sweep, which rises with every new one.
    pub number: u64,
    trace: Option<Arc<Trace>>,
    told: bool,
}

impl Lab {
    /// The sweep, if there is one.
    #[must_use]
    pub fn sweep(&self) -> Option<&LabSweep> {
        self.sweeping.shown.as_ref()
    }

    /// Plans a sweep of the experiment as it is now.
    ///
    /// # Errors
    /// The reason why the sweep is not possible, a sentence.
    pub fn plan_sweep(&self, request: &SweepRequest) -> Result<Plan, String> {
        let Start { experiment, events, state, trace, .. } = self.sheet.again(|_| {}).authored;
        if state.is_some() {
            return Err(
                "this recording begins in the middle, with biases of its own: open the scenario it came from".into()
            );
        }
        let plan = Plan::new(experiment, &events, request.axes.clone(), request.seeds, request.steps)?;
        sweep::check(&plan, trace.as_ref()).map_err(|e| e.to_string())?;
        Ok(plan)
    }

    pub(super) fn start_sweep(&mut self, request: &SweepRequest) {
        match self.plan_sweep(request) {
            Ok(plan) => {
                let trace = self.sheet.authored.trace.clone();
                self.begin_sweep(self.sheet.document.title.clone(), Arc::new(plan), trace, vec![]);
            }
            Err(e) => self.tell(Level::Warning, format!("The sweep did not start: {e}")),
        }
    }

    /// Continues a sweep that was stopped, with the runs that are still missing.
    pub(super) fn go_on_with_sweep(&mut self) {
        let Some(LabSweep { title, sweep, trace, .. }) = self.sweeping.shown.take() else { return };
        let known = sweep.found().outcomes.clone();
        self.begin_sweep(title, Arc::clone(sweep.plan()), trace, known);
    }

    fn begin_sweep(&mut self, title: String, plan: Arc<Plan>, trace: Option<Arc<Trace>>, known: Vec<Option<Outcome>>) {
        match Sweep::start(plan, trace.clone(), known, self.engine_choice, Arc::clone(&self.wake)) {
            Ok(sweep) => self.take_sweep(title, sweep, trace, false),
            Err(e) => self.tell(Level::Error, format!("The sweep can't run now: {e}")),
        }
    }

    fn take_sweep(&mut self, title: String, sweep: Sweep, trace: Option<Arc<Trace>>, told: bool) {
        self.sweeping.count += 1;
        self.sweeping.shown = Some(LabSweep { title, sweep, number: self.sweeping.count, trace, told });
    }

    pub(super) fn cancel_sweep(&mut self) {
        if let Some(of) = &self.sweeping.shown {
            of.sweep.cancel();
        }
    }

    /// Tells the user when a sweep has failed or a long sweep is done, because its pane may be hidden.
    pub(super) fn poll_sweep(&mut self) {
        let Some(of) = self.sweeping.shown.as_mut().filter(|s| !s.told) else { return };
        let Some(ended) = of.sweep.found().ended.clone() else { return };
        of.told = true;
        let runs = of.sweep.plan().len();
        if let Some(trouble) = ended.trouble {
            self.tell(Level::Error, format!("The sweep ended early: {trouble}"));
        } else if ended.whole && ended.took > LONG {
            self.tell(Level::Success, format!("The sweep is done: {runs} runs in {:.0} s", ended.took.as_secs_f64()));
        }
    }

    /// Writes the runs of the sweep that are done as CSV, on another thread.
    pub(super) fn save_sweep(&mut self, path: &Path) {
        let Some(of) = &self.sweeping.shown else {
            return self.tell(Level::Warning, "There is no sweep to save: start one first");
        };
        let (plan, outcomes) = (of.sweep.plan(), of.sweep.found().outcomes.clone());
        let head = files::sweep::head(&of.title, plan, of.trace.as_deref(), path);
        let (done, all) = (outcomes.iter().flatten().count(), plan.len());
        let (plan, path) = (Arc::clone(plan), path.to_owned());
        self.write(false, move || {
            files::sweep::save(&path, &head, &plan, &outcomes).map_err(|e| e.to_string())?;
            let runs = if done == all { format!("{all} runs") } else { format!("{done} of {all} runs") };
            let digest = files::sweep::digest(&files::sweep::text(&head, &plan, &outcomes));
            Ok(Written::new(path.clone(), format!("Saved {runs} to {}, digest {digest}", path.display())))
        });
    }

    /// Opens a saved sweep, complete or not.
    pub(super) fn open_sweep(&mut self, path: &Path) {
        let saved = match files::sweep::open(path) {
            Ok(saved) => saved,
            Err(e) => return self.tell(Level::Error, e.to_string()),
        };
        let base = Scenario::from_experiment(&saved.title, saved.plan.base().clone());
        let trace = if matches!(base.source, Source::Trace(_)) {
            let folder = path.parent().unwrap_or(Path::new(""));
            match files::load_text(&files::to_text(&base), &path.display().to_string(), folder) {
                Ok(loaded) => loaded.trace,
                Err(e) => return self.tell(Level::Error, format!("The sweep's trace is missing: {e}")),
            }
        } else {
            None
        };
        let runs = saved.outcomes.iter().flatten().count();
        self.tell(Level::Success, format!("Opened a sweep of {runs} runs: {}", saved.title));
        let known = Sweep::known(Arc::new(saved.plan), saved.outcomes);
        self.take_sweep(saved.title, known, trace, true);
        self.desk.saved.push(path.to_owned());
    }

    /// Opens the experiment of one run of the sweep and starts it at its first step. Undo returns to the run before.
    pub(super) fn open_run(&mut self, number: usize) {
        let Some(of) = self.sweeping.shown.as_ref().filter(|s| number < s.sweep.plan().len()) else { return };
        let plan = of.sweep.plan();
        let title = format!("{}, {}", of.title, plan.words(plan.run(number).cell));
        let document = Document {
            title: title.clone(),
            summary: "A cell of a sweep".into(),
            look_for: String::new(),
            path: None,
            view: None,
        };
        let start = Start {
            experiment: plan.experiment(number),
            trace: of.trace.clone(),
            state: None,
            events: plan.events(number),
            stop: None,
        };
        let told = Announcement::undoable(0, format!("Opened {title}"));
        self.begin(Sheet::new(document, start), true, &format!("Open {title}"), Some(told));
    }
}
