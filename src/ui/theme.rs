//! Colours and spacing: the one place for both. Few colours, each with one meaning; both themes are designed.

use eframe::egui::{Color32, Context};

/// Corner radius of panes.
pub const PANE_RADIUS: u8 = 8;
/// Gap between panes.
pub const GAP: f32 = 8.0;
/// Padding within a pane.
pub const PADDING: f32 = 12.0;
/// Height of a pane's header.
pub const HEADER: f32 = 24.0;
/// Height of a row of controls.
pub const ROW: f32 = 26.0;

/// Every colour there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theme {
    /// Whether it is the dark one.
    pub dark: bool,
    /// Behind everything.
    pub window: Color32,
    /// Top bar, side panel, transport.
    pub panel: Color32,
    /// Behind data.
    pub pane: Color32,
    /// Borders, 1 px.
    pub line: Color32,
    /// Grid lines in plots.
    pub grid: Color32,
    /// Buttons and fields.
    pub chip: Color32,
    /// Text.
    pub text: Color32,
    /// Secondary text; ≥ 4.5:1 on panels and panes.
    pub dim: Color32,
    /// Tertiary text; ≥ 4.5:1 on panels and panes.
    pub faint: Color32,
    /// Chosen or pinned.
    pub accent: Color32,
    /// Over the fair share, or moved by the bias: as a fill.
    pub over: Color32,
    /// The same as text, ≥ 4.5:1.
    pub over_text: Color32,
    /// Under the fair share.
    pub under: Color32,
    /// At the fair share: as a fill.
    pub fair: Color32,
    /// The heatmap's lowest score.
    pub heat_low: Color32,
    /// The heatmap's highest score.
    pub heat_high: Color32,
    /// A chosen cell.
    pub chosen: Color32,
    /// The middle of the diverging map.
    pub middle: Color32,
    /// Recording.
    pub record: Color32,
    /// Four hues for variants in Compare, evenly spaced in OkLCH.
    pub variants: [Color32; 4],
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
    variants: [hex(0x8ab4ff), hex(0xe59bd0), hex(0xd9b45c), hex(0x5ccdb0)],
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
    faint: hex(0x667283),
    accent: hex(0x2f6fe0),
    over: hex(0xc9651b),
    over_text: hex(0xad4f0c),
    under: hex(0x1f78c8),
    fair: hex(0x8b95a5),
    heat_low: hex(0xffffff),
    heat_high: hex(0xa9c6ea),
    chosen: hex(0x2f6fe0),
    middle: hex(0xf3f5f8),
    record: hex(0xd13f3f),
    variants: [hex(0x2f6fe0), hex(0xa8428e), hex(0x8a6400), hex(0x00806a)],
};

impl Theme {
    /// The theme in force.
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

    /// The single-hue ramp for amounts in [0, 1].
    #[must_use]
    pub fn heat(&self, amount: f32) -> Color32 {
        Self::mix(self.heat_low, self.heat_high, amount)
    }

    /// The single-hue ramp over its full range, for maps whose colours are read by themselves.
    #[must_use]
    pub fn ramp(&self, amount: f32) -> Color32 {
        let (low, high) = (Self::mix(self.heat_low, self.heat_high, 0.35), self.chosen);
        if amount < 0.5 {
            Self::mix(low, self.heat_high, amount * 2.0)
        } else {
            Self::mix(self.heat_high, high, amount * 2.0 - 1.0)
        }
    }

    /// What can be read on a colour of a map: this theme's text, or its ground.
    #[must_use]
    pub fn ink_on(&self, ground: Color32) -> Color32 {
        let light = |c: Color32| 0.3 * f32::from(c.r()) + 0.59 * f32::from(c.g()) + 0.11 * f32::from(c.b());
        let far = |c: Color32| (light(c) - light(ground)).abs();
        if far(self.text) >= far(self.window) { self.text } else { self.window }
    }

    /// The diverging map: −1 is far under, 0 is fair, 1 is far over.
    #[must_use]
    pub fn diverging(&self, value: f32) -> Color32 {
        Self::mix(self.middle, if value < 0.0 { self.under } else { self.over }, value.abs())
    }
}
