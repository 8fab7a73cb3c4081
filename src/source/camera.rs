//! One camera that is never given up: open, live or lost is a state here, and retrying stands here alone.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::Mono;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::frame::FrameSource;
use crate::frame::SourceCounters;
use crate::frame::SourceError;
use crate::limits::CAMERA_REOPEN_MS;
use crate::source;
use crate::source::Settings;
use crate::source::Spec;
use crate::source::pace::Pace;
use crate::source::pace::Stand;
use crate::trigger::TriggerSource;
use crate::trigger::scripted;
use crate::trigger::scripted::Scripted;

/// What [`Camera::next`] saw.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A frame. Numbers increase over reopenings too.
    Frame(Frame<'a>),
    /// Nothing in the time given.
    Nothing,
    /// The camera was opened for the first time, without having been reported lost.
    Opened(FrameFormat),
    /// The camera does not open, or gives no more frames; why, in words. Said once, and again when the reason changes.
    Lost(String),
    /// The camera is open again after it was lost; perhaps it gives another format.
    Restored(FrameFormat),
    /// The clip is over; nothing more comes.
    Ended,
}

/// One camera, closed wholly on an error and opened again every [`CAMERA_REOPEN_MS`].
///
/// A clip that ends, or whose bytes are damaged, has ended: to play it again would tell its events twice.
pub struct Camera {
    settings: Settings,
    stand: Stand,
    created: Mono,
    source: Option<Box<dyn FrameSource>>,
    /// The source failed; it is closed before anything else is done.
    failed: bool,
    ended: bool,
    /// Why it is lost, as last reported.
    fault: Option<String>,
    was_open: bool,
    retry_at: Mono,
    /// Of the sources before this one.
    before: SourceCounters,
    /// Numbers given by the sources before this one.
    numbers_before: u64,
    number_next: u64,
    format: Option<FrameFormat>,
    edges: Option<Scripted>,
    brings_edges: bool,
}

impl Camera {
    /// A camera as `settings` say, not yet open. The scene begins now, and goes on while it is closed.
    pub fn new(settings: Settings, pace: Pace, clock: Arc<dyn Clock>) -> Camera {
        let (line, edges) = scripted::line();
        let created = clock.now();
        Camera {
            settings,
            stand: Stand::new(pace, clock, line),
            created,
            source: None,
            failed: false,
            ended: false,
            fault: None,
            was_open: false,
            retry_at: created,
            before: SourceCounters::default(),
            numbers_before: 0,
            number_next: 0,
            format: None,
            edges: Some(edges),
            brings_edges: false,
        }
    }

    /// Waits at most `wait` for something to be seen. Opening a device takes the time that its driver takes.
    pub fn next(&mut self, wait: Duration) -> Seen<'_> {
        let until = self.stand.clock.now() + wait;
        if self.failed {
            self.close();
        }
        if self.ended {
            return Seen::Ended;
        }
        if self.source.is_none() {
            return self.reopen(until);
        }
        // The fields are borrowed one by one: the frame holds on to `source` alone.
        let Camera {
            source: Some(source),
            stand,
            failed,
            ended,
            fault,
            retry_at,
            numbers_before,
            number_next,
            format,
            ..
        } = self
        else {
            return Seen::Nothing;
        };
        match source.next(wait) {
            Ok(None) => Seen::Nothing,
            Ok(Some(frame)) => {
                let number = *numbers_before + frame.number;
                *number_next = number + 1;
                *format = Some(frame.format);
                Seen::Frame(Frame { number, ..frame })
            }
            Err(error) => {
                *failed = true;
                *retry_at = stand.clock.now() + Duration::from_millis(CAMERA_REOPEN_MS);
                if error.is_end() {
                    *ended = true;
                    return Seen::Ended;
                }
                *ended = matches!(error, SourceError::Damaged { .. });
                let why = error.to_string();
                *fault = Some(why.clone());
                Seen::Lost(why)
            }
        }
    }

    /// The edges that come with the frames of a scene or a recording, once it was opened; they go on over reopenings.
    /// `None` before that, for a camera that brings none, and when they were taken already.
    pub fn take_edges(&mut self) -> Option<Box<dyn TriggerSource>> {
        let edges = self.edges.take_if(|_| self.brings_edges)?;
        Some(Box::new(edges))
    }

    /// What it gives, or gave last; `None` before it was open.
    pub fn format(&self) -> Option<FrameFormat> {
        self.format
    }

    /// What was lost, over all reopenings.
    pub fn counters(&self) -> SourceCounters {
        let now = self.source.as_ref().map(|source| source.counters());
        sum(self.before, now.unwrap_or_default())
    }

    /// Bytes that the open source holds; none while it is closed.
    pub fn footprint(&self) -> usize {
        self.source.as_ref().map_or(0, |source| source.footprint())
    }

    fn close(&mut self) {
        self.failed = false;
        self.before = self.counters();
        self.source = None;
        self.numbers_before = self.number_next;
    }

    /// Waits for the time to try again, and tries.
    fn reopen(&mut self, until: Mono) -> Seen<'_> {
        self.stand.clock.sleep_until(self.retry_at.min(until));
        if self.retry_at > until {
            return Seen::Nothing;
        }
        self.settings.spec = source::resolve(&self.settings, &self.stand.clock);
        match source::open_at(&self.settings, self.stand_now()) {
            Ok((source, brings_edges)) => {
                self.brings_edges = brings_edges;
                self.opened(source)
            }
            Err(error) => self.not_opened(&error),
        }
    }

    /// A scene goes on where it is by now; everything else begins anew.
    fn stand_now(&self) -> Stand {
        let Stand { pace, clock, line, .. } = self.stand.clone();
        let first = !self.was_open && self.fault.is_none();
        match self.settings.spec {
            Spec::Scene(_) if first => self.stand.clone(),
            Spec::Scene(_) => Stand {
                elapsed: clock.now().since(self.created),
                ..self.stand.clone()
            },
            _ => Stand::new(pace, clock, line),
        }
    }

    fn opened(&mut self, source: Box<dyn FrameSource>) -> Seen<'_> {
        let format = source.format();
        self.source = Some(source);
        self.format = Some(format);
        let restored = self.was_open || self.fault.is_some();
        self.was_open = true;
        self.fault = None;
        if restored { Seen::Restored(format) } else { Seen::Opened(format) }
    }

    /// Says why, unless that was the last thing said.
    fn not_opened(&mut self, error: &SourceError) -> Seen<'_> {
        self.retry_at = self.stand.clock.now() + Duration::from_millis(CAMERA_REOPEN_MS);
        self.ended = matches!(error, SourceError::Damaged { .. });
        let why = error.to_string();
        if self.fault.as_ref() == Some(&why) {
            return Seen::Nothing;
        }
        self.fault = Some(why.clone());
        Seen::Lost(why)
    }
}

fn sum(a: SourceCounters, b: SourceCounters) -> SourceCounters {
    SourceCounters {
        delivered: a.delivered + b.delivered,
        skipped: a.skipped + b.skipped,
        short: a.short + b.short,
        corrupt: a.corrupt + b.corrupt,
        gaps: a.gaps + b.gaps,
    }
}
