//! What the messages that are told to many look like on the wire, byte for byte; and the resume token.

use lookout::clock::Timestamp;
use lookout::event::model::Trigger;
use lookout::limits::ANNOUNCEMENT_CHARS_MAX;
use lookout::limits::HEAT_COLUMNS;
use lookout::limits::HEAT_ROWS;
use lookout::limits::MESSAGE_BYTES_MAX;
use lookout::limits::NAME_BYTES_MAX;
use lookout::limits::PRESENCE_CLIENTS_MAX;
use lookout::limits::REGIONS_MAX;
use lookout::limits::ZONES_MAX;
use lookout::motion::Rect;
use lookout::motion::Score;
use lookout::motion::ZoneSet;
use lookout::wire;
use lookout::wire::Door;
use lookout::wire::Filter;
use lookout::wire::Message;
use lookout::wire::Names;
use lookout::wire::ResumeToken;
use lookout::wire::Topic;
use lookout::wire::Topics;
use lookout::wire::broadcast::Announcement;
use lookout::wire::broadcast::Custom;
use lookout::wire::live::ByTrigger;
use lookout::wire::live::ByZone;
use lookout::wire::live::Cameras;
use lookout::wire::live::Clients;
use lookout::wire::live::DiskUse;
use lookout::wire::live::Heat;
use lookout::wire::live::LastEvent;
use lookout::wire::live::MemoryUse;
use lookout::wire::live::Overlay;
use lookout::wire::live::OverlayMessage;
use lookout::wire::live::Presence;
use lookout::wire::live::PresenceMessage;
use lookout::wire::live::Present;
use lookout::wire::live::Stages;
use lookout::wire::live::Statistics;
use lookout::wire::live::StatisticsUpdate;
use lookout::wire::live::Telemetry;
use lookout::wire::live::TelemetryMessage;
use lookout::wire::live::Throttling;
use lookout::wire::news::ClipSaved;
use lookout::wire::news::Media;
use lookout::wire::news::SnapshotSaved;
use lookout::wire::news::Steps;
use lookout::wire::news::Task;
use lookout::wire::news::TaskCompleted;
use lookout::wire::news::TaskFailed;
use lookout::wire::news::TaskProgress;
use lookout::wire::news::TaskStarted;
use lookout::wire::server::SubscriptionConfirmed;
use lookout::wire::token::TokenError;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;

/// 2026-11-20T06:00:00.123Z
const AT: Timestamp = Timestamp(1_795_154_400_123);

fn check<M: Message>(message: &M, rest: &str) {
    let kind = M::TYPE;
    let expected = format!(r#"{{"type":"{kind}","timestamp":"2026-11-20T06:00:00.123Z"{rest}}}"#);
    assert_eq!(&*wire::encode(AT, message), expected);
}

fn names() -> Names {
    Names {
        cameras: ["porch".try_into().unwrap()].into_iter().collect(),
        zones: ["drive", "lawn"].map(|name| name.try_into().unwrap()).into_iter().collect(),
    }
}

#[test]
fn figures_are_these_bytes() {
    let names = names();
    let mut counts = [0; ZONES_MAX];
    counts[1] = 2;
    let data = Statistics {
        events_today: 3,
        by_trigger: ByTrigger {
            video: 1,
            both: 2,
            ..ByTrigger::default()
        },
        by_zone: ByZone {
            names: &names.zones,
            counts,
        },
        last_event: Some(LastEvent {
            id: 9,
            timestamp: Timestamp(1000),
            camera_id: "porch".try_into().unwrap(),
            trigger: Trigger::Both,
            score: Score(640),
        }),
        cameras: Cameras {
            total: 1,
            active: 1,
            recording: 0,
        },
        clients: Clients { streams: 2, max: 32 },
    };
    check(
        &StatisticsUpdate { data },
        concat!(
            r#","data":{"events_today":3,"by_trigger":{"video":1,"pir":0,"both":2,"manual":0},"by_zone":{"drive":0,"lawn":2},"#,
            r#""last_event":{"id":9,"timestamp":"1970-01-01T00:00:01.000Z","camera_id":"porch","trigger":"both","score":0.64},"#,
            r#""cameras":{"total":1,"active":1,"recording":0},"clients":{"streams":2,"max":32}}"#
        ),
    );
}

#[test]
fn telemetry_is_these_bytes() {
    check(
        &TelemetryMessage {
            camera_id: "porch",
            data: Telemetry::default(),
        },
        concat!(
            r#","camera_id":"porch","data":{"fps":null,"latency_ms":null,"stages":{"detect_us":null,"commit_us":null},"uptime_ms":0,"temperature_c":null,"#,
            r#""throttling":null,"memory":null,"disk":null,"wifi_dbm":null}"#
        ),
    );
    let full = Telemetry {
        fps: Some(9.5),
        latency_ms: Some(12),
        stages: Stages {
            detect_us: Some(400),
            commit_us: Some(900),
        },
        uptime_ms: 7,
        temperature_c: Some(48.5),
        throttling: Some(Throttling {
            hot: true,
            ..Throttling::default()
        }),
        memory: Some(MemoryUse {
            used_bytes: 1,
            peak_bytes: 2,
            budget_bytes: 3,
        }),
        disk: Some(DiskUse {
            free_bytes: 4,
            used_bytes: 5,
        }),
        wifi_dbm: Some(-61),
    };
    check(
        &TelemetryMessage {
            camera_id: "porch",
            data: full,
        },
        concat!(
            r#","camera_id":"porch","data":{"fps":9.5,"latency_ms":12,"stages":{"detect_us":400,"commit_us":900},"uptime_ms":7,"temperature_c":48.5,"#,
            r#""throttling":{"undervoltage":false,"capped":false,"throttled":false,"hot":true,"happened":false},"#,
            r#""memory":{"used_bytes":1,"peak_bytes":2,"budget_bytes":3},"disk":{"free_bytes":4,"used_bytes":5},"wifi_dbm":-61}"#
        ),
    );
}

#[test]
fn what_is_seen_and_who_looks_are_these_bytes() {
    let mut heat = Heat::default();
    heat.0[0] = 255;
    heat.0[1] = 128;
    let overlay = |heat| OverlayMessage {
        camera_id: "porch",
        overlay_type: "motion",
        data: Overlay {
            frame: 4,
            score: Score(500),
            boxes: Default::default(),
            zones: ["drive"].into_iter().collect(),
            heat,
        },
    };
    let common = r#","camera_id":"porch","overlay_type":"motion","data":{"frame":4,"score":0.5,"boxes":[],"zones":["drive"],"heat":"#;
    check(&overlay(None), &format!("{common}null}}"));
    let cold = "0".repeat(HEAT_COLUMNS * HEAT_ROWS - 2);
    check(
        &overlay(Some(heat)),
        &format!(r#"{common}{{"columns":16,"rows":12,"cells":"95{cold}"}}}}"#),
    );
    let present = Present {
        connection_id: "0123456789abcdef".try_into().unwrap(),
        door: Door::Ui,
        network: "192.168.1.0/24".try_into().unwrap(),
        behind: 1,
        delivered: 2,
        lagged: 3,
        skipped: 4,
    };
    check(
        &PresenceMessage {
            data: &Presence {
                count: 5,
                clients: [present].into_iter().collect(),
            },
        },
        concat!(
            r#","data":{"count":5,"clients":[{"connection_id":"0123456789abcdef","door":"ui","network":"192.168.1.0/24","#,
            r#""behind":1,"delivered":2,"lagged":3,"skipped":4}]}"#
        ),
    );
}

#[test]
fn news_are_these_bytes() {
    let media = Media {
        camera_id: "porch",
        event_id: 7,
        url: "/api/events/7/snapshot",
        bytes: 900,
    };
    let body = r#""data":{"camera_id":"porch","event_id":7,"url":"/api/events/7/snapshot","bytes":900}"#;
    check(
        &SnapshotSaved {
            seq: Some(8),
            data: media.clone(),
        },
        &format!(r#","seq":8,{body}"#),
    );
    check(&ClipSaved { seq: None, data: media }, &format!(",{body}"));
    let task = Task {
        task_id: "u1",
        task_type: "update",
        message: "installing",
    };
    let common = r#","task_id":"u1","task_type":"update","message":"installing""#;
    check(&TaskStarted { task: task.clone() }, common);
    check(
        &TaskProgress {
            task: task.clone(),
            progress: Steps::new(1, 3),
        },
        &format!(r#"{common},"progress":{{"current":1,"total":3,"percentage":33}}"#),
    );
    check(
        &TaskCompleted {
            task: task.clone(),
            result_url: None,
        },
        &format!(r#"{common},"result_url":null"#),
    );
    check(&TaskFailed { task, error: "no room" }, &format!(r#"{common},"error":"no room""#));
    check(&Announcement { message: "tea \"now\"" }, r#","message":"tea \"now\"""#);
    let any = serde_json::Map::from_iter([("a".to_owned(), serde_json::json!([1]))]);
    check(&Custom { data: &any }, r#","data":{"a":[1]}"#);
    assert_eq!((Steps::new(0, 0).percentage, Steps::new(9, 3).percentage), (100, 100));
}

#[test]
fn what_holds_is_said_in_names() {
    let names = names();
    let filter = Filter {
        topics: Topics::of(&[Topic::Event, Topic::TaskFailed]),
        camera: Some(0),
        zones: Some(ZoneSet(0b10)),
        min_score: Some(Score(500)),
    };
    let token = "ab".try_into().unwrap();
    check(
        &SubscriptionConfirmed::of(&filter, &names, token),
        r#","event_types":["event","task.failed"],"camera_id":"porch","zones":["lawn"],"min_score":0.5,"resume_token":"ab""#,
    );
    check(
        &SubscriptionConfirmed::of(&Filter::default(), &names, Default::default()),
        r#","event_types":[],"camera_id":null,"zones":null,"min_score":null,"resume_token":"""#,
    );
}

#[test]
fn the_longest_messages_fit() {
    let check = |text: wire::Text| assert!(text.len() <= MESSAGE_BYTES_MAX, "{} bytes: {text}", text.len());
    let present = Present {
        connection_id: "0123456789abcdef".try_into().unwrap(),
        door: Door::Statistics,
        network: "2001:db88:8888:8888::/64".try_into().unwrap(),
        behind: u64::MAX,
        delivered: u64::MAX,
        lagged: u64::MAX,
        skipped: u64::MAX,
    };
    let data = Presence {
        count: usize::MAX,
        clients: (0..PRESENCE_CLIENTS_MAX).map(|_| present.clone()).collect(),
    };
    check(wire::encode(AT, &PresenceMessage { data: &data }));
    let name = "\u{1}".repeat(NAME_BYTES_MAX);
    let rect = Rect {
        x: 3333,
        y: 3333,
        width: 3333,
        height: 3333,
    };
    let overlay = OverlayMessage {
        camera_id: &name,
        overlay_type: "motion",
        data: Overlay {
            frame: u64::MAX,
            score: Score(333),
            boxes: [rect; REGIONS_MAX].into_iter().collect(),
            zones: [name.as_str(); ZONES_MAX].into_iter().collect(),
            heat: Some(Heat::default()),
        },
    };
    check(wire::encode(AT, &overlay));
    let message = "\u{1}".repeat(ANNOUNCEMENT_CHARS_MAX);
    check(wire::encode(AT, &Announcement { message: &message }));
}

#[test]
fn a_token_of_another_version_is_named() {
    let token = ResumeToken {
        store: 1,
        seq: 0x0102_0304_0506_0708,
        filter: Topics::of(&[Topic::Event, Topic::CameraEvent, Topic::Alert]).into(),
        names: 3,
    };
    let text = token.write();
    assert_eq!(text.as_str(), "0100000001010203040506070800000007ff000000ffff0000000354c39bc3");
    let mut bytes: Vec<u8> = (0..27).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect();
    bytes[0] = 2;
    let check = crc32fast::hash(&bytes);
    bytes.extend(check.to_be_bytes());
    let newer: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(ResumeToken::read(&newer), Err(TokenError::Version(2)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_token_says_what_it_was_given(
        store in any::<u32>(), seq in any::<u64>(), topics in proptest::collection::vec(0..Topic::ALL.len(), 0..6),
        camera in proptest::option::of(0..=0_u8), zones in proptest::option::of(any::<u16>()), score in proptest::option::of(0..=1000_u16),
    ) {
        let topics: Vec<Topic> = topics.into_iter().map(|n| Topic::ALL[n]).collect();
        let filter = Filter { topics: Topics::of(&topics), camera, zones: zones.map(ZoneSet), min_score: score.map(Score) };
        let token = ResumeToken { store, seq, filter, names: names().fingerprint() };
        prop_assert_eq!(ResumeToken::read(&token.write()), Ok(token));
        prop_assert_eq!(token.filter_for(&names()), filter);
        let renamed = Names { zones: Default::default(), ..names() };
        prop_assert_eq!(token.filter_for(&renamed), Filter { camera: None, zones: None, ..filter });
    }

    #[test]
    fn a_damaged_token_says_nothing(seq in any::<u64>(), at in 0..62_usize, other in "[0-9a-zA-Z/ö]") {
        let token = ResumeToken { store: 7, seq, filter: Topics::ALL.into(), names: 0 };
        let text = token.write();
        let damaged = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        prop_assert!(damaged == text.as_str() || ResumeToken::read(&damaged) == Err(TokenError::Damaged));
        prop_assert!(ResumeToken::read(&text[..at]).is_err());
    }

    #[test]
    fn no_text_upsets_the_reader_of_tokens(text in any::<String>()) {
        prop_assert!(ResumeToken::read(&text).is_err());
    }
}
