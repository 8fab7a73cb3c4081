//! `GET /metrics`: the service in figures, in Prometheus' text form (version 0.0.4). Every name is fixed here and labels are few
//! and ours, so that the answer is bounded.

use std::fmt::Display;
use std::fmt::Write;

use hyper::StatusCode;

use super::Server;
use super::admission::Door;
use super::reply;
use super::reply::Answer;
use crate::event::model::Trigger;
use crate::status::CameraState;
use crate::store::Figures;
use crate::trigger::TriggerState;

/// What the form is called.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of figures in the making.
struct Page(String);

impl Page {
    fn head(&mut self, kind: &str, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}"); // a string takes it
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}"); // a string takes it
    }

    /// A figure that only grows.
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head("counter", name, help);
        self.line(name, "", value);
    }

    /// A figure that goes up and down.
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head("gauge", name, help);
        self.line(name, "", value);
    }

    /// A figure that is left out when it is not known.
    fn known(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.gauge(name, help, value);
        }
    }

    fn flag(&mut self, name: &str, help: &str, value: bool) {
        self.gauge(name, help, u8::from(value));
    }
}

/// `GET /metrics`
pub(super) async fn show(server: &Server) -> Answer {
    // Figures of a store that cannot be read now are left out: the others are asked for in trouble above all.
    let (store, permit) = match server.reads.now(|store| store.figures()).await {
        Ok((figures, permit)) => (Some(figures), Some(permit)),
        Err(_) => (None, server.reads.permit().ok()),
    };
    let mut page = Page(String::with_capacity(12 * 1024));
    service(&mut page, server);
    camera(&mut page, server);
    recorder(&mut page, server);
    store.iter().for_each(|figures| stored(&mut page, figures));
    pictures(&mut page, server);
    clients(&mut page, server);
    let body = page.0.into_bytes();
    let body = match permit {
        Some(permit) => reply::held(body, permit),
        None => body.into(),
    };
    Ok(reply::api(StatusCode::OK, CONTENT_TYPE, body))
}

fn service(page: &mut Page, server: &Server) {
    let services = &server.services;
    page.head("gauge", "lookout_build_info", "The version that runs; always 1.");
    page.line("lookout_build_info", concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1);
    let uptime = services.clock.now().since(server.began).as_secs_f64();
    page.gauge("lookout_uptime_seconds", "Time since the server began to listen.", uptime);
    let synced = services.clock.wall().synced;
    page.flag("lookout_clock_synced", "Whether the wall clock is known good.", synced);
    let memory = services.memory.as_ref().map(|measure| measure());
    let figures = [
        (
            "lookout_memory_used_bytes",
            "Memory allocated now.",
            memory.map(|memory| memory.used_bytes),
        ),
        (
            "lookout_memory_peak_bytes",
            "Most memory allocated at once.",
            memory.map(|memory| memory.peak_bytes),
        ),
        (
            "lookout_memory_budget_bytes",
            "Memory that may be allocated.",
            memory.map(|memory| memory.budget_bytes),
        ),
    ];
    for (name, help, value) in figures {
        page.known(name, help, value);
    }
    let promised: usize = services.about.ledger.iter().map(|line| line.bytes).sum();
    page.gauge("lookout_memory_promised_bytes", "Sum of the memory ledger.", promised);
}

fn camera(page: &mut Page, server: &Server) {
    let status = server.services.status.pipeline().clone();
    let now = server.services.clock.now();
    let live = status.camera == CameraState::Live;
    page.flag("lookout_camera_up", "Whether the camera gives frames.", live);
    page.counter("lookout_frames_total", "Frames taken from the camera.", status.frames.delivered);
    page.counter(
        "lookout_frames_unreadable_total",
        "Frames that could not be decoded.",
        status.frames_unreadable,
    );
    page.counter(
        "lookout_frames_spared_total",
        "Frames that the detector was spared, as nothing moved.",
        status.frames_spared,
    );
    page.counter(
        "lookout_frames_skipped_total",
        "Frames passed over for a fresher one.",
        status.frames.skipped,
    );
    page.counter("lookout_frames_corrupt_total", "Frames that came damaged.", status.frames.corrupt);
    page.known("lookout_frame_rate", "Frames a second.", status.fps);
    let age = status.last_frame.map(|at| now.since(at).as_secs_f64());
    page.known("lookout_frame_age_seconds", "Time since the last frame was taken.", age);
    let seconds = |us: u32| f64::from(us) / 1e6;
    page.known(
        "lookout_detect_seconds",
        "Time that the last frame took in the detector.",
        status.detect_us.map(seconds),
    );
    page.gauge(
        "lookout_motion_score",
        "Strength of motion in the last frame, 0 to 1.",
        f64::from(status.score.0) / 1000.0,
    );
    page.flag("lookout_armed", "Whether events are made.", status.armed);
    page.flag(
        "lookout_tampered",
        "Whether the picture is not to be trusted.",
        status.tamper.is_some(),
    );
    let pir = status.pir.map(|state| u8::from(state != TriggerState::Unavailable));
    page.known("lookout_pir_up", "Whether the PIR sensor can be read, or there is to be none.", pir);
    page.counter(
        "lookout_pir_edges_missed_total",
        "Changes of the PIR sensor that were missed.",
        status.edges.missed,
    );
}

fn recorder(page: &mut Page, server: &Server) {
    let status = server.services.status.recorder().clone();
    page.head("counter", "lookout_events_total", "Events that ended, by what set them off.");
    for (trigger, count) in Trigger::ALL.into_iter().zip(status.events_ended) {
        page.line("lookout_events_total", &format!("{{trigger=\"{}\"}}", trigger.name()), count);
    }
    page.flag(
        "lookout_store_writable",
        "Whether the last write reached the disk.",
        status.writable,
    );
    page.counter("lookout_commits_total", "Commits of the store.", status.commits);
    let took = status.commit_us.map(|us| f64::from(us) / 1e6);
    page.known("lookout_commit_seconds", "Time that the last commit took.", took);
    page.counter("lookout_records_total", "Records written.", status.records);
    page.counter(
        "lookout_records_dropped_total",
        "Records lost because the disk was too slow.",
        status.records_dropped,
    );
    page.counter(
        "lookout_records_coalesced_total",
        "Updates merged into a newer one.",
        status.records_coalesced,
    );
}

fn stored(page: &mut Page, store: &Figures) {
    page.gauge("lookout_stored_events", "Events in the store.", store.events);
    page.gauge("lookout_stored_bookmarks", "Bookmarked events in the store.", store.bookmarks);
    page.gauge("lookout_stored_pictures", "Snapshots and clips kept.", store.pictures);
    page.gauge("lookout_stored_picture_bytes", "What they take on the disk.", store.picture_bytes);
    page.gauge("lookout_stored_messages", "Messages kept for replay.", store.messages);
    page.gauge("lookout_store_file_bytes", "Length of the database file.", store.file_bytes);
    page.gauge("lookout_store_used_bytes", "Bytes in use in the database file.", store.used_bytes);
    page.counter(
        "lookout_store_written_bytes_total",
        "Bytes written to the medium.",
        store.bytes_written,
    );
    page.counter(
        "lookout_store_syncs_total",
        "Times that the medium was told to keep what it has.",
        store.syncs,
    );
    page.counter(
        "lookout_store_rows_unreadable_total",
        "Rows that could not be read.",
        store.rows_unreadable,
    );
}

fn pictures(page: &mut Page, server: &Server) {
    let (desk, counted) = (&server.services.desk, server.services.desk.counters());
    page.gauge("lookout_viewers", "How many look at the live picture.", desk.viewers());
    let counters = [
        ("lookout_pictures_total", "Pictures made, or taken as they came.", counted.made),
        ("lookout_pictures_skipped_total", "Left out for one in the making.", counted.skipped),
        ("lookout_pictures_failed_total", "Left out as too long or damaged.", counted.failed),
        ("lookout_pictures_saved_total", "Snapshots and clips written.", counted.saved),
        (
            "lookout_pictures_lost_total",
            "Snapshots and clips that came to nothing.",
            counted.lost,
        ),
    ];
    for (name, help, value) in counters {
        page.counter(name, help, value);
    }
}

fn clients(page: &mut Page, server: &Server) {
    let streams = server.clients.count(Door::Events);
    let all = streams + server.clients.count(Door::Http);
    page.gauge("lookout_clients", "Places taken, by requests and streams together.", all);
    page.gauge("lookout_clients_max", "Places that there are.", server.clients.max());
    page.gauge("lookout_streams", "WebSockets open.", streams);
    became_of_clients(page, server);
    let stream = server.services.hub.counters();
    page.counter(
        "lookout_messages_published_total",
        "Messages published to streams.",
        stream.published,
    );
    page.counter(
        "lookout_messages_delivered_total",
        "Messages handed to clients, each counted for every client.",
        stream.delivered,
    );
    page.counter(
        "lookout_messages_lagged_total",
        "Messages that clients did not read in time, counted likewise.",
        stream.lagged,
    );
}

/// What became of clients, by cause.
fn became_of_clients(page: &mut Page, server: &Server) {
    let counted = server.counters.now();
    let counters = [
        ("lookout_connections_total", "Connections let in.", counted.accepted),
        (
            "lookout_connections_refused_total",
            "Connections told that all places are taken.",
            counted.refused,
        ),
        (
            "lookout_connections_refused_address_total",
            "Connections told that their address has enough.",
            counted.refused_address,
        ),
        (
            "lookout_connections_refused_rate_total",
            "Connections told that they come too fast.",
            counted.refused_rate,
        ),
        (
            "lookout_streams_flooding_total",
            "Clients closed because their messages came too fast.",
            counted.flooding,
        ),
        ("lookout_streams_opened_total", "WebSockets opened.", counted.opened),
        (
            "lookout_streams_evicted_total",
            "Clients closed because they did not read.",
            counted.evicted,
        ),
        (
            "lookout_streams_silent_total",
            "Clients closed because they gave no sign of life.",
            counted.silent,
        ),
        (
            "lookout_streams_lagged_total",
            "Times that a client was told that it lags.",
            counted.lagged,
        ),
        (
            "lookout_client_messages_malformed_total",
            "Messages of clients that were not understood.",
            counted.malformed,
        ),
        (
            "lookout_requests_slow_total",
            "Requests whose header took too long.",
            counted.slow_headers,
        ),
        (
            "lookout_connections_idle_total",
            "Connections closed because no request came on them in time.",
            counted.idle,
        ),
        (
            "lookout_connections_redirected_total",
            "Connections without TLS that were sent on to it.",
            counted.redirected,
        ),
        (
            "lookout_connection_faults_total",
            "Connections that ended by a mistake of the server.",
            counted.panicked,
        ),
    ];
    for (name, help, value) in counters {
        page.counter(name, help, value);
    }
}
