//! Reading the store from the sockets' thread: the trait [`EventStore`], and the one thread beside it that may wait for a slow card.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::event::model::Event;
use crate::limits::REPLAY_PAGE_BYTES_MAX;
use crate::limits::REPLAY_PAGE_MESSAGES_MAX;
use crate::limits::STORE_READ_MS_MAX;
use crate::limits::STORE_READS_MAX;
use crate::store::EventPage;
use crate::store::EventQuery;
use crate::store::Figures;
use crate::store::Page;
use crate::store::Reader;
use crate::store::StoreError;

/// What the sockets read of the store. Each call may take as long as a slow card does.
pub trait EventStore: Send + Sync {
    /// Messages after `seq`, at most so many and of so many bytes together, but at least one if there is one.
    fn messages_after(&self, seq: u64, messages_max: usize, bytes_max: usize) -> Result<Page, StoreError>;
    /// The event with this id, as it is now.
    fn event(&self, id: u64) -> Result<Option<Event>, StoreError>;
    /// A page of events.
    fn events(&self, query: &EventQuery) -> Result<EventPage, StoreError>;
    /// The store in figures.
    fn figures(&self) -> Result<Figures, StoreError>;
    /// Identity of this store: another one counts its sequence numbers anew. Answers at once.
    fn store_id(&self) -> String;
}

/// Why a read gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("too many requests wait for the store")]
    Busy,
    #[error("the store took longer than {STORE_READ_MS_MAX} ms")]
    Slow,
    #[error("the store cannot be read: {0}")]
    Failed(#[from] StoreError),
    #[error("reading the store came to nothing: {0}")]
    Panicked(JoinError),
}

/// A share of the reads that may be under way; given back when dropped.
pub(super) type ReadPermit = OwnedSemaphorePermit;

/// The store, read on the runtime's blocking pool (one thread, see [`runtime`](super::runtime)), so many at a time.
#[derive(Clone)]
pub(super) struct Reads {
    store: Arc<dyn EventStore>,
    permits: Arc<Semaphore>,
}

impl Reads {
    pub(super) fn new(store: Arc<dyn EventStore>) -> Reads {
        Reads {
            store,
            permits: Arc::new(Semaphore::new(STORE_READS_MAX)),
        }
    }

    /// What `read` gives, for a request: refused when too many wait. The permit is to be kept until the answer is sent.
    pub(super) async fn now<T, F>(&self, read: F) -> Result<(T, ReadPermit), ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn EventStore) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = self.permit()?;
        timeout(Duration::from_millis(STORE_READ_MS_MAX), self.run(permit, read))
            .await
            .map_err(|_| ReadError::Slow)?
    }

    /// The permit alone, for an answer as long as those that come from the store.
    pub(super) fn permit(&self) -> Result<ReadPermit, ReadError> {
        Arc::clone(&self.permits).try_acquire_owned().map_err(|_| ReadError::Busy)
    }

    /// The messages after `seq`, for a replay: waits for its turn.
    pub(super) async fn page_after(self, seq: u64) -> Result<Page, ReadError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| ReadError::Busy)?;
        let read = move |store: &dyn EventStore| store.messages_after(seq, REPLAY_PAGE_MESSAGES_MAX, REPLAY_PAGE_BYTES_MAX);
        self.run(permit, read).await.map(|(page, _)| page)
    }

    /// The permit goes with the read: one that was given up on is still under way.
    async fn run<T, F>(&self, permit: ReadPermit, read: F) -> Result<(T, ReadPermit), ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn EventStore) -> Result<T, StoreError> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        spawn_blocking(move || (read(&*store), permit))
            .await
            .map_err(ReadError::Panicked)
            .and_then(|(result, permit)| Ok((result.map_err(ReadError::Failed)?, permit)))
    }
}

/// The store itself.
impl EventStore for Reader {
    fn messages_after(&self, seq: u64, messages_max: usize, bytes_max: usize) -> Result<Page, StoreError> {
        Reader::messages_after(self, seq, messages_max, bytes_max)
    }
    fn event(&self, id: u64) -> Result<Option<Event>, StoreError> {
        Reader::event(self, id)
    }
    fn events(&self, query: &EventQuery) -> Result<EventPage, StoreError> {
        Reader::events(self, query)
    }
    fn figures(&self) -> Result<Figures, StoreError> {
        Reader::figures(self)
    }
    fn store_id(&self) -> String {
        self.id().map(|id| id.to_string()).unwrap_or_default()
    }
}
