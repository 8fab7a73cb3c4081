//! What noise makes of cells, by itself and in blocks of two by two: from which difference on it is not that, however faint.

use std::ops::Range;

use super::Background;
use super::LEVEL;
use super::Sway;

/// Noise hardly ever makes any cell differ by so many quarters of its mean deviation: 26 of them are 5.2 standard deviations of a normal
/// distribution ...
const NOISE_QUARTERS: u32 = 26;
/// ... or by so many more where there are so many cells that chance is a few times as often.
const NOISE_QUARTERS_OF_MANY: u32 = 1;
const MANY_CELLS: usize = 8192;
/// It seldom makes given cells differ by half so many: 9 halves are 3.6 standard deviations.
const FAINT_HALF_DEVIATIONS: u32 = 9;
/// It makes one block in hundreds differ by so many: 8 halves are 3.2 standard deviations.
const PLOT_HALF_DEVIATIONS: u32 = 8;
/// Learning rounds down, and so ends short of the mean deviation by half of what it divides by.
const ROUNDED_OFF: u16 = 8;
/// As a deviation is learned from few frames, no noise is less than the mean of so many cells on each side.
const AROUND: usize = 2;
/// A block is compared with as many cells on each side: light that drifts changes all of them.
const BESIDE: usize = 3;

/// Of a grid of more rows, a cell tells from noise whoever is of 2 % of the height: its blocks are not looked at.
const FAINT_ROWS_MAX: usize = 64;
/// Cells that are looked at together, and those of them where one is found.
const PART: usize = 256;
const FEW: usize = 16;

/// Two by two cells that differ faintly, as one, from what is around them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faint {
    /// Column and row of the first of them.
    pub(crate) place: (usize, usize),
    /// By how many halves of their mean deviation.
    pub(crate) strength: u32,
    /// Whether they are brighter than the background.
    pub(crate) brighter: bool,
}

impl Background {
    /// Whether blocks that differ faintly are found at all.
    pub(crate) fn finds_faint(&self) -> bool {
        self.grid.rows <= FAINT_ROWS_MAX
    }

    /// Whether light and camera are as they were, and a compressed picture is fine enough, so that what differs faintly is not theirs.
    pub(crate) fn is_steady(&self) -> bool {
        self.sway == Sway::default() && !self.in_doubt() && self.grain == 0
    }

    /// Whether one of `cells` differs as its own noise does not.
    pub(crate) fn is_beyond_noise(&self, now: &[u16], mut cells: Range<usize>) -> bool {
        let is_many = self.grid.len() > MANY_CELLS;
        let quarters = NOISE_QUARTERS + if is_many { NOISE_QUARTERS_OF_MANY } else { 0 };
        cells.any(|cell| u32::from(self.difference(now, cell).0) * 4 >= self.noise(cell) * quarters)
    }

    /// Mean deviation of a cell, as it is known from its own and its neighbours'.
    fn noise(&self, cell: usize) -> u32 {
        let place = (cell % self.grid.columns, cell / self.grid.columns);
        let (mut sum, mut cells) = (0, 0);
        for row in self.rows_around(place, (1, 1), AROUND) {
            sum += self.deviation[row.clone()]
                .iter()
                .map(|deviation| u32::from(*deviation))
                .sum::<u32>();
            cells += row.len() as u32;
        }
        u32::from(self.deviation[cell]).max(sum / cells) + u32::from(ROUNDED_OFF)
    }

    /// The cells of each row of an area of so many cells across and down from `place` on, with `beside` more on each side.
    fn rows_around(&self, place: (usize, usize), (across, down): (usize, usize), beside: usize) -> impl Iterator<Item = Range<usize>> {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let across = place.0.saturating_sub(beside)..(place.0 + across + beside).min(columns);
        let down = place.1.saturating_sub(beside)..(place.1 + down + beside).min(rows);
        down.map(move |row| row * columns + across.start..row * columns + across.end)
    }

    /// By how many halves of their mean deviation the two by two cells from `place` on differ as one, where that is more than noise mostly
    /// makes of given cells.
    pub(crate) fn faintness(&self, now: &[u16], place: (usize, usize)) -> Option<u32> {
        let (mut difference, mut deviation) = (0i32, 0u32);
        for cell in self.grid.block(place) {
            let expected = self.sway.on(&self.value, self.grid, cell).0;
            difference += i32::from(now[cell] * LEVEL) - i32::from(expected);
            deviation += u32::from(self.deviation[cell]);
        }
        let half_deviations = half_deviations(difference, deviation);
        (half_deviations >= FAINT_HALF_DEVIATIONS).then_some(half_deviations)
    }

    /// Gives the blocks that differ faintly to `each`, row by row, in a picture that does not sway.
    pub(crate) fn find_faint(&self, now: &[u16], mut each: impl FnMut(Faint)) {
        let (columns, end) = (self.grid.columns, self.grid.len().saturating_sub(self.grid.columns + 1));
        let mut sums = [0; PART + 1];
        for from in (0..end).step_by(PART) {
            let to = (from + PART).min(end);
            let (sums, limits) = (&mut sums[..=to - from], &self.faint_limit[from..to]);
            let rows = |of| pair_of_rows(of, from..to + 1, columns);
            add_changes(sums, rows(now), rows(&self.value));
            if !has_faint(sums, limits) {
                continue;
            }
            // Most of it has none.
            for few in (0..limits.len()).step_by(FEW).map(|few| few..(few + FEW).min(limits.len())) {
                if !has_faint(&sums[few.start..=few.end], &limits[few.clone()]) {
                    continue;
                }
                let cells = few.filter(|cell| beyond(sums[*cell], sums[cell + 1], limits[*cell]) != 0);
                let places = cells.map(|cell| ((from + cell) % columns, (from + cell) / columns));
                places.filter_map(|place| self.faint(now, place)).for_each(&mut each);
            }
        }
    }

    /// Sets from which difference on the blocks of a row may be faint: what one in some hundreds has by its noise.
    pub(super) fn set_faint_limits(&mut self, row: usize) {
        let (columns, from) = (self.grid.columns, row * self.grid.columns);
        if row + 1 == self.grid.rows || !self.finds_faint() {
            return;
        }
        let [deviation, below] = pair_of_rows(&self.deviation, from..from + columns, columns);
        for (step, (deviation, below)) in self.steps.iter_mut().zip(deviation.iter().zip(below)) {
            *step = deviation.saturating_add(*below);
        }
        let columns = self.steps.iter().zip(&self.steps[1..]);
        for (limit, (left, right)) in self.faint_limit[from..].iter_mut().zip(columns) {
            const _: () = assert!(PLOT_HALF_DEVIATIONS == 8, "twice the sum of four");
            let sum = left.saturating_add(*right).saturating_add(4 * ROUNDED_OFF);
            *limit = sum.saturating_add(sum);
        }
    }

    /// The block at `place` as far as it differs, by itself and from its surroundings, more than noise and what thresholds allow for.
    fn faint(&self, now: &[u16], place: (usize, usize)) -> Option<Faint> {
        let change = |cell: usize| i32::from(now[cell] * LEVEL) - i32::from(self.value[cell]);
        let (mut all, mut noise, mut cells) = (0i32, 0u32, 0i32);
        for row in self.rows_around(place, (2, 2), BESIDE) {
            cells += row.len() as i32;
            noise += self.deviation[row.clone()]
                .iter()
                .map(|deviation| u32::from(*deviation))
                .sum::<u32>();
            all += row.map(change).sum::<i32>();
        }
        let block = self.grid.block(place);
        let own: i32 = block.map(change).iter().sum();
        // Light that drifts is around it as well, but what is large and beside it says nothing of it.
        let apart = own - (all - own) * 4 / (cells - 4).max(1);
        let difference = if own > 0 { own.min(apart).max(0) } else { own.max(apart).min(0) };
        let deviation = block.map(|cell| u32::from(self.deviation[cell])).iter().sum::<u32>();
        let deviation = deviation.max(noise * 4 / cells as u32) + 4 * u32::from(ROUNDED_OFF);
        let threshold = block
            .map(|cell| u32::from(self.threshold[cell].saturating_add(self.margin())))
            .iter()
            .sum::<u32>();
        // What a threshold has beside noise is for what lamps, coding and wind do to it.
        let margin = threshold.saturating_sub(5 * deviation);
        let faint = Faint {
            place,
            strength: half_deviations(difference, deviation),
            brighter: difference > 0,
        };
        (faint.strength >= PLOT_HALF_DEVIATIONS && 2 * difference.unsigned_abs() >= margin).then_some(faint)
    }
}

/// A difference of the sum of four cells in halves of the mean deviation of such sums, by the sum of theirs: that of a sum of four is twice one's.
fn half_deviations(difference: i32, deviations: u32) -> u32 {
    difference.unsigned_abs() * 4 / deviations.max(1)
}

/// The change of each column of two rows; what wraps around is not faint.
fn add_changes(sums: &mut [u16], [now, below]: [&[u16]; 2], [value, value_below]: [&[u16]; 2]) {
    let cells = now.iter().zip(value).zip(below.iter().zip(value_below));
    for (sum, ((now, value), (below, value_below))) in sums.iter_mut().zip(cells) {
        let both = (now.wrapping_add(*below)).wrapping_mul(LEVEL);
        *sum = both.wrapping_sub(value.wrapping_add(*value_below));
    }
}

/// Whether a block of the row may differ faintly.
fn has_faint(sums: &[u16], limits: &[u16]) -> bool {
    let blocks = sums.iter().zip(&sums[1..]).zip(limits);
    blocks.fold(0, |any, ((left, right), limit)| any | beyond(*left, *right, *limit)) != 0
}

/// By how much more than its limit a block differs whose columns do by so much; in 16 bits, so that it vectorises.
#[inline(always)]
fn beyond(left: u16, right: u16, limit: u16) -> u16 {
    let difference = left.wrapping_add(right).cast_signed().unsigned_abs();
    difference.saturating_sub(limit)
}

/// `cells` of a grid of so many columns, and those below.
fn pair_of_rows(of: &[u16], cells: Range<usize>, columns: usize) -> [&[u16]; 2] {
    [&of[cells.clone()], &of[cells.start + columns..cells.end + columns]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Grid;
    use super::super::Plan;
    use super::*;
    use crate::motion::settings::Settings;

    /// Blocks of `now` that differ faintly.
    fn found(background: &Background, now: &[u16]) -> Vec<Faint> {
        let mut all = Vec::new();
        background.find_faint(now, |faint| all.push(faint));
        all
    }

    proptest! {
        #[test]
        fn what_is_faint_is_found_wherever_it_is(column in 0usize..39, row in 0usize..29, levels in 2u16..10, brighter: bool) {
            let grid = Grid::of(160, 120);
            let mut background = Background::new(grid);
            let mut now = vec![100 * LEVEL; grid.len()];
            background.restart(&now, &Plan::new(&Settings::default(), grid));
            prop_assert!(found(&background, &now).is_empty());
            for cell in grid.block((column, row)) {
                now[cell] = if brighter { now[cell] + levels * LEVEL } else { now[cell] - levels * LEVEL };
            }
            // Deviations are of a level before anything is learned, and a block's is half of theirs: it differs by four halves of it for each level.
            let found = found(&background, &now);
            let strongest = found.iter().max_by_key(|faint| faint.strength);
            match strongest {
                Some(faint) => {
                    prop_assert!(levels > 2, "{faint:?}");
                    prop_assert_eq!((faint.place, faint.brighter), ((column, row), brighter));
                    prop_assert!(faint.strength.abs_diff(u32::from(4 * levels)) <= u32::from(levels), "{faint:?}");
                }
                None => prop_assert!(levels < 3),
            }
        }
    }
}
