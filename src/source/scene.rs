//! A rendered scene with known truth: the demo, and the fault injector. Same seed and script, same pictures, edges and truth.
//! A garden painted once, people drawn into each frame, light and noise over it all.

mod effects;
mod faults;
mod garden;
mod ground;
mod noise;
mod person;
mod script;
mod spec;
mod truth;
mod wave;

pub use effects::Effect;
pub use effects::Shake;
pub use effects::Span;
pub use effects::Spot;
pub use effects::Thing;
pub use effects::Weather;
pub use effects::WeatherKind;
pub use person::PixelBox;
pub use script::Fault;
pub use script::FaultKind;
pub use script::Light;
pub use script::PIR_DELAY;
pub use script::Script;
pub use script::Visit;
pub use script::Walk;
pub use spec::Spec;
pub use truth::Truth;
pub use truth::TruthEdge;
pub use truth::TruthVisit;

use std::collections::VecDeque;
use std::time::Duration;

use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::frame::SourceError;
use crate::source::Settings;
use crate::source::check_size;
use crate::source::frame_bytes_max;
use crate::source::pace::Item;
use crate::source::pace::Kind;
use crate::source::pace::Player;
use crate::source::pace::Rate;
use crate::source::pace::Reel;
use crate::source::pace::Stand;
use crate::source::pace::Taken;
use crate::source::scene::effects::Canvas;
use crate::source::scene::faults::covered;
use crate::source::scene::faults::failed;
use crate::source::scene::faults::failure;
use crate::source::scene::faults::frozen;
use crate::source::scene::faults::gone;
use crate::source::scene::faults::stalled;
use crate::source::scene::faults::unplugged;
use crate::source::scene::garden::Crown;
use crate::source::scene::ground::Ground;
use crate::source::scene::noise::Noise;
use crate::source::scene::person::Pose;

/// Grey level of what is before the lens.
const COVER_TONE: u8 = 18;

/// Opens the scene at the stand's time; fails while the script has it unplugged.
pub(crate) fn open(spec: &Spec, settings: &Settings, stand: Stand) -> Result<Player, SourceError> {
    let stage = Stage::new(spec, settings, stand.elapsed)?;
    Ok(Player::new(Box::new(stage), stand, false))
}

/// What the scene of `settings` shows in its first `frames` frames. Only of a scene that can be opened.
pub fn truth(spec: &Spec, settings: &Settings, frames: u64) -> Result<Truth, SourceError> {
    let setting = Setting::new(spec, settings)?;
    Ok(Truth::of(spec, setting.format, setting.rate, frames))
}

/// Bytes that the scene of `settings` holds at most.
pub fn footprint(settings: &Settings) -> usize {
    let (width, height) = settings.picture();
    let (pixel, shakes) = match &settings.spec {
        crate::source::Spec::Scene(spec) => (spec.pixel, self::shakes(&spec.script)),
        _ => (None, false),
    };
    let pixel = pixel.or(settings.pixel).unwrap_or(PixelFormat::Grey);
    let format = FrameFormat::packed(pixel, width, height, Duration::ZERO);
    // The garden, luma where it is packed, the frame; the tree's crown is a ninth of the picture.
    let pictures =
        (1 + usize::from(is_packed(pixel)) + usize::from(shakes)) * format.luma_bytes() + format.luma_bytes() / 8 + frame_bytes_max(format);
    size_of::<Player>() + size_of::<Stage>() + pictures + noise::noise_bytes(width as usize)
}

/// The scene's picture: what the spec says, else the settings.
struct Setting {
    format: FrameFormat,
    rate: Rate,
}

impl Setting {
    fn new(spec: &Spec, settings: &Settings) -> Result<Setting, SourceError> {
        let refuse = |why: String| unsupported(why);
        let (width, height) = (spec.width.unwrap_or(settings.width), spec.height.unwrap_or(settings.height));
        check_size(width, height).map_err(refuse)?;
        spec.script.check().map_err(refuse)?;
        let fps = spec.fps.unwrap_or(settings.fps);
        let rate = Rate::new(fps, 1).ok_or_else(|| unsupported(format!("{fps} frames a second")))?;
        let pixel = spec.pixel.or(settings.pixel).unwrap_or(PixelFormat::Grey);
        if pixel == PixelFormat::Mjpeg {
            return Err(unsupported("MJPG is not rendered; GREY, YUYV, UYVY, NV12 and YU12 are".into()));
        }
        if pixel != PixelFormat::Grey && (width % 2, height % 2) != (0, 0) {
            return Err(unsupported(format!("{pixel} of odd size {width}x{height}")));
        }
        Ok(Setting {
            format: FrameFormat::packed(pixel, width, height, rate.interval()),
            rate,
        })
    }
}

/// The scene as a reel without end.
struct Stage {
    spec: Spec,
    format: FrameFormat,
    rate: Rate,
    /// The frame to come, counted from the beginning of the scene.
    next: u64,
    /// Edges before it.
    edges: VecDeque<(Duration, bool)>,
    /// When the camera fails, and how.
    failure: Option<(Duration, FaultKind)>,
    /// The frame taken last, and whether it is drawn.
    shown: u64,
    drawn: bool,
    ground: Ground,
    crown: Option<Crown>,
    noise: Option<Noise>,
    /// Scratch for a camera that shakes; empty for one that does not.
    displaced: Vec<u8>,
    /// Luma, where the frame has it mixed with chroma.
    luma: Vec<u8>,
    picture: Vec<u8>,
}

impl Stage {
    fn new(spec: &Spec, settings: &Settings, elapsed: Duration) -> Result<Stage, SourceError> {
        let Setting { format, rate } = Setting::new(spec, settings)?;
        if spec.script.lasting(elapsed, unplugged).is_some() {
            return Err(gone());
        }
        let (width, height) = (format.width, format.height);
        let packed = is_packed(format.pixel);
        let seed = spec.seed;
        let mut stage = Stage {
            format,
            rate,
            next: first_at(rate, elapsed),
            edges: VecDeque::new(),
            failure: failure(&spec.script, elapsed, settings.stall),
            shown: 0,
            drawn: false,
            ground: Ground::new(garden::paint(seed, width, height), &spec.script),
            crown: spec.script.foliage.then(|| Crown::new(seed, width, height)),
            noise: (spec.script.noise > 0).then(|| Noise::new(seed, spec.script.noise, width as usize)),
            displaced: vec![0; if shakes(&spec.script) { format.luma_bytes() } else { 0 }],
            luma: vec![0; if packed { format.luma_bytes() } else { 0 }],
            picture: vec![128; frame_bytes_max(format)],
            spec: spec.clone(),
        };
        stage
            .edges
            .extend(stage.spec.script.edges_between(stage.before(), rate.at(stage.next)));
        Ok(stage)
    }

    /// Time of the frame before the one to come.
    fn before(&self) -> Option<Duration> {
        self.next.checked_sub(1).map(|number| self.rate.at(number))
    }

    /// On to the next frame, and the edges before it.
    fn step(&mut self) {
        let (now, next) = (self.rate.at(self.next), self.rate.at(self.next + 1));
        self.next += 1;
        self.edges.extend(self.spec.script.edges_between(Some(now), next));
    }

    /// Whether a short frame is scripted between the last frame and this one.
    fn is_short(&self) -> bool {
        let (before, now) = (self.before(), self.rate.at(self.next));
        let here = |fault: &Fault| fault.kind == FaultKind::Short && fault.at <= now && before.is_none_or(|before| fault.at > before);
        self.spec.script.faults.iter().any(here)
    }

    fn draw(&mut self) {
        let (width, height) = (self.format.width, self.format.height);
        let at = self.rate.at(self.shown);
        let script = &self.spec.script;
        let packed = !self.luma.is_empty();
        let luma = if packed {
            &mut self.luma[..]
        } else {
            &mut self.picture[..self.ground.len()]
        };
        let light = self.ground.draw(script, at, luma);
        if let Some(crown) = &self.crown {
            let strength: f32 = script.effects.iter().map(|effect| effect.storm(at)).product();
            crown.draw(luma, width as usize, (at.as_secs_f32(), strength), light);
        }
        let mut canvas = Canvas {
            luma: &mut *luma,
            width: width as usize,
            height: height as usize,
        };
        for effect in &script.effects {
            if let Effect::Thing(thing) = effect {
                thing.draw(&mut canvas, at, light);
            }
        }
        for pose in poses(&self.spec, at, (width, height)) {
            pose.draw(canvas.luma, (width, height), light);
        }
        trouble(&mut canvas, &self.spec, (self.shown, at), &mut self.displaced);
        if let Some(noise) = &self.noise {
            let grain = script.effects.iter().map(|effect| effect.grain(at)).product();
            noise.add(self.shown, luma, width as usize, grain);
        }
        if packed {
            let first = usize::from(self.format.pixel == PixelFormat::Uyvy);
            let samples = self.picture[first..].iter_mut().step_by(2);
            samples.zip(&self.luma).for_each(|(sample, luma)| *sample = *luma);
        }
        self.drawn = true;
    }
}

impl Reel for Stage {
    fn name(&self) -> &str {
        "scene"
    }

    fn format(&self) -> FrameFormat {
        self.format
    }

    fn peek(&mut self) -> Result<Item, SourceError> {
        let at = self.rate.at(self.next);
        let stalled = self.spec.script.lasting(at, stalled).is_some();
        let next = match (self.edges.front(), self.failure) {
            (Some(&(at, active)), failure) if failure.is_none_or(|(fails, _)| at < fails) => (at, Kind::Edge(active)),
            (_, Some((fails, _))) if fails <= at => (fails, Kind::Fault),
            _ if stalled => (at, Kind::Gap),
            _ => (at, Kind::Frame),
        };
        Ok(Item { at: next.0, kind: next.1 })
    }

    fn take(&mut self) -> Result<Taken, SourceError> {
        match self.peek()?.kind {
            Kind::Fault => return Err(self.failure.map_or_else(gone, |(_, kind)| failed(kind))),
            Kind::Edge(_) => drop(self.edges.pop_front()),
            Kind::Gap => self.step(),
            Kind::Frame if self.is_short() => {
                self.step();
                return Ok(Taken::Short);
            }
            Kind::Frame => {
                let repeats = self.spec.script.lasting(self.rate.at(self.next), frozen).is_some();
                if !repeats {
                    (self.shown, self.drawn) = (self.next, false);
                }
                self.step();
            }
        }
        Ok(Taken::Whole)
    }

    /// Drawn only when it is asked for: passing over frames costs nothing.
    fn picture(&mut self) -> &[u8] {
        if !self.drawn {
            self.draw();
        }
        &self.picture
    }

    fn rewind(&mut self) -> Result<Duration, SourceError> {
        Ok(Duration::ZERO) // never asked for: it has no end
    }

    fn footprint(&self) -> usize {
        let scratch = self.luma.capacity() + self.displaced.capacity();
        let pictures = self.ground.footprint() + scratch + self.picture.capacity();
        let noise = self.noise.as_ref().map_or(0, |_| noise::noise_bytes(self.format.width as usize));
        size_of::<Stage>() + pictures + noise + self.crown.as_ref().map_or(0, Crown::bytes)
    }
}

/// Everybody in the garden at a time, farthest first.
fn poses(spec: &Spec, at: Duration, size: (u32, u32)) -> Vec<Pose> {
    let visits = spec.script.visits.iter().enumerate();
    let mut there: Vec<_> = visits
        .flat_map(|(n, visit)| visit.around(at, at).map(move |(visit, begin)| (n, visit, begin)))
        .map(|(n, visit, begin)| {
            let walk = visit.walk_of(spec.seed, n as u64, begin);
            (walk.depth, pose(visit, &walk, at.saturating_sub(begin), size))
        })
        .collect();
    there.sort_by(|a, b| a.0.total_cmp(&b.0));
    there.into_iter().map(|(_, pose)| pose).collect()
}

/// Where a visitor is so long after coming.
fn pose(visit: &Visit, walk: &Walk, since: Duration, (width, height): (u32, u32)) -> Pose {
    let seconds = visit.length.as_secs_f32();
    let part = (since.as_secs_f32() / seconds).min(1.0);
    Pose::new(walk, part, seconds, (width as f32, height as f32))
}

/// Whether the camera ever shakes in it.
fn shakes(script: &Script) -> bool {
    script.effects.iter().any(|effect| matches!(effect, Effect::Shake(_)))
}

/// Draws what troubles frame `number` at `at`; `scratch` is as large as the picture where the camera shakes.
fn trouble(canvas: &mut Canvas<'_>, spec: &Spec, (number, at): (u64, Duration), scratch: &mut [u8]) {
    let script = &spec.script;
    let mut aside = (0.0, 0.0);
    for effect in &script.effects {
        match effect {
            Effect::Spot(spot) => spot.draw(canvas, at),
            Effect::Shake(shake) => {
                let (across, down) = shake.offset(at, canvas.height as f32);
                aside = (aside.0 + across, aside.1 + down);
            }
            Effect::Weather(_) | Effect::Thing(_) | Effect::Storm(..) | Effect::Grain(..) => {}
        }
    }
    if aside != (0.0, 0.0) {
        effects::displace(canvas, scratch, aside);
    }
    for effect in &script.effects {
        if let Effect::Weather(weather) = effect {
            weather.draw(canvas, spec.seed, number, at);
        }
    }
    if script.lasting(at, covered).is_some() {
        canvas.luma.fill(COVER_TONE);
    }
    if script.faults.iter().any(|fault| fault.kind == FaultKind::Turn && fault.at <= at) {
        canvas.luma.reverse();
    }
}

/// The first frame at or after `elapsed`.
fn first_at(rate: Rate, elapsed: Duration) -> u64 {
    let nanos = elapsed.as_nanos() * u128::from(rate.frames);
    let number = nanos.div_ceil(u128::from(rate.seconds) * 1_000_000_000);
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Whether luma and chroma are mixed.
fn is_packed(pixel: PixelFormat) -> bool {
    matches!(pixel, PixelFormat::Yuyv | PixelFormat::Uyvy)
}

fn unsupported(why: String) -> SourceError {
    SourceError::Unsupported { what: "scene".into(), why }
}
