//! Checks that modules do not depend on each other in circles: within every source folder, files and folders use each other in one
//! direction only. A module and its submodules count as one, so parents and children may use each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Module = Vec<String>;

/// Every module of a crate with its code, without comments and unit tests.
fn modules(root: &Path) -> BTreeMap<Module, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let relative = path.strip_prefix(root).unwrap().with_extension("");
                let mut module: Module = relative.iter().map(|p| p.to_str().unwrap().to_owned()).collect();
                if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
                    module.pop();
                }
                if !matches!(module.last().map(String::as_str), Some("tests" | "testing")) {
                    found.insert(module, code(&fs::read_to_string(path).unwrap()));
                }
            }
        }
    }
    found
}

fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The paths in `code` that begin with `crate`, `super` or `self`; a list in braces gives one path per item.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut all = vec![];
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let inside = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if !inside {
                unfold(&[], &code[at..], &mut all);
            }
        }
    }
    all
}

/// Reads the path at the start of `text`, or one path per item if it ends with a list. Returns the number of bytes read.
fn unfold(before: &[String], text: &str, all: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if let Some(list) = rest.strip_prefix('{') {
            at += 1;
            let end = at + list.len();
            while at < end && !text[at..].starts_with('}') {
                let read = unfold(&path, &text[at..], all);
                at += read.max(text[at..].chars().next().map_or(1, char::len_utf8));
            }
            return at + 1;
        }
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if word == 0 {
            return at;
        }
        path.push(rest[..word].to_owned());
        at += word;
        match text[at..].strip_prefix("::") {
            Some(_) => at += 2,
            None => {
                all.push(path);
                return at;
            }
        }
    }
}

/// The module that a path in module `from` refers to.
fn target(from: &Module, path: &[String], all: &BTreeMap<Module, String>) -> Module {
    let mut here = from.clone();
    let mut rest = path;
    match path[0].as_str() {
        "crate" => (here, rest) = (vec![], &path[1..]),
        "self" => rest = &path[1..],
        _ => {
            while rest.first().is_some_and(|p| p == "super") {
                here.pop();
                rest = &rest[1..];
            }
        }
    }
    for part in rest {
        here.push(part.clone());
        if !all.contains_key(&here) {
            here.pop();
            break;
        }
    }
    here
}

/// The uses among the children of one module: for each child, the children that it uses, with the full paths of each use.
type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn arrows(all: &BTreeMap<Module, String>) -> BTreeMap<Module, Arrows> {
    let mut levels: BTreeMap<Module, Arrows> = BTreeMap::new();
    for (from, code) in all {
        for path in paths(code) {
            let to = target(from, &path, all);
            let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
                let use_ = format!("{} → {}", from.join("::"), to.join("::"));
                let level = levels.entry(from[..shared].to_vec()).or_default();
                level.entry(a.clone()).or_default().entry(b.clone()).or_default().insert(use_);
            }
        }
    }
    levels
}

/// Removes, until nothing changes, every child that uses no remaining child or is used by none. The uses among the rest are returned: they
/// form circles, or connect them.
fn circles(level: &Arrows) -> Vec<String> {
    let mut left: BTreeSet<&String> = level.keys().chain(level.values().flat_map(BTreeMap::keys)).collect();
    loop {
        let uses = |m: &String| level.get(m).is_some_and(|to| to.keys().any(|t| left.contains(t)));
        let used = |m: &String| left.iter().any(|l| level.get(*l).is_some_and(|to| to.contains_key(m)));
        let gone: Vec<&String> = left.iter().copied().filter(|m| !uses(m) || !used(m)).collect();
        if gone.is_empty() {
            break;
        }
        left.retain(|m| !gone.contains(m));
    }
    let of = |m: &String| level.get(m).into_iter().flatten().filter(|(to, _)| left.contains(to));
    left.iter().flat_map(|m| of(m)).flat_map(|(_, uses)| uses.iter().cloned()).collect()
}

#[test]
fn there_are_no_circles() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut crates: Vec<PathBuf> = fs::read_dir(root.join("crates")).unwrap().map(|e| e.unwrap().path()).collect();
    crates.push(root);
    let mut wrong = vec![];
    for folder in crates {
        let all = modules(&folder.join("src"));
        let levels = arrows(&all);
        assert!(!levels.is_empty() || all.len() < 8, "no arrows were found in {}", folder.display());
        for level in levels.values() {
            wrong.extend(circles(level).into_iter().map(|use_| format!("{}: {use_}", folder.display())));
        }
    }
    assert!(wrong.is_empty(), "these stand in circles:\n{}", wrong.join("\n"));
}

#[test]
fn a_circle_is_found() {
    let all: BTreeMap<Module, String> = [
        (vec![], "pub mod a; pub mod b; pub mod c;"),
        (vec!["a".into()], "use crate::{b::{self, X}, c};"),
        (vec!["b".into(), "deep".into()], "fn f() -> super::super::c::C {}"),
        (vec!["b".into()], "pub mod deep;"),
        (vec!["c".into()], "use super::a::A; // use crate::b"),
    ]
    .map(|(module, text)| (module, code(text)))
    .into();
    let level = &arrows(&all)[&vec![]];
    assert_eq!(circles(level), ["a → b", "a → c", "b::deep → c", "c → a"]);
    let without: BTreeMap<Module, String> = all.into_iter().filter(|(m, _)| m != &["c".to_owned()]).collect();
    assert!(circles(&arrows(&without)[&vec![]]).is_empty());
}
