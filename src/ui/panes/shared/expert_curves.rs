//! Curves per expert, for biases and loads. With up to `EACH` experts each has a curve. With more, the pane shows a band from the smallest
//! to the largest value with the median, the two lowest and the two highest experts, and the expert that is pinned or under the pointer.

mod overlaid;

use super::compared;
use super::time_plot::{self, Axis, Band, Curve, Mark, TimePlot};
use crate::ui::kit::theme::Theme;
use crate::ui::link::Side;
use crate::ui::panes::PaneContext;
use eframe::egui::{Color32, Response, Ui};
use egui_plot::PlotTransform;
use moebias_engine::history::{Column, VariantHistory};
use moebias_engine::run::lock;
use moebias_model::metrics::Metrics;

/// Up to this many experts, each expert has a curve.
const EACH: usize = 16;
/// The pointer selects a curve within this distance, in points.
const NEAR: f32 = 8.0;

/// The quantity that is drawn for each expert.
#[derive(Clone, Copy)]
pub struct Quantity<'a> {
    /// Identifies the plot.
    pub id: &'static str,
    /// Title of the y axis, with the unit.
    pub title: &'static str,
    /// One value per expert: the mean over the steps of the column.
    pub of: fn(&Column) -> &[f32],
    /// The smallest and the largest value of each expert in any step of the column.
    pub extremes: fn(&Column) -> [&[f32]; 2],
    /// The smallest value of any expert in any step, the mean over the steps of the median, and the largest value.
    pub band: fn(&Column) -> [f64; 3],
    /// Value and name of a dashed line.
    pub mark: Option<(f64, &'static str)>,
    /// A recorded value per expert, drawn as a dashed line; empty if nothing was recorded.
    pub recorded: &'a [f64],
    /// Values that must be in sight.
    pub include: &'a [f64],
    /// The value subtracted from every expert's value before it is drawn. `band` is already relative to it; `of` and `extremes` are not.
    pub from: fn(&Metrics) -> f64,
    /// Whether a large value belongs to an overloaded expert (as a load does) or to an underloaded one (as a bias does). Overloaded experts
    /// are orange, underloaded ones blue.
    pub high_is_over: bool,
}

/// Draws the curves of the variant shown, or one median per variant where several are compared.
pub fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, quantity: Quantity<'_>) {
    if compared::side(cx) != Side::One {
        return overlaid::show(ui, cx, quantity);
    }
    let snapshot = cx.lab.snapshot().clone();
    // A point per two pixels: steps that share a point are averaged. The span locks the history, so it is taken before.
    let (span, pixels) = (time_plot::span(cx.link, &snapshot), ui.available_width() / 2.0);
    let history = lock(&snapshot.history);
    let Some(of) = history.variants.get(cx.link.variant).or(history.variants.first()) else { return };
    let Some(last) = of.exact(snapshot.step.saturating_sub(1)).or(of.recent().next_back()) else {
        drop(history);
        return time_plot::empty(ui, cx);
    };
    let linked = cx.link.expert();
    let drawing = Drawing { of, span, pixels, quantity, linked, theme: cx.theme };
    let shown = chosen_experts((quantity.of)(last), linked);
    let (bands, curves) = drawing.bands_and_curves(last, &shown);
    drop(history);
    let marks =
        quantity.mark.map(|(value, name)| Mark { value, name: name.into(), ..Mark::default() }).into_iter().collect();
    let plot = TimePlot {
        id: quantity.id,
        y: quantity.title,
        bands,
        curves,
        marks,
        axis: Axis::Linear,
        include: quantity.include.to_vec(),
    };
    let (response, transform) = plot.show(ui, cx);
    point(ui, cx, quantity, &shown, (&response, &transform));
}

/// What the bands and curves of one variant are made from.
struct Drawing<'a> {
    of: &'a VariantHistory,
    /// The first and the last step in sight.
    span: (f64, f64),
    /// The number of points that a curve may have.
    pixels: f32,
    quantity: Quantity<'a>,
    linked: Option<usize>,
    theme: &'static Theme,
}

impl Drawing<'_> {
    fn bands_and_curves(&self, last: &Column, shown: &[(usize, Place)]) -> (Vec<Band>, Vec<Curve>) {
        let Self { of, span, pixels, quantity, linked, theme } = *self;
        let experts = (quantity.of)(last).len();
        let mut bands = vec![];
        let mut curves = vec![];
        // If every expert has a curve, the band shows the extremes that joined steps hide.
        if experts > EACH || joins(of, span, 2.0 * pixels) {
            let strength = if theme.dark { 0.16 } else { 0.18 };
            bands.push(self.band(theme.fair.gamma_multiply(strength), |g| {
                let [low, _, high] = mean_band(g, quantity);
                (low, high)
            }));
        }
        if experts > EACH {
            let points = time_plot::grouped(of, span, pixels, |g| [time_plot::middle(g), mean_band(g, quantity)[1]]);
            curves.push(Curve { points, colour: theme.fair, width: 1.0, ..Curve::default() });
        }
        for &(expert, place) in shown {
            let is_linked = linked == Some(expert);
            if is_linked && (quantity.from)(&last.metrics) == 0.0 && joins(of, span, 2.0 * pixels) {
                bands.push(self.band(theme.accent.gamma_multiply(0.18), |g| extremes(g, quantity, expert)));
            }
            let colour = colour(place, is_linked, quantity.high_is_over, theme);
            if let Some(&value) = quantity.recorded.get(expert) {
                let points = vec![[span.0, value], [span.1, value]];
                let name = if is_linked { "recorded".into() } else { String::new() };
                let colour = colour.gamma_multiply(0.7);
                curves.push(Curve { points, colour, width: 1.0, name, dashed: true, ..Curve::default() });
            }
            curves.push(self.curve(expert, colour, is_linked));
        }
        (bands, curves)
    }

    /// A band between the two values that `of_group` gives for the columns that share a point.
    fn band(&self, colour: Color32, of_group: impl Fn(&[&Column]) -> (f64, f64)) -> Band {
        let points = 2.0 * self.pixels / time_plot::BAND_PIXELS;
        let groups = time_plot::grouped(self.of, self.span, points, |g| (time_plot::middle(g), of_group(g)));
        Band {
            steps: groups.iter().map(|(step, _)| *step).collect(),
            low: groups.iter().map(|(_, ends)| ends.0).collect(),
            high: groups.iter().map(|(_, ends)| ends.1).collect(),
            colour,
        }
    }

    fn curve(&self, expert: usize, colour: Color32, linked: bool) -> Curve {
        let quantity = self.quantity;
        let points = time_plot::grouped(self.of, self.span, self.pixels, |group| {
            let steps: f64 = group.iter().map(|c| c.steps as f64).sum();
            let value = |c: &&Column| {
                let value = (quantity.of)(c).get(expert).map_or(0.0, |&v| f64::from(v) - (quantity.from)(&c.metrics));
                value * c.steps as f64
            };
            [time_plot::middle(group), group.iter().map(value).sum::<f64>() / steps.max(1.0)]
        });
        let name = if linked { format!("expert {expert}") } else { String::new() };
        Curve { points, colour, width: if linked { 2.0 } else { 1.2 }, name, ..Curve::default() }
    }
}

/// The smallest and the largest value of one expert in these columns.
fn extremes(group: &[&Column], quantity: Quantity<'_>, expert: usize) -> (f64, f64) {
    let end = |i: usize, pick: fn(f64, f64) -> f64| {
        let all = group.iter().filter_map(|c| (quantity.extremes)(c)[i].get(expert).map(|&v| f64::from(v)));
        all.reduce(pick).unwrap_or(0.0)
    };
    (end(0, f64::min), end(1, f64::max))
}

/// Shows the figures of the step under the pointer. Near a curve, its expert is highlighted in all panes, and a click pins it.
fn point(
    ui: &mut Ui,
    cx: &mut PaneContext<'_>,
    quantity: Quantity<'_>,
    shown: &[(usize, Place)],
    (response, transform): (&Response, &PlotTransform),
) {
    let Some(pointer) = response.hover_pos() else { return };
    let snapshot = cx.lab.snapshot().clone();
    let step = transform.value_from_position(pointer).x;
    let history = lock(&snapshot.history);
    let Some(of) = history.variants.get(cx.link.variant).or(history.variants.first()) else { return };
    let Some(column) = of.at(step.max(0.0) as u64) else { return };
    let values = (quantity.of)(column);
    let shown_value = |e: usize| f64::from(values[e]) - (quantity.from)(&column.metrics);
    let distance = |e: usize| (transform.position_from_point_y(shown_value(e)) - pointer.y).abs();
    let among = shown.iter().map(|(e, _)| *e).filter(|e| *e < values.len());
    let nearest = among.min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
    let [low, median, high] = (quantity.band)(column);
    let mut words =
        format!("{}  min {}  median {}  max {}", time_plot::steps_of(column), short(low), short(median), short(high));
    if let Some(expert) = nearest.filter(|e| distance(*e) < NEAR) {
        words = format!("{}  expert {expert}  {}", time_plot::steps_of(column), short(shown_value(expert)));
        if let Some(&value) = quantity.recorded.get(expert) {
            words = format!("{words}  recorded {}", short(value));
        }
        cx.link.hover_expert(expert);
        if response.clicked() {
            cx.link.toggle_pin(expert);
        }
    }
    drop(history);
    time_plot::readout(ui, cx, *transform.frame(), &words);
}

/// Describes the curves for a subtitle, for example "min – median – max and extremes".
#[must_use]
pub fn described(cx: &PaneContext<'_>) -> String {
    match (compared::side(cx), cx.link.expert()) {
        (Side::One, _) => "min – median – max and extremes".into(),
        (_, None) => "min – median – max of every variant".into(),
        (_, Some(e)) => format!("expert {e} of every variant, min and max"),
    }
}

/// Whether any point in the span stands for several steps, so that a mean alone would hide peaks. `pixels` is the width of the plot.
fn joins(of: &VariantHistory, (from, to): (f64, f64), pixels: f32) -> bool {
    to - from > f64::from(pixels) || of.width(from.max(0.0) as u64, to.max(0.0) as u64) > 1
}

/// A value with its sign and three decimals, for a readout.
fn short(value: f64) -> String {
    let text = format!("{value:+.3}");
    text.replace('-', "−")
}

/// Where an expert's newest value ranks among all experts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Low,
    Middle,
    High,
}

/// The experts that have a curve of their own: all if there are few, otherwise the two lowest, the two highest and the linked one (pinned
/// or under the pointer). The linked one comes last, so it is drawn on top.
fn chosen_experts(values: &[f32], linked: Option<usize>) -> Vec<(usize, Place)> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
    let place = |rank: usize| match rank {
        r if r < 2 => Place::Low,
        r if r + 2 >= order.len() => Place::High,
        _ => Place::Middle,
    };
    let ranked = order.iter().enumerate().map(|(rank, &e)| (e, place(rank)));
    let mut out: Vec<(usize, Place)> = if values.len() <= EACH {
        ranked.collect()
    } else {
        ranked.filter(|(e, p)| *p != Place::Middle || Some(*e) == linked).collect()
    };
    out.sort_by_key(|(e, _)| Some(*e) == linked);
    out
}

fn colour(place: Place, linked: bool, high_is_over: bool, theme: &Theme) -> Color32 {
    match place {
        _ if linked => theme.accent,
        Place::Middle => theme.fair.gamma_multiply(0.6),
        _ if (place == Place::High) == high_is_over => theme.over,
        _ => theme.under,
    }
}

fn mean_band(group: &[&Column], quantity: Quantity<'_>) -> [f64; 3] {
    // The smallest minimum and the largest maximum, so that no extreme is averaged away; only the median is averaged.
    let all = group.iter().map(|c| (quantity.band)(c));
    let start = [f64::INFINITY, 0.0, f64::NEG_INFINITY];
    let n = group.len().max(1) as f64;
    all.fold(start, |[low, median, high], [a, b, c]| [low.min(a), median + b / n, high.max(c)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_experts_the_furthest_and_the_linked_have_curves() {
        let values: Vec<f32> = (0..64).map(|e| ((e * 37) % 64) as f32).collect();
        let shown = chosen_experts(&values, Some(5));
        assert_eq!(shown.len(), 5);
        assert_eq!(shown.last().unwrap().0, 5, "the linked one lies on top");
        let low = shown.iter().filter(|(_, p)| *p == Place::Low).count();
        assert_eq!(low, 2);
        assert_eq!(chosen_experts(&values[..8], None).len(), 8);
    }
}
