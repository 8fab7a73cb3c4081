//! Durable things, in redb: the journal of messages (what a client may have missed) and the events (what REST shows).
//! It knows nothing of clients; committing before announcing is `recorder.rs`'s promise.

use std::path::PathBuf;
use std::time::Duration;

/// What a user may set of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Data directory; made if missing.
    pub dir: PathBuf,
    /// redb's page cache, in bytes.
    pub cache_bytes: usize,
    /// Most events kept. Full: the oldest goes.
    pub events_max: u64,
    /// Most messages kept for replay to clients that were away. Full: the oldest goes.
    pub journal_max: u64,
    /// Longest time that an event is kept.
    pub age_max: Duration,
    /// Largest database file, in bytes. Full: the oldest events go.
    pub bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dir: PathBuf::from("/var/lib/lookout"),
            cache_bytes: 1024 * 1024,
            events_max: 50_000,
            journal_max: 20_000,
            age_max: Duration::from_secs(90 * 24 * 3600),
            bytes_max: 256 * 1024 * 1024,
        }
    }
}
