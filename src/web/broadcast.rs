//! Words to every stream, by request: announcements of an administrator, and samples for those who integrate.

use hyper::StatusCode;
use hyper::body::Incoming;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Server;
use super::handlers::Accepted;
use super::handlers::from_json;
use super::handlers::whole;
use super::problem::Problem;
use super::producers;
use super::producers::tell;
use super::reply;
use super::reply::Answer;
use crate::event::model::ClockState;
use crate::event::model::Event;
use crate::event::model::Phase;
use crate::event::model::Trigger;
use crate::hub::PublishError;
use crate::limits::ANNOUNCEMENT_CHARS_MAX;
use crate::motion::Rect;
use crate::motion::Score;
use crate::wire::Facts;
use crate::wire::Topic;
use crate::wire::broadcast::Custom;
use crate::wire::broadcast::SampleEvent;
use crate::wire::broadcast::SampleOverlay;
use crate::wire::broadcast::SampleTelemetry;

/// What can be tried out.
pub(super) const KINDS: [&str; 4] = ["event", "overlay", "telemetry", "custom"];

/// A word to everybody.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Announce {
    /// What is to be said, in one line.
    #[schemars(length(min = 1, max = 240), regex(pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$"))]
    message: String,
}

/// `POST /api/announcement`
pub(super) async fn announce(server: &Server, body: Incoming) -> Answer {
    let bytes = whole(body, server.services.settings.header_time_max).await?;
    let wanted: Announce =
        from_json(&bytes).map_err(|error| Problem::bad_request(format!("the body is {{\"message\": \"...\"}}: {error}")))?;
    let message = wanted.message.as_str();
    if message.is_empty() || message.chars().count() > ANNOUNCEMENT_CHARS_MAX || message.contains(char::is_control) {
        return Err(Problem::bad_request(format!(
            "message is one line of 1 to {ANNOUNCEMENT_CHARS_MAX} characters"
        )));
    }
    tracing::info!(message, "announcement");
    told(producers::announce(&server.services, message))
}

/// `POST /api/test/{kind}`: a message of that kind, with the object that was sent as its `data`, or else with a sample.
pub(super) async fn test(server: &Server, kind: &str, body: Incoming) -> Answer {
    let bytes = whole(body, server.services.settings.header_time_max).await?;
    let given = if bytes.is_empty() { None } else { Some(object(&bytes)?) };
    let data = &given.unwrap_or_else(|| sample(server, kind));
    let (services, facts, test) = (&server.services, Facts::default(), true);
    let outcome = match kind {
        "event" => tell(services, Topic::Event, facts, &SampleEvent { test, data }),
        "overlay" => {
            let overlay_type = "detection";
            tell(services, Topic::Overlay, facts, &SampleOverlay { test, overlay_type, data })
        }
        "telemetry" => tell(services, Topic::Telemetry, facts, &SampleTelemetry { test, data }),
        "custom" => tell(services, Topic::Custom, facts, &Custom { data }),
        _ => {
            let kinds = KINDS.join(", ");
            let problem = format!("there is no test of this kind; there are: {kinds}");
            return Err(Problem::new(StatusCode::NOT_FOUND, problem));
        }
    };
    told(outcome)
}

fn told(outcome: Result<(), PublishError>) -> Answer {
    outcome.map_err(|error| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))?;
    Ok(reply::json(StatusCode::ACCEPTED, &Accepted { accepted: true }))
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    from_json(bytes).map_err(|error| Problem::bad_request(format!("the body is a JSON object, or nothing: {error}")))
}

/// What a message of `kind` might be about.
fn sample(server: &Server, kind: &str) -> Map<String, Value> {
    let value = match kind {
        "event" => serde_json::to_value(sample_event(server)).unwrap_or_default(),
        "overlay" => json!({ "boxes": [sample_box()] }),
        "telemetry" => json!({ "fps": server.services.status.pipeline().fps }),
        _ => Value::Null,
    };
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn sample_box() -> Rect {
    Rect {
        x: 4000,
        y: 3000,
        width: 2000,
        height: 4000,
    }
}

/// An event as it might be, under no number.
fn sample_event(server: &Server) -> Event {
    let services = &server.services;
    let wall = services.clock.wall();
    Event {
        id: 0,
        seq: 0,
        timestamp: wall.at,
        camera_id: services.identity.camera_id.clone(),
        trigger: Trigger::Manual,
        phase: Phase::End,
        duration_ms: 0,
        score: Score(1000),
        zones: Default::default(),
        boxes: [sample_box()].into_iter().collect(),
        pir: None,
        video: None,
        suppressed: 0,
        end_reason: None,
        snapshot_url: None,
        clip_url: None,
        bookmarked: false,
        clock: if wall.synced { ClockState::Synced } else { ClockState::Unsynced },
        boot_id: services.identity.boot_id,
        uptime_ms: services.clock.now().millis(),
    }
}
