//! The diagnosis of a run, in the field's terms: oscillation, slow convergence, drift, starving and dead experts, collapse, saturation,
//! sampling floor reached, divergence.
//!
//! A false alarm is worse than silence, so nothing is reported before the evidence exceeds chance. The effect of chance is known: the load
//! of an expert that independent tokens choose is binomial, whatever the topics. Steps are gathered in blocks of [`BLOCK`]; what is judged
//! are the last [`WINDOW`] blocks, or up to the last [`MOST`], all of them since the last change of a setting. A finding appears once it
//! has been seen in `Kind::sightings` blocks in a row, and disappears after `ABSENCES` blocks in a row without it. Each step costs one pass
//! over its loads; everything else is done once per block. `signs` defines how each kind is recognised, `words` how it is worded.

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

/// Steps in a block. A trace of 16 batches repeats after exactly one block, and MaxVio_16 covers one block.
pub const BLOCK: usize = 16;
/// Blocks in a window: 64 steps, the length of [`LONG_WINDOW`](crate::metrics::LONG_WINDOW).
pub const WINDOW: usize = 4;
/// The most blocks that are kept: 1,024 steps.
pub const MOST: usize = 64;
/// A finding disappears after this many blocks in a row without it: a whole window.
const ABSENCES: u32 = WINDOW as u32;
/// Past findings that are kept.
const PAST: usize = 32;
/// The most experts named in a finding.
const NAMED: usize = 8;

/// The kinds of findings, in the order in which they are listed: the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Kind {
    /// The parameters or outputs of the layer that learns are no longer finite.
    Diverged,
    /// Experts are full, and assignments are dropped.
    Dropping,
    /// A few experts get nearly all assignments.
    Collapse,
    /// Some experts get almost no tokens.
    Dead,
    /// Some experts get too few tokens.
    Starving,
    /// The biases are too far apart for the selection key.
    Saturated,
    /// Loads oscillate by more than chance explains.
    Oscillating,
    /// The run approaches balance, but too slowly.
    Slow,
    /// The biases that balance requires keep changing.
    Drifting,
    /// Loads differ as little as chance allows.
    FloorReached,
}

impl Kind {
    /// Blocks in a row that must show it before it is reported. One is enough where chance cannot cause it, or where its measure already
    /// covers two windows.
    fn sightings(self) -> u32 {
        match self {
            Self::Diverged | Self::Dropping | Self::Collapse | Self::Dead | Self::Starving | Self::Saturated => 1,
            Self::Oscillating | Self::FloorReached => 2,
            Self::Slow | Self::Drifting => 3,
        }
    }
}

/// The measurements behind a finding.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// No measurements.
    Diverged,
    /// Assignments are dropped.
    Dropping {
        /// The share of all assignments that is dropped.
        share: f64,
        /// Number of experts that dropped any.
        count: u32,
    },
    /// Too few experts are effective over 64 steps.
    Collapse {
        /// The effective experts: e to the entropy of the load shares.
        effective: f64,
        /// The number of all experts.
        of: u32,
        /// The share of all assignments that the named experts get.
        share: f64,
    },
    /// Some experts are under 1 % of their fair share.
    Dead {
        /// Number of these experts.
        count: u32,
        /// The largest load among them, as a fraction of the fair share.
        share: f64,
    },
    /// Some experts are under a quarter of their fair share.
    Starving {
        /// Number of these experts.
        count: u32,
        /// The smallest load among them, as a fraction of the fair share.
        share: f64,
    },
    /// Some biases are beyond the range of the key.
    Saturated {
        /// Number of experts with such a bias in the last step.
        count: u32,
        /// The difference between the largest and the smallest bias, in score units.
        spread: f64,
    },
    /// The loads oscillate.
    Oscillating {
        /// Standard deviation of the named expert's load, in fair shares.
        swing: f64,
        /// The standard deviation by chance alone; 0 where tokens are not drawn at random.
        chance: f64,
        /// The period in steps.
        period: u32,
    },
    /// MaxVio falls too slowly.
    Slow {
        /// The present MaxVio over 16 steps.
        max_vio: f64,
        /// By how much it falls in a hundred steps.
        pace: f64,
        /// Steps still needed to reach balance at this pace.
        missing: f64,
    },
    /// The biases that balance requires, or the loads, keep changing.
    Drifting {
        /// Number of steps compared.
        steps: u32,
        /// Root mean square of the displacement over these steps: of biases in score units, or of loads in fair shares.
        travel: f64,
        /// Whether the displacement is of biases; otherwise it is of loads, because the biases do not move.
        biases: bool,
        /// The present MaxVio over 16 steps.
        max_vio: f64,
    },
    /// MaxVio is at the sampling floor.
    FloorReached {
        /// Mean MaxVio of 64 steps.
        max_vio: f64,
        /// The sampling floor.
        floor: f64,
    },
}

/// What may explain a finding: only facts from the settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The rule.
    pub rule: Rule,
    /// The rule's step size in score units; 0 where it has none or is frozen.
    pub rate: f64,
    /// Whether biases may move.
    pub moves: bool,
    /// Whether they do not move because they are frozen.
    pub frozen: bool,
    /// Drift per thousand steps: topic lifetimes, or turns of popularity in a world to learn from.
    pub drift: f64,
    /// Whether the router's scores move because it learns.
    pub learns: bool,
    /// Whether the source is a world to learn from, where an auxiliary loss may balance too.
    pub world: bool,
}

/// One finding about a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its kind.
    pub kind: Kind,
    /// The first step that shows it.
    pub since: u64,
    /// The first step that no longer shows it; `None` while it lasts.
    pub until: Option<u64>,
    /// The experts that show it most, at most eight; empty where it concerns all.
    pub experts: Vec<usize>,
    /// Its measurements, as last seen.
    pub evidence: Evidence,
    /// The settings in force when it was last seen.
    pub setting: Setting,
}

/// What the diagnosis needs to know of the experiment to judge a variant's loads.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    setting: Setting,
    /// Number of tokens that share one draw of a topic: 1 where tokens are independent, 0 where tokens are not drawn at random; `None`
    /// where that is unknown.
    together: Option<f64>,
    /// Whether the sampling floor applies.
    floor: bool,
}

impl Context {
    /// The context of one variant at a step, where its schedule was set at `schedule_from`. `None` if there is no such variant.
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

/// What one block says about one kind.
enum Verdict {
    /// The block shows it, with these experts and measurements.
    Seen(Vec<usize>, Evidence),
    /// Too weak to report it, too strong to withdraw it.
    Between,
    /// The block does not show it.
    Absent,
}

/// The state of one kind.
#[derive(Clone, Debug, Default)]
struct Watch {
    /// Blocks in a row that have shown it.
    seen: u32,
    /// The first step of the evidence.
    from: u64,
    /// Blocks in a row that have not shown it.
    missed: u32,
    /// The step after the first of these blocks.
    missed_at: u64,
    finding: Option<Finding>,
}

/// The diagnosis of one variant of a run, updated step by step.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    blocks: Blocks,
    open: Open,
    moves: Option<bool>,
    watches: [Watch; 10],
    past: VecDeque<Finding>,
    shown: Arc<Vec<Finding>>,
}

impl Diagnosis {
    /// The present findings, most important first, then the past ones, newest first.
    #[must_use]
    pub fn findings(&self) -> &Arc<Vec<Finding>> {
        &self.shown
    }

    /// Adds the next step. `recent` holds the loads of the last 64 steps, this one included, and how many assignments each dropped.
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

    /// Starts afresh at a change of a setting or at a mark, because earlier evidence does not apply to what follows. Present findings end
    /// at `step`.
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
