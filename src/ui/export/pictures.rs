//! Pictures of the window or of one pane, as PNG files or in the clipboard. They are taken from the next frame and written on a thread of
//! their own.

use crate::ui::kit::clipboard::Board;
use eframe::egui::{Color32, ColorImage, Context, Rect, pos2};
use moebias_files::export::save_png;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};

/// The outcome of a picture in a sentence: where it is, or why it could not be made.
pub type Outcome = Result<String, String>;

/// Where a picture goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A PNG file.
    File(PathBuf),
    /// The clipboard.
    Clipboard,
}

/// Takes pictures and collects their outcomes.
pub struct Pictures {
    done: Sender<Outcome>,
    outcomes: Receiver<Outcome>,
    board: Board,
}

impl Default for Pictures {
    fn default() -> Self {
        let (done, outcomes) = mpsc::channel();
        Self { done, outcomes, board: Board::default() }
    }
}

impl Pictures {
    /// Takes a picture of the next frame, or of `part` of it (in points).
    pub fn take(&self, ctx: &Context, goal: Goal, part: Option<Rect>) {
        let (scale, board) = (ctx.pixels_per_point(), self.board.clone());
        let (done, wake) = (self.done.clone(), ctx.clone());
        ctx.request_screenshot(move |image| {
            beside(done, wake, move || {
                let image = part.map_or_else(|| (*image).clone(), |p| cut(&image, p * scale));
                match goal {
                    Goal::File(path) => write(&image, &path),
                    Goal::Clipboard => board.copy(&image).map(|()| copied(image.size)),
                }
            });
        });
        ctx.request_repaint();
    }

    /// Does other work on a thread of its own; [`Self::poll`] returns its outcome as well.
    pub fn work(&self, ctx: &Context, work: impl FnOnce() -> Outcome + Send + 'static) {
        beside(self.done.clone(), ctx.clone(), work);
    }

    /// The outcome of the next picture that is done; `None` if there is none yet.
    pub fn poll(&self) -> Option<Outcome> {
        self.outcomes.try_recv().ok()
    }
}

fn beside(done: Sender<Outcome>, wake: Context, work: impl FnOnce() -> Outcome + Send + 'static) {
    let work = move || {
        done.send(work()).ok();
        wake.request_repaint();
    };
    if let Err(e) = std::thread::Builder::new().name("moebias-picture".into()).spawn(work) {
        log::error!("no thread to write the picture with: {e}");
    }
}

fn copied([width, height]: [usize; 2]) -> String {
    format!("Copied a picture of {width} × {height} pixels")
}

fn write(image: &ColorImage, path: &Path) -> Outcome {
    let [width, height] = image.size;
    let rgba: Vec<u8> = image.pixels.iter().flat_map(Color32::to_array).collect();
    save_png(path, width as u32, height as u32, &rgba).map_err(|e| e.to_string())?;
    Ok(format!("Saved {}", path.display()))
}

/// The part of a picture inside `part`, in pixels.
fn cut(image: &ColorImage, part: Rect) -> ColorImage {
    let [width, height] = image.size;
    let part = part.intersect(Rect::from_min_max(pos2(0.0, 0.0), pos2(width as f32, height as f32)));
    let (left, top) = (part.left().round() as usize, part.top().round() as usize);
    let (right, bottom) = (part.right().round() as usize, part.bottom().round() as usize);
    let rows = image.pixels.chunks_exact(width.max(1)).take(bottom).skip(top);
    let pixels: Vec<_> = rows.flat_map(|row| row[left.min(right)..right].iter().copied()).collect();
    ColorImage::new([right.saturating_sub(left), bottom.saturating_sub(top)], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_cut_out_exactly() {
        let pixels = (0..12).map(Color32::from_gray).collect();
        let image = ColorImage::new([4, 3], pixels);
        let part = cut(&image, Rect::from_min_max(pos2(1.0, 1.0), pos2(3.0, 9.0)));
        assert_eq!(part.size, [2, 2]);
        assert_eq!(part.pixels, [5, 6, 9, 10].map(Color32::from_gray));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write(&image, &path).unwrap();
        assert_eq!(image::open(&path).unwrap().to_rgba8().dimensions(), (4, 3));
        assert!(write(&image, &folder.path().join("no/such/a.png")).is_err());
    }

    #[test]
    fn a_picture_is_copied_or_it_is_said_why_not() {
        match Board::default().copy(&ColorImage::filled([2, 2], Color32::RED)) {
            Ok(()) => {}
            Err(said) => assert!(said.starts_with("Nothing was copied") && said.contains("Save picture"), "{said}"),
        }
    }
}
