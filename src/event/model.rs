//! What an event is, inside ([`Change`]) and as everybody outside sees it ([`Event`]: REST, WebSocket, export and store).

use heapless::String;
use heapless::Vec;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::clock::BootId;
use crate::clock::Mono;
use crate::clock::Timestamp;
use crate::limits::NAME_BYTES_MAX;
use crate::limits::REGIONS_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::Rect;
use crate::motion::Score;
use crate::motion::ZoneSet;

/// A camera's or a zone's name.
pub type Name = String<NAME_BYTES_MAX>;

/// What set an event off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Motion in the picture.
    Video,
    /// The PIR sensor.
    Pir,
    /// Both, within the fusion window of each other or while the event ran.
    Both,
    /// A person or a program asked for it.
    Manual,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Trigger; 4] = [Trigger::Video, Trigger::Pir, Trigger::Both, Trigger::Manual];

    /// Its name, as JSON has it.
    pub const fn name(self) -> &'static str {
        match self {
            Trigger::Video => "video",
            Trigger::Pir => "pir",
            Trigger::Both => "both",
            Trigger::Manual => "manual",
        }
    }
}

/// Which part of its life an event is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It began.
    Start,
    /// It goes on, with more evidence.
    Update,
    /// It is over; nothing more comes of it.
    End,
}

/// Why an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Nothing more was seen for the gap time.
    Quiet,
    /// It reached the longest time that an event may have; what goes on is a new event.
    Length,
    /// The camera was lost.
    CameraLost,
    /// The camera was disarmed.
    Disarmed,
    /// The zones were changed.
    Rezoned,
    /// The service stopped.
    Shutdown,
    /// The service did not live to see its end (power cut, crash); closed at the next start.
    Interrupted,
}

/// Whether a time is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// The wall clock was known good, then or since (the time was corrected).
    Synced,
    /// The wall clock was not known good: only order and distance within one boot count.
    Unsynced,
}

/// What the PIR sensor saw during an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PirEvidence {
    /// Times that it began to see something.
    pub edges: u32,
    /// When first, in milliseconds from the event's beginning (negative: before it).
    pub first_ms: i64,
    /// When last it changed, likewise.
    pub last_ms: i64,
    /// Whether it sees something now.
    pub active: bool,
}

/// What the detector saw during an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VideoEvidence {
    /// Frames with motion.
    pub frames: u32,
    /// Number of the first such frame.
    pub first_frame: u64,
    /// Number of the last such frame.
    pub last_frame: u64,
    /// Strongest motion.
    pub peak_score: Score,
    /// When that was, in milliseconds from the event's beginning.
    pub peak_ms: i64,
    /// Largest part of the picture that moved at once, in thousandths.
    pub area_permille: u16,
}

/// What the engine says of an event: everything known so far, so that a later change replaces an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which event: the engine's own count from 0, not the event's id (which the store gives).
    pub key: u32,
    /// Part of its life.
    pub phase: Phase,
    /// When this was said.
    pub at: Mono,
    /// When the event began.
    pub began: Mono,
    /// Last evidence of any kind.
    pub last_seen: Mono,
    /// Number of the frame that this is about: at [`Phase::End`] the last one with motion, else the newest.
    pub frame: u64,
    /// What set it off, so far.
    pub trigger: Trigger,
    /// Strongest motion so far.
    pub score: Score,
    /// Zones touched so far.
    pub zones: ZoneSet,
    /// Where motion is now; at [`Phase::End`] where it was at its strongest.
    pub boxes: Vec<Rect, REGIONS_MAX>,
    /// PIR evidence, if any.
    pub pir: Option<PirEvidence>,
    /// Video evidence, if any.
    pub video: Option<VideoEvidence>,
    /// Similar events that were suppressed into this one.
    pub suppressed: u32,
    /// Why it ended, at [`Phase::End`].
    pub end_reason: Option<EndReason>,
}

/// An event as everybody outside sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Identity: the sequence number of its first message. Ascending in the order of beginning.
    pub id: u64,
    /// Sequence number of the newest message about it.
    pub seq: u64,
    /// When it began.
    pub timestamp: Timestamp,
    /// Which camera.
    #[schemars(with = "std::string::String")]
    pub camera_id: Name,
    /// What set it off.
    pub trigger: Trigger,
    /// Part of its life.
    pub phase: Phase,
    /// From its beginning to its last evidence.
    pub duration_ms: u64,
    /// Strongest motion, 0 to 1.
    pub score: Score,
    /// Names of the zones touched.
    #[schemars(with = "std::vec::Vec<std::string::String>")]
    pub zones: Vec<Name, ZONES_MAX>,
    /// Where motion is (at the end: was at its strongest), strongest first.
    #[schemars(with = "std::vec::Vec<Rect>")]
    pub boxes: Vec<Rect, REGIONS_MAX>,
    /// PIR evidence, or null.
    pub pir: Option<PirEvidence>,
    /// Video evidence, or null.
    pub video: Option<VideoEvidence>,
    /// Similar events that were suppressed into this one.
    #[serde(default)]
    pub suppressed: u32,
    /// Why it ended, or null.
    #[serde(default)]
    pub end_reason: Option<EndReason>,
    /// Where its picture is, or null.
    #[serde(default)]
    pub snapshot_url: Option<std::string::String>,
    /// Where its clip is, or null.
    #[serde(default)]
    pub clip_url: Option<std::string::String>,
    /// Whether someone asked to keep it: it outlasts all that nobody did. Left out when not.
    #[serde(default, skip_serializing_if = "is_not")]
    pub bookmarked: bool,
    /// Whether `timestamp` is to be believed.
    pub clock: ClockState,
    /// Boot in which it happened.
    pub boot_id: BootId,
    /// When it began, in milliseconds on that boot's monotonic time line.
    pub uptime_ms: u64,
}

/// For serde, which asks by reference.
fn is_not(flag: &bool) -> bool {
    !flag
}
