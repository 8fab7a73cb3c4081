//! Frame, edges, motion, event: one bounded step after another, on a thread of its own or in a loop. It touches neither
//! disk nor socket; what it finds goes to the caller as records.

mod eye;
mod lull;

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use heapless::Deque;
use heapless::Vec;

use crate::clock::Clock;
use crate::clock::Mono;
use crate::event::engine;
use crate::event::engine::CHANGES_PER_STEP_MAX;
use crate::event::engine::Changes;
use crate::event::engine::Engine;
use crate::event::engine::EngineState;
use crate::event::engine::Fusion;
use crate::event::engine::Input;
use crate::event::engine::Picture;
use crate::event::model::EndReason;
use crate::event::model::Name;
use crate::frame::FrameFormat;
use crate::limits::COMMAND_QUEUE_MAX;
use crate::limits::EDGES_PER_STEP_MAX;
use crate::limits::STEP_WAIT_MS_MAX;
use crate::limits::ZONES_MAX;
use crate::media::Shutter;
use crate::motion;
use crate::records::CameraChange;
use crate::records::Notice;
use crate::records::Record;
use crate::records::detail;
use crate::source::camera::Camera;
use crate::source::camera::Seen;
use crate::status::CameraState;
use crate::status::Status;
use crate::trigger::Edge;
use crate::trigger::sensor::Sensor;
use crate::trigger::sensor::SensorChange;
use eye::Eye;

/// What a person or a program asks of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Make events (true) or none (false).
    Arm(bool),
    /// Make an event now.
    Trigger,
    /// Find motion and make events by other settings.
    Tune(Box<Tuning>),
}

/// What can be set while the pipeline runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tuning {
    /// How motion is found.
    pub motion: motion::settings::Settings,
    /// What makes events. Whether they are made at all is [`Command::Arm`]'s.
    pub event: engine::Settings,
}

/// The queue of commands to the pipeline, shared with the network side.
#[derive(Debug, Default)]
pub struct Controls(Mutex<Deque<Command, COMMAND_QUEUE_MAX>>);

impl Controls {
    /// Asks for `command` at the next step; gives it back when the queue is full.
    pub fn ask(&self, command: Command) -> Result<(), Command> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push_back(command)
    }
    /// The oldest command not yet done.
    fn take(&self) -> Option<Command> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop_front()
    }
}

/// Most records of one step: what the camera, the picture and the sensor have to say, and every change of the engine.
pub const RECORDS_PER_STEP_MAX: usize = 4 * CHANGES_PER_STEP_MAX + 8;
/// What one step has to say.
pub type Records = Vec<Record, RECORDS_PER_STEP_MAX>;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// A frame was looked at.
    Frame,
    /// A frame came, and nobody needed to look at it: nothing moves, as far as the last look goes.
    Spared,
    /// A frame could not be read; counted, and nothing comes of it.
    Unreadable,
    /// There was no frame.
    Idle,
    /// The clip is over, and what ran has been ended.
    Ended,
}

/// What the pipeline is made of.
pub struct Parts {
    /// Where frames come from.
    pub camera: Camera,
    /// Where edges come from.
    pub sensor: Sensor,
    /// How motion is found.
    pub motion: motion::settings::Settings,
    /// What makes events.
    pub engine: engine::Settings,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where people's wishes arrive.
    pub controls: Arc<Controls>,
    /// Where the state is shown.
    pub status: Arc<Status>,
    /// Who gives pictures away, if anybody wants some.
    pub shutter: Option<Shutter>,
}

/// The pipeline.
pub struct Pipeline {
    camera: Camera,
    sensor: Sensor,
    eye: Eye,
    engine: Engine,
    fusion: Fusion,
    clock: Arc<dyn Clock>,
    controls: Arc<Controls>,
    status: Arc<Status>,
    shutter: Option<Shutter>,
    rate: Rate,
    /// The time of the newest step; never goes back, and is never before a frame that was seen.
    now: Mono,
}

impl Pipeline {
    /// A pipeline that has seen nothing.
    pub fn new(parts: Parts) -> Pipeline {
        Pipeline {
            camera: parts.camera,
            sensor: parts.sensor,
            eye: Eye::new(parts.motion),
            fusion: parts.engine.fusion,
            engine: Engine::new(parts.engine),
            clock: parts.clock,
            controls: parts.controls,
            status: parts.status,
            shutter: parts.shutter,
            rate: Rate::default(),
            now: Mono::default(),
        }
    }

    /// Waits at most [`STEP_WAIT_MS_MAX`] for a frame, looks at it, at the edges and at people's wishes, and adds what
    /// there is to say to `records`, which has room for all of one step when it comes empty.
    pub fn step(&mut self, records: &mut Records) -> Stepped {
        let manual = self.obey(records);
        let stepped = self.look(records);
        let mut edges = Vec::new();
        self.poll_sensor(&mut edges, records);
        let picture = self.eye.picture().filter(|_| matches!(stepped, Stepped::Frame | Stepped::Spared));
        let changes = self.engine.step(Input {
            now: self.now,
            picture,
            edges: &edges,
            manual,
        });
        say(records, changes);
        if stepped == Stepped::Ended {
            say(records, self.engine.finish(EndReason::CameraLost, self.now));
        }
        if stepped == Stepped::Frame {
            self.eye.show(&self.status, self.engine.pir_active());
        }
        self.show();
        self.shutter.iter_mut().for_each(|shutter| shutter.tell(records));
        stepped
    }

    /// Ends whatever runs.
    pub fn finish(&mut self, reason: EndReason, records: &mut Records) {
        let changes = self.engine.finish(reason, self.now);
        say(records, changes);
        self.shutter.iter_mut().for_each(|shutter| shutter.tell(records));
    }

    /// The last frame that could be read, by number, and what was found in it.
    pub fn last_picture(&self) -> Option<Picture<'_>> {
        self.eye.picture()
    }

    /// Does what was asked for; true when that is an event.
    fn obey(&mut self, records: &mut Records) -> bool {
        let mut manual = false;
        for _ in 0..COMMAND_QUEUE_MAX {
            match self.controls.take() {
                Some(Command::Arm(armed)) if armed != self.engine.armed() => say(records, self.engine.arm(armed, self.now)),
                Some(Command::Arm(_)) => {}
                Some(Command::Trigger) => manual = true,
                Some(Command::Tune(tuning)) => {
                    self.tune(*tuning, records);
                    break; // one a step, as records have room for
                }
                None => break,
            }
        }
        manual
    }

    /// Other zones have other names: what runs ends under the old ones.
    fn tune(&mut self, tuning: Tuning, records: &mut Records) {
        let names = |settings: &motion::settings::Settings| settings.zones.iter().map(|zone| zone.name.clone()).collect();
        let (before, now): (Vec<Name, ZONES_MAX>, Vec<Name, ZONES_MAX>) = (names(&self.eye.settings), names(&tuning.motion));
        if before != now {
            say(records, self.engine.finish(EndReason::Rezoned, self.now));
            add(records, Record::Zones(Box::new(now)));
        }
        self.fusion = tuning.event.fusion;
        self.engine.retune(tuning.event);
        self.eye.retune(tuning.motion);
    }

    /// Takes a frame, or notes what became of the camera.
    fn look(&mut self, records: &mut Records) -> Stepped {
        let seen = self.camera.next(Duration::from_millis(STEP_WAIT_MS_MAX));
        self.now = self.now.max(self.clock.now());
        match seen {
            Seen::Frame(frame) => {
                self.now = self.now.max(frame.captured);
                self.rate.count(frame.captured);
                self.eye.expect(self.engine.expects_motion(self.now));
                let quiet = self.engine.state(self.now) == EngineState::Idle && !self.engine.pir_active();
                let began = self.clock.now();
                let stepped = self.eye.look(&frame, quiet, records);
                if stepped != Stepped::Spared {
                    self.status.pipeline().detect_us = Some(self.clock.now().since(began).as_micros() as u32);
                }
                if matches!(stepped, Stepped::Frame | Stepped::Spared) {
                    self.shutter
                        .iter_mut()
                        .for_each(|shutter| shutter.offer(&frame, self.eye.motion.score));
                }
                return stepped;
            }
            Seen::Nothing => {}
            Seen::Opened(format) => {
                note(records, self.now, Notice::Camera(CameraChange::Opened), &format.to_string());
                self.open(format);
            }
            Seen::Restored(format) => {
                note(records, self.now, Notice::Camera(CameraChange::Restored), &format.to_string());
                self.open(format);
            }
            Seen::Lost(why) => {
                note(records, self.now, Notice::Camera(CameraChange::Lost), &why);
                say(records, self.engine.camera_lost(self.now));
                self.status.pipeline().camera_lost(why);
            }
            Seen::Ended if self.status.pipeline().camera == CameraState::Ended => return Stepped::Ended,
            Seen::Ended => {
                note(records, self.now, Notice::Camera(CameraChange::Ended), "the clip is over");
                self.status.pipeline().camera = CameraState::Ended;
                return Stepped::Ended;
            }
        }
        Stepped::Idle
    }

    fn open(&mut self, format: FrameFormat) {
        self.eye.open(format);
        self.shutter.iter_mut().for_each(|shutter| shutter.open(&format));
        self.status.pipeline().camera_opened(format);
    }

    fn poll_sensor(&mut self, edges: &mut Vec<Edge, EDGES_PER_STEP_MAX>, records: &mut Records) {
        if let Some(lent) = self.camera.take_edges() {
            self.sensor.lend(lent);
        }
        match self.sensor.poll(edges) {
            Some(SensorChange::Lost(why)) => {
                self.engine.pir_lost();
                note(records, self.now, Notice::PirLost, &why);
            }
            Some(SensorChange::Restored) => note(records, self.now, Notice::PirRestored, ""),
            None => {}
        }
    }

    /// Shows the state at the end of a step.
    fn show(&self) {
        let mut status = self.status.pipeline();
        if let Some(picture) = self.eye.picture() {
            status.last_frame = Some(picture.captured);
            if status.frame != picture.number {
                status.latency_ms = Some(self.clock.now().since(picture.captured).as_millis() as u32);
            }
            status.frame = picture.number;
            status.motion = picture.motion.state;
            status.tamper = picture.motion.tamper;
            status.score = picture.motion.score;
        }
        status.fps = self.rate.fps;
        status.frames = self.camera.counters();
        status.frames_unreadable = self.eye.unreadable;
        status.frames_spared = self.eye.lull.spared;
        status.engine = self.engine.state(self.now);
        status.armed = self.engine.armed();
        status.fusion = self.fusion;
        status.pir = Some(self.sensor.state());
        status.pir_active = self.engine.pir_active();
        status.edges = self.sensor.counters();
        status.beat = Some(self.clock.now());
    }
}

/// Frames a second, counted over [`Rate::SPAN`].
#[derive(Debug, Default)]
struct Rate {
    fps: Option<f32>,
    since: Option<Mono>,
    frames: u32,
}

impl Rate {
    const SPAN: Duration = Duration::from_secs(2);

    fn count(&mut self, captured: Mono) {
        let since = *self.since.get_or_insert(captured);
        let span = captured.since(since);
        if span >= Rate::SPAN {
            self.fps = Some(self.frames as f32 / span.as_secs_f32());
            self.since = Some(captured);
            self.frames = 0;
        }
        self.frames += 1;
    }
}

fn note(records: &mut Records, at: Mono, notice: Notice, words: &str) {
    add(records, Record::Notice(at, notice, detail(words)));
}

fn say(records: &mut Records, changes: Changes) {
    for change in changes {
        add(records, Record::Change(change));
    }
}

/// Adds a record; by the counting in [`RECORDS_PER_STEP_MAX`] there is always room.
fn add(records: &mut Records, record: Record) {
    let refused = records.push(record);
    debug_assert!(refused.is_ok(), "more records in one step than RECORDS_PER_STEP_MAX");
}
