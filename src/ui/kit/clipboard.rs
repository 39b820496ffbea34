//! Copies pictures to the system's clipboard.

use arboard::{Clipboard, Error, ImageData};
use eframe::egui::{Color32, ColorImage};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// The system's clipboard. On X11 and Wayland its content is lost when the program that copied it closes the clipboard, so it is kept open.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Option<Clipboard>>>);

impl Board {
    /// Copies a picture.
    ///
    /// # Errors
    /// The system has no clipboard or refuses the picture; a sentence says which.
    pub fn copy(&self, image: &ColorImage) -> Result<(), String> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut board = match held.take() {
            Some(board) => board,
            None => Clipboard::new().map_err(|e| sentence(&e))?,
        };
        let [width, height] = image.size;
        let bytes: Vec<u8> = image.pixels.iter().flat_map(Color32::to_array).collect();
        let copied = board.set_image(ImageData { width, height, bytes: Cow::Owned(bytes) });
        // After an error the clipboard is not kept, so the next copy opens it again.
        copied.map_err(|e| sentence(&e))?;
        *held = Some(board);
        Ok(())
    }
}

fn sentence(error: &Error) -> String {
    let why = match error {
        Error::ClipboardNotSupported => "this system has none that accepts pictures".to_owned(),
        Error::ClipboardOccupied => "another program is using it. Try again".to_owned(),
        other => other.to_string(),
    };
    format!("Nothing was copied: the clipboard can't be used, {why}. “Save picture…” always works")
}
