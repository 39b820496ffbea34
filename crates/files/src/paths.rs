//! The path from a scenario to its trace. In memory it is absolute, so it stays valid wherever the scenario is passed on to: a lesson, a run
//! of a sweep, a journal. In a file it is relative to that file if the two are close together, so that they can be moved together.
//! `builtin:NAME` is kept as it is.

use super::BUILTIN;
use moebias_model::config::Source;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A relative path climbs at most this many folders. Files further apart are not expected to be moved together.
const MOST_UP: usize = 2;

/// The NAME in `builtin:NAME`.
pub(super) fn builtin(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(BUILTIN)
}

/// The paths of a source that do not ship with Moebias.
fn files(source: &mut Source) -> impl Iterator<Item = &mut String> {
    let trace = match source {
        Source::Trace(trace) => Some(trace),
        _ => None,
    };
    let all = trace.into_iter().flat_map(|t| std::iter::once(&mut t.file).chain(&mut t.reading.also));
    all.filter(|file| !file.starts_with(BUILTIN))
}

/// Makes the paths of a recording, which are relative to `folder`, absolute.
pub fn resolve(source: &mut Source, folder: &Path) {
    for file in files(source) {
        // An absolute path that is not UTF-8 can't be written to a file, whereas the relative one can, so it is kept.
        if let Ok(Ok(path)) = std::path::absolute(folder.join(&*file)).map(|p| p.into_os_string().into_string()) {
            *file = path;
        }
    }
}

/// Makes the paths of a recording relative to the folder of `file`, where they are close to it.
pub fn write_into(source: &mut Source, file: &Path) {
    let folder = file.parent().unwrap_or(Path::new(""));
    let Ok(folder) = std::path::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }) else {
        return;
    };
    for path in files(source) {
        if let Some(relative) = relative(Path::new(&*path), &folder).and_then(|p| p.to_str().map(str::to_owned)) {
            *path = relative;
        }
    }
}

/// Converts an absolute path to one relative to a folder. `None` if they are too far apart or if `..` would go through a link.
fn relative(path: &Path, folder: &Path) -> Option<PathBuf> {
    if path.is_relative() {
        return None;
    }
    let (to, from): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (path.components().collect(), folder.components().collect());
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = from.len() - shared;
    if up == 0 {
        return Some(to[shared..].iter().collect());
    }
    let named = to[..shared].iter().any(|c| matches!(c, Component::Normal(_)));
    if up > MOST_UP || !named {
        return None;
    }
    let relative: PathBuf = std::iter::repeat_n(Component::ParentDir, up).chain(to[shared..].iter().copied()).collect();
    let same = fs::canonicalize(folder.join(&relative)).ok()? == fs::canonicalize(path).ok()?;
    same.then_some(relative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::config::TraceSource;

    fn source(file: &Path) -> Source {
        Source::Trace(TraceSource { file: file.to_str().unwrap().into(), ..Default::default() })
    }

    fn file(source: &Source) -> &str {
        match source {
            Source::Trace(t) => &t.file,
            _ => "",
        }
    }

    #[test]
    fn near_paths_are_relative_and_far_ones_absolute() {
        let at = tempfile::tempdir().unwrap();
        let root = at.path().join("project");
        for folder in ["a/b/c/d", "traces"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let trace = root.join("traces/t.safetensors");
        fs::write(&trace, "").unwrap();
        let written = |into: &str| {
            let mut s = source(&trace);
            write_into(&mut s, &root.join(into));
            let text = file(&s).to_owned();
            // Reading the path back must give the same file.
            resolve(&mut s, root.join(into).parent().unwrap());
            assert_eq!(fs::canonicalize(file(&s)).unwrap(), fs::canonicalize(&trace).unwrap(), "{into}: {text}");
            text
        };
        assert_eq!(written("run.ron"), "traces/t.safetensors");
        assert_eq!(written("traces/run.ron"), "t.safetensors");
        assert_eq!(written("a/run.ron"), "../traces/t.safetensors");
        assert_eq!(written("a/b/run.ron"), "../../traces/t.safetensors");
        assert_eq!(written("a/b/c/run.ron"), trace.to_str().unwrap());
        // From a folder reached through a link, `..` leads elsewhere.
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root.join("a/b/c/d"), root.join("link")).unwrap();
            assert_eq!(written("link/run.ron"), trace.to_str().unwrap());
        }
        let mut shipped = source(Path::new("builtin:sample"));
        write_into(&mut shipped, &root.join("run.ron"));
        resolve(&mut shipped, &root);
        assert_eq!(file(&shipped), "builtin:sample");
    }
}
