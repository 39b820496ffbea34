//! Recordings in the window: the dialog that asks how a file is read, the heatmap of its batch, its layers, and the comparison with another
//! recording.

use crate::driver::*;
use eframe::egui::{Key, Vec2, vec2};
use egui_kittest::kittest::Queryable as _;
use moebias::ui::shell::app::Options;
use moebias::ui::store::Stored;
use moebias_engine::view::Rows;
use moebias_lab::command::Command;
use moebias_model::config::Gate;
use moebias_model::settings::reading::Reading;
use std::path::{Path, PathBuf};

const LAYERS: usize = 6;
const TOKENS: usize = 256;
const EXPERTS: usize = 32;

/// Writes logits [layers, tokens, experts] as NumPy does: the axes, K and the gate are not in the file. Some logits are disturbed by `noise`.
pub fn logits(folder: &Path, name: &str, noise: f32) -> PathBuf {
    let head = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({LAYERS}, {TOKENS}, {EXPERTS}), }}");
    let mut file = [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), format!("{head:<117}\n").as_bytes()].concat();
    let random = |i: usize| {
        let mixed =
            (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    for i in 0..LAYERS * TOKENS * EXPERTS {
        let (layer, expert) = (i / (TOKENS * EXPERTS), i % EXPERTS);
        let liked = (expert * (layer + 3) % 7) as f32 * 0.1 * layer as f32;
        let value = 4.0 * random(i) + liked + noise * random(i + 1_000_003);
        file.extend(value.to_le_bytes());
    }
    let path = folder.join(name);
    std::fs::write(&path, file).unwrap();
    path
}

/// Opens a recording and waits until its run is shown.
pub fn open_recording(window: &mut Window, path: &Path) {
    let before = window.state().lab().run();
    send(window, Command::OpenFile(path.to_owned()));
    wait(window, "the recording", |l| l.run() != before && l.snapshot().run == l.run());
}

/// Compares the open recording with another one and waits for the result.
pub fn compare_with(window: &mut Window, path: &Path) {
    send(window, Command::CompareWith(path.to_owned()));
    wait(window, "the comparison", |l| l.compared().is_some());
}

#[test]
fn a_file_that_could_mean_something_else_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = logits(folder.path(), "router_logits.npy", 0.0);
    let mut window = ordinary();
    open_recording(&mut window, &path);
    let asks = |window: &Window| window.query_by_label_contains("How router_logits.npy is read").is_some();
    assert!(asks(&window), "K and the gate are not in the file");
    assert!(window.query_all_by_label_contains("6 is assumed").count() > 0);
    picture(&mut window, "how-it-is-read");
    // A key that does something in the window belongs to the dialog now.
    press(&mut window, PLAIN, Key::G);
    assert!(asks(&window));
    press(&mut window, PLAIN, Key::Space);
    assert!(asks(&window));
    window.get_by_label("Done").click();
    window.run_steps(4);
    assert!(!asks(&window));

    // What is said otherwise reads the file again, and the dialog does not ask a second time.
    let reading = Reading { gate: Some(Gate::Softmax), top_k: Some(2), ..Reading::default() };
    let before = window.state().lab().run();
    send(&mut window, Command::ReadAs(Box::new(reading)));
    wait(&mut window, "the recording read again", |l| l.run() != before && l.snapshot().run == l.run());
    assert!(!asks(&window));
    assert_eq!(window.state().lab().settings().variants[0].router.top_k, 2);
    palette_enter(&mut window, "How the recording is read");
    assert!(asks(&window));
    press(&mut window, PLAIN, Key::Escape);
    assert!(!asks(&window));
}

#[test]
fn the_heatmap_of_a_recording_follows_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = logits(folder.path(), "router_logits.npy", 0.0);
    let mut window = ordinary();
    window.run_steps(4);
    wait(&mut window, "the heatmap", |l| l.snapshot().picture.rows() > 0);
    assert_eq!(window.state().lab().snapshot().picture.request.rows, Rows::Fixed);
    open_recording(&mut window, &path);
    wait(&mut window, "the heatmap of the batch", |l| {
        let picture = &l.snapshot().picture;
        picture.request.rows == Rows::Batch && picture.experts == EXPERTS && picture.rows() > 0
    });
}

#[test]
fn two_recordings_are_compared_in_the_layers_pane() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (logits(folder.path(), "one.npy", 0.0), logits(folder.path(), "two.npy", 0.05));
    for (size, dark) in [(ORDINARY, true), (vec2(1100.0, 700.0), false)] {
        let mut window = open_dark(size, dark);
        assert!(window.state().lab().cant_compare().is_some());
        open_recording(&mut window, &one);
        press(&mut window, PLAIN, Key::Escape);
        palette_enter(&mut window, "Show pane: Layers");
        wait(&mut window, "the layers", |l| l.layers_so_far().is_some_and(|all| all.measured == LAYERS));
        window.get_by_label("Compare…").click();
        window.run_steps(4);
        assert!(window.query_by_label_contains("Compare with another recording of the same tokens").is_some());
        press(&mut window, PLAIN, Key::Escape);
        compare_with(&mut window, &two);
        let found = window.state().lab().compared().unwrap().found.clone();
        assert!(found.layers.len() == LAYERS && (0.01..0.5).contains(&found.share_of_pairs()), "{found:?}");
        picture(&mut window, if dark { "layers-compared" } else { "layers-compared-light" });
    }
}

fn open_dark(size: Vec2, dark: bool) -> Window {
    open(size, Stored { hints: false, ..themed(dark) }, Options::default(), "first-look")
}
