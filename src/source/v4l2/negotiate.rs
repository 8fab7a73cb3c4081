//! Which of a camera's layouts and sizes to take: pure, over what the driver lists; the calls are in `device.rs`.

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use crate::frame::PixelFormat;

/// A picture size, or many, that a driver lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Width and height, in pixels.
    Exactly(u32, u32),
    /// Smallest, largest and step of each, in pixels.
    Range {
        /// Of the width.
        width: (u32, u32, u32),
        /// Of the height.
        height: (u32, u32, u32),
    },
}

impl Size {
    /// The largest such size that is neither wider nor higher than asked for, if there is one.
    pub fn within(self, width: u32, height: u32) -> Option<(u32, u32)> {
        match self {
            Size::Exactly(w, h) => (w <= width && h <= height).then_some((w, h)),
            Size::Range { width: w, height: h } => Some((largest_step(w, width)?, largest_step(h, height)?)),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Exactly(width, height) => write!(f, "{width}x{height}"),
            Size::Range { width, height } => write!(f, "{}x{} to {}x{}", width.0, height.0, width.1, height.1),
        }
    }
}

/// Largest of `min`, `min + step`, ... `max` that is at most `limit`.
fn largest_step((min, max, step): (u32, u32, u32), limit: u32) -> Option<u32> {
    let room = limit.min(max).checked_sub(min)?;
    Some(min + room - room % step.max(1))
}

/// Something that a camera can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Layout.
    pub pixel: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Shortest time between frames; `None` when the driver does not say.
    pub fastest: Option<Duration>,
}

/// The best of `offers` for one frame every `interval`, in this order of importance:
///
/// 1. the largest picture (all are within what was asked for);
/// 2. the rate asked for is reached: over USB 2 raw 720p comes at a few frames per second, MJPEG at thirty;
/// 3. where it is: the layout whose luma costs least, in the order of [`PixelFormat::ALL`]; else the fastest.
///
/// A driver that lists no rates is believed to reach the one asked for.
pub fn choose(offers: &[Offer], interval: Duration) -> Option<Offer> {
    let tolerated = interval + interval / 100; // 29.97 for 30
    let merit = |offer: &&Offer| {
        let area = u64::from(offer.width) * u64::from(offer.height);
        let fastest = offer.fastest.unwrap_or(interval);
        let shortfall = if fastest <= tolerated { Duration::ZERO } else { fastest };
        let place = PixelFormat::ALL.iter().position(|pixel| *pixel == offer.pixel);
        (area, Reverse(shortfall), Reverse(place))
    };
    offers.iter().max_by_key(merit).copied()
}
