//! What is wrong, or right, with a run, in the field's words: oscillation, slow convergence, drift, starving and dead experts, collapse,
//! saturation, the sampling floor reached, divergence.
//!
//! A false alarm is worse than silence. So nothing is said before the evidence is beyond chance, chance being known: the load of an
//! expert that independent tokens choose is binomial, whatever the topics. Steps are gathered in blocks of [`BLOCK`]; what is judged are
//! the last [`WINDOW`] blocks, or the last [`MOST`] at most, all of them since the last change of a setting. A finding appears after it
//! was seen in `Kind::sightings` blocks in a row and goes after `ABSENCES` without. A step costs a pass over its loads; everything
//! else is done once per block. `signs` says how each kind is told, `words` how it is put.

mod blocks;
mod chance;
mod motion;
mod signs;
mod swing;
mod words;

use super::balance::rates_at;
use super::config::{Experiment, Rule, Source};
use super::fixed::from_q32;
use super::metrics::Metrics;
use crate::row::VariantRow;
use blocks::{Blocks, Open};
use std::collections::VecDeque;
use std::sync::Arc;
use strum::IntoEnumIterator as _;

/// Steps in a block. A trace of 16 batches comes round once in it, and MaxVio_16 is over it.
pub const BLOCK: usize = 16;
/// Blocks in the window of 64 steps, over which the literature's measures of this project are.
pub const WINDOW: usize = 4;
/// The most blocks that are remembered: 1,024 steps.
pub const MOST: usize = 64;
/// A finding goes after so many blocks in a row without it: a whole window.
const ABSENCES: u32 = WINDOW as u32;
/// Findings of the past that are remembered.
const PAST: usize = 32;
/// Experts named in a finding.
const NAMED: usize = 8;

/// What may be found. The order is that in which they are listed: what matters most comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Kind {
    /// The layer that learns has run off to infinity.
    Diverged,
    /// A few experts do nearly everything.
    Collapse,
    /// Experts that get next to nothing.
    Dead,
    /// Experts that get too little.
    Starving,
    /// Biases too far apart for the key.
    Saturated,
    /// Loads swing to and fro, beyond chance.
    Oscillating,
    /// On its way, but it takes too long.
    Slow,
    /// What balance needs keeps moving.
    Drifting,
    /// Loads differ as little as chance allows.
    FloorReached,
}

impl Kind {
    /// Blocks in a row that must show it before it is said. Those whose measure is over two windows already need no more.
    fn sightings(self) -> u32 {
        match self {
            Self::Diverged | Self::Collapse | Self::Dead | Self::Starving | Self::Saturated => 1,
            Self::Oscillating | Self::FloorReached => 2,
            Self::Slow | Self::Drifting => 3,
        }
    }
}

/// The numbers behind a finding.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Nothing to count.
    Diverged,
    /// Effective experts over 64 steps.
    Collapse {
        /// e to the entropy of the load shares.
        effective: f64,
        /// Experts there are.
        of: u32,
        /// The share of all assignments that the named experts get.
        share: f64,
    },
    /// Experts under 1 % of their fair load.
    Dead {
        /// How many.
        count: u32,
        /// The largest share of fair among them.
        share: f64,
    },
    /// Experts under a quarter of their fair load.
    Starving {
        /// How many.
        count: u32,
        /// The smallest share of fair among them.
        share: f64,
    },
    /// Biases beyond the range of the key.
    Saturated {
        /// Experts whose bias is, in the last step.
        count: u32,
        /// From the smallest to the largest bias, score units.
        spread: f64,
    },
    /// A swing of the loads.
    Oscillating {
        /// Standard deviation of the named expert's load, in fair shares.
        swing: f64,
        /// What chance alone would make it; 0 where nothing is drawn.
        chance: f64,
        /// Steps from one peak to the next.
        period: u32,
    },
    /// A pace that is too slow.
    Slow {
        /// MaxVio over 16 steps now.
        max_vio: f64,
        /// How much it falls in a hundred steps.
        pace: f64,
        /// Steps that are missing to balance at this pace.
        missing: f64,
    },
    /// A balance that moves.
    Drifting {
        /// Steps looked at.
        steps: u32,
        /// Root mean square of what moved in them: biases in score units, or loads in fair shares.
        travel: f64,
        /// Whether it is the biases that travel; else loads, because the biases stay.
        biases: bool,
        /// MaxVio over 16 steps now.
        max_vio: f64,
    },
    /// As good as it gets.
    FloorReached {
        /// Mean MaxVio of 64 steps.
        max_vio: f64,
        /// The sampling floor.
        floor: f64,
    },
}

/// What is known of why: from the settings, not from a guess.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The rule.
    pub rule: Rule,
    /// Its step size, score units; 0 where it has none or is frozen.
    pub rate: f64,
    /// Whether biases may move.
    pub moves: bool,
    /// Whether they stay because they were frozen.
    pub frozen: bool,
    /// Topic lifetimes per thousand steps, or turns of a world's popularity.
    pub drift: f64,
    /// Whether the router's scores move because it learns.
    pub learns: bool,
    /// Whether there is something to learn: then a loss may balance too.
    pub world: bool,
}

/// Something found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// The first step that shows it.
    pub since: u64,
    /// The first step that no longer does; `None` while it lasts.
    pub until: Option<u64>,
    /// The experts that show it most, at most eight; none where it is of all.
    pub experts: Vec<usize>,
    /// Its numbers, as last seen.
    pub evidence: Evidence,
    /// The settings under which it was seen.
    pub setting: Setting,
}

/// What must be known of an experiment to judge a variant's loads.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    setting: Setting,
    /// Tokens that are drawn together: 1 where each is drawn for itself, 0 where nothing is drawn; `None` where nobody knows.
    together: Option<f64>,
    /// Whether the sampling floor means anything.
    floor: bool,
}

impl Context {
    /// Of a variant of an experiment, at a step. `None` for a variant that does not exist.
    #[must_use]
    pub fn new(experiment: &Experiment, variant: usize, step: u64, schedule_from: u64) -> Option<Self> {
        let v = experiment.variants.get(variant)?;
        let rates = rates_at(&v.balancer, step, schedule_from);
        let frozen = v.balancer.freeze.is_some_and(|from| step >= from);
        let could = v.balancer.rule.moves_biases();
        let stands = v.balancer.rule.has_step() && rates.rate == 0 && rates.derivative == 0;
        let (together, drift) = match &experiment.source {
            Source::Synthetic(s) => (Some(f64::from(s.burst.max(1))), s.drift),
            Source::Fixed(_) => (Some(0.0), 0.0),
            Source::Trace(_) => (None, 0.0),
            Source::Learning(w) => (Some(f64::from(w.burst.max(1))), w.drift),
        };
        let world = experiment.world().is_some();
        let setting = Setting {
            rule: v.balancer.rule,
            rate: if v.balancer.rule.has_step() { from_q32(rates.rate) } else { 0.0 },
            moves: could && !frozen && !stands,
            frozen: could && frozen,
            drift,
            learns: world && v.learning.router_rate > 0.0,
            world,
        };
        Some(Self { setting, together, floor: v.has_floor() && together == Some(1.0) })
    }
}

/// What one block says of one kind.
enum Verdict {
    /// It is so.
    Seen(Vec<usize>, Evidence),
    /// Too little to say it, too much to take it back.
    Between,
    /// It is not so.
    Absent,
}

/// How one kind stands.
#[derive(Clone, Debug, Default)]
struct Watch {
    /// Blocks in a row that showed it.
    seen: u32,
    /// The first step of the evidence.
    from: u64,
    /// Blocks in a row without it.
    missed: u32,
    /// The step at which it was first missed.
    missed_at: u64,
    finding: Option<Finding>,
}

/// Watches one variant of a run, step by step.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    blocks: Blocks,
    open: Open,
    moves: Option<bool>,
    watches: [Watch; 9],
    past: VecDeque<Finding>,
    shown: Arc<Vec<Finding>>,
}

impl Diagnosis {
    /// What is found, most important first, and after that what was, newest first.
    #[must_use]
    pub fn findings(&self) -> &Arc<Vec<Finding>> {
        &self.shown
    }

    /// Takes in the next step. `recent` holds the last 64 rows of loads, this one included, and what each of them dropped.
    pub fn push(
        &mut self,
        step: u64,
        row: &VariantRow,
        metrics: &Metrics,
        recent: &VecDeque<(Vec<u32>, u32)>,
        cx: &Context,
    ) {
        let experts = row.loads.len().saturating_sub(row.zero_experts as usize);
        let other = self.blocks.experts().is_some_and(|e| e != experts);
        if other || self.moves.is_some_and(|m| m != cx.setting.moves) {
            self.reset(step);
        }
        self.moves = Some(cx.setting.moves);
        if self.open.is_empty() {
            self.open.begin(step, experts);
        }
        self.open.add(row, metrics, cx.setting.world);
        if self.open.steps() == BLOCK {
            self.blocks.close(&mut self.open, row, metrics);
            self.judge(step + 1, recent, cx);
        }
    }

    /// A setting changed, or a person set a mark: what was seen before proves nothing of what comes.
    pub fn reset(&mut self, step: u64) {
        self.blocks.clear();
        self.open = Open::default();
        let mut changed = false;
        for watch in &mut self.watches {
            if let Some(finding) = std::mem::take(watch).finding {
                changed = true;
                keep(&mut self.past, Finding { until: Some(step), ..finding });
            }
        }
        if changed {
            self.show();
        }
    }

    fn judge(&mut self, step: u64, recent: &VecDeque<(Vec<u32>, u32)>, cx: &Context) {
        let mut changed = false;
        for (kind, watch) in Kind::iter().zip(&mut self.watches) {
            let verdict = signs::judge(kind, &self.blocks, recent, cx);
            match verdict {
                Verdict::Seen(experts, evidence) => {
                    watch.missed = 0;
                    watch.seen += 1;
                    if watch.seen == 1 && watch.finding.is_none() {
                        watch.from = self.blocks.start_of(signs::looks_at(kind));
                    }
                    if watch.finding.is_some() || watch.seen >= kind.sightings() {
                        let (since, setting) = (watch.from, cx.setting);
                        let experts = experts.into_iter().take(NAMED).collect();
                        watch.finding = Some(Finding { kind, since, until: None, experts, evidence, setting });
                        changed = true;
                    }
                }
                Verdict::Between => {
                    watch.missed = 0;
                    watch.seen = 0;
                }
                Verdict::Absent => {
                    watch.seen = 0;
                    if watch.missed == 0 {
                        watch.missed_at = step;
                    }
                    watch.missed += 1;
                    if watch.missed >= ABSENCES
                        && let Some(finding) = watch.finding.take()
                    {
                        keep(&mut self.past, Finding { until: Some(watch.missed_at), ..finding });
                        changed = true;
                    }
                }
            }
        }
        if changed {
            self.show();
        }
    }

    fn show(&mut self) {
        let now = self.watches.iter().filter_map(|w| w.finding.clone());
        self.shown = Arc::new(now.chain(self.past.iter().rev().cloned()).collect());
    }
}

fn keep(past: &mut VecDeque<Finding>, finding: Finding) {
    if past.len() == PAST {
        past.pop_front();
    }
    past.push_back(finding);
}
