//! Sway: a displacement of the whole picture by less than a cell, as a camera in the wind or on a shaking wall gives it.

use super::cells::Grid;
use super::cells::LEVEL;
use crate::limits::LIGHT_SAMPLES_MAX;

/// A displacement smaller than this is left to the thresholds: half a pixel of a cell of eight.
const NEGLIGIBLE: i32 = UNIT / 16;
/// Units of a displacement by a cell.
const UNIT: i32 = 256;

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

    /// The displacement that turns `background` into `now`, by least squares over the cells for which `counts`
    /// (Lucas and Kanade, 1981), once roughly and once knowing the direction; none when it is negligible or explains
    /// less than a third of what changed.
    pub(crate) fn measure(now: &[u16], background: &[u16], grid: Grid, counts: impl Fn(usize) -> bool) -> Sway {
        let fit = |toward| Sway::fit(now, background, grid, toward, &counts);
        let Some((rough, _)) = fit(Sway::default()) else {
            return Sway::default();
        };
        let matters = |sway: Sway| sway.across.abs().max(sway.down.abs()) >= NEGLIGIBLE;
        match fit(rough) {
            Some((sway, true)) if matters(sway) => sway,
            _ => Sway::default(),
        }
    }

    /// A displacement in the direction of `toward`, and whether it explains at least a third of what changed.
    fn fit(now: &[u16], background: &[u16], grid: Grid, toward: Sway, counts: impl Fn(usize) -> bool) -> Option<(Sway, bool)> {
        let step = (grid.len() / LIGHT_SAMPLES_MAX / 2) | 1;
        let (mut xx, mut xy, mut yy, mut xd, mut yd, mut dd) = (0i64, 0i64, 0i64, 0i64, 0i64, 0i64);
        for cell in (0..grid.len()).step_by(step).filter(|&cell| counts(cell)) {
            let (x, y) = slopes(background, grid, cell, toward);
            let (x, y) = (x / 16, y / 16);
            let d = i32::from(now[cell]) - i32::from(background[cell] / LEVEL);
            // More than the next cell over: not sway, but a thing.
            if d.abs() <= 2 * (x.abs() + y.abs()) {
                let product = |a: i32, b: i32| i64::from(a * b);
                (xx, xy, yy) = (xx + product(x, x), xy + product(x, y), yy + product(y, y));
                (xd, yd, dd) = (xd + product(x, d), yd + product(y, d), dd + product(d, d));
            }
        }
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
