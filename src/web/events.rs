//! Stored events over REST: pages with filters, one, and what may be asked about one. Making them is `handlers.rs`'s.

use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::Server;
use super::etag;
use super::problem::Problem;
use super::query;
use super::query::Parameters;
use super::reply;
use super::reply::Answer;
use super::reply::Body;
use super::store::EventStore;
use crate::clock::Timestamp;
use crate::event::model::Event;
use crate::event::model::Name;
use crate::event::model::Trigger;
use crate::limits::PAGE_EVENTS_MAX;
use crate::limits::RESPONSE_BYTES_MAX;
use crate::limits::STORE_READ_MS_MAX;
use crate::motion::Score;
use crate::records::Edit;
use crate::records::Refused;
use crate::store::EventQuery;
use crate::store::StoreError;

/// Events in a page when the request does not say.
pub(super) const PAGE_EVENTS_DEFAULT: usize = 50;

/// What a page of events can be asked by.
pub(super) const PARAMETERS: [&str; 8] = ["since", "before", "from", "to", "trigger", "zone", "score_min", "limit"];

/// A page of events, and how to go on.
#[derive(Serialize, JsonSchema)]
pub(super) struct EventList {
    #[schemars(with = "Vec<Event>")]
    events: Vec<Box<RawValue>>,
    paging: Paging,
}

/// How to go on from a page.
#[derive(Serialize, JsonSchema)]
struct Paging {
    /// Events in this page.
    count: usize,
    /// Most events that there could have been.
    limit: usize,
    /// Whether more may follow.
    more: bool,
    /// Where they are; null when there are none.
    next: Option<String>,
    /// Newest durable sequence number, from before the page was read: a stream from here misses nothing.
    newest_seq: u64,
}

/// Whether an event is bookmarked.
#[derive(Serialize, JsonSchema)]
pub(super) struct Bookmark {
    /// Which event.
    id: u64,
    /// Whether it outlasts others.
    bookmarked: bool,
}

/// `GET /api/events`
pub(super) async fn list(server: &Server, query: Option<&str>, headers: &HeaderMap) -> Answer {
    let query = parse(query)?;
    let newest_seq = server.services.hub.newest_seq();
    let (body, permit) = server.reads.now(move |store| page(store, &query, newest_seq)).await?;
    Ok(etag::json(headers, reply::held(body, permit)))
}

/// `GET /api/events/{id}`
pub(super) async fn show(server: &Server, id: &str, headers: &HeaderMap) -> Answer {
    let id = number(id)?;
    let (event, _) = server.reads.now(move |store| store.event(id)).await?;
    let event = event.ok_or_else(|| Problem::from(Refused::Unknown(id)))?;
    Ok(etag::json(headers, reply::to_json(&event).into()))
}

/// `DELETE /api/events/{id}`
pub(super) async fn delete(server: &Server, id: &str) -> Answer {
    edit(server, Edit::Delete(number(id)?)).await?;
    Ok(no_content())
}

/// `PUT /api/events/{id}/bookmark`
pub(super) async fn bookmark(server: &Server, id: &str) -> Answer {
    let id = number(id)?;
    edit(server, Edit::Bookmark(id)).await?;
    Ok(reply::json(StatusCode::OK, &Bookmark { id, bookmarked: true }))
}

/// `DELETE /api/events/{id}/bookmark`
pub(super) async fn unbookmark(server: &Server, id: &str) -> Answer {
    edit(server, Edit::Unbookmark(number(id)?)).await?;
    Ok(no_content())
}

/// The id of an event.
pub(super) fn number(id: &str) -> Result<u64, Problem> {
    query::number(id).ok_or_else(|| Problem::bad_request("an event's id is a whole number"))
}

fn no_content() -> Response<Body> {
    reply::plain(StatusCode::NO_CONTENT, Bytes::new())
}

/// The recorder does it; returns once it is durable.
async fn edit(server: &Server, edit: Edit) -> Result<(), Problem> {
    let busy = || Problem::unavailable("the store is busy with earlier requests");
    let asked = server.services.records.ask(edit).ok_or_else(busy)?;
    let slow = |_| Problem::unavailable(format!("not done within {STORE_READ_MS_MAX} ms; it may yet be"));
    let answered = timeout(Duration::from_millis(STORE_READ_MS_MAX), asked).await.map_err(slow)?;
    let granted = answered.map_err(|_| Problem::unavailable("the service is stopping"))?;
    Ok(granted?)
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let status = match &refused {
            Refused::Unknown(_) => StatusCode::NOT_FOUND,
            Refused::Running(_) | Refused::Full(_) => StatusCode::CONFLICT,
            Refused::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, refused.to_string())
    }
}

fn parse(query: Option<&str>) -> Result<EventQuery, Problem> {
    let given = Parameters::parse(query, &PARAMETERS)?;
    let time = |name| given.value(name, "a time as RFC 3339 writes it, as in 2026-01-31T12:00:00Z", Timestamp::parse);
    Ok(EventQuery {
        since: given.number("since")?,
        before: given.number("before")?,
        from: time("from")?,
        to: time("to")?,
        trigger: given.value("trigger", "video, pir, both or manual", trigger)?,
        zone: given.text("zone").map(zone),
        score_min: given.value("score_min", "a number, 0 to 1", score)?,
        limit: given.count("limit", PAGE_EVENTS_MAX, PAGE_EVENTS_DEFAULT)?,
    })
}

fn trigger(text: &str) -> Option<Trigger> {
    Trigger::ALL.into_iter().find(|trigger| trigger.name() == text)
}

/// A name too long for a zone is answered as any other that there is not: by one that no zone may have.
fn zone(text: &str) -> Name {
    Name::try_from(text).unwrap_or_else(|_| ['\0'].into_iter().collect())
}

fn score(text: &str) -> Option<Score> {
    let part = text.parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part))?;
    Some(Score((part * 1000.0).ceil() as u16)) // at least that much
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

/// The address of the page that goes on at `id`: by id, so that events which come or go meanwhile move nothing.
fn next_page(query: &EventQuery, id: u64) -> String {
    let ascending = query.since.is_some() && query.before.is_none();
    let (since, before) = if ascending { (Some(id), None) } else { (query.since, Some(id)) };
    let given = [
        ("since", since.map(|id| id.to_string())),
        ("before", before.map(|id| id.to_string())),
        ("from", query.from.map(|at| at.to_string())),
        ("to", query.to.map(|at| at.to_string())),
        ("trigger", query.trigger.map(|trigger| trigger.name().to_owned())),
        ("zone", query.zone.as_ref().map(|zone| query::encode(zone))),
        ("score_min", query.score_min.map(|score| (f64::from(score.0) / 1000.0).to_string())),
        ("limit", Some(query.limit.to_string())),
    ];
    let pairs = given.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    format!("/api/events?{}", pairs.collect::<Vec<_>>().join("&"))
}
