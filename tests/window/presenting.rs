//! Before an audience, by keyboard alone, and what is made of a run: the real app, driven as a person would.

use eframe::egui::{Event, Key, Memory, Modifiers, Vec2, accesskit::Role, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::export::film::Film;
use moebias::ui::export::studio::Setting;
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_files::film::Format;
use moebias_files::shipped;
use moebias_files::view::PaneKind;
use moebias_files::view::Part;
use moebias_lab::command::Command;
use moebias_lab::{Document, Lab};
use moebias_testing::Patience;
use std::collections::BTreeSet;
use std::path::Path;
use strum::IntoEnumIterator as _;

fn app(size: Vec2, welcome: bool) -> Harness<'static, App> {
    let loaded = shipped::find("first-look").unwrap().load().unwrap();
    // No journal: nothing to restore lies over the window.
    let lab = Lab::beside(Document::of(&loaded), moebias_lab::start_of(&loaded)).unwrap();
    let mut builder = Harness::builder().with_size(size).with_max_steps(64);
    if std::env::var_os("MOEBIAS_PICTURES").is_some() {
        builder = builder.wgpu();
    }
    let mut harness = builder.build_eframe(|cc| {
        let stored = Stored { dark: Some(true), ..Stored::default() };
        App::new(&cc.egui_ctx, lab, stored, Options { welcome, ..Options::default() })
    });
    harness.run_steps(4);
    harness
}

fn wait(harness: &mut Harness<'_, App>, what: &str, until: impl Fn(&Lab) -> bool) {
    let patience = Patience::new();
    while !until(harness.state().lab()) {
        harness.step();
        assert!(patience.holds(), "{what}: {:?}", said(harness));
    }
    harness.run_steps(3);
}

fn said(harness: &Harness<'_, App>) -> Vec<String> {
    harness.state().lab().notices().all().map(|n| n.text.clone()).collect()
}

fn step_to(harness: &mut Harness<'_, App>, step: u64) {
    harness.state_mut().lab_mut().send(Command::StepForward(step));
    wait(harness, "the steps", |l| l.snapshot().step == step);
}

fn press(harness: &mut Harness<'_, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(4);
}

/// Does what the palette finds first.
fn ask_for(harness: &mut Harness<'_, App>, typed: &str) {
    press(harness, Modifiers::COMMAND, Key::P);
    harness.event(Event::Text(typed.into()));
    harness.run_steps(3);
    press(harness, Modifiers::NONE, Key::Enter);
}

/// Types a path into the dialog that is open.
fn choose(harness: &mut Harness<'_, App>, path: &Path) {
    press(harness, Modifiers::COMMAND, Key::A);
    harness.event(Event::Text(path.display().to_string()));
    harness.run_steps(2);
    press(harness, Modifiers::NONE, Key::Enter);
}

fn picture(harness: &mut Harness<'_, App>, name: &str) {
    if let Some(folder) = std::env::var_os("MOEBIAS_PICTURES") {
        std::fs::create_dir_all(&folder).unwrap();
        harness.render().unwrap().save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

fn sees(harness: &Harness<'_, App>, label: &str) -> bool {
    harness.query_all_by_label(label).next().is_some()
}

#[test]
fn presenting_hides_the_controls_turns_pages_and_ends_as_it_began() {
    let mut harness = app(vec2(1920.0, 1080.0), false);
    step_to(&mut harness, 200);
    assert!(sees(&harness, "Record") && sees(&harness, "Batch"));
    press(&mut harness, Modifiers::NONE, Key::F5);
    assert!(!sees(&harness, "Record") && !sees(&harness, "Batch"), "the bar and the settings are hidden");
    assert_eq!(harness.ctx.zoom_factor(), 1.5, "larger text");
    picture(&mut harness, "presenting");
    let alone = |harness: &Harness<'_, App>, kind| {
        let shown = PaneKind::iter().filter(|k| harness.state().place_of(*k).is_some());
        shown.eq([kind])
    };
    for kind in [PaneKind::Assignment, PaneKind::LoadHistory] {
        press(&mut harness, Modifiers::NONE, Key::PageDown);
        assert!(alone(&harness, kind), "{kind:?} has all the room");
    }
    press(&mut harness, Modifiers::NONE, Key::PageUp);
    press(&mut harness, Modifiers::NONE, Key::PageUp);
    assert!(harness.state().place_of(PaneKind::Bias).is_some(), "all panes again");
    assert!(!sees(&harness, "Maximise Biases"), "the tools keep back");
    let on = harness.state().place_of(PaneKind::Bias).unwrap().center();
    harness.hover_at(on);
    harness.run_steps(2);
    assert!(sees(&harness, "Maximise Biases"), "they are where the pointer is");
    press(&mut harness, Modifiers::SHIFT, Key::L);
    press(&mut harness, Modifiers::SHIFT, Key::S);
    picture(&mut harness, "presenting-spotlight");
    press(&mut harness, Modifiers::NONE, Key::F);
    assert!(alone(&harness, PaneKind::Bias), "the pane under the pointer");
    picture(&mut harness, "presenting-pane");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(!sees(&harness, "Record"), "the first puts down what is pointed with");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(sees(&harness, "Record") && sees(&harness, "Maximise Biases"), "as before");
    assert_eq!(harness.ctx.zoom_factor(), 1.0);
}

#[test]
fn a_scenario_opens_as_it_was_saved_to_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = app(vec2(1440.0, 900.0), false);
    let first = folder.path().join("first.ron");
    let text =
        "(version: 1, title: \"Two\", view: (columns: [[Theory], [Bias, Load]], widths: [2, 1], hidden: [Controls]))";
    std::fs::write(&first, text).unwrap();
    harness.state_mut().lab_mut().send(Command::OpenFile(first));
    wait(&mut harness, "the scenario", |l| l.document().title == "Two");
    assert!(
        !sees(&harness, "Batch") && sees(&harness, "Maximise Theory") && sees(&harness, "Maximise Load per expert")
    );
    assert!(!sees(&harness, "Maximise Tokens → experts"), "a pane that the view leaves out");
    picture(&mut harness, "view");
    press(&mut harness, Modifiers::COMMAND, Key::B);
    assert!(sees(&harness, "Batch"), "a person may show what the view hides");
    harness.get_by_label("Maximise Biases").click();
    harness.run_steps(3);
    ask_for(&mut harness, "save run with this view");
    let second = folder.path().join("second.ron");
    choose(&mut harness, &second);
    wait(&mut harness, "the file", |_| second.exists());
    let view = moebias_files::load(&second).unwrap().scenario.view.unwrap();
    assert_eq!(view.columns, [vec![PaneKind::Theory], vec![PaneKind::Bias, PaneKind::Load]]);
    assert_eq!((view.maximised, view.hidden.contains(&Part::Controls)), (Some(PaneKind::Bias), false));
    assert!((view.widths[0] / view.widths[1] - 2.0).abs() < 0.1, "{:?}", view.widths);
    ask_for(&mut harness, "reset layout");
    assert!(sees(&harness, "Maximise Tokens → experts"), "the person's own places are back");
}

#[test]
fn a_pane_is_saved_as_svg_from_its_menu() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = app(vec2(1440.0, 900.0), false);
    step_to(&mut harness, 120);
    harness.get_by_label("Export Worst expert").click();
    harness.run_steps(3);
    picture(&mut harness, "export-menu");
    harness.get_by_label("Save as SVG…").click();
    harness.run_steps(3);
    let path = folder.path().join("worst.svg");
    choose(&mut harness, &path);
    wait(&mut harness, "the drawing", |_| path.exists());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(">Worst expert</text>") && text.contains("sampling floor"), "{text}");
    assert!(!text.contains(">Biases</text>") && !text.contains("Record"), "nothing else of the window");
    assert!(sees(&harness, "Maximise Worst expert"), "the buttons are back");
}

#[test]
fn a_film_from_the_window_is_made_beside_it_or_it_is_said_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = app(vec2(1440.0, 900.0), false);
    step_to(&mut harness, 6);
    press(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::F);
    assert!(sees(&harness, "Film of the run") && sees(&harness, "6 frames, 0.3 s"));
    picture(&mut harness, "film-dialog");
    harness.get_by_label("Choose file…").click();
    harness.run_steps(3);
    let path = folder.path().join("run.gif");
    choose(&mut harness, &path);
    let tells = |l: &Lab| l.notices().all().any(|n| n.text.contains("run.gif"));
    wait(&mut harness, "the film", tells);
    let told = said(&harness).join(" ");
    assert!(path.exists() && told.contains("6 frames") || told.contains("nothing here can draw"), "{told}");
    // Esc closes the dialog.
    press(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::F);
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(!sees(&harness, "Film of the run"));
}

#[test]
fn a_film_has_its_frames_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = shipped::find("first-look").unwrap().load().unwrap();
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
        let lab = Lab::beside(Document::of(&loaded), moebias_lab::start_of(&loaded)).unwrap();
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
    let lab = Lab::beside(Document::of(&loaded), moebias_lab::start_of(&loaded)).unwrap();
    let path = folder.path().join("three");
    assert!(
        film.make::<App>(lab, &path, |share| share < 0.3).is_err() && !path.exists(),
        "what is given up leaves nothing"
    );
}

#[test]
fn hints_come_when_asked_for_and_go_for_good() {
    let mut harness = app(vec2(1440.0, 900.0), false);
    assert!(!sees(&harness, "Got it"));
    // Off and on again: then the first one comes at once.
    ask_for(&mut harness, "hints");
    ask_for(&mut harness, "hints");
    assert!(sees(&harness, "Got it") && sees(&harness, "No more hints"));
    picture(&mut harness, "hint");
    harness.get_by_label("Got it").click();
    harness.run_steps(3);
    assert!(!sees(&harness, "Got it"), "not at once the next");
}

type Control = (String, String);

/// Everything that can be pressed, dragged or typed into.
fn controls(harness: &Harness<'_, App>) -> BTreeSet<Control> {
    let roles = [Role::Button, Role::Slider, Role::SpinButton, Role::ComboBox, Role::CheckBox, Role::TextInput];
    let nodes = harness.root().children_recursive();
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

/// Presses Tab until it comes round; what had the focus, each with a ring in sight.
fn walk(harness: &mut Harness<'_, App>) -> BTreeSet<Control> {
    let mut seen = BTreeSet::new();
    let (mut first, screen) = (None, harness.ctx.content_rect());
    for _ in 0..400 {
        press(harness, Modifiers::NONE, Key::Tab);
        harness.run_steps(3);
        let Some(id) = harness.ctx.memory(Memory::focused) else { continue };
        if first == Some(id) {
            return seen;
        }
        first = first.or(Some(id));
        let nodes = harness.root().children_recursive();
        let focused = nodes.into_iter().find(|n| n.accesskit_node().is_focused());
        let Some(node) = focused else { continue };
        let control = named(node.accesskit_node().role(), node.accesskit_node().label());
        let ring = harness.state().focus().ring();
        assert!(ring.is_some_and(|r| r.is_positive() && screen.intersects(r)), "no ring round {control:?}: {ring:?}");
        seen.insert(control);
    }
    panic!("Tab never comes round: {seen:?}");
}

#[test]
fn every_control_is_reached_by_tab_and_seen_to_have_the_focus() {
    let mut harness = app(vec2(1440.0, 900.0), false);
    let wanted = controls(&harness);
    assert!(wanted.len() > 40, "{wanted:?}");
    let seen = walk(&mut harness);
    // What is typed on a slider goes into its field, so Tab stops there once.
    let in_slider = |(role, label): &Control| role == "SpinButton" && seen.contains(&("Slider".into(), label.clone()));
    let missing: Vec<&Control> = wanted.difference(&seen).filter(|c| !in_slider(c)).collect();
    assert!(missing.is_empty(), "Tab does not come to {missing:?}");
    picture(&mut harness, "focus");
}

#[test]
fn every_overlay_closes_with_escape() {
    let mut harness = app(vec2(1100.0, 700.0), true);
    let open = |label: &'static str, key: Option<(Modifiers, Key)>| (label, key);
    for (label, key) in [
        open("Open a file…", None),
        open("Presenting", Some((Modifiers::NONE, Key::F1))),
        open("Open a scenario, a recording, a lesson or a trace", Some((Modifiers::COMMAND, Key::O))),
        open("Film of the run", Some((Modifiers::COMMAND | Modifiers::SHIFT, Key::F))),
        open("Export curves as CSV…", Some((Modifiers::COMMAND, Key::P))),
    ] {
        if let Some((modifiers, key)) = key {
            press(&mut harness, modifiers, key);
        }
        assert!(sees(&harness, label), "{label} is open");
        press(&mut harness, Modifiers::NONE, Key::Escape);
        if sees(&harness, label) {
            // The first lets go of the field.
            press(&mut harness, Modifiers::NONE, Key::Escape);
        }
        assert!(!sees(&harness, label), "{label} is closed");
    }
}
