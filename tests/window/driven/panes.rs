//! Panes: their modes, the shared pointer, zooming, and the Theory pane.

use super::{app, picture, wide};
use crate::driver::*;
use eframe::egui::accesskit::{Role, Toggled};
use eframe::egui::{Event, Key, Pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::link::Span;
use moebias::ui::shell::app::Options;
use moebias_engine::detail::Stage;
use moebias_engine::view::Rows;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_model::change::{Change, Target};

#[test]
fn the_expert_under_the_pointer_is_highlighted_in_all_panes() {
    let mut window = wide();
    step_to(&mut window, 120);
    // A point in the heatmap, which begins to the right of the settings.
    let at = Pos2::new(620.0, 300.0);
    window.hover_at(at);
    window.run_steps(4);
    let link = window.state().link().clone();
    assert!(link.hovered_expert.is_some() && link.hovered_token.is_some(), "{link:?}");
    picture(&mut window, "hover");
    click_at(&mut window, at);
    assert_eq!(window.state().link().pinned_expert, link.hovered_expert);
    window.get_by_label("Inspector").click();
    window.run_steps(4);
    picture(&mut window, "inspector");
    press(&mut window, PLAIN, Key::Escape);
    assert_eq!(window.state().link().pinned_expert, None);
}

#[test]
fn panes_are_maximised_and_restored() {
    let mut window = wide();
    step_to(&mut window, 80);
    for name in ["Tokens → experts", "Biases", "Worst expert", "Load over time"] {
        window.get_by_label(&format!("Maximise {name}")).click();
        window.run_steps(4);
        assert!(window.query_by_label(&format!("Restore {name}")).is_some());
        picture(&mut window, &format!("maximised-{}", name.replace([' ', '→'], "")));
        press(&mut window, PLAIN, Key::Escape);
        assert!(window.query_by_label(&format!("Maximise {name}")).is_some());
    }
}

#[test]
fn every_mode_of_every_pane_can_be_chosen() {
    let mut window = app(ORDINARY, Options::default(), false, "skew");
    step_to(&mut window, 260);
    window.get_by_label("Load curves").click();
    window.run_steps(3);
    for (rows, name) in [("Topics", "topics"), ("Whole batch", "live"), ("Fixed tokens", "probe")] {
        window.get_by_label("Rows of the heatmap").click();
        window.run_steps(3);
        window.get_by_role_and_label(Role::RadioButton, rows).click();
        wait(&mut window, rows, |l| {
            let wanted = [("Topics", Rows::Topics), ("Whole batch", Rows::Batch), ("Fixed tokens", Rows::Fixed)];
            wanted.iter().any(|(n, r)| *n == rows && l.snapshot().picture.request.rows == *r)
        });
        press(&mut window, PLAIN, Key::Escape);
        picture(&mut window, &format!("rows-{name}"));
    }
    for (mode, name) in [("Score", "score"), ("+ Bias", "biased"), ("Moved by bias", "moved")] {
        // The switch is a row of buttons if there is room, otherwise a menu.
        if window.query_by_label(mode).is_none() {
            window.get_by_label_contains("Cells show: ").click();
            window.run_steps(3);
        }
        window.get_by_label(mode).click();
        window.run_steps(3);
        picture(&mut window, &format!("cells-{name}"));
    }
    for mode in ["16", "Global", "Log", "− median"] {
        if window.query_by_label(mode).is_none() {
            window.get_by_label("More of Biases").click();
            window.run_steps(3);
        }
        window.get_by_label(mode).click();
        window.run_steps(3);
    }
    assert_eq!(
        window.get_by_label("Log").accesskit_node().toggled(),
        Some(Toggled::False),
        "the button shows whether the mode is on"
    );
    picture(&mut window, "modes");
}

/// Turns the mouse wheel by this many points; positive zooms in.
fn wheel(window: &mut Window, by: f32) {
    window.event(Event::MouseWheel {
        unit: eframe::egui::MouseWheelUnit::Point,
        delta: vec2(0.0, by),
        phase: eframe::egui::TouchPhase::Move,
        source: eframe::egui::MouseWheelSource::Wheel,
        modifiers: PLAIN,
    });
    window.run_steps(8);
}

#[test]
fn any_part_of_the_batch_can_be_scrolled_into_view() {
    let mut window = wide();
    let source = Change::SetBatch(65_536);
    send(&mut window, Command::Change { target: Target::Source, change: source });
    step_to(&mut window, 20);
    window.get_by_label("Rows of the heatmap").click();
    window.run_steps(3);
    window.get_by_role_and_label(Role::RadioButton, "Whole batch").click();
    window.run_steps(3);
    window.get_by_label("Rows of the heatmap").click();
    window.run_steps(3);
    window.get_by_role_and_label(Role::RadioButton, "Rows in order of arrival").click();
    wait(&mut window, "the batch", |l| {
        let p = &l.snapshot().picture;
        p.request.rows == Rows::Batch && !p.request.by_topic && p.request.tokens == 65_536
    });
    press(&mut window, PLAIN, Key::Escape);
    let shared = |l: &Lab| (l.snapshot().picture.first, l.snapshot().picture.per_row);
    let (first, each) = shared(window.state().lab());
    assert!(first == 0 && each >= 128, "{each} tokens share a row");
    picture(&mut window, "live-all");

    // Scrolling over the heatmap zooms in at the pointer, down to single tokens.
    let at = Pos2::new(620.0, 300.0);
    window.hover_at(at);
    window.step();
    wheel(&mut window, 300.0);
    let (zoomed, fewer) = shared(window.state().lab());
    wait(&mut window, "the part", |l| l.snapshot().picture.per_row < each);
    assert!(fewer <= each && (zoomed > 0 || fewer == each));
    for _ in 0..8 {
        wheel(&mut window, 300.0);
    }
    wait(&mut window, "single tokens", |l| l.snapshot().picture.per_row == 1 && l.snapshot().picture.first > 0);
    picture(&mut window, "live-zoomed");
    let first = window.state().lab().snapshot().picture.tokens[0].index;
    assert!(window.state().lab().snapshot().picture.rows() < 2000, "only visible rows are held");

    // Dragging scrolls the batch, and so do keys.
    window.drag_at(at);
    for i in 1..=10 {
        window.hover_at(at - vec2(0.0, 12.0 * i as f32));
        window.step();
    }
    window.drop_at(at - vec2(0.0, 120.0));
    window.run_steps(4);
    wait(&mut window, "later tokens", |l| l.snapshot().picture.tokens[0].index > first);
    let first = window.state().lab().snapshot().picture.tokens[0].index;
    window.hover_at(at);
    window.run_steps(2);
    press(&mut window, PLAIN, Key::PageDown);
    wait(&mut window, "the next page", |l| l.snapshot().picture.tokens[0].index > first);

    // A click pins a token, which stays pinned when it is out of sight.
    click_at(&mut window, at);
    let pinned = window.state().link().pinned_token.unwrap();
    window.get_by_label_contains("Place in the batch").click();
    press(&mut window, PLAIN, Key::End);
    wait(&mut window, "the end", |l| l.snapshot().picture.tokens.last().is_some_and(|t| t.index == 65_535));
    let snapshot = window.state().lab().snapshot().clone();
    assert_eq!(snapshot.picture.pinned.as_ref().map(|p| p.token.index), Some(pinned));
    assert!(snapshot.picture.tokens[0].index > pinned);
    picture(&mut window, "live-end");
}

#[test]
fn zooming_into_the_distant_past_shows_every_step() {
    let mut window = wide();
    let small = Change::SetBatch(16);
    send(&mut window, Command::Change { target: Target::Source, change: small });
    step_to(&mut window, 40_000);
    let kept = |l: &Lab| l.snapshot().history.lock().unwrap().variants[0].width(8000, 8100);
    assert!(kept(window.state().lab()) > 1, "steps this far back are joined into columns");
    // Zooms out to the whole run, then in at a fifth of it.
    let at = Pos2::new(314.0 + 0.2 * 684.0, 720.0);
    window.hover_at(at);
    window.step();
    for _ in 0..6 {
        wheel(&mut window, -250.0);
    }
    assert_eq!(window.state().link().span, Span::All);
    picture(&mut window, "history-all");
    for _ in 0..4 {
        wheel(&mut window, 250.0);
    }
    let Span::Part(from, to) = window.state().link().span else { panic!("zoomed") };
    assert!(from < 8000.0 && to > 8000.0 && to - from < 1000.0, "{from} to {to}");
    wait(&mut window, "the detail", |l| l.snapshot().detail.as_ref().is_some_and(|d| d.stage() == Stage::Done));
    wait(&mut window, "every step", |l| {
        l.snapshot().history.lock().unwrap().variants[0].width(from.max(0.0) as u64, to as u64) == 1
    });
    picture(&mut window, "history-zoomed");
}

#[test]
fn the_theory_is_computed_only_while_its_pane_is_visible() {
    for (size, dark) in [(ORDINARY, true), (vec2(1100.0, 700.0), false)] {
        let mut window = app(size, Options::default(), dark, "price-view");
        step_to(&mut window, 90);
        assert!(window.state().lab().snapshot().theory.is_none(), "the pane is not visible");
        press(&mut window, PLAIN, Key::T);
        wait(&mut window, "the theory", |l| {
            l.snapshot().theory.as_ref().is_some_and(|t| !t.busy && t.points.len() == 90)
        });
        picture(&mut window, &format!("theory-{}", size.x));
        window.get_by_label("Maximise Theory").click();
        window.run_steps(4);
        for section in ["Moves", "Band", "Online", "Batch size", "Objective"] {
            window.get_by_label(section).click();
            window.run_steps(3);
            picture(&mut window, &format!("theory-{}-{}", size.x, section.replace(' ', "")));
        }
        press(&mut window, PLAIN, Key::Escape);
        window.get_by_label("Load curves").click();
        wait(&mut window, "nobody looking any more", |l| l.snapshot().theory.is_none());
    }
}
