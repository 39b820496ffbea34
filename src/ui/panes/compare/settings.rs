//! The settings in which variants differ, by name and value.

use moebias_model::config::Variant;
use moebias_model::naming::{capitalised, settings};

/// A setting that is not the same in all variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// One value per variant.
    pub values: Vec<String>,
}

/// All settings that differ. A setting that a variant does not use is not compared with those of the others.
#[must_use]
pub fn differences(variants: &[Variant]) -> Vec<Difference> {
    let all: Vec<_> = variants.iter().map(settings).collect();
    let of = |i: usize| {
        let values: Vec<_> = all.iter().filter_map(|s| s.get(i)).collect();
        let used: Vec<&String> = values.iter().filter_map(|s| s.value.as_ref()).collect();
        let differ = used.windows(2).any(|pair| pair[0] != pair[1]);
        let name = values.first().filter(|_| differ)?.term.name;
        Some(Difference { name: capitalised(name), values: values.iter().map(|s| s.shown()).collect() })
    };
    (0..all.first().map_or(0, Vec::len)).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::config::{Balancer, Capacity, Rule, Stays};
    use strum::IntoEnumIterator as _;

    #[test]
    fn only_what_differs_is_listed_and_nothing_is_forgotten() {
        let a = Variant::default();
        assert_eq!(differences(&[a.clone(), a.clone()]), []);
        let mut b = Variant { name: "other".into(), ..a.clone() };
        assert_eq!(differences(&[a.clone(), b.clone()]), [], "a name is no setting");
        b.balancer.rate = 1e-5;
        b.router.top_k = 7;
        b.router.capacity = Some(Capacity { factor: 1.25, by: Stays::Score });
        let told = differences(&[a.clone(), b]);
        let lines: Vec<_> =
            told.iter().map(|d| (d.name.as_str(), d.values[0].as_str(), d.values[1].as_str())).collect();
        assert_eq!(lines[0], ("Step size u", "0.001", "1e-5"));
        assert_eq!(lines[1], ("Experts per token K", "6", "7"));
        assert_eq!(lines[2], ("Capacity", "none", "1.25 × fair, by score"));
        let mut none = a.clone();
        none.balancer.rule = Rule::None;
        assert_eq!(differences(&[a.clone(), none.clone()]).len(), 1, "a step size that nothing uses is no difference");
        let told = differences(&[a.clone(), none, Variant { balancer: Balancer { rate: 0.5, ..a.balancer }, ..a }]);
        assert_eq!(told[0].values[1], "No balancing");
        for rule in Rule::iter().filter(|r| !r.has_step()) {
            let unused = Variant { balancer: Balancer { rule, ..Balancer::default() }, ..Variant::default() };
            let faster = Variant { balancer: Balancer { rate: 0.5, ..Balancer::default() }, ..Variant::default() };
            let told = differences(&[unused, faster, Variant::default()]);
            assert_eq!((told[1].name.as_str(), told[1].values[0].as_str()), ("Step size u", "–"), "{rule}");
        }
        assert_eq!((told[1].name.as_str(), told[1].values[1].as_str()), ("Step size u", "–"));
    }
}
