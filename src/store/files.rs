//! Pictures of events as files beside the database: written whole, synced, named by their event, indexed, moved to their place.
//!
//! | step | on the disk | after a crash |
//! | --- | --- | --- |
//! | written | `pictures/new/part-…` | removed at the start |
//! | synced, named by its event | `pictures/new/ID.EXT` | removed at the start, as no row tells of it |
//! | its row and the event's address committed | the same | moved at the start |
//! | moved | `pictures/ID÷1000/ID.EXT` | kept |
//!
//! So whatever a row tells of is there, and `new/`, which is all that has to be looked through, holds a handful of files.
//! Removal goes the other way: the row moves to the table of what is gone, then the file goes, then that row.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::limits::PICTURES_REMOVED_MAX;
use crate::limits::PICTURES_SWEPT_MAX;

/// Events whose pictures share a folder.
const EVENTS_PER_FOLDER: u64 = 1000;

/// What a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureKind {
    /// The event at its best moment: a JPEG.
    Snapshot,
    /// The event from a little before to a little after: Motion-JPEG in a QuickTime file.
    Clip,
}

impl PictureKind {
    /// Both.
    pub const ALL: [PictureKind; 2] = [PictureKind::Snapshot, PictureKind::Clip];

    const fn extension(self) -> &'static str {
        match self {
            PictureKind::Snapshot => "jpg",
            PictureKind::Clip => "mov",
        }
    }

    /// Where everybody finds the picture of event `id`.
    pub fn url(self, id: u64) -> String {
        match self {
            PictureKind::Snapshot => format!("/api/events/{id}/snapshot.jpg"),
            PictureKind::Clip => format!("/api/events/{id}/clip"),
        }
    }
}

/// The folder of pictures in a data directory.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

/// A file that is being written; removed when dropped before it was [finished](Part::finish).
#[derive(Debug)]
pub struct Part {
    file: File,
    path: PathBuf,
    is_named: bool,
}

impl Files {
    /// The pictures in the data directory `dir`; nothing is touched.
    pub fn new(dir: &Path) -> Files {
        Files {
            root: dir.join("pictures"),
        }
    }

    /// Begins a file, under a `name` that no other unfinished one has.
    pub fn begin(&self, name: &str) -> io::Result<Part> {
        fs::create_dir_all(self.new_folder())?;
        let path = self.new_folder().join(format!("part-{name}"));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        let is_named = false;
        Ok(Part { file, path, is_named })
    }

    /// The picture of event `id`, open to be read.
    pub fn open(&self, id: u64, kind: PictureKind) -> io::Result<File> {
        File::open(self.place(id, kind)).or_else(|_| File::open(self.fresh(id, kind)))
    }

    /// Moves a picture whose row is committed to its place.
    pub fn settle(&self, id: u64, kind: PictureKind) -> io::Result<()> {
        let place = self.place(id, kind);
        place.parent().map_or(Ok(()), fs::create_dir_all)?;
        match fs::rename(self.fresh(id, kind), &place) {
            // A later one of its kind was finished before this was settled, and both are one file.
            Err(error) if error.kind() == io::ErrorKind::NotFound && place.exists() => Ok(()),
            moved => moved,
        }
    }

    /// Removes a picture of which no row tells; one that is not there is no error.
    pub fn remove(&self, id: u64, kind: PictureKind) -> io::Result<()> {
        let place = self.place(id, kind);
        remove_file(&self.fresh(id, kind))?;
        remove_file(&place)?;
        // Where others are left, the folder stays.
        let _ = place.parent().map(fs::remove_dir);
        Ok(())
    }

    /// Looks through what was on its way when the last run ended: what `is_indexed` is moved to its place, the rest removed.
    /// How many of each; at most [`PICTURES_SWEPT_MAX`], more the next time.
    pub(super) fn sweep(&self, mut is_indexed: impl FnMut(u64, PictureKind) -> bool) -> io::Result<(usize, usize)> {
        let found = match fs::read_dir(self.new_folder()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
            found => found?,
        };
        let (mut settled, mut removed) = (0, 0);
        for entry in found.take(PICTURES_SWEPT_MAX) {
            let path = entry?.path();
            match picture_of(&path).filter(|(id, kind)| is_indexed(*id, *kind)) {
                Some((id, kind)) => {
                    self.settle(id, kind)?;
                    settled += 1;
                }
                None => {
                    remove_file(&path)?;
                    removed += 1;
                }
            }
        }
        Ok((settled, removed))
    }

    /// Puts all pictures aside, as those of a store that is no more; [`Files::clear`] removes them.
    pub(super) fn set_aside(&self) -> io::Result<()> {
        let aside = self.aside();
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        match fs::rename(&self.root, aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            moved => moved,
        }
    }

    /// Removes some of what was put aside, at most [`PICTURES_REMOVED_MAX`] files; whether there was any.
    pub(super) fn clear(&self) -> io::Result<bool> {
        let aside = self.aside();
        if !aside.exists() {
            return Ok(false);
        }
        let mut removed = 0;
        for folder in fs::read_dir(&aside)? {
            let folder = folder?.path();
            for file in fs::read_dir(&folder)?.take(PICTURES_REMOVED_MAX - removed) {
                remove_file(&file?.path())?;
                removed += 1;
            }
            if removed == PICTURES_REMOVED_MAX {
                return Ok(true);
            }
            fs::remove_dir(&folder)?;
        }
        fs::remove_dir(&aside)?;
        Ok(true)
    }

    fn new_folder(&self) -> PathBuf {
        self.root.join("new")
    }

    fn aside(&self) -> PathBuf {
        self.root.with_extension("old")
    }

    fn fresh(&self, id: u64, kind: PictureKind) -> PathBuf {
        self.new_folder().join(format!("{id}.{}", kind.extension()))
    }

    fn place(&self, id: u64, kind: PictureKind) -> PathBuf {
        let folder = self.root.join((id / EVENTS_PER_FOLDER).to_string());
        folder.join(format!("{id}.{}", kind.extension()))
    }
}

impl Part {
    /// Makes it durable as the picture of event `id`, ready to be indexed; its length in bytes.
    pub fn finish(mut self, id: u64, kind: PictureKind) -> io::Result<u64> {
        self.file.sync_all()?;
        let bytes = self.file.metadata()?.len();
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::rename(&self.path, folder.join(format!("{id}.{}", kind.extension())))?;
        self.is_named = true;
        File::open(folder)?.sync_all()?;
        Ok(bytes)
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_named {
            // What cannot be removed now is removed at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Event and kind by a file's name.
fn picture_of(path: &Path) -> Option<(u64, PictureKind)> {
    let extension = path.extension()?.to_str()?;
    let kind = PictureKind::ALL.into_iter().find(|kind| kind.extension() == extension)?;
    Some((path.file_stem()?.to_str()?.parse().ok()?, kind))
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
