//! The accounts as the service uses them: questions are answered from memory, changes are on the disk before they hold.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Caller;
use super::Credential;
use super::IdentityError;
use super::Scope;
use super::UserName;
use super::book::Book;
use super::book::Session;
use super::book::SessionInfo;
use super::book::Span;
use super::book::Token;
use super::book::TokenInfo;
use super::file;
use super::hex::Hex;
use super::hex::Id;
use super::password::PasswordError;
use super::password::PasswordHash;
use super::token::Claims;
use super::token::SigningKey;
use super::token::TokenError;
use crate::clock::Clock;
use crate::limits::IDENTITY_BYTES_MAX;
use crate::limits::TOKENS_MAX;

/// Name of the file in the data folder.
const FILE_NAME: &str = "identity.json";

/// The device's account, sessions and tokens.
pub struct Accounts {
    clock: Arc<dyn Clock>,
    key: SigningKey,
    book: Mutex<Book>,
    /// What holds differs from what is on the disk in when it was last used, or in what is over.
    untold: AtomicBool,
    /// None: nothing is kept. Held while a change is made, so that one follows another.
    file: Mutex<Option<PathBuf>>,
    /// Held for as long as they are open.
    _lock: Option<File>,
}

/// A session that was just begun.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Which.
    pub info: SessionInfo,
    /// What the browser shows from now on; nobody can be told it again.
    pub secret: String,
}

/// A token that was just made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Which.
    pub info: TokenInfo,
    /// The token itself; nobody can be told it again.
    pub token: String,
}

impl Accounts {
    /// The accounts kept in `folder`, which is made if missing; at the first start nobody has claimed the device. A file that
    /// is damaged is an error: it must not be that a device opens because its card wears out.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Accounts, IdentityError> {
        let path = folder.join(FILE_NAME);
        let failed = |cause| IdentityError::File { file: path.clone(), cause };
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = file::lock(&path)
            .map_err(failed)?
            .ok_or_else(|| IdentityError::InUse(path.clone()))?;
        let book = match file::read(&path, IDENTITY_BYTES_MAX).map_err(failed)? {
            Some(bytes) => read(&bytes).map_err(|why| IdentityError::Damaged { file: path.clone(), why })?,
            None => {
                let book = Book::new()?;
                file::replace(&path, &book.write()).map_err(failed)?;
                book
            }
        };
        Ok(Accounts::new(book, Some(path), Some(lock), clock))
    }

    /// Accounts that are gone with the process: for tests, and for servers without a disk.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Accounts, IdentityError> {
        Ok(Accounts::new(Book::new()?, None, None, clock))
    }

    fn new(book: Book, file: Option<PathBuf>, lock: Option<File>, clock: Arc<dyn Clock>) -> Accounts {
        Accounts {
            clock,
            key: SigningKey::of(&book.key),
            book: Mutex::new(book),
            untold: AtomicBool::new(false),
            file: Mutex::new(file),
            _lock: lock,
        }
    }

    // ---- at once ----

    /// Whether the device has a password.
    pub fn is_claimed(&self) -> bool {
        self.book().password.is_some()
    }

    /// Who shows `secret` as the session's cookie.
    pub fn by_session(&self, secret: &str) -> Option<Caller> {
        let (wall, mut book) = (self.clock.wall(), self.book());
        let session = book.session(secret).filter(|session| !session.is_over(wall))?;
        self.untold.fetch_or(session.touch(wall), Ordering::Relaxed);
        Some(Caller {
            scope: Scope::Admin,
            credential: Credential::Session(session.id),
        })
    }

    /// Who shows this token. What is kept of it counts, not what it says of itself.
    pub fn by_token(&self, token: &str) -> Result<Caller, TokenError> {
        let claims = self.key.verify(token)?;
        let (wall, mut book) = (self.clock.wall(), self.book());
        let known = book.tokens.iter_mut().find(|token| token.id == claims.jti);
        let token = known.ok_or(TokenError::Revoked)?;
        if token.is_over(wall) {
            return Err(TokenError::Expired);
        }
        self.untold.fetch_or(token.touch(wall), Ordering::Relaxed);
        Ok(Caller {
            scope: token.scope,
            credential: Credential::Token {
                id: token.id,
                name: token.name.clone(),
            },
        })
    }

    /// Whether what `caller` was recognised by holds still.
    pub fn holds(&self, caller: &Caller) -> bool {
        let (wall, book) = (self.clock.wall(), self.book());
        match &caller.credential {
            Credential::Open => true,
            Credential::Session(id) => book.sessions.iter().any(|session| session.id == *id && !session.is_over(wall)),
            Credential::Token { id, .. } => book.tokens.iter().any(|token| token.id == *id && !token.is_over(wall)),
        }
    }

    /// Who is logged in, oldest first.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        let wall = self.clock.wall();
        let held = |session: &&Session| !session.is_over(wall);
        self.book().sessions.iter().filter(held).map(Session::info).collect()
    }

    /// The tokens that hold, oldest first.
    pub fn tokens(&self) -> Vec<TokenInfo> {
        let wall = self.clock.wall();
        let held = |token: &&Token| !token.is_over(wall);
        self.book().tokens.iter().filter(held).map(Token::info).collect()
    }

    /// Whether there is something that [`keep`](Accounts::keep) would write; says so once.
    pub fn take_untold(&self) -> bool {
        self.untold.swap(false, Ordering::Relaxed)
    }

    // ---- slow: a password is computed, or the disk is written ----

    /// Gives a device that has none its password.
    pub fn claim(&self, password: &str) -> Result<(), IdentityError> {
        let hash = PasswordHash::new(password)?;
        self.change(|book| match book.password {
            Some(_) => Err(IdentityError::Claimed),
            None => {
                book.password = Some(hash);
                Ok(())
            }
        })
    }

    /// Takes the first password from the first line of `path`, then overwrites and removes that file; one that is not there
    /// was taken before. A device that has a password keeps it, and the file goes all the same.
    pub fn claim_from(&self, path: &Path) -> Result<(), IdentityError> {
        let failed = |cause| IdentityError::File {
            file: path.to_owned(),
            cause,
        };
        let Some(password) = file::read_first_line(path).map_err(failed)? else {
            return Ok(());
        };
        match self.claim(&password) {
            Ok(()) => tracing::info!(file = %path.display(), "the device is claimed"),
            Err(IdentityError::Claimed) => {
                tracing::warn!(file = %path.display(), "the device has a password already; this one is not taken")
            }
            Err(error) => return Err(error),
        }
        file::wipe(path).map_err(failed)
    }

    /// Begins a session for one who knows the password. A device without one takes as long to say no.
    pub fn log_in(&self, password: &str) -> Result<NewSession, IdentityError> {
        if !self.knows(password) {
            return Err(PasswordError::Wrong.into());
        }
        let secret = Hex::<16>::random()?.to_string();
        let session = Session::new(Id::random()?, &secret, self.clock.wall());
        let info = session.info();
        self.change(|book| {
            book.add_session(session);
            Ok(())
        })?;
        Ok(NewSession { info, secret })
    }

    /// Sets another password, for one who knows the `current` one, and ends every session but `stays`. Tokens go on.
    pub fn change_password(&self, current: &str, new: &str, stays: Option<Id>) -> Result<(), IdentityError> {
        if !self.knows(current) {
            return Err(PasswordError::Wrong.into());
        }
        let hash = PasswordHash::new(new)?;
        self.change(|book| {
            book.password = Some(hash);
            book.sessions.retain(|session| Some(session.id) == stays);
            Ok(())
        })
    }

    /// Ends a session; false if there is none of that id.
    pub fn end_session(&self, id: Id) -> Result<bool, IdentityError> {
        self.change(|book| {
            let before = book.sessions.len();
            book.sessions.retain(|session| session.id != id);
            Ok(book.sessions.len() < before)
        })
    }

    /// Makes a token that holds for `lifetime` (none: until it is revoked).
    pub fn make_token(&self, name: &UserName, scope: Scope, lifetime: Option<Duration>) -> Result<NewToken, IdentityError> {
        let span = Span::new(self.clock.wall(), lifetime.map(|lifetime| lifetime.as_secs()));
        let token = Token::new(Id::random()?, name.clone(), scope, span);
        let made = NewToken {
            info: token.info(),
            token: self.key.sign(&claims(&token)),
        };
        self.change(|book| {
            if book.tokens.len() >= TOKENS_MAX {
                return Err(IdentityError::TokensFull);
            }
            if book.tokens.iter().any(|other| other.name == token.name) {
                return Err(IdentityError::NameTaken);
            }
            book.tokens.push(token);
            Ok(())
        })?;
        Ok(made)
    }

    /// Revokes a token; false if there is none of that id.
    pub fn revoke_token(&self, id: Id) -> Result<bool, IdentityError> {
        self.change(|book| {
            let before = book.tokens.len();
            book.tokens.retain(|token| token.id != id);
            Ok(book.tokens.len() < before)
        })
    }

    /// Writes down when each was last used, and forgets what is over.
    pub fn keep(&self) -> Result<(), IdentityError> {
        self.change(|_| Ok(()))
    }

    fn knows(&self, password: &str) -> bool {
        let hash = self.book().password.clone();
        let known = hash.is_some();
        hash.unwrap_or(PasswordHash::nobodys()).matches(password) && known
    }

    /// A change holds once it is on the disk; one that fails there does not hold at all.
    fn change<T>(&self, change: impl FnOnce(&mut Book) -> Result<T, IdentityError>) -> Result<T, IdentityError> {
        let file = lock(&self.file);
        self.untold.store(false, Ordering::Relaxed);
        let mut book = self.book().clone();
        book.tidy(self.clock.wall());
        let done = change(&mut book)?;
        if let Some(file) = file.as_ref() {
            let failed = |cause| IdentityError::File { file: file.clone(), cause };
            file::replace(file, &book.write()).map_err(failed)?;
        }
        *self.book() = book;
        Ok(done)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }
}

/// A panic elsewhere leaves what is whole: a book is replaced, not edited.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn read(bytes: &[u8]) -> Result<Book, String> {
    if bytes.len() as u64 > IDENTITY_BYTES_MAX {
        return Err(format!("longer than {IDENTITY_BYTES_MAX} bytes"));
    }
    Book::read(bytes)
}

fn claims(token: &Token) -> Claims {
    Claims {
        sub: token.name.to_string(),
        scope: token.scope.words().to_owned(),
        iat: token.span.began_s,
        exp: token.span.ends_s(),
        jti: token.id,
    }
}
