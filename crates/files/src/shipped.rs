//! The scenarios and traces that ship with Moebias. They are part of the binary, so it runs from any folder.

use moebias_recordings::Vocabulary;
use std::sync::{Arc, OnceLock};

/// A scenario that ships with Moebias.
#[derive(Debug)]
pub struct Shipped {
    /// The name of its file without the ending.
    pub id: &'static str,
    /// The content of its file in `scenarios/`.
    pub text: &'static str,
    /// A small grey PNG of the loads of one of its variants over time, from `assets/thumbnails/`: 0 is no load, 128 the fair share, 255
    /// twice the fair share. `tests/program/thumbnails.rs` makes it.
    pub thumbnail: &'static [u8],
}

/// A trace that ships with Moebias.
#[derive(Debug)]
pub struct ShippedTrace {
    /// Its name after `builtin:`.
    pub id: &'static str,
    /// What it is called on screen.
    pub name: &'static str,
    /// The content of its file in `assets/traces/`.
    pub bytes: &'static [u8],
    /// Whether scenarios of it show its layers and oddities and may read it in another way, as those of a file may. The others have one layer,
    /// which is decoded only once.
    pub is_recording: bool,
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

/// Every shipped scenario, in the order recommended to a newcomer.
#[must_use]
pub fn shipped() -> &'static [Shipped] {
    SHIPPED
}

// Statics instead of constants, because the content of a constant is stored in the program once per use.
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
    ($($id:literal: $name:literal, $file:literal, $is_recording:literal);* $(;)?) => {
        &[$(ShippedTrace {
            id: $id,
            name: $name,
            bytes: include_bytes!(concat!(env!("MOEBIAS_TRACES"), "/", $file)),
            is_recording: $is_recording,
        }),*]
    };
}

static TRACES: &[ShippedTrace] = traces![
    "sample": "A small real model (shipped)", "sample_none_final.safetensors", false;
    "learned": "A small real model (shipped)", "trace_lossfree_final.safetensors", false;
    "four-layers": "A small recording (shipped)", "four_layers.safetensors", true;
];

/// The shipped scenario with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Shipped> {
    shipped().iter().find(|s| s.id == id)
}

/// The words of the token ids of the shipped traces.
#[must_use]
pub fn vocabulary() -> &'static Arc<Vocabulary> {
    static WORDS: OnceLock<Arc<Vocabulary>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let json = include_bytes!(concat!(env!("MOEBIAS_TRACES"), "/vocabulary.json"));
        let read = Vocabulary::parse("vocabulary.json", json);
        Arc::new(read.inspect_err(|e| log::error!("the shipped vocabulary can't be read: {e}")).unwrap_or_default())
    })
}
