//! The settings of the router: gate, experts, K; groups, capacity and gating values.

use super::{Desk, Label, Row, explain, fold};
use crate::ui::kit::style::{SMALL, text};
use crate::ui::kit::widgets::choice::Item;
use crate::ui::kit::widgets::differs;
use crate::ui::kit::widgets::group;
use crate::ui::kit::widgets::slider::{Number, Scale, number};
use eframe::egui::{RichText, Ui};
use moebias_lab::command::Command;
use moebias_model::change::{Change, largest_top_k};
use moebias_model::config::{Capacity, Experiment, Gate, Groups, Router, Rule, Stays, limits};
use std::ops::RangeInclusive;

pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    let theme = desk.theme;
    let Some(router) = desk.variant().map(|v| v.router.clone()) else { return };
    group(ui, theme, "Router");
    super::presets::show(ui, desk);
    let frozen = desk.frozen();
    ui.add_enabled_ui(frozen.is_none(), |ui| {
        let tip = "From logit x = u·e to score s. The bias is added to the score only for selection, never to the gating value";
        if let Some(gate) = desk.choice(ui, Label { name: "Gate", tip }, &router.gate, &gates(), |g| Change::SetGate(*g)) {
            desk.change(Change::SetGate(gate));
        }
    })
    .response
    .on_disabled_hover_text(frozen.unwrap_or_default());

    let of_trace = desk.lab.snapshot().trace.is_some();
    ui.add_enabled_ui(!of_trace, |ui| {
        let what = Number {
            name: "Experts",
            tip: if of_trace {
                "A recorded trace has a fixed number of experts"
            } else {
                "E, 2 to 1 024. Another number starts a new run; undo brings this one back"
            },
            min: limits::EXPERTS.min,
            max: limits::EXPERTS.max,
            scale: Scale::Doubling,
            restarts: true,
            wide: false,
        };
        if let Some(v) = number(ui, theme, what, f64::from(router.experts)) {
            desk.lab.send(Command::SetExperts(v as u32));
        }
    });
    let most = most_k(desk.lab.settings());
    let base = desk.lab.settings().variants.iter().any(|v| v.balancer.rule == Rule::Base);
    ui.add_enabled_ui(frozen.is_none() && !base, |ui| {
        let what = Number {
            name: "K",
            tip: match (frozen, base) {
                (Some(why), _) => why,
                (None, true) => "BASE gives every token one expert",
                _ => {
                    "Experts per token, 1 to 32 and at most E. Every token goes to the K experts with the largest s + b"
                }
            },
            min: limits::TOP_K.min,
            max: most,
            scale: Scale::Whole,
            restarts: false,
            wide: false,
        };
        let now = desk.differs(&Change::SetTopK(router.top_k));
        if let Some(v) = differs::rows(ui, now, |ui| number(ui, theme, what, f64::from(router.top_k))) {
            desk.change(Change::SetTopK(v as u32));
        }
    });
    ui.add_enabled_ui(frozen.is_none(), |ui| {
        let plain = Router::default();
        let same = (&router.groups, &router.capacity, router.shared, router.renormalise, router.scale)
            == (&plain.groups, &plain.capacity, plain.shared, plain.renormalise, plain.scale);
        fold(ui, desk.theme, "Groups, capacity, gating values", !same, &[], |ui| {
            groups(ui, desk, &router);
            capacity(ui, desk, &router);
            gating(ui, desk, &router);
        });
    })
    .response
    .on_disabled_hover_text(frozen.unwrap_or_default());
}

/// The largest K that fits every variant.
pub(super) fn most_k(settings: &Experiment) -> f64 {
    let fewest = settings.variants.iter().map(|v| v.router.eligible()).min().unwrap_or(limits::EXPERTS.max_u32());
    f64::from(largest_top_k(fewest))
}

/// All gates: the functions from logit to score.
pub(super) fn gates() -> [Item<Gate>; 3] {
    [
        Item::new(Gate::Sigmoid, "Sigmoid gate", "s = 1/(1 + e⁻ˣ), each expert on its own. Wang et al. 2024 use it"),
        Item::new(
            Gate::Softmax,
            "Softmax gate",
            "s = eˣ/Σeˣ over a token's experts: scores are about 1/E, so suitable steps are smaller",
        ),
        Item::new(
            Gate::SqrtSoftplus,
            "√softplus gate",
            "s = √ln(1 + eˣ), each expert on its own: from 0.02 at x = −8 to 2.8 at x = 8, where synthetic logits saturate. \
                 Megatron-LM's sqrtsoftplus. Held as s/4, 18 bits of it behind the point; biases are in the units of s",
        ),
    ]
}

/// The numbers of gating values.
pub(super) fn gating_rows(router: &Router) -> [Row<'static>; 2] {
    [
        Row {
            name: "Scale",
            limits: limits::SCALE,
            scale: Scale::Linear(0.1),
            value: router.scale,
            tip: "Route scale: every gating value is multiplied by it, 0 to 32. DeepSeek-V3 has 2.5. It changes no selection",
            change: Change::SetScale,
        },
        Row {
            name: "Shared",
            limits: limits::SHARED,
            scale: Scale::Whole,
            value: f64::from(router.shared),
            tip: "Shared experts, 0 to 16: every token has them besides its K. They change no load. Wang et al. 2024 have 2, DeepSeek-V3 1",
            change: |v| Change::SetShared(v as u32),
        },
    ]
}

/// Draws the number of groups that the experts are divided into, and how many of them a token keeps.
fn groups(ui: &mut Ui, desk: &mut Desk<'_>, router: &Router) {
    let theme = desk.theme;
    let tip = "Group-limited routing (DeepSeek-V3): a token chooses its experts only in its best groups";
    let items = group_items(router);
    if let Some(groups) =
        desk.choice(ui, Label { name: "Groups", tip }, &router.groups, &items, |g| Change::SetGroups(*g))
    {
        desk.change(Change::SetGroups(groups));
    }
    if desk.differs(&Change::SetGroups(None)).is_some() {
        return;
    }
    let Some(now) = router.groups else { return };
    let (min, max) = kept_range(router, now).into_inner();
    let what = Number {
        name: "Kept",
        tip: "Groups that a token chooses among, those with the largest sum of their two best s + b. DeepSeek-V3 keeps 4 of 8",
        min,
        max,
        scale: Scale::Whole,
        restarts: false,
        wide: false,
    };
    if let Some(kept) = number(ui, theme, what, f64::from(now.kept)) {
        desk.change(Change::SetGroups(Some(Groups { kept: kept as u32, ..now })));
    }
    explain::paragraph(ui, theme, &explain::GROUPS);
}

/// All divisions of the experts into equal groups, at most 64.
pub(super) fn group_items(router: &Router) -> Vec<Item<Option<Groups>>> {
    let mut items = vec![Item::new(None, "No groups", "A token chooses among all experts")];
    for n in (2..=router.experts.min(64)).filter(|n| router.experts.is_multiple_of(*n)) {
        let now = router.groups.filter(|g| g.groups == n);
        let groups = now.unwrap_or(Groups { groups: n, kept: kept_for(router, n) });
        let size = router.experts / n;
        let about = format!("{n} groups of {size}; at first {} are kept", groups.kept);
        items.push(Item::new(Some(groups), format!("{n} groups of {size}"), about));
    }
    items
}

/// The least and the most groups that can be kept.
pub(super) fn kept_range(router: &Router, now: Groups) -> RangeInclusive<f64> {
    f64::from(router.top_k.div_ceil(router.group_size().max(1)))..=f64::from(now.groups)
}

/// How many groups are kept at first: half of them, or as many as K experts need.
fn kept_for(router: &Router, groups: u32) -> u32 {
    groups.div_ceil(2).max(router.top_k.div_ceil((router.experts / groups).max(1))).min(groups)
}

/// Draws the capacity of the experts and its factor.
fn capacity(ui: &mut Ui, desk: &mut Desk<'_>, router: &Router) {
    let theme = desk.theme;
    let tip = "How many tokens of a batch an expert takes; the rest are dropped";
    let items = capacity_items(router);
    if let Some(capacity) =
        desk.choice(ui, Label { name: "Capacity", tip }, &router.capacity, &items, |c| Change::SetCapacity(*c))
    {
        desk.change(Change::SetCapacity(capacity));
    }
    if desk.differs(&Change::SetCapacity(None)).is_some() {
        return;
    }
    let Some(now) = router.capacity else { return };
    let what = Number {
        name: "Factor",
        tip: "Capacity over the fair share T·K/E, 0.1 to 8. 1 leaves no room for any imbalance; 1.25 is a common choice",
        min: limits::CAPACITY.min,
        max: limits::CAPACITY.max,
        scale: Scale::Log,
        restarts: false,
        wide: false,
    };
    if let Some(factor) = number(ui, theme, what, now.factor) {
        desk.change(Change::SetCapacity(Some(Capacity { factor, ..now })));
    }
    explain::paragraph(ui, theme, &explain::CAPACITY);
}

/// No capacity, or which tokens a full expert keeps.
pub(super) fn capacity_items(router: &Router) -> [Item<Option<Capacity>>; 3] {
    let factor = router.capacity.map_or(1.25, |c| c.factor);
    let item = |by, name: &str, about: &str| Item::new(Some(Capacity { factor, by }), name, about);
    [
        Item::new(None, "No capacity", "Experts take all tokens that come"),
        item(Stays::Score, "Capacity, by score", "A full expert keeps the tokens with the highest scores there"),
        item(Stays::Position, "Capacity, by position", "A full expert keeps the tokens that come first in the batch"),
    ]
}

/// Draws the settings of gating values, the weights of the chosen experts' outputs. They change no load.
fn gating(ui: &mut Ui, desk: &mut Desk<'_>, router: &Router) {
    let mut on = router.renormalise;
    let label = RichText::new("Divide by their sum").font(text(SMALL)).color(desk.theme.dim);
    let tip =
        "g = s / Σs over the chosen experts, as DeepSeek-V3 does; Wang et al. 2024 keep g = s. It changes no selection";
    if desk.tick(ui, &mut on, label, &Change::SetRenormalise(router.renormalise)).on_hover_text(tip).changed() {
        desk.change(Change::SetRenormalise(on));
    }
    desk.rows(ui, &gating_rows(router));
}
