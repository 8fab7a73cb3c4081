//! What those can rely on who watch the service: figures in Prometheus' form, health, logs; and edits in the real service.

mod common;
mod device;

use std::collections::HashMap;
use std::collections::HashSet;

use common::service::Service;
use common::service::wait_for;
use device::Device;
use lookout::status::CameraState;
use lookout::web::Settings;
use serde_json::Value;
use serde_json::json;

fn metrics(device: &Device) -> String {
    let answer = device.exchange(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    body.to_owned()
}

/// Every sample by its name with labels; each line is held against the form.
fn samples(text: &str) -> HashMap<String, f64> {
    let (mut told, mut found) = (HashSet::new(), HashMap::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let words: Vec<&str> = rest.splitn(3, ' ').collect();
            assert!(matches!(words[0], "HELP" | "TYPE") && words.len() == 3, "{line}");
            assert!(told.insert((words[0].to_owned(), words[1].to_owned())), "told twice: {line}");
            if words[0] == "TYPE" {
                let counts = words[1].ends_with("_total");
                assert_eq!(words[2], if counts { "counter" } else { "gauge" }, "{line}");
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let family = name.split('{').next().unwrap_or_default().to_owned();
        assert!(
            family.starts_with("lookout_") && family.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{line}"
        );
        for kind in ["HELP", "TYPE"] {
            assert!(told.contains(&(kind.into(), family.clone())), "{kind} does not come before {line}");
        }
        assert!(found.insert(name.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
    }
    assert!(text.ends_with('\n'));
    found
}

#[test]
fn figures_keep_the_form_and_follow_what_happens() {
    let device = Device::with_history(Settings::default(), 3);
    let before = samples(&metrics(&device));
    assert_eq!(before["lookout_stored_events"], 3.0);
    assert_eq!(before["lookout_camera_up"], 1.0);
    device.status.recorder().events_ended = [1, 2, 3, 4];
    device.status.pipeline().camera = CameraState::Lost;
    device.get("/api/armed");
    let after = samples(&metrics(&device));
    assert_eq!(after["lookout_events_total{trigger=\"both\"}"], 3.0);
    assert_eq!(after["lookout_camera_up"], 0.0);
    assert_eq!(after["lookout_connections_total"], before["lookout_connections_total"] + 2.0);
    device.store.fail("pulled out");
    let without = samples(&metrics(&device));
    assert!(!without.contains_key("lookout_stored_events") && without.contains_key("lookout_clients"));
}

#[test]
fn alive_is_not_ready() {
    let device = Device::start(Settings::default());
    assert_eq!(device.get("/api/health/ready"), (200, json!({ "ready": true, "problems": [] })));
    device.status.recorder().writable = false;
    let (status, told) = device.get("/api/health/ready");
    assert_eq!((status, &told["ready"]), (503, &json!(false)));
    assert_eq!(device.get("/api/health/live"), (200, json!({ "status": "ok" })));
    let (status, streams) = device.get("/api/health/websocket");
    assert_eq!((status, &streams["active_connections"]), (200, &json!(0)));
}

#[test]
fn the_newest_lines_of_the_log_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), &["--source", "scene:seed=1", "--pir", "none", "--log", "debug"]);
    let lines = || {
        service.get("/api/logs?limit=256").1["lines"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let request = wait_for("the request before this one", || {
        let own = |line: &Value| {
            line["text"]
                .as_str()
                .is_some_and(|text| text.contains("path=\"/api/logs\"") || text.contains("path=/api/logs"))
        };
        lines().into_iter().find(own)
    });
    let text = request["text"].as_str().unwrap();
    assert!(text.contains("client{id=") && text.contains("request="), "{text}");
    assert_eq!(request["level"], "DEBUG");
    let (_, severe) = service.get("/api/logs?level=info&limit=256");
    assert!(severe["lines"].as_array().unwrap().iter().all(|line| line["level"] != "DEBUG"));
    assert_eq!(service.get("/api/logs?limit=1").1["lines"].as_array().unwrap().len(), 1);
    for bad in ["level=loud", "limit=0", "limit=257", "since=1"] {
        assert_eq!(service.get(&format!("/api/logs?{bad}")).0, 400, "{bad}");
    }
}

#[test]
fn an_edit_is_durable_and_told_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Service::start(dir.path(), &["--source", "scene:seed=1", "--pir", "none"]);
    let service = start();
    let mut client = service.connect("/ws/events");
    assert_eq!(service.request("POST", "/api/events").0, 202);
    let mut event = client.next_of("event");
    while event["data"]["phase"] != "end" {
        event = client.next_of("event");
    }
    let id = event["data"]["id"].as_u64().unwrap();
    let path = format!("/api/events/{id}");
    assert_eq!(service.request("PUT", &format!("{path}/bookmark")).0, 200);
    let told = client.next_of("bookmark_created");
    assert!(told["seq"].as_u64() > event["seq"].as_u64(), "{told}");
    assert_eq!((&told["event_id"], &told["data"]["bookmarked"]), (&json!(id), &json!(true)));
    service.kill();
    let service = start();
    assert_eq!(service.get(&path).1["bookmarked"], true);
    let mut client = service.connect("/ws/events");
    client.next_of("connection_status");
    assert_eq!(service.request("DELETE", &path).0, 204);
    assert_eq!(client.next_of("event_deleted")["event_id"], id);
    assert_eq!(service.get(&path).0, 404);
    service.kill();
    assert_eq!(start().get(&path).0, 404);
}
