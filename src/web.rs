//! Everything that has a socket: listener, admission, REST, WebSocket sessions, dashboard.

use std::net::SocketAddr;
use std::time::Duration;

/// What a user may set of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Most clients at once, HTTP and WebSocket together. Full: 503 and Retry-After.
    pub clients_max: usize,
    /// Longest message from a client, in bytes. Longer: closed with 1009.
    pub client_message_bytes_max: usize,
    /// Time between two heartbeats; a client silent for two of them is closed.
    pub heartbeat: Duration,
    /// Longest time that a client may leave bytes unread before it is closed.
    pub client_stall_max: Duration,
    /// Longest time to send a request's header.
    pub header_time_max: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            clients_max: 32,
            client_message_bytes_max: 4096,
            heartbeat: Duration::from_secs(30),
            client_stall_max: Duration::from_secs(20),
            header_time_max: Duration::from_secs(10),
        }
    }
}
