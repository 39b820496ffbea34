//! What is seen at every size and zoom: no figure is cut, no two texts lie on each other, none lies outside the window.
//!
//! The real app is driven without a GPU, and what it paints is read. `MOEBIAS_PICTURES=folder` leaves a picture of each state there.

mod scripts;
mod seen;

use eframe::egui::{Key, Modifiers, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_files::shipped;
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_lab::command::LessonDo;
use moebias_lab::command::SweepRequest;
use moebias_lab::{Document, Lab};
use moebias_model::change::{Change, Target};
use moebias_model::sweep::Axis;
use moebias_testing::Patience;
use seen::{Painted, Parts, faults, watch};
use std::collections::BTreeMap;
use std::path::Path;
use strum::IntoEnumIterator as _;

/// Pixels of a window, and the zoom: every size at which people use it, and every zoom at the smallest and the commonest.
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
/// A few of them, for what is seen in many states.
const FEW: [(f32, f32, f32); 5] = [SIZES[1], SIZES[3], SIZES[5], SIZES[7], SIZES[11]];

struct Window {
    harness: Harness<'static, App>,
    painted: Painted,
    wrong: BTreeMap<String, Vec<String>>,
}

impl Window {
    fn open(scenario: &str, options: Options) -> Self {
        let loaded = shipped::find(scenario).unwrap().load().unwrap();
        Self::of(Lab::beside(Document::of(&loaded), moebias_lab::start_of(&loaded)).unwrap(), options)
    }

    fn of(lab: Lab, options: Options) -> Self {
        let mut builder = Harness::builder().with_size(vec2(1440.0, 900.0)).with_max_steps(64);
        if std::env::var_os("MOEBIAS_PICTURES").is_some() {
            builder = builder.wgpu();
        }
        let mut painted = Painted::default();
        let harness = builder.build_eframe(|cc| {
            painted = watch(&cc.egui_ctx);
            App::new(&cc.egui_ctx, lab, Stored { dark: Some(true), ..Stored::default() }, options)
        });
        let mut window = Self { harness, painted, wrong: BTreeMap::new() };
        window.harness.run_steps(4);
        window
    }

    fn send(&mut self, command: Command) -> &mut Self {
        self.harness.state_mut().lab_mut().send(command);
        self.harness.run_steps(2);
        self
    }

    fn until(&mut self, what: &str, done: impl Fn(&Lab) -> bool) -> &mut Self {
        let patience = Patience::new();
        while !done(self.harness.state().lab()) {
            self.harness.step();
            assert!(patience.holds(), "{what} does not come");
        }
        self.harness.run_steps(3);
        self
    }

    /// A few small steps: what is looked at is where things stand, not what they come to.
    fn step_to(&mut self, step: u64) -> &mut Self {
        let small = Change::SetBatch(256);
        self.send(Command::Change { target: Target::Source, change: small });
        self.send(Command::StepForward(step)).until("the step", |l| l.snapshot().step == step)
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) -> &mut Self {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(4);
        self
    }

    /// Looks at the window at these sizes.
    fn look(&mut self, state: &str, sizes: &[(f32, f32, f32)]) -> &mut Self {
        for &(width, height, zoom) in sizes {
            let points = vec2(width, height) / zoom;
            self.harness.set_size(points);
            self.harness.run_steps(5);
            let what = format!("{state} at {width}×{height}, zoom {zoom}");
            // Presenting has a zoom of its own.
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
        if let Some(folder) = std::env::var_os("MOEBIAS_PICTURES") {
            std::fs::create_dir_all(&folder).unwrap();
            let name = name.replace([' ', '→'], "-");
            self.harness.render().unwrap().save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
        }
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

/// Every pane in its ordinary place and with all the room.
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
fn while_it_runs_and_a_step_is_taken_apart() {
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
fn what_lies_over_the_panes() {
    let ordinary = [SIZES[1], SIZES[5], SIZES[11]];
    Window::open("first-look", Options { welcome: true, ..Options::default() }).look("welcome", &ordinary).judged();
    for (state, modifiers, key) in [
        ("palette", Modifiers::COMMAND, Key::P),
        ("shortcuts", Modifiers::NONE, Key::F1),
        ("glossary", Modifiers::NONE, Key::G),
        ("lessons", Modifiers::NONE, Key::L),
        ("presenting", Modifiers::NONE, Key::F5),
    ] {
        Window::open("four-rules", Options::default()).step_to(60).press(modifiers, key).look(state, &FEW).judged();
    }
}

#[test]
fn a_sweep() {
    let mut window = Window::open("microscope", Options::default());
    window.press(Modifiers::NONE, Key::S).look("sweep form", &FEW);
    let axes = ["u=1e-4..1e-1:log:5", "K=1..3"].map(|a| Axis::parse(a).unwrap()).to_vec();
    window.send(Command::StartSweep(SweepRequest { axes, seeds: 2, steps: 80 }));
    window.until("the sweep", |l| l.sweep().is_some_and(|s| s.sweep.found().ended.is_some()));
    window.look("sweep", &FEW).judged();
}

impl Window {
    /// Every name there is, for a test that misses one.
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
fn what_has_no_room_is_in_a_menu() {
    let mut window = Window::open("four-rules", Options::default());
    window.step_to(20);
    window.harness.set_size(vec2(550.0, 350.0));
    window.harness.run_steps(4);
    assert!(!window.sees("Scenarios"));
    window.click("More");
    assert!(["Scenarios", "Lessons"].iter().all(|l| window.labels().contains(l)), "{}", window.labels());
    window.press(Modifiers::NONE, Key::Escape);
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
fn settings_lie_over_the_panes_where_a_lesson_leaves_no_room() {
    let mut window = Window::open("first-look", Options::default());
    window.send(Command::Lesson(LessonDo::Open("step-size".into())));
    window.harness.set_size(vec2(560.0, 350.0));
    window.harness.run_steps(4);
    assert!(!window.sees("Batch"));
    window.click("Settings");
    assert!(window.sees("Batch"), "{}", window.labels());
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.sees("Batch"));
}

#[test]
fn no_tooltip_lies_over_a_dialog() {
    let mut window = Window::open("first-look", Options::default());
    let at = window.harness.get_by_label("Reset").rect().center();
    window.harness.hover_at(at);
    window.harness.run_steps(6);
    assert!(window.painted_words().contains("same seed and settings"), "{}", window.painted_words());
    window.press(Modifiers::NONE, Key::F1);
    window.harness.run_steps(4);
    assert!(!window.painted_words().contains("same seed and settings"));
}
