//! Right times after the fact: once the clock is known good, what this boot recorded before gets the time that it really was.

use redb::Database;
use redb::ReadableDatabase;
use redb::TableDefinition;
use redb::WriteTransaction;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use super::Store;
use super::StoreError;
use super::shelf::Shelf;
use super::tables;
use super::tables::EVENTS;
use super::tables::JOURNAL;
use super::tables::META;
use super::tables::META_CORRECTION;
use crate::clock::BootId;
use crate::clock::Timestamp;
use crate::event::model::ClockState;
use crate::event::model::Event;
use crate::limits::COMMIT_RECORDS_MAX;
use crate::limits::STORE_SCAN_ROWS_MAX;

/// Events whose times were set right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corrected {
    /// How many.
    pub count: u64,
    /// Lowest id among them; 0 when there are none.
    pub first_id: u64,
    /// Highest id among them; 0 when there are none.
    pub last_id: u64,
}

/// A boot's time line in wall-clock time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Correction {
    boot: BootId,
    wall_of_uptime_zero_ms: i64,
}

/// A message about an event, as far as a correction must know it.
#[derive(Serialize, Deserialize)]
struct EventMessage {
    #[serde(rename = "type")]
    kind: String,
    timestamp: Timestamp,
    seq: u64,
    data: Event,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Store {
    /// Gives the events of `boot` whose clock was unsynced the time `wall_of_uptime_zero_ms + uptime_ms` (milliseconds since
    /// 1970), among the events and in the journal's messages, whose own times move by as much. In bounded transactions; what a
    /// crash interrupts is finished when the store is next opened. Done twice, it changes nothing.
    pub fn correct_times(&mut self, boot: BootId, wall_of_uptime_zero_ms: i64) -> Result<Corrected, StoreError> {
        let correction = Correction {
            boot,
            wall_of_uptime_zero_ms,
        };
        self.mending(|store| store.correct(correction))
    }

    /// Finishes a correction that a crash interrupted.
    pub(super) fn finish_correction(&mut self) -> Result<(), StoreError> {
        let begun = self.shared.with(|open| {
            let meta = open.db.begin_read()?.open_table(META)?;
            let row = meta.get(META_CORRECTION)?;
            Ok(row.and_then(|row| serde_json::from_slice(row.value()).ok()))
        })?;
        let Some(correction) = begun else { return Ok(()) };
        self.correct(correction)?;
        self.shared.with(|open| clear_note(&open.db))
    }

    fn correct(&mut self, correction: Correction) -> Result<Corrected, StoreError> {
        self.shared.with(|open| {
            let mut done = Corrected::default();
            in_batches(
                &open.db,
                EVENTS,
                |json| correction.event(json),
                |rows| {
                    rows.iter().for_each(|event| done.add(event.id));
                    write_events(&open.db, rows, correction)
                },
            )?;
            let mut messages = 0;
            in_batches(
                &open.db,
                JOURNAL,
                |json| correction.message(json),
                |rows| {
                    messages += rows.len();
                    write_messages(&open.db, rows, correction)
                },
            )?;
            if done.count > 0 || messages > 0 {
                clear_note(&open.db)?;
            }
            Ok(done)
        })
    }
}

impl Corrected {
    fn add(&mut self, id: u64) {
        self.first_id = if self.count == 0 { id } else { self.first_id.min(id) };
        self.last_id = self.last_id.max(id);
        self.count += 1;
    }
}

/// What stands in the JSON of every event whose clock was not known good.
const UNSYNCED: &[u8] = br#""unsynced""#;

/// What a scan makes of a row.
enum Seen<T> {
    /// To be replaced by this.
    Wrong(T),
    /// Nothing to do.
    Right,
    /// Nothing to do, and nothing older either.
    End,
}

impl Correction {
    fn event(&self, json: &[u8]) -> Seen<Event> {
        match tables::decode(json) {
            Some(event) if event.boot_id != self.boot => Seen::End, // ids ascend from boot to boot
            Some(event) if event.clock == ClockState::Unsynced => Seen::Wrong(self.corrected(event)),
            _ => Seen::Right,
        }
    }

    fn message(&self, json: &[u8]) -> Seen<(u64, Vec<u8>)> {
        // Most need not be parsed. Those of another boot do not end the search: an event that a crash interrupted is ended, and
        // an old one may be changed, in this boot.
        if !json.windows(UNSYNCED.len()).any(|part| part == UNSYNCED) {
            return Seen::Right;
        }
        let Ok(mut message) = serde_json::from_slice::<EventMessage>(json) else {
            return Seen::Right; // tells of something else
        };
        if message.data.boot_id != self.boot || message.data.clock == ClockState::Synced {
            return Seen::Right;
        }
        let was = message.data.timestamp;
        message.data = self.corrected(message.data);
        message.timestamp.0 = message.timestamp.0.saturating_add(message.data.timestamp.0.saturating_sub(was.0));
        let json = serde_json::to_vec(&message).expect("a message has only string keys, and memory does not fail to be written");
        Seen::Wrong((message.seq, json))
    }

    fn corrected(&self, event: Event) -> Event {
        let uptime_ms = i64::try_from(event.uptime_ms).unwrap_or(i64::MAX);
        Event {
            timestamp: Timestamp(self.wall_of_uptime_zero_ms.saturating_add(uptime_ms)),
            clock: ClockState::Synced,
            ..event
        }
    }
}

/// Walks `table` from its newest row back, and gives what `look` finds wrong to `write`, a few rows at a time.
fn in_batches<T>(
    db: &Database,
    table: TableDefinition<u64, &'static [u8]>,
    look: impl Fn(&[u8]) -> Seen<T>,
    mut write: impl FnMut(&[T]) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let mut end = Some(u64::MAX);
    while let Some(before) = end {
        let mut wrong = Vec::new();
        end = None;
        // The read transaction ends with each batch, so that the pages which the writes free can be used again.
        for (looked_at, row) in db.begin_read()?.open_table(table)?.range(..before)?.rev().enumerate() {
            let (key, json) = row?;
            match look(json.value()) {
                Seen::Wrong(row) => wrong.push(row),
                Seen::Right => {}
                Seen::End => break,
            }
            if wrong.len() == COMMIT_RECORDS_MAX || looked_at + 1 == STORE_SCAN_ROWS_MAX {
                end = Some(key.value());
                break;
            }
        }
        if !wrong.is_empty() {
            write(&wrong)?;
        }
    }
    Ok(())
}

fn write_events(db: &Database, rows: &[Event], correction: Correction) -> Result<(), redb::Error> {
    let txn = begin_noted(db, correction)?;
    {
        let mut shelf = Shelf::open(&txn)?;
        let mut json = Vec::new();
        for event in rows {
            tables::encode(event, &mut json);
            shelf.put(event, &json)?;
        }
    }
    Ok(txn.commit()?)
}

fn write_messages(db: &Database, rows: &[(u64, Vec<u8>)], correction: Correction) -> Result<(), redb::Error> {
    let txn = begin_noted(db, correction)?;
    {
        let mut journal = txn.open_table(JOURNAL)?;
        for (seq, json) in rows {
            journal.insert(seq, &json[..])?;
        }
    }
    Ok(txn.commit()?)
}

/// A transaction that also notes which correction is under way, for [`Store::finish_correction`].
fn begin_noted(db: &Database, correction: Correction) -> Result<WriteTransaction, redb::Error> {
    let note = serde_json::to_vec(&correction).expect("two plain fields");
    let txn = db.begin_write()?;
    txn.open_table(META)?.insert(META_CORRECTION, &note[..])?;
    Ok(txn)
}

fn clear_note(db: &Database) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    txn.open_table(META)?.remove(META_CORRECTION)?;
    Ok(txn.commit()?)
}
