//! Presenting, saved views, exports, hints, and the keyboard focus: the real app, driven as a person would.

use crate::driver::*;
use eframe::egui::{Event, Key, Memory, Modifiers, Vec2, accesskit::Role, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::export::film::Film;
use moebias::ui::export::studio::Setting;
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_files::film::Format;
use moebias_files::view::PaneKind;
use moebias_files::view::Part;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use std::collections::BTreeSet;
use std::path::Path;
use strum::IntoEnumIterator as _;

/// A window without a journal, so that nothing to restore covers it.
fn app(size: Vec2, welcome: bool) -> Window {
    let options = Options { welcome, ..Options::default() };
    let opening = Opening { size, stored: themed(true), options, ..Opening::default() };
    opening.open(lab_beside(&shipped_scenario("first-look")))
}

/// Types a path into the dialog that is open.
fn choose(window: &mut Window, path: &Path) {
    press(window, CTRL, Key::A);
    window.event(Event::Text(path.display().to_string()));
    window.run_steps(2);
    press(window, PLAIN, Key::Enter);
}

/// Whether the window contains this label.
fn sees(window: &Window, label: &str) -> bool {
    window.query_all_by_label(label).next().is_some()
}

#[test]
fn presenting_hides_the_controls_and_restores_them() {
    let mut window = app(vec2(1920.0, 1080.0), false);
    step_to(&mut window, 200);
    assert!(sees(&window, "Record") && sees(&window, "Batch"));
    press(&mut window, PLAIN, Key::F5);
    assert!(!sees(&window, "Record") && !sees(&window, "Batch"), "the bar and the settings are hidden");
    assert_eq!(window.ctx.zoom_factor(), 1.5, "larger text");
    picture(&mut window, "presenting");
    let alone = |window: &Window, kind| {
        let shown = PaneKind::iter().filter(|k| window.state().place_of(*k).is_some());
        shown.eq([kind])
    };
    for kind in [PaneKind::Assignment, PaneKind::LoadHistory] {
        press(&mut window, PLAIN, Key::PageDown);
        assert!(alone(&window, kind), "{kind:?} has all the room");
    }
    press(&mut window, PLAIN, Key::PageUp);
    press(&mut window, PLAIN, Key::PageUp);
    assert!(window.state().place_of(PaneKind::Bias).is_some(), "all panes again");
    assert!(!sees(&window, "Maximise Biases"), "the tools keep back");
    let on = window.state().place_of(PaneKind::Bias).unwrap().center();
    window.hover_at(on);
    window.run_steps(2);
    assert!(sees(&window, "Maximise Biases"), "they are where the pointer is");
    press(&mut window, SHIFT, Key::L);
    press(&mut window, SHIFT, Key::S);
    picture(&mut window, "presenting-spotlight");
    press(&mut window, PLAIN, Key::F);
    assert!(alone(&window, PaneKind::Bias), "the pane under the pointer");
    picture(&mut window, "presenting-pane");
    press(&mut window, PLAIN, Key::Escape);
    assert!(!sees(&window, "Record"), "the first Escape puts the pointing tools away");
    press(&mut window, PLAIN, Key::Escape);
    assert!(sees(&window, "Record") && sees(&window, "Maximise Biases"), "as before");
    assert_eq!(window.ctx.zoom_factor(), 1.0);
}

#[test]
fn a_scenario_opens_with_its_saved_view() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = app(ORDINARY, false);
    let first = folder.path().join("first.ron");
    let text =
        "(version: 1, title: \"Two\", view: (columns: [[Theory], [Bias, Load]], widths: [2, 1], hidden: [Controls]))";
    std::fs::write(&first, text).unwrap();
    send(&mut window, Command::OpenFile(first));
    wait(&mut window, "the scenario", |l| l.document().title == "Two");
    assert!(!sees(&window, "Batch") && sees(&window, "Maximise Theory") && sees(&window, "Maximise Load per expert"));
    assert!(!sees(&window, "Maximise Tokens → experts"), "a pane that the view leaves out");
    picture(&mut window, "view");
    press(&mut window, CTRL, Key::B);
    assert!(sees(&window, "Batch"), "a person may show what the view hides");
    window.get_by_label("Maximise Biases").click();
    window.run_steps(3);
    palette_enter(&mut window, "save run with this view");
    let second = folder.path().join("second.ron");
    choose(&mut window, &second);
    wait(&mut window, "the file", |_| second.exists());
    let view = moebias_files::load(&second).unwrap().scenario.view.unwrap();
    assert_eq!(view.columns, [vec![PaneKind::Theory], vec![PaneKind::Bias, PaneKind::Load]]);
    assert_eq!((view.maximised, view.hidden.contains(&Part::Controls)), (Some(PaneKind::Bias), false));
    assert!((view.widths[0] / view.widths[1] - 2.0).abs() < 0.1, "{:?}", view.widths);
    palette_enter(&mut window, "reset layout");
    assert!(sees(&window, "Maximise Tokens → experts"), "the person's own places are back");
}

#[test]
fn a_pane_is_saved_as_svg_from_its_menu() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = app(ORDINARY, false);
    step_to(&mut window, 120);
    window.get_by_label("Export Worst expert").click();
    window.run_steps(3);
    picture(&mut window, "export-menu");
    window.get_by_label("Save as SVG…").click();
    window.run_steps(3);
    let path = folder.path().join("worst.svg");
    choose(&mut window, &path);
    wait(&mut window, "the drawing", |_| path.exists());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(">Worst expert</text>") && text.contains("sampling floor"), "{text}");
    assert!(!text.contains(">Biases</text>") && !text.contains("Record"), "nothing else of the window");
    assert!(sees(&window, "Maximise Worst expert"), "the buttons are back");
}

#[test]
fn a_film_is_made_beside_the_window_or_the_reason_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = app(ORDINARY, false);
    step_to(&mut window, 6);
    press(&mut window, CTRL | SHIFT, Key::F);
    assert!(sees(&window, "Film of the run") && sees(&window, "6 frames, 0.3 s"));
    picture(&mut window, "film-dialog");
    window.get_by_label("Choose file…").click();
    window.run_steps(3);
    let path = folder.path().join("run.gif");
    choose(&mut window, &path);
    let tells = |l: &Lab| l.notices().all().any(|n| n.text.contains("run.gif"));
    wait(&mut window, "the film", tells);
    let told = messages(&window).join(" ");
    assert!(path.exists() && told.contains("6 frames") || told.contains("nothing here can draw"), "{told}");
    // Escape closes the dialog.
    press(&mut window, CTRL | SHIFT, Key::F);
    press(&mut window, PLAIN, Key::Escape);
    assert!(!sees(&window, "Film of the run"));
}

#[test]
fn a_film_has_all_frames_and_repeats_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = shipped_scenario("first-look");
    let setting = Setting {
        size: (480, 300),
        scale: 1.0,
        dark: false,
        pane: Some(PaneKind::Load),
        window: Stored::default(),
        caption: false,
    };
    let film = Film { from: 0, to: 7, every: 3, fps: 10, format: Format::Pngs, setting };
    let mut made = vec![];
    for name in ["one", "two"] {
        let path = folder.path().join(name);
        let lab = lab_beside(&loaded);
        match film.make::<App>(lab, &path, |_| true) {
            Ok(of) => assert_eq!(of.frames, 4),
            Err(why) if why.contains("nothing here can draw") => return,
            Err(why) => panic!("{why}"),
        }
        let frames: Vec<_> =
            (0..4).map(|i| image::open(path.join(format!("frame-{i:04}.png"))).unwrap().to_rgba8()).collect();
        assert!(frames.iter().all(|f| f.dimensions() == (480, 300)));
        assert!(frames.windows(2).all(|f| f[0] != f[1]), "steps differ");
        made.push(frames);
    }
    assert!(made[0] == made[1], "the same film");
    let lab = lab_beside(&loaded);
    let path = folder.path().join("three");
    assert!(
        film.make::<App>(lab, &path, |share| share < 0.3).is_err() && !path.exists(),
        "a cancelled film leaves no files"
    );
}

#[test]
fn hints_appear_on_request_and_are_dismissed_for_good() {
    let mut window = app(ORDINARY, false);
    assert!(!sees(&window, "Got it"));
    // Hints are turned off and on again, which shows the first one at once.
    palette_enter(&mut window, "hints");
    palette_enter(&mut window, "hints");
    assert!(sees(&window, "Got it") && sees(&window, "No more hints"));
    picture(&mut window, "hint");
    window.get_by_label("Got it").click();
    window.run_steps(3);
    assert!(!sees(&window, "Got it"), "not at once the next");
}

type Control = (String, String);

/// All enabled widgets that can be pressed, dragged or typed into.
fn controls(window: &Window) -> BTreeSet<Control> {
    let roles = [Role::Button, Role::Slider, Role::SpinButton, Role::ComboBox, Role::CheckBox, Role::TextInput];
    let nodes = window.root().children_recursive();
    nodes
        .filter_map(|n| {
            let node = n.accesskit_node();
            (roles.contains(&node.role()) && !node.is_disabled()).then(|| named(node.role(), node.label()))
        })
        .collect()
}

fn named(role: Role, label: Option<String>) -> Control {
    (format!("{role:?}"), label.unwrap_or_default())
}

/// Presses Tab until the focus is back where it began. Returns all widgets that had it, each of which had a visible ring.
fn walk_around(window: &mut Window) -> BTreeSet<Control> {
    let mut seen = BTreeSet::new();
    let (mut first, screen) = (None, window.ctx.content_rect());
    for _ in 0..400 {
        press(window, PLAIN, Key::Tab);
        window.run_steps(3);
        let Some(id) = window.ctx.memory(Memory::focused) else { continue };
        if first == Some(id) {
            return seen;
        }
        first = first.or(Some(id));
        let nodes = window.root().children_recursive();
        let focused = nodes.into_iter().find(|n| n.accesskit_node().is_focused());
        let Some(node) = focused else { continue };
        let control = named(node.accesskit_node().role(), node.accesskit_node().label());
        let ring = window.state().focus().ring();
        assert!(ring.is_some_and(|r| r.is_positive() && screen.intersects(r)), "no ring round {control:?}: {ring:?}");
        seen.insert(control);
    }
    panic!("Tab never comes round: {seen:?}");
}

#[test]
fn tab_reaches_every_control_and_shows_the_ring() {
    let mut window = app(ORDINARY, false);
    let wanted = controls(&window);
    assert!(wanted.len() > 40, "{wanted:?}");
    let seen = walk_around(&mut window);
    // Tab skips a slider's number field, because digits typed at the slider go into it.
    let in_slider = |(role, label): &Control| role == "SpinButton" && seen.contains(&("Slider".into(), label.clone()));
    let missing: Vec<&Control> = wanted.difference(&seen).filter(|c| !in_slider(c)).collect();
    assert!(missing.is_empty(), "Tab does not come to {missing:?}");
    picture(&mut window, "focus");
}

#[test]
fn every_overlay_closes_with_escape() {
    let mut window = app(vec2(1100.0, 700.0), true);
    let open = |label: &'static str, key: Option<(Modifiers, Key)>| (label, key);
    for (label, key) in [
        open("Open a file…", None),
        open("Presenting", Some((PLAIN, Key::F1))),
        open("Open a scenario, a recording, a lesson or a trace", Some((CTRL, Key::O))),
        open("Film of the run", Some((CTRL | SHIFT, Key::F))),
        open("Export curves as CSV…", Some((CTRL, Key::P))),
    ] {
        if let Some((modifiers, key)) = key {
            press(&mut window, modifiers, key);
        }
        assert!(sees(&window, label), "{label} is open");
        press(&mut window, PLAIN, Key::Escape);
        if sees(&window, label) {
            // The first press releases the focus of the field.
            press(&mut window, PLAIN, Key::Escape);
        }
        assert!(!sees(&window, label), "{label} is closed");
    }
}
