//! The settings of the balancer: rule, step size, schedule; below them the rule's equation, a few sentences and the source.

use super::explain::{Source, of_rule};
use super::{Desk, Label, Row, memory};
use crate::ui::kit::style::{SMALL, TINY, mono, text};
use crate::ui::kit::widgets::choice::Item;
use crate::ui::kit::widgets::differs::{self, NoValue};
use crate::ui::kit::widgets::group;
use crate::ui::kit::widgets::slider::{Scale, figure, significant};
use eframe::egui::{self, RichText, Ui};
use moebias_lab::notices::Level;
use moebias_model::change::Change;
use moebias_model::config::{Balancer, Gate, Router, Rule, Schedule, limits};
use moebias_model::expert_choice::leak;
use strum::IntoEnumIterator as _;

pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    let theme = desk.theme;
    let Some((router, balancer)) = desk.variant().map(|v| (v.router.clone(), v.balancer.clone())) else { return };
    group(ui, theme, "Balancer");
    let frozen = desk.frozen();
    let rule = balancer.rule;
    ui.add_enabled_ui(frozen.is_none(), |ui| {
        let tip = "How the loads of one step become the biases of the next";
        if let Some(rule) = desk.choice(ui, Label { name: "Rule", tip }, &rule, &rules(), |r| Change::SetRule(*r)) {
            choose(desk, rule, &router, &balancer);
        }
        // The rows that only some rules have are shown if all variants meant have the same rule.
        let one = !desk.rules_differ();
        if one {
            settings_of_order(ui, desk, &balancer);
        }
        let any = |of: fn(Rule) -> bool| desk.lab.settings().variants.iter().any(|v| of(v.balancer.rule));
        let steps = if one { rule.has_step() } else { any(Rule::has_step) };
        let moves = if one { rule.moves_biases() } else { any(Rule::moves_biases) };
        let unused = (!steps).then_some(NoValue::Unused);
        ui.add_enabled_ui(steps, |ui| differs::rows(ui, unused, |ui| {
            let named = if one { rule } else { Rule::Sign };
            // The step size is set most often and most finely, so it has the widest track.
            desk.row(ui, rate(&Balancer { rule: named, ..balancer.clone() }), true);
            if one {
                memory::show(ui, desk, &router, &balancer);
            }
            let tip = "How the step size changes; n counts from the step at which the schedule was chosen. A constant step \
                       size leaves a swing that grows with u; a decreasing one does not";
            if let Some(schedule) =
                desk.choice(ui, Label { name: "Schedule", tip }, &balancer.schedule, &schedules(), |s| Change::SetSchedule(*s))
            {
                desk.change(Change::SetSchedule(schedule));
            }
            let falls = balancer.schedule != Schedule::Constant && differs::now(ui).is_none();
            let falls = falls && desk.differs(&Change::SetSchedule(balancer.schedule)).is_none();
            if let (true, Some(now)) = (falls, desk.lab.snapshot().variants.get(desk.shown)) {
                let what = format!("now {} at n = {}", figure(now.rate, false), figure(now.schedule_n as f64, true));
                ui.label(RichText::new(what).font(mono(SMALL)).color(theme.dim));
            }
            if one {
                centred(ui, desk, balancer.centred, rule);
            }
        }))
        .response
        .on_disabled_hover_text("This rule has no step size");
        ui.add_enabled_ui(moves, |ui| memory::freeze(ui, desk, balancer.freeze));
    })
    .response
    .on_disabled_hover_text(frozen.unwrap_or_default());

    let about = of_rule(rule);
    ui.add_space(8.0);
    if desk.rules_differ() {
        let words = "The variants have different rules. Choose one of them above to read about its rule.";
        ui.add(egui::Label::new(RichText::new(words).font(text(SMALL)).color(theme.dim)).wrap());
        return reset(ui, desk, frozen);
    }
    ui.label(RichText::new(about.equation).font(mono(SMALL)).color(theme.text));
    ui.spacing_mut().item_spacing.x = 3.0;
    let words = match frozen {
        Some(_) => "Only the chosen experts were recorded; they are shown as they were.".to_owned(),
        None => format!("{} {}", about.idea, about.watch),
    };
    ui.add(egui::Label::new(RichText::new(words).font(text(SMALL)).color(theme.dim)).wrap());
    if let Some(Source { name, url, read }) = about.source {
        ui.hyperlink_to(RichText::new(name).font(text(SMALL)), url).on_hover_text(url);
        ui.add(egui::Label::new(RichText::new(read).font(text(TINY)).color(theme.faint)).wrap());
    }
    reset(ui, desk, frozen);
}

fn reset(ui: &mut Ui, desk: &mut Desk<'_>, frozen: Option<&str>) {
    ui.add_space(4.0);
    ui.add_enabled_ui(frozen.is_none(), |ui| {
        let button = ui.button(RichText::new("Reset biases").font(text(SMALL)));
        crate::ui::kit::spots::offer(ui, "Reset biases", button.rect);
        if button
            .on_hover_text(
                "Sets every bias back to its initial value, now. Undo brings the biases back; a recording has both",
            )
            .clicked()
        {
            desk.change(Change::ResetBias);
        }
    });
}

/// The numbers that only Quantile Balancing and BIP have, which need an order statistic over the batch.
pub(super) fn order_rows(balancer: &Balancer) -> Vec<Row<'static>> {
    match balancer.rule {
        Rule::Quantile => {
            let tip = "Weight a of the old β in β ← a·β + (1−a)·β̂, 0 to 0.999. 0, Megatron-LM’s default, keeps only the last batch; \
                       a larger a calms the biases and follows drift more slowly";
            vec![Row {
                name: "Average",
                limits: limits::AVERAGE,
                scale: Scale::Linear(0.01),
                value: balancer.average,
                tip,
                change: Change::SetAverage,
            }]
        }
        Rule::Bip => {
            let tip = "Passes over each batch before it is routed, 1 to 16. How many the authors use is not known to us; 4 is our choice";
            let passes: fn(f64) -> Change = |n| Change::SetIterations(n as u32);
            vec![Row {
                name: "Passes",
                limits: limits::ITERATIONS,
                scale: Scale::Whole,
                value: f64::from(balancer.iterations),
                tip,
                change: passes,
            }]
        }
        _ => vec![],
    }
}

/// Draws the numbers of rules that need an order statistic over the batch; for Expert Choice, how much its routing leaks.
fn settings_of_order(ui: &mut Ui, desk: &mut Desk<'_>, balancer: &Balancer) {
    let theme = desk.theme;
    desk.rows(ui, &order_rows(balancer));
    if balancer.rule == Rule::ExpertChoice {
        let Some(router) = desk.variant().map(|v| v.router.clone()) else { return };
        let bits = leak(router.top_k, router.experts);
        let tip = "K · log₂((1−R)/R) with R = K/E: what one layer’s routing can tell a token of later tokens, at least (Wang et al. 2024, \
                   section on Expert Choice). If half of the experts or more are active, the bound says nothing";
        let words = format!("leaks {bits:.1} bits per token and layer or more");
        ui.label(RichText::new(words).font(mono(SMALL)).color(theme.over_text)).on_hover_text(tip);
    }
}

/// All rules.
pub(super) fn rules() -> Vec<Item<Rule>> {
    let item = |r| {
        let about = of_rule(r);
        Item::new(r, about.name, format!("{}\n{}", about.equation, about.idea))
    };
    Rule::iter().map(item).collect()
}

/// All schedules of the step size.
pub(super) fn schedules() -> [Item<Schedule>; 3] {
    [
        Item::new(Schedule::Constant, "Constant step size", "u at every step"),
        Item::new(Schedule::InverseSqrt, "Step size u/√n", "u/√n: keeps moving, ever more slowly"),
        Item::new(
            Schedule::Inverse,
            "Step size u/n",
            "u/n: moves a bias only about u·ln n in n steps, so it needs a larger u",
        ),
    ]
}

/// The step size.
pub(super) fn rate(balancer: &Balancer) -> Row<'static> {
    let (name, tip) = step_of(balancer.rule);
    Row { name, limits: limits::RATE, scale: Scale::Log, value: balancer.rate, tip, change: Change::SetRate }
}

/// Name and tip of the step size under a rule.
fn step_of(rule: Rule) -> (&'static str, &'static str) {
    match rule {
        Rule::Smebu => (
            "Step size λ",
            "Step size λ of a full step, score units, 0 to 1; the slider begins at 10⁻⁵. Trinity Large: 5e-4",
        ),
        Rule::IdBalancing => {
            ("Gain Kᵢ", "Gain Kᵢ on the error, score units, 0 to 1; the slider begins at 10⁻⁵. The paper uses 6e-3")
        }
        Rule::LongCat => (
            "Step size μ",
            "Step size μ, score units, 0 to 1; the track begins at 10⁻⁵. What LongCat-Flash takes is not established. As the proportional \
             rule with u = μ·K_e/(K·N)",
        ),
        _ => (
            "Step size u",
            "Step size u of the bias, in score units, 0 to 1; the slider begins at 10⁻⁵. Wang et al. 2024 chose 0.001",
        ),
    }
}

/// The step size to propose for a rule, and why; `None` if there is none or `now` is within a factor of two of it.
fn proposed(rule: Rule, router: &Router, now: f64) -> Option<(f64, &'static str)> {
    let (rate, why) = match rule {
        // About E·u: as strong as the proportional rule with u = 0.001, or with u = 1/8,000 under the softmax gate, whose scores are about 1/E.
        Rule::LongCat => {
            let u = if router.gate == Gate::Softmax { 1.25e-4 } else { 0.001 };
            let rate = significant(f64::from(router.experts) * u, 2).min(limits::RATE.max);
            (rate, "a stand-in that fits the scale of these scores: the value of LongCat-Flash is not published")
        }
        Rule::Proportional | Rule::Multiplicative => {
            (rule.published_rate(router.gate)?, "the one that balances best in the published table")
        }
        _ => (rule.published_rate(router.gate)?, "the one published for this rule"),
    };
    let close = now > rate / 2.0 && now < rate * 2.0;
    (!close).then_some((rate, why))
}

/// Chooses a rule, with a suitable step size if the present one is of another scale. Undo takes back both.
pub(super) fn choose(desk: &mut Desk<'_>, rule: Rule, router: &Router, now: &Balancer) {
    let mut changes = vec![Change::SetRule(rule)];
    if let Some((rate, why)) = proposed(rule, router, now.rate) {
        changes.push(Change::SetRate(rate));
        let name = step_of(rule).0;
        let said =
            format!("{name} is now {}, {why}. Undo takes back both the rule and the step size", figure(rate, false));
        desk.lab.tell(Level::Info, said);
    }
    desk.change_together(changes);
}

fn centred(ui: &mut Ui, desk: &mut Desk<'_>, now: bool, rule: Rule) {
    let mut on = now || rule == Rule::IdBalancing;
    let free = !matches!(rule, Rule::Multiplicative | Rule::LongCat | Rule::IdBalancing | Rule::Threshold);
    ui.add_enabled_ui(free, |ui| {
        let label = RichText::new("Centre the biases").font(text(SMALL)).color(desk.theme.dim);
        let tip = "Subtracts the mean bias after every update. No token goes elsewhere: selection does not change under a common \
                   shift. It stops the biases from drifting together";
        let why = match rule {
            Rule::Quantile => "Quantile Balancing always does",
            Rule::Bip => "BIP has an anchor of its own: its largest bias is 0",
            Rule::IdBalancing => "ID Balancing always does",
            Rule::LongCat => "The biases of identity experts never move",
            _ => "Centring a factor or a threshold would change the selection, so it is only for additive rules",
        };
        if desk.tick(ui, &mut on, label, &Change::SetCentred(now)).on_hover_text(tip).on_disabled_hover_text(why).changed() {
            desk.change(Change::SetCentred(on));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_size_of_another_scale_is_proposed() {
        let router = Router::default();
        let rate = |rule, now| proposed(rule, &router, now).map(|(rate, _)| rate);
        assert_eq!(rate(Rule::IdBalancing, 0.001), Some(0.006));
        assert_eq!(rate(Rule::Smebu, 0.001), Some(0.0005));
        assert_eq!(rate(Rule::Sign, 0.0015), None, "of the same scale");
        assert_eq!(rate(Rule::None, 0.3), None);
        assert_eq!(rate(Rule::LongCat, 0.001), Some(0.064));
        assert_eq!(rate(Rule::Rms, 0.064), Some(0.001));
    }
}
