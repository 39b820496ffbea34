use super::*;
use moebias_model::change::{Change, Event, Target};
use moebias_model::config::{Experiment, Source, Synthetic, Variant};
use moebias_model::figures::{Figures, Oscillation};
use std::fs;

fn plan() -> Plan {
    let variant = |name: &str| Variant { name: name.into(), ..Variant::default() };
    let experiment = Experiment {
        seed: 7,
        source: Source::Synthetic(Synthetic { batch: 64, ..Default::default() }),
        variants: vec![variant("first, quoted"), variant("# second")],
    };
    let events = [Event { step: 3, target: Target::Source, change: Change::SetSkew(0.5) }];
    let axes = ["u=1e-5..1e-1:log:5", "rule=sign,rms"].map(|a| Axis::parse(a).unwrap());
    Plan::new(experiment, &events, axes.to_vec(), 2, 10).unwrap()
}

fn some(n: usize) -> Outcome {
    let oscillation = Some(Oscillation { amplitude: 0.1 / (n + 3) as f64, period: n.is_multiple_of(3).then_some(2.5) });
    let settling = n.is_multiple_of(2).then_some(n as u64 % 10);
    let figures = Figures {
        steps: 10,
        settling,
        settled: settling.is_some(),
        steady: Some(1.0 / 3.0),
        oscillation,
        ..Figures::default()
    };
    Outcome { figures, digest: digest(&n.to_string()) }
}

#[test]
fn what_is_written_is_read_back() {
    let plan = plan();
    let outcomes: Vec<Option<Outcome>> = (0..plan.len()).map(|n| (n != 4).then(|| some(n))).collect();
    let text = text(&head("A title", &plan, None, Path::new("")), &plan, &outcomes);
    let saved = parse("x.csv", &text, Path::new("")).unwrap();
    assert_eq!((saved.title.as_str(), &saved.outcomes), ("A title", &outcomes));
    assert_eq!(saved.plan.axes(), plan.axes());
    assert_eq!(
        head("A title", &saved.plan, None, Path::new("")),
        head("A title", &plan, None, Path::new("")),
        "the same plan"
    );
    let torn = &text[..text.len() - 5];
    let last = parse("x.csv", torn, Path::new("")).unwrap().outcomes.iter().flatten().count();
    assert_eq!(last, plan.len() - 2);
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (plan, folder) = (plan(), tempfile::tempdir().unwrap());
    let path = folder.path().join("out.csv");
    let head = head("A title", &plan, None, Path::new(""));
    let begin = |old: &str, says: &str| {
        fs::write(&path, old).unwrap();
        let e = Log::begin(&path, &head, &plan).unwrap_err().to_string();
        assert!(e.contains(says), "{e}");
        assert_eq!(fs::read_to_string(&path).unwrap(), old);
    };
    begin("step,variant\n", "not a sweep");
    begin(&head.replace("seeds: 2", "seeds: 3"), "another sweep");
    begin(&head.replace("# moebias: ", "# moebias: 9."), "begun by Moebias 9.");
    let lines = head.lines().count();
    begin(&format!("{head}1,2,3\n"), &format!("line {}, column 1: a row has 3 fields", lines + 1));
    let last = row(&plan, plan.len() - 1, &some(0));
    begin(&format!("{head}{}", last.replacen("39,", "40,", 1)), "run is 40, but must be from 0 to 39");
}

#[test]
fn a_torn_file_is_gone_on_with() {
    let (plan, folder) = (plan(), tempfile::tempdir().unwrap());
    let path = folder.path().join("out.csv");
    let head = head("A title", &plan, None, Path::new(""));
    let rows: Vec<String> = (0..3).map(|n| row(&plan, n, &some(n))).collect();
    for (old, known) in [
        (head[..100].to_owned(), 0),
        (format!("{head}{}", rows[0]), 1),
        (format!("{head}{}{}{}", rows[2], rows[0], &rows[1][..40]), 2),
    ] {
        fs::write(&path, old).unwrap();
        let (mut log, outcomes) = Log::begin(&path, &head, &plan).unwrap();
        assert_eq!(outcomes.iter().flatten().count(), known);
        log.append(&plan, &[(5, some(5))]).unwrap();
        let (_, outcomes) = Log::begin(&path, &head, &plan).unwrap();
        assert_eq!((outcomes.iter().flatten().count(), outcomes[5]), (known + 1, Some(some(5))));
    }
}

#[test]
fn a_row_that_was_changed_or_makes_no_sense_is_refused_with_its_place() {
    let plan = plan();
    let head = head("A title", &plan, None, Path::new(""));
    let good = row(&plan, 3, &some(3));
    let says = |line: &str, says: &[&str]| {
        let e = parse("x.csv", &format!("{head}{}{line}", row(&plan, 2, &some(2))), Path::new("")).unwrap_err();
        let headline = e.headline();
        let place = e.place.expect("a place");
        assert_eq!(place.line, head.lines().count() + 2, "{headline}");
        assert!(says.iter().all(|s| headline.contains(s)), "{headline}");
        place.column
    };
    let at = good.find("0.333").unwrap() + 1;
    assert_eq!(
        says(&good.replace("0.3333333333333333", "0.2333333333333333"), &["was changed"]),
        good.rfind(',').unwrap() + 2
    );
    for value in ["NaN", "inf", "-infinity", "1e999"] {
        let column = says(&good.replace("0.3333333333333333", value), &["steady_max_vio", value, "finite"]);
        assert_eq!(column, at);
    }
    let steps = good.replace(",10,", ",18446744073709551616,");
    says(&steps, &["steps is 18446744073709551616, but must be 10"]);
    says(&row(&plan, 2, &some(2)).replace(",10,2,", ",10,12,"), &["settling_step is 12", "from 0 to 9"]);
    says(&good.replacen("3,", "39,", 1), &["was changed"]);
    // A row with the right checksum, but with settings that this run does not have.
    let plain = good[..good.rfind(',').unwrap()].replacen(",64,", ",65,", 1);
    says(&format!("{plain},{}\n", digest(&plain)), &["run 3 of this sweep has \"64\" here, but the row says \"65\""]);
}

#[test]
fn sweeps_without_checksums_can_still_be_read() {
    let plan = plan();
    let text = text(&head("A title", &plan, None, Path::new("")), &plan, &[Some(some(0)), Some(some(1))]);
    // The last field of a row is its checksum, the one before it the share dropped.
    let without = |line: &str, count: usize| {
        let fields: Vec<&str> = line.split(',').collect();
        fields[..fields.len() - count].join(",")
    };
    let rows = |change: &dyn Fn(&str) -> String| -> String {
        text.lines().map(|l| if l.starts_with('#') { format!("{l}\n") } else { change(l) + "\n" }).collect()
    };
    let oldest = rows(&|l| without(&l.replace("step_size", "rate"), 2));
    let newer = rows(&|l| match without(l, 2) {
        head if l.contains("step_size") => format!("{head},checksum"),
        row => format!("{row},{}", digest(&row)),
    });
    for before in [oldest, newer] {
        let saved = parse("x.csv", &before, Path::new("")).unwrap();
        assert_eq!(saved.outcomes[..2], [Some(some(0)), Some(some(1))], "{before}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_is_no_file_is_refused() {
    let plan = plan();
    let head = head("A title", &plan, None, Path::new(""));
    for device in ["/dev/full", "/dev/null", "/dev/zero"] {
        let e = Log::begin(Path::new(device), &head, &plan).unwrap_err().to_string();
        assert!(e.contains("it is a device, not a regular file"), "{e}");
    }
}
