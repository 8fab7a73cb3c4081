//! Upkeep of pictures: what goes when there is too much (by age, by bytes, by what is left of the disk; oldest first, those of
//! bookmarked events last), and the files of what is gone.

use std::time::Duration;

use redb::ReadableDatabase;

use super::Store;
use super::StoreError;
use super::album;
use super::album::Album;
use super::files::Files;
use super::files::PictureKind;
use super::shelf::Shelf;
use crate::clock::Timestamp;
use crate::event::model::ClockState;
use crate::event::model::Event;
use crate::event::model::Phase;
use crate::limits::PICTURES_REMOVED_MAX;
use crate::limits::STORE_SCAN_ROWS_MAX;

/// A picture of an event, durable as a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Which event.
    pub id: u64,
    /// What it is.
    pub kind: PictureKind,
    /// Its length, in bytes.
    pub bytes: u64,
}

/// How long pictures are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureLimits {
    /// Longest time; bookmarked ones outlast it.
    pub age_max: Duration,
    /// Most bytes of all together. More: the oldest go, bookmarked ones last.
    pub bytes_max: u64,
    /// Bytes of the disk that are left free. Less: as above.
    pub free_min: u64,
}

impl Default for PictureLimits {
    fn default() -> PictureLimits {
        PictureLimits {
            age_max: Duration::from_secs(30 * 24 * 3600),
            bytes_max: 1024 * 1024 * 1024,
            free_min: 256 * 1024 * 1024,
        }
    }
}

/// What one call of [`Store::maintain_pictures`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureUpkeep {
    /// Pictures that no event has any more.
    pub removed: u64,
    /// Files removed, of these and of deleted events.
    pub files_removed: u64,
}

impl PictureUpkeep {
    /// Whether another call would find more to do at once.
    pub fn more(&self) -> bool {
        *self != PictureUpkeep::default()
    }
}

/// What is known when it is decided which pictures go.
struct Pressure {
    /// Bytes that have to go.
    surplus: u64,
    /// Events older than this lose theirs.
    cutoff: Option<Timestamp>,
}

impl Store {
    /// Where pictures are.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Finishes what was on its way when the last run ended, for the start: indexed pictures get to their place, others go.
    pub fn sweep_pictures(&mut self) -> Result<(), StoreError> {
        let (files, shared) = (&self.files, &self.shared);
        let mut fault = None;
        let swept = files.sweep(|id, kind| {
            let found = shared.with(|open| album::has(&open.db.begin_read()?, id, kind));
            // What cannot be told is left where it is found by who reads it: it is moved in vain at worst.
            found.unwrap_or_else(|error| {
                fault = Some(error);
                true
            })
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        let (settled, removed) = swept.map_err(|source| self.io(source))?;
        if settled + removed > 0 {
            tracing::info!(settled, removed, "pictures were on their way when the last run ended");
        }
        self.own_up()
    }

    /// Removes the files of the oldest pictures at once, at most [`PICTURES_REMOVED_MAX`]: for a disk so full that not even the
    /// database can be written, and so not be told first. It is with the next upkeep, or at the next start. How many.
    pub fn shed_pictures(&mut self) -> Result<u64, StoreError> {
        let oldest = self.oldest_spared()?;
        let mut there = oldest
            .into_iter()
            .filter(|picture| self.files.open(picture.id, picture.kind).is_ok());
        let removed = there.by_ref().take(PICTURES_REMOVED_MAX).try_fold(0, |removed, picture| {
            self.files.remove(picture.id, picture.kind).map(|()| removed + 1)
        });
        self.is_shed = true;
        removed.map_err(|source| self.io(source))
    }

    /// Takes pictures from their events whose files were [shed](Store::shed_pictures), oldest first up to one that is there.
    fn own_up(&mut self) -> Result<(), StoreError> {
        let oldest = self.oldest_spared()?;
        let is_missing = |picture: &Saved| self.files.open(picture.id, picture.kind).is_err();
        let missing: Vec<Saved> = oldest.into_iter().take_while(is_missing).collect();
        if !missing.is_empty() {
            self.mending(|store| {
                store.shared.with(|open| {
                    let txn = open.db.begin_write()?;
                    let mut shelf = Shelf::open(&txn)?;
                    missing.iter().try_for_each(|picture| shelf.take_picture(*picture))?;
                    drop(shelf);
                    Ok(txn.commit()?)
                })
            })?;
        }
        self.is_shed = false;
        Ok(())
    }

    /// The oldest pictures of events that are over and not bookmarked.
    fn oldest_spared(&self) -> Result<Vec<Saved>, StoreError> {
        self.shared.with(|open| {
            let txn = open.db.begin_read()?;
            let events = txn.open_table(super::tables::EVENTS)?;
            let mut found = Vec::new();
            for picture in album::oldest(&txn, STORE_SCAN_ROWS_MAX)? {
                let event = events.get(picture.id)?.and_then(|row| super::tables::decode(row.value()));
                let spared = event.is_some_and(|event| event.bookmarked || event.phase != Phase::End);
                found.extend((!spared).then_some(picture));
            }
            Ok(found)
        })
    }

    /// Does one bounded piece of upkeep, for quiet moments, again as long as [`PictureUpkeep::more`]. Age is judged only by a
    /// `now` that is known good, the disk by its `free` bytes.
    pub fn maintain_pictures(&mut self, now: Option<Timestamp>, free: Option<u64>) -> Result<PictureUpkeep, StoreError> {
        if self.is_shed {
            self.own_up()?;
        }
        let files_removed = self.remove_files()?;
        if files_removed > 0 {
            return Ok(PictureUpkeep { removed: 0, files_removed });
        }
        let removed = self.mending(|store| store.remove_pictures(now, free))?;
        Ok(PictureUpkeep { removed, files_removed })
    }

    /// Removes the files of what is gone, then forgets them: a crash in between does it twice.
    fn remove_files(&mut self) -> Result<u64, StoreError> {
        let cleared = self.files.clear().map_err(|source| self.io(source))?;
        let gone = self.shared.with(|open| album::gone(&open.db.begin_read()?))?;
        for picture in &gone {
            self.files.remove(picture.id, picture.kind).map_err(|source| self.io(source))?;
        }
        if !gone.is_empty() {
            self.mending(|store| {
                store.shared.with(|open| {
                    let txn = open.db.begin_write()?;
                    Album::open(&txn)?.forget(&gone)?;
                    Ok(txn.commit()?)
                })
            })?;
        }
        Ok(gone.len() as u64 + u64::from(cleared))
    }

    fn remove_pictures(&mut self, now: Option<Timestamp>, free: Option<u64>) -> Result<u64, StoreError> {
        let limits = &self.settings.pictures;
        let (count, bytes) = self.shared.with(|open| album::figures(&open.db.begin_read()?))?;
        let age_ms = i64::try_from(limits.age_max.as_millis()).unwrap_or(i64::MAX);
        let pressure = Pressure {
            surplus: bytes
                .saturating_sub(limits.bytes_max)
                .max(free.map_or(0, |free| limits.free_min.saturating_sub(free))),
            cutoff: now.map(|now| Timestamp(now.0.saturating_sub(age_ms))),
        };
        if count == 0 || (pressure.surplus == 0 && !self.is_due(&pressure)?) {
            return Ok(0);
        }
        self.shared.with(|open| {
            let txn = open.db.begin_write()?;
            let removed = remove_oldest(&mut Shelf::open(&txn)?, &pressure)?;
            txn.commit()?;
            Ok(removed)
        })
    }

    /// Whether the oldest event with pictures that nobody bookmarked is too old; looked at without writing.
    fn is_due(&self, pressure: &Pressure) -> Result<bool, StoreError> {
        self.shared.with(|open| {
            let txn = open.db.begin_read()?;
            let events = txn.open_table(super::tables::EVENTS)?;
            for picture in album::oldest(&txn, STORE_SCAN_ROWS_MAX)? {
                let event = events.get(picture.id)?.and_then(|row| super::tables::decode(row.value()));
                match event {
                    Some(event) if event.bookmarked => {}
                    event => return Ok(pressure.is_aged(event.as_ref())),
                }
            }
            Ok(false)
        })
    }

    fn io(&self, source: std::io::Error) -> StoreError {
        StoreError::Io {
            file: self.settings.dir.join("pictures"),
            source,
        }
    }
}

impl Pressure {
    /// Pictures of an event that is not there are older than any.
    fn is_aged(&self, event: Option<&Event>) -> bool {
        event.is_none_or(|event| {
            let synced = event.clock == ClockState::Synced;
            self.cutoff.is_some_and(|cutoff| synced && event.timestamp < cutoff)
        })
    }
}

/// Removes the oldest pictures that are too old or too many, at most [`PICTURES_REMOVED_MAX`]; bookmarked ones only when there
/// are no others and it is bytes that count.
fn remove_oldest(shelf: &mut Shelf<'_>, pressure: &Pressure) -> Result<u64, redb::Error> {
    let (mut removed, mut freed) = (0, 0);
    for spared in [true, false] {
        let mut from = 0;
        while let Some(picture) = shelf.oldest_picture(from, spared)? {
            let aged = spared && pressure.is_aged(shelf.event(picture.id)?.as_ref());
            if removed == PICTURES_REMOVED_MAX as u64 || !(aged || freed < pressure.surplus) {
                break;
            }
            shelf.take_picture(picture)?;
            (removed, freed, from) = (removed + 1, freed + picture.bytes, picture.id);
        }
        if removed > 0 {
            break; // bookmarked ones go when a call finds no other
        }
    }
    Ok(removed)
}
