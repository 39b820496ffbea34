//! Writes lines, areas and pictures.

use super::{Writer, fill, number, stroke};
use eframe::egui::epaint::{BandShape, ColorMode, Mesh, PathShape, PathStroke, RectShape, StrokeKind, Vertex};
use eframe::egui::{Color32, ColorImage, Pos2, Rect, Shape, TextureId, pos2};
use std::fmt::Write;

impl Writer<'_> {
    /// Writes a shape that is neither text nor a mesh.
    pub(super) fn outline(&mut self, shape: &Shape) {
        match shape {
            Shape::Circle(c) if c.radius > 0.0 => {
                let style = fill(c.fill) + &stroke(c.stroke.width, c.stroke.color);
                let at = self.point(c.center);
                writeln!(self.body, "<circle {at} r=\"{}\"{style}/>", number(c.radius)).ok();
            }
            Shape::Ellipse(e) => {
                let style = fill(e.fill) + &stroke(e.stroke.width, e.stroke.color);
                let at = self.point(e.center);
                let (rx, ry) = (number(e.radius.x), number(e.radius.y));
                writeln!(self.body, "<ellipse {at} rx=\"{rx}\" ry=\"{ry}\"{style}/>").ok();
            }
            Shape::LineSegment { points, stroke: s } => {
                self.path(points, false, Color32::TRANSPARENT, s.width, s.color);
            }
            Shape::Path(PathShape { points, closed, fill, stroke }) => {
                self.path(points, *closed, *fill, stroke.width, solid(stroke));
            }
            Shape::Band(band) => self.band(band),
            Shape::Rect(rect) => self.rect(rect),
            Shape::QuadraticBezier(curve) => {
                let points = curve.flatten(Some(0.05));
                self.path(&points, curve.closed, curve.fill, curve.stroke.width, solid(&curve.stroke));
            }
            Shape::CubicBezier(curve) => {
                for points in curve.flatten_closed(Some(0.05), None) {
                    self.path(&points, curve.closed, curve.fill, curve.stroke.width, solid(&curve.stroke));
                }
            }
            _ => {}
        }
    }

    fn point(&self, at: Pos2) -> String {
        let at = at - self.part.min;
        format!("cx=\"{}\" cy=\"{}\"", number(at.x), number(at.y))
    }

    /// The commands of a path: `M x y L x y …`. Points that are not finite are left out.
    fn way(&self, points: &[Pos2], closed: bool) -> String {
        let mut way = String::new();
        for (i, point) in points.iter().filter(|p| p.x.is_finite() && p.y.is_finite()).enumerate() {
            let at = *point - self.part.min;
            let letter = if i == 0 { "M" } else { "L" };
            write!(way, "{letter}{} {}", number(at.x), number(at.y)).ok();
        }
        if closed {
            way.push('Z');
        }
        way
    }

    fn path(&mut self, points: &[Pos2], closed: bool, inside: Color32, width: f32, colour: Color32) {
        let line = stroke(width, colour);
        if points.len() < 2 || (line.is_empty() && inside.a() == 0) {
            return;
        }
        let way = self.way(points, closed);
        let join = if points.len() > 2 { " stroke-linejoin=\"round\"" } else { "" };
        writeln!(self.body, "<path d=\"{way}\"{}{line}{join}/>", fill(inside)).ok();
    }

    fn band(&mut self, band: &BandShape) {
        let there = band.points.iter().map(|p| pos2(p.x, p.y.min));
        let back = band.points.iter().rev().map(|p| pos2(p.x, p.y.max));
        let points: Vec<Pos2> = there.chain(back).collect();
        self.path(&points, true, band.fill, band.stroke.width, band.stroke.color);
    }

    fn rect(&mut self, shape: &RectShape) {
        // Shadows are left out.
        if shape.blur_width > 0.0 {
            return;
        }
        if let Some(brush) = &shape.brush
            && brush.fill_texture_id != TextureId::default()
        {
            self.picture(brush.fill_texture_id, shape.rect, brush.uv);
            return;
        }
        let line = stroke(shape.stroke.width, shape.stroke.color);
        if line.is_empty() && shape.fill.a() == 0 {
            return;
        }
        let half = if line.is_empty() { 0.0 } else { shape.stroke.width / 2.0 };
        let rect = match shape.stroke_kind {
            StrokeKind::Inside => shape.rect.shrink(half),
            StrokeKind::Outside => shape.rect.expand(half),
            StrokeKind::Middle => shape.rect,
        };
        let radius = f32::from(shape.corner_radius.average().round() as u8);
        let round = if radius > 0.0 { format!(" rx=\"{}\"", number(radius)) } else { String::new() };
        let place = self.place(rect);
        writeln!(self.body, "<rect {place}{round}{}{line}/>", fill(shape.fill)).ok();
    }

    /// Writes triangles: as a picture if they have a texture, otherwise as areas of one colour each.
    pub(super) fn mesh(&mut self, mesh: &Mesh) {
        if mesh.texture_id != TextureId::default() {
            for quad in mesh.vertices.chunks_exact(4) {
                let rect = Rect::from_points(&[quad[0].pos, quad[1].pos, quad[2].pos, quad[3].pos]);
                let uv = Rect::from_points(&[quad[0].uv, quad[1].uv, quad[2].uv, quad[3].uv]);
                self.picture(mesh.texture_id, rect, uv);
            }
            return;
        }
        let mut area = Area::default();
        let mut at = 0;
        while let Some(corners) = mesh.indices.get(at..at + 3) {
            let of = |i: &u32| mesh.vertices.get(*i as usize);
            let (Some(a), Some(b), Some(c)) = (of(&corners[0]), of(&corners[1]), of(&corners[2])) else { return };
            let colour = mean([a, b, c]);
            if colour != area.colour {
                self.area(&area);
                area = Area { colour, ..Area::default() };
            }
            // Two triangles usually form a rectangle, which has no seam to hide.
            let next = mesh.indices.get(at + 3..at + 6).and_then(|n| Some([of(&n[0])?, of(&n[1])?, of(&n[2])?]));
            let rect = next.filter(|n| mean(*n) == colour).and_then(|n| rectangle([a, b, c, n[0], n[1], n[2]]));
            if let Some(r) = rect {
                area.way += &self.way(&[r.left_top(), r.right_top(), r.right_bottom(), r.left_bottom()], true);
                at += 6;
            } else {
                area.way += &self.way(&[a.pos, b.pos, c.pos], true);
                area.seams = true;
                at += 3;
            }
        }
        self.area(&area);
    }

    fn area(&mut self, area: &Area) {
        if !area.way.is_empty() && area.colour.a() > 0 {
            // Antialiasing would show the seams between triangles.
            let sharp = if area.seams { " shape-rendering=\"crispEdges\"" } else { "" };
            writeln!(self.body, "<path d=\"{}\"{}{sharp}/>", area.way, fill(area.colour)).ok();
        }
    }

    fn picture(&mut self, texture: TextureId, rect: Rect, uv: Rect) {
        let Some(image) = self.images.get(&texture) else { return };
        let Some(png) = png(image, uv) else { return };
        let place = self.place(rect);
        writeln!(
            self.body,
            "<image {place} preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
             xlink:href=\"data:image/png;base64,{}\"/>",
            base64(&png)
        )
        .ok();
    }
}

fn solid(stroke: &PathStroke) -> Color32 {
    match &stroke.color {
        ColorMode::Solid(colour) => *colour,
        // A gradient along a path is replaced by a single one of its colours.
        ColorMode::UV(of) => of(Rect::ZERO, Pos2::ZERO),
    }
}

/// Triangles and rectangles of one colour.
#[derive(Default)]
struct Area {
    way: String,
    colour: Color32,
    seams: bool,
}

/// The axis-aligned rectangle that two triangles form, if they form one.
fn rectangle(corners: [&Vertex; 6]) -> Option<Rect> {
    let all = corners.map(|v| v.pos);
    let rect = Rect::from_points(&all);
    let ends = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom()];
    let two = |of: &[Pos2]| {
        let area = |a: Pos2, b: Pos2, c: Pos2| ((b - a).x * (c - a).y - (b - a).y * (c - a).x).abs() / 2.0;
        area(of[0], of[1], of[2])
    };
    let whole = (two(&all[..3]) + two(&all[3..]) - rect.area()).abs() <= rect.area() * 1e-3;
    (whole && all.iter().all(|p| ends.contains(p)) && ends.iter().all(|e| all.contains(e))).then_some(rect)
}

fn mean(corners: [&Vertex; 3]) -> Color32 {
    let of = |i: usize| (corners.iter().map(|v| u16::from(v.color.to_array()[i])).sum::<u16>() / 3) as u8;
    Color32::from_rgba_premultiplied(of(0), of(1), of(2), of(3))
}

/// The part of an image that `uv` selects (in shares of width and height), as PNG.
fn png(image: &ColorImage, uv: Rect) -> Option<Vec<u8>> {
    let [width, height] = image.size;
    let of = |share: f32, side: usize| ((share.clamp(0.0, 1.0) * side as f32).round() as usize).min(side);
    let (left, right) = (of(uv.left(), width), of(uv.right(), width));
    let (top, bottom) = (of(uv.top(), height), of(uv.bottom(), height));
    let rows = image.pixels.chunks_exact(width.max(1)).take(bottom).skip(top);
    let rgba: Vec<u8> = rows.flat_map(|row| &row[left..right]).flat_map(Color32::to_srgba_unmultiplied).collect();
    let mut out = vec![];
    let encoder = image::codecs::png::PngEncoder::new(&mut out);
    let (w, h) = ((right - left) as u32, (bottom - top) as u32);
    image::ImageEncoder::write_image(encoder, &rgba, w, h, image::ExtendedColorType::Rgba8).ok()?;
    Some(out)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let of = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_letters() {
        for (bytes, letters) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), letters, "RFC 4648, section 10");
        }
    }
}
