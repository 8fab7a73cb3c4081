//! What kind of change a region of cells shows: light keeps the structure of what it falls on, a thing replaces it.

use std::ops::Range;

use super::cells::Grid;
use super::cells::LEVEL;
use super::regions::Run;

/// A change of light has no edges of its own: its steps from cell to cell, once the background's are taken away, are
/// at most this part (in 256ths) of its height.
const LIGHT_SHARPNESS_MAX: i64 = 40;

/// The same, where light was a moment ago: what it leaves or has only begun to reach is seen less clearly.
const LIT_SHARPNESS_MAX: i64 = 52;
/// From this on a cell has pixels that are as bright as can be, in sixteenths of a level.
const WHITE: i32 = 240 * LEVEL as i32;

/// A ghost has this many quarters as much edge in the background as in the picture: somebody in plain clothes before a
/// busy wall comes to six at times.
const GHOST_QUARTERS: u64 = 9;

/// The two pictures that are compared, and the region.
pub(crate) struct Change<'a> {
    pub(crate) grid: Grid,
    /// The picture, in sixteenths of a level.
    pub(crate) now: &'a [u16],
    /// The background, in 256ths of a level.
    pub(crate) background: &'a [u16],
    /// What the background was before something that stays, likewise; the same where there is nothing of that.
    pub(crate) other: &'a [u16],
    /// Change from which on a cell differs beyond chance, in 256ths of a level.
    pub(crate) threshold: &'a [u16],
    /// The region's cells.
    pub(crate) runs: &'a [Run],
}

/// Cells that are looked at together.
const STRIP: usize = 32;

impl Change<'_> {
    /// Whether the change is one of light: no edges in it but those that the background has, scaled by the local gain.
    /// Only for regions wide enough that soft edges show as such. `was_lit`: light was here a moment ago.
    pub(crate) fn is_light(&self, was_lit: bool) -> bool {
        let runs = || self.runs.iter().map(|run| run.cells());
        let height = i64::from(runs().map(|cells| self.height(cells)).max().unwrap_or(0));
        // Light: the mean step, weighted by the steps themselves, is at most this, in 256ths. Beyond it by `excess` so far.
        let sharp = height * if was_lit { LIT_SHARPNESS_MAX } else { LIGHT_SHARPNESS_MAX };
        let (mut excess, mut left) = (0i64, runs().map(|cells| cells.len()).sum::<usize>());
        for strip in runs().flat_map(|cells| cells.clone().step_by(STRIP).map(move |from| from..cells.end.min(from + STRIP))) {
            left -= strip.len();
            self.uneven_pairs(strip, |cell, beside| {
                let step = i64::from(self.edge(cell, beside).saturating_sub(self.chance(cell)));
                excess = excess.saturating_add(step * (256 * step - sharp));
            });
            // A step of `sharp / 512` takes most away: where all that are left could not make up for it, it is a thing, as its outline
            // mostly says at once.
            if excess > 4 * left as i64 * (sharp * sharp / 1024 + 1) {
                return false;
            }
        }
        excess <= 0
    }

    /// Largest change of the cells.
    fn height(&self, cells: Range<usize>) -> u16 {
        let pairs = self.now[cells.clone()].iter().zip(&self.background[cells]);
        pairs.map(|(now, was)| now.abs_diff(was / LEVEL)).max().unwrap_or(0)
    }

    /// Noise makes steps, too: half a threshold is more than it does.
    fn chance(&self, cell: usize) -> u32 {
        u32::from(self.threshold[cell] / LEVEL / 2)
    }

    /// Gives each pair of a cell of `strip`, which is part of a row, and one beside it whose [`edge`](Change::edge) may be more than chance:
    /// most are flat both now and before, which many are seen to be at once.
    fn uneven_pairs(&self, strip: Range<usize>, mut give: impl FnMut(usize, usize)) {
        let (columns, len) = (self.grid.columns, self.now.len());
        let (first, last) = (strip.start.is_multiple_of(columns), strip.end.is_multiple_of(columns));
        let mut uneven = [0u8; STRIP];
        let sides = [
            (strip.start + usize::from(first)..strip.end, -1),
            (strip.start..strip.end - usize::from(last), 1),
            (if strip.start >= columns { strip.clone() } else { 0..0 }, -(columns as isize)),
            (if strip.end + columns <= len { strip.clone() } else { 0..0 }, columns as isize),
        ];
        for (side, (cells, way)) in sides.iter().enumerate().filter(|(_, (cells, _))| !cells.is_empty()) {
            let beside = cells.start.wrapping_add_signed(*way)..cells.end.wrapping_add_signed(*way);
            self.mark_uneven(cells.clone(), beside, 1 << side, &mut uneven[cells.start - strip.start..]);
        }
        for (cell, marks) in strip.zip(uneven).filter(|(_, marks)| *marks != 0) {
            let ways = sides.iter().enumerate().filter(|(side, _)| marks & 1 << side != 0);
            ways.for_each(|(_, (_, way))| give(cell, cell.wrapping_add_signed(*way)));
        }
    }

    /// Adds `mark` to `marks` of the cells whose edge to the one `beside` each is not for sure within chance. Slices of equal length and 16
    /// bits throughout, so that it vectorises.
    fn mark_uneven(&self, cells: Range<usize>, beside: Range<usize>, mark: u8, marks: &mut [u8]) {
        let now = self.now[cells.clone()].iter().zip(&self.now[beside.clone()]);
        let was = self.background[cells.clone()].iter().zip(&self.background[beside]);
        for ((((now_a, now_b), (was_a, was_b)), threshold), marks) in now.zip(was).zip(&self.threshold[cells]).zip(marks) {
            let (was_a, was_b) = (was_a / LEVEL, was_b / LEVEL);
            let steps = now_a.abs_diff(*now_b) + 2 * was_a.abs_diff(was_b);
            let flat = (steps <= threshold / LEVEL / 2) & (now_a + now_b <= 2 * (was_a + was_b)) & (*now_a.max(now_b) < WHITE as u16);
            *marks |= if flat { 0 } else { mark };
        }
    }

    /// Whether what was here went away and the background still shows it: where the change falls to less than half from one
    /// cell to the next, the edge is the background's and not the picture's.
    pub(crate) fn is_ghost(&self) -> bool {
        let (mut thing, mut ghost) = (0u64, 0u64);
        let pairs = self.runs.iter().flat_map(|run| run.cells());
        for (a, b) in pairs.flat_map(|cell| self.beside(cell).into_iter().map(move |beside| (cell, beside))) {
            let (here, beside) = (self.now(a) - self.was(a), self.now(b) - self.was(b));
            if 2 * beside.abs() < here.abs() {
                let (now, was) = (self.now(a).abs_diff(self.now(b)), self.was(a).abs_diff(self.was(b)));
                let side = if was > now { &mut ghost } else { &mut thing };
                *side += u64::from(here.abs_diff(beside));
            }
        }
        ghost * 4 > thing * GHOST_QUARTERS
    }

    /// Step from `a` to `b` that is not the background's, scaled by the local gain. Where light has come and stayed, the
    /// neighbour's background may be of that light and this one's of the time before: the background that fits best counts.
    /// What is white may be brighter than a picture can show, so that light may have taken its structure.
    fn edge(&self, a: usize, b: usize) -> u32 {
        let (now_a, now_b) = (self.now(a), self.now(b));
        let beyond = |was_a: i32, was_b: i32| match (now_a >= WHITE, now_b >= WHITE) {
            (true, true) => 0,
            (true, false) => (was_a * now_b / was_b.max(1) - now_a).min(0).unsigned_abs(),
            (false, true) => (was_b * now_a / was_a.max(1) - now_b).min(0).unsigned_abs(),
            (false, false) => (now_a - now_b - (was_a - was_b) * (now_a + now_b) / (was_a + was_b).max(1)).unsigned_abs(),
        };
        let older = |cell: usize| i32::from(self.other[cell] / LEVEL);
        let (was_a, was_b) = (self.was(a), self.was(b));
        let mut least = beyond(was_a, was_b);
        if self.other[b] != self.background[b] {
            least = least.min(beyond(was_a, older(b)));
        }
        if self.other[a] != self.background[a] {
            least = least.min(beyond(older(a), was_b)).min(beyond(older(a), older(b)));
        }
        least
    }

    fn now(&self, cell: usize) -> i32 {
        i32::from(self.now[cell])
    }

    fn was(&self, cell: usize) -> i32 {
        i32::from(self.background[cell] / LEVEL)
    }

    /// The neighbours of a cell, itself where there is none: of pairs inside the region each is the other's, of those over the outline
    /// only one.
    fn beside(&self, cell: usize) -> [usize; 4] {
        let (columns, len) = (self.grid.columns, self.now.len());
        let column = cell as u32 % columns as u32;
        [
            if column > 0 { cell - 1 } else { cell },
            if column as usize + 1 < columns { cell + 1 } else { cell },
            if cell >= columns { cell - columns } else { cell },
            if cell + columns < len { cell + columns } else { cell },
        ]
    }
}
