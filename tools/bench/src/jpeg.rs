//! Cells of a compressed picture, straight from its DC coefficients, against libjpeg-turbo's full decode to gray: turn about
//! in one run, the fastest round of each. The pictures are of a rendered garden, encoded as webcams do.

use std::hint::black_box;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use jpeg_encoder::ColorType;
use jpeg_encoder::Encoder;
use jpeg_encoder::SamplingFactor;
use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::settings::Settings;
use lookout::source;
use lookout::source::pace::Pace;

/// Pictures of each kind.
const PICTURES: usize = 8;
/// Rounds; each measures everything once.
const ROUNDS: usize = 40;
const PYTHON: &str = ".cache/motion-peers/bin/python";

/// Prints the table.
pub(crate) fn run() {
    println!("jpeg: microseconds a picture: the whole detector by DC coefficients, and libjpeg-turbo's full decode to gray");
    println!("{:<34}{:>10}{:>14}{:>14}{:>10}", "", "kB", "lookout", "libjpeg-turbo", "ratio");
    for (width, height) in [(640, 480), (1280, 720), (1920, 1080)] {
        for (name, sampling) in [("4:2:0", SamplingFactor::F_2_2), ("4:2:2", SamplingFactor::F_2_1)] {
            for quality in [75, 90] {
                row(
                    &format!("{width}x{height} {name} quality {quality}"),
                    &pictures(width, height, sampling, quality),
                    (width, height),
                );
            }
        }
    }
}

fn row(name: &str, pictures: &[Vec<u8>], (width, height): (u32, u32)) {
    let folder = Path::new(".cache/jpeg");
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("a folder for pictures");
    for (number, picture) in pictures.iter().enumerate() {
        std::fs::write(folder.join(format!("{number}.jpg")), picture).expect("a picture is written");
    }
    let mut peer = Peer::start(folder);
    let mut detector = Detector::new(&Settings::default(), width, height);
    let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
    for round in 0..ROUNDS {
        let time = timed(&mut detector, pictures, (width, height), round * pictures.len());
        ours = ours.min(time);
        theirs = theirs.min(peer.as_mut().map_or(f64::NAN, Peer::round));
    }
    let bytes = pictures.iter().map(Vec::len).sum::<usize>() / pictures.len();
    println!("{name:<34}{:>10}{ours:>14.1}{theirs:>14.1}{:>10.2}", bytes / 1000, ours / theirs);
}

/// Microseconds a picture of the whole detector.
fn timed(detector: &mut Detector, pictures: &[Vec<u8>], (width, height): (u32, u32), from: usize) -> f64 {
    let clock = SystemClock::default();
    let format = FrameFormat::packed(PixelFormat::Mjpeg, width, height, Duration::from_millis(66));
    let begin = clock.now();
    for (number, data) in (from as u64..).zip(pictures) {
        let captured = Mono::from_millis(number * 66);
        black_box(
            detector
                .observe(&Frame {
                    format,
                    number,
                    captured,
                    data,
                })
                .expect("a whole picture"),
        );
    }
    clock.now().since(begin).as_secs_f64() * 1e6 / pictures.len() as f64
}

/// Pictures of the demo's garden with a visitor and colours.
fn pictures(width: u32, height: u32, sampling: SamplingFactor, quality: u8) -> Vec<Vec<u8>> {
    let settings = source::Settings {
        spec: format!("scene:seed=3,visits=0..20..8,width={width},height={height},fps=15")
            .parse()
            .expect("a scene"),
        ..source::Settings::default()
    };
    let mut frames = source::open(&settings, Pace::Fast, Arc::new(SystemClock::default()))
        .expect("a scene")
        .frames;
    let encode = |_| {
        let frame = frames.next(Duration::ZERO).expect("no end").expect("a frame");
        let coloured = frame.data.iter().enumerate();
        let pixels: Vec<u8> = coloured
            .flat_map(|(n, y)| [*y, 100 + (n / 40 % 32) as u8 + y / 16, 140 - y / 8])
            .collect();
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, quality);
        encoder.set_sampling_factor(sampling);
        encoder
            .encode(&pixels, width as u16, height as u16, ColorType::Ycbcr)
            .expect("encoded");
        out
    };
    (0..PICTURES).map(encode).collect()
}

/// The process in which libjpeg-turbo runs.
struct Peer {
    process: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Peer {
    /// `None` when it is not installed.
    fn start(folder: &Path) -> Option<Peer> {
        let script = "tools/bench/peers/jpeg_peer.py";
        let command = Command::new(PYTHON)
            .arg(script)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = command.ok()?;
        let answers = BufReader::new(process.stdout.take()?);
        Some(Peer { process, answers })
    }

    /// Microseconds a picture in one round.
    fn round(&mut self) -> f64 {
        let asked = self.process.stdin.as_mut().map(|pipe| pipe.write_all(b"\n"));
        let mut line = String::new();
        let _ = self.answers.read_line(&mut line);
        asked.and_then(|_| line.trim().parse().ok()).unwrap_or(f64::NAN)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
