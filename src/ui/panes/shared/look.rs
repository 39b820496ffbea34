//! What panes show, where a scenario's view may say so.

use crate::ui::panes::Panes;
use moebias_files::view::{CellsName, RowsName, SectionName};

/// Modes of the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Which tokens the heatmap shows.
    pub rows: RowsName,
    /// What a cell of it shows.
    pub cells: CellsName,
    /// Which part of the theory is open.
    pub section: SectionName,
}

impl Panes {
    /// What the panes show.
    #[must_use]
    pub fn look(&self) -> Look {
        let (rows, cells) = self.assignment.look();
        Look { rows, cells, section: self.theory.section() }
    }

    /// Shows this.
    pub fn set_look(&mut self, look: Look) {
        self.assignment.set_look(look.rows, look.cells);
        self.theory.set_section(look.section);
    }
}
