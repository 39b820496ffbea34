//! Checks the comparisons of docs/learning.md, and its tables against docs/learning.csv.

use super::*;

/// Checks the most instructive comparisons, on a shorter run than the documented one; docs/learning.md has all of them.
#[test]
fn an_auxiliary_loss_that_balances_costs_more_than_the_bias() {
    let world = World { batch: 1024, ..World::default() };
    let aux = |alpha| Learning { auxiliary: Auxiliary::Normalised, alpha, horizon: 600, ..Learning::default() };
    let none = Learning { horizon: 600, ..Learning::default() };
    for seed in [1, 2] {
        let variants = vec![
            variant(Gate::Sigmoid, Rule::None, 64, 6, none.clone()),
            variant(Gate::Sigmoid, Rule::None, 64, 6, aux(1.0)),
            variant(Gate::Sigmoid, Rule::Sign, 64, 6, none.clone()),
        ];
        let mut simulation =
            Simulation::new(Experiment { seed, source: Source::Learning(world.clone()), variants }, None).unwrap();
        CpuEngine::new("test").advance(&mut simulation, 600, &mut vec![]).unwrap();
        let [none, strong, bias] = &simulation.held_out(32, &AllCores)[..] else { panic!("three variants") };
        let nmse = |h: &moebias_model::learn::evaluate::HeldOut| h.nmse.unwrap();
        assert!(nmse(strong) > nmse(bias) + 0.01, "seed {seed}: {} and {}", nmse(strong), nmse(bias));
        assert!(none.max_vio > 1.0 && bias.max_vio < 0.3 && strong.max_vio < 0.3, "seed {seed}");
        assert!(none.nmse_capacity.unwrap() > bias.nmse_capacity.unwrap(), "seed {seed}: what overflows is lost");
    }
}

/// The figures in docs/learning.csv: \[variant\]\[seed\]\[figure\], with variants in the order of the file.
fn documented() -> Vec<(String, Vec<Vec<f64>>)> {
    let mut all: Vec<(String, Vec<Vec<f64>>)> = vec![];
    let mut reader = csv::Reader::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/learning.csv")).unwrap();
    for record in reader.records().map(Result::unwrap) {
        let figures = record.iter().skip(2).map(|x| x.parse().unwrap()).collect();
        match all.iter_mut().find(|(name, _)| *name == record[1]) {
            Some((_, seeds)) => seeds.push(figures),
            None => all.push((record[1].to_owned(), vec![figures])),
        }
    }
    all
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

/// Checks the large table of docs/learning.md, row by row and to the last digit, and the ratios stated in its text.
#[test]
fn the_document_says_what_the_runs_came_to() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/learning.md")).unwrap();
    let all = documented();
    let of = |name: &str| &all.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name}")).1;
    let column = |name: &str, i: usize| of(name).iter().map(|seed| seed[i]).collect::<Vec<_>>();
    let reference = column("sign, u = 0.001", 0);
    for (name, seeds) in &all {
        let spread = |i: usize, times: f64| mean_and_deviation(&seeds.iter().map(|s| times * s[i]).collect::<Vec<_>>());
        let delta: Vec<f64> = seeds.iter().zip(&reference).map(|(s, r)| 100.0 * (s[0] - r)).collect();
        let (nmse, capacity, global) = (spread(0, 100.0), spread(1, 100.0), spread(2, 1.0));
        let (change, lower) = (mean_and_deviation(&delta), delta.iter().filter(|d| **d < 0.0).count());
        let of_reference = name == "sign, u = 0.001";
        let told = if of_reference { "0".into() } else { format!("{:+.2} ± {:.2}", change.0, change.1) };
        let lower = if of_reference { String::new() } else { format!("{lower} of 5") };
        let plain = [3, 4, 5, 6, 7, 8].map(|i| spread(i, 1.0).0);
        let row = format!(
            "| {name} | {:.2} ± {:.2} | {told} | {lower} | {:.1} | {:.3} ± {:.3} | {:.2} | {:.3} | {:.1} | {:.2} | {:.2} | {:.2} |",
            nmse.0, nmse.1, capacity.0, global.0, global.1, plain[0], plain[1], plain[2], plain[3], plain[4], plain[5]
        );
        let row = row.replace('-', "−").replace("sequence−wise", "sequence-wise").replace("z−loss", "z-loss");
        assert!(text.contains(&row), "docs/learning.md lacks the row\n{row}");
    }
    let global = |name: &str| mean_and_deviation(&column(name, 2)).0;
    for (name, said) in
        [("normalised, α = 0.001", "53.5 times that of loss-free"), ("normalised, α = 0.01", "at 45.5 times")]
    {
        let times = global(name) / global("sign, u = 0.001");
        assert!(said.contains(&format!("{times:.1} times")) && text.contains(said), "{name}: {times:.2} times");
    }
}
