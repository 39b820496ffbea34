//! What a run was made from: its title, the settings and timed events its author wrote, and what a person has changed since.

use super::Document;
use crate::engine::message::Start;
use crate::model::change::{self, Change, Target};
use crate::model::config::Experiment;
use crate::model::naming;

/// A run's sheet. Reset makes a new run from it.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Title and texts.
    pub document: Document,
    /// As the author wrote it.
    pub authored: Start,
    /// What was changed by hand since, the last value of each setting.
    touched: Vec<(Target, Change)>,
    /// Whether the experiment is no longer the one that the texts speak of.
    changed: bool,
}

impl Sheet {
    /// A sheet nobody has touched.
    #[must_use]
    pub fn new(document: Document, authored: Start) -> Self {
        Self { document, authored, touched: vec![], changed: false }
    }

    /// A person changed a setting.
    pub fn touch(&mut self, target: Target, change: &Change) {
        self.changed = true;
        if matches!(change, Change::ResetBias) {
            return;
        }
        self.touched.retain(|(t, c)| !(covers(target, *t) && c.name() == change.name()));
        self.touched.push((target, change.clone()));
    }

    /// One more variant with everything that variant `of` has. False where there is no such variant.
    pub fn fork(&mut self, of: usize) -> bool {
        let new = self.authored.experiment.variants.len();
        let done = self.authored.fork(of);
        self.changed |= done;
        if done {
            let both = self.touched.drain(..).flat_map(|(target, change)| {
                let copy = (target == Target::Variant(of)).then(|| (Target::Variant(new), change.clone()));
                std::iter::once((target, change)).chain(copy)
            });
            self.touched = both.collect();
        }
        done
    }

    /// The same experiment again from its first step: the author's settings and events, but where a person has changed a setting
    /// that value holds from the start and the author's events for it are left out. `f` changes more.
    #[must_use]
    pub fn again(&self, f: impl FnOnce(&mut Start)) -> Self {
        let mut start = self.authored.clone();
        for (target, change) in &self.touched {
            if let Err(e) = change::apply(&mut start.experiment, *target, change) {
                log::warn!("left out of the new run: {e}");
            }
            start.events.retain(|e| !(e.change.name() == change.name() && covers(*target, e.target)));
        }
        naming::settle(&mut start.experiment.variants);
        let before = start.experiment.clone();
        f(&mut start);
        naming::settle_start(&mut start.experiment.variants);
        // An event that no longer fits (K above the new number of experts, a variant that is gone) is left out.
        let mut trial = start.experiment.clone();
        start.events.retain(|e| change::apply(&mut trial, e.target, &e.change).is_ok());
        // A state to start from belongs to these experts, variants and seed alone.
        let shape = |e: &Experiment| (e.seed, e.variants.iter().map(|v| v.router.experts).collect::<Vec<_>>());
        if shape(&before) != shape(&start.experiment) {
            start.state = None;
        }
        let changed = self.changed || start.experiment != self.authored.experiment;
        Self { document: self.document.clone(), authored: start, touched: vec![], changed }
    }

    /// Whether a setting was changed since the texts were written.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// The texts that hold for it: those of its author, or where they would be false, what it was made from.
    #[must_use]
    pub fn texts(&self) -> Document {
        if !self.changed {
            return self.document.clone();
        }
        let summary = format!("Changed from “{}”", self.document.title);
        Document { summary, look_for: String::new(), ..self.document.clone() }
    }

    /// Gives it texts of its own.
    pub fn describe(&mut self, title: String, summary: String) {
        let look_for = if self.changed { String::new() } else { std::mem::take(&mut self.document.look_for) };
        self.document = Document { title, summary, look_for, ..std::mem::take(&mut self.document) };
        self.changed = false;
    }
}

/// Whether a change of `target` also changes what `other` names.
fn covers(target: Target, other: Target) -> bool {
    target == other || (target == Target::AllVariants && matches!(other, Target::Variant(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Event;
    use crate::model::config::{Source, Variant};

    #[test]
    fn reset_keeps_the_author_s_events_but_for_settings_that_were_changed() {
        let experiment = Experiment {
            seed: 1,
            source: Source::Synthetic(Default::default()),
            variants: vec![Variant {
                name: "a".into(),
                router: Default::default(),
                balancer: Default::default(),
                learning: Default::default(),
            }],
        };
        let event = |step, target, change| Event { step, target, change };
        let events = vec![
            event(100, Target::Source, Change::SetSkew(2.0)),
            event(200, Target::Variant(0), Change::SetRate(0.01)),
            event(300, Target::AllVariants, Change::SetTopK(20)),
        ];
        let start = Start { experiment, trace: None, state: None, events, stop: None };
        let mut sheet = Sheet::new(Document::default(), start);
        sheet.touch(Target::AllVariants, &Change::SetRate(0.002));
        sheet.touch(Target::AllVariants, &Change::SetRate(0.005));
        let again = sheet.again(|s| s.experiment.variants[0].router.experts = 16).authored;
        assert!(sheet.is_changed() && sheet.again(|_| {}).is_changed(), "its texts speak of another experiment");
        assert!(sheet.texts().summary.contains("Changed from"));
        sheet.describe("Mine".into(), "What I found".into());
        assert_eq!((sheet.texts().title.as_str(), sheet.texts().summary.as_str()), ("Mine", "What I found"));
        assert_eq!(again.experiment.variants[0].balancer.rate, 0.005);
        assert_eq!(again.events.len(), 1, "the skew stays; u was changed by hand; K 20 no longer fits 16 experts");
        assert_eq!(again.events[0].change, Change::SetSkew(2.0));
    }
}
