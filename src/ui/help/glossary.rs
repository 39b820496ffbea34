//! The list of all terms of the glossary, with a search field.

use crate::ui::kit::focus;
use crate::ui::kit::glossary::{Group, Term, general, terms, told};
use crate::ui::kit::scroll;
use crate::ui::kit::style::{SMALL, TINY, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::heading;
use crate::ui::kit::widgets::search::search_first;
use eframe::egui::{self, Align, Frame, Layout, Margin, Modal, RichText, ScrollArea, Ui, vec2};
use strum::IntoEnumIterator as _;

/// The state of the list while it is open.
#[derive(Clone, Debug, Default)]
pub struct Glossary {
    typed: String,
}

/// Whether a term contains all words of the query, in any order.
fn fits(term: &Term, typed: &str) -> bool {
    let all = general(&format!("{} {} {} {}", term.name, term.also.join(" "), term.says, term.formula));
    typed.split_whitespace().all(|word| all.contains(&general(word)))
}

/// The terms that match the query; those whose names match come first.
fn found(typed: &str) -> Vec<&'static Term> {
    let typed = typed.trim();
    let mut all: Vec<&Term> = terms().iter().filter(|t| fits(t, typed)).collect();
    let wanted = general(typed);
    all.sort_by_key(|t| {
        let named = std::iter::once(t.name).chain(t.also.iter().copied()).any(|n| general(n).contains(&wanted));
        (!general(t.name).starts_with(&wanted), !named)
    });
    all
}

/// Draws the list. Returns false once it should close.
pub fn show(ui: &mut Ui, glossary: &mut Glossary, theme: &Theme) -> bool {
    let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(18));
    let modal = Modal::new(egui::Id::unique("glossary")).frame(frame).show(ui.ctx(), |ui| {
        let screen = ui.ctx().content_rect();
        ui.set_width(760f32.min(screen.width() - 80.0));
        let close = heading(ui, theme, "Glossary", 16.0);
        ui.add_space(4.0);
        let height = (screen.height() * 0.7).min(screen.height() - 170.0);
        // Scrolling keys are read before the search field takes them; once it has text, Home and End belong to it.
        let ends = if glossary.typed.is_empty() { scroll::taken(ui, height, &[scroll::ENDS]) } else { 0.0 };
        let by = ends + scroll::taken(ui, height, &[scroll::LINES, scroll::PAGES]);
        search_first(ui, &mut glossary.typed, "Search terms");
        ui.add_space(8.0);
        let scroll = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, false]);
        scroll.show(ui, |ui| {
            ui.scroll_with_delta(vec2(0.0, by));
            // Leaves room for the scroll bar.
            ui.set_max_width(ui.available_width() - 14.0);
            let searching = !glossary.typed.trim().is_empty();
            let found = found(&glossary.typed);
            if found.is_empty() {
                ui.label(RichText::new("No term like that").color(theme.dim));
            } else if searching {
                in_two(ui, theme, &found);
            } else {
                for group in Group::iter() {
                    ui.label(RichText::new(group.to_string()).font(semibold(TINY)).color(theme.faint));
                    ui.add_space(2.0);
                    let of: Vec<&Term> = found.iter().copied().filter(|t| t.group == group).collect();
                    in_two(ui, theme, &of);
                    ui.add_space(8.0);
                }
            }
            focus::follow(ui);
        });
        ui.add_space(6.0);
        let words = "Rest the pointer on a name anywhere in the window to see its entry there.";
        ui.label(RichText::new(words).font(text(SMALL)).color(theme.dim));
        close
    });
    !modal.should_close() && !modal.inner
}

/// Draws terms in two columns, row by row.
fn in_two(ui: &mut Ui, theme: &Theme, terms: &[&Term]) {
    ui.spacing_mut().item_spacing.x = 28.0;
    for pair in terms.chunks(2) {
        ui.columns(2, |columns| {
            for (ui, term) in columns.iter_mut().zip(pair) {
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    told(ui, theme, term);
                    ui.add_space(10.0);
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_terms() {
        assert_eq!(found("maxv")[0].name, "MaxVio");
        assert_eq!(found("settling")[0].name, "Settling time");
        assert_eq!(found("fair share")[0].name, "Fair share");
        assert!(found("kiwi").is_empty());
        assert_eq!(found("").len(), terms().len());
    }
}
