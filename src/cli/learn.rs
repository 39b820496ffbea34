//! `moebias learn`: trains an experiment with several seeds and evaluates it on tokens that were not used for training.
//!
//! Results differ far more from seed to seed than between the methods, so only paired differences are meaningful: all variants of a seed
//! see the same tokens, and Δ is computed per seed before it is averaged.

use super::LearnArgs;
use super::drive::Driver;
use super::failure::Failure;
use super::input::{self, Input};
use super::output::{self, aligned, counted, thousands};
use moebias_engine::EngineChoice;
use moebias_engine::cpu::AllCores;
use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_files::FileError;
use moebias_files::atomic::Staged;
use moebias_files::export::{SETTINGS, settings};
use moebias_files::text::cell;
use moebias_model::config::Variant;
use moebias_model::learn::evaluate::{CAPACITY, HeldOut};
use moebias_model::metrics::Metrics;
use std::io;
use std::path::Path;

/// The largest number of seeds; more would take too long.
const MOST_SEEDS: usize = 1000;

/// Seeds, given as `1..5` (both ends included) or `1,2,7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seeds(Vec<u32>);

/// Parses a value of `--seeds`.
pub(super) fn seeds(text: &str) -> Result<Seeds, String> {
    let wrong = || "seeds are a range that includes both ends, such as 1..5, or a list, such as 1,2,7".to_owned();
    let number = |t: &str| t.trim().parse::<u32>().ok().ok_or_else(wrong);
    let all: Vec<u32> = match text.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to.trim_start_matches('='))?);
            if from > to {
                return Err(wrong());
            }
            (from..=to).take(MOST_SEEDS + 1).collect()
        }
        None => text.split(',').map(number).collect::<Result<_, _>>()?,
    };
    if all.len() > MOST_SEEDS {
        return Err(format!("at most {MOST_SEEDS} seeds"));
    }
    Ok(Seeds(all))
}

/// The results of one variant with one seed.
#[derive(Clone, Debug, Default)]
struct Outcome {
    held_out: HeldOut,
    /// Mean MaxVio of a batch over the 50 steps before a tenth of the run.
    early: f64,
    /// Mean MaxVio of a batch over the last tenth of the run.
    late: f64,
    /// Mean cosine between the gradients of the task loss and of the auxiliary loss on the router, over the second half of the run.
    cosine: f64,
    /// Mean of α·auxiliary over task, the ratio of the norms of these gradients, over the second half of the run.
    force: f64,
    /// Mean score over the last 50 steps.
    score: f64,
    /// Mean e^loss over the last 50 steps.
    perplexity: f64,
}

/// Running means of a variant during a run.
#[derive(Clone, Debug, Default)]
struct Seen {
    early: Mean,
    late: Mean,
    cosine: Mean,
    force: Mean,
    score: Mean,
    perplexity: Mean,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean(f64, u32);

impl Mean {
    fn push(&mut self, x: f64) {
        self.0 += x;
        self.1 += 1;
    }

    fn get(self) -> f64 {
        if self.1 == 0 { 0.0 } else { self.0 / f64::from(self.1) }
    }
}

pub(super) fn learn(args: &LearnArgs) -> Result<(), Failure> {
    let input = input::open(&args.file, &Default::default())?;
    let experiment = &input.start.experiment;
    if experiment.world().is_none() {
        let text =
            "nothing learns in this experiment: its source must be Learning(…), as in builtin:auxiliary-loss-dilemma";
        return Err(Failure::new(text));
    }
    if input.start.state.is_some() {
        return Err(Failure::new(
            "this recording begins in the middle, with parameters of one seed: give the scenario it came from",
        ));
    }
    let names: Vec<&str> = experiment.variants.iter().map(|v| v.name.as_str()).collect();
    let reference = match &args.reference {
        None => 0,
        Some(name) => names
            .iter()
            .position(|n| n == name)
            .ok_or_else(|| Failure::new(format!("no variant is called {name:?}; there are {}", names.join(", "))))?,
    };
    let steps = args.steps.unwrap_or(input.end());
    let mut driver = Driver::open(EngineChoice::Cpu)?;
    let mut all: Vec<Vec<Outcome>> = vec![];
    for &seed in &args.seeds.0 {
        all.push(one_seed(&mut driver, &input, seed, steps)?);
    }
    if let Some(path) = &args.csv {
        csv(path, &experiment.variants, &args.seeds.0, &all)?;
        if path == Path::new("-") {
            return Ok(());
        }
    }
    let world = experiment.world().map_or(0, |w| w.batch);
    let head = format!(
        "{}  {}, {}, evaluated on {} held-out tokens per seed; Δ is to {}\n\n",
        input.title,
        counted(steps, "step"),
        counted(all.len() as u64, "seed"),
        thousands(u64::from(world) * u64::from(moebias_model::learn::evaluate::BATCHES)),
        names[reference],
    );
    output::print(&(head + &table(&names, &all, reference)))
}

/// Runs every variant with one seed and evaluates them on held-out tokens.
fn one_seed(driver: &mut Driver, input: &Input, seed: u32, steps: u64) -> Result<Vec<Outcome>, Failure> {
    let mut start = input.start.clone();
    start.experiment.seed = seed;
    let mut run = Run::new(RunId(u64::from(seed)), start)?;
    let mut seen = vec![Seen::default(); run.metrics.len()];
    driver.advance_to(&mut run, steps, "Learning", |row, metrics| {
        seen.iter_mut().zip(metrics).for_each(|(s, m)| s.push(row.step, steps, m));
        Ok(())
    })?;
    let held_out = run.simulation_mut().held_out(moebias_model::learn::evaluate::BATCHES, &AllCores);
    let outcome = |(seen, held_out): (Seen, HeldOut)| Outcome {
        held_out,
        early: seen.early.get(),
        late: seen.late.get(),
        cosine: seen.cosine.get(),
        force: seen.force.get(),
        score: seen.score.get(),
        perplexity: seen.perplexity.get(),
    };
    Ok(seen.into_iter().zip(held_out).map(outcome).collect())
}

impl Seen {
    fn push(&mut self, step: u64, steps: u64, m: &Metrics) {
        if (steps / 10).saturating_sub(50) <= step && step < (steps / 10).max(1) {
            self.early.push(m.max_vio);
        }
        if step >= steps - steps.div_ceil(10) {
            self.late.push(m.max_vio);
        }
        let Some(l) = m.learning else { return };
        if step >= steps / 2 {
            self.cosine.push(l.cosine);
            self.force.push(l.force);
        }
        if step + 50 >= steps {
            self.score.push(l.mean_score);
            self.perplexity.push(l.perplexity());
        }
    }
}

/// Mean and standard deviation over seeds; `None` if any value is missing.
fn spread(values: &[Option<f64>]) -> Option<(f64, f64)> {
    let values: Vec<f64> = values.iter().copied().collect::<Option<_>>()?;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    Some((mean, if n > 1.0 { (square / (n - 1.0)).sqrt() } else { 0.0 }))
}

fn table(names: &[&str], all: &[Vec<Outcome>], reference: usize) -> String {
    let heads = [
        "",
        "NMSE %",
        "Δ",
        "lower in",
        &format!("cap {CAPACITY}"),
        "MaxVio global",
        "MaxVio early",
        "MaxVio late",
        "dead",
        "cos",
        "α·aux/task",
        "score",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for (v, name) in names.iter().enumerate() {
        let of = |f: &dyn Fn(&Outcome) -> Option<f64>| all.iter().map(|seed| f(&seed[v])).collect::<Vec<_>>();
        let both = |values: &[Option<f64>], decimals: usize, sign: bool| match spread(values) {
            Some((mean, sd)) => {
                let mean = if sign { format!("{mean:+.decimals$}") } else { format!("{mean:.decimals$}") };
                format!("{mean} ± {sd:.decimals$}").replace('-', "−")
            }
            None => "diverged".into(),
        };
        let mean = |values: &[Option<f64>], decimals: usize| {
            spread(values).map_or("–".into(), |(m, _)| format!("{m:.decimals$}").replace('-', "−"))
        };
        let percent = |x: Option<f64>| x.map(|x| 100.0 * x);
        let delta: Vec<Option<f64>> =
            all.iter().map(|seed| Some(100.0 * (seed[v].held_out.nmse? - seed[reference].held_out.nmse?))).collect();
        let lower = delta.iter().filter(|d| d.is_some_and(|d| d < 0.0)).count();
        let is_reference = v == reference;
        rows.push(vec![
            (*name).to_owned(),
            both(&of(&|o| percent(o.held_out.nmse)), 2, false),
            if is_reference { "0".into() } else { both(&delta, 2, true) },
            if is_reference { String::new() } else { format!("{lower} of {}", all.len()) },
            mean(&of(&|o| percent(o.held_out.nmse_capacity)), 1),
            both(&of(&|o| Some(o.held_out.max_vio)), 3, false),
            mean(&of(&|o| Some(o.early)), 2),
            mean(&of(&|o| Some(o.late)), 3),
            mean(&of(&|o| Some(f64::from(o.held_out.dead))), 1),
            mean(&of(&|o| Some(o.cosine)), 2),
            mean(&of(&|o| Some(o.force)), 2),
            mean(&of(&|o| Some(o.score)), 2),
        ]);
    }
    let mut out = aligned(&rows).join("\n");
    out.push_str(
        "\n\nNMSE: squared error over squared target, ± standard deviation over seeds. Δ: difference within the same seed, points. cap: the\n\
         same where an expert takes at most that many fair shares of a batch. Early: 50 steps up to a tenth of the run; late: its last tenth.\n\
         cos, α·aux/task: of the two gradients on the router, second half of the run.\n",
    );
    out
}

fn csv(path: &Path, variants: &[Variant], seeds: &[u32], all: &[Vec<Outcome>]) -> Result<(), Failure> {
    let mut out = csv::WriterBuilder::new().comment(Some(b'#')).from_writer(vec![]);
    let name = path.display().to_string();
    let fail = |e: csv::Error| Failure::new(format!("{name} can't be written: {e}"));
    let heads = [
        "seed",
        "variant",
        "nmse",
        "nmse_capacity",
        "max_vio_global",
        "max_vio_early",
        "max_vio_late",
        "dead",
        "interference",
        "force_ratio",
        "mean_score",
        "train_perplexity",
    ];
    let more = SETTINGS.into_iter().chain(["auxiliary", "alpha"]);
    out.write_record(heads.into_iter().chain(more)).map_err(fail)?;
    for (seed, outcomes) in seeds.iter().zip(all) {
        for (v, o) in variants.iter().zip(outcomes) {
            let optional = |x: Option<f64>| x.map(|x| x.to_string()).unwrap_or_default();
            let mut row = vec![seed.to_string(), cell(&v.name).into_owned()];
            row.extend([optional(o.held_out.nmse), optional(o.held_out.nmse_capacity)]);
            row.extend([o.held_out.max_vio, o.early, o.late].map(|x| x.to_string()));
            row.push(o.held_out.dead.to_string());
            row.extend([o.cosine, o.force, o.score, o.perplexity].map(|x| x.to_string()));
            row.extend(settings(v));
            row.extend([v.learning.auxiliary.key().to_owned(), v.learning.weight().to_string()]);
            out.write_record(row).map_err(fail)?;
        }
    }
    let bytes = out.into_inner().map_err(|e| FileError::write(&name, e.error()))?;
    if path == Path::new("-") {
        return output::print_exactly(&String::from_utf8_lossy(&bytes));
    }
    let write = |mut file: Staged| io::Write::write_all(&mut file, &bytes).and_then(|()| file.finish());
    Ok(Staged::new(path).and_then(write).map_err(|e| FileError::write(&name, &e))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ranges_or_lists() {
        assert_eq!(seeds("1..5"), Ok(Seeds(vec![1, 2, 3, 4, 5])));
        assert_eq!(seeds("3"), Ok(Seeds(vec![3])));
        assert_eq!(seeds("1,2, 7"), Ok(Seeds(vec![1, 2, 7])));
        for wrong in ["", "5..1", "a", "1..", "0..4000000000", "-1"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spread_over_seeds() {
        assert_eq!(spread(&[Some(1.0), Some(3.0)]), Some((2.0, 2f64.sqrt())));
        assert_eq!(spread(&[Some(1.0), None]), None);
    }
}
