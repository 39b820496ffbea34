//! A run: it plays, pauses, steps, goes back, branches and is recorded.

use super::{picture, wide};
use crate::DATA;
use crate::driver::*;
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, vec2};
use egui_kittest::kittest::Queryable as _;
use moebias_engine::EngineChoice;
use moebias_lab::command::Command;
use moebias_model::change::{Change, Target};

#[test]
fn a_drag_of_the_step_size_is_one_undo_entry_and_is_recorded() {
    let mut window = wide();
    step_to(&mut window, 5);
    press(&mut window, PLAIN, Key::R);
    wait(&mut window, "recording", |l| l.recording_since() == Some(5));
    let rail = window.get_by_role_and_label(Role::Slider, "Step size u").rect();
    window.drag_at(rail.center());
    for i in 0..12 {
        window.step();
        window.hover_at(rail.center() + vec2(i as f32, 0.0));
    }
    window.drop_at(rail.center() + vec2(12.0, 0.0));
    window.run_steps(3);
    let dragged = rate(window.state().lab(), 0);
    assert!(dragged > 0.001, "the drag moved u to {dragged}");
    step_to(&mut window, 30);
    press(&mut window, CTRL, Key::Z);
    wait(&mut window, "undo", |l| rate(l, 0) == 0.001);
    assert!(window.state().lab().undo_label().is_none(), "one drag was one undo");

    press(&mut window, CTRL, Key::Y);

    wait(&mut window, "redo", |l| rate(l, 0) == dragged);
    step_to(&mut window, 40);
    press(&mut window, PLAIN, Key::R);
    wait(&mut window, "the recording", |l| l.notices().all().any(|n| n.text.starts_with("Recorded 35 steps")));
    // A recording made in the window can be replayed on the command line.
    let file = std::fs::read_dir(DATA.path().join("recordings")).unwrap().next().unwrap().unwrap().path();
    let gpu = moebias_engine::open(EngineChoice::Gpu).is_ok();
    for engine in if gpu { vec!["cpu", "gpu"] } else { vec!["cpu"] } {
        let mut replay = std::process::Command::new(env!("CARGO_BIN_EXE_moebias"));
        let replay = replay.arg("replay").arg(&file).args(["--verify", "--engine", engine]).output().unwrap();
        assert!(replay.status.success(), "{engine}: {}", String::from_utf8_lossy(&replay.stderr));
    }
    picture(&mut window, "recorded");
}

#[test]
fn keys_play_pause_step_and_seek() {
    let mut window = wide();
    press(&mut window, PLAIN, Key::Space);
    wait(&mut window, "playing", |l| l.snapshot().playing && l.snapshot().step > 3);
    press(&mut window, PLAIN, Key::Space);
    wait(&mut window, "paused", |l| !l.snapshot().playing);
    let at = window.state().lab().snapshot().step;
    press(&mut window, PLAIN, Key::ArrowRight);
    wait(&mut window, "one step", |l| l.snapshot().step == at + 1);
    press(&mut window, SHIFT, Key::ArrowRight);
    wait(&mut window, "ten steps", |l| l.snapshot().step == at + 11);
    let digest = window.state().lab().snapshot().digest;
    press(&mut window, PLAIN, Key::Home);
    wait(&mut window, "the start", |l| l.snapshot().step == 0);
    press(&mut window, PLAIN, Key::End);
    wait(&mut window, "the end", |l| l.snapshot().step == at + 11);
    assert_eq!(window.state().lab().snapshot().digest, digest, "going back and forth gives the same state");
}

#[test]
fn a_change_in_the_past_makes_a_branch_and_the_old_run_can_be_brought_back() {
    let mut window = wide();
    step_to(&mut window, 50);
    let digest = window.state().lab().snapshot().digest;
    send(&mut window, Command::Seek(20));
    wait(&mut window, "step 20", |l| l.snapshot().step == 20);
    let change = Change::SetTopK(3);
    send(&mut window, Command::Change { target: Target::AllVariants, change });
    wait(&mut window, "the branch", |l| l.set_aside().is_some());
    picture(&mut window, "branched");
    window.get_by_label("Bring back").click();
    window.run_steps(4);
    wait(&mut window, "the old run", |l| l.snapshot().head == 50);
    press(&mut window, PLAIN, Key::End);
    wait(&mut window, "its end", |l| l.snapshot().step == 50);
    assert_eq!(window.state().lab().snapshot().digest, digest);
}
