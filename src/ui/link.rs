//! What is hovered and what is pinned, shared by all panes: point at an expert anywhere and it lights up everywhere.

use crate::ui::actions::Action;
use moebias_engine::message::Snapshot;
use moebias_engine::run::lock;
use moebias_engine::start::RunId;

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

/// How the panes show several variants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// One of them.
    #[default]
    One,
    /// Beside each other, or over each other where there are curves.
    Beside,
    /// What sets the one shown apart from the reference.
    Difference,
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
    /// How several variants are shown.
    pub side: Side,
    /// The variant that the others are compared with, where a person chose one.
    pub reference: Option<usize>,
    /// Variant under the pointer, as of the last frame.
    pub hovered_variant: Option<usize>,
    /// A pane asks for a fork of this variant.
    pub fork: Option<usize>,
    /// A pane asks what this variant is to be called.
    pub rename: Option<usize>,
    /// Panes are drawn for a picture of them: without the tools in their headers.
    pub bare: bool,
    /// The pane that is being drawn has all the room.
    pub maximised: bool,
    /// Before an audience: the tools in a header are there only while the pointer is on the pane.
    pub calm: bool,
    /// What a pane wants the window to do.
    pub asked: Vec<Action>,
    /// The heatmap shows a part of its tokens or experts.
    pub heatmap_zoomed: bool,
    /// The heatmap is to show everything again.
    pub whole_heatmap: bool,
    /// The run that all of this is of, and how many steps and variants it had.
    of: Option<(RunId, u64, usize)>,
    next: Hover,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Hover {
    expert: Option<usize>,
    token: Option<usize>,
    step: Option<u64>,
    variant: Option<usize>,
}

impl Link {
    /// Call once per frame before the panes: what they reported last frame becomes visible to all.
    pub fn begin_frame(&mut self) {
        let Hover { expert, token, step, variant } = std::mem::take(&mut self.next);
        self.hovered_expert = expert;
        self.hovered_token = token;
        self.hovered_step = step;
        self.hovered_variant = variant;
    }

    /// Another run has other steps and other tokens: what was zoomed into before means nothing in it. A fork goes on with the same past.
    pub fn follow(&mut self, snapshot: &Snapshot) {
        let (head, variants) = (snapshot.head, snapshot.variants.len());
        let forked = |(_, h, v): (RunId, u64, usize)| head >= h && v + 1 == variants;
        if let Some(before) = self.of.filter(|o| o.0 != snapshot.run && !forked(*o)) {
            log::debug!("{:?} is another run than {:?}", snapshot.run, before.0);
            self.show_all();
        }
        // Where the past was changed, the steps that were looked at may be gone.
        let (first, last) = (lock(&snapshot.history).first as f64, head as f64);
        if matches!(self.span, Span::Part(from, to) if to <= first || from >= last.max(first + 1.0)) {
            self.span = Span::Latest;
        }
        self.of = Some((snapshot.run, head, variants));
    }

    /// Whether a part of the steps, or of the heatmap, is shown.
    #[must_use]
    pub fn is_zoomed(&self) -> bool {
        matches!(self.span, Span::Part(..)) || self.heatmap_zoomed
    }

    /// Back to what is shown where nobody zoomed.
    pub fn show_all(&mut self) {
        self.span = Span::Latest;
        self.whole_heatmap = true;
    }

    /// There are so many variants: what is kept of others goes.
    pub fn variants(&mut self, count: usize) {
        self.variant = self.variant.min(count.saturating_sub(1));
        self.reference = self.reference.filter(|r| *r < count && count > 1);
        self.hovered_variant = self.hovered_variant.filter(|v| *v < count && count > 1);
        if count < 2 {
            self.side = Side::One;
        }
    }

    /// The pointer is on this variant.
    pub fn hover_variant(&mut self, variant: usize) {
        self.next.variant = Some(variant);
    }

    /// The variant to compare the shown one with: the reference, else the first other one. `None` where there is no other.
    #[must_use]
    pub fn other(&self, count: usize) -> Option<usize> {
        let chosen = self.reference.filter(|r| *r != self.variant);
        chosen.or_else(|| (0..count).find(|v| *v != self.variant))
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
            || self.next.variant != self.hovered_variant
    }
}
