//! Every route in one table: method, path, and who answers. What the answers say is in `handlers.rs`.

use hyper::Method;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;

use super::assets;
use super::assets::Asset;
use super::problem::Problem;
use crate::wire::Door;

/// One line of the table. `{name}` in a path stands for one segment.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) endpoint: Endpoint,
}

/// Who answers.
#[derive(Clone, Copy)]
pub(super) enum Endpoint {
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
    Tuning,
    System,
    Test,
    Announce,
    Alive,
    Ready,
    Streams,
    Logs,
    Metrics,
    Asset(&'static Asset),
}

const fn route(method: Method, path: &'static str, endpoint: Endpoint) -> Route {
    Route { method, path, endpoint }
}

pub(super) static ROUTES: &[Route] = &[
    route(Method::GET, "/ws/events", Endpoint::Stream(Door::Events)),
    route(Method::GET, "/ws/ui", Endpoint::Stream(Door::Ui)),
    route(Method::GET, "/api/ws/statistics", Endpoint::Stream(Door::Statistics)),
    route(Method::GET, "/ws", Endpoint::Stream(Door::Open)),
    route(Method::GET, "/api/events", Endpoint::ListEvents),
    route(Method::POST, "/api/events", Endpoint::TriggerEvent),
    route(Method::GET, "/api/events/{id}", Endpoint::ShowEvent),
    route(Method::GET, "/api/armed", Endpoint::ShowArmed),
    route(Method::PUT, "/api/armed", Endpoint::SetArmed),
    route(Method::GET, "/api/health", Endpoint::Health),
    route(Method::DELETE, "/api/events/{id}", Endpoint::DeleteEvent),
    route(Method::PUT, "/api/events/{id}/bookmark", Endpoint::Bookmark),
    route(Method::DELETE, "/api/events/{id}/bookmark", Endpoint::Unbookmark),
    route(Method::GET, "/api/zones", Endpoint::Zones),
    route(Method::GET, "/api/tuning", Endpoint::Tuning),
    route(Method::GET, "/api/system", Endpoint::System),
    route(Method::POST, "/api/test/{kind}", Endpoint::Test),
    route(Method::POST, "/api/announcement", Endpoint::Announce),
    route(Method::GET, "/api/health/live", Endpoint::Alive),
    route(Method::GET, "/api/health/ready", Endpoint::Ready),
    route(Method::GET, "/api/health/websocket", Endpoint::Streams),
    route(Method::GET, "/api/logs", Endpoint::Logs),
    route(Method::GET, "/metrics", Endpoint::Metrics),
    route(Method::GET, "/", Endpoint::Asset(&assets::PAGE)),
    route(Method::GET, "/app.css", Endpoint::Asset(&assets::STYLE)),
    route(Method::GET, "/app.js", Endpoint::Asset(&assets::APP)),
    route(Method::GET, "/client.js", Endpoint::Asset(&assets::CLIENT)),
    route(Method::GET, "/view.js", Endpoint::Asset(&assets::VIEW)),
    route(Method::GET, "/icon.svg", Endpoint::Asset(&assets::ICON)),
    route(Method::GET, "/api/openapi.json", Endpoint::Asset(&assets::OPENAPI)),
    route(Method::GET, "/api/asyncapi.json", Endpoint::Asset(&assets::ASYNCAPI)),
    route(Method::GET, "/docs", Endpoint::Asset(&assets::DOCS)),
    route(Method::GET, "/docs.css", Endpoint::Asset(&assets::DOCS_STYLE)),
    route(Method::GET, "/docs.js", Endpoint::Asset(&assets::DOCS_SCRIPT)),
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
    (!id.is_empty() && !id.contains('/')).then_some(id)
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
