//! What the server says of stored events that someone kept or deleted.

use schemars::JsonSchema;
use serde::Serialize;

use super::Message;
use crate::event::model::Event;

/// Someone asked to keep an event.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BookmarkCreated<'a> {
    /// Place in the order of durable messages.
    pub seq: u64,
    /// Which camera.
    pub camera_id: &'a str,
    /// Which event.
    pub event_id: u64,
    /// The event, as REST shows it now.
    pub data: &'a Event,
}

/// An event is kept no longer than others.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BookmarkRemoved<'a> {
    /// Place in the order of durable messages.
    pub seq: u64,
    /// Which camera.
    pub camera_id: &'a str,
    /// Which event.
    pub event_id: u64,
    /// The event, as REST shows it now.
    pub data: &'a Event,
}

/// Someone deleted an event; it is not to be shown any more.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventDeleted<'a> {
    /// Place in the order of durable messages.
    pub seq: u64,
    /// Which camera.
    pub camera_id: &'a str,
    /// Which event.
    pub event_id: u64,
}

impl Message for BookmarkCreated<'_> {
    const TYPE: &'static str = "bookmark_created";
}

impl Message for BookmarkRemoved<'_> {
    const TYPE: &'static str = "bookmark_removed";
}

impl Message for EventDeleted<'_> {
    const TYPE: &'static str = "event_deleted";
}
