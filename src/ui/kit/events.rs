//! Short labels of changes, for the marks on time plots.

use moebias_engine::message::Snapshot;
use moebias_model::change::{Event, Target};

/// Like [`label_of`], with ", ignored" added if the trace does not allow the change.
#[must_use]
pub fn label_in(snapshot: &Snapshot, event: &Event, names: &[String]) -> String {
    let label = label_of(event, names);
    if snapshot.ignores(event) { format!("{label}, ignored") } else { label }
}

/// A label such as "u 0.01", "K 4" or "skew 2", followed by the variant's name if the change is to one of several variants.
#[must_use]
pub fn label_of(event: &Event, names: &[String]) -> String {
    let what = event.change.mark();
    match event.target {
        Target::Variant(i) if names.len() > 1 => match names.get(i) {
            // A name that already contains the change is enough.
            Some(name) if name.contains(&what) => name.clone(),
            Some(name) => format!("{what}, {name}"),
            None => what,
        },
        _ => what,
    }
}
