//! The panel on the left: every setting of the experiment, in the order in which data flows. No row holds a value: it shows the lab's value
//! and sends a command when a person changes it.

mod balancer;
mod explain;
mod learning;
mod memory;
mod presets;
pub mod recording;
mod router;
pub mod settings;
mod tokens;

use crate::ui::kit::focus;
use crate::ui::kit::style::{SMALL, TINY, semibold, text};
use crate::ui::kit::theme::{PADDING, Theme};
use crate::ui::kit::widgets::choice::{Item, choice_of};
use crate::ui::kit::widgets::differs::{self, NoValue};
use crate::ui::kit::widgets::slider::{Number, Scale, number};
use eframe::egui::{self, Frame, Margin, Panel, RichText, ScrollArea, Ui};
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::why_not::ONLY_WATCHED;
use moebias_model::change::{self, Change, Target};
use moebias_model::config::{Limits, Rule, Variant};

pub use presets::refused as model_refused;

/// Chooses a rule, with a suitable step size, for the variants that the panel applies to. Undo takes both back together. `shown` is the
/// variant that panes show.
pub fn choose_rule(lab: &mut Lab, controls: &Controls, shown: usize, rule: Rule, theme: &'static Theme) {
    let Some(variant) = lab.settings().variants.get(shown).cloned() else { return };
    let mut desk = Desk { lab, theme, target: controls.target(), shown };
    balancer::choose(&mut desk, rule, &variant.router, &variant.balancer);
}

/// Width of the panel, points.
pub const WIDTH: f32 = 248.0;

/// What the panel remembers between frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// The variant that the settings apply to; `None` for all of them.
    only: Option<usize>,
    /// The variant that the person asked to rename.
    rename: Option<usize>,
}

impl Controls {
    /// The variants that a changed setting of the router or balancer applies to.
    #[must_use]
    pub fn target(&self) -> Target {
        self.only.map_or(Target::AllVariants, Target::Variant)
    }

    /// From now on, settings apply to this variant alone.
    pub fn choose(&mut self, variant: usize) {
        self.only = Some(variant);
    }

    /// The variant that the person asked to rename in this frame.
    pub fn take_rename(&mut self) -> Option<usize> {
        self.rename.take()
    }
}

/// One number of the panel.
#[derive(Clone, Copy)]
struct Row<'a> {
    name: &'a str,
    limits: Limits,
    scale: Scale,
    /// The value now.
    value: f64,
    tip: &'a str,
    /// The change that a new value is sent as.
    change: fn(f64) -> Change,
}

/// The name of a choice and its tip.
#[derive(Clone, Copy)]
struct Label<'a> {
    name: &'a str,
    tip: &'a str,
}

/// What the rows of the panel read from and send to.
struct Desk<'a> {
    lab: &'a mut Lab,
    theme: &'static Theme,
    /// The variants that a changed setting of the router or balancer applies to.
    target: Target,
    /// The variant whose values are shown.
    shown: usize,
}

impl Desk<'_> {
    /// The variant whose values are shown.
    fn variant(&self) -> Option<&Variant> {
        self.lab.settings().variants.get(self.shown)
    }

    /// Sends a change.
    fn change(&mut self, change: Change) {
        let target = if change.is_of_source() { Target::Source } else { self.target };
        self.lab.send(Command::Change { target, change });
    }

    /// Sends several changes that are undone together.
    fn change_together(&mut self, changes: Vec<Change>) {
        self.lab.send(Command::ChangeTogether { target: self.target, changes });
    }

    /// `Mixed` if the variants that this change would apply to have different values of its setting.
    fn differs(&self, change: &Change) -> Option<NoValue> {
        if self.target != Target::AllVariants || change.is_of_source() {
            return None;
        }
        let settings = self.lab.settings();
        let mut values = (0..settings.variants.len()).map(|i| change::inverse(settings, Target::Variant(i), change));
        let first = values.next();
        values.any(|v| Some(&v) != first.as_ref()).then_some(NoValue::Mixed)
    }

    /// Whether the settings apply to variants with different rules.
    fn rules_differ(&self) -> bool {
        self.differs(&Change::SetRule(Rule::None)).is_some()
    }

    /// Draws a choice and returns the item that was chosen. `change` makes the change that an item would be sent as.
    fn choice<T: Clone + PartialEq>(
        &self,
        ui: &mut Ui,
        label: Label<'_>,
        now: &T,
        items: &[Item<T>],
        change: impl Fn(&T) -> Change,
    ) -> Option<T> {
        differs::rows(ui, self.differs(&change(now)), |ui| {
            choice_of(ui, self.theme, label.name, label.tip, now, items, |v| self.refused(&change(v)))
        })
    }

    /// Draws a checkbox; it is neither on nor off where the variants differ.
    fn tick(&self, ui: &mut Ui, on: &mut bool, label: RichText, change: &Change) -> egui::Response {
        let mixed = self.differs(change).is_some();
        let response = ui.add(egui::Checkbox::new(on, label).indeterminate(mixed));
        if mixed { response.on_hover_text("The variants differ here. Ticking it applies to all") } else { response }
    }

    /// Draws numbers and sends the values that are changed.
    fn rows(&mut self, ui: &mut Ui, rows: &[Row<'_>]) {
        rows.iter().for_each(|row| self.row(ui, *row, false));
    }

    /// Draws a number, with a wide track on a line of its own if it is `wide`, and sends its value if it is changed.
    fn row(&mut self, ui: &mut Ui, row: Row<'_>, wide: bool) {
        let Row { name, limits, scale, value, tip, change } = row;
        let what = Number { name, tip, min: limits.min, max: limits.max, scale, restarts: false, wide };
        let chosen = differs::rows(ui, self.differs(&change(value)), |ui| number(ui, self.theme, what, value));
        if let Some(v) = chosen {
            self.change(change(v));
        }
    }

    /// Why a change would be refused, if so.
    fn refused(&self, change: &Change) -> Option<String> {
        refused(self.lab, self.target, change)
    }

    /// Why the settings of routers and balancers can't be changed, if so.
    fn frozen(&self) -> Option<&'static str> {
        frozen(self.lab)
    }
}

/// Settings that few people need, under a heading that is folded until one of them `is_set` or a lesson points at one of `names`.
fn fold(ui: &mut Ui, theme: &Theme, title: &str, is_set: bool, names: &[&str], rows: impl FnOnce(&mut Ui)) {
    let words = RichText::new(title).font(text(SMALL)).color(theme.dim);
    let wanted = crate::ui::kit::spots::wants(ui, names);
    // The id depends on `is_set`, so the heading opens once a setting is set, and can still be folded then.
    let header = egui::CollapsingHeader::new(words).id_salt((title, is_set)).default_open(is_set);
    header.open(wanted.then_some(true)).show_unindented(ui, rows);
}

/// Why the settings of routers and balancers can't be changed, if so: a log of selections has no scores.
fn frozen(lab: &Lab) -> Option<&'static str> {
    let selected = !lab.snapshot().has_scores();
    selected.then_some(ONLY_WATCHED)
}

/// Why a change would be refused, if so.
fn refused(lab: &Lab, target: Target, change: &Change) -> Option<String> {
    lab.why_not(&Command::Change { target, change: change.clone() })
}

/// Draws the panel. `shown` is the variant that panes of one variant show; choosing a variant in the panel also shows it.
pub fn show(ui: &mut Ui, controls: &mut Controls, lab: &mut Lab, shown: &mut usize, theme: &'static Theme) {
    let frame = Frame::new().fill(theme.panel).inner_margin(Margin { left: 14, right: 10, top: 4, bottom: 0 });
    Panel::left("controls").exact_size(WIDTH).resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
        focus::region(ui, focus::Region::Settings);
        let edge = ui.max_rect().expand2(egui::vec2(10.0, 4.0));
        ui.painter().vline(edge.right() - 0.5, edge.y_range(), egui::Stroke::new(1.0, theme.line));
        content(ui, controls, lab, shown, theme);
    });
}

/// Draws the panel over the panes, in a window where they have no room beside it.
pub fn float(ui: &mut Ui, controls: &mut Controls, lab: &mut Lab, shown: &mut usize, theme: &'static Theme) {
    let room = ui.available_rect_before_wrap();
    let area = egui::Area::new(egui::Id::unique("settings")).order(egui::Order::Middle).fixed_pos(room.min);
    area.show(ui.ctx(), |ui| {
        let frame = Frame::popup(ui.style()).fill(theme.panel).corner_radius(0);
        frame.inner_margin(Margin { left: 14, right: 10, top: 4, bottom: 0 }).show(ui, |ui| {
            focus::region(ui, focus::Region::Settings);
            let size = egui::vec2(WIDTH - 24.0, room.height() - 6.0);
            ui.set_min_size(size);
            ui.set_max_size(size);
            content(ui, controls, lab, shown, theme);
        });
    });
}

fn content(ui: &mut Ui, controls: &mut Controls, lab: &mut Lab, shown: &mut usize, theme: &'static Theme) {
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_width(WIDTH - 26.0);
        ui.spacing_mut().item_spacing.y = 3.0;
        let variants = lab.settings().variants.len();
        controls.only = controls.only.filter(|&i| i < variants && variants > 1);
        *shown = (*shown).min(variants.saturating_sub(1));
        look_for(ui, lab, theme);
        let target = controls.target();
        tokens::show(ui, &mut Desk { lab, theme, target, shown: *shown });
        if variants > 1 {
            which(ui, controls, lab, shown, theme);
        }
        let target = controls.target();
        let mut desk = Desk { lab, theme, target, shown: *shown };
        router::show(ui, &mut desk);
        balancer::show(ui, &mut desk);
        learning::show(ui, &mut desk);
        ui.add_space(PADDING);
        focus::follow(ui);
    });
}

/// Draws the choice of the variants that the settings below it apply to.
fn which(ui: &mut Ui, controls: &mut Controls, lab: &Lab, shown: &mut usize, theme: &Theme) {
    crate::ui::kit::widgets::group(ui, theme, "Settings below are of");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        if crate::ui::panes::shared::frame::mode(
            ui,
            theme,
            "All",
            controls.only.is_none(),
            "Change every variant at once",
        ) {
            controls.only = None;
        }
        for (i, v) in lab.settings().variants.iter().enumerate() {
            let was = v.name.was().map(|was| format!(" (was “{was}”)")).unwrap_or_default();
            let tip = format!(
                "Change {}{was} alone, and show it in the panes of one variant. Double-click to rename it (F2)",
                v.name
            );
            let font = text(SMALL);
            let wide = |words: &str| ui.painter().layout_no_wrap(words.to_owned(), font.clone(), theme.text).size().x;
            let room = ui.max_rect().width() - 2.0 * ui.spacing().button_padding.x;
            let words = crate::ui::kit::words::name(&v.name, room, wide);
            let on = controls.only == Some(i);
            if crate::ui::panes::shared::frame::mode_called(ui, theme, (&words, &v.name), on, &tip) {
                let twice = ui.input(|i| i.pointer.button_double_clicked(egui::PointerButton::Primary));
                controls.rename = twice.then_some(i);
                controls.only = Some(i);
                *shown = i;
            }
        }
    });
}

/// Draws what the scenario's author says to look for, under a heading that can be folded.
fn look_for(ui: &mut Ui, lab: &Lab, theme: &Theme) {
    let document = lab.document();
    if document.look_for.is_empty() {
        return;
    }
    ui.add_space(8.0);
    Frame::new().fill(theme.chip).corner_radius(8).inner_margin(Margin::symmetric(10, 8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let title = RichText::new("What to look for").font(semibold(TINY)).color(theme.dim);
        egui::CollapsingHeader::new(title).id_salt("what to look for").default_open(true).show_unindented(ui, |ui| {
            let words = RichText::new(&document.look_for).font(text(SMALL)).color(theme.text);
            ui.add(egui::Label::new(words).wrap());
        });
    });
}
