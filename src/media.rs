//! Pictures for people: the live view, and a snapshot and a clip of every event. Deciding what is an event is `event/`'s, serving
//! pictures `web/`'s, and which are kept for how long `store/`'s.
//!
//! The [`Shutter`] stands in the pipeline and gives a picture away by one copy, only when someone wants it, into memory that is
//! there; the [`Studio`] has a thread of its own, of low priority, where JPEG is made once for all and files are written. The
//! [`Desk`] lies between them, the viewers and the recorder. A picture that finds the desk taken is left out, and counted.

mod desk;
mod reel;
mod seat;
mod shutter;
mod studio;
mod take;

pub use desk::Counters;
pub use desk::Desk;
pub use reel::Index;
pub use reel::Reel;
pub use reel::ReelError;
pub use reel::Shot;
pub use seat::Seat;
pub use shutter::Shutter;
pub use studio::Studio;

use std::time::Duration;

use bytes::Bytes;

use crate::clock::Mono;
use crate::encoder;
use crate::encoder::camera_bytes_max;
use crate::encoder::encoded_bytes_max;
use crate::limits::CLIP_FRAMES_MAX;
use crate::limits::TAKES_MAX;
use crate::limits::THREAD_STACK_BYTES;
use crate::motion::Score;

/// What a user may set of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether events get a picture of their best moment.
    pub snapshots: bool,
    /// Whether events get a clip.
    pub clips: bool,
    /// Pictures of a clip per second.
    pub clip_fps: u32,
    /// How much of what came before an event its clip shows, as far as `ring_bytes` reach.
    pub pre_roll: Duration,
    /// How much of what came after an event its clip shows.
    pub post_roll: Duration,
    /// Most bytes of pictures that wait for an event to begin. Full: the oldest goes.
    pub ring_bytes: usize,
    /// Longest clip, in bytes. Longer: it ends there.
    pub clip_bytes_max: u64,
    /// JPEG quality of pictures of raw cameras, 1 to 100; less where a picture would be too long.
    pub quality: u8,
    /// Most viewers of the live picture at once. Full: another one is refused.
    pub viewers_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            snapshots: true,
            clips: true,
            clip_fps: 4,
            pre_roll: Duration::from_secs(2),
            post_roll: Duration::from_secs(2),
            ring_bytes: 256 * 1024,
            clip_bytes_max: 16 * 1024 * 1024,
            quality: 75,
            viewers_max: 4,
        }
    }
}

/// A picture as JPEG, shared by all who have it.
#[derive(Clone, Debug)]
pub struct Picture {
    /// One JPEG, with all its tables.
    pub jpeg: Bytes,
    /// Pixels a row, and rows.
    pub size: (u32, u32),
    /// Number of its frame.
    pub number: u64,
    /// When it was taken.
    pub captured: Mono,
    /// Strongest motion in it.
    pub score: Score,
}

/// Most bytes that pictures of this size take: what lies on the desk, what is being made of it, what events and viewers hold,
/// the ring, the thread. The dearer of a raw camera and one that makes JPEG.
pub fn footprint(settings: &Settings, width: u32, height: u32) -> usize {
    let pixels = width as usize * height as usize;
    // One being made, the newest, the best of each event, and one for each viewer, who may be behind.
    let held = 1 + 1 + TAKES_MAX + 1 + settings.viewers_max;
    let raw = 2 * pixels + encoder::footprint(width) + held * encoded_bytes_max(width, height);
    let jpeg = (1 + held) * camera_bytes_max(width, height);
    let takes = TAKES_MAX * CLIP_FRAMES_MAX * size_of::<Shot>() + CLIP_FRAMES_MAX * reel::INDEX_BYTES_PER_FRAME;
    raw.max(jpeg) + settings.ring_bytes + takes + THREAD_STACK_BYTES
}
