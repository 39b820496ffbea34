use super::*;
use crate::config::{Balancer, Experiment, Gate, Rule, Schedule, Source};
use crate::presets::Preset;

fn variant(rule: Rule, rate: f64) -> Variant {
    Variant { balancer: Balancer { rule, rate, ..Balancer::default() }, ..Variant::default() }
}

fn names(mut variants: Vec<Variant>) -> Vec<String> {
    settle(&mut variants);
    variants.iter().map(|v| v.name.to_string()).collect()
}

#[test]
fn a_name_says_the_rule_its_step_and_what_sets_it_apart() {
    let (a, b) = (variant(Rule::Sign, 0.001), variant(Rule::Sign, 0.01));
    assert_eq!(names(vec![a.clone(), b.clone()]), ["Sign, u = 0.001", "Sign, u = 0.01"]);
    let none = variant(Rule::None, 0.001);
    assert_eq!(names(vec![none, variant(Rule::Quantile, 0.5)]), ["No balancing", "Quantile Balancing"]);
    let mut shrinking = variant(Rule::Smebu, 0.0005);
    shrinking.balancer.schedule = Schedule::InverseSqrt;
    assert_eq!(names(vec![shrinking]), ["SMEBU, λ = 0.0005/√n"]);
    let mut soft = a.clone();
    soft.router.gate = Gate::Softmax;
    soft.router.top_k = 2;
    assert_eq!(
        names(vec![a.clone(), soft, b]),
        ["Sign, u = 0.001, sigmoid, K = 6", "Sign, u = 0.001, softmax, K = 2", "Sign, u = 0.01"]
    );
    assert_eq!(names(vec![a.clone(), a.clone(), a]), ["Sign, u = 0.001", "Sign, u = 0.001 (2)", "Sign, u = 0.001 (3)"]);
    let mut calm = variant(Rule::Quantile, 0.001);
    calm.balancer.average = 0.9;
    assert_eq!(
        names(vec![variant(Rule::Quantile, 0.02), calm]),
        ["Quantile Balancing, average 0", "Quantile Balancing, average 0.9"],
        "a step size that the rule does not use sets nothing apart"
    );
}

#[test]
fn a_model_is_named_and_what_was_changed_of_it() {
    let of = |preset: Preset| {
        let (router, balancer) = preset.settings();
        Variant { router, balancer, ..Variant::default() }
    };
    let mut other = of(Preset::DeepSeekV3);
    other.balancer.rate = 0.01;
    let mut rule = of(Preset::KimiK2);
    rule.balancer.rule = Rule::Quantile;
    assert_eq!(
        names(vec![of(Preset::DeepSeekV3), other, rule, of(Preset::Qwen3)]),
        ["DeepSeek-V3", "DeepSeek-V3, u = 0.01", "Kimi K2, Quantile Balancing", "No balancing"]
    );
}

#[test]
fn a_written_name_holds_for_its_settings_and_a_typed_one_until_it_is_taken_back() {
    let source = Source::Synthetic(Default::default());
    let mut e = Experiment { seed: 0, source, variants: vec![variant(Rule::None, 0.001), Variant::default()] };
    e.variants[0].name = "No balancer".into();
    settle(&mut e.variants);
    assert_eq!(e.variants[0].name, "No balancer");
    e.variants[0].balancer.rule = Rule::Quantile;
    settle(&mut e.variants);
    assert_eq!((e.variants[0].name.as_str(), e.variants[0].name.was()), ("Quantile Balancing", Some("No balancer")));
    e.variants[0].name.type_in(Some("  mine "));
    e.variants[0].balancer.rule = Rule::Bip;
    settle(&mut e.variants);
    assert_eq!((e.variants[0].name.as_str(), e.variants[0].name.was()), ("mine", None));
    e.variants[0].name.type_in(Some(" "));
    e.variants[0].balancer.rule = Rule::None;
    settle(&mut e.variants);
    assert_eq!(e.variants[0].name, "No balancer", "it is true again");
    e.variants[0].balancer.rule = Rule::Bip;
    settle_start(&mut e.variants);
    e.variants[0].balancer.rule = Rule::None;
    settle(&mut e.variants);
    assert_eq!(e.variants[0].name, "No balancing", "a run that starts otherwise never had that name");
}

#[test]
fn a_typed_name_leaves_the_numbers_of_the_others() {
    let mut variants = vec![variant(Rule::Sign, 0.001); 3];
    settle(&mut variants);
    variants[0].name.type_in(Some("mine"));
    settle(&mut variants);
    assert_eq!(variants[1].name, "Sign, u = 0.001 (2)");
    assert_eq!(variants[2].name, "Sign, u = 0.001 (3)");
    variants[1].name.type_in(Some("Sign, u = 0.001 (3)"));
    settle(&mut variants);
    assert_eq!(variants[2].name, "Sign, u = 0.001 (4)", "what is taken is passed by");
}

#[test]
fn a_path_is_told_in_words() {
    let names = ["a".to_owned(), "b".to_owned()];
    assert_eq!(path_in_words("variants[1].router.top_k", &names), "experts per token K of “b”");
    assert_eq!(path_in_words("variants[0].balancer.rate", &names[..1]), "step size u");
    assert_eq!(path_in_words("source.burst", &names), "burst");
}
