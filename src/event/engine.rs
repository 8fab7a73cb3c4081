//! The state machine that makes events of motion and edges: idle, pending, active, cooling; fusion, suppression.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

/// Which evidence makes an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// Motion in the picture; PIR is recorded as evidence only.
    Video,
    /// The PIR sensor; video is recorded as evidence only.
    Pir,
    /// Either of them.
    #[default]
    Either,
    /// Both, within the window of each other.
    Both,
    /// Video, within the window after the PIR sensor saw something.
    PirArmsVideo,
}

/// What a user may set of the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which evidence makes an event.
    pub fusion: Fusion,
    /// How far apart PIR and video evidence may lie and still belong together.
    pub window: Duration,
    /// Time without evidence after which an event is over.
    pub gap: Duration,
    /// Longest event; what goes on is a new one.
    pub length_max: Duration,
    /// Overlap (intersection over union) in thousandths from which a new start within the gap is the same event: 800 is 0.8.
    pub similarity_permille: u16,
    /// Shortest time between two updates of one event.
    pub update_interval: Duration,
    /// Whether events are made at all when the service starts.
    pub armed: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            fusion: Fusion::Either,
            window: Duration::from_secs(3),
            gap: Duration::from_secs(2),
            length_max: Duration::from_secs(300),
            similarity_permille: 800,
            update_interval: Duration::from_secs(2),
            armed: true,
        }
    }
}
