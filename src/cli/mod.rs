//! The command line. Every command but the window runs without a display.
//!
//! Exit codes: 0 only on success; 1 for bad input, a failed verification or anything that could not be done; 2 for wrong usage.

mod bench;
mod check;
mod compare;
mod convert;
mod doctor;
mod drive;
mod failure;
mod film;
mod input;
mod layers;
mod learn;
mod output;
mod progress;
mod quiet;
mod reading;
mod render;
mod replay;
mod report;
mod run;
mod sweep;
mod theory;
mod trace;
mod window;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use failure::Failure;
use moebias_engine::EngineChoice;
use moebias_files::view::PaneKind;
use moebias_model::config::limits;
use moebias_model::sweep::{Axis, MOST_SEEDS};
use reading::ReadingArgs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Steps of a run whose file does not say where it ends.
const DEFAULT_STEPS: u64 = 500;
/// The largest number of steps that a command line may ask for; far more than is practical.
const MOST_STEPS: u64 = 1_000_000_000;
/// The last step of which a picture or a film can be made.
const MOST_STEP: u64 = moebias_files::film::MOST_STEP;

const AFTER_HELP: &str = "\
A FILE is a scenario or a recording (.ron), a recorded trace (.safetensors), \
or builtin:NAME for what ships with Moebias; `moebias check` without a file lists those. \
`check` and `trace` read logs of selections (.jsonl); the window and `check` read lessons (.lesson.ron).

Exit codes: 0 success; 1 bad input or a failed verification; 2 wrong usage.";

/// Watch a Mixture-of-Experts router balance itself.
///
/// Without a command, opens the window. The commands below need no display.
#[derive(Debug, Parser)]
#[command(name = "moebias", bin_name = "moebias", version, args_conflicts_with_subcommands = true, after_help = AFTER_HELP, max_term_width = 110)]
struct Cli {
    /// What to open in the window
    file: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an experiment and print its figures and findings
    Run(RunArgs),
    /// Repeat a recording and compare the digests
    Replay(ReplayArgs),
    /// Check scenarios, recordings, traces and logs; every file is reported
    Check(CheckArgs),
    /// Describe a recording of a router: what is odd about it, and how balanced every layer was
    Trace(TraceArgs),
    /// Route every layer of a recording again, all at once, each with biases of its own
    Layers(LayersArgs),
    /// Compare the chosen experts of two recordings of the same tokens, layer by layer
    Compare(CompareArgs),
    /// Write a recording as safetensors, with everything that was decided about it
    Convert(ConvertArgs),
    /// Draw the window or a pane offscreen at one step, as PNG or SVG
    Render(RenderArgs),
    /// Film a run offscreen, as GIF, WebP or PNG files
    Film(FilmArgs),
    /// Print the figures of the Theory pane: Lagrangian, optimum, moves, band, regret, computation batches
    Theory(TheoryArgs),
    /// List the GPUs, what will be used, and why
    Doctor,
    /// Measure how many token-expert pairs per second each engine of this machine routes
    Bench(BenchArgs),
    /// Run an experiment with every combination of several settings, and with several seeds
    Sweep(SweepArgs),
    /// Train routers with several seeds, and evaluate them on tokens they have never seen
    Learn(LearnArgs),
}

#[derive(Debug, Args)]
struct BenchArgs {
    /// What computes; auto measures everything there is
    #[arg(long, value_enum, default_value_t)]
    engine: EngineArg,
    /// Tokens x experts x K, several separated by commas
    #[arg(long, value_name = "SIZES", value_delimiter = ',', value_parser = bench::size, default_value = "4096x64x6,16384x64x6,16384x256x8,65536x256x8")]
    sizes: Vec<bench::Size>,
    /// Route recorded scores, quantised beforehand, instead of random tokens
    #[arg(long)]
    given_scores: bool,
    /// Route recorded logits and apply the gate in every step (CPU only)
    #[arg(long, conflicts_with = "given_scores")]
    given_logits: bool,
    /// Variants on the same tokens, each with its own step size: a sweep
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = small::<1, { limits::VARIANTS.max as u32 }>)]
    variants: u32,
    /// Print a JSON list instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct LearnArgs {
    /// A scenario whose source is Learning(...), or builtin:NAME
    file: PathBuf,
    /// Steps to train [default: to the scenario's end, or 500]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<1, MOST_STEPS>)]
    steps: Option<u64>,
    /// Seeds: a range that includes both ends, or a list separated by commas
    #[arg(long, value_name = "SEEDS", value_parser = learn::seeds, default_value = "1..5")]
    seeds: learn::Seeds,
    /// The variant to which the others are compared [default: the first]
    #[arg(long, value_name = "NAME")]
    reference: Option<String>,
    /// Write one row per seed and variant to a CSV file; `-` writes it to standard output instead of the table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct SweepArgs {
    /// Scenario, trace, or builtin:NAME
    file: PathBuf,
    /// A setting and its values: u=1e-5..1e-1:log:25, top_k=1..8, skew=0..2:lin:9 or rule=sign,rms; repeat the option for more settings
    #[arg(long, value_name = "SETTING=VALUES", required = true, value_parser = sweep::axis)]
    over: Vec<Axis>,
    /// Seeds of each combination: the scenario's own and those after it; always 1 for a recorded trace, which no seed changes
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = small::<1, MOST_SEEDS>)]
    seeds: u32,
    /// Steps of each run [default: to the scenario's end, or 500]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<1, MOST_STEPS>)]
    steps: Option<u64>,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    engine: EngineArg,
    /// Write one row per run to a CSV file, and continue it where an earlier sweep was stopped; `-` writes it to standard output instead of the table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Scenario, recording, trace, or builtin:NAME
    file: PathBuf,
    /// Steps to run [default: to the scenario's or the recording's end, or 500]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<1, MOST_STEPS>)]
    steps: Option<u64>,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    engine: EngineArg,
    /// Write every curve to a CSV file; `-` writes it to standard output instead of the table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// With --json: loads and biases of every step, not only of the last
    #[arg(long, requires = "json")]
    full: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

#[derive(Debug, Args)]
struct TheoryArgs {
    /// Scenario, recording, trace, or builtin:NAME
    file: PathBuf,
    /// Steps to examine [default: to the scenario's or the recording's end, or 500]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<1, 1_000_000>)]
    steps: Option<u64>,
    /// Print one JSON object, with every step's figures
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// A recording
    file: PathBuf,
    /// Compare the digest with the recorded one, and fail if they differ
    #[arg(long)]
    verify: bool,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    engine: EngineArg,
}

#[derive(Debug, Args)]
struct RenderArgs {
    /// Scenario, recording, trace, or builtin:NAME
    file: PathBuf,
    /// The step to show [default: the recording's or scenario's end, or 500]
    #[arg(long, value_name = "STEP", allow_negative_numbers = true, value_parser = whole::<0, MOST_STEP>)]
    at: Option<u64>,
    /// Width and height, pixels
    #[arg(long, value_name = "WxH", default_value = "1440x900", value_parser = render::size)]
    size: (u32, u32),
    /// Pixels per point: 2 draws everything twice as large and sharp
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = scale)]
    scale: f32,
    /// Only one pane, by its name in scenarios, such as Bias
    #[arg(long, value_name = "PANE", value_parser = render::pane)]
    pane: Option<PaneKind>,
    /// Colours [default: dark for a PNG, light for an SVG]
    #[arg(long, value_enum)]
    theme: Option<ThemeArg>,
    /// The picture to write: a PNG, or an SVG if the name ends in .svg
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    reading: ReadingArgs,
}

#[derive(Debug, Args)]
struct FilmArgs {
    /// Scenario, recording, trace, or builtin:NAME
    file: PathBuf,
    /// The first step [default: the first one routed: 1, or the one after which a late recording begins]
    #[arg(long, value_name = "STEP", allow_negative_numbers = true, value_parser = whole::<0, MOST_STEP>)]
    from: Option<u64>,
    /// The last step [default: the recording's or scenario's end, or 500]
    #[arg(long, value_name = "STEP", allow_negative_numbers = true, value_parser = whole::<0, MOST_STEP>)]
    to: Option<u64>,
    /// Steps from one frame to the next
    #[arg(long, value_name = "N", default_value_t = 2, allow_negative_numbers = true, value_parser = whole::<1, MOST_STEP>)]
    every: u64,
    /// Frames per second, 1 to 50
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true, value_parser = small::<1, 50>)]
    fps: u32,
    /// Width and height, pixels
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = render::size)]
    size: (u32, u32),
    /// Pixels per point: 2 draws everything twice as large and sharp
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = scale)]
    scale: f32,
    /// Only one pane, by its name in scenarios, such as Bias
    #[arg(long, value_name = "PANE", value_parser = render::pane)]
    pane: Option<PaneKind>,
    /// Colours
    #[arg(long, value_enum, default_value_t)]
    theme: ThemeArg,
    /// The film to write: .gif, .webp, or a folder for PNG files, with a slash at the end
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Parses a whole number from `LEAST` to `MOST`.
fn whole<const LEAST: u64, const MOST: u64>(text: &str) -> Result<u64, String> {
    let number = text.trim().parse().ok().filter(|n| (LEAST..=MOST).contains(n));
    number.ok_or_else(|| format!("it must be a whole number from {LEAST} to {}", output::thousands(MOST)))
}

/// Like [`whole`], for 32-bit numbers.
fn small<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    let number = text.trim().parse().ok().filter(|n| (LEAST..=MOST).contains(n));
    number.ok_or_else(|| format!("it must be a whole number from {LEAST} to {}", output::thousands(u64::from(MOST))))
}

/// Parses a scale from 0.5 to 4.
fn scale(text: &str) -> Result<f32, String> {
    let scale = text.parse::<f32>().ok().filter(|s| (0.5..=4.0).contains(s));
    scale.ok_or_else(|| "a scale must be from 0.5 to 4".into())
}

/// The values of `--theme`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ThemeArg {
    /// Light on dark
    #[default]
    Dark,
    /// Dark on light
    Light,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Files to check; without any, the scenarios that ship with Moebias
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct TraceArgs {
    /// Recordings in any format that --formats lists, a folder of .npy files, builtin:sample, builtin:learned or builtin:four-layers
    files: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// List the formats that are read
    #[arg(long)]
    formats: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

#[derive(Debug, Args)]
struct LayersArgs {
    /// A recording of scores, or a scenario whose tokens are one; its first variant says how to route
    file: PathBuf,
    /// Steps to run [default: once through the recording]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<1, MOST_STEPS>)]
    steps: Option<u64>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

#[derive(Debug, Args)]
struct CompareArgs {
    /// A recording of scores or of chosen experts
    #[arg(value_name = "FILE")]
    first: PathBuf,
    /// Another recording of the same tokens
    #[arg(value_name = "FILE2")]
    second: PathBuf,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    // --kind, --axes, --gated and --token-ids describe the first file only.
    #[command(flatten)]
    reading: ReadingArgs,
}

#[derive(Debug, Args)]
struct ConvertArgs {
    /// The recordings, and last the .safetensors file to write
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// The values of `--engine`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum EngineArg {
    /// A hardware GPU if there is one, otherwise the CPU
    #[default]
    Auto,
    /// All CPU cores
    Cpu,
    /// A GPU; a software adapter if there is no other
    Gpu,
}

impl From<EngineArg> for EngineChoice {
    fn from(arg: EngineArg) -> Self {
        match arg {
            EngineArg::Auto => Self::Auto,
            EngineArg::Cpu => Self::Cpu,
            EngineArg::Gpu => Self::Gpu,
        }
    }
}

/// The entry point of the program: parses the command line, runs the command, and reports a failure as one sentence and an exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    quiet::name_a_runtime_folder();
    moebias_lab::logging::install();
    log::debug!("Moebias {} starts", env!("CARGO_PKG_VERSION"));
    moebias_disk::temporary::clean_up_on_signals();
    if cli.command.is_some() {
        output::speak_on_panic();
    }
    if let Some(folder) = moebias_lab::places::pipelines_dir() {
        moebias_engine::gpu::cache::keep_in(folder);
        moebias_lab::places::forget_old_pipelines();
    }
    let done = match &cli.command {
        None if let Some(word) = cli.file.as_deref().and_then(no_command) => Err(no_such(word)),
        None => window::open(cli.file.as_deref(), &cli.reading),
        Some(Command::Run(args)) => run::run(args),
        Some(Command::Replay(args)) => replay::replay(args),
        Some(Command::Check(args)) => check::check(&args.files),
        Some(Command::Trace(args)) => trace::trace(args),
        Some(Command::Layers(args)) => layers::layers(args),
        Some(Command::Compare(args)) => compare::compare(args),
        Some(Command::Convert(args)) => convert::convert(args),
        Some(Command::Render(args)) => render::render(args),
        Some(Command::Film(args)) => film::film(args),
        Some(Command::Theory(args)) => theory::theory(args),
        Some(Command::Doctor) => doctor::doctor(),
        Some(Command::Bench(args)) => bench::bench(args),
        Some(Command::Sweep(args)) => sweep::sweep(args),
        Some(Command::Learn(args)) => learn::learn(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::tell(&failure);
            ExitCode::from(if matches!(failure, Failure::Usage(_)) { 2 } else { 1 })
        }
    }
}

/// The argument, if it looks like a mistyped command: a single word of letters and hyphens for which no file exists.
fn no_command(file: &Path) -> Option<&str> {
    let word = file.to_str()?;
    let plain = word.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    (plain && !file.exists()).then_some(word)
}

fn no_such(word: &str) -> Failure {
    let commands = Cli::command();
    let names: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
    let meant = moebias_files::text::nearest(word, &names);
    let meant = meant.map(|name| format!(" Perhaps `moebias {name}` is meant.")).unwrap_or_default();
    Failure::Usage(format!("“{word}” is neither a command nor a file.{meant} `moebias --help` lists the commands"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
