//! The settings of published models, chosen by name; a card says where every number comes from.

use super::Desk;
use crate::ui::kit::focus;
use crate::ui::kit::style::{SMALL, TINY, semibold, text};
use crate::ui::kit::theme::{ROW, Theme};
use eframe::egui::{self, ComboBox, RichText, Ui, vec2};
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_model::change::Target;
use moebias_model::config::Variant;
use moebias_model::presets::{Preset, Use};
use strum::IntoEnumIterator as _;

/// Width of a card, points.
const WIDTH: f32 = 400.0;

pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    let theme = desk.theme;
    let now = desk.variant().and_then(matching);
    let frozen = desk.frozen();
    let shown = now.map_or("Set as a model…", Preset::name);
    ui.spacing_mut().interact_size.y = ROW;
    let response = ui
        .add_enabled_ui(frozen.is_none(), |ui| {
            ComboBox::from_id_salt("preset")
                .width(ui.available_width())
                .selected_text(RichText::new(shown).color(if now.is_some() { theme.text } else { theme.dim }))
                .height(420.0)
                .show_ui(ui, |ui| {
                    ui.set_min_width(200.0);
                    for preset in Preset::iter() {
                        let refused = refused(desk.lab, preset);
                        let button = egui::Button::selectable(now == Some(preset), preset.name())
                            .min_size(vec2(ui.available_width(), ROW));
                        let response = ui.add_enabled(refused.is_none(), button);
                        if now == Some(preset) {
                            focus::start_at(ui, response.id);
                        }
                        let response = response.on_hover_ui(|ui| card(ui, theme, preset));
                        let response = response.on_disabled_hover_text(refused.unwrap_or_default());
                        if response.clicked() && now != Some(preset) {
                            desk.lab.send(Command::Preset { target: desk.target, preset });
                        }
                    }
                    focus::follow(ui);
                })
                .response
        })
        .inner;
    crate::ui::kit::spots::offer(ui, "Model", response.rect);
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::Role::ComboBox, ui.is_enabled(), "Model");
        info.current_text_value = Some(shown.to_owned());
        info
    });
    match now {
        Some(preset) => response.on_hover_ui(|ui| card(ui, theme, preset)),
        None => response.on_hover_text(
            "Router and balancer of a published model, every number with its source. Starts a new run; undo brings this one back",
        ),
    };
}

/// Why a model can't be set now, if so.
#[must_use]
pub fn refused(lab: &Lab, preset: Preset) -> Option<String> {
    lab.why_not(&Command::Preset { target: Target::AllVariants, preset })
}

/// The model whose settings these are.
fn matching(variant: &Variant) -> Option<Preset> {
    // If two models have the same settings, the variant's name decides.
    let same = |p: &Preset| p.settings() == (variant.router.clone(), variant.balancer.clone());
    let named = |p: &Preset| variant.name.starts_with(p.name());
    Preset::iter().filter(same).find(named).or_else(|| Preset::iter().find(same))
}

/// Draws what is known of a model.
fn card(ui: &mut Ui, theme: &Theme, preset: Preset) {
    ui.set_width(WIDTH);
    ui.spacing_mut().item_spacing = vec2(10.0, 4.0);
    ui.label(RichText::new(preset.name()).font(semibold(SMALL)).color(theme.text));
    egui::Grid::new(("card", preset)).num_columns(2).min_col_width(76.0).show(ui, |ui| {
        for fact in preset.facts() {
            let (colour, mark) = match fact.used {
                Use::Set => (theme.text, ""),
                Use::StandIn => (theme.over_text, " — stand-in"),
                Use::Told => (theme.dim, ""),
            };
            ui.label(RichText::new(fact.what).font(text(SMALL)).color(theme.dim));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.set_width(WIDTH - 96.0);
                let value = RichText::new(format!("{}{mark}", fact.value)).font(text(SMALL)).color(colour);
                ui.add(egui::Label::new(value).wrap());
                let source = RichText::new(fact.source).font(text(TINY)).color(theme.faint);
                ui.add(egui::Label::new(source).wrap());
            });
            ui.end_row();
        }
    });
    let words = "Grey: known, but it sets nothing here. Choosing a model starts a new run; undo brings this one back.";
    ui.add(egui::Label::new(RichText::new(words).font(text(TINY)).color(theme.dim)).wrap());
}
