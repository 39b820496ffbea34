//! What a run was made from: its texts, the settings and timed events as the author wrote them, and the settings that the user has changed
//! since.

use super::Document;
use moebias_engine::start::Start;
use moebias_files::Examined;
use moebias_model::change::{self, Change, Target};
use moebias_model::config::{Experiment, Variant};
use moebias_model::naming;
use moebias_model::step::check;
use std::sync::Arc;

/// A setting that was changed by hand.
#[derive(Clone, Debug)]
struct Touched {
    /// The number of the request.
    id: u64,
    target: Target,
    change: Change,
    /// Whether the worker has not answered the request yet.
    pending: bool,
}

/// What a run was made from. A reset makes a new run from its sheet.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The title and texts.
    pub document: Document,
    /// The start of the run as the author wrote it.
    pub authored: Start,
    /// What was found in the recording, if the tokens come from one.
    pub examined: Option<Arc<Examined>>,
    /// The settings changed by hand since, in order: every unanswered change, and the last applied value of each setting.
    touched: Vec<Touched>,
    /// Whether the experiment was changed, so that the author's texts may no longer be true.
    changed: bool,
}

impl Sheet {
    /// A sheet without changes by hand.
    #[must_use]
    pub fn new(document: Document, authored: Start) -> Self {
        Self { document, authored, examined: None, touched: vec![], changed: false }
    }

    /// Notes that the user changes a setting; `id` is the number of the request.
    pub fn touch(&mut self, id: u64, target: Target, change: &Change) {
        self.changed = true;
        if !matches!(change, Change::ResetBias | Change::SetBias(_)) {
            self.touched.push(Touched { id, target, change: change.clone(), pending: true });
        }
    }

    /// Notes that the worker applied the change with this number; earlier values of the same setting are dropped.
    pub fn applied(&mut self, id: u64) {
        let Some(at) = self.touched.iter().position(|t| t.id == id) else { return };
        let mut made = self.touched.remove(at);
        made.pending = false;
        let replaced = |t: &Touched| covers(made.target, t.target) && t.change.name() == made.change.name();
        let mut index = 0;
        self.touched.retain(|t| {
            index += 1;
            index > at || t.pending || !replaced(t)
        });
        let at = self.touched.iter().position(|t| t.id > id).unwrap_or(self.touched.len());
        self.touched.insert(at, made);
    }

    /// Drops the change with this number, because the worker refused it.
    pub fn refused(&mut self, id: u64) {
        self.touched.retain(|t| t.id != id);
    }

    /// Adds a variant with the settings, events and changes of variant `of`. Returns false if there is no such variant.
    pub fn fork(&mut self, of: usize) -> bool {
        let new = self.authored.experiment.variants.len();
        let done = self.authored.fork(of);
        self.changed |= done;
        if done {
            let both = self.touched.drain(..).flat_map(|touched| {
                let copy = (touched.target == Target::Variant(of))
                    .then(|| Touched { target: Target::Variant(new), ..touched.clone() });
                std::iter::once(touched).chain(copy)
            });
            self.touched = both.collect();
        }
        done
    }

    /// The same experiment from its first step: the author's settings and events, except that a value set by the user holds from the start
    /// and the author's events for that setting are left out. `f` makes further changes. A start state that does not fit the new settings
    /// is left out too.
    #[must_use]
    pub fn again(&self, f: impl FnOnce(&mut Start)) -> Self {
        let mut start = self.authored.clone();
        // All changes together are valid, as they were when they were made, but perhaps not each on its own.
        if change::apply_all(&mut start.experiment, self.touched.iter().map(|t| (t.target, &t.change))).is_err() {
            for Touched { target, change, .. } in &self.touched {
                if let Err(e) = change::apply(&mut start.experiment, *target, change) {
                    log::warn!("left out of the new run: {e}");
                }
            }
        }
        for Touched { target, change, .. } in &self.touched {
            start.events.retain(|e| !(e.change.name() == change.name() && covers(*target, e.target)));
        }
        naming::settle(&mut start.experiment.variants);
        f(&mut start);
        naming::settle_start(&mut start.experiment.variants);
        let before = &self.authored.experiment;
        if let Some(state) = &mut start.state {
            // A new rule with the same kind of biases keeps them but starts without a memory, as when the rule is changed during a run.
            let changed = |(a, b): (&Variant, &Variant)| a.balancer.rule != b.balancer.rule;
            let rules = before.variants.iter().zip(&start.experiment.variants).map(changed);
            state.variants.iter_mut().zip(rules).filter(|(_, changed)| *changed).for_each(|(v, _)| v.memory.clear());
        }
        if kind(before) != kind(&start.experiment) {
            // Biases are meaningful only for the same seed, number of experts and kind of rule.
            start.state = None;
            start.events.retain(|e| !matches!(e.change, Change::SetBias(_)));
        }
        if start.state.as_ref().is_some_and(|s| check::state(&start.experiment, s).is_err()) {
            start.state = None;
        }
        // Events that are no longer valid are left out, such as a K above the new number of experts or an event of a removed variant.
        let mut trial = start.experiment.clone();
        let trace = start.trace.clone();
        start.events.retain(|e| check::change(&mut trial, trace.as_deref(), e.target, &e.change).is_ok());
        let changed = self.changed || start.experiment != self.authored.experiment;
        Self { changed, examined: self.examined.clone(), ..Self::new(self.document.clone(), start) }
    }

    /// Whether the experiment was changed since its texts were written.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// The texts that are true of the experiment: the author's, or, once it was changed, the title and a note of what it was changed from.
    #[must_use]
    pub fn texts(&self) -> Document {
        if !self.changed {
            return self.document.clone();
        }
        let summary = format!("Changed from “{}”", self.document.title);
        Document { summary, look_for: String::new(), ..self.document.clone() }
    }

    /// Replaces the title and the summary with the user's own.
    pub fn describe(&mut self, title: String, summary: String) {
        let look_for = if self.changed { String::new() } else { std::mem::take(&mut self.document.look_for) };
        self.document = Document { title, summary, look_for, ..std::mem::take(&mut self.document) };
        self.changed = false;
    }
}

/// What must be equal for biases to keep their meaning: the seed, and each variant's number of experts and kind of bias.
fn kind(of: &Experiment) -> (u32, Vec<(u32, u8)>) {
    (of.seed, of.variants.iter().map(|v| (v.router.experts, v.balancer.rule.kind_of_bias())).collect())
}

/// Whether a change of `target` also changes what `other` names.
fn covers(target: Target, other: Target) -> bool {
    target == other || (target == Target::AllVariants && matches!(other, Target::Variant(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::change::Event;
    use moebias_model::config::{Rule, Source};
    use moebias_model::digest::Digest;
    use moebias_model::step::{State, VariantState};

    fn start() -> Start {
        let experiment =
            Experiment { seed: 1, source: Source::Synthetic(Default::default()), variants: vec![Variant::default()] };
        Start { experiment, trace: None, state: None, events: vec![], stop: None }
    }

    #[test]
    fn reset_keeps_the_author_s_events_but_for_settings_that_were_changed() {
        let event = |step, target, change| Event { step, target, change };
        let events = vec![
            event(100, Target::Source, Change::SetSkew(2.0)),
            event(200, Target::Variant(0), Change::SetRate(0.01)),
            event(300, Target::AllVariants, Change::SetTopK(20)),
        ];
        let start = Start { events, ..start() };
        let mut sheet = Sheet::new(Document::default(), start);
        sheet.touch(1, Target::AllVariants, &Change::SetRate(0.002));
        sheet.touch(2, Target::AllVariants, &Change::SetRate(0.005));
        sheet.touch(3, Target::AllVariants, &Change::SetRate(0.5));
        sheet.applied(2);
        sheet.applied(1);
        sheet.refused(3);
        let again = sheet.again(|s| s.experiment.variants[0].router.experts = 16).authored;
        assert!(sheet.is_changed() && sheet.again(|_| {}).is_changed(), "its texts speak of another experiment");
        assert!(sheet.texts().summary.contains("Changed from"));
        sheet.describe("Mine".into(), "What I found".into());
        assert_eq!((sheet.texts().title.as_str(), sheet.texts().summary.as_str()), ("Mine", "What I found"));
        assert_eq!(again.experiment.variants[0].balancer.rate, 0.005);
        assert_eq!(again.events.len(), 1, "the skew stays; u was changed by hand; K 20 no longer fits 16 experts");
        assert_eq!(again.events[0].change, Change::SetSkew(2.0));
    }

    #[test]
    fn a_state_of_another_rule_is_left_out() {
        let of = |rule| {
            let mut start = start();
            start.experiment.variants[0].balancer.rule = rule;
            let bias = vec![if rule == Rule::Multiplicative { 1 << 32 } else { -5 }; 64];
            let memory = if rule == Rule::Smebu { vec![3; 64] } else { vec![] };
            let v = VariantState { bias, schedule_from: 0, digest: Digest::default(), memory, learned: None };
            start.state = Some(State { step: 100, phase: 0, variants: vec![v] });
            start.check().unwrap();
            Sheet::new(Document::default(), start)
        };
        let became = |from, to| {
            let mut sheet = of(from);
            sheet.touch(1, Target::AllVariants, &Change::SetRule(to));
            let again = sheet.again(|_| {}).authored;
            again.check().unwrap();
            again.state.map(|s| s.variants[0].memory.len())
        };
        assert_eq!(became(Rule::Sign, Rule::Multiplicative), None);
        assert_eq!(became(Rule::Multiplicative, Rule::Sign), None);
        assert_eq!(became(Rule::Smebu, Rule::Sign), Some(0), "the biases mean the same; there is no memory to have");
        assert_eq!(became(Rule::Smebu, Rule::Smebu), Some(64));
        assert_eq!(became(Rule::Sign, Rule::Rms), Some(0));
    }
}
