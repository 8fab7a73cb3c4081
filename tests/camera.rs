//! A camera is never given up: what is lost is told once, tried again without a busy loop, and told when it is back.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::clips;
use lookout::clock::Clock;
use lookout::clock::SimClock;
use lookout::limits::CAMERA_REOPEN_MS;
use lookout::source::camera::Camera;
use lookout::source::camera::Seen;
use lookout::source::pace::Pace;
use lookout::trigger::TriggerState;

const STEP: Duration = Duration::from_millis(100);

/// A camera driven through a simulated time, and what it said on the way.
struct Drive {
    clock: SimClock,
    camera: Camera,
    /// Milliseconds and words: `opened`, `lost ...`, `restored`, `ended`.
    said: Vec<(u64, String)>,
    /// Milliseconds and numbers of frames.
    frames: Vec<(u64, u64)>,
}

impl Drive {
    fn new(spec: &str, pace: Pace) -> Drive {
        let clock = common::sim_clock();
        let camera = Camera::new(common::settings(spec), pace, Arc::new(clock.clone()));
        Drive {
            clock,
            camera,
            said: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Goes on until the clock says `until`, or the clip is over.
    fn run(&mut self, until: Duration) {
        let mut calls_now = 0;
        while u128::from(self.clock.now().millis()) < until.as_millis() {
            let called = self.clock.now();
            let seen = self.camera.next(STEP);
            let now = self.clock.now();
            assert!(now.since(called) <= STEP * 2, "it waited {:?}", now.since(called));
            calls_now = if now > called { 0 } else { calls_now + 1 };
            assert!(calls_now < 6, "a busy loop at {now:?}");
            let words = match seen {
                Seen::Nothing => continue,
                Seen::Frame(frame) => {
                    self.frames.push((now.millis(), frame.number));
                    continue;
                }
                Seen::Opened(_) => "opened".to_owned(),
                Seen::Restored(_) => "restored".to_owned(),
                Seen::Lost(why) => format!("lost: {why}"),
                Seen::Ended => return self.said.push((now.millis(), "ended".to_owned())),
            };
            self.said.push((now.millis(), words));
        }
    }

    fn words(&self) -> Vec<&str> {
        self.said.iter().map(|(_, words)| words.as_str()).collect()
    }
}

const GONE: &str = "lost: scene: gone (No such device (os error 19))";

#[test]
fn an_unplugged_camera_is_back_within_two_seconds_of_its_return() {
    let mut drive = Drive::new("scene:width=80,height=64,unplug=2..3.3,unplug=8..1", Pace::Recorded);
    drive.run(Duration::from_secs(12));
    assert_eq!(drive.words(), ["opened", GONE, "restored", GONE, "restored"]);
    let back = drive.said[2].0;
    assert!((5300..5300 + 2000).contains(&back), "back after {back} ms");
    assert!(
        drive.frames.windows(2).all(|pair| pair[0].1 < pair[1].1),
        "numbers increase over the gap"
    );
    assert!(
        drive.frames.iter().any(|(at, _)| (back..back + 1000).contains(at)),
        "frames flow again"
    );
    assert_eq!(
        drive.camera.counters().delivered,
        drive.frames.len() as u64,
        "counted over reopenings"
    );
}

#[test]
fn a_stalled_camera_is_lost_after_the_stall_time_and_tried_again() {
    let mut drive = Drive::new("scene:width=80,height=64,stall=2..2,stall=6..7", Pace::Recorded);
    drive.run(Duration::from_secs(16));
    let stalled = "lost: scene: no frame for 3s";
    // The second time it opens within the stall, and stalls again.
    assert_eq!(drive.words(), ["opened", stalled, "restored", stalled, "restored"]);
    assert_eq!(drive.said[1].0, 9000);
    assert!(drive.camera.counters().gaps > 0, "frames of the short stall are missing");
    assert!(drive.frames.last().is_some_and(|(at, _)| *at > 15_000));
}

#[test]
fn a_camera_that_is_not_there_is_told_once_and_found_when_it_comes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("late.y4m");
    let mut drive = Drive::new(&format!("replay:{},loop", path.display()), Pace::Recorded);
    drive.run(Duration::from_secs(5));
    assert_eq!(drive.said.len(), 1, "{:?}", drive.said);
    assert!(drive.said[0].1.contains("late.y4m: opening: No such file"), "{:?}", drive.said);
    clips::write(dir.path(), "late.y4m", &clips::y4m(5, "F10:1", clips::CHROMA_420));
    drive.run(Duration::from_secs(8));
    assert_eq!(drive.words()[1..], ["restored"]);
    assert!(drive.said[1].0 <= 5000 + CAMERA_REOPEN_MS);
    assert!(drive.frames.len() > 20, "{} frames", drive.frames.len());
    assert_eq!(drive.camera.counters().skipped, 0);
}

#[test]
fn a_clip_ends_and_a_damaged_one_is_not_played_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = clips::y4m(5, "F10:1", clips::CHROMA_420);
    let path = clips::write(dir.path(), "whole.y4m", &whole);
    let mut drive = Drive::new(&format!("replay:{}", path.display()), Pace::Recorded);
    drive.run(Duration::from_secs(5));
    assert_eq!((drive.words(), drive.frames.len()), (vec!["opened", "ended"], 5));
    assert!(matches!(drive.camera.next(STEP), Seen::Ended), "it stays ended");

    let path = clips::write(dir.path(), "broken.y4m", &[&whole[..], b"RUBBISH"].concat());
    let mut drive = Drive::new(&format!("replay:{}", path.display()), Pace::Recorded);
    drive.run(Duration::from_secs(5));
    assert_eq!(drive.frames.len(), 5);
    assert!(
        drive.words()[1].starts_with("lost: ") && drive.words()[2] == "ended",
        "{:?}",
        drive.said
    );
}

#[test]
fn edges_go_on_over_a_reopening() {
    let mut drive = Drive::new("scene:width=80,height=64,visits=1..3..1,unplug=2.2..1", Pace::Recorded);
    assert!(drive.camera.take_edges().is_none(), "not known before it is open");
    drive.run(Duration::from_millis(500));
    let mut edges = drive.camera.take_edges().expect("a PIR sensor");
    assert!(drive.camera.take_edges().is_none(), "taken");
    drive.run(Duration::from_secs(6));
    assert_eq!(edges.state(), TriggerState::Live);
    let at: Vec<_> = std::iter::from_fn(|| edges.poll().expect("edges"))
        .map(|edge| edge.at.millis())
        .collect();
    assert_eq!(at, [1500, 2000, 4500, 5000], "the scene went on while it was closed");
}

#[test]
fn as_fast_as_it_goes_every_frame_is_seen_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = clips::write(dir.path(), "clip.avi", &clips::avi(20, 2, true));
    let clock = common::sim_clock();
    let mut camera = Camera::new(common::clip_settings(&path), Pace::Fast, Arc::new(clock.clone()));
    let mut numbers = Vec::new();
    loop {
        match camera.next(Duration::ZERO) {
            Seen::Frame(frame) => numbers.push(frame.number),
            Seen::Opened(format) => assert_eq!(format.width, clips::WIDTH),
            Seen::Ended => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    assert!(camera.take_edges().is_none(), "an AVI file brings no edges");
}
