//! What the sensors saw lately: the engine's short memory, from which an event is begun and filled.

use std::time::Duration;

use heapless::Vec;

use crate::clock::Mono;
use crate::limits::REGIONS_MAX;
use crate::motion::Motion;
use crate::motion::MotionState;
use crate::motion::Rect;
use crate::motion::Score;
use crate::motion::ZoneSet;
use crate::trigger::Edge;

/// One frame as the engine sees it.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// The frame's number.
    pub number: u64,
    /// When it was taken.
    pub captured: Mono,
    /// What the detector says of it.
    pub motion: &'a Motion,
}

/// Confirmed motion in one frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sighting {
    pub(super) at: Mono,
    /// When this run of motion began: its first frame, from before it was confirmed.
    pub(super) onset: Mono,
    pub(super) frame: u64,
    pub(super) score: Score,
    pub(super) zones: ZoneSet,
    pub(super) area_permille: u16,
    pub(super) boxes: Vec<Rect, REGIONS_MAX>,
}

impl Sighting {
    /// The rectangle around all boxes.
    pub(super) fn extent(&self) -> Option<Rect> {
        self.boxes.iter().copied().reduce(Rect::hull)
    }
}

/// What the PIR sensor says, as a level with its history.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pir {
    pub(super) active: bool,
    /// When it last began to see something.
    pub(super) rose: Option<Mono>,
    /// When it last was seen to see something: now while active, else its falling edge.
    pub(super) last: Option<Mono>,
    /// Rising edges in this step.
    pub(super) rises: u32,
    /// It ceased to see something in this step.
    pub(super) fell: bool,
}

/// The latest of each kind.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Latest confirmed motion.
    pub(super) video: Option<Sighting>,
    /// Whether `video` is of this step.
    pub(super) video_now: bool,
    pub(super) pir: Pir,
    /// First frame of the present run of motion, confirmed or not.
    run_began: Option<Mono>,
}

impl Evidence {
    /// Takes in one step's picture and edges.
    pub(super) fn take(&mut self, now: Mono, picture: Option<Picture<'_>>, edges: &[Edge]) {
        self.take_edges(now, edges);
        self.video_now = false;
        let Some(picture) = picture else { return };
        match picture.motion.state {
            MotionState::Candidate => {
                self.run_began.get_or_insert(picture.captured);
            }
            MotionState::Moving if !picture.motion.regions.is_empty() => self.take_motion(picture),
            MotionState::Moving => {}
            MotionState::Still | MotionState::WarmUp | MotionState::SceneChange => self.run_began = None,
        }
    }

    fn take_motion(&mut self, picture: Picture<'_>) {
        let onset = *self.run_began.get_or_insert(picture.captured);
        let motion = picture.motion;
        self.video_now = true;
        self.video = Some(Sighting {
            at: picture.captured,
            onset,
            frame: picture.number,
            score: motion.score,
            zones: motion.zones,
            area_permille: motion.area_permille,
            boxes: motion.regions.iter().map(|region| region.rect).collect(),
        });
    }

    fn take_edges(&mut self, now: Mono, edges: &[Edge]) {
        self.pir.rises = 0;
        self.pir.fell = false;
        for edge in edges {
            if edge.active && !self.pir.active {
                self.pir.rises += 1;
                self.pir.rose = Some(edge.at);
            }
            self.pir.fell |= self.pir.active && !edge.active;
            self.pir.last = if edge.active || self.pir.active {
                Some(edge.at)
            } else {
                self.pir.last
            };
            self.pir.active = edge.active;
        }
        if self.pir.active {
            self.pir.last = self.pir.last.max(Some(now));
        }
    }

    /// The PIR sensor can no longer be read: what it said last is void.
    pub(super) fn pir_lost(&mut self) {
        self.pir.active = false;
    }

    /// Confirmed motion in this step.
    pub(super) fn video_this_step(&self) -> Option<&Sighting> {
        self.video.as_ref().filter(|_| self.video_now)
    }

    /// Confirmed motion no longer than `window` before `now`.
    pub(super) fn video_within(&self, now: Mono, window: Duration) -> Option<&Sighting> {
        self.video.as_ref().filter(|sighting| now.since(sighting.at) <= window)
    }

    /// When the PIR sensor last saw something, if no longer than `window` before `now`.
    pub(super) fn pir_within(&self, now: Mono, window: Duration) -> Option<Mono> {
        self.pir.last.filter(|&last| now.since(last) <= window)
    }
}
