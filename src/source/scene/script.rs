//! What happens in a scene and when, and its text form: visits, lights, edges, faults. How it looks is the matter of its neighbours.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::frame::PixelFormat;
use crate::limits::FRAME_RATE_MAX;
use crate::limits::SCENE_BURST_EDGES_MAX;
use crate::limits::SCENE_SCRIPT_MAX;

/// Which scene: its seed, its picture where that differs from the settings', and what happens in it.
///
/// As text `[:key=value[,key=value...]]`; times are seconds from the beginning. Keys that may be repeated: `visits`
/// (`FIRST..EVERY..LENGTH`, `EVERY` 0: once; `off`: none), `light` (darker, `AT[..FOR]`), `stall`, `unplug` (`AT..FOR`),
/// `short` (one short frame, `AT`), `burst` (edges, `AT..COUNT`). Others: `seed`, `width`, `height`, `fps`, `format`
/// (`grey`, `yuyv`, `uyvy`, `nv12`, `yu12`), `noise` (standard deviation in grey levels, 0 to 10), `drift`, `foliage`, `pir` (`on`, `off`).
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
}

/// What happens in a scene. Times are from its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// People.
    pub visits: Vec<Visit>,
    /// Times of other light.
    pub lights: Vec<Light>,
    /// Edges of the PIR sensor beside those that visits make, in the order of their times.
    pub edges: Vec<(Duration, bool)>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Standard deviation of the sensor's noise, in grey levels, 0 to 10.
    pub noise: u8,
    /// Daylight comes and goes slowly.
    pub drift: bool,
    /// A tree waves in the wind.
    pub foliage: bool,
    /// The PIR sensor sees visitors: from [`PIR_DELAY`] after a visit begins to its end.
    pub pir: bool,
}

/// How long after a visit's beginning the PIR sensor sees the visitor.
pub const PIR_DELAY: Duration = Duration::from_millis(500);

/// Somebody comes, stops for a while, and goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// When first.
    pub at: Duration,
    /// After which time again; `None`: once.
    pub every: Option<Duration>,
    /// For how long.
    pub length: Duration,
    /// How; `None`: as the seed will have it, each time otherwise.
    pub walk: Option<Walk>,
}

/// How a visitor walks and looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// Comes in from the left, else from the right.
    pub from_left: bool,
    /// Goes on to the other side, else back.
    pub crosses: bool,
    /// Where along the picture's width the visitor stops, 0 to 1.
    pub stop: f32,
    /// 0 far (small) to 1 near (large).
    pub depth: f32,
    /// Grey levels of jacket and trousers.
    pub tones: (u8, u8),
}

/// The light is another: every grey level becomes `level * gain + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// From when.
    pub at: Duration,
    /// For how long; `None`: for good.
    pub length: Option<Duration>,
    /// Factor.
    pub gain: f32,
    /// Then added, in grey levels.
    pub offset: f32,
}

/// Something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// When.
    pub at: Duration,
    /// What.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// No frames for so long; beyond the settings' stall time the camera is lost.
    Stall(Duration),
    /// The device is gone for so long.
    Unplug(Duration),
    /// One frame with bytes missing.
    Short,
    /// So many edges, a millisecond apart.
    Burst(u32),
}

impl Default for Script {
    /// The demo: a visit of 8 s every 20 s, the first after 4 s.
    fn default() -> Script {
        Script {
            visits: vec![Visit {
                at: Duration::from_secs(4),
                every: Some(Duration::from_secs(20)),
                length: Duration::from_secs(8),
                walk: None,
            }],
            noise: 2,
            drift: true,
            foliage: true,
            pir: true,
            ..Script::empty()
        }
    }
}

impl Script {
    /// Nothing happens, without noise, drift, foliage or PIR sensor.
    pub fn empty() -> Script {
        Script {
            visits: Vec::new(),
            lights: Vec::new(),
            edges: Vec::new(),
            faults: Vec::new(),
            noise: 0,
            drift: false,
            foliage: false,
            pir: false,
        }
    }

    /// Whether there is a PIR sensor in it.
    pub(crate) fn brings_edges(&self) -> bool {
        let burst = |fault: &Fault| matches!(fault.kind, FaultKind::Burst(_));
        self.pir || !self.edges.is_empty() || self.faults.iter().any(burst)
    }

    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let most = [self.visits.len(), self.lights.len(), self.edges.len(), self.faults.len()];
        if most.iter().any(|&count| count > SCENE_SCRIPT_MAX) {
            return Err(format!("more than {SCENE_SCRIPT_MAX} visits, lights, edges or faults"));
        }
        let endless = |visit: &Visit| visit.length.is_zero() || visit.every.is_some_and(|every| every < visit.length);
        if self.visits.iter().any(endless) {
            return Err("a visit of no length, or one that comes again before it is over".into());
        }
        let burst = |fault: &Fault| matches!(fault.kind, FaultKind::Burst(count) if count > SCENE_BURST_EDGES_MAX);
        if self.faults.iter().any(burst) {
            return Err(format!("a burst of more than {SCENE_BURST_EDGES_MAX} edges"));
        }
        if self.noise > 10 {
            return Err(format!("noise of {}; 0 to 10 grey levels are allowed", self.noise));
        }
        Ok(())
    }

    /// Edges at `after < time <= until` (at 0 too, if `after` is `None`), in order.
    pub(crate) fn edges_between(&self, after: Option<Duration>, until: Duration) -> Vec<(Duration, bool)> {
        let within = |at: Duration| at <= until && after.is_none_or(|after| at > after);
        let mut edges: Vec<_> = self.edges.iter().copied().filter(|(at, _)| within(*at)).collect();
        if self.pir {
            for (visit, begin) in self.visits.iter().flat_map(|visit| visit.around(after.unwrap_or_default(), until)) {
                let both = [(begin + PIR_DELAY.min(visit.length / 2), true), (begin + visit.length, false)];
                edges.extend(both.into_iter().filter(|(at, _)| within(*at)));
            }
        }
        for fault in &self.faults {
            if let FaultKind::Burst(count) = fault.kind {
                let burst = (0..count).map(|n| (fault.at + Duration::from_millis(n.into()), n % 2 == 0));
                edges.extend(burst.filter(|(at, _)| within(*at)));
            }
        }
        edges.sort_by_key(|(at, _)| *at);
        edges
    }

    /// The fault of a kind at which `length` gives how long it lasts, that covers `at`.
    pub(crate) fn lasting(&self, at: Duration, length: impl Fn(FaultKind) -> Option<Duration>) -> Option<Fault> {
        let covers = |fault: &Fault| length(fault.kind).is_some_and(|length| fault.at <= at && at < fault.at + length);
        self.faults.iter().copied().find(covers)
    }
}

impl Visit {
    /// Times at which it begins, of those that touch `from..=to`.
    pub(crate) fn around(&self, from: Duration, to: Duration) -> impl Iterator<Item = (&Visit, Duration)> {
        let first = self.every.map_or(0, |every| {
            from.saturating_sub(self.at + self.length).as_nanos() / every.as_nanos().max(1)
        });
        let rounds = if self.every.is_some() { u32::MAX } else { 1 };
        let begins = (first as u32..rounds).map(|round| self.begin(round));
        begins
            .skip_while(move |begin| *begin + self.length < from)
            .take_while(move |begin| *begin <= to)
            .map(move |begin| (self, begin))
    }

    /// How the visitor of the visit that begins at `begin` walks.
    pub(crate) fn walk_of(&self, seed: u64, number: u64, begin: Duration) -> Walk {
        self.walk.unwrap_or_else(|| Walk::random(seed, number, begin.as_millis() as u64))
    }

    /// When it begins for the `round`th time after the first.
    fn begin(&self, round: u32) -> Duration {
        self.at + self.every.unwrap_or_default() * round
    }
}

impl Light {
    /// Darkness as a switched-off lamp leaves it.
    pub fn dark(at: Duration, length: Option<Duration>) -> Light {
        Light {
            at,
            length,
            gain: 0.55,
            offset: 4.0,
        }
    }

    /// Whether it shines at `at`.
    pub(crate) fn covers(&self, at: Duration) -> bool {
        at >= self.at && self.length.is_none_or(|length| at < self.at + length)
    }
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
            "short" => fault(seconds(value)?, FaultKind::Short),
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

impl fmt::Display for Spec {
    /// What the text form can say of it: how a visitor walks and what light it is stands in code only.
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
            }
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
    "no such key; allowed are seed, width, height, fps, format, visits, noise, drift, foliage, light, pir, stall, unplug, short, burst"
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
