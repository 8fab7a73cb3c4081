//! Time for whatever is played in place of a camera: [`Player`] gives the pictures of a reel as a camera would, at
//! their times or as fast as they are asked for. What a reel's pictures are is the matter of `replay/`, `recording` and `scene/`.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::Mono;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::frame::FrameSource;
use crate::frame::SourceCounters;
use crate::frame::SourceError;
use crate::limits::CLIP_LATE_FRAMES_MAX;
use crate::limits::FRAME_RATE_MAX;
use crate::trigger::Edge;
use crate::trigger::scripted::Line;

/// How fast a clip or scene goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As a camera: each picture at its time on the clock; the freshest wins and older ones are counted as skipped.
    #[default]
    Recorded,
    /// As fast as it is asked for: each picture exactly once, no waiting, capture times are the clip's own from
    /// [`Mono`] zero. The clock is not waited for: who drives a `SimClock` advances it to each frame.
    Fast,
}

/// What a player needs to know of time, and where it puts the edges that come with the pictures.
#[derive(Clone)]
pub(crate) struct Stand {
    pub(crate) pace: Pace,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the reel's time zero lies on the clock.
    pub(crate) began: Mono,
    /// What of the reel is over already: a scene goes on while it is closed.
    pub(crate) elapsed: Duration,
    pub(crate) line: Line,
}

impl Stand {
    /// The beginning of something, now.
    pub(crate) fn new(pace: Pace, clock: Arc<dyn Clock>, line: Line) -> Stand {
        let began = match pace {
            Pace::Recorded => clock.now(),
            Pace::Fast => Mono::default(),
        };
        Stand {
            pace,
            clock,
            began,
            elapsed: Duration::ZERO,
            line,
        }
    }
}

/// Pictures in order, each with its time; edges and faults between them.
pub(crate) trait Reel: Send {
    /// Its name in errors.
    fn name(&self) -> &str;
    /// What its pictures are.
    fn format(&self) -> FrameFormat;
    /// What comes next, and when. The times of frames increase, those of edges never go back.
    fn peek(&mut self) -> Result<Item, SourceError>;
    /// Takes what [`peek`](Reel::peek) showed. After [`Taken::End`] the picture held before is held still.
    fn take(&mut self) -> Result<Taken, SourceError>;
    /// The picture last taken as [`Taken::Whole`].
    fn picture(&mut self) -> &[u8];
    /// Back to the beginning; gives the time that one round took.
    fn rewind(&mut self) -> Result<Duration, SourceError>;
    /// Bytes held.
    fn footprint(&self) -> usize;
}

/// What comes next in a reel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// When, from the beginning of the reel.
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
}

/// Kinds of [`Item`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A picture, or the end.
    Frame,
    /// A picture that the camera lost.
    Gap,
    /// A change of the sensor's line.
    Edge(bool),
    /// The camera fails here: taking it gives the error.
    Fault,
}

/// What was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All of it.
    Whole,
    /// A picture with bytes missing; there is none to show.
    Short,
    /// A picture that is none; there is none to show.
    Corrupt,
    /// Nothing: there is no more.
    End,
}

/// Plays a reel (a clip, a recording, a scene) as a camera.
pub struct Player {
    reel: Box<dyn Reel>,
    stand: Stand,
    looped: bool,
    /// Clip time of all rounds before this one.
    rounds: Duration,
    /// Pictures taken since the last rewind: none in a whole round would be a loop without end.
    in_round: u64,
    /// Number of the next picture.
    number: u64,
    counters: SourceCounters,
    fault: Option<SourceError>,
}

/// The picture that will be given, unless a fresher one is due.
struct Held {
    number: u64,
    captured: Mono,
}

impl Player {
    pub(crate) fn new(reel: Box<dyn Reel>, stand: Stand, looped: bool) -> Player {
        Player {
            reel,
            stand,
            looped,
            rounds: Duration::ZERO,
            in_round: 0,
            number: 0,
            counters: SourceCounters::default(),
            fault: None,
        }
    }

    /// The next picture to give, if there is one by `until`. What goes wrong behind it is told at the next call.
    fn advance(&mut self, until: Mono) -> Result<Option<Held>, SourceError> {
        let mut held = None;
        match self.run(until, &mut held) {
            Err(fault) if held.is_some() => self.fault = Some(fault),
            result => result?,
        }
        Ok(held)
    }

    /// Goes on along the reel until a picture is held and no fresher one is due, or `until` has come.
    fn run(&mut self, until: Mono, held: &mut Option<Held>) -> Result<(), SourceError> {
        let mut passed = 0;
        loop {
            let item = self.reel.peek()?;
            let due = self.stand.began + self.rounds + item.at;
            let last = self.stand.pace == Pace::Fast || due > self.stand.clock.now();
            if (held.is_some() && last) || passed > CLIP_LATE_FRAMES_MAX {
                return Ok(());
            }
            if held.is_none() && self.stand.pace == Pace::Recorded && !self.wait_for(due, until) {
                return Ok(());
            }
            let taken = self.reel.take()?;
            if taken == Taken::End {
                if held.is_some() {
                    return Ok(());
                }
                self.turn()?;
                continue;
            }
            match item.kind {
                Kind::Edge(active) if taken == Taken::Whole => self.stand.line.push(Edge { at: due, active }),
                Kind::Edge(_) => self.counters.corrupt += 1,
                Kind::Gap => self.gap(),
                Kind::Frame => {
                    self.counters.skipped += u64::from(held.is_some());
                    *held = self.hold(taken, due);
                    passed += 1;
                }
                Kind::Fault => unreachable!("taking a fault gives its error"),
            }
        }
    }

    /// Waits for `due`, but not beyond `until`; false when it lies beyond.
    fn wait_for(&self, due: Mono, until: Mono) -> bool {
        self.stand.clock.sleep_until(due.min(until));
        due <= until
    }

    /// Counts a picture that was taken; what is whole is held.
    fn hold(&mut self, taken: Taken, captured: Mono) -> Option<Held> {
        let number = self.number;
        self.number += 1;
        self.in_round += 1;
        match taken {
            Taken::Short => self.counters.short += 1,
            Taken::Corrupt => self.counters.corrupt += 1,
            Taken::Whole | Taken::End => return Some(Held { number, captured }),
        }
        None
    }

    fn gap(&mut self) {
        self.number += 1;
        self.counters.gaps += 1;
    }

    /// At the end: back to the beginning if it is looped and gave anything.
    fn turn(&mut self) -> Result<(), SourceError> {
        let what = self.reel.name().to_owned();
        if self.in_round == 0 {
            let why = "there is no picture in it".to_owned();
            return Err(SourceError::Unsupported { what, why });
        }
        if !self.looped {
            let frames = self.counters.delivered;
            return Err(SourceError::Ended { what, frames });
        }
        self.in_round = 0;
        self.rounds += self.reel.rewind()?;
        Ok(())
    }
}

impl FrameSource for Player {
    fn format(&self) -> FrameFormat {
        self.reel.format()
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Frame<'_>>, SourceError> {
        if let Some(fault) = &self.fault {
            return Err(again(fault));
        }
        let until = self.stand.clock.now() + wait;
        match self.advance(until) {
            Ok(None) => Ok(None),
            Ok(Some(held)) => {
                self.counters.delivered += 1;
                Ok(Some(Frame {
                    format: self.reel.format(),
                    number: held.number,
                    captured: held.captured,
                    data: self.reel.picture(),
                }))
            }
            Err(fault) => {
                self.fault = Some(again(&fault));
                Err(fault)
            }
        }
    }

    fn counters(&self) -> SourceCounters {
        self.counters
    }

    fn footprint(&self) -> usize {
        size_of::<Player>() + self.reel.footprint()
    }
}

/// The same error once more.
fn again(fault: &SourceError) -> SourceError {
    let io = |cause: &std::io::Error| match cause.raw_os_error() {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None => std::io::Error::new(cause.kind(), cause.to_string()),
    };
    match fault {
        SourceError::Ended { what, frames } => SourceError::Ended {
            what: what.clone(),
            frames: *frames,
        },
        SourceError::Gone { what, cause } => SourceError::Gone {
            what: what.clone(),
            cause: io(cause),
        },
        SourceError::Stalled { what, waited } => SourceError::Stalled {
            what: what.clone(),
            waited: *waited,
        },
        SourceError::Unsupported { what, why } => SourceError::Unsupported {
            what: what.clone(),
            why: why.clone(),
        },
        SourceError::Damaged { what, offset, why } => SourceError::Damaged {
            what: what.clone(),
            offset: *offset,
            why: why.clone(),
        },
        SourceError::Io { what, doing, cause } => SourceError::Io {
            what: what.clone(),
            doing,
            cause: io(cause),
        },
    }
}

/// Pictures a second, as a fraction, so that the times of long clips stay exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) frames: u32,
    pub(crate) seconds: u32,
}

impl Rate {
    /// `None` unless both are positive and the rate is one that is accepted: 1 a minute to the highest.
    pub(crate) fn new(frames: u32, seconds: u32) -> Option<Rate> {
        let highest = u64::from(FRAME_RATE_MAX) * u64::from(seconds);
        let ok = frames > 0 && seconds > 0 && u64::from(frames) <= highest && u64::from(seconds) <= 60 * u64::from(frames);
        ok.then_some(Rate { frames, seconds })
    }
    /// When picture `number` is due.
    pub(crate) fn at(self, number: u64) -> Duration {
        let nanos = u128::from(number) * u128::from(self.seconds) * 1_000_000_000 / u128::from(self.frames);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
    /// From one picture to the next, rounded down to nanoseconds.
    pub(crate) fn interval(self) -> Duration {
        self.at(1)
    }
}
