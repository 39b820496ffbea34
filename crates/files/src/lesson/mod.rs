//! Lessons are data, not code: a file of pages. A page has text, what it sets up, what it points at on the screen, and a question, or a
//! task with a condition on the experiment's figures.
//!
//! Nothing here depends on a window: panes and controls are names, which the window looks up.

mod condition;
mod read;
mod shipped;
mod stage;

pub use super::kind::{ENDING, is_lesson};
pub use condition::{Condition, Figure, Setting};
pub use read::{load, load_text};
pub use shipped::{ShippedLesson, find, shipped};
pub use stage::Scene;

use super::Loaded;
use super::view::PaneKind;
use moebias_model::change::{Change, Target};
use moebias_model::settings::reading::Reading;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Limits of lesson files.
pub mod limits {
    use moebias_model::config::Limits;
    /// The largest size of a lesson file, in bytes.
    pub const BYTES: u64 = 1 << 20;
    /// Number of pages.
    pub const PAGES: Limits = Limits { name: "pages", min: 1.0, max: 60.0 };
    /// Characters of a page's text.
    pub const TEXT: Limits = Limits { name: "text", min: 0.0, max: 4000.0 };
    /// Characters of a title.
    pub const TITLE: Limits = Limits { name: "title", min: 1.0, max: 80.0 };
    /// Number of answers to choose from.
    pub const CHOICES: Limits = Limits { name: "choices", min: 2.0, max: 6.0 };
    /// Number of hints of a task.
    pub const HINTS: Limits = Limits { name: "hints", min: 0.0, max: 8.0 };
    /// Number of things that a page points at.
    pub const HIGHLIGHT: Limits = Limits { name: "highlight", min: 0.0, max: 6.0 };
    /// Number of panes that a page brings to the front.
    pub const SHOW: Limits = Limits { name: "show", min: 0.0, max: 4.0 };
    /// Number of changes that a page makes.
    pub const CHANGES: Limits = Limits { name: "changes", min: 0.0, max: 20.0 };
    /// Number of steps for which a task's condition must hold.
    pub const FOR_STEPS: Limits = Limits { name: "for_steps", min: 0.0, max: 1_000_000.0 };
    /// Duration of a lesson in minutes.
    pub const MINUTES: Limits = Limits { name: "minutes", min: 1.0, max: 240.0 };
}

/// A lesson.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// The key under which progress is stored: the name of a shipped lesson, or the path of its file.
    pub id: String,
    /// The title, a few words.
    pub title: String,
    /// The summary, one line.
    pub summary: String,
    /// The approximate duration in minutes.
    pub minutes: Option<u32>,
    /// The pages, at least one.
    pub pages: Vec<Page>,
    /// For each page, the scenarios that it opens when turned to and after its question.
    pub scenarios: Vec<Staged>,
    /// The file it was read from; `None` for a lesson that ships with Moebias.
    pub path: Option<PathBuf>,
}

impl Lesson {
    /// The indices of the pages that have a task.
    #[must_use]
    pub fn tasks(&self) -> BTreeSet<usize> {
        self.pages.iter().enumerate().filter(|(_, p)| p.task.is_some()).map(|(i, _)| i).collect()
    }
}

/// The scenarios that a page opens, read and staged.
#[derive(Clone, Debug, Default)]
pub struct Staged {
    /// The scenario opened when the page is turned to.
    pub at_first: Option<Box<Loaded>>,
    /// The scenario opened once the page's question is answered.
    pub after: Option<Box<Loaded>>,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The heading.
    pub title: String,
    /// The text in Markdown: paragraphs, lists, **bold**, *italic*, `code`, links, and formulas between lines of three backticks.
    pub text: String,
    /// Changes to the experiment when the page is turned to.
    #[serde(default)]
    pub setup: Setup,
    /// Panes to bring to the front.
    #[serde(default)]
    pub show: Vec<PaneKind>,
    /// Things to point at.
    #[serde(default)]
    pub highlight: Vec<Highlight>,
    /// A question, asked before the answer is shown.
    #[serde(default)]
    pub question: Option<Question>,
    /// A task for the reader.
    #[serde(default)]
    pub task: Option<Task>,
}

/// Changes to the experiment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// A scenario or a recording to open: `builtin:NAME`, or a file beside the lesson.
    #[serde(default)]
    pub scenario: Option<String>,
    /// The layer to show; only with a recording.
    #[serde(default)]
    pub layer: Option<String>,
    /// How to read it: what it does not say itself, and what is left out; only with a recording.
    #[serde(default)]
    pub reading: Reading,
    /// Settings to change, one after the other; with a scenario, before it starts.
    #[serde(default)]
    pub changes: Vec<Changed>,
    /// The number of experts of all variants; only with a scenario.
    #[serde(default)]
    pub experts: Option<u32>,
    /// The index of the only variant of the scenario to keep.
    #[serde(default)]
    pub only: Option<usize>,
    /// The step to go to.
    #[serde(default)]
    pub step: Option<u64>,
    /// The step at which to pause; only with a scenario.
    #[serde(default)]
    pub stop: Option<u64>,
    /// Whether the scenario's own timed events happen; only with a scenario. They do not if this is left out, so that a page plays as its
    /// author wrote it, however long the reader stays on it.
    #[serde(default)]
    pub events: Option<bool>,
    /// Whether to play. If left out, a scenario plays, and other changes leave it as it was. A question that is not answered pauses the run
    /// in any case.
    #[serde(default)]
    pub play: Option<bool>,
    /// The speed of playing, in steps per second.
    #[serde(default)]
    pub speed: Option<f64>,
}

impl Setup {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A change of one setting by a page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// What the change applies to. If left out: the source for a setting of the tokens, otherwise all variants.
    #[serde(default)]
    pub target: Option<Target>,
    /// The setting and its new value.
    pub change: Change,
}

impl Changed {
    /// What the change applies to.
    #[must_use]
    pub fn target(&self) -> Target {
        let natural = if self.change.is_of_source() { Target::Source } else { Target::AllVariants };
        self.target.unwrap_or(natural)
    }
}

/// A control of the window that a page can point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Control {
    /// Tokens per step.
    Batch,
    /// Number of topics.
    Topics,
    /// Zipf exponent of the topics.
    Skew,
    /// Spread of tokens around their topic.
    Noise,
    /// How fast topics drift.
    Drift,
    /// Number of consecutive tokens that share a topic.
    Burst,
    /// The kind of source: synthetic, fixed, recorded, learning.
    TokenSource,
    /// Gate.
    Gate,
    /// Number of experts.
    Experts,
    /// Experts per token.
    TopK,
    /// The settings of a published model.
    Preset,
    /// The update rule.
    Rule,
    /// Step size.
    Step,
    /// The step size schedule.
    Schedule,
    /// Auxiliary loss.
    Auxiliary,
    /// The weight of the auxiliary loss.
    Alpha,
    /// Play and pause.
    Play,
    /// The speed of playing.
    Speed,
    /// Start again from step 0.
    Reset,
    /// Reset every bias to its start.
    ResetBiases,
    /// Compare several variants on the same tokens.
    Compare,
    /// The layer of the recording.
    Layer,
    /// What is odd about the recording, with its remedy.
    Remedy,
}

/// A thing that a page points at.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Highlight {
    /// A control.
    Control(Control),
    /// A pane.
    Pane(PaneKind),
    /// An expert, by its index or by its load.
    Expert(Which),
    /// A token, by its index in the batch; it is pinned.
    Token(u32),
}

/// Which expert to point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Which {
    /// The expert with the most tokens when the page is turned to.
    Busiest,
    /// The expert with the fewest tokens when the page is turned to.
    Emptiest,
    /// The expert with this index.
    Number(u32),
}

/// A question with choices. A prediction is asked for before the reader sees what happens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question.
    pub ask: String,
    /// The answers to choose from, of which exactly one is right.
    pub choices: Vec<Choice>,
    /// Changes to the experiment once an answer is chosen, to show what happens. The run, which the question had paused, then plays unless
    /// this says otherwise.
    #[serde(default)]
    pub then: Setup,
}

/// One answer to a question.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The text of the answer.
    pub text: String,
    /// Why the answer is right or wrong.
    pub why: String,
    /// Whether the answer is right.
    #[serde(default)]
    pub right: bool,
}

/// A task for the reader.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What the reader should do.
    pub ask: String,
    /// The condition for completing the task.
    pub until: Condition,
    /// For how many consecutive steps the condition must hold; 0 if once is enough.
    #[serde(default)]
    pub for_steps: u64,
    /// Whether waiting completes the task. Otherwise only steps after a change by the reader count.
    #[serde(default)]
    pub wait: bool,
    /// The index of the variant whose figures and settings count.
    #[serde(default)]
    pub variant: usize,
    /// Hints, shown one after the other on request.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The text shown when the task is done.
    pub done: String,
}

impl Page {
    /// Whether the page does more than show text.
    #[must_use]
    pub fn has_effect(&self) -> bool {
        !self.setup.is_empty() || !self.highlight.is_empty() || self.question.is_some() || self.task.is_some()
    }

    /// Whether the panel of settings must be visible: the page points at a control in it, or has a task.
    #[must_use]
    pub fn needs_controls(&self) -> bool {
        let above = |c: &Control| {
            matches!(c, Control::Play | Control::Speed | Control::Reset | Control::ResetBiases | Control::Compare)
        };
        let points = |h: &Highlight| matches!(h, Highlight::Control(c) if !above(c));
        self.task.is_some() || self.highlight.iter().any(points)
    }

    /// Whether the page has a question or a task.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.question.is_some() || self.task.is_some()
    }
}
