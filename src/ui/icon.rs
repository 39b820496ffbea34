//! The icon: the sign of Moebias, drawn rather than stored.

use super::theme::{DARK, Theme};
use eframe::egui::IconData;

/// Pixels on a side.
const SIZE: u32 = 128;

/// A band with one twist, half under and half over the fair share.
#[must_use]
pub fn icon() -> IconData {
    let mut rgba = vec![0; (SIZE * SIZE * 4) as usize];
    let size = SIZE as f32;
    let points: Vec<(f32, f32, f32)> = (0..720)
        .map(|i| {
            let t = i as f32 / 720.0 * std::f32::consts::TAU;
            let d = 1.0 + t.sin() * t.sin();
            let x = size / 2.0 + size * 0.42 * t.cos() / d;
            let y = size / 2.0 + size * 0.52 * t.sin() * t.cos() / d;
            (x, y, t.cos() * 0.5 + 0.5)
        })
        .collect();
    for (i, pixel) in rgba.chunks_exact_mut(4).enumerate() {
        let (x, y) = ((i as u32 % SIZE) as f32 + 0.5, (i as u32 / SIZE) as f32 + 0.5);
        let near = points.iter().map(|p| ((p.0 - x).hypot(p.1 - y), p.2)).min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((distance, side)) = near else { continue };
        let cover = (size * 0.055 + 0.5 - distance).clamp(0.0, 1.0);
        let colour = Theme::mix(DARK.under, DARK.over, side);
        pixel.copy_from_slice(&[colour.r(), colour.g(), colour.b(), (cover * 255.0) as u8]);
    }
    IconData { rgba, width: SIZE, height: SIZE }
}
