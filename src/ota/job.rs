//! An update that was asked for: what is to be installed, the right to be the only one, and why it is refused.

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::rauc::BundleInfo;
use super::upload::Bundle;
use crate::bus::BusError;

/// Why an update is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no installer.
    #[error("this system is not updated from here: update.installer is \"none\"")]
    Off,
    /// Another one is under way.
    #[error("another update is under way")]
    Busy,
    /// It is too long.
    #[error("a bundle has at most {0} bytes")]
    TooLarge(u64),
    /// The disk has no room for it.
    #[error("the disk has room for {free} bytes, and the bundle has {wanted}")]
    NoRoom {
        /// Bytes that may be written.
        free: u64,
        /// Bytes of the bundle.
        wanted: u64,
    },
    /// It is for other devices.
    #[error("the bundle is for {found}, and this is {wanted}")]
    Incompatible {
        /// What it is for.
        found: String,
        /// What this is.
        wanted: String,
    },
    /// It is older than what runs.
    #[error("version {found} is older than {running}, which runs")]
    Older {
        /// Its version.
        found: String,
        /// The running version.
        running: String,
    },
    /// Its version cannot be compared.
    #[error("version \"{0}\" is not of the form 1.2.3")]
    Unversioned(String),
    /// The installer does not take it: its signature is foreign, its content damaged.
    #[error("the bundle is refused by the installer: {0}")]
    Bundle(String),
    /// The installer says no, or nothing.
    #[error(transparent)]
    Installer(#[from] BusError),
    /// The disk fails.
    #[error("the disk: {0}")]
    Disk(String),
}

/// The right to be the update that is under way; given back when dropped.
#[derive(Debug)]
pub struct Lane(#[expect(dead_code, reason = "kept for its Drop")] pub(super) OwnedSemaphorePermit);

/// What is to be installed.
#[derive(Debug)]
pub struct Job {
    pub(super) task_id: String,
    /// A path or an address.
    pub(super) source: String,
    pub(super) info: BundleInfo,
    /// Removed once it is installed.
    #[expect(dead_code, reason = "kept for its Drop")]
    pub(super) bundle: Option<Bundle>,
    #[expect(dead_code, reason = "kept for its Drop")]
    pub(super) lane: Lane,
}

/// What was taken on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Accepted {
    /// As `task.*` messages name it.
    pub task_id: String,
    /// Version that is being installed.
    pub version: String,
}
