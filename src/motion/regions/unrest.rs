//! How much came of late that may be nothing: of a single such thing, none is somebody unless nearly all else is calm.

use crate::motion::ticker::Lapse;
use crate::motion::ticker::TICKS_PER_SECOND;

/// What the coming of one thing adds.
const BIRTH: u32 = 1024;
/// It fades by 1/e in this time, in ticks.
const FADE_TICKS: u32 = 10 * TICKS_PER_SECOND as u32;
/// It is calm where what came in the last seconds is about one thing.
const CALM_MAX: u32 = BIRTH * 5 / 4;
/// Unrest of a scene that is new: the first that comes is calm after two seconds and a quarter.
const FIRST: u32 = BIRTH * 5 / 16;
/// Most that is remembered, in things that came.
const MOST: u32 = 12;

/// How many came of late; none where nobody ever looked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unrest(u32);

impl Unrest {
    /// Time passes.
    pub(super) fn fade(&mut self, lapse: Lapse) {
        (0..lapse.ticks).for_each(|_| self.0 -= self.0 / FADE_TICKS);
    }

    /// A scene begins of which nobody knows yet how calm it is.
    pub(super) fn begin(&mut self) {
        self.0 = self.0.max(FIRST);
    }

    /// One thing came.
    pub(super) fn disturb(&mut self) {
        self.0 = (self.0 + BIRTH).min(MOST * BIRTH);
    }

    /// As many may have come, seen or not.
    pub(super) fn suspect(&mut self, things: u32) {
        self.0 = self.0.max(things.min(MOST) * BIRTH);
    }

    /// Whether about one thing came.
    pub(super) fn is_calm(self) -> bool {
        self.0 <= CALM_MAX
    }

    /// Whether no more than so many came.
    pub(super) fn is_at_most(self, things: u32) -> bool {
        self.0 <= things * BIRTH
    }
}
