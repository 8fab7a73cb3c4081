//! Waiting for what a device does, and clients who make it wait.

use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::SystemClock;
use tokio::net::TcpSocket;

use super::Device;
use super::PATIENCE;
use super::Stream;

/// Waits until `done`, for a bounded time.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let clock = SystemClock::default();
    let deadline = clock.now() + PATIENCE;
    while !done() {
        assert!(clock.now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
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
