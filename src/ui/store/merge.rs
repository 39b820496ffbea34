//! Merges what two windows of one user remember: the changes of both are kept, whichever window saves last.

use super::{RECENT, Stored};
use moebias_lab::lesson::{Progress, Shelf};
use std::path::PathBuf;

/// `theirs` with everything that `ours` has changed since `base`.
pub(super) fn merged(base: &Stored, ours: &Stored, theirs: Stored) -> Stored {
    fn one<T: PartialEq + Clone>(base: &T, ours: &T, theirs: T) -> T {
        if ours == base { theirs } else { ours.clone() }
    }
    Stored {
        panes: one(&base.panes, &ours.panes, theirs.panes),
        dark: one(&base.dark, &ours.dark, theirs.dark),
        recent: recent(&base.recent, &ours.recent, &theirs.recent),
        controls: one(&base.controls, &ours.controls, theirs.controls),
        zoom: one(&base.zoom, &ours.zoom, theirs.zoom),
        presenting_zoom: one(&base.presenting_zoom, &ours.presenting_zoom, theirs.presenting_zoom),
        hints: one(&base.hints, &ours.hints, theirs.hints),
        size: one(&base.size, &ours.size, theirs.size),
        maximised: one(&base.maximised, &ours.maximised, theirs.maximised),
        biases_less_median: one(&base.biases_less_median, &ours.biases_less_median, theirs.biases_less_median),
        known: if base.known.iter().all(|h| ours.known.contains(h)) {
            let new = ours.known.iter().filter(|h| !theirs.known.contains(h)).copied().collect::<Vec<_>>();
            theirs.known.into_iter().chain(new).collect()
        } else {
            // The person asked for all hints again.
            ours.known.clone()
        },
        lessons: lessons(&base.lessons, &ours.lessons, theirs.lessons),
    }
}

/// All recent files, each once. Ours come first if files were opened in this window, otherwise theirs.
fn recent(base: &[PathBuf], ours: &[PathBuf], theirs: &[PathBuf]) -> Vec<PathBuf> {
    let (first, rest) = if ours == base { (theirs, ours) } else { (ours, theirs) };
    let mut all: Vec<PathBuf> = vec![];
    for path in first.iter().chain(rest) {
        if !all.contains(path) {
            all.push(path.clone());
        }
    }
    all.truncate(RECENT);
    all
}

/// The progress of lessons in `theirs`, with what changed in `ours`.
fn lessons(base: &Shelf, ours: &Shelf, theirs: Shelf) -> Shelf {
    let mut all = theirs;
    for (id, progress) in &ours.progress {
        if base.progress.get(id) == Some(progress) {
            continue;
        }
        match all.progress.get_mut(id) {
            Some(theirs) => *theirs = further(progress, theirs),
            None => {
                all.progress.insert(id.clone(), progress.clone());
            }
        }
    }
    if ours.last != base.last {
        all.last.clone_from(&ours.last);
    }
    all
}

/// Our page, with everything that was done in either window.
fn further(ours: &Progress, theirs: &Progress) -> Progress {
    let mut both = ours.clone();
    both.finished |= theirs.finished;
    both.tasks.extend(&theirs.tasks);
    for (page, answer) in &theirs.answers {
        both.answers.entry(*page).or_insert(*answer);
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_windows_did_is_kept_whoever_saves_last() {
        let progress = |page: usize, tasks: &[usize]| Progress {
            page,
            pages: 9,
            tasks: tasks.iter().copied().collect(),
            ..Progress::default()
        };
        let shelf = |all: &[(&str, Progress)]| Shelf {
            progress: all.iter().map(|(id, p)| ((*id).to_owned(), p.clone())).collect(),
            last: None,
        };
        let base = Stored { recent: vec!["old".into()], ..Stored::default() };
        let ours = Stored {
            recent: vec!["a".into(), "old".into()],
            zoom: 1.5,
            lessons: shelf(&[("bias", progress(3, &[1])), ("router", progress(2, &[]))]),
            ..base.clone()
        };
        let theirs = Stored {
            recent: vec!["b".into(), "old".into()],
            dark: Some(true),
            lessons: shelf(&[("bias", progress(1, &[0])), ("prices", progress(4, &[4]))]),
            ..base.clone()
        };
        for (first, last) in [(&ours, &theirs), (&theirs, &ours)] {
            let both = merged(&base, last, merged(&base, first, base.clone()));
            assert_eq!((both.zoom, both.dark), (1.5, Some(true)));
            assert!(["a", "b", "old"].iter().all(|p| both.recent.contains(&(*p).into())), "{:?}", both.recent);
            assert_eq!(both.lessons.progress.len(), 3);
            assert_eq!(both.lessons.progress["bias"].tasks.len(), 2);
            assert_eq!(both.lessons.progress["prices"].page, 4);
        }
        // Hints that one window has switched off stay off.
        let quiet = Stored { hints: false, ..base.clone() };
        assert!(!merged(&base, &ours, merged(&base, &quiet, base.clone())).hints);
    }
}
