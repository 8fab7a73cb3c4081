//! What each route of the REST API answers. Which routes there are stands in `routes.rs`.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Limited;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Incoming;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::Server;
use super::problem::Problem;
use super::query;
use super::reply;
use super::reply::Body;
use super::store::EventStore;
use super::store::ReadPermit;
use crate::limits::REQUEST_BODY_BYTES_MAX;
use crate::limits::RESPONSE_BYTES_MAX;
use crate::pipeline::Command;
use crate::store::EventQuery;
use crate::store::StoreError;

type Answer = Result<Response<Body>, Problem>;

/// A page of events, and how to go on.
#[derive(Serialize)]
struct EventList {
    events: Vec<Box<RawValue>>,
    paging: Paging,
}

#[derive(Serialize)]
struct Paging {
    /// Events in this page.
    count: usize,
    /// Most events that there could have been.
    limit: usize,
    /// Whether more follow.
    more: bool,
    /// Where they are; null when there are none.
    next: Option<String>,
    /// Newest durable sequence number, from before the page was read: a stream from here misses nothing.
    newest_seq: u64,
}

/// Whether events are made.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Armed {
    armed: bool,
}

#[derive(Serialize)]
struct Accepted {
    accepted: bool,
}

/// `GET /api/events`
pub(super) async fn list_events(server: &Server, query: Option<&str>) -> Answer {
    let query = query::events(query)?;
    let newest_seq = server.services.hub.newest_seq();
    let (body, permit) = server.reads.now(move |store| page(store, &query, newest_seq)).await?;
    Ok(reply::api(StatusCode::OK, "application/json", held(body, permit)))
}

/// `GET /api/events/{id}`
pub(super) async fn show_event(server: &Server, id: &str) -> Answer {
    let id = query::number(id).ok_or_else(|| Problem::bad_request("an event's id is a whole number"))?;
    let (event, _) = server.reads.now(move |store| store.event(id)).await?;
    let event = event.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no event {id}")))?;
    Ok(reply::json(StatusCode::OK, &event))
}

/// `POST /api/events`
pub(super) fn trigger_event(server: &Server) -> Answer {
    ask(server, Command::Trigger)?;
    Ok(reply::json(StatusCode::ACCEPTED, &Accepted { accepted: true }))
}

/// `GET /api/armed`
pub(super) fn show_armed(server: &Server) -> Answer {
    let armed = server.services.status.pipeline().armed;
    Ok(reply::json(StatusCode::OK, &Armed { armed }))
}

/// `PUT /api/armed`
pub(super) async fn set_armed(server: &Server, body: Incoming) -> Answer {
    let bytes = whole(body, server.services.settings.header_time_max).await?;
    let wanted: Armed =
        serde_json::from_slice(&bytes).map_err(|error| Problem::bad_request(format!("the body is {{\"armed\": true|false}}: {error}")))?;
    ask(server, Command::Arm(wanted.armed))?;
    Ok(reply::json(StatusCode::ACCEPTED, &wanted))
}

/// The pipeline does it at its next step.
fn ask(server: &Server, command: Command) -> Result<(), Problem> {
    let asked = server.services.controls.ask(command);
    asked.map_err(|_| Problem::unavailable("the camera is busy with earlier commands"))
}

/// A request's body, in time and within its limit.
pub(super) async fn whole(body: Incoming, time_max: Duration) -> Result<Bytes, Problem> {
    let too_slow = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
    let too_long = |_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a body has at most {REQUEST_BODY_BYTES_MAX} bytes"),
        )
    };
    let limited = Limited::new(body, REQUEST_BODY_BYTES_MAX).collect();
    let collected = timeout(time_max, limited).await.map_err(too_slow)?.map_err(too_long)?;
    Ok(collected.to_bytes())
}

/// The JSON of a page; runs where the store is read, so that there is one page of events at a time.
fn page(store: &dyn EventStore, query: &EventQuery, newest_seq: u64) -> Result<Vec<u8>, StoreError> {
    let found = store.events(query)?;
    let (mut events, mut bytes) = (Vec::with_capacity(found.events.len()), 0);
    for event in &found.events {
        if bytes >= RESPONSE_BYTES_MAX {
            break;
        }
        let json = serde_json::value::to_raw_value(event).expect("an event is plain data, every key of it a string");
        bytes += json.get().len();
        events.push(json);
    }
    let count = events.len();
    let cut = (count < found.events.len()).then(|| found.events[count - 1].id);
    let next = cut.or(found.next).map(|id| next_page(query, id));
    let paging = Paging {
        count,
        limit: query.limit,
        more: next.is_some(),
        next,
        newest_seq,
    };
    Ok(reply::to_json(&EventList { events, paging }))
}

/// The address of the page that goes on at `id`.
fn next_page(query: &EventQuery, id: u64) -> String {
    let limit = query.limit;
    match (query.since, query.before) {
        (Some(_), None) => format!("/api/events?since={id}&limit={limit}"),
        (Some(since), Some(_)) => format!("/api/events?since={since}&before={id}&limit={limit}"),
        (None, _) => format!("/api/events?before={id}&limit={limit}"),
    }
}

/// A body that keeps its permit until the last byte is sent, so that what waits to be sent is bounded.
fn held(body: Vec<u8>, permit: ReadPermit) -> Bytes {
    struct Held(Vec<u8>, #[expect(dead_code, reason = "kept for its Drop")] ReadPermit);
    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    Bytes::from_owner(Held(body, permit))
}
