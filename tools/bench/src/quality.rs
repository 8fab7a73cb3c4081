//! Accuracy: clips with truth through `lookout replay` and through peers on the same frames, one table. The clips are the
//! rendered cases of `quality/corpus.rs`, and real footage where it is there.

mod corpus;
mod footage;
mod mixed;
mod motion;
mod score;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use corpus::Case;
use lookout::clock::SystemClock;
use lookout::commands::replay;
use lookout::config::Config;
use lookout::source;
use lookout::source::pace::Pace;
use motion::Reel;
use score::Score;
use score::Stretch;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::process::this_thread;
use crate::process::thread_cpu_ns;

const PYTHON: &str = ".cache/motion-peers/bin/python";
const FOLDER: &str = ".cache/quality";
/// Sizes at which each case is played.
const SIZES: [(u32, u32); 3] = [(320, 240), (640, 480), (1280, 720)];
/// Seed of all cases, unless LOOKOUT_BENCH_SEED is another one.
const SEED: u64 = 11;
/// A clip on disk.
struct Clip {
    path: PathBuf,
    /// The same as the camera's JPEG, where it has any: that is what Lookout is given.
    packed: Option<PathBuf>,
    visits: Vec<Stretch>,
    frames: u64,
    fps: u32,
}

/// Prints the table. Clips are played on all cores: what it says of cost is what a busy machine takes.
pub(crate) fn run() {
    std::fs::create_dir_all(FOLDER).expect("a folder for clips");
    let asked = std::env::var("LOOKOUT_BENCH_CASE").unwrap_or_default();
    let jobs: Vec<_> = SIZES
        .into_iter()
        .flat_map(|size| corpus::cases(seed()).into_iter().map(move |case| (size, case)))
        .filter(|(_, case)| case.name.contains(&asked))
        .collect();
    let (next, table) = (AtomicUsize::new(0), Table::default());
    let work = || {
        while let Some((size, case)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let half = if case.is_held_out { "held out" } else { "tuned on" };
            // Peers see one size: they take most of the time.
            table.measure(
                render(case, *size),
                &format!("{}x{} {half}", size.0, size.1),
                case.name,
                *size == SIZES[0],
            );
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    for (name, clip) in footage::clips() {
        table.measure(clip, "footage", name, true);
    }
    table.play_to_motion();
    println!("quality: defaults; delays in frames (medians), CPU in microseconds a frame, that of lookout with reading the clip");
    println!(
        "{:<34}{:>8}{:>8}{:>8}{:>12}{:>12}{:>10}{:>10}{:>12}",
        "", "visits", "found", "false", "false/hour", "swallowed", "delay", "late", "CPU us"
    );
    for (name, score) in table.scores.into_inner().expect("no thread died") {
        println!("{name:<34}{}", score.line());
    }
}

/// What is known so far.
#[derive(Default)]
struct Table {
    /// The sums, by group and detector.
    scores: Mutex<BTreeMap<String, Score>>,
    /// What Motion is given in the end, by group: all at once, as it takes the time that the clips take.
    reels: Mutex<Vec<(String, Clip, Reel)>>,
}

impl Table {
    /// Runs a clip through all, adds to the scores of its group, and removes it.
    fn measure(&self, clip: Clip, group: &str, name: &str, with_peers: bool) {
        let before = thread_cpu_ns(&this_thread());
        let events = events(clip.packed.as_ref().unwrap_or(&clip.path), clip.fps);
        let cost = (thread_cpu_ns(&this_thread()) - before) as f64 / 1e3 / clip.frames as f64;
        if self.add(&clip, group, "lookout", &events, cost) {
            println!("{group}, {name}: events {events:?}, visits {:?}", clip.visits);
        }
        let reel = with_peers.then(|| {
            for (peer, events, cost) in peers(&clip.path) {
                self.add(&clip, group, &peer, &events, cost);
            }
            let (size, luma) = pictures(&clip.path);
            Reel::new(size, &luma, clip.fps)
        });
        for path in [Some(&clip.path), clip.packed.as_ref()].into_iter().flatten() {
            let _ = std::fs::remove_file(path);
        }
        if let Some(reel) = reel {
            self.reels.lock().expect("no thread died").push((group.to_owned(), clip, reel));
        }
    }

    /// The same of Motion.
    fn play_to_motion(&self) {
        let all = std::mem::take(&mut *self.reels.lock().expect("no thread died"));
        let (clips, reels): (Vec<_>, Vec<_>) = all.into_iter().map(|(group, clip, reel)| ((group, clip), reel)).unzip();
        match motion::events(reels) {
            Ok((events, cost)) => {
                for ((group, clip), events) in clips.iter().zip(events) {
                    self.add(clip, group, "motion", &events, cost);
                }
            }
            Err(why) => eprintln!("quality: motion: {why}"),
        }
    }

    /// Whether the events have a fault more.
    fn add(&self, clip: &Clip, group: &str, who: &str, events: &[Stretch], cost: f64) -> bool {
        let mut scores = self.scores.lock().expect("no thread died");
        let score = scores.entry(format!("{group} {who}")).or_default();
        let faults = (score.visits - score.found, score.false_events, score.swallowed);
        score.add(&clip.visits, events, (clip.frames, clip.fps), cost);
        faults != (score.visits - score.found, score.false_events, score.swallowed)
    }
}

fn seed() -> u64 {
    let asked = std::env::var("LOOKOUT_BENCH_SEED").ok();
    asked.map_or(SEED, |seed| seed.parse().expect("a number"))
}

/// Renders a case as YUV4MPEG2, and as JPEG where its camera sends that.
fn render(case: &Case, size: (u32, u32)) -> Clip {
    let spec = case.spec(seed(), size);
    let settings = source::Settings {
        spec: source::Spec::Scene(spec.clone()),
        ..source::Settings::default()
    };
    let name = case.name.replace([' ', '%', ':', ','], "_");
    let path = Path::new(FOLDER).join(format!("{name}-{}.y4m", size.1));
    let packed = case.jpeg.map(|_| path.with_extension("mjpeg"));
    let create = |path: &PathBuf| BufWriter::new(File::create(path).expect("a clip is made"));
    let (mut file, mut packed_file) = (create(&path), packed.as_ref().map(create));
    writeln!(file, "YUV4MPEG2 W{} H{} F{}:1 Ip A1:1 Cmono", size.0, size.1, case.fps).expect("written");
    let mut frames = source::open(&settings, Pace::Fast, Arc::new(SystemClock::default()))
        .expect("a scene")
        .frames;
    let (mut written, mut last) = (0, (Vec::new(), Vec::new()));
    while let Ok(Some(frame)) = frames.next(Duration::ZERO) {
        // What was dropped is shown again: the clip has no gaps.
        let shown = match case.jpeg {
            Some(quality) => through_jpeg(frame.data, size, quality),
            None => (frame.data.to_vec(), Vec::new()),
        };
        for number in written..=frame.number.min(case.frames() - 1) {
            let (luma, jpeg) = if number == frame.number || last.0.is_empty() {
                &shown
            } else {
                &last
            };
            file.write_all(b"FRAME\n").and_then(|()| file.write_all(luma)).expect("written");
            if let Some(file) = &mut packed_file {
                file.write_all(jpeg).expect("written");
            }
        }
        written = frame.number + 1;
        last = shown;
        if written >= case.frames() {
            break;
        }
    }
    file.flush().expect("written");
    let truth = source::scene::truth(&spec, &settings, case.frames()).expect("a scene");
    Clip {
        path,
        packed,
        visits: truth.visits.iter().map(|visit| (visit.first_frame, visit.last_frame)).collect(),
        frames: case.frames(),
        fps: case.fps,
    }
}

/// A picture as it comes out of a camera's JPEG, and that.
fn through_jpeg(luma: &[u8], (width, height): (u32, u32), quality: u8) -> (Vec<u8>, Vec<u8>) {
    let mut packed = Vec::new();
    jpeg_encoder::Encoder::new(&mut packed, quality)
        .encode(luma, width as u16, height as u16, jpeg_encoder::ColorType::Luma)
        .expect("a picture");
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    let decoded = JpegDecoder::new_with_options(ZCursor::new(&packed), options).decode();
    (decoded.expect("a whole picture"), packed)
}

/// Size and luma of the pictures of a mono YUV4MPEG2 clip.
fn pictures(path: &Path) -> ((u32, u32), Vec<Vec<u8>>) {
    let mut file = BufReader::new(File::open(path).expect("a clip"));
    let mut line = String::new();
    file.read_line(&mut line).expect("a header");
    let number = |key: char| line.split_whitespace().find_map(|word| word.strip_prefix(key)?.parse().ok());
    let size: (u32, u32) = (number('W').expect("a width"), number('H').expect("a height"));
    let mut pictures = Vec::new();
    // Before each stands a line that says so.
    while file.skip_until(b'\n').expect("a clip") > 0 {
        let mut picture = vec![0; (size.0 * size.1) as usize];
        file.read_exact(&mut picture).expect("a whole picture");
        pictures.push(picture);
    }
    (size, pictures)
}

/// First and last frame of the events that `replay` finds.
fn events(clip: &Path, fps: u32) -> Vec<Stretch> {
    let spec = source::replay::Spec {
        path: clip.to_owned(),
        looped: false,
        fps: Some(fps),
    };
    let mut out = Vec::new();
    replay::replay(&Config::default(), spec, false, &mut out).expect("a clip");
    let text = String::from_utf8(out).expect("text");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let frames = |phase: &str| -> Vec<u64> {
        let of_phase = lines.iter().filter(|line| line["type"] == "event" && line["phase"] == phase);
        of_phase.filter_map(|line| line["frame"].as_u64()).collect()
    };
    frames("start").into_iter().zip(frames("end")).collect()
}

/// Name, events and CPU a frame of each peer; none when they are not installed.
fn peers(clip: &Path) -> Vec<(String, Vec<Stretch>, f64)> {
    let Ok(output) = Command::new(PYTHON).arg("tools/bench/peers/motion_peers.py").arg(clip).output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let peer = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        let events = value["events"]
            .as_array()?
            .iter()
            .filter_map(|pair| Some((pair[0].as_u64()?, pair[1].as_u64()?)));
        Some((value["peer"].as_str()?.to_owned(), events.collect(), value["us"].as_f64()?))
    };
    text.lines().filter_map(peer).collect()
}
