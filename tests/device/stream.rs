//! A WebSocket client of the device.

use futures_util::SinkExt;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;

use super::Device;
use super::PATIENCE;

/// A WebSocket client.
pub struct Stream(pub WebSocketStream<tokio::net::TcpStream>);

impl Stream {
    /// The next frame, whatever it is; `None` at the end.
    pub async fn frame(&mut self) -> Option<Result<tungstenite::Message, tungstenite::Error>> {
        tokio::time::timeout(PATIENCE, self.0.next())
            .await
            .expect("something from the server")
    }

    /// The next message.
    pub async fn message(&mut self) -> Value {
        loop {
            match self.frame().await {
                Some(Ok(tungstenite::Message::Text(text))) => {
                    assert!(!text.contains('\n'), "one line: {text}");
                    return serde_json::from_str(&text).unwrap();
                }
                Some(Ok(tungstenite::Message::Ping(_))) => {}
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    /// The next message that is not a ping.
    pub async fn news(&mut self) -> Value {
        loop {
            let message = self.message().await;
            if message["type"] != "ping" {
                return message;
            }
        }
    }

    /// Asks to be told of `kinds`, too.
    pub async fn ask_for(&mut self, kinds: &[&str]) {
        let wish = serde_json::json!({ "type": "subscribe", "event_types": kinds }).to_string();
        self.0.send(wish.into()).await.unwrap();
    }

    /// The same, and waits until it holds.
    pub async fn subscribe(&mut self, kinds: &[&str]) {
        self.ask_for(kinds).await;
        while self.news().await["type"] != "subscription.confirmed" {}
    }

    /// Close code and reason, passing over what comes before.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Some(Ok(tungstenite::Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }
}

/// A client whose kernel takes little, so that it stalls soon.
pub async fn open_narrow(device: &Device) -> Stream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let stream = socket.connect(device.address).await.unwrap();
    let url = format!("ws://{}/ws/events", device.address);
    Stream(tokio_tungstenite::client_async(url, stream).await.unwrap().0)
}
