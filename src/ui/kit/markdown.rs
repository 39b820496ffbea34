//! The subset of Markdown used in lessons: paragraphs, lists, **bold**, *italic*, `code`, `[links](address)`, notes that begin with `>`,
//! and formulas between lines of three backticks. Anything else is plain text.

use crate::ui::kit::style::{SMALL, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Color32, Frame, Hyperlink, Label, Margin, RichText, Ui, vec2};

/// Font size of a lesson's text, points.
pub const READ: f32 = 14.0;
/// Line height of a lesson's text, points.
const LINE: f32 = 20.5;

/// A run of characters with the same format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Span {
    text: String,
    bold: bool,
    italic: bool,
    code: bool,
    link: Option<String>,
}

/// A block of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    Paragraph(Vec<Span>),
    /// A list item: its bullet or number, and its text.
    Item(String, Vec<Span>),
    /// A note in small print, such as a source.
    Note(Vec<Span>),
    Formula(String),
}

/// Draws a text.
pub fn show(ui: &mut Ui, theme: &Theme, source: &str) {
    ui.spacing_mut().item_spacing.y = 0.0;
    for (i, block) in blocks(source).iter().enumerate() {
        if i > 0 {
            ui.add_space(if matches!(block, Block::Item(..)) { 5.0 } else { 10.0 });
        }
        match block {
            Block::Paragraph(spans) => line(ui, theme, spans, READ, false),
            Block::Note(spans) => line(ui, theme, spans, SMALL, true),
            Block::Item(mark, spans) => {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = 0.0;
                    let job = job(theme, &[Span { text: mark.clone(), ..Span::default() }], READ, true);
                    ui.add_sized(vec2(20.0, LINE), Label::new(job));
                    ui.vertical(|ui| line(ui, theme, spans, READ, false));
                });
            }
            Block::Formula(formula) => {
                let frame = Frame::new().fill(theme.chip).corner_radius(6).inner_margin(Margin::symmetric(12, 9));
                frame.show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    ui.add(Label::new(RichText::new(formula).font(mono(13.0)).color(theme.text)).wrap());
                });
            }
        }
    }
}

/// Draws one line of small print.
pub fn note(ui: &mut Ui, theme: &Theme, source: &str, size: f32) {
    line(ui, theme, &spans(source), size, true);
}

fn line(ui: &mut Ui, theme: &Theme, spans: &[Span], size: f32, dim: bool) {
    if spans.iter().all(|s| s.link.is_none()) {
        ui.add(Label::new(job(theme, spans, size, dim)).wrap());
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for span in spans {
            match &span.link {
                Some(address) => {
                    // Laid out like the words around it, so that it is on the same baseline; the link sets the colour.
                    let mut name = job(theme, std::slice::from_ref(span), size, dim);
                    name.sections.iter_mut().for_each(|s| s.format.color = Color32::PLACEHOLDER);
                    ui.add(Hyperlink::from_label_and_url(name, address)).on_hover_text(address);
                }
                None => {
                    ui.add(Label::new(job(theme, std::slice::from_ref(span), size, dim)).wrap());
                }
            }
        }
    });
}

fn job(theme: &Theme, spans: &[Span], size: f32, dim: bool) -> LayoutJob {
    let mut job = LayoutJob::default();
    for span in spans {
        let font_id = match (span.code, span.bold) {
            (true, _) => mono(size - 1.0),
            (false, true) => semibold(size),
            (false, false) => text(size),
        };
        let mut format = TextFormat { font_id, color: if dim { theme.dim } else { theme.text }, ..Default::default() };
        format.line_height = Some(size * LINE / READ);
        format.italics = span.italic;
        if span.code {
            format.background = theme.chip;
        }
        job.append(&span.text, 0.0, format);
    }
    job
}

fn blocks(source: &str) -> Vec<Block> {
    let mut blocks = vec![];
    let mut paragraph = String::new();
    let mut lines = source.lines();
    let flush = |paragraph: &mut String, blocks: &mut Vec<Block>| {
        if !paragraph.trim().is_empty() {
            blocks.push(Block::Paragraph(spans(paragraph.trim())));
        }
        paragraph.clear();
    };
    while let Some(line) = lines.next() {
        let bare = line.trim();
        if bare.starts_with("```") {
            flush(&mut paragraph, &mut blocks);
            let inner: Vec<&str> = lines.by_ref().take_while(|l| !l.trim().starts_with("```")).collect();
            let indent = inner.iter().filter(|l| !l.trim().is_empty()).map(|l| l.len() - l.trim_start().len()).min();
            let cut = |l: &&str| l.get(indent.unwrap_or(0)..).unwrap_or("").to_owned();
            blocks.push(Block::Formula(inner.iter().map(cut).collect::<Vec<_>>().join("\n")));
        } else if bare.is_empty() {
            flush(&mut paragraph, &mut blocks);
        } else if let Some((mark, rest)) = item(bare) {
            flush(&mut paragraph, &mut blocks);
            blocks.push(Block::Item(mark, spans(rest)));
        } else if let Some(rest) = bare.strip_prefix("> ") {
            flush(&mut paragraph, &mut blocks);
            blocks.push(Block::Note(spans(rest)));
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(bare);
        }
    }
    flush(&mut paragraph, &mut blocks);
    blocks
}

/// The mark of a list item, "•" or "1.", and the text after it.
fn item(line: &str) -> Option<(String, &str)> {
    if let Some(rest) = line.strip_prefix("- ") {
        return Some(("•".into(), rest));
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = line[digits..].strip_prefix(". ")?;
    (digits > 0).then(|| (format!("{}.", &line[..digits]), rest))
}

fn spans(source: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = vec![];
    let (mut bold, mut italic) = (false, false);
    let mut plain = String::new();
    let mut rest = source;
    let push = |plain: &mut String, spans: &mut Vec<Span>, bold: bool, italic: bool| {
        if !plain.is_empty() {
            spans.push(Span { text: std::mem::take(plain), bold, italic, ..Span::default() });
        }
    };
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**").filter(|after| bold || after.contains("**")) {
            push(&mut plain, &mut spans, bold, italic);
            bold = !bold;
            rest = after;
        } else if let Some(after) =
            rest.strip_prefix('*').filter(|after| italic || after.find('*').is_some_and(|i| i > 0))
        {
            push(&mut plain, &mut spans, bold, italic);
            italic = !italic;
            rest = after;
        } else if let Some((code, after)) = rest.strip_prefix('`').and_then(|r| r.split_once('`')) {
            push(&mut plain, &mut spans, bold, italic);
            spans.push(Span { text: code.into(), code: true, ..Span::default() });
            rest = after;
        } else if let Some((name, address, after)) = link(rest) {
            push(&mut plain, &mut spans, bold, italic);
            spans.push(Span { text: name.into(), link: Some(address.into()), ..Span::default() });
            rest = after;
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    push(&mut plain, &mut spans, bold, italic);
    spans
}

/// Parses `[name](address)` at the start of a text, and returns the rest as well. Only web addresses are links.
fn link(source: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = source.strip_prefix('[')?.split_once("](")?;
    let (address, after) = rest.split_once(')')?;
    let web = address.starts_with("https://") || address.starts_with("http://");
    (web && !name.contains('[')).then_some((name, address, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markdown_of_lessons_is_parsed() {
        let text = "A **bold** word,\nand *one* `u`.\n\n- first\n2. second\n```\n  b ← b + u\n    more\n```\n> [Wang](https://arxiv.org/abs/2408.15664)";
        let blocks = blocks(text);
        let Block::Paragraph(spans) = &blocks[0] else { panic!("{blocks:?}") };
        assert_eq!(spans.iter().map(|s| s.text.as_str()).collect::<String>(), "A bold word, and one u.");
        assert!(spans[1].bold && spans[3].italic && spans[5].code);
        assert!(matches!(&blocks[1], Block::Item(mark, _) if mark == "•"));
        assert!(matches!(&blocks[2], Block::Item(mark, _) if mark == "2."));
        assert_eq!(blocks[3], Block::Formula("b ← b + u\n  more".into()));
        assert!(matches!(&blocks[4], Block::Note(s) if s[0].link.is_some()));
    }

    #[test]
    fn anything_else_is_plain_text() {
        for text in ["2 * 3", "a ` b", "[x](file:///etc)", "**", "[a", "*"] {
            let all: String = spans(text).iter().map(|s| s.text.as_str()).collect();
            assert_eq!(all, text);
        }
    }
}
