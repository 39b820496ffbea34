//! Keeps account of the numbers and the right answers of a lesson: each must be measured, given by the page itself, or have a source.

use moebias_files::lesson::{self, Lesson, Page};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// The seeds with which right answers are verified.
const SEEDS: RangeInclusive<u32> = 1..=5;

/// A lesson with the numbers and answers that have been verified.
pub struct Book {
    lesson: Lesson,
    /// Verified numbers by page, counted from 1.
    known: BTreeMap<usize, BTreeSet<String>>,
    /// Pages, counted from 1, whose right answer has been verified.
    pub answered: BTreeSet<usize>,
}

/// All text of a page.
fn words(page: &Page) -> String {
    let mut all = vec![page.title.clone(), page.text.clone()];
    if let Some(q) = &page.question {
        all.push(q.ask.clone());
        all.extend(q.choices.iter().flat_map(|c| [c.text.clone(), c.why.clone()]));
    }
    if let Some(t) = &page.task {
        all.extend([t.ask.clone(), t.done.clone()]);
        all.extend(t.hints.iter().cloned());
    }
    all.join("\n")
}

/// The numbers in a text, as they are written, except those in citations and names ("DeepSeek-V3").
fn numbers(text: &str) -> BTreeSet<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("](") {
        let begin = rest[..at].rfind('[').unwrap_or(at);
        let end = rest[at..].find(')').map_or(rest.len(), |e| at + e + 1);
        plain.push_str(&rest[..begin]);
        plain.push(' ');
        rest = &rest[end..];
    }
    plain.push_str(rest);
    let signs: Vec<char> = plain.chars().collect();
    let mut found = BTreeSet::new();
    let mut i = 0;
    while i < signs.len() {
        let named = i > 0 && (signs[i - 1].is_alphabetic() || signs[i - 1] == '-');
        let mut end = i;
        while end < signs.len()
            && (signs[end].is_ascii_digit()
                || (end > i && ".,".contains(signs[end]) && signs.get(end + 1).is_some_and(char::is_ascii_digit)))
        {
            end += 1;
        }
        if end > i && !named {
            found.insert(signs[i..end].iter().collect());
        }
        i = end.max(i + 1);
    }
    found
}

impl Book {
    pub fn open(id: &str) -> Self {
        let lesson = lesson::find(id).unwrap().load().unwrap();
        Self { lesson, known: BTreeMap::new(), answered: BTreeSet::new() }
    }

    pub fn page(&self, page: usize) -> &Page {
        &self.lesson.pages[page - 1]
    }

    /// Marks the numbers of a phrase as verified.
    fn note(&mut self, page: usize, phrase: &str) {
        let all = words(self.page(page));
        assert!(all.contains(phrase), "page {page} of {} does not say “{phrase}”:\n{all}", self.lesson.id);
        self.known.entry(page).or_default().extend(numbers(phrase));
    }

    /// Verifies a phrase of a page: the measured value must be in the range that the words allow.
    pub fn says(&mut self, page: usize, phrase: &str, measured: f64, allowed: RangeInclusive<f64>) {
        self.note(page, phrase);
        let id = &self.lesson.id;
        assert!(
            allowed.contains(&measured),
            "page {page} of {id} says “{phrase}”, but it is {measured}, not in {allowed:?}"
        );
    }

    /// Accepts phrases whose numbers are settings of the page, follow from these by arithmetic, are wrong answers, or come from a source.
    pub fn given(&mut self, page: usize, phrases: &[&str]) {
        phrases.iter().for_each(|phrase| self.note(page, phrase));
    }

    /// Verifies the right answer, counted from 0, with a run of each seed.
    pub fn right(&mut self, page: usize, answer: impl Fn(u32) -> usize) {
        let question = self.page(page).question.as_ref().unwrap();
        let right = question.choices.iter().position(|c| c.right).unwrap();
        for seed in SEEDS {
            let answer = answer(seed);
            assert_eq!(answer, right, "page {page} of {} with seed {seed}", self.lesson.id);
        }
        self.answered.insert(page);
    }

    /// Accepts right answers that follow by argument and are not shown by a run.
    pub fn argued(&mut self, pages: &[usize]) {
        for &page in pages {
            assert!(self.page(page).question.as_ref().unwrap().then.is_empty(), "page {page} shows its answer");
            self.answered.insert(page);
        }
    }

    /// Checks that every number and every answer has been verified.
    pub fn close(self) {
        let id = &self.lesson.id;
        for (i, page) in self.lesson.pages.iter().enumerate() {
            let known = self.known.get(&(i + 1)).cloned().unwrap_or_default();
            let left: Vec<String> = numbers(&words(page)).into_iter().filter(|n| !known.contains(n)).collect();
            assert!(left.is_empty(), "page {} of {id}: nobody knows where {left:?} come from", i + 1);
            let asks = page.question.is_some();
            assert!(!asks || self.answered.contains(&(i + 1)), "page {} of {id}: is its right answer right?", i + 1);
        }
        assert!(numbers(&self.lesson.summary).is_empty(), "{id}: a number in the summary");
    }
}

/// The index of the answer whose number is nearest to a value, by ratio.
pub fn nearest(value: f64, answers: &[f64]) -> usize {
    let far = |a: f64| (value.max(1e-3) / a.max(1e-3)).ln().abs();
    (0..answers.len()).min_by(|a, b| far(answers[*a]).total_cmp(&far(answers[*b]))).unwrap()
}

#[test]
fn numbers_are_found_as_they_are_written() {
    let text = "K = 6 of 4,096, s + 0.001. DeepSeek-V3 [2024, arXiv 2408](https://x/1.2) 1/64, MaxVio16, 500–600.";
    let found: Vec<String> = numbers(text).into_iter().collect();
    assert_eq!(found, ["0.001", "1", "4,096", "500", "6", "600", "64"]);
}
