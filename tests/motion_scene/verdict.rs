//! Who walks, and what is expected of the detector then.

use std::ops::Range;

use lookout::motion::Motion;
use lookout::motion::settings::Settings;

use super::Look;
use super::Random;
use super::Thing;
use super::moving;
use super::person;
use super::watch;

pub(crate) const SMALL: (usize, usize) = (320, 240);

/// A person who comes in from the left at frame `from`, and goes out on the right.
pub(crate) fn walk(n: u64, from: u64, height: f32, level: f32) -> Vec<Thing> {
    let x = -0.1 + n.saturating_sub(from) as f32 * 0.02;
    if n < from || x > 1.2 {
        Vec::new()
    } else {
        vec![person(x, 0.8, height, level)]
    }
}

/// Asserts that there is motion in `seen` first within a few frames, throughout or not, and never outside.
#[track_caller]
pub(crate) fn check(said: &[Motion], seen: Range<usize>) {
    let frames = moving(said);
    let outside: Vec<_> = frames.iter().filter(|n| !seen.contains(n)).collect();
    assert!(outside.is_empty(), "motion in {outside:?}, where only {seen:?} has any");
    if !seen.is_empty() {
        let first = *frames.first().expect("some motion");
        assert!(first <= seen.start + 7, "first seen in frame {first} of {seen:?}");
        assert!(frames.len() * 3 >= seen.len(), "seen only in {frames:?} of {seen:?}");
    }
}

/// Asserts that `look` is quiet for `frames` frames at two sizes.
#[track_caller]
pub(crate) fn check_quiet(frames: u64, mut look: impl FnMut(u64, &mut Random) -> Look) {
    check(&watch(&Settings::default(), SMALL, 11, frames, &mut look), 0..0);
    check(&watch(&Settings::default(), (640, 480), 12, frames.min(120), &mut look), 0..0);
}
