//! A person: where a visit has one at a time, and how it is drawn. Lengths within a body are in parts of its height.

use serde::Serialize;

use crate::source::scene::noise::hash;
use crate::source::scene::noise::unit;
use crate::source::scene::script::Walk;
use crate::source::scene::wave::sin;

/// A rectangle in pixels, within the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PixelBox {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width, at least 1.
    pub width: u32,
    /// Height, at least 1.
    pub height: u32,
}

/// Farthest that feet and hands swing to a side.
const REACH: f32 = 0.17;
/// Of what is not spent standing, this part is spent coming.
const COMING: f32 = 0.5;

impl Walk {
    /// As the seed will have it.
    pub(crate) fn random(seed: u64, visit: u64, round: u64) -> Walk {
        let part = |n: u64| unit(hash(seed ^ 0x7761_6c6b, visit * 8 + n, round));
        // Dark on light or light on dark: a jacket like the background would be a visitor that nobody can see.
        let jacket = if part(4) < 0.6 {
            28.0 + 24.0 * part(5)
        } else {
            196.0 + 24.0 * part(5)
        };
        Walk {
            from_left: part(0) < 0.5,
            crosses: part(1) < 0.7,
            stop: 0.3 + 0.4 * part(2),
            depth: part(3),
            tones: (jacket as u8, (36.0 + 50.0 * part(6)) as u8),
            pause: 0.16,
        }
    }
}

/// A person at one moment, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    /// Middle of the body.
    x: f32,
    feet: f32,
    height: f32,
    /// Swing of legs and arms, -1 to 1.
    swing: f32,
    tones: (u8, u8),
}

impl Pose {
    /// At `part` (0 to 1) of a visit of `seconds`, in a picture of that size.
    pub(crate) fn new(walk: &Walk, part: f32, seconds: f32, (width, height): (f32, f32)) -> Pose {
        let tall = height * (0.28 + 0.26 * walk.depth);
        let out = tall * REACH;
        let near = if walk.from_left { -out } else { width + out };
        let far = if walk.from_left == walk.crosses { width + out } else { -out };
        let stop = walk.stop * width;
        let coming = (1.0 - walk.pause.clamp(0.0, 0.9)) * COMING;
        let going = 1.0 - coming;
        let (x, walking) = if part < coming {
            (near + (stop - near) * part / coming, true)
        } else if part < going {
            (stop, false)
        } else {
            (stop + (far - stop) * (part - going) / coming, true)
        };
        let pace = std::f32::consts::TAU * 0.9 * part * seconds;
        let bob = if walking { sin(pace).abs() * 0.012 * tall } else { 0.0 };
        Pose {
            x,
            feet: height * (0.60 + 0.34 * walk.depth) - bob,
            height: tall,
            swing: if walking { sin(pace) } else { 0.08 * sin(pace * 0.5) },
            tones: walk.tones,
        }
    }

    /// What of the picture it covers; `None` while it is outside.
    pub(crate) fn pixel_box(&self, (width, height): (u32, u32)) -> Option<PixelBox> {
        let reach = self.height * REACH;
        let clip = |v: f32, most: u32| v.round().clamp(0.0, most as f32) as u32;
        let (left, right) = (clip(self.x - reach, width), clip(self.x + reach, width));
        let (top, bottom) = (clip(self.feet - self.height, height), clip(self.feet + 1.0, height));
        (left < right && top < bottom).then_some(PixelBox {
            x: left,
            y: top,
            width: right - left,
            height: bottom - top,
        })
    }

    /// Draws it, its shadow first; `light` is what becomes of each grey level.
    pub(crate) fn draw(&self, luma: &mut [u8], (width, height): (u32, u32), light: &[u8; 256]) {
        self.shadow(luma, (width, height));
        let Some(area) = self.pixel_box((width, height)) else { return };
        for y in area.y..area.y + area.height {
            let row = &mut luma[(y * width) as usize..][..width as usize];
            let v = (self.feet - y as f32) / self.height;
            for x in area.x..area.x + area.width {
                let u = (x as f32 - self.x) / self.height;
                if let Some(tone) = self.tone(u, v) {
                    row[x as usize] = light[tone as usize];
                }
            }
        }
    }

    /// The ground is darker around the feet.
    fn shadow(&self, luma: &mut [u8], (width, height): (u32, u32)) {
        let (across, down) = (self.height * 0.2, self.height * 0.035);
        let clip = |v: f32, most: u32| v.clamp(0.0, most as f32) as u32;
        for y in clip(self.feet - down, height)..clip(self.feet + down, height) {
            let off = (y as f32 - self.feet) / down;
            let half = across * (1.0 - off * off).max(0.0).sqrt();
            let (left, right) = (clip(self.x - half, width), clip(self.x + half, width));
            let row = &mut luma[(y * width) as usize..][left as usize..right as usize];
            row.iter_mut().for_each(|p| *p = (u16::from(*p) * 11 / 16) as u8);
        }
    }

    /// Grey level at `u` right of the middle and `v` above the feet; `None` beside the body.
    fn tone(&self, u: f32, v: f32) -> Option<u8> {
        let (jacket, trousers) = self.tones;
        let lit = (16.0 * (0.1 - u)) as i16; // from the left
        let weave = |tone: u8, x: f32, y: f32| {
            let fold = ((x * 70.0) as i32 ^ (y * 45.0) as i32) & 3;
            (i16::from(tone) + lit + 4 * fold as i16 - 6).clamp(0, 255) as u8
        };
        if ellipse(u, v - 0.925, 0.055, 0.072) {
            let hair = v > 0.955 || u.abs() > 0.045;
            return Some(if hair { 44 } else { (168 + lit) as u8 });
        }
        if ellipse(u, v - 0.665, 0.105 + 0.02 * (0.8 - v).max(0.0), 0.205) {
            return Some(weave(jacket, u, v));
        }
        let hand = 0.15 * self.swing;
        if limb(u, v, (0.02, 0.80), (hand, 0.47), 0.030) || limb(u, v, (-0.02, 0.80), (-hand, 0.47), 0.030) {
            return Some(if v < 0.50 { 160 } else { weave(jacket.saturating_sub(14), u, v) });
        }
        let foot = 0.13 * self.swing;
        if limb(u, v, (0.025, 0.50), (foot, 0.03), 0.043) || limb(u, v, (-0.025, 0.50), (-foot, 0.03), 0.043) {
            return Some(if v < 0.05 { 24 } else { weave(trousers, u, v) });
        }
        None
    }
}

fn ellipse(x: f32, y: f32, across: f32, down: f32) -> bool {
    let (x, y) = (x / across, y / down);
    x * x + y * y < 1.0
}

/// Within `radius` of the line from `a` down to `b`.
fn limb(x: f32, y: f32, a: (f32, f32), b: (f32, f32), radius: f32) -> bool {
    if y > a.1 + radius || y < b.1 - radius {
        return false;
    }
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let along = (((x - a.0) * dx + (y - a.1) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    let (ex, ey) = (x - a.0 - along * dx, y - a.1 - along * dy);
    ex * ex + ey * ey < radius * radius
}
