//! Every source keeps the promises of its trait, and no input, however broken, takes it down.

mod common;

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use common::clips;
use common::clips::CHROMA_420;
use common::conformance;
use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::frame::PixelFormat;
use lookout::frame::SourceError;
use lookout::source;
use lookout::source::Spec;
use lookout::source::pace::Pace;
use lookout::source::recording;
use lookout::trigger::Edge;
use lookout::trigger::TriggerSource;
use lookout::trigger::scripted;
use proptest::prelude::*;

const FRAMES: u64 = 12;

/// Every kind of clip, `FRAMES` pictures each, under `dir`.
fn clips_in(dir: &Path) -> Vec<PathBuf> {
    let count = FRAMES as usize;
    let full = (clips::WIDTH * clips::HEIGHT) as usize;
    vec![
        clips::write(
            dir,
            "420.y4m",
            &clips::y4m(count, "F10:1 Ip A1:1 C420jpeg XYSCSS=420JPEG", CHROMA_420),
        ),
        clips::write(dir, "usual.y4m", &clips::y4m(count, "F30000:1001", CHROMA_420)),
        clips::write(dir, "mono.y4m", &clips::y4m(count, "F10:1 Cmono", 0)),
        clips::write(dir, "422.y4m", &clips::y4m(count, "F10:1 C422", full)),
        clips::write(dir, "444.y4m", &clips::y4m(count, "F10:1 C444", 2 * full)),
        clips::write(dir, "pictures.mjpg", &clips::mjpeg(count)),
        clips::write(dir, "whole.avi", &clips::avi(count, 1, true)),
        clips::write(dir, "parts.avi", &clips::avi(count, 3, true)),
        clips::write(dir, "piped.avi", &clips::avi(count, 1, false)),
        clips::folder(dir, count, true),
        clips::folder(dir, count, false),
        record_scene(dir, "scene:width=80,height=64,seed=5,visits=0..0..1", FRAMES).0,
    ]
}

/// What was recorded: each frame's time and bytes, and the edges.
type Recorded = (Vec<(Mono, Vec<u8>)>, Vec<Edge>);

/// Records the first frames of a scene.
fn record_scene(dir: &Path, spec: &str, frames: u64) -> (PathBuf, Recorded) {
    let clock = common::sim_clock();
    let mut opened = source::open(&common::settings(spec), Pace::Fast, Arc::new(clock.clone())).expect("a scene");
    let mut edges = opened.edges.expect("a PIR sensor");
    let path = dir.join("scene.lkr");
    let header = recording::Header::new(opened.frames.format(), "garden", clock.wall());
    let mut writer = recording::Writer::create(&path, &header, clock.now()).expect("a new file");
    let mut seen: Recorded = (Vec::new(), Vec::new());
    for _ in 0..frames {
        let frame = opened.frames.next(Duration::ZERO).expect("no end").expect("a frame");
        while let Some(edge) = edges.poll().expect("edges") {
            writer.edge(&edge).expect("written");
            seen.1.push(edge);
        }
        writer.frame(&frame).expect("written");
        seen.0.push((frame.captured, frame.data.to_vec()));
    }
    assert_eq!(writer.bytes(), std::fs::metadata(&path).expect("there").len());
    (path, seen)
}

#[test]
fn every_clip_keeps_the_promises_of_a_camera() {
    let dir = tempfile::tempdir().expect("a folder");
    for path in clips_in(dir.path()) {
        let open = |pace, clock| source::open(&common::clip_settings(&path), pace, clock).expect("it opens").frames;
        conformance::check_played(&path.display().to_string(), open, Some(FRAMES));
    }
}

#[test]
fn the_scene_keeps_the_promises_of_a_camera_in_every_format() {
    for format in ["grey", "yuyv", "uyvy", "nv12", "yu12"] {
        let spec = format!("scene:format={format},width=96,height=64,short=0.4,stall=1..0.5");
        let open = |pace, clock| source::open(&common::settings(&spec), pace, clock).expect("it opens").frames;
        conformance::check_played(&spec, open, None);
    }
}

#[test]
fn clips_show_the_pictures_that_were_put_in() {
    let dir = tempfile::tempdir().expect("a folder");
    for path in clips_in(dir.path()) {
        let mut source = common::open_clip(&path).expect("it opens").frames;
        let format = source.format();
        if path.extension().is_some_and(|ending| ending == "lkr") {
            continue;
        }
        for n in 0..FRAMES as usize {
            let frame = source.next(Duration::ZERO).expect("frames left").expect("a frame");
            let same = match format.pixel {
                PixelFormat::Mjpeg => frame.data == clips::jpeg(n),
                _ => frame.data[..format.luma_bytes()] == clips::luma(n),
            };
            // AVI chunks may be padded, but the pictures are not.
            assert!(same, "{}: picture {n}", path.display());
        }
    }
}

#[test]
fn a_loop_goes_on_over_the_seam() {
    let dir = tempfile::tempdir().expect("a folder");
    for path in clips_in(dir.path()) {
        let settings = common::settings(&format!("replay:{},loop", path.display()));
        let mut source = source::open(&settings, Pace::Fast, Arc::new(common::sim_clock()))
            .expect("it opens")
            .frames;
        let name = path.display().to_string();
        let mut watch = conformance::Watch::new(&name, &*source);
        let interval = source.format().interval;
        for n in 0..3 * FRAMES {
            let frame = source.next(Duration::ZERO).expect("no end").expect("a frame");
            watch.frame(&frame);
            assert_eq!(frame.number, n);
            let due = interval * n as u32;
            assert!(
                frame.captured.nanos().abs_diff(due.as_nanos() as u64) < 1_000,
                "{name}: {n} at {:?}",
                frame.captured
            );
        }
    }
}

#[test]
fn a_recording_replays_the_same_frames_and_edges() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, (frames, edges)) = record_scene(dir.path(), "scene:width=80,height=64,visits=1..3..2,burst=2..5", 60);
    assert_eq!(edges.len(), 5 + 3, "a burst, a visit, and the beginning of another");
    let clock = common::sim_clock();
    let mut opened = common::open_clip(&path).expect("it opens");
    let mut played = opened.edges.expect("edges come with it");
    for (at, bytes) in &frames {
        let frame = opened.frames.next(Duration::ZERO).expect("frames left").expect("a frame");
        assert_eq!((frame.captured, frame.data), (*at, &bytes[..]));
    }
    assert!(opened.frames.next(Duration::ZERO).expect_err("no more").is_end());
    let replayed = conformance::edges_of("recording", &mut *opened.frames, &mut *played, &clock, 0);
    assert!(replayed.is_empty());
    let replayed: Vec<_> = std::iter::from_fn(|| played.poll().expect("edges")).collect();
    assert_eq!(replayed, edges);
}

#[test]
fn edges_come_with_the_frames_in_time() {
    let spec = "scene:width=80,height=64,visits=1..4..2";
    let clock = common::sim_clock();
    let mut opened = source::open(&common::settings(spec), Pace::Recorded, Arc::new(clock.clone())).expect("a scene");
    let mut edges = opened.edges.expect("a PIR sensor");
    let seen = conformance::edges_of(spec, &mut *opened.frames, &mut *edges, &clock, 80);
    let at = |seconds: f64, active| Edge {
        at: Mono::from_nanos((seconds * 1e9) as u64),
        active,
    };
    assert_eq!(seen, [at(1.5, true), at(3.0, false), at(5.5, true), at(7.0, false)]);
}

#[test]
fn a_full_line_drops_the_oldest_edge_and_counts_it() {
    let (line, mut edges) = scripted::line();
    for n in 0..100 {
        line.push(Edge {
            at: Mono::from_millis(n),
            active: n % 2 == 0,
        });
    }
    let all: Vec<_> = std::iter::from_fn(|| edges.poll().expect("edges")).collect();
    let held = lookout::limits::SCRIPTED_EDGES_MAX;
    assert_eq!(all.len(), held);
    assert_eq!(all[0].at, Mono::from_millis(100 - held as u64));
    assert_eq!(edges.counters().missed, 100 - held as u64);
}

#[test]
fn a_recording_is_these_bytes() {
    let dir = tempfile::tempdir().expect("a folder");
    let clock = common::sim_clock();
    let format = lookout::frame::FrameFormat::packed(PixelFormat::Grey, 64, 64, Duration::from_millis(100));
    let header = recording::Header::new(format, "gate", clock.wall());
    let path = dir.path().join("golden.lkr");
    let mut writer = recording::Writer::create(&path, &header, Mono::from_millis(1000)).expect("a new file");
    writer
        .edge(&Edge {
            at: Mono::from_millis(1001),
            active: true,
        })
        .expect("written");
    let data = vec![7; 64 * 64];
    let frame = lookout::frame::Frame {
        format,
        number: 0,
        captured: Mono::from_millis(1100),
        data: &data,
    };
    writer.frame(&frame).expect("written");
    let bytes = std::fs::read(&path).expect("there");
    let text = "lookout-recording 1\n{\"pixel\":\"grey\",\"width\":64,\"height\":64,\"stride\":64,\"interval_us\":100000,\
                \"camera_id\":\"gate\",\"began\":\"2026-01-01T00:00:00.000Z\",\"synced\":true}\n";
    let edge = b"LKFe\x01\0\0\0\x40\x42\x0f\0\0\0\0\0";
    let picture = b"LKFf\0\x10\0\0\0\xe1\xf5\x05\0\0\0\0";
    let crc = |head: &[u8], body: &[u8]| crc32fast::hash(&[head, body].concat()).to_le_bytes();
    let golden = [text.as_bytes(), edge, &crc(edge, &[1]), &[1], picture, &crc(picture, &data), &data].concat();
    assert_eq!(bytes, golden);
    assert_eq!(crc(edge, &[1]), [249, 48, 152, 124], "CRC-32 as zlib has it");
}

#[test]
fn a_recording_whose_writer_was_killed_gives_all_whole_records() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, (frames, _)) = record_scene(dir.path(), "scene:width=80,height=64", 5);
    let whole = std::fs::read(&path).expect("there");
    let record = 20 + frames[0].1.len();
    for cut in [1, 19, record - 1, record, record + 1] {
        let path = clips::write(dir.path(), "cut.lkr", &whole[..whole.len() - cut]);
        let (given, counters, end) = play(&path).expect("it opens");
        assert!(end.is_end(), "{end}");
        assert_eq!(given, 4 - (cut > record) as u64);
        assert_eq!(counters.corrupt, u64::from(cut != record));
    }
}

/// Plays a clip to its end: frames given, counters, and the error it ended with.
fn play(path: &Path) -> Result<(u64, lookout::frame::SourceCounters, SourceError), SourceError> {
    let mut source = common::open_clip(path)?.frames;
    let name = path.display().to_string();
    let mut watch = conformance::Watch::new(&name, &*source);
    for _ in 0..10_000 {
        match source.next(Duration::ZERO) {
            Ok(Some(frame)) => watch.frame(&frame),
            Ok(None) => {}
            Err(end) => {
                conformance::stays_failed(&name, &mut *source, &end);
                watch.counters(source.counters());
                return Ok((watch.delivered, source.counters(), end));
            }
        }
    }
    panic!("{name}: it never ends");
}

/// Whatever is wrong with it: an end or an error that names the file, and a place within it.
fn plays_or_says_why(path: &Path, length: usize) {
    let error = match play(path) {
        Ok((_, _, end)) => end,
        Err(refused) => refused,
    };
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    if let SourceError::Damaged { offset, .. } = error {
        assert!(offset <= length as u64, "{text} of {length} bytes");
    }
}

/// One short clip of each kind that is a single file.
fn short_clips() -> Vec<(&'static str, Vec<u8>)> {
    let dir = tempfile::tempdir().expect("a folder");
    let (recorded, _) = record_scene(dir.path(), "scene:width=64,height=64,visits=0..0..1", 2);
    vec![
        ("clip.y4m", clips::y4m(2, "F10:1 Cmono", 0)),
        ("clip.mjpg", clips::mjpeg(3)),
        ("clip.avi", clips::avi(2, 2, true)),
        ("clip.lkr", std::fs::read(recorded).expect("there")),
        ("clip.pgm", clips::pgm_bytes(0)),
    ]
}

#[test]
fn a_clip_cut_anywhere_ends_or_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, bytes) in short_clips() {
        let path = clips::write(dir.path(), name, &bytes);
        let file = std::fs::File::options().write(true).open(&path).expect("there");
        for length in (0..bytes.len()).rev() {
            file.set_len(length as u64).expect("cut");
            plays_or_says_why(&path, length);
        }
    }
}

#[test]
fn a_folder_with_a_cut_picture_counts_it_or_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = clips::folder(dir.path(), 3, true);
    let bytes = clips::pgm_bytes(1);
    for length in (0..40).chain([bytes.len() - 1]) {
        clips::write(&folder, "001.pgm", &bytes[..length]);
        plays_or_says_why(&folder, bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_clip_with_flipped_bytes_ends_or_says_why(
        kind in 0..5_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..8),
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let (name, mut bytes) = short_clips().swap_remove(kind);
        for (place, byte, early) in flips {
            let within = if early { bytes.len().min(300) } else { bytes.len() };
            bytes[place.index(within)] = byte;
        }
        let path = clips::write(dir.path(), name, &bytes);
        plays_or_says_why(&path, bytes.len());
    }
}

/// A file of `bytes` is refused, or fails before its end, in words that hold `why`.
fn refuses(bytes: &[u8], why: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = clips::write(dir.path(), "clip", bytes);
    let error = match play(&path) {
        Ok((_, _, end)) => end,
        Err(refused) => refused,
    };
    let text = error.to_string();
    assert!(!error.is_end() && text.contains(why), "{text:?} should say {why:?}");
    assert!(text.contains("clip"), "{text:?} should name the file");
}

#[test]
fn broken_clips_are_refused_in_words() {
    refuses(b"", "neither YUV4MPEG2");
    refuses(b"Once upon a time there was a film.", "neither YUV4MPEG2");
    refuses(b"YUV4MPEG2 W80 H64 F10:1", "at byte 0: there should be a header line");
    refuses(b"YUV4MPEG2 H64 F10:1\n", "names no width");
    refuses(b"YUV4MPEG2 W80 Hx F10:1\n", "Hx is no number");
    refuses(b"YUV4MPEG2 W0 H64 F10:1\n", "a picture of 0x64");
    refuses(b"YUV4MPEG2 W100000 H100000 F10:1\n", "a picture of 100000x100000");
    refuses(b"YUV4MPEG2 W4294967295 H4294967295 F10:1\n", "are accepted");
    refuses(b"YUV4MPEG2 W80 H64\n", "no usable frame rate");
    refuses(b"YUV4MPEG2 W80 H64 F0:0\n", "no usable frame rate");
    refuses(b"YUV4MPEG2 W80 H64 F0:1\n", "frame rate F0:1");
    refuses(b"YUV4MPEG2 W80 H64 F10:0\n", "frame rate F10:0");
    refuses(b"YUV4MPEG2 W80 H64 F100000:1\n", "frame rate F100000:1");
    refuses(b"YUV4MPEG2 W80 H64 F10:1 C420p10\n", "chroma C420p10");
    refuses(b"YUV4MPEG2 W80 H64 F10:1\n", "no picture in it");
    let y4m = clips::y4m(1, "F10:1 Cmono", 0);
    refuses(
        &[&y4m[..], b"GARBAGE"].concat(),
        &format!("at byte {}: there should be a FRAME", y4m.len()),
    );
    let small = clips::jpeg_of(&[9; 72 * 64], 72, 64);
    let first = clips::jpeg(0);
    refuses(
        &[&first[..], &small].concat(),
        &format!("at byte {}: a picture of 72x64 after 80x64", first.len()),
    );
    refuses(&[&first[..], &vec![1; 1 << 17]].concat(), "no picture follows");
    refuses(&clips::jpeg_of(&[9; 32 * 32], 32, 32), "a picture of 32x32");
    refuses(b"\xff\xd8\xff\xe0\0\0", "first picture is not whole");
    refuses(b"RIFF\0\0\0\0AVI LIST\0\0\0\0movi", "no MJPEG video stream");
    refuses(b"RIFF\0\0\0\0AVI JUNK\xff\xff\xff\xff", "ends before its pictures");
    refuses(b"lookout-recording 2\n{}\n", "only \"lookout-recording 1\"");
    refuses(b"lookout-recording 1\n{}\n", "at byte 20: missing field");
}

#[test]
fn a_broken_picture_is_counted_and_the_next_one_played() {
    let dir = tempfile::tempdir().expect("a folder");
    let middle = clips::jpeg(1);
    let torn = &middle[..middle.len() - 50];
    let path = clips::write(dir.path(), "torn.mjpg", &[&clips::jpeg(0)[..], torn, &clips::jpeg(2)].concat());
    let (given, counters, end) = play(&path).expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (2, 1));

    let endless = [torn, &vec![5; 100_000], b"\xff\xd9"].concat();
    let path = clips::write(dir.path(), "long.mjpg", &[&clips::jpeg(0)[..], &endless, &clips::jpeg(2)].concat());
    let (given, counters, end) = play(&path).expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (2, 1), "longer than a picture may be");

    let folder = clips::folder(dir.path(), 4, false);
    clips::write(&folder, "002.JPG", torn);
    let (given, counters, end) = play(&folder).expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (3, 1));
}

#[test]
fn a_truncated_last_frame_is_counted_and_the_clip_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let bytes = clips::y4m(4, "F10:1", CHROMA_420);
    for cut in [1, CHROMA_420, 4000, 7679, 7684] {
        let path = clips::write(dir.path(), "cut.y4m", &bytes[..bytes.len() - cut]);
        let (given, counters, end) = play(&path).expect("it opens");
        assert!(end.is_end(), "{end}");
        assert_eq!((given, counters.corrupt), (3, 1), "{cut} bytes cut off");
    }
}

#[test]
fn spec_texts_are_understood_and_written_back() {
    for text in [
        "auto",
        "v4l2:/dev/video0",
        "replay:a,b.y4m",
        "replay:-",
        "replay:clip.avi,loop,fps=25",
        "scene",
        "scene:seed=7",
        "scene:seed=7,width=320,height=240,fps=15,format=yuyv,noise=4,drift=off,foliage=off,pir=off",
        "scene:visits=1..0..3,visits=9..30..2.5,light=10..5,light=40,stall=3..1,unplug=8..2.5,short=4,burst=5..20",
        "scene:visits=off",
    ] {
        let spec: Spec = text.parse().expect(text);
        assert_eq!(spec.to_string(), text);
        assert_eq!(spec.to_string().parse::<Spec>().expect(text), spec);
    }
}

#[test]
fn spec_texts_that_are_wrong_are_refused_in_words() {
    let check = |text: &str, why: &str| {
        let error = text.parse::<Spec>().expect_err(text).to_string();
        assert!(error.contains(why) && error.contains(text), "{error:?} should say {why:?}");
    };
    check("", "allowed are auto");
    check("webcam", "allowed are auto");
    check("v4l2:", "allowed are auto");
    check("replay:", "allowed are auto");
    check("replay:a.y4m,fps=0", "1 to 240");
    check("scene:colour=red", "allowed are seed, width");
    check("scene:seed", "not key=value");
    check("scene:noise=11", "0 to 10");
    check("scene:fps=0", "1 to 240");
    check("scene:format=mjpg", "grey, yuyv");
    check("scene:visits=1..2", "FIRST..EVERY..LENGTH");
    check("scene:visits=1..2..3", "before it is over");
    check("scene:stall=-1..2", "not a time");
    check("scene:burst=1..9999", "more than 1000");
    check("scene:foliage=yes", "on or off");
}

/// Replays what ffmpeg makes of real footage, where both are there.
#[test]
fn footage_piped_from_ffmpeg_is_played_whole() {
    let footage = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/one-by-one-person-detection.mp4");
    if !footage.exists() {
        return eprintln!("skipped: {} is not there", footage.display());
    }
    let mut ffmpeg = Command::new("ffmpeg");
    let ffmpeg = ffmpeg
        .args(["-loglevel", "error", "-i"])
        .arg(&footage)
        .args(["-f", "yuv4mpegpipe", "-"]);
    let Ok(mut ffmpeg) = ffmpeg.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() else {
        return eprintln!("skipped: ffmpeg is not installed");
    };
    let pipe = ffmpeg.stdout.take().expect("a pipe");
    let path = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&pipe)));
    let played = play(&path);
    drop(pipe);
    ffmpeg.wait().expect("ffmpeg ends");
    let (given, counters, end) = played.expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (1394, 0));
}
