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

    /// The first block of the row from `(column, row)` on that differs faintly, in a picture that does not sway. `sums` has a row's length.
    pub(crate) fn next_faint(&self, now: &[u16], (column, row): (usize, usize), sums: &mut [Vec<u16>; 2]) -> Option<Faint> {
        let from = row * self.grid.columns;
        if column == 0 && !self.may_be_faint(now, from, sums) {
            return None;
        }
        let [differences, limits] = sums;
        let blocks = differences.windows(2).zip(limits.windows(2)).enumerate().skip(column);
        let places = blocks.filter(|(_, (differences, limits))| is_faint([differences[0], differences[1]], [limits[0], limits[1]]));
        places.filter_map(|(column, _)| self.faint(now, (column, row))).next()
    }

    /// Whether a block of the row that begins with cell `from` differs as much as one in some hundreds does by its noise; the sums of its two rows.
    fn may_be_faint(&self, now: &[u16], from: usize, [differences, limits]: &mut [Vec<u16>; 2]) -> bool {
        let columns = self.grid.columns;
        let rows = |of| pair_of_rows(of, from, columns);
        let ([now, now_below], [value, value_below], [deviation, deviation_below]) = (rows(now), rows(&self.value), rows(&self.deviation));
        for ((difference, (now, value)), (below, value_below)) in differences
            .iter_mut()
            .zip(now.iter().zip(value))
            .zip(now_below.iter().zip(value_below))
        {
            // What wraps around is not faint.
            let step = (now * LEVEL).wrapping_sub(*value);
            *difference = step.wrapping_add((below * LEVEL).wrapping_sub(*value_below));
        }
        for (limit, (deviation, below)) in limits.iter_mut().zip(deviation.iter().zip(deviation_below)) {
            *limit = deviation.saturating_add(*below).saturating_add(2 * ROUNDED_OFF);
        }
        let pairs = differences.iter().zip(&differences[1..]).zip(limits.iter().zip(&limits[1..]));
        pairs
            .map(|((left, right), (limit, beside))| u16::from(is_faint([*left, *right], [*limit, *beside])))
            .sum::<u16>()
            > 0
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

/// Whether the columns of a block may differ by [`PLOT_HALF_DEVIATIONS`] together; in 16 bits, so that it vectorises.
#[inline(always)]
fn is_faint(differences: [u16; 2], deviations: [u16; 2]) -> bool {
    const _: () = assert!(PLOT_HALF_DEVIATIONS == 8);
    let difference = differences[0].wrapping_add(differences[1]).cast_signed().unsigned_abs();
    let deviation = deviations[0].saturating_add(deviations[1]);
    difference >= deviation.saturating_add(deviation)
}

/// The row that begins with cell `from`, and the one below.
fn pair_of_rows(of: &[u16], from: usize, columns: usize) -> [&[u16]; 2] {
    let (row, below) = of[from..from + 2 * columns].split_at(columns);
    [row, below]
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
        let mut sums = [vec![0; background.grid.columns], vec![0; background.grid.columns]];
        let mut all = Vec::new();
        for row in 0..background.grid.rows - 1 {
            let mut column = 0;
            while let Some(faint) = background.next_faint(now, (column, row), &mut sums) {
                column = faint.place.0 + 1;
                all.push(faint);
            }
        }
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
