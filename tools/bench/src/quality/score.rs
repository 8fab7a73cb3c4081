//! What events are worth, held against what was there.

/// First and last frame of a visit or an event.
pub(crate) type Stretch = (u64, u64);

/// Part of a second by which an event may begin before its visit, or end after it, and still belong to it.
const SLACK: f64 = 0.54;

/// A sum over clips.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    pub(crate) visits: usize,
    pub(crate) found: usize,
    /// Events that belong to no visit.
    pub(crate) false_events: usize,
    /// Visits during which no event began, as another was on already.
    pub(crate) swallowed: usize,
    /// Frames from a visit's beginning to its event's.
    pub(crate) delays: Vec<i64>,
    /// Frames from a visit's end to its last event's.
    pub(crate) lates: Vec<i64>,
    /// Length of the clips.
    pub(crate) seconds: f64,
    /// Microseconds of CPU a frame, of each clip.
    pub(crate) costs: Vec<f64>,
}

impl Score {
    /// Adds a clip of so many `frames` at `fps`.
    pub(crate) fn add(&mut self, visits: &[Stretch], events: &[Stretch], (frames, fps): (u64, u32), cost: f64) {
        let slack = (f64::from(fps) * SLACK).max(2.0) as u64;
        self.visits += visits.len();
        self.seconds += frames as f64 / f64::from(fps);
        self.costs.push(cost);
        for visit in visits {
            let during: Vec<_> = events.iter().filter(|event| meet(visit, event, [slack; 2])).collect();
            let Some(last) = during.last() else { continue };
            self.found += 1;
            self.lates.push(last.1 as i64 - visit.1 as i64);
            match during.iter().find(|event| event.0 + slack >= visit.0) {
                Some(event) => self.delays.push(event.0 as i64 - visit.0 as i64),
                None => self.swallowed += 1,
            }
        }
        let belongs = |event: &&Stretch| visits.iter().any(|visit| meet(visit, event, [slack, 2 * slack]));
        self.false_events += events.len() - events.iter().filter(belongs).count();
    }

    /// A line of the table.
    pub(crate) fn line(&self) -> String {
        let hours = self.seconds / 3600.0;
        let cost = self.costs.iter().sum::<f64>() / self.costs.len().max(1) as f64;
        format!(
            "{:>8}{:>8}{:>8}{:>12.1}{:>12}{:>10}{:>10}{:>12.0}",
            self.visits,
            self.found,
            self.false_events,
            self.false_events as f64 / hours,
            self.swallowed,
            middle(&self.delays),
            middle(&self.lates),
            cost
        )
    }
}

/// Whether they meet, with so much room before the visit and after it.
fn meet(visit: &Stretch, event: &Stretch, [before, after]: [u64; 2]) -> bool {
    event.0 <= visit.1 + after && event.1 + before >= visit.0
}

fn middle(numbers: &[i64]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map_or_else(|| "-".into(), i64::to_string)
}
