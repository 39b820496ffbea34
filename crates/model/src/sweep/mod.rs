//! A sweep: the same experiment with every combination of values of some settings, and with several seeds.
//!
//! A [`Plan`] defines the runs, and is checked as a whole before any of them starts. Runs over the same tokens become the variants of one
//! experiment ([`Plan::groups`]), so that an engine makes tokens and scores once for all of them, which makes sweeps cheap. The figures of
//! a run do not depend on the group it is in.

mod axis;
mod outcome;
mod parameter;
mod published;

pub use crate::change::Value;
pub use axis::{Axis, MOST_VALUES, Spacing};
pub use outcome::{Measure, Outcome, Spread};
pub use parameter::{Kind, Parameter};
pub use published::{Published, published};

use super::change::{self, Event, Target};
use super::config::{Experiment, Variant, limits};
use super::naming;
use std::collections::BTreeMap;

/// The most runs in one sweep.
pub const MOST_RUNS: usize = 100_000;
/// The most seeds in one sweep.
pub const MOST_SEEDS: u32 = 1000;

/// The runs of a sweep.
#[derive(Clone, Debug)]
pub struct Plan {
    base: Experiment,
    events: Vec<Event>,
    axes: Vec<Axis>,
    seeds: u32,
    steps: u64,
}

/// One run of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The combination of values, by number.
    pub cell: usize,
    /// The repetition, counted from 0: it is added to the seed.
    pub repeat: u32,
    /// The variant of the base experiment.
    pub variant: usize,
}

/// Runs over the same tokens, as the variants of one experiment.
#[derive(Clone, Debug)]
pub struct Group {
    /// The experiment.
    pub experiment: Experiment,
    /// The events during it.
    pub events: Vec<Event>,
    /// The number of the run that each of its variants is.
    pub runs: Vec<usize>,
}

impl Plan {
    /// A plan of `base` with every combination of the axes' values, each `seeds` times: with the experiment's seed and those following it.
    /// Events that change a swept setting are left out, as are those after the last step.
    ///
    /// # Errors
    /// Names what is wrong: an axis given twice, no axes, seeds or steps, too many runs, or a combination that is not allowed.
    pub fn new(base: Experiment, events: &[Event], axes: Vec<Axis>, seeds: u32, steps: u64) -> Result<Self, String> {
        if let Some(twice) = (1..axes.len()).find(|&i| axes[..i].iter().any(|a| a.parameter == axes[i].parameter)) {
            return Err(format!("{} is swept twice: put all its values on one axis", axes[twice].parameter.short()));
        }
        if axes.is_empty() {
            return Err("nothing is swept: choose a parameter".into());
        }
        if seeds == 0 || seeds > MOST_SEEDS {
            return Err(format!("{seeds} seeds can't be run: choose from 1 to {MOST_SEEDS}"));
        }
        if seeds > 1 && axes.iter().any(|a| a.parameter == Parameter::Seed) {
            return Err("the seed is swept already: leave the number of seeds at 1".into());
        }
        if steps == 0 {
            return Err("0 steps show nothing: choose at least 1".into());
        }
        let swept = |e: &&Event| {
            let changes =
                |a: &Axis| a.parameter.change(&base, a.values[0]).is_some_and(|c| c.name() == e.change.name());
            !axes.iter().any(changes) && e.step < steps
        };
        let events = events.iter().filter(swept).cloned().collect();
        let plan = Self { base, events, axes, seeds, steps };
        if plan.len() > MOST_RUNS {
            return Err(format!("that is {} runs, but at most {MOST_RUNS} can be swept at a time", plan.len()));
        }
        for cell in 0..plan.cells() {
            plan.check(cell).map_err(|e| format!("with {}: {e}", plan.words(cell)))?;
        }
        Ok(plan)
    }

    fn check(&self, cell: usize) -> Result<(), String> {
        let mut experiment = self.base.clone();
        let names = experiment.names();
        for (axis, value) in self.axes.iter().zip(self.values(cell)) {
            axis.parameter.set(&mut experiment, value).map_err(|e| e.in_words(&names))?;
        }
        experiment.validate().map_err(|e| e.in_words(&names))?;
        for event in &self.events {
            let fits = change::apply(&mut experiment, event.target, &event.change);
            fits.map_err(|e| format!("what happens at step {} does not fit: {}", event.step, e.in_words(&names)))?;
        }
        Ok(())
    }

    /// The axes: what is swept.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Number of repetitions of each combination.
    #[must_use]
    pub fn seeds(&self) -> u32 {
        self.seeds
    }

    /// Number of steps of each run.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The experiment that is varied.
    #[must_use]
    pub fn base(&self) -> &Experiment {
        &self.base
    }

    /// The events of the base experiment that the sweep keeps, for all its variants.
    #[must_use]
    pub fn all_events(&self) -> &[Event] {
        &self.events
    }

    /// Number of combinations of values, called cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.axes.iter().fold(1, |n, a| n.saturating_mul(a.values.len()))
    }

    /// Number of runs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells().saturating_mul(self.seeds as usize).saturating_mul(self.base.variants.len())
    }

    /// Always false: a plan has at least one run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The run with this number. Variants change fastest, then seeds, then the last axis.
    #[must_use]
    pub fn run(&self, number: usize) -> Run {
        let variants = self.base.variants.len();
        let (rest, variant) = (number / variants, number % variants);
        let seeds = self.seeds as usize;
        Run { cell: rest / seeds, repeat: (rest % seeds) as u32, variant }
    }

    /// The numbers of a cell's runs of one variant, in the order of their seeds.
    pub fn runs_of(&self, cell: usize, variant: usize) -> impl Iterator<Item = usize> + use<> {
        let (seeds, variants) = (self.seeds as usize, self.base.variants.len());
        (0..seeds).map(move |s| (cell * seeds + s) * variants + variant)
    }

    /// For each axis, the index of the cell's value.
    #[must_use]
    pub fn places(&self, mut cell: usize) -> Vec<usize> {
        let mut places = vec![0; self.axes.len()];
        for (place, axis) in places.iter_mut().zip(&self.axes).rev() {
            *place = cell % axis.values.len();
            cell /= axis.values.len();
        }
        places
    }

    /// The values of a cell, one per axis.
    #[must_use]
    pub fn values(&self, cell: usize) -> Vec<Value> {
        self.axes.iter().zip(self.places(cell)).map(|(a, place)| a.values[place]).collect()
    }

    /// The values of a cell in a few words: "u = 0.001, K = 6".
    #[must_use]
    pub fn words(&self, cell: usize) -> String {
        let named = self.axes.iter().zip(self.values(cell)).map(|(a, v)| a.parameter.with(v));
        named.collect::<Vec<_>>().join(", ")
    }

    /// The name of a variant over all its runs: its name without the parts that state a swept setting.
    #[must_use]
    pub fn heading(&self, variant: usize) -> String {
        let headings: Vec<String> = (0..self.base.variants.len()).map(|v| self.part_of_name(v)).collect();
        let Some(heading) = headings.get(variant) else { return String::new() };
        match headings[..variant].iter().filter(|h| *h == heading).count() {
            0 => heading.clone(),
            before => format!("{heading} ({})", before + 1),
        }
    }

    fn part_of_name(&self, variant: usize) -> String {
        let swept = self.axes.iter().filter(|a| !a.parameter.is_of_tokens());
        let values: Vec<String> =
            swept.filter_map(|a| a.parameter.of(&self.base, variant)).map(Value::in_words).collect();
        let says = |part: &&str| {
            part.split([' ', '/']).any(|word| values.iter().any(|v| v.eq_ignore_ascii_case(word)))
                || values.iter().any(|v| v.eq_ignore_ascii_case(part))
        };
        let kept: Vec<&str> = self.base.variants[variant].name.split(", ").filter(|part| !says(part)).collect();
        if kept.is_empty() { format!("Variant {}", variant + 1) } else { kept.join(", ") }
    }

    /// The experiment of one run, with a single variant.
    #[must_use]
    pub fn experiment(&self, number: usize) -> Experiment {
        let Run { cell, repeat, variant } = self.run(number);
        let mut experiment = self.base.clone();
        naming::settle(&mut experiment.variants);
        for (axis, value) in self.axes.iter().zip(self.values(cell)) {
            // The plan checked this value.
            axis.parameter.set(&mut experiment, value).ok();
        }
        experiment.seed = experiment.seed.wrapping_add(repeat);
        // Names are made while all variants are present, because they distinguish a variant from the others.
        naming::settle(&mut experiment.variants);
        experiment.variants = experiment.variants.into_iter().skip(variant).take(1).collect();
        experiment
    }

    /// The events of one run.
    #[must_use]
    pub fn events(&self, number: usize) -> Vec<Event> {
        let meant = self.run(number).variant;
        let events = self.events.iter().filter_map(|e| match e.target {
            Target::Variant(v) if v == meant => Some(Event { target: Target::Variant(0), ..e.clone() }),
            Target::Variant(_) => None,
            _ => Some(e.clone()),
        });
        events.collect()
    }

    /// Groups runs over the same tokens, as many as one experiment allows, in an order that does not depend on the machine.
    #[must_use]
    pub fn groups(&self, runs: &[usize]) -> Vec<Group> {
        let mut sources: BTreeMap<(u32, Vec<usize>), Vec<usize>> = BTreeMap::new();
        for &number in runs {
            let Run { cell, repeat, .. } = self.run(number);
            let decides = self.axes.iter().zip(self.places(cell)).filter(|(a, _)| a.parameter.is_of_tokens());
            sources.entry((repeat, decides.map(|(_, place)| place).collect())).or_default().push(number);
        }
        let mut groups = vec![];
        for mut runs in sources.into_values() {
            // Sorted by number of experts, so that few groups need scores for many experts.
            runs.sort_by_cached_key(|&n| self.experiment(n).variants.first().map_or(0, |v| v.router.experts));
            let mut most = limits::VARIANTS.max_u32() as usize;
            loop {
                let size = runs.len().div_ceil(runs.len().div_ceil(most).max(1)).max(1);
                let made: Vec<Group> = runs.chunks(size).map(|runs| self.group(runs)).collect();
                // Experiments that learn have a further limit on all variants together.
                if most == 1 || made.iter().all(|g| g.experiment.validate().is_ok()) {
                    groups.extend(made);
                    break;
                }
                most /= 2;
            }
        }
        groups
    }

    /// The given runs as one experiment; they must be over the same tokens.
    #[must_use]
    pub fn group(&self, runs: &[usize]) -> Group {
        let of = |&n: &usize| self.experiment(n);
        let mut experiment = runs.first().map_or_else(|| self.base.clone(), of);
        experiment.variants = runs.iter().flat_map(|n| of(n).variants).collect::<Vec<Variant>>();
        let mut events = vec![];
        for event in &self.events {
            let meant = |v: usize| (0..runs.len()).filter(move |&i| self.run(runs[i]).variant == v);
            match event.target {
                Target::Variant(v) => {
                    events.extend(meant(v).map(|i| Event { target: Target::Variant(i), ..event.clone() }));
                }
                _ => events.push(event.clone()),
            }
        }
        Group { experiment, events, runs: runs.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use crate::config::{Source, Synthetic};
    use crate::naming::Name;

    fn base(variants: usize) -> Experiment {
        let source = Source::Synthetic(Synthetic { batch: 64, ..Default::default() });
        let variant = |i: usize| Variant { name: i.to_string().into(), ..Variant::default() };
        Experiment { seed: 3, source, variants: (0..variants).map(variant).collect() }
    }

    fn plan(axes: &[&str], seeds: u32, variants: usize, events: &[Event]) -> Result<Plan, String> {
        let axes = axes.iter().map(|a| Axis::parse(a)).collect::<Result<_, _>>()?;
        Plan::new(base(variants), events, axes, seeds, 100)
    }

    #[test]
    fn every_combination_is_run_once() {
        let plan = plan(&["u=0.001,0.01", "K=1..3", "skew=0,1"], 2, 2, &[]).unwrap();
        assert_eq!((plan.cells(), plan.len()), (12, 48));
        let mut seen = vec![];
        for n in 0..plan.len() {
            let e = plan.experiment(n);
            assert_eq!(e.variants.len(), 1);
            let v = &e.variants[0];
            let (u, k, skew) = (v.balancer.rate, v.router.top_k, e.synthetic().unwrap().skew);
            let key = format!("{u} {k} {skew} {} {}", e.seed, v.name);
            assert!(!seen.contains(&key), "{key}");
            seen.push(key);
        }
        assert_eq!(plan.words(11), "u = 0.01, K = 3, skew 1");
        assert_eq!(plan.runs_of(1, 1).collect::<Vec<_>>(), [5, 7]);
    }

    #[test]
    fn groups_hold_every_run_once_and_share_their_tokens() {
        let plan = plan(&["u=1e-5..1e-1:log:25", "K=1..8", "skew=0,1"], 2, 1, &[]).unwrap();
        let all: Vec<usize> = (0..plan.len()).collect();
        let groups = plan.groups(&all);
        // 200 runs over each of four token sources.
        assert_eq!(groups.len(), 16);
        let mut seen: Vec<usize> = groups.iter().flat_map(|g| g.runs.clone()).collect();
        seen.sort_unstable();
        assert_eq!(seen, all);
        for group in groups {
            group.experiment.validate().unwrap();
            for (i, &n) in group.runs.iter().enumerate() {
                let alone = plan.experiment(n);
                assert_eq!((alone.seed, &alone.source), (group.experiment.seed, &group.experiment.source));
                assert_eq!(alone.variants[0], group.experiment.variants[i]);
            }
        }
        assert_eq!(plan.groups(&[5]).len(), 1);
    }

    #[test]
    fn events_follow_their_variant_unless_their_setting_is_swept() {
        let event = |step, target, change| Event { step, target, change };
        let events = [
            event(10, Target::Source, Change::SetSkew(2.0)),
            event(20, Target::Variant(1), Change::SetTopK(2)),
            event(30, Target::AllVariants, Change::SetRate(0.5)),
        ];
        let plan = plan(&["u=0.001,0.01"], 1, 2, &events).unwrap();
        assert_eq!(plan.events(0).len(), 1, "K changes in the other variant; u is swept");
        assert_eq!(plan.events(1)[1], event(20, Target::Variant(0), Change::SetTopK(2)));
        let group = &plan.groups(&[0, 1, 2, 3])[0];
        let targets: Vec<Target> = group.events.iter().map(|e| e.target).collect();
        assert_eq!(targets, [Target::Source, Target::Variant(1), Target::Variant(3)]);
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_runs() {
        let event = Event { step: 5, target: Target::AllVariants, change: Change::SetTopK(20) };
        for (axes, seeds, events, says) in [
            (&["E=4,64"] as &[&str], 1, &[] as &[Event], "with E = 4: Experts per token K can't be 6"),
            (&["u=0.1", "rate=0.2"], 1, &[], "swept twice"),
            (&[], 1, &[], "nothing is swept"),
            (&["u=0.1"], 0, &[], "0 seeds"),
            (&["seed=1..3"], 2, &[], "swept already"),
            (&["alpha=0.1"], 1, &[], "with α = 0.1"),
            (&["u=0..1:1000", "skew=0..1:1000"], 1, &[], "1000000 runs"),
            (&["E=16,64"], 1, &[event], "with E = 16: what happens at step 5"),
        ] {
            let wrong = plan(axes, seeds, 1, events).unwrap_err();
            assert!(wrong.contains(says), "{axes:?}: {wrong}");
        }
        let fits = plan(&["E=4,64", "K=1,2"], 1, 1, &[]);
        assert!(fits.is_ok(), "settings are set together before they are checked: {fits:?}");
    }

    #[test]
    fn a_heading_says_nothing_of_what_is_swept() {
        use crate::config::Rule;
        let mut base = base(3);
        for (v, (rule, rate)) in
            base.variants.iter_mut().zip([(Rule::Sign, 0.001), (Rule::Sign, 0.01), (Rule::Smebu, 0.1)])
        {
            (v.balancer.rule, v.balancer.rate, v.name) = (rule, rate, Name::default());
        }
        base.variants[2].name = "SMEBU, λ = 0.1".into();
        naming::settle(&mut base.variants);
        let headings = |axis: &str| {
            let plan = Plan::new(base.clone(), &[], vec![Axis::parse(axis).unwrap()], 1, 9).unwrap();
            (0..3).map(|v| plan.heading(v)).collect::<Vec<_>>()
        };
        assert_eq!(headings("u=0.1,0.2"), ["Sign", "Sign (2)", "SMEBU"]);
        assert_eq!(headings("skew=1,2"), ["Sign, u = 0.001", "Sign, u = 0.01", "SMEBU, λ = 0.1"]);
        assert_eq!(headings("rule=sign,rms"), ["u = 0.001", "u = 0.01", "λ = 0.1"]);
    }

    #[test]
    fn what_is_set_can_be_read_back() {
        use strum::IntoEnumIterator as _;
        for parameter in Parameter::iter().filter(|p| *p != Parameter::Alpha) {
            let mut experiment = base(1);
            let value = match parameter.kind() {
                Kind::Real(_) => Value::Real(0.25),
                Kind::Whole(_) => Value::Whole(16),
                Kind::Choice => *parameter.choices().last().unwrap(),
            };
            parameter.set(&mut experiment, value).unwrap();
            assert_eq!(parameter.of(&experiment, 0), Some(value), "{parameter:?}");
            assert_eq!(Parameter::find(parameter.name()), Some(parameter));
            assert_eq!(parameter.read(&value.to_string()), Ok(value), "{parameter:?}");
        }
    }
}
