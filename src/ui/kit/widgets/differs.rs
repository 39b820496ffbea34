//! What a row shows if it has no single value: "mixed" if the variants differ, a dash if the rule does not use the setting.

use eframe::egui::{Id, Ui};

/// Why a row has no single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoValue {
    /// The variants have different values; a chosen value applies to all of them.
    Mixed,
    /// The rule does not use the setting.
    Unused,
}

impl NoValue {
    /// The text shown instead of the value.
    #[must_use]
    pub fn shown(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Unused => "–",
        }
    }

    /// The tooltip of the row.
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

/// Draws rows, marked as having no single value if there is a reason.
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

/// Why the row that is being drawn has no single value, if it has none.
#[must_use]
pub fn now(ui: &Ui) -> Option<NoValue> {
    ui.data(|d| d.get_temp(id()))
}
