//! Who is in, how many may come in, and how the others are told no.

use std::io::Read;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use bytes::Bytes;
use heapless::Vec;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use super::Settings;
use super::bucket::Buckets;
use super::bucket::party;
use super::problem::Problem;
use super::socket::linger;
use crate::clock::Mono;
use crate::limits::CLIENTS_MAX;

/// A connection, as the log and the client itself name it: 16 hexadecimal digits, random.
pub(super) type ConnectionId = heapless::String<16>;

/// What a client is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Http,
    Events,
}

/// One who is in.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: ConnectionId,
    /// Who it counts as.
    party: IpAddr,
    pub(super) door: Door,
}

/// Everybody who is in: at most `clients_max`.
#[derive(Debug)]
pub(super) struct Clients {
    table: Mutex<Box<Vec<Client, CLIENTS_MAX>>>,
    clients_max: usize,
    per_address_max: usize,
    rates: Mutex<Buckets>,
}

/// Why someone is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// All places are taken.
    Full,
    /// The address has as many places as one may have.
    Address,
    /// Connections come too fast.
    Rate,
}

impl Clients {
    /// Bytes that it takes.
    pub(super) const fn footprint() -> usize {
        size_of::<Clients>() + size_of::<Vec<Client, CLIENTS_MAX>>()
    }

    pub(super) fn new(settings: &Settings, now: Mono) -> Clients {
        Clients {
            table: Mutex::default(),
            clients_max: settings.clients_max.min(CLIENTS_MAX),
            per_address_max: settings.clients_per_address_max,
            rates: Mutex::new(Buckets::new(settings.connect_rate, settings.connect_rate_total, now)),
        }
    }

    /// A place for one more from `address`. Dropped, the place is free again.
    pub(super) fn admit(self: &Arc<Clients>, address: IpAddr, now: Mono) -> Result<Place, Refusal> {
        let mut rates = self.rates.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !rates.take(address, now) {
            return Err(Refusal::Rate);
        }
        drop(rates);
        self.seat(party(address))
    }

    fn seat(self: &Arc<Clients>, party: IpAddr) -> Result<Place, Refusal> {
        let id = connection_id();
        let client = Client {
            id: id.clone(),
            party,
            door: Door::Http,
        };
        let mut table = self.table();
        if table.len() >= self.clients_max {
            return Err(Refusal::Full);
        }
        if table.iter().filter(|other| other.party == party).count() >= self.per_address_max {
            return Err(Refusal::Address);
        }
        table.push(client).map_err(|_| Refusal::Full)?;
        Ok(Place {
            clients: Arc::clone(self),
            id,
        })
    }

    /// How many came in by `door`.
    pub(super) fn count(&self, door: Door) -> usize {
        self.table().iter().filter(|client| client.door == door).count()
    }

    /// How many may be in.
    pub(super) fn max(&self) -> usize {
        self.clients_max
    }

    fn table(&self) -> MutexGuard<'_, Box<Vec<Client, CLIENTS_MAX>>> {
        self.table.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A client's place in the table.
#[derive(Debug)]
pub(super) struct Place {
    clients: Arc<Clients>,
    pub(super) id: ConnectionId,
}

impl Place {
    /// The client became a stream.
    pub(super) fn move_to(&self, door: Door) {
        if let Some(client) = self.clients.table().iter_mut().find(|client| client.id == self.id) {
            client.door = door;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.clients.table();
        if let Some(index) = table.iter().position(|client| client.id == self.id) {
            table.swap_remove(index);
        }
    }
}

/// How those are told no for whom there is no place: one of them gets the time to read it, any more at that
/// moment get it written and are hung up on. Neither costs memory that grows.
#[derive(Debug)]
pub(super) struct Refusals {
    full: Bytes,
    address: Bytes,
    rate: Bytes,
    spare: Arc<Semaphore>,
}

impl Refusals {
    pub(super) fn new() -> Refusals {
        Refusals {
            full: Problem::unavailable("all places are taken").raw(),
            address: Problem::too_many("this address has as many connections as one may have").raw(),
            rate: Problem::too_many("connections come too fast").raw(),
            spare: Arc::new(Semaphore::new(1)),
        }
    }

    /// Says no at once; what comes back is to be run for the client to have time to read it.
    pub(super) fn refuse(&self, why: Refusal, stream: TcpStream) -> Option<impl Future<Output = ()> + use<>> {
        let answer = match why {
            Refusal::Full => &self.full,
            Refusal::Address => &self.address,
            Refusal::Rate => &self.rate,
        };
        match Arc::clone(&self.spare).try_acquire_owned() {
            Ok(spare) => Some(explain(stream, answer.clone(), spare)),
            Err(_) => {
                // A new socket has room for it, so nothing waits. What was asked is read first, for unread bytes would
                // turn the end into a reset. Should it fail all the same, the client sees the end.
                if let Ok(mut stream) = stream.into_std() {
                    let _ = stream.read(&mut [0; 1024]);
                    let _ = stream.write(answer);
                }
                None
            }
        }
    }
}

async fn explain(mut stream: TcpStream, answer: Bytes, _spare: OwnedSemaphorePermit) {
    if stream.write_all(&answer).await.is_ok() {
        linger(&mut stream).await;
    }
}

fn connection_id() -> ConnectionId {
    // Without randomness an id is worth less, but the service is not: uniqueness is only for the log's reader.
    let number = getrandom::u64().unwrap_or_default();
    let mut id = ConnectionId::new();
    for nibble in (0..16).rev().map(|n| (number >> (4 * n)) & 15) {
        id.push(char::from_digit(nibble as u32, 16).unwrap_or('0')).unwrap_or_default();
    }
    id
}
