//! Cells straight from a compressed picture: the DC coefficient of a block of JPEG is the mean of its 8x8 pixels, so that of
//! the entropy-coded stream only these are read, and the rest is passed over (ISO/IEC 10918-1, F.2.2). Baseline pictures with one
//! scan; whatever is not, or is damaged, is left to the library of `jpeg.rs`.

mod bits;
mod coder;
mod headers;

use super::cells::Grid;
use bits::Bits;
use bits::WINDOW_BYTES;
use bits::Window;
use coder::BLOCKS_MAX;
use coder::Coder;
use headers::Component;
pub(super) use headers::Layout;

/// Mean of a block without DC: 128, in sixteenths of a level.
const MIDDLE: i64 = 128 * 16;
/// White, likewise.
const WHITE: i64 = 255 * 16;

/// Reads pictures of one camera; keeps the code tables of the last one, as cameras send the same again and again.
#[derive(Debug)]
pub(crate) struct Reader {
    luma: Coder,
    chroma: Coder,
    window: Box<[u8; WINDOW_BYTES]>,
}

impl Reader {
    pub(crate) fn new() -> Reader {
        Reader {
            luma: Coder::new(),
            chroma: Coder::new(),
            window: Box::new([0; WINDOW_BYTES]),
        }
    }

    /// Bytes that [`new`](Reader::new) allocates.
    pub(crate) const fn footprint() -> usize {
        2 * Coder::footprint() + WINDOW_BYTES
    }

    /// Means of all blocks of the picture of `layout` into `cells`, in sixteenths of a level. `None`: it is not of the kind that is read
    /// here, or damaged; `cells` is then in part written.
    pub(crate) fn read(&mut self, layout: &Layout<'_>, grid: Grid, cells: &mut [u16]) -> Option<()> {
        if layout.size != (grid.columns * 8..grid.columns * 8 + 8, grid.rows * 8..grid.rows * 8 + 8) {
            return None;
        }
        let (luma, chroma) = layout.components.split_first()?;
        self.luma.load(layout.dc[luma.dc], layout.ac[luma.ac], true)?;
        if let Some(first) = chroma.first() {
            if chroma.iter().any(|other| (other.dc, other.ac) != (first.dc, first.ac)) {
                return None;
            }
            self.chroma.load(layout.dc[first.dc], layout.ac[first.ac], false)?;
        }
        self.scan(layout, grid, cells)
    }

    fn scan(&mut self, layout: &Layout<'_>, grid: Grid, cells: &mut [u16]) -> Option<()> {
        let mut window = Window::new(&mut self.window, layout.scan);
        let (luma, chroma) = layout.components.split_first()?;
        let (luma_blocks, chroma_blocks) = (luma.blocks(), chroma.iter().map(Component::blocks).sum());
        let (mut bits, mut mean, mut until_restart) = (Bits::new(), 0, layout.restart);
        for (top, left) in layout.units() {
            if layout.restart > 0 {
                if until_restart == 0 {
                    bits = window.restart(bits)?;
                    (mean, until_restart) = (0, layout.restart);
                }
                until_restart -= 1;
            }
            window.ready(&mut bits)?;
            let means = self.luma.blocks(&mut bits, &window, luma_blocks, mean)?;
            mean = means[(luma_blocks - 1) % BLOCKS_MAX];
            let mut block = 0;
            for y in top..top + luma.down {
                for x in left..left + luma.across {
                    if x < grid.columns && y < grid.rows {
                        cells[y * grid.columns + x] = level(means[block % BLOCKS_MAX], layout.step);
                    }
                    block += 1;
                }
            }
            if chroma_blocks > 0 {
                window.ready(&mut bits)?;
                self.chroma.blocks(&mut bits, &window, chroma_blocks, 0)?;
            }
        }
        window.is_whole(bits).then_some(())
    }
}

/// A block's DC coefficient in sixteenths of a level.
fn level(mean: i32, step: i32) -> u16 {
    let value = i64::from(mean) * i64::from(2 * step) + MIDDLE;
    value.clamp(0, WHITE) as u16
}
