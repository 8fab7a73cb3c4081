//! What is told to many beside events and alerts: media, tasks, announcements, and what someone wants to see arrive.

use serde::Serialize;
use serde_json::value::RawValue;

/// What was made of an event: `snapshot_saved`, `clip_saved`. Use [`SnapshotSaved`] or [`ClipSaved`].
#[derive(Clone, Debug, Serialize)]
pub struct Media<'a> {
    /// Which camera.
    pub camera_id: &'a str,
    /// Which event.
    pub event_id: u64,
    /// Where it is.
    pub url: &'a str,
    /// How long it is, in bytes.
    pub bytes: u64,
}

/// A picture of an event was kept.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotSaved<'a> {
    /// Place in the order of durable messages; left out when it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The picture.
    pub data: Media<'a>,
}

/// A clip of an event was kept.
#[derive(Clone, Debug, Serialize)]
pub struct ClipSaved<'a> {
    /// Place in the order of durable messages; left out when it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The clip.
    pub data: Media<'a>,
}

/// Someone marked an event as worth keeping.
#[derive(Clone, Debug, Serialize)]
pub struct BookmarkCreated<'a> {
    /// Place in the order of durable messages; left out when it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The mark.
    pub data: Bookmark<'a>,
}

/// A mark on an event.
#[derive(Clone, Debug, Serialize)]
pub struct Bookmark<'a> {
    /// Which camera.
    pub camera_id: &'a str,
    /// Which event.
    pub event_id: u64,
    /// Why, in the words of who made it; null when none were given.
    pub note: Option<&'a str>,
}

/// A long piece of work, such as an update or an export.
#[derive(Clone, Debug, Serialize)]
pub struct Task<'a> {
    /// Which.
    pub task_id: &'a str,
    /// What it does: `update`, `export`.
    pub task_type: &'a str,
    /// For people.
    pub message: &'a str,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Steps {
    /// Done.
    pub current: u64,
    /// To do in all.
    pub total: u64,
    /// Done, in hundredths of all.
    pub percentage: u8,
}

impl Steps {
    /// `current` of `total`; a task of nothing is done.
    pub fn new(current: u64, total: u64) -> Steps {
        let hundredths = (u128::from(current) * 100).checked_div(u128::from(total)).unwrap_or(100);
        Steps {
            current,
            total,
            percentage: hundredths.min(100) as u8,
        }
    }
}

/// A task began.
#[derive(Clone, Debug, Serialize)]
pub struct TaskStarted<'a> {
    /// Which.
    #[serde(flatten)]
    pub task: Task<'a>,
}

/// A task goes on.
#[derive(Clone, Debug, Serialize)]
pub struct TaskProgress<'a> {
    /// Which.
    #[serde(flatten)]
    pub task: Task<'a>,
    /// How far it is.
    pub progress: Steps,
}

/// A task is done.
#[derive(Clone, Debug, Serialize)]
pub struct TaskCompleted<'a> {
    /// Which.
    #[serde(flatten)]
    pub task: Task<'a>,
    /// Where what came of it is; null when it is no thing.
    pub result_url: Option<&'a str>,
}

/// A task came to nothing.
#[derive(Clone, Debug, Serialize)]
pub struct TaskFailed<'a> {
    /// Which.
    #[serde(flatten)]
    pub task: Task<'a>,
    /// Why.
    pub error: &'a str,
}

/// An administrator's word to everybody who listens.
#[derive(Clone, Debug, Serialize)]
pub struct Announcement<'a> {
    /// It.
    pub message: &'a str,
}

/// What someone who integrates wants to see arrive.
#[derive(Clone, Debug, Serialize)]
pub struct Custom<'a> {
    /// Any JSON.
    pub data: &'a RawValue,
}

message_types! {
    SnapshotSaved<'_> => "snapshot_saved",
    ClipSaved<'_> => "clip_saved",
    BookmarkCreated<'_> => "bookmark_created",
    TaskStarted<'_> => "task.started",
    TaskProgress<'_> => "task.progress",
    TaskCompleted<'_> => "task.completed",
    TaskFailed<'_> => "task.failed",
    Announcement<'_> => "announcement",
    Custom<'_> => "custom",
}
