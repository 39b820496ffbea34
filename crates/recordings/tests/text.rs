//! What tests of several formats share.

use moebias_recordings::{Data, Input, Layer, ReadError, Reading, Recording};

/// Reads a file that is in memory.
pub fn read(name: &str, content: impl AsRef<[u8]>, reading: &Reading) -> Result<Recording, ReadError> {
    moebias_recordings::read(&Input::memory(name, content.as_ref().to_vec())?, reading)
}

/// The counts of every layer.
pub fn loads(recording: &Recording) -> Vec<(&str, Vec<u64>)> {
    let counts = |layer: &Layer| match &layer.data {
        Data::Loads(counts) => counts.clone(),
        _ => vec![],
    };
    recording.layers.iter().map(|layer| (layer.name.as_str(), counts(layer))).collect()
}

/// The chosen experts of a layer.
pub fn ids(layer: &Layer) -> Vec<i64> {
    let mut out = vec![];
    if let Data::Selections(rows) = &layer.data {
        rows.read(0..rows.len(), &mut out).unwrap();
    }
    out
}

/// The scores of a layer.
pub fn scores(layer: &Layer) -> Vec<f32> {
    let mut out = vec![];
    if let Data::Scores(rows) = &layer.data {
        rows.read(0..rows.len(), &mut out).unwrap();
    }
    out
}

/// All assumptions in one text.
pub fn said(recording: &Recording) -> String {
    recording.assumptions.iter().map(|a| format!("{a}\n")).collect()
}
