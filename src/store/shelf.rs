//! The events and what is kept of them beside: the index of times and the bookmarks, always changed together.

use redb::ReadableTable;
use redb::ReadableTableMetadata;
use redb::Table;
use redb::WriteTransaction;

use super::tables;
use super::tables::BOOKMARKS;
use super::tables::BY_TIME;
use super::tables::EVENTS;
use crate::event::model::Event;

/// Events, their beginnings and their bookmarks, in one transaction.
pub(super) struct Shelf<'txn> {
    events: Table<'txn, u64, &'static [u8]>,
    by_time: Table<'txn, (i64, u64), ()>,
    bookmarks: Table<'txn, u64, ()>,
}

impl<'txn> Shelf<'txn> {
    pub(super) fn open(txn: &'txn WriteTransaction) -> Result<Shelf<'txn>, redb::Error> {
        Ok(Shelf {
            events: txn.open_table(EVENTS)?,
            by_time: txn.open_table(BY_TIME)?,
            bookmarks: txn.open_table(BOOKMARKS)?,
        })
    }

    /// How many events there are.
    pub(super) fn len(&self) -> Result<u64, redb::Error> {
        Ok(self.events.len()?)
    }

    /// Stores `event` as `json`, in place of what stood there.
    pub(super) fn put(&mut self, event: &Event, json: &[u8]) -> Result<(), redb::Error> {
        let key = (event.timestamp.0, event.id);
        let old = self.events.insert(event.id, json)?.and_then(|old| tables::decode(old.value()));
        // An update leaves the beginning as it was, and then costs the index no page.
        let before = old.as_ref().map(|old| (old.timestamp.0, old.id));
        if before != Some(key) {
            if let Some(before) = before {
                self.by_time.remove(before)?;
            }
            self.by_time.insert(key, ())?;
        }
        match (old.is_some_and(|old| old.bookmarked), event.bookmarked) {
            (false, true) => self.bookmarks.insert(event.id, ()).map(|_| ())?,
            (true, false) => self.bookmarks.remove(event.id).map(|_| ())?,
            _ => {}
        }
        Ok(())
    }

    /// Removes the event `id`; bytes of its row, if there was one.
    pub(super) fn remove(&mut self, id: u64) -> Result<Option<usize>, redb::Error> {
        let Some(row) = self.events.remove(id)? else { return Ok(None) };
        if let Some(event) = tables::decode(row.value()) {
            self.by_time.remove((event.timestamp.0, id))?;
        }
        self.bookmarks.remove(id)?;
        Ok(Some(row.value().len()))
    }

    /// The oldest event from `id` on; with `spared` bookmarked ones are passed over.
    pub(super) fn oldest(&self, id: u64, spared: bool) -> Result<Option<u64>, redb::Error> {
        for row in self.events.range(id..)? {
            let id = row?.0.value();
            if !spared || self.bookmarks.get(id)?.is_none() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}
