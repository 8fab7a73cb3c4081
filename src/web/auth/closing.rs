//! How a WebSocket is told no whose client cannot read an HTTP status, as a page cannot: opened, and closed with a reason.

use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::limits::CLOSE_MS_MAX;
use crate::web::Settings;
use crate::web::session;
use crate::web::socket::Socket;
use crate::web::socket::linger;
use crate::wire::close::Close;

/// Says why, waits for the client to agree for a bounded time, and takes leave.
pub(in crate::web) async fn close(settings: &Settings, socket: Socket, read: Vec<u8>, reason: Close) {
    let config = session::config(settings);
    let mut socket = WebSocketStream::from_partially_read(socket, read, Role::Server, Some(config)).await;
    let frame = CloseFrame {
        code: reason.code.into(),
        reason: reason.reason.into(),
    };
    let handshake = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // One who does not agree in time is hung up on.
    let _ = timeout(Duration::from_millis(CLOSE_MS_MAX), handshake).await;
    linger(socket.get_mut()).await;
}
