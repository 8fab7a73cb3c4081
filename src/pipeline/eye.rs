//! What the pipeline sees: the detector for whatever the camera gives, and what it found last.

use super::Records;
use super::Stepped;
use super::lull::Lull;
use super::note;
use crate::clock::Mono;
use crate::event::engine::Picture;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::motion;
use crate::motion::Motion;
use crate::motion::MotionState;
use crate::motion::detector::Detector;
use crate::records::Notice;
use crate::status::Status;

/// The detector for whatever format the camera gives, and what it saw last.
pub(super) struct Eye {
    pub(super) settings: motion::settings::Settings,
    pub(super) detector: Option<Detector>,
    pub(super) seen: Option<(u64, Mono)>,
    pub(super) motion: Motion,
    pub(super) unreadable: u64,
    pub(super) lull: Lull,
}

impl Eye {
    pub(super) fn new(settings: motion::settings::Settings) -> Eye {
        Eye {
            settings,
            detector: None,
            seen: None,
            motion: Motion::default(),
            unreadable: 0,
            lull: Lull::default(),
        }
    }

    /// The camera was opened: the background is learned anew, in new memory when the size is another.
    pub(super) fn open(&mut self, format: FrameFormat) {
        self.lull.wake();
        match &mut self.detector {
            Some(detector) if detector.size() == (format.width, format.height) => detector.relearn(),
            _ => self.detector = Some(Detector::new(&self.settings, format.width, format.height)),
        }
    }

    /// Looks by other settings from the next frame on; what is learned of the scene stays.
    pub(super) fn retune(&mut self, settings: motion::settings::Settings) {
        self.lull.wake();
        if let Some(detector) = &mut self.detector {
            detector.retune(&settings);
        }
        self.settings = settings;
    }

    /// Whether motion is to be expected, for the frames that come.
    pub(super) fn expect(&mut self, motion: bool) {
        if motion {
            self.lull.wake();
        }
        self.detector.iter_mut().for_each(|detector| detector.expect(motion));
    }

    /// Looks at one frame, unless it is spared that while it is `quiet`; a frame that cannot be read is counted, and changes nothing.
    pub(super) fn look(&mut self, frame: &Frame<'_>, quiet: bool, records: &mut Records) -> Stepped {
        let Some(detector) = &mut self.detector else { return Stepped::Idle };
        if !quiet {
            self.lull.wake();
        }
        if self.lull.spares(frame.captured, frame.format.interval, self.settings.idle_fps) {
            self.lull.spared += 1;
            self.seen = Some((frame.number, frame.captured));
            return Stepped::Spared;
        }
        match detector.observe(frame) {
            Ok(motion) => {
                note_picture(records, frame.captured, &self.motion, motion);
                self.motion.clone_from(motion);
                self.lull.note(frame.captured, motion);
                self.seen = Some((frame.number, frame.captured));
                Stepped::Frame
            }
            Err(fault) => {
                self.unreadable += 1;
                tracing::debug!(frame = frame.number, %fault, "a frame could not be read");
                Stepped::Unreadable
            }
        }
    }

    /// Shows what the last frame showed, to those who look on now, and to those who ask for the last hour.
    pub(super) fn show(&self, status: &Status, pir: bool) {
        let (Some(detector), Some(seen)) = (&self.detector, self.picture()) else {
            return;
        };
        if status.view_wanted() {
            status.view().show(seen.number, seen.motion, &detector.cells());
        }
        let moving = seen.motion.state == MotionState::Moving;
        status
            .scores()
            .note(seen.captured, seen.motion.score, moving, pir, self.settings.sensitivity);
    }

    pub(super) fn picture(&self) -> Option<Picture<'_>> {
        self.seen.map(|(number, captured)| Picture {
            number,
            captured,
            motion: &self.motion,
        })
    }
}

/// Notes what began or ended in the picture as a whole.
fn note_picture(records: &mut Records, at: Mono, before: &Motion, now: &Motion) {
    if before.tamper != now.tamper {
        if let Some(over) = before.tamper {
            note(records, at, Notice::TamperOver(over), "");
        }
        if let Some(begun) = now.tamper {
            note(records, at, Notice::Tampered(begun), "");
        }
    }
    if now.state == MotionState::SceneChange && before.state != MotionState::SceneChange {
        note(records, at, Notice::SceneChanged, "");
    }
}
