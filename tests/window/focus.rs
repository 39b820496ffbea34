//! Where keys go: focus that was released, lists that scroll by keys, and dialogs that stay open and say what is wrong.

use crate::DATA;
use crate::driver::*;
use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::actions::Action;
use moebias::ui::shell::app::Options;
use moebias_files::view::PaneKind;
use moebias_lab::command::{Command, LessonDo};
use strum::IntoEnumIterator as _;

fn topics(window: &Window) -> u32 {
    window.state().lab().settings().synthetic().unwrap().topics
}

#[test]
fn released_focus_stays_released_whatever_opens_and_closes() {
    let mut window = ordinary();
    send(&mut window, Command::Pause);
    walk(&mut window, PLAIN, Key::F6, "Token source");
    walk(&mut window, PLAIN, Key::Tab, "Topics");
    let before = topics(&window);
    for (modifiers, key) in [(CTRL, Key::P), (PLAIN, Key::F2), (CTRL, Key::S), (PLAIN, Key::G), (PLAIN, Key::F1)] {
        press(&mut window, PLAIN, Key::Escape);
        assert_eq!(focused(&window), None, "before {key:?}");
        press(&mut window, modifiers, key);
        press(&mut window, PLAIN, Key::Escape);
        assert_eq!(focused(&window), None, "after {key:?}");
        let step = window.state().lab().snapshot().step;
        press(&mut window, PLAIN, Key::ArrowRight);
        wait(&mut window, "a step", |l| l.snapshot().step == step + 1);
        assert_eq!(topics(&window), before, "after {key:?}");
        // The next key that moves the focus starts from where the focus was.
        press(&mut window, PLAIN, Key::Tab);
        press(&mut window, SHIFT, Key::Tab);
        assert_eq!(focused(&window).as_deref(), Some("Topics"), "after {key:?}");
    }
}

#[test]
fn after_a_dialog_the_keys_control_the_run_again() {
    let mut window = ordinary();
    send(&mut window, Command::Pause);
    window.run_steps(3);
    press(&mut window, PLAIN, Key::F2);
    type_in(&mut window, "Mine");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the name", |l| l.settings().variants[0].name == "Mine");
    assert_eq!(focused(&window), None);
    press(&mut window, PLAIN, Key::Space);
    wait(&mut window, "Space plays", |l| l.snapshot().playing);
}

#[test]
fn every_key_press_of_a_frame_moves_the_focus() {
    let mut window = ordinary();
    walk(&mut window, PLAIN, Key::F6, "Token source");
    let mut names = vec![];
    for _ in 0..3 {
        press(&mut window, PLAIN, Key::Tab);
        names.push(focused(&window).unwrap());
    }
    for _ in 0..3 {
        press(&mut window, SHIFT, Key::Tab);
    }
    assert_eq!(focused(&window).as_deref(), Some("Token source"));
    let tab = Event::Key { key: Key::Tab, physical_key: None, pressed: true, repeat: false, modifiers: PLAIN };
    window.input_mut().events.extend([tab.clone(), tab.clone(), tab]);
    window.run_steps(4);
    assert_eq!(focused(&window), names.pop(), "three presses, {names:?}");
}

#[test]
fn a_list_opens_at_the_current_choice() {
    let mut window = ordinary();
    walk(&mut window, PLAIN, Key::F6, "Rule");
    press(&mut window, PLAIN, Key::Enter);
    assert_eq!(focused(&window).as_deref(), Some("Loss-free, sign"));
    press(&mut window, PLAIN, Key::Escape);
    palette_enter(&mut window, "speed 60");
    walk(&mut window, PLAIN, Key::Tab, "Speed: 60 / s");
    press(&mut window, PLAIN, Key::Enter);
    assert_eq!(focused(&window).as_deref(), Some("60 / s"));
}

#[test]
fn pane_commands_apply_to_the_pane_used_last() {
    let mut window = ordinary();
    let large = |window: &Window, kind: PaneKind| window.state().place_of(kind).is_some_and(|r| r.height() > 600.0);
    press(&mut window, PLAIN, Key::C);
    press(&mut window, PLAIN, Key::F);
    assert!(large(&window, PaneKind::Compare), "what was brought up");
    press(&mut window, PLAIN, Key::F);
    walk(&mut window, PLAIN, Key::F6, "Load per expert");
    press(&mut window, PLAIN, Key::F);
    assert!(large(&window, PaneKind::Load), "what has the focus");
    press(&mut window, PLAIN, Key::F);
    let place = window.state().place_of(PaneKind::Bias).unwrap().center();
    window.hover_at(place);
    window.run_steps(3);
    press(&mut window, PLAIN, Key::F);
    assert!(large(&window, PaneKind::Bias), "what is under the pointer");
}

#[test]
fn f10_opens_the_menu_and_alt_is_no_part_of_a_shortcut() {
    let mut window = ordinary();
    press(&mut window, PLAIN, Key::F10);
    assert!(focused(&window).is_some_and(|n| n.starts_with(Action::Welcome.name())), "{:?}", focused(&window));
    press(&mut window, PLAIN, Key::Escape);
    let whole = window.state().place_of(PaneKind::Bias);
    assert!(whole.is_some());
    for letter in [Key::F, Key::G, Key::L, Key::C, Key::S] {
        press(&mut window, Modifiers::ALT, letter);
    }
    assert_eq!(window.state().place_of(PaneKind::Bias), whole);
    assert!(window.query_by_label("Search terms").is_none());
    assert!(window.query_by_label("Close lessons").is_none());
}

/// The top of a text, points.
fn top_of(window: &Window, label: &str) -> f32 {
    window.query_all_by_label(label).next().unwrap_or_else(|| panic!("no {label}")).rect().top()
}

#[test]
fn lists_and_lessons_scroll_by_keys() {
    for size in [vec2(720.0, 450.0), vec2(550.0, 350.0)] {
        let mut window = open(size, dark(), Options::default(), "first-look");
        press(&mut window, PLAIN, Key::F1);
        scrolls(&mut window, "Everywhere");
        press(&mut window, PLAIN, Key::Escape);
        press(&mut window, PLAIN, Key::G);
        scrolls(&mut window, "Routing");
        // The terms found by a search scroll as well, but Home and End then belong to the search field.
        type_in(&mut window, "e");
        let before = top_of(&window, "Expert");
        press(&mut window, PLAIN, Key::PageDown);
        window.run_steps(30);
        assert!(top_of(&window, "Expert") < before);
        press(&mut window, PLAIN, Key::Escape);
        send(&mut window, Command::Lesson(LessonDo::Open("step-size".into())));
        wait(&mut window, "the lesson", |l| l.lesson().is_some() && l.is_up_to_date());
        let title = window.state().lab().lesson().unwrap().page().unwrap().title.clone();
        scrolls(&mut window, &title);
        assert_eq!(window.state().lab().lesson().unwrap().page, 0);
    }
}

/// Checks that every key that scrolls moves a text at the top, and that the opposite key moves it back.
fn scrolls(window: &mut Window, label: &str) {
    let start = top_of(window, label);
    for (down, up) in [(Key::ArrowDown, Key::ArrowUp), (Key::PageDown, Key::PageUp), (Key::End, Key::Home)] {
        press(window, PLAIN, down);
        window.run_steps(30);
        assert!(top_of(window, label) < start - 20.0, "{label}: {down:?}");
        press(window, PLAIN, up);
        window.run_steps(30);
        assert!((top_of(window, label) - start).abs() < 1.0, "{label}: {up:?}");
    }
}

#[test]
fn every_shortcut_is_visible_in_an_ordinary_window() {
    for lesson in [false, true] {
        let mut window = ordinary();
        if lesson {
            send(&mut window, Command::Lesson(LessonDo::Open("step-size".into())));
            wait(&mut window, "the lesson", |l| l.lesson().is_some() && l.is_up_to_date());
        }
        press(&mut window, PLAIN, Key::F1);
        picture(&mut window, &format!("shortcuts-lesson-{lesson}"));
        let foot = window.get_by_label_contains("Panes: drag a header").rect().top();
        for action in Action::iter().filter(|a| !a.shortcuts_in(lesson).is_empty()) {
            let name = action.name().trim_end_matches('…');
            let rows = window.query_all_by_label(name).filter(|n| n.accesskit_node().role() == Role::Label);
            let bottom = rows.map(|n| n.rect().bottom()).fold(0.0, f32::max);
            assert!(bottom > 0.0 && bottom < foot, "{name} at {bottom} above {foot}");
        }
        assert_eq!(window.query_by_label("Answer the page’s question").is_some(), lesson);
        assert_eq!(window.query_by_label("Lesson: next page").is_some(), lesson, "what Space does now");
        let close = window.get_by_label("Close keyboard shortcuts");
        close.click();
        window.run_steps(3);
        assert!(window.query_by_label("Close keyboard shortcuts").is_none());
    }
}

#[test]
fn a_name_without_extension_opens_the_saved_file_and_a_missing_file_is_reported() {
    let mut window = ordinary();
    let bare = DATA.path().join("four");
    send(&mut window, Command::SaveAs(bare.with_extension("ron")));
    wait(&mut window, "the file", |_| bare.with_extension("ron").exists());
    press(&mut window, CTRL, Key::O);
    type_in(&mut window, &DATA.path().join("five").display().to_string());
    press(&mut window, PLAIN, Key::Enter);
    assert!(window.query_by_label_contains("There is no file").is_some(), "it stays open");
    assert!(focused(&window).is_some(), "so that the path can be corrected");
    for _ in 0..4 {
        press(&mut window, PLAIN, Key::Backspace);
    }
    type_in(&mut window, "four");
    press(&mut window, PLAIN, Key::Enter);
    assert!(window.query_by_label("Path").is_none());
    let path = bare.with_extension("ron");
    wait(&mut window, "the run", |l| l.texts().path.as_deref() == Some(path.as_path()));
}

#[test]
fn renaming_changes_one_variant_only() {
    let mut window = ordinary();
    for _ in 0..2 {
        press(&mut window, CTRL, Key::D);
    }
    wait(&mut window, "three variants", |l| l.snapshot().variants.len() == 3);
    let names = |window: &Window| -> Vec<String> {
        window.state().lab().settings().variants.iter().map(|v| v.name.to_string()).collect()
    };
    let before = names(&window);
    walk(&mut window, PLAIN, Key::F6, "All");
    walk(&mut window, PLAIN, Key::Tab, &before[1]);
    press(&mut window, PLAIN, Key::Enter);
    press(&mut window, PLAIN, Key::F2);
    assert!(window.query_by_label(&format!("Rename “{}”", before[1])).is_some(), "it says which");
    type_in(&mut window, &before[2]);
    picture(&mut window, "rename-taken");
    press(&mut window, PLAIN, Key::Enter);
    assert!(window.query_by_label_contains("Another variant is called").is_some(), "it stays open and says why not");
    for _ in 0..before[2].chars().count() {
        press(&mut window, PLAIN, Key::Backspace);
    }
    type_in(&mut window, "My fast one");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the name", |l| l.settings().variants[1].name == "My fast one");
    assert_eq!(names(&window)[2], before[2], "the others keep theirs");
    assert_eq!(names(&window)[0], before[0]);
    let long = "A name as long as only somebody with a great deal of time would ever type it";
    send(&mut window, Command::Rename { variant: 2, name: Some(long.into()) });
    wait(&mut window, "the long name", |l| l.settings().variants[2].name == long);
    let chip = window.query_all_by_label(long).map(|n| n.rect().height()).fold(0.0, f32::max);
    assert!(chip < 40.0, "one line: {chip}");
    picture(&mut window, "long-name");
}

#[test]
fn rule_and_step_size_are_visible() {
    for size in [vec2(1280.0, 810.0), ORDINARY] {
        let mut window = open(size, dark(), Options::default(), "first-look");
        picture(&mut window, &format!("settings-{}", size.x));
        let foot = window.get_by_label("Reset").rect().top();
        for (role, label) in [(Role::ComboBox, "Rule"), (Role::Slider, "Step size u")] {
            let bottom = window.get_by_role_and_label(role, label).rect().bottom();
            assert!(bottom < foot - 8.0, "{label} at {bottom} in {size}, above {foot}");
        }
    }
}

#[test]
fn the_film_dialog_fits_a_low_window() {
    let size = vec2(550.0, 350.0);
    let mut window = open(size, dark(), Options::default(), "first-look");
    press(&mut window, Modifiers::COMMAND.plus(SHIFT), Key::F);
    picture(&mut window, "film-low");
    for label in ["Film of the run", "Cancel", "Choose file…"] {
        let rect = window.get_by_label(label).rect();
        assert!(rect.top() > 0.0 && rect.bottom() < size.y, "{label} at {rect:?}");
    }
    walk(&mut window, PLAIN, Key::Tab, "Format");
    window.run_steps(30);
    let (row, foot) =
        (window.get_by_role_and_label(Role::ComboBox, "Format").rect(), window.get_by_label("Cancel").rect());
    assert!(row.bottom() < foot.top(), "what has the focus is in sight");
}
