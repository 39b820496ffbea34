//! The real app, driven as a person would: clicks, keys, drags. No window and no GPU are needed but for the pictures, which
//! `MOEBIAS_PICTURES=folder cargo test --test window` leaves in that folder.

use crate::DATA;
use eframe::egui::{
    Event, Key, Modifiers, Pos2, Vec2,
    accesskit::{Role, Toggled},
    vec2,
};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::link::Span;
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_engine::EngineChoice;
use moebias_engine::detail::Stage;
use moebias_engine::view::Rows;
use moebias_files::shipped::{self, shipped};
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_model::change::{Change, Target};
use moebias_model::config::{Groups, Router, Rule};
use moebias_testing::Patience;

fn app(size: Vec2, options: Options, dark: bool, scenario: &str) -> Harness<'static, App> {
    moebias_lab::places::keep_in(DATA.path());
    let loaded = shipped::find(scenario).unwrap().load().unwrap();
    let lab = Lab::open(&loaded, EngineChoice::Cpu, || {}).unwrap();
    let theme = if dark { eframe::egui::Theme::Dark } else { eframe::egui::Theme::Light };
    let mut builder = Harness::builder().with_size(size).with_theme(theme).with_max_steps(64);
    if draws() {
        builder = builder.wgpu();
    }
    let mut harness = builder.build_eframe(|cc| {
        let stored = Stored { dark: Some(dark), ..Stored::default() };
        App::new(&cc.egui_ctx, lab, stored, options)
    });
    harness.run_steps(4);
    harness
}

fn wide() -> Harness<'static, App> {
    app(vec2(1440.0, 900.0), Options::default(), true, "first-look")
}

/// Frames until the lab is as wanted.
fn wait(harness: &mut Harness<'_, App>, what: &str, until: impl Fn(&Lab) -> bool) {
    let patience = Patience::new();
    loop {
        harness.step();
        if until(harness.state().lab()) {
            harness.run_steps(3);
            return;
        }
        assert!(patience.holds(), "{what}: at step {}", harness.state().lab().snapshot().step);
    }
}

fn step_to(harness: &mut Harness<'_, App>, step: u64) {
    let now = harness.state().lab().snapshot().step;
    harness.state_mut().lab_mut().send(Command::StepForward(step - now));
    wait(harness, "the steps", |l| l.snapshot().step == step);
}

fn press(harness: &mut Harness<'_, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(4);
}

fn click(harness: &mut Harness<'_, App>, at: Pos2) {
    harness.hover_at(at);
    harness.step();
    harness.drag_at(at);
    harness.step();
    harness.drop_at(at);
    harness.run_steps(3);
}

/// Whether pixels are drawn: where pictures are wanted, and where a GPU is required (Mesa's software Vulkan counts). Elsewhere the
/// app is driven without.
fn draws() -> bool {
    ["MOEBIAS_PICTURES", "MOEBIAS_REQUIRE_GPU"].iter().any(|v| std::env::var_os(v).is_some())
}

fn picture(harness: &mut Harness<'_, App>, name: &str) {
    if draws() {
        let image = harness.render().unwrap();
        let first = image.get_pixel(0, 0);
        assert!(image.pixels().any(|p| p != first), "{name} is empty");
    }
    if let Some(folder) = std::env::var_os("MOEBIAS_PICTURES") {
        std::fs::create_dir_all(&folder).unwrap();
        harness.render().unwrap().save(std::path::Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

fn rate(lab: &Lab) -> f64 {
    lab.settings().variants[0].balancer.rate
}

#[test]
fn the_welcome_lies_over_a_run_and_a_card_opens_its_scenario() {
    for (size, dark, name) in [
        (vec2(1440.0, 900.0), true, "welcome-dark"),
        (vec2(1100.0, 700.0), false, "welcome-light-small"),
        (vec2(2560.0, 1440.0), true, "welcome-large"),
    ] {
        let mut harness = app(size, Options { welcome: true, ..Options::default() }, dark, "first-look");
        step_to(&mut harness, 60);
        // Other tests of this process end like killed windows, and what they left is asked about before the welcome.
        while harness.state().lab().unfinished().is_some() {
            harness.state_mut().lab_mut().send(Command::DiscardUnfinished);
            harness.run_steps(2);
        }
        picture(&mut harness, name);
        let label = card_label("skew");
        harness.get_by_role_and_label(Role::Button, &label).scroll_to_me();
        harness.run_steps(8);
        harness.get_by_role_and_label(Role::Button, &label).click();
        harness.run_steps(4);
        wait(&mut harness, "the scenario", |l| l.document().title == title("skew"));
        assert!(harness.query_by_label_contains("Continue with").is_none(), "the welcome has closed");
    }
}

fn title(id: &str) -> String {
    shipped::find(id).unwrap().load().unwrap().scenario.title
}

fn card_label(id: &str) -> String {
    let scenario = shipped::find(id).unwrap().load().unwrap().scenario;
    format!("{}: {}", scenario.title, scenario.summary)
}

#[test]
fn groups_and_capacity_are_set_and_taken_back_by_hand() {
    let mut harness = wide();
    step_to(&mut harness, 5);
    harness.get_by_label("Groups, capacity, gating values").click();
    harness.run_steps(4);
    for (name, item) in [("Groups", "8 groups of 8"), ("Capacity", "Capacity, by position")] {
        harness.get_by_role_and_label(Role::ComboBox, name).click();
        harness.run_steps(4);
        harness.get_by_label(item).click();
        harness.run_steps(4);
    }
    wait(&mut harness, "both", |l| {
        let router = &l.settings().variants[0].router;
        router.groups == Some(Groups { groups: 8, kept: 4 }) && router.capacity.is_some()
    });
    step_to(&mut harness, 20);
    picture(&mut harness, "groups-and-capacity");
    assert!(harness.state().lab().snapshot().variants[0].metrics.dropped > 0.0);
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    wait(&mut harness, "undo", |l| l.settings().variants[0].router == Router::default());
}

#[test]
fn a_drag_of_the_step_size_is_one_undo_and_is_recorded() {
    let mut harness = wide();
    step_to(&mut harness, 5);
    press(&mut harness, Modifiers::NONE, Key::R);
    wait(&mut harness, "recording", |l| l.recording_since() == Some(5));
    let rail = harness.get_by_role_and_label(Role::Slider, "Step size u").rect();
    harness.drag_at(rail.center());
    for i in 0..12 {
        harness.step();
        harness.hover_at(rail.center() + vec2(i as f32, 0.0));
    }
    harness.drop_at(rail.center() + vec2(12.0, 0.0));
    harness.run_steps(3);
    let dragged = rate(harness.state().lab());
    assert!(dragged > 0.001, "the drag moved u to {dragged}");
    step_to(&mut harness, 30);
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    wait(&mut harness, "undo", |l| rate(l) == 0.001);
    assert!(harness.state().lab().undo_label().is_none(), "one drag was one undo");

    press(&mut harness, Modifiers::COMMAND, Key::Y);

    wait(&mut harness, "redo", |l| rate(l) == dragged);
    step_to(&mut harness, 40);
    press(&mut harness, Modifiers::NONE, Key::R);
    wait(&mut harness, "the recording", |l| l.notices().all().any(|n| n.text.starts_with("Recorded 35 steps")));
    // What was recorded in the window replays without it.
    let file = std::fs::read_dir(DATA.path().join("recordings")).unwrap().next().unwrap().unwrap().path();
    let gpu = moebias_engine::open(EngineChoice::Gpu).is_ok();
    for engine in if gpu { vec!["cpu", "gpu"] } else { vec!["cpu"] } {
        let mut replay = std::process::Command::new(env!("CARGO_BIN_EXE_moebias"));
        let replay = replay.arg("replay").arg(&file).args(["--verify", "--engine", engine]).output().unwrap();
        assert!(replay.status.success(), "{engine}: {}", String::from_utf8_lossy(&replay.stderr));
    }
    picture(&mut harness, "recorded");
}

#[test]
fn keys_play_pause_step_and_seek() {
    let mut harness = wide();
    press(&mut harness, Modifiers::NONE, Key::Space);
    wait(&mut harness, "playing", |l| l.snapshot().playing && l.snapshot().step > 3);
    press(&mut harness, Modifiers::NONE, Key::Space);
    wait(&mut harness, "paused", |l| !l.snapshot().playing);
    let at = harness.state().lab().snapshot().step;
    press(&mut harness, Modifiers::NONE, Key::ArrowRight);
    wait(&mut harness, "one step", |l| l.snapshot().step == at + 1);
    press(&mut harness, Modifiers::SHIFT, Key::ArrowRight);
    wait(&mut harness, "ten steps", |l| l.snapshot().step == at + 11);
    let digest = harness.state().lab().snapshot().digest;
    press(&mut harness, Modifiers::NONE, Key::Home);
    wait(&mut harness, "the start", |l| l.snapshot().step == 0);
    press(&mut harness, Modifiers::NONE, Key::End);
    wait(&mut harness, "the end", |l| l.snapshot().step == at + 11);
    assert_eq!(harness.state().lab().snapshot().digest, digest, "going back and forth is exact");
}

#[test]
fn changing_the_past_branches_and_the_future_can_be_brought_back() {
    let mut harness = wide();
    step_to(&mut harness, 50);
    let digest = harness.state().lab().snapshot().digest;
    harness.state_mut().lab_mut().send(Command::Seek(20));
    wait(&mut harness, "step 20", |l| l.snapshot().step == 20);
    let change = Change::SetTopK(3);
    harness.state_mut().lab_mut().send(Command::Change { target: Target::AllVariants, change });
    wait(&mut harness, "the branch", |l| l.set_aside().is_some());
    picture(&mut harness, "branched");
    harness.get_by_label("Bring back").click();
    harness.run_steps(4);
    wait(&mut harness, "the old run", |l| l.snapshot().head == 50);
    press(&mut harness, Modifiers::NONE, Key::End);
    wait(&mut harness, "its end", |l| l.snapshot().step == 50);
    assert_eq!(harness.state().lab().snapshot().digest, digest);
}

#[test]
fn the_palette_finds_and_does() {
    let mut harness = wide();
    press(&mut harness, Modifiers::COMMAND, Key::P);
    for c in "new seed".chars() {
        harness.event(Event::Text(c.to_string()));
    }
    harness.run_steps(4);
    picture(&mut harness, "palette");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    wait(&mut harness, "another seed", |l| l.settings().seed != 1);
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    wait(&mut harness, "the old seed", |l| l.settings().seed == 1);
}

#[test]
fn pointing_at_an_expert_lights_it_up_everywhere() {
    let mut harness = wide();
    step_to(&mut harness, 120);
    // Over the heatmap, whose left edge is right of the settings.
    let at = Pos2::new(620.0, 300.0);
    harness.hover_at(at);
    harness.run_steps(4);
    let link = harness.state().link().clone();
    assert!(link.hovered_expert.is_some() && link.hovered_token.is_some(), "{link:?}");
    picture(&mut harness, "hover");
    click(&mut harness, at);
    assert_eq!(harness.state().link().pinned_expert, link.hovered_expert);
    harness.get_by_label("Inspector").click();
    harness.run_steps(4);
    picture(&mut harness, "inspector");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert_eq!(harness.state().link().pinned_expert, None);
}

#[test]
fn panes_maximise_and_come_back() {
    let mut harness = wide();
    step_to(&mut harness, 80);
    for name in ["Tokens → experts", "Biases", "Worst expert", "Load over time"] {
        harness.get_by_label(&format!("Maximise {name}")).click();
        harness.run_steps(4);
        assert!(harness.query_by_label(&format!("Restore {name}")).is_some());
        picture(&mut harness, &format!("maximised-{}", name.replace([' ', '→'], "")));
        press(&mut harness, Modifiers::NONE, Key::Escape);
        assert!(harness.query_by_label(&format!("Maximise {name}")).is_some());
    }
}

#[test]
fn every_mode_of_every_pane() {
    let mut harness = app(vec2(1440.0, 900.0), Options::default(), false, "skew");
    step_to(&mut harness, 260);
    harness.get_by_label("Load curves").click();
    harness.run_steps(3);
    for (rows, name) in [("Topics", "topics"), ("Whole batch", "live"), ("Fixed tokens", "probe")] {
        harness.get_by_label("Rows of the heatmap").click();
        harness.run_steps(3);
        harness.get_by_role_and_label(Role::RadioButton, rows).click();
        wait(&mut harness, rows, |l| {
            let wanted = [("Topics", Rows::Topics), ("Whole batch", Rows::Live), ("Fixed tokens", Rows::Probe)];
            wanted.iter().any(|(n, r)| *n == rows && l.snapshot().picture.request.rows == *r)
        });
        press(&mut harness, Modifiers::NONE, Key::Escape);
        picture(&mut harness, &format!("rows-{name}"));
    }
    for (mode, name) in [("Score", "score"), ("+ Bias", "biased"), ("Moved by bias", "moved")] {
        // The switch is a row of buttons where there is room, and a menu where there is not.
        if harness.query_by_label(mode).is_none() {
            harness.get_by_label_contains("Cells show: ").click();
            harness.run_steps(3);
        }
        harness.get_by_label(mode).click();
        harness.run_steps(3);
        picture(&mut harness, &format!("cells-{name}"));
    }
    for mode in ["16", "Global", "Log", "− median"] {
        if harness.query_by_label(mode).is_none() {
            harness.get_by_label("More of Biases").click();
            harness.run_steps(3);
        }
        harness.get_by_label(mode).click();
        harness.run_steps(3);
    }
    assert_eq!(
        harness.get_by_label("Log").accesskit_node().toggled(),
        Some(Toggled::False),
        "it shows whether it is on"
    );
    picture(&mut harness, "modes");
}

fn wheel(harness: &mut Harness<'_, App>, by: f32) {
    harness.event(Event::MouseWheel {
        unit: eframe::egui::MouseWheelUnit::Point,
        delta: vec2(0.0, by),
        phase: eframe::egui::TouchPhase::Move,
        source: eframe::egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    harness.run_steps(8);
}

#[test]
fn any_part_of_the_next_batch_comes_into_sight() {
    let mut harness = wide();
    let source = Change::SetBatch(65_536);
    harness.state_mut().lab_mut().send(Command::Change { target: Target::Source, change: source });
    step_to(&mut harness, 20);
    harness.get_by_label("Rows of the heatmap").click();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::RadioButton, "Whole batch").click();
    harness.run_steps(3);
    harness.get_by_label("Rows of the heatmap").click();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::RadioButton, "Rows in order of arrival").click();
    wait(&mut harness, "the batch", |l| {
        let p = &l.snapshot().picture;
        p.request.rows == Rows::Live && !p.request.by_topic && p.request.tokens == 65_536
    });
    press(&mut harness, Modifiers::NONE, Key::Escape);
    let shared = |l: &Lab| (l.snapshot().picture.first, l.snapshot().picture.per_row);
    let (first, each) = shared(harness.state().lab());
    assert!(first == 0 && each >= 128, "{each} tokens share a row");
    picture(&mut harness, "live-all");

    // Scrolling over the heatmap zooms in to where the pointer is, down to single tokens.
    let at = Pos2::new(620.0, 300.0);
    harness.hover_at(at);
    harness.step();
    wheel(&mut harness, 300.0);
    let (zoomed, fewer) = shared(harness.state().lab());
    wait(&mut harness, "the part", |l| l.snapshot().picture.per_row < each);
    assert!(fewer <= each && (zoomed > 0 || fewer == each));
    for _ in 0..8 {
        wheel(&mut harness, 300.0);
    }
    wait(&mut harness, "single tokens", |l| l.snapshot().picture.per_row == 1 && l.snapshot().picture.first > 0);
    picture(&mut harness, "live-zoomed");
    let first = harness.state().lab().snapshot().picture.tokens[0].index;
    assert!(harness.state().lab().snapshot().picture.rows() < 2000, "only what is in sight is held");

    // Dragging moves along, and so do the keys.
    harness.drag_at(at);
    for i in 1..=10 {
        harness.hover_at(at - vec2(0.0, 12.0 * i as f32));
        harness.step();
    }
    harness.drop_at(at - vec2(0.0, 120.0));
    harness.run_steps(4);
    wait(&mut harness, "later tokens", |l| l.snapshot().picture.tokens[0].index > first);
    let first = harness.state().lab().snapshot().picture.tokens[0].index;
    harness.hover_at(at);
    harness.run_steps(2);
    press(&mut harness, Modifiers::NONE, Key::PageDown);
    wait(&mut harness, "the next page", |l| l.snapshot().picture.tokens[0].index > first);

    // A click pins a token, and it stays known when it is out of sight.
    click(&mut harness, at);
    let pinned = harness.state().link().pinned_token.unwrap();
    harness.get_by_label_contains("Place in the batch").click();
    press(&mut harness, Modifiers::NONE, Key::End);
    wait(&mut harness, "the end", |l| l.snapshot().picture.tokens.last().is_some_and(|t| t.index == 65_535));
    let snapshot = harness.state().lab().snapshot().clone();
    assert_eq!(snapshot.picture.pinned.as_ref().map(|p| p.token.index), Some(pinned));
    assert!(snapshot.picture.tokens[0].index > pinned);
    picture(&mut harness, "live-end");
}

#[test]
fn zooming_into_the_distant_past_shows_every_step() {
    let mut harness = wide();
    let small = Change::SetBatch(16);
    harness.state_mut().lab_mut().send(Command::Change { target: Target::Source, change: small });
    step_to(&mut harness, 40_000);
    let kept = |l: &Lab| l.snapshot().history.lock().unwrap().variants[0].width(8000, 8100);
    assert!(kept(harness.state().lab()) > 1, "so far back steps are kept together");
    // The whole run, and then closer and closer to a place at a fifth of it.
    let at = Pos2::new(314.0 + 0.2 * 684.0, 720.0);
    harness.hover_at(at);
    harness.step();
    for _ in 0..6 {
        wheel(&mut harness, -250.0);
    }
    assert_eq!(harness.state().link().span, Span::All);
    picture(&mut harness, "history-all");
    for _ in 0..4 {
        wheel(&mut harness, 250.0);
    }
    let Span::Part(from, to) = harness.state().link().span else { panic!("zoomed") };
    assert!(from < 8000.0 && to > 8000.0 && to - from < 1000.0, "{from} to {to}");
    wait(&mut harness, "the detail", |l| l.snapshot().detail.as_ref().is_some_and(|d| d.stage() == Stage::Done));
    wait(&mut harness, "every step", |l| {
        l.snapshot().history.lock().unwrap().variants[0].width(from.max(0.0) as u64, to as u64) == 1
    });
    picture(&mut harness, "history-zoomed");
}

#[test]
fn a_bad_file_leaves_the_run_alone_and_says_where() {
    let mut harness = wide();
    step_to(&mut harness, 10);
    let digest = harness.state().lab().snapshot().digest;
    let file = DATA.path().join("bad.ron");
    std::fs::write(&file, "(version: 1, title: \"x\", variants: [(name: \"a\", router: (top_k: 99))])").unwrap();
    press(&mut harness, Modifiers::COMMAND, Key::O);
    for c in file.to_string_lossy().chars() {
        harness.event(Event::Text(c.to_string()));
    }
    harness.run_steps(3);
    picture(&mut harness, "open");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    wait(&mut harness, "the error", |l| l.notices().all().any(|n| n.text.contains("bad.ron") && n.text.contains("99")));
    assert_eq!(harness.state().lab().snapshot().digest, digest);
    picture(&mut harness, "bad-file");
}

#[test]
fn every_overlay_and_both_themes() {
    let mut harness = wide();
    step_to(&mut harness, 30);
    press(&mut harness, Modifiers::NONE, Key::F1);
    picture(&mut harness, "shortcuts");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    press(&mut harness, Modifiers::COMMAND, Key::T);
    harness.get_by_label("Messages").click();
    harness.run_steps(4);
    picture(&mut harness, "messages-light");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    harness.get_by_label("Compare").click();
    harness.run_steps(4);
    picture(&mut harness, "compare-menu");
    harness.get_by_label("Add a variant").click();
    harness.run_steps(4);
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("Add a variant").is_none(), "Esc closes a menu");
    wait(&mut harness, "two variants", |l| l.settings().variants.len() == 2);
    step_to(&mut harness, 60);
    picture(&mut harness, "compare-light");
}

#[test]
fn every_scenario_is_drawn_at_every_size() {
    for (i, scenario) in shipped().iter().enumerate() {
        let sizes = [vec2(1440.0, 900.0), vec2(1100.0, 700.0), vec2(2560.0, 1440.0)];
        let mut harness = app(sizes[i % 3], Options::default(), i % 2 == 0, scenario.id);
        step_to(&mut harness, 40);
        picture(&mut harness, &format!("scenario-{}", scenario.id));
    }
}

/// Opens a choice and takes one of its items.
fn choose(harness: &mut Harness<'_, App>, choice: &str, item: &str) {
    harness.get_by_role_and_label(Role::ComboBox, choice).click();
    harness.run_steps(4);
    harness.get_by_role_and_label(Role::Button, item).click();
    harness.run_steps(4);
}

#[test]
fn a_rule_brings_its_step_and_one_undo_takes_both_back() {
    let mut harness = wide();
    choose(&mut harness, "Rule", "SMEBU");
    wait(&mut harness, "the rule", |l| l.snapshot().experiment.variants[0].balancer.rule == Rule::Smebu);
    assert_eq!(rate(harness.state().lab()), 0.0005);
    let said = harness.state().lab().notices().all().any(|n| n.text.contains("Step size λ is now 5e-4"));
    assert!(said, "the new step is told");
    harness.get_by_role_and_label(Role::Slider, "Steep κ");
    step_to(&mut harness, 40);
    picture(&mut harness, "rule-smebu");
    choose(&mut harness, "Rule", "ID Balancing");
    assert!(harness.query_by_role_and_label(Role::Slider, "Steep κ").is_none());
    harness.get_by_role_and_label(Role::Slider, "Gain K_d");
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    wait(&mut harness, "the undo", |l| l.snapshot().experiment.variants[0].balancer.rule == Rule::Sign);
    assert_eq!(rate(harness.state().lab()), 0.001);
    press(&mut harness, Modifiers::COMMAND, Key::Y);
    wait(&mut harness, "the redo", |l| l.snapshot().experiment.variants[0].balancer.rule == Rule::Smebu);
    assert_eq!(rate(harness.state().lab()), 0.0005, "redone together");
}

#[test]
fn a_model_is_one_choice_and_one_undo() {
    let mut harness = wide();
    step_to(&mut harness, 30);
    harness.get_by_role_and_label(Role::ComboBox, "Model").click();
    harness.run_steps(4);
    harness.get_by_role_and_label(Role::Button, "LongCat-Flash").hover();
    // As long as it takes an explanation to come.
    harness.run_steps(12);
    picture(&mut harness, "model-card");
    harness.get_by_role_and_label(Role::Button, "LongCat-Flash").click();
    wait(&mut harness, "the model", |l| l.snapshot().experiment.variants[0].router.experts == 768);
    let lab = harness.state().lab();
    assert_eq!(lab.snapshot().experiment.variants[0].name, "LongCat-Flash");
    assert_eq!(lab.snapshot().step, 0, "a new run");
    step_to(&mut harness, 3);
    harness.get_by_role_and_label(Role::Slider, "Zero Z");
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    wait(&mut harness, "the undo", |l| l.snapshot().experiment.variants[0].router.experts == 64);
    assert_eq!(harness.state().lab().snapshot().step, 30);
    // The same by name.
    press(&mut harness, Modifiers::COMMAND, Key::P);
    harness.event(Event::Text("as a model kimi".into()));
    harness.run_steps(4);
    press(&mut harness, Modifiers::NONE, Key::Enter);
    wait(&mut harness, "the palette", |l| l.snapshot().experiment.variants[0].router.experts == 384);
}

#[test]
fn biases_freeze_at_a_tick() {
    let mut harness = wide();
    step_to(&mut harness, 20);
    // Without it all settings have room.
    harness.get_by_label("What to look for").click();
    harness.run_steps(30);
    harness.get_by_role_and_label(Role::CheckBox, "Freeze from step").click();
    wait(&mut harness, "the freeze", |l| l.snapshot().experiment.variants[0].balancer.freeze == Some(20));
    let frozen = harness.state().lab().snapshot().variants[0].bias.clone();
    step_to(&mut harness, 40);
    let lab = harness.state().lab();
    assert_eq!(lab.snapshot().variants[0].bias, frozen);
    assert_eq!(lab.snapshot().variants[0].rate, 0.0);
    harness.get_by_label("Freeze step");
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    wait(&mut harness, "the undo", |l| l.snapshot().experiment.variants[0].balancer.freeze.is_none());
}

#[test]
fn the_theory_is_computed_while_it_is_seen() {
    for (size, dark) in [(vec2(1440.0, 900.0), true), (vec2(1100.0, 700.0), false)] {
        let mut harness = app(size, Options::default(), dark, "price-view");
        step_to(&mut harness, 90);
        assert!(harness.state().lab().snapshot().theory.is_none(), "nobody looks");
        press(&mut harness, Modifiers::NONE, Key::T);
        wait(&mut harness, "the theory", |l| {
            l.snapshot().theory.as_ref().is_some_and(|t| !t.busy && t.points.len() == 90)
        });
        picture(&mut harness, &format!("theory-{}", size.x));
        harness.get_by_label("Maximise Theory").click();
        harness.run_steps(4);
        for section in ["Moves", "Band", "Online", "Batch size", "Objective"] {
            harness.get_by_label(section).click();
            harness.run_steps(3);
            picture(&mut harness, &format!("theory-{}-{}", size.x, section.replace(' ', "")));
        }
        press(&mut harness, Modifiers::NONE, Key::Escape);
        harness.get_by_label("Load curves").click();
        wait(&mut harness, "nobody looking any more", |l| l.snapshot().theory.is_none());
    }
}
