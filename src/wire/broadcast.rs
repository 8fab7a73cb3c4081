//! What a person or a program asks the server to say to everybody: announcements, and samples for those who integrate. None of it
//! is durable.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use super::Message;

/// A word to everybody.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Announcement<'a> {
    /// For people.
    pub message: &'a str,
}

/// An event that did not happen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SampleEvent<'a> {
    /// Always true.
    pub test: bool,
    /// An event, or what was sent in its place.
    #[schemars(with = "Map<String, Value>")]
    pub data: &'a Map<String, Value>,
}

/// What would be drawn over the picture.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SampleOverlay<'a> {
    /// Always true.
    pub test: bool,
    /// Always `detection`.
    pub overlay_type: &'static str,
    /// `boxes`, in parts of the picture, or what was sent in their place.
    #[schemars(with = "Map<String, Value>")]
    pub data: &'a Map<String, Value>,
}

/// Figures about the device, made up.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SampleTelemetry<'a> {
    /// Always true.
    pub test: bool,
    /// `fps`, or what was sent in its place.
    #[schemars(with = "Map<String, Value>")]
    pub data: &'a Map<String, Value>,
}

/// Whatever the sender wanted said.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Custom<'a> {
    /// As it was sent.
    #[schemars(with = "Map<String, Value>")]
    pub data: &'a Map<String, Value>,
}

impl Message for Announcement<'_> {
    const TYPE: &'static str = "announcement";
}

impl Message for SampleEvent<'_> {
    const TYPE: &'static str = "event";
}

impl Message for SampleOverlay<'_> {
    const TYPE: &'static str = "overlay";
}

impl Message for SampleTelemetry<'_> {
    const TYPE: &'static str = "telemetry";
}

impl Message for Custom<'_> {
    const TYPE: &'static str = "custom";
}
