//! Cells that differ to connected regions, and regions over time: which of them move, were seen to move often enough
//! to be certain, or have come to rest.

mod flood;
mod lit;
mod plots;
mod specks;
mod unrest;

use flood::Blob;
pub(super) use flood::Run;
use flood::number;
use plots::Plots;
use specks::Specks;

use super::Region;
use super::Score;
use super::background::Background;
use super::background::STRONG;
use super::cells::Grid;
use super::clutter::Clutter;
use super::rules::Rules;
use super::settings::Settings;
use super::structure::Change;
use super::ticker::Lapse;
use super::ticker::TICKS_PER_SECOND;
use super::zones::Plan;

/// Differing cells belong together with at most this many cells between them.
const GAP: usize = 1;
/// What moved and stopped is held this long, in ticks: then it is part of the background.
const HOLD_TICKS: u16 = 20 * TICKS_PER_SECOND as u16;
/// What is seen to be the trace of something that went away is dropped after this, in ticks.
const GHOST_TICKS: u16 = TICKS_PER_SECOND as u16 / 4;
/// Evidence of each cell, on average, from which on a region at rest is held.
const CLEAR_EVIDENCE: u32 = 16;
/// A region at rest is held unless it has less than this part of the evidence of what moved here: then that went on, and
/// left it behind.
const REMNANT_PART: u32 = 3;
/// So many times the least evidence that counts is more than weather brings.
const PLAIN_EVIDENCE: u32 = 8;
/// Where motion is expected, so many eighths of the least evidence are enough; what clutter adds to it stays.
const EXPECTED_EIGHTHS: u32 = 5;
/// Proof that motion needs to be certain, in sixteenths of the least evidence that counts: what barely counts never has
/// it unless it grows, what is twice as strong has it in four frames, what is five times as strong in one.
const PROOF_MIN: u32 = 80;
/// A region that fills less of its box than one cell in so many is a shower, not a thing.
const SPARSE_PART: usize = 5;
/// Time in which what moves goes as far as the rules have it, in milliseconds.
const REACH_MS: u16 = 66;
/// From this time between two frames on, in milliseconds, what goes fast is nowhere near where it was.
const SLOW_FRAMES_MS: u16 = 60;

/// What one frame is judged by.
pub(crate) struct Scene<'a> {
    pub(crate) now: &'a [u16],
    pub(crate) before: &'a [u16],
    pub(crate) plan: &'a Plan,
    pub(crate) lapse: Lapse,
    /// Cells that differ.
    pub(crate) differing: usize,
}

/// What a frame's regions come to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Strongest region, also one that does not count.
    pub(crate) score: Score,
    /// Cells of regions that are reported.
    pub(crate) cells: usize,
    /// Whether one of them is certain.
    pub(crate) certain: bool,
    /// Whether one is by what it is in this frame, not by its way alone.
    is_plain: bool,
}

/// Regions of cells over time.
#[derive(Debug)]
pub(crate) struct Regions {
    grid: Grid,
    rules: Rules,
    /// How each cell differs in this frame; [`SAME`] once it was assigned to a region.
    pub(crate) marks: Vec<u8>,
    /// 1 where a cell belongs to a region that counts: not to be learned from.
    pub(crate) taken: Vec<u8>,
    /// 1 where a region is reported.
    pub(crate) moving: Vec<u8>,
    /// 1 where the region was certain once, and so is held when it stops.
    held: Vec<u8>,
    /// Ticks since the cell's region moved.
    still: Vec<u16>,
    /// Evidence of the region that moved here last.
    weight: Vec<u32>,
    /// In which of the last 16 steps the cell was part of a region; the newest is bit 0.
    seen: Vec<u16>,
    /// In which of the last 16 steps a region moved around here.
    moved: Vec<u16>,
    /// Ticks for which light is still near after it was here.
    lit: Vec<u8>,
    /// Evidence of what moved around here lately, in sixteenths of the least that counts; it fades by a quarter each step.
    proof: Vec<u8>,
    /// Cells of one region, in the order in which they were reached.
    runs: Vec<Run>,
    /// Frames since the histories held anything.
    idle: u32,
    /// What usually stirs and turns out to be nothing.
    clutter: Clutter,
    /// What is too small and faint to count by one look.
    specks: Specks,
    /// What is too faint for any cell by itself.
    plots: Plots,
    /// Whether motion is likely now, so that weaker evidence counts.
    pub(crate) expectant: bool,
}

impl Regions {
    pub(crate) fn new(settings: &Settings, grid: Grid) -> Regions {
        let bytes = || vec![0; grid.len()];
        let histories = || vec![0; grid.len()];
        Regions {
            grid,
            rules: Rules::new(settings, grid),
            marks: bytes(),
            taken: bytes(),
            moving: bytes(),
            held: bytes(),
            still: histories(),
            weight: vec![0; grid.len()],
            seen: histories(),
            moved: histories(),
            lit: bytes(),
            proof: bytes(),
            runs: Vec::with_capacity(Run::count_max(grid)),
            idle: u16::BITS,
            clutter: Clutter::default(),
            specks: Specks::default(),
            plots: Plots::default(),
            expectant: false,
        }
    }

    /// Goes on by other rules.
    pub(crate) fn retune(&mut self, settings: &Settings) {
        self.rules = Rules::new(settings, self.grid);
    }

    /// Bytes that [`new`](Regions::new) allocates.
    pub(crate) const fn footprint(grid: Grid) -> usize {
        grid.len() * (6 * size_of::<u8>() + 3 * size_of::<u16>() + size_of::<u32>()) + Run::count_max(grid) * size_of::<Run>()
    }

    /// Forgets everything that moved or is held.
    pub(crate) fn clear(&mut self) {
        for bytes in [&mut self.taken, &mut self.moving, &mut self.held, &mut self.lit, &mut self.proof] {
            bytes.fill(0);
        }
        for histories in [&mut self.seen, &mut self.moved, &mut self.still] {
            histories.fill(0);
        }
        self.weight.fill(0);
        self.specks.restart();
        self.plots.restart();
        self.idle = u16::BITS;
    }

    /// Finds the regions of the frame by `marks`, and gives those that are to be reported to `report`.
    pub(crate) fn find(&mut self, scene: &Scene<'_>, background: &mut Background, mut report: impl FnMut(Region)) -> Tally {
        let mut tally = Tally::default();
        self.age(scene);
        self.clutter.begin();
        self.begin_specks(scene);
        let mut next = 0;
        while let Some(from) = self.next_strong(next) {
            next = from + 1;
            if background.known(scene.now, from..from + 1).any(|known| known) {
                self.recall(from, background);
            }
            if self.marks[from] == STRONG {
                let blob = self.flood(from, scene, background);
                self.judge(blob, scene, background, &mut tally, &mut report);
            }
        }
        self.watch_specks(scene, background, &mut tally, &mut report);
        self.watch_plots(scene, background, &mut tally, &mut report);
        self.clutter.note(self.rules.evidence_min, scene.lapse.ticks);
        tally
    }

    /// The first strong cell from `from` on; rows without any are passed over as fast as memory is read.
    fn next_strong(&self, from: usize) -> Option<usize> {
        let row = self.grid.columns;
        let begins = std::iter::successors(Some(from), |begin| Some((begin / row + 1) * row));
        let strips = begins.take_while(|begin| *begin < self.marks.len());
        let mut strips = strips.map(|begin| (begin, &self.marks[begin..(begin / row + 1) * row]));
        let (begin, strip) = strips.find(|(_, strip)| strip.contains(&STRONG))?;
        strip.iter().position(|mark| *mark == STRONG).map(|ahead| begin + ahead)
    }

    /// Least evidence that counts now.
    fn evidence_min(&self) -> u32 {
        let alone = self.rules.evidence_min;
        let needed = if self.expectant { alone * EXPECTED_EIGHTHS / 8 } else { alone };
        needed + self.clutter.bar()
    }

    /// Moves the histories on by one frame, and begins this frame's maps.
    fn age(&mut self, scene: &Scene<'_>) {
        if self.idle >= u16::BITS {
            return;
        }
        self.idle += 1;
        self.taken.fill(0);
        self.moving.fill(0);
        self.lit.iter_mut().for_each(|lit| *lit = lit.saturating_sub(scene.lapse.ticks));
        if !scene.lapse.step {
            return;
        }
        for histories in [&mut self.seen, &mut self.moved] {
            histories.iter_mut().for_each(|history| *history <<= 1);
        }
        for proof in &mut self.proof {
            *proof -= (*proof >> 2) + u8::from(*proof & 3 != 0);
        }
        for ((seen, held), still) in self.seen.iter().zip(&mut self.held).zip(&mut self.still) {
            let recent = if seen & 0b1110 != 0 { u16::MAX } else { 0 };
            *held &= recent as u8;
            *still &= recent;
        }
    }

    /// Decides what the region in `cells` is, and does what follows.
    fn judge(&mut self, blob: Blob, scene: &Scene<'_>, background: &mut Background, tally: &mut Tally, report: &mut impl FnMut(Region)) {
        self.idle = 0;
        let score = self.score(&blob);
        let placed = !scene.plan.zoned || !blob.zones.is_empty();
        if placed {
            tally.score = tally.score.max(score);
        }
        for run in &self.runs {
            self.seen[run.cells()].iter_mut().for_each(|seen| *seen |= 1);
        }
        if !placed || blob.evidence < self.evidence_min() || blob.extent() < self.rules.extent_min {
            self.clutter.doubt(blob.evidence, false);
            if placed {
                self.glimpse(&blob, scene, background, tally, report);
            }
            return;
        }
        if self.is_light(&blob, scene, background) {
            self.pass_light(&blob, scene, background);
            return;
        }
        let moves = blob.stirred > blob.size / 64;
        self.clutter.crowd(moves);
        let blob = self.note(blob, moves, scene);
        let mut certain = self.certain(&blob, moves, scene);
        tally.is_plain |= certain;
        if !certain {
            if moves {
                self.clutter.doubt(blob.evidence, blob.stayed * 2 < blob.size);
            }
            // Who is slow changes no cell much from frame to frame, and is known by their way, however large.
            certain = (!moves || self.is_speck(&blob)) && self.follow(&blob, scene, background).is_some();
        }
        let over = blob.still >= HOLD_TICKS || (blob.still >= GHOST_TICKS && self.change(scene.now, background).is_ghost());
        if over {
            self.absorb(scene, background);
        } else if moves || certain {
            self.runs.iter().for_each(|run| self.moving[run.cells()].fill(1));
            tally.cells += blob.size;
            tally.certain |= certain;
            report(Region {
                rect: blob.rect(self.grid),
                zones: blob.zones,
                score,
            });
        }
    }

    /// 500 at the least evidence that counts, nearing 1000 with more.
    fn score(&self, blob: &Blob) -> Score {
        score(blob.evidence, self.evidence_min())
    }

    /// Marks the region's cells as taken, and writes down whether it moves; the region as it is then.
    fn note(&mut self, mut blob: Blob, moves: bool, scene: &Scene<'_>) -> Blob {
        let ticks = u16::from(scene.lapse.ticks);
        for cells in self.runs.iter().map(|run| run.cells()) {
            self.taken[cells.clone()].fill(1);
            if moves {
                self.still[cells.clone()].fill(0);
                self.weight[cells].fill(blob.evidence);
            } else {
                let still = self.still[cells].iter_mut();
                still.for_each(|still| *still = still.saturating_add(ticks));
            }
        }
        if !moves {
            blob.still = blob.still.saturating_add(ticks);
            return blob;
        }
        (blob.still, blob.weight) = (0, blob.evidence);
        let gained = (blob.evidence * 16 / self.evidence_min()).min(u32::from(u8::MAX)) as u8;
        blob.proof = if scene.lapse.step {
            blob.proof.saturating_add(gained)
        } else {
            blob.proof.max(gained)
        };
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let reach = self.stride(&blob, scene);
        let across = blob.left.saturating_sub(reach)..(blob.right + reach + 1).min(columns);
        for row in blob.top.saturating_sub(reach)..(blob.bottom + reach + 1).min(rows) {
            let cells = row * columns + across.start..row * columns + across.end;
            self.moved[cells.clone()].iter_mut().for_each(|moved| *moved |= 1);
            self.proof[cells].iter_mut().for_each(|there| *there = blob.proof.max(*there));
        }
        blob
    }

    /// Cells by which the region may be elsewhere in the next step: what is wide may go far.
    fn stride(&self, blob: &Blob, scene: &Scene<'_>) -> usize {
        let usual = self.rules.reach.max((blob.right - blob.left).min(self.grid.columns / 8) / 2);
        usual * usize::from(scene.lapse.millis.max(REACH_MS)) / usize::from(REACH_MS)
    }

    /// Whether the region was seen to move here in N of the last M frames, now or before it stopped.
    fn certain(&mut self, blob: &Blob, moves: bool, scene: &Scene<'_>) -> bool {
        // Things mostly stay where they were a frame ago. What does not must be seen once more, and is weather where much
        // of it comes and goes at once, unless it is plain to see.
        let plain = blob.evidence >= PLAIN_EVIDENCE * self.evidence_min();
        let steady = blob.stayed * 2 >= blob.size;
        let area = (blob.right + 1 - blob.left) * (blob.bottom + 1 - blob.top);
        let sparse = blob.size * SPARSE_PART < area && !plain;
        let weather = sparse || (!steady && !plain && self.clutter.is_crowd());
        // What has stopped is held only while it is clearly there: traces of it are not.
        let clear = blob.evidence >= CLEAR_EVIDENCE * blob.size as u32 && blob.evidence >= blob.weight / REMNANT_PART;
        if weather || !(moves || clear) {
            return false;
        }
        let window = self.rules.confirm_window;
        let brief = steady || (plain && scene.lapse.millis >= SLOW_FRAMES_MS);
        let (frames, window) = if brief {
            (self.rules.confirm_frames, window)
        } else {
            (self.rules.confirm_frames + 1, window << 1 | 1)
        };
        let often = |moved: u16, seen: u16| {
            let lasting = || seen.count_ones() >= 12 && moved.count_ones() > frames;
            (moved & window).count_ones() >= frames || lasting()
        };
        let proven = u32::from(blob.proof) >= if brief { PROOF_MIN } else { 3 * PROOF_MIN / 2 };
        let confirmed = || {
            let histories = self
                .runs
                .iter()
                .flat_map(|run| self.moved[run.cells()].iter().zip(&self.seen[run.cells()]));
            // No more are counted than it takes.
            histories
                .filter(|(moved, seen)| often(**moved, **seen))
                .take(blob.strong / 4 + 1)
                .count()
        };
        let certain = blob.held > blob.size / 8 || (proven && confirmed() > blob.strong / 4);
        if certain {
            self.runs.iter().for_each(|run| self.held[run.cells()].fill(1));
        }
        certain
    }

    /// Makes the region part of the background.
    fn absorb(&mut self, scene: &Scene<'_>, background: &mut Background) {
        // Its rims may be faint for a while.
        self.plots.despair();
        for cells in self.runs.iter().map(|run| run.cells()) {
            background.absorb(scene.now, cells.clone());
            self.taken[cells.clone()].fill(0);
            self.held[cells.clone()].fill(0);
            self.still[cells].fill(0);
        }
    }

    fn change<'a>(&'a self, now: &'a [u16], background: &'a Background) -> Change<'a> {
        Change {
            grid: self.grid,
            now,
            background: &background.value,
            other: &background.other,
            threshold: &background.threshold,
            runs: &self.runs,
        }
    }
}

/// 500 where `evidence` is the least that counts, nearing 1000 with more.
fn score(evidence: u32, evidence_min: u32) -> Score {
    let (evidence, evidence_min) = (u64::from(evidence), u64::from(evidence_min));
    Score((evidence * 1000 / (evidence + evidence_min).max(1)) as u16)
}
