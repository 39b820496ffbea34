//! Hints for new users: one at a time, rarely, only about what they have not used yet, and never again once dismissed.

use crate::ui::actions::{self, Action};
use crate::ui::help::findings;
use crate::ui::kit::style::{SMALL, icon, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::words;
use crate::ui::store::{Hint, Stored};
use eframe::egui::{Align, Button, Color32, Context, Frame, Layout, Margin, Panel, RichText, Ui, vec2};
use egui_material_icons::icons::ICON_LIGHTBULB;
use std::time::{Duration, Instant};
use strum::IntoEnumIterator as _;

impl Hint {
    fn words(self, ctx: &Context) -> String {
        let key = |a: Action| a.shortcuts().first().map(|s| actions::written(ctx, s)).unwrap_or_default();
        match self {
            Self::Change => {
                format!("Drag a slider while it runs. {} takes it back.", key(Action::Undo))
            }
            Self::Pin => "Click an expert in any pane: it stays lit in all of them.".into(),
            Self::Back => format!("Press {} to go back in time, or drag along the line below.", key(Action::Back)),
            Self::Palette => format!("Press {} to search every command.", key(Action::Palette)),
            Self::Export => "The arrow in a pane's header copies or saves the pane, or makes a film of it.".into(),
            Self::Present => {
                format!("Press {} to present: full screen, larger text, a laser pointer.", key(Action::Present))
            }
        }
    }

    /// The hint that is unnecessary for somebody who has used this action.
    fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::Undo => Self::Change,
            Action::Back | Action::BackTen | Action::ToStart => Self::Back,
            Action::Palette => Self::Palette,
            Action::SavePicture | Action::CopyPicture | Action::CopyPane | Action::Film => Self::Export,
            Action::Present => Self::Present,
            _ => return None,
        })
    }
}

/// Time before the first hint.
const FIRST: Duration = Duration::from_secs(25);
/// Time between one hint and the next.
const BETWEEN: Duration = Duration::from_secs(120);
/// How long a hint stays on screen: about three times as long as reading it takes.
const STAYS: Duration = Duration::from_secs(20);
/// The largest number of hints in a session.
const MOST: usize = 3;

/// The hint on screen, and when the next one may appear.
#[derive(Debug, Default)]
pub struct Hints {
    shown: Option<Hint>,
    told: usize,
    /// When the next hint may appear; `None` means never.
    next: Option<Instant>,
    /// When the hint on screen disappears.
    until: Option<Instant>,
    /// Hints that disappeared unanswered; they are not shown again in this session.
    passed: Vec<Hint>,
}

impl Hints {
    /// Hints for a window that has just opened.
    #[must_use]
    pub fn begin(now: Instant) -> Self {
        Self { next: Some(now + FIRST), ..Self::default() }
    }

    /// The hint on the screen.
    #[must_use]
    pub fn shown(&self) -> Option<Hint> {
        self.shown
    }

    /// Turns hints on or off. Turning them on makes all hints unknown again and shows the first at once.
    pub fn toggle(&mut self, stored: &mut Stored, now: Instant) {
        stored.hints = !stored.hints;
        *self = Self::default();
        if stored.hints {
            stored.known.clear();
            self.next = Some(now);
        }
    }

    /// Notes that a person used an action.
    pub fn did(&mut self, stored: &mut Stored, action: Action) {
        if let Some(hint) = Hint::of(action) {
            self.know(stored, hint);
        }
    }

    /// Notes that a person knows what a hint says.
    pub fn know(&mut self, stored: &mut Stored, hint: Hint) {
        if !stored.known.contains(&hint) {
            stored.known.push(hint);
        }
        if self.shown == Some(hint) {
            self.shown = None;
            self.next = Some(Instant::now() + BETWEEN);
        }
    }

    /// The hint to show now, and the time until the next change, if one is due.
    fn due(&mut self, stored: &Stored, now: Instant) -> (Option<Hint>, Option<Duration>) {
        if !stored.hints {
            self.shown = None;
            return (None, None);
        }
        if let (Some(hint), Some(until)) = (self.shown, self.until) {
            if now < until {
                return (self.shown, Some(until - now));
            }
            self.passed.push(hint);
            (self.shown, self.next) = (None, Some(now + BETWEEN));
        }
        let unknown = Hint::iter().find(|h| !stored.known.contains(h) && !self.passed.contains(h));
        match (unknown, self.next) {
            (Some(hint), Some(next)) if self.told < MOST => {
                let wait = next.saturating_duration_since(now);
                if !wait.is_zero() {
                    return (None, Some(wait));
                }
                (self.shown, self.told) = (Some(hint), self.told + 1);
                self.until = Some(now + STAYS);
                (self.shown, Some(STAYS))
            }
            _ => (None, None),
        }
    }

    /// Draws the current hint as a strip. True if there is one.
    pub fn show(&mut self, ui: &mut Ui, stored: &mut Stored, theme: &Theme) -> bool {
        let (hint, wait) = self.due(stored, Instant::now());
        if let Some(wait) = wait {
            ui.ctx().request_repaint_after(wait);
        }
        let Some(hint) = hint else { return false };
        let frame =
            Frame::new().fill(Theme::mix(theme.panel, theme.accent, 0.1)).inner_margin(Margin::symmetric(14, 0));
        // As high as the strip of findings that it replaces, so that nothing moves.
        let panel = Panel::top("findings").exact_size(findings::HEIGHT).resizable(false).show_separator_line(false);
        panel.frame(frame).show(ui, |ui| {
            crate::ui::kit::focus::region(ui, crate::ui::kit::focus::Region::Findings);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let small = |words: &str| Button::new(RichText::new(words).font(text(SMALL))).min_size(vec2(0.0, 24.0));
                let no_more = ui.add(small("No more hints").fill(Color32::TRANSPARENT));
                if no_more
                    .on_hover_text("“Hints” in the command search or the menu at the run’s name brings them back")
                    .clicked()
                {
                    stored.hints = false;
                    self.shown = None;
                }
                if ui.add(small("Got it")).clicked() {
                    self.know(stored, hint);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.label(icon(ICON_LIGHTBULB, 16.0).color(theme.accent));
                    words::line(ui, &hint.words(ui.ctx()), text(SMALL), theme.text);
                });
            });
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_few_and_do_not_return() {
        let (mut stored, start) = (Stored::default(), Instant::now());
        let mut hints = Hints::begin(start);
        assert_eq!(hints.due(&stored, start), (None, Some(FIRST)));
        let later = start + FIRST;
        assert_eq!(hints.due(&stored, later).0, Some(Hint::Change));
        assert_eq!(hints.due(&stored, later + STAYS / 2).0, Some(Hint::Change), "one at a time");
        hints.did(&mut stored, Action::Palette);
        assert_eq!(hints.shown(), Some(Hint::Change), "something else was done");
        hints.know(&mut stored, Hint::Change);
        assert!(hints.due(&stored, Instant::now()).0.is_none(), "not at once another");
        let mut seen = vec![];
        for i in 1..20 {
            let now = Instant::now() + BETWEEN * i;
            hints.next = hints.next.map(|_| now);
            if let (Some(hint), _) = hints.due(&stored, now) {
                seen.push(hint);
                hints.know(&mut stored, hint);
            }
        }
        assert_eq!(seen, [Hint::Pin, Hint::Back], "{MOST} in a session, and what is used is not told");
        let mut idle = Hints::begin(start);
        assert_eq!(idle.due(&Stored::default(), later).0, Some(Hint::Change));
        assert_eq!(idle.due(&Stored::default(), later + STAYS).0, None, "it goes by itself");
        let next = later + STAYS + BETWEEN;
        assert_eq!(idle.due(&Stored::default(), next).0, Some(Hint::Pin), "and does not come twice in a session");
        let mut tomorrow = Hints::begin(start);
        assert_eq!(tomorrow.due(&stored, later).0, Some(Hint::Export));
        stored.hints = false;
        assert_eq!(tomorrow.due(&stored, later), (None, None));
        tomorrow.toggle(&mut stored, later);
        assert_eq!(tomorrow.due(&stored, later).0, Some(Hint::Change));
        assert!(Hints::default().due(&Stored::default(), later).0.is_none(), "nobody asked for any");
    }
}
