//! Cells straight from a compressed picture: the DC coefficient of a block of JPEG is the mean of its 8x8 pixels, so that of
//! the entropy-coded stream only these are read, and the rest is passed over (ISO/IEC 10918-1, F.2.2). Baseline pictures with one
//! scan; whatever is not, or is damaged, is left to the library of `jpeg.rs`.

mod bits;
mod coder;
mod headers;

use super::cells::Grid;
use bits::Bits;
use coder::Coder;
use headers::Layout;

/// Mean of a block without DC: 128, in sixteenths of a level.
const MIDDLE: i32 = 128 * 16;
/// White, likewise.
const WHITE: i32 = 255 * 16;

/// Reads pictures of one camera; keeps the code tables of the last one, as cameras send the same again and again.
#[derive(Debug)]
pub(crate) struct Reader {
    luma: Coder,
    chroma: Coder,
}

impl Reader {
    pub(crate) fn new() -> Reader {
        Reader {
            luma: Coder::new(),
            chroma: Coder::new(),
        }
    }

    /// Bytes that [`new`](Reader::new) allocates.
    pub(crate) const fn footprint() -> usize {
        2 * Coder::footprint()
    }

    /// Means of all blocks of `picture` into `cells`, in sixteenths of a level. `None`: it is not of the kind that is read
    /// here, or damaged; `cells` is then in part written.
    pub(crate) fn read(&mut self, picture: &[u8], grid: Grid, cells: &mut [u16]) -> Option<()> {
        let layout = Layout::parse(picture)?;
        if layout.size != (grid.columns * 8..grid.columns * 8 + 8, grid.rows * 8..grid.rows * 8 + 8) {
            return None;
        }
        let (luma, chroma) = layout.components.split_first()?;
        self.luma.load(layout.dc[luma.dc], layout.ac[luma.ac])?;
        if let Some(first) = chroma.first() {
            if chroma.iter().any(|other| (other.dc, other.ac) != (first.dc, first.ac)) {
                return None;
            }
            self.chroma.load(layout.dc[first.dc], layout.ac[first.ac])?;
        }
        self.scan(&layout, grid, cells)
    }

    fn scan(&self, layout: &Layout<'_>, grid: Grid, cells: &mut [u16]) -> Option<()> {
        let mut bits = Bits::new(layout.scan);
        let (luma, chroma) = layout.components.split_first()?;
        let chroma_blocks: usize = chroma.iter().map(|component| component.across * component.down).sum();
        let (mut mean, mut until_restart) = (0i32, layout.restart);
        for (top, left) in layout.units() {
            if layout.restart > 0 {
                if until_restart == 0 {
                    bits.restart()?;
                    (mean, until_restart) = (0, layout.restart);
                }
                until_restart -= 1;
            }
            for y in top..top + luma.down {
                for x in left..left + luma.across {
                    mean = mean.wrapping_add(self.luma.block(&mut bits)?);
                    if x < grid.columns && y < grid.rows {
                        let value = mean.saturating_mul(2 * layout.step).saturating_add(MIDDLE);
                        cells[y * grid.columns + x] = value.clamp(0, WHITE) as u16;
                    }
                }
            }
            for _ in 0..chroma_blocks {
                self.chroma.block(&mut bits)?;
            }
        }
        bits.is_whole().then_some(())
    }
}
