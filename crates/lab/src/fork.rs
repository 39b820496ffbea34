//! "Fork here": one more variant with the past and the state of an existing one, which goes its own way once it is changed.

use super::Lab;
use super::notices::Level;
use super::runs::Announcement;
use super::sheet::Sheet;
use moebias_engine::message::Message;
use moebias_model::config::{Experiment, Variant};
use moebias_model::naming::{self, Name};

/// So many variants can be told apart when they are compared.
pub const COMPARED: usize = 4;
/// Why there can't be one more.
pub const ENOUGH: &str = "Four variants can be compared at once: remove one first";

impl Lab {
    /// A fork's sheet, and its settings as they are now.
    ///
    /// # Errors
    /// Why there can be none, in a sentence.
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
