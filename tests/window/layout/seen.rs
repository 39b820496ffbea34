//! The text that was painted, and its faults: cut numbers, overlapping texts, texts outside the window.

use eframe::egui::epaint::{ClippedShape, TextShape};
use eframe::egui::{Context, LayerId, Rect, Shape, Vec2};
use std::sync::{Arc, Mutex};

/// Everything painted in the last frame, layer by layer from the back.
pub type Painted = Arc<Mutex<Vec<(LayerId, Vec<ClippedShape>)>>>;

/// The margin around the rectangles of glyphs, which is there for smoothing, points.
const RIM: f32 = 1.75;
/// A fill of at least this opacity hides what is below it.
const OPAQUE: u8 = 200;

/// Keeps what each frame paints, by layer; egui's own output has no layers any more.
pub fn watch(ctx: &Context) -> Painted {
    let painted = Painted::default();
    let keep = painted.clone();
    ctx.on_end_pass(
        "what was painted",
        Arc::new(move |ui| {
            let ctx = ui.ctx();
            let mut layers: Vec<LayerId> = ctx.memory(|m| m.layer_ids().collect());
            layers.retain(|l| *l != LayerId::background());
            layers.insert(0, LayerId::background());
            let of = |layer: LayerId| {
                let shapes = ctx.graphics(|g| g.get(layer).map(|l| l.all_entries().cloned().collect::<Vec<_>>()));
                (layer, shapes.unwrap_or_default())
            };
            *keep.lock().unwrap() = layers.into_iter().map(of).collect();
        }),
    );
    painted
}

/// A row of text as it was painted.
#[derive(Clone)]
struct Row {
    layer: usize,
    text: String,
    /// The whole text, if a part of it was cut off.
    cut: Option<String>,
    rect: Rect,
    clip: Rect,
}

impl Row {
    fn seen(&self) -> Rect {
        self.rect.intersect(self.clip)
    }
}

fn has_digit(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
}

fn rows(layer: usize, shape: &TextShape, clip: Rect, out: &mut Vec<Row>) {
    if shape.opacity_factor < 0.05 || shape.override_text_color.is_some_and(|c| c.a() == 0) {
        return;
    }
    let galley = &shape.galley;
    let last = galley.rows.len().saturating_sub(1);
    for (i, row) in galley.rows.iter().enumerate() {
        let text: String = row.row.glyphs.iter().map(|g| g.chr).collect();
        let bounds = row.row.visuals.mesh_bounds;
        if text.trim().is_empty() || !bounds.is_positive() {
            continue;
        }
        let turned = eframe::emath::Rot2::from_angle(shape.angle);
        let corners = [bounds.left_top(), bounds.right_top(), bounds.left_bottom(), bounds.right_bottom()];
        let corners = corners.map(|c| shape.pos + turned * (row.pos.to_vec2() + c.to_vec2()));
        let cut = (galley.elided && i == last).then(|| galley.job.text.clone());
        out.push(Row { layer, text, cut, rect: Rect::from_points(&corners), clip });
    }
}

fn walk(layer: usize, shape: &Shape, clip: Rect, out: &mut Vec<Row>, wrong: &mut Vec<String>) {
    match shape {
        Shape::Text(text) => rows(layer, text, clip, out),
        Shape::Vec(shapes) => shapes.iter().for_each(|s| walk(layer, s, clip, out, wrong)),
        Shape::Rect(rect) if rect.fill.a() >= OPAQUE && rect.blur_width == 0.0 => {
            let ground = rect.rect.intersect(clip);
            out.retain(|row| {
                let seen = row.seen();
                let both = seen.intersect(ground);
                if !both.is_positive() {
                    return true;
                }
                // A higher layer may hide text, but within a layer nothing may be painted over it.
                if row.layer == layer && both.width() > RIM && both.height() > 2.0 * RIM {
                    wrong.push(format!("covered: “{}”", row.text));
                }
                false
            });
        }
        _ => {}
    }
}

/// How parts of the window scroll.
#[derive(Default)]
pub struct Parts {
    /// Parts that do not scroll, in which no row may be cut above or below.
    pub still: Vec<Rect>,
    /// Parts that scroll in both directions.
    pub both: Vec<Rect>,
}

/// The faults of the text in a window of this size, points.
pub fn faults(painted: &Painted, window: Vec2, parts: &Parts) -> Vec<String> {
    let (mut all, mut wrong) = (vec![], vec![]);
    for (layer, (_, shapes)) in painted.lock().unwrap().iter().enumerate() {
        for ClippedShape { clip_rect, shape, .. } in shapes {
            walk(layer, shape, *clip_rect, &mut all, &mut wrong);
        }
    }
    let window = Rect::from_min_size(Default::default(), window);
    all.retain(|row| row.seen().is_positive());
    for row in &all {
        if let Some(whole) = row.cut.as_ref().filter(|whole| figure_lost(whole, &row.text)) {
            wrong.push(format!("figure cut off: “{}” of “{whole}”", row.text));
        }
        let (rect, seen) = (row.rect, row.seen());
        let within = |parts: &[Rect]| row.layer == 0 && parts.iter().any(|p| p.expand(2.0).contains_rect(row.clip));
        let sideways = rect.width() - seen.width() > RIM && !within(&parts.both);
        let upright = rect.height() - seen.height() > RIM && within(&parts.still);
        if sideways || (upright && has_digit(&row.text)) {
            wrong.push(format!("clipped: “{}” {rect:?} by {:?}", row.text, row.clip));
        }
        if !window.expand(RIM).contains_rect(seen) {
            wrong.push(format!("outside the window: “{}” {rect:?}", row.text));
        }
    }
    for (i, a) in all.iter().enumerate() {
        for b in &all[i + 1..] {
            let both = a.seen().intersect(b.seen());
            if a.layer == b.layer && both.width() > RIM && both.height() > RIM {
                wrong.push(format!("on each other: “{}” {:?} and “{}” {:?}", a.text, a.rect, b.text, b.rect));
            }
        }
    }
    wrong
}

/// All visible text.
pub fn words(painted: &Painted) -> String {
    let (mut all, mut wrong) = (vec![], vec![]);
    for (layer, (_, shapes)) in painted.lock().unwrap().iter().enumerate() {
        for ClippedShape { clip_rect, shape, .. } in shapes {
            walk(layer, shape, *clip_rect, &mut all, &mut wrong);
        }
    }
    all.iter().map(|row| row.text.as_str()).collect::<Vec<_>>().join(" | ")
}

/// Whether the part that was cut off contains a number or a part of one.
fn figure_lost(whole: &str, shown: &str) -> bool {
    let kept = shown.trim_end_matches('…');
    let rest = whole.rsplit_once(kept).map_or(whole, |(_, rest)| rest);
    has_digit(rest)
}

#[test]
fn cut_numbers_are_recognised() {
    assert!(figure_lost("MaxVio 3.21", "MaxVio 3…") && figure_lost("step 180", "st…"));
    assert!(!figure_lost("MaxVio 3.21 per batch", "MaxVio 3.21 p…"));
}
