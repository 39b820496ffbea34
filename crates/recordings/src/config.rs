//! A model's `config.json` in the folder of a recording; it completes what the recording itself does not state.

use super::assumption::{Assumption, Question};
use super::meta::Meta;
use super::recording::Recording;
use moebias_disk::{At, Limit};
use std::path::Path;

/// The largest configuration file that is read.
const LIMIT: Limit = Limit::new("a model's config.json", 4 << 20);

/// Completes the metadata from `config.json` in the folder of `path`, if that describes a router.
pub(crate) fn complete(recording: &mut Recording, path: &Path) {
    let Some(config) = beside(path) else { return };
    if config.top_k.is_none() && config.experts.is_none() {
        return;
    }
    let before = recording.meta.clone();
    recording.meta.or(&config);
    let after = &recording.meta;
    let mut say = |about, what: String| {
        recording.assumptions.push(Assumption::usual(about, format!("{what}, from config.json beside the file")));
    };
    if let (None, Some(k)) = (before.top_k, after.top_k) {
        say(Question::TopK, format!("K is {k}"));
    }
    if let (None, Some(experts)) = (before.experts, after.experts) {
        say(Question::Experts, format!("the number of experts is {experts}"));
    }
    if let (None, Some(gate)) = (before.gate, after.gate) {
        say(Question::Gate, format!("the gate is {}", gate.to_string().to_lowercase()));
    }
}

fn beside(path: &Path) -> Option<Meta> {
    let path = path.parent()?.join("config.json");
    let file = At::open(&path, LIMIT).ok()?;
    let mut text = vec![0; usize::try_from(file.length()).ok()?];
    file.read(0, &mut text).ok()?;
    let object = serde_json::from_slice(&text).inspect_err(|e| log::warn!("{}: {e}", path.display())).ok()?;
    let mut meta = Meta::default();
    meta.take_object(&object);
    Some(meta)
}
