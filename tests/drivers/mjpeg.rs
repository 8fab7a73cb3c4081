//! MJPEG cameras: V4l2 against uvcvideo and a webcam that misbehaves on command.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lookout::clock::SystemClock;
use lookout::frame::FrameSource;
use lookout::frame::PixelFormat;
use lookout::frame::SourceError;
use lookout::source::v4l2::Request;
use lookout::source::v4l2::V4l2;
use lookout::source::v4l2::devices;
use lookout::source::v4l2::footprint_of;

use crate::Check;
use crate::kernel::Holdings;
use crate::kernel::eventually;
use crate::webcam;
use crate::webcam::INTERVAL;
use crate::webcam::Shot;
use crate::webcam::Webcam;

pub(crate) const CHECKS: &[Check] = crate::checks![webcam::missing:
    pictures_are_trimmed_to_their_length,
    noise_cut_and_marked_pictures_are_left_out_and_counted,
    silence_for_long_is_a_stall,
    metadata_nodes_are_no_cameras,
    webcam_pulled_while_streaming_is_gone,
    pulling_webcams_leaks_nothing,
];

const LONG: Duration = Duration::from_secs(5);

fn webcam_node() -> PathBuf {
    webcam::node().expect("the webcam is plugged in")
}

fn request(device: PathBuf, stall: Duration) -> Request {
    Request {
        device,
        width: 640,
        height: 480,
        fps: 30.0,
        pixel: None,
        stall,
    }
}

fn opened(stall: Duration) -> V4l2 {
    let source = V4l2::open(&request(webcam_node(), stall), Arc::new(SystemClock::default()));
    source.unwrap_or_else(|error| panic!("{error}"))
}

/// Bytes of the next frame, which is a picture.
fn next(source: &mut V4l2) -> usize {
    let frame = source
        .next(LONG)
        .unwrap_or_else(|error| panic!("{error}"))
        .expect("a frame within five seconds");
    assert!(frame.data.starts_with(&[0xff, 0xd8]));
    frame.data.len()
}

/// Of less than one transfer, of exactly one, of one and a byte, of more.
const PICTURES: &[Shot] = &[
    Shot::Picture(200),
    Shot::Picture(16_382),
    Shot::Picture(16_383),
    Shot::Picture(20_001),
    Shot::Picture(300_000),
];

fn pictures_are_trimmed_to_their_length() {
    let webcam = Webcam::plug();
    let mut source = opened(LONG);
    let format = source.format();
    assert_eq!(
        (format.pixel, format.width, format.height, format.stride),
        (PixelFormat::Mjpeg, 640, 480, 0)
    );
    assert_eq!(format.interval, INTERVAL);
    assert!((1..=footprint_of(640, 480)).contains(&source.footprint()), "{}", source.footprint());
    webcam.send(PICTURES);
    for bytes in [200, 16_382, 16_383, 20_001, 300_000] {
        eventually("a picture of that length", || (next(&mut source) == bytes).then_some(()));
    }
}

fn noise_cut_and_marked_pictures_are_left_out_and_counted() {
    let webcam = Webcam::plug();
    let mut source = opened(LONG);
    webcam.send(&[Shot::Picture(40_000), Shot::Noise, Shot::Picture(100)]);
    eventually("noise and a cut picture", || {
        next(&mut source);
        let c = source.counters();
        (c.corrupt >= 2 && c.short >= 2).then_some(())
    });
    // What the camera marks, uvcvideo left out itself in older kernels, so that only its number is missing; newer
    // ones hand it out, marked.
    let lost = |source: &V4l2| source.counters().corrupt + source.counters().gaps;
    let before = lost(&source);
    webcam.send(&[Shot::Picture(40_000), Shot::Marked]);
    eventually("marked pictures", || {
        next(&mut source);
        (lost(&source) >= before + 5).then_some(())
    });
    webcam.send(webcam::PLAIN);
    (0..10).for_each(|_| assert_eq!(next(&mut source), 40_000));
}

fn silence_for_long_is_a_stall() {
    let webcam = Webcam::plug();
    let mut source = opened(INTERVAL * 10);
    next(&mut source);
    webcam.send(&[Shot::Nothing]);
    let error = eventually("an error", || source.next(INTERVAL).err());
    assert!(matches!(error, SourceError::Stalled { .. }), "{error}");
}

fn metadata_nodes_are_no_cameras() {
    let before = devices();
    let _webcam = Webcam::plug();
    let added: Vec<PathBuf> = devices().into_iter().filter(|path| !before.contains(path)).collect();
    assert_eq!(added, [webcam_node()]);
    let metadata = webcam::metadata_node().expect("uvcvideo makes one");
    let refused = V4l2::open(&request(metadata, LONG), Arc::new(SystemClock::default()));
    let error = refused.err().expect("it gives no pictures").to_string();
    assert!(
        error.contains("not a camera that streams: ééé") && error.contains("META_CAPTURE"),
        "{error}"
    );
}

fn webcam_pulled_while_streaming_is_gone() {
    let webcam = Webcam::plug();
    let (node, mut source) = (webcam_node(), opened(LONG));
    next(&mut source);
    drop(webcam);
    for _ in 0..3 {
        let error = eventually("an error", || source.next(INTERVAL).err());
        assert!(matches!(error, SourceError::Gone { .. }), "{error}");
    }
    let _webcam = Webcam::plug();
    assert_eq!(webcam_node(), node, "with the old source not yet dropped");
    next(&mut opened(LONG));
}

fn pulling_webcams_leaks_nothing() {
    Holdings::stay_the_same(10, || {
        let webcam = Webcam::plug();
        let mut source = opened(LONG);
        next(&mut source);
        drop(webcam);
        eventually("an error", || source.next(INTERVAL).err());
    });
}
