//! `lookout record`: frames and PIR edges as they come, on one time line, into one file that `replay` plays.

use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use heapless::Vec;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;

use crate::clock::Clock;
use crate::clock::Mono;
use crate::config::Config;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::limits::STEP_WAIT_MS_MAX;
use crate::source::camera::Camera;
use crate::source::camera::Seen;
use crate::source::pace::Pace;
use crate::source::recording::Header;
use crate::source::recording::Writer;
use crate::trigger::sensor::Sensor;
use crate::trigger::sensor::SensorChange;

/// Why nothing was recorded, or no more.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The camera gives nothing.
    #[error("camera: {0}")]
    Camera(String),
    /// The file cannot be written.
    #[error("{}: {cause}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// What a recording came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Frames written.
    pub frames: u64,
    /// Edges written.
    pub edges: u64,
    /// Time from beginning to end.
    pub length: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} frames and {} edges in {:.1} s",
            self.frames,
            self.edges,
            self.length.as_secs_f64()
        )
    }
}

/// Records into `file`, which must not exist, for `seconds` or until SIGINT or SIGTERM. A camera that is lost ends the
/// recording: what was written stays.
pub fn record(config: &Config, clock: Arc<dyn Clock>, file: &Path, seconds: Option<u32>) -> Result<Summary, RecordError> {
    let stop = Arc::new(AtomicBool::new(false));
    let fault = |cause| RecordError::File {
        file: file.to_owned(),
        cause,
    };
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, stop.clone()).map_err(fault)?;
    }
    let began = clock.now();
    let until = seconds.map(|seconds| began + Duration::from_secs(seconds.into()));
    let mut tape = Tape {
        config,
        clock: clock.clone(),
        file,
        began,
        writer: None,
        summary: Summary::default(),
    };
    let mut camera = Camera::new(config.camera.source.clone(), Pace::Recorded, clock.clone());
    let mut sensor = Sensor::new(config.pir.clone(), clock.clone());
    while !stop.load(Ordering::Relaxed) && until.is_none_or(|until| clock.now() < until) {
        match camera.next(Duration::from_millis(STEP_WAIT_MS_MAX)) {
            Seen::Opened(format) | Seen::Restored(format) => tape.open(format).map_err(fault)?,
            Seen::Frame(frame) => tape.frame(&frame).map_err(fault)?,
            Seen::Lost(why) => return Err(RecordError::Camera(why)),
            Seen::Nothing => {}
            Seen::Ended => break,
        }
        if let Some(lent) = camera.take_edges() {
            sensor.lend(lent);
        }
        tape.edges(&mut sensor).map_err(fault)?;
    }
    tape.finish().map_err(fault)
}

/// A recording in the making.
struct Tape<'a> {
    config: &'a Config,
    clock: Arc<dyn Clock>,
    file: &'a Path,
    began: Mono,
    writer: Option<Writer>,
    summary: Summary,
}

impl Tape<'_> {
    fn open(&mut self, format: FrameFormat) -> io::Result<()> {
        let header = Header::new(format, &self.config.camera.id.clone(), self.clock.wall());
        self.writer = Some(Writer::create(self.file, &header, self.began)?);
        eprintln!("{format} to {}", self.file.display());
        Ok(())
    }

    fn frame(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.frame(frame)?;
        self.summary.frames += 1;
        self.summary.length = frame.captured.since(self.began);
        Ok(())
    }

    fn edges(&mut self, sensor: &mut Sensor) -> io::Result<()> {
        let mut edges = Vec::new();
        if let Some(SensorChange::Lost(why)) = sensor.poll(&mut edges) {
            eprintln!("no PIR edges: {why}");
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        for edge in &edges {
            writer.edge(edge)?;
            self.summary.edges += 1;
        }
        Ok(())
    }

    fn finish(self) -> io::Result<Summary> {
        if let Some(mut writer) = self.writer {
            writer.sync()?;
        }
        Ok(self.summary)
    }
}
