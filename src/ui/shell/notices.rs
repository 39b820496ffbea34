//! Messages: as toasts for a while and in a list until the window closes; the offer to restore an unfinished run; and bars of progress.

use crate::ui::kit::scroll;
use crate::ui::kit::style::{SMALL, TINY, icon, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::{heading, icon_button};
use eframe::egui::{
    self, Align, Align2, Area, Color32, Frame, Id, Layout, Margin, Order, RichText, ScrollArea, Stroke, Ui, vec2,
};
use egui_material_icons::icons::{ICON_CHECK_CIRCLE, ICON_CLOSE, ICON_ERROR, ICON_INFO, ICON_WARNING};
use moebias_engine::message::Kept;
use moebias_engine::worker::KEPT_BYTES;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::notices::{Level, Notice};
use std::time::Duration;

/// Which messages were seen, and where toasts stand.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Messages below this number are no longer shown as toasts.
    dismissed: u64,
    /// Messages that no longer hold. They are not shown as toasts again, even if they hold again later.
    over: Vec<u64>,
    /// Whether toasts stand at the top, to keep away from the pointer, or at the bottom; decided when the first one appears, `None` while
    /// there is none.
    at_top: Option<bool>,
    /// Messages below this number were seen in the list.
    read: u64,
    /// Width at the right edge that an open lesson takes, points.
    pub inset: f32,
}

/// How far below the window's top edge toasts begin, points: below the tabs and headers of the upper panes.
const BELOW_HEADERS: f32 = 154.0;

/// How long a toast stays: long enough to notice and read it, twice as long for warnings and errors.
fn stays(notice: &Notice) -> Duration {
    let reading = Duration::from_secs(4) + Duration::from_millis(70) * notice.text.chars().count().min(300) as u32;
    match notice.level {
        Level::Info | Level::Success => reading,
        Level::Warning | Level::Error => reading * 2,
    }
}

impl Seen {
    /// The messages that are toasts, oldest first.
    fn toasts(&mut self, lab: &Lab) -> Vec<Notice> {
        let fresh = |n: &&Notice| n.id >= self.dismissed && n.at.elapsed() < stays(n) && !self.over.contains(&n.id);
        let (hold, over): (Vec<&Notice>, Vec<&Notice>) =
            lab.notices().all().filter(fresh).partition(|n| lab.still_holds(n));
        let hold = hold.into_iter().cloned().collect();
        let over: Vec<u64> = over.into_iter().map(|n| n.id).collect();
        self.over.extend(over);
        hold
    }

    /// The number of messages that were not yet seen in the list.
    #[must_use]
    pub fn unread(&self, lab: &Lab) -> u64 {
        lab.notices().count().saturating_sub(self.read)
    }
}

fn look(level: Level, theme: &Theme) -> (egui_material_icons::MaterialIcon, Color32) {
    match level {
        Level::Info => (ICON_INFO, theme.accent),
        Level::Success => (ICON_CHECK_CIRCLE, theme.accent),
        Level::Warning => (ICON_WARNING, theme.over_text),
        Level::Error => (ICON_ERROR, theme.record),
    }
}

/// The first line of the newest message that is neither a warning nor an error. While presenting it is shown in the strip with the title,
/// where it covers nothing.
#[must_use]
pub fn told(seen: &mut Seen, lab: &Lab) -> Option<String> {
    let calm = |n: &Notice| matches!(n.level, Level::Info | Level::Success);
    let newest = seen.toasts(lab).into_iter().rfind(calm)?;
    newest.text.lines().next().map(str::to_owned)
}

/// Draws up to three of the newest messages at the right as toasts, at the bottom, or at the top if the pointer is in the lower half. Before
/// an `audience` only warnings and errors are drawn.
pub fn toasts(ui: &mut Ui, seen: &mut Seen, lab: &mut Lab, audience: bool, theme: &Theme) {
    let mut fresh = seen.toasts(lab);
    fresh.retain(|n| !audience || matches!(n.level, Level::Warning | Level::Error));
    if fresh.is_empty() {
        seen.at_top = None;
        return;
    }
    let screen = ui.ctx().content_rect();
    let pointer = ui.input(|i| i.pointer.latest_pos());
    let at_top = *seen.at_top.get_or_insert(pointer.is_some_and(|p| p.y > screen.center().y));
    let (align, mut off) = if at_top { (Align2::RIGHT_TOP, BELOW_HEADERS) } else { (Align2::RIGHT_BOTTOM, 76.0) };
    for notice in fresh.iter().rev().take(3) {
        ui.ctx().request_repaint_after(stays(notice).saturating_sub(notice.at.elapsed()));
        let area = Area::new(Id::unique(("toast", notice.id)))
            .order(Order::Foreground)
            .anchor(align, vec2(-14.0 - seen.inset, if at_top { off } else { -off }));
        let response = area.show(ui.ctx(), |ui| {
            let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::symmetric(12, 8));
            frame.show(ui, |ui| {
                let width = (screen.width() - seen.inset - 60.0).clamp(160.0, 400.0);
                // All toasts are equally wide, so that they form a column.
                ui.set_width(width);
                ui.horizontal_top(|ui| {
                    let (symbol, colour) = look(notice.level, theme);
                    ui.label(icon(symbol, 16.0).color(colour));
                    ui.vertical(|ui| {
                        ui.set_max_width(width - 70.0);
                        words(ui, &notice.text, theme);
                        // A button “Undo” undoes the change that the message tells of, so it is left out once another change was made.
                        let stale = |c: &Command| {
                            *c == Command::Undo && !lab.undo_label().is_some_and(|l| notice.text.starts_with(&l))
                        };
                        if let Some(action) = notice.action.as_ref().filter(|a| !stale(&a.command))
                            && ui.button(RichText::new(&action.label).font(text(SMALL))).clicked()
                        {
                            lab.send(action.command.clone());
                            seen.dismissed = notice.id + 1;
                        }
                    });
                    if icon_button(ui, theme, ICON_CLOSE, 13.0, true, "Dismiss", "Dismiss").clicked() {
                        seen.dismissed = notice.id + 1;
                    }
                });
            });
        });
        off += response.response.rect.height() + 8.0;
    }
}

/// Draws a message; lines quoted from a file are in the monospaced face.
fn words(ui: &mut Ui, words: &str, theme: &Theme) {
    for line in words.lines() {
        let quoted = line.trim_start().split_once(" | ").is_some_and(|(n, _)| n.chars().all(|c| c.is_ascii_digit()));
        let rich = if quoted {
            RichText::new(line).font(mono(TINY)).color(theme.dim)
        } else {
            RichText::new(line).font(text(SMALL))
        };
        ui.add(egui::Label::new(rich).wrap().selectable(true));
    }
}

/// Draws the list of all messages. False once it is to close.
pub fn list(ui: &mut Ui, seen: &mut Seen, lab: &mut Lab, theme: &Theme) -> bool {
    seen.read = lab.notices().count();
    seen.dismissed = seen.read;
    let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(14));
    let screen = ui.ctx().content_rect();
    let area = egui::Modal::default_area(Id::unique("messages")).anchor(Align2::RIGHT_TOP, vec2(-14.0, 54.0));
    let modal = egui::Modal::new(Id::unique("messages"))
        .area(area)
        .backdrop_color(Color32::from_black_alpha(60))
        .frame(frame)
        .show(ui.ctx(), |ui| {
            ui.set_width(420.0_f32.min(screen.width() - 60.0));
            let close = heading(ui, theme, "Messages", 14.0);
            ui.add_space(6.0);
            if lab.notices().all().len() == 0 {
                ui.label(
                    RichText::new("Nothing yet. What Moebias tells you stays here until you close it.")
                        .color(theme.dim),
                );
            }
            let all: Vec<Notice> = lab.notices().all().rev().cloned().collect();
            ScrollArea::vertical().max_height((screen.height() * 0.6).min(screen.height() - 170.0)).show(ui, |ui| {
                scroll::by_keys(ui, &[scroll::LINES, scroll::PAGES, scroll::ENDS]);
                for notice in all {
                    ui.horizontal_top(|ui| {
                        let (symbol, colour) = look(notice.level, theme);
                        ui.label(icon(symbol, 15.0).color(colour));
                        ui.vertical(|ui| {
                            words(ui, &notice.text, theme);
                            ui.horizontal(|ui| {
                                let when = format!("step {} · {}", notice.step, ago(notice.at.elapsed()));
                                ui.label(RichText::new(when).font(text(TINY)).color(theme.faint));
                                if ui.small_button(RichText::new("Copy").font(text(TINY))).clicked() {
                                    ui.ctx().copy_text(notice.text.clone());
                                }
                            });
                        });
                    });
                    ui.add_space(6.0);
                }
                crate::ui::kit::focus::follow(ui);
            });
            let of = lab.snapshot().kept;
            if of.runs > 0 {
                ui.add_space(4.0);
                ui.label(RichText::new(kept(of)).font(text(TINY)).color(theme.dim));
            }
            close
        });
    !modal.should_close() && !modal.inner
}

/// How many other runs are kept in memory to go back to, and how much they take: "3 other runs are kept to go back to: 120 of at most 1024 MiB".
fn kept(of: Kept) -> String {
    let mib = |bytes: usize| bytes.div_ceil(1 << 20);
    let runs = if of.runs == 1 { "1 other run is".into() } else { format!("{} other runs are", of.runs) };
    format!("{runs} kept to go back to: {} of at most {} MiB", mib(of.bytes), mib(KEPT_BYTES))
}

fn ago(time: Duration) -> String {
    match time.as_secs() {
        0..60 => "just now".into(),
        s @ 60..3600 => format!("{} min ago", s / 60),
        s => format!("{} h ago", s / 3600),
    }
}

/// A bar that offers to restore an unfinished run. True if a person took it.
pub fn offer(ui: &mut Ui, lab: &mut Lab, theme: &Theme) -> bool {
    let Some(run) = lab.unfinished() else { return false };
    let frame = Frame::new().fill(Theme::mix(theme.panel, theme.accent, 0.16)).inner_margin(Margin::symmetric(14, 6));
    let bar = egui::Panel::top("offer").resizable(false).show_separator_line(false).frame(frame);
    let shown = bar.show(ui, |ui| {
        crate::ui::kit::focus::region(ui, crate::ui::kit::focus::Region::Offer);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let changes = if run.events == 1 { "1 change".into() } else { format!("{} changes", run.events) };
            let what = format!("“{}” was not finished last time: {} steps, {changes}.", run.title, run.steps);
            ui.label(what);
            let taken = ui.button("Restore").clicked();
            if taken {
                lab.send(Command::Restore);
            }
            if ui.add(egui::Button::new("Discard").fill(Color32::TRANSPARENT)).clicked() {
                lab.send(Command::DiscardUnfinished);
            }
            taken
        })
        .inner
    });
    shown.inner
}

/// Draws the progress of the lab's work beside the run, with a button that cancels it.
pub fn job(ui: &mut Ui, lab: &mut Lab, theme: &Theme) {
    let Some(job) = lab.job() else { return };
    let bar = ProgressBar { id: "job", name: &job.name, share: job.progress, above: 0.0 };
    if bar.show(ui, theme) {
        lab.send(Command::CancelJob);
    }
}

/// A bar at the bottom with the progress of some work, and a button that cancels it.
pub struct ProgressBar<'a> {
    /// Tells bars that are shown together apart.
    pub id: &'a str,
    /// What is being done.
    pub name: &'a str,
    /// The share that is done, 0 to 1.
    pub share: f32,
    /// How far above its usual place the bar stands, points.
    pub above: f32,
}

impl ProgressBar<'_> {
    /// Draws the bar. True if the work is to be cancelled.
    #[must_use]
    pub fn show(&self, ui: &mut Ui, theme: &Theme) -> bool {
        ui.ctx().request_repaint_after(Duration::from_millis(100));
        let mut cancel = false;
        let at = vec2(0.0, -76.0 - self.above);
        let area = Area::new(Id::unique(self.id)).order(Order::Foreground).anchor(Align2::CENTER_BOTTOM, at);
        let frame = Frame::popup(ui.style()).fill(theme.pane).stroke(Stroke::new(1.0, theme.line));
        area.show(ui.ctx(), |ui| {
            frame.inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(RichText::new(self.name).font(text(SMALL)));
                    let bar = egui::ProgressBar::new(self.share).desired_width(160.0).desired_height(6.0);
                    ui.add(bar.fill(theme.accent));
                    cancel = ui.button(RichText::new("Cancel").font(text(SMALL))).clicked();
                });
            });
        });
        cancel
    }
}
