//! How far somebody came: kept from one session to the next.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// How far somebody came in a lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The page it was left at.
    pub page: usize,
    /// Pages there are, as of then.
    pub pages: usize,
    /// What was answered, by page.
    pub answers: BTreeMap<usize, usize>,
    /// Pages whose task was done, this time through.
    pub tasks: BTreeSet<usize>,
    /// Pages whose task was done in an earlier reading.
    pub earlier: BTreeSet<usize>,
    /// Pages that have a task, as of when it was last opened. Unknown in what older versions stored.
    pub asks: Option<BTreeSet<usize>>,
    /// Whether the last page was reached.
    pub finished: bool,
    /// Its title, for a lesson of somebody's own.
    pub title: String,
    /// Its file, for a lesson of somebody's own.
    pub path: Option<PathBuf>,
}

/// What a person can say of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Opened, and left before its last page.
    Begun,
    /// Read to its end; so many of its tasks are still to be done, where that is known.
    Read(Option<usize>),
    /// Read to its end, and every task done.
    Done,
}

impl Progress {
    /// How far it is, given the pages that have a task; what was noted when it was opened where the caller does not know.
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

    /// From the first page again; what was reached stays.
    pub(super) fn begin_again(&mut self) {
        self.earlier.append(&mut self.tasks);
        self.answers.clear();
        self.page = 0;
    }
}

/// How far somebody came in all lessons, and the last one opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shelf {
    /// By a lesson's id.
    pub progress: BTreeMap<String, Progress>,
    /// The id of the last one opened.
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
