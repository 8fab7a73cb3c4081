//! Clutter: the evidence that rain, leaves and the like bring where nothing moves, and by which the bar is raised.

use std::mem;

/// More moving regions than this are a crowd, or weather.
const CROWD: usize = 3;
/// Clutter raises the least evidence at most to twice this multiple and one more.
const CLUTTER_MAX: u32 = 8;

/// What usually stirs and turns out to be nothing.
#[derive(Debug, Default)]
pub(super) struct Clutter {
    /// Its evidence, in 64ths.
    level: u32,
    /// Most evidence in this frame that is not certain to be motion.
    doubtful: u32,
    /// The strongest regions of this frame that are not where anything was a frame ago, strongest first.
    fleeting: [u32; CROWD + 1],
    /// Moving regions in this frame, and in the one before.
    crowd: usize,
    crowd_before: usize,
}

impl Clutter {
    /// A new frame.
    pub(super) fn begin(&mut self) {
        self.doubtful = 0;
        self.fleeting = [0; CROWD + 1];
        self.crowd_before = mem::take(&mut self.crowd);
    }

    /// A region that is not certain to be motion has this evidence; `fleeting` when nothing was there a frame ago.
    pub(super) fn doubt(&mut self, mut evidence: u32, fleeting: bool) {
        self.doubtful = self.doubtful.max(evidence);
        for place in self.fleeting.iter_mut().filter(|_| fleeting) {
            if evidence > *place {
                mem::swap(place, &mut evidence);
            }
        }
    }

    /// Counts a region that `moves`.
    pub(super) fn crowd(&mut self, moves: bool) {
        self.crowd += usize::from(moves);
    }

    /// Whether more moved a frame ago than people do.
    pub(super) fn is_crowd(&self) -> bool {
        self.crowd_before > CROWD
    }

    /// The frame is over: clutter rises within a second or two, or at once where many things are fleeting, and fades within
    /// some more, `ticks` after the one before. `evidence_min` is the least evidence that counts without it.
    pub(super) fn note(&mut self, evidence_min: u32, ticks: u8) {
        let most = CLUTTER_MAX * evidence_min;
        let doubtful = self.doubtful.min(most) << 6;
        (0..ticks).for_each(|_| self.level += doubtful.saturating_sub(self.level) >> 5);
        // The strongest may be somebody; the least of a crowd says what weather brings at least.
        if self.fleeting[CROWD] > 0 {
            self.level = self.level.max(self.fleeting[CROWD - 1].min(most) << 6);
        }
        (0..ticks).for_each(|_| self.level -= self.level >> 7);
    }

    /// Evidence by which the bar is higher: twice what clutter has.
    pub(super) fn bar(&self) -> u32 {
        self.level >> 5
    }
}
