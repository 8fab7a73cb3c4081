//! A file played in place of a camera (YUV4MPEG2, MJPEG, AVI, recording), its pictures looked at by the detector: frames, an
//! end, or an error that says what is wrong.

#![no_main]

use std::io::Write;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use lookout::clock::SimClock;
use lookout::clock::Timestamp;
use lookout::clock::Wall;
use lookout::motion::Detector;
use lookout::motion::settings::Settings;
use lookout::source;
use lookout::source::pace::Pace;
use tempfile::NamedTempFile;

/// Frames looked at: what is wrong with a file shows early.
const FRAMES: usize = 16;

static FILE: LazyLock<NamedTempFile> = LazyLock::new(|| NamedTempFile::new().expect("a temporary file"));

fuzz_target!(|bytes: &[u8]| {
    std::fs::File::create(FILE.path())
        .and_then(|mut file| file.write_all(bytes))
        .expect("room for a clip");
    let spec = format!("replay:{}", FILE.path().display());
    let settings = source::Settings {
        spec: spec.parse().expect("a source"),
        ..source::Settings::default()
    };
    let wall = Wall {
        at: Timestamp(0),
        synced: true,
    };
    let Ok(mut opened) = source::open(&settings, Pace::Fast, Arc::new(SimClock::new(wall))) else {
        return;
    };
    let format = opened.frames.format();
    let mut detector = Detector::new(&Settings::default(), format.width, format.height);
    for _ in 0..FRAMES {
        match opened.frames.next(Duration::ZERO) {
            // A picture that cannot be read is counted and passed over.
            Ok(Some(frame)) => drop(detector.observe(&frame)),
            Ok(None) => {}
            Err(_) => return,
        }
    }
});
