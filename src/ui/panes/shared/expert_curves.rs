//! Curves per expert, as biases and loads draw them: every expert where there are few; else the band from the smallest to the
//! largest with the median, the furthest two on either side, and whoever is pinned or pointed at.

mod overlaid;

use super::compared;
use super::time_plot::{self, Axis, Band, Curve, Mark, TimePlot};
use crate::ui::kit::theme::Theme;
use crate::ui::link::Side;
use crate::ui::panes::PaneContext;
use eframe::egui::{Color32, Ui};
use moebias_engine::history::{Column, VariantHistory};
use moebias_engine::run::lock;
use moebias_model::metrics::Metrics;

/// Up to this many experts each has a curve.
const EACH: usize = 16;
/// The pointer takes hold of a curve this near, points.
const NEAR: f32 = 8.0;

/// What is drawn of each expert.
#[derive(Clone, Copy)]
pub struct Quantity<'a> {
    /// Names the plot.
    pub id: &'static str,
    /// What it is, with its unit.
    pub title: &'static str,
    /// One value per expert: its mean over the column.
    pub of: fn(&Column) -> &[f32],
    /// The smallest and the largest per expert in any step of the column.
    pub extremes: fn(&Column) -> [&[f32]; 2],
    /// Smallest of any expert and step, mean median, largest.
    pub band: fn(&Column) -> [f64; 3],
    /// A dashed line and its name.
    pub mark: Option<(f64, &'static str)>,
    /// Values that must be in sight.
    pub include: &'a [f64],
    /// What every expert's value is shown relative to; the band is so already.
    pub from: fn(&Metrics) -> f64,
    /// Whether a large value means too many tokens (a load) or too few (a bias): that decides who is orange and who is blue.
    pub high_is_over: bool,
}

/// Draws them for the variant shown, or one median per variant where several are compared.
pub fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, quantity: Quantity<'_>) {
    if compared::side(cx) != Side::One {
        return overlaid::show(ui, cx, quantity);
    }
    let snapshot = cx.lab.snapshot().clone();
    let span = time_plot::span(cx.link, &snapshot);
    // A point per two pixels: what falls together is averaged.
    let pixels = ui.available_width() / 2.0;
    let theme = cx.theme;
    let history = lock(&snapshot.history);
    let Some(of) = history.variants.get(cx.link.variant).or(history.variants.first()) else { return };
    let Some(last) = of.exact(snapshot.step.saturating_sub(1)).or(of.recent().next_back()) else {
        drop(history);
        return time_plot::empty(ui, cx);
    };
    let experts = (quantity.of)(last).len();
    let shown = chosen_experts((quantity.of)(last), cx.link.expert());
    let mut bands = vec![];
    let mut curves = vec![];
    // Where every expert has a curve, the band shows what joined steps hide.
    if experts > EACH || joins(of, span, 2.0 * pixels) {
        let band = |g: &[&Column]| (time_plot::middle(g), mean_band(g, quantity));
        let groups = time_plot::grouped(of, span, 2.0 * pixels / time_plot::BAND_PIXELS, band);
        bands.push(Band {
            steps: groups.iter().map(|(x, _)| *x).collect(),
            low: groups.iter().map(|(_, b)| b[0]).collect(),
            high: groups.iter().map(|(_, b)| b[2]).collect(),
            colour: theme.fair.gamma_multiply(if theme.dark { 0.16 } else { 0.18 }),
        });
    }
    if experts > EACH {
        let points = time_plot::grouped(of, span, pixels, |g| [time_plot::middle(g), mean_band(g, quantity)[1]]);
        curves.push(Curve { points, colour: theme.fair, width: 1.0, ..Curve::default() });
    }
    for &(expert, place) in &shown {
        let linked = cx.link.expert() == Some(expert);
        if linked && (quantity.from)(&last.metrics) == 0.0 && joins(of, span, 2.0 * pixels) {
            // Its own extremes.
            let own = time_plot::grouped(of, span, 2.0 * pixels / time_plot::BAND_PIXELS, |g| {
                let end = |i: usize, pick: fn(f64, f64) -> f64| {
                    let all = g.iter().filter_map(|c| (quantity.extremes)(c)[i].get(expert).map(|&v| f64::from(v)));
                    all.reduce(pick).unwrap_or(0.0)
                };
                (time_plot::middle(g), end(0, f64::min), end(1, f64::max))
            });
            bands.push(Band {
                steps: own.iter().map(|b| b.0).collect(),
                low: own.iter().map(|b| b.1).collect(),
                high: own.iter().map(|b| b.2).collect(),
                colour: theme.accent.gamma_multiply(0.18),
            });
        }
        curves.push(curve(
            of,
            span,
            pixels,
            quantity,
            expert,
            colour(place, linked, quantity.high_is_over, theme),
            linked,
        ));
    }
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
    // Point at a curve to light its expert up; click to pin it.
    let Some(pointer) = response.hover_pos() else { return };
    let step = transform.value_from_position(pointer).x;
    let history = lock(&snapshot.history);
    let Some(of) = history.variants.get(cx.link.variant).or(history.variants.first()) else { return };
    let Some(column) = of.at(step.max(0.0) as u64) else { return };
    let values = (quantity.of)(column);
    let shown_value = |e: usize| f64::from(values[e]) - (quantity.from)(&column.metrics);
    let distance = |e: usize| (transform.position_from_point_y(shown_value(e)) - pointer.y).abs();
    let among: Vec<usize> =
        if experts > EACH { shown.iter().map(|(e, _)| *e).collect() } else { (0..experts).collect() };
    let nearest = among.into_iter().filter(|e| *e < values.len()).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
    let [low, median, high] = (quantity.band)(column);
    let mut words =
        format!("{}  min {}  median {}  max {}", time_plot::steps_of(column), short(low), short(median), short(high));
    if let Some(expert) = nearest.filter(|e| distance(*e) < NEAR) {
        words = format!("{}  expert {expert}  {}", time_plot::steps_of(column), short(shown_value(expert)));
        cx.link.hover_expert(expert);
        if response.clicked() {
            cx.link.toggle_pin(expert);
        }
    }
    drop(history);
    time_plot::readout(ui, cx, *transform.frame(), &words);
}

/// What the curves are, for a subtitle: "min – median – max and extremes".
#[must_use]
pub fn described(cx: &PaneContext<'_>) -> String {
    match (compared::side(cx), cx.link.expert()) {
        (Side::One, _) => "min – median – max and extremes".into(),
        (_, None) => "min – median – max of every variant".into(),
        (_, Some(e)) => format!("expert {e} of every variant, min and max"),
    }
}

/// Whether a point stands for several steps anywhere in sight: then a mean alone would hide peaks.
fn joins(of: &VariantHistory, (from, to): (f64, f64), pixels: f32) -> bool {
    to - from > f64::from(pixels) || of.width(from.max(0.0) as u64, to.max(0.0) as u64) > 1
}

/// A value for a readout.
fn short(value: f64) -> String {
    let text = format!("{value:+.3}");
    text.replace('-', "−")
}

/// Where an expert stands among the others now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Low,
    Middle,
    High,
}

/// The experts that have a curve of their own: all of a few, else the two furthest on either side and the linked one, which
/// comes last and so lies on top.
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

fn curve(
    of: &VariantHistory,
    span: (f64, f64),
    pixels: f32,
    quantity: Quantity<'_>,
    expert: usize,
    colour: Color32,
    linked: bool,
) -> Curve {
    let points = time_plot::grouped(of, span, pixels, |group| {
        let steps: f64 = group.iter().map(|c| c.steps as f64).sum();
        let value = |c: &&Column| {
            (quantity.of)(c).get(expert).map_or(0.0, |&v| f64::from(v) - (quantity.from)(&c.metrics)) * c.steps as f64
        };
        [time_plot::middle(group), group.iter().map(value).sum::<f64>() / steps.max(1.0)]
    });
    let name = if linked { format!("expert {expert}") } else { String::new() };
    Curve { points, colour, width: if linked { 2.0 } else { 1.2 }, name, ..Curve::default() }
}

fn mean_band(group: &[&Column], quantity: Quantity<'_>) -> [f64; 3] {
    // The smallest of the smallest and the largest of the largest: nothing is averaged away.
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
