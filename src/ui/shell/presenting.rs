//! Presenting to an audience: full screen, larger text, one pane after another, a laser pointer, a spotlight.

use crate::ui::kit::style::{SMALL, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::epaint::CornerRadius;
use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align, Color32, Context, CursorIcon, Frame, Id, Label, LayerId, Layout, Margin, Mesh, Order, Panel, Pos2, Rect,
    RichText, Shape, Stroke, Ui, pos2, vec2,
};
use moebias_files::view::PaneKind;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long the laser's trail stays visible.
const TRAIL: Duration = Duration::from_millis(450);
/// Radius of the laser's glow, points.
const GLOW: f32 = 22.0;

/// How long the strip at the top explains the keys.
const STAYS: Duration = Duration::from_secs(6);
/// How long the explanation takes to fade.
const FADES: Duration = Duration::from_millis(700);
/// Height of the strip with the run's title, points.
const TITLE: f32 = 32.0;
/// Keys that are useful while presenting, and what they do.
const KEYS: [(&str, &str); 5] =
    [("Page Down", "next pane"), ("F", "maximise"), ("Shift+L", "laser"), ("Shift+S", "spotlight"), ("Esc", "leave")];

/// Whether the window presents, and what is pointed with.
#[derive(Default)]
pub struct Presenting {
    /// The window before presenting began; `None` while it does not present.
    before: Option<Before>,
    laser: Option<Laser>,
    spotlight: bool,
}

/// How the window was before presenting, to be restored afterwards, and how presenting goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Whether it filled the screen.
    pub full_screen: bool,
    /// The pane that was maximised.
    pub maximised: Option<PaneKind>,
    /// Whether the settings are shown while presenting.
    controls: bool,
    /// When presenting began.
    since: Instant,
}

impl Presenting {
    /// Begins presenting.
    pub fn enter(&mut self, full_screen: bool, maximised: Option<PaneKind>) {
        self.before = Some(Before { full_screen, maximised, controls: false, since: Instant::now() });
    }

    /// Ends presenting. The caller restores the window as it was before.
    pub fn leave(&mut self) -> Option<Before> {
        let before = self.before.take()?;
        (self.laser, self.spotlight) = (None, false);
        Some(before)
    }

    /// Whether the window presents.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.before.is_some()
    }

    /// Whether the settings are hidden.
    #[must_use]
    pub fn hides_controls(&self) -> bool {
        self.before.is_some_and(|b| !b.controls)
    }

    /// Shows or hides the settings while presenting.
    pub fn toggle_controls(&mut self) {
        if let Some(before) = &mut self.before {
            before.controls = !before.controls;
        }
    }

    /// The panes were rearranged, so no pane is maximised again afterwards.
    pub fn forget_pane(&mut self) {
        if let Some(before) = &mut self.before {
            before.maximised = None;
        }
    }

    /// The laser pointer on or off.
    pub fn toggle_laser(&mut self) {
        self.laser = if self.laser.is_some() { None } else { Some(Laser::default()) };
    }

    /// The spotlight on or off.
    pub fn toggle_spotlight(&mut self) {
        self.spotlight = !self.spotlight;
    }

    /// Switches the laser and the spotlight off. True if either was on.
    pub fn put_down(&mut self) -> bool {
        let had = self.laser.is_some() || self.spotlight;
        (self.laser, self.spotlight) = (None, false);
        had
    }

    /// Whether the laser is on, and whether the spotlight is.
    #[must_use]
    pub fn pointing(&self) -> (bool, bool) {
        (self.laser.is_some(), self.spotlight)
    }

    /// Draws a strip with the run's title in place of the top bar. At its right it explains the keys at first, and later shows the message
    /// `told`.
    pub fn title(&self, ui: &mut Ui, title: &str, told: Option<&str>, theme: &Theme) {
        let strength = self.before.map_or(0.0, |b| keys_shown(ui.ctx(), b.since.elapsed()));
        let frame = Frame::new().fill(theme.panel).inner_margin(Margin::symmetric(14, 0));
        let panel = Panel::top("presented").exact_size(TITLE).resizable(false).show_separator_line(false).frame(frame);
        panel.show(ui, |ui| {
            let edge = ui.max_rect().expand2(vec2(14.0, 0.0));
            ui.painter().hline(edge.x_range(), edge.bottom() - 0.5, Stroke::new(1.0, theme.line));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                crate::ui::kit::icon::mark(ui, 18.0);
                ui.add(Label::new(RichText::new(title).font(semibold(14.0)).color(theme.text)).truncate());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| match told {
                    _ if strength > 0.0 => keys(ui, strength, theme),
                    Some(told) => {
                        crate::ui::kit::words::line(ui, told, text(SMALL), theme.dim);
                    }
                    None => {}
                });
            });
        });
    }

    /// Draws the spotlight and the laser over everything. `lit` is the rectangle of the pane under the pointer.
    pub fn paint(&mut self, ctx: &Context, lit: Option<Rect>, theme: &Theme) {
        if self.spotlight
            && let Some(lit) = lit
        {
            dim_round(ctx, lit, theme);
        }
        if let Some(laser) = &mut self.laser {
            laser.paint(ctx, theme);
        }
    }
}

/// The pane after or before another one. All panes are gone through in order; `None`, which shows them all together, stands between the
/// last and the first.
#[must_use]
pub fn next_pane(order: &[PaneKind], now: Option<PaneKind>, back: bool) -> Option<PaneKind> {
    let at = now.and_then(|kind| order.iter().position(|k| *k == kind));
    match (at, back) {
        (None, false) => order.first().copied(),
        (None, true) => order.last().copied(),
        (Some(i), false) => order.get(i + 1).copied(),
        (Some(i), true) => i.checked_sub(1).and_then(|i| order.get(i).copied()),
    }
}

/// How visible the explanation of the keys is this long after presenting began: 1 at first, 0 once it has faded.
fn keys_shown(ctx: &Context, since: Duration) -> f32 {
    let Some(left) = (STAYS + FADES).checked_sub(since) else { return 0.0 };
    if since < STAYS {
        ctx.request_repaint_after(STAYS - since);
    } else {
        ctx.request_repaint();
    }
    (left.as_secs_f32() / FADES.as_secs_f32()).min(1.0)
}

/// Draws as many of the keys as have room, in a line.
fn keys(ui: &mut Ui, strength: f32, theme: &Theme) {
    let job = |count: usize| {
        let mut job = LayoutJob::default();
        for (i, (key, what)) in KEYS.iter().take(count).enumerate() {
            let space = if i > 0 { 18.0 } else { 0.0 };
            job.append(key, space, TextFormat::simple(mono(SMALL), theme.text.gamma_multiply(strength)));
            job.append(what, 6.0, TextFormat::simple(text(SMALL), theme.dim.gamma_multiply(strength)));
        }
        job
    };
    let room = ui.available_width();
    let fit = (0..=KEYS.len()).rev().map(job).find(|j| ui.painter().layout_job(j.clone()).size().x <= room);
    ui.add(Label::new(fit.unwrap_or_default()).extend());
}

/// Darkens everything outside a rectangle.
fn dim_round(ctx: &Context, lit: Rect, theme: &Theme) {
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("spotlight")));
    let screen = ctx.content_rect();
    let shade = Color32::from_black_alpha(if theme.dark { 170 } else { 120 });
    for part in [
        screen.with_max_y(lit.top()),
        screen.with_min_y(lit.bottom()),
        Rect::from_min_max(pos2(screen.left(), lit.top()), pos2(lit.left(), lit.bottom())),
        Rect::from_min_max(pos2(lit.right(), lit.top()), pos2(screen.right(), lit.bottom())),
    ] {
        painter.rect_filled(part, CornerRadius::ZERO, shade);
    }
}

/// A spot of light under the pointer, and its recent positions.
#[derive(Default)]
struct Laser {
    trail: VecDeque<(Instant, Pos2)>,
}

impl Laser {
    fn paint(&mut self, ctx: &Context, theme: &Theme) {
        let now = Instant::now();
        let pointer = ctx.input(|i| i.pointer.latest_pos().filter(|_| i.pointer.has_pointer()));
        if let Some(at) = pointer {
            // The ordinary cursor would cover the light.
            ctx.set_cursor_icon(CursorIcon::None);
            if self.trail.back().is_none_or(|(_, last)| *last != at) {
                self.trail.push_back((now, at));
            }
        }
        while self.trail.front().is_some_and(|(since, _)| now.duration_since(*since) > TRAIL) {
            self.trail.pop_front();
        }
        let painter = ctx.layer_painter(LayerId::new(Order::Debug, Id::unique("laser")));
        let points: Vec<(f32, Pos2)> = self
            .trail
            .iter()
            .map(|(t, p)| (1.0 - now.duration_since(*t).as_secs_f32() / TRAIL.as_secs_f32(), *p))
            .collect();
        for pair in points.windows(2) {
            let (strength, (from, to)) = (pair[1].0.clamp(0.0, 1.0), (pair[0].1, pair[1].1));
            painter.add(Shape::mesh(stroke(from, to, 3.0 * strength, theme.record.gamma_multiply(0.55 * strength))));
        }
        if let Some(at) = pointer {
            painter.add(Shape::mesh(glow(at, GLOW, theme.record.gamma_multiply(0.5))));
            painter.circle_filled(at, 5.0, theme.record);
            painter.circle_filled(at, 2.0, Theme::mix(theme.record, Color32::WHITE, 0.75));
        }
        if !points.is_empty() {
            // The trail must be drawn again while it fades.
            ctx.request_repaint();
        }
    }
}

/// A disc that fades from its centre to its edge.
fn glow(at: Pos2, radius: f32, colour: Color32) -> Mesh {
    const SIDES: u32 = 32;
    let mut mesh = Mesh::default();
    mesh.colored_vertex(at, colour);
    for i in 0..SIDES {
        let angle = i as f32 / SIDES as f32 * std::f32::consts::TAU;
        mesh.colored_vertex(at + radius * vec2(angle.cos(), angle.sin()), Color32::TRANSPARENT);
        mesh.add_triangle(0, 1 + i, 1 + (i + 1) % SIDES);
    }
    mesh
}

fn stroke(from: Pos2, to: Pos2, half: f32, colour: Color32) -> Mesh {
    let across = (to - from).normalized().rot90() * half;
    let mut mesh = Mesh::default();
    for at in [from + across, from - across, to + across, to - across] {
        mesh.colored_vertex(at, colour);
    }
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(1, 2, 3);
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_follow_each_other_and_come_round() {
        let order = [PaneKind::Assignment, PaneKind::Load, PaneKind::Bias];
        let mut now = None;
        let mut seen = vec![];
        for _ in 0..4 {
            now = next_pane(&order, now, false);
            seen.push(now);
        }
        assert_eq!(seen, [Some(order[0]), Some(order[1]), Some(order[2]), None]);
        assert_eq!(next_pane(&order, None, true), Some(PaneKind::Bias));
        assert_eq!(next_pane(&order, Some(PaneKind::Assignment), true), None);
        assert_eq!(next_pane(&order, Some(PaneKind::Theory), false), Some(order[0]), "one that has no place here");
    }
}
