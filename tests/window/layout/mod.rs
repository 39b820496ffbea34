//! The layout at every size and zoom: no number is cut, no two texts overlap, and no text is outside the window.
//!
//! The real app is driven without a GPU, and the shapes that it paints are examined. `MOEBIAS_PICTURES=folder` saves a picture of each state
//! in that folder.

mod scripts;
mod seen;

use crate::driver::{self, CTRL, Opening, PLAIN, lab_beside, shipped_scenario, themed};
use eframe::egui::{Key, Modifiers, Vec2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::shell::app::Options;
use moebias_files::view::PaneKind;
use moebias_lab::Lab;
use moebias_lab::command::{Command, LessonDo, SweepRequest};
use moebias_model::change::{Change, Target};
use moebias_model::sweep::Axis;
use seen::{Painted, Parts, faults, watch};
use std::collections::BTreeMap;
use strum::IntoEnumIterator as _;

/// Width and height of a window in pixels, and the zoom: all common sizes, and every zoom at the smallest and the most common size.
const SIZES: [(f32, f32, f32); 13] = [
    (1100.0, 700.0, 0.75),
    (1100.0, 700.0, 1.0),
    (1100.0, 700.0, 1.5),
    (1100.0, 700.0, 2.0),
    (1440.0, 900.0, 0.75),
    (1440.0, 900.0, 1.0),
    (1440.0, 900.0, 1.5),
    (1440.0, 900.0, 2.0),
    (1920.0, 1080.0, 1.0),
    (1920.0, 1080.0, 1.5),
    (1920.0, 1080.0, 2.0),
    (2560.0, 1440.0, 1.0),
    (2560.0, 1440.0, 0.75),
];
/// A few of these sizes, for windows that are examined in many states.
const FEW: [(f32, f32, f32); 5] = [SIZES[1], SIZES[3], SIZES[5], SIZES[7], SIZES[11]];

/// A window with what it painted, and the faults found so far with the states in which they occurred.
struct Window {
    harness: driver::Window,
    painted: Painted,
    wrong: BTreeMap<String, Vec<String>>,
}

impl Window {
    fn open(scenario: &str, options: Options) -> Self {
        let mut painted = Painted::default();
        let opening = Opening { stored: themed(true), options, ..Opening::default() };
        let harness = opening.open_with(lab_beside(&shipped_scenario(scenario)), |ctx| painted = watch(ctx));
        Self { harness, painted, wrong: BTreeMap::new() }
    }

    fn send(&mut self, command: Command) -> &mut Self {
        driver::send(&mut self.harness, command);
        self.harness.run_steps(2);
        self
    }

    fn until(&mut self, what: &str, done: impl Fn(&Lab) -> bool) -> &mut Self {
        driver::wait(&mut self.harness, what, done);
        self
    }

    /// Runs to a step with small batches: these tests look at the layout, not at the numbers.
    fn step_to(&mut self, step: u64) -> &mut Self {
        let small = Change::SetBatch(256);
        self.send(Command::Change { target: Target::Source, change: small });
        self.send(Command::StepForward(step)).until("the step", |l| l.snapshot().step == step)
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) -> &mut Self {
        driver::press(&mut self.harness, modifiers, key);
        self
    }

    /// Examines the window at these sizes.
    fn look(&mut self, state: &str, sizes: &[(f32, f32, f32)]) -> &mut Self {
        for &(width, height, zoom) in sizes {
            let points = vec2(width, height) / zoom;
            self.harness.set_size(points);
            self.harness.run_steps(5);
            let what = format!("{state} at {width}×{height}, zoom {zoom}");
            // Presenting changes the zoom, so the size in points is read from the window.
            let seen = self.harness.ctx.content_rect().size();
            self.judge(&what, seen);
            self.picture(&format!("{state} {width} {zoom}"));
        }
        self
    }

    fn judge(&mut self, what: &str, points: Vec2) {
        let app = self.harness.state();
        let mut parts = Parts::default();
        for kind in PaneKind::iter() {
            let scrolls = matches!(kind, PaneKind::Inspector | PaneKind::Theory | PaneKind::Sweep | PaneKind::Compare);
            let Some(place) = app.place_of(kind) else { continue };
            if kind == PaneKind::Compare {
                parts.both.push(place);
            }
            if !scrolls {
                parts.still.push(place);
            }
        }
        for fault in faults(&self.painted, points, &parts) {
            self.wrong.entry(fault).or_default().push(what.to_owned());
        }
    }

    fn picture(&mut self, name: &str) {
        driver::picture(&mut self.harness, &name.replace([' ', '→'], "-"));
    }

    fn judged(&self) {
        let told: Vec<String> = self
            .wrong
            .iter()
            .map(|(fault, places)| format!("{fault}\n    {} ×, first {}", places.len(), places[0]))
            .collect();
        assert!(told.is_empty(), "{} faults:\n{}", told.len(), told.join("\n"));
    }
}

#[test]
fn the_first_window() {
    Window::open("first-look", Options::default()).look("before", &FEW).step_to(60).look("first", &SIZES).judged();
}

/// Examines every pane, brought to the front.
fn panes(scenario: &str) {
    let mut window = Window::open(scenario, Options::default());
    window.step_to(24);
    for kind in PaneKind::iter() {
        window.harness.state_mut().show_pane(kind);
        window.look(&format!("{scenario} {}", kind.name()), &FEW);
    }
    window.judged();
}

#[test]
fn every_pane_of_one_variant() {
    panes("first-look");
}

#[test]
fn every_pane_of_four_variants() {
    panes("four-rules");
}

#[test]
fn a_run_that_learns() {
    panes("auxiliary-loss-dilemma");
}

#[test]
fn the_microscope_paused_and_running() {
    let mut window = Window::open("microscope", Options::default());
    window.step_to(5).look("microscope", &FEW);
    window.send(Command::Play).until("some steps", |l| l.snapshot().step > 12).look("running", &FEW[1..4]).judged();
}

#[test]
fn a_lesson() {
    let mut window = Window::open("first-look", Options::default());
    for lesson in ["router", "step-size"] {
        window.send(Command::Lesson(LessonDo::Open(lesson.into())));
        for page in [0, 2] {
            window.send(Command::Lesson(LessonDo::Turn(page)));
            window.until("the page", Lab::is_up_to_date).look(&format!("lesson {lesson} {page}"), &FEW);
        }
    }
    window.judged();
}

#[test]
fn the_welcome_dialogs_and_presenting() {
    let ordinary = [SIZES[1], SIZES[5], SIZES[11]];
    Window::open("first-look", Options { welcome: true, ..Options::default() }).look("welcome", &ordinary).judged();
    for (state, modifiers, key) in [
        ("palette", CTRL, Key::P),
        ("shortcuts", PLAIN, Key::F1),
        ("glossary", PLAIN, Key::G),
        ("lessons", PLAIN, Key::L),
        ("presenting", PLAIN, Key::F5),
    ] {
        Window::open("four-rules", Options::default()).step_to(60).press(modifiers, key).look(state, &FEW).judged();
    }
}

#[test]
fn a_sweep() {
    let mut window = Window::open("microscope", Options::default());
    window.press(PLAIN, Key::S).look("sweep form", &FEW);
    let axes = ["u=1e-4..1e-1:log:5", "K=1..3"].map(|a| Axis::parse(a).unwrap()).to_vec();
    window.send(Command::StartSweep(SweepRequest { axes, seeds: 2, steps: 80 }));
    window.until("the sweep", |l| l.sweep().is_some_and(|s| s.sweep.found().ended.is_some()));
    window.look("sweep", &FEW).judged();
}

impl Window {
    /// All labels in the window, for the message of a test that misses one.
    fn labels(&self) -> String {
        let nodes = self.harness.root().children_recursive();
        nodes.filter_map(|n| n.accesskit_node().label()).collect::<Vec<_>>().join(" | ")
    }

    /// Everything painted as text.
    fn painted_words(&self) -> String {
        seen::words(&self.painted)
    }

    fn sees(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    fn click(&mut self, label: &str) -> &mut Self {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(4);
        self
    }
}

#[test]
fn buttons_without_room_are_in_a_menu() {
    let mut window = Window::open("four-rules", Options::default());
    window.step_to(20);
    window.harness.set_size(vec2(550.0, 350.0));
    window.harness.run_steps(4);
    assert!(!window.sees("Scenarios"));
    window.click("More");
    assert!(["Scenarios", "Lessons"].iter().all(|l| window.labels().contains(l)), "{}", window.labels());
    window.press(PLAIN, Key::Escape);
    assert!(!window.sees("Rows of the heatmap"));
    window.click("More of Tokens → experts");
    assert!(window.sees("Rows of the heatmap"), "{}", window.labels());
    window.click("Rows of the heatmap");
    assert!(window.labels().contains("Whole batch"), "its menu opens: {}", window.labels());
    window.harness.state_mut().show_pane(PaneKind::Violation);
    window.harness.run_steps(4);
    assert!(window.sees("Which MaxVio, which axis") || window.sees("More of Worst expert"), "{}", window.labels());
}

#[test]
fn settings_cover_the_panes_if_a_lesson_leaves_no_room() {
    let mut window = Window::open("first-look", Options::default());
    window.send(Command::Lesson(LessonDo::Open("step-size".into())));
    window.harness.set_size(vec2(560.0, 350.0));
    window.harness.run_steps(4);
    assert!(!window.sees("Batch"));
    window.click("Settings");
    assert!(window.sees("Batch"), "{}", window.labels());
    window.press(PLAIN, Key::Escape);
    assert!(!window.sees("Batch"));
}

#[test]
fn no_tooltip_covers_a_dialog() {
    let mut window = Window::open("first-look", Options::default());
    let at = window.harness.get_by_label("Reset").rect().center();
    window.harness.hover_at(at);
    window.harness.run_steps(6);
    assert!(window.painted_words().contains("same seed and settings"), "{}", window.painted_words());
    window.press(PLAIN, Key::F1);
    window.harness.run_steps(4);
    assert!(!window.painted_words().contains("same seed and settings"));
}
