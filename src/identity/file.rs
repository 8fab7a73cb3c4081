//! The file that accounts are kept in: written whole beside the old one, forced to the disk, then put in its place.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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

/// After a power cut there is the old content or this one.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = file.with_extension("new");
    remove(&fresh)?; // left over from a power cut; the mode is that of a file that is made
    let mut written = OpenOptions::new().write(true).create_new(true).mode(SECRET).open(&fresh)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(&fresh, file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
