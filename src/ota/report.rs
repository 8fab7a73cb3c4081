//! Updates at a glance: what runs, what is installed where, how far an installation is, and what became of the last one.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::Installer;
use super::attempt::Attempt;
use super::attempt::Outcome;
use super::job::Refusal;
use super::rauc::Rauc;
use super::rauc::Slot;
use super::updater::Updater;
use crate::board::Board;
use crate::clock::BootId;

/// What the updater is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is no installer: `update.installer` is "none".
    Off,
    /// Nothing.
    Idle,
    /// A bundle comes in, or is looked at.
    Receiving,
    /// A bundle is being installed.
    Installing,
    /// The new system begins with the next boot.
    RebootNeeded,
    /// The running system is new, and has yet to show that it does what it is for.
    Testing,
}

/// How far an installation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TaskNow {
    /// As `task.*` messages name it.
    pub task_id: String,
    /// Version that is installed.
    pub version: String,
    /// Done, in hundredths.
    pub percentage: u8,
    /// What the installer is at, in its words.
    pub message: String,
}

/// Everything about updates, at a glance.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// What the updater is at.
    pub state: State,
    /// Version of the running system.
    pub version: String,
    /// Slot of the running system, as the boot loader names it; null when that is not known.
    pub booted: Option<String>,
    /// Places for a system; empty when they are not known.
    pub slots: Vec<Slot>,
    /// Why they are not known, in words.
    pub problem: Option<String>,
    /// What is being installed; null when nothing is.
    pub task: Option<TaskNow>,
    /// The last update, and why the machine came back from it if it did.
    pub last: Option<Attempt>,
}

impl Updater {
    /// Everything about updates now.
    pub async fn report(&self) -> Report {
        let (slots, problem) = match self.slots().await {
            Ok(slots) => (slots, None),
            Err(refusal) => (Vec::new(), Some(refusal.to_string())),
        };
        let booted = slots.iter().find(|slot| slot.booted).map(|slot| slot.bootname.clone());
        let last = self.log.read();
        Report {
            state: self.state(last.as_ref()),
            version: running_version(&slots),
            booted,
            slots,
            problem,
            task: self.task_now(),
            last,
        }
    }

    /// RAUC answers one at a time: while it installs, what it said before.
    async fn slots(&self) -> Result<Vec<Slot>, Refusal> {
        match self.settings.installer {
            Installer::None => Err(Refusal::Off),
            Installer::Rauc if self.task_now().is_some() => Ok(self.known_slots()),
            Installer::Rauc => {
                let slots = Rauc::connect().await?.slots().await?;
                self.know(&slots);
                Ok(slots)
            }
        }
    }

    fn state(&self, last: Option<&Attempt>) -> State {
        let waits = |last: &Attempt| last.outcome == Outcome::Installed && last.boot_id == BootId::of_machine();
        match self.settings.installer {
            Installer::None => State::Off,
            Installer::Rauc if self.task_now().is_some() => State::Installing,
            Installer::Rauc if self.is_testing() => State::Testing,
            Installer::Rauc if self.is_claimed() => State::Receiving,
            Installer::Rauc if last.is_some_and(waits) => State::RebootNeeded,
            Installer::Rauc => State::Idle,
        }
    }
}

/// Version of the running system: what the image says of itself (`IMAGE_VERSION`), else what was installed there, else this
/// program's own.
pub(super) fn running_version(slots: &[Slot]) -> String {
    let installed = || slots.iter().find(|slot| slot.booted)?.version.clone();
    let known = Board::here(Path::new("/")).image_version().or_else(installed);
    known.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())
}
