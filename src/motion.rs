//! Pixels to [`Motion`]: what the detector says of one frame. Pure: no clock, no I/O. The passes are in `motion/`,
//! what becomes of motion over time in `event/`.
//!
//! A frame goes through them in this order; everything after the first works on the grid alone, in fixed point:
//!
//! 1. `cells`: luma to the mean of each 8x8 block, for compressed frames straight from their DC coefficients (`dc`), for odd ones
//!    by a decode (`jpeg`); what a mask covers becomes 0.
//! 2. `tamper`: is it a picture of the scene at all, and is it a new one? A repeated picture ends here.
//! 3. `background`: which cells differ from what is usual there, by what each one's own variation makes likely?
//! 4. `light` and `sway`, when many do: what of it do a change of gain and offset, and a push to the camera, explain?
//! 5. Most of the picture still differs, and not as a cloud or a lamp would have it: the scene changed, and is learned anew.
//! 6. `regions`: cells that differ to connected regions; `structure`: which of these are light or the trace of what
//!    left; which moved in N of the last M frames and with enough evidence in sum, where they are
//!    now; which came to rest. `clutter` raises the bar while rain, snow or leaves stir. What is too small and faint for all
//!    that is followed from frame to frame (`regions/specks`), and counts once it went its way where next to nothing else stirs.
//! 7. `background` learns from the cells that no region claims.

pub mod settings;
pub mod detector;
pub mod cells;
pub mod jpeg;
mod dc;
mod ticker;
mod zones;
mod light;
mod sway;
mod background;
mod structure;
mod rules;
mod clutter;
mod regions;
mod tamper;

pub use detector::Cells;
pub use detector::Detector;
pub use detector::FrameFault;

use heapless::Vec;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::limits::REGIONS_MAX;
use crate::limits::ZONES_MAX;

/// Strength of motion, 0 to 1000 (shown as 0 to 1 with three decimals). 500 is the decision threshold at the
/// configured sensitivity and minimum size: motion that is just enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(pub u16);

impl Score {
    /// About what this would be at sensitivity `now`, found at sensitivity `then` (1 to 10): evidence is counted in thresholds, and each
    /// step of the sensitivity divides these by 1.25.
    pub fn by_sensitivity(self, then: u8, now: u8) -> Score {
        if then == now {
            return self;
        }
        let evidence = f64::from(self.0) * 1.25_f64.powi(i32::from(now) - i32::from(then));
        Score((1000.0 * evidence / (evidence + f64::from(1000_u16.saturating_sub(self.0))).max(1.0)).round() as u16)
    }
}

impl Serialize for Score {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Score, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Ok(Score((value.clamp(0.0, 1.0) * 1000.0).round() as u16))
    }
}

/// Units of a whole picture side in a [`Rect`].
pub const RECT_UNIT: u16 = 10_000;

/// A rectangle in parts of the picture: 0 to [`RECT_UNIT`] across and down, origin top left; shown as 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: u16,
    /// Top edge.
    pub y: u16,
    /// Width; `x + width <= RECT_UNIT`.
    pub width: u16,
    /// Height; `y + height <= RECT_UNIT`.
    pub height: u16,
}

impl Rect {
    /// Area, in square units of the picture.
    pub const fn area(self) -> u32 {
        self.width as u32 * self.height as u32
    }
    /// Intersection with `other` over the smaller area of the two, 0 to 1000 (overlap coefficient of Szymkiewicz and Simpson):
    /// someone's box is small beside the path on which they came.
    pub fn overlap_permille(self, other: Rect) -> u16 {
        let across = (self.x + self.width).min(other.x + other.width).saturating_sub(self.x.max(other.x));
        let down = (self.y + self.height)
            .min(other.y + other.height)
            .saturating_sub(self.y.max(other.y));
        let both = u64::from(across) * u64::from(down);
        let smaller = u64::from(self.area().min(other.area()));
        (both * 1000).checked_div(smaller).unwrap_or(0) as u16
    }
    /// The smallest rectangle that holds both.
    pub fn hull(self, other: Rect) -> Rect {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Rect {
            x,
            y,
            width: right - x,
            height: bottom - y,
        }
    }
}

/// A rectangle as JSON has it: fractions of the picture.
#[derive(Serialize, Deserialize)]
struct RectFractions {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Serialize for Rect {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |v: u16| f64::from(v) / f64::from(RECT_UNIT);
        RectFractions {
            x: part(self.x),
            y: part(self.y),
            width: part(self.width),
            height: part(self.height),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rect {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Rect, D::Error> {
        let f = RectFractions::deserialize(deserializer)?;
        let unit = |v: f64| (v.clamp(0.0, 1.0) * f64::from(RECT_UNIT)).round() as u16;
        let (x, y) = (unit(f.x), unit(f.y));
        Ok(Rect {
            x,
            y,
            width: unit(f.width).min(RECT_UNIT - x),
            height: unit(f.height).min(RECT_UNIT - y),
        })
    }
}

/// Which zones something touches: bit `n` is zone `n` in the order of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZoneSet(pub u16);

impl ZoneSet {
    /// No zone.
    pub const EMPTY: ZoneSet = ZoneSet(0);
    /// Adds zone `index`; `index < ZONES_MAX`.
    pub fn insert(&mut self, index: usize) {
        debug_assert!(index < ZONES_MAX);
        self.0 |= 1 << index;
    }
    /// Zones of either.
    pub const fn union(self, other: ZoneSet) -> ZoneSet {
        ZoneSet(self.0 | other.0)
    }
    /// True when it holds none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// Indices held, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..ZONES_MAX).filter(move |n| self.0 & (1 << n) != 0)
    }
}

/// A connected region of moving cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its bounding box.
    pub rect: Rect,
    /// Zones that its cells touch; empty when no zones are configured or it lies outside them all.
    pub zones: ZoneSet,
    /// Its own strength.
    pub score: Score,
}

impl Region {
    /// Inserts it into `regions`, which stand in the order of strength; the weakest falls out when there is no room.
    fn keep_among(self, regions: &mut Vec<Region, REGIONS_MAX>) {
        let place = regions.iter().position(|other| other.score < self.score).unwrap_or(regions.len());
        if regions.is_full() && place < regions.len() {
            regions.pop();
        }
        // Only a full list refuses, and then this is the weakest of all.
        let _ = regions.insert(place, self);
    }
}

/// What the detector makes of the picture as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MotionState {
    /// Learning the background (at start and after a scene change): nothing is reported.
    #[default]
    WarmUp,
    /// Nothing moves that counts.
    Still,
    /// Something moves, not yet in enough frames.
    Candidate,
    /// Motion, in N of the last M frames.
    Moving,
    /// The whole picture changed at once (light switched, camera moved): being learned anew, nothing is reported.
    SceneChange,
}

/// What is wrong with the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tamper {
    /// Something is right before the lens, or it is dark beyond use: no texture is left.
    Covered,
    /// The camera was turned: the picture has texture, and it is another.
    Moved,
    /// Exactly the same picture again and again: sensors have noise, so the camera hangs.
    Frozen,
}

/// What the detector says of one frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Motion {
    /// The picture as a whole.
    pub state: MotionState,
    /// What is wrong with it, if anything; stays until it is over.
    pub tamper: Option<Tamper>,
    /// Strength of the strongest region that counts; also below the threshold, for tuning.
    pub score: Score,
    /// Moving regions that count (large enough, in a zone, not masked), strongest first.
    pub regions: Vec<Region, REGIONS_MAX>,
    /// Zones touched by `regions`.
    pub zones: ZoneSet,
    /// Part of the looked-at picture that moves, in thousandths.
    pub area_permille: u16,
}
