//! What a client may want to hear of: [`Topic`], one for each kind of message that is told to many.

use serde::Serialize;
use serde::Serializer;

/// A kind of message that is told to many; its name is the message's `type`. A topic's place is its bit in a
/// [resume token](super::token), so new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Events: begun, updated, ended.
    Event,
    /// What becomes of the camera: lost, restored, ended, tampered with.
    CameraEvent,
    /// What someone should look at.
    Alert,
    /// A picture of an event was kept.
    SnapshotSaved,
    /// A clip of an event was kept.
    ClipSaved,
    /// Someone marked an event as worth keeping.
    BookmarkCreated,
    /// A long piece of work began.
    TaskStarted,
    /// How far it is.
    TaskProgress,
    /// It is done.
    TaskCompleted,
    /// It came to nothing.
    TaskFailed,
    /// An administrator's word to everybody.
    Announcement,
    /// Whatever someone who integrates wants to see arrive.
    Custom,
    /// What happened today, in numbers.
    StatisticsUpdate,
    /// How the device is.
    Telemetry,
    /// What the detector sees now.
    Overlay,
    /// Who is connected.
    Presence,
    /// An event is kept no longer than others.
    BookmarkRemoved,
    /// Someone deleted an event.
    EventDeleted,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 18] = [
        Topic::Event,
        Topic::CameraEvent,
        Topic::Alert,
        Topic::SnapshotSaved,
        Topic::ClipSaved,
        Topic::BookmarkCreated,
        Topic::TaskStarted,
        Topic::TaskProgress,
        Topic::TaskCompleted,
        Topic::TaskFailed,
        Topic::Announcement,
        Topic::Custom,
        Topic::StatisticsUpdate,
        Topic::Telemetry,
        Topic::Overlay,
        Topic::Presence,
        Topic::BookmarkRemoved,
        Topic::EventDeleted,
    ];
    /// Those of which only the latest message counts: a slow client skips to it.
    pub const LATEST: [Topic; 4] = [Topic::StatisticsUpdate, Topic::Telemetry, Topic::Overlay, Topic::Presence];

    /// Its name: the `type` of its messages.
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Event => "event",
            Topic::CameraEvent => "camera_event",
            Topic::Alert => "alert",
            Topic::SnapshotSaved => "snapshot_saved",
            Topic::ClipSaved => "clip_saved",
            Topic::BookmarkCreated => "bookmark_created",
            Topic::TaskStarted => "task.started",
            Topic::TaskProgress => "task.progress",
            Topic::TaskCompleted => "task.completed",
            Topic::TaskFailed => "task.failed",
            Topic::Announcement => "announcement",
            Topic::Custom => "custom",
            Topic::StatisticsUpdate => "statistics_update",
            Topic::Telemetry => "telemetry",
            Topic::Overlay => "overlay",
            Topic::Presence => "presence",
            Topic::BookmarkRemoved => "bookmark_removed",
            Topic::EventDeleted => "event_deleted",
        }
    }

    /// The topic of that name.
    pub fn named(name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Its place in [`Topic::LATEST`], if only its latest message counts.
    pub fn latest_index(self) -> Option<usize> {
        Topic::LATEST.iter().position(|topic| *topic == self)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A set of topics; as JSON the list of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics(u32);

impl Topics {
    /// No topic.
    pub const NONE: Topics = Topics(0);
    /// What happened: the topics of `/ws/events`.
    pub const EVENTS: Topics = Topics::of(&[
        Topic::Event,
        Topic::CameraEvent,
        Topic::Alert,
        Topic::BookmarkCreated,
        Topic::BookmarkRemoved,
        Topic::EventDeleted,
    ]);
    /// Those of which only the latest message counts.
    pub const LATEST: Topics = Topics::of(&Topic::LATEST);
    /// Every topic.
    pub const ALL: Topics = Topics::of(&Topic::ALL);

    /// The set of `topics`.
    pub const fn of(topics: &[Topic]) -> Topics {
        let (mut set, mut n) = (0, 0);
        while n < topics.len() {
            set |= 1 << topics[n] as u32;
            n += 1;
        }
        Topics(set)
    }
    /// Whether `topic` is one of them.
    pub const fn has(self, topic: Topic) -> bool {
        self.0 & (1 << topic as u32) != 0
    }
    /// Whether any of `others` is one of them.
    pub const fn has_any(self, others: Topics) -> bool {
        self.0 & others.0 != 0
    }
    /// Those of either.
    pub const fn with(self, other: Topics) -> Topics {
        Topics(self.0 | other.0)
    }
    /// Those that are not of `other`.
    pub const fn without(self, other: Topics) -> Topics {
        Topics(self.0 & !other.0)
    }
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.has(*topic))
    }
    /// One bit for each, as in a resume token.
    pub(super) const fn bits(self) -> u32 {
        self.0
    }
    /// From those bits; any that mean nothing here are left out.
    pub(super) const fn from_bits(bits: u32) -> Topics {
        Topics(bits & Topics::ALL.0)
    }
}

impl Serialize for Topics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl schemars::JsonSchema for Topic {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Topic".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "A kind of message.", "type": "string", "enum": Topic::ALL.map(Topic::name) })
    }
}
