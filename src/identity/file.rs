//! The file that accounts are kept in: written whole beside the old one, forced to the disk, then put in its place.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::fs::TryLockError;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::limits::IDENTITY_BYTES_MAX;
use crate::limits::PASSWORD_BYTES_MAX;

/// Its owner reads and writes it; nobody else does either.
const SECRET: u32 = 0o600;

/// All of `file` and at most one byte more than `bytes_max`; `None` when there is no such file.
pub(super) fn read(file: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if opened.metadata()?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(file = %file.display(), "others could read this file; now they cannot");
        opened.set_permissions(Permissions::from_mode(SECRET))?;
    }
    let mut bytes = Vec::new();
    opened.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// All of a file that must be there and need not be secret; at most `bytes_max` bytes of it.
pub(crate) fn read_public(file: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Keeps others from `file` until it is dropped; `None` when another process does.
pub(super) fn lock(file: &Path) -> io::Result<Option<File>> {
    let path = file.with_extension("lock");
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(SECRET)
        .open(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// After a power cut there is the old content or this one.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = file.with_extension("new");
    remove(&fresh)?; // left over from a power cut; the mode is that of a file that is made
    let mut written = OpenOptions::new().write(true).create_new(true).mode(SECRET).open(&fresh)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(&fresh, file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// The first line of `file`, with neither its end nor more than a password's length and a little; `None` when there is no such
/// file.
pub(super) fn read_first_line(file: &Path) -> io::Result<Option<String>> {
    let opened = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut line = String::new();
    BufReader::new(opened.take(PASSWORD_BYTES_MAX as u64 + 3)).read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(Some(line))
}

/// Overwrites `file` with zeros, as far as its file system does that in place, and removes it.
pub(super) fn wipe(file: &Path) -> io::Result<()> {
    let mut opened = OpenOptions::new().write(true).open(file)?;
    let length = opened.metadata()?.len().min(IDENTITY_BYTES_MAX);
    io::copy(&mut io::repeat(0).take(length), &mut opened)?;
    opened.sync_all()?;
    remove(file)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
