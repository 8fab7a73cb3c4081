//! Messages of which only the latest counts: how the device is and what it sees, now. A slow client skips some.

use heapless::Vec;
use schemars::JsonSchema;
use serde::Serialize;
use serde::Serializer;

use super::Door;
use crate::clock::Timestamp;
use crate::event::model::Name;
use crate::event::model::Trigger;
use crate::limits::HEAT_COLUMNS;
use crate::limits::HEAT_ROWS;
use crate::limits::PRESENCE_CLIENTS_MAX;
use crate::limits::REGIONS_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::Rect;
use crate::motion::Score;

/// What happened today, in numbers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StatisticsUpdate<'a> {
    /// The numbers.
    pub data: Statistics<'a>,
}

/// Numbers of one day. A day begins at midnight UTC, as timestamps are in UTC.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Statistics<'a> {
    /// Events that began today.
    pub events_today: u32,
    /// Of those, by what set them off.
    pub by_trigger: ByTrigger,
    /// Of those, by zone that they touched; an event may touch several.
    #[schemars(with = "std::collections::BTreeMap<String, u32>")]
    pub by_zone: ByZone<'a>,
    /// The event that began last, of today or before; null when there is none.
    pub last_event: Option<LastEvent>,
    /// The cameras.
    pub cameras: Cameras,
    /// Those who are connected.
    pub clients: Clients,
}

/// Counts of events by what set them off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ByTrigger {
    /// Motion in the picture.
    pub video: u32,
    /// The PIR sensor.
    pub pir: u32,
    /// Both of these.
    pub both: u32,
    /// A person or a program.
    pub manual: u32,
}

impl ByTrigger {
    /// The count for `trigger`.
    pub fn of(&mut self, trigger: Trigger) -> &mut u32 {
        match trigger {
            Trigger::Video => &mut self.video,
            Trigger::Pir => &mut self.pir,
            Trigger::Both => &mut self.both,
            Trigger::Manual => &mut self.manual,
        }
    }
}

/// Counts by zone; as JSON an object of names.
#[derive(Clone, Debug)]
pub struct ByZone<'a> {
    /// The zones' names.
    pub names: &'a [Name],
    /// The count of each.
    pub counts: [u32; ZONES_MAX],
}

impl Serialize for ByZone<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().zip(self.counts))
    }
}

/// As much of an event as a panel shows.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LastEvent {
    /// Identity: `/api/events/{id}` has all of it.
    pub id: u64,
    /// When it began.
    pub timestamp: Timestamp,
    /// Which camera.
    #[schemars(with = "String")]
    pub camera_id: Name,
    /// What set it off.
    pub trigger: Trigger,
    /// Strongest motion.
    pub score: Score,
}

/// How many cameras.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cameras {
    /// That there are.
    pub total: u32,
    /// That give frames.
    pub active: u32,
    /// In whose picture an event goes on.
    pub recording: u32,
}

/// How many clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Clients {
    /// Streams, by all doors.
    pub streams: usize,
    /// Most clients at once, streams and requests together.
    pub max: usize,
}

/// How the device is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TelemetryMessage<'a> {
    /// Which camera.
    pub camera_id: &'a str,
    /// The figures.
    pub data: Telemetry,
}

/// How the device is, in figures. What this board cannot say is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Telemetry {
    /// Frames a second.
    pub fps: Option<f32>,
    /// From a frame's capture until it was looked at, in milliseconds.
    pub latency_ms: Option<u32>,
    /// Where time goes on the way from a frame to a client.
    pub stages: Stages,
    /// Time since the server began to listen, in milliseconds.
    pub uptime_ms: u64,
    /// Of the processor, in degrees Celsius.
    pub temperature_c: Option<f32>,
    /// Whether the processor is held back.
    pub throttling: Option<Throttling>,
    /// Memory against its budget, in bytes.
    pub memory: Option<MemoryUse>,
    /// Room where events are kept, in bytes.
    pub disk: Option<DiskUse>,
    /// Strength of the Wi-Fi signal, in dBm: -50 is good, -80 is bad.
    pub wifi_dbm: Option<i32>,
}

/// What the stages last took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stages {
    /// A frame in the detector, in microseconds.
    pub detect_us: Option<u32>,
    /// Messages to the disk, in microseconds: what an event waits for before it is told.
    pub commit_us: Option<u32>,
}

/// Whether a Raspberry Pi holds its processor back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Throttling {
    /// The supply's voltage is too low now.
    pub undervoltage: bool,
    /// The clock is capped now.
    pub capped: bool,
    /// It is throttled now.
    pub throttled: bool,
    /// It is near its limit of temperature now.
    pub hot: bool,
    /// Any of these happened since it was switched on.
    pub happened: bool,
}

/// Memory that the service has allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MemoryUse {
    /// Now.
    pub used_bytes: u64,
    /// At most, so far.
    pub peak_bytes: u64,
    /// At most, as promised.
    pub budget_bytes: u64,
}

/// Room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiskUse {
    /// Free.
    pub free_bytes: u64,
    /// In use.
    pub used_bytes: u64,
}

/// What the detector sees now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OverlayMessage<'a> {
    /// Which camera.
    pub camera_id: &'a str,
    /// Always `motion`.
    pub overlay_type: &'static str,
    /// It.
    pub data: Overlay<'a>,
}

/// What the detector sees in one picture.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Overlay<'a> {
    /// Number of the frame.
    pub frame: u64,
    /// Strength of the strongest motion, also when it is too little for an event.
    pub score: Score,
    /// Where it moves, strongest first, in parts of the picture.
    #[schemars(with = "std::vec::Vec<Rect>")]
    pub boxes: Vec<Rect, REGIONS_MAX>,
    /// Zones where it moves.
    #[schemars(with = "std::vec::Vec<String>")]
    pub zones: Vec<&'a str, ZONES_MAX>,
    /// How much it moved of late, all over the picture; null in most overlays, as it changes slowly.
    #[schemars(with = "Option<HeatFields>")]
    pub heat: Option<Heat>,
}

/// How much it moved of late in each field of a coarse grid, in 255ths; as JSON `columns`, `rows`, and `cells`: a digit from 0
/// to 9 for each field, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heat(pub [u8; HEAT_COLUMNS * HEAT_ROWS]);

impl Default for Heat {
    fn default() -> Heat {
        Heat([0; HEAT_COLUMNS * HEAT_ROWS])
    }
}

/// Heat as JSON has it.
#[derive(Serialize, JsonSchema)]
struct HeatFields {
    /// Cells across.
    columns: usize,
    /// Cells down.
    rows: usize,
    /// A digit for each cell, row by row: 0 still, 9 all of it moves.
    #[schemars(with = "String")]
    cells: heapless::String<{ HEAT_COLUMNS * HEAT_ROWS }>,
}

impl Serialize for Heat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.0.iter().map(|heat| u32::from(*heat) * 10 / 256);
        let fields = HeatFields {
            columns: HEAT_COLUMNS,
            rows: HEAT_ROWS,
            cells: digits.filter_map(|digit| char::from_digit(digit, 10)).collect(),
        };
        fields.serialize(serializer)
    }
}

/// Who is connected.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PresenceMessage<'a> {
    /// They.
    pub data: &'a Presence,
}

/// Who is connected to a stream, and how they are served.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Presence {
    /// Streams, by all doors.
    pub count: usize,
    /// Those furthest behind first; at most [`PRESENCE_CLIENTS_MAX`].
    #[schemars(with = "std::vec::Vec<Present>")]
    pub clients: Vec<Present, PRESENCE_CLIENTS_MAX>,
}

/// One who is connected.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Present {
    /// The connection, as its own `connection_status` and the log name it.
    #[schemars(with = "String")]
    pub connection_id: heapless::String<16>,
    /// Where it came in.
    pub door: Door,
    /// From which network: its address without the part that names one machine.
    #[schemars(with = "String")]
    pub network: heapless::String<40>,
    /// Messages that it has not come to yet.
    pub behind: u64,
    /// Messages that it got.
    pub delivered: u64,
    /// Messages that it missed.
    pub lagged: u64,
    /// Latest-wins messages that it skipped.
    pub skipped: u64,
}

message_types! {
    StatisticsUpdate<'_> => "statistics_update",
    TelemetryMessage<'_> => "telemetry",
    OverlayMessage<'_> => "overlay",
    PresenceMessage<'_> => "presence",
}
