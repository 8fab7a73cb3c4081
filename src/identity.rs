//! Who may do what: the device's one account, its password, the browsers that are logged in, the tokens of programs.
//!
//! [`Accounts`] is all of it. What says "yes" or "no" at once may be asked from the sockets' thread; what computes from a
//! password or writes to the disk says so, and belongs on a thread that may wait. How credentials travel is the matter of
//! `web/auth.rs`.
//!
//! A machine without a battery-backed clock does not know the time after a power cut. While the clock is not known good,
//! nothing expires; what is made in the meantime counts its lifetime from the moment at which the clock is set right. What a
//! good clock has seen expire is gone for good.

mod accounts;
mod book;
pub(crate) mod file;
mod hex;
mod password;
mod throttle;
mod token;

pub use accounts::Accounts;
pub use accounts::NewSession;
pub use accounts::NewToken;
pub use book::SessionInfo;
pub use book::TokenInfo;
pub use hex::Id;
pub use password::PasswordError;
pub use throttle::Throttle;
pub use token::Claims;
pub use token::SigningKey;
pub use token::TokenError;

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::limits::ARGON2_MEMORY_KIB;
use crate::limits::IDENTITY_BYTES_MAX;
use crate::limits::LOGIN_ADDRESSES_MAX;
use crate::limits::NAME_BYTES_MAX;
use crate::limits::TOKENS_MAX;

/// Who may connect, as `web.auth` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Programs on this machine, without a password.
    #[default]
    Loopback,
    /// Who has the password or a token.
    Password,
    /// Whoever reaches the port, without a password.
    None,
}

/// What one may do; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look: events, pictures, state, streams.
    Read,
    /// Act: arm, disarm, make an event.
    Control,
    /// Decide who else may: passwords, tokens, sessions, settings.
    Admin,
}

impl Scope {
    /// This one and all that it includes, as a token carries them (RFC 8693, section 4.2).
    pub const fn words(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Control => "read control",
            Scope::Admin => "read control admin",
        }
    }

    /// Its own name.
    pub const fn word(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Control => "control",
            Scope::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The name of a user: `admin`, or that of a token.
pub type UserName = heapless::String<NAME_BYTES_MAX>;

/// The name of the device's one account.
pub const ADMIN: &str = "admin";

/// Someone who asks for something, and was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What it may do.
    pub scope: Scope,
    /// How it was recognised.
    pub credential: Credential,
}

/// How someone was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Not at all: `web.auth` lets in who reaches the port.
    Open,
    /// As a browser that logged in.
    Session(Id),
    /// As a program with a token.
    Token {
        /// Which.
        id: Id,
        /// What it is called.
        name: UserName,
    },
}

impl Caller {
    /// One who needs no credentials.
    pub const fn open() -> Caller {
        Caller {
            scope: Scope::Admin,
            credential: Credential::Open,
        }
    }

    /// As whom it counts; `None` where nobody is told apart from another.
    pub fn user(&self) -> Option<&str> {
        match &self.credential {
            Credential::Open => None,
            Credential::Session(_) => Some(ADMIN),
            Credential::Token { name, .. } => Some(name),
        }
    }
}

/// Why something about identities cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("{}: {cause}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is not what was written. Only someone at the device can decide to begin anew, by removing it.
    #[error("{}: damaged ({why}); remove it to claim the device anew, which ends every session and token", .file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another process has it.
    #[error("{}: in use by another process; stop the service first", .0.display())]
    InUse(PathBuf),
    /// The password cannot be one, or is not the right one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The device has a password already.
    #[error("the device is claimed already")]
    Claimed,
    /// All places for tokens are taken.
    #[error("there are {TOKENS_MAX} tokens; revoke one first")]
    TokensFull,
    /// Another token has that name.
    #[error("there is a token of that name")]
    NameTaken,
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

/// Most bytes held: Argon2id's memory while a password is checked, and the accounts, thrice while they are written.
pub const fn footprint() -> usize {
    const ENTRY_BYTES: usize = 48;
    ARGON2_MEMORY_KIB as usize * 1024 + IDENTITY_BYTES_MAX as usize + LOGIN_ADDRESSES_MAX * ENTRY_BYTES
}
