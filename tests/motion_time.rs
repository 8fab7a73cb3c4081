//! The detector and the engine over time: every frame rate gives the same events, more sensitive finds no fewer, what is
//! expected counts sooner, and a room in which nothing happens for long stays quiet.

mod motion_scene;

use std::sync::Arc;
use std::time::Duration;

use lookout::clock::Mono;
use lookout::clock::SystemClock;
use lookout::event::engine;
use lookout::event::engine::Engine;
use lookout::event::engine::Input;
use lookout::event::engine::Picture;
use lookout::event::model::Phase;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::Motion;
use lookout::motion::MotionState;
use lookout::motion::settings::Settings;
use lookout::source;
use lookout::source::pace::Pace;
use lookout::source::scene::Effect;
use lookout::source::scene::Light;
use lookout::source::scene::Script;
use lookout::source::scene::Span;
use lookout::source::scene::Visit;
use lookout::source::scene::Weather;
use lookout::source::scene::WeatherKind;
use motion_scene::Look;
use motion_scene::Random;
use motion_scene::moving;
use motion_scene::person;
use motion_scene::verdict::SMALL;
use motion_scene::watch;

const SIZE: (u32, u32) = (320, 240);
/// Size of the pictures of an hour: a twentieth of a second a second.
const HOURLY: (u32, u32) = (160, 120);

fn visit(at: f32, length: f32) -> Visit {
    Visit {
        at: Duration::from_secs_f32(at),
        every: None,
        length: Duration::from_secs_f32(length),
        walk: None,
    }
}

/// A scene of so many frames a second, as it is asked for, and what it plays.
fn scene(script: &Script, seed: u64, fps: u32) -> (source::scene::Spec, source::Settings) {
    let spec = source::scene::Spec {
        seed,
        width: Some(SIZE.0),
        height: Some(SIZE.1),
        fps: Some(fps),
        script: script.clone(),
        ..source::scene::Spec::default()
    };
    let settings = source::Settings {
        spec: source::Spec::Scene(spec.clone()),
        ..source::Settings::default()
    };
    (spec, settings)
}

/// First and last moment of each event and of each visit of a scene, in seconds.
fn events(script: &Script, seed: u64, fps: u32, seconds: u32) -> [Vec<(f64, f64)>; 2] {
    let (spec, settings) = scene(script, seed, fps);
    let mut frames = source::open(&settings, Pace::Fast, Arc::new(SystemClock::default()))
        .expect("a scene")
        .frames;
    let (mut detector, mut engine) = (
        Detector::new(&Settings::default(), SIZE.0, SIZE.1),
        Engine::new(engine::Settings::default()),
    );
    let time = |number: u64| number as f64 / f64::from(fps);
    let total = u64::from(seconds * fps);
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    while let Ok(Some(frame)) = frames.next(Duration::ZERO) {
        let captured = Mono::from_nanos(frame.number * 1_000_000_000 / u64::from(fps));
        let picture = Picture {
            number: frame.number,
            captured,
            motion: detector.observe(&Frame { captured, ..frame }).expect("whole"),
        };
        let input = Input {
            now: captured,
            picture: Some(picture),
            ..Input::default()
        };
        for change in engine.step(input) {
            match change.phase {
                Phase::Start => begins.push(time(change.frame)),
                Phase::End => ends.push(time(change.frame)),
                Phase::Update => {}
            }
        }
        if picture.number + 1 >= total {
            break;
        }
    }
    let truth = source::scene::truth(&spec, &settings, total).expect("a scene");
    let visits = truth.visits.iter().map(|visit| (time(visit.first_frame), time(visit.last_frame)));
    [begins.into_iter().zip(ends).collect(), visits.collect()]
}

#[test]
fn every_visit_is_one_event_at_every_frame_rate() {
    let light = |gain| Light {
        at: Duration::from_secs(5),
        length: Some(Duration::from_secs(10)),
        fade: Duration::from_secs(2),
        gain,
        offset: 0.0,
    };
    let visits = vec![visit(2.5, 4.0), visit(8.2, 5.0), visit(15.0, 4.0), visit(24.0, 1.6)];
    let plain = Script {
        noise: 2,
        visits,
        ..Script::empty()
    };
    let rain = Effect::Weather(Weather {
        span: Span::seconds(0.0, 100.0),
        kind: WeatherKind::Rain,
        amount: 0.4,
    });
    let scripts = [
        plain.clone(),
        Script {
            lights: vec![light(0.65)],
            foliage: true,
            ..plain.clone()
        },
        Script {
            effects: vec![rain],
            ..plain
        },
    ];
    for (number, script) in scripts.iter().enumerate() {
        for fps in [5, 10, 15, 30] {
            let [events, visits] = events(script, 3, fps, 30);
            assert_eq!(events.len(), visits.len(), "script {number} at {fps} fps: {events:?} of {visits:?}");
            for (event, visit) in events.iter().zip(&visits) {
                let delay = event.0 - visit.0;
                assert!((0.0..1.0).contains(&delay), "script {number} at {fps} fps: {event:?} of {visit:?}");
                assert!(event.1 <= visit.1 + 0.5, "script {number} at {fps} fps: {event:?} of {visit:?}");
            }
        }
    }
}

#[test]
fn leaves_that_stir_after_a_calm_minute_at_dusk_are_nobody() {
    let dusk = Span::seconds(5.0, 200.0).fading(30.0);
    let script = Script {
        noise: 2,
        foliage: true,
        lights: vec![Light {
            at: dusk.at,
            length: dusk.length,
            fade: dusk.fade,
            gain: 0.3,
            offset: 0.0,
        }],
        effects: vec![Effect::Grain(dusk, 3.0)],
        ..Script::empty()
    };
    let [events, _] = events(&script, 23, 15, 70);
    assert!(events.is_empty(), "{events:?}");
}

/// What the detector says of each picture of a scene of five a second when it is shown first, where each is shown so many times.
fn shown(script: &Script, times: u64) -> Vec<Motion> {
    let (_, settings) = scene(script, 3, 5);
    let mut frames = source::open(&settings, Pace::Fast, Arc::new(SystemClock::default()))
        .expect("a scene")
        .frames;
    let mut detector = Detector::new(&Settings::default(), SIZE.0, SIZE.1);
    let mut said = Vec::new();
    while said.len() < 70 {
        let Ok(Some(frame)) = frames.next(Duration::ZERO) else { continue };
        for time in 0..times {
            let captured = Mono::from_millis(200 * frame.number + 200 * time / times);
            let motion = detector.observe(&Frame { captured, ..frame }).expect("whole");
            if time == 0 {
                said.push(motion.clone());
            }
        }
    }
    said
}

#[test]
fn pictures_that_are_shown_again_change_nothing() {
    let script = Script {
        noise: 2,
        foliage: true,
        visits: vec![visit(2.5, 4.0), visit(8.2, 5.0)],
        ..Script::empty()
    };
    let once = shown(&script, 1);
    assert!(once.iter().any(|motion| motion.state == MotionState::Moving));
    for (number, (motion, again)) in once.iter().zip(shown(&script, 3)).enumerate() {
        assert_eq!(*motion, again, "of picture {number}");
    }
}

/// Frames of motion of somebody so small, and faint, who walks through.
fn small(settings: &Settings, height: f32) -> usize {
    let said = watch(settings, SMALL, 21, 110, |n, _| Look {
        things: vec![person(n as f32 * 0.014 - 0.5, 0.8, height, 8.0)],
        ..Look::default()
    });
    moving(&said).len()
}

#[test]
fn more_sensitive_finds_no_fewer() {
    let heights = [0.026, 0.03, 0.035, 0.04, 0.05];
    let found = |sensitivity| {
        let settings = Settings {
            sensitivity,
            ..Settings::default()
        };
        heights.map(|height| small(&settings, height) > 0)
    };
    let by_sensitivity: Vec<_> = (1..=10).map(found).collect();
    for (pair, sensitivity) in by_sensitivity.windows(2).zip(1..) {
        let fewer = (0..heights.len()).any(|n| pair[0][n] && !pair[1][n]);
        assert!(!fewer, "at {sensitivity} {:?}, at {} {:?}", pair[0], sensitivity + 1, pair[1]);
    }
    assert_ne!(by_sensitivity[0], by_sensitivity[9], "sensitivity matters");
}

#[test]
fn the_most_sensitive_is_quiet_in_noise() {
    let settings = Settings {
        sensitivity: 10,
        ..Settings::default()
    };
    for noise in [1.0, 4.0, 12.0] {
        let said = watch(&settings, SMALL, 5, 400, |_, _| Look { noise, ..Look::default() });
        assert_eq!(moving(&said), [0usize; 0], "noise of {noise}");
    }
}

/// A room of which only the noise is new in each frame; the noise is one of many fields, shifted at random.
struct Room {
    size: (usize, usize),
    walls: Vec<i16>,
    noise: Vec<i16>,
    random: Random,
    pixels: Vec<u8>,
}

impl Room {
    fn new(seed: u64, size: (u32, u32)) -> Room {
        let mut random = Random(seed);
        let (width, len) = (size.0 as usize, (size.0 * size.1) as usize);
        let walls = (0..len)
            .map(|n| 60 + ((n / (width / 8)) % 8 * 12 + (n / (len / 8)) * 7) as i16)
            .collect();
        let gauss = |random: &mut Random| ((0..4).map(|_| random.unit()).sum::<f32>() - 2.0) * 6.0;
        let noise = (0..8 * len).map(|_| gauss(&mut random).round() as i16).collect();
        Room {
            size: (width, size.1 as usize),
            walls,
            noise,
            random,
            pixels: vec![0; len],
        }
    }

    /// The next picture, with a faint spot of `level` at its middle.
    fn next(&mut self, level: i16) -> &[u8] {
        let len = self.pixels.len();
        let shift = (self.random.next() % (7 * len as u64)) as usize;
        let noisy = self.walls.iter().zip(&self.noise[shift..]);
        for (pixel, (wall, noise)) in self.pixels.iter_mut().zip(noisy) {
            *pixel = (wall + noise).clamp(0, 255) as u8;
        }
        let (width, height) = self.size;
        let middle = height / 2 * width + width / 2;
        for row in 0..6 {
            let spot = &mut self.pixels[middle + row * width..][..6];
            spot.iter_mut().for_each(|pixel| *pixel = pixel.saturating_add_signed(level as i8));
        }
        &self.pixels
    }
}

/// How often `frames` frames of a room said that something moves or might; a faint spot comes and goes in every other one
/// from `spot` on.
fn stirs(size: (u32, u32), (frames, fps): (u64, u64), expected: bool, spot: Option<(u64, i16)>) -> (usize, usize) {
    let mut room = Room::new(7, size);
    let mut detector = Detector::new(&Settings::default(), size.0, size.1);
    detector.expect(expected);
    let format = FrameFormat::packed(PixelFormat::Grey, size.0, size.1, Duration::from_millis(1000 / fps));
    let (mut moving, mut candidates) = (0, 0);
    for number in 0..frames {
        let level = spot
            .filter(|(from, _)| number >= *from && number % 4 < 2)
            .map_or(0, |(_, level)| level);
        let frame = Frame {
            format,
            number,
            captured: Mono::from_nanos(number * 1_000_000_000 / fps),
            data: room.next(level),
        };
        let state = detector.observe(&frame).expect("whole").state;
        moving += usize::from(state == MotionState::Moving);
        candidates += usize::from(state == MotionState::Candidate);
    }
    (moving, candidates)
}

#[test]
fn a_still_noisy_room_gives_nothing_for_an_hour() {
    assert_eq!(stirs(HOURLY, (36_000, 10), false, None).0, 0, "an hour");
    assert_eq!(stirs(SIZE, (3_000, 10), false, None).0, 0, "five minutes of more cells");
    assert_eq!(
        stirs(SIZE, (1_500, 5), true, None).0,
        0,
        "five minutes in which motion was expected"
    );
}

#[test]
fn what_is_expected_needs_less_evidence() {
    let least = |expected| (3..60).find(|level| stirs(SIZE, (60, 15), expected, Some((40, *level))) > (0, 0));
    let (alone, expected) = (least(false).expect("seen"), least(true).expect("seen"));
    assert!(
        expected < alone,
        "a spot of {expected} levels counts where it is expected, else of {alone}"
    );
}
