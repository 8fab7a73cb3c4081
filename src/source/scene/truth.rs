//! What a scene really shows, frame by frame, to measure a detector against.

use std::time::Duration;

use serde::Serialize;

use crate::frame::FrameFormat;
use crate::source::pace::Rate;
use crate::source::scene::first_at;
use crate::source::scene::person::PixelBox;
use crate::source::scene::pose;
use crate::source::scene::script::Visit;
use crate::source::scene::spec::Spec;

/// What a scene shows in a number of frames from its beginning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames covered.
    pub frames: u64,
    /// People, in the order in which they come.
    pub visits: Vec<TruthVisit>,
    /// Edges of the PIR sensor, in order.
    pub edges: Vec<TruthEdge>,
}

/// One visitor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TruthVisit {
    /// First frame in which something of them is seen.
    pub first_frame: u64,
    /// Last one.
    pub last_frame: u64,
    /// Where they are, from the first frame to the last.
    pub boxes: Vec<PixelBox>,
}

/// One change of the PIR sensor's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TruthEdge {
    /// Milliseconds from the scene's beginning.
    pub at_ms: u64,
    /// First frame at or after it.
    pub frame: u64,
    /// True: something is seen.
    pub active: bool,
}

impl Truth {
    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and lists only")
    }

    /// Visits seen in `frame`.
    pub fn at(&self, frame: u64) -> impl Iterator<Item = &TruthVisit> {
        self.visits.iter().filter(move |visit| visit.box_at(frame).is_some())
    }

    pub(crate) fn of(spec: &Spec, format: FrameFormat, rate: Rate, frames: u64) -> Truth {
        let end = rate.at(frames.saturating_sub(1));
        let edges = spec.script.edges_between(None, end).into_iter().map(|(at, active)| TruthEdge {
            at_ms: at.as_millis() as u64,
            frame: first_at(rate, at),
            active,
        });
        let all = spec.script.visits.iter().enumerate();
        let begins = all.flat_map(|(n, visit)| visit.around(Duration::ZERO, end).map(move |(visit, begin)| (n, visit, begin)));
        let visits = begins.filter_map(|(n, visit, begin)| TruthVisit::of(spec, n as u64, visit, begin, (format, rate, frames)));
        let mut visits: Vec<_> = visits.collect();
        visits.sort_by_key(|visit| visit.first_frame);
        Truth {
            width: format.width,
            height: format.height,
            frames,
            visits,
            edges: edges.collect(),
        }
    }
}

impl TruthVisit {
    /// Where the visitor is in `frame`; `None` while not seen.
    pub fn box_at(&self, frame: u64) -> Option<PixelBox> {
        let n = frame.checked_sub(self.first_frame)?;
        self.boxes.get(usize::try_from(n).ok()?).copied()
    }

    fn of(spec: &Spec, n: u64, visit: &Visit, begin: Duration, (format, rate, frames): (FrameFormat, Rate, u64)) -> Option<TruthVisit> {
        let walk = visit.walk_of(spec.seed, n, begin);
        let size = (format.width, format.height);
        let there = first_at(rate, begin)..frames.min(first_at(rate, begin + visit.length));
        let seen = |frame: u64| {
            let pose = pose(visit, &walk, rate.at(frame).saturating_sub(begin), size);
            pose.pixel_box(size).map(|place| (frame, place))
        };
        // A visitor is in the picture without a break: in from one side, out to one side.
        let seen: Vec<_> = there.filter_map(seen).collect();
        Some(TruthVisit {
            first_frame: seen.first()?.0,
            last_frame: seen.last()?.0,
            boxes: seen.into_iter().map(|(_, place)| place).collect(),
        })
    }
}
