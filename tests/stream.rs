//! What clients of `/ws/events` can rely on, through real sockets.

mod device;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use device::Device;
use device::PATIENCE;
use device::open_narrow;
use device::until;
use futures_util::SinkExt;
use lookout::clock::Clock;
use lookout::clock::SystemClock;
use lookout::web::Settings;
use proptest::collection::vec;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::proptest;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_client_is_welcomed_and_told_every_event() {
    let device = Device::with_history(Settings::default(), 3);
    let mut client = device.open("/ws/events").await;
    let welcome = client.message().await;
    assert_eq!(welcome["type"], "connection_status");
    assert_eq!(welcome["status"], "connected");
    assert_eq!(welcome["newest_seq"], 3);
    assert_eq!(welcome["store_id"], "memory");
    assert_eq!(
        welcome["topics"],
        serde_json::json!([
            "event",
            "camera_event",
            "alert",
            "bookmark_created",
            "bookmark_removed",
            "event_deleted"
        ])
    );
    assert_eq!(welcome["connection_id"].as_str().unwrap().len(), 16);
    assert_eq!(client.message().await["type"], "ping", "at once");
    for _ in 0..5 {
        let seq = device.publish();
        let event = client.message().await;
        assert_eq!((&event["type"], &event["seq"]), (&"event".into(), &seq.into()));
        assert_eq!(event["data"]["id"], seq);
    }
}

#[tokio::test]
async fn a_full_house_says_no_and_serves_again_when_one_leaves() {
    let device = Device::start(Settings {
        clients_max: 2,
        ..Settings::default()
    });
    let first = device.open("/ws/events").await;
    let _second = device.open("/ws/events").await;
    for _ in 0..50 {
        match device.try_open("/ws/events", &[]).await {
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), 503);
                assert!(response.headers().contains_key("retry-after"));
            }
            other => panic!("let in, or hung up on: {:?}", other.err()),
        }
    }
    assert_eq!(device.counters.now().refused, 50);
    drop(first);
    for attempt in 0.. {
        match device.try_open("/ws/events", &[]).await {
            Ok(mut client) => return assert_eq!(client.message().await["type"], "connection_status"),
            Err(_) => assert!(attempt < 200, "the place was never free again"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn refusing_many_at_once_is_quick_and_costs_those_inside_nothing() {
    let device = Device::start(Settings {
        clients_max: 1,
        ..Settings::default()
    });
    let mut inside = device.open("/ws/events").await;
    let clock = SystemClock::default();
    let began = clock.now();
    // None of these says or reads anything: each would hold a place if it could.
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(tokio::net::TcpStream::connect(device.address).await.unwrap());
    }
    device.publish();
    assert_eq!(inside.news().await["type"], "connection_status");
    assert_eq!(inside.news().await["seq"], 1);
    for mut stream in flood {
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .expect("hung up on");
        assert!(answer.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&answer));
    }
    assert!(clock.now().since(began) < Duration::from_secs(3));
}

#[tokio::test]
async fn what_is_not_understood_is_said_and_the_connection_stays() {
    let device = Device::start(Settings::default());
    let mut client = device.open("/ws/events").await;
    assert_eq!(client.news().await["type"], "connection_status");
    for text in [
        "",
        "{",
        "[]",
        "17",
        "{\"type\":7}",
        "{\"type\":\"resume\"}",
        "{\"type\":\"resume\",\"since\":-1}",
        "\u{1F4A5}",
    ] {
        client.0.send(text.into()).await.unwrap();
        let answer = client.news().await;
        assert_eq!(answer["type"], "error", "{text}");
        assert!(answer["message"].as_str().unwrap().starts_with("not understood"), "{answer}");
    }
    client.0.send("{\"type\":\"dance\"}".into()).await.unwrap();
    assert_eq!(
        client.news().await["known_types"],
        serde_json::json!(["ping", "pong", "resume", "subscribe", "unsubscribe", "live"])
    );
    client.0.send(Message::Binary(vec![1, 2, 3].into())).await.unwrap();
    assert_eq!(client.news().await["type"], "error");
    client.0.send("{\"type\":\"ping\",\"unknown\":[1]}".into()).await.unwrap();
    assert_eq!(client.news().await["type"], "pong");
    assert_eq!(device.counters.now().malformed, 10);
}

#[tokio::test]
async fn messages_that_break_the_protocol_end_it_with_a_reason() {
    let device = Device::start(Settings::default());
    let long = "x".repeat(Settings::default().client_message_bytes_max + 1);
    let mut client = device.open("/ws/events").await;
    client.0.send(long.into()).await.unwrap();
    assert_eq!(client.closed().await.0, 1009);

    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;
    let mut client = device.open("/ws/events").await;
    let not_utf8 = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    client.0.send(Message::Frame(not_utf8)).await.unwrap();
    assert_eq!(client.closed().await.0, 1007);

    let mut client = device.open("/ws/events").await;
    let orphan = Frame::message(vec![b'x'], OpCode::Data(Data::Continue), true);
    client.0.send(Message::Frame(orphan)).await.unwrap();
    assert_eq!(client.closed().await.0, 1002);
}

#[tokio::test]
async fn a_stalled_client_is_dropped_and_no_one_else_notices() {
    let device = Device::start(Settings {
        client_stall_max: Duration::from_millis(300),
        ..Settings::default()
    });
    let mut stalled = open_narrow(&device).await;
    let mut reader = device.open("/ws/events").await;
    assert_eq!(reader.news().await["type"], "connection_status");
    let seen = Arc::new(AtomicU64::new(0));
    let reading = tokio::spawn({
        let seen = seen.clone();
        async move {
            for expected in 1.. {
                let message = reader.news().await;
                assert_eq!((&message["type"], &message["seq"]), (&"event".into(), &expected.into()));
                seen.store(expected, Ordering::Relaxed);
            }
        }
    });
    let mut published = 0;
    until("the stalled client is dropped", || {
        (0..20).for_each(|_| published = device.publish());
        device.counters.now().evicted == 1
    })
    .await;
    until("the other has read all", || {
        reading.is_finished() || seen.load(Ordering::Relaxed) == published
    })
    .await;
    assert!(!reading.is_finished(), "{:?}", reading.await);
    reading.abort();
    // What was on its way to the stalled one still comes, then a reset: never a silent end.
    while let Some(Ok(_)) = stalled.frame().await {}
}

#[tokio::test]
async fn those_who_give_no_sign_of_life_are_closed() {
    let heartbeat = Duration::from_millis(100);
    let device = Device::start(Settings {
        heartbeat,
        ..Settings::default()
    });
    // One answers in JSON, one by protocol pongs (as this library does by itself while it reads), one not at all.
    let mut json = device.open("/ws/events").await;
    let mut protocol = device.open("/ws/events").await;
    let mut silent = tokio::net::TcpStream::connect(device.address).await.unwrap();
    let handshake = format!(
        "GET /ws/events HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        device.address
    );
    tokio::io::AsyncWriteExt::write_all(&mut silent, handshake.as_bytes())
        .await
        .unwrap();
    let (mut said, mut beats) = (Vec::new(), 0);
    let read = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut said));
    let serve_others = async {
        loop {
            tokio::select! {
                message = json.message() => {
                    if message["type"] == "ping" {
                        beats += 1;
                        json.0.send("{\"type\":\"pong\"}".into()).await.unwrap();
                    }
                }
                _ = protocol.message() => {}
            }
        }
    };
    tokio::select! {
        ended = read => drop(ended.expect("the silent client is closed")),
        () = serve_others => {}
    }
    let code = 1011_u16.to_be_bytes();
    assert!(said.windows(2).any(|bytes| bytes == code), "{}", String::from_utf8_lossy(&said));
    assert!(beats >= 3);
    assert_eq!(device.counters.now().silent, 1);
    device.publish();
    for client in [&mut json, &mut protocol] {
        while client.news().await["type"] != "event" {}
    }
}

#[tokio::test]
async fn pages_of_another_origin_are_not_let_in() {
    let device = Device::start(Settings::default());
    let own = format!("http://{}", device.address);
    assert!(device.try_open("/ws/events", &[("origin", &own)]).await.is_ok());
    for foreign in [
        "http://evil.example",
        "http://127.0.0.1:1",
        "null",
        "file://",
        &format!("{own}.evil.example"),
    ] {
        match device.try_open("/ws/events", &[("origin", foreign)]).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{foreign}"),
            other => panic!("{foreign}: {:?}", other.err()),
        }
    }
}

#[tokio::test]
async fn a_server_that_stops_says_when_to_come_back() {
    let clock = SystemClock::default();
    let mut device = Device::with_history(Settings::default(), 5);
    let mut client = device.open("/ws/events").await;
    assert_eq!(client.news().await["type"], "connection_status");
    let stubborn = open_narrow(&device).await; // never reads, never answers
    let idle = tokio::net::TcpStream::connect(device.address).await.unwrap();
    until("all are in", || device.counters.now().opened == 2).await;
    let began = clock.now();
    device.ask_to_stop();
    let goodbye = client.news().await;
    assert_eq!(goodbye["type"], "system.reconnect");
    assert!(goodbye["retry_after_ms"].as_u64().unwrap() > 0);
    assert_eq!(client.closed().await.0, 1012);
    drop(device);
    assert!(clock.now().since(began) < Duration::from_millis(1500));
    drop((stubborn, idle));
}

#[tokio::test]
async fn clients_that_leave_are_forgotten() {
    let device = Device::start(Settings::default());
    for polite in [true, false].repeat(20) {
        let mut client = device.open("/ws/events").await;
        assert_eq!(client.news().await["type"], "connection_status");
        if polite {
            client.0.close(None).await.unwrap();
            while client.frame().await.is_some() {}
        }
    }
    until("no client is left", || device.get("/api/health").1["clients"]["streams"] == 0).await;
    assert_eq!(device.counters.now().opened, 40);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever frames come in, the others go on.
    #[test]
    fn no_frames_upset_the_server(bytes in vec(any::<u8>(), 0..400)) {
        let device = Device::start(Settings { heartbeat: Duration::from_millis(20), ..Settings::default() });
        let handshake = "GET /ws/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        let said = device.exchange(&[handshake.as_bytes(), &bytes].concat());
        prop_assert!(said.starts_with("HTTP/1.1 101 "));
    }
}
