//! What is known of the account, its sessions and its tokens; and for how long each holds.

use ring::digest;
use serde::Deserialize;
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::IdentityError;
use super::Scope;
use super::UserName;
use super::hex::Hex;
use super::hex::Id;
use super::password::PasswordHash;
use crate::clock::Timestamp;
use crate::clock::Wall;
use crate::limits::LAST_USED_GRAIN_S;
use crate::limits::SESSION_IDLE_S;
use crate::limits::SESSION_S_MAX;
use crate::limits::SESSIONS_MAX;
use crate::limits::TOKENS_MAX;

/// The form of the file.
const VERSION: u32 = 1;

/// All of it, as it is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Book {
    version: u32,
    /// What tokens are signed with.
    pub(super) key: Hex<32>,
    /// None until the device is claimed.
    pub(super) password: Option<PasswordHash>,
    pub(super) sessions: Vec<Session>,
    pub(super) tokens: Vec<Token>,
}

/// A browser that is logged in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    pub(super) id: Id,
    /// SHA-256 of what the browser shows: who reads the file is not logged in by that.
    proof: Hex<32>,
    span: Span,
    used_s: Option<i64>,
}

/// A program's token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub(super) id: Id,
    pub(super) name: UserName,
    pub(super) scope: Scope,
    pub(super) span: Span,
    used_s: Option<i64>,
}

/// From when, and for how long, something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    /// Seconds since 1970; none until the clock is known good.
    pub(super) began_s: Option<i64>,
    /// None: for ever.
    lifetime_s: Option<u64>,
}

/// A session, for who manages them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct SessionInfo {
    /// Which.
    #[schemars(with = "String")]
    pub id: Id,
    /// When it began; none while the clock is not known good.
    pub created: Option<Timestamp>,
    /// When it ends at the latest; likewise.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used: Option<Timestamp>,
}

/// A token, for who manages them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct TokenInfo {
    /// Which.
    #[schemars(with = "String")]
    pub id: Id,
    /// What it is called.
    #[schemars(with = "String")]
    pub name: UserName,
    /// What it may do.
    pub scope: Scope,
    /// When it was made; none while the clock is not known good.
    pub created: Option<Timestamp>,
    /// When it ends; none if it does not, or while the clock is not known good.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used: Option<Timestamp>,
}

impl Span {
    pub(super) fn new(wall: Wall, lifetime_s: Option<u64>) -> Span {
        let began_s = wall.synced.then(|| seconds(wall));
        Span { began_s, lifetime_s }
    }

    /// Seconds since 1970 at which it ends.
    pub(super) fn ends_s(&self) -> Option<i64> {
        Some(self.began_s?.saturating_add_unsigned(self.lifetime_s?))
    }

    fn is_over(&self, wall: Wall) -> bool {
        wall.synced && self.ends_s().is_some_and(|end| end <= seconds(wall))
    }

    fn settle(&mut self, wall: Wall) {
        if wall.synced {
            self.began_s.get_or_insert(seconds(wall));
        }
    }
}

impl Book {
    /// Of a device that nobody has claimed.
    pub(super) fn new() -> Result<Book, IdentityError> {
        Ok(Book {
            version: VERSION,
            key: Hex::random()?,
            password: None,
            sessions: Vec::new(),
            tokens: Vec::new(),
        })
    }

    /// Reads what [`write`](Book::write) wrote; an error says what is wrong, and nothing of the content.
    pub(super) fn read(bytes: &[u8]) -> Result<Book, String> {
        let book: Book = serde_json::from_slice(bytes).map_err(|error| format!("line {} column {}", error.line(), error.column()))?;
        let fits = book.sessions.len() <= SESSIONS_MAX && book.tokens.len() <= TOKENS_MAX;
        let payable = book.password.as_ref().is_none_or(PasswordHash::is_payable);
        match book.version == VERSION && fits && payable {
            true => Ok(book),
            false => Err("of another version, or too much".to_owned()),
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("plain fields")
    }

    /// Forgets what is over. Where the clock has just become good, what was made before begins now.
    pub(super) fn tidy(&mut self, wall: Wall) {
        self.sessions.retain(|session| !session.is_over(wall));
        self.tokens.retain(|token| !token.span.is_over(wall));
        let spans = self.sessions.iter_mut().map(|session| &mut session.span);
        spans
            .chain(self.tokens.iter_mut().map(|token| &mut token.span))
            .for_each(|span| span.settle(wall));
    }

    /// Adds a session; the one that was silent the longest makes room.
    pub(super) fn add_session(&mut self, session: Session) {
        if self.sessions.len() >= SESSIONS_MAX {
            let oldest = (0..self.sessions.len()).min_by_key(|index| self.sessions[*index].used_s.unwrap_or(i64::MAX));
            oldest.map(|index| self.sessions.remove(index));
        }
        self.sessions.push(session);
    }

    /// The session of one who shows `secret`. All are compared, so that the time taken tells nothing.
    pub(super) fn session(&mut self, secret: &str) -> Option<&mut Session> {
        let proof = prove(secret);
        let found = self.sessions.iter_mut().filter(|session| session.proof.0.ct_eq(&proof.0).into());
        found.last()
    }
}

impl Session {
    pub(super) fn new(id: Id, secret: &str, wall: Wall) -> Session {
        let span = Span::new(wall, Some(SESSION_S_MAX));
        Session {
            id,
            proof: prove(secret),
            span,
            used_s: span.began_s,
        }
    }

    pub(super) fn is_over(&self, wall: Wall) -> bool {
        let silent = |used: i64| seconds(wall).saturating_sub(used) >= SESSION_IDLE_S as i64;
        self.span.is_over(wall) || (wall.synced && self.used_s.is_some_and(silent))
    }

    /// It is used now; whether that is worth noting down.
    pub(super) fn touch(&mut self, wall: Wall) -> bool {
        touch(&mut self.used_s, wall)
    }

    pub(super) fn info(&self) -> SessionInfo {
        SessionInfo {
            id: self.id,
            created: self.span.began_s.map(timestamp),
            expires: self.span.ends_s().map(timestamp),
            last_used: self.used_s.map(timestamp),
        }
    }
}

impl Token {
    pub(super) fn new(id: Id, name: UserName, scope: Scope, span: Span) -> Token {
        Token {
            id,
            name,
            scope,
            span,
            used_s: None,
        }
    }

    pub(super) fn is_over(&self, wall: Wall) -> bool {
        self.span.is_over(wall)
    }

    /// It is used now; whether that is worth noting down.
    pub(super) fn touch(&mut self, wall: Wall) -> bool {
        touch(&mut self.used_s, wall)
    }

    pub(super) fn info(&self) -> TokenInfo {
        TokenInfo {
            id: self.id,
            name: self.name.clone(),
            scope: self.scope,
            created: self.span.began_s.map(timestamp),
            expires: self.span.ends_s().map(timestamp),
            last_used: self.used_s.map(timestamp),
        }
    }
}

fn touch(used_s: &mut Option<i64>, wall: Wall) -> bool {
    let stale = used_s.is_none_or(|used| (seconds(wall) - used).abs() >= LAST_USED_GRAIN_S);
    if wall.synced && stale {
        *used_s = Some(seconds(wall));
    }
    wall.synced && stale
}

fn seconds(wall: Wall) -> i64 {
    wall.at.0.div_euclid(1000)
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}

fn prove(secret: &str) -> Hex<32> {
    let mut proof = [0; 32];
    proof.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    Hex(proof)
}
