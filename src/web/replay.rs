//! From where a client left off to where the others are: pages from the store until the ring reaches back far enough.
//!
//! Whatever was announced is in the store already, and the ring says exactly what it still holds. So each page ends
//! with a number, and as soon as the ring holds everything after that number the client reads on there: no gap, no
//! duplicate, and no store at all for one who was away for a moment only.

use std::pin::Pin;

use super::store::Page;
use super::store::ReadError;
use super::store::Reads;
use crate::hub::BeforeRing;
use crate::hub::Cursor;
use crate::wire::Text;
use crate::wire::server::Recovered;

type Reading = Pin<Box<dyn Future<Output = Result<Page, ReadError>> + Send>>;

/// A replay under way.
pub(super) struct Replay {
    since: u64,
    /// Everything up to here was sent, or is gone.
    sent: u64,
    whole: bool,
    oldest_seq: Option<u64>,
    reading: Reading,
}

/// What a replay does next.
pub(super) enum Step {
    /// It waits for the store: [`Replay::page`].
    Reads(Replay),
    /// The cursor stands where the replay ended; this is to be said.
    Joined(Recovered),
}

impl Replay {
    /// Begins to replay what followed `since`.
    pub(super) fn begin(since: u64, cursor: &mut Cursor, reads: &Reads) -> Step {
        let newest = cursor.newest_seq();
        Replay {
            since,
            sent: since.min(newest),
            whole: since <= newest,
            oldest_seq: None,
            reading: Box::pin(std::future::pending()),
        }
        .advance(cursor, reads)
    }

    /// The page that was being read. Dropped half-way it loses nothing.
    pub(super) async fn page(&mut self) -> Result<Page, ReadError> {
        (&mut self.reading).await
    }

    /// Takes a page: the messages to send, after which it is to [`advance`](Replay::advance).
    pub(super) fn take(&mut self, page: Result<Page, ReadError>, cursor: &Cursor) -> Vec<Text> {
        let page = page.unwrap_or_else(|error| {
            tracing::warn!(%error, since = self.since, "replay goes on without the store");
            Page {
                oldest_available: cursor.floor_seq() + 1,
                ..Page::default()
            }
        });
        self.oldest_seq = Some(page.oldest_available);
        self.whole &= page.oldest_available <= self.sent + 1;
        match page.messages.last() {
            Some((seq, _)) => self.sent = *seq,
            None => self.skip_to(cursor.floor_seq()),
        }
        let texts = page.messages.into_iter().map(|(_, bytes)| Text::try_from(bytes));
        texts.filter_map(Result::ok).collect()
    }

    /// Joins the ring if it reaches back far enough, else has the next page read.
    pub(super) fn advance(mut self, cursor: &mut Cursor, reads: &Reads) -> Step {
        match cursor.seek(self.sent) {
            Ok(()) => Step::Joined(self.recovered()),
            Err(BeforeRing { .. }) => {
                self.reading = Box::pin(reads.clone().page_after(self.sent));
                Step::Reads(self)
            }
        }
    }

    /// Neither the store nor the ring has what lies before `seq`.
    fn skip_to(&mut self, seq: u64) {
        self.whole &= seq <= self.sent;
        self.sent = self.sent.max(seq);
    }

    fn recovered(&self) -> Recovered {
        Recovered {
            recovered: self.whole,
            since: self.since,
            oldest_seq: self.oldest_seq,
            newest_seq: self.sent,
        }
    }
}
