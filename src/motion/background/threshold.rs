//! From which change on a cell differs: by its noise and its neighbours', by what usually stirs there, and by what a picture that sways shows
//! of what is beside it. Slices of equal length throughout, so that it vectorises.

use super::Background;
use super::FINE;
use super::Plan;

/// Least threshold, before the sensitivity: what compression and lamps do to a still picture.
const THRESHOLD_MIN: u16 = FINE;
/// Largest threshold: cells that vary habitually still show an intruder of more contrast than this ...
const THRESHOLD_MAX: u16 = 12 * FINE;
/// ... and this part of their brightness: a thing before the sun differs more than one in the dark.
const THRESHOLD_MAX_PART: u16 = 3;
/// Threshold in mean deviations: 5 of them are 4 standard deviations of a normal distribution.
const DEVIATIONS: u16 = 5;
/// Least scale of the deviations, in sixteenths: nobody is so sensitive that noise is motion.
const CHANCE_SCALE_MIN: u16 = 12;
/// A cell may show this part of the step to its neighbours: things sway by a pixel, and so do cameras.
const SWAY: u16 = 6;
/// Largest deviation that a threshold is made from: far beyond the largest threshold.
const PLAIN_MAX: u16 = 8000;

impl Background {
    /// Thresholds of a row from the largest deviation and habit of each cell's neighbourhood, for what sways beside it
    /// will sway into it, and from the steps to its neighbours.
    pub(super) fn set_thresholds(&mut self, row: usize, plan: &Plan) {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let line = |row: usize| row * columns..(row + 1) * columns;
        let near = [row.saturating_sub(1), row, (row + 1).min(rows - 1)].map(line);
        let [deviations, habits] = &mut self.peaks;
        upright_peaks(near.clone().map(|line| &self.deviation[line]), deviations);
        upright_peaks(near.clone().map(|line| &self.habit[line]), habits);
        level_steps(&self.value[near[1].clone()], &mut self.steps);
        for line in [&near[0], &near[2]] {
            let pairs = self.value[line.clone()].iter().zip(&self.value[near[1].clone()]);
            for (step, (beside, value)) in self.steps.iter_mut().zip(pairs) {
                *step = (*step).max(beside.abs_diff(*value));
            }
        }
        let (deviations, habits) = (&deviations[..columns + 2], &habits[..columns + 2]);
        let here = near[1].clone();
        let (values, plans) = (&self.value[here.clone()], (&plan.scale[here.clone()], &plan.keep[here.clone()]));
        threshold_row(&mut self.threshold[here], deviations, habits, &self.steps, values, plans);
    }
}

/// Thresholds of a row by largest deviations and habits, steps to neighbours, values, scales and what is kept.
fn threshold_row(
    thresholds: &mut [u16],
    deviations: &[u16],
    habits: &[u16],
    steps: &[u16],
    values: &[u16],
    (scales, keeps): (&[u8], &[u16]),
) {
    let columns = thresholds.len();
    let (deviations, habits, steps) = (&deviations[..columns + 2], &habits[..columns + 2], &steps[..columns]);
    let (values, scales, keeps) = (&values[..columns], &scales[..columns], &keeps[..columns]);
    for x in 0..columns {
        let peak = |of: &[u16]| of[x].max(of[x + 1]).max(of[x + 2]);
        let scale = u16::from(scales[x]);
        let chance = scaled::<4>(DEVIATIONS * peak(deviations).min(PLAIN_MAX), scale.max(CHANCE_SCALE_MIN));
        let margin = scaled::<4>(THRESHOLD_MIN + steps[x] / SWAY, scale);
        let threshold = scaled::<6>(chance.saturating_add(margin), 64 + peak(habits));
        let most = THRESHOLD_MAX + values[x] / THRESHOLD_MAX_PART;
        thresholds[x] = threshold.min(most) | !keeps[x];
    }
}

/// `value * by / 2^SHIFT`, or the most that there is: in 16 bits throughout, of which processors multiply eight at once.
#[inline(always)]
fn scaled<const SHIFT: u32>(value: u16, by: u16) -> u16 {
    let (low, high) = (value.wrapping_mul(by), ((u32::from(value) * u32::from(by)) >> 16) as u16);
    let beyond = if high >> SHIFT == 0 { 0 } else { u16::MAX };
    (high << (16 - SHIFT)) | (low >> SHIFT) | beyond
}

/// The largest of each three that stand above one another, with the outermost repeated on both sides.
fn upright_peaks<T: Copy + Ord + Into<u16>>([above, here, below]: [&[T]; 3], peaks: &mut [u16]) {
    let columns = here.len();
    for (((peak, above), here), below) in peaks[1..=columns].iter_mut().zip(above).zip(here).zip(below) {
        *peak = (*above).max(*here).max(*below).into();
    }
    (peaks[0], peaks[columns + 1]) = (peaks[1], peaks[columns]);
}

/// The larger step from each value to its neighbours in the row.
fn level_steps(values: &[u16], steps: &mut [u16]) {
    let columns = values.len();
    steps[0] = 0;
    for (step, pair) in steps[1..].iter_mut().zip(values.windows(2)) {
        *step = pair[1].abs_diff(pair[0]);
    }
    for (step, pair) in steps[..columns - 1].iter_mut().zip(values.windows(2)) {
        *step = (*step).max(pair[1].abs_diff(pair[0]));
    }
}
