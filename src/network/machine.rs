//! What is to be done about the network, decided without input, output or clock: when the access point is opened, when a network is
//! tried, and whether it is kept. What it asks for is done one at a time; who does it says when it is over.
//!
//! Invariants. An access point is asked for only while no network is known and no cable brings an address. After every
//! [`Action::Join`] comes exactly one [`Action::Keep`] or [`Action::GiveUp`], the first only if somebody reached the device over an
//! address of that network. Neither is ever longer away than the times in [`Times`] together.

use std::net::IpAddr;
use std::time::Duration;

use super::Failure;
use super::State;
use super::Wish;
use crate::clock::Mono;
use crate::limits::SETUP_WAIT_MS;
use crate::limits::WIFI_ADDRESS_MS_MAX;
use crate::limits::WIFI_TEST_MS_MAX;

/// How long what lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Without any network, until the access point is opened; and until that is tried again.
    pub wait: Duration,
    /// Longest from joining a network to an address.
    pub address_max: Duration,
    /// Longest from there until somebody comes.
    pub test_max: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            wait: Duration::from_millis(SETUP_WAIT_MS),
            address_max: Duration::from_millis(WIFI_ADDRESS_MS_MAX),
            test_max: Duration::from_millis(WIFI_TEST_MS_MAX),
        }
    }
}

/// What is seen of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// A network is known that was tested, or that the owner wrote to the card.
    pub known: bool,
    /// A cable brings an address.
    pub wired: bool,
    /// There is a passphrase for an access point.
    pub passphrase: bool,
    /// The radio's address in the network that it is in.
    pub address: Option<IpAddr>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Look which networks are in sight, then become an access point. [`Machine::opened`] says what came of it.
    Open,
    /// Be one no more.
    Close,
    /// Join this network, kept in such a way that a power cut forgets it. [`Machine::joined`] says what came of it.
    Join(Wish),
    /// Keep the network that was joined, whatever happens.
    Keep,
    /// Forget it.
    GiveUp,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Settled,
    Waiting { since: Mono },
    Opening,
    Open,
    Joining,
    Joined { until: Mono },
    Testing { address: IpAddr, until: Mono },
}

/// The decisions, and what they rest on.
#[derive(Clone, Debug)]
pub struct Machine {
    times: Times,
    phase: Phase,
    look: Look,
    ssid: String,
    failed: Option<(String, Failure)>,
}

impl Machine {
    /// One that has seen nothing yet.
    pub fn new(times: Times) -> Machine {
        Machine {
            times,
            phase: Phase::Settled,
            look: Look::default(),
            ssid: String::new(),
            failed: None,
        }
    }

    /// How things are.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Settled => State::Settled,
            Phase::Waiting { .. } | Phase::Opening => State::Waiting,
            Phase::Open => State::AccessPoint,
            Phase::Joining | Phase::Joined { .. } => State::Joining,
            Phase::Testing { .. } => State::Testing,
        }
    }

    /// Name of the network that is tried.
    pub fn trying(&self) -> Option<&str> {
        matches!(self.state(), State::Joining | State::Testing).then_some(self.ssid.as_str())
    }

    /// The device's address in the network that is tested.
    pub fn testing(&self) -> Option<IpAddr> {
        match self.phase {
            Phase::Testing { address, .. } => Some(address),
            _ => None,
        }
    }

    /// The network that was tried last and not kept, and why.
    pub fn failed(&self) -> Option<(&str, Failure)> {
        self.failed.as_ref().map(|(ssid, why)| (ssid.as_str(), *why))
    }

    /// Takes note of what is seen now.
    pub fn look(&mut self, now: Mono, look: Look) -> Option<Action> {
        self.look = look;
        let alone = !look.known && !look.wired;
        match self.phase {
            Phase::Settled if alone => self.wait(now),
            Phase::Waiting { .. } if !alone => self.settle(None),
            Phase::Waiting { since } if look.passphrase && now.since(since) >= self.times.wait => self.open(),
            Phase::Open if !alone => self.settle(Some(Action::Close)),
            Phase::Joined { until } => self.joined_look(now, until),
            Phase::Testing { until, .. } if now >= until => self.give_up(Failure::Unvisited),
            _ => None,
        }
    }

    /// Somebody wants a network; `None` while another one is tried, or the access point is just being opened.
    pub fn wish(&mut self, wish: Wish) -> Option<Action> {
        if matches!(self.phase, Phase::Opening) || self.trying().is_some() {
            return None;
        }
        self.ssid.clone_from(&wish.ssid);
        self.failed = None;
        self.phase = Phase::Joining;
        Some(Action::Join(wish))
    }

    /// A client that was let in came over this address of the device's.
    pub fn reached(&mut self, over: IpAddr) -> Option<Action> {
        match self.phase {
            Phase::Testing { address, .. } if address == over => self.settle(Some(Action::Keep)),
            _ => None,
        }
    }

    /// The access point is open, or cannot be had: then it is tried again after a while.
    pub fn opened(&mut self, now: Mono, is_open: bool) {
        if matches!(self.phase, Phase::Opening) {
            self.phase = if is_open { Phase::Open } else { Phase::Waiting { since: now } };
        }
    }

    /// The access point is gone, without a wish for it.
    pub fn lost(&mut self) -> Option<Action> {
        matches!(self.phase, Phase::Open).then(|| self.open()).flatten()
    }

    /// The network that was wanted is joined, or not.
    pub fn joined(&mut self, now: Mono, outcome: Result<(), Failure>) -> Option<Action> {
        if !matches!(self.phase, Phase::Joining) {
            return None;
        }
        match outcome {
            Ok(()) => {
                self.phase = Phase::Joined {
                    until: now + self.times.address_max,
                };
                None
            }
            Err(why) => self.give_up(why),
        }
    }

    /// It is forgotten, and the owner waits before the device: back to the access point at once, if there is nothing else.
    pub fn gave_up(&mut self, look: Look) -> Option<Action> {
        self.look = look;
        let alone = !look.known && !look.wired && look.passphrase;
        (alone && matches!(self.phase, Phase::Settled)).then(|| self.open()).flatten()
    }

    fn joined_look(&mut self, now: Mono, until: Mono) -> Option<Action> {
        match self.look.address {
            Some(address) => {
                let until = now + self.times.test_max;
                self.phase = Phase::Testing { address, until };
                None
            }
            None if now >= until => self.give_up(Failure::NoAddress),
            None => None,
        }
    }

    fn wait(&mut self, now: Mono) -> Option<Action> {
        self.phase = Phase::Waiting { since: now };
        None
    }

    fn open(&mut self) -> Option<Action> {
        self.phase = Phase::Opening;
        Some(Action::Open)
    }

    fn settle(&mut self, action: Option<Action>) -> Option<Action> {
        self.phase = Phase::Settled;
        action
    }

    fn give_up(&mut self, why: Failure) -> Option<Action> {
        self.failed = Some((self.ssid.clone(), why));
        self.settle(Some(Action::GiveUp))
    }
}
