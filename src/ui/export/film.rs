//! A film of a run: the run is repeated in a lab of its own, beside the run in the window, and drawn at one step after another.

use crate::ui::export::studio::{Drawn, Setting, Studio};
use moebias_files::film::{Format, RATES, Reel, SIDES, steps};
use moebias_lab::Lab;
use std::path::Path;

/// The settings of a film.
#[derive(Clone, Debug)]
pub struct Film {
    /// The first step shown.
    pub from: u64,
    /// The last step shown.
    pub to: u64,
    /// Steps from one frame to the next.
    pub every: u64,
    /// Frames per second.
    pub fps: u32,
    /// The file format.
    pub format: Format,
    /// How each frame looks.
    pub setting: Setting,
}

/// The result of making a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// The number of frames.
    pub frames: usize,
    /// Size on disk, in bytes.
    pub bytes: u64,
}

impl Film {
    /// The steps that the film shows, one per frame.
    ///
    /// # Errors
    /// Why no such film can be made, in a sentence: a size, a frame rate or steps outside the limits.
    pub fn steps(&self) -> Result<Vec<u64>, String> {
        let (w, h) = self.setting.size;
        if !SIDES.contains(&w) || !SIDES.contains(&h) {
            return Err(format!("each side of a film must be from {} to {} pixels", SIDES.start(), SIDES.end()));
        }
        if !RATES.contains(&self.fps) {
            return Err(format!("a film has from {} to {} frames per second", RATES.start(), RATES.end()));
        }
        steps(self.from, self.to, self.every)
    }

    /// Makes the film of the lab's run and saves it at `path`. `report` receives the share done, in \[0, 1], and returns whether to go on.
    ///
    /// # Errors
    /// Why the film could not be made, drawn or written, or that it was cancelled, in a sentence. Nothing is left on disk then.
    pub fn make<A: Drawn>(&self, lab: Lab, path: &Path, mut report: impl FnMut(f64) -> bool) -> Result<Made, String> {
        let steps = self.steps()?;
        let mut reel = Reel::new(self.format, path, self.setting.size, self.fps).map_err(|e| e.to_string())?;
        let mut studio = Studio::<A>::open(lab, self.setting.clone(), true)?;
        // Computing the steps up to the first frame may take as long as all frames together.
        let (first, frames) = (self.from.max(1) as f64, steps.len() as f64);
        for (i, step) in steps.iter().enumerate() {
            let done = if i == 0 { 0.0 } else { 0.1 + 0.9 * i as f64 / frames };
            studio.go_to(*step, |at| report(if i == 0 { 0.1 * at as f64 / first } else { done }))?;
            if !report(done) {
                return Err("it was cancelled".into());
            }
            reel.push(studio.image()?.as_raw())?;
        }
        let bytes = reel.finish(path).map_err(|e| e.to_string())?;
        report(1.0);
        Ok(Made { frames: steps.len(), bytes })
    }
}

/// A number of bytes in words.
#[must_use]
pub fn size_of(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        more => format!("{:.1} MB", more as f64 / 1e6),
    }
}
