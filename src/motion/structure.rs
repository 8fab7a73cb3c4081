//! What kind of change a region of cells shows: light keeps the structure of what it falls on, a thing replaces it.

use super::cells::Grid;
use super::cells::LEVEL;

/// A change of light has no edges of its own: its steps from cell to cell, once the background's are taken away, are
/// at most this part (in 256ths) of its height.
const LIGHT_SHARPNESS_MAX: u64 = 32;

/// The two pictures that are compared, and the region.
pub(crate) struct Change<'a> {
    pub(crate) grid: Grid,
    /// The picture, in sixteenths of a level.
    pub(crate) now: &'a [u16],
    /// The background, in 256ths of a level.
    pub(crate) background: &'a [u16],
    /// Change from which on a cell differs beyond chance, in 256ths of a level.
    pub(crate) threshold: &'a [u16],
    /// The region's cells.
    pub(crate) cells: &'a [u32],
}

impl Change<'_> {
    /// Whether the change is one of light: no edges in it but those that the background has, scaled by the local gain.
    /// Only for regions wide enough that soft edges show as such.
    pub(crate) fn is_light(&self) -> bool {
        let (mut sum, mut squares) = (0u64, 0u64);
        self.each_pair(|a, b| {
            let (now, was) = (self.now(a) - self.now(b), self.was(a) - self.was(b));
            let (bright_now, bright_was) = (self.now(a) + self.now(b), (self.was(a) + self.was(b)).max(1));
            // Noise makes steps, too: half a threshold is more than it does.
            let chance = u32::from(self.threshold[a] / LEVEL / 2);
            let step = (now - was * bright_now / bright_was).unsigned_abs().saturating_sub(chance);
            (sum, squares) = (sum + u64::from(step), squares + u64::from(step) * u64::from(step));
        });
        let heights = self
            .cells
            .iter()
            .map(|&cell| self.now(cell as usize).abs_diff(self.was(cell as usize)));
        let height = u64::from(heights.max().unwrap_or(0));
        squares * 256 <= LIGHT_SHARPNESS_MAX * height * sum
    }

    /// Whether the background has more structure here than the picture: what was there went away, and the background
    /// still shows it.
    pub(crate) fn is_ghost(&self) -> bool {
        let (mut now, mut was) = (0u64, 0u64);
        self.each_pair(|a, b| {
            now += u64::from(self.now(a).abs_diff(self.now(b)));
            was += u64::from(self.was(a).abs_diff(self.was(b)));
        });
        now * 5 < was * 4
    }

    fn now(&self, cell: usize) -> i32 {
        i32::from(self.now[cell])
    }

    fn was(&self, cell: usize) -> i32 {
        i32::from(self.background[cell] / LEVEL)
    }

    /// Calls `pair` with each cell of the region and its neighbours: pairs inside count twice, those over the outline once.
    fn each_pair(&self, mut pair: impl FnMut(usize, usize)) {
        let (columns, len) = (self.grid.columns, self.now.len());
        for cell in self.cells.iter().map(|&cell| cell as usize) {
            let column = cell % columns;
            let beside = [(column > 0, cell.wrapping_sub(1)), (column + 1 < columns, cell + 1)];
            let upright = [
                (cell >= columns, cell.wrapping_sub(columns)),
                (cell + columns < len, cell + columns),
            ];
            for (_, neighbour) in beside.into_iter().chain(upright).filter(|(inside, _)| *inside) {
                pair(cell, neighbour);
            }
        }
    }
}
