//! Updates through the real binary and the real RAUC: what is installed, what is refused, and what becomes of a new system.

mod common;
mod rauc;

use std::fs;
use std::path::Path;

use common::service::Service;
use common::service::wait_for;
use lookout::board::Board;
use rauc::Device;
use rauc::Recipe;
use rauc::can_mount;
use rauc::post;
use serde_json::Value;
use serde_json::json;

const BUNDLE: &str = "application/octet-stream";
const IMAGE: &[u8] = &[7; 300_000];
const GOOD: Recipe<'_> = Recipe {
    compatible: "lookout-rpi",
    version: "9.1.0",
    image: IMAGE,
    signer: "owner",
};

/// The service on `device`, with the data in `data` and this camera.
fn start(device: &Device, data: &Path, source: &str, more: &str) -> Service {
    let config = device.configuration(more).to_string_lossy().into_owned();
    Service::start_in(data, &["--config", &config, "--source", source], &device.environment())
}

/// What is told of updates once the installer is there.
fn report(service: &Service) -> Value {
    wait_for("the installer", || {
        let (status, report) = service.get("/api/update");
        (status == 200 && report["booted"].is_string()).then_some(report)
    })
}

/// The report once the last update came to `outcome`.
fn outcome(service: &Service, outcome: &str) -> Value {
    wait_for(outcome, || {
        let report = report(service);
        (report["last"]["outcome"] == outcome).then_some(report)
    })
}

/// Leaves word of an update to slot B that was installed in another boot.
fn installed_before(data: &Path) {
    let attempt = json!({
        "version": "9.1.0", "from_version": "0.1.0", "slot": "B", "outcome": "installed", "why": null,
        "timestamp": "2026-01-01T00:00:00.000Z", "boot_id": "11111111-0000-0000-0000-000000000000",
    });
    fs::write(data.join("update.json"), attempt.to_string()).expect("written");
}

#[test]
fn a_good_bundle_is_installed_and_every_step_is_told() {
    if !can_mount() {
        return;
    }
    let (device, data) = (Device::new("A"), tempfile::tempdir().expect("a folder"));
    let service = start(&device, data.path(), "scene", "");
    assert_eq!(report(&service)["last"], Value::Null);
    let mut client = service.connect("/ws");
    client.send(r#"{"type":"subscribe","event_types":["task.started","task.progress","task.completed","task.failed"]}"#);
    client.next_of("subscription.confirmed");

    let bundle = device.bundle(&GOOD);
    let (status, accepted) = post(service.address, "/api/update", BUNDLE, bundle.len() as u64, &bundle);
    assert_eq!((status, &accepted["version"]), (202, &json!("9.1.0")), "{accepted}");
    let started = client.next_of("task.started");
    assert_eq!(
        (&started["task_id"], &started["task_type"]),
        (&accepted["task_id"], &json!("update"))
    );
    let progress = client.next_of("task.progress");
    assert!(progress["progress"]["percentage"].is_u64(), "{progress}");
    assert_eq!(client.next_of("task.completed")["task_id"], accepted["task_id"]);

    let report = report(&service);
    assert_eq!(
        (&report["state"], &report["last"]["slot"]),
        (&json!("reboot_needed"), &json!("B")),
        "{report}"
    );
    assert_eq!(report["slots"][1]["version"], "9.1.0");
    assert!(fs::read(device.path("b.img")).expect("slot B").starts_with(IMAGE));
    assert_eq!(device.word("primary"), "B");
    assert!(!data.path().join("update/bundle.raucb").exists(), "the bundle is removed");

    assert_eq!(post(service.address, "/api/update/reboot", BUNDLE, 0, b"").0, 202);
    assert_eq!(device.reboots(), 1);
}

#[test]
fn what_is_not_to_be_installed_is_refused_with_its_reason() {
    let (device, data) = (Device::new("A"), tempfile::tempdir().expect("a folder"));
    let service = start(&device, data.path(), "scene", "bundle_max = \"1MiB\"\n");
    let before = report(&service);
    let good = device.bundle(&GOOD);
    let damaged = |mut bundle: Vec<u8>| {
        let middle = bundle.len() / 2;
        bundle[middle] ^= 1;
        bundle
    };
    let refused = [
        (
            device.bundle(&Recipe {
                signer: "stranger",
                ..GOOD
            }),
            422,
            "refused by the installer",
        ),
        (damaged(good.clone()), 422, "refused by the installer"),
        (good[..good.len() / 2].to_vec(), 422, "refused by the installer"),
        (
            device.bundle(&Recipe {
                compatible: "toaster",
                ..GOOD
            }),
            422,
            "the bundle is for toaster, and this is lookout-rpi",
        ),
        (
            device.bundle(&Recipe { version: "0.0.9", ..GOOD }),
            422,
            "version 0.0.9 is older than",
        ),
        (device.bundle(&Recipe { version: "newest", ..GOOD }), 422, "not of the form"),
        (b"PK\x03\x04 and so on".to_vec(), 415, "no bundle"),
        (Vec::new(), 415, "no bundle"),
    ];
    for (bundle, expected, words) in refused {
        let (status, problem) = post(service.address, "/api/update", BUNDLE, bundle.len() as u64, &bundle);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == expected && detail.contains(words), "{words}: {status} {problem}");
    }
    let (status, _) = post(service.address, "/api/update", BUNDLE, 2 << 20, b"hsqs");
    assert_eq!(status, 413, "before it is sent");
    for url in ["file:///etc/passwd", "https://a b", ""] {
        let body = json!({ "url": url }).to_string();
        let (status, _) = post(
            service.address,
            "/api/update",
            "application/json",
            body.len() as u64,
            body.as_bytes(),
        );
        assert_eq!(status, 400, "{url}");
    }
    let nowhere = json!({ "url": "http://127.0.0.1:9/lookout.raucb" }).to_string();
    let (status, problem) = post(
        service.address,
        "/api/update",
        "application/json",
        nowhere.len() as u64,
        nowhere.as_bytes(),
    );
    assert_eq!(status, 422, "{problem}");
    assert_eq!(report(&service), before, "nothing changed");
    assert!(!data.path().join("update/bundle.raucb").exists());
    assert!(fs::read(device.path("b.img")).expect("slot B").iter().all(|byte| *byte == 0));
}

#[test]
fn one_update_at_a_time_and_only_where_there_is_room() {
    let (device, data) = (Device::new("A"), tempfile::tempdir().expect("a folder"));
    let service = start(&device, data.path(), "scene", "");
    report(&service);
    let mut slow = std::net::TcpStream::connect(service.address).expect("it listens");
    std::io::Write::write_all(
        &mut slow,
        b"POST /api/update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhsqs",
    )
    .expect("sent");
    wait_for("the upload", || (report(&service)["state"] == "receiving").then_some(()));
    let (status, problem) = post(service.address, "/api/update", BUNDLE, 1000, b"hsqs");
    assert_eq!(status, 409, "{problem}");
    drop(slow);
    wait_for("the end of it", || (report(&service)["state"] == "idle").then_some(()));
    assert!(!data.path().join("update/bundle.raucb").exists(), "what was cut short is removed");
    drop(service);

    // In memory there is room for less than this.
    let small = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let service = start(&device, small.path(), "scene", "bundle_max = \"4GiB\"\n");
    let disk = Board::here(small.path()).disk().expect("a disk");
    if disk.free_bytes < 4 << 30 {
        let (status, problem) = post(service.address, "/api/update", BUNDLE, 4 << 30, b"hsqs");
        assert_eq!(status, 507, "{problem}");
    }
}

#[test]
fn a_new_system_that_works_is_marked_good() {
    let (device, data) = (Device::new("B"), tempfile::tempdir().expect("a folder"));
    installed_before(data.path());
    let service = start(&device, data.path(), "scene", "");
    let report = outcome(&service, "confirmed");
    assert_eq!((&report["booted"], &report["last"]["why"]), (&json!("B"), &Value::Null));
    assert_eq!(device.word("state.B"), "good");
    let mut client = service.connect("/ws/events?since=0");
    let mut alert = || client.next_of("alert")["alert_type"].clone();
    assert_eq!((alert(), alert()), (json!("update_testing"), json!("update_confirmed")));
    assert_eq!(device.reboots(), 0);
}

#[test]
fn a_new_system_without_frames_is_left_and_the_old_one_says_why() {
    let (mut device, data) = (Device::new("B"), tempfile::tempdir().expect("a folder"));
    installed_before(data.path());
    let service = start(&device, data.path(), "v4l2:/dev/video-that-is-not", "");
    wait_for("the restart of the machine", || (device.reboots() == 1).then_some(()));
    assert_eq!(device.word("state.B"), "bad");
    drop(service);

    device.boot("A");
    let service = start(&device, data.path(), "scene", "");
    let report = outcome(&service, "rolled_back");
    let why = report["last"]["why"].as_str().unwrap_or_default();
    assert!(report["booted"] == "A" && why.contains("no frames"), "{report}");
    let mut client = service.connect("/ws/events?since=0");
    let message = wait_for("the word about the return", || {
        let alert = client.next_of("alert");
        (alert["alert_type"] == "update_rolled_back").then(|| alert["data"]["message"].clone())
    });
    assert!(message.as_str().is_some_and(|message| message.contains("9.1.0")), "{message}");
    wait_for("the old system to be marked good", || {
        (device.word("state.A") == "good").then_some(())
    });
}

#[test]
fn a_proven_system_is_kept_when_its_camera_is_gone() {
    let (device, data) = (Device::new("A"), tempfile::tempdir().expect("a folder"));
    let service = start(&device, data.path(), "v4l2:/dev/video-that-is-not", "");
    wait_for("the mark", || (device.word("state.A") == "good").then_some(()));
    assert_eq!((&report(&service)["last"], device.reboots()), (&Value::Null, 0));
}
