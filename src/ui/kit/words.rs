//! Shortens text that has too little room. No number is ever cut.

use eframe::egui::{Color32, FontId, Galley, Label, Response, RichText, Ui};
use std::sync::Arc;

/// Separators at which a line may be shortened. A name and its value stay together as long as possible.
const CLAUSES: [&str; 4] = [" · ", ", ", "; ", ": "];

/// Shortens a line of words and numbers: clauses without a number are removed first, from the end, then clauses from the beginning, because
/// names come first and measurements last. A number stays whole or is removed. With no room at all this is the shortest version. Text
/// without any number ends in “…”.
#[must_use]
pub fn shortened(line: &str, room: f32, wide: impl Fn(&str) -> f32) -> String {
    made_to_fit(line, room, wide, |_| 0)
}

/// Like [`shortened`], for a line that begins with its subject: clauses are removed from the end.
#[must_use]
pub fn headed(line: &str, room: f32, wide: impl Fn(&str) -> f32) -> String {
    made_to_fit(line, room, wide, |parts| parts - 1)
}

fn made_to_fit(line: &str, room: f32, wide: impl Fn(&str) -> f32, next: impl Fn(usize) -> usize) -> String {
    if wide(line) <= room {
        return line.to_owned();
    }
    let figure = |part: &str| part.chars().any(|c| c.is_ascii_digit());
    if !figure(line) {
        return cut(line, room, wide);
    }
    let joined = |parts: &[&str]| parts.concat().trim_matches(|c: char| " ·,;:=".contains(c)).to_owned();
    let mut short = line.to_owned();
    for signs in [&CLAUSES[..], &[" = "]] {
        let before = short.clone();
        let mut parts = clauses(&before, signs);
        while parts.len() > 1 && wide(&joined(&parts)) > room {
            let words = parts.iter().rposition(|p| !figure(p));
            parts.remove(words.unwrap_or_else(|| next(parts.len())));
        }
        short = joined(&parts);
        if wide(&short) <= room {
            return short;
        }
    }
    if room <= 0.0 { short } else { String::new() }
}

/// Splits a line at these separators; each part keeps the separator that ends it.
fn clauses<'a>(line: &'a str, signs: &[&str]) -> Vec<&'a str> {
    let mut parts = vec![];
    let mut rest = line;
    while let Some((at, sign)) = signs.iter().filter_map(|s| Some((rest.find(s)?, *s))).min() {
        let (part, after) = rest.split_at(at + sign.len());
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// Cuts text at any character and ends it with “…”, as is fine for names even with numbers.
#[must_use]
pub fn ended(words: &str, room: f32, wide: impl Fn(&str) -> f32) -> String {
    if wide(words) <= room { words.to_owned() } else { cut(words, room, wide) }
}

/// Cuts text and ends it with “…”; empty if fewer than four bytes would be left.
fn cut(words: &str, room: f32, wide: impl Fn(&str) -> f32) -> String {
    let ends: Vec<usize> = words.char_indices().map(|(i, _)| i).collect();
    let fits = |end: &&usize| wide(&format!("{}…", words[..**end].trim_end())) <= room;
    match ends.iter().rev().find(fits) {
        Some(&end) if end >= 4 => format!("{}…", words[..end].trim_end()),
        _ => String::new(),
    }
}

/// Shortens a name: it ends in “…” after a word, or within a word that is too long by itself, but never within a number.
#[must_use]
pub fn name(name: &str, room: f32, wide: impl Fn(&str) -> f32) -> String {
    if wide(name) <= room {
        return name.to_owned();
    }
    let figure = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    let ends: Vec<usize> = name.char_indices().map(|(i, _)| i).skip(1).collect();
    let cut = |end: usize| format!("{}…", name[..end].trim_end_matches([' ', ',', ';', ':', '·']));
    let fits = |end: &&usize| wide(&cut(**end)) <= room;
    let whole = |end: &&usize| name[**end..].starts_with(' ');
    let apart = |end: &&usize| !(figure(name[..**end].chars().next_back()) && figure(name[**end..].chars().next()));
    let last = ends.iter().rev().filter(whole).find(fits).or_else(|| ends.iter().rev().filter(apart).find(fits));
    last.map_or_else(|| "…".into(), |end| cut(*end))
}

/// Lays out a line in this room, and says whether all of it is visible.
#[must_use]
pub fn fitted(ui: &Ui, words: &str, font: &FontId, colour: Color32, room: f32) -> (Arc<Galley>, bool) {
    let lay = |w: &str| ui.painter().layout_no_wrap(w.to_owned(), font.clone(), colour);
    let short = shortened(words, room, |w| lay(w).size().x);
    (lay(&short), short == words)
}

/// Draws a line of text in the available width, shortened if necessary; then the tooltip has all of it.
pub fn line(ui: &mut Ui, words: &str, font: FontId, colour: Color32) -> Response {
    let (galley, whole) = fitted(ui, words, &font, colour, ui.available_width());
    let response = ui.add(Label::new(RichText::new(galley.text()).font(font).color(colour)).extend());
    if whole { response } else { response.on_hover_text(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(words: &str) -> f32 {
        words.chars().count() as f32
    }

    #[test]
    fn numbers_are_never_cut() {
        for line in [
            "Quantile Balancing · MaxVio 3.21",
            "64 experts × 1 000 steps, times the fair share",
            "3 variants on the same tokens, 180 steps",
            "each row 16 tokens, estimated on 4 of them: all of 4 096",
            "NMSE, % of Σ|y|²; e^loss 1.234",
        ] {
            let figures = |words: &str| {
                words
                    .split(|c: char| !c.is_ascii_digit() && c != '.')
                    .filter(|f| !f.is_empty())
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let all = figures(line);
            for room in 0..60 {
                let short = shortened(line, room as f32, letters);
                assert!(figures(&short).iter().all(|f| all.contains(f)), "{short}");
                assert!(room == 0 || letters(&short) <= room as f32, "{short} in {room}");
            }
        }
        assert_eq!(shortened("Quantile Balancing · MaxVio 3.21", 20.0, letters), "MaxVio 3.21");
        assert_eq!(shortened("64 experts × 100 steps, times the fair share", 30.0, letters), "64 experts × 100 steps");
        assert_eq!(shortened("SMEBU, λ = 0.0005", 12.0, letters), "λ = 0.0005", "a name and its value stay together");
        assert_eq!(shortened("SMEBU, λ = 0.0005", 8.0, letters), "0.0005");
        assert_eq!(headed("u = 0.001: Wang 2024; DeepSeek-V3 for 14.3T", 22.0, letters), "u = 0.001: Wang 2024");
        assert_eq!(shortened("MaxVio per batch", 11.0, letters), "MaxVio per…");
        assert_eq!(shortened("MaxVio per batch", 3.0, letters), "");
    }

    #[test]
    fn a_name_is_cut_but_not_within_a_number() {
        assert_eq!(name("Sign, u 0.001", 13.0, letters), "Sign, u 0.001");
        assert_eq!(name("Sign, u 0.001", 12.0, letters), "Sign, u…");
        assert_eq!(name("A variant with a long name", 12.0, letters), "A variant…");
        assert_eq!(name("Oneverylongword", 6.0, letters), "Oneve…");
        assert_eq!(name("x0.001y", 4.0, letters), "x…");
    }
}
