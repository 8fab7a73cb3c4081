//! What 802.11 calls a name, a passphrase, a key and a country; and the key that a passphrase stands for.

use std::num::NonZeroU32;

use data_encoding::HEXLOWER;
use ring::pbkdf2;

use crate::limits::SSID_BYTES_MAX;

/// IEEE 802.11, annex J.4.1.
const ROUNDS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
const KEY_BYTES: usize = 32;

/// Whether it is a network's name, as a person may write one.
pub fn is_ssid(ssid: &str) -> bool {
    (1..=SSID_BYTES_MAX).contains(&ssid.len()) && !ssid.contains(char::is_control)
}

/// IEEE 802.11, annex J.4: whether it is a passphrase of printable ASCII.
pub fn is_passphrase(text: &str) -> bool {
    (8..=63).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Whether it is the key itself.
pub fn is_key(text: &str) -> bool {
    text.len() == 2 * KEY_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a network can be joined with it.
pub fn is_secret(text: &str) -> bool {
    is_passphrase(text) || is_key(text)
}

/// ISO 3166-1: whether it has the form of a country.
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The key of a network with this name and passphrase, in hexadecimal digits: PBKDF2 with HMAC-SHA1, 4096 rounds.
pub fn key(ssid: &str, passphrase: &str) -> String {
    let mut key = [0; KEY_BYTES];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, ssid.as_bytes(), passphrase.as_bytes(), &mut key);
    HEXLOWER.encode(&key)
}
