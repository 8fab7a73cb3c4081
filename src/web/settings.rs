//! What a user may set of the server.

use std::fmt;
use std::net::AddrParseError;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::CorsOrigin;
use super::TlsSettings;
use crate::identity::Auth;
use crate::limits::HTTP_BUFFER_BYTES;
use crate::limits::HTTP_HEADERS_MAX;

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
    /// Longest time to send a request's header; as long again for a small body.
    pub header_time_max: Duration,
    /// Longest time from an answer to the next request of the same connection.
    pub idle_max: Duration,
    /// Longest header of a request, in bytes. Longer: 431.
    pub header_bytes_max: usize,
    /// Header fields of a request. More: 431.
    pub header_fields_max: usize,
    /// Most clients at once from one address (with IPv6, one network of 64 bits). More: 429 and Retry-After.
    pub clients_per_address_max: usize,
    /// Connections a second from one address, after a pause [`RATE_BURST_S`](crate::limits::RATE_BURST_S) seconds' worth at
    /// once. Faster: 429 and Retry-After.
    pub connect_rate: u32,
    /// Connections a second from all addresses together, likewise.
    pub connect_rate_total: u32,
    /// Messages a second from one stream, likewise; pings and pongs count. Faster: closed with 1008.
    pub client_message_rate: u32,
    /// Whose pages may use the API beside our own.
    pub cors_origin: CorsOrigin,
    /// Who may connect.
    pub auth: Auth,
    /// Most streams of one user at once; those without a name (no password asked) are not told apart. Full: 429, or closed with 1008.
    pub user_connections_max: usize,
    /// What is spoken below HTTP.
    pub tls: TlsSettings,
    /// Where plain HTTP is sent on to TLS, if anywhere.
    pub redirect: Redirect,
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
            idle_max: Duration::from_secs(10),
            header_bytes_max: HTTP_BUFFER_BYTES,
            header_fields_max: HTTP_HEADERS_MAX,
            clients_per_address_max: 32,
            connect_rate: 200,
            connect_rate_total: 400,
            client_message_rate: 20,
            cors_origin: CorsOrigin::default(),
            auth: Auth::default(),
            user_connections_max: 5,
            tls: TlsSettings::default(),
            redirect: Redirect::default(),
        }
    }
}

/// Where plain HTTP is sent on from: an address and a port, or nowhere, which is written as nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redirect(pub Option<SocketAddr>);

impl FromStr for Redirect {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Redirect, AddrParseError> {
        Ok(Redirect(if text.is_empty() { None } else { Some(text.parse()?) }))
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |address| address.fmt(f))
    }
}
