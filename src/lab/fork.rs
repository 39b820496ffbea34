//! "Fork here": one more variant with the past and the state of an existing one, which goes its own way once it is changed.

use super::Lab;
use super::command::Command;
use super::notices::{Level, NoticeAction};
use super::undo::Entry;
use crate::engine::message::{Message, RunId};
use crate::model::config::Variant;

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
        let names = |n: u32| if n == 1 { "Fork".to_owned() } else { format!("Fork {n}") };
        let free = |name: &String| variants.iter().all(|v| v.name != *name);
        let name = (1..).map(names).find(free).unwrap_or_default();
        let mut sheet = self.sheet.clone();
        sheet.fork(of, &name);
        if let Err(e) = sheet.authored.experiment.validate() {
            self.tell(Level::Warning, e.to_string());
            return;
        }
        let (from, run) = (self.run, RunId(self.next_run));
        self.next_run += 1;
        let text = format!(
            "{name} is {} up to step {}, on the same tokens: change it to see them part",
            like.name, self.snapshot.step
        );
        self.settings.variants.push(Variant { name: name.clone(), ..like });
        let old = std::mem::replace(&mut self.sheet, sheet);
        self.sheets.insert(from, old);
        self.run = run;
        self.set_aside = None;
        self.asked += 1;
        self.undo.did(Entry::Run {
            from,
            to: run,
            what: format!("{name} of {}", variant_name(&self.settings.variants, of)),
        });
        self.undo.end_gesture();
        self.post(Message::Fork { run, of, name });
        let action = NoticeAction { label: "Undo".into(), command: Command::Undo };
        self.notices.add(Level::Info, self.snapshot.step, text, Some(action));
    }
}

fn variant_name(variants: &[Variant], i: usize) -> &str {
    variants.get(i).map_or("", |v| v.name.as_str())
}
