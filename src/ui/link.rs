//! What is hovered and what is pinned, shared by all panes: point at an expert anywhere and it lights up everywhere.

/// Which steps the plots over time show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Span {
    /// The latest thousand or so, following the run.
    #[default]
    Latest,
    /// Everything there is.
    All,
    /// From a step to a step.
    Part(f64, f64),
}

/// Which expert, token and step the pointer is on, and which expert is pinned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The variant that single-variant panes show.
    pub variant: usize,
    /// Expert under the pointer, as of the last frame.
    pub hovered_expert: Option<usize>,
    /// Expert that a click pinned.
    pub pinned_expert: Option<usize>,
    /// Token under the pointer: its row in the picture, as of the last frame.
    pub hovered_token: Option<usize>,
    /// Token that a click pinned: its index in the batch.
    pub pinned_token: Option<u32>,
    /// Step under the pointer in a time plot, as of the last frame.
    pub hovered_step: Option<u64>,
    /// The steps that every time plot shows.
    pub span: Span,
    /// Panes are drawn for a picture of them: without the tools in their headers.
    pub bare: bool,
    /// Before an audience: the tools in a header are there only while the pointer is on the pane.
    pub calm: bool,
    next: Hover,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Hover {
    expert: Option<usize>,
    token: Option<usize>,
    step: Option<u64>,
}

impl Link {
    /// Call once per frame before the panes: what they reported last frame becomes visible to all.
    pub fn begin_frame(&mut self) {
        let Hover { expert, token, step } = std::mem::take(&mut self.next);
        self.hovered_expert = expert;
        self.hovered_token = token;
        self.hovered_step = step;
    }

    /// The pointer is on this expert.
    pub fn hover_expert(&mut self, expert: usize) {
        self.next.expert = Some(expert);
    }

    /// The pointer is on this row of the picture.
    pub fn hover_token(&mut self, row: usize) {
        self.next.token = Some(row);
    }

    /// The pointer is on this step.
    pub fn hover_step(&mut self, step: u64) {
        self.next.step = Some(step);
    }

    /// The expert to show in detail: the one pointed at, else the pinned one.
    #[must_use]
    pub fn expert(&self) -> Option<usize> {
        self.hovered_expert.or(self.pinned_expert)
    }

    /// Pins an expert, or lets go of it if it was pinned.
    pub fn toggle_pin(&mut self, expert: usize) {
        self.pinned_expert = if self.pinned_expert == Some(expert) { None } else { Some(expert) };
    }

    /// Whether what was hovered differs from what will be: then one more frame is needed.
    #[must_use]
    pub fn changes_next_frame(&self) -> bool {
        self.next.expert != self.hovered_expert
            || self.next.token != self.hovered_token
            || self.next.step != self.hovered_step
    }
}
