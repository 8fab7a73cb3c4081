//! `GET /api/health`: how the device is, in one object; 200 when all is well, 503 with the same object when not.

use hyper::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Memory;
use super::Server;
use super::admission::Door;
use super::counters::CountersNow;
use super::presence::Summary;
use super::reply;
use super::reply::Body;
use crate::clock::BootId;
use crate::clock::Timestamp;
use crate::event::engine::Fusion;
use crate::hub;
use crate::status::CameraState;
use crate::status::PipelineStatus;
use crate::status::RecorderStatus;
use crate::trigger::TriggerState;

/// How the device is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Health<'a> {
    /// `ok` or `failing`.
    status: &'static str,
    /// What is wrong, in words; empty when nothing is.
    problems: Vec<String>,
    timestamp: Timestamp,
    version: &'static str,
    camera_id: &'a str,
    boot_id: BootId,
    store_id: &'a str,
    /// Time since the server began to listen, in milliseconds.
    uptime_ms: u64,
    /// Time since the last frame, in milliseconds; null before the first.
    frame_age_ms: Option<u64>,
    pipeline: &'a PipelineStatus,
    recorder: &'a RecorderStatus,
    clients: Clients,
    stream: hub::Counters,
    /// Null where it is not counted.
    memory: Option<Memory>,
}

/// Whether the server answers at all: 200 if it does.
#[derive(Serialize, JsonSchema)]
pub(super) struct Alive {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the device does what it is for.
#[derive(Serialize, JsonSchema)]
pub(super) struct Ready {
    ready: bool,
    /// Why not, in words.
    problems: Vec<String>,
}

/// Streams and those who take part.
#[derive(Serialize, JsonSchema)]
pub(super) struct Streams {
    /// Always `ok`: the server answers.
    status: &'static str,
    #[serde(flatten)]
    summary: Summary,
    /// WebSockets opened since the start.
    total_connections: u64,
    clients: Clients,
    stream: hub::Counters,
}

#[derive(Serialize, JsonSchema)]
struct Clients {
    /// Places taken, by requests and streams together.
    active: usize,
    /// Of those, streams.
    streams: usize,
    /// Places that there are.
    max: usize,
    #[serde(flatten)]
    counters: CountersNow,
}

pub(super) fn show(server: &Server) -> Response<Body> {
    let services = &server.services;
    let pipeline = services.status.pipeline().clone();
    let recorder = services.status.recorder().clone();
    let problems = problems(&pipeline, &recorder);
    let now = services.clock.now();
    let health = Health {
        status: if problems.is_empty() { "ok" } else { "failing" },
        timestamp: services.clock.wall().at,
        version: env!("CARGO_PKG_VERSION"),
        camera_id: &services.identity.camera_id,
        boot_id: services.identity.boot_id,
        store_id: &server.store_id,
        uptime_ms: now.since(server.began).as_millis() as u64,
        frame_age_ms: pipeline.last_frame.map(|at| now.since(at).as_millis() as u64),
        pipeline: &pipeline,
        recorder: &recorder,
        clients: clients(server),
        stream: services.hub.counters(),
        memory: services.memory.as_ref().map(|measure| measure()),
        problems,
    };
    let status = if health.problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    reply::json(status, &health)
}

/// `GET /api/health/live`: a restart helps when this does not answer.
pub(super) fn alive() -> Response<Body> {
    reply::json(StatusCode::OK, &Alive { status: "ok" })
}

/// `GET /api/health/ready`: 200 when all is well, 503 when not.
pub(super) fn ready(server: &Server) -> Response<Body> {
    let status = &server.services.status;
    let (pipeline, recorder) = (status.pipeline().clone(), status.recorder().clone());
    let problems = problems(&pipeline, &recorder);
    let ready = problems.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    reply::json(status, &Ready { ready, problems })
}

/// `GET /api/health/websocket`
pub(super) fn streams(server: &Server) -> Response<Body> {
    let clients = clients(server);
    let streams = Streams {
        status: "ok",
        summary: server.roster.summary(server.services.hub.position()),
        total_connections: clients.counters.opened,
        clients,
        stream: server.services.hub.counters(),
    };
    reply::json(StatusCode::OK, &streams)
}

fn clients(server: &Server) -> Clients {
    let streams = server.clients.count(Door::Events);
    Clients {
        active: streams + server.clients.count(Door::Http),
        streams,
        max: server.clients.max(),
        counters: server.counters.now(),
    }
}

/// A sensor that is not there is no fault: video goes on. A camera or a store that is not there is.
fn problems(pipeline: &PipelineStatus, recorder: &RecorderStatus) -> Vec<String> {
    let because = |fault: &Option<String>| fault.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let mut problems = Vec::new();
    if pipeline.camera == CameraState::Lost {
        problems.push(format!("the camera is lost{}", because(&pipeline.camera_fault)));
    }
    if let Some(tamper) = pipeline.tamper {
        problems.push(format!("the picture is not to be trusted: {tamper:?}").to_lowercase());
    }
    if !recorder.writable {
        problems.push(match &recorder.fault {
            Some(why) => format!("events cannot be written: {why}"),
            None => "the store is only being opened".into(),
        });
    }
    if pipeline.pir == Some(TriggerState::Unavailable) && needs_pir(pipeline.fusion) {
        problems.push("the PIR sensor cannot be read, and without it there are no events".into());
    }
    problems
}

fn needs_pir(fusion: Fusion) -> bool {
    matches!(fusion, Fusion::Pir | Fusion::Both | Fusion::PirArmsVideo)
}
