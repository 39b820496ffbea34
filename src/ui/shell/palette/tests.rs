//! Typing a name finds it, and typing a name with a value sets it.

use super::Sources;
use super::entries::{Does, Entry, entries, found};
use crate::ui::actions::Toggled;
use crate::ui::ask::Ask;
use crate::ui::controls::Controls;
use crate::ui::controls::settings::all;
use crate::ui::kit::matching::plain;
use crate::ui::testing::lab_at;
use eframe::egui::Context;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_model::change::{Change, Target};
use moebias_model::config::{Gate, Rule};
use std::collections::BTreeSet;

const SYNTHETIC: &str =
    "source: Synthetic(batch: 256), variants: [(name: \"A\"), (name: \"B\", balancer: (rate: 0.01))]";

fn sources<'a>(lab: &'a Lab, controls: &'a Controls) -> Sources<'a> {
    Sources { lab, controls, shown: 0, zoom: 1.0, toggled: Toggled::default(), recent: &[] }
}

fn hits(lab: &Lab, typed: &str) -> Vec<Entry> {
    found(typed, &sources(lab, &Controls::default()), &Context::default())
}

fn first(lab: &Lab, typed: &str) -> Entry {
    hits(lab, typed).into_iter().next().unwrap_or_else(|| panic!("“{typed}” finds nothing"))
}

#[test]
fn every_part_of_every_name_finds_it() {
    let lab = lab_at(SYNTHETIC, 0);
    let controls = Controls::default();
    let sources = sources(&lab, &controls);
    let settings = all(&lab, controls.target(), 0, 1.0);
    let every: Vec<(String, String)> =
        entries(&settings, &sources, &Context::default()).into_iter().map(|e| (plain(&e.name), e.name)).collect();
    let mut parts: BTreeSet<String> = BTreeSet::new();
    for (_, name) in &every {
        let letters: Vec<char> = name.chars().collect();
        for from in 0..letters.len() {
            parts.extend((from + 2..=letters.len()).map(|to| letters[from..to].iter().collect::<String>()));
        }
    }
    assert!(parts.len() > 7_000, "{}", parts.len());
    let (mut missed, mut late) = (vec![], vec![]);
    for part in &parts {
        let typed = plain(part);
        let fits: Vec<_> = every.iter().map(|(name, _)| crate::ui::kit::matching::fit(&typed, name)).collect();
        let worst = every.iter().zip(&fits).filter(|((name, _), _)| name.contains(&typed));
        for ((_, name), fit) in worst {
            let Some(fit) = fit else {
                missed.push(format!("{part}: {name}"));
                continue;
            };
            // A name that contains the text as it is ranks above one that merely has its letters in this order.
            let loose = every.iter().zip(&fits).filter(|((other, _), _)| !other.contains(&typed));
            late.extend(
                loose.filter(|(_, f)| **f > Some(*fit)).map(|((_, other), _)| format!("{part}: {other} before {name}")),
            );
        }
    }
    assert!(missed.is_empty(), "{} of {} find nothing: {missed:?}", missed.len(), parts.len());
    assert!(late.is_empty(), "{late:?}");
}

#[test]
fn what_is_meant_stands_first() {
    let lab = lab_at(SYNTHETIC, 0);
    for (typed, name) in [
        ("back", "Bring back what was set aside"),
        ("oad over t", "Show pane: Load over time"),
        ("worst", "Show pane: Worst expert"),
        ("bias", "Show pane: Biases"),
        ("skew", "Skew"),
        ("noise", "Noise"),
        ("k", "K"),
        ("new seed", "New seed"),
        ("seed", "Seed"),
        ("rule sign", "Rule: Loss-free, sign"),
        ("rule centred", "Rule: Sign, step centred"),
        ("gate softmax", "Gate: Softmax gate"),
        ("softmax", "Gate: Softmax gate"),
        ("speed max", "Speed: Max, as fast as it goes"),
    ] {
        let shown: Vec<String> = hits(&lab, typed).into_iter().map(|e| e.name).take(4).collect();
        let at = usize::from(typed == "back" || typed.starts_with("oad")) * 3;
        assert!(shown[..=at].contains(&name.to_owned()), "“{typed}” shows {shown:?}");
    }
}

#[test]
fn a_name_and_a_value_set_it_as_the_slider_does() {
    let lab = lab_at(SYNTHETIC, 0);
    let to = |target, change| Ask::Send(Command::Change { target, change });
    for (typed, ask) in [
        ("u 0.02", to(Target::AllVariants, Change::SetRate(0.02))),
        ("step size 0.02", to(Target::AllVariants, Change::SetRate(0.02))),
        ("Step size u = 2e-2", to(Target::AllVariants, Change::SetRate(0.02))),
        ("skew 2", to(Target::Source, Change::SetSkew(2.0))),
        ("ske 2", to(Target::Source, Change::SetSkew(2.0))),
        ("noise 0,5", to(Target::Source, Change::SetNoise(0.5))),
        ("batch 16384", to(Target::Source, Change::SetBatch(16_384))),
        ("k 4", to(Target::AllVariants, Change::SetTopK(4))),
        ("experts 128", Ask::Send(Command::SetExperts(128))),
        ("seed 7", Ask::Send(Command::SetSeed(7))),
        ("rule proportional", Ask::Rule(Rule::Proportional)),
        ("gate softmax", to(Target::AllVariants, Change::SetGate(Gate::Softmax))),
        ("speed 30", Ask::Send(Command::SetSpeed(moebias_engine::message::Speed::Steps(30.0)))),
        ("go to step 400", Ask::Send(Command::Seek(400))),
        ("step 400", Ask::Send(Command::Seek(400))),
        ("zoom 1.5", Ask::Zoom(1.5)),
        ("zoom 150 %", Ask::Zoom(1.5)),
        ("freeze 100", to(Target::AllVariants, Change::SetFreeze(Some(100)))),
    ] {
        let entry = first(&lab, typed);
        assert_eq!(entry.does, Does::Ask(ask), "“{typed}” is {entry:?}");
        assert!(entry.refused.is_none(), "{entry:?}");
    }
    let mut one = Controls::default();
    one.choose(1);
    let found = found("u 0.02", &sources(&lab, &one), &Context::default());
    assert_eq!(
        found[0].does,
        Does::Ask(to(Target::Variant(1), Change::SetRate(0.02))),
        "the variant that the panel means"
    );
}

#[test]
fn what_a_setting_is_and_may_be_is_shown_while_typing() {
    let lab = lab_at(SYNTHETIC, 0);
    let skew = first(&lab, "skew");
    assert_eq!(skew.detail, "now 1.1 · 0 to 3.0");
    assert_eq!(skew.does, Does::Complete("Skew ".into()), "Enter goes on with its value");
    assert!(first(&lab, "u").detail.contains("now mixed"), "the variants differ in u");
    for (typed, why) in [
        ("skew 9", "Skew goes from 0 to 3.0"),
        ("k 2.5", "K is a whole number, 1 to 32"),
        ("k 99", "K goes from 1 to 32"),
        (&format!("seed {}", lab.settings().seed), "The seed is"),
        ("momentum 0.9", "Only SMEBU has this"),
        ("alpha 0.1", "Nothing learns here"),
    ] {
        let refused = first(&lab, typed).refused.unwrap_or_else(|| panic!("“{typed}” is allowed"));
        assert!(refused.starts_with(why), "“{typed}”: {refused}");
    }
}

#[test]
fn what_a_menu_refuses_the_palette_refuses_with_the_reason() {
    let lab = lab_at("source: Trace(file: \"builtin:sample\"), variants: [(name: \"A\")]", 0);
    let refused = |typed: &str| first(&lab, typed).refused.unwrap_or_else(|| panic!("“{typed}” is allowed"));
    assert!(refused("set as a model deepseek v3").contains("this trace has 64"));
    assert!(refused("experts 64").contains("a fixed number of experts"));
    assert!(refused("skew 2").contains("recorded trace"));
    assert!(refused("undo").contains("nothing to undo"));
    assert!(refused("remove the last").contains("only one variant"));
    assert!(refused("bring back").contains("Nothing is set aside"));
    assert!(first(&lab, "u 0.01").refused.is_none(), "a trace is routed again, with any u");
}
