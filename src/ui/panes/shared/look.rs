//! The modes of panes that a scenario's view can set.

use crate::ui::panes::Panes;
use moebias_files::view::{Cells, Rows, Section};

/// The modes of the Assignment pane and the Theory pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What the rows of the heatmap are; `None` if nobody chose it.
    pub rows: Option<Rows>,
    /// What a cell of it shows.
    pub cells: Cells,
    /// Which part of the theory is open.
    pub section: Section,
}

impl Panes {
    /// The modes that are set now.
    #[must_use]
    pub fn look(&self) -> Look {
        let (rows, cells) = self.assignment.look();
        Look { rows, cells, section: self.theory.section() }
    }

    /// Sets the modes.
    pub fn set_look(&mut self, look: Look) {
        self.assignment.set_look(look.rows, look.cells);
        self.theory.set_section(look.section);
    }
}
