//! Draws panes offscreen for tests. `MOEBIAS_PICTURES=folder cargo test` saves a picture of each pane in that folder.

use crate::ui::kit::style;
use crate::ui::kit::theme::Theme;
use crate::ui::link::Link;
use crate::ui::panes::shared::frame;
use crate::ui::panes::{Pane, PaneContext};
use eframe::egui::{self, Vec2};
use egui_kittest::Harness;
use moebias_engine::EngineChoice;
use moebias_engine::message::Snapshot;
use moebias_files::{self as files, Scenario};
use moebias_lab::command::Command;
use moebias_lab::{Document, Lab};
use moebias_testing::Patience;

/// A lab on the CPU with a scenario given as text (the body of the RON without brackets, version and title), paused at `step`.
pub fn lab_at(text: &str, step: u64) -> Lab {
    let text = format!("(version: 1, title: \"Test\", {text})");
    let loaded = files::load_text(&text, "test.ron", std::path::Path::new("")).unwrap();
    let _: &Scenario = &loaded.scenario;
    let mut lab = Lab::new(Document::of(&loaded), moebias_lab::start_of(&loaded), EngineChoice::Cpu, || {}).unwrap();
    if step > 0 {
        lab.send(Command::StepForward(step));
    }
    wait(&mut lab, |s| s.step == step);
    lab
}

/// Polls until the snapshot meets a condition.
pub fn wait(lab: &mut Lab, until: impl Fn(&Snapshot) -> bool) {
    let patience = Patience::new();
    loop {
        lab.poll();
        if until(lab.snapshot()) {
            return;
        }
        assert!(patience.holds(), "still at step {}", lab.snapshot().step);
    }
}

/// A pane with its lab, as the state of a harness.
pub struct Stage<P> {
    /// The pane.
    pub pane: P,
    /// The lab whose run it shows.
    pub lab: Lab,
    /// What is hovered and pinned.
    pub link: Link,
}

/// A harness that draws one pane in its frame.
pub fn stage<P: Pane + 'static>(pane: P, lab: Lab, size: impl Into<Vec2>, dark: bool) -> Harness<'static, Stage<P>> {
    let theme = if dark { egui::Theme::Dark } else { egui::Theme::Light };
    let draw = |ui: &mut egui::Ui, stage: &mut Stage<P>| {
        let theme = Theme::of(ui.ctx());
        stage.lab.poll();
        stage.link.begin_frame();
        stage.link.follow(stage.lab.snapshot());
        ui.painter().rect_filled(ui.max_rect(), 0.0, theme.pane);
        let mut cx = PaneContext { lab: &mut stage.lab, link: &mut stage.link, theme };
        frame::show(ui, &mut stage.pane, &mut cx, false);
        if stage.link.changes_next_frame() {
            ui.ctx().request_repaint();
        }
    };
    let setup = |ctx: &egui::Context| style::install(ctx);
    let mut builder = Harness::builder().with_size(size).with_theme(theme).with_context_setup(setup).with_max_steps(8);
    if std::env::var_os("MOEBIAS_PICTURES").is_some() {
        builder = builder.wgpu();
    }
    builder.build_ui_state(draw, Stage { pane, lab, link: Link::default() })
}

/// Saves a picture in the folder that `MOEBIAS_PICTURES` names; does nothing if that is not set.
pub fn picture<S>(harness: &mut Harness<'_, S>, name: &str) {
    if let Some(folder) = std::env::var_os("MOEBIAS_PICTURES") {
        std::fs::create_dir_all(&folder).unwrap();
        harness.render().unwrap().save(std::path::Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}
