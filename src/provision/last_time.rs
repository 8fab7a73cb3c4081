//! What time it was last: a small file that the service writes now and then, and that a machine without a battery-backed clock
//! begins with after a power cut.

use std::io;
use std::path::Path;

use crate::clock::Timestamp;
use crate::identity::file;

/// Name of the file in the data folder.
const FILE_NAME: &str = "last-time";

/// Longest content, in bytes: an RFC 3339 time and its line's end.
const BYTES_MAX: u64 = 64;

/// The time noted in `folder`; none where there is none that can be understood.
pub fn read(folder: &Path) -> Option<Timestamp> {
    let bytes = file::read_public(&folder.join(FILE_NAME), BYTES_MAX).ok()?;
    Timestamp::parse(std::str::from_utf8(&bytes).ok()?.trim())
}

/// Notes `at` in `folder`; after a power cut there is the old time or this one.
pub fn write(folder: &Path, at: Timestamp) -> io::Result<()> {
    file::replace(&folder.join(FILE_NAME), format!("{at}\n").as_bytes())
}
