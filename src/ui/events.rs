//! Short labels of what was changed, for marks on time plots.

use crate::model::change::{Change, Event, Target};

/// "u 0.01", "K 4", "skew 2".
#[must_use]
pub fn label_of(event: &Event) -> String {
    let what = match &event.change {
        Change::SetRate(u) => format!("u {u}"),
        Change::SetTopK(k) => format!("K {k}"),
        Change::SetFreeze(None) => "not frozen".into(),
        Change::SetFreeze(Some(step)) => format!("frozen from {step}"),
        Change::SetMomentum(b) => format!("β {b}"),
        Change::SetSteepness(k) => format!("κ {k}"),
        Change::SetDerivative(k) => format!("K_d {k}"),
        Change::SetZeroExperts(z) => format!("Z {z}"),
        Change::SetRealExperts(k) => format!("K_e {k}"),
        Change::ResetBias => "biases reset".into(),
        Change::SetFixed(true) => "fixed batch".into(),
        Change::SetFixed(false) => "fresh batches".into(),
        other => format!("{} {}", other.name(), other.value()),
    };
    match event.target {
        Target::Variant(i) => format!("{what} in variant {}", i + 1),
        _ => what,
    }
}
