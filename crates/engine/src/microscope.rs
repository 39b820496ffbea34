//! Every number of one step for a few tokens: the last step of a run, repeated beside the run for the Microscope pane.
//!
//! Simulating does not need this module. [`Microscope::of`] takes the simulation as it was before the step and has the CPU engine route
//! the batch as usual, so the numbers shown are those of the run.

use super::cpu::{self, AllCores, CpuEngine};
use super::run::Run;
use super::watcher::View;
use moebias_model::balance::{self, Rates};
use moebias_model::batch::Batch;
use moebias_model::config::{Balancer, Router, Rule, Source};
use moebias_model::fixed::{SCORE_ONE, from_q32, from_score};
use moebias_model::learn::settings::Auxiliary;
use moebias_model::select::By;
use moebias_model::step::Simulation;
use moebias_model::{groups, order};

/// The largest number of tokens shown; a batch of at most this size can be shown whole.
pub const MOST_TOKENS: u32 = 32;
/// What the screen asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MicroscopeRequest {
    /// The index of the variant.
    pub variant: usize,
    /// The number of tokens, evenly spaced over the batch; at most [`MOST_TOKENS`].
    pub tokens: u32,
    /// The offset from each of these evenly spaced tokens: paging through the offsets shows every token of the batch.
    pub page: u32,
    /// The number of experts.
    pub columns: u32,
    /// A token that must be among those shown.
    pub token: Option<u32>,
    /// An expert that must be among those shown.
    pub expert: Option<usize>,
}

/// One token of the batch at all experts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The index of the token in the batch.
    pub index: u32,
    /// The topic of the token, or its group in a trace.
    pub topic: u32,
    /// The token id in the vocabulary, if the trace has token ids.
    pub word: Option<i64>,
    /// The scores at all experts, Q20 in units of the gate.
    pub scores: Vec<i32>,
    /// The selection keys at all experts, if the K largest keys decide; otherwise empty.
    pub keys: Vec<i32>,
    /// Whether each group of experts is kept for this token; empty if experts have no groups.
    pub kept: Vec<bool>,
    /// The chosen experts, best first.
    pub chosen: Vec<usize>,
    /// The experts that the scores without bias would choose, best first.
    pub unbiased: Vec<usize>,
    /// The chosen experts that have no room for the token.
    pub dropped: Vec<usize>,
}

impl Seen {
    /// Whether the token is routed to this expert and the expert has room for it.
    #[must_use]
    pub fn goes_to(&self, expert: usize) -> bool {
        self.chosen.contains(&expert) && !self.dropped.contains(&expert)
    }

    /// Whether the token chose this expert only because of the bias.
    #[must_use]
    pub fn moved_to(&self, expert: usize) -> bool {
        self.chosen.contains(&expert) && !self.unbiased.contains(&expert)
    }
}

/// One step with all its numbers. Lists have one entry per expert of the variant, unless stated otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Microscope {
    /// The request it answers.
    pub request: MicroscopeRequest,
    /// The step that is shown: the last one that the run did.
    pub step: u64,
    /// The fair share of an expert, in tokens.
    pub fair: f64,
    /// Number of tokens in the batch.
    pub batch: u32,
    /// Whether every step has this same batch.
    pub fixed: bool,
    /// Whether router and experts learn from this step.
    pub learns: bool,
    /// The auxiliary loss of the router, if there is one.
    pub auxiliary: Option<Auxiliary>,
    /// Why the step cannot be shown, if so, as a sentence.
    pub blocked: Option<String>,
    /// The router of the step.
    pub router: Router,
    /// The balancer of the step.
    pub balancer: Balancer,
    /// The tokens shown, by rising index.
    pub tokens: Vec<Seen>,
    /// The indices of the experts shown, rising.
    pub experts: Vec<usize>,
    /// The biases after the step before, Q32.
    pub before: Vec<i64>,
    /// The biases that route the batch, Q32. They differ from `before` only under rules that look at a batch before routing it.
    pub bias: Vec<i64>,
    /// Number of tokens in the whole batch that chose each expert.
    pub came: Vec<u32>,
    /// Number of these tokens that the expert had room for.
    pub loads: Vec<u32>,
    /// The load that the balancer aims at, in tokens; `None` for experts that it does not aim at a load for.
    pub aim: Vec<Option<f64>>,
    /// The step sizes of the update; 0 once biases are frozen.
    pub rates: Rates,
    /// What the rule remembered of each expert before the update; empty if the rule has no memory.
    pub memory: Vec<i64>,
    /// The memory after the update.
    pub memory_after: Vec<i64>,
    /// The least score that each expert accepts, Q20, if experts choose; otherwise empty.
    pub cuts: Vec<i32>,
    /// The biases after the update, Q32.
    pub next: Vec<i64>,
}

impl Microscope {
    /// Takes apart the step that a simulation is about to do. The simulation itself is not advanced.
    #[must_use]
    pub fn of(simulation: &Simulation, engine: &mut CpuEngine, request: MicroscopeRequest) -> Self {
        let experiment = simulation.experiment();
        let variant = request.variant.min(experiment.variants.len().saturating_sub(1));
        let Some(settings) = experiment.variants.get(variant) else { return Self::default() };
        let auxiliary = experiment.world().is_some() && settings.learning.weight() > 0.0;
        let mut view = Self {
            request,
            auxiliary: auxiliary.then_some(settings.learning.auxiliary),
            step: simulation.step(),
            fixed: matches!(experiment.source, Source::Fixed(_)),
            learns: experiment.world().is_some(),
            router: settings.router.clone(),
            balancer: settings.balancer.clone(),
            ..Self::default()
        };
        if simulation.trace().is_some_and(|t| t.is_only_watched()) {
            view.blocked =
                Some("This recording says which experts were chosen, not why: there is nothing to take apart".into());
            return view;
        }
        let mut beside = simulation.clone();
        view.memory = beside.state().variants[variant].memory.clone();
        let (batch, counts) = engine.route(&mut beside);
        cpu::find_cuts(&batch);
        view.batch = batch.inputs.batch;
        view.before.clone_from(&batch.variants[variant].bias);
        view.rates = batch.inputs.rates[variant];
        view.bias = batch.bias_of(variant);
        view.tokens = indices(view.batch, request).into_iter().map(|t| seen(&batch, variant, t)).collect();
        if view.rule() == Rule::ExpertChoice {
            view.cuts = least_taken(&batch, variant);
        }
        let dropped = counts.dropped[variant].clone();
        let row = beside.finish_on(&batch, counts, &AllCores);
        let after = &beside.state().variants[variant];
        let done = row.variants.into_iter().nth(variant).unwrap_or_default();
        view.fair = done.fair_share();
        view.loads = done.loads;
        view.came = view.loads.clone();
        view.came.iter_mut().zip(dropped).for_each(|(c, d)| *c += d);
        view.memory_after.clone_from(&after.memory);
        view.next.clone_from(&after.bias);
        view.aim = view.aims();
        view.experts = view.columns();
        view
    }

    /// The balancing rule.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.balancer.rule
    }

    /// The score of a token at an expert, in score units.
    #[must_use]
    pub fn score(&self, token: &Seen, expert: usize) -> f64 {
        token.scores.get(expert).map_or(0.0, |&s| from_score(s) * self.router.gate.unit())
    }

    /// The bias that routes to an expert, in score units; a factor under the multiplicative rule.
    #[must_use]
    pub fn bias_of(&self, expert: usize) -> f64 {
        self.bias.get(expert).map_or(0.0, |&b| from_q32(b))
    }

    /// Score and bias combined, in score units: the number that is compared where the K largest decide.
    #[must_use]
    pub fn biased(&self, token: &Seen, expert: usize) -> f64 {
        let (s, b) = (self.score(token, expert), self.bias_of(expert));
        match self.rule() {
            Rule::Multiplicative => s * b,
            rule if rule.is_top_k() || rule == Rule::Threshold => s + b,
            _ => s,
        }
    }

    /// Whether a token may choose this expert: not if the expert's group is not kept.
    #[must_use]
    pub fn may_have(&self, token: &Seen, expert: usize) -> bool {
        token.kept.is_empty() || token.kept.get(expert / self.router.group_size().max(1) as usize) == Some(&true)
    }

    /// Where the K largest decide: the last expert that a token chooses, the best that it does not choose, and the difference between
    /// them in score units. `None` if something else decides or there is no other expert.
    #[must_use]
    pub fn margin(&self, token: &Seen) -> Option<(usize, usize, f64)> {
        let last = *token.chosen.last().filter(|_| self.rule().is_top_k())?;
        let others = (0..self.came.len()).filter(|e| !token.chosen.contains(e) && self.may_have(token, *e));
        let next = others.max_by_key(|&e| token.keys.get(e).copied())?;
        Some((last, next, self.biased(token, last) - self.biased(token, next)))
    }

    /// The index in [`Self::tokens`] of the token with the smallest margin between its last choice and the next expert.
    #[must_use]
    pub fn closest(&self) -> Option<usize> {
        let margins = self.tokens.iter().enumerate().filter_map(|(i, t)| Some((i, self.margin(t)?.2)));
        margins.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
    }

    /// Whether there is no step to show, because none is done yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch == 0
    }

    /// Whether all tokens of the batch are shown.
    #[must_use]
    pub fn shows_all_tokens(&self) -> bool {
        self.tokens.len() == self.batch as usize
    }

    /// Whether all experts are shown.
    #[must_use]
    pub fn shows_all_experts(&self) -> bool {
        self.experts.len() == self.came.len()
    }

    /// Number of pages needed to show every token.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.batch.div_ceil((self.tokens.len() as u32).max(1)).max(1)
    }

    /// The load that the balancer aims at for each expert, in tokens.
    fn aims(&self) -> Vec<Option<f64>> {
        let experts = self.came.len();
        match self.rule() {
            Rule::LongCat => {
                let target = balance::target(&self.balancer, experts as u32, self.router.top_k);
                let each = f64::from(target.share) / f64::from(1u32 << 30) * f64::from(self.batch);
                (0..experts).map(|e| (e < target.computing as usize).then_some(each)).collect()
            }
            Rule::Threshold => {
                let all: u64 = self.came.iter().map(|&c| u64::from(c)).sum();
                vec![Some(all as f64 / experts.max(1) as f64); experts]
            }
            Rule::ExpertChoice => {
                vec![Some(f64::from(order::quota(self.router.top_k, self.batch, experts as u32))); experts]
            }
            _ => vec![Some(self.fair); experts],
        }
    }

    /// The indices of the experts to show: all if there is room; otherwise the one asked for, the most and the least loaded, and those that
    /// most of the tokens shown choose or would choose without bias.
    fn columns(&self) -> Vec<usize> {
        let (experts, most) = (self.came.len(), self.request.columns.max(2) as usize);
        if experts <= most {
            return (0..experts).collect();
        }
        let mut wanted: Vec<usize> = vec![];
        wanted.extend(self.request.expert.filter(|e| *e < experts));
        wanted.extend((0..experts).max_by_key(|&e| (self.came[e], experts - e)));
        wanted.extend((0..experts).min_by_key(|&e| (self.came[e], e)));
        let count = |e: &usize| {
            let times = |of: fn(&Seen) -> &Vec<usize>| self.tokens.iter().filter(|t| of(t).contains(e)).count();
            2 * times(|t| &t.chosen) + times(|t| &t.unbiased)
        };
        let mut rest: Vec<(usize, usize)> = (0..experts).map(|e| (count(&e), e)).collect();
        rest.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, e) in rest {
            if wanted.len() < most && !wanted.contains(&e) {
                wanted.push(e);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }
}

/// The indices of the tokens to show, rising.
fn indices(batch: u32, request: MicroscopeRequest) -> Vec<u32> {
    let n = request.tokens.clamp(1, MOST_TOKENS).min(batch);
    let start = |i: u32| (u64::from(i) * u64::from(batch) / u64::from(n.max(1))) as u32;
    let stretch = |i: u32| (start(i), start(i + 1) - 1);
    let pages = batch.div_ceil(n.max(1)).max(1);
    let mut out: Vec<u32> = (0..n).map(|i| (start(i) + request.page % pages).min(stretch(i).1)).collect();
    if let Some(token) = request.token.filter(|t| *t < batch)
        && let Some(i) = (0..n).find(|&i| stretch(i).0 <= token && token <= stretch(i).1)
    {
        out[i as usize] = token;
    }
    out
}

fn seen(batch: &Batch, variant: usize, index: u32) -> Seen {
    let routing = &batch.variants[variant];
    let scores = batch.scores(index, variant);
    let decides = routing.rule.is_top_k();
    let keys = scores.iter().enumerate().filter(|_| decides).map(|(e, &s)| routing.selector.key(e, s)).collect();
    let kept = routing.router.groups.map(|g| groups::kept(&routing.selector, g, &scores)).unwrap_or_default();
    let (mut chosen, mut unbiased) = (vec![], vec![]);
    batch.choose(variant, By::Bias, index, &scores, &mut chosen);
    batch.choose(variant, By::Score, index, &scores, &mut unbiased);
    let full = |e: &usize| !batch.keeps(variant, index, *e, scores[*e]);
    let dropped = chosen.iter().copied().filter(full).collect();
    let word = batch.token_id(index);
    Seen { index, topic: batch.topic(index), word, scores, keys, kept, chosen, unbiased, dropped }
}

/// The least score that each expert accepts, Q20, if experts choose.
fn least_taken(batch: &Batch, variant: usize) -> Vec<i32> {
    let cuts = batch.cuts(variant);
    cuts.iter().map(|cut| (cut.value.cast_signed() - order::OFFSET).clamp(0, SCORE_ONE)).collect()
}

impl View for Microscope {
    type Request = MicroscopeRequest;

    fn request(&self) -> MicroscopeRequest {
        self.request
    }

    fn of_run(run: &Run, engine: &mut CpuEngine, request: MicroscopeRequest) -> Self {
        // Before the first step there is no step to show.
        let nothing = || Self { request, ..Self::default() };
        run.before_last(engine).map_or_else(nothing, |before| Self::of(&before, engine, request))
    }
}

#[cfg(test)]
mod tests;
