//! Where a finding can be seen: in which pane, in which steps, on which expert.

use crate::ui::link::Span;
use moebias_files::view::PaneKind;
use moebias_model::diagnose::{Evidence, Finding, Kind};

/// The number of steps shown for an oscillation.
const CLOSE: f64 = 96.0;
/// The smallest number of steps shown for any other finding.
const SHORTEST: f64 = 160.0;

/// What “Show me” displays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Showing {
    /// The pane.
    pub pane: PaneKind,
    /// The steps.
    pub span: Span,
    /// The expert to pin.
    pub expert: Option<usize>,
}

/// The pane that shows a finding best.
#[must_use]
pub(super) fn pane(finding: &Finding) -> PaneKind {
    match (finding.kind, &finding.evidence) {
        (Kind::Diverged, _) => PaneKind::TaskLoss,
        (Kind::Dropping | Kind::Collapse | Kind::Dead | Kind::Starving, _) => PaneKind::LoadHistory,
        (Kind::Oscillating, _) => PaneKind::LoadCurves,
        (Kind::Drifting, Evidence::Drifting { biases: false, .. }) => PaneKind::LoadHistory,
        (Kind::Saturated | Kind::Drifting, _) => PaneKind::Bias,
        (Kind::Slow | Kind::FloorReached, _) => PaneKind::Violation,
    }
}

/// Where a finding can be seen in a run that has reached step `head`.
#[must_use]
pub fn showing(finding: &Finding, head: u64) -> Showing {
    let end = finding.until.unwrap_or(head).min(head) as f64;
    let since = finding.since as f64;
    let span = if finding.kind == Kind::Oscillating {
        // Few enough steps to distinguish one swing from the next.
        Span::Part((end - CLOSE).max(since).max(0.0), end.max(since + 24.0))
    } else {
        let length = (end - since).max(SHORTEST);
        Span::Part((since - length / 6.0).max(0.0), (since + length).max(end))
    };
    Showing { pane: pane(finding), span, expert: finding.experts.first().copied() }
}
