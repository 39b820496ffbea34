//! The floors of the house: arrows point down only, and there is one egui and one wgpu.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms and their floors. `cli::render` and `cli::film` may use `ui`, to draw the app offscreen; `cli::window` opens it.
const FLOORS: [(&str, u32); 8] =
    [("model", 1), ("disk", 1), ("text", 1), ("engine", 2), ("scenario", 2), ("lab", 3), ("ui", 4), ("cli", 5)];
/// The only files on the command line's floor that may use the window's.
const MAY_USE_UI: [&str; 3] = ["cli/film.rs", "cli/render.rs", "cli/window.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

fn floor(room: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code without comments. Good enough for Rust that rustfmt has laid out.
fn code(text: &str) -> String {
    text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The names right behind `prefix`: one, or all those at the top of a `{…}` list.
fn names_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let word = |s: &'a str| &s[..s.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(s.len())];
    let mut names = vec![];
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    names.push(word(&list[i..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// Every room that a file names, by `crate::` or by climbing to the root with `super::`.
fn rooms_used<'a>(code: &'a str, file: &str) -> Vec<&'a str> {
    let depth = file.split('/').count() - usize::from(file.ends_with("/mod.rs"));
    let mut names = names_after(code, "crate::");
    names.extend(names_after(code, &"super::".repeat(depth)));
    names.retain(|n| floor(n).is_some());
    names
}

#[test]
fn arrows_point_down() {
    let src = root().join("src");
    let mut wrong = vec![];
    for path in sources(&src) {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        let Some((room, _)) = file.split_once('/') else { continue };
        let here = floor(room).unwrap_or_else(|| panic!("src/{room} is on no floor"));
        let text = fs::read_to_string(&path).unwrap();
        for used in rooms_used(&code(&text), &file) {
            let allowed = used == room
                || floor(used).unwrap() < here
                    && !(room == "cli" && used == "ui" && !MAY_USE_UI.contains(&file.as_str()));
            if !allowed {
                wrong.push(format!("src/{file} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that do not point down:\n{}", wrong.join("\n"));
}

#[test]
fn the_model_is_pure() {
    for path in sources(&root().join("src/model")) {
        let text = code(&fs::read_to_string(&path).unwrap());
        for foreign in ["std::thread", "std::fs", "std::net", "std::time", "rayon", "wgpu", "egui", "ron::"] {
            assert!(!text.contains(foreign), "{} uses {foreign}", path.display());
        }
    }
}

/// What opens a file without asking what it is or how large, or writes one that may be left half written.
#[test]
fn files_are_opened_in_one_place() {
    const OPEN: [&str; 12] = [
        "fs::read(",
        "fs::read_to_string",
        "fs::write",
        "fs::copy",
        "fs::rename",
        "fs::OpenOptions",
        "OpenOptions::",
        "File::open",
        "File::create",
        "File::options",
        "FileStorage",
        "tempfile",
    ];
    let src = root().join("src");
    let mut wrong = vec![];
    for path in sources(&src) {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        if file.starts_with("disk/") || file.ends_with("tests.rs") || file.ends_with("testing.rs") {
            continue;
        }
        let text = code(&fs::read_to_string(&path).unwrap());
        let text = text.split("#[cfg(test)]").next().unwrap();
        wrong.extend(OPEN.iter().filter(|o| text.contains(**o)).map(|o| format!("src/{file} uses {o}")));
    }
    assert!(wrong.is_empty(), "only src/disk opens files:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_a_whole_house() {
    for path in sources(&root().join("src")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 700, "{} has {lines} lines: give it rooms", path.display());
    }
}

#[test]
fn one_egui_and_one_wgpu() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for name in ["egui", "eframe", "egui-wgpu", "wgpu", "wgpu-core", "wgpu-hal", "naga", "winit"] {
        let entry = format!("name = \"{name}\"\n");
        assert_eq!(lock.matches(&entry).count(), 1, "{name} must stand in Cargo.lock exactly once");
    }
}

#[test]
fn the_parser_of_this_test_sees_what_it_should() {
    let text = code("use crate::{ui, lab::{self, x}, model};\n// crate::cli\nfn f(a: crate::engine::Engine) {}");
    assert_eq!(names_after(&text, "crate::"), ["ui", "lab", "model", "engine"]);
    assert_eq!(rooms_used("use super::super::lab::Lab;", "engine/gpu.rs"), ["lab"]);
    assert_eq!(rooms_used("use super::ui;", "engine/mod.rs"), ["ui"]);
    assert!(rooms_used("use super::model;", "engine/gpu/mod.rs").is_empty());
}
