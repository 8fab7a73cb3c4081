//! The ledger: what every holder of memory may take, added up against one number, the budget.
//!
//! Every line is the `footprint()` that stands beside the allocation that it speaks of, third-party memory included. A sum
//! over the budget is a refusal to start. What is really in use is counted by `heap.rs` and shown beside the promise;
//! `tests/budget.rs` holds the one against the other.

use std::fmt;

use crate::config::Config;
use crate::event::engine::Engine;
use crate::hub::Hub;
use crate::identity;
use crate::limits::ARGON2_MEMORY_KIB;
use crate::limits::LOG_LINES_MAX;
use crate::limits::RECORD_QUEUE_MAX;
use crate::limits::RING_BYTES_MAX;
use crate::limits::RING_MESSAGES_MAX;
use crate::limits::SCORES_SECONDS_MAX;
use crate::limits::SERVICE_THREADS;
use crate::limits::THREAD_STACK_BYTES;
use crate::logs;
use crate::media;
use crate::motion;
use crate::motion::detector::Detector;
use crate::network;
use crate::ota;
use crate::recorder;
use crate::records::RecordQueue;
use crate::source;
use crate::status::Scores;
use crate::store;
use crate::web;

/// Settings of the detector that are held at once: those in force, the pipeline's, and two on their way.
const SETTINGS_HELD: usize = 4;

/// What one holder may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who.
    pub holder: &'static str,
    /// How much, in bytes.
    pub bytes: usize,
    /// Why that much, in words.
    pub reason: String,
}

/// The ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// A line for every holder.
    pub lines: Vec<Line>,
    /// What they may take together, in bytes.
    pub budget: usize,
}

/// The sum is over the budget.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory promised is {} over memory.budget:\n{ledger}", kib(*over))]
pub struct OverBudget {
    /// By how much, in bytes.
    pub over: usize,
    /// The lines.
    pub ledger: Ledger,
}

impl Ledger {
    /// The ledger of a service with this configuration.
    pub fn of(config: &Config) -> Ledger {
        let camera = &config.camera.source;
        let (width, height) = camera.picture();
        let size = format!("{width}x{height}");
        let settings = SETTINGS_HELD * motion::settings::Settings::footprint();
        let motion = Detector::footprint(&config.motion, width, height) + motion::jpeg::transient(width) + settings;
        let (clients, client) = (config.web.clients_max, web::footprint_per_client(&config.web));
        let (cache, ring, stack) = (kib(config.store.cache_bytes), kib(RING_BYTES_MAX), kib(THREAD_STACK_BYTES));
        let lines = [
            (
                "camera",
                source::footprint(camera),
                format!("buffers of {size}, the dearest layout"),
            ),
            ("motion", motion, format!("grid, background, JPEG luma of {size}")),
            ("events", size_of::<Engine>(), "two running events, evidence".into()),
            (
                "scores",
                Scores::footprint(),
                format!("strength of motion in the last {SCORES_SECONDS_MAX} s"),
            ),
            ("record queue", RecordQueue::footprint(), format!("{RECORD_QUEUE_MAX} records")),
            ("recorder", recorder::footprint(), "one commit of messages".into()),
            (
                "store",
                store::footprint(&config.store),
                format!("redb: a cache of {cache}, and the rest"),
            ),
            ("hub", Hub::footprint(), format!("ring of {RING_MESSAGES_MAX} messages, {ring}")),
            (
                "pictures",
                media::footprint(&config.media, width, height),
                format!(
                    "{size}: a frame, JPEG for {} viewers, a ring of {}, a thread",
                    config.media.viewers_max,
                    kib(config.media.ring_bytes)
                ),
            ),
            ("log", logs::footprint(), format!("the newest {LOG_LINES_MAX} lines")),
            ("web", web::footprint(), "REST answers; the thread that reads the store".into()),
            ("clients", clients * client, format!("{clients} of {}", kib(client))),
            (
                "identity",
                identity::footprint(),
                format!("Argon2id on {}, one password at a time", kib(ARGON2_MEMORY_KIB as usize * 1024)),
            ),
            ("update", ota::footprint(&config.update), "an upload, the bus".into()),
            ("network", network::footprint(), "what is said of Wi-Fi".into()),
            (
                "stacks",
                SERVICE_THREADS * THREAD_STACK_BYTES,
                format!("{SERVICE_THREADS} threads of {stack}"),
            ),
        ];
        let line = |(holder, bytes, reason)| Line { holder, bytes, reason };
        Ledger {
            lines: lines.map(line).into(),
            budget: config.budget_bytes,
        }
    }

    /// The sum of all lines, in bytes.
    pub fn promised(&self) -> usize {
        self.lines.iter().map(|line| line.bytes).sum()
    }

    /// The ledger, if the sum is within the budget.
    pub fn check(self) -> Result<Ledger, OverBudget> {
        match self.promised().checked_sub(self.budget) {
            None | Some(0) => Ok(self),
            Some(over) => Err(OverBudget { over, ledger: self }),
        }
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { holder, bytes, reason } in &self.lines {
            writeln!(f, "  {holder:<14}{:>12}  {reason}", kib(*bytes))?;
        }
        writeln!(f, "  {:<14}{:>12}", "promised", kib(self.promised()))?;
        write!(f, "  {:<14}{:>12}  memory.budget", "budget", kib(self.budget))
    }
}

fn kib(bytes: usize) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}
