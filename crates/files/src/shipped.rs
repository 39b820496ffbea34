//! What ships with Moebias, inside the binary: it runs from any folder.

use std::sync::OnceLock;

/// A scenario that ships with Moebias.
#[derive(Debug)]
pub struct Shipped {
    /// Its file name without the ending.
    pub id: &'static str,
    /// The file, as it stands in `scenarios/`.
    pub text: &'static str,
    /// The loads of one of its variants over time as a small grey PNG, from `assets/thumbnails/`: 0 no load, 128 fair, 255 twice fair. Made by
    /// `tests/program/thumbnails.rs`.
    pub thumbnail: &'static [u8],
}

/// A trace that ships with Moebias.
#[derive(Debug)]
pub struct ShippedTrace {
    /// What `builtin:` calls it.
    pub id: &'static str,
    /// The file, as it stands in `assets/traces/`.
    pub bytes: &'static [u8],
}

macro_rules! scenarios {
    ($($id:literal),* $(,)?) => {
        &[$(Shipped {
            id: $id,
            text: include_str!(concat!(env!("MOEBIAS_SCENARIOS"), "/", $id, ".ron")),
            thumbnail: include_bytes!(concat!(env!("MOEBIAS_THUMBNAILS"), "/", $id, ".png")),
        }),*]
    };
}

/// Every shipped scenario, in the order in which they are best met.
#[must_use]
pub fn shipped() -> &'static [Shipped] {
    SHIPPED
}

// Statics, not constants: what many places name would otherwise stand in the program as often.
static SHIPPED: &[Shipped] = scenarios![
    "first-look",
    "microscope",
    "step-too-small",
    "step-too-large",
    "sign-and-proportional",
    "skew",
    "top-k",
    "drifting-topics",
    "real-model",
    "shrinking-step",
    "four-rules",
    "freezing",
    "published-models",
    "softmax-gate",
    "fixed-batch",
    "bursts",
    "real-model-rules",
    "auxiliary-loss-dilemma",
    "learning-step-sizes",
    "quantile-balancing",
    "expert-choice",
    "expert-groups",
    "capacity",
    "dynamic-k",
    "assignment-methods",
    "price-view",
    "band",
    "learned-bias",
];

/// Every shipped trace.
#[must_use]
pub fn traces() -> &'static [ShippedTrace] {
    TRACES
}

macro_rules! traces {
    ($($id:literal: $file:literal),* $(,)?) => {
        &[$(ShippedTrace { id: $id, bytes: include_bytes!(concat!(env!("MOEBIAS_TRACES"), "/", $file)) }),*]
    };
}

static TRACES: &[ShippedTrace] =
    traces!["sample": "sample_none_final.safetensors", "learned": "trace_lossfree_final.safetensors"];

/// The shipped scenario of this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Shipped> {
    shipped().iter().find(|s| s.id == id)
}

/// The text of each token id of the shipped traces.
#[must_use]
pub fn vocabulary() -> &'static [String] {
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        serde_json::from_str(include_str!(concat!(env!("MOEBIAS_TRACES"), "/vocabulary.json"))).unwrap_or_default()
    })
}
