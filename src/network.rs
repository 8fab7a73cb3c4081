//! Wi-Fi: which network the device is in, how it is given one by an access point of its own, and how that one is tested before it
//! is kept.
//!
//! `machine` decides, without input or output. `keeper` carries it out, as root and in a process of its own (`lookout network`),
//! since iwd's files and its bus are root's and the camera's service has no privilege. `iwd` is its radio, `files` what is kept,
//! `links` what the kernel says of addresses. `link` is the service's end of the socket between the two, `wifi` what 802.11 calls
//! a name and a key.

pub mod files;
mod iwd;
mod keeper;
mod lines;
mod link;
mod links;
pub mod machine;
pub mod wifi;

pub use iwd::Iwd;
pub use keeper::Keeper;
pub use keeper::Parts;
pub use keeper::Radio;
pub use keeper::RadioError;
pub use keeper::Sight;
pub use link::Link;
pub use link::Refusal;
pub use links::Links;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::limits::NETWORK_LINE_BYTES_MAX;
use crate::limits::NETWORK_QUEUE_MAX;

/// What the user may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Socket of who looks after the network; empty: nobody does.
    pub socket: PathBuf,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            socket: PathBuf::from("/run/lookout-network/socket"),
        }
    }
}

/// A network that somebody wants the device to be in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Its name.
    #[schemars(length(min = 1, max = 32))]
    pub ssid: String,
    /// 8 to 63 characters, or the key itself as 64 hexadecimal digits; empty or left out for an open network.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub passphrase: String,
    /// Where the device is, in two letters, for what the law allows there; left out: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Z]{2}$"))]
    pub country: Option<String>,
}

/// Nothing that is logged has the passphrase.
impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wish")
            .field("ssid", &self.ssid)
            .field("country", &self.country)
            .finish_non_exhaustive()
    }
}

impl Wish {
    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        let country = self.country.as_deref();
        match () {
            () if !wifi::is_ssid(&self.ssid) => Err("ssid is 1 to 32 bytes of text"),
            () if !(self.passphrase.is_empty() || wifi::is_secret(&self.passphrase)) => {
                Err("passphrase is 8 to 63 characters, 64 hexadecimal digits, or \"\" for an open network")
            }
            () if !country.is_none_or(wifi::is_country) => Err("country is two capital letters, as in \"DE\""),
            () => Ok(()),
        }
    }
}

/// How things are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody looks after the network of this device.
    Off,
    /// A cable brings an address, or a network is known: there is nothing to do.
    #[default]
    Settled,
    /// Neither is so; in a while the access point is opened.
    Waiting,
    /// The device is an access point, for whoever has its passphrase.
    AccessPoint,
    /// A network is being joined.
    Joining,
    /// It was joined, and is kept if somebody reaches the device over it in time.
    Testing,
}

/// Why a network was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// It is not in sight, or not of that kind (open, or with a passphrase).
    NotFound,
    /// It did not let the device in.
    Refused,
    /// It gave no address.
    NoAddress,
    /// Nobody reached the device over it.
    Unvisited,
    /// The radio, or iwd, does not do what it is told; or the card.
    Broken,
}

impl Failure {
    /// What it says to the owner.
    pub const fn words(self) -> &'static str {
        match self {
            Failure::NotFound => "no such network is in sight; is its name right, and does it have a passphrase?",
            Failure::Refused => "the network did not let the device in; most likely the passphrase is wrong",
            Failure::NoAddress => "the network gave the device no address",
            Failure::Unvisited => "nobody opened this page over the network in time, so it was not kept",
            Failure::Broken => "the device's radio failed; its log says how",
        }
    }
}

/// What became of the network that was tried last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// Its name.
    pub ssid: String,
    /// Why it was not kept.
    pub reason: Failure,
    /// The same in words.
    pub message: String,
}

/// A network in sight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// Its name.
    pub ssid: String,
    /// How strongly it is received, in dBm.
    pub signal_dbm: i16,
    /// Whether it asks for a passphrase.
    pub secured: bool,
}

/// The network, as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// How things are.
    pub state: State,
    /// Name of the access point that the device has, or would have; null: it has no passphrase for one.
    pub access_point: Option<String>,
    /// The network that is known, or tried.
    pub ssid: Option<String>,
    /// The device's own address in the network that is tried.
    pub address: Option<IpAddr>,
    /// What was in sight when it was last looked for, the strongest first.
    pub networks: Vec<Seen>,
    /// The network that was tried last and not kept.
    pub failed: Option<Failed>,
}

impl Report {
    /// That of a device whose network nobody looks after.
    pub fn off() -> Report {
        Report {
            state: State::Off,
            ..Report::default()
        }
    }
}

/// What the service says to who looks after the network, one on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// Somebody wants a network.
    Join(Wish),
    /// A client that was let in came over this address of the device's.
    Reached(IpAddr),
}

/// Most bytes that the service's end holds.
pub const fn footprint() -> usize {
    3 * NETWORK_LINE_BYTES_MAX + NETWORK_QUEUE_MAX * size_of::<Said>()
}
