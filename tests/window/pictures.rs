//! Compares pictures of screens and panes, in both themes, with those in `tests/window/snapshots/`. A software adapter draws them, which
//! gives the same pixels on every machine, up to one shade at the edges of letters. `MOEBIAS_UPDATE=1 cargo test --test window pictures`
//! regenerates them; look at them before you commit them. If a picture differs, the new picture and the difference are saved beside it as
//! `NAME.new.png` and `NAME.diff.png`.

use crate::driver::*;
use crate::recordings;
use eframe::egui::{Key, vec2};
use image::{Rgba, RgbaImage};
use moebias::ui::export::studio::{Setting, Studio};
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_model::sweep::Axis;
use moebias_testing::{or_skip, wait_until};
use std::path::PathBuf;

/// The bits of a channel that are kept, which makes the files a third as large.
const SHADES: u8 = 0xf0;
/// The largest difference of a channel that is ignored: one shade, as at the edges of letters.
const SHADE: u8 = 24;
/// The number of pixels in a million that may differ by more.
const MILLIONTHS: usize = 2000;

/// Panes: the name of the picture, the shipped scenario, the step, and the pane.
const PANES: [(&str, &str, u64, PaneKind); 14] = [
    ("assignment", "first-look", 60, PaneKind::Assignment),
    ("load", "first-look", 60, PaneKind::Load),
    ("load-history", "step-too-large", 120, PaneKind::LoadHistory),
    ("load-curves", "first-look", 120, PaneKind::LoadCurves),
    ("bias", "first-look", 120, PaneKind::Bias),
    ("violation", "sign-and-proportional", 120, PaneKind::Violation),
    ("inspector", "first-look", 60, PaneKind::Inspector),
    ("theory", "price-view", 40, PaneKind::Theory),
    ("task-loss", "auxiliary-loss-dilemma", 40, PaneKind::TaskLoss),
    ("compare", "four-rules", 120, PaneKind::Compare),
    ("sweep", "first-look", 20, PaneKind::Sweep),
    ("microscope", "microscope", 12, PaneKind::Microscope),
    ("text", "real-model", 40, PaneKind::Text),
    ("expert-groups", "expert-groups", 30, PaneKind::Assignment),
];

fn themes() -> [(bool, &'static str); 2] {
    [(true, "dark"), (false, "light")]
}

/// An error if there is no software adapter; a harness prefers it to any other.
fn software() -> Result<(), String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let all = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let is_software = |a: &wgpu::Adapter| a.get_info().device_type == wgpu::DeviceType::Cpu;
    if all.iter().any(is_software) {
        Ok(())
    } else {
        Err("there is no software adapter, such as Mesa's llvmpipe".into())
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/window/snapshots")
}

/// The number of pixels that differ, and a picture with these in red.
fn difference(a: &RgbaImage, b: &RgbaImage) -> (usize, RgbaImage) {
    let mut shown = RgbaImage::new(a.width(), a.height());
    let mut count = 0;
    for (x, y, pixel) in a.enumerate_pixels() {
        let apart = pixel.0.iter().zip(b.get_pixel(x, y).0).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
        let differs = apart > SHADE;
        count += usize::from(differs);
        let grey = pixel.0[0] / 4;
        shown.put_pixel(x, y, if differs { Rgba([255, 0, 0, 255]) } else { Rgba([grey, grey, grey, 255]) });
    }
    (count, shown)
}

/// Compares a picture with the saved one, or saves it if `MOEBIAS_UPDATE` is set. Returns a sentence if they differ.
fn compare(name: &str, mut picture: RgbaImage) -> Option<String> {
    picture.pixels_mut().for_each(|p| p.0 = [p.0[0] & SHADES, p.0[1] & SHADES, p.0[2] & SHADES, u8::MAX]);
    let picture = &picture;
    let path = folder().join(format!("{name}.png"));
    let beside = |what: &str| folder().join(format!("{name}.{what}.png"));
    if std::env::var_os("MOEBIAS_UPDATE").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        save(&path, picture);
        return None;
    }
    let Ok(kept) = image::open(&path) else { return Some(format!("{name}: there is no such picture yet")) };
    let kept = kept.to_rgba8();
    if kept.dimensions() != picture.dimensions() {
        return Some(format!("{name}: {:?} pixels, not {:?}", picture.dimensions(), kept.dimensions()));
    }
    let (count, shown) = difference(&kept, picture);
    if count * 1_000_000 <= MILLIONTHS * (picture.width() * picture.height()) as usize {
        return None;
    }
    picture.save(beside("new")).unwrap();
    shown.save(beside("diff")).unwrap();
    Some(format!("{name}: {count} pixels differ; see {}", beside("diff").display()))
}

/// Saves a picture as a small PNG, without its opaque alpha channel.
fn save(path: &std::path::Path, picture: &RgbaImage) {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    let file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let rgb = image::DynamicImage::ImageRgba8(picture.clone()).to_rgb8();
    rgb.write_with_encoder(PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive)).unwrap();
}

fn none_differ(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{}\nMOEBIAS_UPDATE=1 cargo test --test window pictures makes them anew",
        wrong.join("\n")
    );
}

#[test]
fn panes_match_their_pictures() {
    if or_skip("panes as pictures", software()).is_none() {
        return;
    }
    let mut wrong = vec![];
    for (name, scenario, step, pane) in PANES {
        let loaded = shipped_scenario(scenario);
        for (dark, theme) in themes() {
            let setting = Setting {
                size: (900, 520),
                scale: 1.0,
                dark,
                pane: Some(pane),
                window: Stored::default(),
                caption: false,
            };
            let mut studio = Studio::<App>::open(lab_beside(&loaded), setting, true).unwrap();
            studio.go_to(step, |_| true).unwrap();
            wrong.extend(compare(&format!("pane-{name}-{theme}"), studio.image().unwrap()));
        }
    }
    none_differ(&wrong);
}

/// What a person does to reach a screen.
type Way = fn(&mut Window);

/// Screens: the name of the picture, the shipped scenario, and how to reach the screen from step 60.
const SCREENS: [(&str, &str, Way); 9] = [
    ("window", "first-look", |_| ()),
    ("palette", "first-look", |h| press(h, CTRL, Key::P)),
    ("glossary", "first-look", |h| press(h, PLAIN, Key::G)),
    ("shortcuts", "first-look", |h| press(h, PLAIN, Key::F1)),
    ("lessons", "first-look", |h| press(h, PLAIN, Key::L)),
    ("sweep-form", "first-look", |h| press(h, PLAIN, Key::S)),
    ("comparison", "four-rules", |_| ()),
    ("learning", "learning-step-sizes", |_| ()),
    ("swept", "first-look", |h| {
        let axes = ["u=1e-4..1e-1:log:7", "K=1..6"].map(|a| Axis::parse(a).unwrap()).to_vec();
        press(h, PLAIN, Key::S);
        h.state_mut().lab_mut().send(Command::StartSweep(moebias_lab::command::SweepRequest {
            axes,
            seeds: 1,
            steps: 60,
        }));
        wait_until("the sweep", || {
            h.step();
            h.state().lab().sweep().is_some_and(|s| s.sweep.found().ended.is_some())
        });
        h.run_steps(6);
    }),
];

/// A window that shows no messages; `stored` has its theme.
fn window(scenario: &str, stored: Stored, options: Options) -> Window {
    let options = Options { still: true, ..options };
    Opening { size: vec2(1100.0, 700.0), stored, options, drawn: true }.open(lab_beside(&shipped_scenario(scenario)))
}

/// Draws frames until nothing changes any more.
fn settle(harness: &mut Window) {
    let mut resting = 0;
    wait_until("a window at rest", || {
        harness.step();
        resting = if harness.state().rests() { resting + 1 } else { 0 };
        resting >= 12
    });
}

#[test]
fn screens_match_their_pictures() {
    if or_skip("screens as pictures", software()).is_none() {
        return;
    }
    let mut wrong = vec![];
    for (dark, theme) in themes() {
        let mut harness = window("first-look", themed(dark), Options { welcome: true, ..Options::default() });
        settle(&mut harness);
        wrong.extend(compare(&format!("screen-welcome-{theme}"), harness.render().unwrap()));
        for (name, scenario, way) in SCREENS {
            let mut harness = window(scenario, themed(dark), Options::default());
            harness.state_mut().lab_mut().send(Command::Seek(60));
            wait_until("step 60", || {
                harness.step();
                harness.state().lab().snapshot().step == 60
            });
            way(&mut harness);
            settle(&mut harness);
            wrong.extend(compare(&format!("screen-{name}-{theme}"), harness.render().unwrap()));
        }
    }
    none_differ(&wrong);
}

#[test]
fn screens_of_a_recording_match_their_pictures() {
    if or_skip("screens of a recording as pictures", software()).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = recordings::logits(folder.path(), "router_logits.npy", 0.0);
    let other = recordings::logits(folder.path(), "in training.npy", 0.05);
    let mut wrong = vec![];
    for (dark, theme) in themes() {
        let mut harness = window("first-look", themed(dark), Options::default());
        recordings::open_recording(&mut harness, &path);
        harness.state_mut().lab_mut().send(Command::Pause);
        harness.state_mut().lab_mut().send(Command::Seek(60));
        settle(&mut harness);
        palette_enter(&mut harness, "How the recording is read");
        settle(&mut harness);
        wrong.extend(compare(&format!("screen-how-read-{theme}"), harness.render().unwrap()));
        press(&mut harness, PLAIN, Key::Escape);
        palette_enter(&mut harness, "Show pane: Layers");
        recordings::compare_with(&mut harness, &other);
        settle(&mut harness);
        wrong.extend(compare(&format!("screen-layers-compared-{theme}"), harness.render().unwrap()));
    }
    none_differ(&wrong);
}
