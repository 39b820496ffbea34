//! Every shortcut has an effect or says why not, and the list of shortcuts is legible.

use crate::driver::*;
use eframe::egui::{Event, Key, KeyboardShortcut, ViewportCommand, ViewportId, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::actions::{self, Action};
use moebias::ui::shell::app::Options;
use moebias_lab::notices::Level;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use strum::IntoEnumIterator as _;

/// Everything observable of the app without its pixels.
fn seen(window: &Window) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (i, node) in window.root().children_recursive().enumerate() {
        let n = node.accesskit_node();
        all.insert(format!("{i} {:?} {:?} {:?} {:?}", n.role(), n.label(), n.value(), n.toggled()));
    }
    let lab = window.state().lab();
    let s = lab.snapshot();
    all.insert(format!("{} {} {} {:?} {:?}", s.step, s.head, s.playing, s.speed, s.seeking));
    all.insert(format!("{:?} {:?} {:?}", lab.settings(), lab.recording_since(), lab.undo_label()));
    all.insert(format!("{} {} {:?}", lab.notices().count(), lab.document().title, window.state().link().pinned_expert));
    all.insert(format!("{} {:?}", window.ctx.zoom_factor(), window.ctx.theme()));
    all.insert(format!("{:?} {}", window.output().platform_output.cursor_icon, window.output().shapes.len()));
    all
}

/// The number of requests to the system in the last frame, other than for the window's title.
fn asked(window: &Window) -> usize {
    let of_window = window.output().viewport_output.get(&ViewportId::ROOT).map_or(0, |v| {
        let counted = |c: &&ViewportCommand| !matches!(c, ViewportCommand::Title(_));
        v.commands.iter().filter(counted).count()
    });
    of_window + window.output().platform_output.commands.len()
}

/// Prepares the window so that an action can have an effect.
fn prepare(window: &mut Window, action: Action) {
    match action {
        Action::Slower | Action::Faster => palette_enter(window, "speed 60"),
        Action::ZoomReset => palette_enter(window, "zoom 1.25"),
        Action::StageOn | Action::StageBack => press(window, PLAIN, Key::X),
        Action::NextPane | Action::PreviousPane => press(window, PLAIN, Key::F5),
        // A message that was shown a moment ago is not repeated, so another one comes between.
        Action::LessonHint | Action::LessonSetUp => window.state_mut().lab_mut().tell(Level::Info, "next"),
        _ => {}
    }
    let middle = eframe::egui::pos2(620.0, 300.0);
    window.hover_at(middle);
    window.run_steps(3);
}

#[test]
fn every_shortcut_has_an_effect_or_says_why_not() {
    let mut window = ordinary();
    step_to(&mut window, 30);
    let mut dead = vec![];
    for action in Action::iter() {
        for KeyboardShortcut { modifiers, logical_key } in action.shortcuts() {
            prepare(&mut window, action);
            if action == Action::Unpin {
                window.state_mut().link_mut().pinned_expert = Some(3);
                window.run_steps(2);
            }
            let before = seen(&window);
            let (mut after, mut commands) = (before.clone(), 0);
            let key = |pressed| Event::Key { key: logical_key, physical_key: None, pressed, repeat: false, modifiers };
            // Each event is a frame of its own, so that its requests to the system are observed.
            window.event(key(true));
            let patience = Instant::now();
            // Steps are computed by another thread.
            while after == before && commands == 0 && patience.elapsed() < Duration::from_millis(1500) {
                window.step();
                commands += asked(&window);
                after = seen(&window);
            }
            if after == before && commands == 0 {
                dead.push(format!("{action:?} ({logical_key:?})"));
            }
            window.event(key(false));
            tidy(&mut window);
        }
    }
    assert!(dead.is_empty(), "these do nothing and say nothing: {dead:?}");
    // Every shortcut is in the list.
    press(&mut window, PLAIN, Key::F1);
    for action in Action::iter().filter(|a| !a.shortcuts().is_empty()) {
        let name = action.name().trim_end_matches('…');
        assert!(window.query_all_by_label(name).next().is_some(), "{name} is in the list");
        let keys: Vec<String> = action.shortcuts().iter().map(|s| actions::written(&window.ctx, s)).collect();
        assert!(window.query_all_by_label(&keys.join("  ")).next().is_some(), "{keys:?}");
    }
}

#[test]
fn keys_in_the_list_of_shortcuts_never_overlap_names() {
    for (size, zoom) in [(ORDINARY, 1.0), (vec2(1100.0, 700.0), 1.0), (ORDINARY, 2.0)] {
        let mut window = open(size / zoom, dark(), Options::default(), "first-look");
        press(&mut window, PLAIN, Key::F1);
        picture(&mut window, &format!("shortcuts-{}-{zoom}", size.x));
        let mut rects = vec![];
        for action in Action::iter().filter(|a| !a.shortcuts().is_empty()) {
            let keys: Vec<String> = action.shortcuts().iter().map(|s| actions::written(&window.ctx, s)).collect();
            let keys = keys.join("  ");
            let keys = || window.query_all_by_label(&keys).map(|n| n.rect());
            let name = action.name().trim_end_matches('…');
            let pairs = window.query_all_by_label(name).flat_map(|n| keys().map(move |k| (k, n.rect())));
            let (keys, name) = pairs.min_by_key(|(k, n)| (n.top() - k.top()).abs() as i32).unwrap();
            assert!(
                keys.right() <= name.left() && (keys.top() - name.top()).abs() < 4.0,
                "{action:?}: {keys:?} {name:?}"
            );
            rects.push(keys);
        }
        let columns: BTreeSet<i32> = rects.iter().map(|r| r.left() as i32).collect();
        assert!(columns.len() <= 2, "keys are aligned: {columns:?}");
    }
}
