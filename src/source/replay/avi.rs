//! MJPEG in AVI: RIFF chunks, read forward. Lists are descended into and their lengths not relied on, so files beyond
//! 1 GiB (OpenDML: more `RIFF` chunks follow the first) and files whose writer could not go back (lengths 0) play too.
//! Formats: Microsoft's AVI RIFF file reference; OpenDML AVI file format extensions 1.02.

use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::frame::SourceError;
use crate::limits::AVI_HEADER_CHUNKS_MAX;
use crate::source::check_size;
use crate::source::jpeg_bytes_max;
use crate::source::pace::Rate;
use crate::source::pace::Taken;
use crate::source::replay::Pictures;
use crate::source::replay::input::Input;
use crate::source::replay::jpeg;
use crate::source::same_size;

/// Whether a file that begins so is an AVI file.
pub(crate) fn is_avi(head: &[u8]) -> bool {
    head.starts_with(b"RIFF") && head.get(8..12) == Some(b"AVI ")
}

/// The first video stream of an AVI file.
pub(crate) struct Avi {
    input: Input,
    format: FrameFormat,
    /// Where the first chunk of the `movi` list stands.
    movi: u64,
    /// First two characters of the stream's chunks: its number.
    stream: [u8; 2],
}

/// What is learned on the way to the pictures.
#[derive(Default)]
struct Header {
    /// Streams seen, the one at hand included.
    streams: u8,
    /// Number and rate of the first video stream.
    video: Option<(u8, Option<Rate>)>,
    size: Option<(u32, u32)>,
}

/// A chunk's name and the length of its payload; for a list, its kind, and the payload begins behind that.
enum Chunk {
    List([u8; 4]),
    Data([u8; 4], u32),
}

impl Avi {
    /// Reads the headers up to the first picture; `rate` overrides what they say.
    pub(crate) fn open(mut input: Input, rate: Option<Rate>) -> Result<(Avi, Rate), SourceError> {
        let header = Header::read(&mut input)?;
        let (Some((stream, own_rate)), Some((width, height))) = (header.video, header.size) else {
            return Err(input.unsupported("there is no MJPEG video stream in this AVI file"));
        };
        check_size(width, height).map_err(|why| input.unsupported(why))?;
        let rate = rate.or(own_rate);
        let rate = rate.ok_or_else(|| input.damaged("the headers name no usable frame rate; give one with fps="))?;
        let avi = Avi {
            format: FrameFormat::packed(PixelFormat::Mjpeg, width, height, rate.interval()),
            movi: input.offset(),
            stream: [b'0' + stream / 10, b'0' + stream % 10],
            input,
        };
        Ok((avi, rate))
    }
}

impl Header {
    /// Takes everything up to the payload of the `movi` list.
    fn read(input: &mut Input) -> Result<Header, SourceError> {
        let mut header = Header::default();
        for _ in 0..AVI_HEADER_CHUNKS_MAX {
            match next_chunk(input)? {
                None => return Err(input.damaged("the file ends before its pictures (no movi list)")),
                Some(Chunk::List(kind)) if &kind == b"movi" => return Ok(header),
                Some(Chunk::List(_)) => {}
                Some(Chunk::Data(name, length)) => {
                    let known = input.peek(40)?;
                    let known = &known[..known.len().min(length as usize)];
                    match &name {
                        b"strh" => header.stream_header(known),
                        b"strf" => header.stream_format(known).map_err(|why| input.unsupported(why))?,
                        _ => {}
                    }
                    input.skip(padded(length))?;
                }
            }
        }
        Err(input.damaged("too many chunks before the pictures"))
    }

    /// `AVISTREAMHEADER`: the kind of stream, then at 20 `dwScale` and `dwRate`.
    fn stream_header(&mut self, bytes: &[u8]) {
        if bytes.starts_with(b"vids") && self.video.is_none() {
            let rate = u32_at(bytes, 24).zip(u32_at(bytes, 20));
            self.video = Some((self.streams.min(99), rate.and_then(|(frames, seconds)| Rate::new(frames, seconds))));
        }
        self.streams = self.streams.saturating_add(1);
    }

    /// `BITMAPINFOHEADER` of the stream whose header came before.
    fn stream_format(&mut self, bytes: &[u8]) -> Result<(), String> {
        let ours = self.video.is_some_and(|(stream, _)| stream + 1 == self.streams);
        if !ours || self.size.is_some() {
            return Ok(());
        }
        let codec = bytes.get(16..20).unwrap_or_default();
        if !matches!(codec, b"MJPG" | b"mjpg" | b"JPEG" | b"jpeg") {
            let codec = codec.escape_ascii();
            return Err(format!(
                "the video stream is {codec:?}; of AVI files only MJPEG is played (ffmpeg: -c:v mjpeg)"
            ));
        }
        // A negative height means rows from the top.
        let height = u32_at(bytes, 8).map(|height| height.cast_signed().unsigned_abs());
        self.size = u32_at(bytes, 4).zip(height);
        Ok(())
    }
}

impl Pictures for Avi {
    fn input(&self) -> &Input {
        &self.input
    }

    fn format(&self) -> FrameFormat {
        self.format
    }

    fn read(&mut self, into: &mut Vec<u8>) -> Result<Taken, SourceError> {
        loop {
            let at = self.input.offset();
            match next_chunk(&mut self.input)? {
                None => return Ok(Taken::End),
                Some(Chunk::List(_)) => {}
                Some(Chunk::Data(name, length)) if self.is_ours(name) => return self.picture(at, length, into),
                Some(Chunk::Data(name, length)) => {
                    if !name.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
                        return Err(self.input.damaged_at(at, "there should be a chunk here"));
                    }
                    self.input.skip(padded(length))?;
                }
            }
        }
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.input.rewind(self.movi)
    }
}

impl Avi {
    /// `00dc`: compressed video; some writers say `00db`.
    fn is_ours(&self, name: [u8; 4]) -> bool {
        name[..2] == self.stream && matches!(&name[2..], b"dc" | b"db")
    }

    /// The payload of a video chunk. An empty one means: as before; there is no new picture.
    fn picture(&mut self, at: u64, length: u32, into: &mut Vec<u8>) -> Result<Taken, SourceError> {
        let bytes = length as usize;
        if bytes == 0 {
            return Ok(Taken::Short);
        }
        if bytes > jpeg_bytes_max(Some(self.format)) {
            self.input.skip(padded(length))?;
            return Ok(Taken::Corrupt);
        }
        into.resize(bytes, 0);
        let whole = self.input.read(into)? == bytes;
        self.input.skip(padded(length) - u64::from(length))?;
        match jpeg::size(into).filter(|_| whole) {
            None => Ok(Taken::Corrupt),
            Some(size) => {
                same_size(self.format, size).map_err(|why| self.input.damaged_at(at, why))?;
                Ok(Taken::Whole)
            }
        }
    }
}

/// Takes the next chunk's header; `None` at the end of the file, a torn header included.
fn next_chunk(input: &mut Input) -> Result<Option<Chunk>, SourceError> {
    let here = input.peek(12)?;
    let Some(name) = here.first_chunk::<4>().copied() else {
        return Ok(None);
    };
    if &name == b"RIFF" || &name == b"LIST" {
        let Some(kind) = here.get(8..12).and_then(|kind| kind.first_chunk::<4>().copied()) else {
            return Ok(None);
        };
        input.consume(12);
        return Ok(Some(Chunk::List(kind)));
    }
    let Some(length) = u32_at(here, 4) else {
        return Ok(None);
    };
    input.consume(8);
    Ok(Some(Chunk::Data(name, length)))
}

/// Chunks begin at even places.
fn padded(length: u32) -> u64 {
    u64::from(length) + u64::from(length % 2)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
