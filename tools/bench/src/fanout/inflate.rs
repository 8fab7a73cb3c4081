//! Messages that a server compressed (RFC 7692), made plain again: the frames' payloads one after another, as the readers look for them.

use flate2::Decompress;
use flate2::FlushDecompress;

use super::readers::MESSAGE_BYTES;

/// What ends a message, and is left out on the wire (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Of a frame that is a whole compressed text: FIN, RSV1 and its opcode (RFC 6455, section 5.2).
const COMPRESSED_TEXT: u8 = 0xc1;
const LENGTH_OF_16_BITS: u8 = 126;

/// A client's end: one window for all messages of its connection.
pub(super) struct Inflate {
    /// What came and was not looked at yet.
    pub(super) received: Vec<u8>,
    is_open: bool,
    window: Decompress,
}

impl Default for Inflate {
    fn default() -> Inflate {
        Inflate {
            received: Vec::new(),
            is_open: false,
            window: Decompress::new(false),
        }
    }
}

impl Inflate {
    /// Appends to `plain` what whole frames say.
    pub(super) fn run(&mut self, plain: &mut Vec<u8>) {
        let mut taken = 0;
        if !self.is_open {
            let Some(end) = self.received.windows(4).position(|end| end == b"\r\n\r\n") else {
                return;
            };
            (self.is_open, taken) = (true, end + 4);
        }
        while let Some((first, payload)) = frame(&self.received[taken..]) {
            taken += payload.end;
            if first == COMPRESSED_TEXT {
                let packed = [&self.received[taken - payload.len()..taken], &TAIL].concat();
                plain.reserve(2 * MESSAGE_BYTES);
                let done = self.window.decompress_vec(&packed, plain, FlushDecompress::Sync);
                done.expect("a server that compresses as it said");
            }
        }
        self.received.drain(..taken);
    }
}

/// First byte of a frame that has come whole, and where its payload lies. Servers do not mask, and no message is longer than 16 bits say.
fn frame(bytes: &[u8]) -> Option<(u8, std::ops::Range<usize>)> {
    let (first, length) = (*bytes.first()?, *bytes.get(1)?);
    let payload = match length {
        LENGTH_OF_16_BITS => 4..4 + usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        short => 2..2 + usize::from(short),
    };
    (payload.end <= bytes.len()).then_some((first, payload))
}
