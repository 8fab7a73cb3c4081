//! Cells that differ to one connected region, and what is counted of it on the way.

use super::GAP;
use super::Regions;
use super::Scene;
use crate::motion::RECT_UNIT;
use crate::motion::Rect;
use crate::motion::ZoneSet;
use crate::motion::background::Background;
use crate::motion::background::SAME;
use crate::motion::background::STRONG;
use crate::motion::cells::Grid;

/// A region as it is found.
#[derive(Clone, Copy)]
pub(super) struct Blob {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
    pub(super) evidence: u32,
    /// Cells that changed since the frame before, or that nothing was at a moment ago.
    pub(super) stirred: usize,
    /// Cells that were part of a region one step ago.
    pub(super) stayed: usize,
    /// Cells beyond chance.
    pub(super) strong: usize,
    pub(super) zones: ZoneSet,
}

impl Blob {
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
    /// Collects the cells connected to `from` into `cells`.
    pub(super) fn flood(&mut self, from: usize, scene: &Scene<'_>, background: &mut Background) -> Blob {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let mut blob = Blob {
            left: columns,
            top: rows,
            right: 0,
            bottom: 0,
            evidence: 0,
            stirred: 0,
            stayed: 0,
            strong: 0,
            zones: ZoneSet::EMPTY,
        };
        self.cells.clear();
        self.reach((from % columns, from / columns), &mut blob, scene, background);
        let mut next = 0;
        while let Some(&cell) = self.cells.get(next) {
            next += 1;
            let (column, row) = (cell as usize % columns, cell as usize / columns);
            let across = column.saturating_sub(GAP + 1)..(column + GAP + 2).min(columns);
            for row in row.saturating_sub(GAP + 1)..(row + GAP + 2).min(rows) {
                let mut differing = self.differing(row * columns + across.start, across.len());
                while differing != 0 {
                    let byte = differing.trailing_zeros() / 8;
                    differing &= !(0xff << (8 * byte));
                    self.reach((across.start + byte as usize, row), &mut blob, scene, background);
                }
            }
        }
        blob
    }

    /// Marks of `count` cells from `from` on, one to a byte, the first the lowest: a neighbourhood's row is one word.
    fn differing(&self, from: usize, count: usize) -> u64 {
        const _: () = assert!(2 * GAP + 3 < 8 && SAME == 0);
        let marks = &self.marks[from..];
        let word = match marks.first_chunk::<8>() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => marks.iter().rev().fold(0, |word, mark| word << 8 | u64::from(*mark)),
        };
        word & !(u64::MAX << (8 * count))
    }

    /// Adds a differing cell to `blob` and `cells`.
    fn reach(&mut self, (column, row): (usize, usize), blob: &mut Blob, scene: &Scene<'_>, background: &mut Background) {
        let cell = row * self.grid.columns + column;
        let strong = self.marks[cell] == STRONG;
        self.marks[cell] = SAME;
        if background.recall(scene.now, cell) {
            return;
        }
        // While the light is in doubt, what it explained for a while comes up again.
        let lately = if scene.lapse.step { 0b1_1110 } else { 0b1_1111 };
        let born = strong && self.seen[cell] & lately == 0 && !background.in_doubt();
        if born {
            background.note_habit(cell);
        }
        blob.left = blob.left.min(column);
        blob.right = blob.right.max(column);
        blob.top = blob.top.min(row);
        blob.bottom = blob.bottom.max(row);
        blob.evidence += background.evidence(scene.now, cell);
        blob.stirred += usize::from(born || background.stirred(scene.now, scene.before, cell));
        blob.stayed += usize::from(self.seen[cell] & 0b10 != 0);
        blob.strong += usize::from(strong);
        blob.zones = blob.zones.union(scene.plan.zones[cell]);
        self.cells.push(cell as u32);
    }
}
