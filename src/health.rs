//! Whether the service lives: what systemd's watchdog is fed by. What it is fed with is `status.rs`.
//!
//! The watchdog is for hangs. A camera that was unplugged or a disk that is full is a *state*: it is served, reported and
//! retried, and a restart would mend nothing. So the watchdog is fed while both threads make their steps and a camera
//! that claims to be live gives frames.

use std::fmt;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::clock::Mono;
use crate::limits::HANG_MS_MAX;
use crate::status::CameraState;
use crate::status::Status;

/// Something hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// The pipeline made no step for so long.
    Pipeline(Duration),
    /// The recorder made no step for so long: the disk does not answer.
    Recorder(Duration),
    /// The camera is said to be live, and gave no frame for so long.
    Frames(Duration),
}

impl fmt::Display for Hang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hang::Pipeline(time) => write!(f, "the pipeline made no step for {} ms", time.as_millis()),
            Hang::Recorder(time) => write!(f, "the recorder made no step for {} ms", time.as_millis()),
            Hang::Frames(time) => write!(f, "the camera is open and gave no frame for {} ms", time.as_millis()),
        }
    }
}

/// What hangs at `now`, if anything; `started` is when the service was started.
pub fn hang(status: &Status, started: Mono, now: Mono) -> Option<Hang> {
    let limit = Duration::from_millis(HANG_MS_MAX);
    let silent = |beat: Option<Mono>| Some(now.since(beat.unwrap_or(started))).filter(|silent| *silent > limit);
    let recorder = silent(status.recorder().beat).map(Hang::Recorder);
    let pipeline = status.pipeline();
    let live = pipeline.camera == CameraState::Live;
    let frames = silent(pipeline.last_frame).filter(|_| live).map(Hang::Frames);
    silent(pipeline.beat).map(Hang::Pipeline).or(recorder).or(frames)
}

/// Tells systemd, if it started us, that the service is ready, and what it serves.
pub fn ready(words: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(words)]);
}

/// Tells systemd that the service is stopping.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Feeds systemd's watchdog.
pub fn feed() {
    notify(&[NotifyState::Watchdog]);
}

/// How often systemd wants its watchdog fed: half of its limit; `None` when it does not watch.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// A message that does not arrive is systemd's to notice: there is nothing to be done about it here.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}
