//! What happens to a scenario's later events when settings are changed by hand.

use super::*;
use moebias_model::change::Event;

fn planned() -> Vec<Event> {
    let event = |step, target, change| Event { step, target, change };
    vec![event(50, Target::Source, Change::SetSkew(2.0)), event(60, Target::AllVariants, Change::SetTopK(32))]
}

fn lab() -> Proper {
    data_dir();
    let start = Start { events: planned(), ..start() };
    let mut lab = Proper(Lab::new(Document::default(), start, EngineChoice::Cpu, || {}).unwrap());
    lab.send(Command::StepForward(20));
    wait(&mut lab, "step 20", |s| s.step == 20);
    lab
}

fn set(lab: &mut Lab, change: Change) {
    lab.send(Command::Change { target: Target::AllVariants, change });
    lab.end_gesture();
    wait(lab, "the change", |_| true);
}

fn said(lab: &Lab) -> Vec<String> {
    lab.notices().all().map(|n| n.text.clone()).collect()
}

#[test]
fn a_change_of_the_present_leaves_the_plan_alone() {
    let mut lab = lab();
    set(&mut lab, Change::SetRate(0.01));
    assert_eq!(lab.snapshot().events[1..], planned());
    assert_eq!((lab.set_aside(), said(&lab)), (None, vec![]), "nothing came after it");
    lab.send(Command::Undo);
    wait(&mut lab, "the undo", |_| true);
    assert_eq!(*lab.snapshot().events, planned(), "and there is no mark of either");
    set(&mut lab, Change::SetRate(0.02));
    lab.send(Command::StepForward(60));
    wait(&mut lab, "step 80", |s| s.step == 80);
    assert_eq!((lab.settings().variants[0].router.top_k, lab.settings().synthetic().unwrap().skew), (32, 2.0));
}

#[test]
fn a_change_of_the_past_sets_aside_what_was_done_later_and_names_it() {
    let mut lab = lab();
    set(&mut lab, Change::SetRate(0.01));
    lab.send(Command::StepForward(20));
    wait(&mut lab, "step 40", |s| s.step == 40);
    set(&mut lab, Change::SetRate(0.02));
    lab.send(Command::Seek(10));
    wait(&mut lab, "step 10", |s| s.step == 10 && s.seeking.is_none());
    set(&mut lab, Change::SetTopK(3));
    wait(&mut lab, "the branch", |s| s.head == 10);
    assert_eq!(lab.snapshot().events[1..], planned());
    assert_eq!(lab.set_aside().unwrap().events, 2);
    let notice = said(&lab).pop().unwrap();
    assert!(
        notice.ends_with("with 2 later changes, the first being the change at step 20 (step size u 0.01)"),
        "{notice}"
    );
    lab.send(Command::BringBack);
    wait(&mut lab, "the old steps", |s| s.head == 40);
    assert_eq!(lab.snapshot().events.len(), 4);
}

#[test]
fn what_no_longer_fits_is_named_and_comes_back_with_undo() {
    let mut lab = lab();
    set(&mut lab, Change::SetGroups(Some(moebias_model::config::Groups { groups: 8, kept: 2 })));
    let notice = said(&lab).pop().unwrap();
    let expected =
        "With these settings, the change at step 60 (experts per token K 32) is not possible: it is left out";
    assert_eq!(notice, expected);
    lab.send(Command::Undo);
    wait(&mut lab, "the undo", |_| true);
    assert_eq!(*lab.snapshot().events, planned());
}

#[test]
fn what_is_saved_holds_the_plan() {
    let mut first = lab();
    set(&mut first, Change::SetRate(0.01));
    let path = data_dir().join("planned.ron");
    first.send(Command::SaveAs(path.clone()));
    wait_for_notice(&mut first, "Saved");
    let saved = moebias_files::load(&path).unwrap().scenario;
    assert_eq!(saved.events, *first.snapshot().events);
    assert_eq!(saved.events[1..], planned());
}
