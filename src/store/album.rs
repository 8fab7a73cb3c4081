//! Which pictures there are, in redb: a row for each, what all take together, and what is gone but for its file.

use redb::ReadTransaction;
use redb::ReadableTable;
use redb::ReadableTableMetadata;
use redb::Table;
use redb::TableDefinition;
use redb::TableError;
use redb::WriteTransaction;

use super::PictureKind;
use super::Saved;
use crate::limits::PICTURES_REMOVED_MAX;

type Key = (u64, u8);

/// Event and kind of each picture to its length in bytes. Versions that know nothing of pictures leave it alone, so it may tell
/// of events that they deleted.
const PICTURES: TableDefinition<Key, u64> = TableDefinition::new("pictures");
/// Pictures whose files are to be removed.
const GONE: TableDefinition<Key, ()> = TableDefinition::new("pictures_gone");
/// Under 0: the sum of all lengths in [`PICTURES`].
const BYTES: TableDefinition<u8, u64> = TableDefinition::new("pictures_bytes");

/// The tables, in one transaction.
pub(super) struct Album<'txn> {
    pictures: Table<'txn, Key, u64>,
    gone: Table<'txn, Key, ()>,
    bytes: Table<'txn, u8, u64>,
}

impl<'txn> Album<'txn> {
    pub(super) fn open(txn: &'txn WriteTransaction) -> Result<Album<'txn>, redb::Error> {
        Ok(Album {
            pictures: txn.open_table(PICTURES)?,
            gone: txn.open_table(GONE)?,
            bytes: txn.open_table(BYTES)?,
        })
    }

    /// Tells of a picture, in place of an earlier one of its kind.
    pub(super) fn put(&mut self, saved: Saved) -> Result<(), redb::Error> {
        let key = key(saved.id, saved.kind);
        let before = self.pictures.insert(key, saved.bytes)?.map_or(0, |row| row.value());
        self.gone.remove(key)?;
        self.add(saved.bytes, before)
    }

    /// Tells no more of a picture; whether it did.
    pub(super) fn remove(&mut self, id: u64, kind: PictureKind) -> Result<bool, redb::Error> {
        let key = key(id, kind);
        let Some(bytes) = self.pictures.remove(key)?.map(|row| row.value()) else {
            return Ok(false);
        };
        self.gone.insert(key, ())?;
        self.add(0, bytes)?;
        Ok(true)
    }

    /// Tells no more of any picture of event `id`.
    pub(super) fn remove_all(&mut self, id: u64) -> Result<(), redb::Error> {
        PictureKind::ALL.into_iter().try_for_each(|kind| self.remove(id, kind).map(|_| ()))
    }

    /// What all take together, in bytes.
    fn bytes(&self) -> Result<u64, redb::Error> {
        Ok(self.bytes.get(0)?.map_or(0, |row| row.value()))
    }

    /// The oldest picture of an event from `id` on that `may` go.
    pub(super) fn first(&self, id: u64, may: impl Fn(u64) -> Result<bool, redb::Error>) -> Result<Option<Saved>, redb::Error> {
        for row in self.pictures.range((id, 0)..)? {
            let (key, bytes) = row?;
            let picture = saved(key.value(), bytes.value());
            if may(picture.id)? {
                return Ok(Some(picture));
            }
        }
        Ok(None)
    }

    /// Forgets files that are removed.
    pub(super) fn forget(&mut self, removed: &[Saved]) -> Result<(), redb::Error> {
        for picture in removed {
            self.gone.remove(key(picture.id, picture.kind))?;
        }
        Ok(())
    }

    fn add(&mut self, more: u64, less: u64) -> Result<(), redb::Error> {
        let bytes = self.bytes()?.saturating_add(more).saturating_sub(less);
        self.bytes.insert(0, bytes)?;
        Ok(())
    }
}

/// Some pictures whose files are to be removed, at most [`PICTURES_REMOVED_MAX`].
pub(super) fn gone(txn: &ReadTransaction) -> Result<Vec<Saved>, redb::Error> {
    let Some(gone) = if_there(txn.open_table(GONE))? else {
        return Ok(Vec::new());
    };
    let rows = gone.iter()?.take(PICTURES_REMOVED_MAX);
    rows.map(|row| Ok(saved(row?.0.value(), 0))).collect()
}

/// Whether there is a row of a picture.
pub(super) fn has(txn: &ReadTransaction, id: u64, kind: PictureKind) -> Result<bool, redb::Error> {
    match if_there(txn.open_table(PICTURES))? {
        Some(pictures) => Ok(pictures.get(key(id, kind))?.is_some()),
        None => Ok(false),
    }
}

/// The oldest pictures, at most so many.
pub(super) fn oldest(txn: &ReadTransaction, count: usize) -> Result<Vec<Saved>, redb::Error> {
    let Some(pictures) = if_there(txn.open_table(PICTURES))? else {
        return Ok(Vec::new());
    };
    let rows = pictures.iter()?.take(count);
    rows.map(|row| row.map_err(redb::Error::from).map(|(key, bytes)| saved(key.value(), bytes.value())))
        .collect()
}

/// How many pictures there are, and their bytes together.
pub(super) fn figures(txn: &ReadTransaction) -> Result<(u64, u64), redb::Error> {
    let count = if_there(txn.open_table(PICTURES))?.map_or(Ok(0), |pictures| pictures.len())?;
    let bytes = match if_there(txn.open_table(BYTES))? {
        Some(bytes) => bytes.get(0)?.map_or(0, |row| row.value()),
        None => 0,
    };
    Ok((count, bytes))
}

/// A store that never had a picture has no table of them.
fn if_there<T>(table: Result<T, TableError>) -> Result<Option<T>, redb::Error> {
    match table {
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        table => Ok(Some(table?)),
    }
}

fn key(id: u64, kind: PictureKind) -> Key {
    (id, kind as u8)
}

fn saved((id, kind): Key, bytes: u64) -> Saved {
    let kind = if kind == PictureKind::Snapshot as u8 {
        PictureKind::Snapshot
    } else {
        PictureKind::Clip
    };
    Saved { id, kind, bytes }
}
