//! What a client says may be as long as is allowed; a complaint about it is a message like every other, and fits.

use lookout::clock::Timestamp;
use lookout::limits::MESSAGE_BYTES_MAX;
use lookout::web::Settings;
use lookout::wire;
use lookout::wire::ClientMessage;
use lookout::wire::server::ErrorMessage;

/// Bytes of the complaint about `text`.
fn complaint_bytes(text: &str) -> usize {
    let error = ClientMessage::parse(text).expect_err("not understood");
    let complaint = ErrorMessage {
        message: &error.to_string(),
        known_types: ClientMessage::TYPES,
    };
    wire::encode(Timestamp(0), &complaint).len()
}

#[test]
fn a_complaint_about_the_longest_message_fits() {
    let longest = Settings::default().client_message_bytes_max;
    // Invisible characters are the dearest: three bytes as they come, ten as they are quoted.
    for character in ["x", "\\\"", "\u{200b}"] {
        for (head, tail) in [("{\"type\":\"resume\",\"since\":\"", "\"}"), ("{\"type\":\"", "\"}"), ("", "")] {
            let room = (longest - head.len() - tail.len()) / character.len();
            let bytes = complaint_bytes(&format!("{head}{}{tail}", character.repeat(room)));
            assert!(bytes <= MESSAGE_BYTES_MAX, "{bytes} bytes about {head}{character}...");
        }
    }
}
