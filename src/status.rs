//! The state of the device at a glance: written by the pipeline and the recorder, latest wins; read by whoever shows it.

use std::sync::Mutex;
use std::sync::MutexGuard;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Mono;
use crate::event::engine::EngineState;
use crate::event::engine::Fusion;
use crate::frame::FrameFormat;
use crate::frame::SourceCounters;
use crate::motion::MotionState;
use crate::motion::Score;
use crate::motion::Tamper;
use crate::trigger::TriggerCounters;
use crate::trigger::TriggerState;

/// Whether the camera gives frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// Being opened for the first time.
    #[default]
    Opening,
    /// Frames flow.
    Live,
    /// Gone or stalled; being reopened.
    Lost,
    /// A clip that is over.
    Ended,
}

/// What the pipeline last did.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct PipelineStatus {
    /// The camera.
    pub camera: CameraState,
    /// What it gives; null until it was open once.
    pub format: Option<FrameFormat>,
    /// Why it is lost, in words; null while it is not.
    pub camera_fault: Option<String>,
    /// Frames a second, over the last seconds; null before the first.
    pub fps: Option<f32>,
    /// When the last frame was taken.
    #[serde(skip)]
    pub last_frame: Option<Mono>,
    /// When the last step was done: proof of life.
    #[serde(skip)]
    pub beat: Option<Mono>,
    /// The event engine.
    pub engine: EngineState,
    /// Number of the last frame.
    pub frame: u64,
    /// Losses of the camera.
    pub frames: SourceCounters,
    /// Frames that the detector could not read (damaged JPEG).
    pub frames_unreadable: u64,
    /// The detector.
    pub motion: MotionState,
    /// What is wrong with the picture, if anything.
    pub tamper: Option<Tamper>,
    /// Score of the last frame.
    pub score: Score,
    /// Whether events are made.
    pub armed: bool,
    /// Which evidence makes an event.
    pub fusion: Fusion,
    /// The PIR sensor; null before it was tried.
    pub pir: Option<TriggerState>,
    /// Whether it sees something now.
    pub pir_active: bool,
    /// Losses of the PIR sensor.
    pub edges: TriggerCounters,
}

impl PipelineStatus {
    /// The camera gives frames of `format`.
    pub fn camera_opened(&mut self, format: FrameFormat) {
        self.camera = CameraState::Live;
        self.format = Some(format);
        self.camera_fault = None;
    }
    /// The camera gives none, and why.
    pub fn camera_lost(&mut self, why: String) {
        self.camera = CameraState::Lost;
        self.camera_fault = Some(why);
    }
}

/// What the recorder last did.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct RecorderStatus {
    /// Whether the last write reached the disk.
    pub writable: bool,
    /// Why not, in words; null while it does.
    pub fault: Option<String>,
    /// When the last step was done: proof of life.
    #[serde(skip)]
    pub beat: Option<Mono>,
    /// Sequence number of the newest durable message; 0 before the first.
    pub newest_seq: u64,
    /// Commits since the start.
    pub commits: u64,
    /// Records written since the start.
    pub records: u64,
    /// Events that ended since the start, by trigger in the order of [`Trigger::ALL`](crate::event::model::Trigger::ALL).
    pub events_ended: [u64; 4],
    /// Records lost because the queue to the recorder was full.
    pub records_dropped: u64,
    /// Updates merged into a newer record because that queue was full.
    pub records_coalesced: u64,
}

/// The state of the device at a glance.
#[derive(Debug, Default)]
pub struct Status {
    pipeline: Mutex<PipelineStatus>,
    recorder: Mutex<RecorderStatus>,
}

impl Status {
    /// The pipeline's part; hold it briefly.
    pub fn pipeline(&self) -> MutexGuard<'_, PipelineStatus> {
        self.pipeline.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    /// The recorder's part; hold it briefly.
    pub fn recorder(&self) -> MutexGuard<'_, RecorderStatus> {
        self.recorder.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
