//! Counts the events of today as they are written: what the statistics show.

use heapless::Vec;

use crate::clock::Timestamp;
use crate::event::model::Event;
use crate::event::model::Phase;
use crate::event::model::Trigger;
use crate::limits::EVENTS_OPEN_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::ZoneSet;
use crate::status::Today;
use crate::wire::Names;
use crate::wire::live::LastEvent;

/// The counts, and what of the running events is in them.
#[derive(Debug, Default)]
pub(super) struct DayTally {
    today: Today,
    /// At most [`EVENTS_OPEN_MAX`], as the engine runs no more. Full (an end was lost): the oldest goes.
    counted: Vec<Counted, EVENTS_OPEN_MAX>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    id: u64,
    trigger: Trigger,
    zones: ZoneSet,
}

impl DayTally {
    /// Nothing, on the day of `at`.
    pub(super) fn new(at: Timestamp) -> DayTally {
        DayTally {
            today: Today::on(at),
            counted: Vec::new(),
        }
    }

    /// The counts.
    pub(super) fn today(&self) -> &Today {
        &self.today
    }

    /// Counts `event`, or what is new about it. A later day than today begins anew; an earlier one counts as the last event at most.
    pub(super) fn count(&mut self, event: &Event, names: &Names) {
        let zones = names.known_zones(&event.zones);
        if Today::on(event.timestamp).day > self.today.day {
            let last = self.today.last.take();
            *self = DayTally::new(event.timestamp);
            self.today.last = last;
        }
        if self.today.last.as_ref().is_none_or(|last| last.id <= event.id) {
            self.today.last = Some(last_event(event));
        }
        if Today::on(event.timestamp).day < self.today.day {
            return;
        }
        let known = self.counted.iter().position(|counted| counted.id == event.id);
        let before = known.map(|index| self.counted.remove(index));
        match before {
            Some(before) => *self.today.by_trigger.of(before.trigger) -= 1,
            None => self.today.events += 1,
        }
        *self.today.by_trigger.of(event.trigger) += 1;
        let had = before.map_or(ZoneSet::EMPTY, |before| before.zones);
        (0..ZONES_MAX)
            .filter(|zone| zones.0 & !had.0 & (1 << zone) != 0)
            .for_each(|zone| self.today.by_zone[zone] += 1);
        if event.phase != Phase::End {
            self.remember(Counted {
                id: event.id,
                trigger: event.trigger,
                zones: zones.union(had),
            });
        }
    }

    fn remember(&mut self, counted: Counted) {
        if self.counted.is_full() {
            self.counted.remove(0);
        }
        self.counted.extend([counted]);
    }
}

fn last_event(event: &Event) -> LastEvent {
    LastEvent {
        id: event.id,
        timestamp: event.timestamp,
        camera_id: event.camera_id.clone(),
        trigger: event.trigger,
        score: event.score,
    }
}
