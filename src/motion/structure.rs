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
const STRIP: usize = 16;

impl Change<'_> {
    /// Whether the change is one of light: no edges in it but those that the background has, scaled by the local gain.
    /// Only for regions wide enough that soft edges show as such. `was_lit`: light was here a moment ago.
    pub(crate) fn is_light(&self, was_lit: bool) -> bool {
        let runs = || self.runs.iter().map(|run| run.cells());
        let height = i64::from(runs().map(|cells| self.height(cells)).max().unwrap_or(0));
        // Light: the mean step, weighted by the steps themselves, is at most this, in 256ths. Beyond it by `excess` so far.
        let sharp = height * if was_lit { LIT_SHARPNESS_MAX } else { LIGHT_SHARPNESS_MAX };
        let mut excess = 0;
        // A step of `sharp / 512` takes most away: where all pairs that are left could not make up for it, it is a thing, as its outline
        // mostly says at once.
        let is_thing = |excess: i64, left: usize| excess > left as i64 * (sharp * sharp / 1024 + 1);
        let excess_of = |cell: usize, beside: usize| {
            let step = i64::from(self.step(cell, beside));
            step * (256 * step - sharp)
        };
        let mut left = 4 * runs().map(|cells| cells.len()).sum::<usize>();
        for cells in runs() {
            let (before, behind) = self.ends(&cells);
            excess += before.map_or(0, |before| excess_of(cells.start, before));
            excess += behind.map_or(0, |behind| excess_of(cells.end - 1, behind));
            left -= 2;
            if is_thing(excess, left) {
                return false;
            }
        }
        for run in runs() {
            for from in run.clone().step_by(STRIP) {
                let strip = from..run.end.min(from + STRIP);
                self.uneven_pairs(&run, strip.clone(), |cell, beside| excess += excess_of(cell, beside));
                left -= 4 * strip.len() - usize::from(strip.start == run.start) - usize::from(strip.end == run.end);
                if is_thing(excess, left) {
                    return false;
                }
            }
        }
        excess <= 0
    }

    /// The cells before and behind a run; none at the edge of the grid.
    fn ends(&self, run: &Range<usize>) -> (Option<usize>, Option<usize>) {
        let is_edge = |cell: usize| cell.is_multiple_of(self.grid.columns);
        ((!is_edge(run.start)).then(|| run.start - 1), (!is_edge(run.end)).then_some(run.end))
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

    /// Gives each pair of a cell of `strip`, which is part of a `run`, and one beside it whose [`step`](Change::step) may be more than chance.
    /// Not those over the ends of the run.
    fn uneven_pairs(&self, run: &Range<usize>, strip: Range<usize>, mut give: impl FnMut(usize, usize)) {
        let (columns, len) = (self.grid.columns, self.now.len());
        let ways = [-1, 1, -(columns as isize), columns as isize];
        let mut sides = if strip.start > columns && strip.start + STRIP + columns <= len {
            self.uneven_sides(strip.start, ways)
        } else {
            let inside = u16::from(strip.start >= columns) << 2 | u16::from(strip.end + columns <= len) << 3;
            [inside | 0b11; STRIP]
        };
        sides[0] &= !u16::from(strip.start == run.start);
        sides[strip.len() - 1] &= !(u16::from(strip.end == run.end) << 1);
        for (cell, sides) in strip.zip(sides).filter(|(_, sides)| *sides != 0) {
            for (_, way) in ways.iter().enumerate().filter(|(side, _)| sides & 1 << side != 0) {
                give(cell, cell.wrapping_add_signed(*way));
            }
        }
    }

    /// Of each cell of a strip from `from` on, one bit for each of `ways` to a cell beside it: 0 where both are for sure flat, now and before,
    /// as most are. Slices of one length and 16 bits throughout, so that it vectorises.
    #[inline(never)] // else it is unrolled before it vectorises
    fn uneven_sides(&self, from: usize, ways: [isize; 4]) -> [u16; STRIP] {
        let (now_a, was_a, threshold) = (window(self.now, from), window(self.background, from), window(self.threshold, from));
        let mut sides = [0; STRIP];
        for (side, way) in ways.into_iter().enumerate() {
            let beside = from.wrapping_add_signed(way);
            let (now_b, was_b) = (window(self.now, beside), window(self.background, beside));
            for cell in 0..STRIP {
                let (now_a, now_b, was_a, was_b) = (now_a[cell], now_b[cell], was_a[cell] / LEVEL, was_b[cell] / LEVEL);
                let steps = now_a.abs_diff(now_b) + 2 * was_a.abs_diff(was_b);
                let within = steps <= threshold[cell] / LEVEL / 2;
                let flat = within & (now_a + now_b <= 2 * (was_a + was_b)) & (now_a.max(now_b) < WHITE as u16);
                sides[cell] |= if flat { 0 } else { 1 << side };
            }
        }
        sides
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

    /// Step from `a` to `b` beyond chance that is not the background's, scaled by the local gain. Where light has come and stayed, the
    /// neighbour's background may be of that light and this one's of the time before: the background that fits best counts.
    /// What is white may be brighter than a picture can show, so that light may have taken its structure.
    fn step(&self, a: usize, b: usize) -> u32 {
        let (now_a, now_b) = (self.now(a), self.now(b));
        let beyond = |was_a: i32, was_b: i32| match (now_a >= WHITE, now_b >= WHITE) {
            (true, true) => 0,
            (true, false) => (was_a * now_b / was_b.max(1) - now_a).min(0).unsigned_abs(),
            (false, true) => (was_b * now_a / was_a.max(1) - now_b).min(0).unsigned_abs(),
            (false, false) => (now_a - now_b - (was_a - was_b) * (now_a + now_b) / (was_a + was_b).max(1)).unsigned_abs(),
        };
        let older = |cell: usize| i32::from(self.other[cell] / LEVEL);
        let (was_a, was_b, older_a, older_b) = (self.was(a), self.was(b), older(a), older(b));
        let chance = self.chance(a);
        let mut least = beyond(was_a, was_b);
        if least > chance && older_b != was_b {
            least = least.min(beyond(was_a, older_b));
        }
        if least > chance && older_a != was_a {
            least = least.min(beyond(older_a, was_b)).min(beyond(older_a, older_b));
        }
        least.saturating_sub(chance)
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

/// The cells of a strip that begins with cell `from`.
#[inline]
fn window(of: &[u16], from: usize) -> &[u16; STRIP] {
    of[from..].first_chunk().expect("a strip and a row before the end")
}
