//! The writing side: one commit for all that is at hand, one sync each, and recovery after a failed write.

use std::path::PathBuf;
use std::sync::Arc;

use redb::Database;
use redb::Durability;
use redb::ReadableDatabase;
use redb::ReadableTable;

use super::Entry;
use super::FILE_NAME;
use super::Opened;
use super::Reader;
use super::Settings;
use super::StoreError;
use super::StoreId;
use super::backend::Disk;
use super::backend::FileDisk;
use super::backend::Traffic;
use super::files::Files;
use super::open::Opening;
use super::retention;
use super::retention::Pressure;
use super::shared::Open;
use super::shared::Shared;
use super::shelf::Shelf;
use super::tables;
use super::tables::EVENTS;
use super::tables::JOURNAL;
use crate::clock::Wall;
use crate::event::model::Event;
use crate::event::model::Phase;
use crate::limits::COMMIT_RECORDS_MAX;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::limits::STORE_SCAN_ROWS_MAX;
use crate::limits::STORE_UNFINISHED_MAX;

/// The store, owned by the one thread that writes.
///
/// Invariants: `newest >=` every number that a commit ever returned for, and every number in the file; numbers are given out
/// from `newest + 1`, so none is ever used for two messages.
pub struct Store {
    pub(super) settings: Settings,
    disk: Box<dyn Disk>,
    pub(super) shared: Arc<Shared>,
    newest: u64,
    pub(super) pressure: Pressure,
    pub(super) files: Files,
    /// Files of pictures were removed that events may have the address of.
    pub(super) is_shed: bool,
}

impl Store {
    /// Opens the store in `settings.dir`, which is made if missing. A damaged file is set aside under the date `wall`.
    pub fn open(settings: &Settings, wall: Wall) -> Result<(Store, Opened), StoreError> {
        Store::open_on(Box::new(FileDisk), settings, wall)
    }

    /// The same on `disk`.
    pub fn open_on(disk: Box<dyn Disk>, settings: &Settings, wall: Wall) -> Result<(Store, Opened), StoreError> {
        let file = settings.dir.join(FILE_NAME);
        std::fs::create_dir_all(&settings.dir).map_err(|source| StoreError::Io {
            file: file.clone(),
            source,
        })?;
        let mut store = Store {
            settings: settings.clone(),
            disk,
            shared: Arc::new(Shared::new(file, Arc::new(Traffic::default()))),
            newest: 0,
            pressure: Pressure::unknown(),
            files: Files::new(&settings.dir),
            is_shed: false,
        };
        let opened = store.reopen(wall)?;
        Ok((store, opened))
    }

    /// Closes the file and opens it anew, as at the start: for [`StoreError::Damaged`]. Readers follow. Numbers go on also when
    /// the file was set aside.
    pub fn reopen(&mut self, wall: Wall) -> Result<Opened, StoreError> {
        let (found, opened) = self
            .swap(|opening| opening.open_or_set_aside(wall))
            .inspect_err(|_| self.shared.set_failed())?;
        self.shared.take_failed();
        self.newest = self.newest.max(found);
        if opened == Opened::Repaired {
            // The commit that redb may have undone was announced: leave its numbers to it.
            self.newest += COMMIT_RECORDS_MAX as u64;
        }
        self.finish_correction()?;
        self.pressure = Pressure::unknown();
        if matches!(opened, Opened::Fresh | Opened::SetAside { .. }) {
            // Their numbers will be given to other events. What cannot be put aside is no reason not to record.
            let aside = self.files.set_aside();
            aside.unwrap_or_else(|error| tracing::warn!(%error, "pictures of an earlier store are left where they are"));
        }
        Ok(opened)
    }

    /// A reader, for other threads.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// Identity of the store.
    pub fn id(&self) -> Result<StoreId, StoreError> {
        self.shared.with(|open| Ok(open.id.clone()))
    }

    /// Number that the next message gets; the first of all is 1.
    pub fn next_seq(&self) -> u64 {
        self.newest + 1
    }

    /// Makes `entries`, at most [`COMMIT_RECORDS_MAX`], durable with one sync, all of them or none. After an error of the medium the file has been opened anew,
    /// and the same entries can be given again when the cause may be gone: those that the failed attempt had written after all
    /// are recognised, not written twice.
    pub fn commit(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        self.check(entries)?;
        self.mending(|store| store.attempt(entries))
    }

    /// Runs `work` on a file that works, and opens it anew if it then does not: redb refuses everything after a failed read or
    /// write, and readers need not wait for the next `work`.
    pub(super) fn mending<T>(&mut self, work: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.mend()?;
        let done = work(self);
        self.mend()?;
        done
    }

    fn check(&self, entries: &[Entry]) -> Result<(), StoreError> {
        debug_assert!(entries.len() <= COMMIT_RECORDS_MAX);
        let Some(first) = entries.first() else { return Ok(()) };
        if first.seq == 0 || first.seq > self.next_seq() {
            return Err(self.out_of_order(first.seq));
        }
        for (entry, expected) in entries.iter().zip(first.seq..) {
            if entry.seq != expected {
                return Err(StoreError::OutOfOrder { expected, got: entry.seq });
            }
            if entry.message.len() > MESSAGE_BYTES_MAX {
                return Err(StoreError::TooLong {
                    seq: entry.seq,
                    bytes: entry.message.len(),
                });
            }
        }
        Ok(())
    }

    fn out_of_order(&self, got: u64) -> StoreError {
        StoreError::OutOfOrder {
            expected: self.next_seq(),
            got,
        }
    }

    fn attempt(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let landed = entries.partition_point(|entry| entry.seq <= self.newest);
        let (landed, fresh) = entries.split_at(landed);
        if let Some(other) = self.first_unlike(landed)? {
            return Err(self.out_of_order(other));
        }
        let Some(last) = fresh.last() else { return Ok(()) };
        let settings = &self.settings;
        let bytes = self.shared.with(|open| write(&open.db, fresh, settings))?;
        self.newest = last.seq;
        self.pressure.wrote(bytes);
        Ok(())
    }

    /// Number of the first of `entries` that does not stand in the journal as it is.
    fn first_unlike(&self, entries: &[Entry]) -> Result<Option<u64>, StoreError> {
        if entries.is_empty() {
            return Ok(None);
        }
        self.shared.with(|open| {
            let journal = open.db.begin_read()?.open_table(JOURNAL)?;
            for entry in entries {
                if journal.get(entry.seq)?.is_none_or(|row| row.value() != entry.message) {
                    return Ok(Some(entry.seq));
                }
            }
            Ok(None)
        })
    }

    /// Opens the file anew if a read or write failed. Nothing is set aside here.
    fn mend(&mut self) -> Result<(), StoreError> {
        if !self.shared.take_failed() {
            return Ok(());
        }
        let (found, _) = self.swap(|opening| opening.open()).inspect_err(|_| self.shared.set_failed())?;
        let acknowledged = self.newest;
        self.newest = acknowledged.max(found);
        if found < acknowledged {
            return Err(StoreError::Lost {
                file: self.shared.file.clone(),
                acknowledged,
                found,
            });
        }
        Ok(())
    }

    /// Replaces the open database by what `how` opens, and returns the newest number in it. The old one is closed first: two
    /// never have the file at once.
    fn swap(&self, how: impl FnOnce(&Opening<'_>) -> Result<(Open, Opened), StoreError>) -> Result<(u64, Opened), StoreError> {
        let mut slot = self.shared.exclusive();
        *slot = None;
        let (open, opened) = how(&Opening {
            file: &self.shared.file,
            disk: &*self.disk,
            cache_bytes: self.settings.cache_bytes,
            traffic: &self.shared.traffic,
        })?;
        let newest = newest_seq(&open.db).map_err(|fault| self.shared.fault(fault))?;
        *slot = Some(open);
        Ok((newest, opened))
    }

    /// Events without an end among the newest: those that a crash interrupted, oldest first. Whoever starts the service ends
    /// them, so older ones cannot be open.
    pub fn unfinished(&self) -> Result<Vec<Event>, StoreError> {
        self.shared.with(|open| {
            let events = open.db.begin_read()?.open_table(EVENTS)?;
            let mut found = Vec::new();
            for row in events.range::<u64>(..)?.rev().take(STORE_SCAN_ROWS_MAX) {
                let running = tables::decode(row?.1.value()).filter(|event| event.phase != Phase::End);
                found.extend(running);
                if found.len() == STORE_UNFINISHED_MAX {
                    break;
                }
            }
            found.reverse();
            Ok(found)
        })
    }

    /// Where the database file is.
    pub fn file(&self) -> PathBuf {
        self.shared.file.clone()
    }
}

/// Newest number in `db`; 0 when it is empty. The journal is never emptied, but an event may have outlived a damaged journal.
fn newest_seq(db: &Database) -> Result<u64, redb::Error> {
    let txn = db.begin_read()?;
    let message = txn.open_table(JOURNAL)?.last()?.map_or(0, |(seq, _)| seq.value());
    let event = txn.open_table(EVENTS)?.last()?.map_or(0, |(id, _)| id.value());
    Ok(message.max(event))
}

/// One transaction: the entries in, and what is then too many out. Returns the bytes of rows that went in.
fn write(db: &Database, entries: &[Entry], settings: &Settings) -> Result<u64, redb::Error> {
    let mut bytes = 0;
    let mut txn = db.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    {
        let mut journal = txn.open_table(JOURNAL)?;
        for entry in entries {
            journal.insert(entry.seq, &entry.message[..])?;
            bytes += entry.message.len();
        }
        retention::trim_journal(&mut journal, settings)?;
    }
    if entries
        .iter()
        .any(|entry| entry.event.is_some() || entry.removed.is_some() || entry.saved.is_some())
    {
        let mut shelf = Shelf::open(&txn)?;
        let mut json = Vec::new();
        for entry in entries {
            if let Some(event) = &entry.event {
                tables::encode(event, &mut json);
                shelf.put(event, &json)?;
                bytes += json.len();
            }
            if let Some(picture) = entry.saved {
                shelf.put_picture(picture)?;
            }
            if let Some(id) = entry.removed {
                shelf.remove(id)?;
            }
        }
        retention::trim_events(&mut shelf, settings)?;
    }
    txn.commit()?;
    Ok(bytes as u64)
}
