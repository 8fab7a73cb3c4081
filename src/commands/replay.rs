//! `lookout replay`: a clip through the same pipeline as the camera's frames, as fast as it goes; what is found goes to
//! standard output, one JSON object a line, progress and a summary to standard error.

use std::io;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use heapless::Vec;
use serde::Serialize;

use crate::clock::Clock;
use crate::clock::SimClock;
use crate::clock::Timestamp;
use crate::clock::Wall;
use crate::config::Config;
use crate::event::engine::Picture;
use crate::event::model::Change;
use crate::event::model::EndReason;
use crate::event::model::Name;
use crate::event::model::Phase;
use crate::event::model::PirEvidence;
use crate::event::model::Trigger;
use crate::limits::REGIONS_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::MotionState;
use crate::motion::Rect;
use crate::motion::Score;
use crate::pipeline::Controls;
use crate::pipeline::Parts;
use crate::pipeline::Pipeline;
use crate::pipeline::Records;
use crate::pipeline::Stepped;
use crate::records::Notice;
use crate::records::Record;
use crate::source;
use crate::source::camera::Camera;
use crate::source::pace::Pace;
use crate::status::Status;
use crate::trigger::sensor;
use crate::trigger::sensor::Sensor;

/// Frames between two words of progress.
const PROGRESS_FRAMES: u64 = 500;
/// Steps without a frame after which the clip is given up: a clip that is played as fast as it goes never waits.
const IDLE_STEPS_MAX: u32 = 50;

/// One phase of an event, as a line.
#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    phase: Phase,
    frame: u64,
    event: u32,
    time_ms: u64,
    trigger: Trigger,
    score: Score,
    boxes: &'a Vec<Rect, REGIONS_MAX>,
    zones: Vec<&'a Name, ZONES_MAX>,
    suppressed: u32,
    pir: Option<PirEvidence>,
    end_reason: Option<EndReason>,
}

/// One frame, as a line.
#[derive(Serialize)]
struct FrameLine {
    #[serde(rename = "type")]
    kind: &'static str,
    frame: u64,
    score: Score,
    state: MotionState,
}

/// A frame that nobody looked at, as a line.
#[derive(Serialize)]
struct SparedLine {
    #[serde(rename = "type")]
    kind: &'static str,
    frame: u64,
}

/// What is wrong with the picture, or changed in it as a whole, as a line.
#[derive(Serialize)]
struct AlertLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    alert_type: &'a str,
    frame: u64,
}

/// What a replay came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Frames looked at.
    pub frames: u64,
    /// Frames that could not be read.
    pub unreadable: u64,
    /// Frames that nobody looked at, as nothing moved.
    pub spared: u64,
    /// Events that began.
    pub events: u64,
    /// Time on the clip's own time line.
    pub length: Duration,
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The clip cannot be read (any further).
    #[error("{0}")]
    Source(String),
    /// What was found cannot be written.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Plays the clip `spec` through the pipeline that `config` describes; writes what is found to `out`, a line of each frame
/// too when `frames` is set.
pub fn replay(config: &Config, spec: source::replay::Spec, frames: bool, out: &mut dyn Write) -> Result<Summary, ReplayError> {
    let clock = SimClock::new(Wall {
        at: Timestamp::default(),
        synced: false,
    });
    let mut printer = Printer {
        out,
        zones: config.zone_names(),
        frames,
        frame: 0,
    };
    let mut pipeline = pipeline(config, spec, Arc::new(clock.clone()));
    let (mut summary, mut idle) = (Summary::default(), 0);
    loop {
        let mut records = Records::new();
        let stepped = pipeline.step(&mut records);
        let picture = pipeline.last_picture();
        if let Some(picture) = picture {
            clock.advance_to(picture.captured);
            summary.length = picture.captured.since(Default::default());
        }
        idle = if stepped == Stepped::Idle { idle + 1 } else { 0 };
        summary.frames += u64::from(stepped == Stepped::Frame);
        summary.unreadable += u64::from(stepped == Stepped::Unreadable);
        summary.spared += u64::from(stepped == Stepped::Spared);
        match stepped {
            Stepped::Frame => printer.frame(picture)?,
            Stepped::Spared => printer.spared(picture)?,
            Stepped::Unreadable | Stepped::Idle | Stepped::Ended => {}
        }
        summary.events += printer.records(&records)?;
        if let Some(why) = why_lost(&records).or((idle > IDLE_STEPS_MAX).then(|| "no frame comes".to_owned())) {
            return Err(ReplayError::Source(why));
        }
        if stepped == Stepped::Ended {
            printer.out.flush()?;
            return Ok(summary);
        }
    }
}

/// Writes the summary for people, with the time that it took from `began` to now.
pub fn tell(summary: Summary, took: Duration) {
    let Summary {
        frames,
        unreadable,
        spared,
        events,
        length,
    } = summary;
    let rate = frames as f64 / took.as_secs_f64().max(1e-9);
    let spared = if spared > 0 {
        format!(", {spared} not looked at")
    } else {
        String::new()
    };
    eprintln!(
        "{frames} frames ({unreadable} unreadable{spared}), {:.1} s of clip, {events} events; {:.2} s, {rate:.0} frames/s",
        length.as_secs_f64(),
        took.as_secs_f64()
    );
}

fn pipeline(config: &Config, spec: source::replay::Spec, clock: Arc<dyn Clock>) -> Pipeline {
    let source = source::Settings {
        spec: source::Spec::Replay(spec),
        ..config.camera.source.clone()
    };
    let sensor = sensor::Settings {
        spec: sensor::Spec::Auto,
        ..config.pir.clone()
    };
    Pipeline::new(Parts {
        camera: Camera::new(source, Pace::Fast, clock.clone()),
        sensor: Sensor::new(sensor, clock.clone()),
        motion: config.motion.clone(),
        engine: config.event.clone(),
        clock,
        controls: Arc::new(Controls::default()),
        status: Arc::new(Status::default()),
        shutter: None,
    })
}

/// Why the clip cannot be read any further, if that is what `records` say.
fn why_lost(records: &Records) -> Option<String> {
    records.iter().find_map(|record| match record {
        Record::Notice(_, Notice::Camera(crate::records::CameraChange::Lost), why) => Some(why.to_string()),
        _ => None,
    })
}

/// Writes lines.
struct Printer<'a> {
    out: &'a mut dyn Write,
    zones: Vec<Name, ZONES_MAX>,
    frames: bool,
    frame: u64,
}

impl Printer<'_> {
    fn frame(&mut self, picture: Option<Picture<'_>>) -> io::Result<()> {
        let Some(Picture { number, motion, .. }) = picture else {
            return Ok(());
        };
        self.frame = number;
        if number > 0 && number.is_multiple_of(PROGRESS_FRAMES) {
            eprintln!("frame {number}");
        }
        if self.frames {
            let line = FrameLine {
                kind: "frame",
                frame: number,
                score: motion.score,
                state: motion.state,
            };
            self.line(&line)?;
        }
        Ok(())
    }

    fn spared(&mut self, picture: Option<Picture<'_>>) -> io::Result<()> {
        let Some(Picture { number, .. }) = picture.filter(|_| self.frames) else {
            return Ok(());
        };
        self.line(&SparedLine {
            kind: "spared",
            frame: number,
        })
    }

    /// Writes what happened in one step; gives how many events began.
    fn records(&mut self, records: &Records) -> io::Result<u64> {
        let mut began = 0;
        for record in records {
            match record {
                Record::Change(change) => {
                    began += u64::from(change.phase == Phase::Start);
                    self.change(change)?;
                }
                Record::Notice(_, notice, _) => self.notice(*notice)?,
                Record::Zones(_) => {} // nobody asks for others here
            }
        }
        Ok(began)
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        let line = EventLine {
            kind: "event",
            phase: change.phase,
            frame: change.frame,
            event: change.key,
            time_ms: change.at.millis(),
            trigger: change.trigger,
            score: change.score,
            boxes: &change.boxes,
            zones: change.zones.iter().filter_map(|zone| self.zones.get(zone)).collect(),
            suppressed: change.suppressed,
            pir: change.pir,
            end_reason: change.end_reason,
        };
        write_line(self.out, &line)
    }

    fn notice(&mut self, notice: Notice) -> io::Result<()> {
        let alert_type = match notice {
            Notice::Tampered(_) => "tampered",
            Notice::TamperOver(_) => "tamper_over",
            Notice::SceneChanged => "scene_changed",
            Notice::Camera(_) | Notice::PirLost | Notice::PirRestored | Notice::Update(_) | Notice::SettingsLeftOut => return Ok(()),
        };
        self.line(&AlertLine {
            kind: "alert",
            alert_type,
            frame: self.frame,
        })
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        write_line(self.out, line)
    }
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
