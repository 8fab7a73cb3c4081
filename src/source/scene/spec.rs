//! Which scene is meant, and its text form, as in `scene:seed=7,visits=4..20..8`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::LateClock;
use crate::frame::PixelFormat;
use crate::limits::FRAME_RATE_MAX;
use crate::source::scene::script::Fault;
use crate::source::scene::script::FaultKind;
use crate::source::scene::script::Light;
use crate::source::scene::script::Script;
use crate::source::scene::script::Visit;

/// Which scene: its seed, its picture where that differs from the settings', and what happens in it.
///
/// As text `[:key=value[,key=value...]]`; times are seconds from the beginning. Keys that may be repeated: `visits`
/// (`FIRST..EVERY..LENGTH`, `EVERY` 0: once; `off`: none), `light` (darker, `AT[..FOR]`), `stall`, `unplug`, `freeze`, `cover` (`AT..FOR`),
/// `short` (one short frame, `AT`), `turn` (the camera, `AT`), `burst` (edges, `AT..COUNT`). Others: `seed`, `width`, `height`, `fps`, `format`
/// (`grey`, `yuyv`, `uyvy`, `nv12`, `yu12`), `noise` (standard deviation in grey levels, 0 to 10), `drift`, `foliage`, `pir` (`on`, `off`),
/// `clock` (the machine's wall clock is behind until it is set right, `AT..BEHIND`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// Same seed, same pictures.
    pub seed: u64,
    /// Pixels a row.
    pub width: Option<u32>,
    /// Rows.
    pub height: Option<u32>,
    /// Frames a second.
    pub fps: Option<u32>,
    /// Byte layout.
    pub pixel: Option<PixelFormat>,
    /// What happens.
    pub script: Script,
    /// When the wall clock is set right, and how far it is behind until then; [`Spec::clock`] makes it so.
    pub late_clock: Option<(Duration, Duration)>,
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Spec, String> {
        let mut spec = Spec::default();
        let mut visits = None;
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is not key=value"))?;
            let known = spec.set(key, value, &mut visits);
            known.map_err(|why| format!("{key}={value}: {why}"))?;
        }
        spec.script.visits = visits.unwrap_or(spec.script.visits);
        spec.script.check()?;
        Ok(spec)
    }
}

impl Spec {
    fn set(&mut self, key: &str, value: &str, visits: &mut Option<Vec<Visit>>) -> Result<(), String> {
        let script = &mut self.script;
        let mut fault = |at, kind| script.faults.push(Fault { at, kind });
        match key {
            "seed" => self.seed = number(value)?,
            "width" => self.width = Some(number(value)?),
            "height" => self.height = Some(number(value)?),
            "fps" => {
                self.fps = Some(
                    number(value)
                        .ok()
                        .filter(|fps| (1..=FRAME_RATE_MAX).contains(fps))
                        .ok_or_else(rates)?,
                )
            }
            "format" => self.pixel = Some(pixel(value)?),
            "noise" => script.noise = number(value)?,
            "drift" => script.drift = switch(value)?,
            "foliage" => script.foliage = switch(value)?,
            "pir" => script.pir = switch(value)?,
            "visits" if value == "off" => *visits = Some(Vec::new()),
            "visits" => visits.get_or_insert_default().push(visit(value)?),
            "light" => script.lights.push(light(value)?),
            "stall" => two(value, seconds, seconds).map(|(at, length)| fault(at, FaultKind::Stall(length)))?,
            "unplug" => two(value, seconds, seconds).map(|(at, length)| fault(at, FaultKind::Unplug(length)))?,
            "burst" => two(value, seconds, number).map(|(at, count)| fault(at, FaultKind::Burst(count)))?,
            "clock" => self.late_clock = Some(two(value, seconds, seconds)?),
            "freeze" => two(value, seconds, seconds).map(|(at, length)| fault(at, FaultKind::Freeze(length)))?,
            "cover" => two(value, seconds, seconds).map(|(at, length)| fault(at, FaultKind::Cover(length)))?,
            "short" => fault(seconds(value)?, FaultKind::Short),
            "turn" => fault(seconds(value)?, FaultKind::Turn),
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

impl Spec {
    /// `clock`, or one that is wrong at first, where the scene says so.
    pub fn clock(&self, clock: Arc<dyn Clock>) -> Arc<dyn Clock> {
        match self.late_clock {
            Some((at, behind)) => Arc::new(LateClock::new(clock, at, behind)),
            None => clock,
        }
    }
}

impl fmt::Display for Spec {
    /// What the text form can say of it: how a visitor walks, what light it is, and effects stand in code only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Script::default();
        let script = &self.script;
        let mut words = Vec::new();
        let mut word = |key: &str, value: String| words.push(format!("{key}={value}"));
        if self.seed != 0 {
            word("seed", self.seed.to_string());
        }
        for (key, value) in [("width", self.width), ("height", self.height), ("fps", self.fps)] {
            value.into_iter().for_each(|value| word(key, value.to_string()));
        }
        if let Some(pixel) = self.pixel {
            word("format", pixel.to_string().to_lowercase());
        }
        if script.noise != usual.noise {
            word("noise", script.noise.to_string());
        }
        let switches = [(script.drift, "drift"), (script.foliage, "foliage"), (script.pir, "pir")];
        switches.iter().filter(|(on, _)| !on).for_each(|(_, key)| word(key, "off".into()));
        if script.visits != usual.visits {
            script.visits.iter().for_each(|visit| word("visits", visit.to_string()));
            if script.visits.is_empty() {
                word("visits", "off".into());
            }
        }
        for light in &script.lights {
            let length = light
                .length
                .map_or_else(String::new, |length| format!("..{}", length.as_secs_f64()));
            word("light", format!("{}{length}", light.at.as_secs_f64()));
        }
        for Fault { at, kind } in &script.faults {
            let at = at.as_secs_f64();
            match kind {
                FaultKind::Stall(length) => word("stall", format!("{at}..{}", length.as_secs_f64())),
                FaultKind::Unplug(length) => word("unplug", format!("{at}..{}", length.as_secs_f64())),
                FaultKind::Burst(count) => word("burst", format!("{at}..{count}")),
                FaultKind::Short => word("short", at.to_string()),
                FaultKind::Freeze(length) => word("freeze", format!("{at}..{}", length.as_secs_f64())),
                FaultKind::Cover(length) => word("cover", format!("{at}..{}", length.as_secs_f64())),
                FaultKind::Turn => word("turn", at.to_string()),
            }
        }
        if let Some((at, behind)) = self.late_clock {
            words.push(format!("clock={}..{}", at.as_secs_f64(), behind.as_secs_f64()));
        }
        if words.is_empty() {
            Ok(())
        } else {
            write!(f, ":{}", words.join(","))
        }
    }
}

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = self.every.unwrap_or_default().as_secs_f64();
        write!(f, "{}..{every}..{}", self.at.as_secs_f64(), self.length.as_secs_f64())
    }
}

fn unknown() -> String {
    "no such key; allowed are seed, width, height, fps, format, visits, noise, drift, foliage, light, pir, stall, unplug, freeze, cover, short, turn, burst, clock"
        .into()
}

fn rates() -> String {
    format!("1 to {FRAME_RATE_MAX} are allowed")
}

fn number<T: FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| "not a whole number that fits".into())
}

fn switch(value: &str) -> Result<bool, String> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off is allowed".into()),
    }
}

/// Seconds, up to a year.
fn seconds(value: &str) -> Result<Duration, String> {
    let time = value.parse().ok().filter(|s| (0.0..=366.0 * 86400.0).contains(s));
    time.map(Duration::from_secs_f64).ok_or_else(|| "not a time in seconds".into())
}

/// `A..B`.
fn two<A, B>(value: &str, a: fn(&str) -> Result<A, String>, b: fn(&str) -> Result<B, String>) -> Result<(A, B), String> {
    let (left, right) = value.split_once("..").ok_or("should be two numbers, as in 10..5")?;
    Ok((a(left)?, b(right)?))
}

fn visit(value: &str) -> Result<Visit, String> {
    let words: Vec<_> = value.split("..").map(seconds).collect::<Result<_, _>>()?;
    let [at, every, length] = words[..] else {
        return Err("should be FIRST..EVERY..LENGTH in seconds, as in 4..20..8".into());
    };
    Ok(Visit {
        at,
        every: Some(every).filter(|every| !every.is_zero()),
        length,
        walk: None,
    })
}

fn light(value: &str) -> Result<Light, String> {
    match value.contains("..") {
        true => two(value, seconds, seconds).map(|(at, length)| Light::dark(at, Some(length))),
        false => seconds(value).map(|at| Light::dark(at, None)),
    }
}

fn pixel(value: &str) -> Result<PixelFormat, String> {
    let raw = PixelFormat::ALL.into_iter().filter(|pixel| *pixel != PixelFormat::Mjpeg);
    let found = raw.into_iter().find(|pixel| pixel.to_string().eq_ignore_ascii_case(value));
    found.ok_or_else(|| "grey, yuyv, uyvy, nv12 and yu12 are allowed".into())
}
