//! The USB webcam of the firmware tests' guest: `usbcam FILE` is plugged in until it ends. It films a wall, before which something bright goes to
//! and fro while FILE is there. Built by one call of the compiler, without a crate.

#[path = "../common/usb_webcam.rs"]
mod usb_webcam;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use usb_webcam::Exposure;
use usb_webcam::Model;

const MODEL: Model = Model {
    product: "Porch",
    interval: Duration::from_millis(100),
};
/// Blocks of 8x8 pixels of the picture of 640x480.
const COLUMNS: usize = 80;
const ROWS: usize = 60;
/// Blocks of what moves, and how far it comes from picture to picture.
const SIZE: (usize, usize) = (8, 16);
const STEP: usize = 2;

fn main() -> io::Result<()> {
    let usage = || io::Error::other("a file is asked for, whose being there means motion");
    let moves = std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(usage)?;
    let (mut steps, mut seed) = (0, 1);
    let expose = move || {
        steps += usize::from(moves.exists());
        let place = to_and_fro(steps * STEP, COLUMNS - SIZE.0);
        let data = picture(|x, y| scene(x, y, place).wrapping_add(grain(&mut seed)));
        Some(Exposure { data, damaged: false })
    };
    usb_webcam::serve(&usb_webcam::plug()?, MODEL, expose)
}

/// Where someone is after `way`, who turns round at 0 and at `end`.
fn to_and_fro(way: usize, end: usize) -> usize {
    let way = way % (2 * end);
    way.min(2 * end - way)
}

/// Brightness of a block: a wall of bricks, and what stands before it at `place`.
fn scene(x: usize, y: usize, place: usize) -> u8 {
    let beyond = ROWS / 2;
    if (place..place + SIZE.0).contains(&x) && (beyond..beyond + SIZE.1).contains(&y) {
        return 230;
    }
    60 + 30 * ((x / 8 + y / 6) % 3) as u8
}

/// A sensor's noise, of a level or none (linear congruential generator of Numerical Recipes).
fn grain(seed: &mut u32) -> u8 {
    *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*seed >> 31) as u8
}

/// A grey picture whose blocks are each of one brightness: baseline JPEG (ISO/IEC 10918-1) in 4:2:2 without its Huffman tables, as many
/// webcams send it, of which a block has its DC coefficient alone.
fn picture(mut brightness: impl FnMut(usize, usize) -> u8) -> Vec<u8> {
    let [height, width] = [ROWS * 8, COLUMNS * 8].map(|pixels| (pixels as u16).to_be_bytes());
    let head: [&[u8]; 7] = [
        &[0xff, 0xd8, 0xff, 0xdb, 0, 67, 0],
        &[8; 64], // a step of eight in eight times the mean: the mean itself
        &[0xff, 0xc0, 0, 17, 8],
        &height,
        &width,
        &[3, 1, 0x21, 0, 2, 0x11, 0, 3, 0x11, 0],
        &[0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0],
    ];
    let (bytes, bits) = (head.concat(), 1);
    let mut scan = Scan { bytes, bits };
    let mut before = 128;
    for y in 0..ROWS {
        for unit in 0..COLUMNS / 2 {
            for x in [2 * unit, 2 * unit + 1] {
                let mean = i32::from(brightness(x, y));
                scan.block(mean - before);
                before = mean;
            }
            scan.block(0);
            scan.block(0);
        }
    }
    scan.end()
}

/// Entropy-coded bytes; of the one that is not yet full, its bits below a leading one.
struct Scan {
    bytes: Vec<u8>,
    bits: u32,
}

impl Scan {
    /// A block whose DC coefficient is that of the block before, and `more`: tables K.3 and K.5 of the standard.
    fn block(&mut self, more: i32) {
        let size = more.unsigned_abs().checked_ilog2().map_or(0, |log| log + 1);
        match size {
            0 => self.put(0b00, 2),
            1..=5 => self.put(size + 1, 3),
            _ => self.put((1 << (size - 2)) - 2, size - 2),
        }
        self.put((more - i32::from(more < 0)) as u32, size);
        self.put(0b1010, 4); // end of block
    }

    /// The lowest `count` bits of `value`.
    fn put(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.bits = self.bits << 1 | (value >> bit & 1);
            if self.bits >= 0x100 {
                self.bytes.push(self.bits as u8);
                if self.bits == 0x1ff {
                    self.bytes.push(0);
                }
                self.bits = 1;
            }
        }
    }

    fn end(mut self) -> Vec<u8> {
        while self.bits != 1 {
            self.put(1, 1);
        }
        self.bytes.extend([0xff, 0xd9]);
        self.bytes
    }
}
