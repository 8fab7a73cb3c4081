//! The addresses of the stream: one hub behind all of them. A door is only what a client is told of before it says anything.

use super::Topic;
use super::Topics;

/// Where a client came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// For who wants to know what happens.
    Events,
    /// For a page that shows the device live.
    Ui,
    /// For a panel of figures.
    Statistics,
    /// For programs that subscribe to what they want.
    Open,
}

impl Door {
    /// Every door.
    pub const ALL: [Door; 4] = [Door::Events, Door::Ui, Door::Statistics, Door::Open];

    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Door::Events => "/ws/events",
            Door::Ui => "/ws/ui",
            Door::Statistics => "/api/ws/statistics",
            Door::Open => "/ws",
        }
    }

    /// What a client is told of until it says otherwise.
    pub const fn topics(self) -> Topics {
        match self {
            Door::Events => Topics::EVENTS,
            Door::Ui => Topics::of(&[
                Topic::Event,
                Topic::Overlay,
                Topic::Telemetry,
                Topic::SnapshotSaved,
                Topic::ClipSaved,
                Topic::BookmarkCreated,
                Topic::BookmarkRemoved,
                Topic::EventDeleted,
                Topic::Announcement,
            ]),
            Door::Statistics => Topics::of(&[Topic::StatisticsUpdate, Topic::CameraEvent, Topic::Alert]),
            Door::Open => Topics::NONE,
        }
    }
}
