//! What troubles a picture beside people: lamps and headlights, clouds' shadows, rain, snow, insects, things that stand
//! about, a camera that shakes. Each is drawn over a finished picture; where and when, the script says.

use std::time::Duration;

use crate::source::scene::noise::hash;
use crate::source::scene::noise::unit;
use crate::source::scene::wave::cos;
use crate::source::scene::wave::hypotenuse;
use crate::source::scene::wave::sin;

/// Strips of rain for a part of 1 in an hour's worst shower.
const STREAKS: f32 = 900.0;
/// Flakes likewise.
const FLAKES: f32 = 350.0;
/// Insects that are there at once likewise.
const INSECTS: f32 = 4.0;

/// When something holds, and how long it takes to come and to go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// From when.
    pub at: Duration,
    /// For how long; `None`: for good.
    pub length: Option<Duration>,
    /// Time in which it comes, and after its end goes.
    pub fade: Duration,
}

impl Span {
    /// From `at` for `length` seconds.
    pub fn seconds(at: f32, length: f32) -> Span {
        Span {
            at: Duration::from_secs_f32(at),
            length: Some(Duration::from_secs_f32(length)),
            fade: Duration::ZERO,
        }
    }

    /// The same, coming and going in `fade` seconds.
    pub fn fading(self, fade: f32) -> Span {
        Span {
            fade: Duration::from_secs_f32(fade),
            ..self
        }
    }

    /// How much of it there is at `at`, 0 to 1.
    pub(crate) fn share(&self, at: Duration) -> f32 {
        let Some(since) = at.checked_sub(self.at) else { return 0.0 };
        let part = |time: Duration| (time.as_secs_f32() / self.fade.as_secs_f32().max(1e-6)).min(1.0);
        let gone = self.length.and_then(|length| since.checked_sub(length));
        match (gone, self.fade.is_zero()) {
            (Some(_), true) => 0.0,
            (None, true) => 1.0,
            (gone, false) => part(since) - gone.map_or(0.0, part),
        }
    }
}

/// What troubles a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// Local light.
    Spot(Spot),
    /// Rain, snow, insects.
    Weather(Weather),
    /// Something stands about.
    Thing(Thing),
    /// The camera shakes.
    Shake(Shake),
    /// Leaves move so many times as far.
    Storm(Span, f32),
    /// Noise is so many times as strong, as in the dark; what light there is, is another matter.
    Grain(Span, f32),
}

impl Effect {
    /// How many times as far leaves move at `at`.
    pub(crate) fn storm(&self, at: Duration) -> f32 {
        match self {
            Effect::Storm(span, most) => 1.0 + (most - 1.0) * span.share(at),
            _ => 1.0,
        }
    }

    /// How many times as strong noise is at `at`.
    pub(crate) fn grain(&self, at: Duration) -> f32 {
        match self {
            Effect::Grain(span, most) => 1.0 + (most - 1.0) * span.share(at),
            _ => 1.0,
        }
    }
}

/// Light that falls on a part of the picture: a lamp, headlights, or with a gain below 1 the shadow of a cloud.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// When.
    pub span: Span,
    /// Where its middle is at the beginning, and at the end of its length: across and down in parts of the picture.
    pub path: [(f32, f32); 2],
    /// Distance from the middle at which it is much weaker, in parts of the picture's height.
    pub radius: f32,
    /// Part of the radius in which it falls off: 0.1 has a sharp edge, 1 none.
    pub softness: f32,
    /// Factor at its middle.
    pub gain: f32,
}

/// What falls or flies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeatherKind {
    /// Streaks, each in one frame.
    Rain,
    /// Flakes that sink, near ones fast and large.
    Snow,
    /// Bright spots on winding paths before the lens.
    Insects,
}

/// Weather.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// When.
    pub span: Span,
    /// What.
    pub kind: WeatherKind,
    /// How much of it, 0 to 1.
    pub amount: f32,
}

/// A thing that stands there for a time: left behind, or taken away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thing {
    /// When.
    pub span: Span,
    /// Its middle and its lower edge, in parts of the picture.
    pub place: (f32, f32),
    /// Its height, in parts of the picture's; it is three quarters as wide.
    pub height: f32,
    /// Its grey level.
    pub tone: u8,
}

/// The camera shakes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shake {
    /// When.
    pub span: Span,
    /// How far at most, in parts of the picture's height.
    pub reach: f32,
    /// Swings a second.
    pub rate: f32,
}

/// A picture that is drawn on.
pub(crate) struct Canvas<'a> {
    pub(crate) luma: &'a mut [u8],
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Canvas<'_> {
    /// The part of row `y` between two columns; empty outside the picture.
    fn stretch(&mut self, y: isize, left: f32, right: f32) -> &mut [u8] {
        let clip = |x: f32| x.round().clamp(0.0, self.width as f32) as usize;
        match usize::try_from(y).ok().filter(|y| *y < self.height) {
            Some(y) => &mut self.luma[y * self.width..][..self.width][clip(left)..clip(right).max(clip(left))],
            None => &mut [],
        }
    }

    /// Lightens a soft round spot by up to `level`.
    fn glow(&mut self, (x, y): (f32, f32), radius: f32, level: f32) {
        let left = (x - radius).round().max(0.0);
        for row in (y - radius).floor() as isize..=(y + radius).ceil() as isize {
            let down = (row as f32 - y) / radius;
            for (n, pixel) in self.stretch(row, left, x + radius + 1.0).iter_mut().enumerate() {
                let across = (left + n as f32 - x) / radius;
                let there = (1.0 - across * across - down * down).max(0.0);
                *pixel = pixel.saturating_add((level * there.sqrt()) as u8);
            }
        }
    }
}

impl Spot {
    pub(crate) fn draw(&self, canvas: &mut Canvas<'_>, at: Duration) {
        let share = self.span.share(at);
        if share <= 0.0 {
            return;
        }
        let length = self.span.length.map_or(1.0, |length| length.as_secs_f32()).max(1e-3);
        let part = (at.saturating_sub(self.span.at).as_secs_f32() / length).min(1.0);
        let [from, to] = self.path;
        let height = canvas.height as f32;
        let (x, y) = (
            (from.0 + (to.0 - from.0) * part) * canvas.width as f32,
            (from.1 + (to.1 - from.1) * part) * height,
        );
        let (radius, soft) = (self.radius * height, self.softness.max(0.02));
        for row in 0..canvas.height {
            let down = (row as f32 - y) / radius;
            if down.abs() > 1.0 + soft {
                continue;
            }
            let reach = ((1.0 + soft).powi(2) - down * down).max(0.0).sqrt() * radius;
            let left = (x - reach).round().max(0.0);
            for (n, pixel) in canvas.stretch(row as isize, left, x + reach).iter_mut().enumerate() {
                let across = (left + n as f32 - x) / radius;
                let inside = ((1.0 + soft - hypotenuse(across, down)) / (2.0 * soft)).clamp(0.0, 1.0);
                let smooth = inside * inside * (3.0 - 2.0 * inside);
                let gain = 1.0 + (self.gain - 1.0) * smooth * share;
                *pixel = (f32::from(*pixel) * gain).clamp(0.0, 255.0) as u8;
            }
        }
    }
}

impl Weather {
    /// Draws frame `number` at `at`.
    pub(crate) fn draw(&self, canvas: &mut Canvas<'_>, seed: u64, number: u64, at: Duration) {
        let amount = self.amount * self.span.share(at);
        let seconds = at.as_secs_f32();
        let count = |most: f32| (most * amount) as u64;
        match self.kind {
            WeatherKind::Rain => (0..count(STREAKS)).for_each(|n| streak(canvas, hash(seed ^ 0x7261_696e, number, n))),
            WeatherKind::Snow => (0..count(FLAKES)).for_each(|n| flake(canvas, hash(seed ^ 0x736e_6f77, n, 0), seconds)),
            WeatherKind::Insects => (0..count(INSECTS)).for_each(|n| insect(canvas, seed ^ 0x666c_7900 ^ n, seconds)),
        }
    }
}

/// Parts of one random number, each 0 to 1.
fn parts(random: u64) -> [f32; 4] {
    std::array::from_fn(|n| unit(hash(random, n as u64, 0)))
}

/// Most drops are far and thin; one in fifty is near, long and blurred.
fn streak(canvas: &mut Canvas<'_>, random: u64) {
    let [x, y, size, bright] = parts(random);
    let (width, height) = (canvas.width as f32, canvas.height as f32);
    let near = size > 0.98;
    let (length, across) = if near {
        (0.12 * height, 0.006 * height)
    } else {
        ((0.015 + 0.03 * size) * height, 0.002 * height)
    };
    let level = if near { 14.0 } else { 12.0 + 20.0 * bright };
    let (x, y) = (x * width * 1.1, (y * 1.2 - 0.2) * height);
    for step in 0..length as isize {
        let left = x - 0.08 * step as f32;
        let row = y as isize + step;
        let stretch = canvas.stretch(row, left, left + across.max(1.0));
        stretch.iter_mut().for_each(|pixel| *pixel = pixel.saturating_add(level as u8));
    }
}

fn flake(canvas: &mut Canvas<'_>, random: u64, seconds: f32) {
    let [x, y, near, drift] = parts(random);
    let (width, height) = (canvas.width as f32, canvas.height as f32);
    let near = near.powi(4);
    let fall = (0.15 + 0.5 * near) * seconds + y;
    let round = fall.floor();
    let [x_again, ..] = parts(random ^ round as u64);
    let aside = 0.02 * sin(seconds * (1.0 + drift) + 6.0 * x);
    let place = ((x_again + aside) * width, (fall - round) * height * 1.1 - 0.05 * height);
    canvas.glow(place, ((0.0015 + 0.006 * near) * height).max(0.8), 50.0 + 50.0 * drift);
}

/// Each is seen for a second or two out of eight, on a winding path of its own.
fn insect(canvas: &mut Canvas<'_>, seed: u64, seconds: f32) {
    let [phase, ..] = parts(seed);
    let round = seconds / 8.0 + phase;
    let [x, y, size, pace] = parts(hash(seed, round as u64, 1));
    let since = round.fract() * 8.0;
    if since > 1.0 + pace {
        return;
    }
    let (width, height) = (canvas.width as f32, canvas.height as f32);
    let turn = since * (3.0 + 4.0 * pace);
    let across = x + (0.7 * since - 0.4) * if size > 0.5 { 1.0 } else { -1.0 } + 0.06 * sin(turn);
    let down = y + 0.15 * cos(turn * 1.3) - 0.1 * since;
    canvas.glow((across * width, down * height), (0.006 + 0.012 * size) * height, 110.0);
}

impl Thing {
    pub(crate) fn draw(&self, canvas: &mut Canvas<'_>, at: Duration, light: &[u8; 256]) {
        if self.span.share(at) < 0.5 {
            return;
        }
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let tall = self.height * height;
        let (x, low) = (self.place.0 * width, self.place.1 * height);
        let left = (x - 0.375 * tall).round().max(0.0);
        for row in (low - tall) as isize..low as isize {
            for (n, pixel) in canvas.stretch(row, left, left + 0.75 * tall).iter_mut().enumerate() {
                let seam = (n / 3 + row as usize / 5).is_multiple_of(4);
                *pixel = light[usize::from(self.tone.saturating_add(if seam { 14 } else { 0 }))];
            }
        }
    }
}

impl Shake {
    /// Where the camera points at `at`, in pixels off its usual direction.
    pub(crate) fn offset(&self, at: Duration, height: f32) -> (f32, f32) {
        let (share, seconds) = (self.span.share(at), at.as_secs_f32());
        let turn = std::f32::consts::TAU * self.rate * seconds;
        let swing = |a: f32, b: f32| 0.6 * sin(turn + a) + 0.4 * sin(turn * 2.3 + b);
        let reach = self.reach * height * share;
        (reach * swing(0.0, 1.0), 0.6 * reach * swing(2.0, 0.5))
    }
}

/// Displaces `luma` by parts of pixels; `from` is scratch as large. What comes in at the edges repeats the last row or column.
pub(crate) fn displace(canvas: &mut Canvas<'_>, from: &mut [u8], (across, down): (f32, f32)) {
    from.copy_from_slice(canvas.luma);
    let (width, height) = (canvas.width as isize, canvas.height as isize);
    let whole = (across.floor() as isize, down.floor() as isize);
    let (u, v) = (across - across.floor(), down - down.floor());
    let weights = [(1.0 - u) * (1.0 - v), u * (1.0 - v), (1.0 - u) * v, u * v].map(|w| (w * 256.0) as u32);
    for (y, row) in canvas.luma.chunks_exact_mut(canvas.width).enumerate() {
        let line = |down: isize| ((y as isize + whole.1 + down).clamp(0, height - 1) * width) as usize;
        let (upper, lower) = (line(0), line(1));
        for (x, pixel) in row.iter_mut().enumerate() {
            let column = |across: isize| (x as isize + whole.0 + across).clamp(0, width - 1) as usize;
            let (left, right) = (column(0), column(1));
            let four = [upper + left, upper + right, lower + left, lower + right];
            let sum: u32 = four.iter().zip(weights).map(|(&at, weight)| u32::from(from[at]) * weight).sum();
            *pixel = ((sum + 128) >> 8).min(255) as u8;
        }
    }
}
