//! Fewer frames are looked at while nothing moves, where `motion.idle_fps` says so: the same events, and all frames at the first sign.

mod common;

use std::sync::Arc;
use std::time::Duration;

use lookout::event::engine;
use lookout::event::engine::Fusion;
use lookout::event::model::Phase;
use lookout::limits::LULL_AFTER_MS;
use lookout::motion::MotionState;
use lookout::motion::Score;
use lookout::motion::settings::Settings;
use lookout::motion::settings::Zone;
use lookout::pipeline::Controls;
use lookout::pipeline::Parts;
use lookout::pipeline::Pipeline;
use lookout::pipeline::Records;
use lookout::pipeline::Stepped;
use lookout::records::Record;
use lookout::source;
use lookout::source::camera::Camera;
use lookout::source::pace::Pace;
use lookout::source::scene::Script;
use lookout::source::scene::Visit;
use lookout::status::Status;
use lookout::trigger::sensor;
use lookout::trigger::sensor::Sensor;

const FPS: u64 = 15;
const FRAMES: u64 = 40 * FPS;
const IDLE_FPS: u8 = 5;
/// Most frames from one that is looked at to the next at [`IDLE_FPS`].
const STRIDE: u64 = FPS / IDLE_FPS as u64;

/// What became of a frame.
struct Seen {
    number: u64,
    is_spared: bool,
    /// Whether it shows nothing at all.
    is_still: bool,
    /// Whether the PIR sensor saw something when it came.
    pir: bool,
}

/// What became of all frames, and those in which events began.
struct Told {
    frames: Vec<Seen>,
    begins: Vec<u64>,
    spared: u64,
}

/// Two visits, 14 s and 26 s from the beginning, with the sensor's edges.
fn visits() -> source::Settings {
    let visit = |at| Visit {
        at: Duration::from_secs(at),
        every: None,
        length: Duration::from_secs(4),
        walk: None,
    };
    let spec = source::scene::Spec {
        seed: 3,
        width: Some(320),
        height: Some(240),
        fps: Some(FPS as u32),
        script: Script {
            noise: 2,
            pir: true,
            visits: vec![visit(14), visit(26)],
            ..Script::empty()
        },
        ..source::scene::Spec::default()
    };
    source::Settings {
        spec: source::Spec::Scene(spec),
        ..source::Settings::default()
    }
}

/// What a pipeline with these settings makes of the visits.
fn watch(motion: Settings, fusion: Fusion, sensor: sensor::Spec) -> Told {
    let (clock, status) = (common::sim_clock(), Arc::new(Status::default()));
    let sensor = sensor::Settings {
        spec: sensor,
        ..sensor::Settings::default()
    };
    let mut pipeline = Pipeline::new(Parts {
        camera: Camera::new(visits(), Pace::Fast, Arc::new(clock.clone())),
        sensor: Sensor::new(sensor, Arc::new(clock.clone())),
        motion,
        engine: engine::Settings {
            fusion,
            ..engine::Settings::default()
        },
        clock: Arc::new(clock.clone()),
        controls: Arc::new(Controls::default()),
        status: status.clone(),
        shutter: None,
    });
    let mut told = Told {
        frames: Vec::new(),
        begins: Vec::new(),
        spared: 0,
    };
    while told.frames.len() < FRAMES as usize {
        let pir = status.pipeline().pir_active;
        let mut records = Records::new();
        let stepped = pipeline.step(&mut records);
        let Some(picture) = pipeline
            .last_picture()
            .filter(|_| matches!(stepped, Stepped::Frame | Stepped::Spared))
        else {
            continue;
        };
        clock.advance_to(picture.captured);
        told.frames.push(Seen {
            number: picture.number,
            is_spared: stepped == Stepped::Spared,
            is_still: picture.motion.state == MotionState::Still && picture.motion.score == Score(0),
            pir,
        });
        let begun = records.iter().filter_map(|record| match record {
            Record::Change(change) if change.phase == Phase::Start => Some(change.frame),
            _ => None,
        });
        told.begins.extend(begun);
    }
    told.spared = status.pipeline().frames_spared;
    told
}

fn at_rate(idle_fps: u8) -> Settings {
    Settings {
        idle_fps,
        ..Settings::default()
    }
}

#[test]
fn the_same_events_begin_within_a_few_frames_and_no_frame_is_lost() {
    let full = watch(at_rate(0), Fusion::Video, sensor::Spec::None);
    let idle = watch(at_rate(IDLE_FPS), Fusion::Video, sensor::Spec::None);
    assert_eq!(full.spared, 0);
    assert_eq!(
        (full.begins.len(), idle.begins.len()),
        (2, 2),
        "{:?} {:?}",
        full.begins,
        idle.begins
    );
    for (full, idle) in full.begins.iter().zip(&idle.begins) {
        assert!(*idle <= full + STRIDE, "in frame {idle}, where all frames have it in {full}");
    }
    let spared = idle.frames.iter().filter(|seen| seen.is_spared).count();
    assert_eq!(spared as u64, idle.spared, "what is counted is what was spared");
    assert!(spared > FRAMES as usize / 6, "{spared} frames of {FRAMES}");
    assert!(
        idle.frames.iter().map(|seen| seen.number).eq(0..FRAMES),
        "each frame comes, in its turn"
    );
}

#[test]
fn all_frames_are_looked_at_from_the_first_sign_on_and_until_it_has_long_been_still() {
    let told = watch(at_rate(IDLE_FPS), Fusion::Video, sensor::Spec::None);
    let (mut still, mut since_look) = (0, 0);
    for seen in &told.frames {
        if seen.is_spared {
            assert!(
                still * 1000 >= LULL_AFTER_MS * FPS,
                "frame {} after {still} still frames",
                seen.number
            );
            since_look += 1;
        } else {
            since_look = 0;
        }
        assert!(since_look < STRIDE, "frame {} is the {since_look}th that is spared", seen.number);
        still = if seen.is_still { still + 1 } else { 0 };
    }
}

#[test]
fn the_sensors_word_brings_every_frame_back_where_the_picture_is_still() {
    // What moves is in no zone.
    let corner = Zone {
        name: "corner".try_into().expect("short"),
        polygon: vec![(0.0, 0.0), (0.05, 0.0), (0.0, 0.05)],
        sensitivity: None,
    };
    let mut settings = at_rate(IDLE_FPS);
    settings.zones.push(corner).expect("room");
    let told = watch(settings, Fusion::Video, sensor::Spec::Auto);
    assert!(told.begins.is_empty());
    let during: Vec<_> = told.frames.iter().filter(|seen| seen.pir).collect();
    assert!(during.len() > FPS as usize, "the sensor saw somebody: {}", during.len());
    assert!(during.iter().all(|seen| !seen.is_spared), "all are looked at then");
    assert!(
        told.frames.iter().any(|seen| seen.is_spared && seen.number > 20 * FPS),
        "and fewer again"
    );
}
