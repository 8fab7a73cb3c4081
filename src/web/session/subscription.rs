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
    /// As the client asked in the address that it opened. A token that cannot be read is no reason to keep it out: a page would
    /// never learn why. It is told what is wrong, and that it may have missed something.
    pub(super) async fn start(&mut self, start: Start) -> Result<(), End> {
        match start {
            None => Ok(()),
            Some(Ok(resume)) => self.resume(resume).await,
            Some(Err(error)) => {
                self.complain(&error.to_string(), &[]).await?;
                self.replay = Some(Replay::stranger(0, &mut self.cursor, &self.server.reads));
                Ok(())
            }
        }
    }

    pub(super) async fn resume(&mut self, resume: Resume) -> Result<(), End> {
        let reads = &self.server.reads;
        match resume {
            Resume::Since(since) => self.replay = Some(Replay::begin(since, &mut self.cursor, reads)),
            Resume::Token(token) => {
                self.cursor.set_filter(token.filter_for(&self.server.services.names));
                let own = token.store == store_mark(&self.server.store_id);
                let begin = if own { Replay::begin } else { Replay::stranger };
                self.replay = Some(begin(token.seq, &mut self.cursor, reads));
                count(&self.server.counters.resumed);
                self.confirm().await?;
            }
        }
        Ok(())
    }

    pub(super) async fn subscribe(&mut self, wanted: &Subscribe) -> Result<(), End> {
        match wanted.apply(self.cursor.filter(), &self.server.services.names) {
            Ok(filter) => self.set_filter(filter).await,
            Err(unknown) => self.complain(&unknown.to_string(), &[]).await,
        }
    }

    pub(super) async fn unsubscribe(&mut self, topics: Topics) -> Result<(), End> {
        let filter = self.cursor.filter();
        self.set_filter(Filter {
            topics: filter.topics.without(topics),
            ..filter
        })
        .await
    }

    /// Where the client is, counting in everything that was said to it so far.
    pub(super) fn token(&self) -> TokenText {
        let names = &self.server.services.names;
        let token = ResumeToken {
            store: store_mark(&self.server.store_id),
            seq: self.replay.as_ref().map_or(self.cursor.after_seq(), Replay::position),
            filter: self.cursor.filter(),
            names: names.fingerprint(),
        };
        token.write()
    }

    async fn set_filter(&mut self, filter: Filter) -> Result<(), End> {
        self.cursor.set_filter(filter);
        self.confirm().await?;
        self.flush().await
    }

    async fn confirm(&mut self) -> Result<(), End> {
        let server = self.server;
        let confirmed = SubscriptionConfirmed::of(&self.cursor.filter(), &server.services.names, self.token());
        self.feed(&confirmed).await
    }
}
