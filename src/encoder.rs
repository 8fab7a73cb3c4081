//! JPEG of frames: raw ones are encoded, once; those of cameras that make JPEG pass as they are, completed by the tables that
//! these cameras leave out.

use std::io;
use std::io::Write;

use bytes::Bytes;
use jpeg_encoder::Encoder;
use jpeg_encoder::ImageBuffer;
use jpeg_encoder::JpegColorType;
use jpeg_encoder::SamplingFactor;

use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::limits::PICTURE_BYTES_MIN;
use crate::limits::PICTURE_QUALITY_MIN;
use crate::motion::jpeg::STANDARD_TABLES;

/// Rows that the library holds of each component: those of one row of blocks, with colour at half the height.
const ROWS_HELD: usize = 16;
/// Length of the marker that a picture begins with, which the tables come with as well.
const SOI_BYTES: usize = 2;
/// How much worse a picture that was too long is made the next time.
const QUALITY_STEP: u8 = 15;
/// How often that is tried for one picture.
const TRIES_MAX: usize = 4;

/// Longest JPEG made of a raw picture of this size, in bytes: one and a half bits a pixel. Longer: made again at less quality.
pub const fn encoded_bytes_max(width: u32, height: u32) -> usize {
    let bytes = width as usize * height as usize * 3 / 16;
    if bytes < PICTURE_BYTES_MIN { PICTURE_BYTES_MIN } else { bytes }
}

/// Longest JPEG taken from a camera that makes it itself, in bytes: three bits a pixel. Longer: left out, and counted.
pub const fn camera_bytes_max(width: u32, height: u32) -> usize {
    2 * encoded_bytes_max(width, height)
}

/// Most bytes that encoding holds beside the picture that it makes.
pub const fn footprint(width: u32) -> usize {
    (width as usize + 16) * ROWS_HELD * 4 + 8 * 1024
}

/// Makes JPEG of frames.
#[derive(Debug)]
pub struct Developer {
    quality_max: u8,
    quality: u8,
    scratch: Vec<u8>,
}

impl Developer {
    /// One that makes pictures of this quality at most, 1 to 100.
    pub fn new(quality: u8) -> Developer {
        Developer {
            quality_max: quality,
            quality,
            scratch: Vec::new(),
        }
    }

    /// The JPEG of a frame; none when it is too long, or no picture.
    #[inline(never)] // what it is called from is built for size, and what is inlined there is, too
    pub fn develop(&mut self, format: &FrameFormat, data: &[u8]) -> Option<Bytes> {
        if format.pixel == PixelFormat::Mjpeg {
            let jpeg = complete(data)?;
            return (jpeg.len() <= camera_bytes_max(format.width, format.height)).then_some(jpeg);
        }
        for _ in 0..TRIES_MAX {
            if self.encode(format, data) {
                // Back up by little steps, so that the next need not be made twice.
                let roomy = self.scratch.len() < self.scratch.capacity() / 4 * 3;
                self.quality = (self.quality + u8::from(roomy)).min(self.quality_max);
                return Some(Bytes::copy_from_slice(&self.scratch));
            }
            if self.quality <= PICTURE_QUALITY_MIN {
                return None;
            }
            self.quality = self.quality.saturating_sub(QUALITY_STEP).max(PICTURE_QUALITY_MIN);
        }
        None
    }

    /// Fills `scratch`; whether it was long enough.
    fn encode(&mut self, format: &FrameFormat, data: &[u8]) -> bool {
        let bytes_max = encoded_bytes_max(format.width, format.height);
        self.scratch.clear();
        self.scratch.reserve_exact(bytes_max);
        let (Ok(width), Ok(height)) = (u16::try_from(format.width), u16::try_from(format.height)) else {
            return false;
        };
        let mut encoder = Encoder::new(Bounded(&mut self.scratch, bytes_max), self.quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        let raw = Raw {
            format: *format,
            data,
            width,
            height,
        };
        encoder.encode_image(raw).is_ok()
    }
}

/// Memory that takes so many bytes and no more.
struct Bounded<'a>(&'a mut Vec<u8>, usize);

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > self.1 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A raw frame as the library wants it: row by row, each component by itself at full width.
struct Raw<'a> {
    format: FrameFormat,
    data: &'a [u8],
    width: u16,
    height: u16,
}

impl ImageBuffer for Raw<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        match self.format.pixel {
            PixelFormat::Grey => JpegColorType::Luma,
            _ => JpegColorType::Ycbcr,
        }
    }
    fn width(&self) -> u16 {
        self.width
    }
    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, [luma, u, v, _]: &mut [Vec<u8>; 4]) {
        let (y, width, height) = (usize::from(y), usize::from(self.width), usize::from(self.height));
        let stride = self.format.stride as usize;
        match self.format.pixel {
            PixelFormat::Grey | PixelFormat::Mjpeg => luma.extend_from_slice(self.row(y * stride, width)),
            PixelFormat::Yuyv => packed(self.row(y * stride, 2 * width), [0, 1, 2, 3], [luma, u, v]),
            PixelFormat::Uyvy => packed(self.row(y * stride, 2 * width), [1, 0, 3, 2], [luma, u, v]),
            PixelFormat::Nv12 => {
                luma.extend_from_slice(self.row(y * stride, width));
                let colour = self.row((height + y / 2) * stride, width);
                u.extend(colour.chunks_exact(2).flat_map(|pair| [pair[0]; 2]));
                v.extend(colour.chunks_exact(2).flat_map(|pair| [pair[1]; 2]));
            }
            PixelFormat::Yu12 => {
                luma.extend_from_slice(self.row(y * stride, width));
                let (half, rows) = (stride / 2, height.div_ceil(2));
                let begin = height * stride + y / 2 * half;
                let twice = |row: &[u8], into: &mut Vec<u8>| into.extend(row.iter().flat_map(|value| [*value; 2]));
                twice(self.row(begin, width / 2), u);
                twice(self.row(begin + rows * half, width / 2), v);
            }
        }
    }
}

impl<'a> Raw<'a> {
    /// So many bytes from `begin` on. A frame is whole by the promise of its source; were it not, its last bytes would be seen
    /// again, and not a panic.
    fn row(&self, begin: usize, length: usize) -> &'a [u8] {
        let begin = begin.min(self.data.len().saturating_sub(length));
        &self.data[begin..][..length.min(self.data.len() - begin)]
    }
}

/// Takes two pixels of 4:2:2 apart at a time; `places` are those of the first luma, U, the second luma, V.
fn packed(row: &[u8], places: [usize; 4], [luma, u, v]: [&mut Vec<u8>; 3]) {
    for pair in row.chunks_exact(4) {
        luma.extend([pair[places[0]], pair[places[2]]]);
        u.extend([pair[places[1]]; 2]);
        v.extend([pair[places[3]]; 2]);
    }
}

/// The picture with Huffman tables before its scan, where it has none: browsers want them. None when it is no JPEG.
fn complete(data: &[u8]) -> Option<Bytes> {
    let (mut at, mut has_tables) = (SOI_BYTES, false);
    if !data.starts_with(&[0xFF, 0xD8]) {
        return None;
    }
    loop {
        let &[0xFF, marker, high, low] = data.get(at..at + 4)? else {
            return None;
        };
        match marker {
            0xC4 => has_tables = true,
            0xDA if has_tables => return Some(Bytes::copy_from_slice(data)),
            0xDA => return Some([&data[..at], &STANDARD_TABLES[SOI_BYTES..], &data[at..]].concat().into()),
            _ => {}
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
}
