//! Cameras: V4l2 against vivid, which injects every fault that a cheap webcam has.

use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::SystemClock;
use lookout::frame::Frame;
use lookout::frame::FrameSource;
use lookout::frame::PixelFormat;
use lookout::frame::SourceError;
use lookout::source::v4l2::Request;
use lookout::source::v4l2::V4l2;
use lookout::source::v4l2::devices;
use lookout::source::v4l2::footprint_of;

use crate::Check;
use crate::kernel::Holdings;
use crate::kernel::camera;
use crate::kernel::eventually;
use crate::kernel::plug;
use crate::kernel::set;
use crate::kernel::unplug;
use crate::kernel::vivid_missing;
use crate::kernel::vivid_node;

pub(crate) const CHECKS: &[Check] = crate::checks![vivid_missing:
    every_raw_layout_streams,
    cheapest_layout_is_taken,
    rate_is_kept_and_next_waits_no_longer_than_told,
    freshest_frame_wins_and_older_ones_are_counted,
    damaged_buffers_are_left_out_and_counted,
    dropped_frames_are_counted_as_gaps,
    silent_camera_has_stalled,
    fatal_stream_error_is_gone_for_good,
    disconnected_camera_is_gone_for_good,
    unplugged_camera_is_gone_and_gets_its_name_back,
    refused_calls_fail_the_opening_and_leave_nothing,
    camera_in_use_says_so_and_goes_on,
    what_is_no_camera_is_refused_in_words,
    size_asked_for_is_never_exceeded,
    cameras_are_listed,
    opening_and_closing_leaks_nothing,
    unplugging_leaks_nothing,
];

const FPS: f32 = 30.0;
const INTERVAL: Duration = Duration::from_nanos(33_333_333);
const LONG: Duration = Duration::from_secs(5);

pub(crate) fn request(device: &Path) -> Request {
    Request {
        device: device.to_owned(),
        width: 640,
        height: 480,
        fps: FPS,
        pixel: None,
        stall: LONG,
    }
}

fn open(request: &Request) -> Result<V4l2, SourceError> {
    V4l2::open(request, Arc::new(SystemClock::default()))
}

fn opened() -> V4l2 {
    open(&request(&camera())).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn refused(request: &Request) -> SourceError {
    open(request).err().unwrap_or_else(|| panic!("{request:?} was opened"))
}

/// Takes `count` frames and checks all that holds for every frame.
fn take(source: &mut V4l2, count: u64) {
    let format = source.format();
    let mut last = None;
    for _ in 0..count {
        let before = source.counters().delivered;
        let frame = source
            .next(LONG)
            .unwrap_or_else(|error| panic!("{error}"))
            .expect("a frame within five seconds");
        assert_eq!(frame.format, format);
        assert!(
            frame.data.len() >= format.bytes_min(),
            "{} bytes of {}",
            frame.data.len(),
            format.bytes_min()
        );
        let (number, captured) = (frame.number, frame.captured);
        let now = SystemClock::default().now();
        assert!(captured <= now && now.since(captured) < LONG, "taken at {captured:?}, now {now:?}");
        assert!(
            last.is_none_or(|(n, at)| number > n && captured > at),
            "{number} at {captured:?} after {last:?}"
        );
        last = Some((number, captured));
        assert_eq!(source.counters().delivered, before + 1);
        assert_all_accounted_for(source, number);
    }
}

/// Every picture up to frame `number` was handed out, or is counted under the cause of its loss.
fn assert_all_accounted_for(source: &V4l2, number: u64) {
    let c = source.counters();
    assert_eq!(c.delivered + c.skipped + c.short + c.corrupt + c.gaps, number + 1, "{c:?}");
}

/// Goes on until the source fails.
fn failure(source: &mut V4l2) -> SourceError {
    eventually("an error", || source.next(INTERVAL).err())
}

/// Sets a control of vivid, for as long as this lives.
struct Setting(&'static str);

impl Setting {
    fn new(control: &'static str, value: i32) -> Setting {
        set(control, value);
        Setting(control)
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = catch_unwind(|| set(self.0, 0)); // perhaps dropped by a failed check
    }
}

fn every_raw_layout_streams() {
    for pixel in PixelFormat::ALL.into_iter().filter(|pixel| *pixel != PixelFormat::Mjpeg) {
        let mut source = open(&Request {
            pixel: Some(pixel),
            ..request(&camera())
        })
        .unwrap_or_else(|error| panic!("{pixel}: {error}"));
        let format = source.format();
        assert_eq!(
            (format.pixel, format.width, format.height, format.interval),
            (pixel, 640, 480, INTERVAL)
        );
        let promised = footprint_of(640, 480);
        assert!(
            (4 * format.bytes_min()..=promised).contains(&source.footprint()),
            "{} of {promised}",
            source.footprint()
        );
        take(&mut source, 10);
        let frame = source.next(LONG).expect("it streams").expect("a frame");
        let luma = luma_row(&frame, 400);
        let bars: Vec<u8> = luma.chunks(80).map(|bar| bar[40]).collect();
        let darker = bars.windows(2).all(|pair| pair[0] > pair[1]);
        assert!(
            bars.len() == 8 && darker,
            "{pixel}: eight colour bars, each darker than the one before: {bars:?}"
        );
    }
}

/// Row `row` of the picture, without colour.
fn luma_row(frame: &Frame<'_>, row: usize) -> Vec<u8> {
    let (first, step) = match frame.format.pixel {
        PixelFormat::Yuyv => (0, 2),
        PixelFormat::Uyvy => (1, 2),
        _ => (0, 1),
    };
    let row = &frame.data[row * frame.format.stride as usize..];
    row[first..]
        .iter()
        .step_by(step)
        .take(frame.format.width as usize)
        .copied()
        .collect()
}

fn cheapest_layout_is_taken() {
    assert_eq!(opened().format().pixel, PixelFormat::Grey);
}

fn rate_is_kept_and_next_waits_no_longer_than_told() {
    let (clock, mut source) = (SystemClock::default(), opened());
    take(&mut source, 1);
    let began = clock.now();
    take(&mut source, 30);
    let took = clock.now().since(began);
    assert!((INTERVAL * 25..INTERVAL * 50).contains(&took), "30 frames in {took:?}");
    let waits = [Duration::ZERO, Duration::from_millis(3)].into_iter().cycle().take(40);
    for wait in waits {
        let began = clock.now();
        source.next(wait).expect("it streams");
        assert!(
            clock.now().since(began) < wait + INTERVAL,
            "waited {:?} of {wait:?}",
            clock.now().since(began)
        );
    }
}

fn freshest_frame_wins_and_older_ones_are_counted() {
    let (clock, mut source) = (SystemClock::default(), opened());
    take(&mut source, 3);
    for _ in 0..5 {
        clock.sleep_until(clock.now() + INTERVAL * 5 / 2); // a slow reader
        let frame = source.next(Duration::ZERO).expect("it streams").expect("frames are there");
        let (age, number) = (clock.now().since(frame.captured), frame.number);
        assert!(age < INTERVAL * 2, "{age:?} old");
        assert_all_accounted_for(&source, number);
    }
    assert!(source.counters().skipped >= 5, "{:?}", source.counters());
    clock.sleep_until(clock.now() + INTERVAL * 10); // so slow that the driver runs out of buffers
    source.next(Duration::ZERO).expect("it streams").expect("frames are there");
    take(&mut source, 3);
    assert!(source.counters().gaps >= 5, "{:?}", source.counters());
}

fn damaged_buffers_are_left_out_and_counted() {
    let mut source = opened();
    for damaged in 1..=5 {
        set("Inject V4L2_BUF_FLAG_ERROR", 1);
        eventually("a damaged buffer", || {
            take(&mut source, 1);
            (source.counters().corrupt == damaged).then_some(())
        });
    }
    take(&mut source, 5);
    assert_eq!(source.counters().corrupt, 5);
}

fn dropped_frames_are_counted_as_gaps() {
    let mut source = opened();
    take(&mut source, 1);
    let _setting = Setting::new("Percentage of Dropped Buffers", 50);
    take(&mut source, 30);
    let gaps = source.counters().gaps;
    assert!((5..200).contains(&gaps), "{gaps} gaps at a loss of half");
}

fn silent_camera_has_stalled() {
    let stall = Duration::from_millis(300);
    let mut source = open(&Request {
        stall,
        ..request(&camera())
    })
    .expect("it is there");
    take(&mut source, 2);
    let setting = Setting::new("Percentage of Dropped Buffers", 100);
    for _ in 0..3 {
        let error = failure(&mut source);
        assert!(matches!(error, SourceError::Stalled { waited, .. } if waited >= stall), "{error}");
    }
    assert_eq!(source.footprint(), 0, "closed wholly");
    drop(setting);
    take(&mut opened(), 2);
}

/// The source fails as one that is gone, for ever, and another can be opened while it is still there.
fn assert_gone(mut source: V4l2) {
    let delivered = source.counters().delivered;
    for _ in 0..3 {
        let error = failure(&mut source);
        assert!(matches!(error, SourceError::Gone { .. }), "{error}");
    }
    assert!(source.counters().delivered >= delivered && source.footprint() == 0);
    take(&mut eventually("the camera's return", || open(&request(&camera())).ok()), 2);
}

fn fatal_stream_error_is_gone_for_good() {
    let mut source = opened();
    take(&mut source, 2);
    set("Inject Fatal Streaming Error", 1);
    assert_gone(source);
}

fn disconnected_camera_is_gone_for_good() {
    let mut source = opened();
    take(&mut source, 2);
    set("Disconnect", 1);
    assert_gone(source);
}

fn unplugged_camera_is_gone_and_gets_its_name_back() {
    let (node, mut source) = (camera(), opened());
    take(&mut source, 2);
    unplug();
    let error = failure(&mut source);
    assert!(matches!(error, SourceError::Gone { .. }), "{error}");
    let missing = refused(&request(&node));
    assert!(matches!(missing, SourceError::Gone { .. }), "{missing}");
    assert_eq!(plug(), node, "with the old source not yet dropped");
    assert!(matches!(source.next(Duration::ZERO), Err(SourceError::Gone { .. })));
    take(&mut opened(), 2);
}

fn refused_calls_fail_the_opening_and_leave_nothing() {
    let before = Holdings::now();
    for (control, doing) in [
        ("Inject VIDIOC_REQBUFS Error", "asking for buffers"),
        ("Inject VIDIOC_QBUF Error", "queueing a buffer"),
        ("Inject VIDIOC_STREAMON Error", "starting the stream"),
    ] {
        set(control, 1);
        let error = refused(&request(&camera()));
        assert!(error.to_string().contains(doing), "{control}: {error}");
    }
    assert_eq!(Holdings::now(), before);
    take(&mut opened(), 2);
}

fn camera_in_use_says_so_and_goes_on() {
    let mut source = opened();
    let error = refused(&request(&camera()));
    assert!(
        matches!(&error, SourceError::Io { .. }) && error.to_string().contains("busy"),
        "{error}"
    );
    take(&mut source, 3);
}

fn what_is_no_camera_is_refused_in_words() {
    let output = vivid_node("vid-out").expect("vivid has an output");
    let error = refused(&request(&output)).to_string();
    assert!(error.contains("not a camera") && error.contains("VIDEO_OUTPUT"), "{error}");
    let error = refused(&Request {
        pixel: Some(PixelFormat::Mjpeg),
        ..request(&camera())
    })
    .to_string();
    assert!(
        error.contains("YUYV (320x180, ") && error.contains("one of MJPG of at most 640x480"),
        "{error}"
    );
}

fn size_asked_for_is_never_exceeded() {
    for ((width, height), expected) in [((1000, 700), (640, 480)), ((640, 470), (640, 360)), ((1280, 720), (1280, 720))] {
        let mut source = open(&Request {
            width,
            height,
            ..request(&camera())
        })
        .expect("it has a size that fits");
        let format = source.format();
        assert_eq!((format.width, format.height), expected, "for {width}x{height}");
        take(&mut source, 2);
    }
    let error = refused(&Request {
        width: 200,
        height: 100,
        ..request(&camera())
    })
    .to_string();
    assert!(error.contains("of at most 200x100"), "{error}");
}

fn cameras_are_listed() {
    assert_eq!(devices(), [camera()], "and not the output");
}

fn opening_and_closing_leaks_nothing() {
    Holdings::stay_the_same(20, || take(&mut opened(), 1));
}

fn unplugging_leaks_nothing() {
    Holdings::stay_the_same(20, || {
        let mut source = opened();
        take(&mut source, 1);
        let holds_a_frame = source.next(LONG).expect("it streams").is_some();
        assert!(holds_a_frame);
        unplug();
        failure(&mut source);
        drop(source);
        plug();
    });
}
