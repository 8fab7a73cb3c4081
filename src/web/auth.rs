//! Who asks, and whether they may: one place for every route and door, before any handler.
//!
//! A credential is, in this order: `Authorization: Bearer`, a WebSocket subprotocol `lookout.token.<token>`, `?token=` (for
//! programs that can set neither), the session's cookie. One that is shown and does not hold is refused, even where none is
//! needed; only a cookie that is over counts as none, as browsers send them unasked.
//!
//! A page from elsewhere can make a browser send the cookie. So on every method that changes something and on every WebSocket
//! `Origin`, where there is one, must be ours; and one who is known by the cookie alone must show by `Origin` or
//! `Sec-Fetch-Site: same-origin` that the request comes from our page. No custom header is needed.
//!
//! Where no password is needed on the loopback, `Host` must be an address or `localhost`: otherwise a page could give its own
//! name the address 127.0.0.1 (DNS rebinding) and speak for its visitor.

pub(super) mod account;
mod closing;
mod seats;

pub(super) use account::Action;
pub(super) use account::answer;
pub(super) use closing::close;
pub(super) use seats::Seat;

use std::borrow::Cow;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::Method;
use hyper::StatusCode;
use hyper::Uri;
use hyper::header;
use hyper::header::HeaderValue;
use tokio::sync::Semaphore;

use super::Server;
use super::Services;
use super::cors::CorsOrigin;
use super::problem::Problem;
use super::routes::Route;
use crate::identity::Accounts;
use crate::identity::Auth;
use crate::identity::Caller;
use crate::identity::Credential;
use crate::identity::Scope;
use crate::identity::Throttle;
use crate::limits::CREDENTIAL_CHECK_MS;
use crate::limits::LOGINS_WAITING_MAX;
use seats::Seats;

/// The cookie of a session.
const COOKIE: &str = "lookout_session";
/// How a token looks among the subprotocols of a WebSocket.
const TOKEN_PROTOCOL: &str = "lookout.token.";
/// The subprotocol that is spoken, for clients that offer it beside their token.
const PROTOCOL: &str = "lookout";

/// What is needed to tell who may do what.
pub(super) struct Access {
    accounts: Arc<Accounts>,
    auth: Auth,
    throttle: Mutex<Throttle>,
    /// Those who have a password computed, or wait for it.
    waiting: Arc<Semaphore>,
    /// Who has it computed.
    computing: Semaphore,
    seats: Arc<Seats>,
}

impl Access {
    pub(super) fn new(services: &Services) -> Access {
        Access {
            accounts: Arc::clone(&services.accounts),
            auth: services.settings.auth,
            throttle: Mutex::default(),
            waiting: Arc::new(Semaphore::new(LOGINS_WAITING_MAX + 1)),
            computing: Semaphore::new(1),
            seats: Arc::new(Seats::new(services.settings.user_connections_max)),
        }
    }

    /// A place for one more stream of this user; `None` when it has all that it may have.
    pub(super) fn seat(&self, caller: &Caller) -> Option<Seat> {
        self.seats.take(caller.user())
    }
}

/// From where a connection comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// The address of ours that it came to.
    pub(super) local: Option<IpAddr>,
    /// It reached us by the loopback, at both ends.
    pub(super) is_local: bool,
    /// Nobody on the way can read.
    pub(super) is_secure: bool,
}

/// A request, as far as it tells who asks.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) peer: Peer,
}

/// Who asks, if they may have the route; `None` on a route for everybody, where it is not looked at.
pub(super) fn admit(server: &Server, route: &Route, asked: Asked<'_>) -> Result<Option<Caller>, Problem> {
    let Some(needed) = route.scope else { return Ok(None) };
    let caller = identify(&server.access, asked)?;
    if matches!(caller.credential, Credential::Session(_)) && (!asked.method.is_safe() || route.is_door()) {
        from_our_page(asked.headers)?;
    }
    if caller.scope < needed {
        return Err(insufficient(needed));
    }
    Ok(Some(caller))
}

/// On a route that asks for a scope there is always someone.
pub(super) fn known(caller: Option<Caller>) -> Result<Caller, Problem> {
    caller.ok_or_else(|| unauthorized("log in, or show a token", ""))
}

/// Has it written down, if there is something, when each session and token was last used.
pub(super) fn keep(access: &Access) {
    if access.accounts.take_untold() {
        let accounts = Arc::clone(&access.accounts);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = accounts.keep() {
                tracing::warn!(%error, "accounts are not kept");
            }
        });
    }
}

/// What an answer that goes on was let in by.
pub(super) struct Held(Arc<Accounts>, Caller);

impl Held {
    /// Whether it holds still.
    pub(super) fn holds(&self) -> bool {
        self.1.credential == Credential::Open || self.0.holds(&self.1)
    }
}

/// For an answer that goes on and on, to be asked now and then.
pub(super) fn held(access: &Access, caller: Caller) -> Held {
    Held(Arc::clone(&access.accounts), caller)
}

/// Returns once what an open stream was let in by holds no longer.
pub(super) async fn lapsed(access: &Access, caller: &Caller) {
    if caller.credential == Credential::Open {
        std::future::pending::<()>().await;
    }
    while access.accounts.holds(caller) {
        tokio::time::sleep(Duration::from_millis(CREDENTIAL_CHECK_MS)).await;
    }
    tracing::info!("dropped: its session or token holds no longer");
}

fn identify(access: &Access, asked: Asked<'_>) -> Result<Caller, Problem> {
    if let Some(token) = token(asked) {
        let known = access.accounts.by_token(&token?);
        return known.map_err(|error| unauthorized(error.to_string(), ", error=\"invalid_token\""));
    }
    let session = cookie(asked.headers).and_then(|secret| access.accounts.by_session(secret));
    match (session, access.auth) {
        (Some(caller), _) => Ok(caller),
        (None, Auth::None) => Ok(Caller::open()),
        (None, Auth::Loopback) if asked.peer.is_local && names_this_machine(asked.headers) => Ok(Caller::open()),
        (None, Auth::Loopback) => Err(unauthorized(
            "without a password, the device is reached from itself alone, by its address or as localhost",
            "",
        )),
        (None, Auth::Password) => Err(unauthorized("log in, or show a token", "")),
    }
}

/// The token that is shown, wherever it stands.
fn token(asked: Asked<'_>) -> Option<Result<Cow<'_, str>, Problem>> {
    if let Some(field) = asked.headers.get(header::AUTHORIZATION) {
        let token = field.to_str().ok().and_then(|field| field.split_once(' '));
        let bearer = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let problem = || unauthorized("Authorization is \"Bearer\" and a token", ", error=\"invalid_request\"");
        return Some(bearer.map(|(_, token)| token.trim().into()).ok_or_else(problem));
    }
    let offered = protocols(asked.headers).find_map(|protocol| protocol.strip_prefix(TOKEN_PROTOCOL));
    offered.or_else(|| query_token(asked.uri.query())).map(|token| Ok(token.into()))
}

/// What a WebSocket client offers to speak.
fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let fields = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','))
        .map(str::trim)
}

/// The subprotocol to answer with: a browser hangs up when it offered some and none is taken.
pub(super) fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let ours = protocols(headers).find(|protocol| *protocol == PROTOCOL);
    let taken = ours.or_else(|| protocols(headers).find(|protocol| protocol.starts_with(TOKEN_PROTOCOL)))?;
    HeaderValue::from_str(taken).ok()
}

fn query_token(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// The query as the handlers know it: a token is none of their business.
pub(super) fn without_token(query: Option<&str>) -> Option<Cow<'_, str>> {
    let query = query?;
    if query_token(Some(query)).is_none() {
        return Some(query.into());
    }
    let others: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("token=")).collect();
    (!others.is_empty()).then(|| others.join("&").into())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let fields = headers.get_all(header::COOKIE).into_iter().filter_map(|field| field.to_str().ok());
    let mut pairs = fields
        .flat_map(|field| field.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// A browser says from which page a request comes; only ours and the one that the configuration names may open streams and
/// change things. Programs say nothing.
pub(super) fn same_origin(cors: &CorsOrigin, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin_host = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, host)| host);
    match (origin_host, host(headers)) {
        _ if cors.admits(headers) => Ok(()),
        (Some(origin_host), Some(host)) if origin_host.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Problem::new(StatusCode::FORBIDDEN, "pages of another origin are not let in")),
    }
}

/// For one who is known by the cookie alone: the browser must say so.
fn from_our_page(headers: &HeaderMap) -> Result<(), Problem> {
    let said = headers.contains_key(header::ORIGIN) || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let problem = || {
        Problem::new(
            StatusCode::FORBIDDEN,
            "a session acts from the device's own page: Origin or Sec-Fetch-Site is missing",
        )
    };
    same_origin(&CorsOrigin::default(), headers).and(said.then_some(()).ok_or_else(problem))
}

fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = host(headers) else { return true }; // HTTP/1.0, which no browser speaks
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.is_ok() || name.eq_ignore_ascii_case("localhost")
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).and_then(|host| host.to_str().ok())
}

/// RFC 6750, section 3.
fn unauthorized(detail: impl Into<String>, error: &str) -> Problem {
    let challenge = HeaderValue::from_str(&format!("Bearer realm=\"lookout\"{error}"));
    let problem = Problem::new(StatusCode::UNAUTHORIZED, detail);
    problem.with(header::WWW_AUTHENTICATE, challenge.unwrap_or(HeaderValue::from_static("Bearer")))
}

fn insufficient(needed: Scope) -> Problem {
    let challenge = format!("Bearer realm=\"lookout\", error=\"insufficient_scope\", scope=\"{needed}\"");
    let challenge = HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"));
    Problem::new(StatusCode::FORBIDDEN, format!("this needs the scope {needed}")).with(header::WWW_AUTHENTICATE, challenge)
}
