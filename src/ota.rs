//! Updates of the whole system: a signed bundle goes to the slot that does not run, by RAUC, and the new system is kept only once
//! this service in it has shown that it does what it is for.
//!
//! `upload` brings a bundle to a file, `updater` judges it and has it installed as a `job`, `rauc` is the interface of who does that,
//! `report` what is shown of it.
//! After a start `trial` decides what becomes of the running system, by `selftest`; `attempt` is what both systems know of it.

mod attempt;
mod job;
mod rauc;
mod report;
mod selftest;
mod trial;
mod updater;
mod upload;
mod version;

pub use attempt::Attempt;
pub use attempt::Outcome;
pub use attempt::Situation;
pub use attempt::newer_was_here;
pub use job::Accepted;
pub use job::Job;
pub use job::Lane;
pub use job::Refusal;
pub use rauc::BundleInfo;
pub use rauc::Slot;
pub use report::Report;
pub use report::State;
pub use report::TaskNow;
pub use selftest::AskServer;
pub use selftest::Fault;
pub use selftest::Probes;
pub use updater::BUNDLE_MAGIC;
pub use updater::Parts;
pub use updater::Updater;
pub use upload::Bundle;
pub use upload::Upload;
pub use version::Version;

use std::time::Duration;

use crate::limits::ATTEMPT_BYTES_MAX;
use crate::limits::BUS_BYTES;

/// Who installs updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Installer {
    /// Nobody: the system is not Lookout's image.
    #[default]
    None,
    /// RAUC, over the system bus.
    Rauc,
}

/// What the user may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who installs.
    pub installer: Installer,
    /// Longest bundle, in bytes.
    pub bundle_bytes_max: u64,
    /// Room that an upload leaves on the disk, in bytes.
    pub reserve_bytes: u64,
    /// Longest time that a new system has to show that it does what it is for.
    pub selftest_max: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            installer: Installer::None,
            bundle_bytes_max: 512 * 1024 * 1024,
            reserve_bytes: 64 * 1024 * 1024,
            selftest_max: Duration::from_secs(120),
        }
    }
}

/// Most bytes held: two connections to the bus (one installs, one tells), an upload, and the record of the last update.
pub const fn footprint(settings: &Settings) -> usize {
    match settings.installer {
        Installer::None => 0,
        Installer::Rauc => 2 * BUS_BYTES + upload::footprint() + ATTEMPT_BYTES_MAX as usize,
    }
}
