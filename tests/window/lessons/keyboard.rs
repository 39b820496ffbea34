//! A whole lesson by keys alone, and no letter that does something else than it says.

use super::{Window, lab, press, top_k, wait, window};
use eframe::egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias_engine::message::Speed;
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_lab::command::LessonDo;
use moebias_lab::lesson::Stage;

fn press_with(w: &mut Window, modifiers: Modifiers, key: Key) {
    w.key_press_modifiers(modifiers, key);
    w.run_steps(4);
}

/// Tab until the focus is there.
fn tab_to(w: &mut Window, role: Role, label: &str) {
    for _ in 0..150 {
        let there = w.query_all_by_role_and_label(role, label).any(|n| n.accesskit_node().is_focused());
        if there {
            return;
        }
        press(w, Key::Tab);
    }
    panic!("{label} can't be reached by Tab");
}

fn on_page(w: &mut Window, page: usize) {
    wait(w, &format!("page {page}"), |l| l.lesson().is_some_and(|r| r.page + 1 == page) && l.is_up_to_date());
}

#[test]
fn a_whole_lesson_by_keys_alone() {
    let mut w = window();
    press(&mut w, Key::L);
    // The lesson to go on with has the focus.
    press(&mut w, Key::Enter);
    on_page(&mut w, 1);
    assert_eq!(lab(&w).lesson().unwrap().lesson.id, "router");
    press(&mut w, Key::Space);
    on_page(&mut w, 2);
    // A letter answers, a digit as well.
    press(&mut w, Key::B);
    assert_eq!(lab(&w).answered(), Some(1));
    press(&mut w, Key::ArrowRight);
    on_page(&mut w, 3);
    press(&mut w, Key::Num1);
    assert_eq!(lab(&w).answered(), Some(0), "wrong answers are answers");
    press(&mut w, Key::ArrowLeft);
    on_page(&mut w, 2);
    press(&mut w, Key::Space);
    press(&mut w, Key::Space);
    on_page(&mut w, 4);
    press(&mut w, Key::C);
    assert_eq!(lab(&w).answered(), Some(2));
    assert!(w.state().place_of(PaneKind::Compare).is_none(), "C answered and did nothing else");
    press(&mut w, Key::Space);
    on_page(&mut w, 5);
    press(&mut w, Key::H);
    assert!(w.query_by_label_contains("fewer experts do all the work").is_some(), "a hint");
    tab_to(&mut w, Role::Slider, "K");
    for _ in 0..10 {
        press(&mut w, Key::ArrowLeft);
    }
    assert_eq!(top_k(lab(&w)), 1.0);
    assert_eq!(lab(&w).lesson().unwrap().page, 4, "an arrow belongs to the slider");
    w.state_mut().lab_mut().send(Command::SetSpeed(Speed::Max));
    wait(&mut w, "the task", |l| l.task_standing().done);
    // Esc gives the keys back to the window.
    press(&mut w, Key::Escape);
    press_with(&mut w, Modifiers::SHIFT, Key::H);
    wait(&mut w, "the page’s own experiment", |l| l.is_up_to_date() && top_k(l) == 6.0);
    assert!(lab(&w).task_standing().done, "done stays done");
    let asks = lab(&w).lesson().unwrap().lesson.tasks();
    assert_eq!(lab(&w).shelf().progress["router"].stage(Some(&asks)), Stage::Done);
    press(&mut w, Key::L);
    assert!(w.query_by_label("Lesson 1: What a router does").is_some());
    // Closed, the contents give the focus back; once more and the keys are the lesson's again.
    press(&mut w, Key::Escape);
    press(&mut w, Key::Escape);
    press(&mut w, Key::Space);
    on_page(&mut w, 1);
    assert_eq!(lab(&w).lesson().unwrap().lesson.id, "starving", "on to the next one");
}

#[test]
fn while_a_question_is_open_letters_only_answer() {
    let mut w = window();
    w.state_mut().lab_mut().send(Command::Lesson(LessonDo::Open("starving".into())));
    w.state_mut().lab_mut().send(Command::Lesson(LessonDo::Turn(3)));
    on_page(&mut w, 4);
    let events = lab(&w).snapshot().events.len();
    // Two answers, so C and D are neither an answer nor the comparison.
    for key in [Key::C, Key::D, Key::Num3, Key::Num4] {
        press(&mut w, key);
    }
    assert_eq!(lab(&w).answered(), None);
    assert!(w.state().place_of(PaneKind::Compare).is_none());
    press(&mut w, Key::B);
    assert_eq!(lab(&w).answered(), Some(1));
    w.run_steps(4);
    let now = lab(&w).snapshot().events.len();
    assert_eq!(now, events, "no bias was reset");
    // Answered, C is the comparison again: it joins the page's panes and leaves with the page.
    press(&mut w, Key::C);
    assert!(w.state().place_of(PaneKind::Compare).is_some() && w.state().place_of(PaneKind::Violation).is_some());
    press(&mut w, Key::Space);
    on_page(&mut w, 5);
    assert!(w.state().place_of(PaneKind::Compare).is_none());
}

#[test]
fn the_panes_of_a_lesson_are_large_and_the_person_s_own_come_back() {
    let mut w = window();
    let before = w.state().place_of(PaneKind::Assignment).unwrap();
    let screen = w.ctx.content_rect();
    w.state_mut().lab_mut().send(Command::Lesson(LessonDo::Open("bias".into())));
    on_page(&mut w, 1);
    w.run_steps(3);
    let [load, bias] = [PaneKind::Load, PaneKind::Bias].map(|kind| w.state().place_of(kind).unwrap());
    assert!(w.state().place_of(PaneKind::Assignment).is_none(), "nothing but the page’s own panes");
    for rect in [load, bias] {
        assert!(rect.width() > 0.5 * screen.width() && rect.height() > 0.35 * screen.height(), "{rect:?}");
    }
    press(&mut w, Key::Space);
    on_page(&mut w, 2);
    w.run_steps(2);
    assert!(w.state().place_of(PaneKind::Violation).is_some() && w.state().place_of(PaneKind::Load).is_none());
    w.state_mut().lab_mut().send(Command::Lesson(LessonDo::Close));
    w.run_steps(3);
    assert_eq!(w.state().place_of(PaneKind::Assignment).unwrap(), before);
}
