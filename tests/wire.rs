//! What every message looks like on the wire, byte for byte; programs out there depend on it.

mod device;

use lookout::clock::BootId;
use lookout::clock::Timestamp;
use lookout::event::model::ClockState;
use lookout::event::model::EndReason;
use lookout::event::model::Event;
use lookout::event::model::Phase;
use lookout::event::model::PirEvidence;
use lookout::event::model::Trigger;
use lookout::event::model::VideoEvidence;
use lookout::frame::FrameFormat;
use lookout::frame::PixelFormat;
use lookout::limits::LIVE_FPS_DEFAULT;
use lookout::limits::MESSAGE_BYTES_MAX;
use lookout::limits::NAME_BYTES_MAX;
use lookout::limits::REGIONS_MAX;
use lookout::limits::ZONES_MAX;
use lookout::motion::Rect;
use lookout::motion::Score;
use lookout::motion::Tamper;
use lookout::wire;
use lookout::wire::ClientMessage;
use lookout::wire::Message;
use lookout::wire::Topic;
use lookout::wire::Topics;
use lookout::wire::client::ClientError;
use lookout::wire::client::Live;
use lookout::wire::client::Resume;
use lookout::wire::client::Subscribe;
use lookout::wire::kept::BookmarkCreated;
use lookout::wire::kept::BookmarkRemoved;
use lookout::wire::kept::EventDeleted;
use lookout::wire::server::Alert;
use lookout::wire::server::AlertData;
use lookout::wire::server::AlertType;
use lookout::wire::server::CameraEvent;
use lookout::wire::server::CameraEventData;
use lookout::wire::server::CameraEventType;
use lookout::wire::server::ConnectionStatus;
use lookout::wire::server::ErrorMessage;
use lookout::wire::server::EventMessage;
use lookout::wire::server::Lagged;
use lookout::wire::server::Ping;
use lookout::wire::server::Pong;
use lookout::wire::server::Reconnect;
use lookout::wire::server::Recovered;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::proptest;

/// 2026-11-20T06:00:00.123Z
const AT: Timestamp = Timestamp(1_795_154_400_123);

fn check<M: Message>(message: &M, rest: &str) {
    let kind = M::TYPE;
    let expected = format!(r#"{{"type":"{kind}","timestamp":"2026-11-20T06:00:00.123Z"{rest}}}"#);
    assert_eq!(&*wire::encode(AT, message), expected);
}

#[test]
fn the_server_s_messages_are_these_bytes() {
    check(
        &ConnectionStatus {
            status: "connected",
            connection_id: "0123456789abcdef",
            boot_id: BootId::NIL,
            store_id: "s1",
            newest_seq: 7,
            topics: Topics::EVENTS,
            resume_token: "ab".try_into().unwrap(),
            message: "welcome",
        },
        r#","status":"connected","connection_id":"0123456789abcdef","boot_id":"00000000-0000-0000-0000-000000000000","store_id":"s1","newest_seq":7,"topics":["event","camera_event","alert","bookmark_created","bookmark_removed","event_deleted"],"resume_token":"ab","message":"welcome""#,
    );
    check(
        &CameraEvent {
            seq: 8,
            camera_id: "porch",
            event_type: CameraEventType::Lost,
            data: CameraEventData {
                message: "gone",
                ..Default::default()
            },
        },
        r#","seq":8,"camera_id":"porch","event_type":"lost","data":{"message":"gone"}"#,
    );
    check(
        &CameraEvent {
            seq: 9,
            camera_id: "porch",
            event_type: CameraEventType::TamperOver,
            data: CameraEventData {
                message: "",
                format: Some(FrameFormat::packed(PixelFormat::Yuyv, 640, 480, Default::default())),
                tamper: Some(Tamper::Covered),
            },
        },
        r#","seq":9,"camera_id":"porch","event_type":"tamper_over","data":{"message":"","format":{"pixel":"yuyv","width":640,"height":480,"stride":1280},"tamper":"covered"}"#,
    );
    check(
        &Alert {
            seq: 10,
            alert_type: AlertType::StoreSetAside,
            camera_id: None,
            data: AlertData {
                message: "was \"damaged\"",
            },
        },
        r#","seq":10,"alert_type":"store_set_aside","camera_id":null,"data":{"message":"was \"damaged\""}"#,
    );
}

#[test]
fn what_the_server_says_to_one_client_is_these_bytes() {
    check(
        &Ping {
            resume_token: "ab".try_into().unwrap(),
        },
        r#","resume_token":"ab""#,
    );
    check(&Pong {}, "");
    check(
        &Lagged {
            missed: 3,
            oldest_seq: 4,
            newest_seq: 9,
        },
        r#","missed":3,"oldest_seq":4,"newest_seq":9"#,
    );
    check(
        &Recovered {
            recovered: false,
            since: 1,
            oldest_seq: Some(4),
            newest_seq: 9,
        },
        r#","recovered":false,"since":1,"oldest_seq":4,"newest_seq":9"#,
    );
    check(&Reconnect { retry_after_ms: 2000 }, r#","retry_after_ms":2000"#);
    check(
        &ErrorMessage {
            message: "no",
            known_types: &[],
        },
        r#","message":"no""#,
    );
    check(
        &ErrorMessage {
            message: "no",
            known_types: &["ping"],
        },
        r#","message":"no","known_types":["ping"]"#,
    );
}

#[test]
fn an_event_is_these_bytes() {
    let event = Event {
        zones: ["drive".try_into().unwrap()].into_iter().collect(),
        boxes: [Rect {
            x: 1250,
            y: 5000,
            width: 2500,
            height: 1,
        }]
        .into_iter()
        .collect(),
        ..device::event(3)
    };
    check(
        &EventMessage { seq: 4, data: &event },
        concat!(
            r#","seq":4,"data":{"id":3,"seq":3,"timestamp":"1970-01-01T00:00:03.000Z","camera_id":"porch","trigger":"video","phase":"end","#,
            r#""duration_ms":1500,"score":0.64,"zones":["drive"],"boxes":[{"x":0.125,"y":0.5,"width":0.25,"height":0.0001}],"pir":null,"#,
            r#""video":null,"suppressed":0,"end_reason":null,"snapshot_url":null,"clip_url":null,"clock":"synced","#,
            r#""boot_id":"00000000-0000-0000-0000-000000000000","uptime_ms":3000}"#
        ),
    );
}

/// Every field at its longest: names of characters that JSON must escape, numbers of all digits.
fn longest_event() -> Event {
    let name: String = "\u{1}".repeat(NAME_BYTES_MAX);
    let longest = Rect {
        x: 3333,
        y: 3333,
        width: 3333,
        height: 3333,
    };
    Event {
        id: u64::MAX,
        seq: u64::MAX,
        timestamp: AT,
        camera_id: name.as_str().try_into().unwrap(),
        trigger: Trigger::Manual,
        phase: Phase::Update,
        duration_ms: u64::MAX,
        score: Score(u16::MAX),
        zones: (0..ZONES_MAX).map(|_| name.as_str().try_into().unwrap()).collect(),
        boxes: [longest; REGIONS_MAX].into_iter().collect(),
        pir: Some(PirEvidence {
            edges: u32::MAX,
            first_ms: i64::MIN,
            last_ms: i64::MIN,
            active: false,
        }),
        video: Some(VideoEvidence {
            frames: u32::MAX,
            first_frame: u64::MAX,
            last_frame: u64::MAX,
            peak_score: Score(u16::MAX),
            peak_ms: i64::MIN,
            area_permille: u16::MAX,
        }),
        suppressed: u32::MAX,
        end_reason: Some(EndReason::Interrupted),
        snapshot_url: Some(format!("/api/events/{}/snapshot", u64::MAX)),
        clip_url: Some(format!("/api/events/{}/clip", u64::MAX)),
        bookmarked: false,
        clock: ClockState::Unsynced,
        boot_id: BootId::NIL,
        uptime_ms: u64::MAX,
    }
}

#[test]
fn the_longest_event_fits() {
    let event = longest_event();
    let text = wire::encode(
        AT,
        &EventMessage {
            seq: u64::MAX,
            data: &event,
        },
    );
    assert!(text.len() <= MESSAGE_BYTES_MAX, "{} bytes", text.len());
    assert!(!text.contains('\n'));
}

#[test]
fn what_clients_say_is_understood_or_named() {
    let check = |text: &str, expected: Result<ClientMessage, &str>| {
        let said = ClientMessage::parse(text);
        match (&said, expected) {
            (Ok(message), Ok(expected)) => assert_eq!(*message, expected, "{text}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{text}: {error}"),
            _ => panic!("{text}: {said:?}"),
        }
    };
    check(r#"{"type":"ping"}"#, Ok(ClientMessage::Ping));
    check(r#" { "extra": {"a":[1]}, "type" : "p\u006fng" } "#, Ok(ClientMessage::Pong));
    check(
        r#"{"type":"resume","since":18446744073709551615}"#,
        Ok(ClientMessage::Resume(Resume::Since(u64::MAX))),
    );
    check(r#"{"type":"resume","since":"7"}"#, Err("not understood"));
    check(r#"{"type":"resume","since":1.5}"#, Err("not understood"));
    check(r#"{"type":"ping"}{"type":"ping"}"#, Err("not understood"));
    check(r#"["ping"]"#, Err("an object"));
    check(&"[".repeat(100_000), Err("not understood"));
    check(r#"{"type":"resume"}"#, Err("a token or since"));
    check(r#"{"type":"resume","token":"00"}"#, Err("damaged"));
    check(r#"{"type":"lively"}"#, Err(r#"unknown type "lively""#));
    check(r#"{"type":"live"}"#, Err("action"));
    check(r#"{"type":"live","action":"start","fps":31}"#, Err("fps is 1 to 30"));
    check(
        r#"{"type":"live","action":"start"}"#,
        Ok(ClientMessage::Live(Live::Start { fps: LIVE_FPS_DEFAULT })),
    );
    check(r#"{"type":"live","action":"stop"}"#, Ok(ClientMessage::Live(Live::Stop)));
    check(r#"{"type":"subscribe"}"#, Err("event_types"));
    check(
        r#"{"type":"subscribe","event_types":["event","nothing"]}"#,
        Err(r#"unknown event type "nothing""#),
    );
    check(r#"{"type":"subscribe","event_types":[],"min_score":"1"}"#, Err("not understood"));
    check(r#"{"type":"unsubscribe"}"#, Ok(ClientMessage::Unsubscribe(Topics::ALL)));
    check(
        r#"{"type":"unsubscribe","event_types":["task.failed"]}"#,
        Ok(ClientMessage::Unsubscribe(Topics::of(&[Topic::TaskFailed]))),
    );
    check(
        r#"{"type":"subscribe","event_types":["event","event"],"camera_id":null,"zones":["drive"],"min_score":0.5}"#,
        Ok(ClientMessage::Subscribe(Box::new(Subscribe {
            topics: Topics::of(&[Topic::Event]),
            camera_id: Some(None),
            zones: Some(Some(["drive".try_into().unwrap()].into_iter().collect())),
            min_score: Some(Some(Score(500))),
        }))),
    );
    let long = ClientMessage::parse(&format!(r#"{{"type":"{}"}}"#, "ö".repeat(5000))).unwrap_err();
    assert!(matches!(&long, ClientError::UnknownType(_)) && long.to_string().len() < 200);
    for kind in ClientMessage::TYPES {
        let parsed = ClientMessage::parse(&format!(r#"{{"type":"{kind}","since":1,"event_types":[],"action":"stop"}}"#));
        assert!(parsed.is_ok(), "{kind} is named as understood");
    }
}

#[test]
fn topics_are_named_like_their_messages() {
    for topic in Topic::ALL {
        assert_eq!(Topic::named(topic.name()), Some(topic));
        assert!(Topics::ALL.has(topic) && !Topics::NONE.has(topic));
    }
    let kept = [BookmarkCreated::TYPE, BookmarkRemoved::TYPE, EventDeleted::TYPE];
    let names = [EventMessage::TYPE, CameraEvent::TYPE, Alert::TYPE].into_iter().chain(kept);
    assert!(Topics::EVENTS.iter().map(Topic::name).eq(names));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_upsets_the_parser(text in any::<String>()) {
        let _ = ClientMessage::parse(&text);
    }
}
