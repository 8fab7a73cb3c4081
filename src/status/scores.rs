//! The last hour, second by second: how strong motion was, and whether the PIR sensor saw something. What another setting would
//! have made of that hour follows from it.

use crate::clock::Mono;
use crate::limits::SCORES_SECONDS_MAX;
use crate::motion::Score;

/// Least score of motion that counts.
const ENOUGH: Score = Score(500);

/// What there was to see in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Strength of the strongest motion. What was strong enough and yet no motion (light, one picture's flicker) is left out.
    pub score: Score,
    /// Whether the PIR sensor saw something.
    pub pir: bool,
}

/// Seconds of the last hour. Full: the oldest goes.
#[derive(Debug)]
pub struct Scores {
    /// The second that was noted first and the newest one, as whole seconds of the monotonic clock.
    span: Option<(u64, u64)>,
    /// The place of a second is its number modulo the length.
    ring: [Packed; SCORES_SECONDS_MAX],
}

/// A second in 16 bits: score (10), sensor (1), the sensitivity by which the score was found (4; 0: nothing is known).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Packed(u16);

const _: () = assert!(size_of::<Packed>() == 2);

impl Default for Scores {
    fn default() -> Scores {
        Scores {
            span: None,
            ring: [Packed::default(); SCORES_SECONDS_MAX],
        }
    }
}

impl Scores {
    /// Notes what one picture showed: its `score` by this `sensitivity` (1 to 10), whether that was `moving` by all the other rules,
    /// and what the sensor says.
    pub fn note(&mut self, at: Mono, score: Score, moving: bool, pir: bool, sensitivity: u8) {
        let second = number(at);
        let (first, newest) = self.span.unwrap_or((second, second));
        if second < newest {
            return;
        }
        let unseen = (newest + 1..=second).rev().take(SCORES_SECONDS_MAX);
        unseen.for_each(|unseen| self.ring[place(unseen)] = Packed::default());
        self.span = Some((first, second));
        let score = if moving || score < ENOUGH { score } else { Score(0) };
        let known = &mut self.ring[place(second)];
        let before = known.at(sensitivity).unwrap_or_default();
        *known = Packed::of(score.max(before.score), pir || before.pir, sensitivity);
    }

    /// The seconds up to `now`, oldest first, from the first of which something is known; scores as they would be by this
    /// `sensitivity`. `None`: nothing is known of that second.
    pub fn up_to(&self, now: Mono, sensitivity: u8) -> impl Iterator<Item = Option<Second>> + '_ {
        let (first, newest) = self.span.unwrap_or((u64::MAX, 0));
        let now = number(now).max(newest);
        let oldest = first.max((now + 1).saturating_sub(SCORES_SECONDS_MAX as u64));
        (oldest..=now).map(move |second| self.ring[place(second)].at(sensitivity).filter(|_| second <= newest))
    }

    /// Bytes of the ring, taken whether it is full or not.
    pub const fn footprint() -> usize {
        size_of::<Scores>()
    }
}

impl Packed {
    fn of(score: Score, pir: bool, sensitivity: u8) -> Packed {
        Packed(score.0.min(1000) | u16::from(pir) << 10 | u16::from(sensitivity.clamp(1, 10)) << 11)
    }

    /// The second, its score by this `sensitivity`; `None` when nothing is known of it.
    fn at(self, sensitivity: u8) -> Option<Second> {
        let then = (self.0 >> 11) as u8;
        (then != 0).then(|| Second {
            score: Score(self.0 & 0x3ff).by_sensitivity(then, sensitivity),
            pir: self.0 & 1 << 10 != 0,
        })
    }
}

fn number(at: Mono) -> u64 {
    at.since(Mono::default()).as_secs()
}

fn place(second: u64) -> usize {
    (second % SCORES_SECONDS_MAX as u64) as usize
}
