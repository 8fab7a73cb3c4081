//! What noise makes of cells, by itself and in blocks of two by two: from which difference on it is not that, however faint.

use std::ops::Range;

use super::Background;
use super::LEVEL;
use super::SAME;
use super::Sway;
use super::first_differing;

/// Noise hardly ever makes any cell differ by so many quarters of its mean deviation: 29 of them are 5.8 standard deviations of a normal
/// distribution, which one cell of 14,400 has in ten minutes.
const NOISE_QUARTERS: u32 = 29;
/// It seldom makes given cells differ by half so many: 9 halves are 3.6 standard deviations.
const FAINT_HALF_DEVIATIONS: u32 = 9;
/// It makes one block in a hundred differ by so many, as a whole or in a part of it: 7 halves are 2.8 standard deviations.
const PLOT_HALF_DEVIATIONS: u32 = 7;
/// Blocks that differ by so many as a whole are looked at closely, one in hundreds by its noise ...
const CLOSELY_HALF_DEVIATIONS: u16 = 8;
/// ... and, where cells are of so few pixels that more of what is small is lost in their noise, one in sixty.
const CLOSELY_HALF_DEVIATIONS_OF_FEW: u16 = 6;
const FEW_PX: usize = 16;
/// Learning rounds down, and so ends short of the mean deviation by half of what it divides by.
const ROUNDED_OFF: u16 = 8;
/// As a deviation is learned from few frames, no noise is less than the mean of so many cells on each side.
const AROUND: usize = 2;
/// A block is compared with as many cells on each side: light that drifts changes all of them.
const BESIDE: usize = 3;

/// In a grid of more rows noise alone makes nearly as many blocks faint as are linked, and a cell tells whoever is of 2 % of the height from
/// it: its blocks are not looked at.
const FAINT_ROWS_MAX: usize = 100;
/// Cells that are looked at together.
const PART: usize = 256;
/// Blocks that are looked at closely in one frame: noise makes no more than a fifth of them, light that drifts may make all differ.
const CLOSELY_MAX: usize = 512;

/// Two by two cells that differ faintly, as one, from what is around them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faint {
    /// Column and row of the first of them.
    pub(crate) place: (usize, usize),
    /// By how many halves of their mean deviation, as a whole or in a part.
    pub(crate) strength: u32,
    /// By how much as a whole.
    pub(crate) whole: u32,
    /// Whether they are brighter than the background.
    pub(crate) brighter: bool,
}

impl Faint {
    /// Which of those that overlap it is.
    pub(crate) fn clearness(&self) -> (u32, u32) {
        (self.strength, self.whole)
    }
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
        cells.any(|cell| u32::from(self.difference(now, cell).0) * 4 >= self.noise(cell) * NOISE_QUARTERS)
    }

    /// Mean deviation of a cell, as it is known from its own and its neighbours'.
    fn noise(&self, cell: usize) -> u32 {
        let place = (cell % self.grid.columns, cell / self.grid.columns);
        let (mut sum, mut cells) = (0, 0);
        for row in self.rows_around(place, (1, 1), AROUND) {
            cells += row.len() as u32;
            sum += total(&self.deviation[row]);
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

    /// Gives the blocks that differ faintly to `each`, row by row, in a picture that does not sway; false where they are too many to look at them all.
    pub(crate) fn find_faint(&self, now: &[u16], mut each: impl FnMut(Faint)) -> bool {
        let (columns, end) = (self.grid.columns, self.grid.len().saturating_sub(self.grid.columns + 1));
        let (mut sums, mut marks, mut looked) = ([0; PART + 1], [SAME; PART], 0);
        for from in (0..end).step_by(PART) {
            let to = (from + PART).min(end);
            let (sums, marks) = (&mut sums[..=to - from], &mut marks[..to - from]);
            let rows = |of| pair_of_rows(of, from..to + 1, columns);
            add_changes(sums, rows(now), rows(&self.value));
            mark_blocks(marks, sums, &self.faint_limit[from..to]);
            let mut next = 0;
            while let Some(ahead) = first_differing(&marks[next..]) {
                let cell = from + next + ahead;
                next += ahead + 1;
                looked += 1;
                if looked > CLOSELY_MAX {
                    return false;
                }
                self.faint(now, (cell % columns, cell / columns)).into_iter().for_each(&mut each);
            }
        }
        true
    }

    /// Sets from which difference on the blocks of a row may be faint: what one in some hundreds has by its noise.
    pub(super) fn set_faint_limits(&mut self, row: usize) {
        let (columns, from) = (self.grid.columns, row * self.grid.columns);
        if row + 1 == self.grid.rows || !self.finds_faint() {
            return;
        }
        const _: () = assert!(
            CLOSELY_HALF_DEVIATIONS == 8 && CLOSELY_HALF_DEVIATIONS_OF_FEW == 6,
            "two times the sum of four, and one and a half"
        );
        let shift = u32::from(self.grid.side * self.grid.side <= FEW_PX);
        let [deviation, below] = pair_of_rows(&self.deviation, from..from + columns, columns);
        for (step, (deviation, below)) in self.steps.iter_mut().zip(deviation.iter().zip(below)) {
            *step = deviation.saturating_add(*below);
        }
        let columns = self.steps.iter().zip(&self.steps[1..]);
        for (limit, (left, right)) in self.faint_limit[from..].iter_mut().zip(columns) {
            let sum = left.saturating_add(*right).saturating_add(4 * ROUNDED_OFF);
            *limit = sum.saturating_add(sum >> shift);
        }
    }

    /// The block at `place` as far as it differs, by itself and from its surroundings, more than noise and what thresholds allow for.
    fn faint(&self, now: &[u16], place: (usize, usize)) -> Option<Faint> {
        let change = |cell: usize| i32::from(now[cell] * LEVEL) - i32::from(self.value[cell]);
        let block = self.grid.block(place);
        let changes = block.map(change);
        let own = changes.iter().sum::<i32>();
        let deviation = block.map(|cell| u32::from(self.deviation[cell])).iter().sum::<u32>();
        let rounded_off = 4 * u32::from(ROUNDED_OFF);
        let own_way = changes.map(|change| change * own.signum());
        // Most of what noise makes is let go here.
        if strength(own_way, 0, deviation + rounded_off) < PLOT_HALF_DEVIATIONS {
            return None;
        }
        let (mut all, mut noise, mut cells) = (0i32, 0u32, 0i32);
        for row in self.rows_around(place, (2, 2), BESIDE) {
            cells += row.len() as i32;
            noise += total(&self.deviation[row.clone()]);
            all += (total(&now[row.clone()]) * u32::from(LEVEL)).cast_signed() - total(&self.value[row]).cast_signed();
        }
        // Light that drifts is around it as well, but what is large and beside it says nothing of it.
        let around = (own.signum() * (all - own) / (cells - 4).max(1)).max(0);
        let apart = own_way.map(|change| change - around);
        let deviation = deviation.max(noise * 4 / cells as u32) + rounded_off;
        let threshold = block
            .map(|cell| u32::from(self.threshold[cell].saturating_add(self.margin())))
            .iter()
            .sum::<u32>();
        // What a threshold has beside noise is for what lamps, coding and wind do to it.
        let margin = threshold.saturating_sub(5 * deviation);
        let faint = Faint {
            place,
            strength: strength(apart, margin, deviation),
            whole: own.unsigned_abs(),
            brighter: own > 0,
        };
        (faint.strength >= PLOT_HALF_DEVIATIONS).then_some(faint)
    }
}

/// By how many halves of their mean deviation the cells of a block differ, given their changes and the sum of their deviations: all of it, two cells side by
/// side or one, whichever is clearest, as what is smaller leaves some of the block as it was. What changes by less than half of `margin`, the sum of the
/// cells', does not differ.
fn strength([a, b, c, d]: [i32; 4], margin: u32, deviation: u32) -> u32 {
    let pair = (a + b).max(c + d).max(a + c).max(b + d);
    let one = a.max(b).max(c).max(d);
    // The deviation of a sum goes with the root of how many it is of: in 128ths of what is clear for four.
    let parts = [(a + b + c + d, 4, 128), (pair, 2, 181), (one, 1, 256)];
    let clear = parts.map(|(change, cells, by)| {
        let change = change.max(0).cast_unsigned();
        if 8 * change >= margin * cells { change * by } else { 0 }
    });
    clear.into_iter().fold(0, u32::max) * 4 / 128 / deviation.max(1)
}

/// A difference of the sum of four cells in halves of the mean deviation of such sums, by the sum of theirs: that of a sum of four is twice one's.
fn half_deviations(difference: i32, deviations: u32) -> u32 {
    difference.unsigned_abs() * 4 / deviations.max(1)
}

/// The sum of them all.
fn total(values: &[u16]) -> u32 {
    values.iter().map(|value| u32::from(*value)).sum()
}

/// The change of each column of two rows; what wraps around is not faint.
fn add_changes(sums: &mut [u16], [now, below]: [&[u16]; 2], [value, value_below]: [&[u16]; 2]) {
    let cells = now.iter().zip(value).zip(below.iter().zip(value_below));
    for (sum, ((now, value), (below, value_below))) in sums.iter_mut().zip(cells) {
        let both = (now.wrapping_add(*below)).wrapping_mul(LEVEL);
        *sum = both.wrapping_sub(value.wrapping_add(*value_below));
    }
}

/// Which blocks of the row may differ faintly, by the changes of their columns; in 16 bits, so that it vectorises.
fn mark_blocks(marks: &mut [u8], sums: &[u16], limits: &[u16]) {
    let columns = sums.iter().zip(&sums[1..]);
    for ((mark, (left, right)), limit) in marks.iter_mut().zip(columns).zip(limits) {
        let difference = left.wrapping_add(*right).cast_signed().unsigned_abs();
        *mark = u8::from(difference > *limit);
    }
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
        assert!(background.find_faint(now, |faint| all.push(faint)));
        all
    }

    proptest! {
        #[test]
        fn what_is_faint_is_found_wherever_it_is(
            place in (0usize..39, 0usize..29),
            size in prop_oneof![Just((160, 120)), Just((640, 480))],
            cells in prop_oneof![Just(vec![0usize, 1, 2, 3]), Just(vec![0, 1]), Just(vec![1, 3]), Just(vec![2])],
            levels in 1u16..12,
            brighter: bool,
        ) {
            let grid = Grid::of(size.0, size.1);
            let mut background = Background::new(grid);
            let mut now = vec![100 * LEVEL; grid.len()];
            background.restart(&now, &Plan::new(&Settings::default(), grid));
            prop_assert!(found(&background, &now).is_empty());
            let changed: Vec<usize> = cells.iter().map(|cell| grid.block(place)[*cell]).collect();
            for cell in &changed {
                now[*cell] = if brighter { now[*cell] + levels * LEVEL } else { now[*cell] - levels * LEVEL };
            }
            // Deviations are of a level before anything is learned, and that of a sum goes with the root of how many it is of: so many halves of it.
            let halves = f64::from(2 * levels) * (cells.len() as f64).sqrt();
            let whole = f64::from(levels) * cells.len() as f64;
            let found = found(&background, &now);
            match found.iter().max_by_key(|faint| faint.clearness()) {
                Some(faint) => {
                    prop_assert!(changed.iter().all(|cell| grid.block(faint.place).contains(cell)), "{faint:?}");
                    prop_assert_eq!(faint.brighter, brighter);
                    prop_assert!((f64::from(faint.strength) - halves).abs() <= 1.0 + halves / 8.0, "{faint:?}, not {halves}");
                }
                None => prop_assert!(halves < 8.0 || whole <= if grid.side == 4 { 6.5 } else { 8.5 }, "{halves} halves are not found"),
            }
            prop_assert!(halves >= 7.0 || found.is_empty(), "{found:?} of {halves} halves");
        }
    }
}
