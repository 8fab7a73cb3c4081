//! What the server says, one type for each message. `encode` puts `type` and `timestamp` before the fields.

use schemars::JsonSchema;
use serde::Serialize;

use super::Topics;
use super::filter::Filter;
use super::filter::Names;
use super::token::TokenText;
use crate::clock::BootId;
use crate::event::model::Event;
use crate::event::model::Name;
use crate::frame::FrameFormat;
use crate::limits::ZONES_MAX;
use crate::motion::Score;
use crate::motion::Tamper;

/// The welcome: who speaks, and from where on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConnectionStatus<'a> {
    /// Always `connected`.
    pub status: &'static str,
    /// This connection, as the server's log names it.
    pub connection_id: &'a str,
    /// Boot of the machine.
    pub boot_id: BootId,
    /// Which store the sequence numbers count in. Another one than before: forget `since`.
    pub store_id: &'a str,
    /// Newest durable sequence number; live messages have greater ones.
    pub newest_seq: u64,
    /// What this connection is told of.
    #[schemars(with = "Vec<super::Topic>")]
    pub topics: Topics,
    /// Where it is and what it is told of, in a word to keep: `?resume=` or `resume` with it goes on from here.
    #[schemars(with = "String")]
    pub resume_token: TokenText,
    /// For people.
    pub message: &'static str,
}

/// An event began, went on or ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventMessage<'a> {
    /// Place in the order of durable messages.
    pub seq: u64,
    /// The event, as REST shows it.
    pub data: &'a Event,
}

/// What became of the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraEventType {
    /// Frames flow, for the first time since the service started.
    Opened,
    /// No more frames; being reopened.
    Lost,
    /// Frames flow again.
    Restored,
    /// A clip is over.
    Ended,
    /// Something is wrong with the picture.
    Tampered,
    /// The picture is right again.
    TamperOver,
}

/// Something became of the camera.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CameraEvent<'a> {
    /// Place in the order of durable messages.
    pub seq: u64,
    /// Which camera.
    pub camera_id: &'a str,
    /// What became of it.
    pub event_type: CameraEventType,
    /// More about it.
    pub data: CameraEventData<'a>,
}

/// More about what became of the camera; what does not apply is left out.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct CameraEventData<'a> {
    /// For people.
    pub message: &'a str,
    /// What the camera gives, when restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<FrameFormat>,
    /// What is wrong with the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tamper: Option<Tamper>,
}

/// What someone should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertType {
    /// The database did not open; it was set aside and a new one begun.
    StoreSetAside,
    /// The database was mended when it was opened; the last commit may be lost.
    StoreRepaired,
    /// Records were lost because the disk was too slow.
    RecordsDropped,
    /// The wall clock is known good now; earlier events of this boot got their time.
    ClockSynchronized,
    /// The whole picture changed at once (light switched, camera moved).
    SceneChanged,
    /// The PIR sensor cannot be read.
    PirUnavailable,
    /// The PIR sensor can be read again.
    PirRestored,
    /// A new system runs, and is being tested.
    UpdateTesting,
    /// A new system does what it is for, and is kept.
    UpdateConfirmed,
    /// A new system does not do what it is for; the machine goes back to the one before.
    UpdateRejected,
    /// The machine came back from a new system to the one before.
    UpdateRolledBack,
    /// The configuration has settings of another version, which this one leaves out.
    SettingsLeftOut,
}

/// Someone should look at this.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Alert<'a> {
    /// Place in the order of durable messages.
    pub seq: u64,
    /// What it is about.
    pub alert_type: AlertType,
    /// Which camera, or null for the device as a whole.
    pub camera_id: Option<&'a str>,
    /// More about it.
    pub data: AlertData<'a>,
}

/// More about an alert.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlertData<'a> {
    /// For people.
    pub message: &'a str,
}

/// Is anybody there? Any message or protocol pong is an answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ping {
    /// As in [`ConnectionStatus`], with everything before this message counted in.
    #[schemars(with = "String")]
    pub resume_token: TokenText,
}

/// What a client is told of from here on: the whole of it, after any change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SubscriptionConfirmed<'a> {
    /// These topics.
    #[schemars(with = "Vec<super::Topic>")]
    pub event_types: Topics,
    /// Only this camera; null for every one.
    pub camera_id: Option<&'a str>,
    /// Only what touches one of these zones; null for everything.
    #[schemars(with = "Option<Vec<String>>")]
    pub zones: Option<heapless::Vec<&'a str, ZONES_MAX>>,
    /// Only what is at least that strong; null for everything.
    pub min_score: Option<Score>,
    /// As in [`ConnectionStatus`].
    #[schemars(with = "String")]
    pub resume_token: TokenText,
}

impl<'a> SubscriptionConfirmed<'a> {
    /// What `filter` says, in names.
    pub fn of(filter: &Filter, names: &'a Names, resume_token: TokenText) -> SubscriptionConfirmed<'a> {
        let camera = filter.camera.and_then(|place| names.cameras.get(usize::from(place)));
        SubscriptionConfirmed {
            event_types: filter.topics,
            camera_id: camera.map(Name::as_str),
            zones: filter.zones.map(|zones| names.zone_names(zones).map(Name::as_str).collect()),
            min_score: filter.min_score,
            resume_token,
        }
    }
}

/// Whether the live picture is shown here, as binary messages, each one JPEG.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct LiveConfirmed {
    /// Whether it is.
    pub on: bool,
    /// How many times a second at most; null when not at all.
    pub fps: Option<u32>,
    /// How many look at it now.
    pub viewers: usize,
    /// How many may.
    pub viewers_max: usize,
}

/// The answer to a client's `ping`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Pong {}

/// The client was too slow: messages were left out here.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Lagged {
    /// How many of those that it is told of.
    pub missed: u64,
    /// Durable messages after this number follow; `resume` with an earlier one gives what was left out.
    pub oldest_seq: u64,
    /// Newest durable sequence number.
    pub newest_seq: u64,
}

/// A replay is over; what follows is live.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Recovered {
    /// True when everything after `since` was sent; false when some of it is gone, or `since` was never given out.
    pub recovered: bool,
    /// What was asked for.
    pub since: u64,
    /// Oldest durable sequence number still kept; null when none is, or when it was not looked up, as nothing was missing.
    pub oldest_seq: Option<u64>,
    /// Last sequence number replayed.
    pub newest_seq: u64,
}

/// The server goes away.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Reconnect {
    /// When to come back, at the earliest, in milliseconds. Clients add jitter of their own.
    pub retry_after_ms: u64,
}

/// What the client sent was not understood; nothing was done, the connection stays.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ErrorMessage<'a> {
    /// For people.
    pub message: &'a str,
    /// Types that are understood, when an unknown one was sent.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub known_types: &'a [&'a str],
}

message_types! {
    ConnectionStatus<'_> => "connection_status",
    EventMessage<'_> => "event",
    CameraEvent<'_> => "camera_event",
    Alert<'_> => "alert",
    Ping => "ping",
    Pong => "pong",
    SubscriptionConfirmed<'_> => "subscription.confirmed",
    LiveConfirmed => "live.confirmed",
    Lagged => "lagged",
    Recovered => "recovered",
    Reconnect => "system.reconnect",
    ErrorMessage<'_> => "error",
}
