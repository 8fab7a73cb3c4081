//! What follows from the settings and the size of the grid: how large, how strong and how often makes motion.

use super::cells::Grid;
use super::settings::Settings;

/// Least evidence that a region needs: one cell at twice its threshold, or several that are just strong, where the
/// grid has [`ROWS_USUAL`] rows; as much of the picture in finer and coarser ones.
const EVIDENCE_MIN: f32 = 22.0;
/// Rows of the grid of a 480-row picture.
const ROWS_USUAL: f32 = 60.0;
/// A region of fewer cells than this part of the grid's area is too small to tell light from things: 1/256 is 5 by 5 of 80 by 60.
const WIDE_PART: usize = 256;

/// Sensitivity from which on what is too small and faint to count by one look is followed; who asks for less wants strong contrasts only.
const SPECKS_SENSITIVITY_MIN: u8 = 5;

/// Rules that follow from the settings and the grid.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Frames in which a region must have moved ...
    pub(crate) confirm_frames: u32,
    /// ... of those whose bits are set here, the newest being bit 0.
    pub(crate) confirm_window: u16,
    /// Least evidence of a region that counts, in sixteenths of a cell's threshold.
    pub(crate) evidence_min: u32,
    /// Least cells across or down of a region that counts.
    pub(crate) extent_min: usize,
    /// Cells by which what moves may be elsewhere in the next frame: a thirtieth of the height.
    pub(crate) reach: usize,
    /// Whether specks are followed.
    pub(crate) specks: bool,
    /// Cells from which on a region is wide enough to tell light from things.
    pub(crate) wide: usize,
}

impl Rules {
    pub(crate) fn new(settings: &Settings, grid: Grid) -> Rules {
        let window = u32::from(settings.confirm_window.clamp(1, 16));
        // The smallest thing that counts: so many cells high, and a person's shape.
        let height = (settings.object_size_min.clamp(0.0, 1.0) * grid.rows as f32).max(1.0);
        let area = height * (height * 0.4).max(1.0);
        let fineness = (grid.rows as f32 / ROWS_USUAL).powi(2);
        Rules {
            confirm_frames: u32::from(settings.confirm_frames).clamp(1, window),
            confirm_window: (u32::from(u16::MAX) >> (16 - window)) as u16,
            evidence_min: (EVIDENCE_MIN * fineness).max(area * 8.0).max(16.0) as u32,
            extent_min: (height as usize).saturating_sub(1).max(1),
            reach: (grid.rows / 30).max(2),
            specks: settings.sensitivity >= SPECKS_SENSITIVITY_MIN,
            wide: grid.len() / WIDE_PART,
        }
    }
}
