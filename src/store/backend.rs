//! Where the database's bytes go: [`trait Disk`](Disk), the edge at which tests put faults, and the [`Meter`] that counts what
//! is written. What stands in those bytes is redb's business and `tables.rs`.

use std::fmt;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use redb::BackendError;
use redb::DatabaseError;
use redb::StorageBackend;
use redb::backends::FileBackend;

/// What opens database files.
pub trait Disk: Send + fmt::Debug {
    /// Opens `file`, made empty if missing. What is then read is what the medium holds, not what a failed write left in memory.
    fn open(&self, file: &Path) -> Result<Box<dyn StorageBackend>, DatabaseError>;
}

/// The machine's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileDisk;

impl Disk for FileDisk {
    fn open(&self, file: &Path) -> Result<Box<dyn StorageBackend>, DatabaseError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(file)?;
        forget_cached(&file)?;
        Ok(Box::new(FileBackend::new(file)?))
    }
}

/// Makes the kernel forget what it holds of `file`. After a failed fsync it holds pages as clean that never reached the
/// medium; a database reopened from those would take a lost commit for a durable one.
fn forget_cached(file: &File) -> io::Result<()> {
    file.sync_data()?;
    // SAFETY: the descriptor is open for as long as `file` is borrowed; no memory is passed.
    let refused = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    // ESPIPE and EINVAL: a file system without a page cache has nothing to forget.
    match refused {
        0 | libc::ESPIPE | libc::EINVAL => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// What went to the medium since the start.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) bytes_written: AtomicU64,
    pub(super) syncs: AtomicU64,
    /// Length of the file now, in bytes.
    pub(super) file_bytes: AtomicU64,
}

/// A backend that counts what passes through to `inner`.
#[derive(Debug)]
pub(super) struct Meter {
    inner: Box<dyn StorageBackend>,
    traffic: Arc<Traffic>,
}

impl Meter {
    pub(super) fn new(inner: Box<dyn StorageBackend>, traffic: Arc<Traffic>) -> io::Result<Meter> {
        traffic.file_bytes.store(inner.len()?, Ordering::Relaxed);
        Ok(Meter { inner, traffic })
    }
}

impl StorageBackend for Meter {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)?;
        self.traffic.file_bytes.store(len, Ordering::Relaxed);
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()?;
        self.traffic.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)?;
        self.traffic.bytes_written.fetch_add(data.len() as u64, Ordering::Relaxed);
        Ok(())
    }
    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }
    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }
    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }
    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }
    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
