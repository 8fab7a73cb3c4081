//! Cells that differ to one connected region, run by run of a row, and what is counted of it on the way.

use std::ops::Range;

use super::GAP;
use super::Regions;
use super::Scene;
use super::specks::CELL;
use crate::motion::RECT_UNIT;
use crate::motion::Rect;
use crate::motion::ZoneSet;
use crate::motion::background::Background;
use crate::motion::background::SAME;
use crate::motion::background::STRONG;
use crate::motion::background::first_differing;
use crate::motion::cells::Grid;
use crate::motion::cells::LEVEL;

/// A region as it is found.
#[derive(Clone, Copy)]
pub(super) struct Blob {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
    pub(super) evidence: u32,
    /// How many cells it has.
    pub(super) size: usize,
    /// Cells that changed since the frame before, or that nothing was at a moment ago.
    pub(super) stirred: usize,
    /// Cells that were part of a region one step ago.
    pub(super) stayed: usize,
    /// Cells beyond chance.
    pub(super) strong: usize,
    /// Cells of regions that were certain before.
    pub(super) held: usize,
    /// Most ticks since one of its cells moved.
    pub(super) still: u16,
    /// Most evidence of what moved here last.
    pub(super) weight: u32,
    /// Most proof of motion around here.
    pub(super) proof: u8,
    pub(super) zones: ZoneSet,
}

/// Neighbouring cells of one row, all of one region; as many as there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    from: u32,
    to: u32,
}

impl Run {
    /// Most runs that a grid's cells make.
    pub(super) const fn count_max(grid: Grid) -> usize {
        grid.columns.div_ceil(2) * grid.rows
    }

    pub(super) fn of(cells: Range<usize>) -> Run {
        Run {
            from: cells.start as u32,
            to: cells.end as u32,
        }
    }

    pub(crate) fn cells(self) -> Range<usize> {
        self.from as usize..self.to as usize
    }
}

impl Blob {
    /// Cells across or down, whichever are more.
    pub(super) fn extent(&self) -> usize {
        (self.right - self.left).max(self.bottom - self.top) + 1
    }

    fn nothing(grid: Grid) -> Blob {
        Blob {
            left: grid.columns,
            top: grid.rows,
            right: 0,
            bottom: 0,
            evidence: 0,
            size: 0,
            stirred: 0,
            stayed: 0,
            strong: 0,
            held: 0,
            still: 0,
            weight: 0,
            proof: 0,
            zones: ZoneSet::EMPTY,
        }
    }

    /// The bounding box in parts of the picture that the grid covers.
    pub(super) fn rect(&self, grid: Grid) -> Rect {
        let part = |cells: usize, of: usize| (cells * usize::from(RECT_UNIT) / of) as u16;
        let (x, y) = (part(self.left, grid.columns), part(self.top, grid.rows));
        Rect {
            x,
            y,
            width: part(self.right + 1, grid.columns) - x,
            height: part(self.bottom + 1, grid.rows) - y,
        }
    }
}

impl Regions {
    /// Collects the cells connected to `from` into `runs`.
    pub(super) fn flood(&mut self, from: usize, scene: &Scene<'_>, background: &mut Background) -> Blob {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let mut blob = Blob::nothing(self.grid);
        self.runs.clear();
        self.claim(from, &mut blob, scene, background);
        let mut next = 0;
        while let Some(run) = self.runs.get(next).map(|run| run.cells()) {
            next += 1;
            let (row, column) = (run.start / columns, run.start % columns);
            let across = column.saturating_sub(GAP + 1)..(column + run.len() + GAP + 1).min(columns);
            for row in row.saturating_sub(GAP + 1)..(row + GAP + 2).min(rows) {
                let (mut at, end) = (row * columns + across.start, row * columns + across.end);
                while let Some(ahead) = first_differing(&self.marks[at.min(end)..end]) {
                    at = self.claim(at + ahead, &mut blob, scene, background);
                }
            }
        }
        blob
    }

    /// Takes the two by two cells from `(column, row)` on into `runs`, however they differ.
    pub(super) fn block(&mut self, (column, row): (usize, usize), scene: &Scene<'_>) -> Blob {
        self.runs.clear();
        let mut zones = ZoneSet::EMPTY;
        for from in [row, row + 1].map(|row| row * self.grid.columns + column) {
            self.runs.push(Run::of(from..from + 2));
            zones = scene.plan.zones[from..from + 2].iter().fold(zones, |all, zones| all.union(*zones));
        }
        Blob {
            left: column,
            top: row,
            right: column + 1,
            bottom: row + 1,
            size: 4,
            zones,
            ..Blob::nothing(self.grid)
        }
    }

    /// Adds the run of differing cells around `cell` to `blob` and `runs`; the first cell behind it.
    fn claim(&mut self, cell: usize, blob: &mut Blob, scene: &Scene<'_>, background: &mut Background) -> usize {
        let columns = self.grid.columns;
        let row = cell / columns * columns;
        let differing = self.marks[row..cell].iter().rev().take_while(|mark| **mark != SAME);
        let from = cell - differing.count();
        let differing = self.marks[cell..row + columns].iter().take_while(|mark| **mark != SAME);
        let to = cell + differing.count();
        // What is known ends the run.
        let known = background.known(scene.now, cell..to).position(|known| known);
        let to = known.map_or(to, |ahead| self.recall(cell + ahead, background));
        if to == cell {
            return cell + 1;
        }
        let known = background.known(scene.now, from..cell).rposition(|known| known);
        let from = known.map_or(from, |ahead| self.recall(from + ahead, background) + 1);
        self.count(from..to, blob, scene, background);
        self.marks[from..to].fill(SAME);
        self.runs.push(Run::of(from..to));
        blob.left = blob.left.min(from - row);
        blob.right = blob.right.max(to - 1 - row);
        blob.top = blob.top.min(row / columns);
        blob.bottom = blob.bottom.max(row / columns);
        to
    }

    /// A cell that shows what is known does not differ; the cell.
    pub(super) fn recall(&mut self, cell: usize, background: &mut Background) -> usize {
        background.recall(cell);
        self.marks[cell] = SAME;
        cell
    }

    /// Counts the cells of a run.
    fn count(&self, cells: Range<usize>, blob: &mut Blob, scene: &Scene<'_>, background: &mut Background) {
        // While the light is in doubt, what it explained for a while comes up again.
        let (sure, lately) = (!background.in_doubt(), if scene.lapse.step { 0b1_1110 } else { 0b1_1111 });
        let (marks, seen) = (&self.marks[cells.clone()], &self.seen[cells.clone()]);
        let born = || {
            let pairs = marks.iter().zip(seen);
            pairs.map(|(mark, seen)| sure & (*mark == STRONG) & (*seen & lately == 0))
        };
        let stirred = background.stirred(scene.now, scene.before, cells.clone());
        blob.stirred += number(stirred.zip(born()).map(|(stirred, born)| stirred | born));
        background.note_habits(cells.clone(), born());
        blob.size += cells.len();
        blob.evidence += background.evidence(scene.now, cells.clone());
        blob.stayed += number(seen.iter().map(|seen| *seen & 0b10 != 0));
        blob.strong += number(marks.iter().map(|mark| *mark == STRONG));
        blob.held += number(self.held[cells.clone()].iter().map(|held| *held != 0));
        blob.still = most(blob.still, &self.still[cells.clone()]);
        blob.weight = most(blob.weight, &self.weight[cells.clone()]);
        blob.proof = most(blob.proof, &self.proof[cells.clone()]);
        if scene.plan.zoned {
            let zones = scene.plan.zones[cells].iter();
            blob.zones = zones.fold(blob.zones, |all, zones| all.union(*zones));
        }
    }

    /// Whether nothing was told of the two by two cells from `block` on in this frame.
    pub(super) fn is_free(&self, block: (usize, usize)) -> bool {
        self.grid.block(block).into_iter().all(|cell| self.moving[cell] == 0)
    }

    /// The middle of `cells`, by how much each of them differs, in parts of a [`CELL`].
    pub(super) fn middle(&self, cells: &mut dyn Iterator<Item = usize>, now: &[u16], background: &[u16]) -> (i32, i32) {
        let (mut weight, mut across, mut down) = (0, 0, 0);
        for cell in cells {
            let (difference, Grid { columns, .. }) = (i64::from((now[cell] * LEVEL).abs_diff(background[cell])), self.grid);
            weight += difference;
            across += difference * (cell % columns) as i64;
            down += difference * (cell / columns) as i64;
        }
        let middle = |sum: i64| (sum * i64::from(CELL) / weight.max(1)) as i32;
        (middle(across), middle(down))
    }

    /// Takes all cells that differ, of whatever region.
    pub(super) fn take_all(&mut self) {
        self.runs.clear();
        for (row, marks) in self.marks.chunks_exact(self.grid.columns).enumerate() {
            let mut at = 0;
            while let Some(ahead) = first_differing(&marks[at..]) {
                let from = at + ahead;
                let to = marks[from..]
                    .iter()
                    .position(|mark| *mark == SAME)
                    .map_or(marks.len(), |more| from + more);
                self.runs.push(Run::of(row * marks.len() + from..row * marks.len() + to));
                at = to;
            }
        }
    }
}

/// How many of a run are true; in 16 bits, so that it vectorises.
pub(super) fn number(run: impl Iterator<Item = bool>) -> usize {
    usize::from(run.map(u16::from).sum::<u16>())
}

/// The largest of `values` and `than`.
fn most<T: Copy + Ord>(than: T, values: &[T]) -> T {
    values.iter().fold(than, |most, value| most.max(*value))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_that_differs_is_found_wherever_it_is(marks in vec(prop_oneof![9 => Just(SAME), 1 => SAME..=STRONG], 0..40)) {
            prop_assert_eq!(first_differing(&marks), marks.iter().position(|mark| *mark != SAME));
        }
    }
}
