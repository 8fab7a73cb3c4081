//! Settings that change while the camera watches: from the next picture on, over a restart, and nothing when they are wrong.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::service::Service;
use common::service::request_with;
use common::service::wait_for;
use lookout::config::Config;
use lookout::config::live::FILE_NAME;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

/// Somebody walks by soon and often.
const BUSY: &str = "scene:seed=7,visits=2..6..3";
const QUIET: &str = "scene:visits=off";

fn put(service: &Service, path: &str, body: &str) -> (u16, Value) {
    request_with(service.address, "PUT", path, "application/json", body.as_bytes())
}

/// A zone that is a strip from `left` to `right`, over the whole height.
fn strip(name: &str, left: f64, right: f64) -> Value {
    json!({ "name": name, "polygon": [[left, 0.0], [right, 0.0], [right, 1.0], [left, 1.0]], "sensitivity": null })
}

fn zones(zones: &[Value]) -> String {
    json!({ "zones": zones, "masks": [] }).to_string()
}

fn zones_of_events(service: &Service) -> Vec<BTreeSet<String>> {
    let (_, answer) = service.get("/api/events?limit=50");
    let names = |event: &Value| serde_json::from_value(event["zones"].clone()).expect("names");
    answer["events"].as_array().expect("a list").iter().map(names).collect()
}

#[test]
fn zones_drawn_while_it_watches_name_the_next_events_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), &["--source", BUSY]);
    wait_for("an event without zones", || {
        zones_of_events(&service).iter().any(BTreeSet::is_empty).then_some(())
    });
    let both = zones(&[strip("left", 0.0, 0.5), strip("right", 0.5, 1.0)]);
    let (status, now) = put(&service, "/api/zones", &both);
    assert_eq!((status, now), (200, serde_json::from_str(&both).unwrap()));
    wait_for("an event with a zone", || {
        zones_of_events(&service).iter().any(|zones| !zones.is_empty()).then_some(())
    });
    let named: BTreeSet<String> = zones_of_events(&service).into_iter().flatten().collect();
    assert!(named.iter().all(|name| name == "left" || name == "right"), "{named:?}");
    service.kill();

    let again = Service::start(dir.path(), &["--source", QUIET]);
    assert_eq!(again.get("/api/zones").1, serde_json::from_str::<Value>(&both).unwrap());
}

#[test]
fn what_is_masked_makes_no_event_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), &["--source", BUSY]);
    wait_for("an event", || (!zones_of_events(&service).is_empty()).then_some(()));
    let all = json!({ "zones": [], "masks": [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]] });
    assert_eq!(put(&service, "/api/tuning", r#"{"event":{"fusion":"video"}}"#).0, 200); // the PIR sensor has no masks
    assert_eq!(put(&service, "/api/zones", &all.to_string()).0, 200);
    let running = |service: &Service| service.get("/api/health").1["pipeline"]["engine"] == "idle";
    wait_for("nothing runs", || running(&service).then_some(()));
    let (before, frame) = (zones_of_events(&service).len(), frame(&service));
    wait_for("two visits passed by", || (self::frame(&service) > frame + 150).then_some(()));
    assert_eq!(zones_of_events(&service).len(), before);
}

fn frame(service: &Service) -> u64 {
    service.get("/api/health").1["pipeline"]["frame"].as_u64().expect("a number")
}

#[test]
fn a_stream_that_asked_for_zones_comes_back_when_they_change() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), &["--source", QUIET]);
    assert_eq!(put(&service, "/api/zones", &zones(&[strip("door", 0.0, 0.5)])).0, 200);
    wait_for("the name is known", || {
        let mut client = service.connect("/ws/events");
        client.send(r#"{"type":"subscribe","event_types":["event"],"zones":["door"]}"#);
        (1..5).find_map(|_| client.next().filter(|message| message["type"] == "subscription.confirmed"))
    });
    let mut all = service.connect("/ws/events");
    let mut door = service.connect("/ws/events");
    door.send(r#"{"type":"subscribe","event_types":["event"],"zones":["door"]}"#);
    assert_eq!(door.next_of("subscription.confirmed")["zones"], json!(["door"]));
    assert_eq!(put(&service, "/api/zones", &zones(&[strip("gate", 0.0, 0.5)])).0, 200);
    let code = std::iter::repeat_with(|| door.next_or_code()).find_map(Result::err);
    assert_eq!(code, Some(Some(1012)));
    all.send(r#"{"type":"ping"}"#);
    all.next_of("pong"); // the other one stays
}

#[test]
fn what_breaks_a_rule_is_refused_by_its_key_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), &["--source", QUIET]);
    let held = (service.get("/api/zones"), service.get("/api/tuning"));
    let long = zones(&(0..17).map(|n| strip(&n.to_string(), 0.0, 0.5)).collect::<Vec<_>>());
    let line = json!({ "zones": [{ "name": "a", "polygon": [[0.0, 0.0], [1.0, 1.0]] }], "masks": [] }).to_string();
    let wrong = [
        ("/api/tuning", "[]", 422, "object"),
        ("/api/zones", "[[],[]]", 422, "object"),
        ("/api/zones", r#"{"zones":[["a",[[0,0],[1,0],[1,1]],5]],"masks":[]}"#, 422, "object"),
        ("/api/tuning", r#"{"motion":[5]}"#, 422, "sequence"),
        ("/api/tuning", r#"{"motion":{"sensitivity":11}}"#, 422, "motion.sensitivity"),
        ("/api/tuning", r#"{"motion":{"sensitivity":"high"}}"#, 422, "motion.sensitivity"),
        ("/api/tuning", r#"{"motion":{"sensitivety":5}}"#, 422, "sensitivity"),
        (
            "/api/tuning",
            r#"{"motion":{"confirm_frames":9,"confirm_window":3}}"#,
            422,
            "confirm_frames",
        ),
        ("/api/tuning", r#"{"motion":{"zones":[]}}"#, 422, "/api/zones"),
        ("/api/tuning", r#"{"web":{"listen":"0.0.0.0:80"}}"#, 422, "web"),
        ("/api/tuning", r#"{"event":{"gap_ms":null}}"#, 422, "null"),
        ("/api/tuning", "{", 400, "body"),
        ("/api/zones", &long, 422, "motion.zones"),
        ("/api/zones", &line, 422, "polygon"),
        (
            "/api/zones",
            &zones(&[strip("a", 0.0, 0.5), strip("a", 0.5, 1.0)]),
            422,
            "motion.zones",
        ),
        ("/api/zones", &zones(&[strip("a", 0.0, 1.5)]), 422, "polygon"),
        ("/api/zones", r#"{"zones":[]}"#, 422, "masks"),
        ("/api/config", "", 400, "TOML"),
        ("/api/config", "[camera\n", 422, "request:1"),
        ("/api/config", "[motion]\nsensitivity = 0\n", 422, "motion.sensitivity"),
        ("/api/zones", &" ".repeat(17_000), 413, "bytes"),
    ];
    for (path, body, status, word) in wrong {
        let (answered, problem) = put(&service, path, body);
        assert_eq!(answered, status, "{path} {body:.100}: {problem}");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains(word)),
            "{body:.100}: {problem}"
        );
    }
    assert_eq!((service.get("/api/zones"), service.get("/api/tuning")), held);
    assert!(!dir.path().join(FILE_NAME).exists());
}

#[test]
fn a_configuration_goes_from_one_device_to_another() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = Service::start(here.path(), &["--source", QUIET]);
    assert_eq!(put(&one, "/api/zones", &zones(&[strip("door", 0.1, 0.5)])).0, 200);
    let (status, tuning) = put(&one, "/api/tuning", r#"{"motion":{"sensitivity":8},"event":{"gap_ms":7000}}"#);
    assert_eq!(
        (status, &tuning["motion"]["sensitivity"], &tuning["event"]["gap_ms"]),
        (200, &json!(8), &json!(7000))
    );
    let exported = common::service::text(one.address, "/api/config");
    assert_eq!(Config::parse(&exported, Path::new("exported")).expect("good").motion.sensitivity, 8);

    let two = Service::start(there.path(), &["--source", "scene:seed=9,visits=off"]);
    let (status, changed) = put(&two, "/api/config", &exported);
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["applied"], json!(["motion.sensitivity", "event.gap_ms", "motion.zones"]));
    let left = changed["left"].as_array().expect("a list");
    assert!(
        left.contains(&json!("camera.source")) && left.contains(&json!("store.dir")),
        "{left:?}"
    );
    assert_eq!(two.get("/api/zones"), one.get("/api/zones"));
    assert_eq!(two.get("/api/tuning"), one.get("/api/tuning"));
    assert_eq!(put(&two, "/api/config", &exported).1["applied"], json!([]));
}

#[test]
fn a_damaged_file_of_changes_is_set_aside_and_the_camera_sees() {
    let dir = tempfile::tempdir().unwrap();
    for text in [
        "[motion]\nsensitivity = 99\n",
        "[web]\nclients_max = 3\n[motion]\nsensitivity = 9\n",
        "\u{0}\u{1}garbage",
        "",
    ] {
        fs::write(dir.path().join(FILE_NAME), text).unwrap();
        let service = Service::start(dir.path(), &["--source", QUIET]);
        let sensitivity = service.get("/api/tuning").1["motion"]["sensitivity"].clone();
        let own = text.starts_with("[web]"); // another table is not looked at: only these two are taken from here
        assert_eq!(sensitivity, if own { json!(9) } else { json!(5) }, "{text}");
        assert_eq!(service.get("/api/health").1["clients"]["max"], 32);
        assert_eq!(dir.path().join(FILE_NAME).exists(), own || text.is_empty(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What is written reads back as the same settings, whatever they are.
    #[test]
    fn an_export_is_the_configuration(
        sensitivity in 1..=10_u8, size in 0.005_f32..0.5, similarity in 0..=1000_u32, name in "[^\\p{Cc}]{1,8}",
        corners in proptest::collection::vec((0.0_f32..=1.0, 0.0_f32..=1.0), 0..8), masked in any::<bool>(),
    ) {
        let around = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]].map(|[x, y]: [f32; 2]| format!("[{x:?}, {y:?}]"));
        let polygon = around.into_iter().chain(corners.iter().map(|(x, y)| format!("[{x:?}, {y:?}]"))).collect::<Vec<_>>().join(", ");
        let kind = if masked { "[[motion.masks]]".into() } else { format!("[[motion.zones]]\nname = {}", toml::Value::from(name)) };
        let text = format!(
            "[motion]\nsensitivity = {sensitivity}\nobject_size_min = {size:?}\n{kind}\npolygon = [{polygon}]\n[event]\nsimilarity = {}\n",
            f64::from(similarity) / 1000.0
        );
        let Ok(config) = Config::parse(&text, Path::new("given")) else { return Ok(()) };
        let written = config.to_toml(&[]);
        prop_assert_eq!(Config::parse(&written, Path::new("written")).map_err(|error| error.to_string()), Ok(config));
    }
}
