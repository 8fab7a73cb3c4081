//! Cameras of the kernel (V4L2): memory-mapped streaming, the freshest valid frame wins. The calls are in `device.rs`,
//! the mapped buffers in `buffers.rs`; a format is settled in `open.rs` by the rule in `negotiate.rs`; frames are taken in `live.rs`.

mod buffers;
mod device;
mod live;
pub mod negotiate;
mod open;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::frame::FrameSource;
use crate::frame::PixelFormat;
use crate::frame::SourceCounters;
use crate::frame::SourceError;
use crate::limits::CAMERA_BUFFER_SLACK_BYTES;
use crate::limits::CAMERA_BUFFERS;
use crate::limits::CAMERA_ROW_ALIGN_BYTES;

use live::Live;

/// Which camera, and what is wanted of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Device node, such as `/dev/video0`.
    pub device: PathBuf,
    /// Widest picture wanted, in pixels. A camera that has not this very size gives the next smaller one.
    pub width: u32,
    /// Highest picture wanted, in pixels.
    pub height: u32,
    /// Frames per second wanted.
    pub fps: f32,
    /// The only layout to take; `None`: whichever delivers size and rate at the least cost.
    pub pixel: Option<PixelFormat>,
    /// Without a valid frame for so long, the camera is given up as stalled.
    pub stall: Duration,
}

/// A camera that streams.
pub struct V4l2 {
    what: String,
    format: FrameFormat,
    state: State,
}

enum State {
    Live(Live),
    /// Given up: nothing is mapped or open any more, so that the device, once it is back, gets its name back.
    Closed(Failure, SourceCounters),
}

impl V4l2 {
    /// Opens the camera, settles layout, size and rate with it and starts its stream.
    ///
    /// # Errors
    /// [`Gone`](SourceError::Gone) when there is no such device; [`Unsupported`](SourceError::Unsupported) when it is
    /// not a camera, or offers nothing that is understood and small enough, with what it does offer;
    /// [`Io`](SourceError::Io) for the rest, such as a camera in use by another program.
    pub fn open(request: &Request, clock: Arc<dyn Clock>) -> Result<V4l2, SourceError> {
        let what = request.device.display().to_string();
        let (format, buffers) = open::start(request).map_err(|failure| failure.error(&what))?;
        let state = State::Live(Live::new(buffers, format, request.stall, clock));
        Ok(V4l2 { what, format, state })
    }
}

impl FrameSource for V4l2 {
    fn format(&self) -> FrameFormat {
        self.format
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Frame<'_>>, SourceError> {
        if let State::Live(live) = &mut self.state
            && let Err(failure) = live.advance(wait)
        {
            self.state = State::Closed(failure, live.counters());
        }
        match &self.state {
            State::Live(live) => Ok(live.frame()),
            State::Closed(failure, _) => Err(failure.error(&self.what)),
        }
    }

    fn counters(&self) -> SourceCounters {
        match &self.state {
            State::Live(live) => live.counters(),
            State::Closed(_, counters) => *counters,
        }
    }

    fn footprint(&self) -> usize {
        match &self.state {
            State::Live(live) => live.footprint(),
            State::Closed(..) => 0,
        }
    }
}

/// Most bytes that are ever mapped for pictures of at most this size, whatever the layout.
pub const fn footprint_of(width: u32, height: u32) -> usize {
    CAMERA_BUFFERS as usize * buffer_bytes_max(width, height)
}

const fn buffer_bytes_max(width: u32, height: u32) -> usize {
    let row = (PixelFormat::Yuyv.row_bytes(width) as usize).next_multiple_of(CAMERA_ROW_ALIGN_BYTES);
    (row * height as usize + CAMERA_BUFFER_SLACK_BYTES).next_multiple_of(4096)
}

/// Cameras present that offer a layout that is understood, by number. The first is the one to take unless told otherwise.
pub fn devices() -> Vec<PathBuf> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("video")?.parse::<u32>().ok();
    let nodes = fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut cameras: Vec<_> = nodes
        .filter_map(|node| Some((number(&node.path())?, node.path())))
        .filter(|(_, path)| open::is_camera(path))
        .collect();
    cameras.sort_unstable();
    cameras.into_iter().map(|(_, path)| path).collect()
}

/// Why a camera is not, or no longer, open.
enum Failure {
    Unsupported(String),
    Stalled(Duration),
    /// With errno(3).
    Gone(i32),
    /// At which step, and errno(3).
    Io(&'static str, i32),
}

impl Failure {
    /// What an error means that the system gave at step `doing`. EIO is what calls give once a stream has failed for
    /// good, as that of a USB camera does when its plug is pulled, before the device itself is known to be gone.
    fn of(doing: &'static str) -> impl Fn(io::Error) -> Failure {
        move |cause| match cause.raw_os_error().unwrap_or(libc::EIO) {
            errno @ (libc::ENODEV | libc::ENXIO | libc::ENOENT | libc::EIO) => Failure::Gone(errno),
            errno => Failure::Io(doing, errno),
        }
    }

    fn error(&self, what: &str) -> SourceError {
        let what = what.to_owned();
        let said = |errno: &i32| io::Error::from_raw_os_error(*errno);
        match self {
            Failure::Unsupported(why) => SourceError::Unsupported { what, why: why.clone() },
            Failure::Stalled(waited) => SourceError::Stalled { what, waited: *waited },
            Failure::Gone(errno) => SourceError::Gone { what, cause: said(errno) },
            Failure::Io(doing, errno) => SourceError::Io {
                what,
                doing,
                cause: said(errno),
            },
        }
    }
}
