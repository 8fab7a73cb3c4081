//! What stands still in a scene, painted once: sky, wall with gate, lawn with path. And the tree, which waves.

use std::ops::Range;

use crate::source::scene::noise::hash;
use crate::source::scene::noise::texture;
use crate::source::scene::noise::unit;
use crate::source::scene::wave::hypotenuse;
use crate::source::scene::wave::sin;

/// Side of the clumps of leaves that move together, in pixels.
const CLUMP: usize = 16;
/// Farthest that leaves move, in parts of the picture's width.
const SWAY: f32 = 0.007;

/// Paints the garden: one grey level a pixel.
pub(crate) fn paint(seed: u64, width: u32, height: u32) -> Vec<u8> {
    let pixel = |n: u32| {
        let (x, y) = ((n % width) as f32 / height as f32, (n / width) as f32 / height as f32);
        tone(seed, x, y, width as f32 / height as f32).clamp(8.0, 215.0) as u8
    };
    (0..width * height).map(pixel).collect()
}

/// Grey level at (x, y), both in parts of the height; the picture is `wide`.
fn tone(seed: u64, x: f32, y: f32, wide: f32) -> f32 {
    let trunk = 0.80 * wide + 0.02 * texture(seed + 50, 0.5, y * 6.0, 2);
    if (x - trunk).abs() < 0.022 + 0.03 * (y - 0.5).max(0.0) && (0.2..0.6).contains(&y) {
        return 58.0 + 26.0 * texture(seed + 51, x * 60.0, y * 9.0, 3) - 500.0 * (x - trunk);
    }
    match y {
        _ if y < 0.16 => 188.0 + 80.0 * (0.16 - y) + 12.0 * texture(seed + 10, x * 2.5, y * 8.0, 4),
        _ if y < 0.46 => wall(seed, x, y, wide),
        _ => ground(seed, x, y),
    }
}

/// Bricks, a wooden gate in them, a lamp beside it.
fn wall(seed: u64, x: f32, y: f32, wide: f32) -> f32 {
    let gate = x - 0.30 * wide;
    if (0.0..0.17).contains(&gate) && y > 0.20 {
        let plank = (gate * 47.0).fract();
        let frame = !(0.008..=0.162).contains(&gate) || y < 0.208;
        let grain = 14.0 * texture(seed + 20, gate * 160.0, y * 8.0, 3);
        return if frame {
            46.0
        } else {
            92.0 + grain - 26.0 * f32::from(plank < 0.14)
        };
    }
    if hypotenuse(gate + 0.05, (y - 0.25) * 0.8) < 0.016 {
        return 212.0;
    }
    let row = (y * 42.0).floor();
    let across = x * 15.0 + 0.5 * (row % 2.0);
    let mortar = across.fract() < 0.07 || (y * 42.0).fract() < 0.14;
    let brick = unit(hash(seed + 30, across.floor() as u64, row as u64)) * 26.0;
    let shade = 20.0 * texture(seed + 31, x * 5.0, y * 5.0, 3) - 30.0 * f32::from(y < 0.175);
    shade + if mortar { 150.0 } else { 112.0 + brick }
}

/// Lawn, finer towards the horizon, and a path of slabs across it.
fn ground(seed: u64, x: f32, y: f32) -> f32 {
    let near = (y - 0.40).max(0.02); // grows towards the viewer
    let (across, away) = ((x - 0.7) / near, 1.0 / near);
    let bend = 0.02 * sin(x * 4.0);
    let edge = 0.006 * texture(seed + 40, x * 40.0, y * 40.0, 2);
    if (0.66..0.80).contains(&(y + bend + edge)) {
        let joint = (across * 1.6 + 40.0).fract() < 0.035 || ((away + 40.0) * 2.2).fract() < 0.05;
        return 158.0 - 40.0 * f32::from(joint) + 12.0 * texture(seed + 41, across * 6.0, away * 9.0, 4);
    }
    let blades = texture(seed + 42, across * 22.0, away * 26.0, 3);
    86.0 + 30.0 * blades + 22.0 * texture(seed + 43, x * 3.0, y * 5.0, 2) + 30.0 * (y - 0.46)
}

/// The crown of the tree: leaves in clumps that the wind moves.
pub(crate) struct Crown {
    seed: u64,
    left: usize,
    top: usize,
    width: usize,
    /// Leaves of each row; 0 where the row shows none.
    leaves: Vec<u8>,
    sway: f32,
}

impl Crown {
    pub(crate) fn new(seed: u64, width: u32, height: u32) -> Crown {
        let (w, h) = (width as f32, height as f32);
        let (left, top) = ((w * 0.66) as usize, (h * 0.02) as usize);
        let (across, down) = ((w * 0.28) as usize, (h * 0.40) as usize);
        let leaf = |n: usize| {
            let (x, y) = ((n % across) as f32 / across as f32, (n / across) as f32 / down as f32);
            let ragged = 0.16 * texture(seed + 60, x * 9.0, y * 9.0, 3);
            let inside = hypotenuse((x - 0.5) / 0.46, (y - 0.5) / 0.46) + ragged < 1.0;
            let tone = 78.0 + 60.0 * texture(seed + 61, x * 17.0, y * 17.0, 3) - 40.0 * (y - 0.4);
            if inside { tone.clamp(12.0, 190.0) as u8 } else { 0 }
        };
        Crown {
            seed,
            left,
            top,
            width: across,
            leaves: (0..across * down).map(leaf).collect(),
            sway: w * SWAY,
        }
    }

    /// Draws it as it stands at `seconds` in a wind of `strength`; `light` is what becomes of each grey level.
    pub(crate) fn draw(&self, luma: &mut [u8], width: usize, (seconds, strength): (f32, f32), light: &[u8; 256]) {
        let gust = strength * (0.5 + 0.5 * sin(seconds * 0.21) * sin(seconds * 0.083 + 1.0));
        for (down, band) in self.leaves.chunks(self.width * CLUMP).enumerate() {
            for across in 0..self.width.div_ceil(CLUMP) {
                let own = 6.0 * unit(hash(self.seed, across as u64, down as u64));
                let lean = gust * self.sway * (sin(seconds * 3.1 + own) + 0.4 * sin(seconds * 7.3 + own * 2.0));
                let from = (across * CLUMP).saturating_add_signed(lean.round() as isize);
                let to = (across * CLUMP..self.width.min((across + 1) * CLUMP), self.top + down * CLUMP);
                self.clump(band, from, luma, width, to, light);
            }
        }
    }

    /// Draws one clump: leaves of each row of `band` beginning at `from`, to columns and rows of the picture at `to`.
    fn clump(&self, band: &[u8], from: usize, luma: &mut [u8], width: usize, to: (Range<usize>, usize), light: &[u8; 256]) {
        let (columns, top) = to;
        for (y, leaves) in band.chunks_exact(self.width).enumerate() {
            let row = &mut luma[(top + y) * width + self.left..][columns.clone()];
            for (pixel, leaf) in row.iter_mut().zip(leaves.get(from..).unwrap_or_default()) {
                if *leaf != 0 {
                    *pixel = light[*leaf as usize];
                }
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.leaves.capacity()
    }
}
