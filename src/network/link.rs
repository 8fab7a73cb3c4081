//! The service's end of the socket: what it was told last, what it says, and that it calls again whenever nobody is there.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Report;
use super::Said;
use super::Settings;
use super::State;
use super::Wish;
use super::lines;
use crate::limits::NETWORK_QUEUE_MAX;
use crate::limits::NETWORK_RETRY_MS;

/// Why a wish was not taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nobody to ask.
    #[error("nobody looks after the network of this device")]
    Absent,
    /// Another network is being tried.
    #[error("another network is being tried")]
    Busy,
    /// Others asked before.
    #[error("who looks after the network is busy with earlier wishes")]
    Full,
}

/// What the service knows of the network, and whom it asks.
#[derive(Debug)]
pub struct Link {
    now: Mutex<Option<Report>>,
    said: mpsc::Sender<Said>,
}

impl Link {
    /// A link, and the end of its queue that [`Link::work`] takes from.
    pub fn new() -> (Link, mpsc::Receiver<Said>) {
        let (said, to_say) = mpsc::channel(NETWORK_QUEUE_MAX);
        let now = Mutex::default();
        (Link { now, said }, to_say)
    }

    /// How things are; `None` where nobody looks after the network.
    pub fn report(&self) -> Option<Report> {
        self.lock().clone()
    }

    /// Asks for a network.
    pub fn join(&self, wish: Wish) -> Result<(), Refusal> {
        match self.lock().as_ref().map(|report| report.state) {
            None => return Err(Refusal::Absent),
            Some(State::Joining | State::Testing) => return Err(Refusal::Busy),
            Some(_) => {}
        }
        self.said.try_send(Said::Join(wish)).map_err(|_| Refusal::Full)
    }

    /// Takes note that somebody who was let in came over this address of the device's; that is what a network that is tried waits
    /// for.
    pub fn reached(&self, address: IpAddr) {
        let waited_for = |report: &Report| report.state == State::Testing && report.address == Some(address);
        if self.lock().as_ref().is_some_and(waited_for) {
            let _ = self.said.try_send(Said::Reached(address)); // full: the next request says it again
        }
    }

    /// Keeps in touch, and tells `changed` whatever is new; never returns while the link lives.
    pub async fn work(&self, settings: &Settings, mut to_say: mpsc::Receiver<Said>, changed: impl Fn(Option<&Report>, &Report)) {
        if settings.socket.as_os_str().is_empty() {
            return;
        }
        loop {
            if let Ok(stream) = UnixStream::connect(&settings.socket).await {
                let ended = self.keep_in_touch(stream, &mut to_say, &changed).await;
                tracing::warn!(
                    error = ended.err().map(tracing::field::display),
                    "who looks after the network is gone"
                );
                *self.lock() = None;
            }
            sleep(Duration::from_millis(NETWORK_RETRY_MS)).await;
        }
    }

    async fn keep_in_touch(
        &self,
        stream: UnixStream,
        to_say: &mut mpsc::Receiver<Said>,
        changed: &impl Fn(Option<&Report>, &Report),
    ) -> io::Result<()> {
        let (mut ear, mut mouth) = lines::of(stream);
        loop {
            tokio::select! {
                heard = ear.hear::<Report>() => {
                    let Some(report) = heard? else { return Ok(()) };
                    changed(self.lock().as_ref(), &report);
                    *self.lock() = Some(report);
                }
                Some(said) = to_say.recv() => mouth.say(&said).await?,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Report>> {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
