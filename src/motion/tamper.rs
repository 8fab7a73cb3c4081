//! What is wrong with the picture as a whole: covered, another view, the same picture again and again.

use super::Tamper;
use super::cells::Grid;
use super::cells::LEVEL;
use super::zones::Plan;
use crate::clock::Mono;

/// Texture below this, in 256ths of a level from cell to cell, is none.
const TEXTURE_MIN: u32 = 128;
/// Covered while texture is less than this part of what it usually is ...
const TEXTURE_LOST_PART: u32 = 6;
/// ... and no longer from this part on.
const TEXTURE_BACK_PART: u32 = 3;
/// One row in so many is looked at for texture.
const TEXTURE_ROWS: usize = 4;
/// How long texture must be gone until the picture is called covered, in milliseconds.
const COVERED_MS: u64 = 2000;
/// How long a new view is reported before it is taken for the usual one, in milliseconds.
const MOVED_MS: u64 = 30_000;

/// Watches for tampering.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    frozen_ms: u64,
    /// Usual texture.
    texture: u32,
    /// Since when texture is gone.
    bare_since: Option<Mono>,
    covered: bool,
    moved_until: Option<Mono>,
    /// When the picture last changed.
    changed: Option<Mono>,
}

impl Watch {
    pub(crate) fn new(frozen_ms: u64) -> Watch {
        Watch {
            frozen_ms,
            ..Watch::default()
        }
    }

    /// Takes so long for frozen from here on.
    pub(crate) fn retune(&mut self, frozen_ms: u64) {
        self.frozen_ms = frozen_ms;
    }

    /// Forgets what was seen.
    pub(crate) fn reset(&mut self) {
        *self = Watch::new(self.frozen_ms);
    }

    /// Notes a picture that differs from the one before.
    pub(crate) fn note(&mut self, at: Mono, cells: &[u16], grid: Grid, plan: &Plan) {
        self.changed = Some(at);
        let texture = texture(cells, grid, &plan.keep);
        let bare = texture < TEXTURE_MIN || texture < self.texture / TEXTURE_LOST_PART;
        if bare {
            let since = *self.bare_since.get_or_insert(at);
            self.covered |= at.since(since).as_millis() as u64 >= COVERED_MS;
        } else {
            self.bare_since = None;
            self.covered &= texture < self.texture / TEXTURE_BACK_PART;
            self.texture = if self.texture == 0 {
                texture
            } else {
                (self.texture * 127 + texture) / 128
            };
        }
    }

    /// Notes that the scene changed from `before` to `now` at once, and for good.
    pub(crate) fn note_scene(&mut self, at: Mono, now: &[u16], before: &[u16]) {
        if !alike(now, before) {
            self.moved_until = Some(at + std::time::Duration::from_millis(MOVED_MS));
        }
    }

    /// For how long the picture has been the same at `at`, in milliseconds.
    pub(crate) fn same_ms(&self, at: Mono) -> u64 {
        self.changed.map_or(0, |changed| at.since(changed).as_millis() as u64)
    }

    /// What is wrong at `at`.
    pub(crate) fn verdict(&self, at: Mono) -> Option<Tamper> {
        if self.frozen_ms > 0 && self.same_ms(at) >= self.frozen_ms {
            Some(Tamper::Frozen)
        } else if self.covered {
            Some(Tamper::Covered)
        } else {
            self.moved_until.filter(|until| at < *until).map(|_| Tamper::Moved)
        }
    }
}

/// Mean difference between neighbours in a row, where neither is masked, in 256ths of a level. One row in [`TEXTURE_ROWS`] tells: what
/// covers the lens covers it too.
fn texture(cells: &[u16], grid: Grid, keep: &[u16]) -> u32 {
    let (mut sum, mut looked_at) = (0u32, 0);
    let rows = cells.chunks_exact(grid.columns).zip(keep.chunks_exact(grid.columns));
    for (row, keep) in rows.step_by(TEXTURE_ROWS) {
        let pairs = row.iter().zip(&row[1..]).zip(keep.iter().zip(&keep[1..]));
        sum += pairs
            .map(|((a, b), (keep_a, keep_b))| u32::from(a.abs_diff(*b) & keep_a & keep_b))
            .sum::<u32>();
        looked_at += row.len();
    }
    (u64::from(sum) * u64::from(LEVEL) / looked_at.max(1) as u64) as u32
}

/// Whether two pictures (each in its own unit) show the same view: their correlation is at least 0.6, or one of them
/// shows nothing.
fn alike(a: &[u16], b: &[u16]) -> bool {
    let n = a.len() as i64;
    let sum = |values: &[u16]| values.iter().map(|value| i64::from(*value)).sum::<i64>();
    let product = |a: &[u16], b: &[u16]| a.iter().zip(b).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum::<i64>();
    let covariance = |a: &[u16], b: &[u16]| (product(a, b) - sum(a) * sum(b) / n) / n;
    let (own, other, both) = (covariance(a, a), covariance(b, b), covariance(a, b));
    let bare = own < i64::from(LEVEL * 4).pow(2) || other < i64::from(LEVEL * 4).pow(2) * 256;
    bare || (both > 0 && i128::from(both).pow(2) * 100 >= i128::from(own) * i128::from(other) * 36)
}
