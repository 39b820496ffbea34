//! What is said where a scenario ends by itself: what was seen, and how to go on.

use super::Lab;
use super::command::Command;
use super::notices::{Level, NoticeAction};
use std::sync::PoisonError;

impl Lab {
    /// The run paused where its author wanted it to.
    pub(super) fn tell_end(&mut self, step: u64) {
        let title = &self.document().title;
        let ends = if title.is_empty() { "the scenario ends".into() } else { format!("“{title}” ends") };
        let key = if self.lesson().is_some() { "K" } else { "Space" };
        let text = format!(
            "Paused at step {step}, where {ends}. {}{key} goes on; or change a setting and watch what follows",
            self.seen()
        );
        let action = NoticeAction { label: "Go on".into(), command: Command::Play };
        self.notices.add(Level::Info, step, text, Some(action));
    }

    /// What became of the busiest expert, in words.
    fn seen(&self) -> String {
        let history = self.snapshot().history.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = history.variants.iter().filter_map(|v| {
            let (first, last) = (v.first()?, v.end()?.checked_sub(1)?);
            Some((v.at(first)?.high().max_vio + 1.0, v.at(last)?.high().max_vio + 1.0))
        });
        let ends: Vec<(f64, f64)> = ends.collect();
        match ends.as_slice() {
            [(first, last)] => format!("The busiest expert went from {first:.1} to {last:.1} times its fair share. "),
            [_, _, ..] => {
                let named = self.settings().variants.iter().zip(&ends);
                let each: Vec<String> = named.take(4).map(|(v, (_, last))| format!("{} {last:.1}", v.name)).collect();
                format!("Times its fair share that the busiest expert has at the end: {}. ", each.join("; "))
            }
            [] => String::new(),
        }
    }
}
