//! The title and the key above a drawing.

use super::words::FACE;
use super::{colour, escaped, number};
use crate::ui::export::caption::Caption;
use eframe::egui::Color32;
use std::fmt::Write;

/// Space left and right of the heading, in points.
const MARGIN: f32 = 12.0;
/// Font sizes of the title and of the rest, and the distance between lines, in points.
const TITLE: f32 = 14.0;
const SIZE: f32 = 11.0;
const LINE: f32 = 16.0;
/// The approximate width of a letter, as a fraction of the font size: lines are broken without a font at hand.
const LETTER: f32 = 0.54;

/// The SVG of the heading, and its height in points.
#[derive(Default)]
pub(super) struct Heading {
    pub body: String,
    pub height: f32,
}

pub(super) fn heading(caption: &Caption, width: f32) -> Heading {
    let mut head = Heading { body: String::new(), height: 22.0 };
    let letters = ((width - 2.0 * MARGIN) / (LETTER * SIZE)) as usize;
    put(&mut head, MARGIN, TITLE, " font-weight=\"600\"", caption.text, &caption.title);
    for line in &caption.lines {
        let dash = if line.colour.is_some() { 20.0 } else { 0.0 };
        let words =
            if line.name.is_empty() { line.settings.clone() } else { format!("{}: {}", line.name, line.settings) };
        for (i, part) in broken(&words, letters.saturating_sub((dash / (LETTER * SIZE)) as usize)).iter().enumerate() {
            head.height += LINE;
            if let (0, Some(of)) = (i, line.colour) {
                let (name, y) = (colour(of).0, number(head.height - 4.0));
                let (from, to) = (number(MARGIN), number(MARGIN + 14.0));
                writeln!(head.body, "<path d=\"M{from} {y}L{to} {y}\" stroke=\"{name}\" stroke-width=\"2\"/>").ok();
            }
            put(
                &mut head,
                MARGIN + dash,
                SIZE,
                "",
                if line.colour.is_some() { caption.text } else { caption.dim },
                part,
            );
        }
    }
    head.height += 6.0;
    head
}

fn put(head: &mut Heading, x: f32, size: f32, weight: &str, of: Color32, words: &str) {
    let (x, y, size, name) = (number(x), number(head.height), number(size), colour(of).0);
    let words = escaped(words);
    writeln!(
        head.body,
        "<text x=\"{x}\" y=\"{y}\" font-family=\"{FACE}\" font-size=\"{size}\"{weight} fill=\"{name}\">{words}</text>"
    )
    .ok();
}

/// Breaks words between settings, into lines of at most `most` letters; a single setting may be longer.
fn broken(words: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for part in words.split(" · ") {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + part.chars().count() <= most => {
                line.push_str(" · ");
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}
