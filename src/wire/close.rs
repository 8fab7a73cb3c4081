//! Why the server closes a WebSocket: code and reason of the close frame. Codes are those of RFC 6455, section 7.4.
//!
//! | code | when | counted as |
//! | --- | --- | --- |
//! | 1002, 1007, 1009 | the client broke the protocol, sent text that is not UTF-8, or too much of it | - |
//! | 1011 | two heartbeats without any sign of life | `silent` |
//! | 1012 | the server goes away; `system.reconnect` before it says when to come back | - |
//! | none: a reset | what waits for the client filled the kernel's buffer and ours, and none of it was taken in `client_stall_max`; no frame could reach it | `evicted` |
//!
//! A client that reads, but too slowly, is not closed: it is told `lagged`.

/// A close code and the words that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// Code of RFC 6455.
    pub code: u16,
    /// What a person reads; at most 123 bytes.
    pub reason: &'static str,
}

/// The client broke the protocol (unmasked frame, reserved bit, bad opcode).
pub const PROTOCOL: Close = Close::new(1002, "protocol error");
/// A text message that is not UTF-8.
pub const NOT_UTF8: Close = Close::new(1007, "text is not UTF-8");
/// The zones that it asked for have changed; its token is for a newer subscription.
pub const REZONED: Close = Close::new(1012, "the zones have changed, come back");
/// Messages that come too fast.
pub const TOO_FAST: Close = Close::new(1008, "messages come too fast");
/// Neither a token nor a session that holds.
pub const UNKNOWN: Close = Close::new(1008, "not let in: no valid token or session");
/// The user has as many connections as one may have.
pub const TOO_MANY: Close = Close::new(1008, "too many connections of this user");
/// A message longer than the server takes.
pub const TOO_LONG: Close = Close::new(1009, "message too long");
/// Neither message nor pong for two heartbeats.
pub const SILENT: Close = Close::new(1011, "no sign of life for two heartbeats");
/// The server stops or restarts.
pub const RESTART: Close = Close::new(1012, "server goes away, come back");

impl Close {
    const fn new(code: u16, reason: &'static str) -> Close {
        assert!(reason.len() <= 123, "a control frame holds 125 bytes");
        Close { code, reason }
    }
}
