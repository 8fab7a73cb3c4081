//! Which frames the detector is spared while nothing moves. Everything else takes them all the same: pictures, clips, counts.

use std::time::Duration;

use crate::clock::Mono;
use crate::limits::LULL_AFTER_MS;
use crate::motion::Motion;
use crate::motion::MotionState;
use crate::motion::Score;

/// Since when nothing has moved, and when that was seen last.
#[derive(Debug, Default)]
pub(super) struct Lull {
    still_since: Option<Mono>,
    looked: Mono,
    /// Frames that were spared so far.
    pub(super) spared: u64,
}

impl Lull {
    /// Whether nobody needs to look at the frame taken `at`, which is one every `interval`: while nothing moves, `idle_fps` frames a
    /// second are enough; all are looked at where that is 0.
    pub(super) fn spares(&self, at: Mono, interval: Duration, idle_fps: u8) -> bool {
        let lasts = |since: Mono| at.since(since) >= Duration::from_millis(LULL_AFTER_MS);
        idle_fps > 0
            && self.still_since.is_some_and(lasts)
            && at + interval / 2 < self.looked + Duration::from_secs(1) / u32::from(idle_fps)
    }

    /// A frame taken `at` was looked at, and showed `motion`: whatever there is in it, if it may count or not, brings the full rate back.
    pub(super) fn note(&mut self, at: Mono, motion: &Motion) {
        self.looked = at;
        if motion.state == MotionState::Still && motion.score == Score(0) && motion.tamper.is_none() {
            self.still_since.get_or_insert(at);
        } else {
            self.wake();
        }
    }

    /// Something is going on, whatever the picture says.
    pub(super) fn wake(&mut self) {
        self.still_since = None;
    }
}
