//! Sway: a displacement of the whole picture by less than a cell, as a camera in the wind or on a shaking wall gives it.
//! It is not measured in every frame of a camera that shakes, as where an edge lies within a cell no slope says.

use std::ops::Range;

use super::cells::Grid;
use super::cells::LEVEL;

/// A displacement smaller than this is left to the thresholds: half a pixel of a cell of eight.
const NEGLIGIBLE: u32 = UNIT as u32 / 16;
/// Units of a displacement by a cell.
const UNIT: i32 = 256;
/// Cells of a row that are looked at together.
const STRIP: usize = 40;
/// A look at a displacement.
struct Look {
    /// Strips that it is measured by, about: of a larger grid fewer rows tell.
    strips: usize,
    /// It is none unless it explains one part in so many of what changed.
    share_part: i64,
}
/// The first look, without knowing the direction, which is all that there is mostly. Of an edge between two cells it explains half of what the second does.
const ROUGH: Look = Look {
    strips: 28,
    share_part: 12,
};
/// The second, in the direction that the first one found.
const CLOSE: Look = Look { strips: 56, share_part: 3 };
/// Strips that are multiplied at once.
const BATCH: usize = 3;

/// A displacement, in 256ths of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sway {
    across: i32,
    down: i32,
    /// By so much it may be off.
    slack: u32,
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
        let by = self.across.unsigned_abs() + self.down.unsigned_abs() + self.slack;
        let doubt = 2 * steepest * by / UNIT as u32;
        (value as u16, doubt.min(u32::from(u16::MAX)) as u16)
    }

    /// The larger of the two, in 256ths of a cell.
    pub(crate) fn extent(self) -> u32 {
        self.across.unsigned_abs().max(self.down.unsigned_abs())
    }

    /// The same where the camera swayed by `lately` a moment ago, and so may sway by as much the other way.
    pub(crate) fn with_slack(self, lately: u32) -> Sway {
        let slack = if 2 * lately < NEGLIGIBLE { 0 } else { 2 * lately };
        Sway { slack, ..self }
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
        let matters = |sway: &Sway| sway.extent() >= NEGLIGIBLE;
        let rough = pictures.fit(Sway::default(), &ROUGH);
        let sway = rough.and_then(|rough| pictures.fit(rough, &CLOSE)).filter(matters);
        sway.unwrap_or_default()
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

/// Slopes across and down, and the change, of the cells of a few strips; 0 where a cell does not count.
struct Batch {
    x: [i16; BATCH * STRIP],
    y: [i16; BATCH * STRIP],
    d: [i16; BATCH * STRIP],
}

impl Default for Batch {
    fn default() -> Batch {
        let none = [0; BATCH * STRIP];
        Batch { x: none, y: none, d: none }
    }
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
    /// A displacement in the direction of `toward` that explains as much of what changed as the look asks for.
    fn fit(&self, toward: Sway, look: &Look) -> Option<Sway> {
        let Sums { xx, xy, yy, xd, yd, dd } = self.sums(toward, look.strips);
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
        (explained * look.share_part >= dd).then_some(Sway { across, down, slack: 0 })
    }

    /// Over strips that are spread over the picture: of rows from top to bottom one each, from left to right in turn.
    fn sums(&self, toward: Sway, strips_max: usize) -> Sums {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let (across, down) = (columns.saturating_sub(2).div_ceil(STRIP), rows.saturating_sub(2));
        let (mut sums, mut batch) = (Sums::default(), Batch::default());
        // No picture that is accepted is smaller.
        if across == 0 || self.now.len() < 2 * columns + STRIP {
            return sums;
        }
        let mut strips = 0;
        for (n, row) in (1..down + 1).step_by((down / strips_max).max(1)).enumerate() {
            let column = 1 + n % across * STRIP;
            let from = row * columns + column;
            self.fill(batch.strip(strips), from..from + STRIP.min(columns - 1 - column), toward);
            strips += 1;
            if strips == BATCH {
                sums.add(&batch);
                strips = 0;
            }
        }
        (strips..BATCH).for_each(|strip| batch.strip(strip).into_iter().for_each(|of| of.fill(0)));
        sums.add(&batch);
        sums
    }

    /// Slopes and changes of the cells of part of a row that does not touch the edge. They are read with those that lie beside them, as
    /// many as a strip has, so that what is read has one length.
    fn fill(&self, [x, y, d]: [&mut [i16; STRIP]; 3], cells: Range<usize>, toward: Sway) {
        let columns = self.grid.columns;
        let from = cells.start.min(self.now.len() - columns - STRIP);
        let (first, len) = ((cells.start - from) as u16, cells.len() as u16);
        self.fill_slopes(x, from, 1, toward.across.signum());
        self.fill_slopes(y, from, columns, toward.down.signum());
        let (now, was) = (window(self.now, from), window(self.background, from));
        let (taken, keep) = (window(self.taken, from), window(self.keep, from));
        for cell in 0..STRIP {
            let change = now[cell] as i16 - (was[cell] / LEVEL) as i16;
            // More than the next cell over: not sway, but a thing.
            let counts = (change.abs() <= 2 * (x[cell].abs() + y[cell].abs())) & (taken[cell] == 0) & (keep[cell] != 0);
            let mask = if counts & ((cell as u16).wrapping_sub(first) < len) {
                -1
            } else {
                0
            };
            (x[cell], y[cell], d[cell]) = (x[cell] & mask, y[cell] & mask, change & mask);
        }
    }

    /// Slopes of the background at the cells from `from` on between those `stride` before and behind, as [`slopes`] has them, in sixteenths of a level.
    fn fill_slopes(&self, slopes: &mut [i16; STRIP], from: usize, stride: usize, sign: i32) {
        let before = window(self.background, if sign == 1 { from } else { from - stride });
        let behind = window(self.background, if sign == -1 { from } else { from + stride });
        let halved = u32::from(sign == 0);
        for (slope, (before, behind)) in slopes.iter_mut().zip(before.iter().zip(behind)) {
            *slope = ((behind / LEVEL) as i16 - (before / LEVEL) as i16) >> halved;
        }
    }
}

impl Sums {
    fn add(&mut self, Batch { x, y, d }: &Batch) {
        self.xx += dot(x, x);
        self.xy += dot(x, y);
        self.yy += dot(y, y);
        self.xd += dot(x, d);
        self.yd += dot(y, d);
        self.dd += dot(d, d);
    }
}

impl Batch {
    fn strip(&mut self, number: usize) -> [&mut [i16; STRIP]; 3] {
        [&mut self.x, &mut self.y, &mut self.d].map(|of| &mut of.as_chunks_mut().0[number])
    }
}

/// The cells of a strip that begins with cell `from`.
fn window<T>(of: &[T], from: usize) -> &[T; STRIP] {
    of[from..].first_chunk().expect("a strip and a row before the end")
}

/// Products of a batch, added up: they are of 12 bits and a sign each, and so are less than 2^31 together. In eights, which processors
/// multiply and add at once.
#[inline(never)] // six of it are as quick as one
fn dot(one: &[i16; BATCH * STRIP], other: &[i16; BATCH * STRIP]) -> i64 {
    const _: () = assert!(BATCH * STRIP * (4095 * 4095) <= i32::MAX as usize);
    let mut sums = [0i32; 8];
    for (one, other) in one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += i32::from(*one) * i32::from(*other);
        }
    }
    i64::from(sums.iter().sum::<i32>())
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
