//! The message where a scenario pauses by itself: what happened in it, and how to continue.

use super::Lab;
use super::command::Command;
use super::notices::{Level, NoticeAction};
use std::sync::PoisonError;

impl Lab {
    /// The key that plays and pauses: Space, or K while a lesson is open, because Space then turns its pages.
    #[must_use]
    pub fn play_key(&self) -> &'static str {
        if self.lesson().is_some() { "K" } else { "Space" }
    }

    /// Tells the user that the run paused at the step that its author chose.
    pub(super) fn tell_end(&mut self, step: u64) {
        let title = &self.document().title;
        let ends = if title.is_empty() { "the scenario ends".into() } else { format!("“{title}” ends") };
        let (seen, key) = (self.seen(), self.play_key());
        let text = format!(
            "Paused at step {step}, where {ends}.\n{seen}Press {key} to go on; change a setting first if you like."
        );
        let action = NoticeAction { label: "Go on".into(), command: Command::Play };
        self.notices.add(Level::Info, step, text, Some(action));
    }

    /// The load of the busiest expert in fair shares: at the first and the last step of a single variant, or at the last step of each of
    /// several. Every line ends with a line break; empty if no step was done.
    fn seen(&self) -> String {
        let history = self.snapshot().history.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = history.variants.iter().filter_map(|v| {
            let (first, last) = (v.first()?, v.end()?.checked_sub(1)?);
            Some((v.at(first)?.high().max_vio + 1.0, v.at(last)?.high().max_vio + 1.0))
        });
        let ends: Vec<(f64, f64)> = ends.collect();
        match ends.as_slice() {
            [(first, last)] => format!("The busiest expert went from {first:.1} to {last:.1} times its fair share.\n"),
            [_, _, ..] => {
                let named = self.settings().variants.iter().zip(&ends);
                let each = named.map(|(v, (_, last))| format!("{}: {last:.1}×\n", v.name));
                let each: String = each.collect();
                format!("Load of the busiest expert, in fair shares:\n{each}")
            }
            [] => String::new(),
        }
    }
}
