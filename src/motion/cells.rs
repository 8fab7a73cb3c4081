//! Luma of a frame to a grid of cell means, the only pass over pixels: portable Rust in a shape that vectorises.
//! What becomes of the grid is in the files beside it; compressed frames pass through `jpeg.rs` first.

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod sse2;

use std::array;

use crate::frame::Frame;
use crate::frame::PixelFormat;
use crate::limits::CELL_SIDE_PX;
use crate::limits::CELL_SIDE_SMALL_PX;
use crate::limits::PICTURE_SMALL_BELOW_PX;

/// Steps of one grey level in a cell's mean: four fractional bits, so 0 to 4080.
pub const LEVEL: u16 = 16;

/// The grid of cells over a picture. Pixels right of the last whole column and below the last whole row belong to no cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Cells across.
    pub columns: usize,
    /// Cells down.
    pub rows: usize,
    /// Side of a cell in pixels: 8, or 4 in small pictures, so that a cell is never more than about 2 % of the height.
    pub side: usize,
}

impl Grid {
    /// The grid of a picture of `width` by `height` pixels.
    pub const fn of(width: u32, height: u32) -> Grid {
        let side = if height < PICTURE_SMALL_BELOW_PX {
            CELL_SIDE_SMALL_PX
        } else {
            CELL_SIDE_PX
        };
        Grid {
            columns: (width / side) as usize,
            rows: (height / side) as usize,
            side: side as usize,
        }
    }
    /// Number of cells.
    pub const fn len(self) -> usize {
        self.columns * self.rows
    }
    /// The two by two cells from `(column, row)` on.
    pub(crate) const fn block(self, (column, row): (usize, usize)) -> [usize; 4] {
        let first = row * self.columns + column;
        [first, first + 1, first + self.columns, first + self.columns + 1]
    }
    /// True for a picture smaller than a cell.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Rows of cells that are read at once, from as many parts of the picture: large processors read memory fastest in a few long streams, as they
/// fetch ahead for each. A Cortex-A53 fetches ahead so many lines in all, and saves itself the instructions.
const STREAMS: usize = if cfg!(target_arch = "aarch64") { 1 } else { 4 };

/// Where luma lies in the bytes of a raw frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// One byte a pixel (GREY, and the first plane of NV12 and YU12).
    Planar,
    /// The first of two bytes a pixel (YUYV).
    Even,
    /// The second of two bytes a pixel (UYVY).
    Odd,
}

/// A picture's luma in place: rows of `stride` bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Luma<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) stride: usize,
    pub(crate) packing: Packing,
}

impl<'a> Luma<'a> {
    /// The luma of a raw frame; `None` for a compressed one.
    pub(crate) fn of(frame: &Frame<'a>) -> Option<Luma<'a>> {
        let packing = match frame.format.pixel {
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::Yu12 => Packing::Planar,
            PixelFormat::Yuyv => Packing::Even,
            PixelFormat::Uyvy => Packing::Odd,
            PixelFormat::Mjpeg => return None,
        };
        Some(Luma {
            data: frame.data,
            stride: frame.format.stride as usize,
            packing,
        })
    }
}

/// Means of all cells of a raw frame into `cells`, for measuring this pass alone: `lanes` has `columns * side` entries of
/// scratch, `cells` one for each cell. A compressed frame changes nothing.
pub fn means_of(frame: &Frame<'_>, lanes: &mut [u16], cells: &mut [u16]) {
    if let Some(luma) = Luma::of(frame) {
        means(luma, Grid::of(frame.format.width, frame.format.height), lanes, cells);
    }
}

/// Means of all cells of `luma` into `cells`, row by row; `lanes` is scratch of [`lanes_len`] sums.
/// `luma` holds all rows of `grid`, and its rows are as wide.
pub(crate) fn means(luma: Luma<'_>, grid: Grid, lanes: &mut [u16], cells: &mut [u16]) {
    match (luma.packing, grid.side) {
        (Packing::Planar, 8) => strips::<8, 4, 2>(luma, grid, lanes, cells, both),
        (Packing::Even, 8) => strips::<8, 8, 2>(luma, grid, lanes, cells, lower),
        (Packing::Odd, 8) => strips::<8, 8, 2>(luma, grid, lanes, cells, upper),
        (Packing::Planar, _) => strips::<4, 2, 0>(luma, grid, lanes, cells, both),
        (Packing::Even, _) => strips::<4, 4, 0>(luma, grid, lanes, cells, lower),
        (Packing::Odd, _) => strips::<4, 4, 0>(luma, grid, lanes, cells, upper),
    }
}

/// Means of the first cells of each of a few rows of cells by what the processor has of its own; how many of each that are.
#[cfg(target_arch = "x86_64")]
fn natively<const SIDE: usize, const ROWS: usize>(strips: [[&[u8]; SIDE]; ROWS], packing: Packing, means: [&mut [u16]; ROWS]) -> usize {
    let Some(strips) = of_eight(strips) else { return 0 };
    // SAFETY: every x86_64 has SSE2, and nothing else is asked for.
    unsafe { sse2::means(strips, packing, means) }
}

/// The same, one row of cells after another.
#[cfg(target_arch = "aarch64")]
fn natively<const SIDE: usize, const ROWS: usize>(strips: [[&[u8]; SIDE]; ROWS], packing: Packing, means: [&mut [u16]; ROWS]) -> usize {
    let Some(strips) = of_eight(strips) else { return 0 };
    let mut done = 0;
    for (strip, means) in strips.into_iter().zip(means) {
        // SAFETY: every aarch64 has NEON, and nothing else is asked for.
        done = unsafe { neon::means(strip, packing, means) };
    }
    done
}

/// Elsewhere the portable pass does all.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn natively<const SIDE: usize, const ROWS: usize>(_: [[&[u8]; SIDE]; ROWS], _: Packing, _: [&mut [u16]; ROWS]) -> usize {
    0
}

/// The same strips, if they are of eight rows.
fn of_eight<const SIDE: usize, const ROWS: usize>(strips: [[&[u8]; SIDE]; ROWS]) -> Option<[[&[u8]; 8]; ROWS]> {
    (SIDE == 8).then(|| strips.map(|strip| array::from_fn(|line| strip[line])))
}

/// Scratch that [`means`] needs: one sum for each two bytes of a row, at most two bytes a pixel.
pub(crate) const fn lanes_len(grid: Grid) -> usize {
    grid.columns * grid.side
}

/// [`means`] for cells of `SIDE` rows and `LANES` pairs of bytes; the sum of a cell's pixels shifted right by `SHIFT`
/// is its mean in [`LEVEL`]s. Sums go down the columns of `SIDE` rows at once (one vector instruction for many
/// columns), then across the few lanes of each cell.
fn strips<const SIDE: usize, const LANES: usize, const SHIFT: u32>(
    luma: Luma<'_>,
    grid: Grid,
    lanes: &mut [u16],
    cells: &mut [u16],
    sum_of: impl Fn([u16; SIDE]) -> u16 + Copy,
) {
    let (columns, height) = (grid.columns, grid.rows / STREAMS);
    let mut pass = Pass::<SIDE, LANES, SHIFT, _> {
        luma,
        bytes: 2 * LANES * columns,
        lanes,
        sum_of,
    };
    let (together, rest) = cells.split_at_mut(STREAMS * height * columns);
    let mut parts = together.chunks_exact_mut((height * columns).max(1));
    let mut parts: [_; STREAMS] = array::from_fn(|_| parts.next().unwrap_or_default().chunks_exact_mut(columns));
    for row in 0..height {
        let means = parts.each_mut().map(|part| part.next().expect("every part is of that height"));
        pass.rows(array::from_fn(|part| part * height + row), means);
    }
    for (row, means) in (STREAMS * height..).zip(rest.chunks_exact_mut(columns)) {
        pass.rows([row], [means]);
    }
}

/// The pass over the pixels of one frame, of which a row of cells takes so many `bytes` of each line.
struct Pass<'a, const SIDE: usize, const LANES: usize, const SHIFT: u32, F> {
    luma: Luma<'a>,
    bytes: usize,
    lanes: &'a mut [u16],
    sum_of: F,
}

impl<'a, const SIDE: usize, const LANES: usize, const SHIFT: u32, F: Fn([u16; SIDE]) -> u16 + Copy> Pass<'a, SIDE, LANES, SHIFT, F> {
    /// Means of a few rows of cells at once.
    fn rows<const ROWS: usize>(&mut self, rows: [usize; ROWS], mut means: [&mut [u16]; ROWS]) {
        let strips = rows.map(|row| self.strip(row));
        let done = natively(strips, self.luma.packing, means.each_mut().map(|means| &mut **means));
        for (strip, means) in strips.into_iter().zip(means) {
            let strip = strip.map(|line| &line[2 * LANES * done..]);
            portably::<SIDE, LANES, SHIFT>(strip, self.lanes, &mut means[done..], self.sum_of);
        }
    }

    /// The lines of a row of cells.
    fn strip(&self, row: usize) -> [&'a [u8]; SIDE] {
        let Luma { data, stride, .. } = self.luma;
        array::from_fn(|line| &data[(row * SIDE + line) * stride..][..self.bytes])
    }
}

/// Means of a row of cells whose pixels are in `strip`.
fn portably<const SIDE: usize, const LANES: usize, const SHIFT: u32>(
    strip: [&[u8]; SIDE],
    lanes: &mut [u16],
    means: &mut [u16],
    sum_of: impl Fn([u16; SIDE]) -> u16 + Copy,
) {
    let lanes = &mut lanes[..means.len() * LANES];
    down(strip, lanes, sum_of);
    for (mean, cell) in means.iter_mut().zip(lanes.as_chunks::<LANES>().0) {
        *mean = across(cell) >> SHIFT;
    }
}

/// Sum of the lanes of a cell, at most 16320: four at a time as one number, whose product with ones has their sum on top.
#[inline]
fn across<const LANES: usize>(cell: &[u16; LANES]) -> u16 {
    let four = |lanes: &[u16; 4]| lanes.iter().rev().fold(0u64, |word, lane| word << 16 | u64::from(*lane));
    let (fours, rest) = cell.as_chunks::<4>();
    let sum = fours.iter().map(four).sum::<u64>().wrapping_mul(0x0001_0001_0001_0001) >> 48;
    sum as u16 + rest.iter().sum::<u16>()
}

/// Sums pairs of bytes, as `sum_of` reads them, down the rows of `strip`; no overflow: 8 rows of 2 * 255.
#[inline]
fn down<const SIDE: usize>(strip: [&[u8]; SIDE], lanes: &mut [u16], sum_of: impl Fn([u16; SIDE]) -> u16 + Copy) {
    let strip = strip.map(|row| &row.as_chunks::<2>().0[..lanes.len()]);
    for (x, lane) in lanes.iter_mut().enumerate() {
        *lane = sum_of(strip.map(|row| u16::from_le_bytes(row[x])));
    }
}

/// Sum of both bytes of all pairs: that of the pairs less 255 times that of their upper bytes, which is one instruction
/// a row less than to part them.
#[inline]
fn both<const SIDE: usize>(pairs: [u16; SIDE]) -> u16 {
    let (mut whole, mut upper) = (0u16, 0u16);
    for two in pairs {
        whole = whole.wrapping_add(two);
        upper += two >> 8;
    }
    whole.wrapping_sub(upper.wrapping_mul(255))
}

/// Sum of the lower bytes of all pairs.
#[inline]
fn lower<const SIDE: usize>(pairs: [u16; SIDE]) -> u16 {
    pairs.into_iter().fold(0, |sum, two| sum + (two & 0xff))
}

/// Sum of the upper bytes of all pairs.
#[inline]
fn upper<const SIDE: usize>(pairs: [u16; SIDE]) -> u16 {
    pairs.into_iter().fold(0, |sum, two| sum + (two >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by definition, pixel by pixel.
    fn means_by_definition(luma: Luma<'_>, grid: Grid) -> Vec<u16> {
        let (step, first) = match luma.packing {
            Packing::Planar => (1, 0),
            Packing::Even => (2, 0),
            Packing::Odd => (2, 1),
        };
        let pixel = |x: usize, y: usize| u32::from(luma.data[y * luma.stride + x * step + first]);
        let mean = |column: usize, row: usize| {
            let inside = (0..grid.side).flat_map(|y| (0..grid.side).map(move |x| (x, y)));
            let sum: u32 = inside.map(|(x, y)| pixel(column * grid.side + x, row * grid.side + y)).sum();
            (sum * u32::from(LEVEL) / (grid.side * grid.side) as u32) as u16
        };
        (0..grid.rows)
            .flat_map(|row| (0..grid.columns).map(move |column| mean(column, row)))
            .collect()
    }

    proptest! {
        #[test]
        fn vector_and_scalar_pass_agree(
            width in 64u32..150, height in prop_oneof![64u32..100, 400u32..420], padding in 0usize..40,
            packing in prop_oneof![Just(Packing::Planar), Just(Packing::Even), Just(Packing::Odd)], seed: u64, bright: bool,
        ) {
            let grid = Grid::of(width, height);
            let bytes = if packing == Packing::Planar { 1 } else { 2 };
            let stride = width as usize * bytes + padding;
            let mut state = seed | 1;
            let data: Vec<u8> = (0..stride * height as usize)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    if bright { 255 } else { (state >> 56) as u8 }
                })
                .collect();
            let luma = Luma { data: &data, stride, packing };
            let mut cells = vec![0; grid.len()];
            means(luma, grid, &mut vec![0; lanes_len(grid)], &mut cells);
            prop_assert_eq!(cells, means_by_definition(luma, grid));
        }
    }
}
