//! The colours of words: by expert, by load, or by what the bias changed.

use super::Colouring;
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Color32};
use moebias_engine::routes::{Choice, Routes};

/// How much of a colour is mixed into the ground, so that text on it can be read.
const STRENGTH: f32 = 0.5;
/// The same where the bias moved the least part of a token’s experts.
const WEAK: f32 = 0.12;
/// Successive experts are so far apart on the circle of hues, turns: no two of few are close.
const APART: f32 = 0.618_034;

/// The ground of a word; `None` for the ground of the pane.
pub(super) fn ground(theme: &Theme, colouring: Colouring, routes: &Routes, chosen: &[Choice]) -> Option<Color32> {
    let first = chosen.first()?;
    match colouring {
        Colouring::Expert => Some(of_expert(theme, first.expert)),
        Colouring::Load => Some(of_load(theme, routes.share(first.expert) as f32)),
        Colouring::Moved => {
            let count = chosen.iter().filter(|c| c.moved).count();
            (count > 0).then(|| of_moved(theme, count as f32 / chosen.len() as f32))
        }
    }
}

/// A load as a multiple of the fair share: full colour at 0 and at twice the fair share.
pub(super) fn of_load(theme: &Theme, share: f32) -> Color32 {
    Theme::mix(theme.pane, theme.diverging((share - 1.0).clamp(-1.0, 1.0)), STRENGTH)
}

/// The share of a token’s experts that it has only because of the bias.
pub(super) fn of_moved(theme: &Theme, share: f32) -> Color32 {
    Theme::mix(theme.pane, theme.over, egui::lerp(WEAK..=STRENGTH, share))
}

/// A colour per expert, all of them equally easy to read on. Every second round of hues is lighter.
pub(super) fn of_expert(theme: &Theme, expert: u16) -> Color32 {
    let turn = (f32::from(expert) * APART).fract();
    let other = expert % 2 == 1;
    let (light, strong) = match (theme.dark, other) {
        (true, false) => (0.36, 0.085),
        (true, true) => (0.46, 0.085),
        (false, false) => (0.90, 0.07),
        (false, true) => (0.83, 0.08),
    };
    let angle = turn * std::f32::consts::TAU;
    of_oklab(light, strong * angle.cos(), strong * angle.sin())
}

/// From OkLab (B. Ottosson, 2020) to sRGB; what no screen shows is cut off.
fn of_oklab(light: f32, a: f32, b: f32) -> Color32 {
    let l = (light + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (light - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (light - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let linear = [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ];
    let byte = |x: f32| {
        let x = x.clamp(0.0, 1.0);
        let x = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        (255.0 * x).round() as u8
    };
    Color32::from_rgb(byte(linear[0]), byte(linear[1]), byte(linear[2]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::kit::theme::tests::contrast;
    use crate::ui::kit::theme::{DARK, LIGHT};

    #[test]
    fn words_can_be_read_on_every_colour() {
        for theme in [&DARK, &LIGHT] {
            let mut grounds: Vec<Color32> = (0..1024).map(|e| of_expert(theme, e)).collect();
            grounds.extend((0..=20).map(|i| of_load(theme, i as f32 / 10.0)));
            grounds.extend((0..=10).map(|i| of_moved(theme, i as f32 / 10.0)));
            for ground in grounds {
                let found = contrast(theme.text, ground);
                assert!(found >= 4.5, "{ground:?} in the {} theme: {found}", if theme.dark { "dark" } else { "light" });
            }
        }
    }

    #[test]
    fn experts_next_to_one_another_have_other_colours() {
        let far = |a: Color32, b: Color32| {
            let part = |x: u8, y: u8| i32::from(x.abs_diff(y));
            part(a.r(), b.r()) + part(a.g(), b.g()) + part(a.b(), b.b())
        };
        for theme in [&DARK, &LIGHT] {
            for expert in 0..64 {
                assert!(far(of_expert(theme, expert), of_expert(theme, expert + 1)) > 30, "{expert}");
            }
        }
    }
}
