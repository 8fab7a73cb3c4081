//! Means of cells of 8 by 8 pixels by SSE2, which every x86_64 has and which sums bytes in one instruction (PSADBW). The portable pass
//! of `cells.rs` does the rest of a row, and is what these are held against.

use std::arch::x86_64::__m128i;
use std::arch::x86_64::_mm_add_epi16;
use std::arch::x86_64::_mm_and_si128;
use std::arch::x86_64::_mm_cvtsi128_si64;
use std::arch::x86_64::_mm_packs_epi32;
use std::arch::x86_64::_mm_packus_epi16;
use std::arch::x86_64::_mm_sad_epu8;
use std::arch::x86_64::_mm_set_epi64x;
use std::arch::x86_64::_mm_set1_epi16;
use std::arch::x86_64::_mm_setzero_si128;
use std::arch::x86_64::_mm_srli_epi16;
use std::arch::x86_64::_mm_unpackhi_epi64;

use super::Packing;

/// Cells that are made at once.
const CELLS: usize = 8;

/// Means of the first cells of each of `ROWS` rows of cells, whose pixels are in `strips`, as many as come in eights; how many of each that are.
#[target_feature(enable = "sse2")]
pub(super) fn means<const ROWS: usize>(strips: [[&[u8]; 8]; ROWS], packing: Packing, means: [&mut [u16]; ROWS]) -> usize {
    let lower = |pairs| _mm_and_si128(pairs, _mm_set1_epi16(0xff));
    let upper = |pairs| _mm_srli_epi16::<8>(pairs);
    match packing {
        Packing::Planar => row_by_row::<64, ROWS>(strips, means, |bytes, from| load(bytes, from)),
        Packing::Even => row_by_row::<128, ROWS>(strips, means, |bytes, from| packed(bytes, from, lower)),
        Packing::Odd => row_by_row::<128, ROWS>(strips, means, |bytes, from| packed(bytes, from, upper)),
    }
}

/// Eight cells to `BYTES` of a row, of which `luma` gives the sixteen pixels from one on: two cells to a vector, eight pixels to a sum. Row by row
/// of each strip, a piece of each in turn.
#[inline]
#[target_feature(enable = "sse2")]
fn row_by_row<const BYTES: usize, const ROWS: usize>(
    strips: [[&[u8]; 8]; ROWS],
    means: [&mut [u16]; ROWS],
    luma: impl Fn(&[u8; BYTES], usize) -> __m128i,
) -> usize {
    let mut means = means.map(|means| means.as_chunks_mut::<CELLS>().0);
    let pieces = means[0].len();
    means.iter_mut().for_each(|means| means.as_flattened_mut().fill(0));
    for line in 0..8 {
        let rows = strips.map(|strip| &strip[line].as_chunks::<BYTES>().0[..pieces]);
        for piece in 0..pieces {
            for (means, row) in means.iter_mut().zip(&rows) {
                let (eight, bytes) = (&mut means[piece], &row[piece]);
                // Sums stand in every fourth lane: two steps bring them together.
                let two = |from: usize| _mm_sad_epu8(luma(bytes, from), _mm_setzero_si128());
                let four = |from: usize| _mm_packs_epi32(two(from), two(from + 16));
                *eight = lanes(_mm_add_epi16(vector(eight), _mm_packs_epi32(four(0), four(32))));
            }
        }
    }
    let shift = |mean: &mut u16| *mean >>= 2;
    means
        .iter_mut()
        .for_each(|means| means.as_flattened_mut().iter_mut().for_each(shift));
    pieces * CELLS
}

/// Sixteen pixels of two bytes each, of which `luma` keeps one.
#[inline]
#[target_feature(enable = "sse2")]
fn packed(bytes: &[u8; 128], from: usize, luma: impl Fn(__m128i) -> __m128i) -> __m128i {
    _mm_packus_epi16(luma(load(bytes, 2 * from)), luma(load(bytes, 2 * from + 16)))
}

/// 16 bytes from `from` on.
#[inline]
#[target_feature(enable = "sse2")]
fn load<const BYTES: usize>(row: &[u8; BYTES], from: usize) -> __m128i {
    let [low, high] = row[from..from + 16].as_chunks::<8>().0 else {
        unreachable!("16 bytes are two halves")
    };
    _mm_set_epi64x(i64::from_le_bytes(*high), i64::from_le_bytes(*low))
}

#[inline]
#[target_feature(enable = "sse2")]
fn vector(lanes: &[u16; CELLS]) -> __m128i {
    let half = |from: usize| (0..4).rev().fold(0, |word, n| word << 16 | i64::from(lanes[from + n]));
    _mm_set_epi64x(half(4), half(0))
}

#[inline]
#[target_feature(enable = "sse2")]
fn lanes(vector: __m128i) -> [u16; CELLS] {
    let (low, high) = (_mm_cvtsi128_si64(vector), _mm_cvtsi128_si64(_mm_unpackhi_epi64(vector, vector)));
    [low, low >> 16, low >> 32, low >> 48, high, high >> 16, high >> 32, high >> 48].map(|lane| lane as u16)
}
