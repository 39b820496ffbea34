//! Shows what a lesson points at: four corners around a control or a pane, which swell once and then stand still (a closed ring marks the
//! keyboard focus), or an expert or a token that is pinned.

use crate::ui::kit::spots;
use crate::ui::kit::theme::Theme;
use crate::ui::link::Link;
use eframe::egui::{Context, CornerRadius, Id, LayerId, Order, Painter, Rect, Shape, Stroke, StrokeKind, Ui, vec2};
use moebias_files::lesson::{Control, Highlight, Which};
use moebias_files::view::PaneKind;
use moebias_lab::Lab;

/// Duration of the animation, seconds.
const BREATH: f64 = 1.6;

/// What the current page points at, and since when.
#[derive(Default)]
pub struct Spotlight {
    /// The number of the page turn that it belongs to.
    turned: Option<u64>,
    since: f64,
    /// The number of frames in which the controls are still scrolled into view.
    scroll: u8,
    /// Whether an expert or a token waits for its run to be up to date.
    waits: bool,
    /// Whether it has pinned something; it unpins nothing else.
    pinned: bool,
}

/// The names of a control on screen.
fn names(control: Control) -> &'static [&'static str] {
    match control {
        Control::Batch => &["Batch"],
        Control::Topics => &["Topics"],
        Control::Skew => &["Skew"],
        Control::Noise => &["Noise"],
        Control::Drift => &["Drift"],
        Control::Burst => &["Burst"],
        Control::TokenSource => &["Token source"],
        Control::Gate => &["Gate"],
        Control::Experts => &["Experts"],
        Control::TopK => &["K"],
        Control::Preset => &["Model"],
        Control::Rule => &["Rule"],
        Control::Step => &["Step size u", "Step size λ", "Gain Kᵢ", "Step size μ"],
        Control::Schedule => &["Schedule"],
        Control::Auxiliary => &["Auxiliary loss"],
        Control::Alpha => &["α"],
        Control::Play => &["Play or pause"],
        Control::Speed => &["Speed"],
        Control::Reset => &["Reset"],
        Control::ResetBiases => &["Reset biases"],
        Control::Compare => &["Compare"],
        Control::Layer => &["Layer"],
        Control::Remedy => &["Remedy"],
    }
}

impl Spotlight {
    /// Requests the positions of the controls that the page points at. Must be called before anything is drawn. True when a page has just
    /// been turned.
    pub fn begin(&mut self, ctx: &Context, lab: &Lab, link: &mut Link) -> bool {
        let running = lab.lesson();
        let turned = running.map(|r| r.turned);
        let fresh = turned != self.turned;
        if fresh {
            self.turned = turned;
            self.since = ctx.input(|i| i.time);
            self.scroll = 4;
            if std::mem::take(&mut self.pinned) {
                (link.pinned_expert, link.pinned_token) = (None, None);
            }
            let highlight = running.and_then(|r| r.page()).map(|p| p.highlight.as_slice()).unwrap_or_default();
            self.waits = highlight.iter().any(|h| matches!(h, Highlight::Expert(_) | Highlight::Token(_)));
            let named = highlight.iter().filter_map(|h| if let Highlight::Control(c) = h { Some(*c) } else { None });
            let list: Vec<&'static str> = named.flat_map(|c| names(c).iter().copied()).collect();
            spots::want(ctx, list);
        } else if self.scroll > 0 {
            self.scroll -= 1;
            if self.scroll == 0 {
                spots::stop_scrolling(ctx);
            }
        }
        if self.scroll > 0 {
            ctx.request_repaint();
        }
        fresh && turned.is_some()
    }

    /// Draws the corners, and pins what waits for its run. Must be called after everything else is drawn.
    pub fn show(
        &mut self,
        ui: &Ui,
        lab: &Lab,
        panes: impl Fn(PaneKind) -> Option<Rect>,
        link: &mut Link,
        theme: &Theme,
    ) {
        let Some(page) = lab.lesson().and_then(|r| r.page()) else { return };
        if self.waits && lab.is_up_to_date() {
            self.pin(&page.highlight, lab, link);
        }
        let ctx = ui.ctx();
        let mut rects: Vec<(Rect, u8)> = vec![];
        for h in &page.highlight {
            match h {
                Highlight::Pane(p) => rects.extend(panes(*p).map(|r| (r, 9))),
                Highlight::Control(c) => rects.extend(names(*c).iter().filter_map(|n| found(ctx, n)).map(|r| (r, 7))),
                _ => {}
            }
        }
        if rects.is_empty() {
            return;
        }
        let age = ctx.input(|i| i.time) - self.since;
        let breath = ((1.0 - age / BREATH).clamp(0.0, 1.0)) as f32;
        // The corners swell once and return.
        let swell = (breath * std::f32::consts::PI).sin() * breath;
        let painter = ctx.layer_painter(LayerId::new(Order::Middle, Id::unique("spotlight")));
        for (rect, radius) in rects {
            let ring = rect.expand(3.0 + 7.0 * swell);
            corners(&painter, ring, Stroke::new(3.0, theme.accent));
            if swell > 0.0 {
                let halo = Stroke::new(5.0, theme.accent.gamma_multiply(0.35 * swell));
                painter.rect_stroke(ring.expand(2.0), CornerRadius::same(radius + 3), halo, StrokeKind::Outside);
            }
        }
        if breath > 0.0 {
            ctx.request_repaint();
        }
    }

    fn pin(&mut self, highlight: &[Highlight], lab: &Lab, link: &mut Link) {
        let Some(loads) = lab.snapshot().variants.get(link.variant).map(|v| &v.loads).filter(|l| !l.is_empty()) else {
            return;
        };
        for h in highlight {
            match h {
                Highlight::Expert(which) => {
                    let by_load = |i: &usize| loads.get(*i).copied();
                    let expert = match which {
                        Which::Busiest => (0..loads.len()).max_by_key(by_load),
                        Which::Emptiest => (0..loads.len()).min_by_key(by_load),
                        Which::Number(n) => Some(*n as usize).filter(|n| *n < loads.len()),
                    };
                    link.pinned_expert = expert;
                }
                Highlight::Token(n) => link.pinned_token = Some((*n).min(lab.snapshot().batch.saturating_sub(1))),
                _ => {}
            }
        }
        self.pinned = true;
        self.waits = false;
    }
}

/// The four corners of a rectangle.
fn corners(painter: &Painter, rect: Rect, stroke: Stroke) {
    let long = (rect.size().min_elem() * 0.34).clamp(8.0, 26.0);
    for (corner, across, down) in [
        (rect.left_top(), 1.0, 1.0),
        (rect.right_top(), -1.0, 1.0),
        (rect.right_bottom(), -1.0, -1.0),
        (rect.left_bottom(), 1.0, -1.0),
    ] {
        let bent = vec![corner + vec2(across * long, 0.0), corner, corner + vec2(0.0, down * long)];
        painter.add(Shape::line(bent, stroke));
    }
}

/// The rectangle of a widget with this name, if it was drawn in this pass.
fn found(ctx: &Context, name: &str) -> Option<Rect> {
    let at = spots::found(ctx, name);
    at.filter(|(pass, rect)| *pass == ctx.cumulative_pass_nr() && rect.is_positive()).map(|(_, rect)| rect)
}
