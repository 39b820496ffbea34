//! What the heatmap of tokens and experts shows, as it is written in scenarios, drawn by the worker and chosen in the window.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

/// What the rows of the heatmap are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumIter, Display)]
pub enum Rows {
    /// A fixed set of tokens, the same at every step, so that changes of their routing are visible.
    #[default]
    Fixed,
    /// The whole batch of the step that is shown; `NextBatch` in files of Moebias 0.1.
    #[serde(alias = "NextBatch")]
    Batch,
    /// Topics instead of tokens: the share of a topic's assignments that each expert gets.
    Topics,
}

/// What the cells of the heatmap show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumIter, Display)]
pub enum Cells {
    /// The score.
    Score,
    /// The sum of score and bias; their product under the multiplicative rule.
    Biased,
    /// Which experts are chosen, and which of them because of the bias.
    #[default]
    Chosen,
    /// Only what the bias changed.
    Moved,
}
