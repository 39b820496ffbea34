//! The Layers pane: how balanced each layer of a recording is, as recorded or as routed again with its own biases.

mod draw;
mod row;

use super::shared::frame::{message, mode};
use super::shared::{describe, of_several};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::actions::Action;
use crate::ui::kit::widgets::slider::figure;
use draw::Draw;
use eframe::egui::{Sense, TextureHandle, Ui};
use moebias_lab::command::Command;
use moebias_lab::layers::AllLayers;
use moebias_recordings::RecordedKind;
use row::Row;
use std::sync::Arc;

/// Which loads are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shows {
    /// The recorded loads, without a bias.
    #[default]
    Recorded,
    /// The loads after all layers were routed again.
    Again,
}

/// The Layers pane.
#[derive(Default)]
pub struct LayersPane {
    shows: Shows,
    picture: Option<(Arc<AllLayers>, Shows, bool, TextureHandle)>,
}

impl LayersPane {
    /// Which loads are shown: the recorded ones unless the layers have been routed again, which only happens on request.
    fn shows(&self, all: &AllLayers) -> Shows {
        if all.routed.is_some() { self.shows } else { Shows::Recorded }
    }

    fn rows(&self, all: &AllLayers) -> Vec<Option<Row>> {
        let shows = self.shows(all);
        let row = |layer: &moebias_lab::layers::LayerRow| match shows {
            Shows::Recorded => layer.recorded.as_ref().map(|f| Row::recorded(f)),
            Shows::Again => layer.routed.as_ref().map(|s| Row::routed(s)),
        };
        all.rows.iter().map(row).collect()
    }
}

impl Pane for LayersPane {
    fn kind(&self) -> PaneKind {
        PaneKind::Layers
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let Some(examined) = cx.lab.examined() else { return "no recording".into() };
        let layers = examined.recording.layers.len();
        let size = format!("{layers} layers × {} experts, times the fair share", examined.trace.experts);
        match cx.lab.layers_so_far().as_ref().and_then(|all| all.routed.as_ref()).filter(|_| self.shows == Shows::Again)
        {
            Some(routed) => format!("{size}, step {} of all layers", figure(routed.step as f64, true)),
            None => format!("{size}, as recorded"),
        }
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_several(cx).filter(|_| self.shows == Shows::Again)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let Some(all) = cx.lab.layers_so_far() else { return };
        if cx.lab.cant_compare().is_none() {
            let tip = "Compares the chosen experts with those of another recording of the same tokens, layer by layer";
            if mode(ui, cx.theme, "Compare…", cx.lab.compared().is_some(), tip) {
                cx.link.asked.push(Action::CompareRecordings);
            }
        }
        let scores = cx.lab.examined().is_some_and(|e| e.recording.kind == RecordedKind::Scores);
        if !scores {
            return;
        }
        let running = all.routed.as_ref().is_some_and(|r| r.running);
        let shows = self.shows(&all);
        let variant = cx.link.variant;
        // The header is laid out from right to left.
        let tip = "Routes every layer again from its first step, each with biases of its own, with the settings of the variant shown";
        if running {
            if mode(ui, cx.theme, "Stop", false, "Stops routing all layers; what was reached stays") {
                cx.lab.send(Command::RouteLayers { variant, on: false });
            }
        } else if mode(ui, cx.theme, "Route all layers", false, tip) {
            self.shows = Shows::Again;
            cx.lab.send(Command::RouteLayers { variant, on: true });
        }
        if all.routed.is_some() {
            let tip = "The loads of the last 64 steps of each layer, with its own biases";
            if mode(ui, cx.theme, "Routed again", shows == Shows::Again, tip) {
                self.shows = Shows::Again;
            }
            let tip = "The loads of all recorded tokens, without a bias";
            if mode(ui, cx.theme, "Recorded", shows == Shows::Recorded, tip) {
                self.shows = Shows::Recorded;
            }
        }
    }

    fn help(&self) -> &'static str {
        "Every layer of the recording in a row, every expert in a column: grey is the fair share, orange above, blue below, full colour at 0 \
         and at twice the fair share. Beside it stand each layer's MaxVio, the experts that got no token, and the effective experts: e to the \
         entropy of the load shares. Recorded: all tokens of the file, without a bias. Route all layers: every layer is routed again with the \
         settings of the variant shown and biases of its own. Click a layer to see it in all panes. Compare: the share of tokens that have other \
         experts in another recording of the same tokens (a token counts if any layer differs); the margin is the score of the last expert chosen less that of the next one."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let Some(examined) = cx.lab.examined().cloned() else {
            let words = "A recording of a router has layers.\nOpen one to see how even each of them is.";
            return message(ui, cx.theme, words);
        };
        let Some(all) = cx.lab.layers() else { return };
        if all.measured == 0 && all.failure.is_none() {
            return message(ui, cx.theme, "The layers are being measured");
        }
        let rows = self.rows(&all);
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        describe(&response, self, cx);
        let current = examined.recording.layers.iter().position(|l| l.name == examined.layer);
        let compared = cx.lab.compared().cloned();
        let compared = compared.as_ref();
        let draw = Draw { all: &all, rows: &rows, current, compared, theme: cx.theme, rect };
        let (shows, dark) = (self.shows(&all), cx.theme.dark);
        let fresh =
            self.picture.as_ref().is_none_or(|(of, s, d, _)| !Arc::ptr_eq(of, &all) || *s != shows || *d != dark);
        if fresh && let Some(texture) = draw.texture(ui.ctx()) {
            self.picture = Some((Arc::clone(&all), shows, dark, texture));
        }
        let texture = self.picture.as_ref().map(|(.., texture)| texture.id());
        let pointed = draw.show(ui, texture, response.hover_pos(), cx.link.expert());
        if let Some((layer, expert)) = pointed {
            if let Some(expert) = expert {
                cx.link.hover_expert(expert);
            }
            if response.clicked() && Some(layer) != current {
                cx.lab.send(Command::ShowLayer(all.rows[layer].name.clone()));
            }
        }
    }
}
