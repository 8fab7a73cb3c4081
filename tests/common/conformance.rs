//! Every promise in the docs of `FrameSource` and `TriggerSource`, checked on whatever an opener opens.

use std::mem::discriminant;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SimClock;
use lookout::frame::Frame;
use lookout::frame::FrameSource;
use lookout::frame::PixelFormat;
use lookout::frame::SourceCounters;
use lookout::frame::SourceError;
use lookout::source::pace::Pace;
use lookout::trigger::Edge;
use lookout::trigger::TriggerSource;

/// Opens the source under test.
pub trait Opener: Fn(Pace, Arc<dyn Clock>) -> Box<dyn FrameSource> {}
impl<F: Fn(Pace, Arc<dyn Clock>) -> Box<dyn FrameSource>> Opener for F {}

/// The whole suite for something played, which gives at least 8 frames at a steady rate; `frames` if it ends.
pub fn check_played(name: &str, open: impl Opener, frames: Option<u64>) {
    check_fast(name, &open, frames);
    check_paced(name, &open);
    check_late(name, &open);
    check_overslept(name, &open);
}

/// The part of the suite that a camera can pass whose time is the machine's: `count` frames, each in time.
pub fn check_live(name: &str, source: &mut dyn FrameSource, clock: &dyn Clock, count: u64) {
    let opened = clock.now();
    let wait = source.format().interval * 2;
    let mut watch = Watch::new(name, source);
    let limit = Duration::from_secs(10) + source.format().interval * count as u32;
    while watch.delivered < count {
        assert!(clock.now().since(opened) < limit, "{name}: {} frames in {limit:?}", watch.delivered);
        if let Some(frame) = source.next(wait).expect(name) {
            assert!(frame.captured <= clock.now(), "{name}: a frame of the future");
            watch.frame(&frame);
        }
    }
    watch.counters(source.counters());
    assert!(source.footprint() >= watch.largest, "{name}: it holds less than a frame");
}

/// As fast as it goes: every frame once, clip times from zero, then the end for ever.
fn check_fast(name: &str, open: &impl Opener, frames: Option<u64>) {
    let clock = super::sim_clock();
    let mut source = open(Pace::Fast, Arc::new(clock.clone()));
    let mut watch = Watch::new(name, &*source);
    let end = loop {
        match source.next(Duration::from_secs(1)) {
            Ok(Some(frame)) => watch.frame(&frame),
            Ok(None) => panic!("{name}: nothing, though it need not wait"),
            Err(end) => break Some(end),
        }
        if frames.is_none() && watch.delivered == 50 {
            break None;
        }
    };
    assert_eq!(clock.now(), Mono::default(), "{name}: it moved or waited for the clock");
    watch.counters(source.counters());
    assert_eq!(source.counters().skipped, 0, "{name}: skipped, though nobody was late");
    assert!(source.footprint() >= watch.largest, "{name}: it holds less than a frame");
    if let Some(end) = end {
        assert!(end.is_end(), "{name}: {end}");
        assert_eq!(Some(watch.delivered), frames, "{name}: frames");
        stays_failed(name, &mut *source, &end);
    }
}

/// At recorded speed: nothing before its time, `next` back in time, capture times on the clock.
fn check_paced(name: &str, open: &impl Opener) {
    let clock = super::sim_clock();
    clock.advance(Duration::from_secs(7));
    let opened = clock.now();
    let mut source = open(Pace::Recorded, Arc::new(clock.clone()));
    let interval = source.format().interval;
    let wait = interval / 3;
    let mut watch = Watch::new(name, &*source);
    for _ in 0..20 {
        let called = clock.now();
        let seen = source.next(wait);
        let waited = clock.now().since(called);
        assert!(waited <= wait + interval, "{name}: {waited:?} in next({wait:?})");
        match seen {
            Ok(Some(frame)) => {
                assert!(frame.captured <= clock.now(), "{name}: a frame of the future");
                assert!(frame.captured >= opened, "{name}: a frame from before it was opened");
                watch.frame(&frame);
            }
            Ok(None) => assert_eq!(waited, wait, "{name}: it gave up early"),
            Err(end) => assert!(end.is_end(), "{name}: {end}"),
        }
    }
    assert!(watch.delivered >= 4, "{name}: {} frames in 20 thirds of intervals", watch.delivered);
    watch.counters(source.counters());
}

/// A consumer that is late gets the freshest frame, and the others are counted.
fn check_late(name: &str, open: &impl Opener) {
    let clock = super::sim_clock();
    let mut source = open(Pace::Recorded, Arc::new(clock.clone()));
    let interval = source.format().interval;
    let mut watch = Watch::new(name, &*source);
    for _ in 0..2 {
        clock.advance(interval * 3);
        let late = source.next(interval).expect("frames left").expect("a frame is due");
        assert!(late.captured + interval * 2 > clock.now(), "{name}: not the freshest");
        watch.frame(&late);
    }
    let counters = source.counters();
    assert!((4..=6).contains(&counters.skipped), "{name}: skipped {} of 6", counters.skipped);
    watch.counters(counters);
}

/// A clock whose waits last longer than asked for, as those of a busy machine do.
struct Overslept(SimClock, Duration);

impl Clock for Overslept {
    fn now(&self) -> Mono {
        self.0.now()
    }
    fn wall(&self) -> lookout::clock::Wall {
        self.0.wall()
    }
    fn sleep_until(&self, until: Mono) {
        if until > self.now() {
            self.0.sleep_until(until + self.1);
        }
    }
}

/// A wait that lasts too long loses no frame uncounted.
fn check_overslept(name: &str, open: &impl Opener) {
    let clock = super::sim_clock();
    let interval = open(Pace::Fast, Arc::new(clock.clone())).format().interval;
    let mut source = open(Pace::Recorded, Arc::new(Overslept(clock, interval * 3 / 2)));
    let mut watch = Watch::new(name, &*source);
    for _ in 0..4 {
        if let Ok(Some(frame)) = source.next(interval) {
            watch.frame(&frame);
        }
    }
    assert!(watch.delivered > 0, "{name}: nothing in 4 intervals and more");
    watch.counters(source.counters());
}

/// After `error` it gives the same kind of error, and nothing else.
pub fn stays_failed(name: &str, source: &mut dyn FrameSource, error: &SourceError) {
    for _ in 0..3 {
        let again = source.next(Duration::from_millis(1)).expect_err("an error stays");
        assert_eq!(discriminant(&again), discriminant(error), "{name}: {again} after {error}");
        assert_eq!(again.to_string(), error.to_string(), "{name}");
    }
}

/// What every frame is checked against.
pub struct Watch<'a> {
    name: &'a str,
    format: lookout::frame::FrameFormat,
    last: Option<(u64, Mono)>,
    /// Frames seen.
    pub delivered: u64,
    largest: usize,
}

impl<'a> Watch<'a> {
    pub fn new(name: &'a str, source: &dyn FrameSource) -> Watch<'a> {
        Watch {
            name,
            format: source.format(),
            last: None,
            delivered: 0,
            largest: 0,
        }
    }

    /// Checks one frame.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        let name = self.name;
        assert_eq!(frame.format, self.format, "{name}: the format changed");
        assert!(frame.data.len() >= frame.format.bytes_min(), "{name}: {} bytes", frame.data.len());
        if frame.format.pixel == PixelFormat::Mjpeg {
            assert!(frame.data.starts_with(&[0xff, 0xd8]), "{name}: no SOI");
        }
        if let Some((number, captured)) = self.last {
            assert!(frame.number > number, "{name}: number {} after {number}", frame.number);
            assert!(frame.captured > captured, "{name}: {:?} after {captured:?}", frame.captured);
        }
        self.last = Some((frame.number, frame.captured));
        self.delivered += 1;
        self.largest = self.largest.max(frame.data.len());
    }

    /// Checks the counters: what was given is what was counted, and a gap in the numbers is a loss.
    pub fn counters(&self, counters: SourceCounters) {
        let name = self.name;
        assert_eq!(counters.delivered, self.delivered, "{name}: delivered");
        let lost = counters.skipped + counters.short + counters.corrupt + counters.gaps;
        let numbers = self.last.map_or(0, |(number, _)| number + 1);
        assert!(numbers <= counters.delivered + lost, "{name}: {numbers} numbers, {counters:?}");
    }
}

/// Drives frames at the consumer's own pace and collects the edges that come with them, checking their promises.
pub fn edges_of(name: &str, frames: &mut dyn FrameSource, edges: &mut dyn TriggerSource, clock: &SimClock, count: usize) -> Vec<Edge> {
    let mut all: Vec<Edge> = Vec::new();
    for _ in 0..count {
        match frames.next(Duration::from_secs(1)) {
            Ok(Some(frame)) => clock.advance_to(frame.captured),
            Ok(None) => {}
            Err(_) => break,
        }
        let before = clock.now();
        while let Some(edge) = edges.poll().expect("scripted edges do not fail") {
            assert!(edge.at <= clock.now(), "{name}: an edge of the future");
            assert!(all.last().is_none_or(|last| last.at <= edge.at), "{name}: edges out of order");
            all.push(edge);
        }
        assert_eq!(clock.now(), before, "{name}: poll waited");
    }
    assert_eq!(edges.counters().delivered, all.len() as u64, "{name}: delivered edges");
    all
}

/// Plays a clip to its end: frames given, counters, and the error it ended with.
pub fn play(path: &Path) -> Result<(u64, SourceCounters, SourceError), SourceError> {
    let mut source = super::open_clip(path)?.frames;
    let name = path.display().to_string();
    let mut watch = Watch::new(&name, &*source);
    for _ in 0..10_000 {
        match source.next(Duration::ZERO) {
            Ok(Some(frame)) => watch.frame(&frame),
            Ok(None) => {}
            Err(end) => {
                stays_failed(&name, &mut *source, &end);
                watch.counters(source.counters());
                return Ok((watch.delivered, source.counters(), end));
            }
        }
    }
    panic!("{name}: it never ends");
}
