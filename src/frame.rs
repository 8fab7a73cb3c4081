//! What a camera gives: [`Frame`] and [`trait FrameSource`](FrameSource). The cameras themselves are in `source/`,
//! what is done with pixels in `motion/`.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::clock::Mono;

/// How a frame's bytes are laid out. Names are V4L2's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PixelFormat {
    /// 8-bit luma, one plane.
    Grey,
    /// 4:2:2 packed, Y0 U Y1 V.
    Yuyv,
    /// 4:2:2 packed, U Y0 V Y1.
    Uyvy,
    /// 4:2:0, luma plane, then one plane of interleaved U and V.
    Nv12,
    /// 4:2:0, luma plane, U plane, V plane (also called I420).
    Yu12,
    /// One JPEG picture a frame; Huffman tables may be missing, as UVC cameras leave them out.
    Mjpeg,
}

impl PixelFormat {
    /// Every format, in the order in which a camera is asked for it: cheapest luma first, compressed last.
    pub const ALL: [PixelFormat; 6] = [
        PixelFormat::Grey,
        PixelFormat::Nv12,
        PixelFormat::Yu12,
        PixelFormat::Yuyv,
        PixelFormat::Uyvy,
        PixelFormat::Mjpeg,
    ];

    /// V4L2's four-character code.
    pub const fn fourcc(self) -> &'static [u8; 4] {
        match self {
            PixelFormat::Grey => b"GREY",
            PixelFormat::Yuyv => b"YUYV",
            PixelFormat::Uyvy => b"UYVY",
            PixelFormat::Nv12 => b"NV12",
            PixelFormat::Yu12 => b"YU12",
            PixelFormat::Mjpeg => b"MJPG",
        }
    }

    /// Bytes of one row of the first plane, without padding; 0 for [`Mjpeg`](PixelFormat::Mjpeg).
    pub const fn row_bytes(self, width: u32) -> u32 {
        match self {
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::Yu12 => width,
            PixelFormat::Yuyv | PixelFormat::Uyvy => width * 2,
            PixelFormat::Mjpeg => 0,
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(self.fourcc()).expect("ASCII"))
    }
}

/// Layout, size and nominal rate of a source's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FrameFormat {
    /// Byte layout.
    pub pixel: PixelFormat,
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row of the first plane to the next; 0 for MJPEG.
    pub stride: u32,
    /// Nominal time from one frame to the next.
    #[serde(skip)]
    pub interval: Duration,
}

impl FrameFormat {
    /// A format with unpadded rows.
    pub fn packed(pixel: PixelFormat, width: u32, height: u32, interval: Duration) -> FrameFormat {
        FrameFormat {
            pixel,
            width,
            height,
            stride: pixel.row_bytes(width),
            interval,
        }
    }

    /// Fewest bytes of a whole frame. The last row may lack its padding. For MJPEG the length of the shortest
    /// picture that a decoder could accept, which says little.
    pub fn bytes_min(&self) -> usize {
        let (stride, height) = (self.stride as usize, self.height as usize);
        let last_row = self.pixel.row_bytes(self.width) as usize;
        match self.pixel {
            PixelFormat::Mjpeg => 125,
            PixelFormat::Grey | PixelFormat::Yuyv | PixelFormat::Uyvy => stride * (height - 1) + last_row,
            PixelFormat::Nv12 => stride * height + stride * (height.div_ceil(2) - 1) + last_row,
            PixelFormat::Yu12 => stride * height + (stride / 2) * (2 * height.div_ceil(2) - 1) + last_row / 2,
        }
    }

    /// Bytes of the luma plane that the detector looks at, were it unpacked: `width * height`.
    pub fn luma_bytes(&self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl fmt::Display for FrameFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = 1.0 / self.interval.as_secs_f64().max(1e-6);
        write!(f, "{} {}x{} at {rate:.3} fps", self.pixel, self.width, self.height)
    }
}

/// One picture, borrowed from the source until its next call.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Layout and size; always the source's current [`format`](FrameSource::format).
    pub format: FrameFormat,
    /// Counts the source's pictures from 0, those included that it skipped or that the driver dropped: a gap is a loss.
    pub number: u64,
    /// When the picture was taken, on the monotonic time line.
    pub captured: Mono,
    /// The bytes: for raw formats at least [`FrameFormat::bytes_min`] of them, for MJPEG exactly one picture
    /// that begins with SOI.
    pub data: &'a [u8],
}

/// What a source lost or left out, by cause; all since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceCounters {
    /// Frames handed out.
    pub delivered: u64,
    /// Valid frames passed over because a fresher one was there.
    pub skipped: u64,
    /// Buffers with fewer bytes than a frame has, empty ones included.
    pub short: u64,
    /// Buffers that the driver marked as damaged, or whose content is not a picture.
    pub corrupt: u64,
    /// Frames that the driver dropped, seen as gaps in its sequence numbers.
    pub gaps: u64,
}

/// Why a source gives no frames. All but [`Ended`](SourceError::Ended) leave it closed for good: open a new one.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The clip is over.
    #[error("{what}: the end was reached after {frames} frames")]
    Ended {
        /// Device or file.
        what: String,
        /// Frames handed out.
        frames: u64,
    },
    /// The device is not there (any more).
    #[error("{what}: gone ({cause})")]
    Gone {
        /// Device or file.
        what: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The device is there and gives nothing.
    #[error("{what}: no frame for {waited:?}")]
    Stalled {
        /// Device or file.
        what: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The device or file offers nothing that is understood.
    #[error("{what}: {why}")]
    Unsupported {
        /// Device or file.
        what: String,
        /// What was offered, and what would do.
        why: String,
    },
    /// The file is not what it should be.
    #[error("{what}: damaged at byte {offset}: {why}")]
    Damaged {
        /// File.
        what: String,
        /// Where.
        offset: u64,
        /// What was found.
        why: String,
    },
    /// Anything else that the system said.
    #[error("{what}: {doing}: {cause}")]
    Io {
        /// Device or file.
        what: String,
        /// Which step failed.
        doing: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
}

impl SourceError {
    /// True for the regular end of a clip, after which reopening makes no sense.
    pub fn is_end(&self) -> bool {
        matches!(self, SourceError::Ended { .. })
    }
}

/// A camera, or what stands for one. Every implementation ships and passes `tests/sources.rs`:
///
/// * frame numbers and capture times strictly increase; capture times are on the clock it was opened with;
/// * every frame is whole: `data.len() >= format.bytes_min()`, and for MJPEG it begins with `FF D8`;
/// * `next` returns within `wait` and a grace of one frame interval;
/// * what it passes over is counted, and `delivered` counts exactly the frames returned;
/// * after an error it returns the same kind of error for ever, and dropping it never panics.
pub trait FrameSource: Send {
    /// What the source gives; settled when it was opened.
    fn format(&self) -> FrameFormat;
    /// The freshest frame, waiting at most `wait` for one; `None` when none came in that time.
    fn next(&mut self, wait: Duration) -> Result<Option<Frame<'_>>, SourceError>;
    /// What was lost so far.
    fn counters(&self) -> SourceCounters;
    /// Bytes that it holds for frames, kernel buffers mapped into the process included.
    fn footprint(&self) -> usize;
}
