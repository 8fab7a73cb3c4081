//! What was tried last: a small file beside the store, which both systems read, written before every step that the service may not
//! outlive.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use super::Version;
use super::report::running_version;
use crate::clock::BootId;
use crate::clock::Timestamp;
use crate::identity::file;
use crate::limits::ATTEMPT_BYTES_MAX;

/// Name of the file in the data folder.
const FILE_NAME: &str = "update.json";

/// How far an update came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is being written to the other slot.
    Installing,
    /// It could not be written; the running system is as it was.
    Failed,
    /// It is written, and begins with the next boot.
    Installed,
    /// It runs, and has yet to show that it does what it is for.
    Testing,
    /// It runs, and is kept.
    Confirmed,
    /// It ran and did not do what it is for; the machine goes back.
    Rejected,
    /// The machine came back from it.
    RolledBack,
}

/// The last update. A later version of the service may write more fields; they are ignored here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Version that was installed.
    pub version: String,
    /// Version that it was to replace.
    pub from_version: String,
    /// Slot that it was written to, as the boot loader names it.
    pub slot: String,
    /// How far it came.
    pub outcome: Outcome,
    /// Why it came no further, in words; null when nothing is wrong.
    pub why: Option<String>,
    /// When that was.
    pub timestamp: Timestamp,
    /// Boot of the machine in which it was installed.
    #[schemars(with = "String")]
    pub boot_id: BootId,
}

/// What the last update has to do with the system that was started now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// Nothing: it was told already, or is still to begin.
    Settled,
    /// It is what was started, and not yet confirmed.
    OnTrial,
    /// It is not what was started, though it should be.
    CameBack,
    /// The service ended while it was being written.
    Interrupted,
}

impl Attempt {
    /// What it has to do with slot `booted`, in the machine's boot `boot`.
    pub fn situation(&self, booted: &str, boot: BootId) -> Situation {
        let here = self.slot == booted;
        match self.outcome {
            // Failed, and started all the same: only what the service saw of it ended early.
            Outcome::Installing | Outcome::Failed | Outcome::Installed | Outcome::Testing if here => Situation::OnTrial,
            Outcome::Installing => Situation::Interrupted,
            Outcome::Installed if self.boot_id == boot => Situation::Settled,
            Outcome::Installed | Outcome::Testing | Outcome::Rejected | Outcome::Confirmed if !here => Situation::CameBack,
            // Rejected, and started again all the same: the boot loader knows no other.
            Outcome::Rejected => Situation::OnTrial,
            _ => Situation::Settled,
        }
    }
}

/// Whether the last update that the data in `folder` know of was to a newer version than the one that runs: the machine came back
/// from it, or is on its way there.
pub fn newer_was_here(folder: &Path) -> bool {
    let newer = |last: Attempt| Some(Version::parse(&last.version)? > Version::parse(&running_version(&[]))?);
    Log::new(folder).read().and_then(newer).unwrap_or(false)
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Log {
    file: PathBuf,
}

impl Log {
    /// The one in `folder`.
    pub(super) fn new(folder: &Path) -> Log {
        Log {
            file: folder.join(FILE_NAME),
        }
    }

    /// The last update; none where there is no file, or none that can be understood: it is for people, and no reason to stop.
    pub(super) fn read(&self) -> Option<Attempt> {
        if !self.file.exists() {
            return None;
        }
        let bytes = file::read_public(&self.file, ATTEMPT_BYTES_MAX);
        let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other));
        read.inspect_err(|error| tracing::warn!(file = %self.file.display(), %error, "the record of the last update cannot be read"))
            .ok()
    }

    /// After a power cut there is the old record or this one.
    pub(super) fn write(&self, attempt: &Attempt) -> io::Result<()> {
        let json = serde_json::to_vec(attempt).map_err(io::Error::other)?;
        file::replace(&self.file, &json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = "11111111-0000-0000-0000-000000000000";

    fn attempt(outcome: Outcome) -> Attempt {
        Attempt {
            version: "2.0".into(),
            from_version: "1.0".into(),
            slot: "B".into(),
            outcome,
            why: None,
            timestamp: Timestamp(0),
            boot_id: BootId::NIL,
        }
    }

    #[test]
    fn the_situation_follows_from_slot_and_boot() {
        let later = BootId::parse(OTHER).expect("an id");
        let cases = [
            (Outcome::Installing, "A", later, Situation::Interrupted),
            (Outcome::Installing, "B", later, Situation::OnTrial),
            (Outcome::Failed, "A", later, Situation::Settled),
            (Outcome::Failed, "B", later, Situation::OnTrial),
            (Outcome::Installed, "A", BootId::NIL, Situation::Settled),
            (Outcome::Installed, "A", later, Situation::CameBack),
            (Outcome::Installed, "B", later, Situation::OnTrial),
            (Outcome::Testing, "B", later, Situation::OnTrial),
            (Outcome::Testing, "A", later, Situation::CameBack),
            (Outcome::Confirmed, "B", later, Situation::Settled),
            (Outcome::Confirmed, "A", later, Situation::CameBack),
            (Outcome::Rejected, "A", later, Situation::CameBack),
            (Outcome::Rejected, "B", later, Situation::OnTrial),
            (Outcome::RolledBack, "A", later, Situation::Settled),
        ];
        for (outcome, booted, boot, situation) in cases {
            assert_eq!(attempt(outcome).situation(booted, boot), situation, "{outcome:?} {booted}");
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_fields_of_later_versions_are_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::new(folder.path());
        assert_eq!(log.read(), None);
        let rejected = Attempt {
            why: Some("no frames".into()),
            ..attempt(Outcome::Rejected)
        };
        log.write(&rejected).expect("written");
        assert_eq!(log.read(), Some(rejected.clone()));
        let file = folder.path().join(FILE_NAME);
        let text = std::fs::read_to_string(&file).expect("text").replacen('{', "{\"later\":[1],", 1);
        std::fs::write(&file, text).expect("written");
        assert_eq!(log.read(), Some(rejected));
        std::fs::write(&file, "garbage").expect("written");
        assert_eq!(log.read(), None);
    }
}
