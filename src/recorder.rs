//! Commit, then announce: records become messages, durable first and published afterwards, in one order. The only one that
//! writes to the store.
//!
//! Invariants:
//! 1. Whatever is in the hub's ring is in the store.
//! 2. A commit that failed is tried again with the same messages before anything newer is written; meanwhile records wait
//!    in the queue, and its bound is the only loss.

mod errands;
pub mod scribe;
mod tally;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::clock::Mono;
use crate::clock::Timestamp;
use crate::event::model::Event;
use crate::event::model::Name;
use crate::event::model::Phase;
use crate::hub::Hub;
use crate::hub::Message;
use crate::limits::COMMIT_RECORDS_MAX;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::limits::RECORDER_RETRY_MS;
use crate::limits::RECORDER_WAIT_MS_MAX;
use crate::limits::STORE_PAGE_EVENTS_MAX;
use crate::limits::ZONES_MAX;
use crate::media::Desk;
use crate::recorder::scribe::Page;
use crate::recorder::scribe::Scribe;
use crate::recorder::tally::DayTally;
use crate::records::Record;
use crate::records::RecordQueue;
use crate::records::Refused;
use crate::status::Status;
use crate::status::Today;
use crate::store::Entry;
use crate::store::EventQuery;
use crate::store::Opened;
use crate::store::Reader;
use crate::store::Store;
use crate::store::StoreError;
use crate::wire::Facts;
use crate::wire::Names;
use crate::wire::Text;
use crate::wire::Topic;
use crate::wire::server::AlertType;

/// What the recorder works with.
pub struct Parts {
    /// Where messages are made durable.
    pub store: Store,
    /// What was found when the store was opened.
    pub opened: Opened,
    /// Who writes them.
    pub scribe: Scribe,
    /// Where they are announced.
    pub hub: Arc<Hub>,
    /// Where records come from.
    pub queue: Arc<RecordQueue>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where the state is shown.
    pub status: Arc<Status>,
    /// Where finished pictures lie.
    pub desk: Arc<Desk>,
    /// Bytes free on the disk, if that is to be known.
    pub free: Option<MeasureFree>,
}

/// Measures the bytes free on the disk.
pub type MeasureFree = Box<dyn Fn() -> Option<u64> + Send>;

/// Most bytes that the recorder holds: one commit of the longest messages, once as events and once as JSON.
pub const fn footprint() -> usize {
    COMMIT_RECORDS_MAX * (2 * size_of::<Pending>() + MESSAGE_BYTES_MAX)
}

/// The recorder.
pub struct Recorder {
    store: Store,
    scribe: Scribe,
    hub: Arc<Hub>,
    queue: Arc<RecordQueue>,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    desk: Arc<Desk>,
    free: Option<MeasureFree>,
    /// Messages that are not durable yet, in order: what is stored, and what is announced.
    pending: Vec<Pending>,
    /// Who waits for the pending message to be durable.
    asked: Option<oneshot::Sender<Result<(), Refused>>>,
    /// When a failed commit is tried again.
    retry_at: Mono,
    /// Whether the times of this boot's earlier events were set right.
    times_right: bool,
    /// Records lost, as far as an alert told of them.
    dropped_told: u64,
    /// Events of today.
    tally: DayTally,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// There may be more.
    Open,
    /// Everything that was handed over is durable and announced, and nothing more will come.
    Closed,
    /// Nothing more will come, and what is left cannot be written.
    GaveUp {
        /// How many messages are lost.
        messages: usize,
    },
}

impl Recorder {
    /// A recorder whose first commit tells what was found, and closes the events that an earlier run left open.
    pub fn new(parts: Parts) -> Result<Recorder, StoreError> {
        let mut recorder = Recorder {
            store: parts.store,
            scribe: parts.scribe,
            hub: parts.hub,
            queue: parts.queue,
            clock: parts.clock,
            status: parts.status,
            desk: parts.desk,
            free: parts.free,
            pending: Vec::with_capacity(COMMIT_RECORDS_MAX),
            asked: None,
            retry_at: Mono::default(),
            times_right: false,
            dropped_told: 0,
            tally: DayTally::default(),
        };
        if let Err(error) = recorder.store.sweep_pictures() {
            tracing::warn!(%error, "pictures that were on their way are left where they are");
        }
        recorder.status.rename(recorder.scribe.names().clone());
        recorder.count_today();
        recorder.tell_opened(&parts.opened);
        for event in recorder.store.unfinished()? {
            let seq = recorder.seq_next();
            let page = recorder.scribe.interrupted(event, seq);
            recorder.pend(seq, page);
        }
        Ok(recorder)
    }

    /// Waits a moment for records, makes them durable and announces them; without any, looks after the store.
    pub fn step(&mut self) -> Recorded {
        if self.pending.is_empty() {
            self.hear_wish();
        }
        if self.pending.is_empty() {
            self.hear_saved();
        }
        if self.pending.is_empty() {
            let Some(records) = self.queue.take(Duration::from_millis(RECORDER_WAIT_MS_MAX)) else {
                return if self.desk.has_saved() { Recorded::Open } else { Recorded::Closed };
            };
            records.into_iter().for_each(|record| self.write(record));
        }
        let idle = self.pending.is_empty();
        let outcome = if idle { self.look_after() } else { self.commit_when_due() };
        self.show(outcome.as_ref().err());
        match outcome {
            Err(_) if self.queue.is_closed() => Recorded::GaveUp {
                messages: self.pending.len(),
            },
            _ => Recorded::Open,
        }
    }

    fn write(&mut self, record: Record) {
        let seq = self.seq_next();
        let (page, key) = match record {
            Record::Change(change) => (self.scribe.event(&change, seq), Some(change.key)),
            Record::Notice(at, notice, words) => (self.scribe.notice(at, notice, &words, seq), None),
            Record::Zones(names) => return self.rename_zones(*names),
        };
        self.pend(seq, page);
        self.pending.last_mut().into_iter().for_each(|pending| pending.key = key);
    }

    /// What was announced so far stays as it was said.
    fn rename_zones(&mut self, names: heapless::Vec<Name, ZONES_MAX>) {
        self.scribe.rename_zones(names);
        self.hub.forget_zones();
        self.status.rename(self.scribe.names().clone());
        self.count_today();
    }

    /// Number of the next message.
    fn seq_next(&self) -> u64 {
        self.store.next_seq() + self.pending.len() as u64
    }

    fn pend(&mut self, seq: u64, page: Page) {
        let entry = Entry {
            seq,
            message: page.text.clone().into(),
            event: page.event,
            removed: page.removed,
            saved: None,
        };
        self.pending.push(Pending {
            entry,
            topic: page.topic,
            text: page.text,
            facts: page.facts,
            key: None,
        });
    }

    fn alert(&mut self, alert_type: AlertType, words: &str) {
        let seq = self.seq_next();
        let page = self.scribe.alert(alert_type, words, seq);
        self.pend(seq, page);
    }

    fn commit_when_due(&mut self) -> Result<(), StoreError> {
        self.clock.sleep_until(self.retry_at);
        let outcome = self.commit();
        if let Err(fault) = &outcome {
            if fault.is_full() {
                self.make_room();
            }
            self.retry_at = self.clock.now() + Duration::from_millis(RECORDER_RETRY_MS);
        }
        outcome
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let entries: Vec<Entry> = self.pending.iter().map(|pending| pending.entry.clone()).collect();
        let began = self.clock.now();
        let outcome = self.store.commit(&entries);
        let took = self.clock.now().since(began);
        match outcome {
            Err(StoreError::Damaged { .. }) => {
                let opened = self.store.reopen(self.clock.wall())?;
                self.store.commit(&entries)?;
                self.announce();
                self.tell_opened(&opened);
            }
            outcome => {
                outcome?;
                self.status.recorder().commit_us = Some(took.as_micros() as u32);
                self.announce();
            }
        }
        Ok(())
    }

    /// Publishes what is durable now.
    fn announce(&mut self) {
        let mut status = self.status.recorder();
        status.commits += 1;
        status.records += self.pending.len() as u64;
        // What was asked for is about an event that had ended before.
        let happened = self
            .pending
            .iter()
            .filter(|pending| self.asked.is_none() && pending.entry.saved.is_none());
        for event in happened.filter_map(Pending::ended) {
            status.events_ended[event.trigger as usize] += 1;
        }
        drop(status);
        for pending in self.pending.drain(..) {
            let Pending {
                entry,
                topic,
                text,
                facts,
                key,
            } = pending;
            let seq = entry.seq;
            if let (Some(key), Some(event)) = (key, &entry.event) {
                self.desk.know(key, event.id);
            }
            if let Some(saved) = entry.saved {
                let settled = self.store.files().settle(saved.id, saved.kind);
                // It is found where it is, too, and moved at the next start.
                settled.unwrap_or_else(|error| tracing::warn!(%error, event = saved.id, "a picture is not in its place"));
            }
            entry.event.iter().for_each(|event| self.tally.count(event, self.scribe.names()));
            if let Err(error) = self.hub.publish(Message {
                seq: Some(seq),
                topic,
                text,
                facts,
            }) {
                tracing::error!(seq, %error, "a message was stored and could not be announced");
            }
        }
        self.status.today().clone_from(self.tally.today());
        if let Some(answer) = self.asked.take() {
            drop(answer.send(Ok(()))); // who asked may have gone
        }
    }

    /// Counts the events of today that are stored: at the start, and once the clock knows what today is.
    fn count_today(&mut self) {
        let now = self.clock.wall().at;
        let midnight = Timestamp(Today::on(now).day * 24 * 3600 * 1000);
        let mut tally = DayTally::new(now);
        let count = |query, tally: &mut DayTally| {
            let counted = count_events(&self.store.reader(), query, tally, self.scribe.names());
            // The figures are for people to look at: with what could be read, the service goes on.
            counted.unwrap_or_else(|error| tracing::warn!(%error, "events of today could not be counted"));
        };
        count(
            EventQuery {
                since: Some(0),
                from: Some(midnight),
                limit: STORE_PAGE_EVENTS_MAX,
                ..EventQuery::default()
            },
            &mut tally,
        );
        if tally.today().last.is_none() {
            count(
                EventQuery {
                    limit: 1,
                    ..EventQuery::default()
                },
                &mut tally,
            );
        }
        self.tally = tally;
        self.status.today().clone_from(self.tally.today());
    }

    fn tell_opened(&mut self, opened: &Opened) {
        match opened {
            Opened::SetAside { to, why } => {
                let words = format!(
                    "the database could not be read ({why}); it was set aside as {} and a new one begun",
                    to.display()
                );
                self.alert(AlertType::StoreSetAside, &words);
            }
            Opened::Repaired => self.alert(AlertType::StoreRepaired, "the database was mended; the last commit may be lost"),
            Opened::Existing | Opened::Fresh => {}
        }
    }

    fn show(&self, fault: Option<&StoreError>) {
        let queue = self.queue.counters();
        let mut status = self.status.recorder();
        let words = fault.map(StoreError::to_string);
        if let Some(words) = words.as_ref().filter(|words| status.fault.as_ref() != Some(words)) {
            tracing::error!(fault = words, "nothing can be written; trying again");
        }
        if fault.is_none() && status.fault.is_some() {
            tracing::info!("writing works again");
        }
        status.writable = fault.is_none();
        status.fault = words;
        status.newest_seq = self.hub.newest_seq();
        status.records_dropped = queue.dropped;
        status.records_coalesced = queue.coalesced;
        status.beat = Some(self.clock.now());
    }
}

/// Counts the page that `query` asks for and, when it ascends, all after it.
fn count_events(reader: &Reader, mut query: EventQuery, tally: &mut DayTally, names: &Names) -> Result<(), StoreError> {
    loop {
        let page = reader.events(&query)?;
        page.events.iter().for_each(|event| tally.count(event, names));
        if query.since.is_none() || page.next.is_none() {
            return Ok(());
        }
        query.since = page.next;
    }
}

/// One message on its way to the disk and then to the clients.
struct Pending {
    entry: Entry,
    topic: Topic,
    text: Text,
    facts: Facts,
    /// The engine's count of the event that it tells a change of.
    key: Option<u32>,
}

impl Pending {
    /// The event that it tells the end of.
    fn ended(&self) -> Option<&Event> {
        self.entry.event.as_ref().filter(|event| event.phase == Phase::End)
    }
}
