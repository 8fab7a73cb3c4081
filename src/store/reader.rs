//! The reading side, for the network: what a client missed, and pages of events. Each call reads a bounded number of rows of
//! one state of the store, and never waits for the writer.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use redb::ReadOnlyTable;
use redb::ReadTransaction;
use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::ReadableTableMetadata;
use schemars::JsonSchema;
use serde::Serialize;

use super::StoreError;
use super::StoreId;
use super::album;
use super::shared::Open;
use super::shared::Shared;
use super::tables;
use super::tables::BOOKMARKS;
use super::tables::BY_TIME;
use super::tables::EVENTS;
use super::tables::JOURNAL;
use crate::clock::Timestamp;
use crate::event::model::Event;
use crate::event::model::Name;
use crate::event::model::Trigger;
use crate::limits::STORE_PAGE_EVENTS_MAX;
use crate::limits::STORE_SCAN_ROWS_MAX;
use crate::limits::STORE_TIME_IDS_MAX;
use crate::motion::Score;

/// Reads the store beside its writer, and follows it when it reopens the file. Clones are cheap.
#[derive(Clone)]
pub struct Reader(Arc<Shared>);

/// Messages that a client missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Sequence numbers and bytes as sent then, ascending.
    pub messages: Vec<(u64, Bytes)>,
    /// Oldest number that is still there; 0 when none is. A client that asked for what is after less than this minus one has
    /// lost what lies between.
    pub oldest_available: u64,
    /// Newest number; 0 when there is none.
    pub newest: u64,
}

/// Which events are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct EventQuery {
    /// Only ids greater than this. Given without `before`, the page begins with the oldest of them and ascends.
    pub since: Option<u64>,
    /// Only ids less than this.
    pub before: Option<u64>,
    /// Only events that began at or after this.
    pub from: Option<Timestamp>,
    /// Only events that began before this.
    pub to: Option<Timestamp>,
    /// Only this trigger.
    pub trigger: Option<Trigger>,
    /// Only events that touched this zone.
    pub zone: Option<Name>,
    /// Only events at least this strong.
    pub score_min: Option<Score>,
    /// Most events returned; at most [`STORE_PAGE_EVENTS_MAX`].
    pub limit: usize,
}

impl Default for EventQuery {
    fn default() -> EventQuery {
        EventQuery {
            since: None,
            before: None,
            from: None,
            to: None,
            trigger: None,
            zone: None,
            score_min: None,
            limit: 50,
        }
    }
}

impl EventQuery {
    fn ascending(&self) -> bool {
        self.since.is_some() && self.before.is_none()
    }

    fn admits_id(&self, id: u64) -> bool {
        self.since.is_none_or(|since| id > since) && self.before.is_none_or(|before| id < before)
    }

    fn admits(&self, event: &Event) -> bool {
        self.from.is_none_or(|from| event.timestamp >= from)
            && self.to.is_none_or(|to| event.timestamp < to)
            && self.trigger.is_none_or(|trigger| event.trigger == trigger)
            && self.zone.as_ref().is_none_or(|zone| event.zones.contains(zone))
            && self.score_min.is_none_or(|least| event.score >= least)
    }
}

/// One page of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventPage {
    /// Newest first by id; oldest first when only `since` was given.
    pub events: Vec<Event>,
    /// Where to go on: the next page's `before` (its `since` when ascending); none when this was the last. A page may hold
    /// fewer events than asked for, even none, and still have a next one: it then ended for the rows that it had looked at.
    pub next: Option<u64>,
}

impl EventPage {
    /// Whether there is a next page.
    pub fn more(&self) -> bool {
        self.next.is_some()
    }
}

/// The store in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Figures {
    /// Events stored.
    pub events: u64,
    /// Messages in the journal.
    pub messages: u64,
    /// Id of the oldest event; 0 when there is none.
    pub oldest_event: u64,
    /// Id of the newest event; 0 when there is none.
    pub newest_event: u64,
    /// Oldest sequence number in the journal; 0 when there is none.
    pub oldest_seq: u64,
    /// Newest sequence number in the journal; 0 when there is none.
    pub newest_seq: u64,
    /// Length of the file, in bytes; it is sparse, so less may be taken on the medium.
    pub file_bytes: u64,
    /// Bytes in use in the file when last measured.
    pub used_bytes: u64,
    /// Bytes written to the file since the start: what wears the card out.
    pub bytes_written: u64,
    /// Syncs since the start.
    pub syncs: u64,
    /// Bookmarked events.
    pub bookmarks: u64,
    /// Pictures of events: snapshots and clips.
    pub pictures: u64,
    /// What they take on the disk together, in bytes.
    pub picture_bytes: u64,
    /// Rows met that could not be read as events, and were passed over.
    pub rows_unreadable: u64,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>) -> Reader {
        Reader(shared)
    }

    /// Identity of the store.
    pub fn id(&self) -> Result<StoreId, StoreError> {
        self.0.try_with(|open| Ok(open.id.clone()))
    }

    /// Messages after number `seq`, at most `limit_messages` and `limit_bytes` of them, but one if there is any.
    pub fn messages_after(&self, seq: u64, limit_messages: usize, limit_bytes: usize) -> Result<Page, StoreError> {
        self.0.try_with(|open| {
            let journal = open.db.begin_read()?.open_table(JOURNAL)?;
            let mut page = Page {
                messages: Vec::new(),
                oldest_available: key(journal.first()?),
                newest: key(journal.last()?),
            };
            let mut bytes = 0;
            for row in journal.range(seq.saturating_add(1)..)?.take(limit_messages) {
                let (seq, message) = row?;
                bytes += message.value().len();
                if bytes > limit_bytes && !page.messages.is_empty() {
                    break;
                }
                page.messages.push((seq.value(), Bytes::copy_from_slice(message.value())));
            }
            Ok(page)
        })
    }

    /// The event `id`, if it is there.
    pub fn event(&self, id: u64) -> Result<Option<Event>, StoreError> {
        self.0.try_with(|open| {
            let events = open.db.begin_read()?.open_table(EVENTS)?;
            Ok(events.get(id)?.and_then(|row| readable(row.value(), &self.0.rows_unreadable)))
        })
    }

    /// A page of events.
    pub fn events(&self, query: &EventQuery) -> Result<EventPage, StoreError> {
        self.0.try_with(|open| {
            let txn = open.db.begin_read()?;
            let events = txn.open_table(EVENTS)?;
            let scan = Scan {
                query,
                unreadable: &self.0.rows_unreadable,
            };
            match ids_in_span(&txn, query)? {
                Some(ids) if query.ascending() => scan.listed(&events, ids.into_iter()),
                Some(ids) => scan.listed(&events, ids.into_iter().rev()),
                None => scan.table(&events),
            }
        })
    }

    /// Gives every event from `id` on, ascending, to `visit`, until it breaks; what is stored meanwhile is given too. Waits
    /// while the store is busy: for threads that may, such as an export's.
    pub fn for_each_event(&self, id: u64, mut visit: impl FnMut(Event) -> ControlFlow<()>) -> Result<(), StoreError> {
        let mut from = Some(id);
        while let Some(first) = from {
            // Small pages, so that neither memory nor the time between two chances to compact grows with the store.
            let page = self.0.with(|open| some_events(open, first, &self.0.rows_unreadable))?;
            from = page.next;
            for event in page.events {
                if visit(event).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The store in figures; cheap.
    pub fn figures(&self) -> Result<Figures, StoreError> {
        self.0.try_with(|open| {
            let txn = open.db.begin_read()?;
            let (events, journal) = (txn.open_table(EVENTS)?, txn.open_table(JOURNAL)?);
            let traffic = &self.0.traffic;
            let (pictures, picture_bytes) = album::figures(&txn)?;
            Ok(Figures {
                events: events.len()?,
                messages: journal.len()?,
                oldest_event: key(events.first()?),
                newest_event: key(events.last()?),
                oldest_seq: key(journal.first()?),
                newest_seq: key(journal.last()?),
                file_bytes: traffic.file_bytes.load(Ordering::Relaxed),
                used_bytes: self.0.used_bytes.load(Ordering::Relaxed),
                bytes_written: traffic.bytes_written.load(Ordering::Relaxed),
                syncs: traffic.syncs.load(Ordering::Relaxed),
                bookmarks: txn.open_table(BOOKMARKS)?.len()?,
                pictures,
                picture_bytes,
                rows_unreadable: self.0.rows_unreadable.load(Ordering::Relaxed),
            })
        })
    }
}

type Row<'a> = (redb::AccessGuard<'a, u64>, redb::AccessGuard<'a, &'static [u8]>);

fn key(row: Option<Row<'_>>) -> u64 {
    row.map_or(0, |(key, _)| key.value())
}

/// An event from its row; one that cannot be read is counted, and keeps nobody from the others.
fn readable(json: &[u8], unreadable: &AtomicU64) -> Option<Event> {
    let event = tables::decode(json);
    if event.is_none() {
        unreadable.fetch_add(1, Ordering::Relaxed);
    }
    event
}

fn some_events(open: &Open, first: u64, unreadable: &AtomicU64) -> Result<EventPage, redb::Error> {
    let events = open.db.begin_read()?.open_table(EVENTS)?;
    let mut page = EventPage::default();
    for (looked_at, row) in events.range(first..)?.enumerate() {
        let (id, json) = row?;
        if looked_at == STORE_PAGE_EVENTS_MAX / 4 {
            page.next = Some(id.value());
            break;
        }
        page.events.extend(readable(json.value(), unreadable));
    }
    Ok(page)
}

/// Ids of the events that began in the query's span of time, ascending, if a span is given and few enough lie in it. Ids and
/// times mostly ascend together but need not (clocks are set), so the index alone cannot give a page in the order of ids.
fn ids_in_span(txn: &ReadTransaction, query: &EventQuery) -> Result<Option<Vec<u64>>, redb::Error> {
    if query.from.is_none() && query.to.is_none() {
        return Ok(None);
    }
    let from = query.from.map_or(i64::MIN, |from| from.0);
    let to = query.to.map_or(i64::MAX, |to| to.0).max(from);
    let mut ids = Vec::new();
    for row in txn.open_table(BY_TIME)?.range((from, 0)..(to, 0))? {
        if ids.len() == STORE_TIME_IDS_MAX {
            return Ok(None);
        }
        ids.push(row?.0.value().1);
    }
    ids.sort_unstable();
    Ok(Some(ids))
}

/// One page in the making.
struct Scan<'a> {
    query: &'a EventQuery,
    unreadable: &'a AtomicU64,
}

impl Scan<'_> {
    /// From the rows of `events`, in order.
    fn table(&self, events: &ReadOnlyTable<u64, &'static [u8]>) -> Result<EventPage, redb::Error> {
        let low = self.query.since.map_or(0, |since| since.saturating_add(1));
        let high = self.query.before.unwrap_or(u64::MAX).max(low);
        let rows = events.range(low..high)?;
        let pairs = |row: redb::Result<Row<'static>>| row.map(|(id, json)| (id.value(), json));
        if self.query.ascending() {
            self.fill(rows.map(pairs))
        } else {
            self.fill(rows.rev().map(pairs))
        }
    }

    /// From the rows under `ids`, in their order.
    fn listed(&self, events: &ReadOnlyTable<u64, &'static [u8]>, ids: impl Iterator<Item = u64>) -> Result<EventPage, redb::Error> {
        let rows = ids
            .filter(|id| self.query.admits_id(*id))
            .filter_map(|id| events.get(id).map(|row| row.map(|row| (id, row))).transpose());
        self.fill(rows)
    }

    fn fill<'a>(
        &self,
        rows: impl Iterator<Item = redb::Result<(u64, redb::AccessGuard<'a, &'static [u8]>)>>,
    ) -> Result<EventPage, redb::Error> {
        let limit = self.query.limit.clamp(1, STORE_PAGE_EVENTS_MAX);
        let mut page = EventPage::default();
        let mut last = None;
        for (looked_at, row) in rows.enumerate() {
            if page.events.len() == limit || looked_at == STORE_SCAN_ROWS_MAX {
                page.next = last;
                break;
            }
            let (id, json) = row?;
            last = Some(id);
            page.events
                .extend(readable(json.value(), self.unreadable).filter(|event| self.query.admits(event)));
        }
        Ok(page)
    }
}
