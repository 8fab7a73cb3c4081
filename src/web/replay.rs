//! From where a client left off to where the others are: pages from the store until the ring reaches back far enough.
//!
//! Whatever was announced is in the store already, and the ring says exactly what it still holds. So each page ends
//! with a number, and as soon as the ring holds everything after that number the client reads on there (and goes back to
//! the store should the ring overtake it): no gap, no duplicate, and no store at all for one who was away for a moment only.

use std::pin::Pin;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::store::ReadError;
use super::store::Reads;
use crate::hub::BeforeRing;
use crate::hub::Cursor;
use crate::store::Page;
use crate::wire::Names;
use crate::wire::server::Recovered;

type Reading = Pin<Box<dyn Future<Output = Result<Page, ReadError>> + Send>>;

/// A replay under way: it reads the store, or else what the ring holds, until there is nothing left to catch up with.
pub(super) struct Replay {
    since: u64,
    /// Everything up to here was sent, or is gone.
    sent: u64,
    whole: bool,
    oldest_seq: Option<u64>,
    reading: Option<Reading>,
}

impl Replay {
    /// Begins to replay what followed `since`. A number that was not yet announced may be kept already: the store knows.
    pub(super) fn begin(since: u64, cursor: &mut Cursor, reads: &Reads) -> Replay {
        let mut replay = Replay {
            since,
            sent: since,
            whole: true,
            oldest_seq: None,
            reading: None,
        };
        if since <= cursor.newest_seq() {
            replay.advance(cursor, reads);
        } else {
            replay.read(reads);
        }
        replay
    }

    /// Begins for one who comes with the number of another store: nothing that it missed can be told, only that.
    pub(super) fn stranger(since: u64, cursor: &mut Cursor, reads: &Reads) -> Replay {
        let mut replay = Replay {
            since,
            sent: cursor.newest_seq(),
            whole: false,
            oldest_seq: None,
            reading: None,
        };
        replay.read(reads);
        replay
    }

    /// Everything up to this number was sent, or is gone.
    pub(super) fn position(&self) -> u64 {
        self.sent
    }

    /// Puts the cursor where the replay is if the ring reaches back so far, else has the next page read.
    pub(super) fn advance(&mut self, cursor: &mut Cursor, reads: &Reads) {
        match cursor.seek(self.sent) {
            Ok(()) => self.reading = None,
            Err(BeforeRing { .. }) => self.read(reads),
        }
    }

    /// Whether it waits for a [`page`](Replay::page) and not for the ring.
    pub(super) fn reads(&self) -> bool {
        self.reading.is_some()
    }

    /// The page that is being read. Dropped half-way it loses nothing.
    pub(super) async fn page(&mut self) -> Result<Page, ReadError> {
        match &mut self.reading {
            Some(reading) => reading.await,
            None => std::future::pending().await,
        }
    }

    /// Takes a page: the messages to send, of those that the cursor's filter wants, after which it is to
    /// [`advance`](Replay::advance).
    pub(super) fn take(&mut self, page: Result<Page, ReadError>, cursor: &Cursor, names: &Names) -> Vec<Utf8Bytes> {
        self.reading = None;
        let page = page.unwrap_or_else(|error| {
            tracing::warn!(%error, since = self.since, "replay goes on without the store");
            Page {
                oldest_available: cursor.floor_seq() + 1,
                newest: cursor.newest_seq(),
                messages: Vec::new(),
            }
        });
        self.oldest_seq = Some(page.oldest_available).filter(|oldest| *oldest > 0);
        self.whole &= page.oldest_available <= self.sent.saturating_add(1) && self.sent <= page.newest;
        self.sent = self.sent.min(page.newest);
        match page.messages.last() {
            Some((seq, _)) => self.sent = *seq,
            None => self.skip_to(cursor.floor_seq()),
        }
        let texts = page.messages.into_iter().map(|(_, bytes)| Utf8Bytes::try_from(bytes));
        let filter = cursor.filter();
        let wanted = |text: &Utf8Bytes| names.facts_of(text).is_none_or(|(topic, facts)| filter.wants(topic, &facts));
        texts.filter_map(Result::ok).filter(wanted).collect()
    }

    /// A message of the ring was sent.
    pub(super) fn sent(&mut self, seq: Option<u64>) {
        self.sent = seq.unwrap_or(self.sent);
    }

    /// What is to be said once there is nothing left to catch up with.
    pub(super) fn recovered(&self) -> Recovered {
        Recovered {
            recovered: self.whole,
            since: self.since,
            oldest_seq: self.oldest_seq,
            newest_seq: self.sent,
        }
    }

    fn read(&mut self, reads: &Reads) {
        self.reading = Some(Box::pin(reads.clone().page_after(self.sent)));
    }

    /// Neither the store nor the ring has what lies before `seq`.
    fn skip_to(&mut self, seq: u64) {
        self.whole &= seq <= self.sent;
        self.sent = self.sent.max(seq);
    }
}
