//! What a client is told of, and from where on: subscribing, resuming, and the token that says both.

use super::End;
use super::Session;
use crate::web::counters::count;
use crate::web::replay::Replay;
use crate::wire::Filter;
use crate::wire::ResumeToken;
use crate::wire::Topics;
use crate::wire::client::Resume;
use crate::wire::client::Subscribe;
use crate::wire::server::SubscriptionConfirmed;
use crate::wire::token::TokenError;
use crate::wire::token::TokenText;
use crate::wire::token::store_mark;

/// How a client wants to begin: nothing said, or from where on, as far as it could be read.
pub(in crate::web) type Start = Option<Result<Resume, TokenError>>;

impl Session<'_> {
    /// Goes where the client asked in the address that it opened; before anything is said, for what is said carries a token. One
    /// that cannot be read is no reason to keep a client out, as a page would never learn why: it may have missed something.
    pub(super) fn start(&mut self, start: &Start) {
        match start {
            None => {}
            Some(Ok(resume)) => self.go_to(*resume),
            Some(Err(_)) => {
                let stranger = Replay::stranger(0, &mut self.desk().cursor, &self.server.reads);
                self.replay = Some(stranger);
            }
        }
    }

    /// Says what came of [`start`](Session::start).
    pub(super) async fn tell_start(&mut self, start: &Start) -> Result<(), End> {
        match start {
            Some(Err(error)) => self.complain(&error.to_string(), &[]).await,
            Some(Ok(Resume::Token(_))) => self.confirm().await,
            Some(Ok(Resume::Since(_))) | None => Ok(()),
        }
    }

    pub(super) async fn resume(&mut self, resume: Resume) -> Result<(), End> {
        self.go_to(resume);
        self.tell_start(&Some(Ok(resume))).await?;
        self.flush().await
    }

    fn go_to(&mut self, resume: Resume) {
        let reads = &self.server.reads;
        let replay = match resume {
            Resume::Since(since) => Replay::begin(since, &mut self.desk().cursor, reads),
            Resume::Token(token) => {
                count(&self.server.counters.resumed);
                let cursor = &mut self.desk().cursor;
                cursor.set_filter(token.filter_for(&self.names()));
                let own = token.store == store_mark(&self.server.store_id);
                let begin = if own { Replay::begin } else { Replay::stranger };
                begin(token.seq, cursor, reads)
            }
        };
        self.replay = Some(replay);
    }

    pub(super) async fn subscribe(&mut self, wanted: &Subscribe) -> Result<(), End> {
        match wanted.apply(self.filter(), &self.names()) {
            Ok(filter) => self.set_filter(filter).await,
            Err(unknown) => self.complain(&unknown.to_string(), &[]).await,
        }
    }

    pub(super) async fn unsubscribe(&mut self, topics: Topics) -> Result<(), End> {
        let filter = self.filter();
        self.set_filter(Filter {
            topics: filter.topics.without(topics),
            ..filter
        })
        .await
    }

    /// Where the client is, counting in everything that was said to it so far.
    pub(super) fn token(&self) -> TokenText {
        let names = self.names();
        let cursor = &self.desk().cursor;
        let token = ResumeToken {
            store: store_mark(&self.server.store_id),
            seq: self.replay.as_ref().map_or(cursor.after_seq(), Replay::position),
            filter: cursor.filter(),
            names: names.fingerprint(),
        };
        token.write()
    }

    async fn set_filter(&mut self, filter: Filter) -> Result<(), End> {
        self.desk().cursor.set_filter(filter);
        self.confirm().await?;
        self.flush().await
    }

    async fn confirm(&mut self) -> Result<(), End> {
        let names = self.names();
        let confirmed = SubscriptionConfirmed::of(&self.filter(), &names, self.token());
        self.feed(&confirmed).await
    }
}
