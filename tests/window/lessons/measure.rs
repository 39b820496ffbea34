//! Runs the experiment of a page without a window, to check what a lesson says and which answer is right.

use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_engine::theory::examine;
use moebias_engine::{Engine, EngineChoice, open};
use moebias_files::lesson;
use moebias_model::change::{Change, Target};
use moebias_model::metrics::{IN_BALANCE, Metrics};
use moebias_model::step::Simulation;
use std::ops::Range;

/// The figures of every step of a run.
pub struct Seen {
    run: Run,
    engine: Box<dyn Engine>,
    /// One list per variant.
    metrics: Vec<Vec<Metrics>>,
    /// The step at which the question was answered, or the page begins.
    pub from: usize,
}

/// The run of a page, counted from 1, with its question answered at the step where it is asked; with the scenario's seed or another one.
pub fn page(id: &str, number: usize, seed: Option<u32>) -> Seen {
    with(id, number, seed, &[])
}

/// Like [`page`], with changes made by hand where the page begins, instead of an answer.
pub fn with(id: &str, number: usize, seed: Option<u32>, by_hand: &[Change]) -> Seen {
    let lesson = lesson::find(id).unwrap().load().unwrap();
    let at = number - 1;
    let mut scene = lesson.scene(at, lesson.scenarios[at].after.is_some()).unwrap();
    scene.loaded.scenario.seed = seed.unwrap_or(scene.loaded.scenario.seed);
    let mut seen = of(&scene);
    let then = lesson.pages[at].question.as_ref().map(|q| q.then.changes.as_slice()).unwrap_or_default();
    for changed in then.iter().filter(|_| by_hand.is_empty()) {
        seen.change(changed.target(), changed.change.clone());
    }
    for change in by_hand {
        seen.all(change.clone());
    }
    seen
}

/// The run of a scene, at the step where the page begins.
pub fn of(scene: &lesson::Scene) -> Seen {
    let run = Run::new(RunId(0), moebias_lab::start_of(&scene.loaded)).unwrap();
    let metrics = vec![vec![]; run.metrics.len()];
    let mut seen = Seen { run, engine: open(EngineChoice::Cpu).unwrap(), metrics, from: 0 };
    seen.on(scene.step.unwrap_or(0));
    seen.from = seen.metrics[0].len();
    seen
}

/// For each step of a page's run, whether the Lagrangian of its first variant rises.
pub fn rises(id: &str, number: usize, seed: Option<u32>, steps: usize) -> Vec<bool> {
    let mut scene = lesson::find(id).unwrap().load().unwrap().scene(number - 1, false).unwrap();
    scene.loaded.scenario.seed = seed.unwrap_or(scene.loaded.scenario.seed);
    let start = moebias_lab::start_of(&scene.loaded);
    let mut simulation = Simulation::new(start.experiment, start.trace).unwrap();
    let mut engine = open(EngineChoice::Cpu).unwrap();
    (0..steps).map(|_| examine(&mut simulation, engine.as_mut(), 0).unwrap().change.rises()).collect()
}

impl Seen {
    pub fn change(&mut self, target: Target, change: Change) {
        self.run.change(target, change).unwrap();
    }

    /// Applies a change to the token source or to every variant.
    pub fn all(&mut self, change: Change) -> &mut Self {
        let target = if change.is_of_source() { Target::Source } else { Target::AllVariants };
        self.change(target, change);
        self
    }

    /// Runs this many steps further.
    pub fn on(&mut self, steps: u64) -> &mut Self {
        let end = self.run.step() + steps;
        while self.run.step() < end {
            let left = (end - self.run.step()) as u32;
            let metrics = &mut self.metrics;
            let each = |_: &_, all: &[Metrics]| all.iter().zip(metrics.iter_mut()).for_each(|(m, list)| list.push(*m));
            self.run.advance(self.engine.as_mut(), left, each).unwrap();
        }
        self
    }

    /// A figure of one variant this many steps after the page begins; 1 is the first step.
    pub fn at(&self, variant: usize, step: usize, of: fn(&Metrics) -> f64) -> f64 {
        of(&self.metrics[variant][self.from + step - 1])
    }

    /// The mean of a figure over these steps, counted from where the page begins.
    pub fn mean(&self, variant: usize, steps: Range<usize>, of: fn(&Metrics) -> f64) -> f64 {
        let n = steps.len() as f64;
        steps.map(|i| of(&self.metrics[variant][self.from + i])).sum::<f64>() / n
    }

    /// The largest value of a figure over these steps.
    pub fn most(&self, variant: usize, steps: Range<usize>, of: fn(&Metrics) -> f64) -> f64 {
        steps.map(|i| of(&self.metrics[variant][self.from + i])).fold(f64::MIN, f64::max)
    }

    /// The number of steps after which MaxVio over 16 steps stays in balance, as Moebias defines it; infinite if it does not.
    pub fn balanced(&self, variant: usize) -> f64 {
        let from = &self.metrics[variant][self.from..];
        match from.iter().rposition(|m| m.max_vio_16 > IN_BALANCE) {
            Some(last) if last + 1 < from.len() => (last + 2) as f64,
            Some(_) => f64::INFINITY,
            None => 1.0,
        }
    }

    /// The step at which a figure has been below a bound for this many consecutive steps, counted from where the page begins.
    pub fn stays_below(&self, variant: usize, bound: f64, steps: usize, of: fn(&Metrics) -> f64) -> f64 {
        let mut streak = 0;
        for (i, m) in self.metrics[variant][self.from..].iter().enumerate() {
            streak = if of(m) < bound { streak + 1 } else { 0 };
            if streak >= steps {
                return (i + 1) as f64;
            }
        }
        f64::INFINITY
    }
}

pub fn vio(m: &Metrics) -> f64 {
    m.max_vio
}

pub fn vio16(m: &Metrics) -> f64 {
    m.max_vio_16
}

pub fn spread(m: &Metrics) -> f64 {
    m.bias_max - m.bias_min
}

/// The task loss as it is shown in the window: NMSE in per cent.
pub fn nmse(m: &Metrics) -> f64 {
    m.learning.map_or(f64::NAN, |l| 100.0 * l.nmse)
}
