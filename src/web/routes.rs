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
use crate::wire::Door;

/// One line of the table. `{name}` in a path stands for one segment, `{name...}` for the rest.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
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
        matches!(self.endpoint, Endpoint::Stream(_))
    }

    /// Whether a WebSocket that is not let in is opened and closed with a code, for pages to read.
    pub(super) fn closes_strangers(&self) -> bool {
        self.path == "/api/ws/statistics"
    }
}

/// Who answers.
#[derive(Clone, Copy)]
pub(super) enum Endpoint {
    Ui,
    Stream(Door),
    ListEvents,
    ShowEvent,
    TriggerEvent,
    ShowArmed,
    SetArmed,
    Health,
    DeleteEvent,
    Bookmark,
    Unbookmark,
    Zones,
    SetZones,
    Tuning,
    SetTuning,
    Scores,
    ExportConfig,
    ImportConfig,
    System,
    Certificate,
    Test,
    Announce,
    Alive,
    Ready,
    Streams,
    Logs,
    Metrics,
    Account(Action),
    Update,
    BeginUpdate,
    Reboot,
    Network,
    JoinNetwork,
    Asset(&'static Asset),
    Snapshot,
    Clip,
    ClipFrames,
    LiveSnapshot,
    LivePictures,
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

pub(super) static ROUTES: &[Route] = &[
    route(Method::GET, "/ws/events", READ, Endpoint::Stream(Door::Events)),
    route(Method::GET, "/ws/ui", READ, Endpoint::Stream(Door::Ui)),
    route(Method::GET, "/api/ws/statistics", READ, Endpoint::Stream(Door::Statistics)),
    route(Method::GET, "/ws", READ, Endpoint::Stream(Door::Open)),
    route(Method::GET, "/api/events", READ, Endpoint::ListEvents),
    route(Method::POST, "/api/events", CONTROL, Endpoint::TriggerEvent),
    route(Method::GET, "/api/events/{id}", READ, Endpoint::ShowEvent),
    route(Method::DELETE, "/api/events/{id}", CONTROL, Endpoint::DeleteEvent),
    route(Method::PUT, "/api/events/{id}/bookmark", CONTROL, Endpoint::Bookmark),
    route(Method::DELETE, "/api/events/{id}/bookmark", CONTROL, Endpoint::Unbookmark),
    route(Method::GET, "/api/events/{id}/snapshot.jpg", READ, Endpoint::Snapshot),
    route(Method::GET, "/api/events/{id}/clip", READ, Endpoint::Clip),
    route(Method::GET, "/api/events/{id}/clip/frames", READ, Endpoint::ClipFrames),
    route(Method::GET, "/api/snapshot.jpg", READ, Endpoint::LiveSnapshot),
    route(Method::GET, "/api/live.mjpg", READ, Endpoint::LivePictures),
    route(Method::GET, "/api/armed", READ, Endpoint::ShowArmed),
    route(Method::PUT, "/api/armed", CONTROL, Endpoint::SetArmed),
    route(Method::GET, "/api/zones", READ, Endpoint::Zones),
    route(Method::PUT, "/api/zones", CONTROL, Endpoint::SetZones),
    route(Method::GET, "/api/tuning", READ, Endpoint::Tuning),
    route(Method::PUT, "/api/tuning", CONTROL, Endpoint::SetTuning),
    route(Method::GET, "/api/tuning/scores", READ, Endpoint::Scores),
    route(Method::GET, "/api/config", ADMIN, Endpoint::ExportConfig),
    route(Method::PUT, "/api/config", ADMIN, Endpoint::ImportConfig),
    route(Method::GET, "/api/system", READ, Endpoint::System),
    route(Method::GET, "/api/certificate", READ, Endpoint::Certificate),
    route(Method::POST, "/api/test/{kind}", CONTROL, Endpoint::Test),
    route(Method::POST, "/api/announcement", ADMIN, Endpoint::Announce),
    route(Method::GET, "/api/health", READ, Endpoint::Health),
    route(Method::GET, "/api/health/live", PUBLIC, Endpoint::Alive),
    route(Method::GET, "/api/health/ready", READ, Endpoint::Ready),
    route(Method::GET, "/api/health/websocket", READ, Endpoint::Streams),
    route(Method::GET, "/api/logs", ADMIN, Endpoint::Logs),
    route(Method::GET, "/metrics", READ, Endpoint::Metrics),
    route(Method::POST, "/api/login", PUBLIC, Endpoint::Account(Action::LogIn)),
    route(Method::POST, "/api/logout", READ, Endpoint::Account(Action::LogOut)),
    route(Method::GET, "/api/session", READ, Endpoint::Account(Action::ShowSession)),
    route(Method::GET, "/api/tokens", ADMIN, Endpoint::Account(Action::ListTokens)),
    route(Method::POST, "/api/tokens", ADMIN, Endpoint::Account(Action::MakeToken)),
    route(Method::DELETE, "/api/tokens/{id}", ADMIN, Endpoint::Account(Action::RevokeToken)),
    route(Method::GET, "/api/sessions", ADMIN, Endpoint::Account(Action::ListSessions)),
    route(Method::DELETE, "/api/sessions/{id}", ADMIN, Endpoint::Account(Action::EndSession)),
    route(Method::PUT, "/api/password", ADMIN, Endpoint::Account(Action::SetPassword)),
    route(Method::GET, "/api/update", ADMIN, Endpoint::Update),
    route(Method::POST, "/api/update", ADMIN, Endpoint::BeginUpdate),
    route(Method::POST, "/api/update/reboot", ADMIN, Endpoint::Reboot),
    route(Method::GET, "/api/network", ADMIN, Endpoint::Network),
    route(Method::PUT, "/api/network/wifi", ADMIN, Endpoint::JoinNetwork),
    route(Method::GET, "/", PUBLIC, Endpoint::Asset(&assets::PAGE)),
    route(Method::GET, "/ui/{path...}", PUBLIC, Endpoint::Ui),
    route(Method::GET, "/lookout-client.js", PUBLIC, Endpoint::Asset(&assets::CLIENT)),
    route(Method::GET, "/icon.svg", PUBLIC, Endpoint::Asset(&assets::ICON)),
    route(Method::GET, "/api/openapi.json", PUBLIC, Endpoint::Asset(&assets::OPENAPI)),
    route(Method::GET, "/api/asyncapi.json", PUBLIC, Endpoint::Asset(&assets::ASYNCAPI)),
    route(Method::GET, "/docs", PUBLIC, Endpoint::Asset(&assets::DOCS)),
    route(Method::GET, "/docs.css", PUBLIC, Endpoint::Asset(&assets::DOCS_STYLE)),
    route(Method::GET, "/docs.js", PUBLIC, Endpoint::Asset(&assets::DOCS_SCRIPT)),
];

/// Who answers `method` on `path`, and what stands at `{name}`: 404 for a path that there is not, 405 with `Allow`
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

/// What stands at `{name}` (nothing, if there is no such place), when `path` is of the form of `pattern`.
fn matching<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, place)) = pattern.split_once('{') else {
        return (pattern == path).then_some("");
    };
    let after = place.split_once('}').map_or("", |(_, after)| after);
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    let rest = place.ends_with("...}");
    (!id.is_empty() && (rest || !id.contains('/'))).then_some(id)
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
