//! Which engine the worker uses: a GPU is opened on another thread, left if it cannot run the experiment, and used again once it can.

use super::super::background;
use super::{Inside, LOSSES};
use crate::cpu::CpuEngine;
use crate::message::Echo;
use crate::unsupported::unsupported;
use crate::{Engine, EngineChoice, EngineError, open};
use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// The engine that runs, and the engine that was asked for.
pub(super) struct Engines {
    pub(super) engine: Box<dyn Engine>,
    pub(super) choice: EngineChoice,
    pub(super) opening: Option<Receiver<Result<Box<dyn Engine>, EngineError>>>,
    losses: VecDeque<Instant>,
    /// Whether the GPU was left because of a setting that it does not support.
    left_gpu: bool,
}

impl Engines {
    /// The CPU engine, with the reason for it.
    pub(super) fn new(reason: &str) -> Self {
        Self {
            engine: Box::new(CpuEngine::new(reason)),
            choice: EngineChoice::Auto,
            opening: None,
            losses: VecDeque::new(),
            left_gpu: false,
        }
    }
}

impl Inside {
    /// Opens the chosen engine on another thread; until it is ready, the CPU continues with the same results.
    pub(super) fn choose(&mut self, choice: EngineChoice) {
        self.engines.choice = choice;
        self.engines.left_gpu = false;
        if choice == EngineChoice::Cpu {
            self.engines.opening = None;
            self.set_engine(Box::new(CpuEngine::new("CPU chosen")));
            return;
        }
        let (tx, rx) = mpsc::channel();
        let opened = background::spawn("moebias-open-engine", move || {
            tx.send(open(choice)).ok();
        });
        match opened {
            Ok(_) => self.engines.opening = Some(rx),
            Err(e) => self.say(Echo::Trouble(format!("No thread to open the GPU with: {e}"))),
        }
    }

    fn set_engine(&mut self, engine: Box<dyn Engine>) {
        self.engines.engine = engine;
        self.pace.seconds_per_step = 1e-3;
        self.changed = true;
        self.say(Echo::Engine(self.engines.engine.info().clone()));
    }

    pub(super) fn take_engine(&mut self) {
        let Some(opening) = &self.engines.opening else { return };
        match opening.try_recv() {
            Ok(Ok(engine)) => {
                self.engines.opening = None;
                self.set_engine(engine);
            }
            Ok(Err(e)) => {
                self.engines.opening = None;
                self.say(Echo::Trouble(format!("Staying on the CPU: {e}")));
                self.set_engine(Box::new(CpuEngine::new(&e.to_string())));
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.engines.opening = None;
                self.set_engine(Box::new(CpuEngine::new("opening the GPU failed")));
            }
        }
    }

    pub(super) fn recover(&mut self, error: &EngineError) {
        let step = self.run.step();
        match error {
            EngineError::Lost(why) => {
                let now = Instant::now();
                self.engines.losses.push_back(now);
                self.engines.losses.retain(|t| now - *t < Duration::from_secs(60));
                if self.engines.losses.len() >= LOSSES {
                    let reason = format!("the GPU was lost {LOSSES} times within a minute");
                    self.say(Echo::Trouble(format!("Continuing on the CPU from step {step}: {reason} ({why})")));
                    self.set_engine(Box::new(CpuEngine::new(&reason)));
                } else {
                    self.say(Echo::Notice(format!("The GPU was reset; continued at step {step}")));
                    self.set_engine(Box::new(CpuEngine::new("CPU while the GPU is opened again")));
                    self.choose(self.engines.choice);
                }
            }
            EngineError::Unsupported(why) | EngineError::Unavailable(why) => {
                self.say(Echo::Notice(format!("Continuing on the CPU: {why}")));
                self.set_engine(Box::new(CpuEngine::new(why)));
                // Return to the GPU later only if a setting was the reason. Another reason, for example too large a trace, would recur.
                self.engines.left_gpu = unsupported(self.run.simulation().experiment()).is_some();
            }
        }
    }

    /// Returns to the GPU once no setting is left that it does not support.
    pub(super) fn return_to_gpu(&mut self) {
        if self.engines.left_gpu && unsupported(self.run.simulation().experiment()).is_none() {
            self.choose(self.engines.choice);
        }
    }
}
