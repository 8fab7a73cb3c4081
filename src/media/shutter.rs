//! The pipeline's end of the desk: which frames are given away, and what becomes of events. It neither waits nor allocates.

use std::sync::Arc;
use std::time::Duration;

use super::Desk;
use crate::clock::Mono;
use crate::event::model::Phase;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::limits::PICTURE_CALM_MS;
use crate::motion::Score;
use crate::records::Record;

/// Gives frames away as far as someone wants them.
pub struct Shutter {
    desk: Arc<Desk>,
    /// When the next picture of the live view, and of a clip, is due.
    live: Due,
    clip: Due,
    /// The strongest motion that was given away since it was last calm.
    best: Score,
    /// When there last was any.
    moved: Mono,
}

impl Shutter {
    /// A shutter that has seen nothing.
    pub fn new(desk: Arc<Desk>) -> Shutter {
        Shutter {
            desk,
            live: Due::default(),
            clip: Due::default(),
            best: Score(0),
            moved: Mono::default(),
        }
    }

    /// The camera gives frames of `format` from now on.
    pub fn open(&mut self, format: &FrameFormat) {
        self.desk.reserve(format);
    }

    /// Looks whether someone wants `frame`, in which there is motion of this `score`.
    pub fn offer(&mut self, frame: &Frame<'_>, score: Score) {
        let at = frame.captured;
        let settings = self.desk.settings();
        let half = frame.format.interval / 2;
        let live = self.desk.live_interval().is_some_and(|interval| self.live.is(at, interval, half));
        let clip = settings.clips && self.clip.is(at, Duration::from_secs(1) / settings.clip_fps.max(1), half);
        let best = settings.snapshots && self.is_best(at, score);
        if (live || clip || best || self.desk.take_wish()) && self.desk.expose(frame, score) {
            self.live.done(at, live);
            self.clip.done(at, clip);
            self.best = self.best.max(score);
        }
    }

    /// Passes on what a step said of events. One that begins has its own best moment, however strong the one before was.
    pub fn tell(&mut self, records: &[Record]) {
        for record in records {
            if let Record::Change(change) = record {
                if change.phase == Phase::Start {
                    self.best = Score(0);
                }
                self.desk.tell(change);
            }
        }
    }

    /// Whether there is more motion than in any picture since it was last calm.
    fn is_best(&mut self, at: Mono, score: Score) -> bool {
        if score > Score(0) {
            self.moved = at;
        } else if at.since(self.moved) > Duration::from_millis(PICTURE_CALM_MS) {
            self.best = Score(0);
        }
        score > self.best
    }
}

impl Drop for Shutter {
    fn drop(&mut self) {
        self.desk.close();
    }
}

/// Something that is due again and again.
#[derive(Debug, Default)]
struct Due {
    /// When it is next.
    next: Mono,
    interval: Duration,
}

impl Due {
    /// Whether it is due at `at`, every `interval`, give or take a frame's `half` interval.
    fn is(&mut self, at: Mono, interval: Duration, half: Duration) -> bool {
        if self.interval != interval {
            (self.interval, self.next) = (interval, at); // another pace begins now
        }
        at + half >= self.next
    }

    /// It was done at `at`, if it was due; what was missed is not made up for.
    fn done(&mut self, at: Mono, was_due: bool) {
        if was_due {
            let on_time = self.next + self.interval;
            self.next = if on_time > at { on_time } else { at + self.interval };
        }
    }
}
