//! Why a command can't be done now: the one place that menus, the palette and the lab itself ask.

use super::command::Command;
use super::command::LessonDo;
use super::notices::Level;
use super::{DEAD, Lab};
use moebias_model::change::{Change, Target};
use moebias_model::step::check;

/// Why nothing of a log of selections can be routed again.
pub const ONLY_WATCHED: &str = "This recording holds no scores: it can be watched, but not routed again";

impl Lab {
    /// Why a command can't be done now, in a sentence; `None` where it can. What [`Lab::send`] refuses, it refuses with the same sentence.
    ///
    /// ```
    /// use moebias_engine::EngineChoice;
    /// use moebias_lab::{Lab, command::Command};
    ///
    /// # moebias_lab::places::keep_in(tempfile::tempdir()?.path());
    /// let loaded = moebias_files::shipped::find("first-look").expect("it ships").load()?;
    /// let lab = Lab::open(&loaded, EngineChoice::Cpu, || {})?;
    /// assert_eq!(lab.why_not(&Command::Undo).as_deref(), Some("There is nothing to undo"));
    /// assert_eq!(lab.why_not(&Command::Play), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn why_not(&self, command: &Command) -> Option<String> {
        if self.dead && !self.can_do_without_worker(command) {
            return Some(DEAD.into());
        }
        let unless = |possible: bool, why: &str| (!possible).then(|| why.to_owned());
        match command {
            Command::Change { target, change } => self.refuses(*target, std::slice::from_ref(change)),
            Command::ChangeTogether { target, changes } => self.refuses(*target, changes),
            Command::Fork(of) => self.planned_fork(*of).err(),
            Command::Rename { variant, name } => self.cant_call(*variant, name.as_deref()),
            Command::Undo => unless(self.undoing.entries.next_undo().is_some(), "There is nothing to undo"),
            Command::Redo => unless(self.undoing.entries.next_redo().is_some(), "There is nothing to redo"),
            Command::BringBack => unless(self.shelf.aside.is_some(), "Nothing was set aside"),
            Command::Restore | Command::DiscardUnfinished => {
                unless(self.unfinished().is_some(), "No run was left unfinished")
            }
            Command::CancelSeek => unless(self.snapshot.seeking.is_some(), "No step is being computed again"),
            Command::CancelJob => unless(self.job().is_some(), "Nothing is being read or written"),
            Command::StartSweep(request) => {
                self.plan_sweep(request).err().map(|e| format!("The sweep did not start: {e}"))
            }
            Command::GoOnWithSweep | Command::CancelSweep | Command::SaveSweep(_) => {
                unless(self.sweep().is_some(), "There is no sweep: start one first")
            }
            Command::ShowLayer(_) | Command::ReadAs(_) | Command::RouteLayers { .. } => self.cant_read(command),
            other => self.planned(other).err(),
        }
    }

    /// Why changes can't be made, if so.
    fn refuses(&self, target: Target, changes: &[Change]) -> Option<String> {
        let mut settings = self.settings().clone();
        let trace = self.sheet.authored.trace.as_deref();
        let refused = changes.iter().find_map(|c| check::change(&mut settings, trace, target, c).err());
        refused.map(|e| e.in_words(&settings.names()))
    }

    /// Says, where a person asked for something that needs the worker, that there is none. True if it is answered.
    pub(super) fn says_dead(&mut self, command: &Command) -> bool {
        if self.can_do_without_worker(command) {
            return false;
        }
        // What panes ask for by themselves, nobody waits for.
        let by_itself = matches!(
            command,
            Command::SetView(_)
                | Command::SetTheory(_)
                | Command::SetFigures(_)
                | Command::SetMicroscope(_)
                | Command::Detail(..)
        );
        if !by_itself {
            self.tell(Level::Error, DEAD);
        }
        true
    }

    /// Saving what is known, and what is done on other threads.
    fn can_do_without_worker(&self, command: &Command) -> bool {
        match command {
            Command::ToggleRecord => self.recording_since().is_some(),
            Command::Lesson(what) => matches!(what, LessonDo::Close | LessonDo::Hint),
            other => matches!(
                other,
                Command::SaveAs(_)
                    | Command::ShowFolder(_)
                    | Command::Describe { .. }
                    | Command::SaveWithView(..)
                    | Command::ExportCsv(_)
                    | Command::CancelJob
                    | Command::DiscardUnfinished
                    | Command::CancelSweep
                    | Command::SaveSweep(_)
            ),
        }
    }
}
