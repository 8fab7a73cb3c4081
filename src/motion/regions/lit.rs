//! Regions that are light: told from things by their structure, passed over, and part of the background once they last.

use super::Regions;
use super::Scene;
use crate::motion::background::Background;
use crate::motion::background::SAME;
use crate::motion::ticker::TICKS_PER_SECOND;

/// What light explains is part of the background after this, in ticks.
const LIT_TICKS: u16 = TICKS_PER_SECOND as u16;
/// What is too small to tell, beside light of so long ago in ticks, is light's fringe.
const FRINGE_TICKS: u8 = TICKS_PER_SECOND as u8;

impl Regions {
    /// Whether the region is light; what is too small to tell is, where it lies beside light.
    pub(super) fn is_light(&self, scene: &Scene<'_>, background: &Background) -> bool {
        if self.cells.len() < self.rules.wide {
            return self.is_fringe();
        }
        let lit = self.cells.iter().filter(|&&cell| self.lit[cell as usize] > 0).count();
        self.change(scene.now, background).is_light(lit * 2 > self.cells.len())
    }

    /// Whether what differs in the whole picture is light: a cloud's edge, a lamp that falls off.
    pub(crate) fn all_is_light(&mut self, now: &[u16], background: &Background) -> bool {
        let differing = self.marks.iter().enumerate().filter(|(_, mark)| **mark != SAME);
        self.cells.clear();
        self.cells.extend(differing.map(|(cell, _)| cell as u32));
        self.change(now, background).is_light(false)
    }

    /// Whether half of the region lies beside light.
    fn is_fringe(&self) -> bool {
        let reach = self.rules.reach;
        let beside = |&&cell: &&u32| {
            let (column, row) = (cell as usize % self.grid.columns, cell as usize / self.grid.columns);
            let across = column.saturating_sub(reach)..(column + reach + 1).min(self.grid.columns);
            let mut rows = row.saturating_sub(reach)..(row + reach + 1).min(self.grid.rows);
            rows.any(|row| self.lit[row * self.grid.columns..][across.clone()].iter().any(|lit| *lit > 0))
        };
        self.cells.iter().filter(beside).count() * 2 > self.cells.len()
    }

    /// The region shows light: it is not learned from until most of it has lasted, for headlights go as they came. Then all of
    /// it is, for a part that is left over has edges that the light has not.
    pub(super) fn pass_light(&mut self, scene: &Scene<'_>, background: &mut Background) {
        let mut lasted = 0;
        for cell in self.cells.iter().map(|&cell| cell as usize) {
            (self.taken[cell], self.lit[cell]) = (1, FRINGE_TICKS);
            self.still[cell] = self.still[cell].saturating_add(u16::from(scene.lapse.ticks));
            lasted += usize::from(self.still[cell] >= LIT_TICKS);
        }
        if lasted * 2 > self.cells.len() {
            self.absorb(scene, background);
        }
    }
}
