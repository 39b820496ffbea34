//! What a FILE on the command line turns out to be.

use super::DEFAULT_STEPS;
use super::failure::Failure;
use crate::engine::message::Start;
use crate::model::config::{Balancer, Experiment, Router, Source, Synthetic, Variant};
use crate::model::digest::Digest;
use std::path::Path;

/// An experiment ready to run.
#[derive(Debug)]
pub(super) struct Input {
    /// Its title.
    pub title: String,
    /// What it starts from.
    pub start: Start,
    /// Where the recording ended and with which digest, if it is one.
    pub recorded: Option<(u64, Digest)>,
}

impl Input {
    /// Its first step.
    pub(super) fn first(&self) -> u64 {
        self.start.state.as_ref().map_or(0, |s| s.step)
    }

    /// The step at which it ends where nobody says otherwise.
    pub(super) fn end(&self) -> u64 {
        let known = self.recorded.map(|(step, _)| step).or(self.start.stop).filter(|&s| s > self.first());
        known.unwrap_or(self.first() + DEFAULT_STEPS)
    }
}

/// Opens a FILE.
///
/// # Errors
/// A file that is missing, unreadable or wrong.
pub(super) fn open(file: &Path) -> Result<Input, Failure> {
    if file == Path::new("builtin:first-look") {
        return Ok(first_look());
    }
    Err(Failure::new(format!("{}: there is no such file", file.display())))
}

fn first_look() -> Input {
    let variant = Variant { name: "Loss-free".into(), router: Router::default(), balancer: Balancer::default() };
    let source = Source::Synthetic(Synthetic::default());
    let experiment = Experiment { seed: 1, source, variants: vec![variant] };
    let start = Start { experiment, trace: None, state: None, events: vec![], stop: Some(300) };
    Input { title: "A first look".into(), start, recorded: None }
}
