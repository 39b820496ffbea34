//! The open lesson, drawn as a page at the right of the window; and the table of contents.

mod card;
pub mod contents;

use crate::ui::actions::{self, Action};
use crate::ui::ask::Ask;
use crate::ui::kit::markdown;
use crate::ui::kit::scroll;
use crate::ui::kit::style::{SMALL, TINY, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::icon_button;
use eframe::egui::{
    self, Align, Button, Color32, Frame, Layout, Margin, Panel, Rect, RichText, ScrollArea, Sense, Stroke, Ui,
    UiBuilder, pos2, vec2,
};
use egui_material_icons::icons::{ICON_CLOSE, ICON_MENU_BOOK, ICON_RESTART_ALT};
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::command::LessonDo;
use moebias_lab::lesson::Running;

/// Margin around the text, points.
const MARGIN: f32 = 22.0;
/// Height of the foot with the buttons for the previous and the next page, points.
const FOOT: f32 = 62.0;
/// Height of the strip with the button that scrolls on, points.
const MORE: f32 = 32.0;

/// The state of the panel between frames: what was shown, so that what is new can be scrolled into view.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LessonPanel {
    shown: (u64, Option<usize>, usize, bool),
    /// How far the page should scroll in the next frame, points.
    on: f32,
    /// Whether the page is longer than its room, so that a button below it scrolls on.
    more: bool,
}

/// Width of the panel in a window of this width, points.
#[must_use]
pub fn width(window: f32) -> f32 {
    // In a narrow window, the panes keep half of the width.
    (window * 0.27).clamp(330.0, 430.0).min(window * 0.5)
}

/// Draws the open lesson, if there is one.
pub fn show(ui: &mut Ui, panel: &mut LessonPanel, lab: &mut Lab, asks: &mut Vec<Ask>, theme: &'static Theme) {
    let Some(running) = lab.lesson().cloned() else { return };
    let width = width(ui.ctx().content_rect().width());
    let frame = Frame::new().fill(theme.pane);
    Panel::right("lesson").exact_size(width).resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
        crate::ui::kit::focus::region(ui, crate::ui::kit::focus::Region::Lesson);
        let whole = ui.max_rect();
        ui.painter().vline(whole.left() + 0.5, whole.y_range(), Stroke::new(1.0, theme.line));
        let page = whole.shrink2(vec2(MARGIN, 0.0));
        let (body, foot) = page.split_top_bottom_at_y(whole.bottom() - FOOT);
        let mut body = ui.new_child(UiBuilder::new().max_rect(body.with_min_y(body.top() + 14.0)).id_salt("body"));
        head(&mut body, &running, lab, asks, theme);
        content(&mut body, panel, &running, lab, theme);
        let mut foot_ui = ui.new_child(UiBuilder::new().max_rect(foot).id_salt("foot"));
        foot_ui.painter().hline(whole.x_range(), foot.top() + 0.5, Stroke::new(1.0, theme.line));
        way(&mut foot_ui, &running, lab, theme);
    });
}

/// Draws the title and the page number, and buttons for the contents, for setting the page up again, and for closing.
fn head(ui: &mut Ui, running: &Running, lab: &mut Lab, asks: &mut Vec<Ask>, theme: &Theme) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon_button(ui, theme, ICON_CLOSE, 15.0, true, "Close lesson", "Close; you can come back to this page")
                .clicked()
            {
                lab.send(Command::Lesson(LessonDo::Close));
            }
            if icon_button(ui, theme, ICON_MENU_BOOK, 16.0, true, "Contents", "All lessons (L)").clicked() {
                asks.push(Ask::Do(Action::Lessons));
            }
            let tip = format!("Set the experiment up again as this page has it ({})", key(ui, Action::LessonSetUp));
            if icon_button(ui, theme, ICON_RESTART_ALT, 16.0, true, "Set up this page again", &tip).clicked() {
                lab.send(Command::Lesson(LessonDo::SetUp));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let (page, pages) = (running.page + 1, running.lesson.pages.len());
                let words = format!("{} · {page} of {pages}", running.lesson.title);
                crate::ui::kit::words::line(ui, &words, semibold(SMALL), theme.dim);
            });
        });
    });
}

fn content(ui: &mut Ui, panel: &mut LessonPanel, running: &Running, lab: &mut Lab, theme: &Theme) {
    let Some(page) = running.page() else { return };
    let standing = lab.task_standing();
    let now = (running.turned, lab.answered(), running.hints, standing.done);
    // An explanation, a hint or the end of a task may appear below the visible part.
    let comes = now.0 == panel.shown.0 && now != panel.shown;
    panel.shown = now;
    let strip = if panel.more { MORE } else { 0.0 };
    let shown = ScrollArea::vertical()
        .id_salt(("page", running.lesson.id.as_str(), running.page))
        .auto_shrink([false, false])
        .max_height(ui.available_height() - strip)
        .show(ui, |ui| {
            if scroll::has_keys(ui) {
                scroll::by_keys(ui, &[scroll::PAGES, scroll::ENDS]);
            }
            if ui.memory(|m| m.focused().is_none()) {
                // A focused widget uses the arrow keys to pass the focus on.
                scroll::by_keys(ui, &[scroll::LINES]);
            }
            if panel.on > 0.0 {
                ui.scroll_with_delta(vec2(0.0, -panel.on));
            }
            ui.add_space(8.0);
            let heading = RichText::new(&page.title).font(semibold(21.0)).color(theme.text);
            ui.add(egui::Label::new(heading).wrap());
            ui.add_space(10.0);
            markdown::show(ui, theme, &page.text);
            ui.add_space(18.0);
            if let Some(question) = &page.question {
                card::question(ui, question, lab, theme);
            }
            if let Some(task) = &page.task {
                card::task(ui, task, running.hints, standing, lab, theme);
            }
            left_to_do(ui, running, lab, theme);
            ui.add_space(16.0);
            crate::ui::kit::focus::follow(ui);
            if comes {
                ui.scroll_to_cursor(Some(Align::Max));
                ui.ctx().request_repaint();
            }
        });
    let below = shown.content_size.y - shown.state.clamped_offset().y - shown.inner_rect.height();
    panel.on = 0.0;
    if panel.more && below > 1.0 && more_below(ui, theme) {
        panel.on = below.min(0.8 * shown.inner_rect.height());
        ui.ctx().request_repaint();
    }
    // The strip appears when the page is too long for its room, and disappears when all of it fits.
    let more = shown.content_size.y > shown.inner_rect.height() + strip;
    if std::mem::replace(&mut panel.more, more) != more {
        ui.ctx().request_repaint();
    }
}

/// Draws a button that scrolls on, in the strip below a page. True if it was pressed.
fn more_below(ui: &mut Ui, theme: &Theme) -> bool {
    ui.vertical_centered(|ui| {
        ui.add_space(4.0);
        let words = RichText::new("More below  ↓").font(text(SMALL)).color(theme.accent);
        let button = Button::new(words).fill(theme.panel).stroke(Stroke::new(1.0, theme.line)).corner_radius(12);
        ui.add(button.min_size(vec2(128.0, 22.0))).clicked()
    })
    .inner
}

/// On the last page, lists the tasks that are not done yet, with links to them.
fn left_to_do(ui: &mut Ui, running: &Running, lab: &mut Lab, theme: &Theme) {
    if running.page + 1 < running.lesson.pages.len() {
        return;
    }
    let done = |page: &usize| lab.shelf().progress.get(&running.lesson.id).is_some_and(|p| p.was_done(*page));
    let left: Vec<usize> = running.lesson.tasks().into_iter().filter(|p| *p != running.page && !done(p)).collect();
    if left.is_empty() {
        return;
    }
    ui.add_space(14.0);
    small(ui, "Still to do in this lesson:", theme.dim);
    for page in left {
        let title = running.lesson.pages.get(page).map_or("", |p| p.title.as_str());
        if ui.link(RichText::new(format!("Page {}: {title}", page + 1)).font(text(SMALL))).clicked() {
            lab.send(Command::Lesson(LessonDo::Turn(page)));
        }
    }
}

/// Shows one more hint, if the page's task has one left.
pub fn hint(lab: &mut Lab) {
    let Some(running) = lab.lesson() else { return };
    let left = running.page().and_then(|p| p.task.as_ref()).is_some_and(|t| running.hints < t.hints.len());
    if left && !lab.task_standing().done {
        lab.send(Command::Lesson(LessonDo::Hint));
    }
}

/// The shortcut of an action, as people write it on this system.
fn key(ui: &Ui, action: Action) -> String {
    action.shortcuts().first().map(|s| actions::written(ui.ctx(), s)).unwrap_or_default()
}

/// Draws the buttons for the previous and the next page, and between them a dot per page.
fn way(ui: &mut Ui, running: &Running, lab: &mut Lab, theme: &Theme) {
    let (page, pages) = (running.page, running.lesson.pages.len());
    let last = page + 1 == pages;
    let rect = ui.max_rect();
    let row = Rect::from_center_size(rect.center(), vec2(rect.width(), 34.0));
    let mut left = ui.new_child(UiBuilder::new().max_rect(row).layout(Layout::left_to_right(Align::Center)));
    let back = Button::new("Back").min_size(vec2(64.0, 32.0));
    let response = left.add_enabled(page > 0, back).on_hover_text("The page before (←)");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, page > 0, "Previous page"));
    if response.clicked() {
        lab.send(Command::Lesson(LessonDo::Turn(page.saturating_sub(1))));
    }
    let mut right = ui.new_child(UiBuilder::new().max_rect(row).layout(Layout::right_to_left(Align::Center)));
    let ink = if theme.dark { theme.window } else { theme.pane };
    let open = page_is_open(running, lab);
    // The button is not emphasised while the page still asks for something.
    let (fill, ink) = if open { (theme.chip, theme.text) } else { (theme.accent, ink) };
    let (words, name) = if last { (next_words(running), "Next lesson") } else { ("Next", "Next page") };
    let label = RichText::new(words).color(ink);
    let response = right.add(Button::new(label).fill(fill).min_size(vec2(84.0, 32.0)));
    let response = response.on_hover_text(if open { "Go on without (Space)" } else { "Go on (Space)" });
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    let enter = !open
        && crate::ui::kit::focus::enter_is_free(ui)
        && ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Enter));
    if response.clicked() || enter {
        forward(lab);
    }
    // Dots show the position in the lesson; there is room for about forty.
    let gap = (140.0 / pages as f32).min(13.0);
    let start = rect.center().x - gap * (pages as f32 - 1.0) / 2.0 - 8.0;
    for i in 0..pages {
        let at = pos2(start + gap * i as f32, rect.center().y);
        let (radius, colour) = match i.cmp(&page) {
            std::cmp::Ordering::Equal => (4.0, theme.accent),
            std::cmp::Ordering::Less => (2.5, theme.dim),
            std::cmp::Ordering::Greater => (2.5, theme.line),
        };
        ui.painter().circle_filled(at, radius, colour);
        let hit = Rect::from_center_size(at, vec2(gap, 20.0));
        let dot = ui.interact(hit, ui.scope_id().with(("dot", i)), Sense::click());
        let title = running.lesson.pages.get(i).map_or("", |p| p.title.as_str());
        let name = format!("Page {}: {title}", i + 1);
        dot.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        if dot.on_hover_text(name).clicked() {
            lab.send(Command::Lesson(LessonDo::Turn(i)));
        }
    }
}

fn next_words(running: &Running) -> &'static str {
    if contents::after(&running.lesson.id).is_some() { "Next lesson" } else { "Close" }
}

/// Whether the page has a question without an answer or a task that is not done.
fn page_is_open(running: &Running, lab: &Lab) -> bool {
    let Some(page) = running.page() else { return false };
    page.question.is_some() && lab.answered().is_none() || page.task.is_some() && !lab.task_standing().done
}

/// Turns to the next page, or from the last page to the next lesson.
pub fn forward(lab: &mut Lab) {
    let Some(running) = lab.lesson() else { return };
    let what = if running.page + 1 < running.lesson.pages.len() {
        LessonDo::Turn(running.page + 1)
    } else {
        contents::after(&running.lesson.id).map_or(LessonDo::Close, |id| LessonDo::Open(id.into()))
    };
    lab.send(Command::Lesson(what));
}

/// Turns to the previous page.
pub fn back(lab: &mut Lab) {
    let Some(page) = lab.lesson().map(|r| r.page).filter(|p| *p > 0) else { return };
    lab.send(Command::Lesson(LessonDo::Turn(page - 1)));
}

/// Draws a small heading above a card.
fn kicker(ui: &mut Ui, words: &str, colour: Color32) {
    ui.label(RichText::new(words).font(semibold(TINY)).color(colour));
    ui.add_space(5.0);
}

/// The frame of a card.
fn frame(theme: &Theme, line: Color32) -> Frame {
    Frame::new().fill(theme.panel).stroke(Stroke::new(1.0, line)).corner_radius(10).inner_margin(Margin::same(14))
}

/// Draws a line of small text.
fn small(ui: &mut Ui, words: impl Into<String>, colour: Color32) {
    ui.add(egui::Label::new(RichText::new(words).font(text(SMALL)).color(colour)).wrap());
}
