//! What is told to many beside events and alerts: media and tasks. Bookmarks are in [`kept`](super::kept), announcements in
//! [`broadcast`](super::broadcast).

use schemars::JsonSchema;
use serde::Serialize;

/// What was made of an event: `snapshot_saved`, `clip_saved`. Use [`SnapshotSaved`] or [`ClipSaved`].
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SnapshotSaved<'a> {
    /// Place in the order of durable messages; left out when it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The picture.
    pub data: Media<'a>,
}

/// A clip of an event was kept.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ClipSaved<'a> {
    /// Place in the order of durable messages; left out when it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The clip.
    pub data: Media<'a>,
}

/// A long piece of work, such as an update or an export.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Task<'a> {
    /// Which.
    pub task_id: &'a str,
    /// What it does: `update`, `export`.
    pub task_type: &'a str,
    /// For people.
    pub message: &'a str,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskStarted<'a> {
    /// Which.
    #[serde(flatten)]
    pub task: Task<'a>,
}

/// A task goes on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskProgress<'a> {
    /// Which.
    #[serde(flatten)]
    pub task: Task<'a>,
    /// How far it is.
    pub progress: Steps,
}

/// A task is done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskCompleted<'a> {
    /// Which.
    #[serde(flatten)]
    pub task: Task<'a>,
    /// Where what came of it is; null when it is no thing.
    pub result_url: Option<&'a str>,
}

/// A task came to nothing.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskFailed<'a> {
    /// Which.
    #[serde(flatten)]
    pub task: Task<'a>,
    /// Why.
    pub error: &'a str,
}

message_types! {
    SnapshotSaved<'_> => "snapshot_saved",
    ClipSaved<'_> => "clip_saved",
    TaskStarted<'_> => "task.started",
    TaskProgress<'_> => "task.progress",
    TaskCompleted<'_> => "task.completed",
    TaskFailed<'_> => "task.failed",
}
