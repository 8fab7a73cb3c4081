//! Wishes to the pipeline over REST: make an event, arm, disarm. Which routes there are stands in `routes.rs`.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Limited;
use hyper::StatusCode;
use hyper::body::Incoming;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::Error;
use tokio::time::timeout;

use super::Server;
use super::problem::Problem;
use super::reply;
use super::reply::Answer;
use crate::limits::REQUEST_BODY_BYTES_MAX;
use crate::pipeline::Command;
use crate::wire::object::Object;

/// Whether events are made.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Armed {
    /// True: they are.
    armed: bool,
}

/// It was understood, and will be done.
#[derive(Serialize, JsonSchema)]
pub(super) struct Accepted {
    /// Always true.
    pub(super) accepted: bool,
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

/// What the object that is a body says.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(body).map(|Object(fields)| fields)
}

/// `PUT /api/armed`
pub(super) async fn set_armed(server: &Server, body: Incoming) -> Answer {
    let bytes = whole(body, server.services.settings.header_time_max).await?;
    let wanted: Armed =
        from_json(&bytes).map_err(|error| Problem::bad_request(format!("the body is {{\"armed\": true|false}}: {error}")))?;
    ask(server, Command::Arm(wanted.armed))?;
    Ok(reply::json(StatusCode::ACCEPTED, &wanted))
}

/// The pipeline does it at its next step.
fn ask(server: &Server, command: Command) -> Result<(), Problem> {
    let asked = server.services.controls.ask(command);
    asked.map_err(|_| Problem::unavailable("the camera is busy with earlier commands"))
}

/// Up to here, numbers with a fraction tell whole ones apart.
const EXACT_MAX: f64 = 9e15;

/// A request's body, in time and within its limit.
pub(super) async fn whole(body: Incoming, time_max: Duration) -> Result<Bytes, Problem> {
    whole_of(body, REQUEST_BODY_BYTES_MAX, time_max).await
}

/// A request's body of at most so many bytes, in time.
pub(super) async fn whole_of(body: Incoming, bytes_max: usize, time_max: Duration) -> Result<Bytes, Problem> {
    let too_slow = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
    let too_long = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("this body has at most {bytes_max} bytes"));
    let limited = Limited::new(body, bytes_max).collect();
    let collected = timeout(time_max, limited).await.map_err(too_slow)?.map_err(too_long)?;
    Ok(collected.to_bytes())
}

/// A whole number or null. JSON has one kind of number: 5.0 is 5.
pub(super) fn whole_number<'de, T: TryFrom<u64>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(from)? else {
        return Ok(None);
    };
    let whole = (number.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&number)).then_some(number as u64);
    let fits = whole.and_then(|whole| T::try_from(whole).ok());
    fits.map(Some)
        .ok_or_else(|| D::Error::custom(format!("{number} is no whole number that is meant here")))
}
