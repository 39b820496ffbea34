//! The constants that host and shaders share, written as WGSL from the host's own constants and put at the beginning of every shader.

use super::Pass;
use crate::unsupported::GROUPS;
use moebias_model::balance::{bip, id, longcat, multiplicative, quantile, rms, smebu, tanh};
use moebias_model::random::Stream;
use moebias_model::settings::Rule;
use moebias_model::settings::limits;
use moebias_model::{fixed, gate, hash, order, select};
use std::fmt;
use std::fmt::Write as _;

/// Tokens per workgroup of the passes over all tokens.
pub const ROUTE_LANES: u32 = 128;
/// Tokens per workgroup of the moved pass.
pub const MOVED_LANES: u32 = 64;
/// Number of variants that one thread of the shared route pass handles.
pub const TOGETHER: u32 = 4;
/// The largest number of experts in the shared route pass: the histograms of four variants then fit into the workgroup memory of every GPU.
pub const MOST_SHARED_EXPERTS: u32 = 512;
/// The bit position of the round in the parameter `stage` of a dispatch; the digit is below it. BIP makes at most 16 rounds, and one more
/// number is used after the last.
pub const STAGE_ROUND_SHIFT: u32 = 3;
/// Number of bits of the round.
pub const STAGE_ROUND_BITS: u32 = 5;
/// The bit position of the rule.
pub const STAGE_RULE_SHIFT: u32 = STAGE_ROUND_SHIFT + STAGE_ROUND_BITS;
/// Words per expert in the order search, before its bins: the digits found so far, the rank among the tokens that share them, the shift
/// that makes α absolute, and one spare word.
pub const SEARCH: u32 = 4;

/// The value of a constant.
enum Value {
    U32(u32),
    I32(i32),
    /// A 64-bit number as two words, the lower one first.
    Wide(i64),
    /// One number per digit of a value.
    Digits([u32; order::VALUE_STAGES]),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U32(x) => write!(f, "{x}u"),
            // WGSL has no literal for the smallest i32.
            Self::I32(i32::MIN) => write!(f, "-{}i - 1i", i32::MAX),
            Self::I32(x) => write!(f, "{x}i"),
            Self::Wide(x) => write!(f, "vec2<u32>({}u, {}u)", *x as u32, (*x >> 32) as u32),
            Self::Digits([a, b, c]) => write!(f, "vec3<u32>({a}u, {b}u, {c}u)"),
        }
    }
}

/// The rules that shaders refer to.
const RULES: [(&str, Rule); 11] = [
    ("SIGN", Rule::Sign),
    ("PROPORTIONAL", Rule::Proportional),
    ("MULTIPLICATIVE", Rule::Multiplicative),
    ("CENTRED_SIGN", Rule::CentredSign),
    ("RMS", Rule::Rms),
    ("SMEBU", Rule::Smebu),
    ("ID_BALANCING", Rule::IdBalancing),
    ("LONGCAT", Rule::LongCat),
    ("THRESHOLD", Rule::Threshold),
    ("QUANTILE", Rule::Quantile),
    ("BIP", Rule::Bip),
];

/// The constants of a pass as WGSL, one per line.
pub fn preamble(pass: Pass) -> String {
    use Value::{Digits, I32, U32, Wide};
    let [a, b, c, ..] = order::DIGITS;
    let shared = [
        ("LANES", U32(pass.lanes())),
        // Fixed-point formats.
        ("SCORE_ONE", I32(fixed::SCORE_ONE)),
        ("LOGIT_BITS", U32(fixed::LOGIT_BITS)),
        ("LOGIT_LIMIT", I32(fixed::LOGIT_LIMIT)),
        // Random streams.
        ("STREAM_NOISE_LOW", U32(Stream::NoiseLow as u32)),
        ("STREAM_NOISE_HIGH", U32(Stream::NoiseHigh as u32)),
        ("STREAM_TOPIC", U32(Stream::Topic as u32)),
        ("STREAM_HASH", U32(Stream::Hash as u32)),
        ("WORDS_PER_TOPIC", U32(hash::WORDS_PER_TOPIC)),
        // Gates.
        ("SEGMENTS", U32(gate::SEGMENTS as u32)),
        ("SIGMOID_FRACTION", U32(gate::SIGMOID_FRACTION)),
        ("EXP2_FRACTION", U32(gate::EXP2_FRACTION)),
        ("ROOT_FRACTION", U32(gate::ROOT_FRACTION)),
        ("EXP_BITS", U32(gate::EXP_BITS)),
        ("LOG2_E", I32(gate::LOG2_E)),
        // Keys.
        ("LOWEST", I32(i32::MIN)),
        ("INDEX_BITS", U32(select::INDEX_BITS)),
        ("INDEX_MAX", I32(select::INDEX_MAX)),
        ("VALUE_MIN", I32(select::VALUE_MIN as i32)),
        ("MOST_KEPT", U32(select::MAX_K as u32)),
        ("MOST_EXPERTS", U32(limits::EXPERTS.max_u32())),
        ("MOST_GROUPS", U32(GROUPS)),
        ("TOGETHER", U32(TOGETHER)),
        ("MOST_SHARED_EXPERTS", U32(MOST_SHARED_EXPERTS)),
        // Order statistics.
        ("OFFSET", I32(order::OFFSET)),
        ("SEARCH", U32(SEARCH)),
        ("BINS", U32(order::BINS as u32)),
        ("DIGIT_SHIFTS", Digits([a.0, b.0, c.0])),
        ("DIGIT_BITS", Digits([a.1, b.1, c.1])),
        ("STAGE_ROUND_SHIFT", U32(STAGE_ROUND_SHIFT)),
        ("STAGE_ROUND_BITS", U32(STAGE_ROUND_BITS)),
        ("STAGE_RULE_SHIFT", U32(STAGE_RULE_SHIFT)),
        ("FAR", I32(bip::FAR as i32)),
        ("WEIGHT_BITS", U32(quantile::WEIGHT_BITS)),
        // Rules.
        ("LARGEST_FACTOR", Wide(multiplicative::LARGEST)),
        ("RMS_LEAD", I32(rms::LEAD as i32)),
        ("MOMENTUM_BITS", U32(smebu::MOMENTUM_BITS)),
        ("SHARE_BITS", U32(longcat::SHARE_BITS)),
        ("ERROR_BITS", U32(id::ERROR_BITS)),
        ("TANH_SEGMENTS", U32(tanh::SEGMENTS as u32)),
        ("TANH_LIMIT", U32(tanh::LIMIT as u32)),
        ("TANH_FRACTION", U32(tanh::FRACTION)),
        ("TANH_BITS", U32(tanh::VALUE_BITS)),
    ];
    let mut out = String::new();
    for (name, rule) in RULES {
        writeln!(out, "const RULE_{name} = {}u;", rule_number(rule)).ok();
    }
    for (name, value) in shared {
        writeln!(out, "const {name} = {value};").ok();
    }
    out
}

/// The number of rule Threshold.
pub const THRESHOLD: u32 = 9;
/// The number of rule Expert Choice.
pub const EXPERT_CHOICE: u32 = 18;

/// The number of a rule in the shaders, where it is called `RULE_…`.
#[must_use]
pub fn rule_number(rule: Rule) -> u32 {
    match rule {
        Rule::None => 0,
        Rule::Sign => 1,
        Rule::Proportional => 2,
        Rule::Multiplicative => 3,
        Rule::CentredSign => 4,
        Rule::Rms => 5,
        Rule::Smebu => 6,
        Rule::IdBalancing => 7,
        Rule::LongCat => 8,
        Rule::Threshold => THRESHOLD,
        Rule::Quantile => 16,
        Rule::Bip => 17,
        Rule::ExpertChoice => EXPERT_CHOICE,
        // Under `Hash` no bias moves. Shaders never meet the other two: see `unsupported`.
        Rule::Sinkhorn | Rule::Base | Rule::Hash => 0,
    }
}
