//! Specks: what is too small and faint to count by one look, followed from frame to frame. One that goes its way through a picture
//! in which next to nothing else stirs is somebody far away; what flickers, hovers or comes in numbers is not.

use heapless::Vec;

use super::Blob;
use super::Region;
use super::Regions;
use super::Scene;
use super::Tally;
use super::score;
use super::unrest::Unrest;
use crate::motion::background::Background;
use crate::motion::background::first_differing;
use crate::motion::ticker::Lapse;

/// Units of a cell's side in positions.
pub(super) const CELL: i32 = 16;
/// Specks that are followed at once; where there are more, it is weather.
const TRACKS_MAX: usize = 8;
/// A speck is as large as it may go in a frame, and so many cells more.
const EXTENT_BEYOND_REACH: usize = 2;
/// A speck must have been seen in this many frames ...
const FRAMES_MIN: u16 = 4;
/// ... which are at least one in so many of those since it came.
const FRAMES_PART: u16 = 3;
/// It must have gone so far, in parts of a cell: a flicker stays where it is ...
const WAY_MIN: i32 = 3 * CELL / 2;
/// ... and so many fifths of its path straight on: what hovers does not.
const STRAIGHT_FIFTHS: i32 = 3;
/// Where all else is calm, so many frames are enough ...
const CALM_FRAMES_MIN: u16 = 3;
/// ... so many of them without being looked for ...
const CALM_PLAIN_MIN: u16 = 2;
/// ... and of at most so many more ...
const CALM_FRAMES_AWAY: u16 = 2;
/// ... in which it went so far, in parts of a cell: what flickers does not, whichever of its cells are seen ...
const CALM_WAY_MIN: i32 = CELL / 2;
/// ... and had so many sixteenths of the evidence.
const CALM_EVIDENCE: u32 = 10;
/// What is looked for has this part of the evidence that it had before, on average.
const FAINT_PART: u32 = 4;
/// It is lost when it is not plain for this time, in milliseconds; ...
const LOST_MS: u16 = 400;
/// ... for this, once it was certain.
const LOST_CERTAIN_MS: u16 = 1000;
/// Time in which a speck goes no farther than the reach, in milliseconds.
const REACH_MS: u16 = 66;
/// A speck that was away is looked for in up to so many times the reach.
const REACHES_MAX: i32 = 3;
/// Of so many specks that came in the last seconds one may count, of more none.
const COMING_MAX: u32 = 6;
/// More faint courses than this are leaves, of which some become specks.
const COURSES_MAX: u32 = 6;

/// Specks are looked for while less than this part of the picture differs: one cell in so many.
const CELLS_PART: usize = 128;

/// A small region in one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speck {
    /// Its middle, in parts of a [`CELL`].
    pub(super) at: (i32, i32),
    /// Its evidence.
    pub(super) evidence: u32,
}

/// A speck over time.
#[derive(Clone, Copy, Debug)]
struct Track {
    /// Where it came, and where it was seen last.
    from: (i32, i32),
    at: (i32, i32),
    /// Length of its path.
    path: i32,
    /// Frames since it came, and those in which it was seen.
    frames: u16,
    seen: u16,
    /// Frames in which it was plain, and had not to be looked for.
    plain: u16,
    /// Time since it was seen, and since it was plain, in milliseconds.
    away: u16,
    missing: u16,
    /// Evidence of all frames.
    evidence: u32,
    /// Whether it was certain once.
    certain: bool,
}

/// Specks that are followed.
#[derive(Debug, Default)]
pub(super) struct Specks {
    tracks: Vec<Track, TRACKS_MAX>,
    /// How many came of late.
    unrest: Unrest,
    /// Whether more that is fainter came than people bring.
    rustles: bool,
}

impl Specks {
    /// A new frame, after so many `courses` of what is too faint for a speck.
    pub(super) fn begin(&mut self, lapse: Lapse, courses: Unrest) {
        self.unrest.fade(lapse);
        self.rustles = !courses.is_at_most(COURSES_MAX);
        for track in &mut self.tracks {
            track.frames = track.frames.saturating_add(1);
            track.away = track.away.saturating_add(lapse.millis);
            track.missing = track.missing.saturating_add(lapse.millis);
        }
        self.tracks
            .retain(|track| track.missing <= if track.certain { LOST_CERTAIN_MS } else { LOST_MS });
    }

    /// Forgets those that are followed: what moves is seen without them.
    pub(super) fn clear(&mut self) {
        self.tracks.clear();
    }

    /// Begins anew, with a scene of which nobody knows yet how calm it is.
    pub(super) fn restart(&mut self) {
        self.tracks.clear();
        self.unrest.begin();
    }

    /// So much stirs that nothing small can be told from it.
    pub(super) fn despair(&mut self) {
        self.tracks.clear();
        self.unrest.suspect(2 * COMING_MAX);
    }

    /// How many came of late.
    pub(super) fn unrest(&self) -> Unrest {
        self.unrest
    }

    /// Follows what is known to have come from `from` in so many frames, and to be motion.
    pub(super) fn adopt(&mut self, speck: Speck, from: (i32, i32), frames: u16) {
        let near = |track: &&mut Track| distance(track.at, speck.at) <= 2 * CELL;
        let followed = self.tracks.iter_mut().filter(near);
        if let Some(track) = followed.min_by_key(|track| distance(track.at, speck.at)) {
            (track.at, track.away, track.missing, track.certain) = (speck.at, 0, 0, true);
            return;
        }
        // Where there is no room, it is found again.
        let _ = self.tracks.push(Track {
            from,
            frames,
            seen: frames,
            plain: frames,
            evidence: speck.evidence.saturating_mul(frames.into()),
            certain: true,
            ..Track::new(speck)
        });
    }

    /// Something came that is no speck, and may be nothing.
    pub(super) fn disturb(&mut self) {
        self.unrest.disturb();
    }

    /// A speck of this frame; the evidence of all frames that it was seen in, where that and its way make it motion. It may be `reach`
    /// cells from where it was in the frame before, and needs `evidence_min` in sum.
    fn follow(&mut self, speck: Speck, reach: usize, evidence_min: u32) -> Option<u32> {
        let near = |track: &Track| distance(track.at, speck.at) <= track.reach(reach);
        let fresh = (0..self.tracks.len()).filter(|track| self.tracks[*track].away > 0 && near(&self.tracks[*track]));
        let Some(track) = fresh.min_by_key(|track| distance(self.tracks[*track].at, speck.at)) else {
            self.disturb();
            // Where there is no room, unrest says enough.
            let _ = self.tracks.push(Track::new(speck));
            return None;
        };
        self.tracks[track].plain = self.tracks[track].plain.saturating_add(1);
        self.tracks[track].missing = 0;
        self.go(track, speck, evidence_min)
    }

    /// The same of one that is known to be `track`.
    fn go(&mut self, track: usize, speck: Speck, evidence_min: u32) -> Option<u32> {
        let track = &mut self.tracks[track];
        track.go(speck);
        let alone = || self.unrest.is_calm() && track.evidence >= evidence_min * CALM_EVIDENCE / 16 && track.goes();
        let among_few = || self.unrest.is_at_most(COMING_MAX) && track.evidence >= evidence_min && track.goes_its_way();
        track.certain |= !self.rustles && (alone() || among_few());
        track.certain.then_some(track.evidence)
    }
}

impl Track {
    fn new(speck: Speck) -> Track {
        Track {
            from: speck.at,
            at: speck.at,
            path: 0,
            frames: 1,
            seen: 1,
            plain: 1,
            away: 0,
            missing: 0,
            evidence: speck.evidence,
            certain: false,
        }
    }

    /// How far from where it was it may be, in parts of a cell, where that is `reach` cells in the frame after.
    fn reach(&self, reach: usize) -> i32 {
        let times = i32::from(self.away / REACH_MS).clamp(1, REACHES_MAX);
        reach as i32 * CELL * 4 / 5 * times
    }

    fn go(&mut self, speck: Speck) {
        self.path = self.path.saturating_add(distance(self.at, speck.at));
        self.at = speck.at;
        self.seen = self.seen.saturating_add(1);
        self.away = 0;
        self.evidence = self.evidence.saturating_add(speck.evidence);
    }

    /// Whether that may be what was seen before, by its evidence.
    fn is_like(&self, speck: &Speck) -> bool {
        speck.evidence * FAINT_PART * u32::from(self.seen) >= self.evidence
    }

    /// Whether it moves at all, and is seen to nearly all the time.
    fn goes(&self) -> bool {
        let often = self.plain >= CALM_PLAIN_MIN && self.seen >= CALM_FRAMES_MIN && self.frames <= self.seen + CALM_FRAMES_AWAY;
        often && distance(self.from, self.at) >= CALM_WAY_MIN
    }

    /// Whether it moves as things do: seen often, far from where it came, and by no detour.
    fn goes_its_way(&self) -> bool {
        let way = distance(self.from, self.at);
        let often = self.seen >= FRAMES_MIN && self.seen >= self.frames / FRAMES_PART;
        often && way >= WAY_MIN && 5 * way >= STRAIGHT_FIFTHS * self.path
    }
}

impl Regions {
    /// A new frame; where so much of it differs, as when a lamp goes on, nothing small can be told from the rest.
    pub(super) fn begin_specks(&mut self, scene: &Scene<'_>) {
        self.specks.begin(scene.lapse, self.plots.unrest());
        if self.is_restless(scene) {
            self.specks.despair();
        }
    }

    pub(super) fn is_restless(&self, scene: &Scene<'_>) -> bool {
        scene.differing * CELLS_PART > self.grid.len()
    }

    /// Looks for specks among the cells of which no region was made.
    pub(super) fn watch_specks(
        &mut self,
        scene: &Scene<'_>,
        background: &mut Background,
        tally: &mut Tally,
        report: &mut impl FnMut(Region),
    ) {
        if tally.is_plain {
            self.specks.clear();
        }
        let few = self.rules.specks && scene.differing > 0 && !self.is_restless(scene);
        let mut next = 0;
        while let Some(ahead) = first_differing(&self.marks[next..]).filter(|_| few) {
            let blob = self.flood(next + ahead, scene, background);
            next += ahead + 1;
            if blob.size > 0 && (!scene.plan.zoned || !blob.zones.is_empty()) {
                self.glimpse(&blob, scene, background, tally, report);
            }
        }
        for track in 0..self.specks.tracks.len() {
            if self.specks.tracks[track].away > 0 && self.specks.unrest.is_calm() {
                self.look_for(track, scene, background, tally, report);
            }
        }
    }

    /// Looks for a speck that was not plain in this frame where it may be by now: as these are few places, less tells it from noise than elsewhere.
    fn look_for(&mut self, track: usize, scene: &Scene<'_>, background: &Background, tally: &mut Tally, report: &mut impl FnMut(Region)) {
        let (at, reach) = (self.specks.tracks[track].at, self.specks.tracks[track].reach(self.rules.reach));
        let Some(place) = self.clearest(at, reach, scene.now, background) else {
            return;
        };
        let blob = self.block(place, scene);
        let speck = self.speck(scene, background);
        if self.specks.tracks[track].is_like(&speck) && (!scene.plan.zoned || !blob.zones.is_empty()) {
            let found = self.specks.go(track, speck, self.rules.evidence_min);
            self.tell(found, &blob, tally, report);
        }
    }

    /// The two by two cells that differ most clearly as one, of those within `reach` of `at` that were not told of in this frame.
    fn clearest(&self, at: (i32, i32), reach: i32, now: &[u16], background: &Background) -> Option<(usize, usize)> {
        let near = |at: i32, cells: usize| {
            let [first, last] = [at - reach, at + reach].map(|at| (at.max(0) / CELL) as usize);
            first..(last + 1).min(cells.saturating_sub(1))
        };
        let (across, down) = (near(at.0, self.grid.columns), near(at.1, self.grid.rows));
        let blocks = down.flat_map(|row| across.clone().map(move |column| (column, row)));
        let faint = blocks
            .filter(|block| self.is_free(*block))
            .filter_map(|block| Some((background.faintness(now, block)?, block)));
        faint.max().map(|(_, place)| place)
    }

    /// Follows a region that does not count by itself, and reports it where it turns out to be motion.
    pub(super) fn glimpse(
        &mut self,
        blob: &Blob,
        scene: &Scene<'_>,
        background: &Background,
        tally: &mut Tally,
        report: &mut impl FnMut(Region),
    ) {
        if self.is_speck(blob) {
            let evidence = self.follow(blob, scene, background);
            self.tell(evidence, blob, tally, report);
        }
    }

    /// Reports the region where it has `evidence` of motion.
    pub(super) fn tell(&mut self, evidence: Option<u32>, blob: &Blob, tally: &mut Tally, report: &mut impl FnMut(Region)) {
        let Some(evidence) = evidence else { return };
        let score = score(evidence, self.rules.evidence_min);
        self.idle = 0;
        self.runs.iter().for_each(|run| self.moving[run.cells()].fill(1));
        tally.score = tally.score.max(score);
        tally.cells += blob.size;
        tally.certain = true;
        report(Region {
            rect: blob.rect(self.grid),
            zones: blob.zones,
            score,
        });
    }

    /// Whether the region is small enough; what is not, and does not count, disturbs.
    pub(super) fn is_speck(&mut self, blob: &Blob) -> bool {
        let is_speck = blob.extent() <= self.rules.reach + EXTENT_BEYOND_REACH;
        if !is_speck && self.rules.specks {
            self.specks.disturb();
        }
        is_speck
    }

    /// Follows a region that is not certain by itself; the evidence of its whole way, where that is one of a thing.
    pub(super) fn follow(&mut self, blob: &Blob, scene: &Scene<'_>, background: &Background) -> Option<u32> {
        if !self.rules.specks {
            return None;
        }
        if blob.extent() < self.rules.extent_min {
            return None;
        }
        // Where cells are small, noise alone makes some of them weak in most frames.
        if !self.runs.iter().any(|run| background.is_beyond_noise(scene.now, run.cells())) {
            return None;
        }
        self.specks
            .follow(self.speck(scene, background), self.rules.reach, self.rules.evidence_min)
    }

    /// The speck that the region is.
    pub(super) fn speck(&self, scene: &Scene<'_>, background: &Background) -> Speck {
        let evidence = self.runs.iter().map(|run| background.faint_evidence(scene.now, run.cells()));
        let middle = |cells: &mut dyn Iterator<Item = usize>| self.middle(cells, scene.now, &background.value);
        let at = middle(&mut self.runs.iter().flat_map(|run| run.cells()));
        // What is no larger than a cell may lie on four, of which some do not differ by themselves.
        let is_small = self.runs.iter().map(|run| run.cells().len()).sum::<usize>() < 4;
        let place = is_small.then(|| self.clearest(at, CELL, scene.now, background)).flatten();
        let at = place.map_or(at, |place| middle(&mut self.grid.block(place).into_iter()));
        Speck {
            at,
            evidence: evidence.sum(),
        }
    }
}

/// The larger of the distances across and down.
pub(super) fn distance(a: (i32, i32), b: (i32, i32)) -> i32 {
    (a.0 - b.0).abs().max((a.1 - b.1).abs())
}
