//! What the kernel says of addresses: whether a cable brings one, and which one the radio has. An address of the link's own
//! (169.254.0.0/16, fe80::/10) is none that anybody gave.

use std::ffi::CStr;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::Path;
use std::ptr;

use super::Sight;

/// The machine's own.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    /// The device's address as an access point, which is none that anybody gave either.
    pub own: Option<IpAddr>,
}

impl Links {
    /// Addresses that somebody gave, with whether the radio has them.
    fn given(&self) -> Vec<(bool, IpAddr)> {
        let addresses = addresses().unwrap_or_else(|error| {
            tracing::warn!(%error, "the kernel does not tell its addresses");
            Vec::new()
        });
        let given = addresses
            .into_iter()
            .filter(|(_, address)| is_given(*address) && Some(*address) != self.own);
        given.map(|(link, address)| (is_radio(&link), address)).collect()
    }
}

impl Sight for Links {
    fn is_wired(&self) -> bool {
        self.given().iter().any(|(radio, _)| !radio)
    }

    /// That of IPv4 where there are both: the service listens there.
    fn address(&self) -> Option<IpAddr> {
        let given = self.given();
        given
            .iter()
            .filter(|(radio, _)| *radio)
            .map(|(_, address)| *address)
            .min_by_key(IpAddr::is_ipv6)
    }
}

fn is_given(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    }
}

fn is_radio(link: &str) -> bool {
    Path::new("/sys/class/net").join(link).join("phy80211").exists()
}

/// Every address of every interface that is up.
fn addresses() -> io::Result<Vec<(String, IpAddr)>> {
    let mut first = ptr::null_mut();
    // SAFETY: it is given a place for one pointer.
    if unsafe { libc::getifaddrs(&mut first) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let (mut found, mut next) = (Vec::new(), first);
    // SAFETY: each entry is one of the list, which is freed below and not before.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: the kernel's entries have a name that ends, and an address or none of the family that it says.
        found.extend(unsafe { address(entry) });
        next = entry.ifa_next;
    }
    // SAFETY: the list is that of the call above, and nothing of it is kept.
    unsafe { libc::freeifaddrs(first) };
    Ok(found)
}

/// # Safety
/// `entry` is one of a list of `getifaddrs` that was not freed.
unsafe fn address(entry: &libc::ifaddrs) -> Option<(String, IpAddr)> {
    // SAFETY: as the caller promises, it is null or points to an address.
    let family = unsafe { entry.ifa_addr.as_ref() }?.sa_family;
    let address = match i32::from(family) {
        // SAFETY: the family says that it is one of these; it is copied, however it lies.
        libc::AF_INET => IpAddr::V4(Ipv4Addr::from_bits(u32::from_be(
            unsafe { ptr::read_unaligned(entry.ifa_addr.cast::<libc::sockaddr_in>()) }
                .sin_addr
                .s_addr,
        ))),
        // SAFETY: likewise.
        libc::AF_INET6 => IpAddr::V6(Ipv6Addr::from(
            unsafe { ptr::read_unaligned(entry.ifa_addr.cast::<libc::sockaddr_in6>()) }
                .sin6_addr
                .s6_addr,
        )),
        _ => return None,
    };
    // SAFETY: as the caller promises, the name is there and ends.
    let name = unsafe { CStr::from_ptr(entry.ifa_name) };
    Some((name.to_string_lossy().into_owned(), address))
}
