//! Opens the app in a test harness and drives it as a person would: keys, typed text, clicks, and waiting for the worker. All tests of
//! the window share these functions.
//!
//! `MOEBIAS_PICTURES=folder cargo test --test window` saves pictures of what the tests see in that folder.

use crate::DATA;
use eframe::egui::{Context, Event, Key, Modifiers, Pos2, Theme, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{AccessKitNode, NodeT as _};
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_engine::EngineChoice;
use moebias_files::{Loaded, shipped};
use moebias_lab::command::Command;
use moebias_lab::{Document, Lab};
use moebias_testing::Patience;
use std::path::{Path, PathBuf};

pub const PLAIN: Modifiers = Modifiers::NONE;
pub const SHIFT: Modifiers = Modifiers::SHIFT;
pub const CTRL: Modifiers = Modifiers::COMMAND;

/// The size of an ordinary window, points.
pub const ORDINARY: Vec2 = vec2(1440.0, 900.0);

/// The app in a harness.
pub type Window = Harness<'static, App>;

/// The folder in which pictures are saved, if they are wanted.
pub fn pictures() -> Option<PathBuf> {
    std::env::var_os("MOEBIAS_PICTURES").map(PathBuf::from)
}

/// Settings of a person who chose a theme and nothing else.
pub fn themed(dark: bool) -> Stored {
    Stored { dark: Some(dark), ..Stored::default() }
}

/// Settings with the dark theme and without hints.
pub fn dark() -> Stored {
    Stored { hints: false, ..themed(true) }
}

/// How a window is opened.
pub struct Opening {
    /// The size of the window, points.
    pub size: Vec2,
    /// The settings that an earlier window stored.
    pub stored: Stored,
    pub options: Options,
    /// Whether frames are rendered to pixels.
    pub drawn: bool,
}

impl Default for Opening {
    fn default() -> Self {
        Self { size: ORDINARY, stored: dark(), options: Options::default(), drawn: pictures().is_some() }
    }
}

impl Opening {
    pub fn open(self, lab: Lab) -> Window {
        self.open_with(lab, |_| ())
    }

    /// Opens the window; `begin` gets its context before the app does.
    pub fn open_with(self, lab: Lab, begin: impl FnOnce(&Context)) -> Window {
        let theme = if self.stored.dark == Some(false) { Theme::Light } else { Theme::Dark };
        let mut builder = Harness::builder().with_size(self.size).with_theme(theme).with_max_steps(64);
        if self.drawn {
            builder = builder.wgpu();
        }
        let mut window = builder.build_eframe(|cc| {
            begin(&cc.egui_ctx);
            App::new(&cc.egui_ctx, lab, self.stored, self.options)
        });
        window.run_steps(4);
        window
    }
}

/// A shipped scenario. Everything that a lab keeps from now on goes into a temporary folder.
pub fn shipped_scenario(id: &str) -> Loaded {
    moebias_lab::places::keep_in(DATA.path());
    shipped::find(id).unwrap().load().unwrap()
}

/// A scenario given as text.
pub fn scenario_of(text: &str) -> Loaded {
    moebias_lab::places::keep_in(DATA.path());
    moebias_files::load_text(text, "test.ron", Path::new("")).unwrap()
}

/// A lab with a shipped scenario and a journal, like that of the program.
pub fn lab_with_journal(id: &str) -> Lab {
    Lab::open(&shipped_scenario(id), EngineChoice::Cpu, || {}).unwrap()
}

/// A lab without a journal: it leaves nothing to restore, and offers nothing that other tests left.
pub fn lab_beside(loaded: &Loaded) -> Lab {
    Lab::beside(Document::of(loaded), moebias_lab::start_of(loaded)).unwrap()
}

/// Discards the unfinished runs of other tests in this process, which end like killed windows.
pub fn discard_unfinished(window: &mut Window) {
    while window.state().lab().unfinished().is_some() {
        send(window, Command::DiscardUnfinished);
        window.run_steps(2);
    }
}

/// A window with a shipped scenario, in which nothing is offered for restoring.
pub fn open(size: Vec2, stored: Stored, options: Options, scenario: &str) -> Window {
    let mut window = Opening { size, stored, options, ..Opening::default() }.open(lab_with_journal(scenario));
    discard_unfinished(&mut window);
    window
}

/// An ordinary window with the first scenario.
pub fn ordinary() -> Window {
    open(ORDINARY, dark(), Options::default(), "first-look")
}

/// An ordinary window with the welcome open.
pub fn welcome() -> Window {
    open(ORDINARY, dark(), Options { welcome: true, ..Options::default() }, "first-look")
}

/// Sends a command to the lab of a window.
pub fn send(window: &mut Window, command: Command) {
    window.state_mut().lab_mut().send(command);
}

/// Draws frames until the lab meets a condition; `what` names it in the message if it never does.
pub fn wait(window: &mut Window, what: &str, until: impl Fn(&Lab) -> bool) {
    let patience = Patience::new();
    loop {
        window.step();
        let lab = window.state().lab();
        if until(lab) {
            return window.run_steps(3);
        }
        assert!(patience.holds(), "{what}: {}", standing(lab));
    }
}

/// Where a lab stands, for the message of a test that fails.
fn standing(lab: &Lab) -> String {
    let page = lab.lesson().map(|r| (r.lesson.id.clone(), r.page));
    let said: Vec<&str> = lab.notices().all().map(|n| n.text.as_str()).collect();
    let (step, seeking) = (lab.snapshot().step, lab.snapshot().seeking);
    format!("at step {step}, {seeking:?}, {page:?}, {:?}, said {said:?}", lab.task_standing())
}

/// Runs to a later step.
pub fn step_to(window: &mut Window, step: u64) {
    let now = window.state().lab().snapshot().step;
    send(window, Command::StepForward(step - now));
    wait(window, "the steps", |l| l.snapshot().step == step);
}

pub fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(4);
}

/// Types a text, one character after another.
pub fn type_in(window: &mut Window, text: &str) {
    for c in text.chars() {
        window.event(Event::Text(c.to_string()));
    }
    window.run_steps(4);
}

/// Clicks at a position with the pointer.
pub fn click_at(window: &mut Window, at: Pos2) {
    window.hover_at(at);
    window.step();
    window.drag_at(at);
    window.step();
    window.drop_at(at);
    window.run_steps(3);
}

/// Opens the palette and types a text into it.
pub fn palette(window: &mut Window, text: &str) {
    press(window, CTRL, Key::P);
    type_in(window, text);
}

/// Does what the palette finds first for a text.
pub fn palette_enter(window: &mut Window, text: &str) {
    palette(window, text);
    press(window, PLAIN, Key::Enter);
}

/// Closes whatever is open, and pauses.
pub fn tidy(window: &mut Window) {
    for _ in 0..4 {
        press(window, PLAIN, Key::Escape);
    }
    send(window, Command::Pause);
    wait(window, "rest", |l| !l.snapshot().playing && l.snapshot().seeking.is_none() && l.is_up_to_date());
}

/// The name of the widget that has the focus.
pub fn focused(window: &Window) -> Option<String> {
    let node = window.root().children_recursive().find(|n| n.accesskit_node().is_focused())?;
    Some(name(&node.accesskit_node()))
}

/// The name of a widget: its label, or else its value.
pub fn name(node: &AccessKitNode<'_>) -> String {
    node.label().or_else(|| node.value()).unwrap_or_default()
}

/// Presses a key until a widget with this name has the focus. Returns the number of presses.
pub fn walk(window: &mut Window, modifiers: Modifiers, key: Key, to: &str) -> usize {
    let mut seen = vec![];
    for n in 1..=80 {
        press(window, modifiers, key);
        let now = focused(window).unwrap_or_default();
        if now == to {
            return n;
        }
        seen.push(now);
    }
    panic!("{to} is not reached: {seen:?}");
}

/// The step size u of a variant.
pub fn rate(lab: &Lab, variant: usize) -> f64 {
    lab.settings().variants[variant].balancer.rate
}

/// All messages in the window.
pub fn messages(window: &Window) -> Vec<String> {
    window.state().lab().notices().all().map(|n| n.text.clone()).collect()
}

/// Saves a picture of the window if pictures are wanted.
pub fn picture(window: &mut Window, name: &str) {
    if let Some(folder) = pictures() {
        std::fs::create_dir_all(&folder).unwrap();
        window.render().unwrap().save(folder.join(format!("{name}.png"))).unwrap();
    }
}
