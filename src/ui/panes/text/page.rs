//! The tokens of a step laid out as flowing text, with the place of every token. It is laid out once, not in every frame.

use crate::ui::kit::style::text;
use crate::ui::kit::theme::Theme;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{Color32, Galley, Rangef, Rect, Ui, pos2};
use moebias_recordings::Vocabulary;
use moebias_recordings::vocabulary::Part;
use std::sync::Arc;

/// Size of the text, points.
const SIZE: f32 = 14.0;
/// Height of a line, points.
const LINE: f32 = 23.0;
/// The most characters that are shown of one token.
const LONGEST: usize = 80;

/// What a page is made of: where it is the same, the page is.
#[derive(Clone, PartialEq)]
pub(super) struct Source {
    pub(super) words: Arc<Vocabulary>,
    pub(super) ids: Vec<i64>,
    pub(super) width: f32,
    pub(super) scale: f32,
    pub(super) dark: bool,
}

/// A part of a token within a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// The place of the token among those shown.
    pub(super) token: usize,
    /// From left to right, relative to the page.
    pub(super) x: Rangef,
    /// The same without spaces at its ends, unless the token is nothing but spaces.
    pub(super) ground: Rangef,
}

/// A line of text.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) y: Rangef,
    pub(super) spans: Vec<Span>,
}

/// The tokens laid out.
pub(super) struct Page {
    pub(super) of: Source,
    pub(super) galley: Arc<Galley>,
    pub(super) lines: Vec<Line>,
}

impl Page {
    /// Lays the tokens out. Marks, such as those of line breaks, are dimmer than text.
    pub(super) fn new(ui: &Ui, theme: &Theme, of: Source) -> Self {
        let mut writing = Writing::new(theme, of.width);
        for (token, parts) in of.words.spell(&of.ids).iter().enumerate() {
            writing.token = token as u32;
            writing.parts(parts, of.ids[token]);
        }
        let Writing { job, owners, .. } = writing;
        let galley = ui.painter().layout_job(job);
        let lines = lines(&galley, &owners);
        Self { of, galley, lines }
    }

    /// The token at a place of the page.
    pub(super) fn token_at(&self, x: f32, y: f32) -> Option<usize> {
        let after = self.lines.partition_point(|l| l.y.max <= y);
        let line = self.lines.get(after).filter(|l| l.y.contains(y))?;
        line.spans.iter().find(|s| s.x.contains(x)).map(|s| s.token)
    }

    /// The lines within this range of heights.
    pub(super) fn within(&self, y: Rangef) -> &[Line] {
        let from = self.lines.partition_point(|l| l.y.max < y.min);
        let to = self.lines.partition_point(|l| l.y.min <= y.max);
        self.lines.get(from..to).unwrap_or_default()
    }
}

impl Line {
    /// The place of a span, relative to the page.
    pub(super) fn rect(&self, x: Rangef) -> Rect {
        Rect::from_min_max(pos2(x.min, self.y.min), pos2(x.max, self.y.max))
    }

    /// Where spans that are so follow one another. At the ends of the line there is room for what stands over.
    pub(super) fn runs(&self, is: impl Fn(&Span) -> bool) -> Vec<Rangef> {
        let mut runs = vec![];
        for run in self.spans.chunk_by(|a, b| is(a) == is(b)).filter(|run| is(&run[0])) {
            let (from, to) = (run[0].x.min, run[run.len() - 1].x.max);
            let (first, last) = (self.spans.first() == run.first(), self.spans.last() == run.last());
            runs.push(Rangef::new(if first { from - 2.0 } else { from }, if last { to + 2.0 } else { to }));
        }
        runs
    }
}

/// Text that is being put together.
struct Writing {
    job: LayoutJob,
    /// The token of every character.
    owners: Vec<u32>,
    token: u32,
    /// Characters of the token so far.
    written: usize,
    plain: TextFormat,
    mark: TextFormat,
}

impl Writing {
    fn new(theme: &Theme, width: f32) -> Self {
        let format =
            |color| TextFormat { font_id: text(SIZE), color, line_height: Some(LINE), ..TextFormat::default() };
        let wrap = TextWrapping { max_width: width, ..TextWrapping::default() };
        Self {
            job: LayoutJob { wrap, ..LayoutJob::default() },
            owners: vec![],
            token: 0,
            written: 0,
            plain: format(Color32::PLACEHOLDER),
            mark: format(theme.dim),
        }
    }

    fn put(&mut self, words: &str, mark: bool) {
        self.owners.extend(words.chars().map(|_| self.token));
        self.job.append(words, 0.0, if mark { self.mark.clone() } else { self.plain.clone() });
    }

    fn parts(&mut self, parts: &[Part], id: i64) {
        self.written = 0;
        if parts.is_empty() {
            self.put("‹›", true);
        }
        for part in parts {
            if self.written >= LONGEST {
                return self.put("…", true);
            }
            match part {
                Part::Text(text) => self.text(text),
                Part::Unknown => self.put(&format!("‹{id}›"), true),
                Part::Bytes(bytes) => {
                    let shown = &bytes[..bytes.len().min(LONGEST / 3)];
                    self.written += 3 * shown.len();
                    self.put(&Part::Bytes(shown.to_vec()).shown(), true);
                }
                Part::Continued => self.put(&part.shown(), true),
            }
        }
    }

    /// Line breaks and tabs are shown, and break the line.
    fn text(&mut self, text: &str) {
        let mut cut = text.chars().take(LONGEST - self.written.min(LONGEST)).collect::<String>();
        self.written += cut.chars().count();
        if cut.len() < text.len() {
            cut.push('…');
        }
        let mut rest = cut.as_str();
        while let Some(at) = rest.find(['\n', '\t']) {
            let (before, after) = rest.split_at(at);
            if !before.is_empty() {
                self.put(before, false);
            }
            let tab = after.starts_with('\t');
            self.put(if tab { "⇥   " } else { "⏎\n" }, true);
            rest = &after[1..];
        }
        if !rest.is_empty() {
            self.put(rest, false);
        }
    }
}

/// Where the tokens are in a layout: it has one glyph per character but for line breaks.
fn lines(galley: &Galley, owners: &[u32]) -> Vec<Line> {
    let mut lines = Vec::with_capacity(galley.rows.len());
    let mut at = 0;
    for row in &galley.rows {
        let mut spans: Vec<(Span, bool)> = vec![];
        for glyph in &row.row.glyphs {
            let Some(&owner) = owners.get(at) else { break };
            let from = row.pos.x + glyph.pos.x;
            let x = Rangef::new(from, from + glyph.advance_width);
            let blank = glyph.chr == ' ';
            match spans.last_mut().filter(|(s, _)| s.token == owner as usize) {
                Some((span, spaces)) => {
                    span.x.max = x.max;
                    match (blank, *spaces) {
                        (false, true) => (span.ground, *spaces) = (x, false),
                        (false, false) => span.ground.max = x.max,
                        (true, true) => span.ground.max = x.max,
                        (true, false) => {}
                    }
                }
                None => spans.push((Span { token: owner as usize, x, ground: x }, blank)),
            }
            at += 1;
        }
        // The space of a word that stands in the next line.
        let next = owners.get(at).map(|o| *o as usize);
        if let Some((span, true)) = spans.last_mut()
            && !row.ends_with_newline
            && next == Some(span.token)
        {
            span.ground = Rangef::point(span.x.min);
        }
        at += usize::from(row.ends_with_newline);
        let y = Rangef::new(row.min_y(), row.max_y());
        lines.push(Line { y, spans: spans.into_iter().map(|s| s.0).collect() });
    }
    lines
}
