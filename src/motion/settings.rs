//! What a user may set of the detector: few keys, everything else adapts to the picture.

use std::time::Duration;

use heapless::String;
use heapless::Vec;

use crate::limits::MASKS_MAX;
use crate::limits::NAME_BYTES_MAX;
use crate::limits::POLYGON_POINTS_MAX;
use crate::limits::ZONES_MAX;

/// A polygon in parts of the picture: corners `(x, y)`, each 0 to 1, origin top left; at least three, and as many as `config`
/// takes ([`POLYGON_POINTS_MAX`]). On the heap: most cameras have none, and settings are handed about.
pub type Polygon = std::vec::Vec<(f32, f32)>;

/// A part of the picture with a name of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its name, unique among the camera's zones.
    pub name: String<NAME_BYTES_MAX>,
    /// Its outline.
    pub polygon: Polygon,
    /// Sensitivity in this zone, 1 to 10; `None`: the camera's.
    pub sensitivity: Option<u8>,
}

/// What a user may set of the detector.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// 1 (only strong contrasts) to 10 (the faintest); 5 by default.
    pub sensitivity: u8,
    /// Smallest thing that counts, as a part of the picture's height (0.02: 2 %).
    pub object_size_min: f32,
    /// Motion counts once it was seen in this many frames ...
    pub confirm_frames: u8,
    /// ... of the last so many; at most 16.
    pub confirm_window: u8,
    /// Time in which the background is learned before anything is reported, however fast frames come.
    pub warm_up: Duration,
    /// Time without any change of the picture after which it is called frozen, in milliseconds; 0: never.
    pub frozen_ms: u64,
    /// Frames a second that are looked at while nothing moves; 0: all of them. Whoever feeds the detector sees to it.
    pub idle_fps: u8,
    /// With zones, only motion that touches one counts; without, the whole picture does.
    pub zones: Vec<Zone, ZONES_MAX>,
    /// Parts that are never looked at.
    pub masks: Vec<Polygon, MASKS_MAX>,
}

impl Settings {
    /// Most bytes that settings hold beside themselves: their corners.
    pub const fn footprint() -> usize {
        (ZONES_MAX + MASKS_MAX) * POLYGON_POINTS_MAX * size_of::<(f32, f32)>()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sensitivity: 5,
            object_size_min: 0.02,
            confirm_frames: 2,
            confirm_window: 3,
            warm_up: Duration::from_millis(1500),
            frozen_ms: 10_000,
            idle_fps: 0,
            zones: Vec::new(),
            masks: Vec::new(),
        }
    }
}
