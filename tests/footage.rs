//! Real footage through `lookout replay`: every visit is found soon, and an empty room is empty.
//!
//! The clip and its truth lie beside the project (`../shared/data`) and are used in place; without them, or without `ffmpeg`,
//! the test says so and leaves the matter to the rendered scenes.

#[path = "common/machine.rs"]
mod machine;

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

const FPS: u64 = 10;
/// An event begins at most so long after the visit that it belongs to.
const LATE_FRAMES_MAX: u64 = 2 * FPS;
/// An event that ends so shortly before a visit, or begins so shortly after one, still belongs to it: the truth's edges are
/// where a person fills 0.6 % of the picture.
const EDGE_FRAMES: u64 = 10;

/// First and last frame of what is in the file, one a line, after comments and a header.
fn truth(file: &Path) -> Vec<RangeInclusive<u64>> {
    let text = std::fs::read_to_string(file).expect("the truth can be read");
    let numbers = |line: &str| -> Option<RangeInclusive<u64>> {
        let mut fields = line.split(',');
        Some(fields.next()?.parse().ok()?..=fields.next()?.parse().ok()?)
    };
    text.lines().filter_map(numbers).collect()
}

/// First and last frame of the events that `lookout replay` finds in `clip`.
fn events(clip: &Path) -> Vec<RangeInclusive<u64>> {
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-i"])
        .arg(clip)
        .args(["-f", "yuv4mpegpipe", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg runs");
    let pipe = ffmpeg.stdout.take().expect("piped");
    let replayed = machine::lookout().args(["replay", "-"]).stdin(pipe).output().expect("it runs");
    assert!(ffmpeg.wait().expect("ffmpeg ends").success());
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    let text = String::from_utf8(replayed.stdout).expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let frames = |phase: &str| -> Vec<u64> {
        let of_phase = lines.iter().filter(|line| line["type"] == "event" && line["phase"] == phase);
        of_phase.map(|line| line["frame"].as_u64().expect("a frame")).collect()
    };
    frames("start")
        .into_iter()
        .zip(frames("end"))
        .map(|(start, end)| start..=end)
        .collect()
}

#[test]
fn six_visits_are_found_and_the_empty_room_is_empty() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let clip = data.join("one-by-one-person-detection.mp4");
    if !clip.exists() || !machine::has("ffmpeg", "-version") {
        eprintln!("skipped: {} or ffmpeg is not there", clip.display());
        return;
    }
    let visits = truth(&data.join("one-by-one-events.csv"));
    let events = events(&clip);
    assert_eq!(visits.len(), 6);
    assert_eq!(events.len(), visits.len(), "one event a visit: {events:?}");
    for visit in &visits {
        let soon = visit.start().saturating_sub(EDGE_FRAMES)..=visit.start() + LATE_FRAMES_MAX;
        let found = events
            .iter()
            .any(|event| soon.contains(event.start()) && event.end() >= visit.start());
        assert!(found, "visit {visit:?} is not among {events:?}");
    }
    for event in &events {
        let belongs =
            |visit: &RangeInclusive<u64>| *event.start() <= visit.end() + EDGE_FRAMES && event.end() + EDGE_FRAMES >= *visit.start();
        assert!(visits.iter().any(belongs), "event {event:?} is in an empty room");
    }
}
