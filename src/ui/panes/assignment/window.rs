//! The visible part of the heatmap.

use crate::ui::kit::widgets::slider::figure;
use moebias_engine::view::{Picture, Rows};

/// The visible part of the heatmap: ranges of experts and of rows, or of tokens if a live batch is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) rows: (f64, f64),
    pub(super) experts: (f64, f64),
}

impl Window {
    pub(super) fn whole(rows: usize, experts: usize) -> Self {
        Self { rows: (0.0, rows.max(1) as f64), experts: (0.0, experts.max(1) as f64) }
    }

    /// The window moved and resized to lie inside the picture. It keeps at least four rows and experts.
    pub(super) fn inside(self, rows: usize, experts: usize) -> Self {
        let fit = |(a, b): (f64, f64), n: usize| {
            let n = n.max(1) as f64;
            let width = (b - a).clamp(n.min(4.0), n);
            let a = a.clamp(0.0, n - width);
            (a, a + width)
        };
        Self { rows: fit(self.rows, rows), experts: fit(self.experts, experts) }
    }

    /// The window zoomed by factors `[experts, rows]` about the place `at`, which is (expert, row).
    pub(super) fn zoomed(self, [x, y]: [f64; 2], at: (f64, f64)) -> Self {
        let zoom = |(a, b): (f64, f64), factor: f64, at: f64| (at - (at - a) / factor, at + (b - at) / factor);
        Self { rows: zoom(self.rows, y, at.1), experts: zoom(self.experts, x, at.0) }
    }
}

/// The number of rows that can be shown: the tokens of a live batch, otherwise the rows of the picture.
pub(super) fn extent(picture: &Picture) -> usize {
    if picture.request.rows == Rows::Batch { picture.batch as usize } else { picture.rows() }
}

/// The zoomed part in words, for the chip.
pub(super) fn zoomed(picture: &Picture, window: &Window) -> String {
    let whole = |x: f64| figure(x.max(0.0), true);
    let range = |(a, b): (f64, f64)| format!("{}–{}", whole(a.floor()), whole((b.ceil() - 1.0).max(a.floor())));
    let all = Window::whole(extent(picture), picture.experts);
    let rows = if picture.request.rows == Rows::Topics { "topics" } else { "rows" };
    let mut parts = vec![];
    if window.rows != all.rows {
        parts.push(format!("{rows} {}", range(window.rows)));
    }
    if window.experts != all.experts {
        parts.push(format!("experts {}", range(window.experts)));
    }
    format!("zoomed: {} · show all", parts.join(", "))
}
