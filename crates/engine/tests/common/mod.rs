//! Random choices that several test files make their configurations with.

#![allow(dead_code, reason = "each test file uses its part")]

use moebias_model::config::{Gate, Rule};
use moebias_model::random::{Stream, pcg4d};

/// The largest factor of the multiplicative rule, Q32: its biases are in [0, 4).
pub const LARGEST_FACTOR: i64 = (4 << 32) - 1;

/// A generator of random choices, the same on every machine.
pub struct Dice {
    seed: u32,
    thrown: u32,
}

impl Dice {
    pub fn new(seed: u32) -> Self {
        Self { seed, thrown: 0 }
    }

    pub fn below(&mut self, n: u32) -> u32 {
        self.thrown += 1;
        ((u64::from(pcg4d(self.thrown, 0, Stream::Topic, self.seed)[0]) * u64::from(n)) >> 32) as u32
    }

    pub fn within(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u32) as usize]
    }

    pub fn real(&mut self, high: f64) -> f64 {
        f64::from(self.below(1 << 20)) / f64::from(1 << 20) * high
    }
}

/// Every gate.
pub const GATES: [Gate; 3] = [Gate::Sigmoid, Gate::Softmax, Gate::SqrtSoftplus];

/// Every rule that selects the K largest, and Expert Choice.
pub const RULES: [Rule; 12] = [
    Rule::None,
    Rule::Sign,
    Rule::Proportional,
    Rule::Multiplicative,
    Rule::Quantile,
    Rule::Bip,
    Rule::ExpertChoice,
    Rule::CentredSign,
    Rule::Rms,
    Rule::Smebu,
    Rule::IdBalancing,
    Rule::LongCat,
];
