//! The routes about the account itself: logging in and out, tokens, sessions, the password.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::MutexGuard;
use std::time::Duration;

use hyper::Response;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header;
use hyper::header::HeaderValue;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

use super::Access;
use super::Asked;
use super::COOKIE;
use super::known;
use super::unauthorized;
use crate::identity::ADMIN;
use crate::identity::Accounts;
use crate::identity::Caller;
use crate::identity::Credential;
use crate::identity::Id;
use crate::identity::IdentityError;
use crate::identity::PasswordError;
use crate::identity::Scope;
use crate::identity::SessionInfo;
use crate::identity::Throttle;
use crate::identity::TokenInfo;
use crate::identity::UserName;
use crate::limits::PASSWORD_BYTES_MAX;
use crate::limits::PASSWORD_BYTES_MIN;
use crate::limits::SESSION_S_MAX;
use crate::limits::TOKEN_S_MAX;
use crate::web::Server;
use crate::web::handlers;
use crate::web::problem::Problem;
use crate::web::reply;
use crate::web::reply::Body;

type Answer = Result<Response<Body>, Problem>;

/// What may be done about the account.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) enum Action {
    LogIn,
    LogOut,
    ShowSession,
    ListTokens,
    MakeToken,
    RevokeToken,
    ListSessions,
    EndSession,
    SetPassword,
}

/// Who logs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Login {
    password: String,
}

/// Another password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewPassword {
    /// None: the device has none yet.
    current: Option<String>,
    #[schemars(length(min = PASSWORD_BYTES_MIN, max = PASSWORD_BYTES_MAX))]
    new: String,
}

/// What a token is to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct TokenWish {
    #[schemars(with = "String", length(min = 1, max = 32))]
    name: UserName,
    scope: Scope,
    /// None: until it is revoked.
    #[serde(default, deserialize_with = "handlers::whole_number")]
    #[schemars(range(min = 1, max = TOKEN_S_MAX))]
    lifetime_s: Option<u64>,
}

/// Who asks.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Whoami<'a> {
    user: Option<&'a str>,
    scope: Scope,
    /// `open`, `session` or `token`.
    credential: &'static str,
    /// Whether the device has a password.
    claimed: bool,
}

/// Sessions that hold.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Sessions {
    sessions: Vec<SessionInfo>,
    /// The one that asks.
    #[schemars(with = "Option<String>")]
    own: Option<Id>,
}

/// Tokens that hold.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct Tokens {
    tokens: Vec<TokenInfo>,
}

/// A token that was made.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct MadeToken {
    #[serde(flatten)]
    info: TokenInfo,
    /// Shown this once.
    token: String,
}

/// Does `action`; `id` is what stands in the path.
pub(in crate::web) async fn answer(
    server: &Server,
    action: Action,
    caller: Option<Caller>,
    id: &str,
    asked: Asked<'_>,
    body: Incoming,
) -> Answer {
    if let Action::LogIn = action {
        return log_in(server, asked, body).await;
    }
    let caller = known(caller)?;
    let access = &server.access;
    match action {
        Action::LogIn | Action::ShowSession => Ok(show_session(access, &caller)),
        Action::LogOut => log_out(access, &caller).await,
        Action::ListTokens => Ok(list_tokens(access)),
        Action::MakeToken => make_token(server, body).await,
        Action::RevokeToken => remove(access, id, Accounts::revoke_token).await,
        Action::ListSessions => Ok(list_sessions(access, &caller)),
        Action::EndSession => remove(access, id, Accounts::end_session).await,
        Action::SetPassword => set_password(server, &caller, asked, body).await,
    }
}

/// `POST /api/login`
async fn log_in(server: &Server, asked: Asked<'_>, body: Incoming) -> Answer {
    let login: Login = read(server, body, "{\"password\": \"...\"}").await?;
    let check = move |accounts: &Accounts| accounts.log_in(&login.password);
    let session = try_password(server, asked.peer.address.ip(), check).await?;
    tracing::info!(session = %session.info.id, "logged in");
    let secure = if asked.peer.is_secure { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={}; Path=/; Max-Age={SESSION_S_MAX}; HttpOnly; SameSite=Strict{secure}",
        session.secret
    );
    Ok(with_cookie(reply::json(StatusCode::OK, &session.info), &cookie))
}

/// `POST /api/logout`
async fn log_out(access: &Access, caller: &Caller) -> Answer {
    if let Credential::Session(id) = caller.credential {
        change(access, move |accounts| accounts.end_session(id)).await?;
    }
    let response = reply::plain(StatusCode::NO_CONTENT, Default::default());
    Ok(with_cookie(
        response,
        &format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"),
    ))
}

/// `GET /api/session`
fn show_session(access: &Access, caller: &Caller) -> Response<Body> {
    let credential = match caller.credential {
        Credential::Open => "open",
        Credential::Session(_) => "session",
        Credential::Token { .. } => "token",
    };
    let whoami = Whoami {
        user: caller.user(),
        scope: caller.scope,
        credential,
        claimed: access.accounts.is_claimed(),
    };
    reply::json(StatusCode::OK, &whoami)
}

/// `GET /api/tokens`
fn list_tokens(access: &Access) -> Response<Body> {
    let tokens = access.accounts.tokens();
    reply::json(StatusCode::OK, &Tokens { tokens })
}

/// `POST /api/tokens`
async fn make_token(server: &Server, body: Incoming) -> Answer {
    let wish: TokenWish = read(
        server,
        body,
        "{\"name\": \"...\", \"scope\": \"read|control|admin\", \"lifetime_s\": seconds}",
    )
    .await?;
    let printable = !wish.name.trim().is_empty() && !wish.name.contains(char::is_control);
    if !printable || wish.name == ADMIN {
        return Err(Problem::bad_request("a token's name is text, and not \"admin\""));
    }
    if wish.lifetime_s.is_some_and(|lifetime| lifetime == 0 || lifetime > TOKEN_S_MAX) {
        return Err(Problem::bad_request(format!("lifetime_s is 1 to {TOKEN_S_MAX}, or absent")));
    }
    let lifetime = wish.lifetime_s.map(Duration::from_secs);
    let made = change(&server.access, move |accounts| {
        accounts.make_token(&wish.name, wish.scope, lifetime)
    })
    .await?;
    tracing::info!(token = %made.info.id, name = %made.info.name, scope = %made.info.scope, "token made");
    let answer = MadeToken {
        info: made.info,
        token: made.token,
    };
    Ok(reply::json(StatusCode::CREATED, &answer))
}

/// `GET /api/sessions`
fn list_sessions(access: &Access, caller: &Caller) -> Response<Body> {
    let own = match caller.credential {
        Credential::Session(id) => Some(id),
        _ => None,
    };
    let sessions = access.accounts.sessions();
    reply::json(StatusCode::OK, &Sessions { sessions, own })
}

/// `DELETE /api/tokens/{id}`, `DELETE /api/sessions/{id}`
async fn remove(access: &Access, id: &str, remove: fn(&Accounts, Id) -> Result<bool, IdentityError>) -> Answer {
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "there is none of that id");
    let id: Id = id.parse().map_err(|_| nothing())?;
    let removed = change(access, move |accounts| remove(accounts, id)).await?;
    removed
        .then(|| reply::plain(StatusCode::NO_CONTENT, Default::default()))
        .ok_or_else(nothing)
}

/// `PUT /api/password`
async fn set_password(server: &Server, caller: &Caller, asked: Asked<'_>, body: Incoming) -> Answer {
    let NewPassword { current, new } = read(server, body, "{\"current\": \"...\", \"new\": \"...\"}").await?;
    let stays = match caller.credential {
        Credential::Session(id) => Some(id),
        _ => None,
    };
    let set = move |accounts: &Accounts| match current {
        Some(current) => accounts.change_password(&current, &new, stays),
        None => accounts.claim(&new),
    };
    try_password(server, asked.peer.address.ip(), set).await?;
    tracing::info!("password set");
    Ok(reply::plain(StatusCode::NO_CONTENT, Default::default()))
}

/// Has a password computed, one after another, and no more often than the throttle lets.
async fn try_password<T, F>(server: &Server, ip: IpAddr, work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&Accounts) -> Result<T, IdentityError> + Send + 'static,
{
    let access = &server.access;
    let busy = |_| Problem::unavailable("others are logging in");
    let _place = Arc::clone(&access.waiting).try_acquire_owned().map_err(busy)?;
    throttle(access).admit(ip, server.services.clock.now()).map_err(too_often)?;
    let _turn = access
        .computing
        .acquire()
        .await
        .map_err(|_| Problem::unavailable("the server stops"))?;
    let done = change(access, work).await;
    // Only a wrong password counts; what else went wrong taught nobody anything.
    match &done {
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => tracing::warn!(%ip, "wrong password"),
        _ => throttle(access).forgive(ip),
    }
    done
}

/// Computes and writes where waiting holds up no socket.
async fn change<T, F>(access: &Access, work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&Accounts) -> Result<T, IdentityError> + Send + 'static,
{
    let accounts = Arc::clone(&access.accounts);
    let done = spawn_blocking(move || work(&accounts)).await;
    done.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "it came to nothing"))?
        .map_err(Problem::from)
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Problem {
        let words = error.to_string();
        match error {
            IdentityError::Password(PasswordError::Wrong) => unauthorized(words, ""),
            IdentityError::Password(PasswordError::Length) => Problem::bad_request(words),
            IdentityError::Claimed | IdentityError::TokensFull | IdentityError::NameTaken => Problem::new(StatusCode::CONFLICT, words),
            IdentityError::File { .. } | IdentityError::Damaged { .. } | IdentityError::Random(_) | IdentityError::InUse(_) => {
                tracing::error!(%error, "accounts");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "accounts cannot be written; the log says why")
            }
        }
    }
}

fn too_often(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let problem = Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        format!("too many failed logins; again in {seconds} s"),
    );
    problem.with(header::RETRY_AFTER, HeaderValue::from(seconds))
}

fn throttle(access: &Access) -> MutexGuard<'_, Throttle> {
    access.throttle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn with_cookie(mut response: Response<Body>, cookie: &str) -> Response<Body> {
    let cookie = HeaderValue::from_str(cookie).ok();
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// The body, if it is of this `form`. What is wrong is told without what stands there, which may be a password.
async fn read<T: DeserializeOwned>(server: &Server, body: Incoming, form: &str) -> Result<T, Problem> {
    let bytes = handlers::whole(body, server.services.settings.header_time_max).await?;
    let read = handlers::from_json(&bytes);
    read.map_err(|error| Problem::bad_request(format!("the body is {form}; see column {}", error.column())))
}
