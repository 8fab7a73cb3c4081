//! Who is connected to a stream: the list behind deliveries, `presence` and `/api/health/websocket`. Who may come in is `admission.rs`'s.

use std::cmp::Reverse;
use std::fmt::Write;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Notify;

use super::admission::ConnectionId;
use super::fanout::Subscriber;
use crate::hub::Progress;
use crate::hub::Tally;
use crate::limits::PRESENCE_CLIENTS_MAX;
use crate::wire::Door;
use crate::wire::live::Presence;
use crate::wire::live::Present;

/// An address without the part that names one machine.
pub(super) type Network = heapless::String<40>;

/// Everybody who is connected to a stream: no more than are admitted.
#[derive(Debug, Default)]
pub(super) struct Roster {
    list: Mutex<Vec<Entry>>,
    changed: Notify,
}

#[derive(Debug)]
struct Entry {
    id: ConnectionId,
    door: Door,
    network: Network,
    progress: Arc<Progress>,
    subscriber: Arc<Subscriber>,
}

/// The streams in figures, for who watches over the device.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Summary {
    /// Streams, by all doors.
    active_connections: usize,
    /// The same by door.
    by_door: ByDoor,
    /// Messages that the furthest behind of them has not come to yet.
    furthest_behind: u64,
    /// What became of messages, for those who are connected now.
    messages: Tally,
}

/// Streams by the door that they came in by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct ByDoor {
    /// `/ws/events`
    events: usize,
    /// `/ws/ui`
    ui: usize,
    /// `/api/ws/statistics`
    statistics: usize,
    /// `/ws`
    open: usize,
}

/// A place on the list; dropped, it is taken off.
#[derive(Debug)]
pub(super) struct Seat {
    roster: Arc<Roster>,
    id: ConnectionId,
}

impl Roster {
    pub(super) fn enter(
        self: &Arc<Roster>,
        id: &ConnectionId,
        door: Door,
        network: Network,
        progress: Arc<Progress>,
        subscriber: &Arc<Subscriber>,
    ) -> Seat {
        self.list().push(Entry {
            id: id.clone(),
            door,
            network,
            progress,
            subscriber: Arc::clone(subscriber),
        });
        self.changed.notify_one();
        Seat {
            roster: Arc::clone(self),
            id: id.clone(),
        }
    }

    /// Returns when someone came or went since this last returned.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn count(&self) -> usize {
        self.list().len()
    }

    /// Sends everybody what is new; waits for nobody.
    pub(super) fn deliver(&self) {
        self.list().iter().for_each(|entry| entry.subscriber.deliver());
    }

    /// Who is there, with the hub at `position`.
    pub(super) fn presence(&self, position: u64) -> Presence {
        let list = self.list();
        let mut clients: Vec<Present> = list.iter().map(|entry| entry.present(position)).collect();
        clients.sort_by_key(|client| Reverse(client.behind));
        Presence {
            count: list.len(),
            clients: clients.into_iter().take(PRESENCE_CLIENTS_MAX).collect(),
        }
    }

    /// The streams in figures, with the hub at `position`; cheap enough for every request.
    pub(super) fn summary(&self, position: u64) -> Summary {
        let list = self.list();
        let (mut by_door, mut messages, mut furthest_behind) = (ByDoor::default(), Tally::default(), 0);
        for entry in &*list {
            *by_door.of(entry.door) += 1;
            messages.add(entry.progress.tally());
            furthest_behind = furthest_behind.max(entry.progress.behind(position));
        }
        Summary {
            active_connections: list.len(),
            by_door,
            furthest_behind,
            messages,
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.list.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Entry {
    fn present(&self, position: u64) -> Present {
        let tally = self.progress.tally();
        Present {
            connection_id: self.id.clone(),
            door: self.door,
            network: self.network.clone(),
            behind: self.progress.behind(position),
            delivered: tally.delivered,
            lagged: tally.lagged,
            skipped: tally.skipped,
        }
    }
}

impl ByDoor {
    fn of(&mut self, door: Door) -> &mut usize {
        match door {
            Door::Events => &mut self.events,
            Door::Ui => &mut self.ui,
            Door::Statistics => &mut self.statistics,
            Door::Open => &mut self.open,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut list = self.roster.list();
        if let Some(index) = list.iter().position(|entry| entry.id == self.id) {
            list.swap_remove(index);
        }
        self.roster.changed.notify_one();
    }
}

/// The network that `address` is in: enough to tell a phone in the house from one outside, and no more.
pub(super) fn network(address: Option<IpAddr>) -> Network {
    let mut network = Network::new();
    // The longest, of an IPv6 network, has 23 characters.
    let _ = match address.map(|address| address.to_canonical()) {
        None => Ok(()),
        Some(address) if address.is_loopback() => network.write_str("loopback"),
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            write!(network, "{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            write!(network, "{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    };
    network
}
