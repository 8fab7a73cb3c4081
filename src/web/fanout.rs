//! What is published, straight from the ring into every socket that has room: one loop over those who are connected, which
//! waits for none of them. Whoever needs more than a write (TLS, a full socket, a lag to be told of) is left to its own
//! session, and so is everything that a client says.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use bytes::Bytes;
use heapless::Vec;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::hub::Cursor;
use crate::hub::Next;
use crate::limits::BATCH_MESSAGES_MAX;
use crate::limits::FANOUT_BATCHES_MAX;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::limits::SOCKET_SEND_BYTES;

/// Most bytes of a batch that the kernel did not take and that wait for the session: one less than makes it full, and a frame.
pub(super) const REST_BYTES_MAX: usize = SOCKET_SEND_BYTES + MESSAGE_BYTES_MAX + 4;

/// A stream, as its session and the loop share it.
#[derive(Debug)]
pub(super) struct Subscriber {
    /// Where a frame goes as it is; none under TLS.
    socket: Option<Arc<TcpStream>>,
    desk: Mutex<Desk>,
    called: Notify,
}

/// What only one of the two works at, at a time.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) cursor: Cursor,
    /// What the loop could not finish.
    left: Left,
    /// The session waits, and every byte of its own is out: the loop may write.
    is_free: bool,
}

/// What the loop leaves to the session, to be sent in this order.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The end of a batch; may begin inside a frame.
    pub(super) rest: Bytes,
    /// Messages lagged after that.
    pub(super) missed: u64,
}

/// The session's absence from its desk; dropped, it is back.
struct Away<'a>(&'a Subscriber);

impl Subscriber {
    pub(super) fn new(cursor: Cursor, socket: Option<Arc<TcpStream>>) -> Subscriber {
        Subscriber {
            socket,
            desk: Mutex::new(Desk {
                cursor,
                left: Left::default(),
                is_free: false,
            }),
            called: Notify::new(),
        }
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Leaves the stream to the loop until there is something that only its session can do. Nothing of the session's own
    /// may wait to be sent. Dropped half-way it loses nothing.
    pub(super) async fn needs_session(&self) {
        let waiting = {
            let mut desk = self.desk();
            // What was published while the session was busy, the loop has passed by.
            desk.is_free = desk.left.is_nothing() && !desk.cursor.has_news();
            desk.is_free
        };
        if waiting {
            let _away = Away(self);
            self.called.notified().await;
        }
    }

    /// Sends what is new, as far as that goes without waiting.
    pub(super) fn deliver(&self) {
        let mut desk = self.desk();
        if !desk.is_free {
            return;
        }
        match &self.socket {
            Some(socket) => {
                let more = (0..FANOUT_BATCHES_MAX).all(|_| desk.send_batch(socket));
                desk.is_free &= !more; // one who is told of more than the ring holds is not to keep the others waiting
            }
            None => desk.is_free = !desk.cursor.has_news(),
        }
        if !desk.is_free {
            self.called.notify_one();
        }
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.desk().is_free = false;
    }
}

impl Desk {
    /// What the loop left, once.
    pub(super) fn take_left(&mut self) -> Left {
        std::mem::take(&mut self.left)
    }

    /// Sends a batch in one write. Whether there may be more to do.
    fn send_batch(&mut self, socket: &TcpStream) -> bool {
        let (mut frames, mut bytes) = (Vec::<Bytes, BATCH_MESSAGES_MAX>::new(), 0);
        while !frames.is_full() && bytes < SOCKET_SEND_BYTES {
            match self.cursor.try_next() {
                Next::Message(message) => {
                    bytes += message.text.frame().len();
                    let fits = frames.push(message.text.frame().clone());
                    debug_assert!(fits.is_ok(), "there was room");
                }
                Next::Lagged(missed) => {
                    self.left.missed = missed;
                    break;
                }
                Next::Empty => break,
            }
        }
        self.left.rest = write(socket, &frames, bytes);
        self.is_free = self.left.is_nothing();
        self.is_free && (frames.is_full() || bytes >= SOCKET_SEND_BYTES)
    }
}

impl Left {
    fn is_nothing(&self) -> bool {
        self.rest.is_empty() && self.missed == 0
    }
}

/// Writes what the kernel takes of `frames`, `bytes` long together; gives what it does not. An error is for the session,
/// which meets it at its own next write.
fn write(socket: &TcpStream, frames: &[Bytes], bytes: usize) -> Bytes {
    let written = match frames {
        [] => return Bytes::new(),
        [frame] => socket.try_write(frame),
        frames => {
            let parts: Vec<IoSlice<'_>, BATCH_MESSAGES_MAX> = frames.iter().map(|frame| IoSlice::new(frame)).collect();
            socket.try_write_vectored(&parts)
        }
    };
    match (written.unwrap_or(0), frames) {
        (written, _) if written == bytes => Bytes::new(),
        (written, [frame]) => frame.slice(written..),
        (written, frames) => Bytes::from(frames.concat()).slice(written..),
    }
}
