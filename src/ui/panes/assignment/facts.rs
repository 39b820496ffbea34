//! All about one token of the picture: its scores with and without the bias, and which experts are chosen or would be chosen without the
//! bias.

use moebias_engine::message::Snapshot;
use moebias_engine::view::{CHOSEN, DROPPED, Picture, Token, UNBIASED};
use moebias_files::{BUILTIN, shipped};
use moebias_model::config::{Rule, Source};
use moebias_model::fixed::{from_q32, from_score};
use moebias_model::select::Selector;
use moebias_model::{gating, groups};

/// One expert for one token; scores and biases in score units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The expert's index.
    pub expert: usize,
    /// Its score without the bias.
    pub score: f64,
    /// Its bias (a factor under the multiplicative rule).
    pub bias: f64,
    /// The score with the bias, which decides the choice.
    pub biased: f64,
    /// Whether it is chosen.
    pub chosen: bool,
    /// Whether it would be chosen without the bias.
    pub unbiased: bool,
    /// Whether it is chosen but has no room for the token.
    pub dropped: bool,
    /// Whether its group is among those that the token keeps; true without groups.
    pub eligible: bool,
    /// Its gating value, if it is chosen and has room.
    pub gate: Option<f64>,
}

/// One token at all experts.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The token's index in the batch.
    pub token: u32,
    /// The name of its topic, or of its group in a trace.
    pub topic: String,
    /// Its text, if the vocabulary of the trace is known.
    pub word: Option<String>,
    /// All experts: the chosen ones first, then by score with the bias, highest first.
    pub choices: Vec<Choice>,
    /// The score with the bias that an expert needs to be chosen: that of the last chosen expert, or 0 under the threshold rule. `None` if
    /// something else decides.
    pub threshold: Option<f64>,
    /// The number of shared experts, which every token uses.
    pub shared: u32,
    /// Whether the bias is a factor instead of a summand.
    pub multiplies: bool,
    /// Whether experts choose their tokens; then the bias has no effect.
    pub by_experts: bool,
    /// Whether there are scores; a log of selections has none.
    pub scored: bool,
}

impl Facts {
    /// The facts about the token in this row of the picture; `None` if several tokens share the row.
    #[must_use]
    pub fn of(snapshot: &Snapshot, picture: &Picture, row: usize) -> Option<Self> {
        let token = *picture.tokens.get(row).filter(|_| picture.per_row == 1)?;
        Self::from(snapshot, picture, token, picture.scores_of(row), picture.marks_of(row))
    }

    /// The facts about the pinned token, whether or not it is in a row of the picture; `None` if the picture lacks it.
    #[must_use]
    pub fn of_pinned(snapshot: &Snapshot, picture: &Picture, token: u32) -> Option<Self> {
        let single = picture.pinned.as_ref().filter(|p| p.token.index == token)?;
        Self::from(snapshot, picture, single.token, &single.scores, &single.marks)
    }

    fn from(snapshot: &Snapshot, picture: &Picture, token: Token, scores: &[i32], marks: &[u8]) -> Option<Self> {
        let (rule, router) = (picture.rule, &picture.router);
        let (multiplies, unit) = (rule == Rule::Multiplicative, router.gate.unit());
        let kept = router.groups.map(|g| groups::kept(&Selector::new(rule, &picture.bias), g, scores));
        let size = router.group_size().max(1) as usize;
        let all = scores.iter().zip(marks).zip(&picture.bias).enumerate();
        let mut choices: Vec<Choice> = all
            .map(|(expert, ((&score, &marks), &bias))| {
                let (score, bias) = (from_score(score) * unit, from_q32(bias));
                let biased = if multiplies { score * bias } else { score + bias };
                Choice {
                    expert,
                    score,
                    bias,
                    biased,
                    chosen: marks & CHOSEN != 0,
                    unbiased: marks & UNBIASED != 0,
                    dropped: marks & DROPPED != 0,
                    eligible: kept.as_ref().is_none_or(|k| k.get(expert / size).copied().unwrap_or(true)),
                    gate: None,
                }
            })
            .collect();
        choices
            .sort_by(|a, b| b.chosen.cmp(&a.chosen).then(b.biased.total_cmp(&a.biased)).then(a.expert.cmp(&b.expert)));
        let chosen: Vec<i32> = choices.iter().filter(|c| c.chosen).map(|c| scores[c.expert]).collect();
        let values = gating::values(router, &chosen);
        for (choice, value) in choices.iter_mut().filter(|c| c.chosen).zip(values) {
            choice.gate = (!choice.dropped).then_some(value);
        }
        let least = choices.iter().filter(|c| c.chosen).map(|c| c.biased).fold(f64::INFINITY, f64::min);
        let threshold = match rule {
            Rule::Threshold => Some(0.0),
            rule => rule.is_top_k().then_some(least),
        };
        Some(Self {
            token: token.index,
            topic: topic_name(snapshot, token.topic),
            word: word_of(snapshot, token.index),
            choices,
            threshold,
            shared: router.shared,
            multiplies,
            by_experts: rule == Rule::ExpertChoice,
            scored: snapshot.has_scores(),
        })
    }

    /// The facts about one expert.
    #[must_use]
    pub fn choice(&self, expert: usize) -> Option<&Choice> {
        self.choices.iter().find(|c| c.expert == expert)
    }

    /// Pairs of an expert that the bias brought in and one that it pushed out: of either kind the highest score first.
    #[must_use]
    pub fn moves(&self) -> Vec<(Choice, Choice)> {
        let mut into: Vec<Choice> = self.choices.iter().filter(|c| c.chosen && !c.unbiased).copied().collect();
        let mut out: Vec<Choice> = self.choices.iter().filter(|c| !c.chosen && c.unbiased).copied().collect();
        for side in [&mut into, &mut out] {
            side.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
        into.into_iter().zip(out).collect()
    }
}

/// The name of a topic, or of a trace's group.
#[must_use]
pub fn topic_name(snapshot: &Snapshot, topic: u32) -> String {
    let named = snapshot.trace.as_ref().and_then(|t| t.group_names.get(topic as usize));
    named.map_or_else(|| format!("topic {topic}"), |n| n.replace('_', " "))
}

/// The text of a token in the first batch of a shipped trace. Only for the probe, which shows that batch.
fn word_of(snapshot: &Snapshot, token: u32) -> Option<String> {
    let Source::Trace(source) = &snapshot.experiment.source else { return None };
    if !source.file.starts_with(BUILTIN) || snapshot.picture.request.rows != moebias_engine::view::Rows::Fixed {
        return None;
    }
    let id = *snapshot.trace.as_ref()?.token_ids.get(token as usize)?;
    shipped::vocabulary().word(i64::from(id))
}
