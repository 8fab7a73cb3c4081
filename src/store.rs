//! Durable things, in redb: the journal of messages (what a client may have missed), the events (what REST shows), and which
//! pictures of them there are as files (`files`, `pictures`).
//! It knows nothing of clients; committing before announcing is `recorder.rs`'s promise.
//!
//! One thread owns the [`Store`] and writes; any number of [`Reader`]s read beside it, never waiting for it. What a commit
//! returned for is durable and stays; what it did not return for is there wholly or not at all.

mod album;
mod backend;
mod files;
mod open;
mod pictures;
mod reader;
mod retention;
mod shared;
mod shelf;
mod tables;
mod times;
mod writer;

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use crate::event::model::Event;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::limits::STORE_PAGE_EVENTS_MAX;
use crate::limits::STORE_TIME_IDS_MAX;

pub use backend::Disk;
pub use backend::FileDisk;
pub use files::Files;
pub use files::Part;
pub use files::PictureKind;
pub use pictures::PictureLimits;
pub use pictures::PictureUpkeep;
pub use pictures::Saved;
pub use reader::EventPage;
pub use reader::EventQuery;
pub use reader::Figures;
pub use reader::Page;
pub use reader::Reader;
pub use retention::Upkeep;
pub use tables::SCHEMA;
pub use tables::StoreId;
pub use times::Corrected;
pub use writer::Store;

/// Name of the database file in the data directory.
pub const FILE_NAME: &str = "lookout.redb";

/// What a user may set of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Data directory; made if missing.
    pub dir: PathBuf,
    /// redb's page cache, in bytes.
    pub cache_bytes: usize,
    /// Most events kept. Full: the oldest go.
    pub events_max: u64,
    /// Most messages kept for replay to clients that were away. Full: the oldest go.
    pub journal_max: u64,
    /// Longest time that an event is kept.
    pub age_max: Duration,
    /// Most bytes in use in the database file. Full: the oldest events and messages go. The file is at most about twice as long:
    /// redb doubles it when it grows.
    pub bytes_max: u64,
    /// How long pictures of events are kept, which are files beside the database.
    pub pictures: PictureLimits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dir: PathBuf::from("/var/lib/lookout"),
            cache_bytes: 1024 * 1024,
            events_max: 50_000,
            journal_max: 20_000,
            age_max: Duration::from_secs(90 * 24 * 3600),
            bytes_max: 64 * 1024 * 1024,
            pictures: PictureLimits::default(),
        }
    }
}

/// Heap that redb holds beside its cache whatever the file's length, in bytes: one commit's rows and page lists.
const REDB_FIXED_BYTES: usize = 512 * 1024;
/// Heap that redb holds per page that may be in use, in bytes, for a file of up to two pages for each: 52 a page measured while
/// it compacts the file, and 22 otherwise.
const REDB_BYTES_PER_PAGE: usize = 112;
/// redb's page, in bytes.
const REDB_PAGE_BYTES: u64 = 4096;

/// Most heap that the store takes, in bytes: redb's cache, its fixed part, its part that grows with the file, one page of events
/// with its ids from the time index, one row being encoded. `tests/store_memory.rs` measures it.
pub fn footprint(settings: &Settings) -> usize {
    let pages = usize::try_from(settings.bytes_max / REDB_PAGE_BYTES).unwrap_or(usize::MAX / REDB_BYTES_PER_PAGE);
    let redb = settings.cache_bytes + REDB_FIXED_BYTES + pages * REDB_BYTES_PER_PAGE;
    let page = STORE_PAGE_EVENTS_MAX * size_of::<Event>() + STORE_TIME_IDS_MAX * size_of::<u64>();
    redb + page + 2 * MESSAGE_BYTES_MAX
}

/// One message to be made durable, with the state of the event that it tells of.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its sequence number: [`Store::next_seq`] for the first of a commit, then one more each.
    pub seq: u64,
    /// The bytes that clients are sent, at most [`MESSAGE_BYTES_MAX`].
    pub message: Bytes,
    /// The event's state after it; replaces the stored one of the same id.
    pub event: Option<Event>,
    /// Id of an event that is not to be found any more after it; what the journal says of it stays until its time is over.
    pub removed: Option<u64>,
    /// A picture of an event, finished in [`Store::files`], that `event` has the address of.
    pub saved: Option<Saved>,
}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A sound store (after a crash: brought to its last commit).
    Existing,
    /// Nothing; a store was made.
    Fresh,
    /// A store that was shut down in order and yet was not sound; redb mended it, and the last commit may be lost.
    Repaired,
    /// A file that could not be read; it was renamed, and a new store was made.
    SetAside {
        /// Its new name.
        to: PathBuf,
        /// What was wrong with it.
        why: String,
    },
}

/// Why the store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its medium: disk full, no permission, read-only, medium error. The next commit tries anew.
    #[error("{}: {source}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the database open.
    #[error("{}: in use by another process", file.display())]
    Locked {
        /// Which file.
        file: PathBuf,
    },
    /// Written by a newer version of this program; left untouched.
    #[error("{}: schema version {found} is newer than {SCHEMA}, the newest that this version reads", file.display())]
    NewerSchema {
        /// Which file.
        file: PathBuf,
        /// Its version.
        found: usize,
    },
    /// The file's content is not what was written. [`Store::reopen`] mends it or sets it aside.
    #[error("{}: damaged: {why}", file.display())]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The medium lost commits that it had reported durable. The store goes on behind them.
    #[error("{}: newest message on the medium is {found}, but {acknowledged} had been written", file.display())]
    Lost {
        /// Which file.
        file: PathBuf,
        /// Newest sequence number that was committed.
        acknowledged: u64,
        /// Newest sequence number found.
        found: u64,
    },
    /// An entry whose number is not the next, or that differs from what stands under its number.
    #[error("message {got} where {expected} is next")]
    OutOfOrder {
        /// The next number.
        expected: u64,
        /// The entry's.
        got: u64,
    },
    /// A message longer than [`MESSAGE_BYTES_MAX`].
    #[error("message {seq} of {bytes} bytes is longer than {MESSAGE_BYTES_MAX}")]
    TooLong {
        /// Its sequence number.
        seq: u64,
        /// Its length.
        bytes: usize,
    },
    /// The store is being compacted or reopened: ask again in a moment.
    #[error("the store is busy with its upkeep")]
    Busy,
}

impl StoreError {
    /// What redb says of `file`, in our terms.
    fn of(file: &Path, fault: redb::Error) -> StoreError {
        let file = file.to_owned();
        match fault {
            redb::Error::Io(source) if damage(source.kind()) => StoreError::Damaged {
                file,
                why: source.to_string(),
            },
            redb::Error::Io(source) => StoreError::Io { file, source },
            redb::Error::DatabaseAlreadyOpen => StoreError::Locked { file },
            // UpgradeRequired: no store was ever written in a format that old, so the number itself is damaged.
            fault @ (redb::Error::Corrupted(_)
            | redb::Error::UpgradeRequired(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableDoesNotExist(_)) => StoreError::Damaged {
                file,
                why: fault.to_string(),
            },
            other => StoreError::Io {
                file,
                source: io::Error::other(other.to_string()),
            },
        }
    }

    /// Whether the disk is full, so that what is removed from it may help.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind;
        matches!(self, StoreError::Io { source, .. } if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }

    /// Whether closing and opening the file anew may help.
    fn is_io(&self) -> bool {
        matches!(self, StoreError::Io { .. })
    }
}

/// Kinds that say what stands in a file, not what became of an attempt to reach it.
fn damage(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}
