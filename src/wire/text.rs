//! An encoded message: its JSON, and the WebSocket frame that carries it, in one allocation that all who send it share.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

/// JSON that is known to be UTF-8, so that no client costs a copy, a check or an encoding of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// The whole frame; `json` is its end.
    frame: Bytes,
    json: Utf8Bytes,
}

impl Text {
    /// One text frame of a server (RFC 6455, section 5.2), ready for a socket: a server's are not masked, and so every
    /// client's is the same.
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// The JSON, as the WebSocket layer takes it.
    pub fn into_json(self) -> Utf8Bytes {
        self.json
    }
}

impl From<&str> for Text {
    fn from(json: &str) -> Text {
        let header = FrameHeader {
            opcode: OpCode::Data(Data::Text),
            ..FrameHeader::default()
        };
        let header_bytes = header.len(json.len() as u64);
        // Not a byte more than is needed: it is kept for a while, and what counts against the ring is its length.
        let mut frame = Vec::with_capacity(header_bytes + json.len());
        header.format(json.len() as u64, &mut frame).expect("a Vec takes every write");
        frame.extend_from_slice(json.as_bytes());
        let frame = Bytes::from(frame);
        let json = Utf8Bytes::try_from(frame.slice(header_bytes..)).expect("it was text before it was copied");
        Text { frame, json }
    }
}

impl From<String> for Text {
    fn from(json: String) -> Text {
        json.as_str().into()
    }
}

impl From<Text> for Bytes {
    /// The bytes of the JSON.
    fn from(text: Text) -> Bytes {
        text.json.into()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.json
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
