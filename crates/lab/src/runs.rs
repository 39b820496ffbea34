//! Which run the lab shows.
//!
//! What is asked of the worker is believed at once, so that the screen follows without waiting, and taken back where the worker declines:
//! the sheet, the run, its settings, what undo knows of it and what a person is told. A new run is checked beforehand by the very
//! check that the worker makes ([`Start::check`](moebias_engine::start::Start::check)).

use super::command::Command;
use super::notices::{Level, NoticeAction};
use super::sheet::Sheet;
use super::undo::Entry;
use super::{Lab, SetAside};
use moebias_engine::message::Message;
use moebias_engine::start::{RunId, Start};
use moebias_model::change::Event;
use moebias_model::config::Experiment;

/// A run that is not shown.
#[derive(Debug)]
pub(super) struct Shelved {
    /// What it was made from.
    pub(super) sheet: Sheet,
    /// Its settings, as of when it was left.
    pub(super) settings: Experiment,
}

/// What a person is told once the worker has confirmed a run.
#[derive(Debug)]
pub(super) struct Announcement {
    pub(super) level: Level,
    /// The step that it speaks of; `None` where the run stands.
    pub(super) step: Option<u64>,
    pub(super) text: String,
    pub(super) action: Option<NoticeAction>,
}

impl Announcement {
    /// Says something that undo takes back.
    pub(super) fn undoable(step: u64, text: String) -> Self {
        let action = NoticeAction { label: "Undo".into(), command: Command::Undo };
        Self { level: Level::Info, step: Some(step), text, action: Some(action) }
    }
}

/// A run that was asked for; the worker has not answered yet.
#[derive(Debug)]
pub(super) struct Switch {
    to: RunId,
    from: RunId,
    /// It is a new run, rather than one that is brought back.
    fresh: bool,
    /// What could be brought back in the run before.
    aside: Option<SetAside>,
    announcements: Vec<Announcement>,
}

impl Lab {
    /// Starts a run and forgets what belonged to the last one alone. `what` is what undo calls it. False, and told, where it can't start:
    /// then nothing changes.
    pub(super) fn begin(&mut self, sheet: Sheet, play: bool, what: &str, tell: Option<Announcement>) -> bool {
        if let Err(e) = sheet.authored.check() {
            let why = e.in_words(&sheet.authored.experiment.names());
            self.tell(Level::Warning, format!("{what}: {why}"));
            return false;
        }
        // What was recorded belongs to the run that is left.
        self.stop_recording();
        let start = Box::new(sheet.authored.clone());
        let announcements = tell.into_iter().chain(without_effect(&start)).collect();
        let run = self.switch_to_new(sheet, start.experiment.clone(), what, announcements);
        self.post(Message::Start { run, start, play });
        true
    }

    /// Believes in a run that is about to be asked for. `what` is what undo calls it.
    pub(super) fn switch_to_new(
        &mut self,
        sheet: Sheet,
        settings: Experiment,
        what: &str,
        announcements: Vec<Announcement>,
    ) -> RunId {
        let to = RunId(self.shelf.next);
        self.shelf.next += 1;
        let from = self.switch(to, Shelved { sheet, settings }, true, announcements);
        self.undoing.entries.end_gesture();
        self.undoing.entries.did(Entry::Run { from, to, what: what.to_owned() });
        self.undoing.entries.end_gesture();
        self.undoing.past_values = false;
        to
    }

    /// Brings a parked run back. False, and told, where it is gone.
    pub(super) fn resume(&mut self, run: RunId, tell: Option<Announcement>) -> bool {
        let Some(shelved) = self.shelf.runs.remove(&run) else {
            self.undoing.entries.forget(run);
            self.tell(Level::Warning, "That run is no longer in memory");
            return false;
        };
        // What was recorded belongs to the run that is left.
        self.stop_recording();
        self.switch(run, shelved, false, tell.into_iter().collect());
        self.post(Message::Resume(run));
        true
    }

    /// Shows another run from now on. Hands back the one before.
    fn switch(&mut self, to: RunId, shown: Shelved, fresh: bool, announcements: Vec<Announcement>) -> RunId {
        let before = Shelved {
            sheet: std::mem::replace(&mut self.sheet, shown.sheet),
            settings: std::mem::replace(&mut self.settings, shown.settings),
        };
        let from = std::mem::replace(&mut self.run, to);
        self.notices.follow(to);
        self.shelf.runs.insert(from, before);
        self.undoing.waits = 0;
        self.requests.count += 1;
        let aside = self.shelf.aside.take();
        self.requests.switches.push_back(Switch { to, from, fresh, aside, announcements });
        from
    }

    /// The worker confirms the run that was asked for first.
    pub(super) fn confirmed(&mut self, run: RunId) {
        if self.requests.switches.front().is_some_and(|s| s.to == run)
            && let Some(switch) = self.requests.switches.pop_front()
        {
            self.requests.announcements.extend(switch.announcements);
        }
        self.journal_follows();
    }

    /// Tells what was to be told of the runs that were confirmed.
    pub(super) fn announce(&mut self) {
        for Announcement { level, step, text, action } in std::mem::take(&mut self.requests.announcements) {
            self.notices.add(level, step.unwrap_or(self.snapshot.step), text, action);
        }
    }

    /// The worker declines the run that was asked for first, and goes on with `running`: everything is as if it had not been asked for.
    pub(super) fn declined(&mut self, run: RunId, running: RunId, reason: &str) {
        let Some(switch) = self.requests.switches.pop_front() else { return };
        match self.requests.switches.front_mut() {
            // Asked for later, in the belief that this one ran: what it really follows is what goes on.
            Some(next) => {
                if next.from == run {
                    next.from = running;
                    next.aside = switch.aside;
                    self.undoing.entries.redirect(next.to, run, running);
                }
                self.shelf.runs.remove(&run);
            }
            None => self.show_again(running, switch.aside),
        }
        if switch.fresh {
            self.undoing.entries.never(run);
        } else {
            self.undoing.entries.forget(run);
        }
        self.tell(Level::Warning, reason);
    }

    /// Shows the run that really runs, where another was believed in.
    pub(super) fn show_again(&mut self, running: RunId, aside: Option<SetAside>) {
        if let Some(Shelved { sheet, settings }) = self.shelf.runs.remove(&running) {
            self.sheet = sheet;
            self.settings = settings;
            self.run = running;
            self.notices.follow(running);
            self.shelf.aside = aside;
        }
    }

    /// A run was let go of to save memory.
    pub(super) fn forgotten(&mut self, run: RunId) {
        let nearest = matches!(self.undoing.entries.next_undo(), Some(Entry::Run { from, .. }) if *from == run);
        self.undoing.entries.forget(run);
        self.shelf.runs.remove(&run);
        if nearest {
            let most = moebias_engine::worker::KEPT_BYTES >> 20;
            let text = format!(
                "The run before is too large to be kept beside this one (at most {most} MiB are): it can't be brought back. Open its \
                 file again, or start anew"
            );
            self.tell(Level::Warning, text);
        }
        if self.shelf.aside.as_ref().is_some_and(|a| a.run == run) {
            self.shelf.aside = None;
        }
    }

    /// The past was changed: later events were set aside in a parked run.
    pub(super) fn branched(&mut self, run: RunId, step: u64, parked: RunId, events: &[Event]) {
        let of_run = if run == self.run {
            Some((self.sheet.clone(), self.settings.clone()))
        } else {
            self.shelf.runs.get(&run).map(|s| (s.sheet.clone(), s.settings.clone()))
        };
        if let Some((sheet, settings)) = of_run {
            self.shelf.runs.insert(parked, Shelved { sheet, settings });
        }
        self.recording_branches(step);
        if run == self.run {
            self.shelf.aside = Some(SetAside { run: parked, step, events: events.len() });
        }
        let with = match events {
            [] => String::new(),
            [one] => format!(", with {}", in_words(one)),
            [first, ..] => format!(", with {} later changes, the first being {}", events.len(), in_words(first)),
        };
        let action = NoticeAction { label: "Bring back".into(), command: Command::BringBack };
        let text = format!("New branch from step {step}; what came after it is set aside{with}");
        self.notices.add(Level::Info, step, text, Some(action));
    }

    /// Names what the scenario had planned for later and the new settings do not allow.
    pub(super) fn tell_left_out(&mut self, events: &[Event]) {
        let Some(first) = events.first() else { return };
        let more = match events.len() {
            1 => String::new(),
            2 => ", and so is another".into(),
            n => format!(", and so are {} others", n - 1),
        };
        let text = format!("With these settings, {} is not possible: it is left out{more}", in_words(first));
        self.tell(Level::Warning, text);
    }

    /// Brings back what was set aside.
    pub(super) fn bring_back(&mut self) {
        let Some(aside) = self.shelf.aside.clone() else { return };
        let from = self.run;
        if self.resume(aside.run, None) {
            self.undoing.entries.end_gesture();
            self.undoing.entries.did(Entry::Run { from, to: aside.run, what: "Bring back".into() });
            self.undoing.entries.end_gesture();
            self.undoing.past_values = false;
        }
    }
}

/// An event in the middle of a sentence: "the change at step 500 (skew 2)".
fn in_words(event: &Event) -> String {
    format!("the change at step {} ({})", event.step, event.change.words())
}

/// Says which timed events have no effect, and why.
fn without_effect(start: &Start) -> Option<Announcement> {
    let ignored = start.ignored();
    let first = ignored.first()?;
    let (step, change) = (first.event.step, &first.event.change);
    let more = match ignored.len() {
        1 => String::new(),
        2 => " Another change has none either.".into(),
        n => format!(" {} more have none either.", n - 1),
    };
    let why = first.why.in_words(&start.experiment.names());
    let text = format!("The change at step {step} ({}) has no effect. {why}.{more}", change.words());
    Some(Announcement { level: Level::Warning, step: Some(step), text, action: None })
}
