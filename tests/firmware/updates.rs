//! Updates on the running image: marked good, refused, installed and kept, and undone when the new system does not do what it is for.
//! Each chapter finds the system that the one before has left.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::guest::BINARY;
use crate::guest::BOOT_MAX;
use crate::guest::Guest;
use crate::guest::PATIENCE;
use crate::guest::now;
use crate::guest::within;

/// Longest time that a bundle is written in emulation.
const INSTALL_MAX: Duration = Duration::from_secs(900);
/// Longest time from the wish to restart until it is decided which system is kept: some boots, and a self-test.
const DECISION_MAX: Duration = BOOT_MAX.saturating_mul(3);
/// Where a bundle is damaged, in bytes: behind what RAUC reads of it before it begins.
const DAMAGED_AT: usize = 1 << 20;

/// A bundle that `tools/firmware` has made.
pub(crate) fn bundle(name: &str) -> Vec<u8> {
    let dir = std::env::var_os("LOOKOUT_FIRMWARE").expect("tools/firmware names the folder");
    let file = PathBuf::from(dir).join(format!("{name}.raucb"));
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub(crate) fn kept(guest: &mut Guest) {
    let slot = report(guest)["booted"].as_str().expect("a slot").to_owned();
    within(PATIENCE * 2, "the attempts to be set back", || {
        let left = guest.run(&format!("fw_printenv -n BOOT_{slot}_LEFT"));
        (left.trim() == "3").then_some(())
    });
    let slots = report(guest)["slots"].clone();
    assert!(booted(&slots)["bootable"] == true, "{slots}");
}

pub(crate) fn refused(guest: &mut Guest) {
    let before = report(guest)["slots"].clone();
    for (name, words) in [
        ("foreign", "refused by the installer"),
        ("other-board", "the bundle is for toaster, and this is"),
        ("older", "version 0.0.1 is older than"),
    ] {
        let (status, problem) = guest.post("/api/update", BINARY, &bundle(name));
        let detail = problem["detail"].as_str().unwrap_or_default();
        println!("  {name}: {status} {detail}");
        assert!(status == 422 && detail.contains(words), "{name}: {status} {problem}");
        assert_eq!(report(guest)["slots"], before, "{name} changed a slot");
    }
    let mut damaged = bundle("good");
    damaged[DAMAGED_AT] ^= 1;
    assert_eq!(guest.post("/api/update", BINARY, &damaged).0, 202, "its signature is good");
    let report = outcome(guest, "failed", INSTALL_MAX);
    println!("  damaged: {}", report["last"]["why"]);
    assert!(report["last"]["why"].to_string().contains("Failed updating slot"), "{report}");
    assert_eq!(report["slots"], before, "a damaged payload changed a slot");
}

pub(crate) fn counted_out(guest: &mut Guest) {
    let (before, seq) = (report(guest), newest_seq(guest));
    install(guest, "empty");
    restart(guest);
    came_back(guest, &before, seq);
}

pub(crate) fn updated(guest: &mut Guest) {
    let before = report(guest);
    let (_, events) = guest.get("/api/events?limit=20").expect("an answer");
    let events: Vec<u64> = events["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["id"].as_u64())
        .collect();
    assert!(!events.is_empty(), "the chapters before have made some");
    install(guest, "good");
    restart(guest);
    let after = outcome(guest, "confirmed", DECISION_MAX);
    assert_ne!(after["booted"], before["booted"], "{after}");
    assert_eq!(after["version"], "9.1.0");
    guest.has_events(&events);
    kept(guest);
}

pub(crate) fn blind(guest: &mut Guest) {
    let (before, seq) = (report(guest), newest_seq(guest));
    install(guest, "blind");
    restart(guest);
    let report = came_back(guest, &before, seq);
    assert!(report["last"]["why"].to_string().contains("no frames"), "{report}");
}

/// Has a bundle installed, and follows it on the stream.
pub(crate) fn install(guest: &mut Guest, name: &str) {
    let mut stream = guest.connect("/ws");
    stream.send(r#"{"type":"subscribe","event_types":["task.started","task.progress","task.completed","task.failed"]}"#);
    stream.until("the subscription", |message| message["type"] == "subscription.confirmed");
    let began = now();
    let (status, accepted) = guest.post("/api/update", BINARY, &bundle(name));
    assert_eq!(status, 202, "{accepted}");
    let taken = now();
    let mut progress = 0;
    loop {
        let message = stream.until_within(INSTALL_MAX, "the next step", |message| message["task_id"] == accepted["task_id"]);
        match message["type"].as_str() {
            Some("task.progress") => progress += 1,
            Some("task.completed") => break,
            Some("task.failed") => panic!("{message}"),
            _ => {}
        }
    }
    println!(
        "  {name}: taken in {} s, installed in {} s, told {progress} times",
        taken.since(began).as_secs(),
        now().since(taken).as_secs()
    );
    assert!(progress > 0, "progress is told");
    assert_eq!(report(guest)["state"], "reboot_needed");
}

/// Asks for the restart that begins what was installed.
pub(crate) fn restart(guest: &Guest) {
    let (status, problem) = guest.post("/api/update/reboot", BINARY, b"");
    assert_eq!(status, 202, "{problem}");
}

/// What is told of updates, once the installer answers.
pub(crate) fn report(guest: &Guest) -> Value {
    within(BOOT_MAX, "word of the installer", || {
        let (status, report) = guest.get("/api/update")?;
        (status == 200 && report["booted"].is_string()).then_some(report)
    })
}

/// The report once the last update came to `outcome`.
pub(crate) fn outcome(guest: &Guest, outcome: &str, limit: Duration) -> Value {
    let began = now();
    let report = within(limit, outcome, || {
        let (_, report) = guest.get("/api/update")?;
        (report["last"]["outcome"] == outcome && report["booted"].is_string()).then_some(report)
    });
    println!("  {outcome} after {} s", now().since(began).as_secs());
    report
}

/// Waits for the machine to be back on the system of `before`, and to say so to who was at `seq`.
fn came_back(guest: &mut Guest, before: &Value, seq: u64) -> Value {
    let report = outcome(guest, "rolled_back", DECISION_MAX);
    println!("  {}", report["last"]["why"]);
    for same in ["booted", "version"] {
        assert_eq!(report[same], before[same], "{report}");
    }
    let mut stream = guest.connect(&format!("/ws/events?since={seq}"));
    stream.until("the alert", |message| {
        message["type"] == "alert" && message.to_string().contains("back from version")
    });
    kept(guest);
    report
}

fn newest_seq(guest: &Guest) -> u64 {
    let welcome = guest
        .connect("/ws/events")
        .until("the welcome", |message| message["type"] == "connection_status");
    welcome["newest_seq"].as_u64().expect("a number")
}

fn booted(slots: &Value) -> &Value {
    let slots = slots.as_array().expect("slots");
    slots.iter().find(|slot| slot["booted"] == true).expect("one is booted")
}
