//! How a recording is read: a dialog that says what was found in the file and what was assumed about it, with fields to say otherwise. It
//! opens by itself after a recording was opened that could mean something else.

use crate::ui::controls::recording;
use crate::ui::kit::style::{SMALL, semibold, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Button, Frame, Layout, Margin, Modal, RichText, ScrollArea, Ui, vec2};
use moebias_files::Examined;
use moebias_lab::Lab;
use moebias_recordings::RecordedKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The dialog.
#[derive(Default)]
pub(super) struct Importing {
    open: bool,
    /// The file whose recording was shown last: the dialog opens by itself only once for each file that is opened.
    seen: Option<PathBuf>,
}

impl Importing {
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Opens the dialog for the present recording, if there is one.
    pub(super) fn open(&mut self, lab: &Lab) {
        self.open = lab.examined().is_some();
    }

    /// Opens the dialog if a recording was opened that could mean something else.
    pub(super) fn follow(&mut self, lab: &Lab) {
        let path = lab.document().path.as_ref().filter(|path| !is_scenario(path));
        let examined = lab.examined().filter(|_| path.is_some());
        if self.seen.as_ref() == path && examined.is_some() {
            return;
        }
        self.seen = path.filter(|_| examined.is_some()).cloned();
        if let Some(examined) = examined {
            self.open = lab.lesson().is_none() && examined.assumptions.iter().any(|a| a.ask);
        }
    }

    /// Draws the dialog, if it is open.
    pub(super) fn show(&mut self, ui: &mut Ui, lab: &mut Lab, theme: &'static Theme) {
        if !self.open {
            return;
        }
        let Some(examined) = lab.examined().cloned() else {
            self.open = false;
            return;
        };
        let room = ui.ctx().content_rect().size();
        let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(18));
        let modal = Modal::new(egui::Id::unique("importing")).frame(frame).show(ui.ctx(), |ui| {
            ui.set_width(460.0_f32.min(room.x - 60.0));
            let title = format!("How {} is read", name(&examined));
            ui.add(egui::Label::new(RichText::new(title).font(semibold(15.0))).wrap());
            ui.add_space(2.0);
            ui.add(egui::Label::new(RichText::new(what(&examined)).font(text(SMALL)).color(theme.dim)).wrap());
            ui.add_space(8.0);
            ScrollArea::vertical().max_height((room.y - 190.0).max(80.0)).show(ui, |ui| {
                recording::questions(ui, lab, theme, &examined);
            });
            ui.add_space(10.0);
            let reading = lab.job().is_some();
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.add(Button::new("Done").min_size(vec2(90.0, 28.0))).clicked() {
                    self.open = false;
                }
                if reading {
                    ui.label(RichText::new("Reading it again…").font(text(SMALL)).color(theme.dim));
                }
            });
        });
        if modal.should_close() {
            self.open = false;
        }
    }
}

fn is_scenario(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "ron")
}

fn name(examined: &Examined) -> String {
    let name = Path::new(&examined.recording.name).file_name();
    name.map_or_else(|| examined.recording.name.clone(), |n| n.to_string_lossy().into_owned())
}

/// The format, and what was found in the file, with its sizes.
fn what(examined: &Arc<Examined>) -> String {
    let (recording, trace) = (&examined.recording, &examined.trace);
    let kind = match recording.kind {
        RecordedKind::Scores => "router scores",
        RecordedKind::Selections => "chosen experts",
        RecordedKind::Loads => "loads of experts",
    };
    let tokens = if trace.counts.is_empty() { format!(" of {} tokens", trace.tokens) } else { String::new() };
    let [layers, steps] = [(recording.layers.len(), "layer"), (trace.steps, "step")].map(|(n, what)| match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    });
    format!("{}: {kind}, {layers}, {steps}{tokens}, {} experts", recording.format, trace.experts)
}
