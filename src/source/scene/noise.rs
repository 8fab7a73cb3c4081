//! Randomness that is the same for the same seed: a hash, smooth texture, and the sensor's noise.

use std::f32;

/// Noise is stored with this added, so that it can be added and taken off in saturating bytes; white is capped accordingly.
pub(crate) const NOISE_BIAS: u8 = 32;
/// Length of the noise that rows are taken from; a row's place in it is random.
const TILE_BYTES: usize = 32 * 1024;

/// Three numbers to a random one (the finaliser of SplitMix64 over each).
pub(crate) fn hash(a: u64, b: u64, c: u64) -> u64 {
    let mix = |z: u64| {
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let step = 0x9e37_79b9_7f4a_7c15;
    mix(mix(mix(a.wrapping_add(step)).wrapping_add(b).wrapping_add(step))
        .wrapping_add(c)
        .wrapping_add(step))
}

/// A random number to a part of one.
pub(crate) fn unit(random: u64) -> f32 {
    (random >> 40) as f32 / (1_u64 << 24) as f32
}

/// Smooth texture around 0, about -1 to 1: value noise on a unit lattice, `octaves` times finer and weaker.
pub(crate) fn texture(seed: u64, x: f32, y: f32, octaves: u32) -> f32 {
    let (mut sum, mut scale, mut weight) = (0.0, 1.0, 0.5);
    for octave in 0..octaves {
        sum += weight * lattice(seed + u64::from(octave), x * scale, y * scale);
        scale *= 2.0;
        weight *= 0.5;
    }
    sum * 2.0
}

fn lattice(seed: u64, x: f32, y: f32) -> f32 {
    let (column, row) = (x.floor(), y.floor());
    let (u, v) = (smooth(x - column), smooth(y - row));
    let at = |dx: f32, dy: f32| unit(hash(seed, (column + dx) as i64 as u64, (row + dy) as i64 as u64)) - 0.5;
    let top = at(0.0, 0.0) * (1.0 - u) + at(1.0, 0.0) * u;
    let bottom = at(0.0, 1.0) * (1.0 - u) + at(1.0, 1.0) * u;
    top * (1.0 - v) + bottom * v
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// The sensor's noise: one stretch of it, made once.
pub(crate) struct Noise {
    seed: u64,
    tile: Vec<u8>,
}

impl Noise {
    /// Of standard deviation `sigma` grey levels, for rows of `width`.
    pub(crate) fn new(seed: u64, sigma: u8, width: usize) -> Noise {
        let tile = (0..noise_bytes(width)).map(|n| biased(hash(seed, 0x006e_6f69_7365, n as u64), sigma));
        Noise {
            seed,
            tile: tile.collect(),
        }
    }

    /// Adds the noise of frame `number` to its rows, `times` as strong.
    pub(crate) fn add(&self, number: u64, luma: &mut [u8], width: usize, times: f32) {
        let sixteenths = (times * 16.0) as i32;
        for (y, row) in luma.chunks_exact_mut(width).enumerate() {
            let place = hash(self.seed, number, y as u64) as usize % TILE_BYTES;
            let noise = &self.tile[place..place + width];
            if sixteenths == 16 {
                for (pixel, noise) in row.iter_mut().zip(noise) {
                    *pixel = pixel.saturating_add(*noise).saturating_sub(NOISE_BIAS);
                }
                continue;
            }
            for (pixel, noise) in row.iter_mut().zip(noise) {
                let noise = ((i32::from(*noise) - i32::from(NOISE_BIAS)) * sixteenths) >> 4;
                *pixel = (i32::from(*pixel) + noise).clamp(0, 255) as u8;
            }
        }
    }
}

/// Bytes that the noise for rows of `width` takes.
pub(crate) const fn noise_bytes(width: usize) -> usize {
    TILE_BYTES + width
}

/// The sum of eight random bytes is nearly normal; its standard deviation is 209.
fn biased(random: u64, sigma: u8) -> u8 {
    let sum: i32 = random.to_le_bytes().iter().map(|&b| i32::from(b)).sum();
    let noise = (sum - 1020) as f32 * f32::from(sigma) / 209.0;
    (f32::from(NOISE_BIAS) + noise).round().clamp(0.0, 2.0 * f32::from(NOISE_BIAS)) as u8
}
