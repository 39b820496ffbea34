//! What is known of one token of the picture: its scores with and without bias, who is chosen and who would be.

use crate::engine::message::Snapshot;
use crate::engine::view::{CHOSEN, Picture, UNBIASED};
use crate::model::config::{Rule, Source};
use crate::model::fixed::{from_q32, from_score};
use crate::scenario::{BUILTIN, shipped};

/// One expert, as one token sees it. Score units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The expert.
    pub expert: usize,
    /// Its score.
    pub score: f64,
    /// Its bias (a factor under the multiplicative rule).
    pub bias: f64,
    /// Score and bias together: what decides.
    pub biased: f64,
    /// Whether it is chosen.
    pub chosen: bool,
    /// Whether it would be without the bias.
    pub unbiased: bool,
}

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Its place in the batch.
    pub token: u32,
    /// Its topic or the trace's group, for people.
    pub topic: String,
    /// Its text, where the trace's words are known.
    pub word: Option<String>,
    /// Every expert, the most wanted first.
    pub choices: Vec<Choice>,
    /// What the last chosen expert has: a biased score must be at least this.
    pub threshold: f64,
    /// Whether the bias is a factor.
    pub multiplies: bool,
    /// Whether experts choose their tokens: then the bias decides nothing.
    pub by_experts: bool,
    /// Whether there are scores at all: a log of selections has none.
    pub scored: bool,
}

impl Facts {
    /// Of the token in this row of the picture.
    #[must_use]
    pub fn of(snapshot: &Snapshot, picture: &Picture, row: usize) -> Option<Self> {
        let token = *picture.tokens.get(row)?;
        let variant = picture.request.variant;
        let rule = snapshot.experiment.variants.get(variant)?.balancer.rule;
        let multiplies = rule == Rule::Multiplicative;
        let all = picture.scores_of(row).iter().zip(picture.marks_of(row)).zip(&picture.bias).enumerate();
        let mut choices: Vec<Choice> = all
            .map(|(expert, ((&score, &marks), &bias))| {
                let (score, bias) = (from_score(score), from_q32(bias));
                let biased = if multiplies { score * bias } else { score + bias };
                Choice { expert, score, bias, biased, chosen: marks & CHOSEN != 0, unbiased: marks & UNBIASED != 0 }
            })
            .collect();
        choices
            .sort_by(|a, b| b.chosen.cmp(&a.chosen).then(b.biased.total_cmp(&a.biased)).then(a.expert.cmp(&b.expert)));
        let threshold = choices.iter().filter(|c| c.chosen).map(|c| c.biased).fold(f64::INFINITY, f64::min);
        Some(Self {
            token: token.index,
            topic: topic_name(snapshot, token.topic),
            word: word_of(snapshot, token.index),
            choices,
            threshold,
            multiplies,
            by_experts: rule == Rule::ExpertChoice,
            scored: snapshot.has_scores(),
        })
    }

    /// This expert.
    #[must_use]
    pub fn choice(&self, expert: usize) -> Option<&Choice> {
        self.choices.iter().find(|c| c.expert == expert)
    }

    /// Whom the bias put in and whom it put out, in pairs: the strongest newcomer with the strongest who had to go.
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

/// A topic, or the name of a trace's group.
#[must_use]
pub fn topic_name(snapshot: &Snapshot, topic: u32) -> String {
    let named = snapshot.trace.as_ref().and_then(|t| t.group_names.get(topic as usize));
    named.map_or_else(|| format!("topic {topic}"), |n| n.replace('_', " "))
}

/// The word at a place of a shipped trace's first batch, which is what the probe shows.
fn word_of(snapshot: &Snapshot, token: u32) -> Option<String> {
    let Source::Trace(source) = &snapshot.experiment.source else { return None };
    if !source.file.starts_with(BUILTIN) || snapshot.picture.request.rows != crate::engine::view::Rows::Probe {
        return None;
    }
    let id = *snapshot.trace.as_ref()?.token_ids.get(token as usize)?;
    shipped::vocabulary().get(usize::try_from(id).ok()?).cloned()
}
