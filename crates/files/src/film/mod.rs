//! Films: a sequence of pictures as GIF, as lossless WebP, or as PNG files in a folder.
//!
//! A film is encoded in memory and saved at once; PNG files go to a temporary folder and are moved together at the end. So a film that is
//! given up leaves nothing behind, and an earlier film stays as it was. A frame contains only the rectangle that changed, which for a
//! growing plot is a strip.

mod gif;
mod palette;
mod webp;

use super::error::FileError;
use super::{atomic, export};
use moebias_disk::frames::Frames;
use std::io;
use std::path::Path;

/// The largest number of frames of a film.
pub const MOST_FRAMES: u64 = 3000;
/// The last step that can be pictured or filmed, since the run has to be computed up to there.
pub const MOST_STEP: u64 = 10_000_000;
/// The smallest and largest side of a picture, in pixels.
pub const SIDES: std::ops::RangeInclusive<u32> = 160..=4096;
/// The lowest and highest number of frames per second. Most viewers slow GIFs down above 50.
pub const RATES: std::ops::RangeInclusive<u32> = 1..=50;

/// The format of a film.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumIter)]
pub enum Format {
    /// Shown by every program; at most 255 colours per frame.
    #[default]
    Gif,
    /// Lossless and small; shown by browsers and most presentation programs.
    WebP,
    /// One numbered PNG file per frame, in a folder.
    Pngs,
}

impl Format {
    /// The format that a path implies: by its ending, or PNG files for a folder or a path that ends in a separator.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let text = path.to_string_lossy();
        match ending.as_deref() {
            _ if path.is_dir() || text.ends_with(['/', std::path::MAIN_SEPARATOR]) => Some(Self::Pngs),
            Some("gif") => Some(Self::Gif),
            Some("webp") => Some(Self::WebP),
            _ => None,
        }
    }

    /// The name of the format, for display.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Pngs => "PNG files",
        }
    }
}

/// The steps of a film: every `every`-th step of a range, and always its last.
///
/// # Errors
/// The range ends before it begins or after [`MOST_STEP`], or has too many frames; a sentence.
pub fn steps(from: u64, to: u64, every: u64) -> Result<Vec<u64>, String> {
    let every = every.max(1);
    if to > MOST_STEP {
        return Err(format!("a film to step {to} would take days: films end at step {MOST_STEP} at the latest"));
    }
    if to < from {
        return Err(format!(
            "a film from step {from} can't end at step {to}: the end must not come before the beginning"
        ));
    }
    let count = (to - from).div_ceil(every) + 1;
    if count > MOST_FRAMES {
        let enough = (to - from).div_ceil(MOST_FRAMES - 1);
        return Err(format!(
            "{count} frames are too many: a film has at most {MOST_FRAMES}. Take every {enough}th step, or fewer steps"
        ));
    }
    Ok((0..count).map(|i| (from + i * every).min(to)).collect())
}

/// A film that is being made.
pub enum Reel {
    /// A GIF.
    Gif(gif::Gif),
    /// A WebP.
    WebP(webp::WebP),
    /// PNG files.
    Pngs(Pngs),
}

/// PNG files in a folder.
pub struct Pngs {
    frames: Frames,
    size: (u32, u32),
}

impl Reel {
    /// Begins a film of pictures of `size` (width and height in pixels) at `fps` frames per second, to be saved at `path`.
    ///
    /// # Errors
    /// The folder is missing or can't be written to.
    pub fn new(format: Format, path: &Path, size: (u32, u32), fps: u32) -> Result<Self, FileError> {
        let fail = |e: io::Error| FileError::write(&path.display().to_string(), &e);
        if format == Format::Pngs {
            return Ok(Self::Pngs(Pngs { frames: Frames::new(path).map_err(fail)?, size }));
        }
        // Checks that the file can be written before the work and not only after it.
        drop(atomic::Staged::new(path).map_err(fail)?);
        Ok(match format {
            Format::Gif => Self::Gif(gif::Gif::new(size, fps).map_err(fail)?),
            _ => Self::WebP(webp::WebP::new(size, fps)),
        })
    }

    /// Adds an opaque picture of width × height × 4 bytes (RGBA).
    ///
    /// # Errors
    /// The picture has another size, or the operating system could not write it.
    pub fn push(&mut self, rgba: &[u8]) -> Result<(), String> {
        let (w, h) = match self {
            Self::Gif(film) => film.size(),
            Self::WebP(film) => film.size(),
            Self::Pngs(film) => film.size,
        };
        if rgba.len() as u64 != u64::from(w) * u64::from(h) * 4 {
            return Err(format!("a picture of {} bytes is not {w} × {h} pixels", rgba.len()));
        }
        match self {
            Self::Gif(film) => film.push(rgba).map_err(|e| e.to_string()),
            Self::WebP(film) => film.push(rgba).map_err(|e| e.to_string()),
            Self::Pngs(film) => film.push(rgba).map_err(|e| e.to_string()),
        }
    }

    /// Saves the film. Returns its size in bytes.
    ///
    /// # Errors
    /// The operating system could not write it; what was at the path before is then still there.
    pub fn finish(self, path: &Path) -> Result<u64, FileError> {
        let bytes = match self {
            Self::Gif(film) => film.finish().map_err(|e| FileError::write(&path.display().to_string(), &e))?,
            Self::WebP(film) => film.finish(),
            Self::Pngs(film) => {
                return film.frames.finish().map_err(|e| FileError::write(&path.display().to_string(), &e));
            }
        };
        atomic::write(path, &bytes)?;
        Ok(bytes.len() as u64)
    }
}

impl Pngs {
    fn push(&mut self, rgba: &[u8]) -> io::Result<()> {
        self.frames.push(&export::png(self.size.0, self.size.1, rgba)?)
    }
}

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

/// The smallest rectangle that contains every pixel that differs; `None` if none does.
fn changed(before: &[u8], now: &[u8], width: u32) -> Option<Part> {
    let row = width as usize * 4;
    type Rows<'a> = (&'a [u8], &'a [u8]);
    let rows: Vec<(usize, Rows<'_>)> =
        before.chunks_exact(row).zip(now.chunks_exact(row)).enumerate().filter(|(_, (a, b))| a != b).collect();
    let (top, bottom) = (rows.first()?.0, rows.last()?.0);
    let (mut left, mut right) = (width as usize, 0);
    for (_, (a, b)) in &rows {
        let differs = |x: usize| a[x * 4..x * 4 + 4] != b[x * 4..x * 4 + 4];
        left = (0..left).find(|&x| differs(x)).unwrap_or(left);
        right = (right..width as usize).rev().find(|&x| differs(x)).map_or(right, |x| right.max(x + 1));
    }
    Some(Part { left: left as u32, top: top as u32, width: (right - left) as u32, height: (bottom + 1 - top) as u32 })
}

/// The pixels of a rectangle, RGBA, row by row.
fn cut(rgba: &[u8], width: u32, part: Part) -> Vec<u8> {
    let row = width as usize * 4;
    let (from, to) = (part.left as usize * 4, (part.left + part.width) as usize * 4);
    let rows = rgba.chunks_exact(row).skip(part.top as usize).take(part.height as usize);
    rows.flat_map(|r| &r[from..to]).copied().collect()
}

#[cfg(test)]
mod tests;
