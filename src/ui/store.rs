//! What the window remembers between two starts of the program: how it looks, recent files and the progress of lessons. Experiments are not
//! remembered; they are saved as files.
//!
//! It is stored in `app.ron`, in the format in which eframe once stored it. The window opens whatever is wrong with that file; a file that
//! can't be read is renamed to `app.ron.bak` before a new one is written.

mod merge;

use eframe::egui;
use egui_tiles::{Tile, TileId, Tree};
use moebias_disk::{Limit, Refusal, door, staged, temporary};
use moebias_files::view::PaneKind;
use moebias_lab::lesson::Shelf;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

/// The key of our value in the file. An incompatible format gets another number, and the old value is left as it is.
const KEY: &str = "moebias-window-1";
/// How many recent files are remembered.
const RECENT: usize = 12;
/// The largest file that is read, far more than the settings take.
const LIMIT: Limit = Limit::new("the window's settings", 4 << 20);
/// The least and the most that a stored side of the window may be, points; other sizes are ignored.
const SIDES: std::ops::RangeInclusive<f32> = 200.0..=8192.0;

/// A hint, in the order in which hints are shown. The names are stored, so a name never gets another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::EnumIter)]
pub enum Hint {
    /// Settings can change while the run plays.
    Change,
    /// A pinned expert is highlighted in all panes.
    Pin,
    /// One can go back in time.
    Back,
    /// The palette searches every command.
    Palette,
    /// Panes can be copied, saved and filmed.
    Export,
    /// The window can present to an audience.
    Present,
}

/// Everything that is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored {
    /// Where the panes stand.
    pub panes: Option<Tree<PaneKind>>,
    /// Whether the person chose the dark theme or the light one; `None` follows the system.
    pub dark: Option<bool>,
    /// Files opened or saved lately, newest first.
    #[serde(serialize_with = "only_text")]
    pub recent: Vec<PathBuf>,
    /// Whether the settings are shown.
    pub controls: bool,
    /// The zoom; 1 is the ordinary size.
    pub zoom: f32,
    /// The zoom while presenting.
    pub presenting_zoom: f32,
    /// Whether hints are shown.
    pub hints: bool,
    /// Hints that the person no longer needs.
    pub known: Vec<Hint>,
    /// How far lessons were read.
    pub lessons: Shelf,
    /// Whether biases are shown less their median; `None` if the person did not choose.
    pub biases_less_median: Option<bool>,
    /// Width and height of the window, points.
    pub size: Option<[f32; 2]>,
    /// Whether the window is maximised.
    pub maximised: bool,
}

/// Leaves out paths that are not UTF-8, which the file can't hold, so that the rest can be stored.
fn only_text<S: serde::Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(paths.iter().filter_map(|p| p.to_str()))
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            panes: None,
            dark: None,
            recent: vec![],
            controls: true,
            zoom: 1.0,
            presenting_zoom: PRESENTING,
            hints: true,
            known: vec![],
            lessons: Shelf::default(),
            biases_less_median: None,
            size: None,
            maximised: false,
        }
    }
}

impl Stored {
    /// The same with every value that a window can't open with replaced or dropped.
    fn sound(mut self) -> Self {
        let zoom = |zoom: f32, or| if zoom.is_finite() { zoom.clamp(SMALLEST, LARGEST) } else { or };
        self.zoom = zoom(self.zoom, 1.0);
        self.presenting_zoom = zoom(self.presenting_zoom, PRESENTING);
        self.size = self.size.filter(|size| size.iter().all(|side| SIDES.contains(side)));
        self.panes = self.panes.filter(holds_together);
        self.recent.truncate(RECENT);
        self
    }

    /// Puts a file first among the recent ones.
    pub fn remember(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.recent.retain(|p| *p != path);
        self.recent.insert(0, path);
        self.recent.truncate(RECENT);
    }

    /// The theme to use.
    #[must_use]
    pub fn theme(&self) -> egui::ThemePreference {
        match self.dark {
            Some(true) => egui::ThemePreference::Dark,
            Some(false) => egui::ThemePreference::Light,
            None => egui::ThemePreference::System,
        }
    }
}

/// Whether every pane of a tree is reached from its root, no tile is reached twice, and there is a pane.
fn holds_together(tree: &Tree<PaneKind>) -> bool {
    let mut seen: HashSet<TileId> = HashSet::new();
    let mut ways: Vec<TileId> = tree.root().into_iter().collect();
    let mut panes = 0;
    while let Some(id) = ways.pop() {
        match tree.tiles.get(id) {
            Some(_) if !seen.insert(id) => return false,
            Some(Tile::Pane(_)) => panes += 1,
            Some(Tile::Container(container)) => ways.extend(container.children()),
            None => return false,
        }
    }
    let all = tree.tiles.iter().filter(|(_, tile)| matches!(tile, Tile::Pane(_))).count();
    panes > 0 && panes == all
}

/// The file with what is remembered.
#[derive(Debug, Default)]
pub struct Store {
    /// `None` if nothing is stored.
    file: Option<PathBuf>,
    /// What the file held when this window last read or wrote it.
    base: Stored,
    /// The file could not be read.
    broken: bool,
    /// A failure to write was logged.
    told: bool,
}

/// The file: values by key. Values under other keys than ours are kept.
type Values = BTreeMap<String, String>;

/// The values in the file, and ours of them; `None` if ours can't be read.
fn read(file: &Path) -> Result<(Values, Option<Stored>), Refusal> {
    let text = match door::text(file, LIMIT) {
        Err(Refusal::Missing | Refusal::Dangling(_)) => return Ok((Values::new(), Some(Stored::default()))),
        text => text?,
    };
    let Ok(values) = ron::from_str::<Values>(&text) else { return Ok((Values::new(), None)) };
    let stored = values.get(KEY).map_or_else(|| Some(Stored::default()), |text| ron::from_str(text).ok());
    Ok((values, stored.map(Stored::sound)))
}

impl Store {
    /// Opens `file` and returns what was stored in it; the defaults if there is no file or it can't be read.
    #[must_use]
    pub fn open(file: Option<PathBuf>) -> (Self, Stored) {
        let Some(file) = file else { return Default::default() };
        let (base, broken) = match read(&file) {
            Ok((_, stored)) => (stored.clone(), stored.is_none()),
            Err(why) => {
                log::warn!("the window's settings are not used: {}: {why}", file.display());
                (None, true)
            }
        };
        let stored = base.clone().unwrap_or_default();
        (Self { file: Some(file), base: base.unwrap_or_default(), broken, told: false }, stored)
    }

    /// Stores what changed in this window, together with what another window has stored since. A failure is logged once and stops nothing.
    pub fn save(&mut self, now: &Stored) {
        let Some(file) = &self.file else { return };
        if *now == self.base && !self.broken {
            return;
        }
        match write(file, &self.base, now) {
            Ok(()) => (self.base, self.broken) = (now.clone(), false),
            Err(why) if !std::mem::replace(&mut self.told, true) => {
                log::warn!("the window's settings can't be kept: {}: {why}", file.display());
            }
            Err(_) => {}
        }
    }
}

fn write(file: &Path, base: &Stored, now: &Stored) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let _lock = temporary::lock(&file.with_extension("lock"));
    let refused = |why: Refusal| io::Error::other(why.to_string());
    let (mut values, theirs) = read(file).map_err(refused)?;
    if theirs.is_none() {
        staged::set_aside(file, &file.with_extension("ron.bak"))?;
    }
    let mut both = merge::merged(base, now, theirs.unwrap_or_default());
    for progress in both.lessons.progress.values_mut() {
        progress.path = progress.path.take().filter(|p| p.to_str().is_some());
    }
    let text = ron::to_string(&both).map_err(io::Error::other)?;
    values.insert(KEY.into(), text);
    let text = ron::ser::to_string_pretty(&values, ron::ser::PrettyConfig::default()).map_err(io::Error::other)?;
    staged::write(file, text.as_bytes())
}

/// The zoom while presenting, until a person changes it.
pub const PRESENTING: f32 = 1.5;
/// The smallest zoom.
pub const SMALLEST: f32 = 0.75;
/// The largest zoom.
pub const LARGEST: f32 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(file: &Path) -> Stored {
        Store::open(Some(file.to_owned())).1
    }

    #[test]
    fn what_is_stored_comes_back_and_two_windows_do_not_overwrite_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/app.ron");
        let (mut one, mut mine) = Store::open(Some(file.clone()));
        let (mut two, mut theirs) = Store::open(Some(file.clone()));
        mine.remember(Path::new("/tmp/mine.ron"));
        mine.size = Some([1200.0, 800.0]);
        theirs.remember(Path::new("/tmp/theirs.ron"));
        theirs.dark = Some(true);
        one.save(&mine);
        two.save(&theirs);
        one.save(&mine);
        let both = stored(&file);
        assert_eq!((both.recent.len(), both.dark, both.size), (2, Some(true), Some([1200.0, 800.0])));
        let names: Vec<String> = std::fs::read_dir(file.parent().unwrap())
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names.len(), 2, "the file and its lock: {names:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_does_not_stop_the_rest() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.ron");
        let (mut store, mut now) = Store::open(Some(file.clone()));
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/tmp/caf\xe9.ron"));
        now.remember(Path::new("/tmp/good.ron"));
        now.remember(odd);
        now.dark = Some(false);
        let progress = moebias_lab::lesson::Progress { path: Some(odd.into()), page: 3, ..Default::default() };
        now.lessons.progress.insert("own".into(), progress);
        store.save(&now);
        let again = stored(&file);
        assert_eq!(again.recent, [PathBuf::from("/tmp/good.ron")]);
        assert_eq!((again.dark, again.lessons.progress["own"].page), (Some(false), 3));
    }

    #[test]
    fn a_broken_file_opens_a_sound_window_and_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.ron");
        let with = |text: &str| {
            let values = Values::from([(KEY.to_owned(), text.to_owned())]);
            std::fs::write(&file, ron::to_string(&values).unwrap()).unwrap();
            stored(&file)
        };
        assert_eq!(with("(zoom: inf, presenting_zoom: 99.0, size: Some((1.0, 1e9)))").zoom, 1.0);
        let odd = with("(zoom: -3.0, presenting_zoom: 99.0, size: Some((1.0, 1e9)))");
        assert_eq!((odd.zoom, odd.presenting_zoom, odd.size), (SMALLEST, LARGEST, None));
        // A root that is one pane, so that the others are not reached; a root that does not exist; and no root.
        let good = crate::ui::shell::layout::Layout::default().tree().clone();
        let text = ron::to_string(&Stored { panes: Some(good.clone()), ..Stored::default() }).unwrap();
        assert_eq!(with(&text).panes, Some(good.clone()));
        let root = format!("root:Some({})", ron::to_string(&good.root().unwrap()).unwrap());
        assert!(text.contains(&root), "{text}");
        let pane = good.tiles.find_pane(&PaneKind::Bias).unwrap();
        for other in
            [format!("root:Some({})", ron::to_string(&pane).unwrap()), "root:Some((999999))".into(), "root:None".into()]
        {
            assert_eq!(with(&text.replace(&root, &other)).panes, None, "{other}");
        }
        for (content, kept) in [("not RON at all", true), ("", true), ("{}", false)] {
            std::fs::write(&file, content).unwrap();
            let (mut store, mut now) = Store::open(Some(file.clone()));
            assert_eq!(now, Stored::default());
            now.controls = false;
            store.save(&now);
            assert!(!stored(&file).controls);
            let aside = file.with_extension("ron.bak");
            assert_eq!(aside.exists(), kept, "{content}");
            std::fs::remove_file(aside).ok();
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.ron");
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        let (mut store, mut now) = Store::open(Some(file.clone()));
        now.controls = false;
        store.save(&now);
        assert_eq!(stored(&file), Stored::default());
        assert!(!std::fs::metadata(&file).unwrap().is_file(), "the pipe is still there");
    }

    #[test]
    fn recent_files_are_few_and_each_once() {
        let mut stored = Stored::default();
        for i in 0..30 {
            stored.remember(Path::new(&format!("/tmp/{}.ron", i % 20)));
        }
        assert_eq!(stored.recent.len(), RECENT);
        assert!(stored.recent[0].ends_with("9.ron"));
        stored.remember(Path::new("/tmp/5.ron"));
        assert_eq!(stored.recent.iter().filter(|p| p.ends_with("5.ron")).count(), 1);
    }
}
