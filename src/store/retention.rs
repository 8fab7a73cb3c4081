//! What goes when there is too much: by count with every commit, by age and bytes in quiet moments ([`Store::maintain`]), oldest
//! first, bookmarked ones last (age alone takes none of them), and giving free space back to the file system.

use std::sync::atomic::Ordering;

use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::ReadableTableMetadata;
use redb::Table;

use super::Settings;
use super::Store;
use super::StoreError;
use super::shelf::Shelf;
use super::tables;
use super::tables::EVENTS;
use super::tables::JOURNAL;
use crate::clock::Timestamp;
use crate::event::model::ClockState;
use crate::limits::STORE_COMPACT_FREE_BYTES_MIN;
use crate::limits::STORE_MEASURE_PART;
use crate::limits::STORE_SCAN_ROWS_MAX;
use crate::limits::STORE_TRIM_ROWS;
use crate::limits::STORE_TRIM_ROWS_MAX;

type Journal<'txn> = Table<'txn, u64, &'static [u8]>;

/// What one call of [`Store::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Events removed, by age or bytes.
    pub events_removed: u64,
    /// Messages removed from the journal, by bytes.
    pub messages_removed: u64,
    /// Whether the bytes in use were measured: the whole file was read.
    pub measured: bool,
    /// Whether free space was given back to the file system: the whole file was rewritten.
    pub compacted: bool,
}

impl Upkeep {
    /// Whether another call would find more to do at once.
    pub fn more(&self) -> bool {
        *self != Upkeep::default()
    }
}

/// What is known of the space in use between two measurements.
#[derive(Debug)]
pub(super) struct Pressure {
    /// Bytes of rows written since the bytes in use were measured.
    unmeasured_bytes: u64,
    /// Bytes of rows still to be removed, of those that were too many when measured.
    surplus_bytes: u64,
}

impl Pressure {
    /// Nothing is known: the first quiet moment measures.
    pub(super) fn unknown() -> Pressure {
        Pressure {
            unmeasured_bytes: u64::MAX,
            surplus_bytes: 0,
        }
    }

    /// Counts `bytes` of rows written.
    pub(super) fn wrote(&mut self, bytes: u64) {
        self.unmeasured_bytes = self.unmeasured_bytes.saturating_add(bytes);
    }
}

impl Store {
    /// Does one bounded piece of upkeep; for quiet moments, again as long as [`Upkeep::more`]. Age is judged only by a `now` that
    /// is known good. Two pieces take longer the more is stored: measuring reads what is in use (once for every sixteenth of the
    /// limit that is written), compacting moves it. That happens seldom, when three quarters of the file are free or it is twice
    /// as long as its limit, and meanwhile readers are told [`StoreError::Busy`].
    pub fn maintain(&mut self, now: Option<Timestamp>) -> Result<Upkeep, StoreError> {
        self.mending(|store| store.upkeep(now))
    }

    fn upkeep(&mut self, now: Option<Timestamp>) -> Result<Upkeep, StoreError> {
        let mut done = Upkeep::default();
        if let Some(now) = now {
            done.events_removed = self.remove_aged(now)?;
        }
        if done.more() {
            return Ok(done);
        }
        if self.pressure.surplus_bytes > 0 {
            done = self.remove_surplus()?;
            if !done.more() {
                // Nothing is left to remove: the limit is below what an empty store takes.
                self.measure()?;
                self.pressure.surplus_bytes = 0;
                done.compacted = self.compact_if_sparse()?;
            }
        } else if self.pressure.unmeasured_bytes > self.settings.bytes_max / STORE_MEASURE_PART {
            self.measure()?;
            done.measured = true;
            done.compacted = self.pressure.surplus_bytes == 0 && self.compact_if_sparse()?;
        }
        Ok(done)
    }

    fn remove_aged(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let age_ms = i64::try_from(self.settings.age_max.as_millis()).unwrap_or(i64::MAX);
        let cutoff = Timestamp(now.0.saturating_sub(age_ms));
        let last = self
            .shared
            .with(|open| last_aged(&open.db.begin_read()?.open_table(EVENTS)?, cutoff))?;
        let Some(last) = last else { return Ok(0) };
        self.shared.with(|open| {
            let txn = open.db.begin_write()?;
            let removed = remove_events(&mut Shelf::open(&txn)?, Until::Id(last), true)?;
            txn.commit()?;
            Ok(removed.rows)
        })
    }

    /// Removes the oldest events and messages, the same part of each, against the surplus; then it is time to measure anew.
    fn remove_surplus(&mut self) -> Result<Upkeep, StoreError> {
        let surplus = self.pressure.surplus_bytes;
        let (events, messages) = self.shared.with(|open| {
            let txn = open.db.begin_write()?;
            let (mut shelf, mut journal) = (Shelf::open(&txn)?, txn.open_table(JOURNAL)?);
            let share = share(surplus, shelf.len()?, journal.len()?);
            let removed = (
                remove_most(&mut shelf, Until::Bytes(share))?,
                remove_messages(&mut journal, Until::Bytes(surplus - share))?,
            );
            drop((shelf, journal));
            txn.commit()?;
            Ok(removed)
        })?;
        self.pressure.surplus_bytes = surplus.saturating_sub(events.bytes + messages.bytes);
        if self.pressure.surplus_bytes == 0 {
            self.pressure.unmeasured_bytes = u64::MAX; // was it enough?
        }
        Ok(Upkeep {
            events_removed: events.rows,
            messages_removed: messages.rows,
            ..Upkeep::default()
        })
    }

    /// Compacts a file that is mostly free, or that is too long although little of it is in use.
    fn compact_if_sparse(&mut self) -> Result<bool, StoreError> {
        let length = self.shared.traffic.file_bytes.load(Ordering::Relaxed);
        let free = length.saturating_sub(self.shared.used_bytes.load(Ordering::Relaxed));
        let sparse = free >= length / 4 * 3 || length / 2 > self.settings.bytes_max;
        if free < STORE_COMPACT_FREE_BYTES_MIN || !sparse {
            return Ok(false);
        }
        let mut slot = self.shared.exclusive();
        let Some(open) = slot.as_mut() else { return Ok(false) };
        let moved = match open.db.compact() {
            Ok(moved) => moved,
            Err(redb::CompactionError::Storage(fault)) => return Err(self.shared.fault(fault.into())),
            // Neither savepoints nor transactions outlive a call, so this does not happen; the next quiet moment tries again.
            Err(_) => false,
        };
        drop(slot);
        self.measure()?;
        Ok(moved)
    }

    /// Finds the bytes in use in the file, by walking all of it, and what of them is too many.
    fn measure(&mut self) -> Result<(), StoreError> {
        let stats = self.shared.with(|open| {
            let txn = open.db.begin_write()?;
            let stats = txn.stats()?;
            txn.abort()?;
            Ok(stats)
        })?;
        let used = stats.allocated_pages() * stats.page_size() as u64;
        self.shared.used_bytes.store(used, Ordering::Relaxed);
        self.pressure.unmeasured_bytes = 0;
        // Pages are never full, so fewer bytes of rows than of pages have to go.
        let surplus = u128::from(surplus(used, self.settings.bytes_max)) * u128::from(stats.stored_bytes());
        self.pressure.surplus_bytes = (surplus / u128::from(used.max(1))) as u64; // at most the bytes stored
        Ok(())
    }
}

/// Bytes to remove when `used` are in use: none up to `max`, then some more than necessary, so that this is seldom.
fn surplus(used: u64, max: u64) -> u64 {
    if used <= max { 0 } else { used - (max - max / STORE_MEASURE_PART) }
}

/// The part of `total` that `count` has in `count + others`, rounded up.
fn share(total: u64, count: u64, others: u64) -> u64 {
    let part = (u128::from(total) * u128::from(count)).div_ceil(u128::from((count + others).max(1)));
    part as u64 // at most `total`
}

/// Id up to which events are older than `cutoff`, looking at the oldest rows. One whose clock was never known good is as old as
/// the next one whose was.
fn last_aged(events: &impl ReadableTable<u64, &'static [u8]>, cutoff: Timestamp) -> Result<Option<u64>, redb::Error> {
    let mut last = None;
    for row in events.iter()?.take(STORE_SCAN_ROWS_MAX) {
        let (id, json) = row?;
        match tables::decode(json.value()) {
            Some(event) if event.clock == ClockState::Synced && event.timestamp >= cutoff => break,
            Some(event) if event.clock == ClockState::Synced => last = Some(id.value()),
            _ => {}
        }
    }
    Ok(last)
}

/// How far a removal goes; never more than [`STORE_TRIM_ROWS_MAX`] rows at once.
#[derive(Clone, Copy)]
enum Until {
    /// This many rows are gone.
    Rows(u64),
    /// This many bytes are gone.
    Bytes(u64),
    /// The row with this id is gone.
    Id(u64),
}

/// Rows and bytes (keys and values) removed.
#[derive(Clone, Copy, Default)]
struct Removed {
    rows: u64,
    bytes: u64,
}

impl Removed {
    fn add(&mut self, value_bytes: usize) {
        self.rows += 1;
        self.bytes += (size_of::<u64>() + value_bytes) as u64;
    }

    /// Whether the row `id` goes too.
    fn falls_short_of(&self, until: Until, id: u64) -> bool {
        self.rows < STORE_TRIM_ROWS_MAX as u64
            && match until {
                Until::Rows(rows) => self.rows < rows,
                Until::Bytes(bytes) => self.bytes < bytes,
                Until::Id(last) => id <= last,
            }
    }
}

/// Removes the oldest messages of a full journal, many at once, since every removal costs page writes.
pub(super) fn trim_journal(journal: &mut Journal<'_>, settings: &Settings) -> Result<(), redb::Error> {
    let excess = excess(journal.len()?, settings.journal_max);
    remove_messages(journal, Until::Rows(excess)).map(|_| ())
}

/// Removes the oldest of too many events, likewise.
pub(super) fn trim_events(shelf: &mut Shelf<'_>, settings: &Settings) -> Result<(), redb::Error> {
    let excess = excess(shelf.len()?, settings.events_max);
    remove_most(shelf, Until::Rows(excess)).map(|_| ())
}

/// Rows to remove of `count`: none up to `max`, then as many more that it takes a while to be full again.
fn excess(count: u64, max: u64) -> u64 {
    if count <= max {
        0
    } else {
        count - max + STORE_TRIM_ROWS.min(max / 8)
    }
}

/// Removes the oldest messages, never the last: its number is where the store goes on from.
fn remove_messages(journal: &mut Journal<'_>, until: Until) -> Result<Removed, redb::Error> {
    let mut removed = Removed::default();
    while journal.len()? > 1 {
        let Some(seq) = journal.first()?.map(|(seq, _)| seq.value()) else {
            break;
        };
        if !removed.falls_short_of(until, seq) {
            break;
        }
        removed.add(journal.remove(seq)?.map_or(0, |row| row.value().len()));
    }
    Ok(removed)
}

/// Removes the oldest events that nobody bookmarked; where those do not suffice, bookmarked ones too.
fn remove_most(shelf: &mut Shelf<'_>, until: Until) -> Result<Removed, redb::Error> {
    let removed = remove_events(shelf, until, true)?;
    if !removed.falls_short_of(until, 0) {
        return Ok(removed);
    }
    let rest = match until {
        Until::Rows(rows) => Until::Rows(rows - removed.rows),
        Until::Bytes(bytes) => Until::Bytes(bytes - removed.bytes),
        Until::Id(_) => until,
    };
    let more = remove_events(shelf, rest, false)?;
    Ok(Removed {
        rows: removed.rows + more.rows,
        bytes: removed.bytes + more.bytes,
    })
}

/// Removes the oldest events, bookmarked ones `spared` or not.
fn remove_events(shelf: &mut Shelf<'_>, until: Until, spared: bool) -> Result<Removed, redb::Error> {
    let (mut removed, mut from) = (Removed::default(), 0);
    while let Some(id) = shelf.oldest(from, spared)? {
        if !removed.falls_short_of(until, id) {
            break;
        }
        let Some(bytes) = shelf.remove(id)? else { break };
        removed.add(bytes);
        from = id;
    }
    Ok(removed)
}
