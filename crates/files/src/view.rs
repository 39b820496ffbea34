//! How a scenario should be shown: which panes are where, what is hidden, and how large everything is. The window and pictures follow it; a
//! run without a screen ignores it.
//!
//! The window uses the same names.

use super::error::setting;
use moebias_model::config::{ConfigError, Limits};
pub use moebias_model::heatmap::{Cells, Rows};
use serde::{Deserialize, Serialize};

/// A view. What is left out stays as the user has arranged it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct View {
    /// The open panes: columns from left to right, each with its panes from top to bottom.
    pub columns: Vec<Vec<PaneKind>>,
    /// The relative widths of the columns; all equal if left out.
    pub widths: Vec<f32>,
    /// The pane that fills the window.
    pub maximised: Option<PaneKind>,
    /// Parts of the window that are hidden.
    pub hidden: Vec<Part>,
    /// The size of everything; 1 is normal.
    pub zoom: Option<f32>,
    /// What the rows of the heatmap are.
    pub rows: Option<Rows>,
    /// What the cells of the heatmap show.
    pub cells: Option<Cells>,
    /// Which section of the Theory pane is open.
    pub section: Option<Section>,
    /// The index of the expert that is pinned.
    pub expert: Option<u32>,
}

/// A pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::EnumIter)]
pub enum PaneKind {
    /// The heatmap: tokens × experts.
    Assignment,
    /// Load per expert in the last step.
    Load,
    /// Load over time as a map: experts × steps.
    LoadHistory,
    /// Load over time as curves.
    LoadCurves,
    /// Biases over time as curves.
    Bias,
    /// MaxVio over time.
    Violation,
    /// Figures of the token or expert under the pointer.
    Inspector,
    /// The price view.
    Theory,
    /// Figures of learning over time.
    TaskLoss,
    /// The figures of all variants.
    Compare,
    /// Runs over every combination of some settings.
    Sweep,
    /// One step, stage by stage.
    Microscope,
    /// All layers of a recording.
    Layers,
    /// The tokens of a step as text.
    Text,
}

impl PaneKind {
    /// The name of the pane, as in its header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Assignment => "Tokens → experts",
            Self::Load => "Load per expert",
            Self::LoadHistory => "Load over time",
            Self::LoadCurves => "Load curves",
            Self::Bias => "Biases",
            Self::Violation => "Worst expert",
            Self::Inspector => "Inspector",
            Self::Theory => "Theory",
            Self::TaskLoss => "Task loss",
            Self::Compare => "Comparison",
            Self::Sweep => "Sweep",
            Self::Microscope => "Microscope",
            Self::Layers => "Layers",
            Self::Text => "Text",
        }
    }
}

/// A part of the window around the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Part {
    /// The panel of settings on the left.
    Controls,
    /// The controls of time at the bottom.
    Transport,
    /// The bar at the top.
    TopBar,
}

/// A section of the Theory pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::EnumIter)]
pub enum Section {
    /// The Lagrangian and the optimum.
    #[default]
    Objective,
    /// Which tokens moved, and where to.
    Moves,
    /// The band around balance, for a fixed batch.
    Band,
    /// Distance to the optimum and regret.
    Online,
    /// MaxVio as a function of the computation batch.
    BatchSize,
    /// The bias that a recorded model has learned.
    Learned,
}

/// The range of [`View::zoom`].
pub const ZOOM: Limits = Limits { name: "zoom", min: 0.75, max: 2.0 };
/// The range of [`View::widths`].
const WIDTH: std::ops::RangeInclusive<f32> = 0.05..=20.0;

impl View {
    /// Checks that the view can be shown for variants with this many experts.
    ///
    /// # Errors
    /// A pane occurs twice, a column has no panes, the widths do not fit the columns, or a number is out of its range.
    pub(super) fn validate(&self, experts: u32) -> Result<(), ConfigError> {
        let mut seen = vec![];
        for (i, column) in self.columns.iter().enumerate() {
            if column.is_empty() {
                return Err(setting(&format!("view.columns[{i}]"), "empty", "a list of at least one pane"));
            }
            for (j, pane) in column.iter().enumerate() {
                if seen.contains(pane) {
                    let path = format!("view.columns[{i}][{j}]");
                    return Err(setting(&path, &format!("{pane:?} again"), "a pane that stands nowhere else"));
                }
                seen.push(*pane);
            }
        }
        if !self.widths.is_empty() && self.widths.len() != self.columns.len() {
            let allowed = format!("one number per column, {} in all", self.columns.len());
            return Err(setting("view.widths", &format!("{} numbers long", self.widths.len()), &allowed));
        }
        if let Some((i, width)) = self.widths.iter().enumerate().find(|(_, w)| !WIDTH.contains(w)) {
            let allowed = format!("from {} to {}", WIDTH.start(), WIDTH.end());
            return Err(setting(&format!("view.widths[{i}]"), &width.to_string(), &allowed));
        }
        if let Some(zoom) = self.zoom {
            ZOOM.check("view", f64::from(zoom))?;
        }
        match self.expert {
            Some(e) if e >= experts => {
                Err(setting("view.expert", &e.to_string(), &format!("from 0 to {}", experts.saturating_sub(1))))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, to_text};
    use super::*;

    fn with(view: &str) -> String {
        format!("(version: 1, title: \"x\",\n  view: {view},\n)")
    }

    #[test]
    fn a_view_goes_to_a_file_and_back() {
        let written = "(columns: [[Assignment, LoadHistory], [Theory]], widths: [2, 1.5], maximised: Theory, \
                       hidden: [Controls, Transport, TopBar], zoom: 1.25, rows: Topics, cells: Moved, section: Band, expert: 3)";
        let scenario = parse(&with(written), "a").unwrap();
        let view = scenario.view.clone().unwrap();
        assert_eq!(view.columns[0], [PaneKind::Assignment, PaneKind::LoadHistory]);
        assert_eq!((view.maximised, view.zoom, view.expert), (Some(PaneKind::Theory), Some(1.25), Some(3)));
        let text = to_text(&scenario);
        assert_eq!(parse(&text, "b").unwrap(), scenario, "{text}");
        let one = parse(&with("(hidden: [Controls])"), "c").unwrap();
        assert!(to_text(&one).contains("view: (hidden: [Controls]),"), "{}", to_text(&one));
        assert!(!to_text(&parse("(version: 1, title: \"x\")", "d").unwrap()).contains("view"));
    }

    #[test]
    fn what_is_wrong_with_a_view_is_said_where_it_stands() {
        for (view, expected) in [
            ("(columns: [[Assignments]])", vec!["line 2", "Assignments", "`Assignment`", "`TaskLoss`"]),
            ("(hidden: [Header])", vec!["line 2", "Header", "`Controls`", "`TopBar`"]),
            ("(colums: [[Load]])", vec!["line 2", "colums", "`columns`"]),
            ("(columns: [[Load], [Bias, Load]])", vec!["line 2", "view.columns[1][1]", "Load again"]),
            ("(columns: [[Load], []])", vec!["view.columns[1]", "empty"]),
            ("(columns: [[Load]], widths: [1, 2])", vec!["view.widths", "one number per column"]),
            ("(columns: [[Load]], widths: [0])", vec!["view.widths[0]", "0.05"]),
            ("(zoom: 7)", vec!["zoom", "0.75", "7"]),
            ("(expert: 64)", vec!["view.expert", "from 0 to 63"]),
        ] {
            let said = parse(&with(view), "bad.ron").unwrap_err().to_string();
            for part in expected {
                assert!(said.contains(part), "{view}: {said:?} lacks {part:?}");
            }
        }
    }
}
