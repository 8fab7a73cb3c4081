//! Scenes by chance: weather, light and people of a theme as a seed will have them, with visits as little as 1.3 s apart.

use std::time::Duration;

use lookout::source::scene::Effect;
use lookout::source::scene::Light;
use lookout::source::scene::Script;
use lookout::source::scene::Shake;
use lookout::source::scene::Span;
use lookout::source::scene::Spot;
use lookout::source::scene::Visit;
use lookout::source::scene::Weather;
use lookout::source::scene::WeatherKind;

/// What a scene has beside people.
pub(crate) const THEMES: [&str; 9] = [
    "3: clear",
    "3: dense",
    "3: clouds",
    "3: leaves",
    "3: light switches",
    "3: night",
    "3: rain",
    "3: shake",
    "3: traffic",
];
/// Length of each.
pub(crate) const SECONDS: u32 = 75;
/// For good, as no scene is so long.
const ALWAYS: f32 = 200.0;

/// The script of a theme by a seed.
pub(crate) fn script(theme: &str, seed: u64) -> Script {
    let mut dice = Dice(seed.wrapping_mul(0x51_7cc1) ^ theme.len() as u64 ^ 0xabcd);
    let dice = &mut dice;
    let mut script = Script {
        noise: dice.between(1.0, 5.0) as u8,
        ..Script::empty()
    };
    match theme {
        "3: dense" => visits(&mut script, dice, (3.0, 6.0), [(1.3, 2.6); 2]),
        "3: traffic" => visits(&mut script, dice, (1.2, 3.0), [(2.0, 4.0), (4.0, 15.0)]),
        _ => visits(&mut script, dice, (3.0, 9.0), [(2.0, 4.0), (4.0, 15.0)]),
    }
    match theme {
        "3: clouds" => clouds(&mut script, dice),
        "3: leaves" => {
            let span = Span::seconds(dice.between(5.0, 40.0), dice.between(8.0, 40.0)).fading(dice.between(1.0, 5.0));
            script.foliage = true;
            script.effects.push(Effect::Storm(span, dice.between(1.2, 3.0)));
        }
        "3: light switches" => switches(&mut script, dice),
        "3: night" => {
            script.noise = dice.between(5.0, 9.9) as u8;
            script.lights.push(light(0.0, ALWAYS, 0.0, dice.between(0.25, 0.5)));
            if dice.chance(0.4) {
                script.effects.push(weather(WeatherKind::Insects, dice.between(0.3, 1.0), 0.0));
            }
        }
        "3: rain" => {
            let kind = if dice.chance(0.7) { WeatherKind::Rain } else { WeatherKind::Snow };
            let at = if dice.chance(0.5) { 0.0 } else { dice.between(5.0, 30.0) };
            script.effects.push(weather(kind, dice.between(0.15, 1.0), at));
            script.foliage = dice.chance(0.3);
        }
        "3: shake" => shakes(&mut script, dice),
        "3: traffic" => headlights(&mut script, dice),
        _ => script.drift = dice.chance(0.5),
    }
    script
}

/// Visits until the end: how long they are, and the pauses between them, each of the two as often.
fn visits(script: &mut Script, dice: &mut Dice, length: (f32, f32), pauses: [(f32, f32); 2]) {
    let mut at = dice.between(0.7, 6.0);
    while at < SECONDS as f32 - 6.0 {
        let length = dice.between(length.0, length.1);
        script.visits.push(Visit {
            at: Duration::from_secs_f32(at),
            every: None,
            length: Duration::from_secs_f32(length),
            walk: None,
        });
        let pause = pauses[usize::from(dice.chance(0.5))];
        at += length + dice.between(pause.0, pause.1);
    }
}

fn clouds(script: &mut Script, dice: &mut Dice) {
    script.drift = dice.chance(0.5);
    let mut at = dice.between(2.0, 8.0);
    while at < SECONDS as f32 {
        let (length, fade, gain) = (dice.between(1.0, 12.0), dice.between(0.8, 6.0), dice.between(0.55, 0.85));
        if dice.chance(0.6) {
            script.lights.push(light(at, length, fade, gain));
        } else {
            let y = dice.between(0.2, 0.8);
            let ends = [(dice.between(-1.4, -1.0), y), (dice.between(2.0, 2.4), 1.0 - y)];
            let path = if dice.chance(0.5) { ends } else { [ends[1], ends[0]] };
            let (radius, softness) = (dice.between(0.6, 1.0), dice.between(0.2, 0.5));
            script.effects.push(spot(at, length + 3.0, path, (radius, softness), gain));
        }
        at += length + 2.0 * fade + dice.between(2.0, 6.0);
    }
}

fn switches(script: &mut Script, dice: &mut Dice) {
    let mut at = dice.between(3.0, 10.0);
    while at < SECONDS as f32 {
        let length = dice.between(3.0, 15.0);
        if dice.chance(0.5) {
            let gain = if dice.chance(0.7) {
                dice.between(0.35, 0.75)
            } else {
                dice.between(1.2, 1.6)
            };
            script.lights.push(light(at, length, 0.0, gain));
        } else {
            let place = (dice.between(0.1, 0.9), dice.between(0.1, 0.7));
            let (radius, softness) = (dice.between(0.1, 0.4), dice.between(0.5, 0.95));
            let gain = dice.between(1.4, 2.4);
            script.effects.push(spot(at, length, [place; 2], (radius, softness), gain));
        }
        at += dice.between(3.0, 12.0);
    }
}

fn shakes(script: &mut Script, dice: &mut Dice) {
    let wind = Span::seconds(dice.between(0.0, 20.0), dice.between(5.0, 60.0)).fading(1.0);
    let shake = |span, reach, rate| Effect::Shake(Shake { span, reach, rate });
    script.effects.push(shake(wind, dice.between(0.001, 0.005), dice.between(0.8, 4.0)));
    if dice.chance(0.5) {
        let push = Span::seconds(dice.between(10.0, 60.0), 1.0);
        script.effects.push(shake(push, dice.between(0.005, 0.015), dice.between(2.0, 5.0)));
    }
}

/// A street at dusk: headlights sweep while people run through.
fn headlights(script: &mut Script, dice: &mut Dice) {
    script.lights.push(light(0.0, ALWAYS, 0.0, dice.between(0.3, 0.6)));
    let mut at = dice.between(3.0, 8.0);
    while at < SECONDS as f32 {
        let y = dice.between(0.3, 0.6);
        let path = if dice.chance(0.5) {
            [(-0.3, y), (1.3, y + 0.1)]
        } else {
            [(1.3, y), (-0.3, y - 0.05)]
        };
        let (length, radius, softness) = (dice.between(1.2, 3.0), dice.between(0.15, 0.3), dice.between(0.4, 0.8));
        script
            .effects
            .push(spot(at, length, path, (radius, softness), dice.between(1.8, 3.0)));
        at += dice.between(5.0, 14.0);
    }
}

fn light(at: f32, length: f32, fade: f32, gain: f32) -> Light {
    let span = Span::seconds(at, length).fading(fade);
    Light {
        at: span.at,
        length: span.length,
        fade: span.fade,
        gain,
        offset: 0.0,
    }
}

fn spot(at: f32, length: f32, path: [(f32, f32); 2], (radius, softness): (f32, f32), gain: f32) -> Effect {
    Effect::Spot(Spot {
        span: Span::seconds(at, length),
        path,
        radius,
        softness,
        gain,
    })
}

fn weather(kind: WeatherKind, amount: f32, at: f32) -> Effect {
    let span = Span::seconds(at, ALWAYS).fading(1.0);
    Effect::Weather(Weather { span, kind, amount })
}

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn between(&mut self, least: f32, most: f32) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        least + (most - least) * ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    }

    fn chance(&mut self, part: f32) -> bool {
        self.between(0.0, 1.0) < part
    }
}
