//! Short labels of what was changed, for marks on time plots.

use moebias_engine::message::Snapshot;
use moebias_model::change::{Event, Target};

/// As [`label_of`]; where the trace does not allow the change, "Hash, ignored".
#[must_use]
pub fn label_in(snapshot: &Snapshot, event: &Event, names: &[String]) -> String {
    let label = label_of(event, names);
    if snapshot.ignores(event) { format!("{label}, ignored") } else { label }
}

/// "u 0.01", "K 4", "skew 2"; with the variant's name where one of several was changed.
#[must_use]
pub fn label_of(event: &Event, names: &[String]) -> String {
    let what = event.change.mark();
    match event.target {
        Target::Variant(i) if names.len() > 1 => match names.get(i) {
            // Where the name says it already, once is enough.
            Some(name) if name.contains(&what) => name.clone(),
            Some(name) => format!("{what}, {name}"),
            None => what,
        },
        _ => what,
    }
}
