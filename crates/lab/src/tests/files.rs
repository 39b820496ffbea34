//! Recording, the journal after a crash, opening a bad file, and writing curves.

use super::*;

#[test]
fn a_recording_replays_to_the_same_digest() {
    let dir = data_dir();
    let mut lab = lab();
    lab.send(Command::ToggleRecord);
    lab.send(Command::StepForward(10));
    wait(&mut lab, "step 10", |s| s.step == 10);
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetRate(0.02) });
    lab.send(Command::Change { target: Target::Source, change: Change::SetSkew(2.5) });
    lab.send(Command::StepForward(20));
    wait(&mut lab, "step 30", |s| s.step == 30);
    let digest = lab.snapshot().digest;
    lab.send(Command::ToggleRecord);
    assert!(wait_for_notice(&mut lab, "Recorded").contains("30 steps"));
    let path = lab.take_recent().pop().unwrap();
    assert!(path.starts_with(dir));
    let loaded = moebias_files::load(&path).unwrap();
    assert_eq!(loaded.scenario.recorded.as_ref().unwrap().digest, digest);
    assert_eq!(loaded.scenario.events.len(), 2);
    // A recording without a step is not saved.
    lab.send(Command::ToggleRecord);
    lab.send(Command::ToggleRecord);
    wait_for_notice(&mut lab, "Nothing was recorded");
    assert!(lab.take_recent().is_empty());
    lab.send(Command::OpenFile(path));
    wait(&mut lab, "the replay", |s| s.step == 30 && s.run != RunId(0));
    assert_eq!(lab.snapshot().digest, digest);
}

#[test]
fn a_crash_loses_little_and_is_offered_again() {
    data_dir();
    let mut first = killed_lab();
    first.send(Command::StepForward(10));
    wait(&mut first, "step 10", |s| s.step == 10);
    first.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(3) });
    first.send(Command::StepForward(10));
    wait(&mut first, "step 20", |s| s.step == 20);
    let digest = first.snapshot().digest;
    // The journal is written about once a second, so wait longer than that.
    let second = Patience::of(Duration::from_secs(2));
    while second.holds() {
        first.poll();
    }
    // Dropping the lab without `close` is like killing the program: the journal's thread ends and leaves the file.
    drop(first);
    // The file may take a while to appear on a busy machine, and a lab looks for one only when it starts: so start labs until one finds it.
    let patience = Patience::new();
    let mut second = lab();
    while second.unfinished().is_none() {
        assert!(patience.holds(), "nothing was offered");
        let look = Patience::of(Duration::from_millis(500));
        while look.holds() && second.unfinished().is_none() {
            second.poll();
        }
        if second.unfinished().is_none() {
            second = lab();
        }
    }
    assert_eq!(second.unfinished().unwrap().events, 1);
    second.send(Command::Restore);
    wait(&mut second, "step 20 again", |s| s.step == 20 && s.seeking.is_none() && s.run != RunId(0));
    assert_eq!(second.snapshot().digest, digest);
}

#[test]
fn a_bad_file_leaves_the_experiment_alone() {
    let mut lab = lab();
    let path = data_dir().join("bad.ron");
    std::fs::write(&path, "(version: 1, variants: [(name: \"x\", router: (top_k: 99))])").unwrap();
    lab.send(Command::StepForward(5));
    wait(&mut lab, "step 5", |s| s.step == 5);
    lab.send(Command::OpenFile(path));
    let said = wait_for_notice(&mut lab, "bad.ron");
    assert!(said.contains("99") && said.contains("line 1"), "{said}");
    assert_eq!((lab.snapshot().run, lab.snapshot().step), (RunId(0), 5));
}

#[test]
fn curves_are_written_whole() {
    let mut lab = lab();
    let path = data_dir().join("curves.csv");
    lab.send(Command::StepForward(12));
    wait(&mut lab, "step 12", |s| s.step == 12);
    lab.send(Command::ExportCsv(path.clone()));
    wait_for_notice(&mut lab, "Wrote 12 steps");
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 13);
}

#[test]
fn what_is_recorded_belongs_to_the_run_that_is_left() {
    data_dir();
    let mut lab = lab();
    lab.send(Command::Reset);
    wait(&mut lab, "the new run", |s| s.run == RunId(1));
    lab.send(Command::ToggleRecord);
    lab.send(Command::StepForward(7));
    wait(&mut lab, "step 7", |s| s.step == 7);
    lab.send(Command::Undo);
    assert!(wait_for_notice(&mut lab, "Recorded").contains("7 steps"));
    assert!(lab.recording_since().is_none());
}
