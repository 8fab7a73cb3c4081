//! What a client may say, parsed once into [`ClientMessage`].

use std::borrow::Cow;

use serde::Deserialize;

/// Characters of an unknown type that are quoted back.
const QUOTED_CHARS_MAX: usize = 40;

/// A message from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// To be answered with `pong`.
    Ping,
    /// The answer to a `ping`.
    Pong,
    /// Send again what followed `since`, then go on live.
    Resume {
        /// Sequence number of the last message that the client has; 0 for all that is kept.
        since: u64,
    },
}

impl ClientMessage {
    /// Every type understood.
    pub const TYPES: &'static [&'static str] = &["ping", "pong", "resume"];

    /// Reads one message; fields that are not known are ignored.
    pub fn parse(text: &str) -> Result<ClientMessage, ClientError> {
        let Tag { kind } = read(text)?;
        match &*kind {
            "ping" => Ok(ClientMessage::Ping),
            "pong" => Ok(ClientMessage::Pong),
            "resume" => read(text).map(|Resume { since }| ClientMessage::Resume { since }),
            _ => Err(ClientError::UnknownType(kind.chars().take(QUOTED_CHARS_MAX).collect())),
        }
    }
}

/// Why a client's message was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Not JSON, not an object with a `type`, or a field missing or of the wrong kind.
    #[error("not understood: {0}")]
    Malformed(String),
    /// A type that there is not (yet).
    #[error("unknown type \"{0}\"")]
    UnknownType(String),
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Resume {
    since: u64,
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ClientError> {
    /// Characters of the reason, which quotes what the client sent.
    const REASON_CHARS_MAX: usize = 200;
    serde_json::from_str(text).map_err(|error| ClientError::Malformed(error.to_string().chars().take(REASON_CHARS_MAX).collect()))
}
