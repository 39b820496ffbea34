//! Finds oddities of a recording, with a remedy if there is one. No remedy is applied without being asked for.

use super::facts::Facts;
use super::measure::counted;
use super::recording::{Data, Layer, Recording};
use moebias_model::config::Gate;
use moebias_model::settings::reading::{LeaveOut, Reading, RecordedKind};
use strum::{EnumIter, IntoStaticStr};

/// If the gate is unknown, larger scores are not taken for scores of sqrtsoftplus, since their logits would be above 36.
const MOST_OF_SQRT_SOFTPLUS: f32 = 6.0;
/// With at least this many logits it is odd that none is negative.
const ENOUGH: usize = 4096;

/// Something odd about a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Oddity {
    /// The kind of oddity.
    pub sign: Sign,
    /// The layer, if the oddity is about one.
    pub layer: Option<String>,
    /// A sentence about what was found.
    pub text: String,
    /// The remedy, if there is one.
    pub remedy: Option<Remedy>,
}

/// The remedy of an oddity: one change of the [`Reading`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Leave these tokens out.
    LeaveOut(LeaveOut),
    /// Treat the values as having passed this gate.
    Gated(Gate),
}

impl Remedy {
    /// The reading with the remedy.
    #[must_use]
    pub fn applied(self, reading: &Reading) -> Reading {
        let mut reading = reading.clone();
        match self {
            Self::LeaveOut(what) if !reading.leave_out.contains(&what) => reading.leave_out.push(what),
            Self::LeaveOut(_) => {}
            Self::Gated(gate) => reading.gated = Some(gate),
        }
        reading
    }

    /// The label of a button for the remedy.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::LeaveOut(LeaveOut::Identical) => "Leave the identical tokens out".into(),
            Self::LeaveOut(LeaveOut::TokenId(id)) => format!("Leave tokens with id {id} out"),
            Self::Gated(gate) => format!("Read the values as {} scores", gate.to_string().to_lowercase()),
        }
    }

    /// The command-line option with the same effect.
    #[must_use]
    pub fn option(self) -> String {
        match self {
            Self::LeaveOut(LeaveOut::Identical) => "--leave-out identical".into(),
            Self::LeaveOut(LeaveOut::TokenId(id)) => format!("--leave-out {id}"),
            Self::Gated(gate) => format!("--gated {}", gate.to_string().to_lowercase()),
        }
    }
}

/// The kinds of oddities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
pub enum Sign {
    /// Runs of identical rows.
    Identical,
    /// A token id that comes in long runs.
    Padding,
    /// Rows of −∞.
    Masked,
    /// Scores that are probabilities.
    Probabilities,
    /// An expert beyond the declared number.
    Beyond,
    /// Only a few experts are ever chosen.
    Share,
    /// Counts that are whole multiples.
    Multiple,
    /// Tokens with different numbers of experts.
    VaryingK,
    /// A damaged part that was left out.
    Damage,
    /// Metadata that Moebias does not understand.
    Unread,
}

impl Sign {
    /// A short name, used as a heading and in machine-readable output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical rows",
            Self::Padding => "padding tokens",
            Self::Masked => "masked rows",
            Self::Probabilities => "probabilities",
            Self::Beyond => "expert id beyond num_experts",
            Self::Share => "only some experts are ever chosen",
            Self::Multiple => "counted several times",
            Self::VaryingK => "varying number of experts per token",
            Self::Damage => "torn last line",
            Self::Unread => "metadata that are not understood",
        }
    }
}

impl Recording {
    /// The oddities of a layer as it is read now. Oddities that `reading` remedies already are not reported.
    ///
    /// ```
    /// use moebias_recordings::{Input, Reading, Sign, read};
    ///
    /// // 40 warm-up tokens with the same experts, and 60 different ones.
    /// let experts = |token: u32| if token < 40 { [3, 5] } else { [token * 7 % 8, (token * 7 + 1 + token % 5) % 8] };
    /// let text: String = (0..100).map(|t| format!("{{\"layer\": 0, \"topk_ids\": {:?}}}\n", experts(t))).collect();
    /// let recording = read(&Input::memory("log.jsonl", text.into())?, &Reading::default())?;
    /// let (layer, reading) = (&recording.layers[0], Reading::default());
    /// let odd = recording.odd(layer, &recording.facts(layer)?, &reading);
    /// assert_eq!(odd[0].sign, Sign::Identical);
    /// // The remedy is a reading; with it, nothing is odd any more.
    /// let reading = odd[0].remedy.expect("there is a remedy").applied(&reading);
    /// assert!(recording.odd(layer, &recording.facts(layer)?, &reading).is_empty());
    /// # Ok::<(), moebias_recordings::ReadError>(())
    /// ```
    #[must_use]
    pub fn odd(&self, layer: &Layer, facts: &Facts, reading: &Reading) -> Vec<Oddity> {
        let name = Some(layer.name.clone()).filter(|_| self.layers.len() > 1);
        let odd = |sign, text: String, remedy| Oddity { sign, layer: name.clone(), text, remedy };
        let mut found = vec![];
        found.extend(self.identical(facts, reading).map(|(text, remedy)| odd(Sign::Identical, text, Some(remedy))));
        for (id, tokens) in padding_left(facts, reading) {
            let text = format!("{} with id {id} come in long runs, as padding does", counted(tokens, "token"));
            found.push(odd(Sign::Padding, text, Some(Remedy::LeaveOut(LeaveOut::TokenId(id)))));
        }
        if facts.masked > 0 {
            let text = format!("{} of −∞ are masked tokens: they are left out", counted(facts.masked, "row"));
            found.push(odd(Sign::Masked, text, None));
        }
        found.extend(
            self.probabilities(layer.experts, facts, reading)
                .map(|(text, gate)| odd(Sign::Probabilities, text, Some(Remedy::Gated(gate)))),
        );
        found.extend(self.beyond(layer, facts, reading).map(|text| odd(Sign::Beyond, text, None)));
        found.extend(share(layer, facts).map(|text| odd(Sign::Share, text, None)));
        found.extend(multiple(layer).map(|text| odd(Sign::Multiple, text, None)));
        if let Some((least, most)) = facts.choices.filter(|(a, b)| a < b) {
            found.push(odd(Sign::VaryingK, format!("tokens have from {least} to {most} experts"), None));
        }
        found
    }

    /// The oddities of the file as a whole.
    #[must_use]
    pub fn odd_file(&self) -> Vec<Oddity> {
        let odd = |sign, text| Oddity { sign, layer: None, text, remedy: None };
        let mut found: Vec<Oddity> = self.damages.iter().map(|d| odd(Sign::Damage, d.clone())).collect();
        found.extend(self.meta.unread.iter().map(|text| odd(Sign::Unread, text.clone())));
        found
    }

    fn identical(&self, facts: &Facts, reading: &Reading) -> Option<(String, Remedy)> {
        let tokens = facts.tokens_identical();
        if tokens == 0 || reading.leave_out.contains(&LeaveOut::Identical) {
            return None;
        }
        // Runs of masked rows, or of padding reported below, are not reported twice.
        if tokens <= facts.masked {
            return None;
        }
        let runs = counted(facts.identical.len(), "run");
        let longest = facts.identical.iter().max_by_key(|r| r.len())?;
        let what = if self.kind == RecordedKind::Scores { "scores" } else { "experts" };
        let text = format!(
            "{} in {runs} have identical {what} (the longest run is tokens {}–{}): warm-up, dummy or padding tokens?",
            counted(tokens, "token"),
            longest.start,
            longest.end - 1
        );
        Some((text, Remedy::LeaveOut(LeaveOut::Identical)))
    }

    fn probabilities(&self, experts: usize, facts: &Facts, reading: &Reading) -> Option<(String, Gate)> {
        if self.kind != RecordedKind::Scores || reading.gated.is_some() || facts.rows <= facts.masked {
            return None;
        }
        if facts.adds_up_to_one() {
            let text =
                "the scores of a token add up to 1: they are probabilities, so the softmax gate was applied already";
            return Some((text.into(), Gate::Softmax));
        }
        if facts.rows - facts.masked < 16 || facts.least < 0.0 {
            return None;
        }
        match reading.gate.or(self.meta.gate) {
            Some(Gate::SqrtSoftplus) => {
                let text = "no score is negative: the sqrtsoftplus gate was applied already";
                Some((text.into(), Gate::SqrtSoftplus))
            }
            _ if facts.most <= 1.0 => {
                let text = "every score lies between 0 and 1: the sigmoid gate was applied already";
                Some((text.into(), Gate::Sigmoid))
            }
            None if facts.most <= MOST_OF_SQRT_SOFTPLUS && (facts.rows - facts.masked) * experts >= ENOUGH => {
                let text = "no score is negative or large: was a gate such as sqrtsoftplus applied already?";
                Some((text.into(), Gate::SqrtSoftplus))
            }
            _ => None,
        }
    }

    fn beyond(&self, layer: &Layer, facts: &Facts, reading: &Reading) -> Option<String> {
        let declared = reading.experts.or(self.meta.experts)? as usize;
        let tokens: u64 = facts.chosen.get(declared..)?.iter().sum();
        (tokens > 0).then(|| {
            // Opening a very large file may not have reached the largest expert.
            let last = facts.chosen.len().max(layer.experts) - 1;
            let which = match last - declared {
                0 => format!("expert {declared} is"),
                _ => format!("experts {declared}–{last} are"),
            };
            format!(
                "{which} used {tokens} times, but {declared} experts are declared: a shared expert in the same list?"
            )
        })
    }
}

/// A sentence if the counts of all steps are multiples of a number.
fn multiple(layer: &Layer) -> Option<String> {
    let Data::Loads(counts) = &layer.data else { return None };
    let some: Vec<u64> = counts.iter().copied().filter(|&c| c > 0).collect();
    let divisor = some.iter().copied().fold(0, gcd);
    let differ = some.windows(2).any(|w| w[0] != w[1]);
    (some.len() >= 12 && divisor > 1 && differ).then(|| {
        format!(
            "every count is a multiple of {divisor}: were tokens counted {divisor} times, for example by recomputation?"
        )
    })
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A sentence if only a block of the experts is ever chosen, as on a rank that holds only these experts.
fn share(layer: &Layer, facts: &Facts) -> Option<String> {
    let used: Vec<usize> = (0..facts.chosen.len()).filter(|&e| facts.chosen[e] > 0).collect();
    let (first, last) = (*used.first()?, *used.last()?);
    let block = last + 1 - first;
    let total: u64 = facts.chosen.iter().sum();
    let expected = total / layer.experts.max(1) as u64;
    let whole = block == used.len() && block >= 2 && layer.experts.is_multiple_of(block) && first.is_multiple_of(block);
    (whole && block * 2 <= layer.experts && expected >= 8).then(|| {
        format!(
            "only {block} of {} experts are ever chosen, {first}–{last}: is it the share of one rank?",
            layer.experts
        )
    })
}

/// Token ids of padding that are not left out already.
fn padding_left(facts: &Facts, reading: &Reading) -> Vec<(i64, usize)> {
    let left = |id: i64| !reading.leave_out.contains(&LeaveOut::TokenId(id));
    let identical = reading.leave_out.contains(&LeaveOut::Identical);
    facts.padding.iter().copied().filter(|&(id, _)| left(id) && !identical).collect()
}
