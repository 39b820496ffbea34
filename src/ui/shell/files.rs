//! The dialog that asks for a path: a field to type into, and the system's own file dialog where the system has one.

use crate::ui::kit::style::{SMALL, semibold, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Context, Frame, Key, Margin, Modal, RichText, TextEdit, Ui};
use moebias_disk::name;
use moebias_files::film::Format;
use moebias_files::limits;
use moebias_files::view::PaneKind;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// What a path is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A scenario, recording or trace to open.
    Open,
    /// Another recording to compare the present one with.
    Compare,
    /// Where to save the run.
    Save,
    /// Where to save the run together with the present view.
    SaveWithView,
    /// Where to write the curves.
    Csv,
    /// Where to write the sweep.
    Sweep,
    /// Where to save a picture of the window, or of one pane.
    Picture(Option<PaneKind>),
    /// Where to save a drawing of a pane.
    Svg(PaneKind),
    /// Where to save a film.
    Film(Format),
}

impl Purpose {
    fn title(self) -> String {
        match self {
            Self::Open => "Open a scenario, a recording, a lesson or a trace".into(),
            Self::Compare => "Compare with another recording of the same tokens".into(),
            Self::Save => "Save the run as a recording".into(),
            Self::SaveWithView => "Save the run as a recording that opens with the present view".into(),
            Self::Csv => "Export curves as CSV".into(),
            Self::Sweep => "Save the sweep as CSV".into(),
            Self::Picture(None) => "Save a picture of the window".into(),
            Self::Picture(Some(kind)) => format!("Save a picture of: {}", kind.name()),
            Self::Svg(kind) => format!("Save as SVG: {}", kind.name()),
            Self::Film(Format::Pngs) => "Choose a folder for the film's PNG files".into(),
            Self::Film(format) => format!("Save the film as {}", format.name()),
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Open => {
                "Scenarios and recorded runs end in .ron, lessons in .lesson.ron, sweeps in .csv. Recordings of routers: safetensors, NumPy, \
                 PyTorch, Parquet, Arrow, JSON lines, JSON, CSV, GGUF, or a folder of .npy files"
            }
            Self::Compare => {
                "Scores or chosen experts, in any format that opens. What differs stands in the Layers pane: the share of tokens with other \
                 experts, layer by layer"
            }
            Self::Save => "The whole run with every change and its digest; it replays exactly on any machine",
            Self::SaveWithView => "The open panes, what is hidden and the size of the text are saved with it",
            Self::Csv => "One row per step and variant: figures, loads and biases",
            Self::Sweep => "One row per run with every setting and figure; Moebias opens it again",
            Self::Picture(_) => "PNG, in the size and theme of the window",
            Self::Svg(_) => {
                "Lines and text for papers, in the size of the window, with a title and a key. Light, unless you chose “as seen”"
            }
            Self::Film(Format::Gif) => "Plays everywhere, with at most 255 colours per frame",
            Self::Film(Format::WebP) => "Every pixel exactly, and small; for browsers and most slide programs",
            Self::Film(Format::Pngs) => "A numbered file per frame; the folder is created if it does not exist",
        }
    }

    /// Whether an existing file is asked for, rather than one to write.
    fn reads(self) -> bool {
        matches!(self, Self::Open | Self::Compare)
    }

    fn endings(self) -> &'static [&'static str] {
        static RECORDINGS: LazyLock<Vec<&'static str>> = LazyLock::new(moebias_recordings::endings);
        static OPENED: LazyLock<Vec<&'static str>> = LazyLock::new(|| [&["ron"], RECORDINGS.as_slice()].concat());
        match self {
            Self::Open => &OPENED,
            Self::Compare => &RECORDINGS,
            Self::Save | Self::SaveWithView => &["ron"],
            Self::Csv | Self::Sweep => &["csv"],
            Self::Picture(_) => &["png"],
            Self::Svg(_) => &["svg"],
            Self::Film(Format::Gif) => &["gif"],
            Self::Film(Format::WebP) => &["webp"],
            Self::Film(Format::Pngs) => &[],
        }
    }
}

/// A system dialog that returns nothing within this time never opened: nobody closes a dialog so fast.
const TOO_SOON: Duration = Duration::from_millis(1200);

/// The path chosen in the system's dialog, if any, and how long the dialog was open.
type Answer = (Option<PathBuf>, Duration);

/// Title and summary of a run that is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// A few words.
    pub title: String,
    /// One line.
    pub summary: String,
}

/// A dialog that is open.
pub struct Dialog {
    purpose: Purpose,
    typed: String,
    /// The folder that relative paths start from.
    folder: PathBuf,
    /// Title and summary of a run that is saved: as proposed, and as typed.
    texts: Option<(Texts, Texts)>,
    /// Receives the answer of the system's dialog while that is open.
    browsing: Option<Receiver<Answer>>,
    /// The system's dialog did not open.
    none: bool,
    /// The person tried to open the path typed, and there is no such file.
    tried: bool,
    /// The field gets the keyboard focus in the next frame.
    fresh: bool,
}

/// What came of a dialog in a frame.
pub enum Outcome {
    /// Still open.
    Open,
    /// Closed without a path.
    Closed,
    /// A path was chosen; with the title and summary if the person changed them.
    Chosen(Purpose, PathBuf, Option<Texts>),
}

/// The folder that relative paths start from: that of the open file, else the folder in which the program was started, else the home
/// folder. The root folder, in which programs started from a desktop find themselves, does not count.
fn folder(open: Option<&Path>) -> PathBuf {
    let beside = open.and_then(Path::parent).filter(|p| p.is_dir()).and_then(|p| std::path::absolute(p).ok());
    let started = || std::env::current_dir().ok().filter(|d| d.parent().is_some());
    let home = || directories::BaseDirs::new().map(|d| d.home_dir().to_owned());
    beside.or_else(started).or_else(home).unwrap_or_default()
}

impl Dialog {
    /// A dialog. Where something is saved, a file called `name` beside the `open` file is proposed. With `native` the system's dialog opens at
    /// once, except where a title is asked for as well.
    #[must_use]
    pub fn new(purpose: Purpose, name: &str, open: Option<&Path>, native: bool, ctx: &Context) -> Self {
        let stem = name::stem(name, "moebias");
        let typed = match purpose.endings() {
            _ if purpose.reads() => String::new(),
            [] => format!("{stem}-film"),
            [ending, ..] => format!("{stem}.{ending}"),
        };
        let folder = folder(open);
        let mut dialog =
            Self { purpose, typed, folder, texts: None, browsing: None, none: false, tried: false, fresh: true };
        // The title and the summary can only be typed in our own dialog; its Browse… button opens the system's.
        if native && !matches!(purpose, Purpose::Save | Purpose::SaveWithView) {
            dialog.browse(ctx);
        }
        dialog
    }

    /// Asks for a title and a summary as well, and proposes these.
    #[must_use]
    pub fn with_texts(mut self, title: &str, summary: &str) -> Self {
        let texts = Texts { title: title.into(), summary: summary.into() };
        self.texts = Some((texts.clone(), texts));
        self
    }

    /// The title and summary, if the person changed them and the title is not empty.
    fn own_texts(&self) -> Option<Texts> {
        let (proposed, typed) = self.texts.as_ref()?;
        (typed != proposed && !typed.title.trim().is_empty()).then(|| typed.clone())
    }

    fn browse(&mut self, ctx: &Context) {
        let mut native = rfd::AsyncFileDialog::new().set_title(self.purpose.title());
        let folder = self.purpose.endings().is_empty();
        if !folder {
            let name = if self.purpose.reads() { "all that opens".into() } else { self.purpose.endings().join(", ") };
            native = native.add_filter(name, self.purpose.endings());
            // A file is recognised by its first bytes, so any name is allowed.
            if self.purpose.reads() {
                native = native.add_filter("all files", &["*"]);
            }
        }
        if self.folder.is_dir() {
            native = native.set_directory(&self.folder);
        }
        if !self.purpose.reads() {
            native = native.set_file_name(&self.typed);
        }
        self.none = false;
        let (tx, rx) = mpsc::channel();
        let wake = ctx.clone();
        let open = self.purpose.reads();
        let work = move || {
            let since = Instant::now();
            let chosen = match (open, folder) {
                (true, _) => pollster::block_on(native.pick_file()),
                (_, true) => pollster::block_on(native.pick_folder()),
                _ => pollster::block_on(native.save_file()),
            };
            tx.send((chosen.map(|f| f.path().to_owned()), since.elapsed())).ok();
            wake.request_repaint();
        };
        match std::thread::Builder::new().name("moebias-dialog".into()).spawn(work) {
            Ok(_) => self.browsing = Some(rx),
            Err(e) => {
                log::warn!("no thread for the system's file dialog: {e}");
                self.none = true;
            }
        }
    }

    /// Draws the dialog.
    pub fn show(&mut self, ui: &mut Ui, recent: &[PathBuf], theme: &Theme) -> Outcome {
        if let Some(answer) = &self.browsing {
            match answer.try_recv() {
                Ok((Some(path), _)) => return Outcome::Chosen(self.purpose, path, self.own_texts()),
                Ok((None, open)) if open > TOO_SOON => return Outcome::Closed,
                Ok((None, _)) | Err(TryRecvError::Disconnected) => {
                    self.browsing = None;
                    self.none = true;
                }
                Err(TryRecvError::Empty) => {}
            }
        }
        let mut outcome = Outcome::Open;
        let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(18));
        let modal = Modal::new(egui::Id::unique("file dialog")).frame(frame).show(ui.ctx(), |ui| {
            ui.set_width(520.0_f32.min(ui.ctx().content_rect().width() - 60.0));
            ui.label(RichText::new(self.purpose.title()).font(semibold(15.0)));
            ui.add(egui::Label::new(RichText::new(self.purpose.hint()).font(text(SMALL)).color(theme.dim)).wrap());
            ui.add_space(8.0);
            if let Some((_, texts)) = &mut self.texts {
                for (name, text) in [("Title", &mut texts.title), ("Summary", &mut texts.summary)] {
                    ui.label(RichText::new(name).font(text_font()).color(theme.dim));
                    line(ui, text, name, limits::TEXT.max as usize);
                    ui.add_space(4.0);
                }
                ui.label(RichText::new("File").font(text_font()).color(theme.dim));
            }
            let field = line(ui, &mut self.typed, "Path", MOST_TYPED);
            if std::mem::take(&mut self.fresh) {
                field.request_focus();
            }
            if field.changed() {
                self.tried = false;
            }
            let path = self.path();
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            self.say_where(ui, path.as_deref(), theme);
            if self.purpose == Purpose::Open {
                self.recent(ui, recent, theme, &mut outcome);
            }
            ui.add_space(10.0);
            ui.horizontal(|ui| {
                if ui.button("Browse…").clicked() && self.browsing.is_none() {
                    self.browse(ui.ctx());
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let name = match self.purpose {
                        Purpose::Open => "Open",
                        Purpose::Compare => "Compare",
                        Purpose::Film(Format::Pngs) => "Film",
                        _ if path.as_ref().is_some_and(|p| p.exists()) => "Replace",
                        _ => "Save",
                    };
                    let go = ui.add_enabled(path.is_some(), egui::Button::new(name).min_size(egui::vec2(84.0, 28.0)));
                    match path.filter(|_| go.clicked() || entered) {
                        Some(path) if self.purpose.reads() && !path.exists() => {
                            // The dialog stays open and says what is wrong with the path.
                            (self.tried, self.fresh) = (true, true);
                        }
                        Some(path) => outcome = Outcome::Chosen(self.purpose, path, self.own_texts()),
                        None => {}
                    }
                    if ui.button("Cancel").clicked() {
                        outcome = Outcome::Closed;
                    }
                });
            });
        });
        if modal.should_close() && matches!(outcome, Outcome::Open) { Outcome::Closed } else { outcome }
    }

    /// Says which path was typed, in full, and why it can't be used if so.
    fn say_where(&self, ui: &mut Ui, path: Option<&Path>, theme: &Theme) {
        let mut say = |words: String, colour| {
            ui.add(egui::Label::new(RichText::new(words).font(text_font()).color(colour)).wrap());
        };
        if let Some(path) = path {
            let missing = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.is_dir());
            match (self.purpose, missing) {
                (Purpose::Open | Purpose::Compare, _) if !path.exists() => {
                    say(not_there(path), if self.tried { theme.over_text } else { theme.dim });
                }
                (Purpose::Open | Purpose::Compare, _) => say(path.display().to_string(), theme.dim),
                (Purpose::Film(Format::Pngs), _) => say(format!("Pictures go into {}", path.display()), theme.dim),
                (_, Some(folder)) => say(format!("There is no folder {}", folder.display()), theme.over_text),
                _ => say(format!("Will be saved as {}", path.display()), theme.dim),
            }
        }
        if self.none {
            let why = "The system's file dialog did not open. Type a path above; ~/ is your home folder";
            say(why.into(), theme.over_text);
        }
    }

    fn recent(&self, ui: &mut Ui, recent: &[PathBuf], theme: &Theme, outcome: &mut Outcome) {
        for path in recent.iter().take(5) {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            let words = RichText::new(name).font(text(SMALL)).color(theme.dim);
            let button = egui::Button::new(words).frame(false);
            if ui.add(button).on_hover_text(path.display().to_string()).clicked() {
                *outcome = Outcome::Chosen(self.purpose, path.clone(), None);
            }
        }
    }

    /// The full path of what was typed. An ending that is missing is added, so a run saved as “mine” is also opened as “mine”.
    fn path(&self) -> Option<PathBuf> {
        let typed = self.typed.trim();
        if typed.is_empty() {
            return None;
        }
        let typed = match (typed.strip_prefix("~/"), directories::BaseDirs::new()) {
            (Some(rest), Some(dirs)) => dirs.home_dir().join(rest),
            _ => self.folder.join(typed),
        };
        let endings = self.purpose.endings();
        if self.purpose.reads() {
            let mut ended = endings.iter().map(|ending| with_ending(&typed, ending));
            let found = if typed.exists() { None } else { ended.find(|path| path.is_file()) };
            return Some(found.unwrap_or(typed));
        }
        Some(match endings.first() {
            Some(ending) if typed.extension().is_none() => with_ending(&typed, ending),
            _ => typed,
        })
    }
}

/// A path with an ending appended to its name, even if the name has a dot.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    name.into()
}

/// Why a path can't be opened.
fn not_there(path: &Path) -> String {
    if path.is_dir() {
        return format!("{} is a folder: add the name of a file", path.display());
    }
    format!("There is no file {}", path.display())
}

/// The longest path that can be typed, in characters; systems take no longer ones.
const MOST_TYPED: usize = 4096;

fn text_font() -> egui::FontId {
    text(SMALL)
}

/// A line to type into, of at most this many characters.
fn line(ui: &mut Ui, typed: &mut String, name: &str, most: usize) -> egui::Response {
    let edit = TextEdit::singleline(typed)
        .hint_text(name)
        .char_limit(most)
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(8, 6));
    let field = ui.add(edit);
    field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, name));
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog(purpose: Purpose, typed: &str, open: Option<&Path>) -> Dialog {
        let mut dialog = Dialog::new(purpose, "A title: of a run", open, false, &Context::default());
        if !typed.is_empty() {
            dialog.typed = typed.into();
        }
        dialog
    }

    #[test]
    fn a_bare_name_lands_beside_what_is_open_and_the_whole_path_is_known() {
        let at = tempfile::tempdir().unwrap();
        let open = at.path().join("open.ron");
        let path = |typed| dialog(Purpose::Save, typed, Some(&open)).path().unwrap();
        assert_eq!(path(""), at.path().join("a-title-of-a-run.ron"));
        assert_eq!(path("mine"), at.path().join("mine.ron"));
        assert_eq!(path("/elsewhere/mine.ron"), Path::new("/elsewhere/mine.ron"));
        let none = dialog(Purpose::Csv, "x", None).path().unwrap();
        assert!(none.is_absolute(), "{}", none.display());
        assert!(dialog(Purpose::Save, " ", Some(&open)).path().is_none());
    }

    #[test]
    fn what_was_saved_under_a_bare_name_is_opened_by_it() {
        let at = tempfile::tempdir().unwrap();
        let beside = at.path().join("open.ron");
        let path = |typed| dialog(Purpose::Open, typed, Some(&beside)).path().unwrap();
        assert_eq!(path("four"), at.path().join("four"), "there is none yet");
        std::fs::write(at.path().join("four.ron"), "").unwrap();
        std::fs::write(at.path().join("u 0.01.csv"), "").unwrap();
        assert_eq!(path("four"), at.path().join("four.ron"));
        assert_eq!(path("u 0.01"), at.path().join("u 0.01.csv"));
        std::fs::write(at.path().join("four"), "").unwrap();
        assert_eq!(path("four"), at.path().join("four"), "what is called exactly so comes first");
    }

    #[test]
    fn texts_are_handed_on_only_where_somebody_typed_them() {
        let mut dialog = dialog(Purpose::Save, "", None).with_texts("Title", "Changed from “x”");
        assert_eq!(dialog.own_texts(), None);
        dialog.texts.as_mut().unwrap().1.title = "Mine".into();
        assert_eq!(dialog.own_texts(), Some(Texts { title: "Mine".into(), summary: "Changed from “x”".into() }));
        dialog.texts.as_mut().unwrap().1.title = " ".into();
        assert_eq!(dialog.own_texts(), None, "without a title it keeps the one it has");
    }
}
