//! How often something may happen: token buckets, one alone or one for each of the addresses last seen.

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::time::Duration;

use heapless::Vec;

use crate::clock::Mono;
use crate::limits::ADDRESSES_MAX;
use crate::limits::RATE_BURST_S;

/// A token bucket: so many a second, and after a pause [`RATE_BURST_S`] seconds' worth at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    every: Duration,
    /// When it will be full again.
    full_at: Mono,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(per_second: u32, now: Mono) -> Bucket {
        Bucket {
            every: Duration::from_secs(1) / per_second.max(1),
            full_at: now,
        }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Mono) -> bool {
        let empty = Duration::from_secs(RATE_BURST_S);
        let later = self.full_at.max(now) + self.every;
        let granted = later.since(now) <= empty;
        if granted {
            self.full_at = later;
        }
        granted
    }
}

/// A bucket for everybody together, and one for each address, of which the last [`ADDRESSES_MAX`] are remembered.
#[derive(Debug)]
pub(super) struct Buckets {
    all: Bucket,
    per_second: u32,
    table: Vec<(IpAddr, Bucket), ADDRESSES_MAX>,
}

impl Buckets {
    pub(super) fn new(per_second: u32, per_second_all: u32, now: Mono) -> Buckets {
        Buckets {
            all: Bucket::new(per_second_all, now),
            per_second,
            table: Vec::new(),
        }
    }

    /// Takes a token of `address` and one of all; an address without costs the others none.
    pub(super) fn take(&mut self, address: IpAddr, now: Mono) -> bool {
        let (address, per_second) = (party(address), self.per_second);
        let known = self.table.iter().position(|(other, _)| *other == address);
        let index = known.unwrap_or_else(|| self.add(address, Bucket::new(per_second, now)));
        self.table[index].1.take(now) && self.all.take(now)
    }

    /// In the place of the one that is full the longest, if there is no other.
    fn add(&mut self, address: IpAddr, bucket: Bucket) -> usize {
        match self.table.push((address, bucket)) {
            Ok(()) => self.table.len() - 1,
            Err(entry) => {
                let fullest = (0..self.table.len()).min_by_key(|index| self.table[*index].1.full_at).unwrap_or(0);
                self.table[fullest] = entry;
                fullest
            }
        }
    }
}

/// Who stands behind an address: with IPv6 whoever has the whole network of 64 bits.
pub(super) fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}
