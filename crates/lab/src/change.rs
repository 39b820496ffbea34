//! Changing settings: those that can change during a run, and those that need a new run.

use super::Lab;
use super::command::Command;
use super::notices::{Level, NoticeAction};
use super::runs::Announcement;
use super::sheet::Sheet;
use super::undo::{Asked, Entry, Origin};
use super::why_not::ONLY_WATCHED;
use moebias_engine::message::Message;
use moebias_engine::start::Start;
use moebias_model::change::{self, Change, Target};
use moebias_model::config::Variant;
use moebias_model::naming::{self, Name};
use moebias_model::presets::Preset;
use moebias_model::step::check;
use moebias_model::trace::Trace;

impl Lab {
    /// Makes several changes to a target: all of them, or none if one is not valid.
    pub(super) fn change(&mut self, target: Target, changes: Vec<Change>) {
        let targets: Vec<Target> = match target {
            Target::AllVariants => (0..self.settings.variants.len()).map(Target::Variant).collect(),
            one => vec![one],
        };
        let mut settings = self.settings.clone();
        let trace = self.sheet.authored.trace.clone();
        let (mut from, mut to) = (vec![], vec![]);
        for change in changes {
            let before: Vec<(Target, Change)> =
                targets.iter().filter_map(|&t| change::inverse(&settings, t, &change).map(|c| (t, c))).collect();
            if let Err(e) = check::change(&mut settings, trace.as_deref(), target, &change) {
                self.tell(Level::Warning, e.in_words(&settings.names()));
                return;
            }
            // A setting that already has the value is not changed; a reset of biases is always carried out.
            if before.is_empty() || before.iter().any(|(_, c)| *c != change) {
                from.extend(before);
                to.push((target, change));
            }
        }
        self.settings = settings;
        if to.is_empty() {
            return;
        }
        // Undo applies the old values in the opposite order.
        from.reverse();
        let resets = to.iter().any(|(_, c)| *c == Change::ResetBias);
        let number = self.undoing.entries.did(Entry::Value { from, to: to.clone() });
        (self.undoing.past_values, self.undoing.waits) = (false, 0);
        for (target, change) in to {
            self.ask(target, change, Origin::of(number, Asked::Done));
        }
        if resets {
            let action = NoticeAction { label: "Undo".into(), command: Command::Undo };
            self.notices.add(
                Level::Info,
                self.snapshot.step,
                "Reset biases: every bias is back at its start",
                Some(action),
            );
        }
    }

    /// Sends a change to the worker. The answer is matched to the undo entry in `origin`.
    pub(super) fn ask(&mut self, target: Target, change: Change, origin: Origin) {
        self.requests.count += 1;
        let id = self.requests.count;
        self.sheet.touch(id, target, &change);
        self.requests.changes.insert(id, origin);
        self.post(Message::Change { id, run: self.run, target, change });
    }

    /// Renames a variant; `None` makes its name follow the settings again.
    pub(super) fn rename(&mut self, variant: usize, name: Option<String>) {
        let Some(v) = self.settings.variants.get(variant) else { return };
        let (from, was) = (v.name.typed().map(str::to_owned), v.name.to_string());
        let to = name.map(|n| n.trim().to_owned()).filter(|n| !n.is_empty());
        if from == to {
            return;
        }
        if let Some(why) = self.cant_call(variant, to.as_deref()) {
            return self.tell(Level::Warning, why);
        }
        self.undoing.entries.end_gesture();
        let number = self.undoing.entries.did(Entry::Name { variant, from, to: to.clone(), was });
        self.undoing.entries.end_gesture();
        (self.undoing.past_values, self.undoing.waits) = (false, 0);
        self.call(variant, to, Origin::of(number, Asked::Done));
    }

    /// The reason why a variant can't have this name, a sentence; `None` if it can. Names must differ so that variants can be told apart.
    pub(super) fn cant_call(&self, variant: usize, name: Option<&str>) -> Option<String> {
        let name = name?.trim();
        if name.chars().count() > naming::LONGEST {
            return Some(format!("A name has at most {} characters", naming::LONGEST));
        }
        let mut others = self.settings.variants.iter().enumerate().filter(|(i, _)| *i != variant);
        let taken = others.any(|(_, v)| v.name == name);
        taken.then(|| format!("Another variant is called “{name}” already: choose another name"))
    }

    /// Sends a typed name, or none, to the worker. The answer is matched to the undo entry in `origin`.
    pub(super) fn call(&mut self, variant: usize, name: Option<String>, origin: Origin) {
        self.settings.rename(variant, name.as_deref());
        self.sheet.authored.experiment.rename(variant, name.as_deref());
        self.requests.count += 1;
        let id = self.requests.count;
        self.requests.changes.insert(id, origin);
        self.post(Message::Rename { id, run: self.run, variant, name });
    }

    /// The name and the sheet of the run that a command would start; `None` for commands that start none.
    ///
    /// # Errors
    /// The reason why the run can't start, a sentence.
    pub(super) fn planned(&self, command: &Command) -> Result<Option<(String, Sheet)>, String> {
        let variants = &self.settings.variants;
        if let Some(trace) = &self.sheet.authored.trace {
            fits_trace(command, trace)?;
        }
        let (what, sheet) = match command {
            Command::Preset { target, preset } => {
                (preset.name().to_owned(), self.sheet.again(|start| set_preset(start, *target, *preset)))
            }
            Command::SetExperts(experts) => {
                let old = variants.first().map_or(0, |v| v.router.experts);
                (format!("{old} → {experts} experts"), self.sheet.again(|start| set_experts(start, *experts)))
            }
            Command::SetSeed(seed) => (format!("Seed {seed}"), self.sheet.again(|s| s.experiment.seed = *seed)),
            Command::NewSeed => {
                // The only random number in Moebias that differs from one start of the program to the next.
                let seed = rand::random_range(0..1_000_000);
                (format!("New seed {seed}"), self.sheet.again(|s| s.experiment.seed = seed))
            }
            Command::AddVariant(of) => {
                let of = *of;
                if of >= variants.len() {
                    return Err("There is no such variant".into());
                }
                let like = &variants[of].name;
                (format!("Copy of “{like}” added"), self.sheet.again(|start| add_variant(start, of)))
            }
            Command::RemoveVariant(i) => {
                let i = *i;
                let Some(v) = variants.get(i) else { return Err("There is no such variant".into()) };
                if variants.len() < 2 {
                    return Err("The last variant can't be removed".into());
                }
                (format!("“{}” removed", v.name), self.sheet.again(|start| remove_variant(start, i)))
            }
            Command::Reset => ("Reset".to_owned(), self.sheet.again(|_| {})),
            _ => return Ok(None),
        };
        sheet.authored.check().map_err(|e| e.in_words(&sheet.authored.experiment.names()))?;
        Ok(Some((what, sheet)))
    }

    /// Starts the new run that [`Self::planned`] returns for a command. Undo returns to the run before.
    pub(super) fn restart(&mut self, command: &Command) {
        let (what, sheet) = match self.planned(command) {
            Ok(Some(plan)) => plan,
            Ok(None) => return,
            Err(reason) => return self.tell(Level::Warning, reason),
        };
        let first = sheet.authored.first_step();
        let dropped = self.sheet.authored.state.is_some() && sheet.authored.state.is_none();
        let why = if dropped { "; the biases that the file began with belong to other settings" } else { "" };
        let told = Announcement::undoable(first, format!("{what}: new run from step {first}{why}"));
        self.begin(sheet, self.snapshot.playing, &what, Some(told));
    }
}

/// Checks that a command fits a trace, whose number of experts can't be changed.
fn fits_trace(command: &Command, trace: &Trace) -> Result<(), String> {
    let has = trace.experts;
    match command {
        Command::Preset { .. } if trace.is_only_watched() => Err(ONLY_WATCHED.into()),
        Command::Preset { preset, .. } if preset.settings().0.experts as usize != has => {
            let (name, experts) = (preset.name(), preset.settings().0.experts);
            Err(format!("{name} has {experts} experts, and this trace has {has}"))
        }
        Command::SetExperts(experts) if *experts as usize != has => {
            Err(format!("This trace has {has} experts: there can't be {experts}"))
        }
        _ => Ok(()),
    }
}

fn set_experts(start: &mut Start, experts: u32) {
    for v in &mut start.experiment.variants {
        v.router.experts = experts;
        v.router.groups = v.router.groups.filter(|g| g.groups > 0 && experts.is_multiple_of(g.groups));
        v.router.top_k = v.router.top_k.min(v.router.eligible());
        v.balancer.zero_experts = v.balancer.zero_experts.min(experts.saturating_sub(1));
    }
}

fn set_preset(start: &mut Start, target: Target, preset: Preset) {
    let meant = move |i: usize| target == Target::AllVariants || target == Target::Variant(i);
    let mut count = 0;
    for (_, v) in start.experiment.variants.iter_mut().enumerate().filter(|(i, _)| meant(*i)) {
        (v.router, v.balancer) = preset.settings();
        count += 1;
        if v.name.typed().is_none() {
            let name = preset.name();
            v.name = if count == 1 { name.into() } else { format!("{name} ({count})").into() };
        }
    }
    // The author's events were meant for other settings than the preset's, so they are left out.
    start.events.retain(|e| match e.target {
        Target::Source => true,
        Target::Variant(i) => !meant(i),
        Target::AllVariants => target != Target::AllVariants,
    });
    start.state = None;
}

/// Adds a copy of a variant as its author wrote it, with copies of its events, because the new run starts at the first step.
fn add_variant(start: &mut Start, of: usize) {
    let variants = &mut start.experiment.variants;
    let Some(like) = variants.get(of).cloned() else { return };
    let new = Target::Variant(variants.len());
    variants.push(Variant { name: Name::default(), ..like });
    let copies = start.events.iter().filter(|e| e.target == Target::Variant(of)).cloned();
    let copies: Vec<_> = copies.map(|e| change::Event { target: new, ..e }).collect();
    start.events.extend(copies);
    start.events.sort_by_key(|e| e.step);
}

fn remove_variant(start: &mut Start, i: usize) {
    if i < start.experiment.variants.len() {
        start.experiment.variants.remove(i);
    }
    // The indices of later variants go down by one, also in their events.
    start.events.retain(|e| e.target != Target::Variant(i));
    for event in &mut start.events {
        if let Target::Variant(j) = &mut event.target
            && *j > i
        {
            *j -= 1;
        }
    }
}
