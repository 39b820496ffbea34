//! Rules of the architecture that the compiler does not enforce. Which crate may use which is set in their Cargo.toml files.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

/// Every source file of the workspace except tests, with its path relative to the root.
fn sources() -> Vec<(String, PathBuf)> {
    let mut files = vec![];
    walk(&root().join("src"), &mut files);
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        walk(&entry.unwrap().path().join("src"), &mut files);
    }
    files.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        (name, path)
    };
    let files: Vec<_> = files.into_iter().map(named).collect();
    assert!(files.len() > 300, "only {} files were found", files.len());
    files
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// The code of a file without comments. Splitting at `//` is good enough for the code of this workspace.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_model_is_pure() {
    for (file, path) in sources().iter().filter(|(file, _)| file.starts_with("crates/model/")) {
        let text = code(path);
        for foreign in ["std::thread", "std::fs", "std::net", "std::time", "std::env", "std::process"] {
            assert!(!text.contains(foreign), "{file} uses {foreign}");
        }
    }
}

/// Functions that open a file without checking its kind and size, or that may leave a file half written.
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
    let mut wrong = vec![];
    for (file, path) in sources() {
        let of_tests = file.ends_with("tests.rs") || file.contains("/src/tests/") || file.ends_with("testing.rs");
        if file.starts_with("crates/disk/") || of_tests {
            continue;
        }
        let text = code(&path);
        let text = text.split("#[cfg(test)]").next().unwrap();
        wrong.extend(OPEN.iter().filter(|o| text.contains(**o)).map(|o| format!("{file} uses {o}")));
    }
    assert!(wrong.is_empty(), "only crates/disk opens files:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_a_whole_house() {
    for (file, path) in sources() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 700, "{file} has {lines} lines: divide it");
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
