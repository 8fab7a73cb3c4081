//! The open database as the writer and its readers share it: replaced by the writer when it reopens, taken away while it compacts.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;
use std::sync::TryLockError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use redb::Database;

use super::StoreError;
use super::StoreId;
use super::backend::Traffic;

/// An open database.
pub(super) struct Open {
    pub(super) db: Database,
    pub(super) id: StoreId,
}

/// What a [`Store`](super::Store) and its [`Reader`](super::Reader)s have in common.
pub(super) struct Shared {
    pub(super) file: PathBuf,
    /// None after a failed attempt to reopen.
    slot: RwLock<Option<Open>>,
    pub(super) traffic: Arc<Traffic>,
    /// Bytes in use in the file when last measured.
    pub(super) used_bytes: AtomicU64,
    /// A read or write failed since the file was opened: redb refuses everything until it is opened anew.
    failed: AtomicBool,
    /// Rows that could not be read as events.
    pub(super) rows_unreadable: AtomicU64,
}

impl Shared {
    pub(super) fn new(file: PathBuf, traffic: Arc<Traffic>) -> Shared {
        Shared {
            file,
            slot: RwLock::new(None),
            traffic,
            used_bytes: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            rows_unreadable: AtomicU64::new(0),
        }
    }

    /// Sole access, for reopening and compacting: waits for the readers' calls at hand, each of which is bounded.
    pub(super) fn exclusive(&self) -> RwLockWriteGuard<'_, Option<Open>> {
        self.slot.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` on the database, waiting while it is taken away.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Open) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        self.run(self.slot.read().unwrap_or_else(PoisonError::into_inner), work)
    }

    /// Runs `work` on the database; [`StoreError::Busy`] while it is taken away.
    pub(super) fn try_with<T>(&self, work: impl FnOnce(&Open) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        match self.slot.try_read() {
            Ok(slot) => self.run(slot, work),
            Err(TryLockError::Poisoned(slot)) => self.run(slot.into_inner(), work),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy),
        }
    }

    fn run<T>(&self, slot: RwLockReadGuard<'_, Option<Open>>, work: impl FnOnce(&Open) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let open = slot.as_ref().ok_or(redb::Error::DatabaseClosed);
        open.and_then(work).map_err(|fault| self.fault(fault))
    }

    /// `fault` in our terms; one of the medium is remembered until [`Shared::take_failed`].
    pub(super) fn fault(&self, fault: redb::Error) -> StoreError {
        let fault = StoreError::of(&self.file, fault);
        self.failed.fetch_or(fault.is_io(), Ordering::Relaxed);
        fault
    }

    /// Remembers a fault of the medium.
    pub(super) fn set_failed(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Whether there was a fault of the medium since this was last asked.
    pub(super) fn take_failed(&self) -> bool {
        self.failed.swap(false, Ordering::Relaxed)
    }
}
