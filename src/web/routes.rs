//! Every route in one table: method, path, the scope that it needs, and who answers. What the answers say is in `handlers.rs`.

use hyper::Method;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;

use super::assets;
use super::assets::Asset;
use super::auth::Action;
use super::problem::Problem;
use crate::identity::Scope;

/// One line of the table. `{id}` in a path stands for one segment.
pub(super) struct Route {
    method: Method,
    path: &'static str,
    /// What one must be allowed to do; `None`: everybody may.
    pub(super) scope: Option<Scope>,
    pub(super) endpoint: Endpoint,
}

/// A route, for who looks over the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteInfo {
    /// HTTP method.
    pub method: &'static str,
    /// Path; `{id}` stands for one segment.
    pub path: &'static str,
    /// The scope that it needs; `None`: everybody may.
    pub scope: Option<Scope>,
    /// Whether it is the door of a WebSocket.
    pub door: bool,
}

/// Every route there is.
pub fn routes() -> impl Iterator<Item = RouteInfo> {
    ROUTES.iter().map(|route| RouteInfo {
        method: route.method.as_str(),
        path: route.path,
        scope: route.scope,
        door: route.is_door(),
    })
}

impl Route {
    /// Whether it is the door of a WebSocket.
    pub(super) fn is_door(&self) -> bool {
        matches!(self.endpoint, Endpoint::Stream)
    }

    /// Whether a WebSocket that is not let in is opened and closed with a code, for pages to read.
    pub(super) fn closes_strangers(&self) -> bool {
        self.path == "/api/ws/statistics"
    }
}

/// Who answers.
#[derive(Clone, Copy)]
pub(super) enum Endpoint {
    Stream,
    ListEvents,
    ShowEvent,
    TriggerEvent,
    ShowArmed,
    SetArmed,
    Health,
    Account(Action),
    Asset(&'static Asset),
}

const PUBLIC: Option<Scope> = None;
const READ: Option<Scope> = Some(Scope::Read);
const CONTROL: Option<Scope> = Some(Scope::Control);
const ADMIN: Option<Scope> = Some(Scope::Admin);

const fn route(method: Method, path: &'static str, scope: Option<Scope>, endpoint: Endpoint) -> Route {
    Route {
        method,
        path,
        scope,
        endpoint,
    }
}

const ROUTES: &[Route] = &[
    route(Method::GET, "/ws/events", READ, Endpoint::Stream),
    route(Method::GET, "/api/ws/statistics", READ, Endpoint::Stream),
    route(Method::GET, "/api/events", READ, Endpoint::ListEvents),
    route(Method::POST, "/api/events", CONTROL, Endpoint::TriggerEvent),
    route(Method::GET, "/api/events/{id}", READ, Endpoint::ShowEvent),
    route(Method::GET, "/api/armed", READ, Endpoint::ShowArmed),
    route(Method::PUT, "/api/armed", CONTROL, Endpoint::SetArmed),
    route(Method::GET, "/api/health", PUBLIC, Endpoint::Health),
    route(Method::POST, "/api/login", PUBLIC, Endpoint::Account(Action::LogIn)),
    route(Method::POST, "/api/logout", READ, Endpoint::Account(Action::LogOut)),
    route(Method::GET, "/api/session", READ, Endpoint::Account(Action::ShowSession)),
    route(Method::GET, "/api/tokens", ADMIN, Endpoint::Account(Action::ListTokens)),
    route(Method::POST, "/api/tokens", ADMIN, Endpoint::Account(Action::MakeToken)),
    route(Method::DELETE, "/api/tokens/{id}", ADMIN, Endpoint::Account(Action::RevokeToken)),
    route(Method::GET, "/api/sessions", ADMIN, Endpoint::Account(Action::ListSessions)),
    route(Method::DELETE, "/api/sessions/{id}", ADMIN, Endpoint::Account(Action::EndSession)),
    route(Method::PUT, "/api/password", ADMIN, Endpoint::Account(Action::SetPassword)),
    route(Method::GET, "/", PUBLIC, Endpoint::Asset(&assets::PAGE)),
    route(Method::GET, "/app.css", PUBLIC, Endpoint::Asset(&assets::STYLE)),
    route(Method::GET, "/app.js", PUBLIC, Endpoint::Asset(&assets::APP)),
    route(Method::GET, "/client.js", PUBLIC, Endpoint::Asset(&assets::CLIENT)),
    route(Method::GET, "/login.js", PUBLIC, Endpoint::Asset(&assets::LOGIN)),
    route(Method::GET, "/view.js", PUBLIC, Endpoint::Asset(&assets::VIEW)),
    route(Method::GET, "/icon.svg", PUBLIC, Endpoint::Asset(&assets::ICON)),
];

/// Who answers `method` on `path`, and what stands at `{id}`: 404 for a path that there is not, 405 with `Allow`
/// for a method that it does not have. `HEAD` goes where `GET` goes.
pub(super) fn find<'a>(method: &Method, path: &'a str) -> Result<(&'static Route, &'a str), Problem> {
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    let mut allowed = Vec::new();
    for route in ROUTES {
        if let Some(id) = matching(route.path, path) {
            if route.method == *wanted {
                return Ok((route, id));
            }
            allowed.push(route.method.as_str());
        }
    }
    Err(nobody(method, path, &allowed))
}

/// What stands at `{id}` (nothing, if there is no such place), when `path` is of the form of `pattern`.
fn matching<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some(stem) = pattern.strip_suffix("{id}") else {
        return (pattern == path).then_some("");
    };
    path.strip_prefix(stem).filter(|id| !id.is_empty() && !id.contains('/'))
}

fn nobody(method: &Method, path: &str, allowed: &[&str]) -> Problem {
    if allowed.is_empty() {
        return Problem::new(StatusCode::NOT_FOUND, format!("there is no {path}"));
    }
    let allow = allowed.join(", ").replace("GET", "GET, HEAD");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{path} does not do {method}"));
    match HeaderValue::from_str(&allow) {
        Ok(value) => problem.with(header::ALLOW, value),
        Err(_) => problem,
    }
}
