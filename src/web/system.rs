//! What the device is and how it is set: zones, tuning, version, memory and store in figures. How it fares is `health.rs`'s.

use hyper::HeaderMap;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Memory;
use super::Server;
use super::etag;
use super::reply;
use super::reply::Answer;
use crate::clock::BootId;
use crate::clock::Timestamp;
use crate::event::engine;
use crate::event::engine::Fusion;
use crate::frame::FrameFormat;
use crate::media;
use crate::motion::settings as motion;
use crate::status::CameraState;
use crate::store::Figures;

/// What was set when the service started, and what memory that promises.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Which camera, as the configuration names it.
    pub source: String,
    /// How motion is found.
    pub motion: motion::Settings,
    /// What makes events.
    pub event: engine::Settings,
    /// Who may hold how much memory.
    pub ledger: Vec<Holder>,
}

/// One who holds memory.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Holder {
    /// Who.
    pub holder: &'static str,
    /// At most how much, in bytes.
    pub bytes: usize,
    /// Why that much.
    pub reason: String,
}

/// The zones of the camera.
#[derive(Serialize, JsonSchema)]
pub(super) struct Zones {
    zones: Vec<Zone>,
    /// Parts of the picture that are never looked at, as lists of corners.
    masks: Vec<Vec<(f32, f32)>>,
}

/// A part of the picture with a name.
#[derive(Serialize, JsonSchema)]
struct Zone {
    name: String,
    /// Corners (x, y) in parts of the picture from its top left.
    polygon: Vec<(f32, f32)>,
    /// 1 to 10; null: the camera's.
    sensitivity: Option<u8>,
}

/// What decides what is an event; keys and units are those of the configuration.
#[derive(Serialize, JsonSchema)]
pub(super) struct Tuning {
    motion: MotionTuning,
    event: EventTuning,
}

#[derive(Serialize, JsonSchema)]
struct MotionTuning {
    sensitivity: u8,
    object_size_min: f32,
    confirm_frames: u8,
    confirm_window: u8,
    warm_up_ms: u64,
    frozen_ms: u64,
}

#[derive(Serialize, JsonSchema)]
struct EventTuning {
    fusion: Fusion,
    window_ms: u64,
    gap_ms: u64,
    lapse_ms: u64,
    length_max_s: u64,
    similarity: f64,
    update_ms: u64,
}

/// The device at a glance.
#[derive(Serialize, JsonSchema)]
pub(super) struct System<'a> {
    version: &'static str,
    timestamp: Timestamp,
    /// Whether `timestamp` is to be believed.
    synced: bool,
    /// Time since the server began to listen, in milliseconds.
    uptime_ms: u64,
    boot_id: BootId,
    store_id: &'a str,
    camera: Camera<'a>,
    /// True memory; null where it is not counted.
    memory: Option<Memory>,
    /// Memory promised, holder by holder.
    ledger: &'a [Holder],
    store: Figures,
    /// What became of pictures since the start.
    pictures: media::Counters,
    /// How many look at the live picture.
    viewers: usize,
}

#[derive(Serialize, JsonSchema)]
struct Camera<'a> {
    id: &'a str,
    /// As the configuration names it.
    source: &'a str,
    state: CameraState,
    /// What it gives; null until it was open once.
    format: Option<FrameFormat>,
    /// Frames a second; null before the first.
    fps: Option<f32>,
}

/// `GET /api/zones`
pub(super) fn zones(server: &Server, headers: &HeaderMap) -> Answer {
    let settings = &server.services.about.motion;
    let zone = |zone: &motion::Zone| Zone {
        name: zone.name.to_string(),
        polygon: zone.polygon.to_vec(),
        sensitivity: zone.sensitivity,
    };
    let zones = Zones {
        zones: settings.zones.iter().map(zone).collect(),
        masks: settings.masks.iter().map(|mask| mask.to_vec()).collect(),
    };
    Ok(etag::json(headers, reply::to_json(&zones).into()))
}

/// `GET /api/tuning`
pub(super) fn tuning(server: &Server, headers: &HeaderMap) -> Answer {
    let (motion, event) = (&server.services.about.motion, &server.services.about.event);
    let tuning = Tuning {
        motion: MotionTuning {
            sensitivity: motion.sensitivity,
            object_size_min: motion.object_size_min,
            confirm_frames: motion.confirm_frames,
            confirm_window: motion.confirm_window,
            warm_up_ms: motion.warm_up.as_millis() as u64,
            frozen_ms: motion.frozen_ms,
        },
        event: EventTuning {
            fusion: event.fusion,
            window_ms: event.window.as_millis() as u64,
            gap_ms: event.gap.as_millis() as u64,
            lapse_ms: event.lapse.as_millis() as u64,
            length_max_s: event.length_max.as_secs(),
            similarity: f64::from(event.similarity_permille) / 1000.0,
            update_ms: event.update_interval.as_millis() as u64,
        },
    };
    Ok(etag::json(headers, reply::to_json(&tuning).into()))
}

/// `GET /api/system`
pub(super) async fn system(server: &Server) -> Answer {
    let (store, _) = server.reads.now(|store| store.figures()).await?;
    let services = &server.services;
    let (wall, pipeline) = (services.clock.wall(), services.status.pipeline().clone());
    let system = System {
        version: env!("CARGO_PKG_VERSION"),
        timestamp: wall.at,
        synced: wall.synced,
        uptime_ms: services.clock.now().since(server.began).as_millis() as u64,
        boot_id: services.identity.boot_id,
        store_id: &server.store_id,
        camera: Camera {
            id: &services.identity.camera_id,
            source: &services.about.source,
            state: pipeline.camera,
            format: pipeline.format,
            fps: pipeline.fps,
        },
        memory: services.memory.as_ref().map(|measure| measure()),
        ledger: &services.about.ledger,
        store,
        pictures: services.desk.counters(),
        viewers: services.desk.viewers(),
    };
    Ok(reply::json(StatusCode::OK, &system))
}
