//! Lessons: data, not code. A file of pages; a page has text, what it sets up, what it points at on the screen, and a question or a
//! task whose end is a condition on the experiment's own figures.
//!
//! Nothing here knows a window: panes and controls are names, which the window finds on its screen.

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
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The largest values of a lesson's own settings.
pub mod limits {
    use moebias_model::config::Limits;
    /// Bytes of a lesson file.
    pub const BYTES: u64 = 1 << 20;
    /// Pages.
    pub const PAGES: Limits = Limits { name: "pages", min: 1.0, max: 60.0 };
    /// Characters of a page's text.
    pub const TEXT: Limits = Limits { name: "text", min: 0.0, max: 4000.0 };
    /// Characters of a title.
    pub const TITLE: Limits = Limits { name: "title", min: 1.0, max: 80.0 };
    /// Answers to choose from.
    pub const CHOICES: Limits = Limits { name: "choices", min: 2.0, max: 6.0 };
    /// Hints of a task.
    pub const HINTS: Limits = Limits { name: "hints", min: 0.0, max: 8.0 };
    /// What a page points at.
    pub const HIGHLIGHT: Limits = Limits { name: "highlight", min: 0.0, max: 6.0 };
    /// Panes that a page brings to the front.
    pub const SHOW: Limits = Limits { name: "show", min: 0.0, max: 4.0 };
    /// Changes that a page makes.
    pub const CHANGES: Limits = Limits { name: "changes", min: 0.0, max: 20.0 };
    /// Steps for which a task's condition must hold.
    pub const FOR_STEPS: Limits = Limits { name: "for_steps", min: 0.0, max: 1_000_000.0 };
    /// Minutes a lesson takes.
    pub const MINUTES: Limits = Limits { name: "minutes", min: 1.0, max: 240.0 };
}

/// A lesson.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// What progress is kept under: the name of a shipped one, or the path of its file.
    pub id: String,
    /// A few words.
    pub title: String,
    /// One line.
    pub summary: String,
    /// About how long it takes.
    pub minutes: Option<u32>,
    /// At least one.
    pub pages: Vec<Page>,
    /// The scenario of each page that opens one, read and ready, and that of a question's answer.
    pub scenarios: Vec<Staged>,
    /// The file; `None` for one that ships with Moebias.
    pub path: Option<PathBuf>,
}

impl Lesson {
    /// The pages that have a task, counted from 0.
    #[must_use]
    pub fn tasks(&self) -> BTreeSet<usize> {
        self.pages.iter().enumerate().filter(|(_, p)| p.task.is_some()).map(|(i, _)| i).collect()
    }
}

/// The scenarios that a page opens, ready to run.
#[derive(Clone, Debug, Default)]
pub struct Staged {
    /// When the page is turned to.
    pub at_first: Option<Box<Loaded>>,
    /// Once its question is answered.
    pub after: Option<Box<Loaded>>,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Its heading.
    pub title: String,
    /// Markdown: paragraphs, lists, **bold**, *italic*, `code`, links, and formulas between lines of three backticks.
    pub text: String,
    /// What is done to the experiment when the page is turned to.
    #[serde(default)]
    pub setup: Setup,
    /// Panes to bring to the front.
    #[serde(default)]
    pub show: Vec<PaneKind>,
    /// What to point at.
    #[serde(default)]
    pub highlight: Vec<Highlight>,
    /// Something to choose, before it is shown.
    #[serde(default)]
    pub question: Option<Question>,
    /// Something to do.
    #[serde(default)]
    pub task: Option<Task>,
}

/// What is done to the experiment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// A scenario to open: `builtin:NAME`, or a file beside the lesson.
    #[serde(default)]
    pub scenario: Option<String>,
    /// Settings to change; with a scenario, before it starts.
    #[serde(default)]
    pub changes: Vec<Changed>,
    /// Another number of experts; only with a scenario.
    #[serde(default)]
    pub experts: Option<u32>,
    /// Only this one of the scenario's variants, counted from 0.
    #[serde(default)]
    pub only: Option<usize>,
    /// A step to go to.
    #[serde(default)]
    pub step: Option<u64>,
    /// A step to pause at; only with a scenario.
    #[serde(default)]
    pub stop: Option<u64>,
    /// Whether the scenario's own timed events happen; only with a scenario. Left out, they don't: a page plays as it was written, however
    /// long somebody stays on it.
    #[serde(default)]
    pub events: Option<bool>,
    /// Play or pause; left out, a scenario plays and a change leaves it as it was. An open question holds the run whatever this says.
    #[serde(default)]
    pub play: Option<bool>,
    /// Steps per second.
    #[serde(default)]
    pub speed: Option<f64>,
}

impl Setup {
    /// Whether it does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One setting that a page changes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Of what; every variant where it is left out and no setting of the tokens.
    #[serde(default)]
    pub target: Option<Target>,
    /// To what.
    pub change: Change,
}

impl Changed {
    /// What it applies to.
    #[must_use]
    pub fn target(&self) -> Target {
        let natural = if self.change.is_of_source() { Target::Source } else { Target::AllVariants };
        self.target.unwrap_or(natural)
    }
}

/// A control of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Control {
    /// Tokens per step.
    Batch,
    /// Number of topics.
    Topics,
    /// Zipf exponent.
    Skew,
    /// Spread of tokens.
    Noise,
    /// How far topics wander.
    Drift,
    /// Tokens that share a topic.
    Burst,
    /// Synthetic, fixed, recorded, learning.
    TokenSource,
    /// Gate.
    Gate,
    /// Number of experts.
    Experts,
    /// Experts per token.
    TopK,
    /// A published model's settings.
    Preset,
    /// The update rule.
    Rule,
    /// Step size.
    Step,
    /// How the step size changes.
    Schedule,
    /// Auxiliary loss.
    Auxiliary,
    /// Its weight.
    Alpha,
    /// Play and pause.
    Play,
    /// How fast to play.
    Speed,
    /// From step 0 again.
    Reset,
    /// Every bias back to its start.
    ResetBiases,
    /// Several routers on the same tokens.
    Compare,
}

/// What a page points at.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Highlight {
    /// A control.
    Control(Control),
    /// A pane.
    Pane(PaneKind),
    /// An expert, by its number or by its load.
    Expert(Which),
    /// A token, by its place in the batch: it is pinned.
    Token(u32),
}

/// One expert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Which {
    /// The one with the most tokens when the page is turned to.
    Busiest,
    /// The one with the fewest.
    Emptiest,
    /// This one, counted from 0.
    Number(u32),
}

/// Something to choose. A prediction is asked before what happens is shown.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is asked.
    pub ask: String,
    /// What to choose from; one of them is right.
    pub choices: Vec<Choice>,
    /// What is done to the experiment once something is chosen: it shows the answer. The run, which the question held, then plays
    /// unless this says otherwise.
    #[serde(default)]
    pub then: Setup,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The answer.
    pub text: String,
    /// Why it is right or wrong.
    pub why: String,
    /// Whether it is right.
    #[serde(default)]
    pub right: bool,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What to do.
    pub ask: String,
    /// When it is done.
    pub until: Condition,
    /// For how many steps in a row the condition must hold; 0: once is enough.
    #[serde(default)]
    pub for_steps: u64,
    /// Waiting is the task: it is done without any change by the person. Otherwise only what happens after one counts.
    #[serde(default)]
    pub wait: bool,
    /// Which variant's figures count, from 0.
    #[serde(default)]
    pub variant: usize,
    /// Shown one after the other, when asked for.
    #[serde(default)]
    pub hints: Vec<String>,
    /// What to say when it is done.
    pub done: String,
}

impl Page {
    /// Whether turning to it does or asks anything.
    #[must_use]
    pub fn has_effect(&self) -> bool {
        !self.setup.is_empty() || !self.highlight.is_empty() || self.question.is_some() || self.task.is_some()
    }

    /// Whether it points at a control beside the panes, or asks for something that is done there.
    #[must_use]
    pub fn needs_controls(&self) -> bool {
        let above = |c: &Control| {
            matches!(c, Control::Play | Control::Speed | Control::Reset | Control::ResetBiases | Control::Compare)
        };
        let points = |h: &Highlight| matches!(h, Highlight::Control(c) if !above(c));
        self.task.is_some() || self.highlight.iter().any(points)
    }

    /// Whether it asks for something.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.question.is_some() || self.task.is_some()
    }
}
