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
use crate::limits::ANNOUNCEMENT_BYTES_MAX;
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
    #[schemars(length(min = 1, max = 500))]
    message: String,
}

/// `POST /api/announcement`
pub(super) async fn announce(server: &Server, body: Incoming) -> Answer {
    let bytes = whole(body, server.services.settings.header_time_max).await?;
    let wanted: Announce =
        serde_json::from_slice(&bytes).map_err(|error| Problem::bad_request(format!("the body is {{\"message\": \"...\"}}: {error}")))?;
    let message = wanted.message.as_str();
    if message.is_empty() || message.len() > ANNOUNCEMENT_BYTES_MAX || message.contains(char::is_control) {
        return Err(Problem::bad_request(format!(
            "message is one line of 1 to {ANNOUNCEMENT_BYTES_MAX} bytes"
        )));
    }
    tracing::info!(message, "announcement");
    told(producers::announce(&server.services, message))
}

/// `POST /api/test/{kind}`
pub(super) async fn test(server: &Server, kind: &str, body: Incoming) -> Answer {
    let bytes = whole(body, server.services.settings.header_time_max).await?;
    if kind != "custom" && !bytes.is_empty() {
        return Err(Problem::bad_request("only a custom test has a body"));
    }
    let services = &server.services;
    let told_of = match kind {
        "event" => tell(
            services,
            Topic::Event,
            Facts::default(),
            &SampleEvent {
                test: true,
                data: &sample_event(server),
            },
        ),
        "overlay" => tell(
            services,
            Topic::Overlay,
            Facts::default(),
            &SampleOverlay {
                test: true,
                overlay_type: "detection",
                data: json!({ "boxes": [sample_box()] }),
            },
        ),
        "telemetry" => tell(
            services,
            Topic::Telemetry,
            Facts::default(),
            &SampleTelemetry {
                test: true,
                data: json!({ "fps": server.services.status.pipeline().fps }),
            },
        ),
        "custom" => {
            let data: Map<String, Value> =
                serde_json::from_slice(&bytes).map_err(|error| Problem::bad_request(format!("the body is a JSON object: {error}")))?;
            tell(services, Topic::Custom, Facts::default(), &Custom { data: &data })
        }
        _ => {
            let kinds = KINDS.join(", ");
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                format!("there is no test of this kind; there are: {kinds}"),
            ));
        }
    };
    told(told_of)
}

fn told(outcome: Result<(), PublishError>) -> Answer {
    outcome.map_err(|error| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))?;
    Ok(reply::json(StatusCode::ACCEPTED, &Accepted { accepted: true }))
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
