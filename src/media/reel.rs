//! Clips: Motion-JPEG in a QuickTime file (QTFF; also ISO/IEC 14496-12, of which it is the elder), each picture with its own
//! time. Pictures first, in the order in which they come, then the index: nothing is written twice but one length.

use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::limits::CLIP_FRAMES_MAX;
use crate::limits::CLIP_INDEX_BYTES_MAX;

/// Units of time a second.
const TIMESCALE: u32 = 1000;
/// Bytes of the file before the first picture: its kind, then the head of the pictures' box.
const HEAD_BYTES: u64 = 20 + 8;
/// Bytes of the index for each picture: when, how long, where.
pub(super) const INDEX_BYTES_PER_FRAME: usize = 8 + 4 + 4;
/// Bytes of the index besides.
const INDEX_BYTES: usize = 1024;
/// Boxes at the top of a file that are looked at.
const BOXES_MAX: usize = 8;

/// One picture of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shot {
    /// When, in milliseconds from the first.
    pub t_ms: u32,
    /// Its length, in bytes.
    pub bytes: u32,
}

/// A clip in the making.
#[derive(Debug)]
pub struct Reel<F> {
    file: F,
    size: (u32, u32),
    bytes_max: u64,
    bytes: u64,
    shots: Vec<Shot>,
}

/// Why a picture is not in a clip, or the clip not to be read.
#[derive(Debug, thiserror::Error)]
pub enum ReelError {
    /// The file or its medium.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is as long as it may be.
    #[error("the clip is as long as a clip may be")]
    Full,
    /// It is not a clip of ours.
    #[error("not a clip: {0}")]
    Foreign(&'static str),
}

impl<F: Write + Seek> Reel<F> {
    /// Begins a clip of pictures of this size at the beginning of `file`; at most `bytes_max` bytes of them.
    pub fn begin(mut file: F, size: (u32, u32), bytes_max: u64) -> io::Result<Reel<F>> {
        let mut head = Vec::with_capacity(HEAD_BYTES as usize);
        boxed(&mut head, b"ftyp", |kind| kind.extend(b"qt  \0\0\x02\0qt  "));
        head.extend([0, 0, 0, 8]);
        head.extend(b"mdat");
        file.write_all(&head)?;
        Ok(Reel {
            file,
            size,
            bytes_max: bytes_max.min(u32::MAX.into()) - HEAD_BYTES.min(bytes_max),
            bytes: 0,
            shots: Vec::with_capacity(CLIP_FRAMES_MAX),
        })
    }

    /// Adds a picture taken `t_ms` after the first; one that is not later than the one before it is left out.
    pub fn add(&mut self, jpeg: &[u8], t_ms: u32) -> Result<(), ReelError> {
        let bytes = jpeg.len() as u64;
        if self.shots.len() == CLIP_FRAMES_MAX || self.bytes + bytes > self.bytes_max {
            return Err(ReelError::Full);
        }
        if self.shots.last().is_some_and(|last| last.t_ms >= t_ms) {
            return Ok(());
        }
        self.file.write_all(jpeg)?;
        self.bytes += bytes;
        let bytes = bytes as u32; // within `bytes_max`
        self.shots.push(Shot { t_ms, bytes });
        Ok(())
    }

    /// How many pictures it has.
    pub fn len(&self) -> usize {
        self.shots.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.shots.is_empty()
    }

    /// Writes the index; `start_ms` is where the first picture lies relative to what the clip shows. Gives the file back.
    pub fn finish(mut self, start_ms: i32) -> io::Result<F> {
        let index = index(&self.shots, self.size, start_ms);
        self.file.write_all(&index)?;
        self.file.seek(SeekFrom::Start(HEAD_BYTES - 8))?;
        self.file.write_all(&((8 + self.bytes) as u32).to_be_bytes())?;
        self.file.flush()?;
        Ok(self.file)
    }
}

/// What a player needs to know of a clip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Index {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How long it is to be shown, in milliseconds.
    pub duration_ms: u32,
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// Where it begins relative to its event, in milliseconds; negative: before it.
    pub start_ms: i32,
    /// Each picture: where its JPEG begins in the file, its length in bytes, when it is shown in milliseconds from the first.
    pub frames: Vec<(u64, u32, u32)>,
}

impl Index {
    /// The index of a clip that [`Reel`] made.
    pub fn read<F: Read + Seek>(file: &mut F) -> Result<Index, ReelError> {
        let bytes = file.seek(SeekFrom::End(0))?;
        let moov = top_box(file, b"moov", bytes)?;
        let stbl = find(&moov, &[b"trak", b"mdia", b"minf", b"stbl"]).ok_or(ReelError::Foreign("no table of pictures"))?;
        let table = |kind| find(stbl, &[kind]).ok_or(ReelError::Foreign("a table is missing"));
        let (sizes, offsets, times) = (table(b"stsz")?, table(b"stco")?, table(b"stts")?);
        let size = find(&moov, &[b"trak", b"tkhd"]).and_then(|track| Some((word(track, 76)? >> 16, word(track, 80)? >> 16)));
        let (width, height) = size.ok_or(ReelError::Foreign("no track"))?;
        let start_ms = find(&moov, &[b"udta", b"look"]).and_then(|at| word(at, 0)).unwrap_or(0) as i32;
        let count = word(offsets, 4).unwrap_or(0) as usize;
        if count > CLIP_FRAMES_MAX {
            return Err(ReelError::Foreign("too many pictures"));
        }
        let (mut frames, mut t_ms) = (Vec::with_capacity(count), 0u32);
        for n in 0..count {
            let row = (word(offsets, 8 + 4 * n), word(sizes, 12 + 4 * n), word(times, 12 + 8 * n));
            let (Some(offset), Some(length), Some(lasts)) = row else {
                return Err(ReelError::Foreign("a table is cut short"));
            };
            frames.push((offset.into(), length, t_ms));
            t_ms = t_ms.saturating_add(lasts);
        }
        Ok(Index {
            width,
            height,
            duration_ms: t_ms,
            bytes,
            start_ms,
            frames,
        })
    }
}

/// The content of a box at the top of a file of `length` bytes.
fn top_box<F: Read + Seek>(file: &mut F, kind: &[u8; 4], length: u64) -> Result<Vec<u8>, ReelError> {
    let mut at = 0;
    for _ in 0..BOXES_MAX {
        let mut head = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head)?;
        let size = u64::from(word(&head, 0).unwrap_or(0));
        if size < 8 || at + size > length {
            return Err(ReelError::Foreign("a box is longer than the file"));
        }
        if head[4..] == *kind {
            if size > CLIP_INDEX_BYTES_MAX {
                return Err(ReelError::Foreign("the index is too long"));
            }
            let mut content = vec![0; size as usize - 8];
            file.read_exact(&mut content)?;
            return Ok(content);
        }
        at += size;
    }
    Err(ReelError::Foreign("no index"))
}

/// The content of the box at the end of this path, in the content of another.
fn find<'a>(mut content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    for kind in path {
        let mut rest = content;
        content = loop {
            let size = word(rest, 0)? as usize;
            let inner = rest.get(8..size)?;
            if rest[4..8] == **kind {
                break inner;
            }
            rest = &rest[size..];
        };
    }
    Some(content)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}

// ---- writing ----

/// Appends a box with what `fill` appends.
fn boxed(out: &mut Vec<u8>, kind: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    fill(out);
    let size = (out.len() - begin) as u32; // by CLIP_FRAMES_MAX far below
    out[begin..begin + 4].copy_from_slice(&size.to_be_bytes());
}

fn words(out: &mut Vec<u8>, words: impl IntoIterator<Item = u32>) {
    words.into_iter().for_each(|word| out.extend(word.to_be_bytes()));
}

/// From one picture to the next, in milliseconds; the last is shown as long as the others on the average.
fn lasting(shots: &[Shot]) -> impl Iterator<Item = u32> {
    let total = shots.last().map_or(0, |last| last.t_ms);
    let average = total.checked_div(shots.len().saturating_sub(1) as u32).unwrap_or(TIMESCALE).max(1);
    let gaps = shots.windows(2).map(|pair| pair[1].t_ms - pair[0].t_ms);
    gaps.chain((!shots.is_empty()).then_some(average))
}

/// The identity matrix, as 16.16 and 2.30.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

fn index(shots: &[Shot], (width, height): (u32, u32), start_ms: i32) -> Vec<u8> {
    let duration: u32 = lasting(shots).sum();
    let mut out = Vec::with_capacity(INDEX_BYTES + shots.len() * INDEX_BYTES_PER_FRAME);
    boxed(&mut out, b"moov", |out| {
        boxed(out, b"mvhd", |out| {
            words(out, [0, 0, 0, TIMESCALE, duration, 0x1_0000, 0x100_0000, 0, 0]);
            words(out, MATRIX);
            words(out, [0, 0, 0, 0, 0, 0, 2]);
        });
        boxed(out, b"trak", |out| {
            boxed(out, b"tkhd", |out| {
                words(out, [7, 0, 0, 1, 0, duration, 0, 0, 0, 0]);
                words(out, MATRIX);
                words(out, [width << 16, height << 16]);
            });
            boxed(out, b"mdia", |out| {
                boxed(out, b"mdhd", |out| words(out, [0, 0, 0, TIMESCALE, duration, 0]));
                handler(out, b"mhlr", b"vide");
                boxed(out, b"minf", |out| {
                    boxed(out, b"vmhd", |out| words(out, [1, 0, 0]));
                    handler(out, b"dhlr", b"alis");
                    boxed(out, b"dinf", |out| {
                        boxed(out, b"dref", |out| {
                            words(out, [0, 1]);
                            boxed(out, b"alis", |out| words(out, [1]));
                        });
                    });
                    tables(out, shots, (width, height));
                });
            });
        });
        boxed(out, b"udta", |out| {
            boxed(out, b"look", |out| words(out, [start_ms as u32]));
            words(out, [0]);
        });
    });
    out
}

fn handler(out: &mut Vec<u8>, class: &[u8; 4], kind: &[u8; 4]) {
    boxed(out, b"hdlr", |out| {
        words(out, [0]);
        out.extend(class);
        out.extend(kind);
        words(out, [0, 0, 0]);
        out.extend([0]); // a name of no letters
    });
}

/// What each picture is, when, how long and where.
fn tables(out: &mut Vec<u8>, shots: &[Shot], (width, height): (u32, u32)) {
    let count = shots.len() as u32;
    boxed(out, b"stbl", |out| {
        boxed(out, b"stsd", |out| {
            words(out, [0, 1]);
            boxed(out, b"jpeg", |out| {
                words(out, [0, 1, 0, 0, 0, 0]); // reserved, the first data reference, no vendor, qualities
                words(out, [(width << 16) | (height & 0xFFFF), 72 << 16, 72 << 16, 0]); // 72 dots an inch
                out.extend([0, 1]); // pictures a sample
                let name = b"Photo - JPEG";
                out.extend([name.len() as u8]);
                out.extend(name.iter().chain([0; 31].iter()).take(31));
                words(out, [24 << 16 | 0xFFFF]); // depth, no colour table
            });
        });
        boxed(out, b"stts", |out| {
            words(out, [0, count]);
            lasting(shots).for_each(|lasts| words(out, [1, lasts]));
        });
        boxed(out, b"stsc", |out| words(out, [0, 1, 1, 1, 1]));
        boxed(out, b"stsz", |out| {
            words(out, [0, 0, count]);
            words(out, shots.iter().map(|shot| shot.bytes));
        });
        boxed(out, b"stco", |out| {
            words(out, [0, count]);
            let mut at = HEAD_BYTES as u32;
            for shot in shots {
                words(out, [at]);
                at += shot.bytes;
            }
        });
    });
}
