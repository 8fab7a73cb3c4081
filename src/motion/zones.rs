//! Zones and masks: polygons in parts of the picture, rasterised once to one entry for each cell.

use super::ZoneSet;
use super::cells::Grid;
use super::settings::Polygon;
use super::settings::Settings;

/// Scale of thresholds at sensitivity 1 to 10, in sixteenths: each step is a factor of 1.25, 5 is 1.
const SCALES: [u8; 10] = [39, 31, 25, 20, 16, 13, 10, 8, 7, 5];

/// What the settings say of each cell.
#[derive(Debug)]
pub(crate) struct Plan {
    /// All ones where a cell is looked at, 0 where a mask covers it: a value is masked by `&`.
    pub(crate) keep: Vec<u16>,
    /// Scale of the cell's thresholds in sixteenths.
    pub(crate) scale: Vec<u8>,
    /// Zones that the cell lies in.
    pub(crate) zones: Vec<ZoneSet>,
    /// Whether any zone is configured: then only they count.
    pub(crate) zoned: bool,
    /// Cells looked at; at least 1, so that it may divide.
    pub(crate) kept: usize,
    /// Whether a mask covers any.
    pub(crate) masked: bool,
}

impl Plan {
    /// Rasterises by cell centre.
    pub(crate) fn new(settings: &Settings, grid: Grid) -> Plan {
        let mut plan = Plan {
            keep: vec![0; grid.len()],
            scale: vec![0; grid.len()],
            zones: vec![ZoneSet::EMPTY; grid.len()],
            zoned: false,
            kept: 1,
            masked: false,
        };
        plan.draw(settings, grid);
        plan
    }

    /// The same for other settings, in the memory that is there. Whether other cells are looked at than before.
    pub(crate) fn redraw(&mut self, settings: &Settings, grid: Grid) -> bool {
        let before = self.keep.clone();
        self.draw(settings, grid);
        self.keep != before
    }

    fn draw(&mut self, settings: &Settings, grid: Grid) {
        let plan = self;
        plan.keep.fill(u16::MAX);
        plan.scale.fill(scale(settings.sensitivity));
        plan.zones.fill(ZoneSet::EMPTY);
        plan.zoned = !settings.zones.is_empty();
        for mask in &settings.masks {
            inside(mask, grid, |cell| plan.keep[cell] = 0);
        }
        for (index, zone) in settings.zones.iter().enumerate() {
            let own = scale(zone.sensitivity.unwrap_or(settings.sensitivity));
            inside(&zone.polygon, grid, |cell| {
                let first = plan.zones[cell].is_empty();
                plan.scale[cell] = if first { own } else { own.min(plan.scale[cell]) };
                plan.zones[cell].insert(index);
            });
        }
        let kept = plan.keep.iter().filter(|keep| **keep != 0).count();
        (plan.kept, plan.masked) = (kept.max(1), kept < grid.len());
    }

    /// Bytes that [`new`](Plan::new) allocates.
    pub(crate) const fn footprint(grid: Grid) -> usize {
        grid.len() * (size_of::<u16>() + size_of::<u8>() + size_of::<ZoneSet>())
    }
}

fn scale(sensitivity: u8) -> u8 {
    SCALES[usize::from(sensitivity.clamp(1, 10)) - 1]
}

/// Calls `at` with each cell whose centre lies inside `polygon` by the even-odd rule.
fn inside(polygon: &Polygon, grid: Grid, mut at: impl FnMut(usize)) {
    for row in 0..grid.rows {
        let y = (row as f32 + 0.5) / grid.rows as f32;
        for column in 0..grid.columns {
            let x = (column as f32 + 0.5) / grid.columns as f32;
            if holds(polygon, x, y) {
                at(row * grid.columns + column);
            }
        }
    }
}

/// Whether the ray from `(x, y)` to the right crosses the outline an odd number of times.
fn holds(polygon: &Polygon, x: f32, y: f32) -> bool {
    let next = polygon.iter().cycle().skip(1);
    let crossings = polygon.iter().zip(next).filter(|((x0, y0), (x1, y1))| {
        let spans = (*y0 > y) != (*y1 > y);
        spans && x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    });
    crossings.count() % 2 == 1
}
