//! A camera while it streams: which filled buffer is a frame, and which of them wins.

use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::buffers::Buffers;
use super::buffers::Filled;
use super::device::Readiness;
use crate::clock::Clock;
use crate::clock::Mono;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::frame::SourceCounters;
use crate::limits::JPEG_BYTES_PER_PIXEL_MAX;

/// A stream, and what is known of its frames so far.
pub(super) struct Live {
    buffers: Buffers,
    format: FrameFormat,
    clock: Arc<dyn Clock>,
    counters: SourceCounters,
    /// Time without a valid frame after which the camera is given up.
    stall: Duration,
    /// When the last valid frame came, or the stream was started.
    heard: Mono,
    /// The newest picture that the driver filled, whether valid or not.
    newest: Option<Picture>,
    /// The frame that was handed out.
    held: Option<(Filled, Picture)>,
}

/// Place of a picture in the stream.
#[derive(Clone, Copy)]
struct Picture {
    /// The driver's number, which wraps around and need not begin at 0.
    sequence: u32,
    /// The source's number: strictly increasing from 0.
    number: u64,
    /// When it was taken: strictly increasing.
    captured: Mono,
}

/// Why a buffer is not a frame.
enum Flaw {
    Short,
    Corrupt,
}

impl Live {
    pub(super) fn new(buffers: Buffers, format: FrameFormat, stall: Duration, clock: Arc<dyn Clock>) -> Live {
        Live {
            buffers,
            format,
            heard: clock.now(),
            clock,
            counters: SourceCounters::default(),
            stall,
            newest: None,
            held: None,
        }
    }

    pub(super) fn counters(&self) -> SourceCounters {
        self.counters
    }

    pub(super) fn footprint(&self) -> usize {
        self.buffers.footprint()
    }

    /// The frame that [`advance`](Live::advance) came to, if any.
    pub(super) fn frame(&self) -> Option<Frame<'_>> {
        let (filled, picture) = self.held.as_ref()?;
        Some(Frame {
            format: self.format,
            number: picture.number,
            captured: picture.captured,
            data: self.buffers.picture(filled),
        })
    }

    /// Lets go of the frame at hand and goes on to the freshest valid one, waiting at most `wait` for one.
    pub(super) fn advance(&mut self, wait: Duration) -> Result<(), Failure> {
        if let Some((filled, _)) = self.held.take() {
            self.give_back(filled)?;
        }
        let until = self.clock.now() + wait;
        loop {
            let left = until.since(self.clock.now());
            let readiness = self.buffers.poll(left).map_err(Failure::of("waiting for a frame"))?;
            match readiness {
                Readiness::Failed => return Err(self.cause_of_failure()),
                Readiness::Ready => self.held = self.freshest()?,
                Readiness::Waiting => return self.check_stall(),
            }
            if self.held.is_some() {
                self.counters.delivered += 1;
                self.heard = self.clock.now();
                return Ok(());
            }
            self.check_stall()?;
            if left.is_zero() {
                return Ok(()); // however many damaged ones come
            }
        }
    }

    /// Takes whatever is filled. The freshest valid frame is kept, all others go back to the driver at once.
    /// No more than all buffers are taken, so that a driver faster than this loop cannot keep it.
    fn freshest(&mut self) -> Result<Option<(Filled, Picture)>, Failure> {
        let mut freshest = None;
        for _ in 0..self.buffers.len() {
            let Some(filled) = self.buffers.take().map_err(Failure::of("taking a frame"))? else {
                break;
            };
            let picture = self.place(&filled);
            match self.flaw(&filled) {
                None => {
                    if let Some((older, _)) = freshest.replace((filled, picture)) {
                        self.counters.skipped += 1;
                        self.give_back(older)?;
                    }
                }
                Some(flaw) => {
                    match flaw {
                        Flaw::Short => self.counters.short += 1,
                        Flaw::Corrupt => self.counters.corrupt += 1,
                    }
                    self.give_back(filled)?;
                }
            }
        }
        Ok(freshest)
    }

    fn give_back(&self, filled: Filled) -> Result<(), Failure> {
        self.buffers.give_back(filled).map_err(Failure::of("queueing a buffer"))
    }

    /// Numbers and dates a picture by what the driver says, as far as that can be believed: some drivers do not
    /// number, or begin anew, and the clocks of some USB cameras jump.
    fn place(&mut self, filled: &Filled) -> Picture {
        let now = self.clock.now();
        let captured = filled.stamp.map_or(now, |stamp| stamp.min(now));
        let picture = match self.newest {
            None => Picture {
                sequence: filled.sequence,
                number: 0,
                captured,
            },
            Some(last) => {
                let step = filled.sequence.wrapping_sub(last.sequence);
                let step = if step == 0 || step > u32::MAX / 2 { 1 } else { u64::from(step) };
                self.counters.gaps += step - 1;
                Picture {
                    sequence: filled.sequence,
                    number: last.number + step,
                    captured: captured.max(last.captured + Duration::from_nanos(1)),
                }
            }
        };
        self.newest = Some(picture);
        picture
    }

    /// What is wrong with a buffer. USB cameras give empty and cut ones after their start and when the bus is busy.
    fn flaw(&self, filled: &Filled) -> Option<Flaw> {
        if filled.damaged {
            return Some(Flaw::Corrupt);
        }
        if filled.bytes < self.format.bytes_min() {
            return Some(Flaw::Short);
        }
        let jpeg = self.format.pixel == PixelFormat::Mjpeg;
        let too_long = filled.bytes > self.format.luma_bytes() * JPEG_BYTES_PER_PIXEL_MAX;
        let no_picture = || !self.buffers.picture(filled).starts_with(&[0xff, 0xd8]);
        (jpeg && (too_long || no_picture())).then_some(Flaw::Corrupt)
    }

    fn check_stall(&self) -> Result<(), Failure> {
        let waited = self.clock.now().since(self.heard);
        if waited >= self.stall {
            Err(Failure::Stalled(waited))
        } else {
            Ok(())
        }
    }

    /// poll(2) says that the stream failed; taking a buffer says why.
    fn cause_of_failure(&self) -> Failure {
        let cause = self.buffers.take().err().and_then(|error| error.raw_os_error());
        Failure::Gone(cause.unwrap_or(libc::ENODEV))
    }
}
