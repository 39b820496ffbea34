//! Colours and spacing of the whole window. There are few colours, each with one meaning, and each theme has its own.

use eframe::egui::{Color32, Context};

/// Corner radius of panes, points.
pub const PANE_RADIUS: u8 = 8;
/// Gap between panes, points.
pub const GAP: f32 = 8.0;
/// Padding within a pane, points.
pub const PADDING: f32 = 12.0;
/// Height of a pane's header, points.
pub const HEADER: f32 = 24.0;
/// Height of a row of controls, points.
pub const ROW: f32 = 26.0;

/// All colours of a theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theme {
    /// Whether this is the dark theme.
    pub dark: bool,
    /// Background of the window.
    pub window: Color32,
    /// Background of the top bar, the side panel and the transport.
    pub panel: Color32,
    /// Background of panes.
    pub pane: Color32,
    /// Borders, 1 px.
    pub line: Color32,
    /// Grid lines in plots.
    pub grid: Color32,
    /// Buttons and fields.
    pub chip: Color32,
    /// Text.
    pub text: Color32,
    /// Secondary text; contrast of at least 4.5:1 on panels and panes.
    pub dim: Color32,
    /// Tertiary text; contrast of at least 4.5:1 on panels and panes.
    pub faint: Color32,
    /// The accent: chosen or pinned things.
    pub accent: Color32,
    /// Fill for loads over the fair share, and for assignments moved by the bias.
    pub over: Color32,
    /// The same as a text colour; contrast of at least 4.5:1.
    pub over_text: Color32,
    /// Fill for loads under the fair share.
    pub under: Color32,
    /// Fill for loads at the fair share.
    pub fair: Color32,
    /// The heatmap's lowest score.
    pub heat_low: Color32,
    /// The heatmap's highest score.
    pub heat_high: Color32,
    /// A chosen cell of the heatmap.
    pub chosen: Color32,
    /// The middle of the diverging colour map.
    pub middle: Color32,
    /// The sign that a recording is running.
    pub record: Color32,
    /// Colours of variants, which differ in hue and lightness and so also for people who lack one kind of cone; the first four differ most.
    pub variants: [Color32; 8],
}

const fn hex(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

/// The dark theme.
pub const DARK: Theme = Theme {
    dark: true,
    window: hex(0x0d1014),
    panel: hex(0x12161c),
    pane: hex(0x171c24),
    line: hex(0x242b36),
    grid: hex(0x1f2630),
    chip: hex(0x1e2530),
    text: hex(0xe7eaf0),
    dim: hex(0x9aa5b5),
    faint: hex(0x818d9f),
    accent: hex(0x8ab4ff),
    over: hex(0xf5a25d),
    over_text: hex(0xf5a25d),
    under: hex(0x5aa9f0),
    fair: hex(0x8b95a5),
    heat_low: hex(0x12161d),
    heat_high: hex(0x2b4a73),
    chosen: hex(0x7fb2ff),
    middle: hex(0x20262f),
    record: hex(0xef6a6a),
    variants: [
        hex(0x8ab4ff),
        hex(0xbd7a9b),
        hex(0xe3cf4f),
        hex(0x86efd6),
        hex(0x6a4bf9),
        hex(0x65a01d),
        hex(0xbb26ae),
        hex(0x6e6e2f),
    ],
};

/// The light theme.
pub const LIGHT: Theme = Theme {
    dark: false,
    window: hex(0xeef1f5),
    panel: hex(0xf7f8fa),
    pane: hex(0xffffff),
    line: hex(0xdce1e8),
    grid: hex(0xeceff3),
    chip: hex(0xe6eaf0),
    text: hex(0x1a2130),
    dim: hex(0x566274),
    faint: hex(0x5d6979),
    accent: hex(0x2f6fe0),
    over: hex(0xc9651b),
    over_text: hex(0xa84c0b),
    under: hex(0x1f78c8),
    fair: hex(0x8b95a5),
    heat_low: hex(0xffffff),
    heat_high: hex(0xa9c6ea),
    chosen: hex(0x2f6fe0),
    middle: hex(0xf3f5f8),
    record: hex(0xbd3232),
    variants: [
        hex(0x2f6fe0),
        hex(0x8a3a3a),
        hex(0xb08a00),
        hex(0x482490),
        hex(0xec5aa1),
        hex(0x052ed6),
        hex(0xc41d79),
        hex(0x8a6d13),
    ],
};

impl Theme {
    /// The current theme.
    #[must_use]
    pub fn of(ctx: &Context) -> &'static Self {
        if ctx.theme() == eframe::egui::Theme::Dark { &DARK } else { &LIGHT }
    }

    /// Mixes two colours in gamma space; 0 is `a`, 1 is `b`.
    #[must_use]
    pub fn mix(a: Color32, b: Color32, t: f32) -> Color32 {
        let t = t.clamp(0.0, 1.0);
        let lerp = |x: u8, y: u8| (f32::from(x) + (f32::from(y) - f32::from(x)) * t).round() as u8;
        Color32::from_rgb(lerp(a.r(), b.r()), lerp(a.g(), b.g()), lerp(a.b(), b.b()))
    }

    /// A single-hue ramp for amounts in [0, 1].
    #[must_use]
    pub fn heat(&self, amount: f32) -> Color32 {
        Self::mix(self.heat_low, self.heat_high, amount)
    }

    /// The single-hue ramp over its full range, for maps whose cells are read without a background.
    #[must_use]
    pub fn ramp(&self, amount: f32) -> Color32 {
        let (low, high) = (Self::mix(self.heat_low, self.heat_high, 0.35), self.chosen);
        if amount < 0.5 {
            Self::mix(low, self.heat_high, amount * 2.0)
        } else {
            Self::mix(self.heat_high, high, amount * 2.0 - 1.0)
        }
    }

    /// The text colour that is readable on a colour of a map: this theme's text, or its window background.
    #[must_use]
    pub fn ink_on(&self, ground: Color32) -> Color32 {
        let light = |c: Color32| 0.3 * f32::from(c.r()) + 0.59 * f32::from(c.g()) + 0.11 * f32::from(c.b());
        let far = |c: Color32| (light(c) - light(ground)).abs();
        if far(self.text) >= far(self.window) { self.text } else { self.window }
    }

    /// The diverging colour map: −1 is far under the fair share, 0 is fair, 1 is far over.
    #[must_use]
    pub fn diverging(&self, value: f32) -> Color32 {
        Self::mix(self.middle, if value < 0.0 { self.under } else { self.over }, value.abs())
    }
}

#[cfg(test)]
pub(in crate::ui) mod tests {
    use super::*;

    /// How colours appear to people who lack one kind of cone, in linear RGB: Machado, Oliveira & Fernandes 2009, severity 1.
    const LACKING: [(&str, [[f32; 3]; 3]); 4] = [
        ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "no long",
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        ),
        (
            "no medium",
            [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
        ),
        (
            "no short",
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ),
    ];

    /// The colour as a person with these cones sees it, in OkLab.
    fn seen(colour: Color32, cones: [[f32; 3]; 3]) -> [f32; 3] {
        let linear = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        let times = |m: [[f32; 3]; 3], v: [f32; 3]| m.map(|row| (0..3).map(|i| row[i] * v[i]).sum::<f32>());
        let rgb = times(cones, [colour.r(), colour.g(), colour.b()].map(linear)).map(|v| v.clamp(0.0, 1.0));
        let lms = [
            [0.412_221_47, 0.536_332_54, 0.051_445_995],
            [0.211_903_5, 0.680_699_5, 0.107_396_96],
            [0.088_302_46, 0.281_718_84, 0.629_978_7],
        ];
        let lab = [
            [0.210_454_26, 0.793_617_8, -0.004_072_047],
            [1.977_998_5, -2.428_592_2, 0.450_593_7],
            [0.025_904_037, 0.782_771_77, -0.808_675_77],
        ];
        times(lab, times(lms, rgb).map(f32::cbrt))
    }

    fn apart(a: Color32, b: Color32, cones: [[f32; 3]; 3]) -> f32 {
        let (a, b) = (seen(a, cones), seen(b, cones));
        (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f32>().sqrt()
    }

    /// The contrast of two colours, 1 to 21: WCAG 2, section 1.4.3.
    pub(in crate::ui) fn contrast(a: Color32, b: Color32) -> f32 {
        let linear = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        let light = |c: Color32| 0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b());
        let (a, b) = (light(a) + 0.05, light(b) + 0.05);
        (a / b).max(b / a)
    }

    #[test]
    fn text_is_readable_on_every_background() {
        for theme in [&DARK, &LIGHT] {
            let grounds =
                [("window", theme.window), ("panel", theme.panel), ("pane", theme.pane), ("chip", theme.chip)];
            let texts = [
                ("text", theme.text),
                ("dim", theme.dim),
                ("faint", theme.faint),
                ("over", theme.over_text),
                ("record", theme.record),
            ];
            for (ground, behind) in grounds {
                for (name, colour) in texts {
                    let far = contrast(colour, behind);
                    assert!(far >= 4.5, "{name} on {ground}, dark {}: {far:.2}", theme.dark);
                }
            }
            // Text in these colours appears only on panes.
            for (name, colour) in [("accent", theme.accent), ("under", theme.under)] {
                let far = contrast(colour, theme.pane);
                assert!(far >= 4.5, "{name} on a pane, dark {}: {far:.2}", theme.dark);
            }
            // The focus ring, and lines that carry meaning: 3 to 1.
            for (ground, behind) in grounds {
                let far = contrast(theme.accent, behind);
                assert!(far >= 3.0, "the focus ring on {ground}, dark {}: {far:.2}", theme.dark);
            }
            // Figures on a map are readable on every colour of it.
            for amount in 0..=20 {
                let ground = theme.ramp(amount as f32 / 20.0);
                let far = contrast(theme.ink_on(ground), ground);
                assert!(far >= 3.0, "figures on a cell at {amount}, dark {}: {far:.2}", theme.dark);
            }
        }
    }

    #[test]
    fn colours_with_different_meanings_differ_for_colour_blind_people() {
        for theme in [&DARK, &LIGHT] {
            let mut pairs = vec![
                ("over and under the fair share", theme.over, theme.under),
                ("over and fair", theme.over, theme.fair),
                ("under and fair", theme.under, theme.fair),
                ("chosen, and by the bias", theme.chosen, theme.over),
                ("chosen and the highest score", theme.chosen, theme.heat_high),
                ("recording and its ground", theme.record, theme.chip),
            ];
            for (i, colour) in theme.variants.into_iter().enumerate() {
                let far = contrast(colour, theme.pane);
                assert!(far >= 3.0, "variant {i} on a pane, dark {}: {far:.2}", theme.dark);
                // Beyond four variants, shapes distinguish them as well.
                let what = if i < 4 { "two variants" } else { "two of many variants" };
                pairs.extend((0..i).map(|k| (what, colour, theme.variants[k])));
            }
            for (name, cones) in LACKING {
                for &(what, a, b) in &pairs {
                    // Thin lines need more than large areas: about five times the smallest visible difference.
                    let apart = apart(a, b, cones);
                    // In the light theme no two variants are shades of one hue for anybody.
                    let least = match (what, theme.dark) {
                        ("two variants", false) => 0.17,
                        ("two variants", true) => 0.12,
                        _ => 0.1,
                    };
                    assert!(apart > least, "{what} ({a:?}, {b:?}) look alike, {name}, dark {}: {apart:.3}", theme.dark);
                }
            }
        }
    }
}
