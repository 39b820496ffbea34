//! `moebias render`: draws the app or one of its panes offscreen at one step.

use super::failure::Failure;
use super::{RenderArgs, ThemeArg, output, window};
use crate::ui::export::film::size_of;
use crate::ui::export::studio::{Setting, Studio};
use crate::ui::shell::app::App;
use crate::ui::store::Stored;
use moebias_files::atomic::{self, Staged};
use moebias_files::export::save_png;
use moebias_files::view::PaneKind;
use moebias_files::{FileError, Loaded};
use moebias_lab::{Document, Lab};
use strum::IntoEnumIterator as _;

/// The smallest and largest side of a picture, pixels.
const SIDES: std::ops::RangeInclusive<u32> = 160..=8192;

/// Parses a size such as `1440x900`, pixels.
///
/// # Errors
/// The text is no size, or a side is out of range.
pub(super) fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once(['x', 'X', '×']).and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (w, h): (u32, u32) = sides.ok_or("a size is WIDTHxHEIGHT in pixels, such as 1440x900")?;
    if SIDES.contains(&w) && SIDES.contains(&h) {
        Ok((w, h))
    } else {
        Err(format!("each side must be from {} to {} pixels", SIDES.start(), SIDES.end()))
    }
}

/// Parses the name of a pane, as scenarios or the window write it.
///
/// # Errors
/// The name is unknown; the message lists all names.
pub(super) fn pane(text: &str) -> Result<PaneKind, String> {
    let is = |name: &PaneKind| {
        [format!("{name:?}"), name.name().to_owned()].iter().any(|n| n.eq_ignore_ascii_case(text.trim()))
    };
    PaneKind::iter().find(is).ok_or_else(|| {
        let names: Vec<String> = PaneKind::iter().map(|n| format!("{n:?} (“{}”)", n.name())).collect();
        format!("a pane is one of {}", names.join(", "))
    })
}

/// A lab without a window for pictures of a file.
pub(super) fn lab(loaded: &Loaded) -> Result<Lab, Failure> {
    let lab = Lab::beside(Document::of(loaded), moebias_lab::start_of(loaded))?;
    Ok(lab.with_recording(loaded.examined.clone()))
}

/// The last step to draw unless the command line says otherwise.
pub(super) fn end(loaded: &Loaded) -> u64 {
    let s = &loaded.scenario;
    let known = s.recorded.as_ref().map(|r| r.steps).or(s.stop).filter(|&end| end >= s.first_step());
    known.unwrap_or(s.first_step() + super::DEFAULT_STEPS)
}

/// Refuses a step before the run's first step.
pub(super) fn check_begun(loaded: &Loaded, step: u64) -> Result<(), Failure> {
    match loaded.scenario.first_step() {
        first if step < first => Err(Failure::new(crate::ui::export::studio::before(step, first))),
        _ => Ok(()),
    }
}

pub(super) fn render(args: &RenderArgs) -> Result<(), Failure> {
    let name = args.output.display();
    let is = |ending: &str| args.output.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    let drawing = is("svg");
    if !drawing && !is("png") {
        return Err(Failure::Usage(format!("{name}: a picture ends in .png or .svg")));
    }
    let loaded = window::load(Some(&args.file), &args.reading)?;
    let at = args.at.unwrap_or(end(&loaded));
    check_begun(&loaded, at)?;
    // An unwritable path is reported before the work, not after it.
    drop(Staged::new(&args.output).map_err(|e| FileError::write(&name.to_string(), &e))?);
    // SVG drawings are light by default because they are usually printed.
    let theme = args.theme.unwrap_or(if drawing { ThemeArg::Light } else { ThemeArg::Dark });
    let setting = Setting {
        size: args.size,
        scale: args.scale,
        dark: matches!(theme, ThemeArg::Dark),
        pane: args.pane,
        window: Stored::default(),
        // An SVG drawing has its own heading.
        caption: args.pane.is_some() && !drawing,
    };
    let mut studio = Studio::<App>::open(lab(&loaded)?, setting, !drawing).map_err(Failure::new)?;
    let mut progress = super::progress::Progress::new("Computing", at);
    let reached = studio.go_to(at, |step| {
        progress.at(step);
        true
    });
    drop(progress);
    reached.map_err(Failure::new)?;
    if drawing {
        let text = studio.drawing().text();
        atomic::write(&args.output, text.as_bytes()).map_err(|e| Failure::new(e.to_string()))?;
        let (w, h) = args.size;
        return output::print(&format!("{name}: step {at}, SVG of {w} × {h}, {}\n", size_of(text.len() as u64)));
    }
    let image = studio.image().map_err(Failure::new)?;
    save_png(&args.output, image.width(), image.height(), image.as_raw()).map_err(|e| Failure::new(e.to_string()))?;
    output::print(&format!("{name}: step {at}, {} × {} pixels\n", image.width(), image.height()))
}
