//! Where a finding is to be seen: which pane, which steps, which expert.

use crate::ui::link::Span;
use moebias_files::view::PaneKind;
use moebias_model::diagnose::{Evidence, Finding, Kind};

/// A swing is seen on so many steps.
const CLOSE: f64 = 96.0;
/// Fewer steps than this are no picture of anything else.
const SHORTEST: f64 = 160.0;

/// What “Show me” brings up.
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

/// Where a finding is to be seen in a run of so many steps.
#[must_use]
pub fn showing(finding: &Finding, head: u64) -> Showing {
    let end = finding.until.unwrap_or(head).min(head) as f64;
    let since = finding.since as f64;
    let span = if finding.kind == Kind::Oscillating {
        // Close enough to tell one swing from the next.
        Span::Part((end - CLOSE).max(since).max(0.0), end.max(since + 24.0))
    } else {
        let length = (end - since).max(SHORTEST);
        Span::Part((since - length / 6.0).max(0.0), (since + length).max(end))
    };
    Showing { pane: pane(finding), span, expert: finding.experts.first().copied() }
}
