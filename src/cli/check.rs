//! `moebias check`: reads every file and reports on it. Without a file it lists what ships with Moebias.

use super::failure::Failure;
use super::output::{self, styled, thousands};
use super::progress::while_waiting;
use moebias_files::{self as files, FileError, Kind, Loaded, Opened, lesson, shipped, sweep};
use moebias_model::config::Source;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(super) fn check(files: &[PathBuf]) -> Result<(), Failure> {
    if files.is_empty() {
        return list();
    }
    let mut bad = 0;
    for file in files {
        match while_waiting("Reading", || said(file)) {
            Ok(text) => output::print(&format!("{}: good: {text}\n", file.display()))?,
            Err(error) => {
                bad += 1;
                output::tell(&Failure::from(error));
            }
        }
    }
    if bad == 0 { Ok(()) } else { Err(Failure::Silent) }
}

/// A short description of a valid file.
fn said(file: &Path) -> Result<String, FileError> {
    if sweep::is_sweep(file) {
        let saved = sweep::open(file)?;
        let done = saved.outcomes.iter().flatten().count() as u64;
        let runs = output::counted(saved.outcomes.len() as u64, "run");
        return Ok(format!("a sweep: “{}”, {} of {runs} done", saved.title, thousands(done)));
    }
    Ok(match files::open(file)? {
        Opened::Experiment(loaded) => of_experiment(files::kind(file)?, &loaded),
        Opened::Lesson(lesson) => {
            let pages = output::counted(lesson.pages.len() as u64, "page");
            format!("a lesson: “{}”, {pages}", lesson.title)
        }
    })
}

fn of_experiment(kind: Kind, loaded: &Loaded) -> String {
    let s = &loaded.scenario;
    if kind == Kind::Recording {
        let router = s.variants.first().map(|v| v.router.clone()).unwrap_or_default();
        let what =
            format!("a recording of a router: {}, top {} of {} experts", s.summary, router.top_k, router.experts);
        let odd = loaded.examined.iter().flat_map(|e| &e.oddities).map(|o| format!("; odd: {}", o.text));
        return odd.fold(what, |text, odd| text + &odd);
    }
    let variants = output::counted(s.variants.len() as u64, "variant");
    let events = output::counted(s.events.len() as u64, "event");
    let source = match &s.source {
        Source::Synthetic(_) => "synthetic tokens",
        Source::Fixed(_) => "one repeated batch",
        Source::Trace(_) => "recorded tokens",
        Source::Learning(_) => "tokens to learn from",
    };
    match &s.recorded {
        Some(r) => {
            let steps = output::counted(r.steps, "step");
            format!("a recording of {steps}, digest {}: “{}”, {source}, {variants}, {events}", r.digest, s.title)
        }
        None => format!("a scenario: “{}”, {source}, {variants}, {events}", s.title),
    }
}

fn list() -> Result<(), Failure> {
    let (bold, dim, plain) = if styled() { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let mut out = String::new();
    let width = shipped().iter().map(|s| s.id.len()).max().unwrap_or(0) + files::BUILTIN.len();
    writeln!(out, "{bold}Scenarios that ship with Moebias{plain}").ok();
    for s in shipped() {
        let loaded = s.load()?;
        let id = format!("{}{}", files::BUILTIN, s.id);
        writeln!(out, "  {id:<width$}  {} {dim}({}){plain}", loaded.scenario.title, loaded.scenario.summary).ok();
    }
    writeln!(out, "\n{bold}Lessons that ship with Moebias{plain}").ok();
    for l in lesson::shipped() {
        let read = l.load()?;
        writeln!(out, "  {:<width$}  {} {dim}({}){plain}", l.id, read.title, read.summary).ok();
    }
    writeln!(out, "\n{bold}Traces that ship with Moebias{plain}").ok();
    for t in shipped::traces() {
        let id = format!("{}{}", files::BUILTIN, t.id);
        writeln!(out, "  {id:<width$}  {}", said(Path::new(&id))?).ok();
    }
    output::print(&out)
}
