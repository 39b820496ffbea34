//! The layout of the picture: tokens × experts at the top, each expert's stack of tokens below its column, and its bias below that.

use eframe::egui::{self, Pos2, Rect, pos2, vec2};
use moebias_engine::microscope::Microscope;

/// Width on the left for the tokens, in points.
pub(super) const LEFT: f32 = 58.0;
/// Width on the right for the margins, in points.
const RIGHT: f32 = 56.0;
/// Height above the cells for the expert's number and its bias.
const HEAD: f32 = 34.0;
/// The greatest width of a column.
const WIDEST: f32 = 190.0;
/// The least width of a column if all experts are shown.
const NARROW: f32 = 26.0;
/// The width of columns if not all experts fit.
const READABLE: f32 = 50.0;
/// Least height of the stacks.
const STACKS: f32 = 88.0;
/// The preferred height of the stacks.
const TALL_STACKS: f32 = 150.0;
/// Least height of the biases.
const BIASES: f32 = 54.0;
/// The least height of a row in which a number can be read.
const ROW: f32 = 12.5;
/// The greatest height of a row.
const TALLEST: f32 = 30.0;
/// Height below the cells while the cells have most of the room.
const FOLDED: f32 = 22.0;

/// The number of tokens and experts to show: as many as there is room for, but all tokens of a batch of at most `most` tokens.
pub(super) fn room(board: Rect, tokens: u32, experts: usize, most: u32) -> (u32, u32) {
    let rows = ((board.height() - HEAD - STACKS - BIASES) / ROW).clamp(4.0, most as f32) as u32;
    let width = (board.width() - LEFT - RIGHT).max(1.0);
    let all = (width / NARROW) as u32;
    let columns = if experts as u32 <= all { all } else { (width / READABLE) as u32 };
    (if tokens <= most { most } else { rows }, columns.max(2))
}

/// The layout of one picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Board {
    /// The whole picture.
    pub all: Rect,
    /// The cells.
    pub cells: Rect,
    /// The stacks.
    pub stacks: Rect,
    /// The biases.
    pub biases: Rect,
    /// Width of a column.
    pub column: f32,
    /// Height of a row.
    pub row: f32,
    rows: usize,
    columns: usize,
}

impl Board {
    /// The layout for what is shown of a step. If there is too little room for everything, the cells have most of it at first, and fold up
    /// (`folded` goes from 0 to 1) as the tokens move from the cells to the stacks.
    pub fn new(all: Rect, view: &Microscope, folded: f32) -> Self {
        let (rows, columns) = (view.tokens.len().max(1), view.experts.len().max(1));
        // Readable rows have priority, then stacks that can hold tokens, then larger rows.
        let row_of = |below: f32| (all.height() - HEAD - below) / rows as f32;
        let tight = row_of(STACKS + BIASES);
        let folds = tight < ROW;
        let row = match folds {
            true => egui::lerp(row_of(FOLDED).min(ROW).max(tight)..=tight, folded),
            false => row_of(TALL_STACKS + BIASES).max(ROW),
        };
        let row = row.clamp(2.0, TALLEST);
        let column = ((all.width() - LEFT - RIGHT) / columns as f32).clamp(4.0, WIDEST);
        let width = column * columns as f32;
        // A board that is narrower than its place is centred.
        let left = all.left() + LEFT + ((all.width() - LEFT - RIGHT - width) / 2.0).max(0.0);
        let cells = Rect::from_min_size(pos2(left, all.top() + HEAD), vec2(width, row * rows as f32));
        let rest = (all.bottom() - cells.bottom()).max(2.0);
        let below = if folds { BIASES * folded } else { rest * BIASES / (STACKS + BIASES) };
        let split = all.bottom() - below;
        let stacks = Rect::from_min_max(pos2(left, cells.bottom() + 18.0), pos2(cells.right(), split - 15.0));
        let biases = Rect::from_min_max(pos2(left, split + 3.0), pos2(cells.right(), all.bottom() - 14.0));
        Self { all, cells, stacks, biases, column, row, rows, columns }
    }

    /// The cell of a token and an expert, by their indices among those shown.
    pub fn cell(&self, row: usize, column: usize) -> Rect {
        let min = self.cells.min + vec2(column as f32 * self.column, row as f32 * self.row);
        Rect::from_min_size(min, vec2(self.column, self.row))
    }

    /// The middle of a column.
    pub fn x(&self, column: usize) -> f32 {
        self.cells.left() + (column as f32 + 0.5) * self.column
    }

    /// The column at a point, from the expert's number down to its bias.
    pub fn column_at(&self, at: Pos2) -> Option<usize> {
        let tall = Rect::from_x_y_ranges(self.cells.x_range(), self.all.y_range());
        tall.contains(at).then(|| (((at.x - self.cells.left()) / self.column) as usize).min(self.columns - 1))
    }

    /// The row at a point; its token on the left and its margin on the right belong to it.
    pub fn row_at(&self, at: Pos2) -> Option<usize> {
        let wide = Rect::from_x_y_ranges(self.cells.left() - LEFT..=self.cells.right() + RIGHT, self.cells.y_range());
        wide.contains(at).then(|| (((at.y - self.cells.top()) / self.row) as usize).min(self.rows - 1))
    }

    /// The strip of a column.
    pub fn strip(&self, column: usize) -> Rect {
        let left = self.cells.left() + column as f32 * self.column;
        Rect::from_x_y_ranges(left..=left + self.column, self.all.top()..=self.all.bottom())
    }

    /// The place of a token before it moves: to the left of its row.
    pub fn home(&self, row: usize) -> Rect {
        let width = 30f32.min(self.column);
        let size = vec2(width, (self.row - 2.0).max(1.0));
        Rect::from_center_size(pos2(self.cells.left() - width / 2.0 - 8.0, self.cell(row, 0).center().y), size)
    }
}

/// A rectangle between two others, in size and position.
pub(super) fn between(a: Rect, b: Rect, t: f32) -> Rect {
    let size = a.size() + (b.size() - a.size()) * t;
    Rect::from_center_size(a.center() + (b.center() - a.center()) * t, size)
}
