//! The real binary, from the outside: what it sees on the scene reaches clients, the store and the next run of the service.

mod common;

use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use common::machine;
use common::service::PATIENCE;
use common::service::Service;
use common::service::wait_for;
use lookout::clock::Timestamp;
use serde_json::Value;

/// A scene in which somebody walks by soon and often.
const BUSY: &str = "scene:seed=7,visits=2..6..3";
/// A scene in which nobody comes; the PIR sensor sees something after 2 s.
const ONLY_PIR: &str = "scene:seed=7,visits=off,burst=2..1";

fn ids(events: &Value) -> BTreeSet<u64> {
    let events = events["events"].as_array().expect("a list of events");
    events.iter().map(|event| event["id"].as_u64().expect("an id")).collect()
}

fn config(dir: &Path, text: &str) -> String {
    let file = dir.join("lookout.toml");
    std::fs::write(&file, text).expect("written");
    file.to_str().expect("UTF-8").to_owned()
}

#[test]
fn what_a_client_saw_is_in_rest_and_survives_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(dir.path(), &["--source", BUSY]);
    let mut client = service.connect("/ws/events");
    assert_eq!(client.next().expect("a message")["type"], "connection_status");
    let mut seen = BTreeSet::new();
    let mut seqs = Vec::new();
    for phase in ["start", "end", "start"] {
        let event = loop {
            let message = client.next_of("event");
            seqs.push(message["seq"].as_u64().expect("a number"));
            if message["data"]["phase"] == phase {
                break message["data"].clone();
            }
        };
        assert_eq!(event["camera_id"], "camera");
        seen.insert(event["id"].as_u64().expect("an id"));
    }
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
    assert!(ids(&service.get("/api/events").1).is_superset(&seen));
    service.kill();

    let again = Service::start(dir.path(), &["--source", "scene:visits=off"]);
    let (status, events) = again.get("/api/events");
    assert_eq!(status, 200);
    assert!(ids(&events).is_superset(&seen), "{seen:?} in {events}");
    wait_for("the event that the kill left open to be closed", || {
        let (_, events) = again.get("/api/events");
        events["events"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|event| event["phase"] == "end")
            .then_some(())
    });
    let newest = seqs.last().expect("some");
    let mut replayed = again.connect("/ws/events?since=0");
    let first = replayed.next_of("event")["seq"].as_u64().expect("a number");
    assert!(first <= *newest, "the journal is there, too");
}

#[test]
fn a_pir_edge_is_an_event_in_mode_either() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(dir.path(), &["--source", ONLY_PIR]);
    let event = service.connect("/ws/events").next_of("event");
    assert_eq!(
        (&event["data"]["trigger"], &event["data"]["phase"]),
        (&Value::from("pir"), &Value::from("start"))
    );
    assert_eq!(event["data"]["video"], Value::Null);
    assert_eq!(event["data"]["pir"]["edges"], 1);
}

#[test]
fn a_pir_edge_is_no_event_in_mode_both_without_video() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = config(dir.path(), "[event]\nfusion = \"both\"\n");
    let service = Service::start(dir.path(), &["--config", &file, "--source", ONLY_PIR]);
    let pir_edges = |health: &Value| health["pipeline"]["edges"]["delivered"].as_u64();
    let at_edge = wait_for("the PIR edge", || {
        Some(service.get("/api/health").1).filter(|health| pir_edges(health) >= Some(1))
    });
    let frame = at_edge["pipeline"]["frame"].as_u64().expect("a frame");
    wait_for("frames after it", || {
        Some(()).filter(|()| service.get("/api/health").1["pipeline"]["frame"].as_u64() > Some(frame + 20))
    });
    assert_eq!(ids(&service.get("/api/events").1), BTreeSet::new());
}

#[test]
fn stopping_ends_the_event_tells_the_client_and_is_quick() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = config(dir.path(), "[event]\nfusion = \"either\"\n");
    let service = Service::start(dir.path(), &["--config", &file, "--source", "scene:seed=7,visits=off"]);
    let mut client = service.connect("/ws/events");
    client.next_of("connection_status");
    assert_eq!(service.request("POST", "/api/events").0, 202);
    let start = client.next_of("event");
    assert_eq!(
        (&start["data"]["trigger"], &start["data"]["phase"]),
        (&Value::from("manual"), &Value::from("start"))
    );
    let reader = std::thread::spawn(move || std::iter::from_fn(|| client.next()).collect::<Vec<Value>>());
    let (status, took) = service.stop();
    assert_eq!(status, Some(0));
    assert!(took < Duration::from_millis(2000), "{took:?}");
    let last = reader.join().expect("read to the end");
    let end = last.iter().find(|message| message["type"] == "event").expect("the event's end");
    assert_eq!(
        (&end["data"]["phase"], &end["data"]["end_reason"]),
        (&Value::from("end"), &Value::from("shutdown"))
    );
    assert!(last.iter().any(|message| message["type"] == "system.reconnect"), "{last:?}");
}

#[test]
fn an_unplugged_camera_is_a_state() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(dir.path(), &["--source", "scene:seed=7,visits=off,unplug=2..1"]);
    let mut client = service.connect("/ws/events");
    let mut change = || loop {
        let message = client.next_of("camera_event");
        if message["event_type"] != "opened" {
            return message;
        }
    };
    let (lost, restored) = (change(), change());
    assert_eq!(
        (&lost["event_type"], &restored["event_type"]),
        (&Value::from("lost"), &Value::from("restored"))
    );
    let at = |message: &Value| Timestamp::parse(message["timestamp"].as_str().expect("text")).expect("a time").0;
    let back_ms = at(&restored) - at(&lost) - 1000;
    assert!(back_ms < 2000 * machine::SLOWNESS as i64, "back {back_ms} ms after its return");
    assert_eq!(service.get("/api/health").1["pipeline"]["camera"], "live");
}

#[test]
fn a_clip_larger_than_what_memory_is_reserved_for_is_refused_in_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let clip = dir.path().join("large.y4m");
    let frame = [b"FRAME\n".to_vec(), vec![128; 1280 * 720]].concat();
    std::fs::write(&clip, [b"YUV4MPEG2 W1280 H720 F10:1 Cmono\n".to_vec(), frame].concat()).expect("written");
    let service = Service::start(dir.path(), &["--source", &format!("replay:{}", clip.display())]);
    let health = wait_for("a lost camera", || {
        Some(service.get("/api/health").1).filter(|health| health["pipeline"]["camera"] == "lost")
    });
    let fault = health["pipeline"]["camera_fault"].as_str().expect("words");
    assert!(fault.contains("1280x720") && fault.contains("camera.width"), "{fault}");
}

/// KiB of the program and its libraries that are mapped, as the kernel counts them.
fn mapped_kib(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).expect("a figure");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn what_only_the_start_used_of_the_program_is_given_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(dir.path(), &["--source", "scene:visits=off"]);
    let mut most = 0;
    wait_for("pages to be given back", || {
        most = most.max(mapped_kib(&service));
        (mapped_kib(&service) + most / 8 < most).then_some(())
    });
    assert_eq!(service.get("/api/health").0, 200, "what is used comes back by itself");
}

#[test]
fn a_damaged_store_is_set_aside_and_told_of() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("lookout.redb"), "this is no database").expect("written");
    let service = Service::start(dir.path(), &["--source", "scene:visits=off"]);
    let alert = service.connect("/ws/events?since=0").next_of("alert");
    assert_eq!(alert["alert_type"], "store_set_aside");
    let kept = std::fs::read_dir(dir.path()).expect("listed").filter(|entry| {
        let entry = entry.as_ref().expect("an entry");
        std::fs::read(entry.path()).is_ok_and(|bytes| bytes == b"this is no database")
    });
    assert_eq!(kept.count(), 1, "nothing is thrown away");
}

#[test]
fn a_budget_that_is_too_small_is_refused_with_the_table() {
    let refused = machine::lookout()
        .args(["run", "--budget", "4MiB", "--source", "scene"])
        .output()
        .expect("it runs");
    let words = String::from_utf8(refused.stderr).expect("text");
    assert_eq!(refused.status.code(), Some(2), "{words}");
    assert!(
        words.contains("promised") && words.contains("store") && words.contains("clients"),
        "{words}"
    );
}

#[test]
fn events_get_their_time_when_the_clock_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let scene = format!("scene:seed=7,visits=off,clock={}..1000000", 4 * machine::SLOWNESS);
    let service = Service::start(dir.path(), &["--source", &scene]);
    let mut client = service.connect("/ws/events");
    assert_eq!(service.request("POST", "/api/events").0, 202);
    let told = client.next_of("event")["data"].clone();
    assert_eq!(told["clock"], "unsynced");
    assert_eq!(client.next_of("alert")["alert_type"], "clock_synchronized");
    let (_, corrected) = service.get(&format!("/api/events/{}", told["id"]));
    assert_eq!(corrected["clock"], "synced");
    let at = |event: &Value| Timestamp::parse(event["timestamp"].as_str().expect("text")).expect("a time").0;
    let later_ms = at(&corrected) - at(&told);
    assert!((later_ms - 1_000_000_000).abs() < 1000, "{later_ms} ms later than first said");
}

#[test]
fn systemd_is_told_of_every_turn() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let variables = [("NOTIFY_SOCKET", path.to_str().expect("UTF-8")), ("WATCHDOG_USEC", "400000")];
    let service = Service::start_in(dir.path(), &["--source", "scene:visits=off"], &variables);
    let wait = |word: &str| {
        wait_for(word, || {
            let mut bytes = [0; 512];
            let length = socket.recv(&mut bytes).expect("a word in time");
            String::from_utf8_lossy(&bytes[..length]).contains(word).then_some(())
        });
    };
    wait("READY=1");
    wait("WATCHDOG=1");
    wait("WATCHDOG=1");
    service.stop();
    wait("STOPPING=1");
}

#[test]
fn websocat_prints_the_stream() {
    if !machine::has("websocat", "--version") {
        assert!(std::env::var_os("CI").is_none(), "tools/test installs websocat");
        eprintln!("skipped: websocat is not installed (tools/test does)");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(dir.path(), &["--source", BUSY]);
    let url = format!("ws://{}/ws/events", service.address);
    let mut websocat = Command::new("websocat")
        .args(["--no-close", &url])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(websocat.stdout.take().expect("piped")));
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON, one object a line") };
    assert_eq!(next()["type"], "connection_status");
    while next()["type"] != "event" {}
    websocat.kill().expect("killed");
    websocat.wait().expect("gone");
}
