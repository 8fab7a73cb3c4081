//! Who looks after the network: carries out what `machine` decides, one thing at a time, and tells whoever is connected how it
//! stands.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::sleep;

use super::Failed;
use super::Failure;
use super::Report;
use super::Said;
use super::Seen;
use super::State;
use super::Wish;
use super::files::Before;
use super::files::Files;
use super::lines;
use super::machine::Action;
use super::machine::Look;
use super::machine::Machine;
use super::machine::Times;
use crate::clock::Clock;
use crate::limits::NETWORK_CLIENTS_MAX;
use crate::limits::NETWORK_QUEUE_MAX;
use crate::limits::SETUP_CHECK_MS;
use crate::limits::SETUP_LEAVE_MS;
use crate::limits::SETUP_LOOK_MS;

/// Why the radio did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RadioError {
    /// There is no such network in sight.
    #[error("no such network is in sight")]
    NotFound,
    /// The network, or who is asked for it, says no.
    #[error("refused: {0}")]
    Refused(String),
    /// There is no radio, or nobody who works it, or it took too long.
    #[error("{0}")]
    Broken(String),
}

/// A radio.
pub trait Radio {
    /// Stops being an access point, and gives what is in sight, the strongest first.
    fn scan(&self) -> impl Future<Output = Result<Vec<Seen>, RadioError>>;
    /// Becomes the access point that its files name so.
    fn open(&self, ssid: &str) -> impl Future<Output = Result<(), RadioError>>;
    /// Whether it is an access point.
    fn is_open(&self) -> impl Future<Output = Result<bool, RadioError>>;
    /// Stops being an access point.
    fn close(&self) -> impl Future<Output = Result<(), RadioError>>;
    /// Joins a network, of which its files know the rest.
    fn join(&self, ssid: &str, secured: bool) -> impl Future<Output = Result<(), RadioError>>;
    /// Starts anew, by what its files say of the country.
    fn restart(&self) -> impl Future<Output = Result<(), RadioError>>;
}

/// What is seen of addresses.
pub trait Sight {
    /// Whether a cable brings one.
    fn is_wired(&self) -> bool;
    /// The radio's own, in the network that it joined.
    fn address(&self) -> Option<IpAddr>;
}

/// What it works with.
pub struct Parts<R, S> {
    /// The radio.
    pub radio: R,
    /// Addresses.
    pub sight: S,
    /// What is kept.
    pub files: Files,
    /// How long what lasts.
    pub times: Times,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Who looks after the network.
pub struct Keeper<R, S> {
    parts: Parts<R, S>,
    machine: Machine,
    seen: Vec<Seen>,
    tried: Option<(Wish, Before)>,
    report: watch::Sender<Report>,
}

impl<R: Radio, S: Sight> Keeper<R, S> {
    /// With nothing decided yet.
    pub fn new(parts: Parts<R, S>) -> Keeper<R, S> {
        let (report, _) = watch::channel(Report::default());
        Keeper {
            machine: Machine::new(parts.times),
            parts,
            seen: Vec::new(),
            tried: None,
            report,
        }
    }

    /// Goes on and on, for whoever connects to `door`.
    pub async fn run(mut self, door: UnixListener) -> Infallible {
        if let Err(error) = self.parts.files.sweep() {
            tracing::warn!(%error, "what was tried and not kept cannot be removed");
        }
        let (heard, mut said) = mpsc::channel(NETWORK_QUEUE_MAX);
        tokio::spawn(receive(door, self.report.subscribe(), heard));
        let [mut looks, mut checks] = [SETUP_LOOK_MS, SETUP_CHECK_MS].map(|period| {
            let mut ticks = interval(Duration::from_millis(period));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        loop {
            let mut next = tokio::select! {
                _ = looks.tick() => self.machine.look(self.parts.clock.now(), self.look()),
                Some(said) = said.recv() => self.hear(said),
                _ = checks.tick() => self.check().await,
            };
            while let Some(action) = next {
                self.publish();
                next = self.act(action).await;
            }
            self.publish();
        }
    }

    /// iwd forgets that it was an access point when it starts anew.
    async fn check(&mut self) -> Option<Action> {
        if self.machine.state() != State::AccessPoint || self.parts.radio.is_open().await == Ok(true) {
            return None;
        }
        tracing::warn!("the access point is gone");
        self.machine.lost()
    }

    fn look(&self) -> Look {
        Look {
            known: self.parts.files.known().is_some(),
            wired: self.parts.sight.is_wired(),
            passphrase: self.parts.files.access_point().is_some(),
            address: self.parts.sight.address(),
        }
    }

    fn hear(&mut self, said: Said) -> Option<Action> {
        match said {
            Said::Join(wish) if wish.check().is_ok() => self.machine.wish(wish),
            Said::Join(_) => None,
            Said::Reached(address) => self.machine.reached(address),
        }
    }

    /// Does it; what is to be done next.
    async fn act(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Open => {
                let opened = self.open().await;
                self.machine.opened(self.parts.clock.now(), opened);
                None
            }
            Action::Close => {
                told("the access point is not closed", self.parts.radio.close().await);
                None
            }
            Action::Join(wish) => {
                let joined = self.join(wish).await;
                self.machine.joined(self.parts.clock.now(), joined)
            }
            Action::Keep => {
                self.keep();
                None
            }
            Action::GiveUp => {
                self.give_up();
                self.machine.gave_up(self.look())
            }
        }
    }

    /// Whether the access point is open now.
    async fn open(&mut self) -> bool {
        let Some(ssid) = self.parts.files.access_point() else {
            return false;
        };
        // A radio that cannot look around may be an access point all the same.
        match self.parts.radio.scan().await {
            Ok(seen) => self.seen = seen,
            Err(error) => tracing::warn!(%error, "networks in sight are not known"),
        }
        let opened = told("no access point", self.parts.radio.open(&ssid).await);
        if opened {
            tracing::info!(ssid, "no network is known: the access point is open");
        }
        opened
    }

    async fn join(&mut self, wish: Wish) -> Result<(), Failure> {
        tracing::info!(ssid = wish.ssid, "a network is tried");
        sleep(Duration::from_millis(SETUP_LEAVE_MS)).await;
        let parts = &self.parts;
        let broken = |error: io::Error| {
            tracing::error!(%error, "the network cannot be written down");
            Failure::Broken
        };
        let is_new = wish.country.as_deref().map(|country| parts.files.set_country(country));
        if is_new.transpose().map_err(broken)? == Some(true) {
            told("the country is not obeyed", parts.radio.restart().await);
        }
        let before = parts.files.try_out(&wish).map_err(broken)?;
        let (ssid, secured) = (wish.ssid.clone(), !wish.passphrase.is_empty());
        self.tried = Some((wish, before));
        self.parts.radio.join(&ssid, secured).await.map_err(|error| {
            tracing::warn!(ssid, %error, "the network is not joined");
            match error {
                RadioError::NotFound => Failure::NotFound,
                RadioError::Refused(_) => Failure::Refused,
                RadioError::Broken(_) => Failure::Broken,
            }
        })
    }

    fn keep(&mut self) {
        let Some((wish, _)) = self.tried.take() else { return };
        match self.parts.files.keep(&wish) {
            Ok(()) => tracing::info!(ssid = wish.ssid, "somebody came over the network: it is kept"),
            Err(error) => tracing::error!(ssid = wish.ssid, %error, "the network cannot be kept"),
        }
    }

    fn give_up(&mut self) {
        let Some((wish, before)) = self.tried.take() else { return };
        tracing::warn!(ssid = wish.ssid, "the network is given up");
        if let Err(error) = before.restore() {
            tracing::error!(%error, "what was tried cannot be removed");
        }
    }

    fn publish(&self) {
        let failed = self.machine.failed().map(|(ssid, reason)| Failed {
            ssid: ssid.to_owned(),
            reason,
            message: reason.words().to_owned(),
        });
        let report = Report {
            state: self.machine.state(),
            access_point: self.parts.files.access_point(),
            ssid: self.machine.trying().map(str::to_owned).or_else(|| self.parts.files.known()),
            address: self.machine.testing(),
            networks: self.seen.clone(),
            failed,
        };
        self.report.send_if_modified(|old| {
            let is_new = *old != report;
            *old = report;
            is_new
        });
    }
}

/// Whether it was done; says so when it was not.
fn told(what: &str, outcome: Result<(), RadioError>) -> bool {
    outcome.inspect_err(|error| tracing::warn!(%error, "{what}")).is_ok()
}

/// Takes in whoever connects.
async fn receive(door: UnixListener, report: watch::Receiver<Report>, heard: mpsc::Sender<Said>) {
    let places = Arc::new(Semaphore::new(NETWORK_CLIENTS_MAX));
    loop {
        let accepted = door.accept().await;
        let place = Arc::clone(&places).try_acquire_owned();
        let (Ok((stream, _)), Ok(place)) = (accepted, place) else {
            sleep(Duration::from_millis(SETUP_LOOK_MS)).await;
            continue;
        };
        let (report, heard) = (report.clone(), heard.clone());
        tokio::spawn(async move {
            if let Err(error) = attend(stream, report, heard).await {
                tracing::warn!(%error, "hung up on who was connected");
            }
            drop(place);
        });
    }
}

/// Tells one of them every change, and listens.
async fn attend(stream: UnixStream, mut report: watch::Receiver<Report>, heard: mpsc::Sender<Said>) -> io::Result<()> {
    let (mut ear, mut mouth) = lines::of(stream);
    report.mark_changed();
    loop {
        tokio::select! {
            changed = report.changed() => {
                let now = report.borrow_and_update().clone();
                if changed.is_err() {
                    return Ok(());
                }
                mouth.say(&now).await?;
            }
            said = ear.hear::<Said>() => match said? {
                Some(said) => {
                    let _ = heard.send(said).await;
                }
                None => return Ok(()),
            },
        }
    }
}
