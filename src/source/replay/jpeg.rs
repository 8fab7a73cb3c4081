//! Where a JPEG picture ends and how large it is, by its markers; nothing is decoded.
//! Format: ITU-T T.81, annex B. A marker inside a segment (a thumbnail's, say) is payload and never looked at.

use crate::frame::SourceError;
use crate::limits::CLIP_GAP_BYTES_MAX;
use crate::source::replay::input::Input;

/// Start of image: how every picture begins.
pub(crate) const SOI: [u8; 2] = [0xff, 0xd8];

const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// Width and height in pixels.
pub(crate) type Size = (u32, u32);

/// What stands at a place of a stream of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A whole picture.
    Picture(Size),
    /// Something that began like a picture and is none, or one longer than allowed.
    Broken,
    /// Nothing more.
    End,
}

/// Takes the next picture into `into`; of one longer than `bytes_max` only the place is taken. At [`Scan::End`] `into` is as it was.
pub(crate) fn take_picture(input: &mut Input, bytes_max: usize, into: &mut Vec<u8>) -> Result<Scan, SourceError> {
    if !find_start(input)? {
        return Ok(Scan::End);
    }
    into.clear();
    let too_long = false;
    let mut picture = Picture {
        input,
        bytes_max,
        into,
        too_long,
    };
    picture.copy(SOI.len())?;
    picture.take()
}

/// The size that the frame header of a whole picture says.
pub(crate) fn size(picture: &[u8]) -> Option<Size> {
    let mut rest = picture.strip_prefix(&SOI)?;
    loop {
        let [0xff, marker, ..] = *rest else { return None };
        match marker {
            0xff => rest = &rest[1..],
            EOI | SOS => return None,
            _ if stands_alone(marker) => rest = &rest[2..],
            _ => {
                let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
                if is_frame_header(marker) {
                    return size_in(rest.get(4..)?);
                }
                rest = rest.get(2 + length.max(2)..)?;
            }
        }
    }
}

/// Stands at the next SOI; false at the end of the file. Cameras pad between pictures, some with rubbish.
fn find_start(input: &mut Input) -> Result<bool, SourceError> {
    let mut passed = 0;
    loop {
        let here = input.peek(2)?;
        if here.len() < 2 {
            return Ok(false);
        }
        if here.starts_with(&SOI) {
            return Ok(true);
        }
        let step = here.windows(2).position(|pair| pair == SOI).unwrap_or(here.len() - 1);
        passed += step;
        if passed > CLIP_GAP_BYTES_MAX {
            return Err(input.damaged("no picture follows within reach"));
        }
        input.consume(step);
    }
}

/// One picture on its way from the input.
struct Picture<'a> {
    input: &'a mut Input,
    bytes_max: usize,
    into: &'a mut Vec<u8>,
    too_long: bool,
}

impl Picture<'_> {
    /// Segment after segment to the end of the picture.
    fn take(&mut self) -> Result<Scan, SourceError> {
        let mut size = None;
        loop {
            let &[0xff, marker, ..] = self.input.peek(2)? else {
                return Ok(Scan::Broken);
            };
            if is_frame_header(marker) {
                size = self.input.peek(9)?.get(4..).and_then(size_in);
            }
            let whole = match marker {
                0xff => self.copy(1)?, // fill byte
                0xd8 => false,         // the next picture begins: the end of this one is missing
                EOI => {
                    let whole = self.copy(2)? && !self.too_long;
                    return Ok(size.filter(|_| whole).map_or(Scan::Broken, Scan::Picture));
                }
                SOS => self.segment()? && self.entropy()?,
                _ if stands_alone(marker) => self.copy(2)?,
                _ => self.segment()?,
            };
            if !whole {
                return Ok(Scan::Broken);
            }
        }
    }

    /// A marker and what its length says; false when that is impossible or the file ends.
    fn segment(&mut self) -> Result<bool, SourceError> {
        let &[_, _, high, low, ..] = self.input.peek(4)? else {
            return Ok(false);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        Ok(length >= 2 && self.copy(2 + length)?)
    }

    /// Entropy-coded data up to the next marker; false when the file ends before.
    fn entropy(&mut self) -> Result<bool, SourceError> {
        loop {
            let here = self.input.peek(2)?;
            if here.len() < 2 {
                return Ok(false);
            }
            let (data, ends) = entropy_len(here);
            self.copy(data)?;
            if ends {
                return Ok(true);
            }
        }
    }

    /// Takes `count` bytes; false when the file ends before.
    fn copy(&mut self, count: usize) -> Result<bool, SourceError> {
        self.too_long |= self.into.len() + count > self.bytes_max;
        let mut left = count;
        while left > 0 {
            let here = self.input.peek(1)?;
            if here.is_empty() {
                return Ok(false);
            }
            let step = here.len().min(left);
            if !self.too_long {
                self.into.extend_from_slice(&here[..step]);
            }
            self.input.consume(step);
            left -= step;
        }
        Ok(true)
    }
}

/// Bytes of entropy-coded data at the beginning of `here`, and whether the marker that ends it follows there: FF with neither 0 (a
/// stuffed FF) nor a restart marker's code.
fn entropy_len(here: &[u8]) -> (usize, bool) {
    for at in memchr::memchr_iter(0xff, here) {
        match here.get(at + 1) {
            Some(0) => {}
            Some(code) if stands_alone(*code) => {}
            Some(_) => return (at, true),
            None => return (at, false), // its code is still to come
        }
    }
    (here.len(), false)
}

/// SOF0 to SOF15 without DHT, JPG and DAC, which stand among them.
fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// Markers without a length: TEM, RST0 to RST7.
fn stands_alone(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xd0..=0xd7)
}

/// Height and width stand after the sample precision.
fn size_in(frame_header: &[u8]) -> Option<Size> {
    let &[_, h1, h0, w1, w0, ..] = frame_header else { return None };
    Some((u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into()))
}
