//! The state of the device at a glance: written by the pipeline and the recorder, latest wins; read by whoever shows it.

mod scores;

pub use scores::Scores;
pub use scores::Second;

use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use heapless::Vec;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use crate::clock::Mono;
use crate::clock::Timestamp;
use crate::event::engine::EngineState;
use crate::event::engine::Fusion;
use crate::frame::FrameFormat;
use crate::frame::SourceCounters;
use crate::limits::HEAT_COLUMNS;
use crate::limits::HEAT_ROWS;
use crate::limits::REGIONS_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::Cells;
use crate::motion::Motion;
use crate::motion::MotionState;
use crate::motion::Rect;
use crate::motion::Score;
use crate::motion::Tamper;
use crate::motion::ZoneSet;
use crate::trigger::TriggerCounters;
use crate::trigger::TriggerState;
use crate::wire::Names;
use crate::wire::live::ByTrigger;
use crate::wire::live::Heat;
use crate::wire::live::LastEvent;

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
    /// From the last frame's capture until it was looked at, in milliseconds; null before the first.
    pub latency_ms: Option<u32>,
    /// Of that, time in the detector, in microseconds; null before the first.
    pub detect_us: Option<u32>,
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
    /// Frames that the detector was spared, as nothing moved (`motion.idle_fps`).
    pub frames_spared: u64,
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
    /// Time that the last one took until it was on the disk, in microseconds; null before the first.
    pub commit_us: Option<u32>,
    /// Records written since the start.
    pub records: u64,
    /// Events that ended since the start, by trigger in the order of [`Trigger::ALL`](crate::event::model::Trigger::ALL).
    pub events_ended: [u64; 4],
    /// Records lost because the queue to the recorder was full.
    pub records_dropped: u64,
    /// Updates merged into a newer record because that queue was full.
    pub records_coalesced: u64,
}

/// Events of one day, counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Today {
    /// Which day: days since 1970-01-01, in UTC.
    pub day: i64,
    /// Events that began on it.
    pub events: u32,
    /// Of those, by what set them off.
    pub by_trigger: ByTrigger,
    /// Of those, by zone that they touched.
    pub by_zone: [u32; ZONES_MAX],
    /// The newest event, of that day or before.
    pub last: Option<LastEvent>,
}

impl Today {
    /// Nothing yet, on the day of `at`.
    pub fn on(at: Timestamp) -> Today {
        Today {
            day: at.0.div_euclid(24 * 3600 * 1000),
            ..Today::default()
        }
    }

    /// What it says at `at`: on a later day, nothing but the newest event.
    pub fn at(self, at: Timestamp) -> Today {
        let day = Today::on(at);
        if day.day <= self.day {
            return self;
        }
        Today { last: self.last, ..day }
    }
}

/// What the detector saw in the last picture, for who looks on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Number of the frame.
    pub frame: u64,
    /// Strength of the strongest motion.
    pub score: Score,
    /// Where it moves.
    pub boxes: Vec<Rect, REGIONS_MAX>,
    /// Zones where it moves.
    pub zones: ZoneSet,
    /// How much it moved of late.
    pub heat: Heat,
}

impl View {
    /// Shows frame `number`, and lets the heat follow.
    pub fn show(&mut self, number: u64, motion: &Motion, cells: &Cells<'_>) {
        self.frame = number;
        self.score = motion.score;
        self.zones = motion.zones;
        self.boxes = motion.regions.iter().map(|region| region.rect).collect();
        warm(&mut self.heat, cells);
    }
}

/// Warms the fields of `heat` where cells move now, and lets the others cool: half of what was is forgotten in about 11 frames.
fn warm(heat: &mut Heat, cells: &Cells<'_>) {
    let (columns, rows) = (cells.grid.columns, cells.grid.rows);
    for (field, heat) in heat.0.iter_mut().enumerate() {
        let across = span(field % HEAT_COLUMNS, HEAT_COLUMNS, columns);
        let down = span(field / HEAT_COLUMNS, HEAT_ROWS, rows);
        let area = across.len() * down.len();
        let row = |row: usize| &cells.moving[row * columns..][across.clone()];
        let moving: usize = down.flat_map(row).map(|moving| usize::from(*moving)).sum();
        let now = (moving * 255).checked_div(area).unwrap_or(0) as i32;
        let before = i32::from(*heat);
        // A sixteenth of the way, rounded away from zero, so that it comes to rest.
        let way = now - before;
        *heat = (before + (way + 15 * way.signum()) / 16) as u8;
    }
}

/// Cells of `field`, one of `fields` over so many cells; at least one, where there is any.
fn span(field: usize, fields: usize, cells: usize) -> Range<usize> {
    let begin = field * cells / fields;
    let end = ((field + 1) * cells / fields).max(begin + 1);
    begin..end.min(cells)
}

/// The state of the device at a glance.
#[derive(Debug, Default)]
pub struct Status {
    pipeline: Mutex<PipelineStatus>,
    recorder: Mutex<RecorderStatus>,
    today: Mutex<Today>,
    view: Mutex<View>,
    scores: Mutex<Scores>,
    view_wanted: AtomicBool,
    names: watch::Sender<Arc<Names>>,
}

impl Status {
    /// The names of cameras and zones, as messages have them now.
    pub fn names(&self) -> Arc<Names> {
        self.names.borrow().clone()
    }
    /// From here on cameras and zones have these names.
    pub fn rename(&self, names: Names) {
        self.names.send_replace(Arc::new(names));
    }
    /// Tells of every [`rename`](Status::rename) from here on.
    pub fn renamed(&self) -> watch::Receiver<Arc<Names>> {
        self.names.subscribe()
    }
    /// The pipeline's part; hold it briefly.
    pub fn pipeline(&self) -> MutexGuard<'_, PipelineStatus> {
        self.pipeline.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    /// The recorder's part; hold it briefly.
    pub fn recorder(&self) -> MutexGuard<'_, RecorderStatus> {
        self.recorder.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    /// Events of today, as the recorder counted them; hold it briefly.
    pub fn today(&self) -> MutexGuard<'_, Today> {
        self.today.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    /// What the detector saw, as far as it was [wanted](Status::want_view); hold it briefly.
    pub fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    /// How strong motion was in the last hour; hold it briefly.
    pub fn scores(&self) -> MutexGuard<'_, Scores> {
        self.scores.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    /// Says whether someone looks on; else the pipeline spares itself the work.
    pub fn want_view(&self, wanted: bool) {
        self.view_wanted.store(wanted, Ordering::Relaxed);
    }
    /// Whether someone looks on.
    pub fn view_wanted(&self) -> bool {
        self.view_wanted.load(Ordering::Relaxed)
    }
}
