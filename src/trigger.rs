//! What a PIR sensor gives: [`Edge`] and [`trait TriggerSource`](TriggerSource). The sensors themselves are in `trigger/`.

pub mod chardev;
pub mod gate;
pub mod rppal;
pub mod scripted;
pub mod sensor;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Mono;

/// A change of the sensor's line, after debouncing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When, on the monotonic time line, as the kernel stamped it.
    pub at: Mono,
    /// True when the sensor began to see something, false when it ceased (polarity already applied).
    pub active: bool,
}

/// What a trigger source lost or left out, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TriggerCounters {
    /// Edges handed out.
    pub delivered: u64,
    /// Edges lost before they were read, seen as gaps in the kernel's sequence numbers.
    pub missed: u64,
    /// Edges left out while the sensor was warming up.
    pub warm_up: u64,
}

/// Whether a sensor can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerState {
    /// None is configured.
    None,
    /// Powered, but its output means nothing yet: edges are left out and counted.
    WarmUp,
    /// Edges are given.
    Live,
    /// The line cannot be had (no GPIO, wrong name, in use, unplugged); video goes on.
    Unavailable,
}

/// Why a trigger source gives no edges.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// No such chip, line or board; or one that another program holds.
    #[error("PIR on {what}: {why}")]
    Unavailable {
        /// Chip and line.
        what: String,
        /// What the system or the library said.
        why: String,
    },
}

/// A PIR sensor, or what stands for one. Every implementation ships and passes `tests/sources.rs`:
///
/// * `poll` never waits; edges come in the order of their times, each once;
/// * edges lost before they were read are counted in `missed`;
/// * after an error it returns an error for ever, and dropping it never panics.
pub trait TriggerSource: Send {
    /// The next edge that is there already, if any.
    fn poll(&mut self) -> Result<Option<Edge>, TriggerError>;
    /// Whether the sensor can be relied on now.
    fn state(&self) -> TriggerState;
    /// What was lost so far.
    fn counters(&self) -> TriggerCounters;
}
