//! Passwords: which may be one, and Argon2id (RFC 9106) over them.

use argon2::Algorithm;
use argon2::Argon2;
use argon2::Params;
use argon2::Version;
use serde::Deserialize;
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::IdentityError;
use super::hex::Hex;
use crate::limits::ARGON2_MEMORY_KIB;
use crate::limits::ARGON2_PASSES;
use crate::limits::PASSWORD_BYTES_MAX;
use crate::limits::PASSWORD_BYTES_MIN;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has {PASSWORD_BYTES_MIN} to {PASSWORD_BYTES_MAX} bytes")]
    Length,
    /// It is not the right one.
    #[error("the password is not right")]
    Wrong,
}

/// What is kept of a password. The costs are kept with it, so that a later release can raise them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    salt: Hex<16>,
    hash: Hex<32>,
}

impl PasswordHash {
    /// Slow, and takes [`ARGON2_MEMORY_KIB`] while it runs.
    pub(super) fn new(password: &str) -> Result<PasswordHash, IdentityError> {
        check_length(password)?;
        let mut made = PasswordHash::nobodys();
        made.salt = Hex::random()?;
        made.hash = made.compute(password);
        Ok(made)
    }

    /// That of no password: for a device without one, so that asking takes as long as elsewhere.
    pub(super) const fn nobodys() -> PasswordHash {
        PasswordHash {
            memory_kib: ARGON2_MEMORY_KIB,
            passes: ARGON2_PASSES,
            salt: Hex([0; 16]),
            hash: Hex([0; 32]),
        }
    }

    /// Whether it is of `password`. Slow, and takes as much memory as `new`.
    pub(super) fn matches(&self, password: &str) -> bool {
        // An impossible length is told by the sender's own words; it costs no computing.
        check_length(password).is_ok() && self.compute(password).0.ct_eq(&self.hash.0).into()
    }

    /// Whether the costs are ones that we can pay.
    pub(super) fn is_payable(&self) -> bool {
        let memory = 8..=ARGON2_MEMORY_KIB;
        let passes = 1..=16 * ARGON2_PASSES;
        memory.contains(&self.memory_kib) && passes.contains(&self.passes)
    }

    fn compute(&self, password: &str) -> Hex<32> {
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).expect("costs are checked when they are read");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hash = [0; 32];
        let done = argon2.hash_password_into(password.as_bytes(), &self.salt.0, &mut hash);
        done.expect("lengths of password, salt and hash are those that Argon2 takes");
        Hex(hash)
    }
}

fn check_length(password: &str) -> Result<(), PasswordError> {
    let fits = (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&password.len());
    if fits { Ok(()) } else { Err(PasswordError::Length) }
}
