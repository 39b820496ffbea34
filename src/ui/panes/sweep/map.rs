//! The map: a colour per cell, values along both sides, marks of the values that papers chose, and a colour bar.

use super::Spot;
use super::grid::Grid;
use super::scale::{label, labelled, place, short};
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::words::fitted;
use eframe::egui::{
    Align2, Color32, CornerRadius, Pos2, Rect, Response, Shape, Stroke, StrokeKind, Ui, epaint, pos2, vec2,
};
use moebias_model::sweep::Measure;

/// Space below for values and the name of the setting, above for marks, and on the right for the colour bar, in points.
const BELOW: f32 = 34.0;
const ABOVE: f32 = 12.0;
const RIGHT: f32 = 58.0;
/// Width of the colour bar, in points.
const BAR: f32 = 10.0;
/// Space for the name of the vertical axis, in points.
const NAME: f32 = 18.0;

/// Draws the map. Returns the cell under the pointer, and the words of the mark under the pointer.
pub(super) fn show(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    response: &Response,
    grid: &Grid,
    cursor: Option<Spot>,
) -> (Option<Spot>, Option<&'static str>) {
    let painter = ui.painter();
    let widest = |values: &[moebias_model::sweep::Value]| {
        let width = |v: &_| painter.layout_no_wrap(label(*v), mono(TINY), theme.faint).size().x;
        values.iter().map(width).fold(0.0f32, f32::max)
    };
    let left = grid.y.as_ref().map_or(0.0, |y| widest(&y.values).min(rect.width() * 0.25) + NAME + 14.0);
    let frame = Rect::from_min_max(rect.min + vec2(left, ABOVE), rect.max - vec2(RIGHT, BELOW));
    if frame.width() < 20.0 || frame.height() < 10.0 {
        return (None, None);
    }
    let (columns, rows) = (grid.columns(), grid.rows());
    let size = vec2(frame.width() / columns as f32, frame.height() / rows as f32);
    let middle = |column: f32, row: f32| {
        let y = (row + 0.5) * size.y;
        let y = if grid.downwards() { frame.top() + y } else { frame.bottom() - y };
        pos2(frame.left() + (column + 0.5) * size.x, y)
    };
    cells(ui, theme, frame, grid, size, &middle);
    numbers(ui, theme, rect, frame, grid, &middle);
    bar(ui, theme, frame, grid);
    let pointer = response.hover_pos();
    let told = marks(ui, theme, frame, grid, pointer, &middle);
    let spot = pointer.filter(|p| frame.contains(*p)).map(|p| {
        let column = (((p.x - frame.left()) / size.x) as usize).min(columns - 1);
        let from = if grid.downwards() { p.y - frame.top() } else { frame.bottom() - p.y };
        Spot { column, row: ((from / size.y) as usize).min(rows - 1) }
    });
    let focused = cursor.filter(|_| response.has_focus());
    for at in [focused, spot].into_iter().flatten() {
        let cell = Rect::from_center_size(middle(at.column as f32, at.row as f32), size);
        painter.rect_stroke(cell, CornerRadius::same(2), Stroke::new(2.0, theme.text), StrokeKind::Middle);
    }
    (spot, told)
}

fn cells(
    ui: &Ui,
    theme: &Theme,
    frame: Rect,
    grid: &Grid,
    size: eframe::egui::Vec2,
    middle: &impl Fn(f32, f32) -> Pos2,
) {
    let gap = if size.min_elem() >= 6.0 { 0.5 } else { 0.0 };
    let mut mesh = epaint::Mesh::default();
    let mut signs = vec![];
    for row in 0..grid.rows() {
        for column in 0..grid.columns() {
            let i = grid.at(column, row);
            let cell = Rect::from_center_size(middle(column as f32, row as f32), size).shrink(gap);
            let Some(spread) = grid.spreads[i] else {
                // No run of this cell is done yet.
                if gap > 0.0 {
                    signs.push(Shape::rect_stroke(cell, 0.0, Stroke::new(1.0, theme.grid), StrokeKind::Inside));
                }
                continue;
            };
            let Some(median) = spread.median else {
                hatch(theme, cell, &mut mesh, &mut signs);
                continue;
            };
            let colour = grid.colour(theme, median);
            mesh.add_colored_rect(cell, colour);
            let most = cell.shrink(1.0).width().min(cell.height() - 2.0).min(14.0) / 2.0;
            if !grid.settled[i] && most >= 2.0 {
                let (c, d) = (cell.center(), vec2(most, -most) * 0.7);
                signs.push(Shape::line_segment([c - d, c + d], Stroke::new(1.5, theme.ink_on(colour))));
            }
        }
    }
    let painter = ui.painter().with_clip_rect(frame.expand(1.0));
    painter.add(Shape::mesh(mesh));
    painter.extend(signs);
}

/// Draws a cell without a value: grey and hatched, so that it is not mistaken for a value.
fn hatch(theme: &Theme, cell: Rect, mesh: &mut epaint::Mesh, signs: &mut Vec<Shape>) {
    let ground = Theme::mix(theme.pane, theme.fair, 0.16);
    if cell.width().min(cell.height()) < 4.0 {
        return mesh.add_colored_rect(cell, Theme::mix(theme.pane, theme.fair, 0.4));
    }
    mesh.add_colored_rect(cell, ground);
    let stroke = Stroke::new(1.0, Theme::mix(theme.pane, theme.fair, 0.6));
    let every = 6.0;
    // Lines that rise from the left or bottom edge to the top or right edge. On each, x + y is constant.
    let first = ((cell.left() + cell.top()) / every).ceil() as i32;
    let last = ((cell.right() + cell.bottom()) / every).floor() as i32;
    for sum in (first..=last).map(|i| i as f32 * every) {
        let left = (sum - cell.bottom()).max(cell.left());
        let right = (sum - cell.top()).min(cell.right());
        if right - left > 0.5 {
            signs.push(Shape::line_segment([pos2(left, sum - left), pos2(right, sum - right)], stroke));
        }
    }
}

/// Draws the values along both sides and the names of the settings.
fn numbers(ui: &Ui, theme: &Theme, rect: Rect, frame: Rect, grid: &Grid, middle: &impl Fn(f32, f32) -> Pos2) {
    let painter = ui.painter();
    below(ui, theme, frame, grid, |i| middle(i as f32, 0.0).x);
    painter.text(
        pos2(frame.center().x, frame.bottom() + BELOW - 1.0),
        Align2::CENTER_BOTTOM,
        grid.x.parameter.title(),
        text(TINY),
        theme.dim,
    );
    let Some(y) = &grid.y else { return };
    for i in labelled(y.values.len(), frame.height() / 14.0) {
        let at = pos2(frame.left() - 10.0, middle(0.0, i as f32).y);
        let galley = short_galley(ui, theme, &label(y.values[i]), frame.left() - rect.left() - NAME - 10.0);
        painter.galley(at - vec2(galley.size().x, galley.size().y / 2.0), galley, theme.faint);
    }
    let (name, _) = fitted(ui, y.parameter.title(), &text(TINY), theme.dim, frame.height());
    let at = pos2(rect.left(), (frame.center().y + name.size().x / 2.0).min(rect.bottom()));
    painter.add(epaint::TextShape::new(at, name, theme.dim).with_angle(-std::f32::consts::FRAC_PI_2));
}

/// The text of a label, truncated to `width`.
fn short_galley(ui: &Ui, theme: &Theme, words: &str, width: f32) -> std::sync::Arc<eframe::egui::Galley> {
    let mut job = eframe::egui::text::LayoutJob::simple_singleline(words.into(), mono(TINY), theme.faint);
    job.wrap = eframe::egui::text::TextWrapping::truncate_at_width(width.max(12.0));
    ui.painter().layout_job(job)
}

/// Draws the values of the horizontal axis below a frame; `x_of` gives the position of each.
pub(super) fn below(ui: &Ui, theme: &Theme, frame: Rect, grid: &Grid, x_of: impl Fn(usize) -> f32) {
    let painter = ui.painter();
    let words: Vec<String> = grid.x.values.iter().map(|v| label(*v)).collect();
    let names = words.iter().any(|w| w.chars().any(char::is_alphabetic) && !w.contains("e-"));
    let slot = frame.width() / words.len().max(1) as f32;
    let width = |w: &String| painter.layout_no_wrap(w.clone(), mono(TINY), theme.faint).size().x + 12.0;
    let widest = if names { slot } else { words.iter().map(width).fold(8.0f32, f32::max) };
    for i in labelled(words.len(), frame.width() / widest) {
        let galley = short_galley(ui, theme, &words[i], if names { slot - 4.0 } else { f32::INFINITY });
        // The outermost labels stay inside the frame.
        let half = galley.size().x / 2.0;
        let x = x_of(i).max(frame.left() + half).min(frame.right() - half);
        painter.galley(pos2(x - half, frame.bottom() + 3.0), galley, theme.faint);
    }
}

/// Draws the colour bar.
fn bar(ui: &Ui, theme: &Theme, frame: Rect, grid: &Grid) {
    let painter = ui.painter();
    let any = grid.spreads.iter().flatten().any(|s| s.median.is_some());
    let place = Rect::from_x_y_ranges(frame.right() + 10.0..=frame.right() + 10.0 + BAR, frame.y_range());
    let mut mesh = epaint::Mesh::default();
    let n = 32;
    for i in (0..n).filter(|_| any) {
        let y = |i: usize| eframe::egui::lerp(place.bottom()..=place.top(), i as f32 / n as f32);
        let share = (i as f32 + 0.5) / n as f32;
        let better = grid.measure.less_is_better() == Some(true);
        let colour = theme.ramp(if better { 1.0 - share } else { share });
        mesh.add_colored_rect(Rect::from_x_y_ranges(place.x_range(), y(i + 1)..=y(i)), colour);
    }
    painter.add(Shape::mesh(mesh));
    for v in grid.scale.ticks(frame.height() / 48.0).into_iter().filter(|_| any) {
        let y = eframe::egui::lerp(place.bottom()..=place.top(), grid.scale.share(v));
        let y = y.clamp(place.top() + 5.0, place.bottom() - 5.0);
        painter.text(pos2(place.right() + 5.0, y), Align2::LEFT_CENTER, short(v), mono(TINY), theme.faint);
    }
    // The key to the hatching (no value), or to the stroke (not settled).
    let without = grid.spreads.iter().flatten().any(|s| s.median.is_none());
    let unsettled =
        (0..grid.cells.len()).any(|i| grid.spreads[i].is_some_and(|s| s.median.is_some()) && !grid.settled[i]);
    if !without && !unsettled {
        return;
    }
    let settling = grid.measure == Measure::Settling;
    let words = match (without, settling) {
        (true, true) => grid.not_within(),
        (true, false) => "none".into(),
        _ => format!("settled {}", grid.not_within()),
    };
    let galley = painter.layout_no_wrap(words, text(TINY), theme.dim);
    let right = frame.right() + RIGHT;
    let swatch = Rect::from_min_size(pos2(right - galley.size().x - 18.0, frame.bottom() + 19.0), vec2(14.0, 10.0));
    let (mut mesh, mut signs) = (epaint::Mesh::default(), vec![]);
    if without {
        hatch(theme, swatch, &mut mesh, &mut signs);
    } else {
        let (c, d) = (swatch.center(), vec2(4.0, -4.0));
        signs.push(Shape::line_segment([c - d, c + d], Stroke::new(1.5, theme.text)));
    }
    painter.add(Shape::mesh(mesh));
    painter.extend(signs);
    painter.galley(pos2(swatch.right() + 4.0, swatch.center().y - galley.size().y / 2.0), galley, theme.dim);
}

/// Marks the values that papers chose: a triangle at the edge, a dashed hairline across, and a ring where two hairlines cross. Returns the
/// words of the mark under the pointer.
fn marks(
    ui: &Ui,
    theme: &Theme,
    frame: Rect,
    grid: &Grid,
    pointer: Option<Pos2>,
    middle: &impl Fn(f32, f32) -> Pos2,
) -> Option<&'static str> {
    let painter = ui.painter();
    let mut told = None;
    let on = |at: Pos2| pointer.is_some_and(|p| p.distance(at) < 10.0);
    let hair = Stroke::new(1.0, theme.text.gamma_multiply(0.35));
    let xs: Vec<_> = grid.published[0].iter().filter_map(|p| Some((place(&grid.x, p.value)?, p.words))).collect();
    for &(i, words) in &xs {
        let at = pos2(middle(i, 0.0).x, frame.top() - 2.0);
        painter.extend(Shape::dashed_line(&[at, pos2(at.x, frame.bottom())], hair, 2.0, 3.0));
        triangle(ui, at, vec2(0.0, 1.0), theme.accent);
        told = told.or(on(at - vec2(0.0, 4.0)).then_some(words));
    }
    let Some(y) = &grid.y else { return told };
    let ys: Vec<_> = grid.published[1].iter().filter_map(|p| Some((place(y, p.value)?, p.words))).collect();
    for &(j, words) in &ys {
        let at = pos2(frame.left() - 2.0, middle(0.0, j).y);
        painter.extend(Shape::dashed_line(&[at, pos2(frame.right(), at.y)], hair, 2.0, 3.0));
        triangle(ui, at, vec2(1.0, 0.0), theme.accent);
        told = told.or(on(at - vec2(4.0, 0.0)).then_some(words));
        for &(i, _) in &xs {
            painter.circle_stroke(middle(i, j), 5.0, Stroke::new(2.0, theme.text));
            painter.circle_stroke(middle(i, j), 3.5, Stroke::new(1.0, theme.pane));
        }
    }
    told
}

/// A small triangle with its tip at `tip`, pointing in direction `way`.
pub(super) fn triangle(ui: &Ui, tip: Pos2, way: eframe::egui::Vec2, colour: Color32) {
    let side = vec2(way.y, way.x) * 4.0;
    let base = tip - way * 7.0;
    ui.painter().add(Shape::convex_polygon(vec![tip, base + side, base - side], colour, Stroke::NONE));
}
