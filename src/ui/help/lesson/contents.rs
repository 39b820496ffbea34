//! The table of contents of the lessons: the course, a person's own lessons, progress, and a button to continue.

use crate::ui::actions::Action;
use crate::ui::ask::Ask;
use crate::ui::kit::focus;
use crate::ui::kit::style::{SMALL, icon, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::heading;
use eframe::egui::{
    self, Align, Align2, Button, Color32, CornerRadius, Frame, Layout, Margin, Modal, Rect, RichText, ScrollArea,
    Sense, Stroke, StrokeKind, Ui, pos2, vec2,
};
use egui_material_icons::icons::ICON_CHECK_CIRCLE;
use moebias_files::lesson::shipped;
use moebias_lab::command::LessonDo;
use moebias_lab::lesson::{Progress, Shelf, Stage};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Height of a lesson's row in the list, points.
const ROW: f32 = 50.0;

/// A shipped lesson, as the contents list it.
#[derive(Debug)]
pub struct Entry {
    /// The id of the lesson.
    pub id: &'static str,
    /// The title.
    pub title: String,
    /// A summary of one line.
    pub summary: String,
    minutes: Option<u32>,
    pages: usize,
    /// The pages that have a task, counted from 0.
    tasks: BTreeSet<usize>,
}

impl Entry {
    /// How far a person got in the lesson; `None` if they have not opened it.
    #[must_use]
    pub fn stage(&self, shelf: &Shelf) -> Option<Stage> {
        shelf.progress.get(self.id).map(|p| p.stage(Some(&self.tasks)))
    }
}

/// The shipped lessons in order.
#[must_use]
pub fn course() -> &'static [Entry] {
    static COURSE: OnceLock<Vec<Entry>> = OnceLock::new();
    COURSE.get_or_init(|| {
        let entry = |l: &'static moebias_files::lesson::ShippedLesson| match l.load() {
            Ok(read) => {
                let (pages, tasks) = (read.pages.len(), read.tasks());
                Some(Entry { id: l.id, title: read.title, summary: read.summary, minutes: read.minutes, pages, tasks })
            }
            Err(e) => {
                log::error!("a shipped lesson can't be read: {e}");
                None
            }
        };
        shipped().iter().filter_map(entry).collect()
    })
}

/// The lesson after this one in the course.
#[must_use]
pub fn after(id: &str) -> Option<&'static str> {
    let at = course().iter().position(|e| e.id == id)?;
    course().get(at + 1).map(|e| e.id)
}

/// The lesson and the page to continue with: the unfinished lesson that was open last, another unfinished one, the first one not begun, or
/// the first of all.
#[must_use]
pub fn next(shelf: &Shelf) -> Option<(&'static Entry, usize)> {
    let begun = |e: &&Entry| shelf.progress.get(e.id).is_some_and(|p| !p.finished);
    let last = shelf.last.as_deref().and_then(|id| course().iter().find(|e| e.id == id)).filter(begun);
    let entry = last
        .or_else(|| course().iter().find(begun))
        .or_else(|| course().iter().find(|e| !shelf.progress.contains_key(e.id)))
        .or_else(|| course().first())?;
    Some((entry, shelf.progress.get(entry.id).filter(|p| !p.finished).map_or(0, |p| p.page)))
}

/// What the contents need in order to draw a lesson and to open it.
struct Contents<'a> {
    shelf: &'a Shelf,
    asks: &'a mut Vec<Ask>,
    theme: &'a Theme,
    /// Whether the contents stay open.
    open: bool,
}

/// Draws the contents. Returns false once they should close.
pub fn show(ui: &mut Ui, shelf: &Shelf, asks: &mut Vec<Ask>, theme: &Theme) -> bool {
    let mut contents = Contents { shelf, asks, theme, open: true };
    let screen = ui.ctx().content_rect();
    let opened = just_opened(ui);
    let frame = Frame::popup(ui.style()).fill(theme.panel).corner_radius(12).inner_margin(Margin::same(22));
    let modal = Modal::new(egui::Id::unique("contents"))
        .backdrop_color(Color32::from_black_alpha(if theme.dark { 120 } else { 70 }))
        .frame(frame)
        .show(ui.ctx(), |ui| {
            ui.set_width(640.0_f32.min(screen.width() - 80.0));
            contents.open &= !heading(ui, theme, "Lessons", 20.0);
            let words = "Predict, see, understand, do, in the real lab. Leave and come back at any page.";
            ui.label(RichText::new(words).color(theme.dim));
            ui.add_space(12.0);
            // The height comes from the window, because the modal's first frame has too little room to measure.
            let room = screen.height() - 220.0;
            ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                contents.course(ui, opened);
                contents.own(ui);
                focus::follow(ui);
            });
            ui.add_space(12.0);
            ui.horizontal(|ui| contents.foot(ui));
        });
    contents.open && !modal.should_close()
}

impl Contents<'_> {
    /// The shipped lessons. In the first frame, the lesson to continue with gets the focus.
    fn course(&mut self, ui: &mut Ui, opened: bool) {
        let going_on = next(self.shelf).map(|(e, _)| e.id);
        for (i, e) in course().iter().enumerate() {
            let told = Told {
                mark: (i + 1).to_string(),
                title: &e.title,
                summary: &e.summary,
                minutes: e.minutes,
                pages: e.pages,
                stage: e.stage(self.shelf),
                // Enter opens this lesson, and the arrow keys move to another.
                focus: opened && going_on == Some(e.id),
            };
            if row(ui, &told, self.shelf.progress.get(e.id), self.theme) {
                self.asks.push(Ask::Lesson(LessonDo::Open(e.id.into())));
                self.open = false;
            }
        }
    }

    /// The lessons that a person opened from files of their own.
    fn own(&mut self, ui: &mut Ui) {
        let own: Vec<(&PathBuf, &Progress)> =
            self.shelf.progress.values().filter_map(|p| p.path.as_ref().map(|path| (path, p))).collect();
        if !own.is_empty() {
            ui.add_space(10.0);
            ui.label(RichText::new("Your own").font(semibold(SMALL)).color(self.theme.faint));
        }
        for (path, progress) in own {
            let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            let name = if progress.title.is_empty() { file.as_ref() } else { progress.title.as_str() };
            let summary = path.display().to_string();
            let told = Told {
                mark: "–".into(),
                title: name,
                summary: &summary,
                minutes: None,
                pages: progress.pages,
                stage: Some(progress.stage(None)),
                focus: false,
            };
            if row(ui, &told, Some(progress), self.theme) {
                self.asks.push(Ask::Open(path.clone()));
                self.open = false;
            }
        }
    }

    /// Below the list: a button that opens a file, and one that continues the course.
    fn foot(&mut self, ui: &mut Ui) {
        let tip = "A .lesson.ron file of your own: docs/lessons.md says how to write one";
        if ui.add(Button::new("Open a lesson file…").min_size(vec2(0.0, 30.0))).on_hover_text(tip).clicked() {
            self.asks.push(Ask::Do(Action::Open));
            self.open = false;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let Some((entry, page)) = next(self.shelf) else { return };
            let words = match page {
                0 => format!("Begin “{}”", entry.title),
                page => format!("Continue “{}”, page {}", entry.title, page + 1),
            };
            let ink = if self.theme.dark { self.theme.window } else { self.theme.pane };
            let button = Button::new(RichText::new(words).color(ink)).fill(self.theme.accent);
            if ui.add(button.min_size(vec2(0.0, 30.0))).clicked() {
                self.asks.push(Ask::Lesson(LessonDo::Open(entry.id.into())));
                self.open = false;
            }
        });
    }
}

/// Whether the contents were not drawn in the previous frame.
fn just_opened(ui: &Ui) -> bool {
    let (id, now) = (egui::Id::unique("contents drawn"), ui.ctx().cumulative_frame_nr());
    let last: Option<u64> = ui.data(|d| d.get_temp(id));
    ui.data_mut(|d| d.insert_temp(id, now));
    last.is_none_or(|last| last + 1 < now)
}

/// The content of a lesson's row.
struct Told<'a> {
    mark: String,
    title: &'a str,
    summary: &'a str,
    minutes: Option<u32>,
    pages: usize,
    stage: Option<Stage>,
    focus: bool,
}

/// Draws a lesson's row. True if it was clicked.
fn row(ui: &mut Ui, told: &Told<'_>, progress: Option<&Progress>, theme: &Theme) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let name = format!("Lesson {}: {}", told.mark, told.title);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    if told.focus {
        response.request_focus();
    }
    let painter = ui.painter();
    if response.hovered() || response.has_focus() {
        painter.rect_filled(rect, CornerRadius::same(8), theme.chip);
    }
    let badge = pos2(rect.left() + 24.0, rect.center().y);
    if told.stage == Some(Stage::Done) {
        let font = egui::FontId::new(26.0, ICON_CHECK_CIRCLE.font_family());
        painter.text(badge, Align2::CENTER_CENTER, ICON_CHECK_CIRCLE.codepoint, font, theme.accent);
    } else {
        let line = if told.stage.is_some() { theme.accent } else { theme.line };
        painter.circle_stroke(badge, 12.0, Stroke::new(1.5, line));
        painter.text(badge, Align2::CENTER_CENTER, &told.mark, mono(SMALL), theme.dim);
    }
    let state = match (told.stage, progress) {
        (Some(Stage::Done), _) => "done".to_owned(),
        (Some(Stage::Read(Some(1))), _) => "read, 1 task to do".to_owned(),
        (Some(Stage::Read(Some(n))), _) => format!("read, {n} tasks to do"),
        (Some(Stage::Read(None)), _) => "read".to_owned(),
        (_, Some(p)) => format!("page {} of {}", p.page + 1, told.pages.max(p.page + 1)),
        _ => told.minutes.map(|m| format!("{m} min")).unwrap_or_default(),
    };
    let state = painter.layout_no_wrap(state, text(SMALL), theme.dim);
    let right = rect.right() - 12.0 - state.size().x;
    painter.galley(pos2(right, rect.center().y - state.size().y / 2.0), state, theme.dim);
    let left = rect.left() + 48.0;
    let line = |words: &str, font: egui::FontId, colour: Color32| {
        let mut job = egui::text::LayoutJob::simple_singleline(words.to_owned(), font, colour);
        job.wrap = egui::text::TextWrapping::truncate_at_width(right - left - 16.0);
        painter.layout_job(job)
    };
    let title = line(told.title, semibold(14.0), theme.text);
    painter.galley(pos2(left, rect.center().y - 18.0), title, theme.text);
    let summary = line(told.summary, text(SMALL), theme.dim);
    painter.galley(pos2(left, rect.center().y + 2.0), summary, theme.dim);
    response.clicked()
}

/// Draws the row of the welcome that opens the lessons. True if it was clicked.
pub fn invitation(ui: &mut Ui, shelf: &Shelf, theme: &Theme) -> bool {
    let stages: Vec<Stage> = course().iter().filter_map(|e| e.stage(shelf)).collect();
    let done = stages.iter().filter(|s| **s == Stage::Done).count();
    let read = stages.iter().filter(|s| matches!(s, Stage::Read(_))).count();
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 46.0), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Open the lessons"));
    let hot = ui.ctx().animate_bool_with_time(response.id, response.hovered() || response.has_focus(), 0.14);
    let line = Theme::mix(theme.line, theme.accent, hot);
    let painter = ui.painter();
    painter.rect(rect, CornerRadius::same(8), theme.pane, Stroke::new(1.0, line), StrokeKind::Inside);
    let symbol = icon(Action::Lessons.icon(), 20.0);
    let galley = egui::WidgetText::from(symbol).into_galley(ui, None, f32::INFINITY, text(20.0));
    let at = Rect::from_center_size(pos2(rect.left() + 26.0, rect.center().y), galley.size());
    painter.galley_with_override_text_color(at.min, galley, theme.accent);
    let (count, minutes) = (course().len(), course().iter().filter_map(|e| e.minutes).sum::<u32>());
    let words = match (done, read) {
        (0, 0) => format!("New to this? {count} lessons, about {minutes} minutes: predict, see, understand, do"),
        (_, 0) => format!("Lessons: {done} of {count} done"),
        _ => format!("Lessons: {done} of {count} done, {read} read"),
    };
    let middle = rect.center().y;
    let way = painter.layout_no_wrap("Lessons  →".into(), text(13.0), theme.accent);
    let right = rect.right() - 14.0 - way.size().x;
    let left = rect.left() + 50.0;
    let (words, whole) = crate::ui::kit::words::fitted(ui, &words, &text(13.5), theme.text, rect.right() - 14.0 - left);
    // If there is no room for both texts, the left one is enough.
    let both = whole && left + words.size().x + 16.0 < right;
    painter.galley(pos2(left, middle - words.size().y / 2.0), words, theme.text);
    if both {
        painter.galley(pos2(right, middle - way.size().y / 2.0), way, theme.accent);
    }
    response.clicked()
}
