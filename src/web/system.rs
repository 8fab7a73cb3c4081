//! What the device is: version, camera, memory and store in figures. How it fares is `health.rs`'s, how it is set `tuning.rs`'s.

use hyper::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Memory;
use super::Server;
use super::reply;
use super::reply::Answer;
use super::reply::Body;
use super::tls::Certificate;
use super::tls::Tls;
use crate::board::Board;
use crate::clock::BootId;
use crate::clock::Timestamp;
use crate::frame::FrameFormat;
use crate::media;
use crate::status::CameraState;
use crate::store::Figures;

/// What was set when the service started, and what memory it promises.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Which camera, as the configuration names it.
    pub source: String,
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

/// The device at a glance.
#[derive(Serialize, JsonSchema)]
pub(super) struct System<'a> {
    version: &'static str,
    /// The board, as its firmware calls it; null where nothing says so.
    board: Option<String>,
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

/// What is spoken below HTTP.
#[derive(Serialize, JsonSchema)]
pub(super) struct Encryption<'a> {
    /// The certificate that clients are shown; null: no TLS is spoken.
    certificate: Option<&'a Certificate>,
}

/// `GET /api/certificate`
pub(super) fn certificate(server: &Server) -> Response<Body> {
    let certificate = server.services.tls.as_ref().map(Tls::certificate);
    reply::json(StatusCode::OK, &Encryption { certificate })
}

/// `GET /api/system`
pub(super) async fn system(server: &Server) -> Answer {
    let (store, _) = server.reads.now(|store| store.figures()).await?;
    let services = &server.services;
    let (wall, pipeline) = (services.clock.wall(), services.status.pipeline().clone());
    let system = System {
        version: env!("CARGO_PKG_VERSION"),
        board: services.board.as_ref().and_then(Board::model),
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
