//! Screens and panes as pictures, in both themes, against those in `tests/window/snapshots/`. They are drawn by a software adapter, which
//! draws the same on every machine but for a shade at the edges of letters. `MOEBIAS_UPDATE=1 cargo test --test window pictures` makes
//! them anew; look at them before they are committed. Where one differs, what was drawn and what differs is left beside it as
//! `NAME.new.png` and `NAME.diff.png`.

use crate::DATA;
use eframe::egui::{Key, Modifiers, Theme, vec2};
use egui_kittest::Harness;
use image::{Rgba, RgbaImage};
use moebias::ui::export::studio::{Setting, Studio};
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_files::shipped;
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_lab::{Document, Lab};
use moebias_model::sweep::Axis;
use moebias_testing::{or_skip, wait_until};
use std::path::PathBuf;

/// Pictures are kept with so many shades of a channel, which makes them a third as large.
const SHADES: u8 = 0xf0;
/// Channels that differ by no more than this are alike: one shade, at the edges of letters.
const SHADE: u8 = 24;
/// So many pixels of a million may differ by more.
const MILLIONTHS: usize = 2000;

/// A pane of a shipped scenario at a step.
const PANES: [(&str, &str, u64, PaneKind); 13] = [
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
    ("expert-groups", "expert-groups", 30, PaneKind::Assignment),
];

fn themes() -> [(bool, &'static str); 2] {
    [(true, "dark"), (false, "light")]
}

/// Whether there is a software adapter: harnesses choose it before any other.
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

/// How many pixels differ, and where, in red.
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

/// Compares a picture with the one that is kept, or keeps it. What is wrong, in a sentence.
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

/// As small as PNG makes it, without the channel that is full everywhere.
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
fn panes_look_as_they_did() {
    if or_skip("panes as pictures", software()).is_none() {
        return;
    }
    moebias_lab::places::keep_in(DATA.path());
    let mut wrong = vec![];
    for (name, scenario, step, pane) in PANES {
        let loaded = shipped::find(scenario).unwrap().load().unwrap();
        for (dark, theme) in themes() {
            let lab = Lab::beside(Document::of(&loaded), moebias_lab::start_of(&loaded)).unwrap();
            let setting = Setting {
                size: (900, 520),
                scale: 1.0,
                dark,
                pane: Some(pane),
                window: Stored::default(),
                caption: false,
            };
            let mut studio = Studio::<App>::open(lab, setting, true).unwrap();
            studio.go_to(step, |_| true).unwrap();
            wrong.extend(compare(&format!("pane-{name}-{theme}"), studio.image().unwrap()));
        }
    }
    none_differ(&wrong);
}

/// What a person does to come to a screen.
type Way = fn(&mut Harness<'static, App>);

fn press(harness: &mut Harness<'static, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(6);
}

/// A whole window and the way there. At first the run stands at step 60.
const SCREENS: [(&str, &str, Way); 9] = [
    ("window", "first-look", |_| ()),
    ("palette", "first-look", |h| press(h, Modifiers::COMMAND, Key::P)),
    ("glossary", "first-look", |h| press(h, Modifiers::NONE, Key::G)),
    ("shortcuts", "first-look", |h| press(h, Modifiers::NONE, Key::F1)),
    ("lessons", "first-look", |h| press(h, Modifiers::NONE, Key::L)),
    ("sweep-form", "first-look", |h| press(h, Modifiers::NONE, Key::S)),
    ("comparison", "four-rules", |_| ()),
    ("learning", "learning-step-sizes", |_| ()),
    ("swept", "first-look", |h| {
        let axes = ["u=1e-4..1e-1:log:7", "K=1..6"].map(|a| Axis::parse(a).unwrap()).to_vec();
        press(h, Modifiers::NONE, Key::S);
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

fn window(scenario: &str, dark: bool, welcome: bool) -> Harness<'static, App> {
    let loaded = shipped::find(scenario).unwrap().load().unwrap();
    // Beside the labs of other tests, whose unfinished runs it does not offer.
    let lab = Lab::beside(Document::of(&loaded), moebias_lab::start_of(&loaded)).unwrap();
    let theme = if dark { Theme::Dark } else { Theme::Light };
    let builder = Harness::builder().with_size(vec2(1100.0, 700.0)).with_theme(theme).with_max_steps(64).wgpu();
    builder.build_eframe(|cc| {
        let stored = Stored { dark: Some(dark), ..Stored::default() };
        App::new(&cc.egui_ctx, lab, stored, Options { welcome, still: true, ..Options::default() })
    })
}

/// Frames until nothing more comes.
fn settle(harness: &mut Harness<'static, App>) {
    let mut resting = 0;
    wait_until("a window at rest", || {
        harness.step();
        resting = if harness.state().rests() { resting + 1 } else { 0 };
        resting >= 12
    });
}

#[test]
fn screens_look_as_they_did() {
    if or_skip("screens as pictures", software()).is_none() {
        return;
    }
    moebias_lab::places::keep_in(DATA.path());
    let mut wrong = vec![];
    for (dark, theme) in themes() {
        let mut harness = window("first-look", dark, true);
        settle(&mut harness);
        wrong.extend(compare(&format!("screen-welcome-{theme}"), harness.render().unwrap()));
        for (name, scenario, way) in SCREENS {
            let mut harness = window(scenario, dark, false);
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
