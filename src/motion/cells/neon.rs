//! Means of cells of 8 by 8 pixels by NEON, which every aarch64 has and which adds neighbours in one instruction (UADDLP, ADDP). The portable pass
//! of `cells.rs` does the rest of a row, and is what these are held against.

use std::arch::aarch64::uint8x16_t;
use std::arch::aarch64::uint16x8_t;
use std::arch::aarch64::vaddq_u16;
use std::arch::aarch64::vld1q_u8;
use std::arch::aarch64::vld1q_u16;
use std::arch::aarch64::vpaddlq_u8;
use std::arch::aarch64::vpaddq_u16;
use std::arch::aarch64::vst1q_u16;
use std::arch::aarch64::vuzp1q_u8;
use std::arch::aarch64::vuzp2q_u8;

use super::Packing;

/// Cells that are made at once.
const CELLS: usize = 8;

/// Means of the first cells of a row of cells, whose pixels are in `strip`, as many as come in eights; how many that are.
#[target_feature(enable = "neon")]
pub(super) fn means(strip: [&[u8]; 8], packing: Packing, means: &mut [u16]) -> usize {
    match packing {
        Packing::Planar => row_by_row::<64>(strip, means, |bytes, from| load(bytes, from)),
        Packing::Even => row_by_row::<128>(strip, means, |bytes, from| {
            vuzp1q_u8(load(bytes, 2 * from), load(bytes, 2 * from + 16))
        }),
        Packing::Odd => row_by_row::<128>(strip, means, |bytes, from| {
            vuzp2q_u8(load(bytes, 2 * from), load(bytes, 2 * from + 16))
        }),
    }
}

/// Eight cells to `BYTES` of a row, of which `luma` gives the sixteen pixels from one on: two cells to a vector. Row by row, as memory is
/// read fastest: a Cortex-A53 fetches two streams ahead, not eight.
#[inline]
#[target_feature(enable = "neon")]
fn row_by_row<const BYTES: usize>(strip: [&[u8]; 8], means: &mut [u16], luma: impl Fn(&[u8; BYTES], usize) -> uint8x16_t) -> usize {
    let means = means.as_chunks_mut::<CELLS>().0;
    means.as_flattened_mut().fill(0);
    for row in &strip {
        for (eight, bytes) in means.iter_mut().zip(row.as_chunks::<BYTES>().0) {
            // Sums stand in four lanes a cell: two steps bring them together.
            let two = |from: usize| vpaddlq_u8(luma(bytes, from));
            let four = |from: usize| vpaddq_u16(two(from), two(from + 16));
            add(eight, vpaddq_u16(four(0), four(32)));
        }
    }
    means.as_flattened_mut().iter_mut().for_each(|mean| *mean >>= 2);
    means.len() * CELLS
}

/// 16 bytes from `from` on.
#[inline]
#[target_feature(enable = "neon")]
fn load<const BYTES: usize>(row: &[u8; BYTES], from: usize) -> uint8x16_t {
    let bytes: &[u8; 16] = row[from..].first_chunk().expect("16 bytes of a row");
    // SAFETY: they are as many as are read.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// Adds to `sums`.
#[inline]
#[target_feature(enable = "neon")]
fn add(sums: &mut [u16; CELLS], more: uint16x8_t) {
    // SAFETY: they are as many as are read and written.
    unsafe { vst1q_u16(sums.as_mut_ptr(), vaddq_u16(vld1q_u16(sums.as_ptr()), more)) }
}
