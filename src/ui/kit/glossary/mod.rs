//! The terms on screen: what each means, its formula or unit, and where it comes from. Pointing at a name brings them; the list holds all.

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
    /// How a token finds its experts.
    Routing,
    /// What keeps loads even.
    Balancing,
    /// How balance is measured.
    Measures,
    /// What is routed.
    Tokens,
    /// Where experts and router learn.
    Learning,
    /// The price view.
    Theory,
    /// What is on screen besides.
    #[strum(to_string = "The lab")]
    Screen,
}

/// A term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Where it stands in the list.
    pub group: Group,
    /// The term.
    pub name: &'static str,
    /// What else it is called on screen; `#` stands for any number.
    pub also: &'static [&'static str],
    /// What it is, in a sentence or two.
    pub says: &'static str,
    /// Its formula and unit, if it has any.
    pub formula: &'static str,
    /// Where it comes from, if from anywhere in particular: words with links, as lessons have them.
    pub source: &'static str,
}

/// Every term.
#[must_use]
pub fn terms() -> &'static [Term] {
    terms::TERMS
}

/// The term that a name on screen stands for.
#[must_use]
pub fn find(name: &str) -> Option<&'static Term> {
    #[cfg(test)]
    tests::asked(name);
    static INDEX: OnceLock<HashMap<String, &'static Term>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let other = terms().iter().flat_map(|t| t.also.iter().map(move |a| (general(a), t)));
        // A term's own name comes last and so before what else is called that.
        other.chain(terms().iter().map(|t| (general(t.name), t))).collect()
    });
    index.get(&general(name)).copied()
}

/// A name with its numbers taken out, without capitals and the spaces around.
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

/// What stands on screen under this name is explained where the pointer rests: `tip` first, what it says of this place, then the term.
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

/// A term with all that is known of it.
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

/// Dots under a name that the glossary explains.
pub fn dots(painter: &Painter, under: Rect, colour: Color32) {
    let y = under.bottom() + 0.5;
    let ends = [pos2(under.left() + 0.5, y), pos2(under.right(), y)];
    painter.extend(Shape::dotted_line(&ends, colour, 3.0, 0.6));
}
