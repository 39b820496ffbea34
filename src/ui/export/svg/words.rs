//! Text stays text in the SVG, so that it can be searched, copied and set in another font.

use super::{Writer, colour, escaped, number};
use eframe::egui::epaint::TextShape;
use eframe::egui::epaint::text::Glyph;
use eframe::egui::text::LayoutSection;
use eframe::egui::{Color32, FontFamily};
use std::fmt::Write;

/// Letters of one section of a text that stand in one row; positions and width in points.
struct Run {
    text: String,
    x: f32,
    baseline: f32,
    width: f32,
    section: usize,
}

impl Writer<'_> {
    pub(super) fn words(&mut self, shape: &TextShape) {
        let job = &shape.galley.job;
        // The section that a letter belongs to follows from its place in the text.
        let mut letters = job.text.char_indices().peekable();
        for row in &shape.galley.rows {
            let mut run: Option<Run> = None;
            for glyph in &row.row.glyphs {
                let section = match letters.peek() {
                    Some(&(at, letter)) if letter == glyph.chr => {
                        letters.next();
                        job.sections.iter().position(|s| s.byte_range.start.0 <= at && at < s.byte_range.end.0)
                    }
                    // Truncated text ends in a character that the text itself does not have.
                    _ => None,
                };
                let section = section.or(run.as_ref().map(|r| r.section)).unwrap_or(0);
                let at = (row.pos.x + glyph.pos.x, row.pos.y + glyph.pos.y);
                self.letter(shape, &mut run, glyph, section, at);
            }
            self.run(shape, run.take());
            if row.ends_with_newline {
                letters.next();
            }
        }
    }

    fn letter(&mut self, shape: &TextShape, run: &mut Option<Run>, glyph: &Glyph, section: usize, at: (f32, f32)) {
        let blank = glyph.chr.is_whitespace();
        let follows = run.as_ref().is_some_and(|r| r.section == section && !(blank && r.text.ends_with(' ')));
        if !follows {
            self.run(shape, run.take());
        }
        match run {
            Some(run) => {
                run.text.push(if blank { ' ' } else { glyph.chr });
                if !blank {
                    run.width = at.0 + glyph.advance_width - run.x;
                }
            }
            None if blank => {}
            None => {
                *run =
                    Some(Run { text: glyph.chr.into(), x: at.0, baseline: at.1, width: glyph.advance_width, section });
            }
        }
    }

    fn run(&mut self, shape: &TextShape, run: Option<Run>) {
        let Some(Run { text, x, baseline, width, section }) = run else { return };
        let job = &shape.galley.job;
        let Some(LayoutSection { format, .. }) = job.sections.get(section) else { return };
        // Icons are left out, because other programs do not have their font.
        let text: String = text.trim_end().chars().filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c)).collect();
        if text.is_empty() {
            return;
        }
        let own = if format.color == Color32::PLACEHOLDER { shape.fallback_color } else { format.color };
        let colour32 = shape.override_text_color.unwrap_or(own).gamma_multiply(shape.opacity_factor);
        if colour32.a() == 0 {
            return;
        }
        let (name, alpha) = colour(colour32);
        let (family, weight) = face(&format.font_id.family);
        let origin = shape.pos - self.part.min;
        let (turn, at) = if shape.angle == 0.0 {
            (String::new(), (origin.x + x, origin.y + baseline))
        } else {
            let degrees = number(shape.angle.to_degrees());
            let (left, top) = (number(origin.x), number(origin.y));
            (format!(" transform=\"translate({left} {top}) rotate({degrees})\""), (x, baseline))
        };
        let opacity = if alpha < 1.0 { format!(" fill-opacity=\"{}\"", number(alpha)) } else { String::new() };
        let fit = if text.chars().count() > 1 {
            format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", number(width))
        } else {
            String::new()
        };
        writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" font-family=\"{family}\" font-size=\"{}\"{weight} fill=\"{name}\"{opacity}{fit}{turn}>{}</text>",
            number(at.0),
            number(at.1),
            number(format.font_id.size),
            escaped(&text)
        )
        .ok();
    }
}

/// The font of proportional text, with substitutes in case it is not installed.
pub(super) const FACE: &str = "Inter, Helvetica, Arial, sans-serif";

/// The fonts for a family, with substitutes in case they are not installed, and the attribute for the weight.
fn face(family: &FontFamily) -> (&'static str, &'static str) {
    match family {
        FontFamily::Monospace => ("JetBrains Mono, DejaVu Sans Mono, Menlo, Consolas, monospace", ""),
        FontFamily::Name(_) => (FACE, " font-weight=\"600\""),
        FontFamily::Proportional => (FACE, ""),
    }
}
