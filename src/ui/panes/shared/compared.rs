//! What panes that show several variants share: colours and names of variants, and the switch between one variant, all variants and the
//! difference of two.

use super::mode::mode;
use crate::ui::kit::style::{SMALL, TINY, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::words::shortened;
use crate::ui::link::Side;
use crate::ui::panes::PaneContext;
use eframe::egui::{self, Align2, Color32, Rect, Sense, Ui, pos2, vec2};
use moebias_engine::view::MOST_BESIDE;

/// Height of the strip with a variant's name above its part of a pane, in points.
pub(in crate::ui::panes) const STRIP: f32 = 16.0;
/// If less than this width is left in a header, the switch is a menu, in points.
pub(in crate::ui::panes) const NARROW: f32 = 330.0;

/// The number of variants.
pub(in crate::ui::panes) fn count(cx: &PaneContext<'_>) -> usize {
    cx.lab.snapshot().variants.len()
}

/// How the panes show the variants: [`Side::One`] if there is only one.
pub(in crate::ui::panes) fn side(cx: &PaneContext<'_>) -> Side {
    if count(cx) > 1 { cx.link.side } else { Side::One }
}

/// The colour of a variant; the accent colour if there is only one. It is faded while the pointer is on another variant.
#[must_use]
pub(in crate::ui::panes) fn colour(cx: &PaneContext<'_>, variant: usize) -> Color32 {
    let theme = cx.theme;
    if count(cx) < 2 {
        return theme.accent;
    }
    let own = theme.variants[variant % theme.variants.len()];
    match cx.link.hovered_variant {
        Some(v) if v != variant => Theme::mix(theme.pane, own, 0.35),
        _ => own,
    }
}

/// The shape that identifies a variant in addition to its colour. Neighbouring variants have different shapes, and so do variants that
/// share a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ui::panes) enum Mark {
    Disc,
    Square,
    Triangle,
    Diamond,
}

impl Mark {
    /// The shape of a variant.
    pub(in crate::ui::panes) fn of(variant: usize) -> Self {
        [Self::Disc, Self::Square, Self::Triangle, Self::Diamond][(variant + variant / 4) % 4]
    }

    /// Draws the shape with a thin rim, so that it stands out from the curve it lies on.
    pub(in crate::ui::panes) fn draw(
        self,
        painter: &egui::Painter,
        at: egui::Pos2,
        radius: f32,
        colour: Color32,
        rim: Color32,
    ) {
        let stroke = egui::Stroke::new(1.0, rim);
        let corners = |all: &[(f32, f32)]| all.iter().map(|&(x, y)| at + radius * vec2(x, y)).collect::<Vec<_>>();
        let shape = match self {
            Self::Disc => {
                painter.circle(at, radius, colour, stroke);
                return;
            }
            Self::Square => corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Self::Triangle => corners(&[(0.0, -1.15), (1.1, 0.85), (-1.1, 0.85)]),
            Self::Diamond => corners(&[(0.0, -1.3), (1.15, 0.0), (0.0, 1.3), (-1.15, 0.0)]),
        };
        painter.add(egui::Shape::convex_polygon(shape, colour, stroke));
    }
}

/// The variant's shape and the variant itself, if there are several to tell apart.
pub(in crate::ui::panes) fn mark(cx: &PaneContext<'_>, variant: usize) -> Option<(Mark, usize)> {
    (count(cx) > 1).then(|| (Mark::of(variant), variant))
}

/// The name of a variant.
pub(in crate::ui::panes) fn name(cx: &PaneContext<'_>, variant: usize) -> String {
    cx.lab.snapshot().experiment.variants.get(variant).map(|v| v.name.to_string()).unwrap_or_default()
}

/// A variant's name in at most `room` points: the whole name if it fits, otherwise the longest part at its start, or else at its end, that
/// no other name contains, and otherwise a shortened name. `wide` measures text.
pub(in crate::ui::panes) fn telling(names: &[String], which: usize, room: f32, wide: impl Fn(&str) -> f32) -> String {
    let Some(name) = names.get(which) else { return String::new() };
    if wide(name) <= room {
        return name.clone();
    }
    let parts: Vec<&str> = name.split(", ").collect();
    let from_start = (1..parts.len()).rev().map(|n| parts[..n].join(", "));
    let to_end = (1..parts.len()).map(|n| parts[n..].join(", "));
    let others = || names.iter().enumerate().filter(|(i, _)| *i != which);
    let tells = |part: &String| wide(part) <= room && others().all(|(_, o)| !o.contains(part.as_str()));
    from_start.chain(to_end).find(tells).unwrap_or_else(|| shortened(name, room, wide))
}

/// The names of all variants, in order.
pub(in crate::ui::panes) fn names(cx: &PaneContext<'_>) -> Vec<String> {
    (0..count(cx)).map(|v| name(cx, v)).collect()
}

/// The variants shown side by side, in order: the first [`MOST_BESIDE`], where the variant shown takes the place of the last if it is not
/// among them.
pub(in crate::ui::panes) fn beside(cx: &PaneContext<'_>) -> Vec<usize> {
    let (all, shown) = (count(cx), cx.link.variant);
    let mut out: Vec<usize> = (0..all).filter(|v| *v != shown).take(MOST_BESIDE - 1).chain([shown]).collect();
    out.sort_unstable();
    out
}

/// The switch in a header between one variant, several and, where the pane can show it (`difference`), the difference of two. `beside` is
/// the name of the second. It is a menu if less than `narrow` points are left, and is not drawn if there is only one variant.
pub(in crate::ui::panes) fn switch(
    ui: &mut Ui,
    cx: &mut PaneContext<'_>,
    (beside, difference): (&str, bool),
    narrow: f32,
) {
    if count(cx) < 2 {
        return;
    }
    let other = cx.link.other(count(cx)).map(|o| name(cx, o)).unwrap_or_default();
    let tips = [
        (Side::One, "One", format!("{} alone", name(cx, cx.link.variant))),
        (Side::Beside, beside, "All variants, on the same tokens and the same steps".to_owned()),
        (Side::Difference, "Difference", format!("{} less {other}", name(cx, cx.link.variant))),
    ];
    let sides = &tips[..if difference { 3 } else { 2 }];
    let is = |s: Side| s == cx.link.side || (!difference && s == Side::Beside && cx.link.side == Side::Difference);
    let now = sides.iter().find(|s| is(s.0)).map_or("", |s| s.1);
    let mut chosen = None;
    if ui.available_width() < narrow {
        let label = egui::RichText::new(format!("{now}  ▾")).font(text(SMALL)).color(cx.theme.text);
        let menu = ui.add(egui::Button::new(label).min_size(vec2(0.0, 22.0)));
        menu.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Variants: {now}")));
        egui::Popup::menu(&menu).show(|ui| {
            for (side, name, tip) in sides {
                if ui.selectable_label(is(*side), *name).on_hover_text(tip).clicked() {
                    chosen = Some(*side);
                }
            }
        });
    } else {
        for (side, name, tip) in sides.iter().rev() {
            if mode(ui, cx.theme, name, is(*side), tip) {
                chosen = Some(*side);
            }
        }
    }
    ui.add_space(6.0);
    cx.link.side = chosen.unwrap_or(cx.link.side);
}

/// A variant's shape and name above its part of a pane, with `more` at the right. A click makes it the variant shown by panes that show
/// only one.
pub(in crate::ui::panes) fn strip(ui: &Ui, cx: &mut PaneContext<'_>, rect: Rect, variant: usize, more: &str) {
    let theme = cx.theme;
    let id = ui.scope_id().with(("variant", variant));
    let response = ui.interact(rect, id, Sense::click());
    let name = name(cx, variant);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, cx.link.variant == variant, &name));
    if response.hovered() {
        cx.link.hover_variant(variant);
    }
    let (shown, colour) = (cx.link.variant == variant, colour(cx, variant));
    let painter = ui.painter().with_clip_rect(rect);
    Mark::of(variant).draw(&painter, pos2(rect.left() + 4.0, rect.center().y), 3.5, colour, theme.pane);
    let words = if shown { theme.text } else { theme.dim };
    let right = if more.is_empty() {
        rect.right()
    } else {
        painter
            .text(rect.right_center(), Align2::RIGHT_CENTER, more, crate::ui::kit::style::mono(TINY), theme.dim)
            .left()
    };
    // A name cut to a few points would be useless, so a narrow strip has only the shape and a tooltip.
    let lay = |w: &str| ui.painter().layout_no_wrap(w.to_owned(), text(TINY), words);
    let room = if rect.width() < 60.0 { 0.0 } else { (right - rect.left() - 18.0).max(8.0) };
    let short = if room > 0.0 { telling(&names(cx), variant, room, |w| lay(w).size().x) } else { String::new() };
    let galley = lay(&short);
    painter.galley(pos2(rect.left() + 12.0, rect.center().y - galley.size().y / 2.0), galley, words);
    if response.on_hover_text(format!("{name}\nClick to make it the one that panes of one variant show")).clicked() {
        cx.link.variant = variant;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_whole_or_tells_its_variant_apart() {
        let names = ["Sign, u = 0.001", "RMS, u = 0.001", "SMEBU, λ = 0.0005", "Sign, u = 0.01"].map(str::to_owned);
        let of = |which: usize, room: f32| telling(&names, which, room, |w| w.chars().count() as f32);
        assert_eq!(of(1, 20.0), "RMS, u = 0.001");
        assert_eq!(of(1, 10.0), "RMS", "not “u = 0.001”, which two others have");
        assert_eq!(of(2, 10.0), "SMEBU");
        assert_eq!(of(3, 10.0), "u = 0.01", "“Sign” is another one too");
    }
}
