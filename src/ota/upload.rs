//! A bundle on its way from a socket to a file: a thread of its own writes it, so that neither sockets nor store wait for the disk.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::thread;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::limits::HTTP_BUFFER_BYTES;
use crate::limits::THREAD_STACK_BYTES;
use crate::limits::UPDATE_PIECES_MAX;
use crate::limits::UPDATE_SYNC_BYTES;

/// Most bytes that one upload holds.
pub(super) const fn footprint() -> usize {
    THREAD_STACK_BYTES + (UPDATE_PIECES_MAX + 1) * HTTP_BUFFER_BYTES
}

/// A file that is removed when this is dropped.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
}

impl Bundle {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %self.path.display(), %error, "a bundle cannot be removed");
            }
            _ => {}
        }
    }
}

enum Piece {
    Bytes(Bytes),
    /// Without it, what came is not all: the file goes.
    End,
}

/// A bundle that comes in.
pub struct Upload {
    pieces: mpsc::Sender<Piece>,
    done: oneshot::Receiver<io::Result<Bundle>>,
}

impl Upload {
    /// Makes `file`, in place of what is there. Nothing is left of it when this is dropped before [`Upload::finish`].
    pub fn begin(file: PathBuf) -> io::Result<Upload> {
        let (pieces, coming) = mpsc::channel(UPDATE_PIECES_MAX);
        let (tell, done) = oneshot::channel();
        let write = move || {
            // Who began it may have gone; then the file goes with the answer.
            let _ = tell.send(write(file, coming));
        };
        let builder = thread::Builder::new().name("upload".into()).stack_size(THREAD_STACK_BYTES);
        builder.spawn(write)?;
        Ok(Upload { pieces, done })
    }

    /// Adds `bytes`; waits while the disk is behind. False when nothing more is taken: [`Upload::finish`] says why.
    pub async fn add(&self, bytes: Bytes) -> bool {
        self.pieces.send(Piece::Bytes(bytes)).await.is_ok()
    }

    /// The whole file, on the disk.
    pub async fn finish(self) -> io::Result<Bundle> {
        let _ = self.pieces.send(Piece::End).await; // a thread that is gone has told why
        self.done
            .await
            .map_err(|_| io::Error::other("the thread that writes the bundle failed"))?
    }
}

fn write(path: PathBuf, mut pieces: mpsc::Receiver<Piece>) -> io::Result<Bundle> {
    let mut file = create(&path)?;
    let bundle = Bundle { path };
    let mut unsynced = 0;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Bytes(bytes)) => {
                file.write_all(&bytes)?;
                unsynced += bytes.len() as u64;
                if unsynced >= UPDATE_SYNC_BYTES {
                    file.sync_data()?;
                    unsynced = 0;
                }
            }
            Some(Piece::End) => {
                file.sync_all()?;
                return Ok(bundle);
            }
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if path.exists() {
        fs::remove_file(path)?; // left over from a power cut, and perhaps RAUC's own by now
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
