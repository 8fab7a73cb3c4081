//! What the recorder does beside writing: times set right, losses told, retention, and room made on a disk that is full.

use super::Recorder;
use crate::clock::Mono;
use crate::clock::wall_at;
use crate::store::StoreError;
use crate::wire::server::AlertType;

impl Recorder {
    /// What is done when there is nothing to write: times set right once the clock is, losses told, retention.
    pub(super) fn look_after(&mut self) -> Result<(), StoreError> {
        let wall = self.clock.wall();
        if wall.synced && !self.times_right {
            self.correct_times()?;
        }
        let dropped = self.queue.counters().dropped;
        if dropped > self.dropped_told {
            let words = format!(
                "{} records were lost since the last word of it: the disk was too slow",
                dropped - self.dropped_told
            );
            self.dropped_told = dropped;
            self.alert(AlertType::RecordsDropped, &words);
            return Ok(());
        }
        let now = wall.synced.then_some(wall.at);
        if !self.store.maintain(now)?.more() {
            let free = self.free.as_ref().and_then(|free| free());
            self.store.maintain_pictures(now, free)?;
        }
        Ok(())
    }

    /// The wall clock is known good now: earlier events of this boot get their time.
    fn correct_times(&mut self) -> Result<(), StoreError> {
        let uptime_zero = wall_at(&*self.clock, Mono::default()).at;
        let corrected = self.store.correct_times(self.scribe.boot_id(), uptime_zero.0)?;
        self.times_right = true;
        self.count_today();
        if corrected.count > 0 {
            let words = format!(
                "the clock is right now; the times of {} earlier events were corrected",
                corrected.count
            );
            self.alert(AlertType::ClockSynchronized, &words);
        }
        Ok(())
    }

    /// A full disk costs old pictures, not events.
    pub(super) fn make_room(&mut self) {
        match self.store.shed_pictures() {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "the disk is full: the oldest pictures are removed"),
            Err(error) => tracing::error!(%error, "the disk is full, and pictures cannot be removed"),
        }
    }
}
