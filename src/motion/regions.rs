//! Cells that differ to connected regions, and regions over time: which of them move, were seen to move often enough
//! to be certain, or have come to rest.

use std::mem;

use super::RECT_UNIT;
use super::Rect;
use super::Region;
use super::Score;
use super::ZoneSet;
use super::background::Background;
use super::background::SAME;
use super::background::STRONG;
use super::cells::Grid;
use super::rules::Rules;
use super::settings::Settings;
use super::structure::Change;
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
/// What light explains is part of the background after this, in ticks.
const LIT_TICKS: u16 = TICKS_PER_SECOND as u16;
/// More moving regions than this are a crowd, or weather.
const CROWD: usize = 3;
/// Clutter raises the least evidence at most to twice this multiple and one more.
const CLUTTER_MAX: u32 = 8;
/// Proof that motion needs to be certain, in sixteenths of the least evidence that counts: what barely counts must be seen in
/// four frames, what is twice as strong in two.
const PROOF_MIN: u32 = 40;
/// Units of the ages of regions.
pub(crate) const TICKS_PER_SECOND: u64 = 16;

/// What one frame is judged by.
pub(crate) struct Scene<'a> {
    pub(crate) now: &'a [u16],
    pub(crate) before: &'a [u16],
    pub(crate) plan: &'a Plan,
    /// Time since the frame before, in ticks.
    pub(crate) ticks: u8,
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
    /// In which of the last 16 frames the cell was part of a region; the newest is bit 0.
    seen: Vec<u16>,
    /// In which of the last 16 frames a region moved around here.
    moved: Vec<u16>,
    /// Evidence of what moved around here lately, in sixteenths of the least that counts; it fades by a quarter each frame.
    proof: Vec<u8>,
    /// Cells of one region, in the order in which they were reached.
    cells: Vec<u32>,
    /// Frames since the histories held anything.
    idle: u32,
    /// Evidence of what usually stirs and turns out to be nothing, in 64ths.
    clutter: u32,
    /// Most evidence in this frame that is not certain to be motion.
    doubtful: u32,
    /// The strongest regions of this frame that are not where anything was a frame ago, strongest first.
    fleeting: [u32; CROWD + 1],
    /// Moving regions in this frame, and in the one before.
    crowd: usize,
    crowd_before: usize,
}

/// A region as it is found.
#[derive(Clone, Copy)]
struct Blob {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    evidence: u32,
    /// Cells that changed since the frame before, or that nothing was at a moment ago.
    stirred: usize,
    /// Cells that were part of a region one frame ago.
    stayed: usize,
    /// Cells beyond chance.
    strong: usize,
    zones: ZoneSet,
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
            proof: bytes(),
            cells: Vec::with_capacity(grid.len()),
            idle: u16::BITS,
            clutter: 0,
            doubtful: 0,
            fleeting: [0; CROWD + 1],
            crowd: 0,
            crowd_before: 0,
        }
    }

    /// Bytes that [`new`](Regions::new) allocates.
    pub(crate) const fn footprint(grid: Grid) -> usize {
        grid.len() * (5 * size_of::<u8>() + 3 * size_of::<u16>() + 2 * size_of::<u32>())
    }

    /// Forgets everything that moved or is held.
    pub(crate) fn clear(&mut self) {
        for bytes in [&mut self.taken, &mut self.moving, &mut self.held, &mut self.proof] {
            bytes.fill(0);
        }
        for histories in [&mut self.seen, &mut self.moved, &mut self.still] {
            histories.fill(0);
        }
        self.weight.fill(0);
        self.idle = u16::BITS;
    }

    /// Finds the regions of the frame by `marks`, and gives those that are to be reported to `report`.
    pub(crate) fn find(&mut self, scene: &Scene<'_>, background: &mut Background, mut report: impl FnMut(Region)) -> Tally {
        let mut tally = Tally::default();
        self.age();
        self.doubtful = 0;
        self.fleeting = [0; CROWD + 1];
        self.crowd_before = mem::take(&mut self.crowd);
        let mut next = 0;
        while let Some(ahead) = self.marks[next..].iter().position(|mark| *mark == STRONG) {
            let from = next + ahead;
            next = from + 1;
            if background.recall(scene.now, from) {
                self.marks[from] = SAME;
            }
            if self.marks[from] == STRONG {
                let blob = self.flood(from, scene, background);
                self.judge(blob, scene, background, &mut tally, &mut report);
            }
        }
        self.note_clutter();
        tally
    }

    /// Clutter rises within a second or two, or at once where many things are fleeting, and fades within some more.
    fn note_clutter(&mut self) {
        let most = CLUTTER_MAX * self.rules.evidence_min;
        let doubtful = self.doubtful.min(most) << 6;
        let step = doubtful.saturating_sub(self.clutter) >> 5;
        self.clutter += step;
        // The strongest may be somebody; the least of a crowd says what weather brings at least.
        let weather = self.fleeting[CROWD - 1].min(most) << 6;
        if self.fleeting[CROWD] > 0 {
            self.clutter = self.clutter.max(weather);
        }
        self.clutter -= self.clutter >> 7;
    }

    /// Keeps `evidence` among the strongest of its kind.
    fn note_fleeting(&mut self, mut evidence: u32) {
        for place in &mut self.fleeting {
            if evidence > *place {
                mem::swap(place, &mut evidence);
            }
        }
    }

    /// Least evidence that counts now.
    fn evidence_min(&self) -> u32 {
        self.rules.evidence_min + (self.clutter >> 5)
    }

    /// Moves the histories on by one frame, and begins this frame's maps.
    fn age(&mut self) {
        if self.idle >= u16::BITS {
            return;
        }
        self.idle += 1;
        self.taken.fill(0);
        self.moving.fill(0);
        for history in self.seen.iter_mut().chain(&mut self.moved) {
            *history <<= 1;
        }
        for proof in &mut self.proof {
            *proof -= proof.div_ceil(4);
        }
        for ((seen, held), still) in self.seen.iter().zip(&mut self.held).zip(&mut self.still) {
            let recent = u8::from(seen & 0b1110 != 0);
            *held *= recent;
            *still *= u16::from(recent);
        }
    }

    /// Collects the cells connected to `from` into `cells`.
    fn flood(&mut self, from: usize, scene: &Scene<'_>, background: &mut Background) -> Blob {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let mut blob = Blob {
            left: columns,
            top: rows,
            right: 0,
            bottom: 0,
            evidence: 0,
            stirred: 0,
            stayed: 0,
            strong: 0,
            zones: ZoneSet::EMPTY,
        };
        self.cells.clear();
        self.reach(from, &mut blob, scene, background);
        let mut next = 0;
        while let Some(&cell) = self.cells.get(next) {
            next += 1;
            let (column, row) = (cell as usize % columns, cell as usize / columns);
            let across = column.saturating_sub(GAP + 1)..(column + GAP + 2).min(columns);
            for row in row.saturating_sub(GAP + 1)..(row + GAP + 2).min(rows) {
                let cells = row * columns + across.start..row * columns + across.end;
                if self.marks[cells.clone()].iter().all(|mark| *mark == SAME) {
                    continue;
                }
                for cell in cells {
                    if self.marks[cell] != SAME {
                        self.reach(cell, &mut blob, scene, background);
                    }
                }
            }
        }
        blob
    }

    /// Adds a differing cell to `blob` and `cells`.
    fn reach(&mut self, cell: usize, blob: &mut Blob, scene: &Scene<'_>, background: &mut Background) {
        let strong = self.marks[cell] == STRONG;
        self.marks[cell] = SAME;
        if background.recall(scene.now, cell) {
            return;
        }
        // While the light is in doubt, what it explained for a while comes up again.
        let born = strong && self.seen[cell] & 0b1_1110 == 0 && !background.in_doubt();
        if born {
            background.note_habit(cell);
        }
        let (column, row) = (cell % self.grid.columns, cell / self.grid.columns);
        blob.left = blob.left.min(column);
        blob.right = blob.right.max(column);
        blob.top = blob.top.min(row);
        blob.bottom = blob.bottom.max(row);
        blob.evidence += background.evidence(scene.now, cell);
        blob.stirred += usize::from(born || background.stirred(scene.now, scene.before, cell));
        blob.stayed += usize::from(self.seen[cell] & 0b10 != 0);
        blob.strong += usize::from(strong);
        blob.zones = blob.zones.union(scene.plan.zones[cell]);
        self.cells.push(cell as u32);
    }

    /// Decides what the region in `cells` is, and does what follows.
    fn judge(&mut self, blob: Blob, scene: &Scene<'_>, background: &mut Background, tally: &mut Tally, report: &mut impl FnMut(Region)) {
        self.idle = 0;
        let score = self.score(&blob);
        let placed = !scene.plan.zoned || !blob.zones.is_empty();
        if placed {
            tally.score = tally.score.max(score);
        }
        self.cells.iter().for_each(|&cell| self.seen[cell as usize] |= 1);
        let extent = (blob.right - blob.left).max(blob.bottom - blob.top) + 1;
        if !placed || blob.evidence < self.evidence_min() || extent < self.rules.extent_min {
            self.doubtful = self.doubtful.max(blob.evidence);
            return;
        }
        if self.cells.len() >= self.rules.wide && self.change(scene.now, background).is_light() {
            self.pass_light(scene, background);
            return;
        }
        let moves = blob.stirred > self.cells.len() / 64;
        self.crowd += usize::from(moves);
        self.note(&blob, moves, scene);
        let certain = self.certain(&blob, moves);
        if moves && !certain {
            self.doubtful = self.doubtful.max(blob.evidence);
            if blob.stayed * 2 < self.cells.len() {
                self.note_fleeting(blob.evidence);
            }
        }
        let age = self.cells.iter().map(|&cell| self.still[cell as usize]).max().unwrap_or(0);
        let over = age >= HOLD_TICKS || (age >= GHOST_TICKS && self.change(scene.now, background).is_ghost());
        if over {
            self.absorb(scene, background);
        } else if moves || certain {
            self.cells.iter().for_each(|&cell| self.moving[cell as usize] = 1);
            tally.cells += self.cells.len();
            tally.certain |= certain;
            report(Region {
                rect: rect(&blob, self.grid),
                zones: blob.zones,
                score,
            });
        }
    }

    /// The region shows light: it is not learned from until it has lasted, for headlights go as they came.
    fn pass_light(&mut self, scene: &Scene<'_>, background: &mut Background) {
        for cell in self.cells.iter().map(|&cell| cell as usize) {
            self.taken[cell] = 1;
            self.still[cell] = self.still[cell].saturating_add(u16::from(scene.ticks));
            if self.still[cell] >= LIT_TICKS {
                background.absorb(scene.now, cell);
                (self.taken[cell], self.still[cell]) = (0, 0);
            }
        }
    }

    /// 500 at the least evidence that counts, nearing 1000 with more.
    fn score(&self, blob: &Blob) -> Score {
        let evidence = u64::from(blob.evidence);
        Score((evidence * 1000 / (evidence + u64::from(self.evidence_min())).max(1)) as u16)
    }

    /// Marks the region's cells as taken, and writes down whether it moves.
    fn note(&mut self, blob: &Blob, moves: bool, scene: &Scene<'_>) {
        for cell in self.cells.iter().map(|&cell| cell as usize) {
            self.taken[cell] = 1;
            self.still[cell] = if moves {
                0
            } else {
                self.still[cell].saturating_add(u16::from(scene.ticks))
            };
        }
        if !moves {
            return;
        }
        self.cells.iter().for_each(|&cell| self.weight[cell as usize] = blob.evidence);
        let before = self.cells.iter().map(|&cell| self.proof[cell as usize]).max().unwrap_or(0);
        let gained = (blob.evidence * 16 / self.evidence_min()).min(u32::from(u8::MAX)) as u8;
        let proof = before.saturating_add(gained);
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let across = blob.left.saturating_sub(GAP + 1)..(blob.right + GAP + 2).min(columns);
        for row in blob.top.saturating_sub(GAP + 1)..(blob.bottom + GAP + 2).min(rows) {
            let cells = row * columns + across.start..row * columns + across.end;
            self.moved[cells.clone()].iter_mut().for_each(|moved| *moved |= 1);
            self.proof[cells].iter_mut().for_each(|there| *there = proof.max(*there));
        }
    }

    /// Whether the region was seen to move here in N of the last M frames, now or before it stopped.
    fn certain(&mut self, blob: &Blob, moves: bool) -> bool {
        // Things mostly stay where they were a frame ago. What does not must be seen once more, and is weather where
        // much of it comes and goes at once.
        let steady = blob.stayed * 2 >= self.cells.len();
        let weather = !steady && self.crowd_before > CROWD;
        // What has stopped is held only while it is clearly there: traces of it are not.
        let weight = self.cells.iter().map(|&cell| self.weight[cell as usize]).max().unwrap_or(0);
        let clear = blob.evidence >= CLEAR_EVIDENCE * self.cells.len() as u32 && blob.evidence >= weight / REMNANT_PART;
        if weather || !(moves || clear) {
            return false;
        }
        let window = self.rules.confirm_window;
        let (frames, window) = if steady {
            (self.rules.confirm_frames, window)
        } else {
            (self.rules.confirm_frames + 1, window << 1 | 1)
        };
        let often = |moved: u16, seen: u16| {
            let lasting = seen.count_ones() >= 12 && moved.count_ones() > frames;
            (moved & window).count_ones() >= frames || lasting
        };
        let cells = || self.cells.iter().map(|&cell| cell as usize);
        let proof = cells().map(|cell| u32::from(self.proof[cell])).max().unwrap_or(0);
        let proven = proof >= if steady { PROOF_MIN } else { 2 * PROOF_MIN };
        let confirmed = cells().filter(|&cell| proven && often(self.moved[cell], self.seen[cell])).count();
        let held = cells().filter(|&cell| self.held[cell] != 0).count();
        let certain = confirmed > blob.strong / 4 || held > self.cells.len() / 8;
        if certain {
            self.cells.iter().for_each(|&cell| self.held[cell as usize] = 1);
        }
        certain
    }

    /// Makes the region part of the background.
    fn absorb(&mut self, scene: &Scene<'_>, background: &mut Background) {
        for cell in self.cells.iter().map(|&cell| cell as usize) {
            background.absorb(scene.now, cell);
            (self.taken[cell], self.held[cell], self.still[cell]) = (0, 0, 0);
        }
    }

    /// Whether what differs in the whole picture is light: a cloud's edge, a lamp that falls off.
    pub(crate) fn all_is_light(&mut self, now: &[u16], background: &Background) -> bool {
        let differing = self.marks.iter().enumerate().filter(|(_, mark)| **mark != SAME);
        self.cells.clear();
        self.cells.extend(differing.map(|(cell, _)| cell as u32));
        self.change(now, background).is_light()
    }

    fn change<'a>(&'a self, now: &'a [u16], background: &'a Background) -> Change<'a> {
        Change {
            grid: self.grid,
            now,
            background: &background.value,
            other: &background.other,
            threshold: &background.threshold,
            cells: &self.cells,
        }
    }
}

/// The bounding box in parts of the picture that the grid covers.
fn rect(blob: &Blob, grid: Grid) -> Rect {
    let part = |cells: usize, of: usize| (cells * usize::from(RECT_UNIT) / of) as u16;
    let (x, y) = (part(blob.left, grid.columns), part(blob.top, grid.rows));
    Rect {
        x,
        y,
        width: part(blob.right + 1, grid.columns) - x,
        height: part(blob.bottom + 1, grid.rows) - y,
    }
}
