//! The text of each stage: what happens in it, its formula with the numbers of one token and one expert, and what a rule does differently.

use super::player::Stage;
use crate::ui::kit::widgets::slider::figure;
use moebias_engine::microscope::{Microscope, Seen};
use moebias_model::balance;
use moebias_model::capacity::of_batch;
use moebias_model::config::{Gate, Rule, Schedule};
use moebias_model::fixed::{SCORE_ONE, from_q32, from_score};
use moebias_model::order;

/// The name of a stage under a rule.
pub(super) fn name(stage: Stage, view: Option<&Microscope>) -> &'static str {
    let rule = view.map_or(Rule::Sign, Microscope::rule);
    match stage {
        Stage::Scores => "Scores",
        Stage::Biased if rule == Rule::Multiplicative => "× Bias",
        Stage::Biased => "+ Bias",
        Stage::Choice if rule.is_top_k() => "Top-K",
        Stage::Choice => "Choice",
        Stage::Counts => "Counts",
        Stage::Error => "Error",
        Stage::Update => "New bias",
    }
}

/// What happens in a stage, in one sentence.
pub(super) fn what(stage: Stage, view: &Microscope) -> String {
    let (k, experts) = (view.router.top_k, view.came.len());
    match stage {
        Stage::Scores => {
            format!("Each token has a score at each of the {experts} experts, from the {} gate", gate(view))
        }
        Stage::Biased if !view.rule().moves_biases() && view.rule() != Rule::None => "There is no bias to add".into(),
        Stage::Biased if view.rule() == Rule::Multiplicative => {
            "Each expert’s factor scales its column of scores".into()
        }
        Stage::Biased => {
            "Each expert’s bias is added to its column of scores; it decides who is chosen and nothing else".into()
        }
        Stage::Choice if view.rule().is_top_k() => {
            format!("The {k} largest of every row are chosen; orange where only the bias made the difference")
        }
        Stage::Choice => "Which experts each token gets; orange where its scores alone would choose others".into(),
        Stage::Counts => "The chosen tokens gather at their experts; the line is the mean, K·T/E".into(),
        Stage::Error => "How far each expert is from what it should get: c̄ − c, blue too few, orange too many".into(),
        Stage::Update if view.rule() == Rule::Quantile => "The margins of this batch set the bias of the next".into(),
        Stage::Update if view.rule() == Rule::Bip => {
            "The bias found for this batch, largest at 0, is where the next batch begins".into()
        }
        Stage::Update if view.rule().moves_biases() => {
            "The error moves the bias, and the next step routes with it".into()
        }
        Stage::Update => "There is no bias to move".into(),
    }
}

fn gate(view: &Microscope) -> &'static str {
    match view.router.gate {
        Gate::Sigmoid => "sigmoid",
        Gate::Softmax => "softmax",
        Gate::SqrtSoftplus => "√softplus",
    }
}

/// A number with a typographic minus.
pub(super) fn number(x: f64, decimals: usize) -> String {
    // No "−0.000".
    let rounded = format!("{x:.decimals$}");
    let zero = rounded.starts_with('-') && rounded.bytes().all(|b| !(b'1'..=b'9').contains(&b));
    if zero { rounded.trim_start_matches('-').to_owned() } else { rounded.replace('-', "−") }
}

/// The same, always with its sign.
pub(super) fn signed(x: f64, decimals: usize) -> String {
    let plain = number(x, decimals);
    if plain.starts_with('−') { plain } else { format!("+{plain}") }
}

/// The sum of two terms: `a + b`, or `a − b` if b is negative.
fn sum(a: f64, b: f64, d: usize) -> String {
    let sign = if b < 0.0 { '−' } else { '+' };
    format!("{} {sign} {}", number(a, d), number(b.abs(), d))
}

/// The number of decimals in which a step of the bias is visible.
pub(super) fn decimals(view: &Microscope) -> usize {
    let step = from_q32(view.rates.rate).abs();
    if step > 1e-9 && view.rule().has_step() { ((-step.log10()).ceil() as usize + 1).clamp(4, 7) } else { 4 }
}

/// A mean or a target, without decimals if it is a whole number.
pub(super) fn share(x: f64) -> String {
    if x.fract() == 0.0 { figure(x, true) } else { number(x, 2) }
}

fn list(experts: &[usize]) -> String {
    if experts.is_empty() {
        return "none".into();
    }
    let all: Vec<String> = experts.iter().map(ToString::to_string).collect();
    all.join(", ")
}

/// The formula of a stage with the numbers of a token and an expert put in.
pub(super) fn formula(stage: Stage, view: &Microscope, token: &Seen, expert: usize) -> String {
    let (s, b) = (view.score(token, expert), view.bias_of(expert));
    let who = format!("token {}, expert {expert}:", figure(f64::from(token.index), true));
    match stage {
        Stage::Scores => format!("{who}  {}", score(view, s)),
        Stage::Biased => match view.rule() {
            Rule::Multiplicative => {
                format!("{who}  s · b = {} · {} = {}", number(s, 4), number(b, 4), number(s * b, 4))
            }
            rule if rule.is_top_k() || rule == Rule::Threshold => {
                let d = decimals(view);
                format!("{who}  s + b = {} = {}", sum(s, b, d), number(s + b, d))
            }
            _ => format!("{who}  s = {}", number(s, 4)),
        },
        Stage::Choice => choice(view, token, expert),
        Stage::Counts => counts(view, expert),
        Stage::Error => error(view, expert),
        Stage::Update => update(view, expert),
    }
}

fn score(view: &Microscope, s: f64) -> String {
    let shown = number(s, 4);
    match view.router.gate {
        Gate::Sigmoid if s > 0.0 && s < 1.0 => {
            let x = (s / (1.0 - s)).ln();
            format!("s = 1 / (1 + e^−x) = {shown}, from the logit x ≈ {}", number(x, 3))
        }
        Gate::SqrtSoftplus if s > 0.0 => {
            let x = ((s * s).exp() - 1.0).ln();
            format!("s = √ln(1 + e^x) = {shown}, from the logit x ≈ {}", number(x, 3))
        }
        Gate::Softmax => format!("s = e^x / Σ e^x = {shown}; the scores of a token add up to 1"),
        _ => format!("s = {shown}"),
    }
}

fn choice(view: &Microscope, token: &Seen, expert: usize) -> String {
    let who = format!("token {}:", figure(f64::from(token.index), true));
    let d = decimals(view);
    let v = |e: usize| number(view.biased(token, e), d);
    match view.rule() {
        Rule::Threshold => {
            let s = view.biased(token, expert);
            let verdict = if s > 0.0 { "> 0, chosen" } else { "≤ 0, not chosen" };
            format!("{who}  expert {expert}: s + b = {} {verdict}; in all {} experts", number(s, d), token.chosen.len())
        }
        Rule::ExpertChoice => {
            let cut = view.cuts.get(expert).map_or(0.0, |&c| from_score(c) * view.router.gate.unit());
            let takes = if token.chosen.contains(&expert) { "takes" } else { "does not take" };
            let s = view.score(token, expert);
            format!(
                "expert {expert} takes scores from {} on; it {takes} token {} with {}",
                number(cut, 4),
                token.index,
                number(s, 4)
            )
        }
        rule if rule.is_top_k() => match view.margin(token) {
            Some((last, next, margin)) => {
                let without = if token.chosen.iter().all(|e| token.unbiased.contains(e)) {
                    String::new()
                } else {
                    format!("; without the bias {}", list(&token.unbiased))
                };
                format!(
                    "{who}  experts {}; margin = {} (expert {last}) − {} (expert {next}) = {}{without}",
                    list(&token.chosen),
                    v(last),
                    v(next),
                    number(margin, d),
                )
            }
            None => format!("{who}  experts {}: all there are", list(&token.chosen)),
        },
        _ => format!("{who}  experts {}; by its scores alone {}", list(&token.chosen), list(&token.unbiased)),
    }
}

fn counts(view: &Microscope, expert: usize) -> String {
    let came = view.came.get(expert).copied().unwrap_or(0);
    let kept = view.loads.get(expert).copied().unwrap_or(0);
    let mean = format!(
        "mean c̄ = K·T/E = {}·{}/{} = {}",
        view.router.top_k,
        figure(f64::from(view.batch), true),
        view.came.len(),
        share(view.fair)
    );
    let whole = |n: u32| figure(f64::from(n), true);
    if let Some(capacity) = view.router.capacity {
        let most = of_batch(&view.router, capacity, view.batch);
        return format!("expert {expert}:  {} chose it, room for {most}: {} stay;  {mean}", whole(came), whole(kept));
    }
    let who: Vec<String> =
        view.tokens.iter().filter(|t| t.chosen.contains(&expert)).map(|t| t.index.to_string()).collect();
    let who = if view.shows_all_tokens() && !who.is_empty() {
        format!(" (tokens {})", who.join(", "))
    } else {
        String::new()
    };
    format!("expert {expert}:  c = {}{who};  {mean}", whole(came))
}

fn error(view: &Microscope, expert: usize) -> String {
    let came = f64::from(view.came.get(expert).copied().unwrap_or(0));
    match view.aim.get(expert).copied().flatten() {
        Some(aim) => {
            format!(
                "expert {expert}:  c̄ − c = {} − {} = {}",
                share(aim),
                share(came),
                share(aim - came).replace('-', "−")
            )
        }
        None => format!("expert {expert}:  an identity expert; its {} tokens have no target", share(came)),
    }
}

/// How a rule moves the bias of an expert, in numbers.
fn update(view: &Microscope, expert: usize) -> String {
    let terms = Terms::of(view, expert);
    let (rule, n) = (view.rule(), |x: f64| number(x, decimals(view)));
    let stays = if rule.moves_biases() && (view.rates.rate == 0 && rule.has_step() || is_frozen(view)) {
        let why = if is_frozen(view) { "frozen" } else { "the step size is 0" };
        format!("{why}: b stays {}", n(terms.before))
    } else {
        terms.of_rule(rule)
    };
    format!("expert {expert}:  {stays}")
}

/// The terms of the update of one expert's bias.
struct Terms<'a> {
    view: &'a Microscope,
    expert: usize,
    /// The bias before and after the update.
    before: f64,
    next: f64,
    /// The tokens that chose the expert.
    came: f64,
    /// The step size, and what it is called.
    rate: f64,
    u: &'static str,
    /// What is added where the rule centres the biases.
    mean: &'static str,
}

impl<'a> Terms<'a> {
    fn of(view: &'a Microscope, expert: usize) -> Self {
        let at = |all: &[i64]| all.get(expert).map_or(0.0, |&b| from_q32(b));
        Self {
            view,
            expert,
            before: at(&view.before),
            next: at(&view.next),
            came: f64::from(view.came.get(expert).copied().unwrap_or(0)),
            rate: from_q32(view.rates.rate),
            u: if view.balancer.schedule == Schedule::Constant { "u" } else { "uₙ" },
            mean: if balance::centres(&view.balancer) { " − mean b" } else { "" },
        }
    }

    fn n(&self, x: f64) -> String {
        number(x, decimals(self.view))
    }

    /// The bias, its change, and their sum.
    fn shift(&self) -> String {
        format!("{} = {}", sum(self.before, self.next - self.before, decimals(self.view)), self.n(self.next))
    }

    fn of_rule(&self, rule: Rule) -> String {
        let Self { before, next, rate, u, mean, .. } = *self;
        let (fair, error) = (self.view.fair, self.view.fair - self.came);
        let [b, to, by] = [before, next, rate].map(|x| self.n(x));
        match rule {
            Rule::Sign => format!("b + {u}·sign(c̄ − c){mean} = {b} + {by}·{}{mean} = {to}", sign(error)),
            Rule::Multiplicative => format!("b + {u}·sign(c̄ − c) = {b} + {by}·{} = {to}", sign(error)),
            Rule::Proportional => {
                let off = signed_share(error);
                format!("b + {u}·(c̄ − c)/c̄{mean} = {b} + {by}·({off})/{}{mean} = {to}", share(fair))
            }
            Rule::CentredSign => {
                let shift = self.shift();
                format!("b + δ − mean δ, δ = {u}·sign(c̄ − c) = {by}·{}:  {shift}", sign(error))
            }
            Rule::Rms => {
                let squares: f64 = self.view.came.iter().map(|&c| (fair - f64::from(c)).powi(2)).sum();
                let rms = number((squares / self.view.came.len().max(1) as f64).sqrt(), 2);
                let off = signed_share(error);
                format!("b + {u}·e/RMS(e){mean} = {b} + {by}·({off})/{rms}{mean} = {to}")
            }
            Rule::LongCat => self.of_longcat(),
            Rule::Smebu | Rule::IdBalancing => self.of_memory(rule),
            Rule::Threshold | Rule::Quantile | Rule::Bip => self.of_batch(rule),
            Rule::None => format!("b stays {b}"),
            _ => "no bias".into(),
        }
    }

    fn of_longcat(&self) -> String {
        let [b, to, by] = [self.before, self.next, self.rate].map(|x| self.n(x));
        let Some(aim) = self.view.aim.get(self.expert).copied().flatten() else {
            return format!("an identity expert: b stays {b}");
        };
        let t = f64::from(self.view.batch.max(1));
        let (aim, came, k) = (number(aim / t, 3), number(self.came / t, 3), self.view.router.top_k);
        format!("b + μ·(K_e/N − c/T)/K = {b} + {by}·({aim} − {came})/{k} = {to}")
    }

    /// The update of a rule that remembers something from step to step.
    fn of_memory(&self, rule: Rule) -> String {
        let shift = self.shift();
        if rule == Rule::Smebu {
            let at = |all: &[i64]| all.get(self.expert).map_or(0.0, |&m| from_q32(m));
            let d = decimals(self.view) + 1;
            let [old, new] = [&self.view.memory, &self.view.memory_after].map(|all| signed(at(all), d));
            return format!("m = {old} → {new};  b + m{} = {shift}", self.mean);
        }
        let old = self.view.memory.get(self.expert).map_or(0.0, |&m| m as f64 / f64::from(SCORE_ONE));
        let e = (self.view.fair - self.came) / self.view.fair.max(f64::MIN_POSITIVE);
        format!("e = {} (before {});  b + Kᵢe + K_d·g·Δe − mean b = {shift}", number(e, 3), number(old, 3))
    }

    /// The update of a rule that looks at the scores of the whole batch, or at the number of active experts.
    fn of_batch(&self, rule: Rule) -> String {
        let view = self.view;
        let [b, to] = [self.before, self.next].map(|x| number(x, 4));
        match rule {
            Rule::Threshold => {
                let all: f64 = view.came.iter().map(|&c| f64::from(c)).sum();
                let off = sign(self.came - all / view.came.len().max(1) as f64);
                let active = number(all / f64::from(view.batch.max(1)), 2);
                format!("b − u·[σ − σ̄ + sign(F̃ − K)], σ = {off}, F̃ = {active}:  {}", self.shift())
            }
            Rule::Quantile => {
                let rank = u64::from(order::quota(view.router.top_k, view.batch, view.router.experts)) + 1;
                let average = view.balancer.average;
                let kept = if average > 0.0 { format!(", averaged with {average} of the old") } else { String::new() };
                format!("b = −(s − α of rank {rank}){kept}: {b} → {to}")
            }
            _ => format!("found on this batch before it was routed: {b} → {to}"),
        }
    }
}

fn sign(x: f64) -> &'static str {
    if x > 0.0 {
        "(+1)"
    } else if x < 0.0 {
        "(−1)"
    } else {
        "0"
    }
}

fn signed_share(x: f64) -> String {
    let plain = share(x).replace('-', "−");
    if plain.starts_with('−') { plain } else { format!("+{plain}") }
}

fn is_frozen(view: &Microscope) -> bool {
    view.balancer.freeze.is_some_and(|from| view.step >= from)
}

/// What differs in a stage from the formula of loss-free balancing.
pub(super) fn remark(stage: Stage, view: &Microscope) -> Option<String> {
    let (rule, router) = (view.rule(), &view.router);
    let said: &str = match (stage, rule) {
        (Stage::Biased | Stage::Choice, Rule::Sinkhorn) => {
            "Sinkhorn scales the whole batch until every expert has the same total, then takes the K largest of the result, not of these scores."
        }
        (Stage::Biased | Stage::Choice, Rule::Base) => {
            "BASE solves one perfectly balanced assignment for the whole batch: a token’s own scores do not tell where it goes."
        }
        (Stage::Biased | Stage::Choice, Rule::Hash) => {
            "A hash of the word selects the experts; the scores only weight their outputs."
        }
        (Stage::Biased | Stage::Choice, Rule::ExpertChoice) => {
            "Experts choose: each takes its K·T/E best tokens of the batch, by columns instead of rows."
        }
        (Stage::Choice, Rule::Threshold) => "There is no top-K: a token gets every expert with s + b above 0.",
        (Stage::Biased, Rule::Bip) => "BIP has looked at this very batch and found these biases before routing it.",
        (Stage::Error | Stage::Update, Rule::Quantile) => {
            "Quantile Balancing does not look at the error: it takes the bias that would have balanced this batch."
        }
        (Stage::Error, Rule::Bip) => "BIP does not look at the error: its bias was found before the batch was routed.",
        (Stage::Error, Rule::LongCat) => {
            "The target of each expert that computes is K_e·T/N tokens; identity experts take the rest."
        }
        (Stage::Error, Rule::None | Rule::Sinkhorn | Rule::Base | Rule::Hash | Rule::ExpertChoice) => {
            "Nothing responds to the error under this rule."
        }
        (Stage::Update, Rule::Sinkhorn | Rule::Base | Rule::Hash | Rule::ExpertChoice) => {
            "This rule carries nothing from step to step."
        }
        _ => "",
    };
    if !said.is_empty() {
        return Some(said.into());
    }
    match stage {
        Stage::Choice => router.groups.map(|g| {
            format!(
                "Experts are in {} groups, and a token may choose only within its best {}; others are struck out.",
                g.groups, g.kept
            )
        }),
        Stage::Counts if router.capacity.is_some() => {
            Some("A full expert drops tokens, drawn hollow; the balancer sees all that chose it.".into())
        }
        Stage::Update if view.auxiliary.is_some() => {
            let said =
                "The auxiliary loss moves the router’s weights, not the bias: it shows in the scores of the next step.";
            Some(said.into())
        }
        Stage::Update if view.learns => {
            Some("Router and experts learn from this step too: the next scores come from new weights.".into())
        }
        _ => None,
    }
}
