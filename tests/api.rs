//! What users of the REST API can rely on, through real sockets; and what those cannot do who break the rules.

mod device;

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use device::Device;
use device::PATIENCE;
use lookout::limits::COMMAND_QUEUE_MAX;
use lookout::limits::PAGE_EVENTS_MAX;
use lookout::limits::RESPONSE_BYTES_MAX;
use lookout::status::CameraState;
use lookout::web::Settings;
use proptest::collection::vec;
use proptest::prelude::ProptestConfig;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::sample::select;
use serde_json::Value;
use serde_json::json;

fn ids(page: &Value) -> Vec<u64> {
    page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["id"].as_u64().unwrap())
        .collect()
}

#[test]
fn pages_follow_one_another_without_gap_or_duplicate_while_events_happen() {
    let device = Device::with_history(Settings::default(), 120);
    let walk = |first: &str| {
        let (mut target, mut seen) = (first.to_owned(), Vec::new());
        loop {
            let (status, page) = device.get(&target);
            assert_eq!(status, 200, "{page}");
            assert_eq!(page["paging"]["count"], ids(&page).len());
            assert_eq!(page["paging"]["more"], page["paging"]["next"].is_string());
            seen.extend(ids(&page));
            match page["paging"]["next"].as_str() {
                Some(next) => target = next.to_owned(),
                None => return seen,
            }
            device.publish();
        }
    };
    assert_eq!(walk("/api/events?limit=7&before=100"), Vec::from_iter((1..100).rev()));
    assert_eq!(walk("/api/events?limit=10&since=30&before=90"), Vec::from_iter((31..90).rev()));
    // Newest first, what comes while one reads is not seen; oldest first, it is.
    let newest = device.hub.newest_seq();
    assert_eq!(walk("/api/events?limit=50"), Vec::from_iter((1..=newest).rev()));
    let forward = walk("/api/events?limit=20&since=99");
    assert_eq!(forward, Vec::from_iter(100..=device.hub.newest_seq()));
}

#[test]
fn an_answer_is_bounded_in_bytes_too() {
    let device = Device::with_history(Settings::default(), PAGE_EVENTS_MAX as u64);
    let (_, page) = device.get(&format!("/api/events?since=0&limit={PAGE_EVENTS_MAX}"));
    let one = page["events"][0].to_string().len();
    assert!(page.to_string().len() < RESPONSE_BYTES_MAX + one + 500);
    assert_eq!(page["paging"]["more"], true);
    let next = page["paging"]["next"].as_str().unwrap();
    let (_, rest) = device.get(next);
    assert_eq!(ids(&rest)[0], ids(&page).last().unwrap() + 1);
}

#[test]
fn one_event_is_shown_as_it_is_in_the_list() {
    let device = Device::with_history(Settings::default(), 3);
    let (status, event) = device.get("/api/events/2");
    assert_eq!(status, 200);
    assert_eq!(event, device.get("/api/events").1["events"][1]);
    assert_eq!(device.get("/api/events/4").0, 404);
}

#[test]
fn requests_that_make_no_sense_are_told_so_in_problem_json() {
    let device = Device::start(Settings::default());
    let check = |method: &str, target: &str, body: &str, expected: u16| {
        let (status, problem) = device.request(method, target, body);
        assert_eq!(status, expected, "{method} {target}: {problem}");
        assert_eq!(problem["status"], expected, "{method} {target}: {problem}");
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        assert_eq!(problem["type"], "about:blank");
    };
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=",
        "limit",
        "since=-1",
        "since=+1",
        "before=1e3",
        "since=1&since=2",
        "size=3",
    ] {
        check("GET", &format!("/api/events?{query}"), "", 400);
    }
    check("GET", "/api/events?since=18446744073709551616", "", 400);
    check("GET", "/ws/events?since=yesterday", "", 400);
    check("GET", "/api/events/one", "", 400);
    check("GET", "/ws/events", "", 426);
    for path in ["/api", "/api/events/", "/api/events/1/2", "/icon.svg/", "/../etc/passwd", "//"] {
        check("GET", path, "", 404);
    }
    check("DELETE", "/api/events", "", 405);
    check("POST", "/", "", 405);
    for body in ["", "true", "{}", "{\"armed\":1}", "{\"armed\":true,\"alarmed\":true}"] {
        check("PUT", "/api/armed", body, 400);
    }
    check("PUT", "/api/armed", &format!("{{\"armed\":{}true}}", " ".repeat(5000)), 413);
}

#[test]
fn a_method_that_is_not_there_says_which_are() {
    let device = Device::start(Settings::default());
    let answer = device.exchange(b"PATCH /api/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("\r\nallow: GET, HEAD, POST\r\n"), "{answer}");
}

#[test]
fn commands_go_to_the_pipeline_and_are_refused_when_it_is_busy() {
    let device = Device::start(Settings::default());
    assert_eq!(device.get("/api/armed"), (200, json!({"armed": false})));
    device.status.pipeline().armed = true;
    assert_eq!(device.get("/api/armed"), (200, json!({"armed": true})));
    assert_eq!(
        device.request("PUT", "/api/armed", "{\"armed\":false}"),
        (202, json!({"armed": false}))
    );
    for _ in 1..COMMAND_QUEUE_MAX {
        assert_eq!(device.request("POST", "/api/events", "").0, 202);
    }
    let answer = device.exchange(b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: "),
        "{answer}"
    );
}

#[test]
fn health_says_what_is_wrong() {
    let device = Device::with_history(Settings::default(), 2);
    let (status, health) = device.get("/api/health");
    assert_eq!((status, &health["status"], &health["problems"]), (200, &"ok".into(), &json!([])));
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&health["camera_id"], &health["store_id"]), (&"porch".into(), &"memory".into()));
    assert_eq!((&health["clients"]["active"], &health["clients"]["max"]), (&1.into(), &32.into()));
    assert_eq!(health["memory"], Value::Null);
    {
        let mut pipeline = device.status.pipeline();
        pipeline.camera = CameraState::Lost;
        pipeline.camera_fault = Some("unplugged".into());
        let mut recorder = device.status.recorder();
        (recorder.writable, recorder.fault) = (false, Some("no space".into()));
    }
    let (status, health) = device.get("/api/health");
    assert_eq!((status, &health["status"]), (503, &"failing".into()));
    assert_eq!(
        health["problems"],
        json!(["the camera is lost: unplugged", "events cannot be written: no space"])
    );
    device.status.recorder().fault = None;
    let (_, health) = device.get("/api/health/ready");
    assert_eq!(
        health["problems"][1], "the store is only being opened",
        "as it is before the first write"
    );
}

#[test]
fn a_store_that_fails_or_is_slow_is_said() {
    let device = Device::with_history(Settings::default(), 2);
    device.store.be_slow(Duration::from_millis(300));
    // More than may wait at once: some are refused at once, none waits for ever.
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..20).map(|_| scope.spawn(|| device.get("/api/events").0)).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    device.store.be_slow(Duration::ZERO);
    device.store.fail("page 7 is damaged");
    let (status, problem) = device.get("/api/events");
    assert_eq!(status, 500);
    assert_eq!(problem["detail"], "the store cannot be read: shelf: page 7 is damaged");
}

#[test]
fn the_dashboard_is_whole_and_confined() {
    let device = Device::start(Settings::default());
    let show = |path: &str, field: &str| {
        device.exchange(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{field}\r\n").as_bytes())
    };
    let page = show("/", "");
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    assert!(page.contains("\r\ncontent-security-policy: default-src 'none'; script-src 'self';"));
    // Whatever the page names is there, and nothing is from elsewhere.
    for (before, after) in [("src=\"", '"'), ("href=\"/", '"')] {
        for part in page.split(before).skip(1) {
            let path = format!("/{}", part.split(after).next().unwrap().trim_start_matches('/'));
            assert!(show(&path, "").starts_with("HTTP/1.1 200 "), "{path}");
        }
    }
    assert!(!page.contains("://") && !page.contains("style=") && !page.contains("onclick"));
    let etag = page.split("\r\netag: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let again = show("/", &format!("If-None-Match: {etag}\r\n"));
    assert!(again.starts_with("HTTP/1.1 304 ") && again.ends_with("\r\n\r\n"), "{again}");
    assert!(show("/", "If-None-Match: \"other\"\r\n").starts_with("HTTP/1.1 200 "));
    let head = device.exchange(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn requests_that_others_might_understand_differently_are_refused() {
    let device = Device::start(Settings {
        header_time_max: Duration::from_millis(300),
        ..Settings::default()
    });
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", "c".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200));
    let address = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(70_000));
    let cases: [(&str, &[u16]); 11] = [
        ("GET / HTTP/1.1\r\n\r\n", &[400]),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", &[400]),
        (
            "PUT /api/armed HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            &[400],
        ),
        (
            "PUT /api/armed HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 14\r\n\r\n0\r\n\r\n",
            &[400],
        ),
        (
            "PUT /api/armed HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            &[400],
        ),
        ("GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", &[400]),
        ("nonsense\r\n\r\n", &[400]),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}\r\n\r\n", &[400]),
        (&long, &[431]),
        (&many, &[431]),
        (&address, &[414, 431]),
    ];
    for (request, expected) in cases {
        let answer = device.exchange(request.as_bytes());
        let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        assert!(expected.contains(&status), "{:.60}: {answer:?}", request);
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let problem: Value = serde_json::from_str(body).unwrap_or_default();
        assert!(
            head.to_lowercase().contains("content-type: application/problem+json") && problem["status"] == status,
            "{:.60}: {answer:?}",
            request
        );
    }
}

#[test]
fn slow_requests_are_cut_off_and_others_served_meanwhile() {
    let device = Device::start(Settings {
        header_time_max: Duration::from_millis(300),
        ..Settings::default()
    });
    let half_header = device.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    assert!(half_header.starts_with("HTTP/1.1 408 "), "{half_header:?}");
    assert_eq!(device.counters.now().slow_headers, 1);
    let half_body = device.exchange(b"PUT /api/armed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n{\"armed\"");
    assert!(half_body.starts_with("HTTP/1.1 408 "), "{half_body:?}");
    let idle = device.exchange(b"");
    assert_eq!(idle, "", "nothing was asked, nothing is answered");
    // A byte at a time is no way to live longer.
    let mut dripping = TcpStream::connect(device.address).unwrap();
    dripping.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut answer = [0; 12];
    let drip = (0..).find(|_| dripping.write_all(b"G").is_err() || dripping.read_exact(&mut answer).is_ok());
    assert!(drip.unwrap() < 100);
    assert_eq!(device.get("/api/armed").0, 200);
}

#[test]
fn a_client_that_does_not_read_its_answers_is_dropped() {
    let device = Device::start(Settings {
        client_stall_max: Duration::from_millis(300),
        clients_max: 1,
        ..Settings::default()
    });
    let mut greedy = TcpStream::connect(device.address).unwrap();
    let requests = "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2000);
    greedy.set_write_timeout(Some(PATIENCE)).unwrap();
    let ended = (0..1000).any(|_| greedy.write_all(requests.as_bytes()).is_err());
    assert!(ended, "it was served without end");
    assert_eq!(device.get("/api/armed").0, 200, "its place is free again");
}

#[test]
fn a_page_of_another_origin_changes_nothing() {
    let device = Device::start(Settings::default());
    let ask = |origin: &str| {
        device.exchange(
            format!(
                "POST /api/events HTTP/1.1\r\nHost: localhost:8000\r\nOrigin: {origin}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
            .as_bytes(),
        )
    };
    assert!(ask("http://evil.example").starts_with("HTTP/1.1 403 "));
    assert!(ask("http://localhost:8000").starts_with("HTTP/1.1 202 "));
}

#[test]
fn one_connection_serves_many_requests() {
    let device = Device::start(Settings::default());
    let both = device
        .exchange(b"GET /api/armed HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(both.starts_with("HTTP/1.1 200 ") && both.contains("HTTP/1.1 404 "), "{both}");
    assert_eq!(device.counters.now().accepted, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes in, an answer or an end comes back, and the next one is served.
    #[test]
    fn no_bytes_upset_the_server(lines in vec(line(), 1..6), end in any::<bool>(), rest in vec(any::<u8>(), 0..300)) {
        let device = Device::start(Settings { header_time_max: Duration::from_millis(50), ..Settings::default() });
        let head = lines.concat() + if end { "\r\n" } else { "" };
        device.exchange(&[head.as_bytes(), &rest].concat());
        prop_assert_eq!(device.get("/api/armed").0, 200);
    }
}

/// Lines that a request may be made of, in any order.
fn line() -> impl Strategy<Value = String> {
    let sensible = select(vec![
        "GET /ws/events?since=0 HTTP/1.1\r\n",
        "PUT /api/armed HTTP/1.1\r\n",
        "GET /api/events/%00 HTTP/1.0\r\n",
        "Host: x\r\n",
        "Connection: Upgrade\r\n",
        "Upgrade: websocket\r\n",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 5\r\n",
        "Expect: 100-continue\r\n",
    ]);
    prop_oneof![4 => sensible.prop_map(String::from), 1 => any::<String>()]
}
