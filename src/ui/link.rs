//! What is hovered, pinned and zoomed into, shared by all panes: an expert that the pointer is on in one pane is highlighted in all of them.

use crate::ui::actions::Action;
use moebias_engine::message::Snapshot;
use moebias_engine::run::lock;
use moebias_engine::start::RunId;

/// Which steps the plots over time show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Span {
    /// The latest steps, following the run.
    #[default]
    Latest,
    /// All steps.
    All,
    /// From one step to another.
    Part(f64, f64),
}

/// How the panes show several variants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Only one of them.
    #[default]
    One,
    /// Side by side; curves in one plot.
    Beside,
    /// The difference between the variant shown and the reference.
    Difference,
}

/// What is hovered and pinned, which steps and variants are shown, and what panes ask of the app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The variant that single-variant panes show.
    pub variant: usize,
    /// Expert under the pointer, as of the last frame.
    pub hovered_expert: Option<usize>,
    /// Expert that a click pinned.
    pub pinned_expert: Option<usize>,
    /// Further experts of the token under the pointer, as of the last frame.
    pub hovered_also: Vec<usize>,
    /// Token under the pointer: its row in the heatmap, as of the last frame.
    pub hovered_token: Option<usize>,
    /// Token that a click pinned: its index in the batch.
    pub pinned_token: Option<u32>,
    /// Step under the pointer in a time plot, as of the last frame.
    pub hovered_step: Option<u64>,
    /// The steps that every time plot shows.
    pub span: Span,
    /// How several variants are shown.
    pub side: Side,
    /// The variant that the others are compared with, if a person chose one.
    pub reference: Option<usize>,
    /// Variant under the pointer, as of the last frame.
    pub hovered_variant: Option<usize>,
    /// A pane asks for a fork of this variant.
    pub fork: Option<usize>,
    /// A pane asks for the dialog that renames this variant.
    pub rename: Option<usize>,
    /// Panes are drawn for a picture, without the tools in their headers.
    pub bare: bool,
    /// Whether the pane that is being drawn is maximised.
    pub maximised: bool,
    /// While presenting: the tools in a header are shown only while the pointer is on the pane.
    pub calm: bool,
    /// Actions that panes ask for.
    pub asked: Vec<Action>,
    /// Whether the heatmap shows only a part of its tokens or experts.
    pub heatmap_zoomed: bool,
    /// Asks the heatmap to show all tokens and experts again.
    pub whole_heatmap: bool,
    /// The run in the last frame, the steps computed, and the number of variants.
    of: Option<(RunId, u64, usize)>,
    /// What the panes report in this frame.
    next: Hover,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Hover {
    expert: Option<usize>,
    also: Vec<usize>,
    token: Option<usize>,
    step: Option<u64>,
    variant: Option<usize>,
}

impl Link {
    /// Call once per frame before the panes: what they reported in the last frame becomes visible to all of them.
    pub fn begin_frame(&mut self) {
        let Hover { expert, also, token, step, variant } = std::mem::take(&mut self.next);
        self.hovered_expert = expert;
        self.hovered_also = also;
        self.hovered_token = token;
        self.hovered_step = step;
        self.hovered_variant = variant;
    }

    /// Shows everything again when another run begins, whose steps and tokens are others. A fork keeps the zoom, since it goes on with the
    /// same past. Steps that no longer exist are no longer shown.
    pub fn follow(&mut self, snapshot: &Snapshot) {
        let (head, variants) = (snapshot.head, snapshot.variants.len());
        let forked = |(_, h, v): (RunId, u64, usize)| head >= h && v + 1 == variants;
        if let Some(before) = self.of.filter(|o| o.0 != snapshot.run && !forked(*o)) {
            log::debug!("{:?} is another run than {:?}", snapshot.run, before.0);
            self.show_all();
        }
        // The steps zoomed into may be gone because the past was changed.
        let (first, last) = (lock(&snapshot.history).first as f64, head as f64);
        if matches!(self.span, Span::Part(from, to) if to <= first || from >= last.max(first + 1.0)) {
            self.span = Span::Latest;
        }
        self.of = Some((snapshot.run, head, variants));
    }

    /// Whether only a part of the steps or of the heatmap is shown.
    #[must_use]
    pub fn is_zoomed(&self) -> bool {
        matches!(self.span, Span::Part(..)) || self.heatmap_zoomed
    }

    /// Shows the latest steps and the whole heatmap again.
    pub fn show_all(&mut self) {
        self.span = Span::Latest;
        self.whole_heatmap = true;
    }

    /// Takes the number of variants, and drops references to variants that no longer exist.
    pub fn variants(&mut self, count: usize) {
        self.variant = self.variant.min(count.saturating_sub(1));
        self.reference = self.reference.filter(|r| *r < count && count > 1);
        self.hovered_variant = self.hovered_variant.filter(|v| *v < count && count > 1);
        if count < 2 {
            self.side = Side::One;
        }
    }

    /// Call if the pointer is on this variant.
    pub fn hover_variant(&mut self, variant: usize) {
        self.next.variant = Some(variant);
    }

    /// The variant to compare the shown one with: the reference, or else the first other one; `None` if there is no other.
    #[must_use]
    pub fn other(&self, count: usize) -> Option<usize> {
        let chosen = self.reference.filter(|r| *r != self.variant);
        chosen.or_else(|| (0..count).find(|v| *v != self.variant))
    }

    /// Call if the pointer is on this expert.
    pub fn hover_expert(&mut self, expert: usize) {
        (self.next.expert, self.next.also) = (Some(expert), vec![]);
    }

    /// Call if the pointer is on a token with these experts, the best first.
    pub fn hover_experts(&mut self, experts: &[usize]) {
        if let Some((first, others)) = experts.split_first() {
            (self.next.expert, self.next.also) = (Some(*first), others.to_vec());
        }
    }

    /// Call if the pointer is on this row of the heatmap.
    pub fn hover_token(&mut self, row: usize) {
        self.next.token = Some(row);
    }

    /// Call if the pointer is on this step.
    pub fn hover_step(&mut self, step: u64) {
        self.next.step = Some(step);
    }

    /// The expert to show in detail: the one under the pointer, or else the pinned one.
    #[must_use]
    pub fn expert(&self) -> Option<usize> {
        self.hovered_expert.or(self.pinned_expert)
    }

    /// Every expert that is to be lit: the one to show in detail, and the other experts of the token under the pointer.
    pub fn lit(&self) -> impl Iterator<Item = usize> {
        let also = if self.hovered_expert.is_some() { &self.hovered_also[..] } else { &[] };
        self.expert().into_iter().chain(also.iter().copied())
    }

    /// Pins an expert, or unpins it.
    pub fn toggle_pin(&mut self, expert: usize) {
        self.pinned_expert = if self.pinned_expert == Some(expert) { None } else { Some(expert) };
    }

    /// Whether the panes reported other things in this frame than in the last one; then one more frame must be drawn.
    #[must_use]
    pub fn changes_next_frame(&self) -> bool {
        self.next.expert != self.hovered_expert
            || self.next.also != self.hovered_also
            || self.next.token != self.hovered_token
            || self.next.step != self.hovered_step
            || self.next.variant != self.hovered_variant
    }
}
