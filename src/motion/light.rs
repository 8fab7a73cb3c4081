//! Light: the change of gain and offset of the whole picture, and whether a local change is one of light or of things.

use super::cells::Grid;
use super::cells::LEVEL;
use crate::limits::LIGHT_SAMPLES_MAX;

/// Fractional bits of a background value: 256ths of a grey level.
pub(crate) const FINE: u16 = 256;
/// Change of light that is left to the slow adaptation of the background: half a level.
const NEGLIGIBLE: i32 = FINE as i32 / 2;
/// Slope of a gain of 1/16: a picture so dark says nothing of how the background would look.
const GAIN_LEAST: i64 = -0xf000;
/// Values nearer to black or white than this are clipped, and say nothing of gain.
const CLIPPED: u16 = 6 * LEVEL;

/// A change of light: a background value `b` becomes `b + offset + b * slope / 2^16`, in 256ths of a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Light {
    offset: i32,
    slope: i32,
}

impl Light {
    /// What `value` becomes.
    #[inline]
    pub(crate) fn on(self, value: u16) -> u16 {
        let change = self.offset + (((i32::from(value) >> 2) * (self.slope >> 2)) >> 12);
        (i32::from(value) + change).clamp(0, i32::from(u16::MAX)) as u16
    }

    /// Largest change over the range of values, in 256ths of a level.
    pub(crate) fn strength(self) -> u16 {
        let ends = [FINE * 16, FINE * 240].map(|value| i32::from(value) - i32::from(self.on(value)));
        ends.map(i32::unsigned_abs).into_iter().max().unwrap_or(0).min(u32::from(u16::MAX)) as u16
    }
}

/// A cell's background above what it shows now, each of 16 bits and in 256ths of a level: in the order of the background, then of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sample(u32);

impl Sample {
    fn of(was: u16, now: u16) -> Sample {
        Sample(u32::from(was) << 16 | u32::from(now))
    }

    fn was(self) -> i32 {
        (self.0 >> 16) as i32
    }

    fn change(self) -> i32 {
        (self.0 & 0xffff) as i32 - self.was()
    }
}

/// Estimates [`Light`] from cells spread over the picture.
#[derive(Debug)]
pub(crate) struct Meter {
    /// The sampled cells.
    samples: Vec<Sample>,
    step: usize,
}

impl Meter {
    pub(crate) fn new(grid: Grid) -> Meter {
        let thin = grid.len().div_ceil(LIGHT_SAMPLES_MAX) | 1;
        Meter {
            samples: Vec::with_capacity(LIGHT_SAMPLES_MAX),
            step: if grid.columns.is_multiple_of(thin) { thin + 2 } else { thin },
        }
    }

    /// Bytes that [`new`](Meter::new) allocates.
    pub(crate) const fn footprint() -> usize {
        LIGHT_SAMPLES_MAX * size_of::<Sample>()
    }

    /// The change of light from `background` to `now`, over cells for which `counts`; `None` when it is negligible or
    /// cannot be told. A line through the medians of the darker and the brighter half (Brown and Mood, 1951), which
    /// bears up to half of each half being covered by things, then least squares over the cells near that line.
    pub(crate) fn measure(&mut self, now: &[u16], background: &[u16], counts: impl Fn(usize) -> bool) -> Option<Light> {
        self.sample(now, background, counts);
        if self.samples.len() < 32 || self.is_steady() {
            return None;
        }
        let line = self.median_line();
        let line = self.least_squares(line).unwrap_or(line);
        let matters = |value: i32| line.at(value).abs() >= NEGLIGIBLE;
        let light = Light {
            offset: line.at(0),
            slope: line.slope,
        };
        let credible = i64::from(line.slope) > GAIN_LEAST;
        (credible && (matters(line.from - line.reach) || matters(line.from + line.reach))).then_some(light)
    }

    fn sample(&mut self, now: &[u16], background: &[u16], counts: impl Fn(usize) -> bool) {
        let clear = |value: u16| (CLIPPED..=255 * LEVEL - CLIPPED).contains(&value);
        self.samples.clear();
        for cell in (0..now.len()).step_by(self.step).take(LIGHT_SAMPLES_MAX) {
            if clear(now[cell]) && clear(background[cell] / LEVEL) && counts(cell) {
                self.samples.push(Sample::of(background[cell], now[cell] * LEVEL));
            }
        }
    }

    /// Whether three quarters hardly change: then so do the medians of both halves, which need not be looked for.
    fn is_steady(&self) -> bool {
        let steady = self.samples.iter().filter(|sample| sample.change().abs() < NEGLIGIBLE);
        steady.count() * 4 >= self.samples.len() * 3
    }

    fn median_line(&mut self) -> Line {
        let middle = self.samples.len() / 2;
        self.samples.select_nth_unstable(middle);
        let (dark, bright) = self.samples.split_at_mut(middle);
        let [dark_at, bright_at] = [&mut *dark, &mut *bright].map(|half| half.select_nth_unstable(half.len() / 2).1.was());
        let [low, high] = [dark, bright].map(|half| {
            let mid = half.len() / 2;
            half.select_nth_unstable_by_key(mid, |sample| sample.change()).1.change()
        });
        let spread = bright_at - dark_at;
        let slope = if spread >= 8 * i32::from(FINE) {
            (i64::from(high - low) << 16) / i64::from(spread)
        } else {
            0
        };
        Line {
            from: dark_at + spread / 2,
            reach: spread / 2,
            change: (low + high) / 2,
            slope: gain(slope),
        }
    }

    /// The line again, by the samples that lie near it.
    fn least_squares(&self, line: Line) -> Option<Line> {
        let near = |(at, change): &(i32, i32)| (change - line.at(*at)).abs() <= 2 * i32::from(FINE) + line.at(*at).abs() / 4;
        let samples = self.samples.iter().map(|sample| (sample.was(), sample.change()));
        let (mut n, mut x, mut y, mut xx, mut xy) = (0i64, 0i64, 0i64, 0i64, 0i64);
        for (at, change) in samples.filter(near) {
            let (at, change) = (i64::from(at - line.from), i64::from(change));
            (n, x, y, xx, xy) = (n + 1, x + at, y + change, xx + at * at, xy + at * change);
        }
        let spread = n * xx - x * x;
        let wide = n > 0 && spread / (n * n) >= i64::from(4 * FINE).pow(2);
        if n < self.samples.len() as i64 / 3 || !wide {
            return None;
        }
        let slope = ((i128::from(n * xy - x * y) << 16) / i128::from(spread)) as i64;
        Some(Line {
            from: line.from + (x / n) as i32,
            change: (y / n) as i32,
            slope: gain(slope),
            ..line
        })
    }
}

/// A slope that stays within gains of 1/16 to 4.
fn gain(slope: i64) -> i32 {
    slope.clamp(GAIN_LEAST, 0x3_0000) as i32
}

/// Change of a cell as a function of its background: `change + (value - from) * slope / 2^16`.
#[derive(Clone, Copy)]
struct Line {
    from: i32,
    /// How far the samples lie from `from`, as their quartiles have it.
    reach: i32,
    change: i32,
    slope: i32,
}

impl Line {
    fn at(self, value: i32) -> i32 {
        self.change + ((i64::from(value - self.from) * i64::from(self.slope)) >> 16) as i32
    }
}
