//! Regions that are light: told from things by their structure, passed over, and part of the background once they last.

use super::Blob;
use super::Regions;
use super::Run;
use super::Scene;
use super::number;
use crate::motion::background::Background;
use crate::motion::ticker::TICKS_PER_SECOND;

/// What light explains is part of the background after this, in ticks.
const LIT_TICKS: u16 = TICKS_PER_SECOND as u16;
/// What is too small to tell, beside light of so long ago in ticks, is light's fringe.
const FRINGE_TICKS: u8 = TICKS_PER_SECOND as u8;
/// Where light was, what has less evidence than this in each cell, on average, is what it left or has only begun to do.
const FRINGE_EVIDENCE: u32 = 10;

impl Regions {
    /// Whether the region is light; what is too small to tell is, where it lies beside light, and what is faint where light was.
    pub(super) fn is_light(&self, blob: &Blob, scene: &Scene<'_>, background: &Background) -> bool {
        if blob.size < self.rules.wide {
            return self.is_fringe(blob);
        }
        let lit_of = |run: &Run| number(self.lit[run.cells()].iter().map(|lit| *lit > 0));
        let was_lit = self.runs.iter().map(lit_of).sum::<usize>() * 2 > blob.size;
        let faint = blob.evidence < FRINGE_EVIDENCE * blob.size as u32;
        (was_lit && faint) || self.change(scene.now, background).is_light(was_lit)
    }

    /// Whether what differs in the whole picture is light: a cloud's edge, a lamp that falls off.
    pub(crate) fn all_is_light(&mut self, now: &[u16], background: &Background) -> bool {
        self.take_all();
        self.change(now, background).is_light(false)
    }

    /// Whether half of the region lies beside light.
    fn is_fringe(&self, blob: &Blob) -> bool {
        let reach = self.rules.reach;
        let beside = |cell: &usize| {
            let (column, row) = (cell % self.grid.columns, cell / self.grid.columns);
            let across = column.saturating_sub(reach)..(column + reach + 1).min(self.grid.columns);
            let mut rows = row.saturating_sub(reach)..(row + reach + 1).min(self.grid.rows);
            rows.any(|row| self.lit[row * self.grid.columns..][across.clone()].iter().any(|lit| *lit > 0))
        };
        let cells = self.runs.iter().flat_map(|run| run.cells());
        cells.filter(beside).count() * 2 > blob.size
    }

    /// The region shows light: it is not learned from until most of it has lasted, for headlights go as they came. Then all of
    /// it is, for a part that is left over has edges that the light has not.
    pub(super) fn pass_light(&mut self, blob: &Blob, scene: &Scene<'_>, background: &mut Background) {
        let (ticks, mut lasted) = (u16::from(scene.lapse.ticks), 0);
        for cells in self.runs.iter().map(|run| run.cells()) {
            self.taken[cells.clone()].fill(1);
            self.lit[cells.clone()].fill(FRINGE_TICKS);
            let still = &mut self.still[cells];
            still.iter_mut().for_each(|still| *still = still.saturating_add(ticks));
            lasted += number(still.iter().map(|still| *still >= LIT_TICKS));
        }
        if lasted * 2 > blob.size {
            self.absorb(scene, background);
        }
    }
}
