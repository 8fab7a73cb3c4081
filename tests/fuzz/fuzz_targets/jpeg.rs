//! A compressed frame: a picture or an error, in bounded time, and never a panic.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use lookout::clock::Mono;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::settings::Settings;

const SIZE: (u32, u32) = (64, 400);

fuzz_target!(|data: &[u8]| {
    // The end is looked for before anything is read: with it, more inputs come further.
    let mut data = data.to_vec();
    data.extend([0xff, 0xd9]);
    let mut detector = Detector::new(&Settings::default(), SIZE.0, SIZE.1);
    let format = FrameFormat::packed(PixelFormat::Mjpeg, SIZE.0, SIZE.1, Duration::from_millis(66));
    let frame = Frame {
        format,
        number: 0,
        captured: Mono::default(),
        data: &data,
    };
    let _ = detector.observe(&frame);
});
