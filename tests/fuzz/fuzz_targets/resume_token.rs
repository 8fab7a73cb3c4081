//! A resume token, as a client gives it back: refused, or understood as what would be written for it. As it stands, which the checksum mostly
//! refuses, and with the checksum that belongs to it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lookout::wire::ResumeToken;

fuzz_target!(|input: (&str, [u8; 27])| {
    let (text, body) = input;
    examine(text);
    let bytes = body.iter().copied().chain(crc32fast::hash(&body).to_be_bytes());
    examine(&bytes.map(|byte| format!("{byte:02x}")).collect::<String>());
});

/// What is understood of `text` is the same once it is written and read again.
fn examine(text: &str) {
    let Ok(token) = ResumeToken::read(text) else { return };
    let written = token.write();
    assert_eq!(ResumeToken::read(&written), Ok(token), "{text} became {written}");
}
