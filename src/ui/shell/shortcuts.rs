//! The list of keyboard shortcuts.

use crate::ui::actions::{self, Action, Group};
use crate::ui::ask::Ask;
use crate::ui::kit::focus;
use crate::ui::kit::scroll;
use crate::ui::kit::style::{SMALL, TINY, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::heading;
use eframe::egui::{self, Align, Frame, Label, Layout, Margin, Modal, RichText, ScrollArea, Ui, vec2};
use strum::IntoEnumIterator as _;

/// Width of the part of a column that has the keys, points.
const KEYS: f32 = 148.0;
/// Width of a column, points.
const COLUMN: f32 = 392.0;
/// Gap between the columns, points.
const GAP: f32 = 28.0;
/// Height of everything above and below the list, together with the margin to the window’s edges, points.
const AROUND: f32 = 160.0;

/// Keys that belong to no action and work everywhere.
const EVERYWHERE: [(&str, &str); 9] = [
    ("F6  Shift+F6", "Next or previous part of the window"),
    ("Tab  Shift+Tab", "Next or previous button, slider or field"),
    ("Enter  Space", "Press what has the focus; Enter alone presses the blue button"),
    ("← →", "Move a slider; finely with Shift"),
    ("Page Up  Page Down", "Move a slider far"),
    ("Digits  Enter", "Type a slider’s value"),
    ("↑ ↓", "Move in a list or menu"),
    ("↑ ↓  Page\u{a0}Up  Page\u{a0}Down", "Scroll a text, such as this one; Home and End go to its ends"),
    ("Esc", "Close what is on top; let go of the focus"),
];

/// Keys of an open lesson that belong to no action.
const LESSON: [(&str, &str); 2] = [
    ("A  B  C …", "Answer the page’s question"),
    ("↑ ↓  Page\u{a0}Up  Page\u{a0}Down", "Scroll the page; Home and End go to its ends"),
];

/// A heading, and the keys below it with what they do.
struct Section {
    title: String,
    lines: Vec<(String, &'static str)>,
}

/// Draws the list; some keys differ while a `lesson` is open. False once it is to close.
pub fn show(ui: &mut Ui, lesson: bool, asks: &mut Vec<Ask>, theme: &Theme) -> bool {
    let mut open = true;
    let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(18));
    let screen = ui.ctx().content_rect();
    let two = screen.width() > 2.0 * COLUMN + GAP + 80.0;
    let width = if two { 2.0 * COLUMN + GAP } else { COLUMN.min(screen.width() - 80.0) };
    let modal = Modal::new(egui::Id::unique("shortcuts")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(width);
        open &= !heading(ui, theme, "Keyboard shortcuts", 16.0);
        ui.add_space(4.0);
        let height = (screen.height() - AROUND).max(120.0);
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).show(ui, |ui| {
            scroll::by_keys(ui, &[scroll::LINES, scroll::PAGES, scroll::ENDS]);
            let [left, right] = halves(ui, lesson);
            if two {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = GAP;
                    ui.vertical(|ui| column(ui, &left, theme));
                    ui.vertical(|ui| column(ui, &right, theme));
                });
            } else {
                column(ui, &left, theme);
                column(ui, &right, theme);
            }
            focus::follow(ui);
        });
        ui.add_space(4.0);
        let more = "Panes: drag a header to move, double-click it to maximise. Heatmap and curves: scroll to zoom, drag to pan, double-click for all of it.";
        ui.add(Label::new(RichText::new(more).font(text(SMALL)).color(theme.dim)).wrap());
        if ui.link(RichText::new("What do the terms mean? Open the glossary (G)").font(text(SMALL))).clicked() {
            asks.push(Ask::Do(Action::Glossary));
            open = false;
        }
    });
    open && !modal.should_close()
}

/// The sections of each column, divided so that the taller column is as short as possible.
fn halves(ui: &Ui, lesson: bool) -> [Vec<Section>; 2] {
    let mut sections: Vec<Section> = Group::iter().map(|group| section(ui, group, lesson)).collect();
    let everywhere = EVERYWHERE.iter().map(|(keys, what)| ((*keys).to_owned(), *what)).collect();
    sections.insert(0, Section { title: "Everywhere".into(), lines: everywhere });
    let height = |part: &[Section]| part.iter().map(|s| s.lines.len() + 2).sum::<usize>();
    let higher = |at: &usize| height(&sections[..*at]).max(height(&sections[*at..]));
    let at = (0..=sections.len()).min_by_key(higher).unwrap_or_default();
    let right = sections.split_off(at);
    [sections, right]
}

fn section(ui: &Ui, group: Group, lesson: bool) -> Section {
    let keys = |a: Action| {
        let all: Vec<String> = a.shortcuts_in(lesson).iter().map(|s| actions::written(ui.ctx(), s)).collect();
        (!all.is_empty()).then(|| (all.join("  "), a.name().trim_end_matches('…')))
    };
    let mut lines: Vec<(String, &'static str)> =
        Action::iter().filter(|a| a.group() == group).filter_map(keys).collect();
    if group == Group::Lesson && lesson {
        lines.extend(LESSON.iter().map(|(keys, what)| ((*keys).to_owned(), *what)));
    }
    Section { title: group.to_string(), lines }
}

fn column(ui: &mut Ui, sections: &[Section], theme: &Theme) {
    let width = COLUMN.min(ui.available_width());
    ui.set_width(width);
    ui.spacing_mut().item_spacing.y = 1.0;
    for section in sections {
        ui.label(RichText::new(&section.title).font(semibold(TINY)).color(theme.faint));
        for (keys, what) in &section.lines {
            line(ui, keys, what, width, theme);
        }
        ui.add_space(8.0);
    }
}

/// Draws keys and what they do side by side; each wraps within its own width.
fn line(ui: &mut Ui, keys: &str, what: &str, width: f32, theme: &Theme) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let part = |ui: &mut Ui, width: f32, label: Label| {
            ui.allocate_ui_with_layout(vec2(width, 18.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width);
                ui.add(label.wrap());
            });
        };
        part(ui, KEYS, Label::new(RichText::new(keys).font(mono(TINY)).color(theme.dim)));
        part(ui, width - KEYS, Label::new(RichText::new(what).font(text(SMALL)).color(theme.text)));
    });
}
