//! The first boot: takes what someone wrote on a laptop to `lookout.toml` of the boot partition, and leaves it where the system
//! looks for it on the data partition.
//!
//! Either all of the file is taken or nothing: what is wrong with it is written beside it, in words. A power cut between any two
//! steps costs nothing but the next run, as each step leaves a file whole and the secrets leave the boot partition last.

pub mod disk;
pub mod input;
pub mod last_time;
mod plan;

use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::board::Board;
use crate::clock::Timestamp;
use crate::limits::FIRST_BOOT_BYTES_MAX;
use disk::Access;
use disk::Disk;

/// What is read.
pub const INPUT: &str = "lookout.toml";
/// What is wrong with it.
pub const ERRORS: &str = "lookout-errors.txt";

/// Longest time after the build that a noted time is believed, in milliseconds: twenty years.
const LAST_TIME_AFTER_BUILD_MS: i64 = 20 * 366 * 24 * 3600 * 1000;

/// Where things are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The boot partition.
    pub boot: PathBuf,
    /// The data partition.
    pub data: PathBuf,
    /// The service's configuration where none is kept yet; one that is not there is empty.
    pub base: PathBuf,
    /// Where the service listens once the device has a password.
    pub listen: String,
    /// Where it listens instead when it speaks TLS; `listen` then sends on to it.
    pub listen_tls: String,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// There is no such file.
    Nothing,
    /// Everything is where it belongs; so many files were written.
    Done(usize),
    /// The file is wrong in these ways, and nothing of it was taken.
    Refused(Vec<String>),
}

/// Why what was asked for could not be done.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", .file.display())]
pub struct ProvisionError {
    /// Which file.
    pub file: PathBuf,
    /// What the system said.
    pub cause: io::Error,
}

/// Takes what the boot partition says. `board` tells this device's default name.
pub fn provision(places: &Places, board: &Board, disk: &dyn Disk) -> Result<Provisioned, ProvisionError> {
    let input = places.boot.join(INPUT);
    let Some(bytes) = disk.read(&input, FIRST_BOOT_BYTES_MAX).map_err(at(&input))? else {
        return Ok(Provisioned::Nothing);
    };
    let planned = input::parse(&bytes).and_then(|wanted| plan::of(&wanted, places, board, disk).map(|files| (wanted, files)));
    let (wanted, files) = match planned {
        Ok(planned) => planned,
        Err(complaints) => {
            complain(places, disk, &complaints)?;
            return Ok(Provisioned::Refused(complaints));
        }
    };
    let mut written = 0;
    for file in &files {
        written += usize::from(put(disk, &file.path, &file.content, file.access)?);
    }
    if let Some(text) = wanted.without_secrets() {
        disk.replace_secret(&input, text.as_bytes()).map_err(at(&input))?;
        written += 1;
    }
    let errors = places.boot.join(ERRORS);
    disk.remove(&errors).map_err(at(&errors))?;
    Ok(Provisioned::Done(written))
}

/// The earliest that it can be: when this program was built, or when the service last noted the time.
pub fn earliest(data: &Path, built: Timestamp) -> Timestamp {
    let noted = last_time::read(&data.join(plan::SERVICE));
    let plausible = |at: &Timestamp| at.0 <= built.0 + LAST_TIME_AFTER_BUILD_MS;
    noted.filter(plausible).map_or(built, |noted| noted.max(built))
}

fn complain(places: &Places, disk: &dyn Disk, complaints: &[String]) -> Result<(), ProvisionError> {
    let lines: String = complaints.iter().map(|complaint| format!("* {complaint}\r\n")).collect();
    let text = format!("{INPUT} was not taken. Correct it and start the device again:\r\n\r\n{lines}");
    put(disk, &places.boot.join(ERRORS), text.as_bytes(), Access::Public).map(|_| ())
}

/// Leaves `content` in `file`; whether there was anything to do.
fn put(disk: &dyn Disk, file: &Path, content: &[u8], access: Access) -> Result<bool, ProvisionError> {
    let there = disk.read(file, content.len() as u64 + 1).map_err(at(file))?;
    if there.as_deref() == Some(content) {
        return Ok(false);
    }
    disk.replace(file, content, access).map_err(at(file))?;
    Ok(true)
}

fn at(file: &Path) -> impl FnOnce(io::Error) -> ProvisionError {
    let file = file.to_owned();
    |cause| ProvisionError { file, cause }
}
