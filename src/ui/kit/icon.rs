//! The logo of Moebias: a band with one twist, made of experts, blue where they have too few tokens and orange where they have too many.
//!
//! All uses of the logo come from this file: the window's icon, the mark in the top bar and the welcome, and the files in `assets/icon`,
//! which `MOEBIAS_UPDATE=1 cargo test -p moebias --lib icon` regenerates.

use crate::ui::kit::theme::Theme;
use eframe::egui::{
    Color32, ColorImage, IconData, Id, Image, Rect, Sense, TextureHandle, TextureOptions, Ui, Vec2,
    epaint::textures::TextureFilter, vec2,
};
use std::f32::consts::TAU;

/// The number of experts in the band.
const EXPERTS: usize = 12;
/// The number of straight pieces along an expert's edge.
const PIECES: usize = 8;
/// Radius of the band, and half its width, before scaling.
const BAND: (f32, f32) = (0.36, 0.155);
/// Half the gap between two experts, radians.
const GAP: f32 = 0.042;
/// Rotation of the band about the horizontal axis, and within the picture; radians.
const TURN: (f32, f32) = (50.0 / 360.0 * TAU, -20.0 / 360.0 * TAU);
/// The share of the picture's side that the band fills.
const FILL: f32 = 0.96;
/// Scan lines per pixel on which coverage is measured.
const LINES: usize = 8;

/// Colours of experts with too few tokens, the fair share, and too many; readable on dark and light backgrounds.
const COLOURS: [Color32; 3] =
    [Color32::from_rgb(0x3f, 0x97, 0xe8), Color32::from_rgb(0x93, 0x9d, 0xad), Color32::from_rgb(0xf0, 0x93, 0x42)];
/// Parts of the band that face away from the viewer are mixed with this colour.
const SHADE: Color32 = Color32::from_rgb(0x2a, 0x36, 0x4a);

/// One expert of the band, in the unit square.
struct Segment {
    outline: Vec<Vec2>,
    colour: Color32,
}

/// A point of the band: `u` is the angle around it, `v` the position across it. The third coordinate points towards the viewer.
fn point(u: f32, v: f32) -> [f32; 3] {
    let half = u / 2.0 + TAU / 8.0;
    let r = BAND.0 + v * half.cos();
    let (x, y, z) = (r * u.cos(), r * u.sin(), v * half.sin());
    let ((tilt_sin, tilt_cos), (roll_sin, roll_cos)) = (TURN.0.sin_cos(), TURN.1.sin_cos());
    let (y, z) = (y * tilt_cos - z * tilt_sin, y * tilt_sin + z * tilt_cos);
    [x * roll_cos - y * roll_sin, x * roll_sin + y * roll_cos, z]
}

/// How directly the band faces the viewer at an angle, 0 to 1.
fn facing(u: f32) -> f32 {
    let d = |a: [f32; 3], b: [f32; 3]| [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    let (along, across) = (d(point(u + 0.01, 0.0), point(u - 0.01, 0.0)), d(point(u, 0.01), point(u, -0.01)));
    let normal = [
        along[1] * across[2] - along[2] * across[1],
        along[2] * across[0] - along[0] * across[2],
        along[0] * across[1] - along[1] * across[0],
    ];
    normal[2].abs() / normal.iter().map(|n| n * n).sum::<f32>().sqrt().max(1e-9)
}

/// The segments of the band, the furthest expert first.
fn band() -> Vec<Segment> {
    let mut all: Vec<(f32, Segment)> = (0..EXPERTS)
        .map(|i| {
            let end = |i: usize| i as f32 / EXPERTS as f32 * TAU;
            let (from, to) = (end(i) + GAP, end(i + 1) - GAP);
            let along = |k: usize| from + (to - from) * k as f32 / PIECES as f32;
            let edge = |v: f32| (0..=PIECES).map(move |k| point(along(k), v));
            let points: Vec<[f32; 3]> = edge(BAND.1).chain(edge(-BAND.1).rev()).collect();
            let middle = f32::midpoint(from, to);
            let side = 1.0 - middle.cos();
            let colour = match side {
                s if s < 1.0 => Theme::mix(COLOURS[0], COLOURS[1], s),
                s => Theme::mix(COLOURS[1], COLOURS[2], s - 1.0),
            };
            let colour = Theme::mix(SHADE, colour, 0.78 + 0.22 * facing(middle));
            let depth = points.iter().map(|p| p[2]).sum::<f32>() / points.len() as f32;
            (depth, Segment { outline: points.iter().map(|p| vec2(p[0], -p[1])).collect(), colour })
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut segments: Vec<Segment> = all.into_iter().map(|(_, s)| s).collect();
    // Centres the band in the unit square and scales it to fit.
    let points = || segments.iter().flat_map(|s| &s.outline);
    let low = points().fold(Vec2::splat(f32::MAX), |a, p| a.min(*p));
    let high = points().fold(Vec2::splat(f32::MIN), |a, p| a.max(*p));
    let scale = FILL / (high - low).max_elem();
    let centre = (low + high) / 2.0;
    let place = |p: &mut Vec2| *p = (*p - centre) * scale + Vec2::splat(0.5);
    segments.iter_mut().flat_map(|s| &mut s.outline).for_each(place);
    segments
}

/// The logo as RGBA pixels on a transparent background.
fn pixels(size: usize) -> Vec<u8> {
    let mut out = vec![[0.0f32; 4]; size * size];
    for segment in band() {
        let outline: Vec<Vec2> = segment.outline.iter().map(|p| *p * size as f32).collect();
        let colour = [segment.colour.r(), segment.colour.g(), segment.colour.b()].map(f32::from);
        for (y, row) in out.chunks_exact_mut(size).enumerate() {
            let mut cover = vec![0.0f32; size];
            for line in 0..LINES {
                add_line(&outline, y as f32 + (line as f32 + 0.5) / LINES as f32, &mut cover);
            }
            for (pixel, cover) in row.iter_mut().zip(cover) {
                let alpha = (cover / LINES as f32).min(1.0);
                let under = pixel[3] * (1.0 - alpha);
                let whole = alpha + under;
                if whole > 0.0 {
                    (0..3).for_each(|c| pixel[c] = (colour[c] * alpha + pixel[c] * under) / whole);
                }
                pixel[3] = whole;
            }
        }
    }
    out.iter()
        .flat_map(|p| [p[0].round() as u8, p[1].round() as u8, p[2].round() as u8, (p[3] * 255.0).round() as u8])
        .collect()
}

/// Adds to each pixel the share of it that a horizontal line has inside an outline.
fn add_line(outline: &[Vec2], y: f32, cover: &mut [f32]) {
    let mut crossings: Vec<(f32, i32)> = vec![];
    for (i, a) in outline.iter().enumerate() {
        let b = outline[(i + 1) % outline.len()];
        if (a.y <= y) != (b.y <= y) {
            let x = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
            crossings.push((x, if b.y > a.y { 1 } else { -1 }));
        }
    }
    crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut winding = 0;
    for pair in crossings.windows(2) {
        winding += pair[0].1;
        if winding == 0 {
            continue;
        }
        let (from, to) = (pair[0].0.max(0.0), pair[1].0.min(cover.len() as f32));
        for x in from as usize..(to.ceil() as usize).min(cover.len()) {
            cover[x] += (to.min(x as f32 + 1.0) - from.max(x as f32)).max(0.0);
        }
    }
}

/// The logo as SVG.
#[must_use]
pub fn svg() -> String {
    use std::fmt::Write as _;
    let mut out = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 512 512\">\n");
    for segment in band() {
        let points: Vec<String> =
            segment.outline.iter().map(|p| format!("{:.1},{:.1}", p.x * 512.0, p.y * 512.0)).collect();
        let [r, g, b, _] = segment.colour.to_array();
        writeln!(out, "  <polygon fill=\"#{r:02x}{g:02x}{b:02x}\" points=\"{}\"/>", points.join(" ")).ok();
    }
    out + "</svg>\n"
}

/// The window's icon.
#[must_use]
pub fn icon() -> IconData {
    let size = 256;
    IconData { rgba: pixels(size), width: size as u32, height: size as u32 }
}

/// Draws the logo with this width, points.
pub fn mark(ui: &mut Ui, width: f32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(width), Sense::hover());
    let scale = ui.ctx().pixels_per_point();
    let size = (width * scale).round().max(1.0) as usize;
    let id = Id::unique("the sign").with(size);
    let made: Option<TextureHandle> = ui.data(|d| d.get_temp(id));
    let texture = made.unwrap_or_else(|| {
        let image = ColorImage::from_rgba_unmultiplied([size, size], &pixels(size));
        let options = TextureOptions { magnification: TextureFilter::Nearest, ..TextureOptions::LINEAR };
        let texture = ui.ctx().load_texture(format!("the sign, {size}"), image, options);
        ui.data_mut(|d| d.insert_temp(id, texture.clone()));
        texture
    });
    // Aligned with whole pixels, so that it is sharp.
    let snap = |x: f32| (x * scale).round() / scale;
    let place = Rect::from_min_size(rect.min, Vec2::splat(size as f32 / scale));
    let place = place.translate(vec2(snap(place.left()) - place.left(), snap(place.top()) - place.top()));
    Image::new(&texture).paint_at(ui, place);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const SIZES: [usize; 7] = [16, 24, 32, 48, 64, 128, 512];

    #[test]
    fn the_icon_files_are_up_to_date() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/icon");
        let update = std::env::var_os("MOEBIAS_UPDATE").is_some();
        let again = "make it anew with MOEBIAS_UPDATE=1 cargo test -p moebias --lib icon";
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("moebias.svg"), svg()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(folder.join("moebias.svg")).unwrap(), svg(), "{again}");
        for size in SIZES {
            let path = folder.join(format!("moebias-{size}.png"));
            let drawn = image::RgbaImage::from_raw(size as u32, size as u32, pixels(size)).unwrap();
            if update {
                drawn.save(&path).unwrap();
            }
            let kept = image::load_from_memory(&std::fs::read(&path).unwrap()).unwrap().to_rgba8();
            // The last bit of a sine may differ from machine to machine.
            let off = kept.iter().zip(drawn.iter()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(kept.dimensions() == drawn.dimensions() && off.is_some_and(|o| o <= 2), "{path:?}: {again}");
        }
    }

    #[test]
    fn the_logo_fills_its_square() {
        let inside = |p: &Vec2| (0.0..=1.0).contains(&p.x) && (0.0..=1.0).contains(&p.y);
        assert!(band().iter().all(|s| s.outline.iter().all(inside)));
        let covered = pixels(64).chunks_exact(4).filter(|p| p[3] > 127).count();
        assert!((1200..2600).contains(&covered), "{covered} of 4096 pixels");
    }
}
