//! What every sensor line has in common: its pull resistor, polarity, warm-up, losses, and that an error is for good.
//! How changes come from the kernel is in `chardev.rs` and `rppal.rs`.

use std::sync::Arc;
use std::time::Duration;

use super::Edge;
use super::TriggerCounters;
use super::TriggerError;
use super::TriggerSource;
use super::TriggerState;
use crate::clock::Clock;
use crate::clock::Mono;

/// Pull resistor of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bias {
    /// None: the sensor drives the line both ways, as most PIR modules do.
    #[default]
    None,
    /// To the supply voltage, for open-drain outputs.
    Up,
    /// To ground.
    Down,
}

/// How a sensor is wired, and how it behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sensor {
    /// True when it pulls the line low to say that it sees something.
    pub active_low: bool,
    /// Pull resistor; boards without a switchable one ignore it.
    pub bias: Bias,
    /// The kernel reports a change only once the line has been stable for so long; zero: at once.
    pub debounce: Duration,
    /// Time from opening during which the sensor's output means nothing.
    pub warm_up: Duration,
}

/// A change of a line, as the kernel reports it.
pub(super) struct Change {
    /// The kernel's count of this line's changes: 1 is the first, and those that it dropped count.
    pub(super) sequence: u32,
    /// When, by `CLOCK_MONOTONIC`.
    pub(super) at: Mono,
    /// From low to high.
    pub(super) rising: bool,
}

/// A line that this program holds; dropping it lets it go.
pub(super) trait Line: Send {
    /// The oldest change that the kernel holds, without waiting for one; or why there will be no more.
    fn next(&mut self) -> Result<Option<Change>, String>;
}

/// Makes a trigger source of a line.
pub(super) struct Gate<L> {
    what: String,
    /// The line, or why it was given up.
    line: Result<L, String>,
    clock: Arc<dyn Clock>,
    active_low: bool,
    warm_from: Mono,
    sequence: u32,
    counters: TriggerCounters,
}

impl<L: Line> Gate<L> {
    /// Takes over `line`, called `what` in errors; warm-up begins.
    pub(super) fn new(what: String, line: L, sensor: &Sensor, clock: Arc<dyn Clock>) -> Gate<L> {
        Gate {
            what,
            line: Ok(line),
            warm_from: clock.now() + sensor.warm_up,
            clock,
            active_low: sensor.active_low,
            sequence: 0,
            counters: TriggerCounters::default(),
        }
    }

    /// The edge that `change` is, unless the sensor was still warming up.
    fn pass(&mut self, change: &Change) -> Option<Edge> {
        let missed = change.sequence.wrapping_sub(self.sequence).saturating_sub(1);
        self.counters.missed += u64::from(missed);
        self.sequence = change.sequence;
        if change.at < self.warm_from {
            self.counters.warm_up += 1;
            return None;
        }
        self.counters.delivered += 1;
        Some(Edge {
            at: change.at,
            active: change.rising != self.active_low,
        })
    }
}

impl<L: Line> TriggerSource for Gate<L> {
    fn poll(&mut self) -> Result<Option<Edge>, TriggerError> {
        loop {
            let next = self.line.as_mut().map_err(|why| why.clone()).and_then(L::next);
            match next {
                Ok(None) => return Ok(None),
                Ok(Some(change)) => {
                    if let Some(edge) = self.pass(&change) {
                        return Ok(Some(edge));
                    }
                }
                Err(why) => {
                    self.line = Err(why.clone());
                    let what = self.what.clone();
                    return Err(TriggerError::Unavailable { what, why });
                }
            }
        }
    }

    fn state(&self) -> TriggerState {
        match self.line {
            Err(_) => TriggerState::Unavailable,
            Ok(_) if self.clock.now() < self.warm_from => TriggerState::WarmUp,
            Ok(_) => TriggerState::Live,
        }
    }

    fn counters(&self) -> TriggerCounters {
        self.counters
    }
}
