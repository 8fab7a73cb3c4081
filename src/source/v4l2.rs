//! A V4L2 camera: memory-mapped streaming, freshest frame first.

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

/// What is asked of a camera.
#[derive(Clone, Debug)]
pub struct Request {
    /// Device file.
    pub device: PathBuf,
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames a second.
    pub fps: f32,
    /// Byte layout; `None`: the cheapest that it has.
    pub pixel: Option<PixelFormat>,
    /// Time without a frame after which it is stalled.
    pub stall: Duration,
}

/// An open camera. No device can be opened yet.
pub enum V4l2 {}

impl V4l2 {
    /// Opens the device.
    pub fn open(request: &Request, _clock: Arc<dyn Clock>) -> Result<V4l2, SourceError> {
        Err(SourceError::Unsupported {
            what: request.device.display().to_string(),
            why: "V4L2 is not there yet".into(),
        })
    }
}

impl FrameSource for V4l2 {
    fn format(&self) -> FrameFormat {
        match *self {}
    }
    fn next(&mut self, _wait: Duration) -> Result<Option<Frame<'_>>, SourceError> {
        match *self {}
    }
    fn counters(&self) -> SourceCounters {
        match *self {}
    }
    fn footprint(&self) -> usize {
        match *self {}
    }
}
