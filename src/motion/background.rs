//! What each cell looks like when nothing is there, how much it varies, and from which change on that means something.

mod noise;
mod threshold;

use std::ops::Range;

pub(crate) use noise::Faint;

use super::cells::Grid;
use super::cells::LEVEL;
use super::light::FINE;
use super::light::Light;
use super::sway::Sway;
use super::ticker::TICKS_PER_SECOND;
use super::zones::Plan;

/// Rows are learned in turn, one in so many each tick: learning is slow anyway, and this makes it cheap.
const TURNS: usize = 4;
/// One row in so many is looked at for the light's drift.
const DRIFT_ROWS: usize = 4;
/// Frames in which every row is learned, as a running mean.
const YOUNG_FRAMES: u32 = 32;
/// Of so many visits to a row one learns also from cells that are taken.
const BLIND_VISITS: u32 = 32;
/// Deviation assumed before anything was seen.
const DEVIATION_FIRST: u16 = FINE;
/// What a camera swayed by fades by 1/e in this time, in ticks.
const SWAYED_TICKS: u32 = TICKS_PER_SECOND as u32;
/// Largest deviation that bounds what is learned of a change: four of them are as much as a cell can change.
const DEVIATION_MAX: u16 = 16_000;
/// A cell's habit grows by this each time that it begins to differ ...
const HABIT_STEP: u8 = 16;
/// ... up to this; at 64 it doubles the threshold.
const HABIT_MAX: u8 = 192;
/// Evidence of a cell begins above so many sixteenths of its threshold, what is weak ...
const EVIDENCE_LEAST: u32 = 10;
/// ... or, where it is followed from frame to frame, above so many ...
const FAINT_LEAST: u32 = 4;
/// ... and ends so many further.
const EVIDENCE_MOST: u32 = 64;
/// How a cell differs: not at all.
pub(crate) const SAME: u8 = 0;
/// How a cell differs: beyond chance. What is between the two is weak: it belongs to a region that has a strong cell.
pub(crate) const STRONG: u8 = 2;

/// The background; values and deviations in 256ths of a grey level.
#[derive(Debug)]
pub(crate) struct Background {
    grid: Grid,
    /// Value of each cell.
    pub(crate) value: Vec<u16>,
    /// Another value that the cell had for long and may take again: what stood before a thing that stays. Equal to
    /// `value` when there is none.
    pub(crate) other: Vec<u16>,
    /// Mean absolute deviation of each cell from its value, clipped so that single strong changes hardly count.
    deviation: Vec<u16>,
    /// How often the cell began to differ lately.
    habit: Vec<u8>,
    /// Change from which on a cell is [`STRONG`]; `u16::MAX` under a mask.
    pub(crate) threshold: Vec<u16>,
    /// Difference from which on the two by two cells from each on may differ faintly; never in the last column.
    faint_limit: Vec<u16>,
    /// Frames learned since the last fresh start, saturating.
    frames: u32,
    /// Turns of learning so far, wrapping: time, in ticks.
    turns: u32,
    /// Largest doubt about the light, added to every threshold; fades.
    doubt: u16,
    /// By how much more the means of a compressed picture differ by its coding alone than thresholds allow for anyway.
    grain: u16,
    /// Displacement of the present picture.
    sway: Sway,
    /// Displacement of pictures a moment ago, in 256ths of a cell; fades by 1/e in a second.
    swayed: u32,
    /// Scratch of a row: largest deviations and habits, and steps between neighbours.
    peaks: [Vec<u16>; 2],
    steps: Vec<u16>,
}

impl Background {
    pub(crate) fn new(grid: Grid) -> Background {
        Background {
            grid,
            value: vec![0; grid.len()],
            other: vec![0; grid.len()],
            deviation: vec![DEVIATION_FIRST; grid.len()],
            habit: vec![0; grid.len()],
            threshold: vec![u16::MAX; grid.len()],
            faint_limit: vec![u16::MAX; grid.len()],
            frames: 0,
            turns: 0,
            doubt: 0,
            grain: 0,
            sway: Sway::default(),
            swayed: 0,
            peaks: [vec![0; grid.columns + 2], vec![0; grid.columns + 2]],
            steps: vec![0; grid.columns],
        }
    }

    /// Bytes that [`new`](Background::new) allocates.
    pub(crate) const fn footprint(grid: Grid) -> usize {
        grid.len() * (5 * size_of::<u16>() + size_of::<u8>()) + (3 * grid.columns + 4) * size_of::<u16>()
    }

    /// Takes the picture as it is for the background; what was learned of its variation stays.
    pub(crate) fn restart(&mut self, now: &[u16], plan: &Plan) {
        self.other.copy_from_slice(&self.value);
        for (value, now) in self.value.iter_mut().zip(now) {
            *value = now * LEVEL;
        }
        if self.frames == 0 {
            self.other.copy_from_slice(&self.value);
        }
        self.frames = 1;
        self.doubt = 0;
        for row in 0..self.grid.rows {
            self.set_thresholds(row, plan);
            self.set_faint_limits(row);
        }
    }

    /// Follows the picture half way, as a scene that is settling changes quickly.
    pub(crate) fn follow(&mut self, now: &[u16]) {
        for (value, now) in self.value.iter_mut().zip(now) {
            *value = (*value >> 1) + ((now * LEVEL) >> 1);
        }
    }

    /// Means come in steps of so much: before light that drifts, whole parts of a plain picture go up or down by one together.
    pub(crate) fn expect_steps(&mut self, step: u16) {
        self.grain = step.saturating_sub(FINE);
    }

    /// What is added to every threshold.
    fn margin(&self) -> u16 {
        self.doubt.saturating_add(self.grain)
    }

    /// Writes how each cell of `now` differs to `marks`; returns how many are at least weak.
    pub(crate) fn compare(&mut self, now: &[u16], marks: &mut [u8]) -> usize {
        self.sway = Sway::default();
        let (columns, margin) = (self.grid.columns, self.margin());
        let values = self.value.chunks_exact(columns).zip(self.threshold.chunks_exact(columns));
        let rows = values.zip(now.chunks_exact(columns)).zip(marks.chunks_exact_mut(columns));
        rows.map(|(((value, threshold), now), marks)| usize::from(compare_row(now, value, threshold, margin, marks)))
            .sum()
    }

    /// Mean change of the cells that are not `taken`, in 256ths of a level: the light's drift, before it shows in any cell. One row in
    /// [`DRIFT_ROWS`] tells, as light is everywhere.
    pub(crate) fn drift(&self, now: &[u16], taken: &[u8]) -> i32 {
        let columns = self.grid.columns;
        let rows = now
            .chunks_exact(columns)
            .zip(self.value.chunks_exact(columns))
            .zip(taken.chunks_exact(columns));
        let rows = rows.step_by(DRIFT_ROWS);
        let cells = rows.len() * columns;
        let sum: i64 = rows.map(|((now, value), taken)| i64::from(row_change(now, value, taken))).sum();
        (sum / cells.max(1) as i64) as i32
    }

    /// As [`compare`](Background::compare), for a picture that is displaced by `sway`, as far as that could be measured.
    pub(crate) fn compare_swayed(&mut self, now: &[u16], sway: Sway, marks: &mut [u8]) -> usize {
        self.sway = sway.with_slack(self.swayed);
        self.swayed = self.swayed.max(sway.extent());
        let mut differing = 0;
        for (cell, mark) in marks.iter_mut().enumerate() {
            *mark = self.mark(now, cell);
            differing += usize::from(*mark != SAME);
        }
        differing
    }

    /// Once compared: a camera that swayed a moment ago may sway by as much now, though it could not be measured. Writes to `marks` which of the
    /// `differing` cells still do then; returns how many.
    pub(crate) fn allow_sway(&mut self, now: &[u16], differing: usize, marks: &mut [u8]) -> usize {
        let slack = Sway::default().with_slack(self.swayed);
        if differing == 0 || slack == Sway::default() || self.sway != Sway::default() {
            return differing;
        }
        self.sway = slack;
        let (mut next, mut left) = (0, differing);
        while let Some(ahead) = first_differing(&marks[next..]) {
            let cell = next + ahead;
            marks[cell] = self.mark(now, cell);
            left -= usize::from(marks[cell] == SAME);
            next = cell + 1;
        }
        left
    }

    /// How far cell `cell` is from what the background leads to expect, and from where on that is strong.
    #[inline]
    fn difference(&self, now: &[u16], cell: usize) -> (u16, u16) {
        let (expected, doubt) = self.sway.on(&self.value, self.grid, cell);
        let strong = self.threshold[cell].saturating_add(self.margin()).saturating_add(doubt);
        ((now[cell] * LEVEL).abs_diff(expected), strong)
    }

    /// How cell `cell` differs.
    #[inline]
    fn mark(&self, now: &[u16], cell: usize) -> u8 {
        let (difference, strong) = self.difference(now, cell);
        u8::from(difference >= weak(strong)) + u8::from(difference >= strong)
    }

    /// By how much `cells` differ more than weakly: of each the sixteenths of its threshold, at most four thresholds.
    pub(crate) fn evidence(&self, now: &[u16], cells: Range<usize>) -> u32 {
        self.evidence_above(EVIDENCE_LEAST, now, cells)
    }

    /// The same of what is followed from frame to frame, and so counts from less on.
    pub(crate) fn faint_evidence(&self, now: &[u16], cells: Range<usize>) -> u32 {
        self.evidence_above(FAINT_LEAST, now, cells)
    }

    #[inline]
    fn evidence_above(&self, least: u32, now: &[u16], cells: Range<usize>) -> u32 {
        let evidence = |(difference, strong): (u16, u16)| {
            let (difference, strong) = (u32::from(difference) * 16, u32::from(strong));
            // What is plain, as most of a thing is, spares the division.
            if difference >= (least + EVIDENCE_MOST) * strong {
                EVIDENCE_MOST
            } else {
                (difference / strong).saturating_sub(least)
            }
        };
        if self.sway != Sway::default() {
            return cells.map(|cell| evidence(self.difference(now, cell))).sum();
        }
        let shown = now[cells.clone()].iter().zip(&self.value[cells.clone()]);
        let differences = shown.map(|(now, value)| (now * LEVEL).abs_diff(*value));
        let margin = self.margin();
        let strong = self.threshold[cells].iter().map(|threshold| threshold.saturating_add(margin));
        differences.zip(strong).map(evidence).sum()
    }

    /// Of each of `cells`, whether it changed from `before` to `now` beyond chance.
    pub(crate) fn stirred<'a>(&'a self, now: &'a [u16], before: &'a [u16], cells: Range<usize>) -> impl Iterator<Item = bool> + 'a {
        let pairs = now[cells.clone()].iter().zip(&before[cells.clone()]);
        let stirred = |((now, before), threshold): ((&u16, &u16), &u16)| now.abs_diff(*before).saturating_mul(LEVEL) >= *threshold;
        pairs.zip(&self.threshold[cells]).map(stirred)
    }

    /// Moves everything by a change of light; thresholds are wider for a while, as no change of light is so simple.
    pub(crate) fn relight(&mut self, light: Light) {
        for value in self.value.iter_mut().chain(&mut self.other) {
            *value = light.on(*value);
        }
        self.doubt = self.doubt.max(light.strength() / 4);
    }

    /// Whether thresholds are wider than usual, after a change of light.
    pub(crate) fn in_doubt(&self) -> bool {
        self.doubt >= FINE / 4
    }

    /// Of each of `cells`, whether it shows what it showed before the present background: then that is to be recalled.
    pub(crate) fn known(&self, now: &[u16], cells: Range<usize>) -> impl ExactSizeIterator<Item = bool> + DoubleEndedIterator {
        let shown = now[cells.clone()].iter().zip(&self.other[cells.clone()]);
        let known = |((now, other), threshold): ((&u16, &u16), &u16)| (now * LEVEL).abs_diff(*other) < weak(*threshold);
        shown.zip(&self.threshold[cells]).map(known)
    }

    /// Takes for the background of `cell` what was that before.
    pub(crate) fn recall(&mut self, cell: usize) {
        std::mem::swap(&mut self.value[cell], &mut self.other[cell]);
    }

    /// Takes what `cells` show for their background, and keeps the former one in mind unless there is an older one:
    /// someone who stands and shifts must not push out the empty room.
    pub(crate) fn absorb(&mut self, now: &[u16], cells: Range<usize>) {
        for cell in cells {
            if self.other[cell].abs_diff(self.value[cell]) < weak(self.threshold[cell]) {
                self.other[cell] = self.value[cell];
            }
            self.value[cell] = now[cell] * LEVEL;
        }
    }

    /// Notes which of `cells` began to differ.
    pub(crate) fn note_habits(&mut self, cells: Range<usize>, began: impl Iterator<Item = bool>) {
        for (habit, began) in self.habit[cells].iter_mut().zip(began) {
            *habit = (*habit + HABIT_STEP * u8::from(began)).min(HABIT_MAX);
        }
    }

    /// Learns from cells that are not `taken` by something that counts; a few rows each tick, all of them while young.
    pub(crate) fn learn(&mut self, now: &[u16], taken: &[u8], plan: &Plan, ticks: u8) {
        self.frames = self.frames.saturating_add(1);
        (0..ticks).for_each(|_| self.doubt -= self.doubt.div_ceil(8));
        (0..ticks).for_each(|_| self.swayed -= self.swayed.div_ceil(SWAYED_TICKS));
        let due = if self.frames <= YOUNG_FRAMES {
            TURNS
        } else {
            TURNS.min(ticks.into())
        };
        let turns = self.turns..self.turns.wrapping_add(due as u32);
        self.turns = turns.end;
        let height = self.grid.rows;
        let rows = |turn: u32| (turn as usize % TURNS..height).step_by(TURNS);
        for row in turns.clone().flat_map(rows) {
            self.learn_row(row, now, taken);
        }
        for row in turns.flat_map(rows) {
            self.set_thresholds(row, plan);
            self.set_faint_limits(row);
        }
    }

    fn learn_row(&mut self, row: usize, now: &[u16], taken: &[u8]) {
        let cells = row * self.grid.columns..(row + 1) * self.grid.columns;
        // A running mean while young, then an exponential one.
        let age = self.frames.max(2).ilog2();
        let (value_shift, deviation_shift) = (age.min(3), age.min(4));
        let visits = self.turns / TURNS as u32;
        // What counts is learned too, but so slowly that only what stays for minutes becomes background.
        let blind = visits.is_multiple_of(BLIND_VISITS);
        let values = self.value[cells.clone()].iter_mut().zip(&mut self.deviation[cells.clone()]);
        for (((value, deviation), now), taken) in values.zip(&now[cells.clone()]).zip(&taken[cells.clone()]) {
            let free = if *taken == 0 || blind { u16::MAX } else { 0 };
            let shown = now * LEVEL;
            let clipped = shown.abs_diff(*value).min(4 * (*deviation).min(DEVIATION_MAX) + FINE / 4);
            *value = toward(*value, shown, value_shift, free);
            *deviation = toward(*deviation, clipped, deviation_shift, free);
        }
        if blind {
            let values = &self.value[cells.clone()];
            for (other, value) in self.other[cells.clone()].iter_mut().zip(values) {
                *other = *other - (*other >> 2) + (*value >> 2);
            }
        }
        let forget = u8::from(visits.is_multiple_of(2));
        for habit in &mut self.habit[cells] {
            *habit = habit.saturating_sub((*habit >> 6) + forget);
        }
    }
}

/// The first that is not [`SAME`], eight at a time.
pub(crate) fn first_differing(marks: &[u8]) -> Option<usize> {
    const _: () = assert!(SAME == 0);
    let first = |word: [u8; 8]| (word != [SAME; 8]).then(|| u64::from_le_bytes(word).trailing_zeros() as usize / 8);
    let (words, rest) = marks.as_chunks::<8>();
    let found = words.iter().enumerate().find_map(|(n, word)| first(*word).map(|at| 8 * n + at));
    // The last word overlaps the one before, in which nothing was found.
    found.or_else(|| match marks.last_chunk::<8>() {
        Some(word) => first(*word).map(|at| marks.len() - 8 + at),
        None => rest.iter().position(|mark| *mark != SAME),
    })
}

/// Marks of a row, and how many of its cells are at least weak. Slices of equal length, so that it vectorises.
fn compare_row(now: &[u16], value: &[u16], threshold: &[u16], margin: u16, marks: &mut [u8]) -> u16 {
    let mut differing = 0;
    for (((value, threshold), now), mark) in value.iter().zip(threshold).zip(now).zip(marks) {
        let difference = (now * LEVEL).abs_diff(*value);
        let strong = threshold.saturating_add(margin);
        *mark = u8::from(difference >= weak(strong)) + u8::from(difference >= strong);
        differing += u16::from(difference >= weak(strong));
    }
    differing
}

/// Sum of the changes of a row's cells that are not `taken`.
fn row_change(now: &[u16], value: &[u16], taken: &[u8]) -> i32 {
    let change = |((now, value), taken): ((&u16, &u16), &u8)| {
        let free = if *taken == 0 { u16::MAX } else { 0 };
        i32::from((now * LEVEL) & free) - i32::from(value & free)
    };
    now.iter().zip(value).zip(taken).map(change).sum()
}

/// `value` after a step of 1/2^`shift` toward `aim`, rounded down, where `free` is all ones; where it is 0, as it was. Without a
/// sign, so that a value takes 16 bits.
#[inline(always)]
fn toward(value: u16, aim: u16, shift: u32, free: u16) -> u16 {
    let (up, down) = (aim.saturating_sub(value), value.saturating_sub(aim));
    let rest = u16::from((down >> shift) << shift != down);
    value + ((up >> shift) & free) - (((down >> shift) + rest) & free)
}

/// Change from which on a cell is weak, where it is [`STRONG`] from `strong` on: five eighths.
#[inline]
fn weak(strong: u16) -> u16 {
    strong - (strong >> 2) - (strong >> 3)
}
