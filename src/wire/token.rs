//! The resume token: where a client is and what it wants, in a word that the client keeps for the server, so that the
//! server needs to remember nobody. It is checked for damage, not for origin: it grants nothing that `since` and
//! `subscribe` do not.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version of this layout |
//! | 4 | which store, by the CRC-32 of its id |
//! | 8 | sequence number of the last durable message that the client has |
//! | 4 | topics, a bit each |
//! | 1 | camera by its place, or 255 |
//! | 3 | whether zones are asked for, and which |
//! | 2 | least score, or 65535 |
//! | 4 | the names that places stood for, see [`Names::fingerprint`] |
//! | 4 | CRC-32 of all before |
//!
//! Numbers are big-endian, the whole written in hexadecimal digits. A server that finds another version, or other names,
//! says so and gives more rather than less.

use super::Topics;
use super::filter::Filter;
use super::filter::Names;
use crate::motion::Score;
use crate::motion::ZoneSet;

const VERSION: u8 = 1;
const BODY_BYTES: usize = 27;
const BYTES: usize = BODY_BYTES + 4;
const NO_CAMERA: u8 = u8::MAX;
const NO_SCORE: u16 = u16::MAX;

/// A token as it is written.
pub type TokenText = heapless::String<{ 2 * BYTES }>;

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeToken {
    /// Which store `seq` counts in: see [`store_mark`].
    pub store: u32,
    /// Sequence number of the last durable message that the client has.
    pub seq: u64,
    /// What the client wanted.
    pub filter: Filter,
    /// What the places in `filter` stood for.
    pub names: u32,
}

/// Why a token says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not of this form, or not as it was given out.
    #[error("the resume token is damaged")]
    Damaged,
    /// Given out by a service of another version.
    #[error("the resume token is of version {0}, not {VERSION}")]
    Version(u8),
}

/// What stands for a store in a token.
pub fn store_mark(store_id: &str) -> u32 {
    crc32fast::hash(store_id.as_bytes())
}

impl ResumeToken {
    /// The token as it is given out.
    pub fn write(&self) -> TokenText {
        let mut bytes = [0; BYTES];
        let camera = self.filter.camera.unwrap_or(NO_CAMERA);
        let zones = self.filter.zones.unwrap_or_default().0.to_be_bytes();
        let score = self.filter.min_score.map_or(NO_SCORE, |score| score.0);
        bytes[0] = VERSION;
        bytes[1..5].copy_from_slice(&self.store.to_be_bytes());
        bytes[5..13].copy_from_slice(&self.seq.to_be_bytes());
        bytes[13..17].copy_from_slice(&self.filter.topics.bits().to_be_bytes());
        bytes[17..21].copy_from_slice(&[camera, u8::from(self.filter.zones.is_some()), zones[0], zones[1]]);
        bytes[21..23].copy_from_slice(&score.to_be_bytes());
        bytes[23..BODY_BYTES].copy_from_slice(&self.names.to_be_bytes());
        let check = crc32fast::hash(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(&check.to_be_bytes());
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
    }

    /// Reads a token that was given out.
    pub fn read(text: &str) -> Result<ResumeToken, TokenError> {
        let bytes = unhex(text).ok_or(TokenError::Damaged)?;
        let (body, check) = bytes.split_at(BODY_BYTES);
        if check != crc32fast::hash(body).to_be_bytes() {
            return Err(TokenError::Damaged);
        }
        if body[0] != VERSION {
            return Err(TokenError::Version(body[0]));
        }
        let filter = Filter {
            topics: Topics::from_bits(word(&body[13..17])),
            camera: Some(body[17]).filter(|camera| *camera != NO_CAMERA),
            zones: (body[18] != 0).then_some(ZoneSet(word(&body[19..21]) as u16)),
            min_score: Some(word(&body[21..23]) as u16).filter(|score| *score != NO_SCORE).map(Score),
        };
        Ok(ResumeToken {
            store: word(&body[1..5]),
            seq: u64::from(word(&body[5..9])) << 32 | u64::from(word(&body[9..13])),
            filter,
            names: word(&body[23..]),
        })
    }

    /// The same from behind `since`, if that is known: a token is as old as the message that it came with.
    pub fn at(self, since: Option<u64>) -> ResumeToken {
        ResumeToken {
            seq: since.unwrap_or(self.seq),
            ..self
        }
    }

    /// What the client wanted, in terms of `names`: conditions whose names are others now are gone.
    pub fn filter_for(&self, names: &Names) -> Filter {
        if self.names == names.fingerprint() {
            return self.filter;
        }
        Filter {
            camera: None,
            zones: None,
            ..self.filter
        }
    }
}

/// Up to four bytes as a number.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn unhex(text: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    if text.len() != 2 * BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).filter(|_| !pair[at].is_ascii_uppercase());
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(bytes)
}
