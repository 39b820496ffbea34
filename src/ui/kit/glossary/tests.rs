use super::{Term, find, general, terms};
use crate::ui::controls::{self, Controls};
use crate::ui::kit::style;
use crate::ui::kit::theme::Theme;
use crate::ui::panes::{Pane, PaneContext, Panes};
use crate::ui::testing;
use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use moebias_files::view::PaneKind;
use moebias_model::config::Rule;
use moebias_model::learn::settings::Auxiliary;
use std::collections::BTreeSet;
use std::sync::Mutex;
use strum::IntoEnumIterator as _;

static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes a name that the window looked up.
pub(super) fn asked(name: &str) {
    ASKED.lock().unwrap().insert(name.to_owned());
}

/// Draws the settings of an experiment, and these panes.
fn show_all(text: &str, kinds: &[PaneKind]) {
    let lab = testing::lab_at(text, 3);
    let draw = |ui: &mut egui::Ui, lab: &mut moebias_lab::Lab| {
        lab.poll();
        controls::show(ui, &mut Controls::default(), lab, &mut 0, Theme::of(ui.ctx()));
    };
    let setup = |ctx: &egui::Context| style::install(ctx);
    let mut harness = Harness::builder().with_size([260.0, 2400.0]).with_context_setup(setup).build_ui_state(draw, lab);
    harness.run_steps(3);
    for &kind in kinds {
        let lab = testing::lab_at(text, 3);
        let mut harness = testing::stage(Any(kind, Panes::default()), lab, [900.0, 600.0], true);
        harness.run_steps(3);
        if kind == PaneKind::Assignment {
            harness.hover_at(egui::pos2(300.0, 200.0));
            harness.run_steps(3);
        }
        if kind == PaneKind::Theory {
            testing::wait(&mut harness.state_mut().lab, |s| s.theory.as_ref().is_some_and(|t| t.examined.is_some()));
            for section in ["Moves", "Band", "Online", "Batch size"] {
                harness.get_by_label(section).click();
                harness.run_steps(4);
            }
        }
        if kind == PaneKind::Inspector {
            harness.state_mut().link.pinned_expert = Some(1);
            harness.run_steps(3);
        }
    }
}

/// A pane of any kind.
struct Any(PaneKind, Panes);

impl Pane for Any {
    fn kind(&self) -> PaneKind {
        self.0
    }
    fn subtitle(&self, _: &PaneContext<'_>) -> String {
        String::new()
    }
    fn tools(&mut self, ui: &mut egui::Ui, cx: &mut PaneContext<'_>) {
        self.1.get(self.0).tools(ui, cx);
    }
    fn help(&self) -> &'static str {
        "help"
    }
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut PaneContext<'_>) {
        self.1.get(self.0).ui(ui, cx);
    }
}

#[test]
fn every_name_on_screen_has_an_entry() {
    let all: Vec<PaneKind> = PaneKind::iter().collect();
    show_all("source: Synthetic(batch: 256), variants: [(name: \"A\", balancer: (rate: 0.01)), (name: \"B\")]", &all);
    for rule in Rule::iter() {
        let k = if rule == Rule::Base { 1 } else { 2 };
        let router = format!("router: (experts: 8, top_k: {k}, capacity: (factor: 1.1))");
        let router = if rule == Rule::Proportional {
            "router: (experts: 8, top_k: 2, groups: (groups: 4, kept: 2))".into()
        } else if matches!(
            rule,
            Rule::Base | Rule::Sinkhorn | Rule::Hash | Rule::ExpertChoice | Rule::Quantile | Rule::Bip
        ) {
            format!("router: (experts: 8, top_k: {k})")
        } else {
            router
        };
        let variant = format!(
            "variants: [(name: \"A\", {router}, balancer: (rule: {rule:?}, zero_experts: 1, real_experts: 1.5))]"
        );
        show_all(&format!("source: Synthetic(batch: 64), {variant}"), &[PaneKind::Inspector]);
    }
    for auxiliary in Auxiliary::iter() {
        let learning = format!("learning: (auxiliary: {auxiliary:?})");
        let text = format!(
            "source: Learning(batch: 64), variants: [(name: \"A\", router: (experts: 8, top_k: 2), {learning})]"
        );
        show_all(&text, &[PaneKind::Inspector, PaneKind::TaskLoss]);
    }
    let asked = ASKED.lock().unwrap().clone();
    assert!(asked.len() > 60, "{asked:?}");
    let known = |name: &&String| find_quietly(name).is_none();
    let missing: Vec<&String> = asked.iter().filter(known).collect();
    assert!(missing.is_empty(), "no entry for {missing:?}");
}

/// Finds a term without noting the name, so that the lock stays free.
fn find_quietly(name: &str) -> Option<&'static Term> {
    let is = |other: &str| general(other) == general(name);
    terms().iter().find(|t| is(t.name) || t.also.iter().any(|a| is(a)))
}

#[test]
fn terms_are_sentences_and_have_unique_names() {
    let mut seen = BTreeSet::new();
    for term in terms() {
        assert!(
            term.says.ends_with('.') && term.says.chars().next().is_some_and(|c| !c.is_lowercase()),
            "{}",
            term.name
        );
        assert!(term.says.len() < 260, "{} is told at length", term.name);
        for name in std::iter::once(&term.name).chain(term.also) {
            assert!(seen.insert(general(name)), "{name} is told twice");
        }
    }
    let wanted = [
        "Token",
        "Expert",
        "Router",
        "Gate",
        "Top-K",
        "Load",
        "Bias",
        "Step size u",
        "MaxVio",
        "Capacity",
        "Auxiliary loss",
        "Skew",
        "Dual price",
        "Settling time",
        "Steady MaxVio",
        "Time in balance",
        "Regret",
        "Sampling floor",
    ];
    assert!(wanted.iter().all(|w| find(w).is_some()));
    assert_eq!(find("Expert 12").map(|t| t.name), Some("Expert"));
}
