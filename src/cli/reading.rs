//! Options that say how to read a recording of a router: facts that the file does not state, and what to leave out.

use clap::{Args, ValueEnum};
use moebias_model::config::{Gate, limits};
use moebias_model::settings::reading::{LeaveOut, Reading, RecordedKind};
use std::path::{Path, PathBuf};

/// How a recording is read. Everything here is written into scenarios that are made of it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Reading a recording")]
pub(super) struct ReadingArgs {
    /// Which layer, by its number or name
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// What the file holds, if it could be something else
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// What each axis of an array counts: steps, layers, batch, tokens, experts, ranks, separated by commas
    #[arg(long, value_name = "AXES")]
    axes: Option<String>,
    /// Experts per token, K
    #[arg(long, value_name = "K", value_parser = super::small::<1, { limits::TOP_K.max as u32 }>)]
    top_k: Option<u32>,
    /// The number of experts
    #[arg(long, value_name = "N", value_parser = super::small::<2, { limits::EXPERTS.max as u32 }>)]
    experts: Option<u32>,
    /// The gate of the recorded router
    #[arg(long, value_enum)]
    gate: Option<GateArg>,
    /// The gate that the recorded values have passed already
    #[arg(long, value_enum)]
    gated: Option<GateArg>,
    /// Tokens per step, where the file has no steps [default: about 512]
    #[arg(long, value_name = "N", value_parser = super::small::<1, { limits::BATCH.max as u32 }>)]
    step_tokens: Option<u32>,
    /// Only these tokens, counted from 0: FROM..TO, without TO
    #[arg(long, value_name = "FROM..TO", value_parser = span)]
    tokens: Option<(u64, u64)>,
    /// Leave out `identical` rows, or tokens with this token id; repeat the option for more
    #[arg(long, value_name = "WHAT", value_parser = leave_out, allow_negative_numbers = true)]
    leave_out: Vec<LeaveOut>,
    /// The array that holds token ids
    #[arg(long, value_name = "NAME")]
    token_ids: Option<String>,
    /// Start from the bias that the model had learned, where it was recorded, instead of 0
    #[arg(long)]
    from_bias: bool,
    /// Further files: of later steps or other layers
    #[arg(long, value_name = "FILE")]
    also: Vec<PathBuf>,
    /// Add up the counts of all files, as those of the ranks of one run
    #[arg(long)]
    sum: bool,
}

impl ReadingArgs {
    /// The layer named on the command line, if any.
    pub(super) fn layer(&self) -> Option<&str> {
        self.layer.as_deref()
    }

    /// All files of the recording: `file` and those of `--also`.
    pub(super) fn files(&self, file: &Path) -> Vec<PathBuf> {
        std::iter::once(file.to_owned()).chain(self.also.iter().cloned()).collect()
    }

    /// The options as a [`Reading`].
    pub(super) fn reading(&self) -> Reading {
        Reading {
            kind: self.kind.map(Into::into),
            axes: self.axes.clone(),
            top_k: self.top_k,
            experts: self.experts,
            gate: self.gate.map(Into::into),
            gated: self.gated.map(Into::into),
            step: self.step_tokens,
            tokens: self.tokens,
            leave_out: self.leave_out.clone(),
            token_ids: self.token_ids.clone(),
            from_bias: self.from_bias,
            // The scenario that is made from the recording fills in these paths.
            also: vec![],
            sum: self.sum,
        }
    }
}

fn span(text: &str) -> Result<(u64, u64), String> {
    let wrong = || "it must be two whole numbers, for example 16640..20480 or 16640..".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str, empty: u64| match text.trim() {
        "" => Ok(empty),
        digits => digits.parse().map_err(|_e| wrong()),
    };
    let (from, to) = (number(from, 0)?, number(to, u64::MAX)?);
    if from < to { Ok((from, to)) } else { Err(wrong()) }
}

fn leave_out(text: &str) -> Result<LeaveOut, String> {
    match text.trim() {
        "identical" => Ok(LeaveOut::Identical),
        id => match id.parse() {
            Ok(id) => Ok(LeaveOut::TokenId(id)),
            Err(_) => Err("it must be `identical` or a token id".into()),
        },
    }
}

/// The values of `--kind`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    /// The router's output for every token and expert
    Scores,
    /// The experts that every token chose
    Selections,
    /// The number of tokens of every expert
    Loads,
}

impl From<KindArg> for RecordedKind {
    fn from(arg: KindArg) -> Self {
        match arg {
            KindArg::Scores => Self::Scores,
            KindArg::Selections => Self::Selections,
            KindArg::Loads => Self::Loads,
        }
    }
}

/// The values of `--gate` and `--gated`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum GateArg {
    Sigmoid,
    Softmax,
    Sqrtsoftplus,
}

impl From<GateArg> for Gate {
    fn from(arg: GateArg) -> Self {
        match arg {
            GateArg::Sigmoid => Self::Sigmoid,
            GateArg::Softmax => Self::Softmax,
            GateArg::Sqrtsoftplus => Self::SqrtSoftplus,
        }
    }
}
