//! Cells straight from a compressed picture: the DC coefficient of a block of JPEG is the mean of its 8x8 pixels, so that of
//! the entropy-coded stream only these are read, and the rest is passed over (ISO/IEC 10918-1, F.2.2). Baseline pictures with one
//! scan; whatever is not, or is damaged, is left to the library of `jpeg.rs`.

mod bits;
mod coder;
mod headers;

use super::cells::Grid;
use bits::Bits;
use coder::AcCoder;
use coder::DcCoder;
use headers::Layout;

/// Mean of a block without DC: 128, in sixteenths of a level.
const MIDDLE: i32 = 128 * 16;
/// White, likewise.
const WHITE: i32 = 255 * 16;

/// Reads pictures of one camera; keeps the code tables of the last one, as cameras send the same again and again.
#[derive(Debug)]
pub(crate) struct Reader {
    dc: [DcCoder; 2],
    ac: [AcCoder; 2],
}

impl Reader {
    pub(crate) fn new() -> Reader {
        Reader {
            dc: std::array::from_fn(|_| DcCoder::new()),
            ac: std::array::from_fn(|_| AcCoder::new()),
        }
    }

    /// Bytes that [`new`](Reader::new) allocates.
    pub(crate) const fn footprint() -> usize {
        2 * (DcCoder::footprint() + AcCoder::footprint())
    }

    /// Means of all blocks of `picture` into `cells`, in sixteenths of a level. `None`: it is not of the kind that is read
    /// here, or damaged; `cells` is then in part written.
    pub(crate) fn read(&mut self, picture: &[u8], grid: Grid, cells: &mut [u16]) -> Option<()> {
        let layout = Layout::parse(picture)?;
        if layout.size != (grid.columns * 8..grid.columns * 8 + 8, grid.rows * 8..grid.rows * 8 + 8) {
            return None;
        }
        for (number, table) in layout.dc.iter().enumerate() {
            self.dc[number].load(table)?;
        }
        for (number, table) in layout.ac.iter().enumerate() {
            self.ac[number].load(table)?;
        }
        self.scan(&layout, grid, cells)
    }

    fn scan(&self, layout: &Layout<'_>, grid: Grid, cells: &mut [u16]) -> Option<()> {
        let mut bits = Bits::new(layout.scan);
        let (across, down) = layout.units;
        let (luma, chroma) = layout.components.split_first()?;
        let (luma_dc, luma_ac) = (&self.dc[luma.dc], &self.ac[luma.ac]);
        let (mut mean, mut until_restart) = (0i32, layout.restart);
        for unit in 0..across * down {
            if layout.restart > 0 {
                if until_restart == 0 {
                    bits.restart()?;
                    (mean, until_restart) = (0, layout.restart);
                }
                until_restart -= 1;
            }
            let (left, top) = (unit % across * luma.across, unit / across * luma.down);
            for block in 0..luma.across * luma.down {
                mean = mean.wrapping_add(luma_dc.value(&mut bits)?);
                luma_ac.pass(&mut bits)?;
                let (x, y) = (left + block % luma.across, top + block / luma.across);
                if x < grid.columns && y < grid.rows {
                    let value = mean.saturating_mul(2 * layout.step).saturating_add(MIDDLE);
                    cells[y * grid.columns + x] = value.clamp(0, WHITE) as u16;
                }
            }
            for component in chroma {
                for _ in 0..component.across * component.down {
                    self.dc[component.dc].value(&mut bits)?;
                    self.ac[component.ac].pass(&mut bits)?;
                }
            }
        }
        bits.is_whole().then_some(())
    }
}
