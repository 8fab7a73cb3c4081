//! A small baseline JPEG encoder, so that tests and benchmarks have compressed frames: gray or 4:2:0, with or without Huffman tables.

use lookout::motion::jpeg::STANDARD_TABLES;

/// How to encode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoding {
    /// Two components of chroma at a quarter of the size, which are flat; else luma alone.
    pub(crate) colour: bool,
    /// Whether the Huffman tables are in the picture.
    pub(crate) tables: bool,
    /// Step of quantisation, the same for every coefficient: 1 is nearly lossless.
    pub(crate) step: u8,
}

/// `luma` (`width * height` bytes, both multiples of 16) as a JPEG picture.
pub(crate) fn encode(luma: &[u8], width: usize, height: usize, how: Encoding) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    out.extend([how.step; 64]);
    let [h1, h0] = (height as u16).to_be_bytes();
    let [w1, w0] = (width as u16).to_be_bytes();
    if how.colour {
        out.extend([0xff, 0xc0, 0, 17, 8, h1, h0, w1, w0, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
    } else {
        out.extend([0xff, 0xc0, 0, 11, 8, h1, h0, w1, w0, 1, 1, 0x11, 0]);
    }
    if how.tables {
        out.extend(&STANDARD_TABLES[2..]);
    }
    if how.colour {
        out.extend([0xff, 0xda, 0, 12, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    } else {
        out.extend([0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 63, 0]);
    }
    let mut bits = Bits { out, held: 0, count: 0 };
    scan(luma, width, height, how, &mut bits);
    bits.finish()
}

fn scan(luma: &[u8], width: usize, height: usize, how: Encoding, bits: &mut Bits) {
    let (luma_codes, chroma_codes) = (Codes::of(0), Codes::of(1));
    let (mut dc, mut chroma) = (0, [0, 0]);
    let side = if how.colour { 16 } else { 8 };
    for top in (0..height).step_by(side) {
        for left in (0..width).step_by(side) {
            for block in 0..(side / 8) * (side / 8) {
                let (x, y) = (left + block % 2 * 8, top + block / 2 * 8);
                let pixels = |i: usize| f32::from(luma[(y + i / 8) * width + x + i % 8]) - 128.0;
                bits.block(&transform(pixels, how.step), &mut dc, &luma_codes);
            }
            if how.colour {
                chroma.iter_mut().for_each(|dc| bits.block(&[0; 64], dc, &chroma_codes));
            }
        }
    }
}

/// Forward DCT of a block, quantised, in zigzag order.
fn transform(pixel: impl Fn(usize) -> f32, step: u8) -> [i32; 64] {
    let cosine = |x: usize, u: usize| ((2 * x + 1) as f32 * u as f32 * std::f32::consts::PI / 16.0).cos();
    let table: [[f32; 8]; 8] =
        std::array::from_fn(|u| std::array::from_fn(|x| cosine(x, u) * if u == 0 { 0.5f32.sqrt() } else { 1.0 } / 2.0));
    let rows: [[f32; 8]; 8] = std::array::from_fn(|y| std::array::from_fn(|u| (0..8).map(|x| pixel(y * 8 + x) * table[u][x]).sum()));
    let at = |v: usize, u: usize| (0..8).map(|y| rows[y][u] * table[v][y]).sum::<f32>();
    std::array::from_fn(|i| {
        let natural = ZIGZAG[i];
        (at(natural / 8, natural % 8) / f32::from(step)).round() as i32
    })
}

#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Code and length of each symbol.
struct Codes {
    dc: [(u32, u32); 256],
    ac: [(u32, u32); 256],
}

impl Codes {
    /// The standard tables number 0 (luma) or 1 (chroma).
    fn of(number: u8) -> Codes {
        let mut codes = Codes {
            dc: [(0, 0); 256],
            ac: [(0, 0); 256],
        };
        let mut rest = &STANDARD_TABLES[6..];
        while let [kind, lengths @ ..] = rest {
            let (lengths, values) = lengths.split_at(16);
            let total = lengths.iter().map(|n| usize::from(*n)).sum();
            let (values, after) = values.split_at(total);
            if kind & 0xf == number {
                let table = if kind >> 4 == 0 { &mut codes.dc } else { &mut codes.ac };
                let (mut code, mut values) = (0, values.iter());
                for (length, count) in lengths.iter().enumerate() {
                    for value in values.by_ref().take(usize::from(*count)) {
                        table[usize::from(*value)] = (code, length as u32 + 1);
                        code += 1;
                    }
                    code <<= 1;
                }
            }
            rest = after;
        }
        codes
    }
}

struct Bits {
    out: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, length: u32) {
        self.held = (self.held << length) | u64::from(value);
        self.count += length;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.held >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
        }
    }

    /// A signed value in its category's bits.
    fn value(&mut self, value: i32, category: u32) {
        let raw = if value < 0 { value - 1 } else { value };
        self.put(raw as u32 & ((1 << category) - 1), category);
    }

    fn block(&mut self, coefficients: &[i32; 64], dc: &mut i32, codes: &Codes) {
        let category = |value: i32| 32 - value.unsigned_abs().leading_zeros();
        let change = coefficients[0] - std::mem::replace(dc, coefficients[0]);
        let (code, length) = codes.dc[category(change) as usize];
        self.put(code, length);
        self.value(change, category(change));
        let mut zeros = 0;
        for &value in &coefficients[1..] {
            if value == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 {
                self.put(codes.ac[0xf0].0, codes.ac[0xf0].1);
                zeros -= 16;
            }
            let (code, length) = codes.ac[zeros << 4 | category(value) as usize];
            self.put(code, length);
            self.value(value, category(value));
            zeros = 0;
        }
        if zeros > 0 {
            self.put(codes.ac[0].0, codes.ac[0].1);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.put(0x7f, 7);
        }
        self.out.extend([0xff, 0xd9]);
        self.out
    }
}
