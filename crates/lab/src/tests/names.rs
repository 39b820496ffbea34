//! The names of variants, which follow the settings until a user types one.

use super::*;

const NAMED: &str = r#"(
    version: 1, title: "Named", seed: 4, source: Synthetic(batch: 64),
    variants: [(name: "Nothing", balancer: (rule: r#None)), (balancer: (rate: 0.01)), (name: "mine", keep_name: true)],
    events: [(step: 20, target: Variant(1), change: SetRate(0.004))],
)"#;

fn names(lab: &Lab) -> Vec<String> {
    lab.settings().names()
}

#[test]
fn names_follow_the_settings_until_somebody_types_one() {
    let folder = tempfile::tempdir().unwrap();
    let open = |text: &str| {
        let loaded = moebias_files::load_text(text, "named.ron", std::path::Path::new("")).unwrap();
        Lab::beside(Document::of(&loaded), start_of(&loaded)).unwrap()
    };
    let mut lab = Proper(open(NAMED));
    assert_eq!(names(&lab), ["Nothing", "Sign, u = 0.01", "mine"]);
    lab.send(Command::StepForward(30));
    wait(&mut lab, "step 30", |s| s.step == 30 && !s.playing);
    assert_eq!(
        names(&lab),
        ["Nothing", "Sign, u = 0.004", "mine"],
        "an author's event changes a name as a person does"
    );
    let rule = |rule| Command::Change { target: Target::AllVariants, change: Change::SetRule(rule) };
    lab.send(rule(Rule::Quantile));
    wait(&mut lab, "the rule", |_| true);
    let quantile = ["Quantile Balancing", "Quantile Balancing (2)", "mine"];
    assert_eq!(names(&lab), quantile);
    assert_eq!(lab.snapshot().experiment.variants[0].name.was(), Some("Nothing"));
    lab.send(Command::Undo);
    wait(&mut lab, "the undo", |_| true);
    assert_eq!(names(&lab), ["Nothing", "Sign, u = 0.004", "mine"]);
    lab.send(Command::Redo);
    lab.send(Command::Rename { variant: 0, name: Some(" #1 ".into()) });
    assert_eq!(names(&lab)[0], "#1", "at once");
    assert_eq!(lab.undo_label().as_deref(), Some("name “#1”"));
    lab.send(Command::Undo);
    assert_eq!(names(&lab)[0], quantile[0]);
    lab.send(Command::Redo);
    lab.send(Command::StepForward(10));
    wait(&mut lab, "step 40", |s| s.step == 40 && !s.playing);
    assert_eq!(lab.snapshot().experiment.names(), ["#1", "Quantile Balancing (2)", "mine"]);
    // Going back to an earlier step keeps a typed name, and renaming there sets no steps aside.
    lab.send(Command::Seek(25));
    wait(&mut lab, "step 25", |s| s.step == 25);
    assert_eq!(names(&lab), ["#1", "Sign, u = 0.004", "mine"]);
    lab.send(Command::Rename { variant: 0, name: Some("one".into()) });
    wait(&mut lab, "the name", |s| s.head == 40);
    assert_eq!(lab.set_aside(), None);
    lab.send(Command::SeekEnd);
    wait(&mut lab, "step 40", |s| s.step == 40);
    let (digest, shown) = (lab.snapshot().digest, names(&lab));
    assert_eq!(shown, ["one", "Quantile Balancing (2)", "mine"]);
    let path = folder.path().join("named.ron");
    lab.send(Command::SaveAs(path.clone()));
    wait_for_notice(&mut lab, "Saved");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(r#"name: "one", keep_name: true"#) && !text.contains("Nothing"), "{text}");
    let mut again = Proper(open(&text));
    assert_eq!(names(&again), ["one", "Sign, u = 0.01", "mine"]);
    again.send(Command::StepForward(40));
    wait(&mut again, "step 40", |s| s.step == 40 && !s.playing);
    assert_eq!((again.snapshot().digest, names(&again)), (digest, shown));
    // A new run keeps typed names, and its automatic names follow its settings.
    lab.send(Command::Reset);
    wait(&mut lab, "the reset", |s| s.step == 0);
    assert_eq!(names(&lab), ["one", "Quantile Balancing (2)", "mine"]);
    lab.send(Command::Rename { variant: 0, name: None });
    assert_eq!(names(&lab), ["Quantile Balancing", "Quantile Balancing (2)", "mine"]);
    lab.send(Command::Rename { variant: 0, name: Some("x".repeat(81)) });
    assert_eq!(names(&lab)[0], "Quantile Balancing");
    assert!(lab.notices().all().last().is_some_and(|n| n.text.contains("at most 80")));
    for taken in ["mine", " Quantile Balancing (2) "] {
        lab.send(Command::Rename { variant: 0, name: Some(taken.into()) });
        assert_eq!(names(&lab)[0], "Quantile Balancing");
        assert!(lab.notices().all().last().is_some_and(|n| n.text.contains("Another variant is called")));
    }
}
