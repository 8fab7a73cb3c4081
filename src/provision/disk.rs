//! Files that a power cut leaves whole: the trait, so that tests may pull the plug between any two steps, and the real one.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::chown;
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Who owns the folder that it is in, and nobody else; it is theirs.
    Service,
    /// The system alone.
    Secret,
}

/// Where files are.
pub trait Disk {
    /// All of `file`, at most `bytes_max` and one byte; none when there is no such file.
    fn read(&self, file: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>>;
    /// Afterwards, and after a power cut, there is the old content or this one.
    fn replace(&self, file: &Path, content: &[u8], access: Access) -> io::Result<()>;
    /// The same, and the old content cannot be read from the medium any more, as far as its file system writes in place.
    fn replace_secret(&self, file: &Path, content: &[u8]) -> io::Result<()>;
    /// Afterwards there is no such file.
    fn remove(&self, file: &Path) -> io::Result<()>;
}

/// The machine's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn read(&self, file: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let opened = match File::open(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        opened.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn replace(&self, file: &Path, content: &[u8], access: Access) -> io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut fresh = file.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = Path::new(&fresh);
        self.remove(fresh)?; // left over from a power cut; the mode is that of a file that is made
        let mode = if access == Access::Public { 0o644 } else { 0o600 };
        let mut written = OpenOptions::new().write(true).create_new(true).mode(mode).open(fresh)?;
        if access == Access::Service {
            let owner = fs::metadata(folder)?;
            let own = written.metadata()?;
            if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
                chown(fresh, Some(owner.uid()), Some(owner.gid()))?;
            }
        }
        written.write_all(content)?;
        written.sync_all()?;
        fs::rename(fresh, file)?;
        File::open(folder)?.sync_all()
    }

    fn replace_secret(&self, file: &Path, content: &[u8]) -> io::Result<()> {
        let mut old = OpenOptions::new().write(true).open(file)?;
        let length = old.metadata()?.len();
        self.replace(file, content, Access::Public)?;
        // Its name is gone; its blocks are still where they were.
        io::copy(&mut io::repeat(0).take(length), &mut old)?;
        old.sync_all()
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
