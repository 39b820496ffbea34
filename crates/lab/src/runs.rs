//! The run that the lab shows, and the others in memory.
//!
//! The lab shows a requested run at once, without waiting for the worker. If the worker declines the run, the lab restores what it changed:
//! run, sheet, settings, undo, and the messages that were to follow. A new run first passes the same check that the worker makes
//! ([`Start::check`](moebias_engine::start::Start::check)).

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
    /// What the run was made from.
    pub(super) sheet: Sheet,
    /// The settings of the run when it was last shown.
    pub(super) settings: Experiment,
}

/// A message that is shown once the worker has confirmed a run.
#[derive(Debug)]
pub(super) struct Announcement {
    pub(super) level: Level,
    /// The step that the message is about; `None` for the run's present step.
    pub(super) step: Option<u64>,
    pub(super) text: String,
    pub(super) action: Option<NoticeAction>,
}

impl Announcement {
    /// A message about something that can be undone, with a button for undo.
    pub(super) fn undoable(step: u64, text: String) -> Self {
        let action = NoticeAction { label: "Undo".into(), command: Command::Undo };
        Self { level: Level::Info, step: Some(step), text, action: Some(action) }
    }
}

/// A request for a run that the worker has not answered yet.
#[derive(Debug)]
pub(super) struct Switch {
    to: RunId,
    from: RunId,
    /// Whether the run is new; false if it is brought back.
    fresh: bool,
    /// The steps that were set aside in the run before, to be restored if the worker declines.
    aside: Option<SetAside>,
    announcements: Vec<Announcement>,
}

impl Lab {
    /// Starts a new run. `what` names its undo entry, `tell` is shown once the worker has confirmed it. If the run can't start, tells the
    /// user why, changes nothing and returns false.
    pub(super) fn begin(&mut self, sheet: Sheet, play: bool, what: &str, tell: Option<Announcement>) -> bool {
        if let Err(e) = sheet.authored.check() {
            let why = e.in_words(&sheet.authored.experiment.names());
            self.tell(Level::Warning, format!("{what}: {why}"));
            return false;
        }
        // A recording belongs to the run that is left, so it ends here.
        self.stop_recording();
        let start = Box::new(sheet.authored.clone());
        let announcements = tell.into_iter().chain(without_effect(&start)).collect();
        let run = self.switch_to_new(sheet, start.experiment.clone(), what, announcements);
        self.post(Message::Start { run, start, play });
        true
    }

    /// Shows a new run that the caller then requests from the worker. `what` names its undo entry. Returns the id of the run.
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

    /// Brings a parked run back. If it is no longer in memory, tells the user and returns false.
    pub(super) fn resume(&mut self, run: RunId, tell: Option<Announcement>) -> bool {
        let Some(shelved) = self.shelf.runs.remove(&run) else {
            self.undoing.entries.forget(run);
            self.tell(Level::Warning, "That run is no longer in memory");
            return false;
        };
        // A recording belongs to the run that is left, so it ends here.
        self.stop_recording();
        self.switch(run, shelved, false, tell.into_iter().collect());
        self.post(Message::Resume(run));
        true
    }

    /// Shows another run. Returns the id of the run shown before.
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

    /// The worker confirmed a run, which is the oldest request for a run.
    pub(super) fn confirmed(&mut self, run: RunId) {
        if self.requests.switches.front().is_some_and(|s| s.to == run)
            && let Some(switch) = self.requests.switches.pop_front()
        {
            self.requests.announcements.extend(switch.announcements);
        }
        self.journal_follows();
    }

    /// Shows the messages about the runs that were confirmed.
    pub(super) fn announce(&mut self) {
        for Announcement { level, step, text, action } in std::mem::take(&mut self.requests.announcements) {
            self.notices.add(level, step.unwrap_or(self.snapshot.step), text, action);
        }
    }

    /// The worker declined the oldest request for a run and continues with `running`. Undoes everything that the request changed in the
    /// lab.
    pub(super) fn declined(&mut self, run: RunId, running: RunId, reason: &str) {
        let Some(switch) = self.requests.switches.pop_front() else { return };
        match self.requests.switches.front_mut() {
            // The next request was made while the declined run was shown. It really follows the run that continues.
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

    /// Shows the run that the worker really has, in place of one that it did not start.
    pub(super) fn show_again(&mut self, running: RunId, aside: Option<SetAside>) {
        if let Some(Shelved { sheet, settings }) = self.shelf.runs.remove(&running) {
            self.sheet = sheet;
            self.settings = settings;
            self.run = running;
            self.notices.follow(running);
            self.shelf.aside = aside;
        }
    }

    /// The worker dropped a parked run to save memory.
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

    /// A setting was changed at an earlier step, and the worker parked a run with the later steps. `events` are the later changes that the
    /// new branch no longer has.
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

    /// Tells the user which later events of the scenario are left out because the new settings do not allow them.
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

    /// Brings back the steps that were set aside last.
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

/// Names an event within a sentence: "the change at step 500 (skew 2)".
fn in_words(event: &Event) -> String {
    format!("the change at step {} ({})", event.step, event.change.words())
}

/// A message that names the timed events without effect and the reason; `None` if there are none.
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
