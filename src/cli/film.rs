//! `moebias film`: renders a run as a GIF, WebP or PNG files, without a display.

use super::failure::Failure;
use super::progress::Progress;
use super::{FilmArgs, ThemeArg, output, render, window};
use crate::ui::export::film::{Film, size_of};
use crate::ui::export::studio::Setting;
use crate::ui::shell::app::App;
use moebias_files::film::Format;

/// Resolution of the progress bar.
const PARTS: u64 = 1000;

pub(super) fn film(args: &FilmArgs) -> Result<(), Failure> {
    let Some(format) = Format::of(&args.output) else {
        let name = args.output.display();
        return Err(Failure::Usage(format!(
            "{name}: a film ends in .gif or .webp, or is a folder for PNG files, written with a slash at its end"
        )));
    };
    let loaded = window::load(Some(&args.file), &args.reading)?;
    let end = render::end(&loaded);
    // A run shows nothing before its first step.
    let from = args.from.unwrap_or((loaded.scenario.first_step() + 1).min(end));
    let film = Film {
        from,
        to: args.to.unwrap_or(end.max(from)),
        every: args.every,
        fps: args.fps,
        format,
        setting: Setting {
            size: args.size,
            scale: args.scale,
            dark: matches!(args.theme, ThemeArg::Dark),
            pane: args.pane,
            window: Default::default(),
            caption: true,
        },
    };
    film.steps().map_err(Failure::Usage)?;
    render::check_begun(&loaded, from)?;
    let lab = render::lab(&loaded)?;
    let mut progress = Progress::new("Filming", PARTS);
    let made = film.make::<App>(lab, &args.output, |share| {
        progress.at((share * PARTS as f64) as u64);
        true
    });
    drop(progress);
    let made = made.map_err(Failure::new)?;
    let (w, h) = args.size;
    let seconds = made.frames as f64 / f64::from(args.fps);
    output::print(&format!(
        "{}: {}, {} frames of {w} × {h} pixels, {seconds:.1} s, {}\n",
        args.output.display(),
        format.name(),
        made.frames,
        size_of(made.bytes)
    ))
}
