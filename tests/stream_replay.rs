//! What a client that was away, or too slow, is given: all of it, once, in order; and what is gone is said.

mod device;

use device::Device;
use device::Stream;
use device::open_narrow;
use futures_util::SinkExt;
use lookout::limits::RING_MESSAGES_MAX;
use lookout::web::Settings;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test]
async fn a_slow_client_is_told_how_much_it_missed() {
    let device = Device::start(Settings::default());
    let mut slow = open_narrow(&device).await;
    assert_eq!(slow.news().await["type"], "connection_status");
    let published = 20 * RING_MESSAGES_MAX as u64;
    for _ in 0..published {
        device.publish();
    }
    let (mut delivered, mut missed, mut last) = (0, 0, 0);
    while last < published {
        let message = slow.news().await;
        if message["type"] == "lagged" {
            missed += message["missed"].as_u64().unwrap();
            assert!(message["oldest_seq"].as_u64().unwrap() >= last);
        } else {
            let seq = message["seq"].as_u64().unwrap();
            assert!(seq > last);
            (delivered, last) = (delivered + 1, seq);
        }
    }
    assert_eq!(delivered + missed, published);
    assert!(missed > 0, "it was not slow");
    assert_eq!(device.hub.counters().lagged, missed);

    // What it missed is in the store.
    slow.0.send("{\"type\":\"resume\",\"since\":0}".into()).await.unwrap();
    let recovered = follow(&mut slow, 0, published).await.unwrap();
    assert_eq!(recovered["recovered"], true);
}
/// Reads events until `last`, which must follow `since` without gap or duplicate; whether `recovered` came, and how.
async fn follow(client: &mut Stream, since: u64, last: u64) -> Option<Value> {
    let (mut next, mut recovered) = (since + 1, None);
    while next <= last || recovered.is_none() {
        let message = client.news().await;
        match message["type"].as_str().unwrap() {
            "event" => {
                assert_eq!(message["seq"], next, "after {since}");
                next += 1;
            }
            "recovered" => assert!(recovered.replace(message).is_none(), "once"),
            "connection_status" => {}
            other => panic!("{other}: {message}"),
        }
    }
    recovered
}

#[tokio::test]
async fn a_replay_joins_the_live_stream_without_gap_or_duplicate() {
    let device = Arc::new(Device::with_history(Settings::default(), 1000));
    let stop = Arc::new(AtomicBool::new(false));
    let publisher = std::thread::spawn({
        let (device, stop) = (device.clone(), stop.clone());
        move || {
            let mut seq = 1000;
            while !stop.load(Ordering::Relaxed) {
                seq = device.publish();
                std::thread::sleep(Duration::from_micros(300));
            }
            seq
        }
    });
    // Some from the beginning, some from just now: from the store, from the ring, and over the seam between them.
    let mut since = 0;
    for round in 0..60 {
        let mut client = device.open(&format!("/ws/events?since={since}")).await;
        let last = device.hub.newest_seq() + 20;
        let recovered = follow(&mut client, since, last).await.unwrap();
        assert_eq!(recovered["recovered"], true, "{recovered}");
        since = if round % 5 == 4 { round * 10 } else { last };
    }
    stop.store(true, Ordering::Relaxed);
    publisher.join().unwrap();
}

#[tokio::test]
async fn what_is_kept_but_not_yet_told_comes_once() {
    let device = Device::with_history(Settings::default(), 10);
    let eleventh = device.keep(device::event(11));
    // One replays it from the store; one has it already, from REST.
    let mut replayed = device.open("/ws/events?since=0").await;
    assert_eq!(follow(&mut replayed, 0, 11).await.unwrap()["recovered"], true);
    let mut knows = device.open("/ws/events?since=11").await;
    assert_eq!(follow(&mut knows, 11, 11).await.unwrap()["recovered"], true);
    device.announce(eleventh);
    device.publish();
    for client in [&mut replayed, &mut knows] {
        assert_eq!(client.news().await["seq"], 12);
    }
}

#[tokio::test]
async fn what_is_said_together_with_the_handshake_is_heard() {
    let device = Device::start(Settings::default());
    let handshake = format!(
        "GET /ws/events HTTP/1.1\r\nHost: {}\r\nConnection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        device.address
    );
    let text = b"{\"type\":\"ping\"}";
    let ping = [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], &text[..]].concat();
    let close = [0x88, 0x80, 0, 0, 0, 0];
    let said = device.exchange(&[handshake.as_bytes(), &ping, &close].concat());
    assert!(
        said.contains("\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "{said}"
    );
    assert!(said.contains("\"type\":\"pong\""), "{said}");
}

#[tokio::test]
async fn one_who_was_away_for_a_moment_costs_the_store_nothing() {
    let device = Device::with_history(Settings::default(), 10);
    for _ in 0..50 {
        device.publish();
    }
    device.store.fail("never asked");
    let recovered = follow(&mut device.open("/ws/events?since=20").await, 20, 60).await.unwrap();
    assert_eq!(recovered["recovered"], true);
}

#[tokio::test]
async fn what_is_gone_is_said() {
    let device = Device::with_history(Settings::default(), 100);
    device.store.forget_before(41);
    let mut client = device.open("/ws/events?since=10").await;
    assert_eq!(client.news().await["type"], "connection_status");
    assert_eq!(client.news().await["seq"], 41);
    let recovered = follow(&mut client, 41, 100).await.unwrap();
    assert_eq!((&recovered["recovered"], &recovered["oldest_seq"]), (&false.into(), &41.into()));

    // From the future: another store's number.
    let mut client = device.open("/ws/events?since=5000").await;
    assert_eq!(client.news().await["newest_seq"], 100);
    assert_eq!(client.news().await["recovered"], false);
    assert_eq!(device.publish(), 101);
    assert_eq!(client.news().await["seq"], 101);

    device.store.fail("the card is gone");
    let mut client = device.open("/ws/events?since=50").await;
    assert_eq!(client.news().await["type"], "connection_status");
    assert_eq!(client.news().await["seq"], 101, "what the ring holds still comes");
    assert_eq!(client.news().await["recovered"], false);
}

#[tokio::test]
async fn a_slow_store_holds_up_only_those_who_wait_for_it() {
    let device = Device::with_history(Settings::default(), 100);
    device.store.be_slow(Duration::from_millis(400));
    let mut replaying = device.open("/ws/events?since=0").await;
    let mut live = device.open("/ws/events").await;
    assert_eq!(live.news().await["type"], "connection_status");
    replaying.0.send("{\"type\":\"ping\"}".into()).await.unwrap();
    assert_eq!(replaying.news().await["type"], "connection_status");
    assert_eq!(replaying.news().await["type"], "pong", "before the first page");
    device.publish();
    assert_eq!(live.news().await["seq"], 101);
    follow(&mut replaying, 0, 101).await.unwrap();
}
