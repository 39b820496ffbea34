//! "Fork here": one more variant with the past and the state of an existing one, which goes its own way once it is changed.

use super::Lab;
use super::command::Command;
use super::notices::{Level, NoticeAction};
use super::undo::Entry;
use crate::engine::message::{Message, RunId};
use crate::model::config::Variant;
use crate::model::naming::{self, Name};

/// So many variants can be told apart when they are compared.
pub const COMPARED: usize = 4;
/// Why there can't be one more.
pub const ENOUGH: &str = "Four variants can be compared at once: remove one first";

impl Lab {
    pub(super) fn fork(&mut self, of: usize) {
        let variants = &self.settings.variants;
        let Some(like) = variants.get(of).cloned() else { return };
        if variants.len() >= COMPARED {
            self.tell(Level::Info, ENOUGH);
            return;
        }
        let mut sheet = self.sheet.clone();
        sheet.fork(of);
        if let Err(e) = sheet.authored.experiment.validate() {
            self.tell(Level::Warning, e.in_words(&sheet.authored.experiment.names()));
            return;
        }
        let (from, run) = (self.run, RunId(self.next_run));
        self.next_run += 1;
        let text = format!(
            "One more variant, the same as “{}” up to step {} and on the same tokens. Change it to see them part",
            like.name, self.snapshot.step
        );
        let what = format!("Fork of “{}”", like.name);
        self.settings.variants.push(Variant { name: Name::default(), ..like });
        naming::settle(&mut self.settings.variants);
        let old = std::mem::replace(&mut self.sheet, sheet);
        self.sheets.insert(from, old);
        self.run = run;
        self.set_aside = None;
        self.asked += 1;
        self.undo.did(Entry::Run { from, to: run, what });
        self.undo.end_gesture();
        self.post(Message::Fork { run, of });
        let action = NoticeAction { label: "Undo".into(), command: Command::Undo };
        self.notices.add(Level::Info, self.snapshot.step, text, Some(action));
    }
}
