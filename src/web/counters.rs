//! What became of clients, counted by cause.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use schemars::JsonSchema;
use serde::Serialize;

/// What became of clients since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections accepted and given a place.
    pub accepted: AtomicU64,
    /// Connections told 503, as all places were taken.
    pub refused: AtomicU64,
    /// Connections told 429, as their address had as many as one may have.
    pub refused_address: AtomicU64,
    /// Connections told 429, as they came too fast.
    pub refused_rate: AtomicU64,
    /// Clients closed because their messages came too fast.
    pub flooding: AtomicU64,
    /// WebSockets opened.
    pub opened: AtomicU64,
    /// Clients closed because they did not read.
    pub evicted: AtomicU64,
    /// Clients closed because they gave no sign of life.
    pub silent: AtomicU64,
    /// Times that a client was told `lagged`.
    pub lagged: AtomicU64,
    /// Messages from clients that were not understood.
    pub malformed: AtomicU64,
    /// Requests that took too long to send their header.
    pub slow_headers: AtomicU64,
    /// Connections closed because no request came on them in time.
    pub idle: AtomicU64,
    /// Connections that came without TLS, and were sent on to it.
    pub redirected: AtomicU64,
    /// Times that a client came back with a resume token.
    pub resumed: AtomicU64,
    /// Connections that ended by a mistake of ours; the others go on.
    pub panicked: AtomicU64,
}

/// The same at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs)] // as above
pub struct CountersNow {
    pub accepted: u64,
    pub refused: u64,
    pub refused_address: u64,
    pub refused_rate: u64,
    pub flooding: u64,
    pub opened: u64,
    pub evicted: u64,
    pub silent: u64,
    pub lagged: u64,
    pub malformed: u64,
    pub slow_headers: u64,
    pub idle: u64,
    pub redirected: u64,
    pub resumed: u64,
    pub panicked: u64,
}

impl Counters {
    /// All of them, now.
    pub fn now(&self) -> CountersNow {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CountersNow {
            accepted: read(&self.accepted),
            refused: read(&self.refused),
            refused_address: read(&self.refused_address),
            refused_rate: read(&self.refused_rate),
            flooding: read(&self.flooding),
            opened: read(&self.opened),
            evicted: read(&self.evicted),
            silent: read(&self.silent),
            lagged: read(&self.lagged),
            malformed: read(&self.malformed),
            slow_headers: read(&self.slow_headers),
            idle: read(&self.idle),
            redirected: read(&self.redirected),
            resumed: read(&self.resumed),
            panicked: read(&self.panicked),
        }
    }
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
