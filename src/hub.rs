//! One ring of encoded messages, and a cursor into it for every client. It knows nothing of sockets.
//!
//! Invariants:
//! 1. Positions count messages published, from 0; the ring holds positions `oldest..next` without a hole.
//! 2. Sequence numbers strictly increase with the position; a message that would break this is refused.
//! 3. A cursor gives every position from where it began exactly once: as a message, or in the count of a lag
//!    (but no topic that it was not asked for, nor what it was told is known already).
//! 4. Publishing costs the same however many clients there are, and waits for none of them.

mod ring;

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
use crate::wire::Text;
use crate::wire::Topic;
use crate::wire::Topics;
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
}

/// What a cursor has next.
#[derive(Clone, Debug)]
pub enum Next {
    /// The next message.
    Message(Message),
    /// So many messages, of all topics, went out of the ring before they were read.
    Lagged(u64),
    /// Nothing now: [`Cursor::wait`].
    Empty,
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
    /// Messages published.
    pub published: u64,
    /// Messages handed to clients, each counted for every client.
    pub delivered: u64,
    /// Messages that went out of the ring before a client read them, each counted for every client.
    pub lagged: u64,
}

/// The ring and those who wait for it.
#[derive(Debug)]
pub struct Hub {
    ring: Mutex<Ring>,
    published: Notify,
    woken: watch::Sender<()>,
    delivered: AtomicU64,
    lagged: AtomicU64,
}

impl Hub {
    /// An empty ring, in a service whose store holds messages up to `newest_seq` (0: none).
    pub fn new(newest_seq: u64) -> Hub {
        Hub {
            ring: Mutex::new(Ring::new(newest_seq)),
            published: Notify::new(),
            woken: watch::Sender::new(()),
            delivered: AtomicU64::new(0),
            lagged: AtomicU64::new(0),
        }
    }

    /// Puts `message` into the ring, where the oldest make room for it, and wakes the [`pump`](Hub::pump). Any thread.
    pub fn publish(&self, message: Message) -> Result<(), PublishError> {
        self.ring().push(message)?;
        self.published.notify_one();
        Ok(())
    }

    /// Wakes waiting cursors whenever something was published; never returns. To be run once, on the runtime of the
    /// clients: a wake-up from another thread is a system call, one from their own is not, and so the publisher pays
    /// for one wake-up and not for one a client.
    pub async fn pump(&self) {
        loop {
            self.published.notified().await;
            self.woken.send_replace(());
        }
    }

    /// A cursor that begins with the next message published, and gives those of `topics`.
    pub fn subscribe(self: &Arc<Hub>, topics: Topics) -> Cursor {
        let woken = self.woken.subscribe();
        let ring = self.ring();
        Cursor {
            hub: Arc::clone(self),
            woken,
            at: ring.next(),
            after_seq: ring.newest_seq(),
            topics,
        }
    }

    /// Newest durable sequence number; 0 before the first.
    pub fn newest_seq(&self) -> u64 {
        self.ring().newest_seq()
    }

    /// What went through it.
    pub fn counters(&self) -> Counters {
        Counters {
            published: self.ring().next(),
            delivered: self.delivered.load(Ordering::Relaxed),
            lagged: self.lagged.load(Ordering::Relaxed),
        }
    }

    /// Most bytes that a hub holds, its messages included.
    pub const fn footprint() -> usize {
        size_of::<Hub>() + RING_BYTES_MAX
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// One reader's place in the ring.
#[derive(Debug)]
pub struct Cursor {
    hub: Arc<Hub>,
    woken: watch::Receiver<()>,
    at: u64,
    after_seq: u64,
    topics: Topics,
}

impl Cursor {
    /// What comes next; never waits.
    pub fn try_next(&mut self) -> Next {
        let next = self.hub.ring().read(&mut self.at, self.topics, self.after_seq);
        match &next {
            Next::Message(_) => self.hub.delivered.fetch_add(1, Ordering::Relaxed),
            Next::Lagged(missed) => self.hub.lagged.fetch_add(*missed, Ordering::Relaxed),
            Next::Empty => 0,
        };
        next
    }

    /// Returns once something is there that was not read; it may be of another topic. Dropped half-way it loses nothing.
    pub async fn wait(&mut self) {
        while self.at == self.hub.ring().next() {
            // The sender lives in the hub, which this holds: there is no error.
            let _ = self.woken.changed().await;
        }
    }

    /// Goes on with the first durable message after `seq`, if the ring still holds all of those; else stays. Also a
    /// number that is yet to be published is passed over then: it may have been read where it was kept.
    pub fn seek(&mut self, seq: u64) -> Result<(), BeforeRing> {
        self.at = self.hub.ring().position_after(seq)?;
        self.after_seq = seq;
        Ok(())
    }

    /// Durable messages with greater numbers than this come, none with a smaller.
    pub fn after_seq(&self) -> u64 {
        self.after_seq
    }

    /// Durable messages up to this number are not in the ring.
    pub fn floor_seq(&self) -> u64 {
        self.hub.ring().floor_seq()
    }

    /// Newest durable sequence number; 0 before the first.
    pub fn newest_seq(&self) -> u64 {
        self.hub.newest_seq()
    }
}
