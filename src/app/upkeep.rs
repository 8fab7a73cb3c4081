//! What the service does for the system that it runs in: installs updates, decides whether a new system is kept, and notes the time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::interval;

use super::Shared;
use super::network::Network;
use crate::clock::Clock;
use crate::config::Config;
use crate::limits::LAST_TIME_MS;
use crate::ota::AskServer;
use crate::ota::Job;
use crate::ota::Parts;
use crate::ota::Probes;
use crate::ota::Updater;
use crate::provision::last_time;
use crate::status::Status;
use crate::store::Reader;
use crate::store::Store;
use crate::web;
use crate::web::Tls;

/// What that needs.
pub(super) struct Upkeep {
    pub(super) updater: Arc<Updater>,
    pub(super) network: Network,
    jobs: mpsc::Receiver<Job>,
    status: Arc<Status>,
    reader: Arc<Reader>,
    tls: Option<Tls>,
    clock: Arc<dyn Clock>,
    folder: PathBuf,
    /// Newest durable message at the start.
    newest_seq: u64,
}

impl Upkeep {
    /// For a service of this configuration.
    pub(super) fn new(config: &Config, shared: &Shared, store: &Store, tls: Option<Tls>) -> Upkeep {
        let (updater, jobs) = Updater::new(Parts {
            settings: config.update.clone(),
            folder: config.store.dir.clone(),
            hub: shared.hub.clone(),
            records: shared.queue.clone(),
            clock: shared.clock.clone(),
        });
        Upkeep {
            updater: Arc::new(updater),
            network: Network::new(config, shared),
            jobs,
            status: shared.status.clone(),
            reader: Arc::new(store.reader()),
            tls,
            clock: shared.clock.clone(),
            folder: config.store.dir.clone(),
            newest_seq: store.next_seq() - 1,
        }
    }

    /// Goes on as long as the server on `address` does; never returns.
    pub(super) async fn run(self, address: Option<SocketAddr>) -> Infallible {
        let Upkeep {
            updater,
            network,
            jobs,
            status,
            reader,
            tls,
            ..
        } = self;
        let clock = Arc::clone(&self.clock);
        let probes = Probes {
            status,
            reader,
            server: ask(address, tls),
            clock,
        };
        tokio::join!(
            updater.settle(&probes, self.newest_seq),
            updater.work(jobs),
            network.run(),
            note_time(&self.clock, self.folder)
        );
        std::future::pending().await
    }
}

fn ask(address: Option<SocketAddr>, tls: Option<Tls>) -> AskServer {
    Box::new(move || {
        let tls = tls.clone();
        Box::pin(async move {
            let address = address.ok_or_else(|| io::Error::other("it has no address"))?;
            web::answers(address, tls.as_ref()).await
        })
    })
}

/// Notes now and then what time it is, while that is known: where a machine without a battery-backed clock begins after a power cut.
async fn note_time(clock: &Arc<dyn Clock>, folder: PathBuf) {
    let mut ticks = interval(Duration::from_millis(LAST_TIME_MS));
    let mut failing = false;
    loop {
        ticks.tick().await;
        let wall = clock.wall();
        if !wall.synced {
            continue;
        }
        match last_time::write(&folder, wall.at) {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "the time cannot be noted");
            }
            Err(_) => {}
        }
    }
}
