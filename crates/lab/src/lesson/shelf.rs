//! The user's progress in lessons, which is stored from one session to the next.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The user's progress in one lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The page at which the lesson was left, counted from 0.
    pub page: usize,
    /// The number of pages when the lesson was last opened.
    pub pages: usize,
    /// The answer given on each page, both counted from 0.
    pub answers: BTreeMap<usize, usize>,
    /// Pages whose task was done in the present reading.
    pub tasks: BTreeSet<usize>,
    /// Pages whose task was done in an earlier reading.
    pub earlier: BTreeSet<usize>,
    /// Pages that have a task, as of when the lesson was last opened. `None` in what older versions stored.
    pub asks: Option<BTreeSet<usize>>,
    /// Whether the last page was reached.
    pub finished: bool,
    /// The title of a lesson from a file; empty for a shipped lesson.
    pub title: String,
    /// The file of a lesson that does not ship with Moebias.
    pub path: Option<PathBuf>,
}

/// How much of a lesson is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Opened, and left before its last page.
    Begun,
    /// Read to its end, with the number of tasks not done yet, if that is known.
    Read(Option<usize>),
    /// Read to its end, with every task done.
    Done,
}

impl Progress {
    /// How much of the lesson is done. `asks` are the pages that have a task; `None` means those noted when the lesson was last opened.
    #[must_use]
    pub fn stage(&self, asks: Option<&BTreeSet<usize>>) -> Stage {
        if !self.finished {
            return Stage::Begun;
        }
        match asks.or(self.asks.as_ref()) {
            None => Stage::Read(None),
            Some(asks) => match asks.iter().filter(|p| !self.was_done(**p)).count() {
                0 => Stage::Done,
                left => Stage::Read(Some(left)),
            },
        }
    }

    /// Whether a page's task was done, now or in an earlier reading.
    #[must_use]
    pub fn was_done(&self, page: usize) -> bool {
        self.tasks.contains(&page) || self.earlier.contains(&page)
    }

    /// Goes back to the first page. Tasks that were done remain noted as done earlier; answers are cleared.
    pub(super) fn begin_again(&mut self) {
        self.earlier.append(&mut self.tasks);
        self.answers.clear();
        self.page = 0;
    }
}

/// The user's progress in all lessons, and the lesson that was opened last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shelf {
    /// The progress in each lesson, by the lesson's id.
    pub progress: BTreeMap<String, Progress>,
    /// The id of the lesson that was opened last.
    pub last: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_is_not_done_and_a_second_reading_loses_nothing() {
        let asks = BTreeSet::from([2, 4]);
        let mut p = Progress { tasks: BTreeSet::from([2]), ..Progress::default() };
        assert_eq!(p.stage(Some(&asks)), Stage::Begun);
        p.finished = true;
        assert_eq!(p.stage(Some(&asks)), Stage::Read(Some(1)));
        assert_eq!(p.stage(None), Stage::Read(None), "a home of an older version does not say what there was to do");
        p.begin_again();
        assert_eq!((p.page, p.tasks.len()), (0, 0));
        p.tasks.insert(4);
        assert_eq!(p.stage(Some(&asks)), Stage::Done);
        p.asks = Some(BTreeSet::new());
        assert_eq!(p.stage(None), Stage::Done, "where nothing is asked, reading is all there is to do");
    }
}
