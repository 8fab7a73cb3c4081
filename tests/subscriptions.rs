//! What a client is told: by its door, by what it subscribes to, and what becomes of every message that it is not told.

mod device;

use std::sync::Arc;

use device::Device;
use device::Stream;
use device::until;
use futures_util::SinkExt;
use lookout::event::model::Event;
use lookout::hub::Cursor;
use lookout::hub::Hub;
use lookout::hub::Message;
use lookout::hub::Next;
use lookout::hub::Tally;
use lookout::motion::Score;
use lookout::motion::ZoneSet;
use lookout::web;
use lookout::web::Settings;
use lookout::wire::Door;
use lookout::wire::Facts;
use lookout::wire::Filter;
use lookout::wire::Topic;
use lookout::wire::Topics;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::proptest;
use serde_json::Value;
use serde_json::json;

async fn say(client: &mut Stream, message: Value) {
    client.0.send(message.to_string().into()).await.unwrap();
}

/// The next message of this type, others passed over.
async fn next_of(client: &mut Stream, kind: &str) -> Value {
    loop {
        let message = client.message().await;
        if message["type"] == kind {
            return message;
        }
    }
}

/// Event number `id`, this strong, in these zones.
fn event(id: u64, score: u16, zones: &[&str]) -> Event {
    Event {
        score: Score(score),
        zones: zones.iter().map(|zone| (*zone).try_into().unwrap()).collect(),
        ..device::event(id)
    }
}

#[tokio::test]
async fn a_door_is_a_subscription_to_begin_with() {
    let device = Device::start(Settings::default());
    for door in Door::ALL {
        let mut client = device.open(door.path()).await;
        let welcome = client.news().await;
        assert_eq!(welcome["topics"], json!(door.topics()), "{door:?}");
    }
    let mut open = device.open("/ws").await;
    let mut statistics = device.open("/api/ws/statistics").await;
    next_of(&mut open, "connection_status").await;
    assert_eq!(next_of(&mut statistics, "statistics_update").await["data"]["events_today"], 0);
    device.publish();
    web::announce(&device.services(Settings::default()), "tea").unwrap();
    for client in [&mut open, &mut statistics] {
        say(client, json!({"type": "ping"})).await;
        assert_eq!(
            client.news().await["type"],
            "pong",
            "neither was told of an event, or of an announcement"
        );
    }
}

#[tokio::test]
async fn what_is_subscribed_to_comes_and_nothing_else() {
    let device = Device::start(Settings::default());
    let mut client = device.open("/ws").await;
    let wanted = json!({"type": "subscribe", "event_types": ["event", "announcement"], "camera_id": "porch", "zones": ["lawn", "gate"], "min_score": 0.6});
    say(&mut client, wanted).await;
    let confirmed = next_of(&mut client, "subscription.confirmed").await;
    assert_eq!(confirmed["event_types"], json!(["event", "announcement"]));
    assert_eq!((&confirmed["camera_id"], &confirmed["min_score"]), (&json!("porch"), &json!(0.6)));
    assert_eq!(confirmed["zones"], json!(["lawn", "gate"]));
    device.publish_event(event(1, 900, &[]));
    device.publish_event(event(2, 900, &["drive"]));
    device.publish_event(event(3, 599, &["lawn"]));
    device.publish_event(event(4, 600, &["drive", "gate"]));
    assert_eq!(client.news().await["seq"], 4);

    say(&mut client, json!({"type": "subscribe", "event_types": [], "zones": null})).await;
    let confirmed = next_of(&mut client, "subscription.confirmed").await;
    assert_eq!((&confirmed["zones"], &confirmed["min_score"]), (&Value::Null, &json!(0.6)));
    device.publish_event(event(5, 900, &[]));
    assert_eq!(client.news().await["seq"], 5);

    say(&mut client, json!({"type": "unsubscribe", "event_types": ["event"]})).await;
    assert_eq!(
        next_of(&mut client, "subscription.confirmed").await["event_types"],
        json!(["announcement"])
    );
    device.publish();
    web::announce(&device.services(Settings::default()), "tea").unwrap();
    assert_eq!(client.news().await["message"], "tea");
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_said_and_changes_nothing() {
    let device = Device::start(Settings::default());
    let mut client = device.open("/ws/events").await;
    next_of(&mut client, "connection_status").await;
    for (wrong, words) in [
        (json!({"event_types": ["nothing"]}), "unknown event type"),
        (json!({"event_types": [], "camera_id": "attic"}), "there is no camera \"attic\""),
        (json!({"event_types": [], "zones": ["drive", "sea"]}), "there is no zone \"sea\""),
        (json!({"event_types": vec!["event"; 19]}), "not understood"),
        (json!({"event_types": [], "zones": vec!["drive"; 17]}), "not understood"),
    ] {
        let mut message = wrong.clone();
        message["type"] = "subscribe".into();
        say(&mut client, message).await;
        let error = client.news().await;
        assert!(error["message"].as_str().unwrap().contains(words), "{wrong}: {error}");
    }
    device.publish_event(event(1, 1, &[]));
    assert_eq!(client.news().await["seq"], 1);
}

#[tokio::test]
async fn a_replay_keeps_to_the_subscription() {
    let device = Device::start(Settings::default());
    for seq in 1..=900 {
        device.publish_event(event(seq, (seq % 3 * 400) as u16, &["drive"]));
    }
    let mut client = device.open("/ws").await;
    say(
        &mut client,
        json!({"type": "subscribe", "event_types": ["event"], "min_score": 0.7}),
    )
    .await;
    next_of(&mut client, "subscription.confirmed").await;
    say(&mut client, json!({"type": "resume", "since": 0})).await;
    for seq in (1..=900).filter(|seq| seq % 3 == 2) {
        assert_eq!(client.news().await["seq"], seq);
    }
    let recovered = client.news().await;
    assert_eq!((&recovered["type"], &recovered["recovered"]), (&json!("recovered"), &json!(true)));
}

#[tokio::test]
async fn live_figures_come_to_those_who_look() {
    let device = Device::start(Settings::default());
    assert!(!device.status.view_wanted());
    let mut client = device.open("/ws/ui").await;
    let telemetry = next_of(&mut client, "telemetry").await;
    assert_eq!(telemetry["data"]["temperature_c"], Value::Null, "never a made-up zero");
    until("the pipeline is asked", || device.status.view_wanted()).await;
    device.status.view().frame = 7;
    device.status.view().zones = ZoneSet(0b10);
    let overlay = next_of(&mut client, "overlay").await;
    assert_eq!(
        (&overlay["data"]["frame"], &overlay["data"]["zones"]),
        (&json!(7), &json!(["lawn"]))
    );
    drop(client);
    until("nobody looks any more", || !device.status.view_wanted()).await;
}

#[tokio::test]
async fn those_who_ask_are_told_who_is_there() {
    let device = Device::start(Settings::default());
    let mut watcher = device.open("/ws").await;
    say(&mut watcher, json!({"type": "subscribe", "event_types": ["presence"]})).await;
    let mut other = device.open("/ws/events").await;
    let id = next_of(&mut other, "connection_status").await["connection_id"].clone();
    loop {
        let presence = next_of(&mut watcher, "presence").await;
        let clients = presence["data"]["clients"].as_array().unwrap().clone();
        if let Some(other) = clients.iter().find(|client| client["connection_id"] == id) {
            assert_eq!((&other["door"], &other["network"]), (&json!("events"), &json!("loopback")));
            break;
        }
    }
    device.publish();
    assert_eq!(other.news().await["seq"], 1);
    let (status, summary) = device.get("/api/health/websocket");
    assert_eq!((status, &summary["active_connections"]), (200, &json!(2)));
    assert_eq!(summary["by_door"], json!({"events": 1, "ui": 0, "statistics": 0, "open": 1}));
    drop(other);
    while next_of(&mut watcher, "presence").await["data"]["count"] != 1 {}
}

// ---- the account of every message ----

fn message(seq: Option<u64>, topic: Topic, facts: Facts) -> Message {
    Message {
        seq,
        topic,
        text: "{}".into(),
        facts,
    }
}

fn scored(score: u16) -> Facts {
    Facts {
        score: Some(Score(score)),
        ..Facts::default()
    }
}

/// Reads what there is: how many messages, and how many were missed.
fn drain(cursor: &mut Cursor) -> (u64, u64) {
    let (mut read, mut missed) = (0, 0);
    loop {
        match cursor.try_next() {
            Next::Message(_) => read += 1,
            Next::Lagged(count) => missed += count,
            Next::Empty => return (read, missed),
        }
    }
}

#[test]
fn a_lag_counts_only_what_was_wanted() {
    let hub = Arc::new(Hub::new(0));
    let mut strong = hub.subscribe(Filter {
        min_score: Some(Score(500)),
        ..Topics::EVENTS.into()
    });
    let mut alerts = hub.subscribe(Topics::of(&[Topic::Alert]));
    for seq in 1..=1000 {
        hub.publish(message(Some(seq), Topic::Event, scored(if seq % 10 == 0 { 800 } else { 100 })))
            .unwrap();
    }
    let (read, missed) = drain(&mut strong);
    assert_eq!(read + missed, 100);
    assert!(missed > 50, "it was too slow");
    assert_eq!(drain(&mut alerts), (0, 0));
    assert_eq!(alerts.progress().tally().unwanted, 1000);
}

#[test]
fn only_the_latest_counts_and_what_is_skipped_is_counted() {
    let hub = Arc::new(Hub::new(0));
    let listened = hub.listened();
    let both = Topics::of(&[Topic::Overlay, Topic::Telemetry]);
    let (mut cursor, other) = (hub.subscribe(both), hub.subscribe(Topics::EVENTS));
    assert_eq!(*listened.borrow(), both);
    (0..10).for_each(|_| hub.publish(message(None, Topic::Overlay, Facts::default())).unwrap());
    hub.publish(message(None, Topic::Telemetry, Facts::default())).unwrap();
    assert!(cursor.has_news());
    assert_eq!(drain(&mut cursor), (2, 0));
    let expected = Tally {
        delivered: 2,
        skipped: 9,
        ..Tally::default()
    };
    assert_eq!(cursor.progress().tally(), expected);
    assert_eq!((hub.counters().skipped, other.progress().behind(hub.position())), (9, 0));
    drop(cursor);
    assert_eq!(*listened.borrow(), Topics::NONE);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Published = delivered + unwanted + skipped + lagged, for every reader, whatever it wants and whenever it reads.
    #[test]
    fn every_message_is_accounted_for(
        steps in proptest::collection::vec((any::<u8>(), 0..400_u64, 0..1000_u16), 1..40),
        wanted in proptest::collection::vec(0..Topic::ALL.len(), 0..16), least in 0..1000_u16,
    ) {
        let hub = Arc::new(Hub::new(0));
        let topics: Vec<Topic> = wanted.into_iter().map(|n| Topic::ALL[n]).collect();
        let mut filter = Filter::from(Topics::of(&topics));
        filter.min_score = Some(Score(least));
        let mut cursor = hub.subscribe(filter);
        let (mut seq, mut offered, mut model) = (0, 0, Tally::default());
        for (step, count, score) in steps {
            let topic = Topic::ALL[usize::from(step) % Topic::ALL.len()];
            let ring = topic.latest_index().is_none();
            for _ in 0..count {
                seq += 1;
                let number = Some(seq).filter(|seq| ring && seq % 2 == 0);
                hub.publish(message(number, topic, scored(score))).unwrap();
            }
            offered += if ring || filter.topics.has(topic) { count } else { 0 };
            if step >= 128 {
                let (read, missed) = drain(&mut cursor);
                model.delivered += read;
                model.lagged += missed;
            }
        }
        let (read, missed) = drain(&mut cursor);
        let tally = cursor.progress().tally();
        prop_assert_eq!((tally.delivered, tally.lagged), (model.delivered + read, model.lagged + missed));
        prop_assert_eq!(tally.sum(), offered);
        prop_assert_eq!(hub.counters().delivered, tally.delivered);
    }
}
