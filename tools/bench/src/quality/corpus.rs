//! The hard cases: rendered scenes with truth, each by a name and a seed. What they look like is the matter of
//! `lookout::source::scene`; what is made of them, of the neighbours here and of the detector's tests.

use std::time::Duration;

use lookout::source::scene::Effect;
use lookout::source::scene::Fault;
use lookout::source::scene::FaultKind;
use lookout::source::scene::Light;
use lookout::source::scene::Script;
use lookout::source::scene::Shake;
use lookout::source::scene::Span;
use lookout::source::scene::Spec;
use lookout::source::scene::Spot;
use lookout::source::scene::Thing;
use lookout::source::scene::Visit;
use lookout::source::scene::Walk;
use lookout::source::scene::Weather;
use lookout::source::scene::WeatherKind;

use super::mixed;

/// Frames a second of the cases here.
const FPS: u32 = 15;
/// Rates of the scenes by chance, in turn.
const RATES: [u32; 4] = [15, 5, 30, 10];

/// A case: a scene, and how long it lasts.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) seconds: u32,
    /// Frames a second.
    pub(crate) fps: u32,
    /// Quality of the JPEG that its pictures went through, if they did.
    pub(crate) jpeg: Option<u8>,
    /// Not tuned on.
    pub(crate) is_held_out: bool,
    script: Script,
}

impl Case {
    /// The scene of a size.
    pub(crate) fn spec(&self, seed: u64, (width, height): (u32, u32)) -> Spec {
        Spec {
            seed,
            width: Some(width),
            height: Some(height),
            fps: Some(self.fps),
            script: self.script.clone(),
            ..Spec::default()
        }
    }

    /// Frames that it has.
    pub(crate) fn frames(&self) -> u64 {
        u64::from(self.seconds) * u64::from(self.fps)
    }
}

/// Every case, those by chance by `seed`.
pub(crate) fn cases(seed: u64) -> Vec<Case> {
    [light(), weather(), camera(), people(), second(), by_chance(seed)]
        .into_iter()
        .flatten()
        .collect()
}

fn case(name: &'static str, seconds: u32, change: impl FnOnce(&mut Script)) -> Case {
    let mut script = Script {
        noise: 2,
        ..Script::empty()
    };
    change(&mut script);
    Case {
        name,
        seconds,
        fps: FPS,
        jpeg: None,
        is_held_out: name.starts_with("2: "),
        script,
    }
}

/// Somebody as the seed will have it, from `at` for `length` seconds.
fn visit(at: f32, length: f32) -> Visit {
    Visit {
        at: Duration::from_secs_f32(at),
        every: None,
        length: Duration::from_secs_f32(length),
        walk: None,
    }
}

/// Somebody of a size and tone.
fn walker(at: f32, length: f32, depth: f32, tones: (u8, u8), pause: f32) -> Visit {
    let walk = Walk {
        from_left: true,
        crosses: true,
        stop: 0.5,
        depth,
        tones,
        pause,
    };
    Visit {
        walk: Some(walk),
        ..visit(at, length)
    }
}

fn lit(at: f32, length: f32, fade: f32, gain: f32, offset: f32) -> Light {
    let span = Span::seconds(at, length).fading(fade);
    Light {
        at: span.at,
        length: span.length,
        fade: span.fade,
        gain,
        offset,
    }
}

fn spot(span: Span, path: [(f32, f32); 2], radius: f32, softness: f32, gain: f32) -> Effect {
    Effect::Spot(Spot {
        span,
        path,
        radius,
        softness,
        gain,
    })
}

fn shake(span: Span, reach: f32, rate: f32) -> Effect {
    Effect::Shake(Shake { span, reach, rate })
}

fn thing(span: Span, place: (f32, f32), height: f32, tone: u8) -> Effect {
    Effect::Thing(Thing { span, place, height, tone })
}

fn fault(at: f32, kind: FaultKind) -> Fault {
    Fault {
        at: Duration::from_secs_f32(at),
        kind,
    }
}

fn weather_of(kind: WeatherKind, amount: f32, span: Span) -> Effect {
    Effect::Weather(Weather { span, kind, amount })
}

fn light() -> Vec<Case> {
    vec![
        case("light switch", 50, |s| {
            s.lights = vec![lit(10.0, 12.0, 0.0, 0.5, 4.0), lit(34.0, 60.0, 0.0, 1.5, 0.0)]
        }),
        case("light switch, and someone enters", 50, |s| {
            s.lights = vec![lit(0.0, 11.5, 0.0, 0.45, 2.0), lit(36.0, 30.0, 0.0, 0.5, 2.0)];
            s.visits = vec![visit(10.5, 10.0), visit(30.0, 9.0)];
        }),
        case("narrow lamps", 60, |s| {
            let place = [(0.2, 0.3), (0.2, 0.3)];
            s.effects = vec![
                spot(Span::seconds(8.0, 10.0), place, 0.10, 0.6, 1.9),
                spot(Span::seconds(24.0, 8.0), [(0.7, 0.55); 2], 0.16, 0.4, 2.2),
                spot(Span::seconds(38.0, 10.0), [(0.5, 0.3); 2], 0.25, 0.8, 1.5),
            ];
            s.visits = vec![visit(50.0, 8.0)];
        }),
        case("slow clouds", 90, |s| {
            s.drift = true;
            s.lights = vec![lit(15.0, 25.0, 12.0, 0.6, 0.0), lit(60.0, 10.0, 6.0, 0.7, 0.0)];
            s.visits = vec![visit(40.0, 9.0)];
        }),
        case("fast clouds", 60, |s| {
            s.lights = (0..9).map(|n| lit(6.0 + 6.0 * n as f32, 1.5, 1.5, 0.72, 0.0)).collect();
            s.visits = vec![visit(30.0, 10.0)];
        }),
        case("shadow of a cloud", 60, |s| {
            s.effects = vec![
                spot(Span::seconds(8.0, 10.0), [(-1.2, 0.4), (2.2, 0.6)], 0.9, 0.35, 0.55),
                spot(Span::seconds(26.0, 5.0), [(2.0, 0.5), (-1.0, 0.3)], 0.7, 0.3, 0.6),
            ];
            s.visits = vec![visit(40.0, 9.0)];
        }),
        case("headlights", 60, |s| {
            s.lights = vec![lit(0.0, 100.0, 0.0, 0.35, 0.0)];
            s.effects = (0..5)
                .map(|n| spot(Span::seconds(6.0 + 8.0 * n as f32, 2.5), [(-0.3, 0.35), (1.3, 0.4)], 0.28, 0.5, 2.6))
                .collect();
            s.visits = vec![visit(50.0, 8.0)];
        }),
        case("auto-exposure at start", 40, |s| {
            s.lights = vec![lit(0.0, 0.3, 2.5, 0.4, 0.0), lit(1.5, 0.5, 1.0, 1.15, 0.0)];
            s.visits = vec![visit(20.0, 9.0)];
        }),
        case("day to night", 90, |s| {
            s.lights = vec![lit(10.0, 200.0, 50.0, 0.25, 0.0)];
            s.effects = vec![Effect::Grain(Span::seconds(10.0, 200.0).fading(50.0), 3.5)];
            s.visits = vec![visit(70.0, 10.0)];
        }),
    ]
}

fn weather() -> Vec<Case> {
    let visits = || vec![visit(12.0, 8.0), visit(42.0, 9.0)];
    vec![
        case("rain that begins", 60, |s| {
            s.effects = vec![weather_of(WeatherKind::Rain, 0.3, Span::seconds(24.0, 100.0).fading(3.0))];
            s.visits = visits();
        }),
        case("cloudburst", 60, |s| {
            s.effects = vec![weather_of(WeatherKind::Rain, 1.0, Span::seconds(24.0, 100.0).fading(0.5))];
            s.visits = visits();
        }),
        case("snow", 60, |s| {
            s.effects = vec![weather_of(WeatherKind::Snow, 0.6, Span::seconds(0.0, 100.0))];
            s.visits = visits();
        }),
        case("insects at night", 60, |s| {
            s.lights = vec![lit(0.0, 100.0, 0.0, 0.3, 0.0)];
            s.effects = vec![weather_of(WeatherKind::Insects, 1.0, Span::seconds(0.0, 100.0))];
            s.visits = vec![visit(42.0, 9.0)];
        }),
        case("foliage", 60, |s| {
            s.foliage = true;
            s.visits = visits();
        }),
        case("storm that rises", 70, |s| {
            s.foliage = true;
            s.effects = vec![Effect::Storm(Span::seconds(20.0, 30.0).fading(4.0), 3.0)];
            s.visits = vec![visit(42.0, 9.0)];
        }),
    ]
}

fn camera() -> Vec<Case> {
    vec![
        case("camera shakes", 60, |s| {
            s.effects = vec![
                shake(Span::seconds(8.0, 12.0).fading(1.0), 0.004, 2.5),
                shake(Span::seconds(30.0, 1.0), 0.015, 4.0),
            ];
            s.visits = vec![visit(42.0, 9.0)];
        }),
        case("camera turned", 50, |s| {
            s.faults = vec![fault(12.0, FaultKind::Turn)];
            s.visits = vec![visit(30.0, 9.0)];
        }),
        case("covered", 50, |s| {
            s.faults = vec![fault(10.0, FaultKind::Cover(Duration::from_secs(10)))];
            s.visits = vec![visit(32.0, 9.0)];
        }),
        case("frozen, and dropped frames", 60, |s| {
            s.faults = vec![fault(8.0, FaultKind::Freeze(Duration::from_secs(14)))];
            s.faults
                .extend((0..12).map(|n| fault(30.0 + n as f32, FaultKind::Stall(Duration::from_millis(400)))));
            s.visits = vec![visit(32.0, 9.0)];
        }),
        Case {
            jpeg: Some(30),
            ..case("JPEG artefacts", 60, |s| {
                s.drift = true;
                s.lights = vec![lit(20.0, 8.0, 3.0, 0.7, 0.0)];
                s.visits = vec![visit(12.0, 7.0), visit(34.0, 8.0), visit(45.0, 8.0)];
            })
        },
        case("night noise", 60, |s| {
            s.noise = 9;
            s.lights = vec![lit(0.0, 100.0, 0.0, 0.4, 6.0)];
            s.visits = vec![visit(15.0, 9.0), visit(40.0, 9.0)];
        }),
    ]
}

fn people() -> Vec<Case> {
    vec![
        case("quiet", 60, |_| {}),
        case("visits in a row", 80, |s| {
            s.visits = vec![
                visit(8.0, 7.0),
                visit(19.0, 6.0),
                visit(29.0, 8.0),
                visit(41.0, 7.0),
                visit(53.0, 9.0),
                visit(66.0, 7.0),
            ];
        }),
        case("2 % walker at 10 dB", 50, |s| {
            s.visits = vec![walker(10.0, 25.0, -1.0, (105, 110), 0.1)]
        }),
        case("far slow walker", 60, |s| s.visits = vec![walker(10.0, 40.0, -0.7, (100, 90), 0.1)]),
        case("low contrast", 50, |s| s.visits = vec![walker(10.0, 14.0, 0.2, (100, 95), 0.16)]),
        case("stops and stays", 90, |s| {
            s.visits = vec![walker(8.0, 50.0, 0.4, (40, 60), 0.8), visit(70.0, 9.0)]
        }),
        case("thing left and taken", 80, |s| {
            s.visits = vec![walker(8.0, 10.0, 0.4, (40, 60), 0.16), walker(45.0, 10.0, 0.4, (200, 60), 0.16)];
            let span = Span::seconds(13.0, 37.0);
            s.effects = vec![thing(span, (0.5, 0.72), 0.1, 30)];
        }),
        case("runner", 40, |s| {
            s.visits = vec![walker(10.0, 2.0, 0.3, (40, 60), 0.0), walker(20.0, 1.5, 0.8, (200, 60), 0.0)]
        }),
    ]
}

/// Written after the detector was tuned on those above, and not looked at before.
fn second() -> Vec<Case> {
    vec![
        case("2: rain all the time, visits", 70, |s| {
            s.effects = vec![weather_of(WeatherKind::Rain, 0.5, Span::seconds(0.0, 100.0))];
            s.visits = vec![visit(15.0, 7.0), visit(27.0, 8.0), visit(45.0, 7.0)];
        }),
        case("2: snow storm and leaves", 60, |s| {
            s.foliage = true;
            s.effects = vec![
                weather_of(WeatherKind::Snow, 1.0, Span::seconds(15.0, 100.0).fading(3.0)),
                Effect::Storm(Span::seconds(15.0, 100.0).fading(3.0), 2.0),
            ];
            s.visits = vec![visit(45.0, 8.0)];
        }),
        case("2: shaking mast, visits", 70, |s| {
            s.effects = vec![shake(Span::seconds(0.0, 100.0), 0.003, 1.2)];
            s.visits = vec![visit(20.0, 8.0), visit(35.0, 8.0), visit(52.0, 9.0)];
        }),
        case("2: street at night", 80, |s| {
            s.lights = vec![lit(0.0, 100.0, 0.0, 0.3, 2.0)];
            let sweep = |at: f32, path| spot(Span::seconds(at, 1.8), path, 0.2, 0.7, 3.0);
            s.effects = vec![
                sweep(8.0, [(1.2, 0.5), (-0.2, 0.45)]),
                sweep(24.0, [(-0.2, 0.6), (1.2, 0.5)]),
                sweep(44.0, [(1.2, 0.4), (-0.2, 0.5)]),
            ];
            s.visits = vec![visit(12.0, 8.0), visit(30.0, 8.0), visit(60.0, 10.0)];
        }),
        case("2: sun between clouds, visits", 80, |s| {
            s.drift = true;
            s.foliage = true;
            s.lights = (0..6).map(|n| lit(9.0 + 11.0 * n as f32, 3.0, 2.0, 0.65, 0.0)).collect();
            s.visits = vec![visit(10.0, 7.0), visit(24.0, 8.0), visit(41.0, 7.0), visit(60.0, 9.0)];
        }),
        case("2: room with lamps, visits", 80, |s| {
            let lamp = |at: f32, length: f32, place, radius: f32| spot(Span::seconds(at, length), [place; 2], radius, 0.9, 1.7);
            s.lights = vec![lit(40.0, 15.0, 0.0, 0.6, 0.0)];
            s.effects = vec![lamp(10.0, 12.0, (0.3, 0.2), 0.3), lamp(30.0, 40.0, (0.8, 0.3), 0.2)];
            s.visits = vec![visit(14.0, 7.0), visit(28.0, 8.0), visit(46.0, 7.0), visit(64.0, 8.0)];
        }),
        case("2: seven in quick succession", 80, |s| {
            s.drift = true;
            s.visits = (0..7).map(|n| visit(6.0 + 10.0 * n as f32, 6.0)).collect();
        }),
        case("2: far away", 70, |s| {
            s.visits = vec![
                walker(8.0, 16.0, -0.6, (60, 50), 0.0),
                walker(32.0, 14.0, -0.5, (190, 60), 0.0),
                walker(52.0, 14.0, -0.75, (40, 40), 0.0),
            ];
        }),
        case("2: dusk, quiet", 90, |s| {
            s.foliage = true;
            s.lights = vec![lit(5.0, 200.0, 30.0, 0.3, 0.0)];
            s.effects = vec![Effect::Grain(Span::seconds(5.0, 200.0).fading(30.0), 3.0)];
        }),
    ]
}

/// Scenes as the seed will have them.
fn by_chance(seed: u64) -> Vec<Case> {
    let case = |(theme, fps): (&'static str, u32)| Case {
        name: theme,
        seconds: mixed::SECONDS,
        fps,
        jpeg: None,
        is_held_out: true,
        script: mixed::script(theme, seed),
    };
    mixed::THEMES.into_iter().zip(RATES.into_iter().cycle()).map(case).collect()
}
