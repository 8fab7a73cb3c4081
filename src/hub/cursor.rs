//! One reader of the hub: its place in the ring, what it wants, and an account of what became of every message.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::BeforeRing;
use super::Hub;
use super::Message;
use super::latest::SLOTS;
use super::latest::Seen;
use super::ring::Found;
use super::ring::Place;
use crate::wire::Filter;
use crate::wire::Topics;

/// What a cursor has next.
#[derive(Clone, Debug)]
pub enum Next {
    /// The next message.
    Message(Message),
    /// So many messages that it wanted went out of the ring before they were read.
    Lagged(u64),
    /// Nothing now: [`Hub::published`] tells when to ask again.
    Empty,
}

/// How far a reader is, for others to see.
#[derive(Debug, Default)]
pub struct Progress {
    at: AtomicU64,
    delivered: AtomicU64,
    unwanted: AtomicU64,
    skipped: AtomicU64,
    lagged: AtomicU64,
}

/// What became of every message since a reader began: their sum is what was published since, less what it has not come to.
/// What is read again after a [`Cursor::seek`] counts again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Tally {
    /// Handed over.
    pub delivered: u64,
    /// Passed over, as the filter did not want them or they were known already.
    pub unwanted: u64,
    /// Latest-wins messages in whose place a newer one was handed over.
    pub skipped: u64,
    /// Wanted, and gone out of the ring unread.
    pub lagged: u64,
}

impl Tally {
    /// Adds another reader's.
    pub fn add(&mut self, other: Tally) {
        self.delivered += other.delivered;
        self.unwanted += other.unwanted;
        self.skipped += other.skipped;
        self.lagged += other.lagged;
    }

    /// All that it accounts for.
    pub fn sum(&self) -> u64 {
        self.delivered + self.unwanted + self.skipped + self.lagged
    }
}

impl Progress {
    /// What became of messages so far.
    pub fn tally(&self) -> Tally {
        Tally {
            delivered: self.delivered.load(Ordering::Relaxed),
            unwanted: self.unwanted.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            lagged: self.lagged.load(Ordering::Relaxed),
        }
    }

    /// Messages of the ring between this reader and `position`, the hub's.
    pub fn behind(&self, position: u64) -> u64 {
        position.saturating_sub(self.at.load(Ordering::Relaxed))
    }
}

/// One reader's place.
#[derive(Debug)]
pub struct Cursor {
    hub: Arc<Hub>,
    place: Place,
    seen: Seen,
    progress: Arc<Progress>,
}

impl Cursor {
    pub(super) fn new(hub: &Arc<Hub>, filter: Filter) -> Cursor {
        let (mut board, mut seen) = (hub.board(), [0; SLOTS]);
        board.latest.join(&mut seen, filter.topics);
        hub.tell_listened(&board);
        let (at, after_seq) = (board.ring.next(), board.ring.newest_seq());
        let place = Place {
            at,
            after_seq,
            read_to: at,
            filter,
        };
        let progress = Arc::<Progress>::default();
        progress.at.store(at, Ordering::Relaxed);
        Cursor {
            hub: Arc::clone(hub),
            place,
            seen,
            progress,
        }
    }

    /// What comes next; never waits.
    pub fn try_next(&mut self) -> Next {
        if let Some(message) = self.newest() {
            return Next::Message(message);
        }
        let board = self.hub.board();
        let (found, unwanted) = board.ring.read(&mut self.place);
        drop(board);
        self.progress.unwanted.fetch_add(unwanted, Ordering::Relaxed);
        self.progress.at.store(self.place.at, Ordering::Relaxed);
        match found {
            Found::Message(message) => {
                self.add(&self.hub.delivered, &self.progress.delivered, 1);
                Next::Message(message)
            }
            Found::Lagged(missed) => {
                self.add(&self.hub.lagged, &self.progress.lagged, missed);
                Next::Lagged(missed)
            }
            Found::Nothing => Next::Empty,
        }
    }

    /// Whether something is there that was not read; the filter may not want it.
    pub fn has_news(&self) -> bool {
        let board = self.hub.board();
        self.place.at != board.ring.next() || board.latest.has_newer(&self.seen, self.place.filter.topics)
    }

    /// Goes on with the first durable message after `seq`, if the ring still holds all of those; else stays. Also a
    /// number that is yet to be published is passed over then: it may have been read where it was kept.
    pub fn seek(&mut self, seq: u64) -> Result<(), BeforeRing> {
        self.place.at = self.hub.board().ring.position_after(seq)?;
        self.place.after_seq = seq;
        Ok(())
    }

    /// What it wants.
    pub fn filter(&self) -> Filter {
        self.place.filter
    }

    /// From here on it wants what `filter` says.
    pub fn set_filter(&mut self, filter: Filter) {
        let (before, now) = (self.place.filter.topics, filter.topics);
        let mut board = self.hub.board();
        board.latest.join(&mut self.seen, now.without(before));
        board.latest.leave(before.without(now));
        self.hub.tell_listened(&board);
        drop(board);
        self.place.filter = filter;
    }

    /// Durable messages with greater numbers than this come, none with a smaller.
    pub fn after_seq(&self) -> u64 {
        self.place.after_seq
    }

    /// Durable messages up to this number are not in the ring.
    pub fn floor_seq(&self) -> u64 {
        self.hub.board().ring.floor_seq()
    }

    /// Newest durable sequence number; 0 before the first.
    pub fn newest_seq(&self) -> u64 {
        self.hub.newest_seq()
    }

    /// How far it is, for others to see.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// The newest message of a slot that it wants and has not seen.
    fn newest(&mut self) -> Option<Message> {
        let filter = self.place.filter;
        if !filter.topics.has_any(Topics::LATEST) {
            return None;
        }
        loop {
            let (message, skipped) = self.hub.board().latest.read(&mut self.seen, filter.topics)?;
            self.add(&self.hub.skipped, &self.progress.skipped, skipped);
            if filter.wants(message.topic, &message.facts) {
                self.add(&self.hub.delivered, &self.progress.delivered, 1);
                return Some(message);
            }
            self.progress.unwanted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn add(&self, all: &AtomicU64, own: &AtomicU64, count: u64) {
        all.fetch_add(count, Ordering::Relaxed);
        own.fetch_add(count, Ordering::Relaxed);
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        let mut board = self.hub.board();
        board.latest.leave(self.place.filter.topics);
        self.hub.tell_listened(&board);
    }
}
