//! What is told at its own pace: statistics, telemetry, overlay, presence, each only while someone listens. And what is told
//! to everybody because someone asked for it.

use std::time::Duration;

use tokio::time::sleep;
use tokio::time::timeout;

use super::Server;
use super::Services;
use crate::event::engine::EngineState;
use crate::hub::Message;
use crate::hub::PublishError;
use crate::limits::ANNOUNCEMENT_CHARS_MAX;
use crate::limits::OVERLAY_HEAT_EVERY;
use crate::limits::OVERLAY_MS_MIN;
use crate::limits::PRESENCE_MS_MAX;
use crate::limits::PRESENCE_MS_MIN;
use crate::limits::STATISTICS_MS;
use crate::limits::TELEMETRY_MS;
use crate::status::CameraState;
use crate::status::View;
use crate::wire;
use crate::wire::Facts;
use crate::wire::Topic;
use crate::wire::broadcast::Announcement;
use crate::wire::live::ByZone;
use crate::wire::live::Cameras;
use crate::wire::live::Clients;
use crate::wire::live::MemoryUse;
use crate::wire::live::Overlay;
use crate::wire::live::OverlayMessage;
use crate::wire::live::PresenceMessage;
use crate::wire::live::Stages;
use crate::wire::live::Statistics;
use crate::wire::live::StatisticsUpdate;
use crate::wire::live::Telemetry;
use crate::wire::live::TelemetryMessage;

/// What filters ask of a message about the camera.
const CAMERA: Facts = Facts {
    camera: Some(0),
    zones: None,
    score: None,
};

/// Tells whatever is told at its own pace; never returns.
pub(super) async fn run(server: &Server) {
    tokio::join!(
        every(server, Topic::StatisticsUpdate, STATISTICS_MS, || statistics(server)),
        every(server, Topic::Telemetry, TELEMETRY_MS, || telemetry(server)),
        overlays(server),
        presences(server),
    );
}

/// Says `text` to everybody who listens to announcements; refuses one of more than [`ANNOUNCEMENT_CHARS_MAX`] characters.
pub fn announce(services: &Services, text: &str) -> Result<(), PublishError> {
    if text.chars().count() > ANNOUNCEMENT_CHARS_MAX {
        return Err(PublishError::TooLong { bytes: text.len() });
    }
    tell(services, Topic::Announcement, Facts::default(), &Announcement { message: text })
}

/// Publishes `message` of `topic` as of now. It is not kept: whoever is away does not get it.
pub fn tell<M: wire::Message>(services: &Services, topic: Topic, facts: Facts, message: &M) -> Result<(), PublishError> {
    services.hub.publish(Message {
        seq: None,
        topic,
        text: wire::encode(services.clock.wall().at, message),
        facts,
    })
}

/// Calls `say` at once and then every so many milliseconds, as long as someone listens to `topic`; never returns.
async fn every(server: &Server, topic: Topic, period_ms: u64, mut say: impl FnMut() -> Result<(), PublishError>) {
    let mut listened = server.services.hub.listened();
    loop {
        // The sender lives in the hub, which the server holds: there is no error.
        let _ = listened.wait_for(|topics| topics.has(topic)).await;
        if let Err(error) = say() {
            tracing::error!(%error, topic = topic.name(), "a message of our own was refused");
        }
        // Whoever comes when nobody listened is not to wait for the rest of the time.
        let left = listened.wait_for(|topics| !topics.has(topic));
        let _ = timeout(Duration::from_millis(period_ms), left).await;
    }
}

/// The pipeline shows what it sees only while someone looks on.
async fn overlays(server: &Server) {
    let status = &server.services.status;
    let mut listened = server.services.hub.listened();
    let looks_on = async {
        loop {
            let wanted = listened.borrow_and_update().has(Topic::Overlay);
            if !wanted {
                *status.view() = View::default();
            }
            status.want_view(wanted);
            let _ = listened.changed().await;
        }
    };
    let (mut frame, mut count) = (0, 0);
    let say = || {
        let view = status.view().clone();
        if view.frame == std::mem::replace(&mut frame, view.frame) {
            return Ok(());
        }
        count += 1;
        overlay(server, &view, count % OVERLAY_HEAT_EVERY == 1)
    };
    tokio::join!(looks_on, every(server, Topic::Overlay, OVERLAY_MS_MIN, say));
}

/// When someone comes or goes, and now and then.
async fn presences(server: &Server) {
    let mut listened = server.services.hub.listened();
    loop {
        let _ = listened.wait_for(|topics| topics.has(Topic::Presence)).await;
        let presence = server.roster.presence(server.services.hub.position());
        if let Err(error) = tell(
            &server.services,
            Topic::Presence,
            Facts::default(),
            &PresenceMessage { data: &presence },
        ) {
            tracing::error!(%error, "a message of our own was refused");
        }
        sleep(Duration::from_millis(PRESENCE_MS_MIN)).await;
        let _ = timeout(Duration::from_millis(PRESENCE_MS_MAX - PRESENCE_MS_MIN), server.roster.changed()).await;
    }
}

fn statistics(server: &Server) -> Result<(), PublishError> {
    let services = &server.services;
    let today = services.status.today().clone().at(services.clock.wall().at);
    let names = services.status.names();
    let pipeline = services.status.pipeline();
    let events = matches!(pipeline.engine, EngineState::Active | EngineState::Cooling);
    let cameras = Cameras {
        total: 1,
        active: u32::from(pipeline.camera == CameraState::Live),
        recording: u32::from(events),
    };
    drop(pipeline);
    let data = Statistics {
        events_today: today.events,
        by_trigger: today.by_trigger,
        by_zone: ByZone {
            names: &names.zones,
            counts: today.by_zone,
        },
        last_event: today.last,
        cameras,
        clients: Clients {
            streams: server.roster.count(),
            max: server.clients.max(),
        },
    };
    tell(services, Topic::StatisticsUpdate, Facts::default(), &StatisticsUpdate { data })
}

fn telemetry(server: &Server) -> Result<(), PublishError> {
    let services = &server.services;
    let (fps, latency_ms, detect_us) = {
        let pipeline = services.status.pipeline();
        (pipeline.fps, pipeline.latency_ms, pipeline.detect_us)
    };
    let commit_us = services.status.recorder().commit_us;
    let board = services.board.as_ref();
    let memory = services.memory.as_ref().map(|measure| measure());
    let data = Telemetry {
        fps,
        latency_ms,
        stages: Stages { detect_us, commit_us },
        uptime_ms: services.clock.now().since(server.began).as_millis() as u64,
        temperature_c: board.and_then(|board| board.temperature_c()),
        throttling: board.and_then(|board| board.throttling()),
        memory: memory.map(|memory| MemoryUse {
            used_bytes: memory.used_bytes,
            peak_bytes: memory.peak_bytes,
            budget_bytes: memory.budget_bytes,
        }),
        disk: board.and_then(|board| board.disk()),
        wifi_dbm: board.and_then(|board| board.wifi_dbm()),
    };
    let camera_id = services.identity.camera_id.as_str();
    tell(services, Topic::Telemetry, CAMERA, &TelemetryMessage { camera_id, data })
}

fn overlay(server: &Server, view: &View, with_heat: bool) -> Result<(), PublishError> {
    let services = &server.services;
    let names = services.status.names();
    let data = Overlay {
        frame: view.frame,
        score: view.score,
        boxes: view.boxes.clone(),
        zones: names.zone_names(view.zones).map(|name| name.as_str()).collect(),
        heat: with_heat.then_some(view.heat),
    };
    let message = OverlayMessage {
        camera_id: &services.identity.camera_id,
        overlay_type: "motion",
        data,
    };
    tell(services, Topic::Overlay, CAMERA, &message)
}
