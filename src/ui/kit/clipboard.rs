//! Pictures in the system's clipboard.

use arboard::{Clipboard, Error, ImageData};
use eframe::egui::{Color32, ColorImage};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// The system's clipboard. On X11 and Wayland what was copied is gone with the program that holds it, so it is kept open.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Option<Clipboard>>>);

impl Board {
    /// Puts a picture there.
    ///
    /// # Errors
    /// There is no clipboard, or it takes no picture: in a sentence.
    pub fn copy(&self, image: &ColorImage) -> Result<(), String> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut board = match held.take() {
            Some(board) => board,
            None => Clipboard::new().map_err(|e| sentence(&e))?,
        };
        let [width, height] = image.size;
        let bytes: Vec<u8> = image.pixels.iter().flat_map(Color32::to_array).collect();
        let copied = board.set_image(ImageData { width, height, bytes: Cow::Owned(bytes) });
        // One that failed is opened anew next time.
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
