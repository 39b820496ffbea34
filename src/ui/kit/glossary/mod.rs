//! The terms used on screen: their meaning, formula or unit, and source. Hovering over a name shows its term; a list shows all.

mod terms;

#[cfg(test)]
mod tests;

use crate::ui::kit::markdown;
use crate::ui::kit::style::{SMALL, TINY, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{Color32, Painter, Rect, Response, RichText, Shape, Ui, pos2};
use std::collections::HashMap;
use std::sync::OnceLock;

/// How terms are grouped in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::Display)]
pub enum Group {
    /// How experts are chosen for a token.
    Routing,
    /// How loads are kept even.
    Balancing,
    /// How balance is measured.
    Measures,
    /// The tokens that are routed.
    Tokens,
    /// Training of experts and router.
    Learning,
    /// The price view.
    Theory,
    /// Other things on screen.
    #[strum(to_string = "The lab")]
    Screen,
}

/// A term of the glossary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The group under which the list shows it.
    pub group: Group,
    /// The term itself.
    pub name: &'static str,
    /// Other names of it on screen; `#` stands for any number.
    pub also: &'static [&'static str],
    /// Its meaning, in a sentence or two.
    pub says: &'static str,
    /// Its formula and unit, or empty.
    pub formula: &'static str,
    /// Its source as Markdown with links, or empty.
    pub source: &'static str,
}

/// All terms.
#[must_use]
pub fn terms() -> &'static [Term] {
    terms::TERMS
}

/// The term for a name on screen.
#[must_use]
pub fn find(name: &str) -> Option<&'static Term> {
    #[cfg(test)]
    tests::asked(name);
    static INDEX: OnceLock<HashMap<String, &'static Term>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let other = terms().iter().flat_map(|t| t.also.iter().map(move |a| (general(a), t)));
        // A term's own name is inserted last, so that it replaces another term's alternative name.
        other.chain(terms().iter().map(|t| (general(t.name), t))).collect()
    });
    index.get(&general(name)).copied()
}

/// A name in lower case, trimmed, with each number replaced by `#`.
pub(crate) fn general(name: &str) -> String {
    let mut out = String::new();
    for c in name.trim().trim_end_matches('…').chars().flat_map(char::to_lowercase) {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            '\u{202f}' if out.ends_with('#') => {}
            c => out.push(c),
        }
    }
    out
}

/// Adds a tooltip to what is shown under this name: first `tip`, which is about this place, then the term.
pub fn explain(response: Response, name: &str, tip: &str) -> Response {
    let Some(term) = find(name) else {
        return if tip.is_empty() { response } else { response.on_hover_text(tip) };
    };
    response.on_hover_ui(|ui| {
        ui.set_max_width(320.0);
        if !tip.is_empty() {
            ui.label(tip);
            ui.separator();
        }
        told(ui, Theme::of(ui.ctx()), term);
    })
}

/// Draws everything known about a term.
pub(crate) fn told(ui: &mut Ui, theme: &Theme, term: &Term) {
    ui.label(RichText::new(term.name).font(semibold(SMALL)).color(theme.text));
    ui.label(RichText::new(term.says).font(text(SMALL)).color(theme.text));
    if !term.formula.is_empty() {
        ui.label(RichText::new(term.formula).font(mono(TINY)).color(theme.dim));
    }
    if !term.source.is_empty() {
        markdown::note(ui, theme, &format!("Source: {}", term.source), TINY);
    }
}

/// Draws dots under a name that the glossary explains.
pub fn dots(painter: &Painter, under: Rect, colour: Color32) {
    let y = under.bottom() + 0.5;
    let ends = [pos2(under.left() + 0.5, y), pos2(under.right(), y)];
    painter.extend(Shape::dotted_line(&ends, colour, 3.0, 0.6));
}
