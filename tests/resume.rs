//! A client that comes and goes, before a server that does too, sees every durable message that it wants once, in order.

mod device;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use device::Device;
use device::MemoryStore;
use device::Stream;
use futures_util::SinkExt;
use lookout::event::model::Event;
use lookout::limits::RING_MESSAGES_MAX;
use lookout::motion::Score;
use lookout::web::Settings;
use serde_json::Value;
use serde_json::json;

/// Random enough, and the same every time (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

const LEAST: u16 = 500;

fn event(seq: u64) -> Event {
    Event {
        score: Score((seq * 7919 % 1000) as u16),
        zones: ["drive", "lawn"][..(seq % 3).min(2) as usize]
            .iter()
            .map(|zone| (*zone).try_into().unwrap())
            .collect(),
        ..device::event(seq)
    }
}

/// What a client knows that comes and goes.
#[derive(Default)]
struct Follower {
    token: Option<String>,
    /// The last number that it saw, or that it was told there is nothing before to see.
    last: u64,
    seen: Vec<u64>,
}

impl Follower {
    fn take(&mut self, message: &Value) {
        if let Some(token) = message["resume_token"].as_str() {
            self.token = Some(token.into());
        }
        if let Some(seq) = message["seq"].as_u64().filter(|seq| *seq > self.last) {
            self.last = seq;
            self.seen.push(seq);
        }
    }

    /// Where it comes back: with the number that it saw last, or by the token alone, which may be a little older.
    fn address(&self, exact: bool) -> String {
        match (&self.token, exact) {
            (Some(token), true) => format!("/ws?resume={token}&since={}", self.last),
            (Some(token), false) => format!("/ws?resume={token}"),
            (None, _) => "/ws".into(),
        }
    }
}

struct Publisher {
    device: Arc<Mutex<Device>>,
    stop: Arc<AtomicBool>,
    /// It publishes up to this number.
    limit: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<()>,
}

impl Publisher {
    fn start(device: Arc<Mutex<Device>>) -> Publisher {
        let stop = Arc::new(AtomicBool::new(false));
        let limit = Arc::new(AtomicU64::new(0));
        let thread = std::thread::spawn({
            let (device, stop, limit) = (device.clone(), stop.clone(), limit.clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let device = device.lock().unwrap();
                    for seq in (device.hub.newest_seq() + 1..=limit.load(Ordering::Relaxed)).take(5) {
                        device.publish_event(event(seq));
                    }
                    drop(device);
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        Publisher {
            device,
            stop,
            limit,
            thread,
        }
    }

    /// The last number published.
    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.device.lock().unwrap().hub.newest_seq()
    }
}

/// Reads until `enough`; false when the server went away.
async fn read(client: &mut Stream, follower: &mut Follower, mut enough: impl FnMut(&Value) -> bool) -> bool {
    loop {
        match client.frame().await {
            Some(Ok(tokio_tungstenite::tungstenite::Message::Text(text))) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                assert_ne!(message["recovered"], false, "{message}");
                if message["type"] == "lagged" {
                    return false; // what it missed comes when it comes back
                }
                follower.take(&message);
                if enough(&message) {
                    return true;
                }
            }
            Some(Ok(tokio_tungstenite::tungstenite::Message::Close(_))) | Some(Err(_)) | None => return false,
            Some(Ok(_)) => {}
        }
    }
}

/// Follows for so many connections, over restarts, and compares with what was published.
async fn follow(seed: u64, conditions: Value, wanted: impl Fn(&Event) -> bool) {
    let settings = Settings {
        heartbeat: Duration::from_millis(300),
        ..Settings::default()
    };
    let store = Arc::new(MemoryStore::default());
    let device = Arc::new(Mutex::new(Device::on_store(settings.clone(), store.clone())));
    let mut follower = Follower::default();
    let mut client = open(&device, "/ws").await;
    let mut subscribe = conditions;
    subscribe["type"] = "subscribe".into();
    subscribe["event_types"] = json!(["event"]);
    client.0.send(subscribe.to_string().into()).await.unwrap();
    assert!(read(&mut client, &mut follower, |message| message["type"] == "subscription.confirmed").await);

    let publisher = Publisher::start(device.clone());
    let mut dice = Dice(seed);
    for round in 0..30 {
        publisher.limit.fetch_add(80, Ordering::Relaxed);
        let mut left = dice.below(60);
        read(&mut client, &mut follower, |message| {
            left = left.saturating_sub(1);
            left == 0 || message["type"] == "ping" // there may be no more
        })
        .await;
        drop(client);
        if dice.below(6) == 0 {
            let mut device = device.lock().unwrap();
            *device = Device::on_store(settings.clone(), store.clone());
        }
        if dice.below(4) == 0 {
            let more = dice.below(2 * RING_MESSAGES_MAX as u64);
            let limit = publisher.limit.fetch_add(more, Ordering::Relaxed) + more;
            device::until("more is published", || device.lock().unwrap().hub.newest_seq() >= limit).await;
        }
        client = open(&device, &follower.address(round % 2 == 0)).await;
    }
    let last = publisher.stop();
    let expected: Vec<u64> = (1..=last).filter(|seq| wanted(&event(*seq))).collect();
    let end = *expected.last().unwrap();
    while follower.last < end {
        read(&mut client, &mut follower, |message| message["seq"] == end).await;
        client = open(&device, &follower.address(true)).await;
    }
    assert_eq!(follower.seen, expected, "seed {seed}");
    assert!(expected.len() > 100, "something happened");
}

async fn open(device: &Mutex<Device>, path: &str) -> Stream {
    let address = device.lock().unwrap().address;
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}{path}");
    Stream(tokio_tungstenite::client_async(url, stream).await.unwrap().0)
}

#[tokio::test]
async fn one_who_comes_and_goes_sees_everything_once() {
    for seed in 1..=5 {
        follow(seed, json!({}), |_| true).await;
    }
}

#[tokio::test]
async fn one_who_comes_and_goes_sees_everything_that_it_wants_once() {
    for seed in 11..=15 {
        let conditions = json!({"min_score": 0.5, "zones": ["lawn"]});
        follow(seed, conditions, |event| {
            event.score >= Score(LEAST) && event.zones.iter().any(|zone| zone == "lawn")
        })
        .await;
    }
}

/// Opens with this token: what is said, up to `recovered`.
async fn said(device: &Device, token: &str) -> Vec<Value> {
    let mut client = device.open(&format!("/ws/events?resume={token}")).await;
    let mut said = Vec::new();
    while said.last().is_none_or(|last: &Value| last["type"] != "recovered") {
        said.push(client.news().await);
    }
    device.publish();
    assert_eq!(client.news().await["seq"], device.hub.newest_seq(), "it goes on live");
    said
}

#[tokio::test]
async fn a_token_of_another_store_is_told_what_there_is() {
    let device = Device::with_history(Settings::default(), 100);
    device.store.forget_before(41);
    let token = device.open("/ws/events").await.news().await["resume_token"].clone();
    let token = token.as_str().unwrap();
    let own = said(&device, token).await;
    assert_eq!(own.last().unwrap()["recovered"], true);

    let mut foreign = lookout::wire::ResumeToken::read(token).unwrap();
    foreign.store += 1;
    foreign.seq = 3;
    let said = said(&device, &foreign.write()).await;
    let kinds: Vec<&Value> = said.iter().map(|message| &message["type"]).collect();
    assert_eq!(kinds, ["connection_status", "subscription.confirmed", "recovered"]);
    let recovered = said.last().unwrap();
    assert_eq!((&recovered["recovered"], &recovered["oldest_seq"]), (&json!(false), &json!(41)));
    assert_eq!(recovered["since"], 3);
}

#[tokio::test]
async fn a_damaged_token_keeps_nobody_out() {
    let device = Device::with_history(Settings::default(), 10);
    let said = said(&device, "00ff").await;
    let kinds: Vec<&Value> = said.iter().map(|message| &message["type"]).collect();
    assert_eq!(kinds, ["connection_status", "error", "recovered"]);
    assert_eq!(said[2]["recovered"], false);

    let mut client = device.open("/ws/events").await;
    client.0.send(r#"{"type":"resume","token":"zz"}"#.into()).await.unwrap();
    assert_eq!(client.news().await["type"], "connection_status");
    assert_eq!(client.news().await["message"], "the resume token is damaged");
}
