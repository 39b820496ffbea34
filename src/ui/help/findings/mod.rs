//! The strip of findings above the panes: a badge per kind of finding, one line with its cause, and “Show me”, which brings up the pane,
//! the steps and the expert in question. A list has all findings, including those that are over.
//!
//! The strip is always there and always has the same height, so that nothing moves when something is found.

mod list;
mod show;

#[cfg(test)]
mod tests;

pub use list::list;
pub use show::{Showing, showing};

use crate::ui::actions::{self, Action};
use crate::ui::ask::Ask;
use crate::ui::kit::style::{SMALL, icon, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::icon_button;
use eframe::egui::text::LayoutJob;
use eframe::egui::{
    self, Align, Button, Color32, CornerRadius, Frame, Layout, Margin, Panel, RichText, Stroke, TextFormat, Ui, vec2,
};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_CHECK_CIRCLE, ICON_DANGEROUS, ICON_HOURGLASS_EMPTY, ICON_LIST, ICON_MOVING, ICON_WARNING, ICON_WAVES,
};
use moebias_lab::Lab;
use moebias_model::diagnose::{Finding, Kind};

/// Height of the strip, points.
pub const HEIGHT: f32 = 34.0;
/// While a run plays, the text changes at most this often, seconds; faster changes could not be read.
const READABLE: f64 = 1.0;

/// The state of the strip between frames.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The kind whose line is shown; `None` means the most important one.
    chosen: Option<Kind>,
    /// The findings on screen with their variants, the most important kind first.
    shown: Vec<(usize, Finding)>,
    at: f64,
}

/// The icon and the colour of a kind.
fn look(kind: Kind, theme: &Theme) -> (MaterialIcon, Color32) {
    match kind {
        Kind::FloorReached => (ICON_CHECK_CIRCLE, theme.accent),
        Kind::Drifting => (ICON_MOVING, theme.dim),
        Kind::Slow => (ICON_HOURGLASS_EMPTY, theme.over_text),
        Kind::Oscillating => (ICON_WAVES, theme.over_text),
        Kind::Starving | Kind::Dead | Kind::Dropping | Kind::Collapse | Kind::Saturated => {
            (ICON_WARNING, theme.over_text)
        }
        Kind::Diverged => (ICON_DANGEROUS, theme.record),
    }
}

/// Findings of all variants that last, the most important kind first; within a kind, those of the shown variant come first.
fn lasting(lab: &Lab, variant: usize) -> Vec<(usize, &Finding)> {
    let each = lab.snapshot().variants.iter().enumerate();
    let all = each.flat_map(|(i, v)| v.findings.iter().map(move |f| (i, f)));
    let mut all: Vec<(usize, &Finding)> = all.filter(|(_, f)| f.until.is_none()).collect();
    all.sort_by_key(|(i, f)| (f.kind, *i != variant, *i));
    all
}

/// The variant's name, such as "Sign, u = 0.001", if there are several variants.
fn of_variant(lab: &Lab, variant: usize) -> Option<&str> {
    let variants = &lab.settings().variants;
    variants.get(variant).filter(|_| variants.len() > 1).map(|v| v.name.as_str())
}

impl Findings {
    /// Takes over the newest findings, but no more often than they can be read.
    fn refresh(&mut self, lab: &Lab, variant: usize, now: f64) {
        let newest = lasting(lab, variant);
        let same = newest.iter().map(|(i, f)| (*i, f.kind)).eq(self.shown.iter().map(|(i, f)| (*i, f.kind)));
        if !same || !lab.snapshot().playing || now - self.at >= READABLE || now < self.at {
            self.shown = newest.into_iter().map(|(i, f)| (i, f.clone())).collect();
            self.at = now;
        }
    }

    /// The finding whose line is shown and which “Show me” refers to, with its variant.
    #[must_use]
    pub fn first(&self) -> Option<(usize, &Finding)> {
        let chosen = self.shown.iter().find(|(_, f)| Some(f.kind) == self.chosen);
        chosen.or(self.shown.first()).map(|(i, f)| (*i, f))
    }

    /// Draws the strip.
    pub fn show(&mut self, ui: &mut Ui, lab: &Lab, variant: usize, asks: &mut Vec<Ask>, theme: &'static Theme) {
        self.refresh(lab, variant, ui.input(|i| i.time));
        let frame = Frame::new().fill(theme.panel).inner_margin(Margin::symmetric(14, 0));
        let panel = Panel::top("findings").exact_size(HEIGHT).resizable(false).show_separator_line(false).frame(frame);
        panel.show(ui, |ui| {
            crate::ui::kit::focus::region(ui, crate::ui::kit::focus::Region::Findings);
            let edge = ui.max_rect().expand2(vec2(14.0, 0.0));
            ui.painter().hline(edge.x_range(), edge.bottom() - 0.5, Stroke::new(1.0, theme.line));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                let keys = Action::Findings.shortcuts().first().map(|s| actions::written(ui.ctx(), s));
                let tip = format!("All findings, also those that are over ({})", keys.unwrap_or_default());
                if icon_button(ui, theme, ICON_LIST, 17.0, true, "All findings", &tip).clicked() {
                    asks.push(Ask::Do(Action::Findings));
                }
                if let Some((of, finding)) = self.first() {
                    show_me(ui, of, finding, asks);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| self.line(ui, lab, theme));
            });
        });
    }

    /// Draws a badge for every kind, and the line of the chosen one.
    fn line(&mut self, ui: &mut Ui, lab: &Lab, theme: &'static Theme) {
        let first = self.first().map(|(i, f)| (i, f.clone()));
        let open = first.as_ref().map(|(_, f)| f.kind);
        let mut chosen = self.chosen;
        for of_kind in self.shown.chunk_by(|(_, a), (_, b)| a.kind == b.kind) {
            let (_, finding) = &of_kind[0];
            if badge(ui, finding, Some(finding.kind) == open, theme).clicked() {
                chosen = Some(finding.kind);
            }
        }
        self.chosen = chosen;
        ui.add_space(4.0);
        let Some((of, finding)) = first else {
            let words = if lab.snapshot().step < 64 {
                "What stands out is named here, once there is evidence"
            } else {
                "Nothing stands out"
            };
            crate::ui::kit::words::line(ui, words, text(SMALL), theme.faint).on_hover_text(
                "Watched for: oscillation, slow convergence, drift, starving and dead experts, collapse, saturation, divergence, \
                 and the sampling floor. A false alarm is worse than silence, so what is doubtful is not said.",
            );
            return;
        };
        let name = of_variant(lab, of).map(|name| format!("{name}: ")).unwrap_or_default();
        let also = self.shown.iter().filter(|(i, f)| *i != of && f.kind == finding.kind);
        let also: Vec<&str> = also.filter_map(|(i, _)| of_variant(lab, *i)).collect();
        let whole = match also.as_slice() {
            [] => format!("{name}{}", finding.sentence()),
            also => format!("{name}{}\nThe same holds for {}.", finding.sentence(), also.join("; ")),
        };
        if !name.is_empty() {
            let label = egui::Label::new(RichText::new(name.trim_end()).font(semibold(SMALL)).color(theme.text));
            ui.add(label.truncate());
        }
        let label = crate::ui::kit::words::line(ui, &finding.sentence(), text(SMALL), theme.dim);
        label.on_hover_text(format!("{whole}\n\n{}: {}", finding.kind.name(), finding.kind.meaning()));
    }
}

fn badge(ui: &mut Ui, finding: &Finding, open: bool, theme: &Theme) -> egui::Response {
    let (symbol, colour) = look(finding.kind, theme);
    let format = |font, color| TextFormat { font_id: font, color, valign: Align::Center, ..Default::default() };
    let mut job = LayoutJob::default();
    job.append(symbol.codepoint, 0.0, format(egui::FontId::new(14.0, symbol.font_family()), colour));
    job.append(finding.name(), 5.0, format(semibold(SMALL), theme.text));
    let fill = if open { Theme::mix(theme.panel, colour, 0.16) } else { Color32::TRANSPARENT };
    let stroke = Stroke::new(1.0, if open { Theme::mix(theme.panel, colour, 0.55) } else { theme.line });
    let button = Button::new(job).fill(fill).stroke(stroke).corner_radius(CornerRadius::same(12));
    let response = ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(8.0, 2.0);
        ui.add(button.min_size(vec2(0.0, 24.0)))
    });
    let response = response.inner;
    let name = format!("{}: {}", finding.name(), finding.sentence());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, open, &name));
    if open { response } else { response.on_hover_text(finding.sentence()) }
}

fn show_me(ui: &mut Ui, variant: usize, finding: &Finding, asks: &mut Vec<Ask>) {
    let button = Button::new(RichText::new("Show me").font(text(SMALL))).min_size(vec2(0.0, 24.0));
    let response = ui.add(button);
    let name = format!("Show me: {}", finding.name());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    let tip = format!("Bring up {}, these steps and the expert", show::pane(finding).name());
    if response.on_hover_text(tip).clicked() {
        asks.push(Ask::ShowFinding(variant, finding.clone()));
    }
}

/// Draws a finding's icon in its colour.
fn sign(ui: &mut Ui, kind: Kind, theme: &Theme) {
    let (symbol, colour) = look(kind, theme);
    ui.label(icon(symbol, 15.0).color(colour));
}
