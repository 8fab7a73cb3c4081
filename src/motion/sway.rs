//! Sway: a displacement of the whole picture by less than a cell, as a camera in the wind or on a shaking wall gives it.

use std::ops::Range;

use super::cells::Grid;
use super::cells::LEVEL;

/// A displacement smaller than this is left to the thresholds: half a pixel of a cell of eight.
const NEGLIGIBLE: i32 = UNIT / 16;
/// Units of a displacement by a cell.
const UNIT: i32 = 256;
/// Cells of a row that are looked at together.
const STRIP: usize = 40;
/// Strips that a displacement is measured by, about: of a larger grid fewer rows tell.
const STRIPS: usize = 56;

/// A displacement, in 256ths of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sway {
    across: i32,
    down: i32,
}

impl Sway {
    /// What cell `cell` of `values` becomes, and how much of that is in doubt: a cell's neighbours tell only roughly
    /// what slides into it.
    #[inline]
    pub(crate) fn on(self, values: &[u16], grid: Grid, cell: usize) -> (u16, u16) {
        if self == Sway::default() {
            return (values[cell], 0);
        }
        let (across, down) = slopes(values, grid, cell, self);
        let (by_across, by_down) = (across * self.across / UNIT, down * self.down / UNIT);
        let value = (i32::from(values[cell]) + by_across + by_down).clamp(0, i32::from(u16::MAX));
        let steepest = across.unsigned_abs().max(down.unsigned_abs());
        let doubt = 2 * steepest * (self.across.unsigned_abs() + self.down.unsigned_abs()) / UNIT as u32;
        (value as u16, doubt.min(u32::from(u16::MAX)) as u16)
    }

    /// The displacement that turns `background` into `now`, by least squares over the cells that are kept and not `taken`
    /// (Lucas and Kanade, 1981), once roughly and once knowing the direction; none when it is negligible or explains
    /// less than a third of what changed.
    pub(crate) fn measure(now: &[u16], background: &[u16], grid: Grid, taken: &[u8], keep: &[u16]) -> Sway {
        let pictures = Pictures {
            grid,
            now,
            background,
            taken,
            keep,
        };
        let Some((rough, _)) = pictures.fit(Sway::default()) else {
            return Sway::default();
        };
        let matters = |sway: Sway| sway.across.abs().max(sway.down.abs()) >= NEGLIGIBLE;
        match pictures.fit(rough) {
            Some((sway, true)) if matters(sway) => sway,
            _ => Sway::default(),
        }
    }
}

/// What a displacement is measured by.
struct Pictures<'a> {
    grid: Grid,
    now: &'a [u16],
    background: &'a [u16],
    taken: &'a [u8],
    keep: &'a [u16],
}

/// Sums of products over cells: of slopes across and down, and of the change.
#[derive(Default)]
struct Sums {
    xx: i64,
    xy: i64,
    yy: i64,
    xd: i64,
    yd: i64,
    dd: i64,
}

impl Pictures<'_> {
    /// A displacement in the direction of `toward`, and whether it explains at least a third of what changed.
    fn fit(&self, toward: Sway) -> Option<(Sway, bool)> {
        let Sums { xx, xy, yy, xd, yd, dd } = self.sums(toward);
        let det = i128::from(xx) * i128::from(yy) - i128::from(xy) * i128::from(xy);
        if det <= 0 {
            return None;
        }
        let solve = |a: i64, p: i64, b: i64, q: i64| {
            let top = i128::from(a) * i128::from(p) - i128::from(b) * i128::from(q);
            (top * i128::from(UNIT) / det).clamp(-i128::from(UNIT), i128::from(UNIT)) as i32
        };
        let (across, down) = (solve(yy, xd, xy, yd), solve(xx, yd, xy, xd));
        let explained = (i64::from(across) * xd + i64::from(down) * yd) / i64::from(UNIT);
        Some((Sway { across, down }, explained * 3 >= dd))
    }

    /// Over strips that are spread over the picture: of rows from top to bottom one each, from left to right in turn.
    fn sums(&self, toward: Sway) -> Sums {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let (across, down) = (columns.saturating_sub(2).div_ceil(STRIP), rows.saturating_sub(2));
        let mut sums = Sums::default();
        let mut add = |row: usize, strip: usize| {
            let column = 1 + strip * STRIP;
            let from = row * columns + column;
            self.add_strip(&mut sums, from..from + STRIP.min(columns - 1 - column), toward);
        };
        for (n, row) in (1..down + 1).step_by((down / STRIPS).max(1)).enumerate() {
            if across > 0 {
                add(row, n % across);
            }
        }
        sums
    }

    /// Adds the cells of part of a row that does not touch the edge. 16 bits for the factors and 32 for their sums, so that it vectorises.
    fn add_strip(&self, sums: &mut Sums, cells: Range<usize>, toward: Sway) {
        let columns = self.grid.columns;
        let (mut x, mut y, mut d) = ([0i16; STRIP], [0i16; STRIP], [0i16; STRIP]);
        self.fill_slopes(&mut x, cells.clone(), 1, toward.across.signum());
        self.fill_slopes(&mut y, cells.clone(), columns, toward.down.signum());
        let shown = self.now[cells.clone()].iter().zip(&self.background[cells.clone()]);
        let free = self.taken[cells.clone()].iter().zip(&self.keep[cells]);
        for ((((x, y), d), (now, was)), (taken, keep)) in x.iter_mut().zip(&mut y).zip(&mut d).zip(shown).zip(free) {
            *d = *now as i16 - (was / LEVEL) as i16;
            // More than the next cell over: not sway, but a thing.
            let counts = (d.abs() <= 2 * (x.abs() + y.abs())) & (*taken == 0) & (*keep != 0);
            let mask = if counts { -1 } else { 0 };
            (*x, *y, *d) = (*x & mask, *y & mask, *d & mask);
        }
        sums.xx += dot(&x, &x);
        sums.xy += dot(&x, &y);
        sums.yy += dot(&y, &y);
        sums.xd += dot(&x, &d);
        sums.yd += dot(&y, &d);
        sums.dd += dot(&d, &d);
    }

    /// Slopes of the background at `cells` between those `stride` before and behind, as [`slopes`] has them, in sixteenths of a level.
    fn fill_slopes(&self, slopes: &mut [i16; STRIP], cells: Range<usize>, stride: usize, sign: i32) {
        let before = if sign == 1 {
            cells.clone()
        } else {
            cells.start - stride..cells.end - stride
        };
        let behind = if sign == -1 {
            cells
        } else {
            cells.start + stride..cells.end + stride
        };
        let halved = u32::from(sign == 0);
        let pairs = self.background[before].iter().zip(&self.background[behind]);
        for (slope, (before, behind)) in slopes.iter_mut().zip(pairs) {
            *slope = ((behind / LEVEL) as i16 - (before / LEVEL) as i16) >> halved;
        }
    }
}

/// Products of strips, added up: [`STRIP`] of them, of 12 bits and a sign each, are less than 2^31.
#[inline(never)] // else it is unrolled before it vectorises
fn dot(one: &[i16; STRIP], other: &[i16; STRIP]) -> i64 {
    let products = one.iter().zip(other).map(|(one, other)| i32::from(*one) * i32::from(*other));
    i64::from(products.sum::<i32>())
}

/// Steps across and down from cell `cell` of `values`: to the neighbours that `toward` slides in from (up-wind
/// differences, exact for an edge between two cells), or half of those between both neighbours where it is 0; 0 at the edge of the grid.
#[inline]
fn slopes(values: &[u16], grid: Grid, cell: usize, toward: Sway) -> (i32, i32) {
    let (columns, column) = (grid.columns, (cell as u32 % grid.columns as u32) as usize);
    let value = |cell: usize| i32::from(values[cell]);
    let step = |before: usize, after: usize, sign: i32| match sign {
        1 => value(after) - value(cell),
        -1 => value(cell) - value(before),
        _ => (value(after) - value(before)) / 2,
    };
    let inside = column > 0 && column + 1 < columns;
    let across = if inside {
        step(cell - 1, cell + 1, toward.across.signum())
    } else {
        0
    };
    let inside = cell >= columns && cell + columns < values.len();
    let down = if inside {
        step(cell - columns, cell + columns, toward.down.signum())
    } else {
        0
    };
    (across, down)
}
