//! `moebias render`: the real app, drawn offscreen at one step.

use super::failure::Failure;
use super::{RenderArgs, ThemeArg, output, window};
use crate::engine::EngineChoice;
use crate::lab::command::Command;
use crate::lab::{Lab, places};
use crate::scenario::export::save_png;
use crate::ui::app::{App, Options};
use crate::ui::store::Stored;
use eframe::egui::epaint::text::MissingGlyphPolicy;
use eframe::egui::{Theme, vec2};
use egui_kittest::Harness;
use std::time::{Duration, Instant};

/// Frames until everything stands where it belongs: panes measure themselves in the first ones.
const FRAMES: usize = 6;
/// Smallest and largest picture, pixels on a side.
const SIDES: std::ops::RangeInclusive<u32> = 480..=8192;

/// A size as `1440x900`.
///
/// # Errors
/// Anything else, or a side outside its range.
pub(super) fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once(['x', 'X', '×']).and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (w, h): (u32, u32) = sides.ok_or("a size is WIDTHxHEIGHT in pixels, as 1440x900")?;
    if SIDES.contains(&w) && SIDES.contains(&h) {
        Ok((w, h))
    } else {
        Err(format!("each side must be from {} to {} pixels", SIDES.start(), SIDES.end()))
    }
}

pub(super) fn render(args: &RenderArgs) -> Result<(), Failure> {
    // A picture is of its file: what an earlier session left unfinished is not offered in it.
    let nowhere = tempfile::tempdir().map_err(|e| Failure::new(format!("no temporary folder: {e}")))?;
    places::keep_in(nowhere.path());
    let loaded = window::load(Some(&args.file))?;
    let mut lab = Lab::open(&loaded, EngineChoice::Cpu, || {})?;
    let recorded = loaded.scenario.recorded.as_ref().map(|r| r.steps);
    let at = args.at.or(recorded).or(loaded.scenario.stop).unwrap_or(super::DEFAULT_STEPS);
    go_to(&mut lab, at)?;
    adapter()?;
    let at = lab.snapshot().step;
    let (width, height) = args.size;
    let scale = args.scale;
    let dark = matches!(args.theme, ThemeArg::Dark);
    let mut harness = Harness::builder()
        .with_size(vec2(width as f32, height as f32) / scale)
        .with_pixels_per_point(scale)
        .with_max_steps(64)
        .with_theme(if dark { Theme::Dark } else { Theme::Light })
        .wgpu()
        .build_eframe(|cc| {
            // A title may hold what no font has: a box then, as in the window.
            cc.egui_ctx.set_missing_glyph_policy(MissingGlyphPolicy::Tofu);
            let stored = Stored { dark: Some(dark), ..Stored::default() };
            App::new(&cc.egui_ctx, lab, stored, Options::default())
        });
    // The worker answers what the panes ask of it between frames.
    for _ in 0..FRAMES {
        harness.run_steps(2);
        std::thread::sleep(Duration::from_millis(15));
    }
    harness.run_steps(2);
    let image = harness.render().map_err(|e| Failure::new(format!("nothing could be drawn: {e}")))?;
    save_png(&args.output, image.width(), image.height(), image.as_raw()).map_err(|e| Failure::new(e.to_string()))?;
    output::print(&format!("{}: step {at}, {} × {} pixels\n", args.output.display(), image.width(), image.height()))
}

/// Computes up to a step, however long it takes.
fn go_to(lab: &mut Lab, step: u64) -> Result<(), Failure> {
    lab.send(Command::Seek(step));
    let mut progress = super::progress::Progress::new("Computing", step);
    let mut moved = (Instant::now(), 0);
    loop {
        lab.poll();
        let snapshot = lab.snapshot();
        if snapshot.step >= step && snapshot.seeking.is_none() {
            return Ok(());
        }
        let at = snapshot.seeking.map_or(snapshot.step, |s| s.at);
        if at != moved.1 {
            moved = (Instant::now(), at);
        } else if moved.0.elapsed() > Duration::from_secs(120) {
            return Err(Failure::new(format!("step {step} was not reached: the run stands at step {at}")));
        }
        progress.at(at);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether anything can draw; the offscreen renderer would panic without.
fn adapter() -> Result<(), Failure> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    if found.is_empty() {
        let text = "nothing here can draw: neither Vulkan, Metal, Direct3D nor OpenGL. On Debian or Ubuntu: apt install mesa-vulkan-drivers";
        return Err(Failure::new(text));
    }
    Ok(())
}
