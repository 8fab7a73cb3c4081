//! Bytes that are written as hexadecimal digits: ids, keys and hashes.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use super::IdentityError;

/// What tells one session or token from another, 128 random bits; no secret.
pub type Id = Hex<16>;

/// So many bytes. `Debug` shows none of them, as most are secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Hex<N> {
    /// Bytes that nobody can guess.
    pub(super) fn random() -> Result<Hex<N>, IdentityError> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(IdentityError::Random)?;
        Ok(Hex(bytes))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is not so many bytes in lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not hexadecimal digits of the right number")]
pub struct NotHex;

impl<const N: usize> FromStr for Hex<N> {
    type Err = NotHex;
    fn from_str(text: &str) -> Result<Hex<N>, NotHex> {
        let mut bytes = [0; N];
        if text.len() != 2 * N {
            return Err(NotHex);
        }
        HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).map_err(|_| NotHex)?;
        Ok(Hex(bytes))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hex<N>, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
