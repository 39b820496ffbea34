//! What a row shows where there is no one value: "mixed" where the variants it is of differ, a dash where nothing uses the setting.

use eframe::egui::{Id, Ui};

/// Why a row has no one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoValue {
    /// The variants differ; what is chosen applies to all of them.
    Mixed,
    /// The rule does not use the setting.
    Unused,
}

impl NoValue {
    /// What stands in place of the value.
    #[must_use]
    pub fn shown(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Unused => "–",
        }
    }

    /// The tip of the row.
    #[must_use]
    pub fn tip(self, tip: &str) -> String {
        match self {
            Self::Mixed => format!("The variants differ here. Choosing a value applies it to all\n{tip}"),
            Self::Unused => format!("This rule has no use for it\n{tip}"),
        }
    }
}

fn id() -> Id {
    Id::unique("rows without one value")
}

/// Draws rows that have no one value, if there is a reason.
pub fn rows<R>(ui: &mut Ui, why: Option<NoValue>, draw: impl FnOnce(&mut Ui) -> R) -> R {
    let before = now(ui);
    let why = before.or(why);
    set(ui, why);
    let done = draw(ui);
    set(ui, before);
    done
}

fn set(ui: &Ui, why: Option<NoValue>) {
    ui.data_mut(|d| match why {
        Some(why) => {
            d.insert_temp(id(), why);
        }
        None => d.remove::<NoValue>(id()),
    });
}

/// Whether the row being drawn has no one value, and why.
#[must_use]
pub fn now(ui: &Ui) -> Option<NoValue> {
    ui.data(|d| d.get_temp(id()))
}
