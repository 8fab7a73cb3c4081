//! What a client says over its WebSocket: understood, or complained of in a message that fits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lookout::clock::Timestamp;
use lookout::limits::MESSAGE_BYTES_MAX;
use lookout::wire;
use lookout::wire::ClientMessage;
use lookout::wire::server::ErrorMessage;

/// Longest message that a client may send, unless the configuration says otherwise.
const CLIENT_MESSAGE_BYTES_MAX: usize = 4096;

fuzz_target!(|text: &str| {
    if text.len() > CLIENT_MESSAGE_BYTES_MAX {
        return;
    }
    if let Err(error) = ClientMessage::parse(text) {
        let complaint = ErrorMessage {
            message: &error.to_string(),
            known_types: ClientMessage::TYPES,
        };
        let bytes = wire::encode(Timestamp(0), &complaint).len();
        assert!(bytes <= MESSAGE_BYTES_MAX, "a complaint of {bytes} bytes");
    }
});
