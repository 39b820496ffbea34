//! What runs, variants and settings are called: in the window, in undo, on marks, in refusals, and in what is exported.

use crate::driver::*;
use eframe::egui::{Key, accesskit::Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::kit::events::label_of;
use moebias::ui::panes::compare::settings::differences;
use moebias_engine::EngineChoice;
use moebias_files as files;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_model::change::{self, Change, Event, Target};
use moebias_model::change::{LearningChange, WorldChange};
use moebias_model::config::{Capacity, Gate, Groups, Rule, Schedule, Stays};
use moebias_model::learn::settings::{Auxiliary, Gating, Optimiser};
use moebias_model::naming;
use moebias_model::sweep::Parameter;
use moebias_testing::Patience;
use strum::IntoEnumIterator as _;

/// Every kind of change, with every rule, gate, schedule and loss.
fn changes() -> Vec<Change> {
    let learning = [
        LearningChange::ExpertRate(0.01),
        LearningChange::RouterRate(0.01),
        LearningChange::Horizon(50),
        LearningChange::Alpha(0.1),
        LearningChange::ZLoss(0.001),
        LearningChange::Sequence(64),
        LearningChange::Batches(4),
    ];
    let world = [
        WorldChange::Domains(4),
        WorldChange::Rich(1.0),
        WorldChange::Kinship(0.5),
        WorldChange::Common(0.2),
        WorldChange::TargetNoise(0.1),
    ];
    let capacity = |by| Change::SetCapacity(Some(Capacity { factor: 1.25, by }));
    let plain = [
        Change::SetBatch(256),
        Change::SetTopics(8),
        Change::SetSkew(1.5),
        Change::SetNoise(0.5),
        Change::SetDrift(2.0),
        Change::SetBurst(4),
        Change::SetFixed(true),
        Change::SetFixed(false),
        Change::SetTopK(4),
        Change::SetGroups(None),
        Change::SetGroups(Some(Groups { groups: 8, kept: 4 })),
        Change::SetCapacity(None),
        Change::SetShared(2),
        Change::SetRenormalise(true),
        Change::SetScale(2.5),
        Change::SetRate(1e-5),
        Change::SetCentred(true),
        Change::SetFreeze(Some(400)),
        Change::SetFreeze(None),
        Change::SetMomentum(0.5),
        Change::SetSteepness(2.0),
        Change::SetDerivative(0.006),
        Change::SetZeroExperts(4),
        Change::SetRealExperts(4.0),
        Change::SetAverage(0.9),
        Change::SetIterations(8),
        Change::ResetBias,
    ];
    let all = plain.into_iter().chain(Stays::iter().map(capacity)).chain(Rule::iter().map(Change::SetRule));
    let all = all.chain(Gate::iter().map(Change::SetGate)).chain(Schedule::iter().map(Change::SetSchedule));
    let all = all.chain(learning.into_iter().map(Change::SetLearning)).chain(world.into_iter().map(Change::SetWorld));
    let all = all.chain(Auxiliary::iter().map(|a| Change::SetLearning(LearningChange::Auxiliary(a))));
    let all = all.chain(Gating::iter().map(|g| Change::SetLearning(LearningChange::Gating(g))));
    all.chain(Optimiser::iter().map(|o| Change::SetLearning(LearningChange::Optimiser(o)))).collect()
}

/// Proper names and abbreviations with capitals inside.
const PROPER: [&str; 9] = ["MaxVio", "DeepSeek", "LongCat", "MoE", "ID", "BIP", "SMEBU", "RMS", "BASE"];
/// Symbols with an index.
const SIGNS: [&str; 2] = ["K_d", "K_e"];

/// The first word that looks like an identifier of the code: in camel case, or with an underscore or a bracket.
fn internal(words: &str) -> Option<&str> {
    words.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '[' || c == ']')).find(|word| {
        let plain = PROPER.iter().any(|p| word.contains(p)) || SIGNS.contains(word);
        let letters: Vec<char> = word.chars().collect();
        let camel = letters.windows(2).any(|w| w[0].is_lowercase() && w[1].is_uppercase());
        !plain && (camel || word.contains('_') || word.contains('['))
    })
}

#[test]
fn no_identifier_of_the_code_is_shown() {
    assert_eq!(internal("rule InverseSqrt"), Some("InverseSqrt"));
    assert_eq!(internal("variants[0].router.top_k is 7"), Some("variants[0]"));
    let check = |what: &str, words: &str| {
        assert!(!words.trim().is_empty(), "{what} has no words");
        assert_eq!(internal(words), None, "{what}: {words}");
    };
    let names = ["Sign, u = 0.001".to_owned(), "No balancing".to_owned()];
    for change in changes() {
        check("an undo label", &change.words());
        let target = if change.is_of_source() { Target::Source } else { Target::Variant(1) };
        check("an event mark", &label_of(&Event { step: 3, target, change: change.clone() }, &names));
        check("a setting", change.title());
        assert!(naming::term(change.name()).is_some(), "{} is not in the table", change.name());
    }
    for term in naming::terms() {
        check("a term", term.name);
        check("a sign", term.sign);
    }
    for parameter in Parameter::iter() {
        check("an axis of a sweep", parameter.title());
        parameter.choices().iter().for_each(|v| check("a value of a sweep", &v.in_words()));
    }
    let text = r#"(version: 1, title: "x", source: Synthetic(batch: 64), variants: [(), (), ()])"#;
    let scenario = files::parse(text, "x").unwrap();
    for change in changes() {
        let mut e = scenario.experiment();
        if change::apply(&mut e, Target::Variant(1), &change).is_ok() {
            e.names().iter().for_each(|n| check("a variant", n));
            for d in differences(&e.variants) {
                check("a row of the comparison", &d.name);
                d.values.iter().for_each(|v| check("a value of the comparison", v));
            }
            e.variants.iter().for_each(|v| check("a caption", &naming::caption(v)));
        }
    }
}

/// Errors about every change with an invalid value are sentences without identifiers.
#[test]
fn refused_changes_are_explained_in_words() {
    let text =
        r#"(version: 1, title: "x", source: Synthetic(batch: 64), variants: [(), (balancer: (rule: ExpertChoice))])"#;
    let base = files::parse(text, "x").unwrap().experiment();
    let many = Change::SetGroups(Some(Groups { groups: 7, kept: 9 }));
    let wrong = [Change::SetTopK(65), Change::SetRate(2.0), Change::SetZeroExperts(64), Change::SetAverage(3.0), many];
    let mut refused = 0;
    for change in changes().into_iter().chain(wrong) {
        for target in [Target::Variant(0), Target::Variant(1), Target::AllVariants, Target::Source] {
            let mut e = base.clone();
            if change.is_of_source() != (target == Target::Source) {
                continue;
            }
            if let Err(error) = change::apply(&mut e, target, &change) {
                let said = error.in_words(&base.names());
                refused += 1;
                assert_eq!(internal(&said), None, "{said}");
                assert!(said.contains(" can't be "), "{said}");
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

const TWO: &str = r#"(
    version: 1, title: "Two", seed: 4, source: Synthetic(batch: 256),
    variants: [(name: "Nothing at all", balancer: (rule: r#None)), (balancer: (rule: Quantile))],
)"#;

/// A window with two variants.
fn app() -> Window {
    Opening { stored: themed(true), ..Opening::default() }.open(lab_beside(&scenario_of(TWO)))
}

fn names(window: &Window) -> Vec<String> {
    window.state().lab().settings().names()
}

#[test]
fn a_variant_is_renamed_in_the_window() {
    let mut h = app();
    assert_eq!(names(&h), ["Nothing at all", "Quantile Balancing"]);
    press(&mut h, PLAIN, Key::F2);
    h.get_by_label("Rename “Nothing at all”");
    h.get_by_role_and_label(Role::TextInput, "Name of the variant").type_text("#1");
    h.run_steps(2);
    press(&mut h, PLAIN, Key::Enter);
    assert_eq!(names(&h), ["#1", "Quantile Balancing"], "what was there is typed over");
    assert!(h.query_by_label_contains("Rename “").is_none());
    press(&mut h, CTRL, Key::Z);
    assert_eq!(names(&h), ["Nothing at all", "Quantile Balancing"]);
    // Confirming an unchanged name changes nothing.
    press(&mut h, PLAIN, Key::F2);
    press(&mut h, PLAIN, Key::Enter);
    assert!(h.state().lab().undo_label().is_none());
}

#[test]
fn the_panel_says_mixed_if_variants_differ() {
    let mut h = app();
    h.get_by_label("All").click();
    h.run_steps(4);
    let shown = |h: &Window, role, label: &str| {
        h.get_by_role_and_label(role, label).accesskit_node().value().unwrap_or_default()
    };
    assert_eq!(shown(&h, Role::ComboBox, "Rule"), "Rule: mixed");
    assert_eq!(shown(&h, Role::ComboBox, "Gate"), "Sigmoid gate", "here they are alike");
    assert_eq!(shown(&h, Role::ComboBox, "Schedule"), "Schedule: –", "neither rule has a step size");
    send(&mut h, Command::Change { target: Target::Variant(0), change: Change::SetGate(Gate::Softmax) });
    wait(&mut h, "the gate", |l| l.snapshot().experiment.variants[0].router.gate == Gate::Softmax);
    assert_eq!(shown(&h, Role::ComboBox, "Gate"), "Gate: mixed");
    // Choosing the value that is shown applies it to all variants.
    h.get_by_role_and_label(Role::ComboBox, "Gate").click();
    h.run_steps(4);
    h.get_by_label("Apply to all variants");
    h.get_by_label("Softmax gate").click();
    wait(&mut h, "the gate", |l| l.snapshot().experiment.variants.iter().all(|v| v.router.gate == Gate::Softmax));
    assert_eq!(shown(&h, Role::ComboBox, "Gate"), "Softmax gate");
}

#[test]
fn exported_curves_include_the_settings_of_every_step() {
    let text = r##"(
        version: 1, title: "CSV", source: Synthetic(batch: 64),
        variants: [(name: "#1, =2", router: (experts: 8, top_k: 2), balancer: (rate: 0.01)), (router: (experts: 8, top_k: 2), balancer: (rule: Quantile))],
        events: [(step: 3, target: Variant(0), change: SetRule(Quantile))],
    )"##;
    let mut lab = Lab::open(&scenario_of(text), EngineChoice::Cpu, || {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.csv");
    lab.send(Command::StepForward(6));
    let patience = Patience::new();
    while !path.exists() {
        lab.poll();
        if lab.snapshot().step == 6 && lab.job().is_none() {
            lab.send(Command::ExportCsv(path.clone()));
        }
        assert!(patience.holds());
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let bare = |line: &str| line.split('"').step_by(2).any(|outside| outside.contains('#'));
    assert!(!text.lines().any(bare), "a # is always quoted: {text}");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let at = |name: &str| heads.iter().position(|h| h == name).unwrap_or_else(|| panic!("no column {name}"));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 12);
    let told = |row: usize| {
        ["variant", "rule", "step_size", "schedule", "top_k", "experts", "gate"].map(|c| rows[row][at(c)].to_owned())
    };
    assert_eq!(told(0), ["#1, =2", "Sign", "0.01", "Constant", "2", "8", "Sigmoid"]);
    assert_eq!(told(1), ["Quantile Balancing", "Quantile", "", "", "2", "8", "Sigmoid"]);
    assert_eq!(told(6), ["#1, =2", "Quantile", "", "", "2", "8", "Sigmoid"], "from the event's step on");
    lab.close();
}
