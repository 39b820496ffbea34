//! What is known of one token of the picture: its scores with and without bias, who is chosen and who would be.

use moebias_engine::message::Snapshot;
use moebias_engine::view::{CHOSEN, DROPPED, Picture, Token, UNBIASED};
use moebias_files::{BUILTIN, shipped};
use moebias_model::config::{Rule, Source};
use moebias_model::fixed::{from_q32, from_score};
use moebias_model::select::Selector;
use moebias_model::{gating, groups};

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
    /// Whether it is chosen but has no room.
    pub dropped: bool,
    /// Whether the token keeps its group.
    pub eligible: bool,
    /// Its gating value, if it is chosen and has room.
    pub gate: Option<f64>,
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
    /// What the last chosen expert has: a biased score must be at least this. `None` where something else decides.
    pub threshold: Option<f64>,
    /// Shared experts, which every token has.
    pub shared: u32,
    /// Whether the bias is a factor.
    pub multiplies: bool,
    /// Whether experts choose their tokens: then the bias decides nothing.
    pub by_experts: bool,
    /// Whether there are scores at all: a log of selections has none.
    pub scored: bool,
}

impl Facts {
    /// Of the token in this row of the picture; `None` where several share it.
    #[must_use]
    pub fn of(snapshot: &Snapshot, picture: &Picture, row: usize) -> Option<Self> {
        let token = *picture.tokens.get(row).filter(|_| picture.per_row == 1)?;
        Self::from(snapshot, picture, token, picture.scores_of(row), picture.marks_of(row))
    }

    /// Of the token that is pinned, wherever it is.
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
    if !source.file.starts_with(BUILTIN) || snapshot.picture.request.rows != moebias_engine::view::Rows::Fixed {
        return None;
    }
    let id = *snapshot.trace.as_ref()?.token_ids.get(token as usize)?;
    shipped::vocabulary().word(i64::from(id))
}
