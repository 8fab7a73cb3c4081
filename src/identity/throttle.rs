//! How often a password may be tried: per address, twice as long to wait after every failure; and all together.

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::time::Duration;

use crate::clock::Mono;
use crate::limits::LOGIN_ADDRESSES_MAX;
use crate::limits::LOGIN_FAILURE_S;
use crate::limits::LOGIN_FAILURES_BURST;
use crate::limits::LOGIN_FAILURES_FREE;
use crate::limits::LOGIN_WAIT_S_MAX;

/// Failed logins, remembered until the next start. An attempt counts as failed from its beginning until it is forgiven, so
/// that many at once are worth no more than one after another.
#[derive(Debug, Default)]
pub struct Throttle {
    addresses: Vec<Address>,
    /// All of them together.
    failures: u32,
    /// When `failures` last went down, or began.
    since: Mono,
}

#[derive(Debug)]
struct Address {
    ip: IpAddr,
    failures: u32,
    last: Mono,
}

impl Throttle {
    /// Lets `ip` try, or says how long it has to wait.
    pub fn admit(&mut self, ip: IpAddr, now: Mono) -> Result<(), Duration> {
        self.recover(now);
        if self.failures >= LOGIN_FAILURES_BURST {
            return Err((self.since + Duration::from_secs(LOGIN_FAILURE_S)).since(now));
        }
        let address = self.address(network(ip), now);
        let free_at = address.last + wait(address.failures);
        if free_at > now {
            return Err(free_at.since(now));
        }
        address.failures = address.failures.saturating_add(1);
        address.last = now;
        self.failures += 1;
        Ok(())
    }

    /// `ip` knew the password: its failures are forgotten.
    pub fn forgive(&mut self, ip: IpAddr) {
        let ip = network(ip);
        self.addresses.retain(|address| address.ip != ip);
        self.failures = self.failures.saturating_sub(1);
    }

    /// How many addresses are remembered.
    pub fn addresses(&self) -> usize {
        self.addresses.len()
    }

    fn recover(&mut self, now: Mono) {
        let steps = now.since(self.since).as_secs() / LOGIN_FAILURE_S;
        if self.failures == 0 {
            self.since = now;
        } else if steps > 0 {
            self.failures = self.failures.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
            self.since = self.since + Duration::from_secs(steps * LOGIN_FAILURE_S);
        }
    }

    fn address(&mut self, ip: IpAddr, now: Mono) -> &mut Address {
        let index = self.addresses.iter().position(|address| address.ip == ip).unwrap_or_else(|| {
            self.make_room();
            self.addresses.push(Address {
                ip,
                failures: 0,
                last: now,
            });
            self.addresses.len() - 1
        });
        &mut self.addresses[index]
    }

    fn make_room(&mut self) {
        if self.addresses.len() >= LOGIN_ADDRESSES_MAX {
            let oldest = (0..self.addresses.len()).min_by_key(|index| self.addresses[*index].last);
            oldest.map(|index| self.addresses.swap_remove(index));
        }
    }
}

/// How long one has to wait after so many failures.
fn wait(failures: u32) -> Duration {
    let doublings = failures.checked_sub(LOGIN_FAILURES_FREE);
    let seconds = doublings.map_or(0, |doublings| 1_u64.checked_shl(doublings).unwrap_or(u64::MAX));
    Duration::from_secs(if doublings > Some(32) {
        LOGIN_WAIT_S_MAX
    } else {
        seconds.min(LOGIN_WAIT_S_MAX)
    })
}

/// What one party has: an IPv4 address, or the 64 bits of an IPv6 network, within which addresses cost nothing.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip => ip,
    }
}
