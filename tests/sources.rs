//! Every source keeps the promises of its trait, shows what was put in, and is named by a text.

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
use lookout::source;
use lookout::source::Spec;
use lookout::source::pace::Pace;
use lookout::source::recording;
use lookout::trigger::Edge;
use lookout::trigger::TriggerSource;
use lookout::trigger::scripted;

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
        clips::record_scene(dir, "scene:width=80,height=64,seed=5,visits=0..0..1", FRAMES).0,
    ]
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
fn the_scene_goes_on_by_the_clock_of_the_machine() {
    let clock = common::system_clock();
    let spec = "scene:width=80,height=64,fps=100";
    let mut frames = source::open(&common::settings(spec), Pace::Recorded, clock.clone())
        .expect("it opens")
        .frames;
    conformance::check_live(spec, &mut *frames, &*clock, 20);
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
    let (path, (frames, edges)) = clips::record_scene(dir.path(), "scene:width=80,height=64,visits=1..3..2,burst=2..5", 60);
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
    let (path, (frames, _)) = clips::record_scene(dir.path(), "scene:width=80,height=64", 5);
    let whole = std::fs::read(&path).expect("there");
    let record = 20 + frames[0].1.len();
    for cut in [1, 19, record - 1, record, record + 1] {
        let path = clips::write(dir.path(), "cut.lkr", &whole[..whole.len() - cut]);
        let (given, counters, end) = conformance::play(&path).expect("it opens");
        assert!(end.is_end(), "{end}");
        assert_eq!(given, 4 - (cut > record) as u64);
        assert_eq!(counters.corrupt, u64::from(cut != record));
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
    let played = conformance::play(&path);
    drop(pipe);
    ffmpeg.wait().expect("ffmpeg ends");
    let (given, counters, end) = played.expect("it opens");
    assert!(end.is_end(), "{end}");
    assert_eq!((given, counters.corrupt), (1394, 0));
}
