//! Settings of a later version, found by a service that the machine came back to: the camera sees, and it is said what is left out.

mod common;

use std::fs;
use std::path::Path;

use common::machine;
use common::service::Service;
use common::service::request_with;
use lookout::config::live::FILE_NAME;
use serde_json::json;

const CHANGED: &str = "[motion]\nsensitivity = 9\nforesight = true\n[event]\ngap_ms = 7000\n[later]\nkey = 1\n";
const OWN: &str = "[camera]\nsource = \"scene:visits=off\"\n[web]\nclients_max = 7\nport_knocking = \"off\"\n";

/// Leaves word of an update to `version`, which was kept.
fn updated_to(data: &Path, version: &str) {
    let attempt = json!({
        "version": version, "from_version": "0.1.0", "slot": "B", "outcome": "confirmed", "why": null,
        "timestamp": "2026-01-01T00:00:00.000Z", "boot_id": "11111111-0000-0000-0000-000000000000",
    });
    fs::write(data.join("update.json"), attempt.to_string()).expect("written");
}

/// The words of the alert about what is left out.
fn told(service: &Service) -> String {
    let mut client = service.connect("/ws/events?since=0");
    let alert = std::iter::repeat_with(|| client.next_of("alert")).find(|alert| alert["alert_type"] == "settings_left_out");
    alert.expect("an alert")["data"]["message"].to_string()
}

/// How `lookout run` ends that does not start, and why.
fn refused(data: &Path, file: &str, command: &str) -> (Option<i32>, String) {
    let data = data.to_string_lossy();
    let arguments = [command, "--config", file, "--data-dir", &data, "--listen", "127.0.0.1:0"];
    let output = machine::lookout().args(arguments).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_a_later_version_has_kept_holds_as_far_as_it_is_known_and_stays_for_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join(FILE_NAME);
    fs::write(&file, CHANGED).expect("written");
    let service = Service::start(dir.path(), &["--source", "scene:visits=off"]);
    let (_, tuning) = service.get("/api/tuning");
    assert_eq!(
        (&tuning["motion"]["sensitivity"], &tuning["event"]["gap_ms"]),
        (&json!(9), &json!(7000))
    );
    let words = told(&service);
    assert!(words.contains("motion.foresight") && words.contains("later"), "{words}");
    assert_eq!(
        fs::read_to_string(&file).expect("text"),
        CHANGED,
        "the later version finds it as it was"
    );

    let body = br#"{"motion":{"sensitivity":4}}"#;
    assert_eq!(request_with(service.address, "PUT", "/api/tuning", "application/json", body).0, 200);
    service.kill();
    let again = Service::start(dir.path(), &["--source", "scene:visits=off"]);
    let (_, tuning) = again.get("/api/tuning");
    assert_eq!(
        (&tuning["motion"]["sensitivity"], &tuning["event"]["gap_ms"]),
        (&json!(4), &json!(7000))
    );
}

#[test]
fn a_key_in_the_own_file_stops_the_start_unless_a_later_version_ran_before() {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, file) = (dir.path().join("data"), dir.path().join("lookout.toml"));
    fs::create_dir(&data).expect("made");
    fs::write(&file, OWN).expect("written");
    let file = file.to_string_lossy();
    for last in [None, Some("0.0.1"), Some(env!("CARGO_PKG_VERSION"))] {
        last.iter().for_each(|version| updated_to(&data, version));
        let (status, why) = refused(&data, &file, "run");
        assert!(
            status == Some(2) && why.contains("unknown key web.port_knocking"),
            "{last:?}: {why}"
        );
    }
    updated_to(&data, "9.1.0");
    let service = Service::start(&data, &["--config", &file]);
    assert_eq!(service.get("/api/health").1["clients"]["max"], 7);
    assert!(told(&service).contains("web.port_knocking"));
    assert_eq!(refused(&data, &file, "check").0, Some(2), "at the console it stays an error");
}
