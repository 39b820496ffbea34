//! The list of all findings of all variants: those that last, then those that are over.

use super::{of_variant, show_me, sign};
use crate::ui::ask::Ask;
use crate::ui::kit::style::{SMALL, TINY, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::heading;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{self, Align, Align2, Color32, Frame, Id, Label, Layout, Margin, RichText, ScrollArea, Ui, vec2};
use moebias_lab::Lab;
use moebias_model::diagnose::Finding;

/// Draws the list. Returns false once it should close.
pub fn list(ui: &mut Ui, lab: &Lab, asks: &mut Vec<Ask>, theme: &Theme) -> bool {
    let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(14));
    let screen = ui.ctx().content_rect();
    let area = egui::Modal::default_area(Id::unique("findings")).anchor(Align2::RIGHT_TOP, vec2(-14.0, 84.0));
    let modal = egui::Modal::new(Id::unique("findings"))
        .area(area)
        .backdrop_color(Color32::from_black_alpha(60))
        .frame(frame)
        .show(ui.ctx(), |ui| {
            ui.set_width(560.0_f32.min(screen.width() - 60.0));
            let close = heading(ui, theme, "Findings", 14.0);
            ui.add_space(6.0);
            let snapshot = lab.snapshot();
            let all = || {
                let each = snapshot.variants.iter().enumerate();
                each.flat_map(|(i, v)| v.findings.iter().map(move |f| (i, f)))
            };
            let now: Vec<(usize, &Finding)> = all().filter(|(_, f)| f.until.is_none()).collect();
            let mut over: Vec<(usize, &Finding)> = all().filter(|(_, f)| f.until.is_some()).collect();
            over.sort_by_key(|(_, f)| std::cmp::Reverse(f.until));
            let before = asks.len();
            ScrollArea::vertical().max_height((screen.height() * 0.6).min(screen.height() - 190.0)).show(ui, |ui| {
                if now.is_empty() {
                    ui.label(RichText::new("Nothing stands out at this step.").color(theme.dim));
                    ui.add_space(8.0);
                }
                for (variant, finding) in now {
                    row(ui, lab, variant, finding, asks, theme);
                }
                if !over.is_empty() {
                    ui.add_space(4.0);
                    ui.label(RichText::new("Over").font(semibold(TINY)).color(theme.faint));
                    ui.add_space(4.0);
                    for (variant, finding) in over {
                        row(ui, lab, variant, finding, asks, theme);
                    }
                }
                crate::ui::kit::focus::follow(ui);
            });
            close || asks.len() > before
        });
    !modal.should_close() && !modal.inner
}

fn row(ui: &mut Ui, lab: &Lab, variant: usize, finding: &Finding, asks: &mut Vec<Ask>, theme: &Theme) {
    ui.horizontal_top(|ui| {
        sign(ui, finding.kind, theme);
        ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
            show_me(ui, variant, finding, asks);
            ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let of = of_variant(lab, variant).map(|name| format!("{name}: ")).unwrap_or_default();
                let name = RichText::new(format!("{of}{}", finding.name())).font(semibold(SMALL)).color(theme.text);
                ui.label(name).on_hover_text(finding.kind.meaning());
                ui.add(Label::new(RichText::new(finding.sentence()).font(text(SMALL)).color(theme.dim)).wrap());
                let step = |n: u64| figure(n as f64, true);
                let when = match finding.until {
                    None => format!("since step {}", step(finding.since)),
                    Some(until) => format!("step {} to {}", step(finding.since), step(until)),
                };
                ui.label(RichText::new(when).font(text(TINY)).color(theme.faint));
            });
        });
    });
    ui.add_space(8.0);
}
