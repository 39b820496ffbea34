//! Converts what egui paints to SVG for papers: lines stay lines, text stays text, pictures are embedded as PNG.
//!
//! The conversion works on painted shapes and knows nothing of panes, so every pane can be saved, including future ones.

mod heading;
mod shapes;
mod words;

use crate::ui::export::caption::Caption;
use crate::ui::kit::pixels::Images;
use eframe::egui::epaint::ClippedShape;
use eframe::egui::{Color32, Rect, Shape, vec2};
use heading::heading;
use std::fmt::Write;

/// A drawing to be written as SVG.
pub struct Drawing {
    /// The painted shapes, in order.
    pub shapes: Vec<ClippedShape>,
    /// The part to keep, in points.
    pub part: Rect,
    /// The background colour.
    pub ground: Color32,
    /// What the drawing shows, in words.
    pub title: String,
    /// The caption above the drawing.
    pub caption: Option<Caption>,
    /// Pixels of the textures in the drawing.
    pub images: Images,
}

impl Drawing {
    /// The drawing as SVG 1.1; one point is one unit.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = Writer { body: String::new(), clips: vec![], images: &self.images, part: self.part };
        let mut open: Option<usize> = None;
        for ClippedShape { clip_rect, shape, .. } in &self.shapes {
            let clip = clip_rect.intersect(self.part);
            if !clip.is_positive() || !shape.visual_bounding_rect().intersects(clip) {
                continue;
            }
            let group = out.clip(clip);
            if open != Some(group) {
                if open.is_some() {
                    out.body.push_str("</g>\n");
                }
                writeln!(out.body, "<g clip-path=\"url(#c{group})\">").ok();
                open = Some(group);
            }
            out.shape(shape);
        }
        if open.is_some() {
            out.body.push_str("</g>\n");
        }
        let head = self.caption.as_ref().map(|c| heading(c, self.part.width())).unwrap_or_default();
        let size = self.part.size() + vec2(0.0, head.height);
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let (w, h) = (number(size.x), number(size.y));
        writeln!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" \
             width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\">"
        )
        .ok();
        writeln!(text, "<title>{}</title>", escaped(&self.title)).ok();
        text.push_str("<defs>\n");
        for (i, clip) in out.clips.iter().enumerate() {
            writeln!(text, "<clipPath id=\"c{i}\"><rect {}/></clipPath>", out.place(*clip)).ok();
        }
        text.push_str("</defs>\n");
        writeln!(text, "<rect width=\"{w}\" height=\"{h}\"{}/>", fill(self.ground)).ok();
        text.push_str(&head.body);
        if head.height > 0.0 {
            writeln!(text, "<g transform=\"translate(0 {})\">", number(head.height)).ok();
        }
        text.push_str(&out.body);
        text.push_str(if head.height > 0.0 { "</g>\n</svg>\n" } else { "</svg>\n" });
        text
    }
}

struct Writer<'a> {
    body: String,
    clips: Vec<Rect>,
    images: &'a Images,
    part: Rect,
}

impl Writer<'_> {
    /// The number of a clip rectangle, which is added if it is new.
    fn clip(&mut self, clip: Rect) -> usize {
        if let Some(at) = self.clips.iter().position(|c| *c == clip) {
            return at;
        }
        self.clips.push(clip);
        self.clips.len() - 1
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Text(text) => self.words(text),
            Shape::Vec(shapes) => shapes.iter().for_each(|s| self.shape(s)),
            Shape::Mesh(mesh) => self.mesh(mesh),
            other => self.outline(other),
        }
    }

    /// The attributes `x`, `y`, `width` and `height` of a rectangle.
    fn place(&self, rect: Rect) -> String {
        let at = rect.min - self.part.min;
        let [x, y, w, h] = [at.x, at.y, rect.width(), rect.height()].map(number);
        format!("x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"")
    }
}

/// A coordinate, rounded to a hundredth of a point.
fn number(value: f32) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// A colour as `#rrggbb`, and its opacity in \[0, 1].
fn colour(of: Color32) -> (String, f32) {
    let [r, g, b, a] = of.to_srgba_unmultiplied();
    (format!("#{r:02x}{g:02x}{b:02x}"), f32::from(a) / 255.0)
}

fn fill(of: Color32) -> String {
    let (name, alpha) = colour(of);
    match of.a() {
        0 => " fill=\"none\"".into(),
        255 => format!(" fill=\"{name}\""),
        _ => format!(" fill=\"{name}\" fill-opacity=\"{}\"", number(alpha)),
    }
}

fn stroke(width: f32, of: Color32) -> String {
    if width <= 0.0 || of.a() == 0 {
        return String::new();
    }
    let (name, alpha) = colour(of);
    let opacity = if of.a() == 255 { String::new() } else { format!(" stroke-opacity=\"{}\"", number(alpha)) };
    format!(" stroke=\"{name}\" stroke-width=\"{}\"{opacity}", number(width))
}

/// Text escaped for XML; control characters become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
