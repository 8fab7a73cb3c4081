//! Lines of JSON over a socket between the service and who looks after the network, none longer than [`NETWORK_LINE_BYTES_MAX`].

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::net::unix::OwnedWriteHalf;

use crate::limits::NETWORK_LINE_BYTES_MAX;

/// One end that hears.
pub(super) struct Ear {
    socket: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
}

/// One end that speaks.
pub(super) struct Mouth(OwnedWriteHalf);

/// Both ends of this side.
pub(super) fn of(stream: UnixStream) -> (Ear, Mouth) {
    let (ear, mouth) = stream.into_split();
    let socket = BufReader::with_capacity(1024, ear);
    (Ear { socket, line: Vec::new() }, Mouth(mouth))
}

impl Ear {
    /// The next line; `None` once the other side is gone. Dropped half-way, it loses nothing.
    pub(super) async fn hear<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let room = NETWORK_LINE_BYTES_MAX.saturating_sub(self.line.len());
        (&mut self.socket).take(room as u64).read_until(b'\n', &mut self.line).await?;
        if self.line.last() != Some(&b'\n') {
            let cut = self.line.len() >= NETWORK_LINE_BYTES_MAX;
            return if cut {
                Err(io::Error::other("a line is too long"))
            } else {
                Ok(None)
            };
        }
        let understood = serde_json::from_slice(&self.line);
        self.line.clear();
        understood.map(Some).map_err(io::Error::from)
    }
}

impl Mouth {
    /// Says it.
    pub(super) async fn say<T: Serialize>(&mut self, what: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        self.0.write_all(&line).await
    }
}
