//! Why a command can't be carried out now. Menus and the palette ask here, and get the sentence with which the lab itself refuses the
//! command.

use super::command::Command;
use super::command::LessonDo;
use super::notices::Level;
use super::{DEAD, Lab};
use moebias_model::change::{Change, Target};
use moebias_model::step::check;

/// The reason why tokens can't be routed again if only selections were recorded.
pub const ONLY_WATCHED: &str = "This recording holds no scores: it can be watched, but not routed again";

impl Lab {
    /// The reason why a command can't be carried out now, a sentence; `None` if it can. If [`Lab::send`] refuses a command, it shows the
    /// same sentence.
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
            Command::CompareWith(_) => self.cant_compare(),
            other => self.planned(other).err(),
        }
    }

    /// The reason why changes are not valid; `None` if they are.
    fn refuses(&self, target: Target, changes: &[Change]) -> Option<String> {
        let mut settings = self.settings().clone();
        let trace = self.sheet.authored.trace.as_deref();
        let refused = changes.iter().find_map(|c| check::change(&mut settings, trace, target, c).err());
        refused.map(|e| e.in_words(&settings.names()))
    }

    /// Answers a command that needs the worker once the worker's thread has ended. Returns true if the command is answered and must not be
    /// carried out.
    pub(super) fn says_dead(&mut self, command: &Command) -> bool {
        if self.can_do_without_worker(command) {
            return false;
        }
        // The user did not give these commands and expects no answer: panes send them when they are drawn.
        let by_itself = matches!(
            command,
            Command::SetView(_)
                | Command::SetTheory(_)
                | Command::SetFigures(_)
                | Command::SetMicroscope(_)
                | Command::SetRoutes(_)
                | Command::Detail(..)
        );
        if !by_itself {
            self.tell(Level::Error, DEAD);
        }
        true
    }

    /// Whether a command works without the worker: saving the last snapshot, and everything that other threads do.
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
                    | Command::CompareWith(_)
                    | Command::DiscardUnfinished
                    | Command::CancelSweep
                    | Command::SaveSweep(_)
            ),
        }
    }
}
