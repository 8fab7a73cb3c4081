//! Who is let in, how many and how fast, and how the others are told no: through real sockets, loopback among them.

mod device;

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use device::Device;
use device::PATIENCE;
use futures_util::SinkExt;
use lookout::limits::RATE_BURST_S;
use lookout::web;
use lookout::web::Settings;
use serde_json::Value;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

/// What a refusal is: status, whether it says when to come back, and its problem.
fn refusal(device: &Device) -> (u16, bool, Value) {
    let answer = device.exchange(b"GET /api/armed HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head[9..12].parse().unwrap();
    let told = head.contains("Content-Type: application/problem+json") || head.contains("content-type: application/problem+json");
    let problem = if told { serde_json::from_str(body).unwrap() } else { Value::Null };
    (status, head.to_lowercase().contains("retry-after: "), problem)
}

/// A connection that is let in, as a request on it shows.
fn guest(device: &Device) -> TcpStream {
    let mut stream = TcpStream::connect(device.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /api/armed HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

#[test]
fn one_address_does_not_take_every_place() {
    let device = Device::start(Settings {
        clients_per_address_max: 2,
        clients_max: 8,
        ..Settings::default()
    });
    let guests = [guest(&device), guest(&device)];
    let (status, again, problem) = refusal(&device);
    assert_eq!((status, again, &problem["status"]), (429, true, &json!(429)), "{problem}");
    assert_eq!(device.counters.now().refused_address, 1);
    drop(guests);
    let free = || {
        let answer = device.exchange(b"GET /api/armed HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        answer.starts_with("HTTP/1.1 200")
    };
    web::runtime().unwrap().block_on(device::until("a place is free again", free));
}

#[test]
fn all_places_taken_is_another_answer() {
    let device = Device::start(Settings {
        clients_max: 1,
        ..Settings::default()
    });
    let _guest = guest(&device);
    let (status, again, problem) = refusal(&device);
    assert_eq!((status, again, &problem["title"]), (503, true, &json!("Service Unavailable")));
    assert_eq!((device.counters.now().refused, device.counters.now().refused_address), (1, 0));
}

#[test]
fn connections_that_come_too_fast_are_told_so_and_later_ones_are_let_in() {
    for (rate, rate_total) in [(2, 1000), (1000, 2)] {
        let device = Device::start(Settings {
            connect_rate: rate,
            connect_rate_total: rate_total,
            ..Settings::default()
        });
        let burst = 2 * RATE_BURST_S;
        let statuses: Vec<u16> = (0..burst + 5).map(|_| device.get("/api/armed").0).collect();
        let early = &statuses[..burst as usize];
        assert!(early.iter().all(|status| *status == 200), "{statuses:?}");
        assert!(statuses.contains(&429), "{statuses:?}");
        assert!(device.counters.now().refused_rate > 0);
        let let_in = || device.get("/api/armed").0 == 200;
        web::runtime().unwrap().block_on(device::until("let in again", let_in));
    }
}

#[test]
fn a_client_that_floods_is_closed_and_others_stay() {
    let device = Device::start(Settings {
        client_message_rate: 4,
        ..Settings::default()
    });
    web::runtime().unwrap().block_on(async {
        let (mut calm, mut wild) = (device.open("/ws/events").await, device.open("/ws/events").await);
        for _ in 0..100 {
            // It may be closed half-way.
            let _ = wild.0.send(Message::text("{\"type\":\"pong\"}")).await;
        }
        assert_eq!(wild.closed().await, (1008, "messages come too fast".into()));
        assert_eq!(device.counters.now().flooding, 1);
        calm.0.send(Message::text("{\"type\":\"ping\"}")).await.unwrap();
        while calm.message().await["type"] != "pong" {}
    });
}

#[test]
fn a_header_has_its_limits() {
    let device = Device::start(Settings {
        header_bytes_max: 1024,
        header_fields_max: 8,
        header_time_max: Duration::from_millis(300),
        idle_max: Duration::from_millis(300),
        ..Settings::default()
    });
    let ask = |fields: &str| {
        let answer = device.exchange(format!("GET /api/armed HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n").as_bytes());
        answer.get(9..12).unwrap_or_default().to_owned()
    };
    assert_eq!(ask("A: b\r\n"), "200");
    assert_eq!(ask(&"A: b\r\n".repeat(7)), "431");
    assert_eq!(ask(&format!("A: {}\r\n", "b".repeat(1024))), "431");
    let slow = device.exchange(b"GET /api/armed HTTP/1.1\r\nHost: localhost\r\n");
    assert!(slow.starts_with("HTTP/1.1 408") && slow.ends_with('}'), "{slow}");
    assert_eq!(device.counters.now().slow_headers, 1);
    let mut idle = guest(&device);
    idle.read_to_end(&mut Vec::new())
        .expect("an idle connection is closed in time, and not reset");
}
