//! Plots: places that differ too faintly to be told from noise in one frame, linked from frame to frame until their sum can be. Detection
//! after tracking, by dynamic programming (after Barniv, "Dynamic programming solution for detecting dim moving targets", 1985).

use heapless::Vec;

use super::Region;
use super::Regions;
use super::Scene;
use super::Tally;
use super::specks::CELL;
use super::specks::distance;
use super::unrest::Unrest;
use crate::motion::background::Background;
use crate::motion::background::Faint;
use crate::motion::cells::Grid;
use crate::motion::cells::LEVEL;

/// Plots of one frame; where there are more, nothing is linked and the scene is not calm.
const PLOTS_MAX: usize = 64;
/// More than this is plain, and told by the cells themselves; in half deviations.
const STRENGTH_PLAIN: u32 = 40;
/// A plot counts for at most so much, so that none makes a course by itself; in half deviations.
const STRENGTH_MOST: u32 = 20;
/// A course has at least so many plots ...
const FRAMES_MIN: u16 = 3;
/// ... whose strength exceeds so many quarters of a deviation each, as chance makes courses of weak plots, ...
const CHANCE_QUARTERS: u32 = 14;
/// ... by so many quarters in all.
const SUM_QUARTERS: u32 = 24;
/// A course of so many quarters may be one, and says how calm the scene is.
const DOUBTFUL_QUARTERS: u32 = 20;
/// It goes so far, in parts of a cell ...
const WAY_MIN: i32 = CELL * 3 / 8;
/// ... and so many fifths of its path straight on, as where it is is known to a sixth of a cell.
const STRAIGHT_FIFTHS: i32 = 2;
/// Specks that may have come of late where plots are linked.
const SPECKS_MAX: u32 = 3;
/// What nobody could look at may have had so many: it is calm after some twenty seconds.
const BLIND: u32 = 2;

/// A faint place in one frame, and the course that leads to it.
#[derive(Clone, Copy, Debug)]
struct Plot {
    faint: Faint,
    /// Its middle, in parts of a [`CELL`], and that of the first of its course.
    at: (i32, i32),
    from: (i32, i32),
    /// Length of the course.
    path: i32,
    /// Plots of the course.
    frames: u16,
    /// Strength of all of them, in half deviations.
    sum: u32,
}

/// The plots of the last frame.
#[derive(Debug, Default)]
pub(super) struct Plots {
    last: Vec<Plot, PLOTS_MAX>,
    /// How many courses were doubtful of late.
    unrest: Unrest,
}

impl Plots {
    /// Begins anew, with a scene of which nobody knows yet how calm it is.
    pub(super) fn restart(&mut self) {
        self.last.clear();
        self.unrest.begin();
    }

    /// How many courses were doubtful of late.
    pub(super) fn unrest(&self) -> Unrest {
        self.unrest
    }

    /// What could not be looked at may be as restless as anything.
    pub(super) fn despair(&mut self) {
        self.last.clear();
        self.unrest.suspect(BLIND);
    }

    /// Links `fresh` plots to those of the frame before, each to the strongest course within `reach` parts of a cell.
    fn link(&mut self, fresh: &mut Vec<Plot, PLOTS_MAX>, reach: i32) {
        for plot in fresh.iter_mut() {
            let near = |last: &&Plot| last.faint.brighter == plot.faint.brighter && distance(last.at, plot.at) <= reach;
            let Some(last) = self.last.iter().filter(near).max_by_key(|last| last.sum) else {
                continue;
            };
            let doubtful = last.is_doubtful();
            plot.from = last.from;
            plot.path = last.path.saturating_add(distance(last.at, plot.at));
            plot.frames = last.frames.saturating_add(1);
            plot.sum = last.sum.saturating_add(plot.sum);
            if plot.is_doubtful() && !doubtful {
                self.unrest.disturb();
            }
        }
    }
}

impl Plot {
    fn new(faint: Faint, at: (i32, i32)) -> Plot {
        Plot {
            faint,
            at,
            from: at,
            path: 0,
            frames: 1,
            sum: faint.strength.min(STRENGTH_MOST),
        }
    }

    /// Whether its course has so many quarters more than chance.
    fn exceeds_chance(&self, quarters: u32) -> bool {
        2 * self.sum >= quarters + CHANCE_QUARTERS * u32::from(self.frames)
    }

    fn is_doubtful(&self) -> bool {
        self.frames > 1 && self.exceeds_chance(DOUBTFUL_QUARTERS)
    }

    /// Whether its course is that of somebody.
    fn is_certain(&self) -> bool {
        let way = distance(self.from, self.at);
        let goes = way >= WAY_MIN && 5 * way >= STRAIGHT_FIFTHS * self.path;
        self.frames >= FRAMES_MIN && self.exceeds_chance(SUM_QUARTERS) && goes
    }

    /// Whether both have a cell in common.
    fn overlaps(&self, other: &Plot) -> bool {
        let [(column, row), (other_column, other_row)] = [self, other].map(|plot| plot.faint.place);
        column.abs_diff(other_column) <= 1 && row.abs_diff(other_row) <= 1
    }
}

impl Regions {
    /// Looks for what is too faint for any cell by itself where nothing else stirs, and reports it where its course is certain.
    pub(super) fn watch_plots(&mut self, scene: &Scene<'_>, background: &Background, tally: &mut Tally, report: &mut impl FnMut(Region)) {
        self.plots.unrest.fade(scene.lapse);
        if tally.is_plain || self.is_restless(scene) || !background.is_steady() {
            return self.plots.despair();
        }
        let asked = self.rules.specks && self.rules.extent_min <= 2 && background.finds_faint();
        if !asked || !self.specks.unrest().is_at_most(SPECKS_MAX) {
            return self.plots.last.clear();
        }
        let Some(mut fresh) = self.plot(scene, background) else {
            return self.plots.despair();
        };
        self.plots.link(&mut fresh, self.rules.reach as i32 * CELL * 4 / 5);
        for plot in fresh.iter().filter(|plot| plot.is_certain()) {
            if self.plots.unrest.is_calm() && self.is_free(plot.faint.place) {
                self.adopt(plot, scene, background, tally, report);
            }
        }
        self.plots.last = fresh;
    }

    /// Plots of this frame, the clearest of those that overlap; none where they are too many.
    fn plot(&self, scene: &Scene<'_>, background: &Background) -> Option<Vec<Plot, PLOTS_MAX>> {
        let (mut plots, mut all): (Vec<Plot, PLOTS_MAX>, bool) = (Vec::new(), true);
        let looked = background.find_faint(scene.now, |faint| {
            let is_taken = || self.grid.block(faint.place).into_iter().any(|cell| self.taken[cell] != 0);
            if faint.strength > STRENGTH_PLAIN || !self.is_free(faint.place) || is_taken() {
                return;
            }
            let plot = Plot::new(faint, self.whereabouts(&faint, scene.now, &background.value));
            match plots.iter_mut().find(|other| other.overlaps(&plot)) {
                Some(other) if other.faint.clearness() < faint.clearness() => *other = plot,
                Some(_) => {}
                None => all &= plots.push(plot).is_ok(),
            }
        });
        (all && looked).then_some(plots)
    }

    /// The middle of what is faint, in parts of a [`CELL`], to about a sixth of one: from its columns and rows and those beside them, on which some of it may lie.
    fn whereabouts(&self, faint: &Faint, now: &[u16], value: &[u16]) -> (i32, i32) {
        let ((column, row), Grid { columns, rows, .. }) = (faint.place, self.grid);
        let change = |cell: usize| {
            let change = i32::from(now[cell] * LEVEL) - i32::from(value[cell]);
            if faint.brighter { change } else { -change }
        };
        let in_column = |at: usize| change(row * columns + at) + change((row + 1) * columns + at);
        let in_row = |at: usize| change(at * columns + column) + change(at * columns + column + 1);
        (middle(column, columns, in_column), middle(row, rows, in_row))
    }

    /// Reports what the course leads to, and follows it from now on as a speck.
    fn adopt(&mut self, plot: &Plot, scene: &Scene<'_>, background: &Background, tally: &mut Tally, report: &mut impl FnMut(Region)) {
        let blob = self.block(plot.faint.place, scene);
        if scene.plan.zoned && blob.zones.is_empty() {
            return;
        }
        let speck = self.speck(scene, background);
        self.specks.adopt(speck, plot.from, plot.frames);
        self.tell(Some(self.rules.evidence_min), &blob, tally, report);
    }
}

/// The middle of three of `count` lines of cells by what each changes, of which the strongest is in the midst and one of the two from `first` on.
fn middle(first: usize, count: usize, change: impl Fn(usize) -> i32) -> i32 {
    let strongest = if change(first) >= change(first + 1) { first } else { first + 1 };
    let side = |at: Option<usize>| at.filter(|at| *at < count).map_or(0, |at| change(at).max(0));
    let [before, at, after] = [strongest.checked_sub(1), Some(strongest), Some(strongest + 1)].map(side);
    strongest as i32 * CELL + (after - before) * CELL / (before + at + after).max(1)
}
