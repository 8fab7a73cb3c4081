//! One ring of encoded messages, and a cursor into it for every client. It knows nothing of sockets.
//!
//! Invariants:
//! 1. Positions count messages published, from 0; the ring holds positions `oldest..next` without a hole.
//! 2. Sequence numbers strictly increase with the position; a message that would break this is refused.
//! 3. A cursor gives every position from where it began exactly once: as a message, or in the count of a lag
//!    (but nothing that its filter does not want, nor what it was told is known already).
//! 4. Publishing costs the same however many clients there are, and waits for none of them.
//! 5. Messages of which only the latest counts ([`Topic::LATEST`]) have a slot each and no position: a cursor gives the
//!    newest, and counts those that it came in the place of.

mod cursor;
mod latest;
mod ring;

pub use cursor::Cursor;
pub use cursor::Next;
pub use cursor::Progress;
pub use cursor::Tally;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::sync::watch;

use crate::limits::MESSAGE_BYTES_MAX;
use crate::limits::RING_BYTES_MAX;
use crate::wire::Facts;
use crate::wire::Filter;
use crate::wire::Text;
use crate::wire::Topic;
use crate::wire::Topics;
use latest::Latest;
use latest::SLOTS;
use ring::Ring;

/// A message for whoever listens.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its sequence number if it is durable, greater than that of every message before.
    pub seq: Option<u64>,
    /// What it is about.
    pub topic: Topic,
    /// Its JSON.
    pub text: Text,
    /// What filters ask of it.
    pub facts: Facts,
}

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Its sequence number is not greater than the newest.
    #[error("sequence number {seq} after {newest}")]
    Disordered {
        /// The message's.
        seq: u64,
        /// The newest published.
        newest: u64,
    },
    /// It is longer than any message of the service.
    #[error("message of {bytes} bytes, at most {MESSAGE_BYTES_MAX} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// Where a ring no longer reaches back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeforeRing {
    /// Durable messages up to this number are not in the ring; all later ones are.
    pub floor_seq: u64,
}

/// What went through the hub since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counters {
    /// Messages published, those of which only the latest counts included.
    pub published: u64,
    /// Messages handed to clients, each counted for every client.
    pub delivered: u64,
    /// Messages that went out of the ring before a client that wanted them read them, each counted for every client.
    pub lagged: u64,
    /// Messages in whose place a client got a newer one, each counted for every client.
    pub skipped: u64,
}

/// The ring, the slots, and those who wait for them.
#[derive(Debug)]
pub struct Hub {
    board: Mutex<Board>,
    published: Notify,
    listened: watch::Sender<Topics>,
    delivered: AtomicU64,
    lagged: AtomicU64,
    skipped: AtomicU64,
}

/// What is there to be read.
#[derive(Debug)]
struct Board {
    ring: Ring,
    latest: Latest,
}

impl Hub {
    /// An empty ring, in a service whose store holds messages up to `newest_seq` (0: none).
    pub fn new(newest_seq: u64) -> Hub {
        Hub {
            board: Mutex::new(Board {
                ring: Ring::new(newest_seq),
                latest: Latest::default(),
            }),
            published: Notify::new(),
            listened: watch::Sender::new(Topics::NONE),
            delivered: AtomicU64::new(0),
            lagged: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        }
    }

    /// Puts `message` into the ring, where the oldest make room for it, or into the slot of its topic, and wakes the one
    /// who waits for [`published`](Hub::published). Any thread.
    pub fn publish(&self, message: Message) -> Result<(), PublishError> {
        let bytes = message.text.len();
        if bytes > MESSAGE_BYTES_MAX {
            return Err(PublishError::TooLong { bytes });
        }
        let mut board = self.board();
        match message.topic.latest_index() {
            Some(index) => board.latest.show(index, message),
            None => board.ring.push(message)?,
        }
        drop(board);
        self.published.notify_one();
        Ok(())
    }

    /// Says that zones have other names from here on: what is in the ring is told whatever zone is asked for.
    pub fn forget_zones(&self) {
        self.board().ring.forget_zones();
    }

    /// Returns when something was published since it last returned. For one who then sees to all cursors, on the runtime of
    /// the clients: a wake-up from another thread is a system call, and so the publisher pays for one, and not for one a
    /// client. Dropped half-way it loses nothing.
    pub async fn published(&self) {
        self.published.notified().await;
    }

    /// A cursor that begins with the next message published, and gives those that `filter` wants.
    pub fn subscribe(self: &Arc<Hub>, filter: impl Into<Filter>) -> Cursor {
        Cursor::new(self, filter.into())
    }

    /// Topics of [`Topic::LATEST`] that someone listens to: only those need be published.
    pub fn listened(&self) -> watch::Receiver<Topics> {
        self.listened.subscribe()
    }

    /// Newest durable sequence number; 0 before the first.
    pub fn newest_seq(&self) -> u64 {
        self.board().ring.newest_seq()
    }

    /// Position of the next message of the ring: how many were published in it.
    pub fn position(&self) -> u64 {
        self.board().ring.next()
    }

    /// What went through it.
    pub fn counters(&self) -> Counters {
        let board = self.board();
        Counters {
            published: board.ring.next() + board.latest.shown(),
            delivered: self.delivered.load(Ordering::Relaxed),
            lagged: self.lagged.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
        }
    }

    /// Most bytes that a hub holds, its messages included.
    pub const fn footprint() -> usize {
        size_of::<Hub>() + Ring::footprint() + RING_BYTES_MAX + SLOTS * MESSAGE_BYTES_MAX
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Says which slots are listened to; with the board locked, so that the last word is the right one.
    fn tell_listened(&self, board: &Board) {
        let now = board.latest.listened();
        self.listened.send_if_modified(|before| std::mem::replace(before, now) != now);
    }
}
