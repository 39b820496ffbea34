//! A row in which one of several items is chosen.

use super::differs::{self, NoValue};
use crate::ui::kit::focus;
use crate::ui::kit::glossary::explain;
use crate::ui::kit::theme::{ROW, Theme};
use eframe::egui::{self, ComboBox, Ui, vec2};

/// An item to choose.
#[derive(Clone, Debug)]
pub struct Item<T> {
    /// The value that it sets.
    pub value: T,
    /// Its name.
    pub name: String,
    /// What it means.
    pub tip: String,
    /// Why it can't be chosen now, if so.
    pub blocked: Option<String>,
}

impl<T> Item<T> {
    /// An item that can be chosen.
    pub fn new(value: T, name: impl Into<String>, tip: impl Into<String>) -> Self {
        Self { value, name: name.into(), tip: tip.into(), blocked: None }
    }
}

/// Draws the row in the available width. Returns the value that a person chose.
pub fn choice<T: Clone + PartialEq>(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    tip: &str,
    now: &T,
    items: &[Item<T>],
) -> Option<T> {
    choice_of(ui, theme, name, tip, now, items, |_| None)
}

/// Like [`choice`], with a function that says why an item is refused; it is called only for items on screen.
pub fn choice_of<T: Clone + PartialEq>(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    tip: &str,
    now: &T,
    items: &[Item<T>],
    refused: impl Fn(&T) -> Option<String>,
) -> Option<T> {
    let mut chosen = None;
    let mixed = differs::now(ui) == Some(NoValue::Mixed);
    let unused = differs::now(ui) == Some(NoValue::Unused);
    let one = items.iter().find(|i| i.value == *now).map_or("", |i| i.name.as_str());
    let shown = match (mixed, unused) {
        (true, _) => format!("{name}: mixed"),
        (_, true) => format!("{name}: –"),
        _ => one.to_owned(),
    };
    let colour = if mixed || unused { theme.dim } else { theme.text };
    ui.spacing_mut().interact_size.y = ROW;
    let response = ComboBox::from_id_salt(name)
        .width(ui.available_width())
        .selected_text(egui::RichText::new(&shown).color(colour))
        .height(420.0)
        .show_ui(ui, |ui| {
            ui.set_min_width(200.0);
            if mixed {
                ui.label(egui::RichText::new("Apply to all variants").small().color(theme.faint));
            }
            for item in items {
                let is = item.value == *now && !mixed;
                let button = egui::Button::selectable(is, &item.name).min_size(vec2(ui.available_width(), ROW));
                let blocked = item.blocked.clone().or_else(|| refused(&item.value).filter(|_| !is));
                let response = ui.add_enabled(blocked.is_none(), button);
                if is {
                    focus::start_at(ui, response.id);
                }
                let response = response.on_hover_text(&item.tip);
                let response = match blocked {
                    Some(why) => response.on_disabled_hover_text(why),
                    None => response,
                };
                if response.clicked() {
                    chosen = Some(item.value.clone());
                }
            }
            focus::follow(ui);
        })
        .response;
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::Role::ComboBox, ui.is_enabled(), name);
        info.current_text_value = Some(shown.clone());
        info
    });
    crate::ui::kit::spots::offer(ui, name, response.rect);
    let tip = differs::now(ui).map_or_else(|| tip.to_owned(), |d| d.tip(tip));
    explain(response, name, &tip);
    chosen.filter(|c| c != now || mixed)
}
