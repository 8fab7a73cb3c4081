//! How a session ends: by whom, what the client is told of it, and what is counted.

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::Session;
use crate::limits::CLOSE_MS_MAX;
use crate::limits::RETRY_AFTER_S;
use crate::web::counters::count;
use crate::web::socket::linger;
use crate::wire::close;
use crate::wire::close::Close;
use crate::wire::server::Reconnect;

/// Why a session is over.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed it.
    Left,
    /// The connection broke.
    Lost(Error),
    /// The client does not read.
    Stalled,
    /// The server closes it.
    Closed(Close),
}

impl From<Error> for End {
    fn from(error: Error) -> End {
        match error {
            Error::Io(error) if error.kind() == ErrorKind::TimedOut => End::Stalled,
            Error::Capacity(_) => End::Closed(close::TOO_LONG),
            Error::Utf8(_) => End::Closed(close::NOT_UTF8),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Lost(error),
            Error::Protocol(_) => End::Closed(close::PROTOCOL),
            error => End::Lost(error),
        }
    }
}

impl Session<'_> {
    pub(super) async fn finish(&mut self, end: End) {
        match end {
            End::Left => tracing::info!("stream closed by the client"),
            End::Lost(error) => tracing::info!(%error, "stream lost"),
            End::Stalled => {
                count(&self.server.counters.evicted);
                tracing::warn!("stream dropped: the client does not read");
                return self.socket.get_ref().reset();
            }
            End::Closed(reason) => {
                tracing::info!(code = reason.code, reason = reason.reason, "stream closed");
                self.close(reason).await;
            }
        }
        linger(self.socket.get_mut()).await;
    }

    /// Says why, and waits for the client to agree, for a bounded time.
    async fn close(&mut self, reason: Close) {
        if reason == close::SILENT {
            count(&self.server.counters.silent);
        }
        let handshake = async {
            if reason == close::RESTART {
                self.feed(&Reconnect {
                    retry_after_ms: RETRY_AFTER_S * 1000,
                })
                .await?;
            }
            let frame = CloseFrame {
                code: reason.code.into(),
                reason: reason.reason.into(),
            };
            self.socket.send(Message::Close(Some(frame))).await?;
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<(), End>(())
        };
        // One who does not agree in time is hung up on.
        let _ = timeout(Duration::from_millis(CLOSE_MS_MAX), handshake).await;
    }
}
