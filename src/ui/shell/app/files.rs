//! Opening and saving: which path to ask for, what is written to the chosen one, and files dropped on the window.

use super::App;
use crate::ui::actions::Action;
use crate::ui::export::pictures::Goal;
use crate::ui::kit::style;
use crate::ui::kit::theme::Theme;
use crate::ui::shell::files::{Dialog, Purpose};
use eframe::egui::{Align2, Context, Id, LayerId, Order, Stroke, StrokeKind};
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_lab::notices::Level;
use std::path::PathBuf;

impl App {
    /// Asks for the path of what is to be opened or saved. False for an action that needs no path.
    pub(super) fn act_on_files(&mut self, ctx: &Context, action: Action) -> bool {
        let purpose = match action {
            Action::Open => Purpose::Open,
            Action::CompareRecordings => Purpose::Compare,
            Action::SaveAs => Purpose::Save,
            Action::SaveWithView => Purpose::SaveWithView,
            Action::ExportCsv => Purpose::Csv,
            Action::SavePicture => Purpose::Picture(None),
            Action::SaveSweep => Purpose::Sweep,
            _ => return false,
        };
        self.ask_path(ctx, purpose);
        true
    }

    /// Opens the dialog that asks for a path.
    pub(super) fn ask_path(&mut self, ctx: &Context, purpose: Purpose) {
        let title = self.lab.document().title.clone();
        let name = match purpose {
            Purpose::Sweep => format!("{title} sweep"),
            Purpose::Picture(Some(kind)) | Purpose::Svg(kind) => format!("{title} {}", kind.name()),
            _ => title,
        };
        let texts = self.lab.texts();
        let dialog = Dialog::new(purpose, &name, texts.path.as_deref(), self.options.native, ctx);
        self.overlays.ask_path(match purpose {
            Purpose::Save | Purpose::SaveWithView => dialog.with_texts(&texts.title, &texts.summary),
            _ => dialog,
        });
    }

    /// Opens the chosen path, or writes to it.
    pub(super) fn chosen(&mut self, ctx: &Context, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::Open => self.lab.send(Command::OpenFile(path)),
            Purpose::Compare => {
                self.lab.send(Command::CompareWith(path));
                self.show_pane(PaneKind::Layers);
            }
            Purpose::Save => self.lab.send(Command::SaveAs(path)),
            Purpose::Csv => self.lab.send(Command::ExportCsv(path)),
            Purpose::SaveWithView => self.lab.send(Command::SaveWithView(path, Box::new(self.view()))),
            Purpose::Sweep => self.lab.send(Command::SaveSweep(path)),
            Purpose::Picture(None) => self.making.pictures.take(ctx, Goal::File(path), None),
            Purpose::Picture(Some(kind)) => self.take_picture(ctx, kind, Goal::File(path)),
            Purpose::Svg(kind) => self.draw_to(ctx, kind, path),
            Purpose::Film(_) => self.film_to(path),
        }
    }

    /// Says what dropping would do while files are dragged over the window, and opens the first of those dropped on it.
    pub(super) fn take_dropped(&mut self, ctx: &Context, theme: &Theme) {
        let (hovering, dropped) = ctx.input(|i| (i.raw.hovered_files.len(), i.raw.dropped_files.clone()));
        if hovering > 0 {
            invite_to_drop(ctx, hovering, theme);
        }
        let Some(first) = dropped.first() else { return };
        self.lab.send(Command::OpenFile(first.path().to_owned()));
        if dropped.len() > 1 {
            self.lab.tell(Level::Info, format!("Opened the first of {} files", dropped.len()));
        }
        self.overlays.close();
    }
}

/// Covers the window with a frame that says what dropping so many files would do.
fn invite_to_drop(ctx: &Context, files: usize, theme: &Theme) {
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("drop")));
    let screen = ctx.content_rect();
    painter.rect_filled(screen, 0.0, theme.window.gamma_multiply(0.8));
    painter.rect_stroke(screen.shrink(16.0), 12.0, Stroke::new(2.0, theme.accent), StrokeKind::Inside);
    let words = if files == 1 {
        "Drop to open; undo brings the present run back"
    } else {
        "Drop to open the first of these files"
    };
    painter.text(screen.center(), Align2::CENTER_CENTER, words, style::text(18.0), theme.text);
}
