//! Every key of the configuration, one line each: its name, where its value lives, its kind and its range. Defaults are
//! those of the `Settings`; what a key means and costs is told in `config/lookout.toml`, which a test holds against this.

use std::path::PathBuf;

use tracing::Level;

use super::Auth;
use super::Camera;
use super::Config;
use super::kinds::GIB;
use super::kinds::KIB;
use super::kinds::Key;
use super::kinds::MIB;
use super::kinds::Slot;
use super::kinds::Unit;
use super::kinds::bytes;
use super::kinds::choice;
use super::kinds::count;
use super::kinds::duration;
use super::kinds::flag;
use super::kinds::fraction;
use super::kinds::key;
use super::kinds::list;
use super::kinds::name;
use super::kinds::optional_count;
use super::kinds::optional_path;
use super::kinds::path;
use super::kinds::permille;
use super::kinds::polygon;
use super::kinds::required;
use super::kinds::text;
use super::read::Renames;
use crate::clock::Trust;
use crate::event::engine;
use crate::event::engine::Fusion;
use crate::frame::PixelFormat;
use crate::limits::CLIENTS_MAX;
use crate::limits::FRAME_HEIGHT_MAX;
use crate::limits::FRAME_SIDE_MIN;
use crate::limits::FRAME_WIDTH_MAX;
use crate::limits::HTTP_BUFFER_BYTES;
use crate::limits::HTTP_HEADERS_MAX;
use crate::limits::LIVE_FPS_MAX;
use crate::limits::PICTURE_QUALITY_MIN;
use crate::limits::VIEWERS_MAX;
use crate::media;
use crate::motion::settings as motion;
use crate::motion::settings::Polygon;
use crate::motion::settings::Zone;
use crate::ota;
use crate::ota::Installer;
use crate::source;
use crate::store;
use crate::trigger::gate::Bias;
use crate::trigger::sensor;
use crate::web;
use crate::web::TlsMode;

/// Keys that had another name, `(then, now)`: a release that renames one adds it here.
pub(super) const RENAMES: &Renames = &[];

/// The whole table, in the order of the documented file.
pub(super) fn keys(config: &mut Config) -> Vec<Key<'_>> {
    vec![
        key("camera", camera(&mut config.camera)),
        key("pir", pir(&mut config.pir)),
        key("motion", motion(&mut config.motion)),
        key("event", event(&mut config.event)),
        key("store", store(&mut config.store)),
        key("media", media(&mut config.media)),
        key("web", web(&mut config.web, &mut config.claim_password_file)),
        key("update", update(&mut config.update)),
        key(
            "network",
            Slot::Table(vec![key("socket", optional_path(&mut config.network.socket))]),
        ),
        key(
            "memory",
            Slot::Table(vec![key("budget", bytes(&mut config.budget_bytes, 4 * MIB..=GIB))]),
        ),
        key("clock", Slot::Table(vec![key("trust", choice(&mut config.trust, TRUST))])),
        key("log", Slot::Table(vec![key("level", choice(&mut config.log_level, LEVELS))])),
    ]
}

fn camera(camera: &mut Camera) -> Slot<'_> {
    let source = &mut camera.source;
    Slot::Table(vec![
        key("id", name(&mut camera.id)),
        key("source", text(&mut source.spec, source::Spec::FORM)),
        key("width", count(&mut source.width, FRAME_SIDE_MIN.into()..=FRAME_WIDTH_MAX.into())),
        key("height", count(&mut source.height, FRAME_SIDE_MIN.into()..=FRAME_HEIGHT_MAX.into())),
        key("fps", count(&mut source.fps, 1..=60)),
        key("pixel_format", choice(&mut source.pixel, PIXELS)),
        key("stall_ms", duration(&mut source.stall, Unit::Ms, 500..=60_000)),
    ])
}

fn pir(pir: &mut sensor::Settings) -> Slot<'_> {
    let line = &mut pir.line;
    Slot::Table(vec![
        key("source", text(&mut pir.spec, sensor::Spec::FORM)),
        key("bias", choice(&mut line.bias, BIASES)),
        key("active", choice(&mut line.active_low, ACTIVE_LOW)),
        key("debounce_ms", duration(&mut line.debounce, Unit::Ms, 0..=1000)),
        key("warm_up_s", duration(&mut line.warm_up, Unit::S, 0..=300)),
    ])
}

fn motion(motion: &mut motion::Settings) -> Slot<'_> {
    Slot::Table(vec![
        key("sensitivity", count(&mut motion.sensitivity, 1..=10)),
        key("object_size_min", fraction(&mut motion.object_size_min, 0.005..=0.5)),
        key("confirm_frames", count(&mut motion.confirm_frames, 1..=16)),
        key("confirm_window", count(&mut motion.confirm_window, 1..=16)),
        key("warm_up_ms", duration(&mut motion.warm_up, Unit::Ms, 500..=60_000)),
        key("frozen_ms", count(&mut motion.frozen_ms, 0..=600_000)),
        key("idle_fps", count(&mut motion.idle_fps, 0..=60)),
        key("zones", list(&mut motion.zones, blank_zone, zone)),
        key("masks", list(&mut motion.masks, Polygon::new, mask)),
    ])
}

fn blank_zone() -> Zone {
    Zone {
        name: Default::default(),
        polygon: Polygon::new(),
        sensitivity: None,
    }
}

fn zone(zone: &mut Zone) -> Vec<Key<'_>> {
    vec![
        required("name", name(&mut zone.name)),
        required("polygon", polygon(&mut zone.polygon)),
        key("sensitivity", optional_count(&mut zone.sensitivity, 1..=10)),
    ]
}

fn mask(mask: &mut Polygon) -> Vec<Key<'_>> {
    vec![required("polygon", polygon(mask))]
}

fn event(event: &mut engine::Settings) -> Slot<'_> {
    Slot::Table(vec![
        key("fusion", choice(&mut event.fusion, FUSIONS)),
        key("window_ms", duration(&mut event.window, Unit::Ms, 0..=60_000)),
        key("gap_ms", duration(&mut event.gap, Unit::Ms, 100..=60_000)),
        key("lapse_ms", duration(&mut event.lapse, Unit::Ms, 0..=60_000)),
        key("length_max_s", duration(&mut event.length_max, Unit::S, 1..=3600)),
        key("similarity", permille(&mut event.similarity_permille)),
        key("update_ms", duration(&mut event.update_interval, Unit::Ms, 200..=60_000)),
        key("armed", flag(&mut event.armed)),
    ])
}

fn store(store: &mut store::Settings) -> Slot<'_> {
    Slot::Table(vec![
        key("dir", path(&mut store.dir)),
        key("cache", bytes(&mut store.cache_bytes, 128 * KIB..=64 * MIB)),
        key("events_max", count(&mut store.events_max, 100..=10_000_000)),
        key("journal_max", count(&mut store.journal_max, 100..=10_000_000)),
        key("age_max_days", duration(&mut store.age_max, Unit::Days, 1..=3650)),
        key("size_max", bytes(&mut store.bytes_max, 4 * MIB..=64 * GIB)),
        key("pictures_age_max_days", duration(&mut store.pictures.age_max, Unit::Days, 1..=3650)),
        key("pictures_size_max", bytes(&mut store.pictures.bytes_max, MIB..=1024 * GIB)),
        key("pictures_free_min", bytes(&mut store.pictures.free_min, 0..=64 * GIB)),
    ])
}

fn media(media: &mut media::Settings) -> Slot<'_> {
    Slot::Table(vec![
        key("snapshots", flag(&mut media.snapshots)),
        key("clips", flag(&mut media.clips)),
        key("clip_fps", count(&mut media.clip_fps, 1..=LIVE_FPS_MAX.into())),
        key("pre_roll_ms", duration(&mut media.pre_roll, Unit::Ms, 0..=60_000)),
        key("post_roll_ms", duration(&mut media.post_roll, Unit::Ms, 0..=60_000)),
        key("ring", bytes(&mut media.ring_bytes, 0..=256 * MIB)),
        key("clip_max", bytes(&mut media.clip_bytes_max, MIB..=GIB)),
        key("quality", count(&mut media.quality, u64::from(PICTURE_QUALITY_MIN)..=100)),
        key("viewers_max", count(&mut media.viewers_max, 0..=VIEWERS_MAX as u64)),
    ])
}

fn web<'a>(web: &'a mut web::Settings, claim_password_file: &'a mut PathBuf) -> Slot<'a> {
    Slot::Table(vec![
        key("listen", text(&mut web.listen, "an address and a port, as in \"127.0.0.1:8000\"")),
        key("auth", choice(&mut web.auth, AUTHS)),
        key("claim_password_file", optional_path(claim_password_file)),
        key("tls", choice(&mut web.tls.mode, TLS)),
        key("tls_certificate", optional_path(&mut web.tls.certificate)),
        key("tls_key", optional_path(&mut web.tls.key)),
        key(
            "redirect",
            text(&mut web.redirect, "an address and a port, as in \"0.0.0.0:80\", or \"\" for none"),
        ),
        key("user_connections_max", count(&mut web.user_connections_max, 1..=CLIENTS_MAX as u64)),
        key("clients_max", count(&mut web.clients_max, 1..=CLIENTS_MAX as u64)),
        key("client_message_max", bytes(&mut web.client_message_bytes_max, KIB..=64 * KIB)),
        key("heartbeat_ms", duration(&mut web.heartbeat, Unit::Ms, 1000..=300_000)),
        key("client_stall_ms", duration(&mut web.client_stall_max, Unit::Ms, 1000..=300_000)),
        key("header_ms", duration(&mut web.header_time_max, Unit::Ms, 1000..=60_000)),
        key("idle_ms", duration(&mut web.idle_max, Unit::Ms, 1000..=300_000)),
        key("header_max", bytes(&mut web.header_bytes_max, KIB..=HTTP_BUFFER_BYTES as u64)),
        key("header_fields_max", count(&mut web.header_fields_max, 8..=HTTP_HEADERS_MAX as u64)),
        key(
            "clients_per_address_max",
            count(&mut web.clients_per_address_max, 1..=CLIENTS_MAX as u64),
        ),
        key("connect_rate", count(&mut web.connect_rate, 1..=100_000)),
        key("connect_rate_total", count(&mut web.connect_rate_total, 1..=100_000)),
        key("client_message_rate", count(&mut web.client_message_rate, 1..=100_000)),
        key("cors_origin", text(&mut web.cors_origin, web::CorsOrigin::FORM)),
    ])
}

fn update(update: &mut ota::Settings) -> Slot<'_> {
    Slot::Table(vec![
        key("installer", choice(&mut update.installer, INSTALLERS)),
        key("bundle_max", bytes(&mut update.bundle_bytes_max, MIB..=4 * GIB)),
        key("reserve", bytes(&mut update.reserve_bytes, MIB..=4 * GIB)),
        key("selftest_max_s", duration(&mut update.selftest_max, Unit::S, 5..=900)),
    ])
}

const PIXELS: &[(&str, Option<PixelFormat>)] = &[
    ("auto", None),
    ("grey", Some(PixelFormat::Grey)),
    ("yuyv", Some(PixelFormat::Yuyv)),
    ("uyvy", Some(PixelFormat::Uyvy)),
    ("nv12", Some(PixelFormat::Nv12)),
    ("yu12", Some(PixelFormat::Yu12)),
    ("mjpeg", Some(PixelFormat::Mjpeg)),
];

const BIASES: &[(&str, Bias)] = &[("down", Bias::Down), ("up", Bias::Up), ("none", Bias::None)];

const ACTIVE_LOW: &[(&str, bool)] = &[("high", false), ("low", true)];

const FUSIONS: &[(&str, Fusion)] = &[
    ("video", Fusion::Video),
    ("pir", Fusion::Pir),
    ("either", Fusion::Either),
    ("both", Fusion::Both),
    ("pir_arms_video", Fusion::PirArmsVideo),
];

const AUTHS: &[(&str, Auth)] = &[("loopback", Auth::Loopback), ("password", Auth::Password), ("none", Auth::None)];

const TLS: &[(&str, TlsMode)] = &[
    ("off", TlsMode::Off),
    ("self_signed", TlsMode::SelfSigned),
    ("files", TlsMode::Files),
];

const INSTALLERS: &[(&str, Installer)] = &[("none", Installer::None), ("rauc", Installer::Rauc)];

const TRUST: &[(&str, Trust)] = &[("ntp", Trust::Ntp), ("always", Trust::Always)];

const LEVELS: &[(&str, Level)] = &[
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];
