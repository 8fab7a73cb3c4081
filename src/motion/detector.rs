//! The detector: one frame after another through the passes beside this file, in fixed point, on memory reserved once.

use std::mem;
use std::time::Duration;

use super::Motion;
use super::MotionState;
use super::background::Background;
use super::cells;
use super::cells::Grid;
use super::cells::Luma;
use super::dc;
use super::jpeg;
use super::jpeg::JpegFault;
use super::light::Meter;
use super::regions::Regions;
use super::regions::Scene;
use super::settings::Settings;
use super::sway::Sway;
use super::tamper::Watch;
use super::ticker::Lapse;
use super::ticker::Ticker;
use super::zones::Plan;
use crate::clock::Mono;
use crate::frame::Frame;

/// Fewest frames that a background is learned from, however slowly they come.
const WARM_UP_FRAMES_MIN: u16 = 5;
/// The light is measured when more than this part of the picture differs beside what is known to move: one cell in so many ...
const LIGHT_PART: usize = 100;
/// ... or when the rest of the picture is brighter or darker by this on average, in 256ths of a level.
const DRIFT_MIN: i32 = 64;
/// The scene has changed when more than this percentage of the picture differs from anything that light explains.
const SCENE_PERCENT: usize = 40;
/// A changed scene has settled when less than this percentage of it changes from frame to frame ...
const SETTLED_PERCENT: usize = 8;
/// ... in so many frames ...
const SETTLED_FRAMES: u8 = 3;
/// ... or after this time, in milliseconds.
const SETTLE_MS_MAX: u64 = 1000;
/// Motion that was there when the picture stopped changing is over after this time, in milliseconds.
const REPEAT_MS_MAX: u64 = 500;

/// Why a frame was not looked at; the detector is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum FrameFault {
    /// The frame is not of the size that the detector was made for: make a new one.
    #[error("frame {frame} is {width}x{height}, not of the size that the detector was made for")]
    Size {
        /// Number of the frame.
        frame: u64,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The frame has fewer bytes than its format asks for.
    #[error("frame {frame} has {bytes} bytes, {bytes_min} make a picture")]
    Short {
        /// Number of the frame.
        frame: u64,
        /// Bytes that it has.
        bytes: usize,
        /// Bytes that it should have at least.
        bytes_min: usize,
    },
    /// The compressed picture is damaged, or of a kind that cameras do not make.
    #[error("frame {frame}: {cause}")]
    Jpeg {
        /// Number of the frame.
        frame: u64,
        /// What is wrong with it.
        cause: JpegFault,
    },
}

/// The picture on its grid, for a view of what the detector sees.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    /// The grid.
    pub grid: Grid,
    /// Mean of each cell, row by row, in [`LEVEL`](cells::LEVEL)s; 0 under a mask.
    pub values: &'a [u16],
    /// 1 where the cell belongs to a region of the last [`Motion`], else 0.
    pub moving: &'a [u8],
}

/// Where the detector is in learning the scene.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Nothing was seen yet.
    Blank,
    /// Learning since this time, in so many frames.
    WarmUp(Mono, u16),
    /// Watching.
    Live,
    /// The scene changed at this time; it was calm in so many frames since.
    Settling(Mono, u8),
}

/// Finds motion in the frames of one camera. All memory is reserved by [`new`](Detector::new).
#[derive(Debug)]
pub struct Detector {
    grid: Grid,
    width: u32,
    height: u32,
    warm_up: Duration,
    plan: Plan,
    /// The picture, and the one before.
    now: Vec<u16>,
    before: Vec<u16>,
    /// Scratch of the pass over pixels.
    lanes: Vec<u16>,
    /// Luma of a compressed picture of an unusual kind. Not touched, and so not resident, otherwise.
    luma: Vec<u8>,
    reader: dc::Reader,
    background: Background,
    regions: Regions,
    meter: Meter,
    watch: Watch,
    stage: Stage,
    ticker: Ticker,
    motion: Motion,
}

impl Detector {
    /// A detector for pictures of `width` by `height` pixels, which has seen nothing yet.
    pub fn new(settings: &Settings, width: u32, height: u32) -> Detector {
        let grid = Grid::of(width, height);
        Detector {
            grid,
            width,
            height,
            warm_up: settings.warm_up,
            plan: Plan::new(settings, grid),
            now: vec![0; grid.len()],
            before: vec![0; grid.len()],
            lanes: vec![0; cells::lanes_len(grid)],
            luma: vec![0; jpeg::luma_len(width, height)],
            reader: dc::Reader::new(),
            background: Background::new(grid),
            regions: Regions::new(settings, grid),
            meter: Meter::new(grid),
            watch: Watch::new(settings.frozen_ms),
            stage: Stage::Blank,
            ticker: Ticker::default(),
            motion: Motion::default(),
        }
    }

    /// Bytes that [`new`](Detector::new) allocates for pictures of that size. Compressed frames need
    /// [`jpeg::transient`] bytes more while they are decoded.
    pub const fn footprint(_settings: &Settings, width: u32, height: u32) -> usize {
        let grid = Grid::of(width, height);
        Plan::footprint(grid)
            + 2 * grid.len() * size_of::<u16>()
            + cells::lanes_len(grid) * size_of::<u16>()
            + jpeg::luma_len(width, height)
            + dc::Reader::footprint()
            + Background::footprint(grid)
            + Regions::footprint(grid)
            + Meter::footprint()
    }

    /// Width and height of the pictures that it was made for, in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// What `frame` shows. Frames come in the order in which they were taken; after a [`FrameFault`] the next one
    /// goes on as if the bad one had not been.
    #[inline(never)] // what it is called from is built for size, and what is inlined there is, too
    pub fn observe(&mut self, frame: &Frame<'_>) -> Result<&Motion, FrameFault> {
        mem::swap(&mut self.now, &mut self.before);
        if let Err(fault) = self.read(frame) {
            mem::swap(&mut self.now, &mut self.before);
            return Err(fault);
        }
        let at = frame.captured;
        if self.now == self.before && !matches!(self.stage, Stage::Blank) {
            self.repeat(at);
        } else {
            self.watch.note(at, &self.now, self.grid, &self.plan);
            // Where a camera shows a picture again in place of one that it lost, time passes all the same.
            let lapse = self.ticker.lapse(at);
            self.step(at, lapse);
        }
        self.motion.tamper = self.watch.verdict(at);
        Ok(&self.motion)
    }

    /// Whether motion is to be expected in the frames that come, as another sensor says: then weaker evidence counts.
    pub fn expect(&mut self, motion: bool) {
        self.regions.expectant = motion;
    }

    /// Learns the scene anew, as after the camera was lost; what is wrong with the picture is judged anew, too.
    pub fn relearn(&mut self) {
        self.stage = Stage::Blank;
        self.watch.reset();
    }

    /// Goes on by other settings, in the memory that is there: what was learned stays, unless other parts of the picture
    /// are looked at than before.
    pub fn retune(&mut self, settings: &Settings) {
        self.warm_up = settings.warm_up;
        self.regions.retune(settings);
        self.watch.retune(settings.frozen_ms);
        if self.plan.redraw(settings, self.grid) {
            self.relearn();
        }
    }

    /// The last picture on its grid.
    pub fn cells(&self) -> Cells<'_> {
        Cells {
            grid: self.grid,
            values: &self.now,
            moving: &self.regions.moving,
        }
    }

    /// Reads the frame into `now`.
    fn read(&mut self, frame: &Frame<'_>) -> Result<(), FrameFault> {
        let (format, number) = (frame.format, frame.number);
        if (format.width, format.height) != (self.width, self.height) {
            return Err(FrameFault::Size {
                frame: number,
                width: format.width,
                height: format.height,
            });
        }
        let (bytes, bytes_min) = (frame.data.len(), format.bytes_min());
        if bytes < bytes_min || format.stride < format.pixel.row_bytes(format.width) {
            return Err(FrameFault::Short {
                frame: number,
                bytes,
                bytes_min,
            });
        }
        match Luma::of(frame) {
            Some(luma) => cells::means(luma, self.grid, &mut self.lanes, &mut self.now),
            None => self.decode(frame.data).map_err(|cause| FrameFault::Jpeg { frame: number, cause })?,
        }
        if self.plan.masked {
            self.now.iter_mut().zip(&self.plan.keep).for_each(|(cell, keep)| *cell &= keep);
        }
        Ok(())
    }

    /// Reads a compressed picture into `now`: its blocks' means where they are cells and it is of the usual kind, else all of it.
    fn decode(&mut self, data: &[u8]) -> Result<(), JpegFault> {
        let picture = jpeg::examine(data, self.width, self.height)?;
        let layout = dc::Layout::parse(picture.bytes);
        self.background.expect_steps(layout.as_ref().map_or(0, dc::Layout::mean_step));
        let layout = layout.filter(|_| self.grid.side == 8);
        if layout
            .and_then(|layout| self.reader.read(&layout, self.grid, &mut self.now))
            .is_none()
        {
            let luma = jpeg::luma(picture, self.width, &mut self.luma)?;
            cells::means(luma, self.grid, &mut self.lanes, &mut self.now);
        }
        Ok(())
    }

    /// The same picture again: a repeated frame says nothing, so nothing is learned; motion in it ends after a moment.
    fn repeat(&mut self, at: Mono) {
        if self.watch.same_ms(at) >= REPEAT_MS_MAX && matches!(self.stage, Stage::Live) {
            self.regions.clear();
            self.report(MotionState::Still);
        }
    }

    fn step(&mut self, at: Mono, lapse: Lapse) {
        match self.stage {
            Stage::Blank => {
                self.background.restart(&self.now, &self.plan);
                self.regions.clear();
                self.stage = Stage::WarmUp(at, 1);
                self.report(MotionState::WarmUp);
            }
            Stage::WarmUp(since, frames) => {
                let differing = self.compare();
                if frames >= WARM_UP_FRAMES_MIN {
                    self.watch_regions(lapse, differing);
                    // Whoever is there already is seen to be; but all that differs is learned still.
                    self.regions.taken.fill(0);
                }
                self.background.learn(&self.now, &self.regions.taken, &self.plan, lapse.ticks);
                let learned = frames >= WARM_UP_FRAMES_MIN && at.since(since) >= self.warm_up;
                self.stage = if learned {
                    Stage::Live
                } else {
                    Stage::WarmUp(since, frames.saturating_add(1))
                };
                self.report(MotionState::WarmUp);
            }
            Stage::Live => {
                let differing = self.compare();
                let many = differing * 100 > self.plan.kept * SCENE_PERCENT;
                if many && !self.regions.all_is_light(&self.now, &self.background) {
                    self.background.restart(&self.now, &self.plan);
                    self.regions.clear();
                    self.stage = Stage::Settling(at, 0);
                    self.report(MotionState::SceneChange);
                } else {
                    self.watch_regions(lapse, differing);
                    self.background.learn(&self.now, &self.regions.taken, &self.plan, lapse.ticks);
                }
            }
            Stage::Settling(since, calm) => self.settle(at, since, calm),
        }
    }

    /// Compares the picture with the background as light and sway change it; the number of cells that differ.
    fn compare(&mut self) -> usize {
        let mut differing = self.background.compare(&self.now, &mut self.regions.marks);
        if self.is_unexplained(differing) {
            differing = self.explain(differing);
        }
        self.background.allow_sway(&self.now, differing, &mut self.regions.marks)
    }

    /// The same once light and sway are measured, of what `differing` cells do without.
    fn explain(&mut self, differing: usize) -> usize {
        let (taken, keep) = (&self.regions.taken, &self.plan.keep);
        let counts = |cell: usize| taken[cell] == 0 && keep[cell] != 0;
        let light = self.meter.measure(&self.now, &self.background.value, counts);
        if let Some(light) = light {
            self.background.relight(light);
        }
        let sway = Sway::measure(&self.now, &self.background.value, self.grid, taken, keep);
        if sway != Sway::default() {
            return self.background.compare_swayed(&self.now, sway, &mut self.regions.marks);
        }
        light.map_or(differing, |_| self.background.compare(&self.now, &mut self.regions.marks))
    }

    /// Whether more changed than what is known to move, so that it may be the light or the camera.
    fn is_unexplained(&self, differing: usize) -> bool {
        let (marks, taken) = (&self.regions.marks, &self.regions.taken);
        // In parts whose counts fit in a byte, so that it vectorises.
        let unclaimed_of = |(marks, taken): (&[u8], &[u8])| {
            let cells = marks.iter().zip(taken);
            usize::from(cells.map(|(mark, taken)| u8::from(*mark != 0) & u8::from(*taken == 0)).sum::<u8>())
        };
        let unclaimed = || marks.chunks(255).zip(taken.chunks(255)).map(unclaimed_of).sum();
        let many = |cells: usize| cells * LIGHT_PART > self.plan.kept;
        (many(differing) && many(unclaimed())) || self.background.drift(&self.now, taken).abs() >= DRIFT_MIN
    }

    /// Learns a changed scene until it is calm.
    fn settle(&mut self, at: Mono, since: Mono, calm: u8) {
        let stirred = self.background.stirred(&self.now, &self.before, 0..self.grid.len());
        let is_calm = stirred.filter(|stirred| *stirred).count() * 100 < self.plan.kept * SETTLED_PERCENT;
        let calm = if is_calm { calm + 1 } else { 0 };
        self.background.follow(&self.now);
        self.stage = Stage::Settling(since, calm);
        if calm >= SETTLED_FRAMES || at.since(since).as_millis() as u64 >= SETTLE_MS_MAX {
            self.watch.note_scene(at, &self.now, &self.background.other);
            self.stage = Stage::Live;
        }
        self.report(MotionState::SceneChange);
    }

    fn watch_regions(&mut self, lapse: Lapse, differing: usize) {
        self.motion.regions.clear();
        let scene = Scene {
            now: &self.now,
            before: &self.before,
            plan: &self.plan,
            lapse,
            differing,
        };
        let reported = &mut self.motion.regions;
        let tally = self
            .regions
            .find(&scene, &mut self.background, |region| region.keep_among(reported));
        self.motion.state = match (tally.certain, self.motion.regions.is_empty()) {
            (true, _) => MotionState::Moving,
            (false, false) => MotionState::Candidate,
            (false, true) => MotionState::Still,
        };
        self.motion.score = tally.score;
        self.motion.area_permille = (tally.cells * 1000 / self.plan.kept) as u16;
        let regions = self.motion.regions.iter();
        self.motion.zones = regions.fold(Default::default(), |zones, region| region.zones.union(zones));
    }

    /// Says `state` and that nothing moves.
    fn report(&mut self, state: MotionState) {
        self.motion = Motion {
            state,
            ..Motion::default()
        };
    }
}
