//! A WebSocket that says back what it is told, on the layer and with the sizes of the service's own: what `tools/autobahn`
//! examines. Limits of length alone are raised to what that needs.

use std::io;

use futures_util::SinkExt;
use futures_util::StreamExt;
use lookout::web;
use lookout::web::Settings;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

/// Longest message of the examination.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

fn main() -> io::Result<()> {
    web::runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(echo(stream));
        }
    })
}

/// Until the client leaves or is sent away, which for many cases is how they should end.
async fn echo(stream: TcpStream) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let settings = Settings {
        client_message_bytes_max: MESSAGE_BYTES_MAX,
        ..Settings::default()
    };
    let config = web::websocket_config(&settings).max_write_buffer_size(2 * MESSAGE_BYTES_MAX);
    let mut socket = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
