//! The commands as a person types them: what they print, and how they end.

#[path = "common/machine.rs"]
mod machine;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

fn lookout(args: &[&str]) -> Output {
    machine::lookout().args(args).output().expect("it runs")
}

/// Standard output of a command that succeeds.
fn printed(args: &[&str]) -> String {
    let output = lookout(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect()
}

/// Exit status and standard error of a command that fails.
fn refused(args: &[&str]) -> (Option<i32>, String) {
    let output = lookout(args);
    assert!(!output.status.success(), "{args:?}");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().expect("UTF-8").to_owned()
}

/// A recording of the scene, as long as one visit with its PIR edges.
fn recording(dir: &Path) -> String {
    let file = path(dir, "visit.lkr");
    let scene = "scene:seed=5,width=320,height=240,fps=20,visits=3..0..3,foliage=off";
    let output = lookout(&["record", &file, "--source", scene, "--seconds", "9", "--log", "warn"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}

#[test]
fn a_recording_is_replayed_with_frames_and_edges() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = recording(dir.path());
    let found = lines(&printed(&["replay", "--frames", &file]));
    let frames: Vec<u64> = found
        .iter()
        .filter(|line| line["type"] == "frame")
        .map(|line| line["frame"].as_u64().expect("a number"))
        .collect();
    assert!(
        frames.len() > 100 && frames.iter().copied().eq(0..frames.len() as u64),
        "frames count from 0, each is there"
    );
    let events: Vec<&Value> = found.iter().filter(|line| line["type"] == "event").collect();
    let (first, last) = (events.first().expect("an event"), events.last().expect("an event"));
    assert_eq!((&first["phase"], &last["phase"]), (&Value::from("start"), &Value::from("end")));
    assert_eq!(
        (&first["event"], &last["event"]),
        (&Value::from(0), &Value::from(0)),
        "one visit, one event"
    );
    assert_eq!((&last["trigger"], &last["pir"]["edges"]), (&Value::from("both"), &Value::from(1)));
    let moving = |frame: &u64| found.iter().any(|line| line["frame"] == *frame && line["state"] == "moving");
    assert!(
        moving(&last["frame"].as_u64().expect("a number")),
        "the end's frame is one with motion"
    );
    assert_eq!(
        printed(&["replay", &file]),
        printed(&["replay", &file]),
        "the same clip, the same words"
    );

    assert_eq!(
        refused(&["record", &file, "--source", "scene", "--seconds", "1"]).0,
        Some(1),
        "no recording is overwritten"
    );
}

#[test]
fn a_clip_that_is_none_is_refused_in_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let garbage = path(dir.path(), "garbage.y4m");
    std::fs::write(&garbage, "YUV4MPEG2 W640 H-3 F10:1\n").expect("written");
    for file in [garbage, path(dir.path(), "missing.avi")] {
        let (status, words) = refused(&["replay", &file]);
        assert_eq!(status, Some(1));
        assert!(words.contains(&file), "{words}");
    }
}

#[test]
fn configuration_errors_name_the_place_and_end_with_status_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = path(dir.path(), "lookout.toml");
    std::fs::write(&file, "[motion]\nsensitivity = 11\n").expect("written");
    for command in ["run", "check", "replay", "export"] {
        let mut args = vec![command, "--config", &file];
        args.extend((command == "replay").then_some("-"));
        let (status, words) = refused(&args);
        assert_eq!(status, Some(2), "{command}");
        assert!(
            words.contains("lookout.toml:2: motion.sensitivity = 11: allowed is 1 to 10"),
            "{words}"
        );
    }
    let (status, words) = refused(&["check", "--listen", "0.0.0.0:80"]);
    assert!(
        status == Some(2) && words.contains("--listen") && words.contains("loopback"),
        "{words}"
    );
}

#[test]
fn check_prints_the_ledger() {
    let text = printed(&["check", "--budget", "20MiB"]);
    for word in ["camera", "store", "clients", "promised", "20480.0 KiB  memory.budget"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn export_gives_what_is_stored_in_both_forms() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().to_str().expect("UTF-8");
    assert_eq!(refused(&["export", "--data-dir", data]).0, Some(1), "no store is made by looking");
    assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 0);
    store_two_events(dir.path());
    let events = lines(&printed(&["export", "--data-dir", data]));
    assert_eq!(
        events.iter().map(|event| event["id"].as_u64()).collect::<Vec<_>>(),
        [Some(1), Some(2)]
    );
    assert_eq!(lines(&printed(&["export", "--data-dir", data, "--from", "2"])).len(), 1);
    let csv = printed(&["export", "--format", "csv", "--data-dir", data]);
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 3);
    assert!(
        rows[0].starts_with("id,timestamp,") && rows[1].contains("\"a, \"\"b\"\"\""),
        "{csv}"
    );
    let columns = rows[0].split(',').count();
    assert_eq!(rows[2].split(',').count(), columns + 1, "one comma stands within quotes");
}

mod stored;

fn store_two_events(dir: &Path) {
    let mut store = stored::open(&stored::settings(dir)).0;
    let entries: Vec<_> = (1..=2)
        .map(|seq| {
            let mut event = stored::event(seq);
            event.camera_id = "a, \"b\"".try_into().expect("short");
            stored::told(seq, event)
        })
        .collect();
    store.commit(&entries).expect("written");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = recording(dir.path());
    let mut child = machine::lookout()
        .args(["replay", "--frames", &file])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_command_has_help() {
    assert!(printed(&["version"]).starts_with("lookout "));
    for command in ["run", "check", "replay", "record", "export", "version"] {
        assert!(printed(&[command, "--help"]).contains("Usage"), "{command}");
        assert!(printed(&["--help"]).contains(command), "{command}");
    }
}
