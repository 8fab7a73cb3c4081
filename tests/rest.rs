//! What REST promises beyond pages: filters, deletion, bookmarks, tags, broadcasts, and what it says of itself; through real sockets.

mod device;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use device::Device;
use lookout::limits::ANNOUNCEMENT_CHARS_MAX;
use lookout::limits::REQUEST_BODY_BYTES_MAX;
use lookout::limits::WISH_QUEUE_MAX;
use lookout::records::Edit;
use lookout::records::Refused;
use lookout::web;
use lookout::web::Settings;
use serde_json::Value;
use serde_json::json;

fn device(events: u64) -> Device {
    Device::with_history(Settings::default(), events)
}

/// Answers every wish by `answer` while `ask` runs.
fn with_recorder<T>(device: &Device, answer: fn(Edit) -> Result<(), Refused>, ask: impl FnOnce() -> T) -> T {
    let (records, done) = (device.records.clone(), Arc::new(AtomicBool::new(false)));
    let over = done.clone();
    let recorder = std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            records.take(Duration::from_millis(5));
            while let Some(wish) = records.take_wish() {
                let _ = wish.answer.send(answer(wish.edit));
            }
        }
    });
    let came = ask();
    done.store(true, Ordering::Relaxed);
    recorder.join().unwrap();
    came
}

/// The head of the answer to a GET with more header fields.
fn head(device: &Device, target: &str, fields: &str) -> String {
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{fields}\r\n",
        device.address
    );
    let answer = device.exchange(request.as_bytes());
    answer.split("\r\n\r\n").next().unwrap_or_default().to_lowercase()
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn bad_filters_are_refused_and_good_ones_go_on_to_the_next_page() {
    let device = device(3);
    for bad in [
        "from=yesterday",
        "from=2026-13-01T00:00:00Z",
        "to=1",
        "trigger=cat",
        "trigger=Video",
        "zone=%FF",
        "zone=%4",
        "score_min=1.5",
        "score_min=-0.1",
        "score_min=1e1",
        "score_min=NaN",
        "score_min=",
        "since=-1",
        "limit=0",
        "limit=101",
        "zone=a&zone=b",
        "colour=red",
    ] {
        let (status, problem) = device.get(&format!("/api/events?{bad}"));
        assert_eq!((status, &problem["status"]), (400, &json!(400)), "{bad}: {problem}");
    }
    let all = "from=2026-01-31T12:00:00%2B02:00&to=2027-01-01T00:00:00Z&trigger=both&zone=front%20door&score_min=0.25&limit=1";
    let (status, page) = device.get(&format!("/api/events?{all}"));
    assert_eq!(status, 200);
    let next = page["paging"]["next"].as_str().expect("the store in memory does not filter");
    assert_eq!(
        next,
        "/api/events?before=3&from=2026-01-31T10:00:00.000Z&to=2027-01-01T00:00:00.000Z&trigger=both&zone=front%20door&score_min=0.25&limit=1"
    );
    assert_eq!(device.get(next).0, 200);
}

#[test]
fn an_edit_is_answered_by_what_it_came_to() {
    let device = device(1);
    let answer = |edit: Edit| match edit.id() {
        1 => Ok(()),
        2 => Err(Refused::Running(2)),
        3 => Err(Refused::Full(1000)),
        4 => Err(Refused::Store("on fire".into())),
        id => Err(Refused::Unknown(id)),
    };
    with_recorder(&device, answer, || {
        for (id, status) in [
            ("2", 409),
            ("3", 409),
            ("4", 500),
            ("5", 404),
            ("x", 400),
            ("-1", 400),
            ("18446744073709551616", 400),
        ] {
            for (method, below) in [("DELETE", ""), ("PUT", "/bookmark"), ("DELETE", "/bookmark")] {
                let (found, problem) = device.request(method, &format!("/api/events/{id}{below}"), "");
                assert_eq!((found, &problem["status"]), (status, &json!(status)), "{method} {id}{below}");
            }
        }
        assert_eq!(device.request("DELETE", "/api/events/1", ""), (204, Value::Null));
        assert_eq!(device.request("DELETE", "/api/events/1/bookmark", ""), (204, Value::Null));
        let marked = device.request("PUT", "/api/events/1/bookmark", "");
        assert_eq!(marked, (200, json!({ "id": 1, "bookmarked": true })));
        assert_eq!(device.request("POST", "/api/events/1/bookmark", "").0, 405);
    });
}

#[test]
fn more_wishes_than_wait_are_refused() {
    let device = device(1);
    let kept: Vec<_> = (0..WISH_QUEUE_MAX)
        .map(|_| device.records.ask(Edit::Delete(1)).expect("room"))
        .collect();
    let (status, problem) = device.request("DELETE", "/api/events/1", "");
    assert_eq!(status, 503, "{problem}");
    drop(kept);
}

#[test]
fn one_who_has_the_newest_is_told_so() {
    let device = device(3);
    for target in ["/api/events/2", "/api/events?limit=2", "/api/zones", "/api/tuning", "/icon.svg"] {
        let first = head(&device, target, "");
        let tag = field(&first, "etag").unwrap_or_else(|| panic!("{target} has no tag: {first}"));
        assert!(first.starts_with("http/1.1 200"), "{first}");
        for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".into()] {
            let again = head(&device, target, &format!("If-None-Match: {known}\r\n"));
            assert!(again.starts_with("http/1.1 304"), "{target} {known}: {again}");
        }
        let other = head(&device, target, "If-None-Match: \"x\"\r\n");
        assert!(other.starts_with("http/1.1 200"), "{other}");
    }
    let before = head(&device, "/api/events", "");
    device.publish();
    assert_ne!(field(&before, "etag"), field(&head(&device, "/api/events", ""), "etag"));
}

#[test]
fn requests_have_names() {
    let device = device(0);
    let given = head(&device, "/api/armed", "X-Request-Id: abc-1\r\n");
    assert_eq!(field(&given, "x-request-id"), Some("abc-1"));
    for unusable in ["", "a b", "<script>", &"x".repeat(65)] {
        let own = head(&device, "/api/armed", &format!("X-Request-Id: {unusable}\r\n"));
        let id = field(&own, "x-request-id").expect("a name");
        assert!(id.len() > 16 && id != unusable, "{id}");
    }
}

#[test]
fn pages_of_another_origin_are_let_in_only_by_configuration() {
    let ask = |device: &Device, method: &str, origin: &str| {
        let request = format!(
            "{method} /api/armed HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n",
            device.address
        );
        device.exchange(request.as_bytes()).to_lowercase()
    };
    let closed = device(0);
    assert!(!ask(&closed, "GET", "https://home.example").contains("access-control"));
    assert!(ask(&closed, "PUT", "https://home.example").starts_with("http/1.1 403"));
    let open = Device::start(Settings {
        cors_origin: "https://home.example".parse().unwrap(),
        ..Settings::default()
    });
    let allowed = "access-control-allow-origin: https://home.example\r\n";
    assert!(ask(&open, "GET", "https://home.example").contains(allowed));
    assert!(
        ask(&open, "PUT", "https://home.example").starts_with("http/1.1 400"),
        "let in, but without a body"
    );
    let before = ask(&open, "OPTIONS", "https://home.example");
    assert!(
        before.starts_with("http/1.1 204") && before.contains("access-control-allow-methods"),
        "{before}"
    );
    assert!(!ask(&open, "GET", "https://else.example").contains(allowed));
    assert!(ask(&open, "PUT", "https://else.example").starts_with("http/1.1 403"));
}

#[test]
fn words_to_everybody_arrive_and_bad_ones_do_not() {
    let device = device(0);
    let good = [
        ("/api/test/event", "", "event"),
        ("/api/test/overlay", "", "overlay"),
        ("/api/test/telemetry", "", "telemetry"),
        ("/api/test/custom", "{\"a\": [1,\n2], \"type\": \"x\"}", "custom"),
        ("/api/announcement", "{\"message\": \"the gate is painted\"}", "announcement"),
    ];
    let runtime = web::runtime().unwrap();
    runtime.block_on(async {
        let mut stream = device.open("/ws").await;
        let wanted = good.map(|(_, _, kind)| kind);
        stream.subscribe(&wanted).await;
        for (target, body, kind) in good {
            assert_eq!(device.request("POST", target, body).0, 202, "{target}");
            // The device's own telemetry goes on meanwhile.
            let message = loop {
                let message = stream.news().await;
                if message["type"] != "telemetry" || message["test"] == true {
                    break message;
                }
            };
            assert_eq!(message["type"], kind);
            assert!(message["timestamp"].is_string() && message["seq"].is_null(), "{message}");
            if kind == "custom" {
                assert_eq!(message["data"], json!({ "a": [1, 2], "type": "x" }));
            }
        }
    });
    let long = format!("{{\"message\": \"{}\"}}", "x".repeat(ANNOUNCEMENT_CHARS_MAX + 1));
    for (target, body, status) in [
        ("/api/test/event", "[]", 400),
        ("/api/test/custom", "[1]", 400),
        ("/api/test/custom", "{\"a\": 1e999}", 400),
        ("/api/test/cat", "", 404),
        ("/api/announcement", "{}", 400),
        ("/api/announcement", "{\"message\": \"\"}", 400),
        ("/api/announcement", "{\"message\": \"two\\nlines\"}", 400),
        ("/api/announcement", "{\"message\": \"a\", \"loud\": true}", 400),
        ("/api/announcement", &long, 400),
        (
            "/api/test/custom",
            &format!("{{\"a\": \"{}\"}}", "x".repeat(REQUEST_BODY_BYTES_MAX)),
            413,
        ),
    ] {
        let (found, problem) = device.request("POST", target, body);
        assert_eq!((found, &problem["status"]), (status, &json!(status)), "{target} {body}");
    }
}

#[test]
fn the_device_says_what_it_is() {
    let device = device(2);
    let (status, system) = device.get("/api/system");
    assert_eq!(status, 200);
    assert_eq!(
        (&system["store"]["events"], &system["camera"]["state"]),
        (&json!(2), &json!("live"))
    );
    let (_, tuning) = device.get("/api/tuning");
    assert_eq!(
        (&tuning["motion"]["sensitivity"], &tuning["event"]["gap_ms"]),
        (&json!(5), &json!(2000))
    );
    assert_eq!(device.get("/api/zones"), (200, json!({ "zones": [], "masks": [] })));
    device.store.fail("pulled out");
    assert_eq!(device.get("/api/system").0, 500);
}
