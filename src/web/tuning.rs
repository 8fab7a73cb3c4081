//! What is set while the device runs: zones, and what decides what is an event. What may be set is known to who keeps it
//! ([`Tuner`]); here it is asked for, and shown.

use std::sync::Arc;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header;
use hyper::header::HeaderValue;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use serde_json::json;
use tokio::sync::SemaphorePermit;

use super::Server;
use super::etag;
use super::handlers;
use super::problem::Problem;
use super::reply;
use super::reply::Answer;
use crate::clock::Timestamp;
use crate::event::engine::Fusion;
use crate::limits::MASKS_MAX;
use crate::limits::POLYGON_POINTS_MAX;
use crate::limits::SCORES_SECONDS_MAX;
use crate::limits::SETTINGS_BYTES_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::Score;
use crate::motion::settings as motion;
use crate::pipeline;
use crate::pipeline::Command;
use crate::wire::object;

/// Keeps what is set while the service runs, within the rules of the configuration.
pub trait Tuner: Send + Sync {
    /// What holds now.
    fn now(&self) -> pipeline::Tuning;
    /// Checks and keeps `change`, which holds from here on; changes nothing when it is refused. May wait for the disk.
    fn change(&self, change: Change) -> Result<Changed, Refused>;
    /// The whole configuration that holds, as TOML.
    fn export(&self) -> String;
}

/// What is to be set.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Tables and keys as the configuration names them; a key that is left out stays.
    Keys(Value),
    /// A configuration in TOML, of which what can be set is taken.
    Whole(String),
}

/// What came of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changed {
    /// Keys that have another value than before.
    pub applied: Vec<String>,
    /// Keys that have another value here, and are set only in the configuration file.
    pub left: Vec<String>,
}

/// Why a change was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It breaks a rule; in words, with the key.
    #[error("{0}")]
    Rule(String),
    /// It cannot be kept.
    #[error("settings cannot be kept: {0}")]
    Disk(String),
    /// It is kept, and the pipeline could not be told.
    #[error("the settings are kept, and hold from the next start: the camera is busy with earlier commands")]
    Busy,
}

/// A body with settings, and the turn that it has.
struct Settings<'a> {
    bytes: Bytes,
    _turn: SemaphorePermit<'a>,
}

/// The zones of the camera.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Zones {
    /// Parts of the picture with names; with any, only they count.
    #[serde(deserialize_with = "object::list")]
    #[schemars(length(max = ZONES_MAX))]
    zones: Vec<Zone>,
    /// Parts of the picture that are never looked at, as lists of corners.
    #[schemars(schema_with = "masks")]
    masks: Vec<Vec<(f32, f32)>>,
}

/// A part of the picture with a name.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Zone {
    /// Its name, another one than that of the others; at most 32 bytes.
    #[schemars(length(min = 1, max = 32))]
    name: String,
    /// Corners (x, y) in parts of the picture from its top left, each 0 to 1.
    #[schemars(schema_with = "corners")]
    polygon: Vec<(f32, f32)>,
    /// 1 to 10; null: the camera's.
    #[serde(default, deserialize_with = "handlers::whole_number")]
    #[schemars(range(min = 1, max = 10))]
    sensitivity: Option<u8>,
}

fn corners(_: &mut SchemaGenerator) -> Schema {
    let corner = json!({ "type": "array", "items": { "type": "number", "minimum": 0, "maximum": 1 }, "minItems": 2, "maxItems": 2 });
    json_schema!({ "type": "array", "items": corner, "minItems": 3, "maxItems": POLYGON_POINTS_MAX })
}

fn masks(schemas: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": corners(schemas), "maxItems": MASKS_MAX })
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
    idle_fps: u8,
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

/// Some of what [`Tuning`] has.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TuningChange")]
pub(super) struct Wanted {
    /// Keys of `[motion]` but its zones and masks.
    #[serde(default)]
    motion: serde_json::Map<String, Value>,
    /// Keys of `[event]`.
    #[serde(default)]
    event: serde_json::Map<String, Value>,
}

/// The last hour, second by second, up to now.
#[derive(Serialize, JsonSchema)]
pub(super) struct Scores {
    /// When the first of these seconds began.
    from: Timestamp,
    /// Strength of the strongest motion in each second, oldest first, 0 to 1, as it would be at the sensitivity of now, where 0.5 is
    /// just enough; null: no picture. What was strong enough and yet no motion (light, a flicker) is left out. About sensitivity
    /// s, enough is 1 / (1 + 1.25^(s - now)).
    scores: Vec<Option<Score>>,
    /// For each second a digit: 1 when the PIR sensor saw something in it, else 0.
    pir: String,
}

/// `GET /api/tuning/scores`
pub(super) fn scores(server: &Server) -> Answer {
    let permit = server.reads.permit()?;
    let (clock, sensitivity) = (&server.services.clock, now(server).motion.sensitivity);
    let (mut scores, mut pir) = (Vec::with_capacity(SCORES_SECONDS_MAX), String::with_capacity(SCORES_SECONDS_MAX));
    for second in server.services.status.scores().up_to(clock.now(), sensitivity) {
        scores.push(second.map(|second| second.score));
        pir.push(if second.is_some_and(|second| second.pir) { '1' } else { '0' });
    }
    let span_ms = 1000 * scores.len().saturating_sub(1) as i64 + (clock.now().millis() % 1000) as i64;
    let from = Timestamp(clock.wall().at.0 - span_ms);
    let body = reply::held(reply::to_json(&Scores { from, scores, pir }), permit);
    Ok(reply::api(StatusCode::OK, "application/json", body))
}

/// `GET /api/zones`
pub(super) fn zones(server: &Server, headers: &HeaderMap) -> Answer {
    Ok(etag::json(headers, reply::to_json(&Zones::of(&now(server).motion)).into()))
}

/// `GET /api/tuning`
pub(super) fn show(server: &Server, headers: &HeaderMap) -> Answer {
    Ok(etag::json(headers, reply::to_json(&Tuning::of(&now(server))).into()))
}

/// `PUT /api/zones`
pub(super) async fn set_zones(server: &Server, body: Incoming) -> Answer {
    let sent = settings(server, body).await?;
    let wanted: Zones = parsed(&sent.bytes)?;
    let zones: Vec<Value> = wanted.zones.iter().map(Zone::keys).collect();
    let masks: Vec<Value> = wanted.masks.iter().map(|corners| json!({ "polygon": corners })).collect();
    change(server, Change::Keys(json!({ "motion": { "zones": zones, "masks": masks } }))).await?;
    Ok(reply::json(StatusCode::OK, &Zones::of(&now(server).motion)))
}

/// `PUT /api/tuning`
pub(super) async fn set(server: &Server, body: Incoming) -> Answer {
    let sent = settings(server, body).await?;
    let Wanted { motion, event } = parsed(&sent.bytes)?;
    let other = ["zones", "masks"].into_iter().find(|key| motion.contains_key(*key));
    if let Some(key) = other {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("motion.{key} is set at /api/zones"),
        ));
    }
    change(server, Change::Keys(json!({ "motion": motion, "event": event }))).await?;
    Ok(reply::json(StatusCode::OK, &Tuning::of(&now(server))))
}

/// `GET /api/config`
pub(super) fn export(server: &Server) -> Answer {
    let mut response = reply::plain(StatusCode::OK, tuner(server)?.export().into());
    response.headers_mut().extend([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/toml")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"lookout.toml\""),
        ),
    ]);
    Ok(response)
}

/// `PUT /api/config`
pub(super) async fn import(server: &Server, body: Incoming) -> Answer {
    let sent = settings(server, body).await?;
    if sent.bytes.is_empty() {
        // It would be a configuration in which everything has its default: nobody means that.
        return Err(Problem::bad_request("the body is a configuration in TOML"));
    }
    let text = std::str::from_utf8(&sent.bytes).map_err(|_| Problem::bad_request("the body is TOML, which is UTF-8"))?;
    Ok(reply::json(StatusCode::OK, &change(server, Change::Whole(text.to_owned())).await?))
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    handlers::from_json(body).map_err(|error| {
        let status = match error.classify() {
            Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            Category::Io | Category::Syntax | Category::Eof => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, format!("the body is not understood: {error}"))
    })
}

fn tuner(server: &Server) -> Result<&Arc<dyn Tuner>, Problem> {
    let tuner = server.services.tuner.as_ref();
    tuner.ok_or_else(|| Problem::new(StatusCode::NOT_IMPLEMENTED, "settings are not kept here"))
}

fn now(server: &Server) -> pipeline::Tuning {
    match &server.services.tuner {
        Some(tuner) => tuner.now(),
        None => pipeline::Tuning::default(),
    }
}

/// Whoever sends settings has the only buffer for them.
async fn settings(server: &Server, body: Incoming) -> Result<Settings<'_>, Problem> {
    let busy = |_| Problem::unavailable("other settings are on their way");
    let turn = server.settings_turn.try_acquire().map_err(busy)?;
    let bytes = handlers::whole_of(body, SETTINGS_BYTES_MAX, server.services.settings.header_time_max).await?;
    Ok(Settings { bytes, _turn: turn })
}

/// Has it kept, then done; the disk is waited for where the store is, too.
async fn change(server: &Server, change: Change) -> Result<Changed, Problem> {
    let (tuner, controls) = (Arc::clone(tuner(server)?), Arc::clone(&server.services.controls));
    let done = tokio::task::spawn_blocking(move || {
        let changed = tuner.change(change)?;
        let told = controls.ask(Command::Tune(Box::new(tuner.now())));
        told.map(|()| changed).map_err(|_| Refused::Busy)
    });
    match done.await {
        Ok(Ok(changed)) => {
            tracing::info!(applied = ?changed.applied, "settings changed");
            Ok(changed)
        }
        Ok(Err(refused @ Refused::Rule(_))) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, refused.to_string())),
        Ok(Err(refused @ (Refused::Disk(_) | Refused::Busy))) => Err(Problem::unavailable(refused.to_string())),
        Err(_) => Err(Problem::unavailable("the server goes away")),
    }
}

impl Zones {
    fn of(settings: &motion::Settings) -> Zones {
        let zone = |zone: &motion::Zone| Zone {
            name: zone.name.to_string(),
            polygon: zone.polygon.to_vec(),
            sensitivity: zone.sensitivity,
        };
        Zones {
            zones: settings.zones.iter().map(zone).collect(),
            masks: settings.masks.iter().map(|mask| mask.to_vec()).collect(),
        }
    }
}

impl Zone {
    /// As the configuration has it, which leaves out what is not set.
    fn keys(&self) -> Value {
        match self.sensitivity {
            Some(sensitivity) => json!({ "name": self.name, "polygon": self.polygon, "sensitivity": sensitivity }),
            None => json!({ "name": self.name, "polygon": self.polygon }),
        }
    }
}

impl Tuning {
    fn of(tuning: &pipeline::Tuning) -> Tuning {
        let (motion, event) = (&tuning.motion, &tuning.event);
        Tuning {
            motion: MotionTuning {
                sensitivity: motion.sensitivity,
                object_size_min: motion.object_size_min,
                confirm_frames: motion.confirm_frames,
                confirm_window: motion.confirm_window,
                warm_up_ms: motion.warm_up.as_millis() as u64,
                frozen_ms: motion.frozen_ms,
                idle_fps: motion.idle_fps,
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
        }
    }
}
