//! The table itself: a column per variant, a row per setting or figure.

use super::super::PaneContext;
use super::super::shared::compared;
use super::rows::Row;
use super::settings::Difference;
use crate::ui::kit::glossary::explain;
use crate::ui::kit::style::{SMALL, TINY, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::words::fitted;
use eframe::egui::{self, Align2, Color32, FontId, Galley, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_material_icons::icons::ICON_STAR;
use moebias_model::figures::Figures;
use std::sync::Arc;
use strum::IntoEnumIterator as _;

/// Width of the names.
const NAMES: f32 = 180.0;
/// The range of a column's width at the smallest size.
const COLUMN: (f32, f32) = (90.0, 260.0);
/// Height of the variants' names.
const HEAD: f32 = 24.0;
/// Height of a row.
const ROW: f32 = 19.0;
/// The greatest magnification of the table in a large pane.
const LARGEST: f32 = 1.9;
/// The width that a column needs at the smallest size before the table is magnified.
const ROOMY: f32 = 150.0;
/// The least height of a row.
const CLOSEST: f32 = 14.0;
/// The space between settings and figures.
const BETWEEN: f32 = 6.0;
/// The positions of a star and of the end of a figure, from the left of the column.
const STAR: f32 = 10.0;
const FIGURE: f32 = 74.0;
/// The position at which a variant's name begins, from the left of the column.
const HEAD_AT: f32 = 19.0;

/// The layout of the table.
struct Places {
    rect: Rect,
    width: f32,
    count: usize,
    /// Height of the variants' names.
    head: f32,
    /// Height of a row.
    height: f32,
    /// The magnification, relative to the smallest size.
    scale: f32,
}

impl Places {
    fn column(&self, i: usize) -> Rect {
        let left = self.rect.left() + NAMES * self.scale + i as f32 * self.width;
        Rect::from_x_y_ranges(left..=left + self.width, self.rect.y_range())
    }

    fn row(&self, top: f32) -> Rect {
        Rect::from_min_size(pos2(self.rect.left(), top), vec2(self.rect.width(), self.height))
    }
}

/// Draws the table.
pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, settings: &[Difference], figures: &[Figures]) {
    let theme = cx.theme;
    let count = compared::count(cx);
    let names = compared::names(cx);
    let between = if settings.is_empty() { 0.0 } else { BETWEEN };
    let rows = settings.len() + Row::iter().count();
    let room = ui.available_size();
    let least = vec2(NAMES + ROOMY * count as f32, 2.0 * HEAD + ROW * rows as f32 + between);
    let scale = (room / least).min_elem().clamp(1.0, LARGEST);
    let width = ((room.x - NAMES * scale) / count as f32).clamp(COLUMN.0, COLUMN.1 * scale).floor();
    let small = text(SMALL * scale);
    // A name or a value that is too long for its column takes a second line.
    let lines = |words: &str, font: &FontId, left: f32| {
        let room = width - left - 6.0;
        let wide = ui.painter().layout_no_wrap(words.to_owned(), font.clone(), theme.text).size().x;
        if wide > room { 2.0 } else { 1.0 }
    };
    let most = |all: &[String], font: &FontId, left: f32| all.iter().map(|w| lines(w, font, left)).fold(1.0, f32::max);
    let head = scale * HEAD * if most(&names, &semibold(SMALL * scale), HEAD_AT * scale) > 1.0 { 1.6 } else { 1.0 };
    let tall: Vec<f32> = settings.iter().map(|s| most(&s.values, &small, (STAR + 2.0) * scale)).collect();
    let lines = tall.iter().sum::<f32>() + Row::iter().count() as f32;
    // If only a little room is missing, rows stand closer together, so that no row is cut and nothing has to be scrolled.
    let free = (room.y - head - between) / lines;
    let height = if free < CLOSEST { ROW } else { free.min(ROW * scale).floor() };
    let size = vec2(NAMES * scale + width * count as f32, head + height * lines + between);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let places = Places { rect, width, count, head, height, scale };
    if let Some(pointer) = response.hover_pos().or(ui.input(|i| i.pointer.hover_pos()).filter(|p| rect.contains(*p))) {
        let at = ((pointer.x - rect.left() - NAMES * scale) / width).floor();
        if ui.rect_contains_pointer(rect) && (0.0..count as f32).contains(&at) {
            cx.link.hover_variant(at as usize);
        }
    }
    if let Some(lit) = cx.link.hovered_variant.filter(|v| *v < count) {
        let column = places.column(lit).shrink2(vec2(2.0, 0.0));
        ui.painter().rect_filled(column, 5.0, Theme::mix(theme.pane, theme.chip, 0.75));
    }
    for i in 0..count {
        head_of(ui, cx, &places, &names, i);
    }
    let mut top = rect.top() + head;
    ui.painter().hline(rect.x_range(), top, Stroke::new(1.0, theme.line));
    for (setting, tall) in settings.iter().zip(&tall) {
        let row = places.row(top);
        let row = row.with_max_y(row.top() + height * tall);
        let tip = format!("{}, a setting in which the variants differ", setting.name);
        name(ui, theme, &places, row, (&setting.name, &setting.name), &tip, &setting.values);
        for (i, value) in setting.values.iter().enumerate().take(count) {
            let cell = places.column(i).intersect(row);
            let whole = wrapped(ui, cell.left() + (STAR + 2.0) * scale, cell, value, &small, theme.text);
            if !whole {
                let id = ui.scope_id().with((&setting.name, i));
                ui.interact(cell, id, Sense::hover()).on_hover_text(value);
            }
        }
        top += height * tall;
    }
    if !settings.is_empty() {
        ui.painter().hline(rect.x_range(), top + between / 2.0, Stroke::new(1.0, theme.line));
    }
    top += between;
    for row in Row::iter() {
        figures_of(ui, cx, &places, places.row(top), row, figures);
        top += height;
    }
}

/// Draws a variant's dot and name. A click makes the variant the reference, or ends that.
fn head_of(ui: &Ui, cx: &mut PaneContext<'_>, places: &Places, names: &[String], i: usize) {
    let theme = cx.theme;
    let cell = places.column(i).with_max_y(places.rect.top() + places.head);
    let (name, is) = (names.get(i).cloned().unwrap_or_default(), cx.link.reference == Some(i));
    let response = ui.interact(cell, ui.scope_id().with(("reference", i)), Sense::click());
    let label = format!("Compare with {name}");
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is, &label));
    let at = pos2(cell.left() + (STAR - 1.0) * places.scale, cell.center().y);
    compared::Mark::of(i).draw(ui.painter(), at, 4.0 * places.scale, compared::colour(cx, i), cx.theme.pane);
    let (left, font) = (cell.left() + HEAD_AT * places.scale, semibold(SMALL * places.scale));
    if let Some(galley) = in_lines(ui, left, cell, &name, &font, theme.text) {
        ui.painter().galley(pos2(left, cell.center().y - galley.size().y / 2.0), galley, theme.text);
    } else {
        let wide = |w: &str| ui.painter().layout_no_wrap(w.to_owned(), font.clone(), theme.text).size().x;
        let words = compared::telling(names, i, cell.right() - left - 6.0, wide);
        cut(ui, left, cell, &words, &font, theme.text);
    }
    if is {
        let line = cell.shrink2(vec2(4.0, 0.0));
        ui.painter().hline(line.x_range(), cell.bottom() - 1.0, Stroke::new(2.0, theme.accent));
    } else if response.has_focus() {
        ui.painter().rect_stroke(cell.shrink(2.0), 4.0, Stroke::new(1.0, theme.accent), egui::StrokeKind::Inside);
    }
    let was = cx.lab.snapshot().experiment.variants.get(i).and_then(|v| v.name.was());
    let was = was.map(|was| format!(" (was “{was}”)")).unwrap_or_default();
    let click = if is { "Click to let go of it as" } else { "Click to make it" };
    let tip = format!(
        "{name}{was}\n{click} the reference, from which the others show how far they are. Double-click to rename it"
    );
    let response = response.on_hover_text(tip);
    if response.double_clicked() {
        cx.link.rename = Some(i);
    }
    if response.clicked() {
        cx.link.reference = (!is).then_some(i);
    }
}

/// Draws the name of a row, with its meaning as a tooltip. Screen readers get the whole row.
fn name(
    ui: &Ui,
    theme: &Theme,
    places: &Places,
    row: Rect,
    (name, heading): (&str, &str),
    tip: &str,
    values: &[String],
) {
    let cell = row.with_max_x(row.left() + NAMES * places.scale);
    let response = ui.interact(cell, ui.scope_id().with(("row", name)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {}", values.join("; "))));
    let colour = if response.hovered() { theme.text } else { theme.dim };
    cut(ui, cell.left() + 2.0, cell, heading, &text(SMALL * places.scale), colour);
    explain(response, name, tip);
}

fn figures_of(ui: &Ui, cx: &PaneContext<'_>, places: &Places, row: Rect, what: Row, figures: &[Figures]) {
    let theme = cx.theme;
    let written: Vec<String> = figures.iter().map(|f| what.written(f)).collect();
    let unit =
        if what.unit() == "%" || what.unit().is_empty() { String::new() } else { format!("\nIn {}", what.unit()) };
    let tip = format!("{}{unit}", what.tip());
    name(ui, theme, places, row, (what.name(), &what.heading()), &tip, &written);
    let scale = places.scale;
    let figure = FIGURE * scale;
    let best = what.best(figures);
    let reference = cx.link.reference.and_then(|r| Some((r, figures.get(r)?)));
    for (i, (f, words)) in figures.iter().zip(&written).enumerate().take(places.count) {
        let cell = places.column(i).intersect(row);
        let y = cell.center().y;
        let painter = ui.painter().with_clip_rect(cell.intersect(ui.clip_rect()));
        // A variant that has not settled has no steady value yet.
        let sure = !matches!(what, Row::Steady | Row::Moved | Row::Dropped) || f.settled;
        let colour = if what.value(f).is_some() && sure { theme.text } else { theme.dim };
        painter.text(pos2(cell.left() + figure, y), Align2::RIGHT_CENTER, words, mono(SMALL * scale), colour);
        if best.get(i) == Some(&true) {
            let font = FontId::new(11.0 * scale, ICON_STAR.font_family());
            painter.text(
                pos2(cell.left() + STAR * scale, y),
                Align2::CENTER_CENTER,
                ICON_STAR.codepoint,
                font,
                theme.accent,
            );
        }
        let left = cell.left() + figure + 8.0;
        let room = cell.right() - left - 4.0;
        let beside = match reference {
            Some((r, _)) if r == i => what.value(f).map(|_| "reference".to_owned()).unwrap_or_default(),
            Some((_, of)) => match what.apart(what.value(f), what.value(of)) {
                Some([off, share]) => fitting(ui, room, &[format!("{off}  {share}"), share.clone(), off]),
                None => String::new(),
            },
            None if !sure && what == Row::Steady && what.value(f).is_some() => "so far".into(),
            None => String::new(),
        };
        let beside = fitting(ui, room, &[beside]);
        painter.text(pos2(left, y), Align2::LEFT_CENTER, beside.trim(), text(TINY), theme.dim);
    }
}

/// The first of some texts that is not empty and fits; empty if none fits.
fn fitting(ui: &Ui, room: f32, all: &[String]) -> String {
    let wide = |s: &String| ui.painter().layout_no_wrap(s.trim().to_owned(), text(TINY), Color32::WHITE).size().x;
    all.iter().find(|s| !s.trim().is_empty() && wide(s) <= room).cloned().unwrap_or_default()
}

/// Lays out a text in a cell, starting at `left`, in two lines if it needs two and there is room for them.
fn in_lines(ui: &Ui, left: f32, cell: Rect, words: &str, font: &FontId, colour: Color32) -> Option<Arc<Galley>> {
    let room = (cell.right() - left - 6.0).max(8.0);
    let galley = ui.painter().layout(words.to_owned(), font.clone(), colour, room);
    let fits = galley.size().y <= cell.height() + 2.0 && galley.size().x <= room + 0.5;
    fits.then_some(galley)
}

/// Draws such a text, cut if it does not fit. Returns whether all of it is visible.
fn wrapped(ui: &Ui, left: f32, cell: Rect, words: &str, font: &FontId, colour: Color32) -> bool {
    let Some(galley) = in_lines(ui, left, cell, words, font, colour) else {
        return cut(ui, left, cell, words, font, colour);
    };
    ui.painter().galley(pos2(left, cell.center().y - galley.size().y / 2.0), galley, colour);
    true
}

/// Draws a text in a cell, starting at `left`, cut if it does not fit. Returns whether all of it is visible.
fn cut(ui: &Ui, left: f32, cell: Rect, words: &str, font: &FontId, colour: Color32) -> bool {
    let (galley, whole) = fitted(ui, words, font, colour, (cell.right() - left - 6.0).max(8.0));
    ui.painter().galley(pos2(left, cell.center().y - galley.size().y / 2.0), galley, colour);
    whole
}
