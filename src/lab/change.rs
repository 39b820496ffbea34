//! Settings: what can be changed while a run goes on, and what needs a new one.

use super::Lab;
use super::command::Command;
use super::notices::{Level, NoticeAction};
use super::undo::Entry;
use crate::engine::message::{Message, Start};
use crate::model::change::{self, Change, Target};
use crate::model::config::Variant;
use crate::model::naming::{self, Name};
use crate::model::presets::Preset;

impl Lab {
    /// Makes some changes, all or none.
    pub(super) fn change(&mut self, target: Target, changes: Vec<Change>) {
        let targets: Vec<Target> = match target {
            Target::AllVariants => (0..self.settings.variants.len()).map(Target::Variant).collect(),
            one => vec![one],
        };
        let mut settings = self.settings.clone();
        let (mut from, mut to) = (vec![], vec![]);
        for change in changes {
            let before: Vec<(Target, Change)> =
                targets.iter().filter_map(|&t| change::inverse(&settings, t, &change).map(|c| (t, c))).collect();
            if let Err(e) = change::apply(&mut settings, target, &change) {
                self.tell(Level::Warning, e.in_words(&settings.names()));
                return;
            }
            // What is so already is not changed; what nothing brings back is done whenever it is asked for.
            if before.is_empty() || before.iter().any(|(_, c)| *c != change) {
                from.extend(before);
                to.push((target, change));
            }
        }
        self.settings = settings;
        if !from.is_empty() {
            // Taken back in the opposite order.
            from.reverse();
            self.undo.did(Entry::Value { from, to: to.clone() });
        }
        for (target, change) in to {
            if change == Change::ResetBias {
                self.tell(Level::Info, "Every bias is back at its start. To take that back, go back in time (←)");
            }
            self.ask(target, change);
        }
    }

    pub(super) fn ask(&mut self, target: Target, change: Change) {
        self.sheet.touch(target, &change);
        self.asked += 1;
        self.post(Message::Change { target, change });
    }

    pub(super) fn set_experts(&mut self, experts: u32) {
        let old = self.settings.variants.first().map_or(0, |v| v.router.experts);
        self.restart(&format!("{old} → {experts} experts"), |s| {
            for v in &mut s.experiment.variants {
                v.router.experts = experts;
                v.router.groups = v.router.groups.filter(|g| experts.is_multiple_of(g.groups));
                v.router.top_k = v.router.top_k.min(v.router.eligible());
                v.balancer.zero_experts = v.balancer.zero_experts.min(experts.saturating_sub(1));
            }
        });
    }

    pub(super) fn preset(&mut self, target: Target, preset: Preset) {
        let meant = move |i: usize| target == Target::AllVariants || target == Target::Variant(i);
        self.restart(preset.name(), |start| {
            let mut count = 0;
            for (_, v) in start.experiment.variants.iter_mut().enumerate().filter(|(i, _)| meant(*i)) {
                (v.router, v.balancer) = preset.settings();
                count += 1;
                if v.name.typed().is_none() {
                    let name = preset.name();
                    v.name = if count == 1 { name.into() } else { format!("{name} ({count})").into() };
                }
            }
            // What the author made happen to other settings is not this model's.
            start.events.retain(|e| match e.target {
                Target::Source => true,
                Target::Variant(i) => !meant(i),
                Target::AllVariants => target != Target::AllVariants,
            });
            start.state = None;
        });
    }

    pub(super) fn add_variant(&mut self, of: usize) {
        if of >= self.settings.variants.len() {
            return;
        }
        let what = format!("Add a copy of “{}”", self.settings.variants[of].name);
        self.restart(&what, |start| {
            // As its author wrote it, with what happens to it: the new run begins where that one began.
            let variants = &mut start.experiment.variants;
            if let Some(like) = variants.get(of).cloned() {
                let new = Target::Variant(variants.len());
                variants.push(Variant { name: Name::default(), ..like });
                let copies = start.events.iter().filter(|e| e.target == Target::Variant(of)).cloned();
                let copies: Vec<_> = copies.map(|e| change::Event { target: new, ..e }).collect();
                start.events.extend(copies);
                start.events.sort_by_key(|e| e.step);
            }
        });
    }

    /// Calls a variant otherwise; `None` lets its name follow the settings.
    pub(super) fn rename(&mut self, variant: usize, name: Option<String>) {
        let Some(v) = self.settings.variants.get(variant) else { return };
        let (from, was) = (v.name.typed().map(str::to_owned), v.name.to_string());
        let to = name.map(|n| n.trim().to_owned()).filter(|n| !n.is_empty());
        if from == to {
            return;
        }
        if to.as_ref().is_some_and(|n| n.chars().count() > naming::LONGEST) {
            return self.tell(Level::Warning, format!("A name has at most {} characters", naming::LONGEST));
        }
        self.undo.end_gesture();
        self.undo.did(Entry::Name { variant, from, to: to.clone(), was });
        self.undo.end_gesture();
        self.call(variant, to);
    }

    /// Takes a typed name, without a note for undo.
    pub(super) fn call(&mut self, variant: usize, name: Option<String>) {
        self.settings.rename(variant, name.as_deref());
        self.sheet.authored.experiment.rename(variant, name.as_deref());
        self.asked += 1;
        self.post(Message::Rename { variant, name });
    }

    pub(super) fn remove_variant(&mut self, i: usize) {
        if self.settings.variants.len() < 2 || i >= self.settings.variants.len() {
            return;
        }
        let what = format!("Remove “{}”", self.settings.variants[i].name);
        self.restart(&what, |start| {
            start.experiment.variants.remove(i);
            // Events of the later variants move up with them.
            start.events.retain(|e| e.target != Target::Variant(i));
            for event in &mut start.events {
                if let Target::Variant(j) = &mut event.target
                    && *j > i
                {
                    *j -= 1;
                }
            }
        });
    }

    /// A seed nobody chose: the only random number that may differ between two runs of the app.
    pub(super) fn new_seed(&mut self) {
        let seed = rand::random_range(0..1_000_000);
        self.restart(&format!("New seed {seed}"), |s| s.experiment.seed = seed);
    }

    /// A new run from the first step, changed by `f`; see [`super::sheet::Sheet::again`]. The old run can be brought back by undo.
    pub(super) fn restart(&mut self, what: &str, f: impl FnOnce(&mut Start)) {
        let sheet = self.sheet.again(f);
        if let Err(e) = sheet.authored.experiment.validate() {
            self.tell(Level::Warning, e.in_words(&sheet.authored.experiment.names()));
            return;
        }
        let first = sheet.authored.state.as_ref().map_or(0, |s| s.step);
        let from = self.run;
        let to = self.begin(sheet, self.snapshot.playing);
        self.undo.did(Entry::Run { from, to, what: what.to_owned() });
        self.undo.end_gesture();
        let action = NoticeAction { label: "Undo".into(), command: Command::Undo };
        self.notices.add(Level::Info, 0, format!("{what}: new run from step {first}"), Some(action));
    }
}
