//! A recording: frames and edges on one time line, in one file, as `lookout record` writes it and `replay` plays it.
//!
//! ```text
//! lookout-recording 1\n                      magic and version
//! {"pixel":"grey","width":640,...}\n         Header, one line of JSON
//! record, record, ...                        to the end of the file
//! ```
//!
//! A record, integers little-endian:
//!
//! | byte | length | what |
//! | --- | --- | --- |
//! | 0 | 4 | `LKF` and a kind: `f` a frame, payload its bytes; `e` an edge, payload one byte, 1 active, 0 not |
//! | 4 | 4 | length of the payload |
//! | 8 | 8 | nanoseconds since the recording began; those of frames increase, those of edges never go back |
//! | 16 | 4 | CRC-32 (IEEE) of bytes 0 to 15 and the payload |
//! | 20 | length | payload |
//!
//! Whoever is killed while writing leaves a torn last record: the reader gives all whole ones and counts the torn one as
//! corrupt. A record whose CRC does not fit is counted and passed over; one whose header is none is an error.

use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::clock::Mono;
use crate::clock::Timestamp;
use crate::clock::Wall;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::frame::SourceError;
use crate::limits::RECORDING_SECONDS_MAX;
use crate::limits::RECORDING_SYNC_MS;
use crate::source::check_size;
use crate::source::frame_bytes_max;
use crate::source::pace::Item;
use crate::source::pace::Kind;
use crate::source::pace::Reel;
use crate::source::pace::Taken;
use crate::source::replay::input::Input;
use crate::trigger::Edge;

/// First bytes of a recording of any version.
pub(crate) const MAGIC: &[u8] = b"lookout-recordin";
const FIRST_LINE: &str = "lookout-recording 1";
const RECORD_BYTES: usize = 20;
const FRAME: [u8; 4] = *b"LKFf";
const EDGE: [u8; 4] = *b"LKFe";

/// What a recording says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Byte layout of the frames.
    pub pixel: PixelFormat,
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row of the first plane to the next.
    pub stride: u32,
    /// Nominal time from one frame to the next, in microseconds.
    pub interval_us: u64,
    /// Which camera.
    pub camera_id: String,
    /// When it began, by the wall clock.
    pub began: Timestamp,
    /// Whether that clock was to be believed.
    pub synced: bool,
}

impl Header {
    /// For frames of `format` from `camera_id`, beginning at `wall`.
    pub fn new(format: FrameFormat, camera_id: &str, wall: Wall) -> Header {
        Header {
            pixel: format.pixel,
            width: format.width,
            height: format.height,
            stride: format.stride,
            interval_us: format.interval.as_micros() as u64,
            camera_id: camera_id.to_owned(),
            began: wall.at,
            synced: wall.synced,
        }
    }

    /// What its frames are.
    pub fn format(&self) -> FrameFormat {
        FrameFormat {
            pixel: self.pixel,
            width: self.width,
            height: self.height,
            stride: self.stride,
            interval: Duration::from_micros(self.interval_us),
        }
    }

    /// What is wrong with it, if anything.
    fn check(&self) -> Result<(), String> {
        check_size(self.width, self.height)?;
        let row = self.pixel.row_bytes(self.width);
        if self.stride < row || self.stride > 2 * row.next_multiple_of(64) {
            return Err(format!("a stride of {} bytes for rows of {row}", self.stride));
        }
        if self.interval_us == 0 {
            return Err("no time from one frame to the next".into());
        }
        Ok(())
    }
}

/// Writes a recording. Each record is with the kernel when its call returns, so it outlives the process; it is on the
/// disk within [`RECORDING_SYNC_MS`] of recorded time.
#[derive(Debug)]
pub struct Writer {
    file: File,
    format: FrameFormat,
    began: Mono,
    /// Time of the record up to which all is on the disk.
    synced: Mono,
    bytes: u64,
}

impl Writer {
    /// Begins a recording at `path`, which must not exist; `began` is the origin of its time line.
    pub fn create(path: &Path, header: &Header, began: Mono) -> io::Result<Writer> {
        let mut file = File::create_new(path)?;
        let json = serde_json::to_string(header)?;
        let text = format!("{FIRST_LINE}\n{json}\n");
        file.write_all(text.as_bytes())?;
        Ok(Writer {
            file,
            format: header.format(),
            began,
            synced: began,
            bytes: text.len() as u64,
        })
    }

    /// Appends a frame; one of another format than the header's is refused as invalid input: begin another recording.
    pub fn frame(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let ours = self.format;
        let theirs = frame.format;
        let same = (ours.pixel, ours.width, ours.height, ours.stride) == (theirs.pixel, theirs.width, theirs.height, theirs.stride);
        if !same || frame.data.len() > record_bytes_max(ours) {
            let why = format!("a frame of {theirs}, {} bytes, in a recording of {ours}", frame.data.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        self.append(FRAME, frame.captured, frame.data)
    }

    /// Appends an edge.
    pub fn edge(&mut self, edge: &Edge) -> io::Result<()> {
        self.append(EDGE, edge.at, &[u8::from(edge.active)])
    }

    /// Bytes written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Forces everything to the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn append(&mut self, kind: [u8; 4], at: Mono, payload: &[u8]) -> io::Result<()> {
        let header = record_header(kind, at.since(self.began), payload);
        self.file.write_all(&header)?;
        self.file.write_all(payload)?;
        self.bytes += (header.len() + payload.len()) as u64;
        if at.since(self.synced) >= Duration::from_millis(RECORDING_SYNC_MS) {
            self.synced = at;
            self.sync()?;
        }
        Ok(())
    }
}

fn record_header(kind: [u8; 4], at: Duration, payload: &[u8]) -> [u8; RECORD_BYTES] {
    let mut header = [0; RECORD_BYTES];
    header[..4].copy_from_slice(&kind);
    header[4..8].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[8..16].copy_from_slice(&(at.as_nanos() as u64).to_le_bytes());
    let crc = crc(&header[..16], payload);
    header[16..].copy_from_slice(&crc.to_le_bytes());
    header
}

fn crc(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

/// Longest payload of a record.
fn record_bytes_max(format: FrameFormat) -> usize {
    let rows = FrameFormat {
        width: format.stride.max(format.width),
        ..format
    };
    frame_bytes_max(if format.pixel == PixelFormat::Mjpeg { format } else { rows })
}

/// A recording as a reel.
pub(crate) struct Reader {
    input: Input,
    header: Header,
    /// Where the first record stands.
    first: u64,
    /// The record that was peeked at: its header, taken from the input, and all of it if it is an edge.
    next: Option<Record>,
    /// Times of the last records taken.
    last_frame: Option<Duration>,
    last_edge: Duration,
    picture: Vec<u8>,
}

/// A record's header, and whether an edge's payload belongs to it.
#[derive(Clone, Copy)]
struct Record {
    raw: [u8; RECORD_BYTES],
    kind: Kind,
    length: usize,
    at: Duration,
    whole: bool,
}

impl Reader {
    /// Reads the two header lines.
    pub(crate) fn open(mut input: Input) -> Result<Reader, SourceError> {
        let version = input.line()?;
        if version != FIRST_LINE {
            return Err(input.unsupported(format!("this is {version:?}; only {FIRST_LINE:?} is understood")));
        }
        let at = input.offset();
        let header: Header = serde_json::from_str(&input.line()?).map_err(|e| input.damaged_at(at, e.to_string()))?;
        header.check().map_err(|why| input.damaged_at(at, why))?;
        Ok(Reader {
            first: input.offset(),
            picture: Vec::with_capacity(record_bytes_max(header.format())),
            header,
            input,
            next: None,
            last_frame: None,
            last_edge: Duration::ZERO,
        })
    }

    /// The next record's header; `None` at the end, where a torn one is left to be taken.
    fn record(&mut self) -> Result<Option<Record>, SourceError> {
        let Some(raw) = self.input.peek(RECORD_BYTES)?.first_chunk().copied() else {
            return Ok(None);
        };
        let mut record = Record::parse(raw).map_err(|why| self.input.damaged(why))?;
        self.check(&record).map_err(|why| self.input.damaged(why))?;
        self.input.consume(RECORD_BYTES);
        if let Kind::Edge(_) = record.kind {
            let mut active = [0];
            record.whole = self.input.read(&mut active)? == 1 && record.fits(&active);
            record.kind = Kind::Edge(active[0] == 1);
            self.last_edge = record.at;
        } else {
            self.last_frame = Some(record.at);
        }
        Ok(Some(record))
    }

    /// Whether this record may stand here.
    fn check(&self, record: &Record) -> Result<(), &'static str> {
        let in_order = match record.kind {
            Kind::Edge(_) => record.at >= self.last_edge,
            _ => self.last_frame.is_none_or(|last| record.at > last),
        };
        if !in_order || record.at > Duration::from_secs(RECORDING_SECONDS_MAX) {
            return Err("this record is out of time");
        }
        if record.length > record_bytes_max(self.header.format()) {
            return Err("this record is longer than a frame can be");
        }
        Ok(())
    }

    fn take_frame(&mut self, record: Record) -> Result<Taken, SourceError> {
        self.picture.resize(record.length, 0);
        let whole = self.input.read(&mut self.picture)? == record.length && record.fits(&self.picture);
        let is_picture = match self.header.pixel {
            PixelFormat::Mjpeg => self.picture.starts_with(&[0xff, 0xd8]),
            _ => self.picture.len() >= self.header.format().bytes_min(),
        };
        Ok(if whole && is_picture { Taken::Whole } else { Taken::Corrupt })
    }
}

impl Reel for Reader {
    fn name(&self) -> &str {
        self.input.name()
    }

    fn format(&self) -> FrameFormat {
        self.header.format()
    }

    fn peek(&mut self) -> Result<Item, SourceError> {
        if self.next.is_none() {
            self.next = self.record()?;
        }
        let end = (self.last_frame.unwrap_or_default(), Kind::Frame);
        let (at, kind) = self.next.map_or(end, |record| (record.at, record.kind));
        Ok(Item { at, kind })
    }

    fn take(&mut self) -> Result<Taken, SourceError> {
        match self.next.take() {
            Some(record) if record.kind == Kind::Frame => self.take_frame(record),
            Some(record) if record.whole => Ok(Taken::Whole),
            Some(_) => Ok(Taken::Corrupt),
            None if self.input.peek(1)?.is_empty() => Ok(Taken::End),
            None => {
                self.input.skip(RECORD_BYTES as u64)?;
                Ok(Taken::Corrupt)
            }
        }
    }

    fn picture(&mut self) -> &[u8] {
        &self.picture
    }

    fn rewind(&mut self) -> Result<Duration, SourceError> {
        self.input.rewind(self.first)?;
        let frames = self
            .last_frame
            .take()
            .map_or(Duration::ZERO, |last| last + self.header.format().interval);
        Ok(frames.max(std::mem::take(&mut self.last_edge)))
    }

    fn footprint(&self) -> usize {
        size_of::<Reader>() + self.input.footprint() + self.picture.capacity()
    }
}

impl Record {
    fn parse(raw: [u8; RECORD_BYTES]) -> Result<Record, &'static str> {
        let length = u32::from_le_bytes([raw[4], raw[5], raw[6], raw[7]]) as usize;
        let nanos = raw[8..16].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let kind = if raw.starts_with(&FRAME) {
            Kind::Frame
        } else if raw.starts_with(&EDGE) && length == 1 {
            Kind::Edge(false)
        } else {
            return Err("there should be a record here");
        };
        Ok(Record {
            raw,
            kind,
            length,
            at: Duration::from_nanos(nanos),
            whole: false,
        })
    }

    fn fits(&self, payload: &[u8]) -> bool {
        crc(&self.raw[..16], payload).to_le_bytes() == self.raw[16..]
    }
}
