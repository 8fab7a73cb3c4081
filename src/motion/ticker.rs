//! Time between frames in the units of histories, so that the same scene is judged alike at every frame rate.

use crate::clock::Mono;

/// Units of the ages of regions, of learning and of clutter.
pub(crate) const TICKS_PER_SECOND: u64 = 16;
/// Least time between two steps of the histories, in milliseconds: what counts frames means the same at 15 and at 30 a second.
const STEP_MS: u64 = 40;
/// Longest time between frames that counts, in nanoseconds: nobody knows what was in a longer one.
const LAPSE_NANOS_MAX: u64 = 1_000_000_000;

/// Time from the frame before to a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lapse {
    /// In ticks, of which no part is lost.
    pub(crate) ticks: u8,
    /// In milliseconds, at most a second.
    pub(crate) millis: u16,
    /// Whether the frame is a step of the histories: of frames that come faster than [`STEP_MS`], several share one.
    pub(crate) step: bool,
}

/// Counts the time between frames, of which it is not told those that show a picture again.
#[derive(Debug, Default)]
pub(crate) struct Ticker {
    /// When the frame before was taken.
    captured: Option<Mono>,
    /// When the histories last took a step.
    stepped: Mono,
    /// Time that did not make a whole tick yet, in nanoseconds.
    rest: u64,
}

impl Ticker {
    /// Time from the frame before to one taken `at`; none before the first.
    pub(crate) fn lapse(&mut self, at: Mono) -> Lapse {
        let since = self.captured.replace(at).map_or(0, |before| at.since(before).as_nanos() as u64);
        let since = since.min(LAPSE_NANOS_MAX);
        let nanos = 1_000_000_000 / TICKS_PER_SECOND;
        let elapsed = since + self.rest;
        self.rest = elapsed % nanos;
        let step = at.since(self.stepped).as_millis() as u64 >= STEP_MS;
        if step {
            self.stepped = at;
        }
        Lapse {
            ticks: (elapsed / nanos) as u8,
            millis: (since / 1_000_000) as u16,
            step,
        }
    }
}
