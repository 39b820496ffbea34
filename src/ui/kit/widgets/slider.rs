//! A row with a name, a slider and a number field, with which every number of an experiment is set.

use super::differs::{self, NoValue};
use super::{Row, row};
use crate::ui::kit::style::{SMALL, mono};
use crate::ui::kit::theme::Theme;
use eframe::egui::accesskit;
use eframe::egui::{
    self, CursorIcon, DragValue, EventFilter, Id, Key, Modifiers, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2,
};
use std::ops::RangeInclusive;

/// How positions on the track map to values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Linear, rounded to a multiple of this step.
    Linear(f64),
    /// Logarithmic, rounded to two significant digits; 0 is at the left end if the range contains it.
    Log,
    /// Whole numbers on a logarithmic track; dragging stops at 1, 2, 3, 4, 6, 8, 12, 16, 24, 32 …
    Doubling,
    /// Whole numbers on a logarithmic track.
    LogWhole,
    /// Whole numbers on a linear track.
    Whole,
}

/// How far a key moves the handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// With Shift.
    Fine,
    /// An arrow alone.
    Plain,
    /// Page up and down.
    Coarse,
}

/// The description of a number.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    /// Its name, shown on the left and read by screen readers.
    pub name: &'a str,
    /// Formula, unit, range and source.
    pub tip: &'a str,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// How the track maps to values.
    pub scale: Scale,
    /// Whether a change starts a new run. Then it takes effect only when the pointer is released, and the row shows a sign.
    pub restarts: bool,
    /// Whether the track has its own line, as wide as the row.
    pub wide: bool,
}

/// The left end of a logarithmic track whose range begins at 0.
const SMALLEST: f64 = 1e-5;

impl Number<'_> {
    fn whole(&self) -> bool {
        matches!(self.scale, Scale::Doubling | Scale::LogWhole | Scale::Whole)
    }

    fn log_range(&self) -> (f64, f64) {
        (self.min.max(SMALLEST).ln(), self.max.max(SMALLEST * 10.0).ln())
    }

    /// The share of a logarithmic track that is reserved for 0, if the range contains it.
    fn zero(&self) -> f64 {
        if self.scale == Scale::Log && self.min == 0.0 { 0.04 } else { 0.0 }
    }

    /// The position of a value on the track, in [0, 1].
    fn to_track(self, value: f64) -> f32 {
        let t = match self.scale {
            Scale::Linear(_) | Scale::Whole => (value - self.min) / (self.max - self.min).max(f64::MIN_POSITIVE),
            _ => {
                let (low, high) = self.log_range();
                let zero = self.zero();
                if value <= 0.0 { 0.0 } else { zero + (1.0 - zero) * (value.ln() - low) / (high - low) }
            }
        };
        t.clamp(0.0, 1.0) as f32
    }

    /// The rounded value at a position of the track.
    fn at_track(self, t: f32) -> f64 {
        self.at(t, false)
    }

    /// The rounded value at a position of the track, with one more digit if `fine`.
    fn at(self, t: f32, fine: bool) -> f64 {
        let t = f64::from(t.clamp(0.0, 1.0));
        let log = || {
            let (low, high) = self.log_range();
            let t = (t - self.zero()).max(0.0) / (1.0 - self.zero());
            (low + t * (high - low)).exp()
        };
        let value = match self.scale {
            Scale::Linear(step) => {
                let step = if fine { step / 10.0 } else { step };
                ((self.min + t * (self.max - self.min)) / step).round() * step
            }
            Scale::Whole => (self.min + t * (self.max - self.min)).round(),
            Scale::LogWhole => log().round(),
            Scale::Doubling if fine => log().round(),
            Scale::Doubling => doubling(log()),
            Scale::Log if t < self.zero() / 2.0 => 0.0,
            Scale::Log => significant(log(), if fine { 3 } else { 2 }),
        };
        tidy(value).clamp(self.min, self.max)
    }

    /// The value after one key press.
    fn stepped(self, value: f64, up: bool) -> f64 {
        self.moved(value, up, Pace::Plain)
    }

    /// The value after one key press at this pace.
    fn moved(self, value: f64, up: bool, pace: Pace) -> f64 {
        let sign = if up { 1.0 } else { -1.0 };
        let (times, power) = match pace {
            Pace::Fine => (0.1, 1.01),
            Pace::Plain => (1.0, 1.1),
            Pace::Coarse => (10.0, 2.0),
        };
        let next = match self.scale {
            Scale::Linear(step) => value + sign * step * times,
            Scale::Doubling if pace == Pace::Fine => value + sign,
            Scale::Doubling if pace == Pace::Coarse => {
                if up {
                    value * 4.0
                } else {
                    (value / 4.0).round()
                }
            }
            Scale::Whole | Scale::LogWhole => value + sign * times.max(1.0),
            Scale::Doubling => {
                let (mut i, near) = (0, doubling(value));
                while series(i) < near {
                    i += 1;
                }
                if near > value && up || near < value && !up {
                    near
                } else {
                    series((i as i64 + if up { 1 } else { -1 }).max(0) as u32)
                }
            }
            Scale::Log => {
                let digits = if pace == Pace::Fine { 3 } else { 2 };
                significant(value.max(SMALLEST) * if up { power } else { 1.0 / power }, digits)
            }
        };
        tidy(next).clamp(self.min, self.max)
    }
}

/// The stops of [`Scale::Doubling`]: 1, 2, 3, 4, 6, 8, 12, 16, 24 …
fn series(i: u32) -> f64 {
    match i {
        0 => 1.0,
        i if i % 2 == 1 => f64::from(1u32 << i.div_ceil(2).min(31)),
        i => 1.5 * f64::from(1u32 << (i / 2).min(31)),
    }
}

fn doubling(value: f64) -> f64 {
    let near = |a: &f64, b: &f64| ((a / value).ln().abs()).total_cmp(&(b / value).ln().abs());
    (0..45).map(series).min_by(near).unwrap_or(value)
}

/// Rounds to this many significant digits.
#[must_use]
pub fn significant(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(digits - 1 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

/// Removes rounding errors of binary fractions, so that files contain 0.3 and not 0.30000000000000004.
fn tidy(value: f64) -> f64 {
    format!("{value:.9}").parse().unwrap_or(value)
}

/// The number as it is written at the right end of a row.
#[must_use]
pub fn figure(value: f64, whole: bool) -> String {
    if whole {
        let digits = format!("{value:.0}");
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push('\u{202f}');
            }
            out.push(c);
        }
        return out;
    }
    if value == 0.0 {
        return "0".into();
    }
    if value.abs() < 1e-3 {
        let text = format!("{:e}", significant(value, 3));
        return text;
    }
    let text = format!("{:.4}", significant(value, 4));
    let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if text.contains('.') || value >= 10.0 { text } else { format!("{text}.0") }
}

/// Draws the row. Returns the value that a person chose.
pub fn number(ui: &mut Ui, theme: &Theme, what: Number<'_>, value: f64) -> Option<f64> {
    let differs = differs::now(ui);
    let tip = differs.map_or_else(|| what.tip.to_owned(), |d| d.tip(what.tip));
    let (places, label) = row(ui, theme, what.name, &tip, what.wide);
    let id = ui.scope_id().with(("slider", what.name));
    // Until the pointer is released and the new run starts, the row shows the new value.
    let pending: Option<f64> = ui.data(|d| d.get_temp(id));
    let shown = pending.unwrap_or(value);
    let track = track(ui, theme, what, shown, &places, id);
    let figure = figure_field(ui, theme, what, shown, &places, &label, id);
    let chosen = track.or(figure);
    if !what.restarts {
        // If variants differ, choosing the value that is shown sets it for all of them.
        return chosen.filter(|v| *v != value || differs == Some(NoValue::Mixed));
    }
    if let Some(v) = chosen {
        ui.data_mut(|d| d.insert_temp(id, v));
    }
    let busy = ui.ctx().dragged_id().is_some() || ui.input(|i| i.pointer.any_down());
    let ready = chosen.or(pending).filter(|_| !busy);
    if ready.is_some() {
        ui.data_mut(|d| d.remove_temp::<f64>(id));
    }
    ready.filter(|v| *v != value || differs == Some(NoValue::Mixed))
}

fn track(ui: &mut Ui, theme: &Theme, what: Number<'_>, value: f64, places: &Row, id: Id) -> Option<f64> {
    let radius = 6.0;
    let area = places.middle.shrink2(vec2(2.0, 0.0));
    let rail = Rect::from_min_max(
        pos2(area.left() + radius, area.center().y - 1.5),
        pos2(area.right() - radius - 4.0, area.center().y + 1.5),
    );
    let response = ui.interact(area, id, Sense::click_and_drag()).on_hover_cursor(CursorIcon::PointingHand);
    let response = response.on_hover_text(HOW);
    let differs = differs::now(ui);
    response.widget_info(|| {
        let info = WidgetInfo::slider(ui.is_enabled(), value, what.name);
        WidgetInfo { current_text_value: differs.map(|d| d.shown().to_owned()), ..info }
    });
    let mut chosen = pointed(ui, &response, rail, what, value);
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(id, filter));
        chosen = chosen.or_else(|| keyed(ui, what, value));
    }
    chosen = chosen.or_else(|| asked(ui, id, what, value));
    accessible(ui, id, what, value);

    let x = egui::lerp(rail.x_range(), what.to_track(chosen.unwrap_or(value)));
    let painter = ui.painter();
    let strength = if ui.is_enabled() { 1.0 } else { 0.35 };
    painter.rect_filled(rail, 1.5, theme.line);
    if differs.is_some() && chosen.is_none() {
        // Without a single value there is no handle; a ring shows where a drag begins.
        if differs == Some(NoValue::Mixed) {
            painter.circle_stroke(pos2(x, rail.center().y), radius - 1.0, egui::Stroke::new(1.5, theme.dim));
        }
        if response.has_focus() {
            painter.circle_stroke(pos2(x, rail.center().y), radius + 2.0, egui::Stroke::new(1.5, theme.accent));
        }
        return chosen;
    }
    painter.rect_filled(rail.with_max_x(x), 1.5, Theme::mix(theme.panel, theme.accent, 0.85 * strength));
    let hot = response.hovered() || response.dragged() || response.has_focus();
    let size = ui.animate_value(id.with("handle"), if hot { radius + 1.0 } else { radius });
    painter.circle_filled(pos2(x, rail.center().y), size, Theme::mix(theme.panel, theme.text, 0.92 * strength));
    if response.has_focus() {
        painter.circle_stroke(pos2(x, rail.center().y), size + 2.0, egui::Stroke::new(1.5, theme.accent));
    }
    chosen
}

trait Animate {
    fn animate_value(&self, id: Id, to: f32) -> f32;
}

impl Animate for Ui {
    fn animate_value(&self, id: Id, to: f32) -> f32 {
        self.ctx().animate_value_with_time(id, to, 0.12)
    }
}

/// The tooltip of a track.
const HOW: &str = "Drag; ten times finer with Shift. Or click the figure and type a value";

/// The position on the track of a drag with Shift.
#[derive(Clone, Copy, Default)]
struct Fine(f32);

fn pointed(ui: &Ui, response: &Response, rail: Rect, what: Number<'_>, value: f64) -> Option<f64> {
    let (id, width) = (response.id.with("fine"), rail.width().max(1.0));
    if !(response.dragged() || response.is_pointer_button_down_on() || response.clicked()) {
        ui.data_mut(|d| d.remove_temp::<Fine>(id));
        return None;
    }
    if ui.input(|i| i.pointer.secondary_down()) {
        return None;
    }
    let (shift, moved) = ui.input(|i| (i.modifiers.shift, i.pointer.delta().x));
    // A fine drag stays fine until the button is released, otherwise the handle would jump to the pointer.
    let fine: Option<Fine> = ui.data(|d| d.get_temp(id));
    if shift || fine.is_some() {
        let from = fine.map_or_else(|| what.to_track(value), |f| f.0 + moved / width / 10.0);
        ui.data_mut(|d| d.insert_temp(id, Fine(from.clamp(0.0, 1.0))));
        return fine.map(|_| what.at(from, true));
    }
    let pointer = response.interact_pointer_pos()?;
    Some(what.at_track((pointer.x - rail.left()) / width))
}

fn keyed(ui: &Ui, what: Number<'_>, value: f64) -> Option<f64> {
    ui.input_mut(|i| {
        let pages = [(Key::PageUp, true), (Key::PageDown, false)];
        let arrows = [(Key::ArrowRight, true), (Key::ArrowLeft, false)];
        let all = [
            (Modifiers::SHIFT, arrows, Pace::Fine),
            (Modifiers::NONE, arrows, Pace::Plain),
            (Modifiers::NONE, pages, Pace::Coarse),
        ];
        let mut now = value;
        for (modifiers, keys, pace) in all {
            for (key, up) in keys {
                for _ in 0..i.count_and_consume_key(modifiers, key) {
                    now = what.moved(now, up, pace);
                }
            }
        }
        for (key, end) in [(Key::Home, what.min), (Key::End, what.max)] {
            if i.consume_key(Modifiers::NONE, key) {
                now = end;
            }
        }
        (now != value).then_some(now)
    })
}

/// The value that assistive technology asked for.
fn asked(ui: &Ui, id: Id, what: Number<'_>, value: f64) -> Option<f64> {
    ui.input(|i| {
        use accesskit::{Action, ActionData};
        let set = i.accesskit_action_requests(id, Action::SetValue).find_map(|r| match r.data {
            Some(ActionData::NumericValue(v)) => Some(v.clamp(what.min, what.max)),
            _ => None,
        });
        let up = i.num_accesskit_action_requests(id, Action::Increment);
        let down = i.num_accesskit_action_requests(id, Action::Decrement);
        set.or_else(|| (up > 0).then(|| what.stepped(value, true)))
            .or_else(|| (down > 0).then(|| what.stepped(value, false)))
    })
}

fn accessible(ui: &Ui, id: Id, what: Number<'_>, value: f64) {
    ui.ctx().accesskit_node_builder(id, |node| {
        use accesskit::Action;
        node.set_min_numeric_value(what.min);
        node.set_max_numeric_value(what.max);
        node.set_numeric_value(value);
        node.add_action(Action::SetValue);
        if value < what.max {
            node.add_action(Action::Increment);
        }
        if value > what.min {
            node.add_action(Action::Decrement);
        }
    });
}

fn figure_field(
    ui: &mut Ui,
    theme: &Theme,
    what: Number<'_>,
    value: f64,
    places: &Row,
    label: &Response,
    id: Id,
) -> Option<f64> {
    let whole = what.whole();
    let differs = differs::now(ui);
    let mut edited = value;
    let range: RangeInclusive<f64> = what.min..=what.max;
    let speed = if whole { (value * 0.005).max(0.1) } else { (value.abs() * 0.01).max(1e-7) };
    let field = DragValue::new(&mut edited)
        .range(range)
        .speed(speed)
        .update_while_editing(false)
        .custom_formatter(move |v, _| differs.map_or_else(|| figure(v, whole), |d| d.shown().to_owned()))
        .custom_parser(parse);
    let rect = places.figure.with_min_x(places.figure.left() + 4.0).shrink2(vec2(0.0, 2.0));
    // The row is allocated already, so the field gets a `ui` of its own that moves nothing.
    let mut place = ui.new_child(egui::UiBuilder::new().max_rect(rect).id_salt(id.with("figure")));
    let style = place.style_mut();
    style.drag_value_text_style = egui::TextStyle::Monospace;
    style.override_font_id = Some(mono(SMALL));
    style.visuals.widgets.inactive.weak_bg_fill = egui::Color32::TRANSPARENT;
    style.visuals.widgets.inactive.bg_fill = egui::Color32::TRANSPARENT;
    style.spacing.button_padding = vec2(4.0, 2.0);
    style.spacing.interact_size.y = rect.height();
    let response = place.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| ui.add(field)).inner;
    let response = response.labelled_by(label.id);
    crate::ui::kit::focus::field_of(ui, response.id, id);
    if what.restarts {
        let at = places.name.right_center() - vec2(9.0, 0.0);
        ui.painter().text(at, egui::Align2::CENTER_CENTER, "↺", crate::ui::kit::style::text(12.0), theme.faint);
        response.clone().on_hover_text("Changing this starts a new run; undo brings this one back");
    }
    let value_of_field = if whole { edited.round() } else { tidy(edited) };
    let meant = value_of_field != value || differs == Some(NoValue::Mixed);
    (response.changed() && meant).then(|| value_of_field.clamp(what.min, what.max))
}

/// Parses a number as people write it: 4 096, 1e-3, 0,5.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| if c == '−' { '-' } else { c }).collect();
    let text = if text.matches(',').count() == 1
        && !text.contains('.')
        && text.split(',').nth(1).is_some_and(|d| d.len() != 3)
    {
        text.replace(',', ".")
    } else {
        text.replace(',', "")
    };
    text.parse::<f64>().ok().filter(|v| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(min: f64, max: f64, scale: Scale) -> Number<'static> {
        Number { name: "x", tip: "", min, max, scale, restarts: false, wide: false }
    }

    #[test]
    fn track_positions_and_values_convert_both_ways() {
        let u = of(0.0, 1.0, Scale::Log);
        assert_eq!(u.at_track(0.0), 0.0);
        assert_eq!(u.at_track(1.0), 1.0);
        for value in [1e-5, 1e-4, 0.001, 0.012, 0.5] {
            assert_eq!(u.at_track(u.to_track(value)), value);
        }
        let batch = of(1.0, 1_048_576.0, Scale::Doubling);
        for value in [1.0, 2.0, 3.0, 4.0, 6.0, 96.0, 4096.0, 1_048_576.0] {
            assert_eq!(batch.at_track(batch.to_track(value)), value);
        }
        assert_eq!(u.at(u.to_track(0.00123), true), 0.00123, "with Shift every third digit is there");
        assert_eq!(batch.stepped(4096.0, true), 6144.0);
        assert_eq!(batch.stepped(4096.0, false), 3072.0);
        assert_eq!(batch.stepped(1.0, false), 1.0);
        assert_eq!(batch.moved(4096.0, true, Pace::Fine), 4097.0);
        assert_eq!(batch.moved(4096.0, false, Pace::Coarse), 1024.0);
        assert_eq!(u.stepped(0.001, true), 0.0011);
        assert_eq!(u.moved(0.001, true, Pace::Fine), 0.00101);
        assert_eq!(u.moved(0.001, false, Pace::Coarse), 0.0005);
        assert_eq!(of(0.0, 3.0, Scale::Linear(0.05)).moved(1.1, true, Pace::Fine), 1.105);
        assert_eq!(of(0.0, 3.0, Scale::Linear(0.05)).at_track(0.1), 0.3, "no 0.30000000000000004");
    }

    #[test]
    fn numbers_are_formatted_and_parsed() {
        assert_eq!(figure(4096.0, true), "4\u{202f}096");
        assert_eq!(figure(0.001, false), "0.001");
        assert_eq!(figure(1e-5, false), "1e-5");
        assert_eq!(figure(1.1, false), "1.1");
        assert_eq!(figure(1.0, false), "1.0");
        assert_eq!(parse("4 096"), Some(4096.0));
        assert_eq!(parse("4,096"), Some(4096.0));
        assert_eq!(parse("0,5"), Some(0.5));
        assert_eq!(parse("1e-3"), Some(0.001));
        assert_eq!(parse("nan"), None);
    }
}
