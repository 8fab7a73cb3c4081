//! Rendered pictures for the detector's tests: a textured room or garden, light, noise, weather and things, all by seed.
#![allow(dead_code)] // each test binary uses its part

pub(crate) mod held;
pub(crate) mod jpeg;
pub(crate) mod verdict;

use std::time::Duration;

use lookout::clock::Mono;
use lookout::frame::Frame;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::motion::Detector;
use lookout::motion::Motion;
use lookout::motion::MotionState;
use lookout::motion::settings::Settings;

/// Frames a second of every scene.
pub(crate) const FPS: u64 = 10;

/// A small generator of random numbers (splitmix64).
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// In 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// A thing in parts of the picture: centre, size, and how much brighter than what it hides (levels), with a pattern of its own.
#[derive(Clone, Copy)]
pub(crate) struct Thing {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) level: f32,
}

/// A thing of a person's shape, `height` of the picture high, its feet at `y`.
pub(crate) fn person(x: f32, feet: f32, height: f32, level: f32) -> Thing {
    Thing {
        x,
        y: feet - height / 2.0,
        width: height * 0.3,
        height,
        level,
    }
}

/// What a frame shows.
#[derive(Clone)]
pub(crate) struct Look {
    pub(crate) things: Vec<Thing>,
    pub(crate) gain: f32,
    pub(crate) offset: f32,
    /// Standard deviation of each pixel's noise, in levels.
    pub(crate) noise: f32,
    /// A lamp in the upper left whose light falls off: gain at its brightest, less 1.
    pub(crate) lamp: f32,
    /// Soft shadow of a cloud's edge, which has come so far across (0 to 1); the shadowed part has half the light.
    pub(crate) cloud: f32,
    /// A soft spot of light at (x, y), of this radius, and how much brighter it makes things at its middle.
    pub(crate) spot: Option<(f32, f32, f32, f32)>,
    /// Displacement of the whole picture in 640ths of its width.
    pub(crate) shake: (f32, f32),
    /// Displacement of the foliage (the right third) likewise.
    pub(crate) sway: f32,
    /// Rain streaks.
    pub(crate) rain: usize,
    /// Nothing but noise around this level.
    pub(crate) covered: Option<f32>,
    /// A wall of this level in place of the ground; things before it are as plain.
    pub(crate) wall: Option<f32>,
    /// Another view altogether.
    pub(crate) turned: bool,
}

impl Default for Look {
    fn default() -> Look {
        Look {
            things: Vec::new(),
            gain: 1.0,
            offset: 0.0,
            noise: 2.0,
            lamp: 0.0,
            cloud: 0.0,
            spot: None,
            shake: (0.0, 0.0),
            sway: 0.0,
            rain: 0,
            covered: None,
            wall: None,
            turned: false,
        }
    }
}

/// A renderer of one size.
pub(crate) struct Scene {
    pub(crate) width: usize,
    pub(crate) height: usize,
    seed: u32,
    noise: Vec<f32>,
    random: Random,
    pixels: Vec<u8>,
    /// The ground as last displaced, and how that was.
    ground: Vec<f32>,
    displaced: Option<(f32, f32, f32, bool)>,
}

impl Scene {
    pub(crate) fn new(width: usize, height: usize, seed: u64) -> Scene {
        let mut random = Random(seed);
        // Sums of twelve uniform numbers: normal enough.
        let noise = (0..1 << 16).map(|_| (0..12).map(|_| random.unit()).sum::<f32>() - 6.0).collect();
        Scene {
            width,
            height,
            seed: random.next() as u32,
            noise,
            random,
            pixels: vec![0; width * height],
            ground: vec![0.0; width * height],
            displaced: None,
        }
    }

    /// The pixels of `look`.
    pub(crate) fn render(&mut self, look: &Look) -> &[u8] {
        let (width, height) = (self.width, self.height);
        let scale = 640.0 / width as f32;
        self.displace(look);
        let mut at = self.random.next() as usize;
        for y in 0..height {
            let v = (y as f32 + 0.5) * scale;
            at = at.wrapping_add(self.random.next() as usize);
            for x in 0..width {
                let u = (x as f32 + 0.5) * scale;
                let light = self.light(look, u, v, self.ground[y * width + x]);
                let value = light + look.noise * self.noise[at.wrapping_add(x) & 0xffff];
                self.pixels[y * width + x] = value.round().clamp(0.0, 255.0) as u8;
            }
        }
        for _ in 0..look.rain {
            self.streak();
        }
        &self.pixels
    }

    /// What was rendered last.
    pub(crate) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Renders the ground, unless it is as it was.
    fn displace(&mut self, look: &Look) {
        let displaced = Some((look.shake.0, look.shake.1, look.sway, look.turned));
        if self.displaced == displaced {
            return;
        }
        self.displaced = displaced;
        let scale = 640.0 / self.width as f32;
        let view = self.seed.wrapping_add(u32::from(look.turned) * 77);
        for (y, row) in self.ground.chunks_exact_mut(self.width).enumerate() {
            for (x, ground_at) in row.iter_mut().enumerate() {
                let (u, v) = ((x as f32 + 0.5) * scale, (y as f32 + 0.5) * scale);
                let foliage = u / 640.0 > 0.66;
                let sway = if foliage {
                    look.sway * (1.0 + (v / 37.0 + u / 23.0).sin())
                } else {
                    0.0
                };
                *ground_at = ground(u + look.shake.0 + sway, v + look.shake.1, view, foliage);
            }
        }
    }

    /// Luma without noise at `(u, v)`, in 640ths of the width, before `ground`.
    fn light(&self, look: &Look, u: f32, v: f32, ground: f32) -> f32 {
        if let Some(level) = look.covered {
            return level;
        }
        let rows = 640.0 * self.height as f32 / self.width as f32;
        let (x, y) = (u / 640.0, v / rows);
        let thing = look.things.iter().rev().find(|thing| {
            let (dx, dy) = ((x - thing.x) / thing.width * 2.0, (y - thing.y) / thing.height * 2.0);
            dx.abs().powi(4) + dy.abs().powi(4) < 1.0
        });
        let surface = match (thing, look.wall) {
            (_, Some(wall)) => wall + thing.map_or(0.0, |thing| thing.level),
            (Some(thing), None) => {
                ground_mean(x) + thing.level + 10.0 * value_noise((u - thing.x * 640.0) / 9.0, (v - thing.y * rows) / 9.0, 5) - 5.0
            }
            (None, None) => ground,
        };
        let lamp = 1.0 + look.lamp / (1.0 + 4.0 * (x * x + y * y));
        let cloud = match look.cloud {
            0.0 => 1.0,
            across => 1.0 - 0.5 / (1.0 + ((x - across * 2.0 + 0.5) * 12.0).exp()),
        };
        let spot = 1.0
            + look.spot.map_or(0.0, |(sx, sy, radius, level)| {
                let far = ((x - sx).powi(2) + ((y - sy) * 0.75).powi(2)) / (radius * radius);
                level * (-far).exp()
            });
        surface * look.gain * lamp * cloud * spot + look.offset
    }

    fn streak(&mut self) {
        let (width, height) = (self.width, self.height);
        let (x, y) = (
            (self.random.unit() * width as f32) as usize,
            (self.random.unit() * height as f32) as usize,
        );
        for step in 0..height / 12 {
            let (x, y) = (x + step / 6, y + step);
            if x < width && y < height {
                let pixel = &mut self.pixels[y * width + x];
                *pixel = pixel.saturating_add(30);
            }
        }
    }
}

/// Mean luma of the ground at `x`.
fn ground_mean(x: f32) -> f32 {
    if x > 0.66 { 110.0 } else { 120.0 }
}

/// The ground: a wall with furniture, and foliage on the right.
fn ground(u: f32, v: f32, seed: u32, foliage: bool) -> f32 {
    if foliage {
        let fine = value_noise(u / 7.0, v / 7.0, seed) - 0.5;
        let coarse = value_noise(u / 30.0, v / 30.0, seed ^ 1) - 0.5;
        return 110.0 + 80.0 * fine + 40.0 * coarse;
    }
    let wall = 40.0 * (value_noise(u / 90.0, v / 90.0, seed) - 0.5) + 10.0 * (value_noise(u / 6.0, v / 6.0, seed ^ 2) - 0.5);
    let furniture = if value_noise((u / 64.0).floor(), (v / 48.0).floor(), seed ^ 3) > 0.8 {
        -45.0
    } else {
        0.0
    };
    120.0 + wall + furniture
}

/// Smooth random values in 0..1 on a lattice of whole numbers.
fn value_noise(x: f32, y: f32, seed: u32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = (x - x0, y - y0);
    let (fx, fy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let at = |dx: i32, dy: i32| {
        let mut h = seed ^ (x0 as i32 + dx).wrapping_mul(0x1657_4f2d) as u32 ^ (y0 as i32 + dy).wrapping_mul(0x2d4e_e1d7) as u32;
        h = (h ^ (h >> 15)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        (h >> 16) as f32 / 65536.0
    };
    let top = at(0, 0) + (at(1, 0) - at(0, 0)) * fx;
    let bottom = at(0, 1) + (at(1, 1) - at(0, 1)) * fx;
    top + (bottom - top) * fy
}

/// Frame `number` of `data` in `format`, at [`FPS`].
pub(crate) fn frame<'a>(pixel: PixelFormat, width: usize, height: usize, number: u64, data: &'a [u8]) -> Frame<'a> {
    Frame {
        format: FrameFormat::packed(pixel, width as u32, height as u32, Duration::from_millis(1000 / FPS)),
        number,
        captured: Mono::from_millis(number * 1000 / FPS),
        data,
    }
}

/// Runs `frames` frames of what `look` says of each through a detector; what it said of each.
pub(crate) fn watch(
    settings: &Settings,
    size: (usize, usize),
    seed: u64,
    frames: u64,
    mut look: impl FnMut(u64, &mut Random) -> Look,
) -> Vec<Motion> {
    let mut scene = Scene::new(size.0, size.1, seed);
    let mut random = Random(seed ^ 0xabcd);
    let mut detector = Detector::new(settings, size.0 as u32, size.1 as u32);
    (0..frames)
        .map(|number| {
            let pixels = scene.render(&look(number, &mut random));
            let frame = frame(PixelFormat::Grey, size.0, size.1, number, pixels);
            let motion = detector.observe(&frame).expect("a whole frame").clone();
            check_area(&motion, &detector, settings);
            motion
        })
        .collect()
}

/// Each cell that is told of counts once.
fn check_area(motion: &Motion, detector: &Detector, settings: &Settings) {
    let moving = detector.cells().moving;
    let cells = moving.iter().filter(|cell| **cell == 1).count();
    if settings.masks.is_empty() && motion.state != MotionState::WarmUp {
        assert_eq!(usize::from(motion.area_permille), cells * 1000 / moving.len(), "{motion:?}");
    }
}

/// Frames in which there was motion.
pub(crate) fn moving(said: &[Motion]) -> Vec<usize> {
    (0..said.len()).filter(|&n| said[n].state == MotionState::Moving).collect()
}
