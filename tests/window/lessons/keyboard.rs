//! A whole lesson by keyboard alone. Letters that answer a question do nothing else.

use super::{lab, press, top_k, window};
use crate::driver::{self, SHIFT, Window, send, wait};
use eframe::egui::{Key, accesskit::Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias_engine::message::Speed;
use moebias_files::view::PaneKind;
use moebias_lab::command::{Command, LessonDo};
use moebias_lab::lesson::Stage;

/// Presses Tab until this widget has the focus.
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

/// Waits for a page, counted from 1, and its run.
fn on_page(w: &mut Window, page: usize) {
    wait(w, &format!("page {page}"), |l| l.lesson().is_some_and(|r| r.page + 1 == page) && l.is_up_to_date());
}

#[test]
fn a_lesson_is_played_by_keyboard_alone() {
    let mut w = window();
    press(&mut w, Key::L);
    // The lesson to continue with has the focus.
    press(&mut w, Key::Enter);
    on_page(&mut w, 1);
    assert_eq!(lab(&w).lesson().unwrap().lesson.id, "router");
    press(&mut w, Key::Space);
    on_page(&mut w, 2);
    // Letters answer questions, and so do digits.
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
    send(&mut w, Command::SetSpeed(Speed::Max));
    wait(&mut w, "the task", |l| l.task_standing().done);
    // Escape releases the focus, so that the window gets the keys.
    press(&mut w, Key::Escape);
    driver::press(&mut w, SHIFT, Key::H);
    wait(&mut w, "the page’s own experiment", |l| l.is_up_to_date() && top_k(l) == 6.0);
    assert!(lab(&w).task_standing().done, "done stays done");
    let asks = lab(&w).lesson().unwrap().lesson.tasks();
    assert_eq!(lab(&w).shelf().progress["router"].stage(Some(&asks)), Stage::Done);
    press(&mut w, Key::L);
    assert!(w.query_by_label("Lesson 1: What a router does").is_some());
    // The first Escape closes the contents and returns the focus, the second releases it, so that the lesson gets the keys.
    press(&mut w, Key::Escape);
    press(&mut w, Key::Escape);
    press(&mut w, Key::Space);
    on_page(&mut w, 1);
    assert_eq!(lab(&w).lesson().unwrap().lesson.id, "starving", "on to the next one");
}

#[test]
fn letters_only_answer_while_a_question_is_open() {
    let mut w = window();
    send(&mut w, Command::Lesson(LessonDo::Open("starving".into())));
    send(&mut w, Command::Lesson(LessonDo::Turn(3)));
    on_page(&mut w, 4);
    let events = lab(&w).snapshot().events.len();
    // The question has two answers, so C and D are no answers, and they are no shortcuts either.
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
    // After the answer C opens the comparison again, which closes with the page.
    press(&mut w, Key::C);
    assert!(w.state().place_of(PaneKind::Compare).is_some() && w.state().place_of(PaneKind::Violation).is_some());
    press(&mut w, Key::Space);
    on_page(&mut w, 5);
    assert!(w.state().place_of(PaneKind::Compare).is_none());
}

#[test]
fn a_lesson_has_large_panes_and_restores_the_layout() {
    let mut w = window();
    let before = w.state().place_of(PaneKind::Assignment).unwrap();
    let screen = w.ctx.content_rect();
    send(&mut w, Command::Lesson(LessonDo::Open("bias".into())));
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
    send(&mut w, Command::Lesson(LessonDo::Close));
    w.run_steps(3);
    assert_eq!(w.state().place_of(PaneKind::Assignment).unwrap(), before);
}
