//! Reading lessons. The result is an error with its place in the text, or a lesson of which every page works.

use super::super::error::setting;
use super::super::error::{FileError, Problem};
use super::super::kind::is_lesson;
use super::super::paths::builtin;
use super::super::read::{check_version, ron, syntax_error};
use super::super::{Loaded, load_as};
use super::stage::stage;
use super::{Condition, Lesson, Page, Question, Setup, Staged, Task, limits};
use crate::BUILTIN;
use crate::shipped as scenarios;
use moebias_disk::door;
use moebias_model::change;
use moebias_model::config::{ConfigError, Limits};
use moebias_model::step::routes_again;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A lesson as it is written in a file.
#[derive(Deserialize)]
#[serde(rename = "Lesson", deny_unknown_fields)]
struct Written {
    #[serde(rename = "version")]
    _version: u32,
    title: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    minutes: Option<u32>,
    pages: Vec<Page>,
}

/// Reads a lesson file and every scenario that it opens.
///
/// # Errors
/// See [`FileError`].
pub fn load(path: &Path) -> Result<Lesson, FileError> {
    let name = path.display().to_string();
    let text = door::text(path, crate::limits::LESSON).map_err(|e| FileError::refused(&name, e))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut lesson = load_text(&text, &name, folder)?;
    lesson.id = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    lesson.path = Some(path.into());
    Ok(lesson)
}

/// Parses a lesson and reads the scenarios that it opens, relative to `folder`.
///
/// # Errors
/// See [`FileError`]; `name` is the name of the file in messages.
pub fn load_text(text: &str, name: &str, folder: &Path) -> Result<Lesson, FileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    check_version(text, name)?;
    let written: Written = ron().from_str(text).map_err(|e| syntax_error(text, name, &e))?;
    let located = |e: ConfigError| {
        let path = e.setting.clone();
        FileError::new(name, Problem::Setting(e)).at_path(text, &path)
    };
    long("title", &written.title, limits::TITLE).map_err(located)?;
    long("summary", &written.summary, limits::TEXT).map_err(located)?;
    if let Some(minutes) = written.minutes {
        within("minutes", f64::from(minutes), limits::MINUTES).map_err(located)?;
    }
    within("pages", written.pages.len() as f64, limits::PAGES).map_err(located)?;
    for (i, page) in written.pages.iter().enumerate() {
        check(page, &format!("pages[{i}]")).map_err(located)?;
    }
    let mut lesson = Lesson {
        id: name.into(),
        title: written.title,
        summary: written.summary,
        minutes: written.minutes,
        pages: written.pages,
        scenarios: vec![],
        path: None,
    };
    // The experiment as the pages before have left it; every page's changes are tried on it.
    let mut now: Option<Loaded> = None;
    for (i, page) in lesson.pages.iter().enumerate() {
        let at_first = open(&page.setup, &format!("pages[{i}].setup"), text, name, folder, &mut now)?;
        let after = match &page.question {
            Some(q) => open(&q.then, &format!("pages[{i}].question.then"), text, name, folder, &mut now)?,
            None => None,
        };
        if let (Some(task), Some(now)) = (&page.task, &now)
            && task.variant >= now.scenario.variants.len()
        {
            let (path, count) = (format!("pages[{i}].task.variant"), now.scenario.variants.len());
            return Err(located(setting(&path, &task.variant.to_string(), &format!("from 0 to {}", count - 1))));
        }
        lesson.scenarios.push(Staged { at_first, after });
    }
    Ok(lesson)
}

/// Reads the scenario of a setup, if it opens one, and tries its changes. `now` is the experiment before, and is updated.
fn open(
    setup: &Setup,
    path: &str,
    text: &str,
    name: &str,
    folder: &Path,
    now: &mut Option<Loaded>,
) -> Result<Option<Box<Loaded>>, FileError> {
    let wrong = |e: ConfigError| {
        let path = e.setting.clone();
        FileError::new(name, Problem::Setting(e)).at_path(text, &path)
    };
    let at = |field: &str| format!("{path}.{field}");
    let opened = match &setup.scenario {
        None => None,
        Some(file) => {
            let from = if file.starts_with(BUILTIN) { PathBuf::from(file) } else { folder.join(file) };
            if is_lesson(&from) {
                return Err(wrong(setting(&at("scenario"), &format!("{file:?}"), "a scenario, not a lesson")));
            }
            if let Some(id) = builtin(&from)
                && scenarios::find(id).is_none()
                && scenarios::traces().iter().all(|t| t.id != id)
            {
                let allowed = format!("a scenario or a trace that ships with Moebias{}", suggestion(id));
                return Err(wrong(setting(&at("scenario"), &format!("{file:?}"), &allowed)));
            }
            let loaded = load_as(&[from], setup.layer.as_deref(), &setup.reading).map_err(|e| {
                let said = Problem::Trace(format!("its scenario can't be used: {}", e.headline()));
                FileError::new(name, said).at_path(text, &at("scenario"))
            })?;
            Some(loaded)
        }
    };
    if opened.is_none() {
        let lonely = [
            ("experts", setup.experts.is_some()),
            ("only", setup.only.is_some()),
            ("stop", setup.stop.is_some()),
            ("events", setup.events.is_some()),
            ("layer", setup.layer.is_some()),
            ("reading", !setup.reading.is_plain()),
        ];
        if let Some((field, _)) = lonely.iter().find(|(_, there)| *there) {
            return Err(wrong(setting(&at(field), "written", "left out, or written beside a scenario")));
        }
        if !setup.changes.is_empty() && now.is_none() {
            let allowed = "left out until a page has opened a scenario: what runs before is not known";
            return Err(wrong(setting(&at("changes"), "written", allowed)));
        }
    }
    let fresh = opened.is_some();
    let Some(base) = opened.or_else(|| now.clone()) else { return Ok(None) };
    let mut trial = base.scenario.experiment();
    if let (true, Some(only)) = (fresh, setup.only)
        && only >= trial.variants.len()
    {
        let allowed = format!("from 0 to {}", trial.variants.len() - 1);
        return Err(wrong(setting(&at("only"), &only.to_string(), &allowed)));
    }
    if let Some(only) = setup.only {
        trial.variants.swap(0, only);
        trial.variants.truncate(1);
    }
    if let Some(experts) = setup.experts {
        trial.variants.iter_mut().for_each(|v| v.router.experts = experts);
        trial.validate().map_err(|e| wrong(ConfigError { setting: at("experts"), ..e }))?;
    }
    for (i, changed) in setup.changes.iter().enumerate() {
        let fits = change::apply(&mut trial, changed.target(), &changed.change);
        fits.and_then(|()| base.trace.as_ref().map_or(Ok(()), |trace| routes_again(&trial, trace)))
            .map_err(|e| wrong(ConfigError { setting: at(&format!("changes[{i}].change ({})", e.setting)), ..e }))?;
    }
    let staged = stage(&base, setup);
    *now = Some(staged.clone());
    Ok(fresh.then(|| Box::new(staged)))
}

fn check(page: &Page, path: &str) -> Result<(), ConfigError> {
    let at = |field: &str| format!("{path}.{field}");
    long(&at("title"), &page.title, limits::TITLE)?;
    long(&at("text"), &page.text, limits::TEXT)?;
    within(&at("show"), page.show.len() as f64, limits::SHOW)?;
    within(&at("highlight"), page.highlight.len() as f64, limits::HIGHLIGHT)?;
    if !page.has_effect() {
        let allowed = "a page with an effect: a setup, a highlight, a question or a task";
        return Err(setting(path, "text alone", allowed));
    }
    if page.question.is_some() && page.task.is_some() {
        return Err(setting(&at("task"), "beside a question", "on a page of its own"));
    }
    check_setup(&page.setup, &at("setup"))?;
    if let Some(question) = &page.question {
        check_question(question, &at("question"))?;
    }
    if let Some(task) = &page.task {
        check_task(task, &at("task"))?;
    }
    Ok(())
}

fn check_setup(setup: &Setup, path: &str) -> Result<(), ConfigError> {
    within(&format!("{path}.changes"), setup.changes.len() as f64, limits::CHANGES)?;
    for (field, value) in [("step", setup.step), ("stop", setup.stop)] {
        if let Some(value) = value {
            within(&format!("{path}.{field}"), value as f64, super::super::limits::STEP)?;
        }
    }
    match setup.speed {
        Some(speed) => within(&format!("{path}.speed"), speed, super::super::limits::SPEED),
        None => Ok(()),
    }
}

fn check_question(question: &Question, path: &str) -> Result<(), ConfigError> {
    long(&format!("{path}.ask"), &question.ask, limits::TEXT)?;
    within(&format!("{path}.choices"), question.choices.len() as f64, limits::CHOICES)?;
    let right = question.choices.iter().filter(|c| c.right).count();
    if right != 1 {
        let value = format!("with {right} right answers");
        return Err(setting(&format!("{path}.choices"), &value, "with exactly one: write `right: true` in it"));
    }
    for (i, c) in question.choices.iter().enumerate() {
        long(&format!("{path}.choices[{i}].text"), &c.text, limits::TEXT)?;
        long(&format!("{path}.choices[{i}].why"), &c.why, limits::TEXT)?;
    }
    check_setup(&question.then, &format!("{path}.then"))
}

fn check_task(task: &Task, path: &str) -> Result<(), ConfigError> {
    long(&format!("{path}.ask"), &task.ask, limits::TEXT)?;
    long(&format!("{path}.done"), &task.done, limits::TEXT)?;
    within(&format!("{path}.for_steps"), task.for_steps as f64, limits::FOR_STEPS)?;
    within(&format!("{path}.hints"), task.hints.len() as f64, limits::HINTS)?;
    let parts = task.until.parts();
    if parts.is_empty() {
        return Err(setting(&format!("{path}.until"), "empty", "at least one condition"));
    }
    for part in parts {
        let good = match part {
            Condition::Below(_, x) | Condition::AtLeast(_, x) => x.is_finite(),
            Condition::Between(_, low, high) => low.is_finite() && high.is_finite() && low <= high,
            _ => true,
        };
        if !good {
            let allowed = "finite numbers, the smaller one first";
            return Err(setting(&format!("{path}.until"), &format!("{part:?}"), allowed));
        }
    }
    Ok(())
}

fn long(path: &str, text: &str, limit: Limits) -> Result<(), ConfigError> {
    let length = text.chars().count() as f64;
    if length > limit.max || length < limit.min {
        let allowed = format!("from {} to {} characters long", limit.min, limit.max);
        return Err(setting(path, &format!("{length} characters long"), &allowed));
    }
    Ok(())
}

fn within(path: &str, value: f64, limit: Limits) -> Result<(), ConfigError> {
    if value >= limit.min && value <= limit.max {
        return Ok(());
    }
    Err(setting(path, &value.to_string(), &format!("from {} to {}", limit.min, limit.max)))
}

/// The end of an error message: "; did you mean builtin:skew?" if a shipped name is similar.
fn suggestion(id: &str) -> String {
    let near = scenarios::shipped().iter().map(|s| (distance(id, s.id), s.id)).min();
    match near {
        Some((d, near)) if d <= 1 + id.len() / 3 => format!("; did you mean {BUILTIN}{near}?"),
        _ => format!(", such as {BUILTIN}first-look"),
    }
}

/// The edit distance of two words: how many letters must be inserted, removed or replaced.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = (corner + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_near() {
        assert_eq!(distance("skew", "skew"), 0);
        assert_eq!(distance("skwe", "skew"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert!(suggestion("first-lok").contains("builtin:first-look"));
    }
}
