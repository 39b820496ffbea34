//! The settings in which variants differ, by name and value. What a file says of a variant is compared, so that no setting can be
//! forgotten.

use crate::model::config::Variant;
use serde_json::Value;
use std::collections::BTreeMap;

/// A setting that is not the same in all variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// As the panel calls it.
    pub name: String,
    /// One value per variant.
    pub values: Vec<String>,
}

/// Names for what files call otherwise, in the order in which they are listed; the rest follows under its own name.
const NAMES: [(&str, &str); 12] = [
    ("balancer.rule", "Rule"),
    ("balancer.rate", "Step u"),
    ("balancer.schedule", "Schedule"),
    ("balancer.freeze", "Frozen from step"),
    ("router.experts", "Experts E"),
    ("router.top_k", "Top K"),
    ("router.gate", "Gate"),
    ("router.groups", "Groups"),
    ("router.capacity", "Capacity"),
    ("learning.auxiliary", "Auxiliary loss"),
    ("learning.alpha", "Weight α"),
    ("learning.gating", "Gating"),
];

/// All of them; none where all are alike.
#[must_use]
pub fn differences(variants: &[Variant]) -> Vec<Difference> {
    let all: Vec<Settings> = variants.iter().map(settings).collect();
    let known = NAMES.iter().map(|(key, name)| ((*key).to_owned(), (*name).to_owned()));
    let mut keys: Vec<(String, String)> = known.collect();
    for key in all.iter().flat_map(BTreeMap::keys) {
        if keys.iter().all(|(k, _)| k != key) {
            let last = key.rsplit('.').next().unwrap_or(key).replace('_', " ");
            let mut letters = last.chars();
            let name = letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default();
            keys.push((key.clone(), name));
        }
    }
    let none = "none".to_owned();
    let of = |(key, name): (String, String)| {
        let values: Vec<Option<&String>> =
            all.iter().map(|s| s.get(&key).map_or(Some(&none), Option::as_ref)).collect();
        let used: Vec<&String> = values.iter().copied().flatten().collect();
        let differ = used.windows(2).any(|pair| pair[0] != pair[1]);
        let written = |v: Option<&String>| v.map_or("–".into(), Clone::clone);
        differ.then(|| Difference { name, values: values.into_iter().map(written).collect() })
    };
    keys.into_iter().filter_map(of).collect()
}

/// Values by path, "router.top_k" and "6"; none where nothing uses them.
type Settings = BTreeMap<String, Option<String>>;

/// All but the name.
fn settings(variant: &Variant) -> Settings {
    // A step size that nothing uses tells nothing.
    let moves = variant.balancer.rule.moves_biases();
    let parts = [
        ("router", serde_json::to_value(&variant.router)),
        ("balancer", serde_json::to_value(&variant.balancer)),
        ("learning", serde_json::to_value(&variant.learning)),
    ];
    let mut out = BTreeMap::new();
    for (part, value) in parts {
        let Ok(Value::Object(fields)) = value else { continue };
        for (key, value) in fields {
            let path = format!("{part}.{key}");
            let unused = !moves && path != "balancer.rule" && part == "balancer";
            out.insert(path, (!unused).then(|| words(&value)));
        }
    }
    // As the panel calls it.
    out.insert("balancer.rule".into(), Some(variant.balancer.rule.title().into()));
    out
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::Bool(true) => "on".into(),
        Value::Bool(false) => "off".into(),
        Value::String(text) => spaced(text),
        Value::Number(n) => match n.as_f64() {
            Some(x) if x != 0.0 && x.abs() < 1e-3 => format!("{x:e}"),
            _ => n.to_string(),
        },
        Value::Array(all) => all.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| format!("{} {}", spaced(key).to_lowercase(), words(value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
    }
}

/// CamelCase and snake_case as words.
fn spaced(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c == '_' {
            out.push(' ');
        } else if i > 0 && c.is_uppercase() && out.chars().next_back().is_some_and(char::is_lowercase) {
            out.push(' ');
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Balancer, Capacity, Rule, Stays};

    #[test]
    fn only_what_differs_is_listed_and_nothing_is_forgotten() {
        let a = Variant::default();
        assert_eq!(differences(&[a.clone(), a.clone()]), []);
        let mut b = Variant { name: "other".into(), ..a.clone() };
        assert_eq!(differences(&[a.clone(), b.clone()]), [], "a name is no setting");
        b.balancer.rate = 1e-5;
        b.balancer.steepness = 3.5;
        b.router.capacity = Some(Capacity { factor: 1.25, by: Stays::Score });
        let told = differences(&[a.clone(), b]);
        let lines: Vec<_> =
            told.iter().map(|d| (d.name.as_str(), d.values[0].as_str(), d.values[1].as_str())).collect();
        assert_eq!(lines[0], ("Step u", "0.001", "1e-5"));
        assert_eq!((lines[1].0, lines[1].1), ("Capacity", "none"));
        assert!(lines[1].2.contains("factor 1.25"), "{lines:?}");
        assert_eq!(lines[2], ("Steepness", "2.0", "3.5"));
        let mut none = a.clone();
        none.balancer.rule = Rule::None;
        assert_eq!(differences(&[a.clone(), none.clone()]).len(), 1, "a step size that nothing uses is no difference");
        let told = differences(&[a.clone(), none, Variant { balancer: Balancer { rate: 0.5, ..a.balancer }, ..a }]);
        assert_eq!(told[0].values[1], "No balancing");
        assert_eq!((told[1].name.as_str(), told[1].values[1].as_str()), ("Step u", "–"));
    }
}
