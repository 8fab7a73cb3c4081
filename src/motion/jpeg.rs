//! Compressed frames to luma: the library's decoder behind a look at the headers, so that size, kind and memory are
//! known before it starts.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZByteIoError;
use zune_jpeg::zune_core::bytestream::ZByteReaderTrait;
use zune_jpeg::zune_core::bytestream::ZSeekFrom;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::cells::Luma;
use super::cells::Packing;
use crate::limits::FRAME_HEIGHT_MAX;
use crate::limits::FRAME_WIDTH_MAX;
use crate::limits::JPEG_BYTES_PER_PIXEL_MAX;
use crate::limits::JPEG_SEGMENTS_MAX;

/// Why a compressed picture was not decoded.
#[derive(Debug, thiserror::Error)]
pub enum JpegFault {
    /// The headers make no sense.
    #[error("damaged at byte {offset}: {why}")]
    Damaged {
        /// Where.
        offset: usize,
        /// What was found.
        why: &'static str,
    },
    /// It has more bytes than any picture of its size should.
    #[error("{bytes} bytes are more than a picture of this size has")]
    Long {
        /// Bytes that it has.
        bytes: usize,
    },
    /// Its end is missing, and so part of the picture.
    #[error("cut off: no end of image after {bytes} bytes")]
    CutOff {
        /// Bytes that it has.
        bytes: usize,
    },
    /// It is not of the size that the camera said.
    #[error("the picture is {width}x{height}, not what the camera said")]
    Size {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// It is of a kind that cameras do not make and that would take memory without bound: progressive, lossless,
    /// arithmetic, or in several scans.
    #[error("not a baseline picture in one scan (marker {marker:#04x})")]
    Kind {
        /// The second byte of the marker that says so.
        marker: u8,
    },
    /// The library could not decode it.
    #[error("{0}")]
    Decode(String),
}

/// Bytes of luma that a picture decodes to.
pub const fn luma_len(width: u32, height: u32) -> usize {
    width as usize * height as usize
}

/// Most bytes that decoding takes beyond [`luma_len`] while it runs: the library's tables, and one row of blocks of
/// each component.
pub const fn transient(width: u32) -> usize {
    let row = (width as usize).next_multiple_of(32);
    128 * 1024 + row * 16 * 2 * 4
}

/// A picture whose size, kind and length are right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture<'a> {
    /// From its start to its end, without what cameras pad it with.
    pub(crate) bytes: &'a [u8],
    has_tables: bool,
}

/// Looks at the headers and the end of `data`.
pub(crate) fn examine(data: &[u8], width: u32, height: u32) -> Result<Picture<'_>, JpegFault> {
    if data.len() > luma_len(width, height) * JPEG_BYTES_PER_PIXEL_MAX {
        return Err(JpegFault::Long { bytes: data.len() });
    }
    let headers = headers(data)?;
    if (headers.width, headers.height) != (width, height) {
        return Err(JpegFault::Size {
            width: headers.width,
            height: headers.height,
        });
    }
    let bytes = whole(data).ok_or(JpegFault::CutOff { bytes: data.len() })?;
    Ok(Picture {
        bytes,
        has_tables: headers.has_tables,
    })
}

/// Decodes the luma of `picture`, `width` pixels wide, into `luma`, which holds [`luma_len`] bytes.
pub(crate) fn luma<'a>(picture: Picture<'_>, width: u32, luma: &'a mut [u8]) -> Result<Luma<'a>, JpegFault> {
    let head = if picture.has_tables { [].as_slice() } else { &STANDARD_TABLES };
    let options = DecoderOptions::new_fast()
        .set_max_width(FRAME_WIDTH_MAX as usize)
        .set_max_height(FRAME_HEIGHT_MAX as usize)
        .set_strict_mode(false)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    JpegDecoder::new_with_options(Spliced::new(head, picture.bytes), options)
        .decode_into(luma)
        .map_err(|error| JpegFault::Decode(error.to_string()))?;
    Ok(Luma {
        data: luma,
        stride: width as usize,
        packing: Packing::Planar,
    })
}

/// `data` without what cameras pad it with; `None` when there is no end of image.
fn whole(data: &[u8]) -> Option<&[u8]> {
    let padding = data.iter().rev().take_while(|byte| **byte == 0).count();
    let data = &data[..data.len() - padding];
    data.ends_with(&[0xff, 0xd9]).then_some(data)
}

/// What has to be known before decoding.
struct Headers {
    width: u32,
    height: u32,
    has_tables: bool,
}

/// Looks through the segments up to the first scan.
fn headers(data: &[u8]) -> Result<Headers, JpegFault> {
    let damaged = |offset, why| JpegFault::Damaged { offset, why };
    let byte = |at: usize| data.get(at).copied().ok_or(damaged(at, "ends within its headers"));
    let word = |at: usize| Ok::<_, JpegFault>(usize::from(byte(at)?) << 8 | usize::from(byte(at + 1)?));
    if !data.starts_with(&[0xff, 0xd8]) {
        return Err(damaged(0, "no start of image"));
    }
    let (mut at, mut frame, mut has_tables) = (2, None, false);
    for _ in 0..JPEG_SEGMENTS_MAX {
        while byte(at)? == 0xff && byte(at + 1)? == 0xff {
            at += 1;
        }
        if byte(at)? != 0xff {
            return Err(damaged(at, "no marker where one belongs"));
        }
        let (marker, length) = (byte(at + 1)?, word(at + 2)?);
        match marker {
            0xc4 => has_tables = true,
            0xc0 | 0xc1 => frame = Some((word(at + 7)? as u32, word(at + 5)? as u32, byte(at + 9)?)),
            0xc2..=0xcf => return Err(JpegFault::Kind { marker }),
            0xda => {
                let (width, height, components) = frame.ok_or(damaged(at, "a scan before the frame header"))?;
                let one_scan = byte(at + 4)? == components;
                let headers = Headers { width, height, has_tables };
                return if one_scan { Ok(headers) } else { Err(JpegFault::Kind { marker }) };
            }
            _ => {}
        }
        at += 2 + length.max(2);
    }
    Err(damaged(at, "too many segments"))
}

/// A start of image and tables before the rest of a picture, read as one without copying it together.
struct Spliced<'a> {
    /// Replaces the first two bytes of `rest`, or is empty.
    head: &'a [u8],
    rest: &'a [u8],
    position: usize,
}

impl<'a> Spliced<'a> {
    fn new(head: &'a [u8], picture: &'a [u8]) -> Spliced<'a> {
        Spliced {
            head,
            rest: if head.is_empty() { picture } else { &picture[2..] },
            position: 0,
        }
    }

    fn len(&self) -> usize {
        self.head.len() + self.rest.len()
    }

    /// What is left of the part that is being read.
    #[inline]
    fn part(&self, from: usize) -> &'a [u8] {
        match from.checked_sub(self.head.len()) {
            Some(from) => self.rest.get(from..).unwrap_or(&[]),
            None => &self.head[from..],
        }
    }

    /// Copies from `from` on; how many bytes there were.
    fn copy(&self, mut from: usize, buf: &mut [u8]) -> usize {
        let mut done = 0;
        while done < buf.len() {
            let part = self.part(from);
            let n = part.len().min(buf.len() - done);
            if n == 0 {
                break;
            }
            buf[done..done + n].copy_from_slice(&part[..n]);
            (done, from) = (done + n, from + n);
        }
        done
    }
}

impl ZByteReaderTrait for Spliced<'_> {
    #[inline]
    fn read_byte_no_error(&mut self) -> u8 {
        let byte = self.part(self.position).first().copied().unwrap_or(0);
        self.position += 1;
        byte
    }

    #[inline]
    fn read_exact_bytes(&mut self, buf: &mut [u8]) -> Result<(), ZByteIoError> {
        self.peek_exact_bytes(buf)?;
        self.position += buf.len();
        Ok(())
    }

    fn read_bytes(&mut self, buf: &mut [u8]) -> Result<usize, ZByteIoError> {
        let done = self.copy(self.position, buf);
        self.position += done;
        Ok(done)
    }

    fn peek_bytes(&mut self, buf: &mut [u8]) -> Result<usize, ZByteIoError> {
        Ok(self.copy(self.position, buf))
    }

    #[inline]
    fn peek_exact_bytes(&mut self, buf: &mut [u8]) -> Result<(), ZByteIoError> {
        if let Some(bytes) = self.part(self.position).get(..buf.len()) {
            buf.copy_from_slice(bytes);
            return Ok(());
        }
        let done = self.copy(self.position, buf);
        if done == buf.len() {
            Ok(())
        } else {
            Err(ZByteIoError::NotEnoughBytes(done, buf.len()))
        }
    }

    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        let to = match from {
            ZSeekFrom::Start(to) => i64::try_from(to).ok(),
            ZSeekFrom::End(by) => (self.len() as i64).checked_add(by),
            ZSeekFrom::Current(by) => (self.position as i64).checked_add(by),
        };
        let to = to.and_then(|to| usize::try_from(to).ok());
        self.position = to.ok_or(ZByteIoError::Generic("seek before the beginning"))?;
        Ok(self.position as u64)
    }

    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        Ok(self.position >= self.len())
    }

    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        Ok(self.position as u64)
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        let from = sink.len();
        sink.resize(from + self.len().saturating_sub(self.position), 0);
        self.read_bytes(&mut sink[from..])
    }
}

/// Start of image (2 bytes) and a segment with the Huffman tables of ISO/IEC 10918-1, annex K.3, which motion JPEG leaves out.
pub static STANDARD_TABLES: [u8; 422] = standard_tables();

const fn standard_tables() -> [u8; 422] {
    let parts: [&[u8]; 9] = [
        &[0xff, 0xd8, 0xff, 0xc4, 0x01, 0xa2],
        &DC_LUMA,
        &DC_VALUES,
        &DC_CHROMA,
        &DC_VALUES,
        &AC_LUMA,
        &AC_LUMA_VALUES,
        &AC_CHROMA,
        &AC_CHROMA_VALUES,
    ];
    let (mut all, mut at, mut part) = ([0; 422], 0, 0);
    while part < parts.len() {
        let mut byte = 0;
        while byte < parts[part].len() {
            all[at] = parts[part][byte];
            byte += 1;
            at += 1;
        }
        part += 1;
    }
    assert!(at == all.len());
    all
}

// Class and number of each table, then how many codes it has of 1 to 16 bits.
const DC_LUMA: [u8; 17] = [0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CHROMA: [u8; 17] = [0x01, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const AC_LUMA: [u8; 17] = [0x10, 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
const AC_CHROMA: [u8; 17] = [0x11, 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
#[rustfmt::skip]
const AC_LUMA_VALUES: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08,
    0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6,
    0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];
#[rustfmt::skip]
const AC_CHROMA_VALUES: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91,
    0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4,
    0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];
