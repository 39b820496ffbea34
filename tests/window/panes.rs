//! All panes and exported files agree about a step: the same batch, the same loads, the same numbers.

use crate::DATA;
use crate::driver::*;
use eframe::egui::{Key, Vec2, vec2};
use egui_kittest::kittest::Queryable as _;
use moebias::ui::link::Span;
use moebias_engine::EngineChoice;
use moebias_engine::message::Snapshot;
use moebias_engine::microscope::MicroscopeRequest;
use moebias_engine::theory::TheoryRequest;
use moebias_engine::view::{CHOSEN, DROPPED, Picture, Rows, ViewRequest};
use moebias_lab::command::Command;
use moebias_lab::{Document, Lab};
use moebias_model::change::{Change, Target};
use moebias_testing::Patience;
use std::collections::BTreeMap;

/// A lab with a scenario given as text, without title and version.
fn open(body: &str) -> Lab {
    let loaded = scenario_of(&format!("(version: 1, title: \"Test\", {body})"));
    Lab::new(Document::of(&loaded), moebias_lab::start_of(&loaded), EngineChoice::Cpu, || {}).unwrap()
}

/// Polls a lab without a window until its snapshot meets a condition.
fn wait_for(lab: &mut Lab, what: &str, until: impl Fn(&Snapshot) -> bool) {
    let patience = Patience::new();
    loop {
        lab.poll();
        if until(lab.snapshot()) {
            return;
        }
        assert!(patience.holds(), "{what} never came; at step {}", lab.snapshot().step);
    }
}

/// The number of tokens that each expert kept, counted from the cells of a heatmap.
fn columns(picture: &Picture) -> Vec<u32> {
    let kept = |row: usize, e: usize| picture.marks_of(row).get(e).is_some_and(|m| m & CHOSEN != 0 && m & DROPPED == 0);
    (0..picture.experts).map(|e| (0..picture.rows()).filter(|&r| kept(r, e)).count() as u32).collect()
}

/// The loads by step and variant, read from an exported CSV file.
fn csv(lab: &mut Lab) -> BTreeMap<(u64, String), Vec<u32>> {
    let path = DATA.path().join(format!("{:?}.csv", std::thread::current().id()));
    std::fs::remove_file(&path).ok();
    lab.send(Command::ExportCsv(path.clone()));
    let patience = Patience::new();
    while !path.is_file() || lab.job().is_some() {
        lab.poll();
        assert!(patience.holds(), "no CSV");
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let place = |name: &str| head.iter().position(|h| h == name).unwrap();
    let loads: Vec<usize> = (0..).map_while(|e| head.iter().position(|h| h == format!("load_{e}"))).collect();
    let (step, variant) = (place("step"), place("variant"));
    let read = |r: csv::StringRecord| {
        let of = loads.iter().map_while(|&c| r[c].parse().ok()).collect();
        ((r[step].parse().unwrap(), r[variant].to_owned()), of)
    };
    reader.records().map(|r| read(r.unwrap())).collect()
}

/// Checks that everything that shows the current step shows the same batch, and returns its loads.
fn agree(lab: &mut Lab, variant: usize, learns: bool) -> Vec<u32> {
    lab.send(Command::SetView(ViewRequest { variant, rows: Rows::Batch, per_row: 1, ..ViewRequest::default() }));
    let (tokens, columns_) = (32, 64);
    lab.send(Command::SetMicroscope(Some(MicroscopeRequest {
        variant,
        tokens,
        columns: columns_,
        ..Default::default()
    })));
    lab.send(Command::SetTheory(Some(TheoryRequest { variant })));
    let here = lab.snapshot().step;
    wait_for(lab, "every pane", |s| {
        let (p, m, t) = (&s.picture, s.microscope.as_ref(), s.theory.as_ref());
        p.request.rows == Rows::Batch
            && p.request.variant == variant
            && p.step + 1 == here
            && m.is_some_and(|m| m.request.variant == variant && m.step + 1 == here)
            && t.is_some_and(|t| {
                t.request.variant == variant && t.at == here && (t.examined.is_some() || t.blocked.is_some())
            })
    });
    let s = lab.snapshot();
    let view = &s.variants[variant];
    let what = format!("step {here}, variant {variant}");
    assert_eq!(s.shown_step(), Some(here - 1), "{what}");
    assert!(s.picture_is_newest(), "the heatmap is up to date, {what}");
    assert_eq!(s.routed_batch, s.picture.batch, "{what}");
    assert_eq!(s.routed.variants[variant].router, s.picture.router, "{what}");
    assert_eq!(columns(&s.picture), view.loads, "the heatmap, {what}");
    let microscope = s.microscope.as_ref().unwrap();
    if microscope.blocked.is_none() {
        assert_eq!(microscope.loads, view.loads, "the microscope, {what}");
        assert_eq!(microscope.bias, s.picture.bias, "the biases that routed it, {what}");
        assert!((microscope.fair - view.fair()).abs() < 1e-9, "one fair share, {what}");
        if !learns && here == s.head {
            assert_eq!(microscope.next, view.bias, "the biases after it, {what}");
        }
    }
    if let Some(examined) = &s.theory.as_ref().unwrap().examined {
        assert_eq!(examined.step, here - 1, "{what}");
        assert_eq!(examined.before.loads, view.loads, "the theory, {what}");
    }
    let history = s.history.lock().unwrap();
    let row = history.variants[variant].exact(here - 1).expect("kept");
    let counted: Vec<u32> = row.load.iter().map(|l| (f64::from(*l) * row.metrics.fair).round() as u32).collect();
    assert_eq!(counted, view.loads, "the row, {what}");
    assert_eq!(row.metrics, view.metrics, "{what}");
    view.loads.clone()
}

/// Goes to a step, paused.
fn go(lab: &mut Lab, step: u64) {
    lab.send(Command::Seek(step));
    wait_for(lab, "the step", |s| s.step == step && s.seeking.is_none());
}

#[test]
fn all_panes_and_files_show_the_same_step() {
    let synthetic = "seed: 3, source: Synthetic(batch: 192, skew: 1.2)";
    let router = "router: (experts: 16, top_k: 2)";
    let cases = [
        (synthetic, format!("{router}, balancer: (rate: 0.29)"), false),
        ("seed: 3, source: Fixed(batch: 192)", format!("{router}, balancer: (rate: 0.29)"), false),
        (synthetic, format!("{router}, balancer: (rule: Bip)"), false),
        (synthetic, format!("{router}, balancer: (rule: ExpertChoice)"), false),
        (
            synthetic,
            format!("{router}, balancer: (rule: LongCat, rate: 0.5, zero_experts: 4, real_experts: 1.5)"),
            false,
        ),
        (synthetic, "router: (experts: 16, top_k: 2, capacity: (factor: 0.9)), balancer: (rate: 0.29)".into(), false),
        ("seed: 3, source: Learning(batch: 192)", format!("{router}, balancer: (rate: 0.1)"), true),
    ];
    for (source, variant, learns) in cases {
        let mut lab = open(&format!("{source}, variants: [(name: \"a\", {variant}), (name: \"b\", {router})]"));
        assert!(lab.snapshot().picture.ahead && lab.snapshot().shown_step().is_none(), "nothing is routed yet");
        let mut seen = BTreeMap::new();
        for step in [1, 6, 20, 21, 30] {
            lab.send(Command::StepForward(step - lab.snapshot().step));
            wait_for(&mut lab, "the steps", |s| s.step == step);
            seen.insert(step, agree(&mut lab, 0, learns));
            if step == 20 {
                // A change does not affect the step that is shown, which came before it.
                lab.send(Command::Change { target: Target::Variant(0), change: Change::SetTopK(1) });
                wait_for(&mut lab, "the change", |s| s.experiment.variants[0].router.top_k == 1);
                assert_eq!(agree(&mut lab, 0, learns), seen[&20]);
            }
        }
        assert_ne!(seen[&20], seen[&21]);
        for step in [13, 20, 30, 1] {
            go(&mut lab, step);
            let loads = agree(&mut lab, 0, learns);
            assert!(seen.get(&step).is_none_or(|l| *l == loads), "seen before at {step}: {variant}");
            seen.insert(step, loads);
        }
        go(&mut lab, 30);
        lab.send(Command::Fork(0));
        wait_for(&mut lab, "the fork", |s| s.variants.len() == 3);
        assert_eq!(agree(&mut lab, 2, learns), seen[&30], "a fork shows the step of the one it is of");
        let rows = csv(&mut lab);
        for (step, loads) in &seen {
            assert_eq!(rows[&(step - 1, "a".to_owned())], *loads, "row {} of the file: {variant}", step - 1);
        }
        lab.send(Command::SeekStart);
        wait_for(&mut lab, "the start", |s| s.step == 0 && s.seeking.is_none() && s.picture.ahead);
        assert_eq!((lab.snapshot().shown_step(), lab.snapshot().picture_is_newest()), (None, true));
    }
}

/// A window with a scenario given as text, without title and version.
fn app(size: Vec2, body: &str) -> Window {
    Opening { size, stored: themed(true), drawn: false, ..Opening::default() }.open(open(body))
}

/// Draws frames until the snapshot meets a condition.
fn wait_in(window: &mut Window, what: &str, until: impl Fn(&Snapshot) -> bool) {
    wait(window, what, |lab| until(lab.snapshot()));
}

#[test]
fn headings_name_the_step_whose_loads_are_shown() {
    let mut window = app(
        vec2(1600.0, 1000.0),
        "seed: 3, source: Synthetic(batch: 192, skew: 1.2), variants: [(name: \"a\", router: (experts: 16, top_k: 2), balancer: (rate: 0.29))]",
    );
    let said = |window: &Window, what: &str| window.query_all_by_label_contains(what).count();
    assert!(said(&window, "nothing routed yet: next step 0") > 0, "the heatmap looks ahead, and says so");
    send(&mut window, Command::StepForward(30));
    wait_in(&mut window, "the steps", |s| s.step == 30 && s.picture.step == 29);
    for pane in ["Tokens → experts: step 29", "Load per expert: step 29"] {
        assert!(said(&window, pane) > 0, "{pane}");
    }
    send(&mut window, Command::Seek(7));
    wait_in(&mut window, "the past", |s| s.step == 7 && s.seeking.is_none() && s.picture.step == 6);
    for pane in ["Tokens → experts: step 6", "Load per expert: step 6"] {
        assert!(said(&window, pane) > 0, "{pane}");
    }
    assert_eq!(said(&window, "nothing routed yet"), 0);
    assert!(window.state().rests(), "pictures and films wait for nothing more");
}

#[test]
fn a_zoom_is_labelled_and_ends_with_its_run() {
    let mut window = app(
        vec2(1440.0, 900.0),
        "seed: 3, source: Synthetic(batch: 192), variants: [(name: \"a\", router: (experts: 16, top_k: 2))]",
    );
    send(&mut window, Command::StepForward(400));
    wait_in(&mut window, "the steps", |s| s.step == 400);
    let chips = |window: &Window| window.query_all_by_label_contains("zoomed: steps").count();
    assert_eq!(chips(&window), 0);
    let part = Span::Part(100.0, 180.0);
    window.state_mut().link_mut().span = part;
    window.run_steps(3);
    assert!(chips(&window) >= 2, "every plot over time says so");
    window.get_all_by_label_contains("zoomed: steps 100–180 · show all").next().unwrap().click();
    window.run_steps(3);
    assert_eq!((window.state().link().span, chips(&window)), (Span::Latest, 0), "a click takes it back");
    window.state_mut().link_mut().span = part;
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert_eq!(window.state().link().span, Span::Latest, "and so does a key");
    // A fork has the same past, so the range of steps stays.
    window.state_mut().link_mut().span = part;
    send(&mut window, Command::Fork(0));
    wait_in(&mut window, "the fork", |s| s.variants.len() == 2);
    assert_eq!(window.state().link().span, part);
    for command in [Command::Reset, Command::OpenShipped("step-too-small".into())] {
        window.state_mut().link_mut().span = part;
        window.run_steps(2);
        let run = window.state().lab().snapshot().run;
        send(&mut window, command);
        wait_in(&mut window, "another run", |s| s.run != run);
        assert_eq!((window.state().link().span, chips(&window)), (Span::Latest, 0), "another run, another range");
    }
}
