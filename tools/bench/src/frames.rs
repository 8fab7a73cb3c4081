//! The detector over so many frames and nothing else, for those who count its instructions (`tools/bench/instructions`): two counts
//! of frames with the same pictures differ by what the frames between them take.

use std::hint::black_box;
use std::time::Duration;

use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::settings::Settings;

use crate::detector;

/// Pictures of a round: as many as warming up takes at 15 frames a second, so that the second round and those after it are watched.
const PICTURES: usize = 24;
const USAGE: &str = "bench frames GREY|NV12|YUYV|MJPG WIDTHxHEIGHT quiet|busy ROUNDS";

/// Watches as many rounds as the arguments say; 0: only makes the pictures.
pub(crate) fn run(arguments: &[String]) {
    let Some((format, busy, rounds)) = parse(arguments) else {
        eprintln!("{USAGE}: rounds of {PICTURES} frames");
        std::process::exit(2);
    };
    let pictures = detector::frames(format, PICTURES, busy);
    let mut detector = Detector::new(&Settings::default(), format.width, format.height);
    for number in 0..rounds * PICTURES {
        let frame = detector::frame(format, number, &pictures[number % PICTURES]);
        black_box(detector.observe(&frame).expect("a whole frame"));
    }
    println!("{} frames", rounds * PICTURES);
}

fn parse(arguments: &[String]) -> Option<(FrameFormat, bool, usize)> {
    let [pixel, size, scene, rounds] = arguments else { return None };
    let formats = [PixelFormat::Grey, PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Mjpeg];
    let pixel = formats.into_iter().find(|format| format.to_string() == *pixel)?;
    let (width, height) = size.split_once('x')?;
    let format = FrameFormat::packed(pixel, width.parse().ok()?, height.parse().ok()?, Duration::from_millis(66));
    let busy = ["quiet", "busy"].iter().position(|name| name == scene)? == 1;
    Some((format, busy, rounds.parse().ok()?))
}
