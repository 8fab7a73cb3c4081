//! Opening a database file: proving that it is sound, and setting aside what is not, so that no file can keep the service from
//! starting.

use std::fs;
use std::fs::File;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use redb::Database;

use super::FILE_NAME;
use super::Opened;
use super::StoreError;
use super::backend::Disk;
use super::backend::Meter;
use super::backend::Traffic;
use super::shared::Open;
use super::tables;
use super::tables::Found;
use crate::clock::Wall;
use crate::limits::STORE_DAMAGED_FILES_MAX;

/// How and where to open.
pub(super) struct Opening<'a> {
    pub(super) file: &'a Path,
    pub(super) disk: &'a dyn Disk,
    pub(super) cache_bytes: usize,
    pub(super) traffic: &'a Arc<Traffic>,
}

impl Opening<'_> {
    /// Opens the file; a damaged one is set aside under the date `wall` and a new one begun, once.
    pub(super) fn open_or_set_aside(&self, wall: Wall) -> Result<(Open, Opened), StoreError> {
        let why = match self.open() {
            Err(StoreError::Damaged { why, .. }) => why,
            other => return other,
        };
        let to = set_aside(self.file, wall).map_err(|source| StoreError::Io {
            file: self.file.to_owned(),
            source,
        })?;
        let (open, _) = self.open()?;
        Ok((open, Opened::SetAside { to, why }))
    }

    /// Opens the file, sound or not at all. A panic of redb over a file's content is damage like any other.
    pub(super) fn open(&self) -> Result<(Open, Opened), StoreError> {
        let damaged = |why: String| StoreError::Damaged {
            file: self.file.to_owned(),
            why,
        };
        let (db, mended) = catch_unwind(AssertUnwindSafe(|| self.sound()))
            .map_err(|_| damaged("its content broke an assertion of redb".to_owned()))?
            .map_err(|fault| StoreError::of(self.file, fault))?;
        match tables::prepare(&db).map_err(|fault| StoreError::of(self.file, fault))? {
            Found::Fresh(id) => {
                sync_directory(self.file).map_err(|source| StoreError::Io {
                    file: self.file.to_owned(),
                    source,
                })?;
                Ok((Open { db, id }, Opened::Fresh))
            }
            Found::Existing(id) if mended => Ok((Open { db, id }, Opened::Repaired)),
            Found::Existing(id) => Ok((Open { db, id }, Opened::Existing)),
            Found::Newer(found) => Err(StoreError::NewerSchema {
                file: self.file.to_owned(),
                found,
            }),
            Found::Foreign(why) => Err(damaged(why)),
        }
    }

    /// The database with every checksum verified, and whether it had to be mended. After a crash redb verifies by itself; after
    /// an orderly shutdown it does not, and its reads never do, so a flipped bit would go unseen.
    fn sound(&self) -> Result<(Database, bool), redb::Error> {
        let crashed = Arc::new(AtomicBool::new(false));
        let saw_crash = Arc::clone(&crashed);
        let meter = Meter::new(self.disk.open(self.file)?, Arc::clone(self.traffic))?;
        let mut db = Database::builder()
            .set_cache_size(self.cache_bytes)
            .set_repair_callback(move |_| saw_crash.store(true, Ordering::Relaxed))
            .create_with_backend(meter)?;
        let mended = !crashed.load(Ordering::Relaxed) && !db.check_integrity()?;
        Ok((db, mended))
    }
}

/// Renames `file` to `FILE.damaged-NUMBER-DATE` beside it. The number orders the files, since the date may be wrong.
fn set_aside(file: &Path, wall: Wall) -> io::Result<PathBuf> {
    let dir = file.parent().unwrap_or(Path::new("."));
    let mut kept = damaged_files(dir)?;
    kept.sort();
    let number = kept.last().map_or(1, |(number, _)| number + 1);
    let excess = (kept.len() + 1).saturating_sub(STORE_DAMAGED_FILES_MAX);
    for (_, old) in &kept[..excess] {
        fs::remove_file(old)?;
    }
    let date: String = wall.at.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let to = dir.join(format!("{FILE_NAME}.damaged-{number:04}-{date}"));
    fs::rename(file, &to)?;
    sync_directory(file)?;
    Ok(to)
}

/// Files set aside earlier, with their numbers.
fn damaged_files(dir: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let prefix = format!("{FILE_NAME}.damaged-");
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(&prefix))
            .and_then(|rest| rest.split('-').next())
            .and_then(|digits| digits.parse().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    Ok(found)
}

/// Makes names made or changed beside `file` survive a power cut.
fn sync_directory(file: &Path) -> io::Result<()> {
    File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()
}
