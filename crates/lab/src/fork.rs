//! "Fork here": adds a variant with the past and the present state of an existing one. The two differ only once a setting of one is
//! changed.

use super::Lab;
use super::notices::Level;
use super::runs::Announcement;
use super::sheet::Sheet;
use moebias_engine::message::Message;
use moebias_model::config::{Experiment, Variant};
use moebias_model::naming::{self, Name};

/// The largest number of variants that the window can show side by side.
pub const COMPARED: usize = 4;
/// The reason why another variant can't be added.
pub const ENOUGH: &str = "Four variants can be compared at once: remove one first";

impl Lab {
    /// The sheet of the run with a fork of variant `of`, and the settings of that run at the present step.
    ///
    /// # Errors
    /// The reason why the variant can't be forked, a sentence.
    pub(super) fn planned_fork(&self, of: usize) -> Result<(Sheet, Experiment), String> {
        let variants = &self.settings.variants;
        let like = variants.get(of).ok_or("There is no such variant")?;
        if variants.len() >= COMPARED {
            return Err(ENOUGH.into());
        }
        let mut sheet = self.sheet.clone();
        sheet.fork(of);
        let mut settings = self.settings.clone();
        settings.variants.push(Variant { name: Name::default(), ..like.clone() });
        naming::settle(&mut settings.variants);
        sheet.authored.check().map_err(|e| e.in_words(&sheet.authored.experiment.names()))?;
        settings.validate().map_err(|e| e.in_words(&settings.names()))?;
        Ok((sheet, settings))
    }

    pub(super) fn fork(&mut self, of: usize) {
        let (sheet, settings) = match self.planned_fork(of) {
            Ok(plan) => plan,
            Err(reason) => return self.tell(Level::Info, reason),
        };
        let like = self.settings.variants.get(of).map(|v| v.name.to_string()).unwrap_or_default();
        let step = self.snapshot.step;
        let text = format!(
            "One more variant, the same as “{like}” up to step {step} and on the same tokens. Change it to see them part"
        );
        let told = Announcement::undoable(step, text);
        let run = self.switch_to_new(sheet, settings, &format!("Fork of “{like}”"), vec![told]);
        self.post(Message::Fork { run, of });
    }
}
