//! Every setting as data, so that the palette can set it by name: its names, range or choices, and present value. They are built from the
//! same rows and items as the panel, so limits and refusals are the same.

use super::{Row, balancer, frozen, learning, memory, refused, router, tokens};
use crate::ui::ask::Ask;
use crate::ui::kit::speed::name_of;
use crate::ui::kit::widgets::choice::Item;
use crate::ui::kit::widgets::slider::{Scale, figure};
use crate::ui::store::{LARGEST, SMALLEST};
use moebias_engine::message::Speed;
use moebias_files::limits as of_files;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_model::change::LearningChange;
use moebias_model::change::{self, Change, Target};
use moebias_model::config::{Balancer, Capacity, Groups, Rule, Source, Synthetic, Variant, limits};
use moebias_model::learn::settings::{Auxiliary, Learning};
use moebias_model::naming::term;
use std::ops::RangeInclusive;

/// A setting that can be set by name.
pub struct Setting {
    /// Its name, as in the panel.
    pub name: String,
    /// Its other names.
    pub also: &'static [&'static str],
    /// Its present value in words.
    pub now: String,
    /// Why it can't be set now, if so.
    pub refused: Option<String>,
    /// The values that it can have.
    pub kind: Kind,
}

/// The values that a setting can have.
pub enum Kind {
    /// A number.
    Number(Range),
    /// One of several things.
    Choice(Vec<Choice>),
}

/// The range of a number, and the ask that sets it.
pub struct Range {
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Whether it is a whole number.
    pub whole: bool,
    /// Its unit; empty if it has none.
    pub unit: &'static str,
    set: Box<dyn Fn(f64) -> Ask>,
}

/// One of the values to choose from.
pub struct Choice {
    /// Its name.
    pub name: String,
    /// What files call it.
    pub also: String,
    /// Whether this is the present value.
    pub now: bool,
    /// Why it can't be chosen now, if so.
    pub refused: Option<String>,
    /// The ask that chooses it.
    pub ask: Ask,
}

impl Range {
    fn new(range: RangeInclusive<f64>, whole: bool, set: impl Fn(f64) -> Ask + 'static) -> Self {
        let (min, max) = range.into_inner();
        Self { min, max, whole, unit: "", set: Box::new(set) }
    }

    /// The range in words.
    #[must_use]
    pub fn words(&self) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        format!("{} to {}{unit}", figure(self.min, self.whole), figure(self.max, self.whole))
    }

    /// The ask that sets this value; `name` is the setting's name, for the error.
    ///
    /// # Errors
    /// A sentence that says why it can't be set.
    pub fn ask(&self, name: &str, value: f64, lab: &Lab) -> Result<Ask, String> {
        if self.whole && value.fract() != 0.0 {
            return Err(format!("{name} is a whole number, {}", self.words()));
        }
        if !(self.min..=self.max).contains(&value) {
            return Err(format!("{name} goes from {}", self.words()));
        }
        let ask = (self.set)(value);
        let why = match &ask {
            Ask::Send(Command::Change { target, change }) => refused(lab, *target, change),
            Ask::Send(Command::SetSeed(seed)) if *seed == lab.settings().seed => {
                Some(format!("The seed is {seed} already; Ctrl+R starts the same run again"))
            }
            _ => None,
        };
        why.map_or(Ok(ask), Err)
    }
}

/// Collects the settings of a variant.
struct Desk<'a> {
    lab: &'a Lab,
    target: Target,
    variant: &'a Variant,
    all: Vec<Setting>,
}

/// Everything that can be set by name. `shown` is the variant whose values the panel shows, `zoom` the present zoom.
#[must_use]
pub fn all(lab: &Lab, target: Target, shown: usize, zoom: f32) -> Vec<Setting> {
    let Some(variant) = lab.settings().variants.get(shown).or_else(|| lab.settings().variants.first()) else {
        return vec![];
    };
    let mut desk = Desk { lab, target, variant, all: vec![] };
    desk.tokens();
    desk.router();
    desk.balancer();
    desk.learning();
    desk.window(zoom);
    desk.all
}

impl Desk<'_> {
    /// Adds rows of the panel; `why` says why they can't be set, if so.
    fn rows(&mut self, rows: &[Row<'_>], why: Option<&str>) {
        for &Row { name, limits, scale, value, change, .. } in rows {
            let whole = matches!(scale, Scale::Doubling | Scale::LogWhole | Scale::Whole);
            self.number(name, limits.min..=limits.max, whole, value, why, change);
        }
    }

    fn number(
        &mut self,
        name: &str,
        range: RangeInclusive<f64>,
        whole: bool,
        value: f64,
        why: Option<&str>,
        change: impl Fn(f64) -> Change + 'static,
    ) {
        let likely = change(value);
        let target = if likely.is_of_source() { Target::Source } else { self.target };
        let now = if self.differs(target, &likely) { "mixed".into() } else { figure(value, whole) };
        let set = move |v| Ask::Send(Command::Change { target, change: change(v) });
        let (unit, also) = term(likely.name()).map_or(("", &[][..]), |t| (t.unit, t.also));
        let range = Range { unit, ..Range::new(range, whole, set) };
        self.push(name, also, now, why, Kind::Number(range));
    }

    /// Whether the variants that the change would apply to have different values of its setting.
    fn differs(&self, target: Target, change: &Change) -> bool {
        let settings = self.lab.settings();
        let now = |i| change::inverse(settings, Target::Variant(i), change);
        target == Target::AllVariants && (1..settings.variants.len()).any(|i| now(i) != now(0))
    }

    /// Adds a choice of the panel. `ask` is what choosing an item asks for, `change` the change of the setting itself, which tells its value in
    /// files and why it would be refused.
    fn choice<T: Clone + PartialEq>(
        &mut self,
        name: &str,
        now: &T,
        items: &[Item<T>],
        why: Option<&str>,
        ask: impl Fn(&T, Target) -> Ask,
        change: impl Fn(&T) -> Change,
    ) {
        let (lab, of_source) = (self.lab, change(now).is_of_source());
        let target = if of_source { Target::Source } else { self.target };
        let mixed = self.differs(target, &change(now));
        let choices = items.iter().map(|item| Choice {
            name: item.name.clone(),
            also: change(&item.value).value(),
            now: !mixed && item.value == *now,
            refused: why
                .map(Into::into)
                .or_else(|| item.blocked.clone())
                .or_else(|| refused(lab, target, &change(&item.value))),
            ask: ask(&item.value, target),
        });
        let shown = items.iter().find(|i| i.value == *now).map_or(String::new(), |i| i.name.clone());
        let kind = Kind::Choice(choices.collect());
        self.push(name, &[], if mixed { "mixed".into() } else { shown }, why, kind);
    }

    /// Adds a choice of which each item is sent as one change.
    fn change<T: Clone + PartialEq>(
        &mut self,
        name: &str,
        now: &T,
        items: &[Item<T>],
        why: Option<&str>,
        change: impl Fn(&T) -> Change,
    ) {
        let ask = |item: &T, target| Ask::Send(Command::Change { target, change: change(item) });
        self.choice(name, now, items, why, ask, &change);
    }

    fn switch(&mut self, name: &str, now: bool, why: Option<&str>, change: impl Fn(bool) -> Change) {
        let items = [Item::new(true, "on", ""), Item::new(false, "off", "")];
        self.change(name, &now, &items, why, |on| change(*on));
    }

    fn tokens(&mut self) {
        const TRACE: &str =
            "The tokens of a recorded trace are fixed. Open a scenario with synthetic tokens to set this";
        const LEARNING: &str = "A world to learn from draws fresh tokens every step";
        let source = &self.lab.settings().source;
        let kinds = [Item::new(false, "Synthetic topics", ""), Item::new(true, "One batch, repeated", "")];
        match source {
            Source::Synthetic(s) => self.rows(&tokens::rows(s, false), None),
            Source::Fixed(s) => self.rows(&tokens::rows(s, true), None),
            Source::Learning(w) => self.rows(&learning::world_rows(w), None),
            Source::Trace(_) => self.rows(&tokens::rows(&Synthetic::default(), false), Some(TRACE)),
        }
        let why = match source {
            Source::Trace(_) => Some(TRACE),
            Source::Learning(_) => Some(LEARNING),
            _ => None,
        };
        let fixed = matches!(source, Source::Fixed(_));
        self.change("Token source", &fixed, &kinds, why, |on| Change::SetFixed(*on));
        let seed = self.lab.settings().seed;
        let set = |v: f64| Ask::Send(Command::SetSeed(v as u32));
        let range = Range::new(0.0..=f64::from(u32::MAX), true, set);
        self.push("Seed", &[], seed.to_string(), None, Kind::Number(range));
    }

    fn router(&mut self) {
        let (why, r) = (frozen(self.lab), self.variant.router.clone());
        self.change("Gate", &r.gate, &router::gates(), why, |g| Change::SetGate(*g));
        let of_trace = self.lab.snapshot().trace.is_some();
        let fixed = of_trace.then_some("A recorded trace has a fixed number of experts");
        let set = |v: f64| Ask::Send(Command::SetExperts(v as u32));
        let range = Range::new(limits::EXPERTS.min..=limits::EXPERTS.max, true, set);
        let now = figure(f64::from(r.experts), true);
        self.push("Experts", &["E", "number of experts"], now, fixed, Kind::Number(range));
        let most = router::most_k(self.lab.settings());
        let top_k: fn(f64) -> Change = |v| Change::SetTopK(v as u32);
        self.number("K", limits::TOP_K.min..=most, true, f64::from(r.top_k), why, top_k);
        self.change("Groups", &r.groups, &router::group_items(&r), why, |g| Change::SetGroups(*g));
        if let Some(now) = r.groups {
            let set = move |v: f64| Change::SetGroups(Some(Groups { kept: v as u32, ..now }));
            self.number("Kept", router::kept_range(&r, now), true, f64::from(now.kept), why, set);
        }
        self.change("Capacity", &r.capacity, &router::capacity_items(&r), why, |c| Change::SetCapacity(*c));
        let now = r.capacity.unwrap_or(Capacity { factor: 1.25, by: Default::default() });
        let none = r.capacity.is_none().then_some("Experts take all tokens that come: choose a capacity first");
        let range = limits::CAPACITY.min..=limits::CAPACITY.max;
        let set = move |factor| Change::SetCapacity(Some(Capacity { factor, ..now }));
        self.number("Factor", range, false, now.factor, why.or(none), set);
        self.switch("Divide by their sum", r.renormalise, why, Change::SetRenormalise);
        self.rows(&router::gating_rows(&r), why);
    }

    fn balancer(&mut self) {
        let (why, r, b) = (frozen(self.lab), self.variant.router.clone(), self.variant.balancer.clone());
        let ask = |rule: &Rule, _| Ask::Rule(*rule);
        self.choice("Rule", &b.rule, &balancer::rules(), why, ask, |r| Change::SetRule(*r));
        let still = (!b.rule.has_step()).then_some("This rule has no step size");
        self.rows(&[balancer::rate(&b)], why.or(still));
        self.change("Schedule", &b.schedule, &balancer::schedules(), why.or(still), |s| Change::SetSchedule(*s));
        self.switch("Centre the biases", b.centred, why.or(still), Change::SetCentred);
        for rule in [Rule::Smebu, Rule::IdBalancing, Rule::LongCat, Rule::Quantile, Rule::Bip] {
            let with = Balancer { rule, ..b.clone() };
            let rows = [memory::rows(&r, &with), balancer::order_rows(&with)].concat();
            let name = rule.title();
            let other = (rule != b.rule).then(|| format!("Only {name} has this: choose that rule first"));
            self.rows(&rows, why.or(other.as_deref()));
        }
        let moves = (!b.rule.moves_biases()).then_some("This rule moves no biases");
        let step = b.freeze.unwrap_or(self.lab.snapshot().step);
        let freeze: fn(f64) -> Change = |v| Change::SetFreeze(Some(v as u64));
        let range = limits::FREEZE.min..=limits::FREEZE.max;
        self.number("Freeze from step", range, true, step as f64, why.or(moves), freeze);
        if b.freeze.is_none()
            && let Some(last) = self.all.last_mut()
        {
            last.now = "never".into();
        }
    }

    fn learning(&mut self) {
        let learns = self.lab.settings().world().is_some();
        let why = (!learns)
            .then_some("Nothing learns here. Open The auxiliary-loss dilemma, or another scenario that learns");
        let l = self.variant.learning.clone();
        self.change("Auxiliary loss", &l.auxiliary, &learning::auxiliaries(), why, |a| {
            Change::SetLearning(LearningChange::Auxiliary(*a))
        });
        let none = (l.auxiliary == Auxiliary::None).then_some("There is no auxiliary loss: choose one first");
        self.rows(&[learning::alpha(&l)], why.or(none));
        for (auxiliary, name) in
            [(Auxiliary::SequenceWise, "the sequence-wise"), (Auxiliary::GlobalBatch, "the global-batch")]
        {
            let other = (l.auxiliary != auxiliary).then(|| format!("Only {name} loss has this: choose it first"));
            let row = learning::window(&Learning { auxiliary, ..l.clone() });
            self.rows(row.as_slice(), why.or(other.as_deref()));
        }
        self.rows(&[learning::z_loss(&l)], why);
        self.change("Gating values", &l.gating, &learning::gatings(), why, |g| {
            Change::SetLearning(LearningChange::Gating(*g))
        });
        let ask = |o: &_, target| Ask::Send(Command::ChangeTogether { target, changes: learning::with_rates(*o) });
        let change = |o: &_| Change::SetLearning(LearningChange::Optimiser(*o));
        self.choice("Optimiser", &l.optimiser, &learning::optimisers(), why, ask, change);
        self.rows(&learning::rates(&l), why);
    }

    /// Adds speed, step and zoom.
    fn window(&mut self, zoom: f32) {
        let snapshot = self.lab.snapshot();
        let speed = snapshot.speed;
        let set = |v| Ask::Send(Command::SetSpeed(Speed::Steps(v)));
        let range = Range::new(of_files::SPEED.min..=of_files::SPEED.max, false, set);
        let range = Kind::Number(Range { unit: "steps per second", ..range });
        self.push("Speed", &["steps per second"], name_of(speed), None, range);
        let max = Choice {
            name: "Max, as fast as it goes".into(),
            also: "max".into(),
            now: speed == Speed::Max,
            refused: None,
            ask: Ask::Send(Command::SetSpeed(Speed::Max)),
        };
        self.push("Speed", &[], name_of(speed), None, Kind::Choice(vec![max]));
        let set = |v: f64| Ask::Send(Command::Seek(v as u64));
        let range = Kind::Number(Range::new(0.0..=of_files::STEP.max, true, set));
        self.push("Go to step", &["step", "seek"], figure(snapshot.step as f64, true), None, range);
        let set = |v: f64| Ask::Zoom(v as f32);
        let range = Kind::Number(Range::new(f64::from(SMALLEST)..=f64::from(LARGEST), false, set));
        self.push("Zoom", &["size of everything"], figure(f64::from(zoom), false), None, range);
    }

    fn push(&mut self, name: &str, also: &'static [&'static str], now: String, why: Option<&str>, kind: Kind) {
        self.all.push(Setting { name: name.into(), also, now, refused: why.map(Into::into), kind });
    }
}
