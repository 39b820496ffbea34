//! The lines of the palette: every action, every setting with its choices or range, every scenario, model, pane and recent file.

use crate::ui::actions::{self, Action, Toggled};
use crate::ui::ask::Ask;
use crate::ui::controls::settings::{Choice, Kind, Range, Setting, all};
use crate::ui::controls::{self, Controls};
use crate::ui::kit::matching::{Fit, best, fit, plain};
use crate::ui::kit::widgets::slider::{figure, parse};
use crate::ui::panes::shared::frame::Export;
use crate::ui::shell::welcome;
use eframe::egui::Context;
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_CONTENT_COPY, ICON_DESCRIPTION, ICON_EDIT, ICON_MOVIE, ICON_OPEN_IN_FULL, ICON_PHOTO_CAMERA, ICON_POLYLINE,
    ICON_SCIENCE, ICON_TUNE,
};
use moebias_files::view::PaneKind;
use moebias_lab::Lab;
use moebias_model::presets::Preset;
use std::path::PathBuf;
use strum::IntoEnumIterator as _;

/// What choosing a line does.
#[derive(Clone, Debug, PartialEq)]
pub enum Does {
    /// Asks the app for this, and closes the palette.
    Ask(Ask),
    /// Completes what is typed to this text; a value is still to be typed after it.
    Complete(String),
}

/// One line.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// More about it, on the same line.
    pub detail: String,
    /// Its keys.
    pub keys: String,
    /// Its icon.
    pub symbol: MaterialIcon,
    /// Why it can't be chosen now, if so.
    pub refused: Option<String>,
    /// What choosing it does.
    pub does: Does,
    /// The names that find it, as [`plain`] writes them; its own first.
    names: Vec<String>,
}

impl Entry {
    fn new(name: impl Into<String>, detail: impl Into<String>, symbol: MaterialIcon, does: Does) -> Self {
        let name = name.into();
        let names = vec![plain(&name)];
        Self { name, detail: detail.into(), keys: String::new(), symbol, refused: None, does, names }
    }

    fn refused(self, why: Option<String>) -> Self {
        Self { refused: why, ..self }
    }
}

/// What the palette is made from.
pub struct Sources<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// The settings panel, which says which variants a setting applies to.
    pub controls: &'a Controls,
    /// The variant that is shown.
    pub shown: usize,
    /// The zoom.
    pub zoom: f32,
    /// The state of the actions that turn something on and off.
    pub toggled: Toggled,
    /// Files opened or saved lately.
    pub recent: &'a [PathBuf],
}

/// The lines that match what was typed, the best match first. Of two that match equally well, the one that can be chosen comes first.
#[must_use]
pub fn found(typed: &str, sources: &Sources<'_>, ctx: &Context) -> Vec<Entry> {
    let settings = all(sources.lab, sources.controls.target(), sources.shown, sources.zoom);
    let words = plain(typed);
    let mut hits: Vec<(Fit, Entry)> = settings.iter().flat_map(|s| values(s, typed, sources.lab)).collect();
    let lines = entries(&settings, sources, ctx);
    hits.extend(lines.into_iter().filter_map(|e| best(&words, &e.names).map(|fit| (fit, e))));
    if !words.is_empty() {
        hits.sort_by_key(|(fit, e)| (std::cmp::Reverse(*fit), e.refused.is_some()));
    }
    hits.into_iter().map(|(_, e)| e).collect()
}

/// All lines, as they stand while nothing is typed.
#[must_use]
pub fn entries(settings: &[Setting], sources: &Sources<'_>, ctx: &Context) -> Vec<Entry> {
    let lab = sources.lab;
    let state = |a: Action| sources.toggled.of(a).map_or("", |on| if on { "now on" } else { "now off" });
    let actions = Action::iter().filter(|a| *a != Action::Palette).map(|a| Entry {
        keys: a.shortcuts().first().map(|s| actions::written(ctx, s)).unwrap_or_default(),
        ..Entry::new(a.name(), state(a), a.icon(), Does::Ask(Ask::Do(a))).refused(a.refused(lab))
    });
    let scenarios = welcome::cards().iter().map(|c| {
        let does = Does::Ask(Ask::OpenShipped(c.id));
        Entry::new(format!("Scenario: {}", c.title), c.summary.clone(), ICON_SCIENCE, does)
    });
    let presets = Preset::iter().map(|preset| {
        let name = format!("Set as a model: {}", preset.name());
        let does = Does::Ask(Ask::Preset(preset));
        Entry::new(name, preset.summary(), ICON_TUNE, does).refused(controls::model_refused(lab, preset))
    });
    let recent = sources.recent.iter().map(|p| {
        let name = format!("Open {}", p.file_name().unwrap_or(p.as_os_str()).to_string_lossy());
        let folder = p.parent().map(|d| d.display().to_string()).unwrap_or_default();
        Entry::new(name, folder, ICON_DESCRIPTION, Does::Ask(Ask::Open(p.clone())))
    });
    let settings = settings.iter().flat_map(lines);
    actions.chain(settings).chain(scenarios).chain(presets).chain(panes()).chain(recent).collect()
}

/// A line for everything that can be done with each pane.
fn panes() -> impl Iterator<Item = Entry> {
    PaneKind::iter().flat_map(|kind| {
        let name = kind.name();
        // Typing only a pane's name shows it.
        let mut show = Entry::new(format!("Show pane: {name}"), "", ICON_OPEN_IN_FULL, Does::Ask(Ask::Reveal(kind)));
        show.names.push(plain(name));
        let pane = |name: String, symbol, ask| Entry::new(name, "", symbol, Does::Ask(ask));
        [
            show,
            pane(format!("Maximise pane: {name}"), ICON_OPEN_IN_FULL, Ask::Maximise(kind)),
            pane(format!("Copy picture of: {name}"), ICON_CONTENT_COPY, Ask::Export(kind, Export::Copy)),
            pane(format!("Save picture of: {name}…"), ICON_PHOTO_CAMERA, Ask::Export(kind, Export::Picture)),
            pane(format!("Save as SVG: {name}…"), ICON_POLYLINE, Ask::Export(kind, Export::Svg)),
            pane(format!("Film of: {name}…"), ICON_MOVIE, Ask::Export(kind, Export::Film)),
        ]
    })
}

/// The lines of a setting while no value is typed: one for a number, which typing a value completes, or one per choice.
fn lines(setting: &Setting) -> Vec<Entry> {
    match &setting.kind {
        Kind::Number(range) => {
            let does = Does::Complete(format!("{} ", setting.name));
            let mut entry =
                Entry::new(setting.name.clone(), now(setting, range), ICON_EDIT, does).refused(setting.refused.clone());
            entry.names.extend(setting.also.iter().map(|name| plain(name)));
            vec![entry]
        }
        Kind::Choice(choices) => {
            let line = |c: &Choice| {
                let detail = if c.now { "as it is now".into() } else { format!("now {}", setting.now) };
                let name = format!("{}: {}", setting.name, c.name);
                let mut entry =
                    Entry::new(name, detail, ICON_EDIT, Does::Ask(c.ask.clone())).refused(c.refused.clone());
                entry.names.push(plain(&format!("{} {}", setting.name, c.also)));
                entry
            };
            choices.iter().map(line).collect()
        }
    }
}

fn now(setting: &Setting, range: &Range) -> String {
    format!("now {} · {}", setting.now, range.words())
}

/// Lines that set a number to the value that was typed after one of its names: "u 0.01", "skew = 2".
fn values(setting: &Setting, typed: &str, lab: &Lab) -> Option<(Fit, Entry)> {
    let Kind::Number(range) = &setting.kind else { return None };
    let (head, value) = split(typed)?;
    let names = std::iter::once(setting.name.as_str()).chain(setting.also.iter().copied());
    let fit = names.filter_map(|name| fit(&head, &plain(name))).max()?;
    let asked = setting.refused.clone().map_or_else(|| range.ask(&setting.name, value, lab), Err);
    let name = format!("Set {} to {}", setting.name, figure(value, range.whole && value.fract() == 0.0));
    let (does, why) = match asked {
        Ok(ask) => (Does::Ask(ask), None),
        Err(why) => (Does::Complete(typed.to_owned()), Some(why)),
    };
    Some((fit, Entry::new(name, now(setting, range), ICON_EDIT, does).refused(why)))
}

/// Splits what was typed into a name, as [`plain`] writes it, and the number after it.
fn split(typed: &str) -> Option<(String, f64)> {
    let breaks = typed.char_indices().filter(|(_, c)| c.is_whitespace() || matches!(c, '=' | ':' | '→'));
    breaks.into_iter().find_map(|(at, c)| {
        let (head, tail) = (plain(&typed[..at]), typed[at + c.len_utf8()..].trim());
        let tail = tail.trim_start_matches(['=', ':', '→']).trim();
        let number = match tail.strip_suffix('%') {
            Some(percent) => parse(percent)? / 100.0,
            None => parse(tail.trim_end_matches("/s").trim_end_matches('×'))?,
        };
        (!head.is_empty()).then_some((head, number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_number_are_told_apart() {
        let of = |typed: &str| split(typed).map(|(head, value)| (head, value.to_string()));
        let is = |head: &str, value: &str| Some((head.to_owned(), value.to_owned()));
        assert_eq!(of("u 0.01"), is("u", "0.01"));
        assert_eq!(of("u=0,01"), is("u", "0.01"));
        assert_eq!(of("Step size u = 1e-3"), is("step size u", "0.001"));
        assert_eq!(of("go to step 400"), is("go to step", "400"));
        assert_eq!(of("batch 16 384"), is("batch", "16384"));
        assert_eq!(of("zoom 150%"), is("zoom", "1.5"));
        assert_eq!(of("speed 30/s"), is("speed", "30"));
        assert_eq!(of("skew"), None);
        assert_eq!(of("rule sign"), None);
    }
}
