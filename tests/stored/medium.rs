//! A medium in memory that fails on command, and remembers what reached it, in order.

use lookout::store::Disk;
use redb::DatabaseError;
use redb::StorageBackend;
use std::io;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

/// What reached a medium, in order.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
    /// Not of the medium: a commit up to this number returned.
    Acknowledged(u64),
}

pub(crate) fn apply(image: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write(offset, data) => {
            let end = *offset as usize + data.len();
            image.resize(image.len().max(end), 0);
            image[*offset as usize..end].copy_from_slice(data);
        }
        Step::SetLen(len) => image.resize(*len as usize, 0),
        Step::Sync | Step::Acknowledged(_) => {}
    }
}

/// A medium in memory that fails on command.
#[derive(Debug, Default)]
pub(crate) struct Medium {
    pub(crate) live: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    /// What happened, if `recording`.
    pub(crate) log: Vec<Step>,
    pub(crate) recording: bool,
    /// Operations so far.
    pub(crate) operations: u64,
    /// The operation that fails, and how many from it on.
    pub(crate) fails: Option<(u64, u64)>,
    /// Most bytes that the medium holds.
    pub(crate) capacity: Option<u64>,
    /// A sync failed: what was not durable is gone, as a kernel drops what it could not write.
    pub(crate) lost: bool,
}

impl Medium {
    pub(crate) fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.fails {
            Some((first, count)) if (first..first.saturating_add(count)).contains(&self.operations) => {
                self.lost = true;
                Err(io::Error::other("simulated medium error"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        apply(&mut self.live, &step);
        if self.recording {
            self.log.push(step);
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<Medium>>);

impl SimDisk {
    pub(crate) fn holding(image: Vec<u8>) -> SimDisk {
        let disk = SimDisk::default();
        disk.medium().durable = image.clone();
        disk.medium().live = image;
        disk
    }
    /// Begins to record; returns what is durable now.
    pub(crate) fn record(&self) -> Vec<u8> {
        self.medium().recording = true;
        self.medium().durable.clone()
    }
    pub(crate) fn recorded(&self) -> Vec<Step> {
        std::mem::take(&mut self.medium().log)
    }
    /// Every operation fails from now on, or none does.
    pub(crate) fn fail(&self, fails: bool) {
        let mut medium = self.medium();
        medium.fails = fails.then_some((medium.operations + 1, u64::MAX));
    }
    pub(crate) fn medium_len(&self) -> u64 {
        self.medium().live.len() as u64
    }
    pub(crate) fn medium(&self) -> MutexGuard<'_, Medium> {
        self.0.lock().unwrap()
    }
}

impl Disk for SimDisk {
    fn open(&self, _: &Path) -> Result<Box<dyn StorageBackend>, DatabaseError> {
        let mut medium = self.medium();
        if std::mem::take(&mut medium.lost) {
            medium.live = medium.durable.clone();
        }
        Ok(Box::new(self.clone()))
    }
}

impl StorageBackend for SimDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.medium().live.len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut medium = self.medium();
        medium.operate()?;
        let range = offset as usize..offset as usize + out.len();
        out.copy_from_slice(medium.live.get(range).ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut medium = self.medium();
        medium.operate()?;
        if medium.capacity.is_some_and(|capacity| len > capacity) {
            return Err(ErrorKind::StorageFull.into());
        }
        medium.step(Step::SetLen(len));
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        let mut medium = self.medium();
        medium.operate()?;
        medium.step(Step::Sync);
        medium.durable = medium.live.clone();
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut medium = self.medium();
        medium.operate()?;
        medium.step(Step::Write(offset, data.to_vec()));
        Ok(())
    }
}
