//! The events and what is kept of them beside: the index of times, the bookmarks and the pictures, always changed together.

use redb::ReadableTable;
use redb::ReadableTableMetadata;
use redb::Table;
use redb::WriteTransaction;

use super::PictureKind;
use super::Saved;
use super::album::Album;
use super::tables;
use super::tables::BOOKMARKS;
use super::tables::BY_TIME;
use super::tables::EVENTS;
use crate::event::model::Event;
use crate::event::model::Phase;

/// Events, their beginnings, their bookmarks and their pictures, in one transaction.
pub(super) struct Shelf<'txn> {
    events: Table<'txn, u64, &'static [u8]>,
    by_time: Table<'txn, (i64, u64), ()>,
    bookmarks: Table<'txn, u64, ()>,
    album: Album<'txn>,
}

impl<'txn> Shelf<'txn> {
    pub(super) fn open(txn: &'txn WriteTransaction) -> Result<Shelf<'txn>, redb::Error> {
        Ok(Shelf {
            events: txn.open_table(EVENTS)?,
            by_time: txn.open_table(BY_TIME)?,
            bookmarks: txn.open_table(BOOKMARKS)?,
            album: Album::open(txn)?,
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
        self.album.remove_all(id)?;
        Ok(Some(row.value().len()))
    }

    /// Tells of a picture, whose address the event has.
    pub(super) fn put_picture(&mut self, picture: Saved) -> Result<(), redb::Error> {
        self.album.put(picture)
    }

    /// Takes a picture from its event.
    pub(super) fn take_picture(&mut self, picture: Saved) -> Result<(), redb::Error> {
        self.album.remove(picture.id, picture.kind)?;
        let Some(mut event) = self.event(picture.id)? else { return Ok(()) };
        match picture.kind {
            PictureKind::Snapshot => event.snapshot_url = None,
            PictureKind::Clip => event.clip_url = None,
        }
        let mut json = Vec::new();
        tables::encode(&event, &mut json);
        self.put(&event, &json)
    }

    /// The event `id`, if it is there and can be read.
    pub(super) fn event(&self, id: u64) -> Result<Option<Event>, redb::Error> {
        Ok(self.events.get(id)?.and_then(|row| tables::decode(row.value())))
    }

    /// The oldest picture of an event from `id` on; those of running ones are passed over, and with `spared` of bookmarked ones.
    pub(super) fn oldest_picture(&self, id: u64, spared: bool) -> Result<Option<Saved>, redb::Error> {
        self.album.first(id, |id| {
            let runs = self.event(id)?.is_some_and(|event| event.phase != Phase::End);
            Ok(!runs && (!spared || self.bookmarks.get(id)?.is_none()))
        })
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
