//! The experiment as a page of a lesson sets it up.

use super::super::Loaded;
use super::{Lesson, Setup};
use moebias_model::change;

/// A scenario with the changes of a page made in it. Changes that are not valid are left out; reading the lesson has already rejected them.
#[must_use]
pub fn stage(base: &Loaded, setup: &Setup) -> Loaded {
    let mut loaded = base.clone();
    let scenario = &mut loaded.scenario;
    if setup.scenario.is_some() {
        // Only the page says where the scenario pauses and whether its events happen: otherwise a run that nobody touches could do
        // by itself what a task asks for.
        scenario.stop = setup.stop;
        if setup.events != Some(true) {
            scenario.events.clear();
        }
    }
    if let Some(only) = setup.only.filter(|&i| i < scenario.variants.len()) {
        scenario.variants.swap(0, only);
        scenario.variants.truncate(1);
    }
    if let Some(experts) = setup.experts {
        scenario.variants.iter_mut().for_each(|v| v.router.experts = experts);
    }
    let mut experiment = scenario.experiment();
    for changed in &setup.changes {
        if let Err(e) = change::apply(&mut experiment, changed.target(), &changed.change) {
            log::warn!("left out of a page: {e}");
        }
    }
    scenario.source = experiment.source;
    scenario.variants = experiment.variants;
    let mut trial = scenario.experiment();
    scenario.events.retain(|e| change::apply(&mut trial, e.target, &e.change).is_ok());
    if let Some(speed) = setup.speed {
        scenario.speed = Some(speed);
    }
    loaded
}

/// The experiment to start, the step to go to, and whether to play.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The experiment.
    pub loaded: Loaded,
    /// The step to go to.
    pub step: Option<u64>,
    /// Whether to play.
    pub play: bool,
}

impl Lesson {
    /// The experiment on a page when it is turned to, or once its question is answered: the last scenario opened up to there, with all
    /// changes that pages have made since. A question that is not answered pauses the run. `None` if no page up to there opens a scenario.
    #[must_use]
    pub fn scene(&self, page: usize, answered: bool) -> Option<Scene> {
        let mut scene: Option<Scene> = None;
        for (i, p) in self.pages.iter().enumerate().take(page + 1) {
            let staged = self.scenarios.get(i)?;
            let mut setups = vec![(&p.setup, staged.at_first.as_deref())];
            if let Some(question) = &p.question
                && (i < page || answered)
            {
                setups.push((&question.then, staged.after.as_deref()));
            }
            for (n, (setup, fresh)) in setups.into_iter().enumerate() {
                let is_answer = n == 1;
                scene = match (fresh, scene) {
                    (Some(loaded), _) => {
                        Some(Scene { loaded: loaded.clone(), step: setup.step, play: setup.play.unwrap_or(true) })
                    }
                    (None, Some(before)) => Some(Scene {
                        loaded: stage(&before.loaded, setup),
                        step: setup.step.or(before.step),
                        // A run that was paused by a question plays once it is answered.
                        play: setup.play.unwrap_or(is_answer || before.play),
                    }),
                    (None, None) => None,
                };
            }
        }
        let holds = self.pages.get(page).is_some_and(|p| p.question.is_some()) && !answered;
        scene.map(|s| Scene { play: s.play && !holds, ..s })
    }

    /// Whether a page changes the experiment when it is turned to.
    #[must_use]
    pub fn sets_up(&self, page: usize) -> bool {
        self.pages.get(page).is_some_and(|p| !p.setup.is_empty())
    }
}
