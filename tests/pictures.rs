//! Pictures of a real service on the scene, from outside: a snapshot and a clip of every event, and the live view.

mod common;

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use common::service::Client;
use common::service::PATIENCE;
use common::service::Service;
use common::service::now;
use common::service::wait_for;
use serde_json::Value;

/// Pictures that a viewer waits for.
const SHOWN: u64 = 30;

/// An answer: its status, its head in lower case, its body.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A GET with more header fields.
fn get(service: &Service, path: &str, fields: &str) -> Answer {
    let mut socket = ask(service, path, fields);
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    Answer {
        status: head[9..12].parse().expect("a status"),
        head,
        body: answer[end + 4..].to_vec(),
    }
}

fn ask(service: &Service, path: &str, fields: &str) -> TcpStream {
    let mut socket = TcpStream::connect(service.address).expect("the service listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    socket.write_all(head.as_bytes()).expect("written");
    socket
}

fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xD8]) && bytes.ends_with(&[0xFF, 0xD9])
}

/// An event that is over and has both pictures, and the service that made it; `more` arguments.
fn filmed(dir: &std::path::Path, more: &[&str]) -> (Service, Value) {
    let scene = ["--source", "scene:seed=5,visits=4..4..1", "--pir", "none"];
    let service = Service::start(dir, &[&scene, more].concat());
    let event = wait_for("an event with its pictures", || {
        let (_, answer) = service.get("/api/events?limit=5");
        answer["events"]
            .as_array()?
            .iter()
            .find(|event| !event["clip_url"].is_null())
            .cloned()
    });
    (service, event)
}

#[test]
fn an_intruder_is_seen_within_a_second_of_the_first_word_of_him() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), &["--source", "scene:seed=5,visits=3..3..1", "--pir", "none"]);
    let mut client = service.connect("/ws/ui");
    let event = client.next_of("event");
    let (id, began) = (event["data"]["id"].as_u64().unwrap(), now());
    let saved = client.next_of("snapshot_saved");
    assert!(now().since(began).as_millis() < 1000, "{:?}", now().since(began));
    assert_eq!(saved["data"]["event_id"], id);
    assert!(saved["seq"].as_u64() > event["seq"].as_u64(), "durable, and told in order");
    let url = saved["data"]["url"].as_str().unwrap();
    let picture = get(&service, url, "");
    assert_eq!((picture.status, picture.field("content-type")), (200, Some("image/jpeg")));
    assert!(is_jpeg(&picture.body));
    let (_, shown) = service.get(&format!("/api/events/{id}"));
    assert_eq!(shown["snapshot_url"], url);
    while client.next_of("event")["data"]["phase"] != "end" {}
    let clip = client.next_of("clip_saved");
    assert_eq!(clip["data"]["event_id"], id);
    let (_, shown) = service.get(&format!("/api/events/{id}"));
    assert_eq!(
        (&shown["snapshot_url"], &shown["clip_url"]),
        (&saved["data"]["url"], &clip["data"]["url"])
    );
    let clip_url = clip["data"]["url"].as_str().unwrap();
    assert_eq!(
        get(&service, clip_url, "").body.len() as u64,
        clip["data"]["bytes"].as_u64().unwrap()
    );
}

#[test]
fn a_clip_plays_frame_by_frame_from_before_the_event_to_after_it() {
    let dir = tempfile::tempdir().unwrap();
    // Room for what is asked for before the event: pictures of this noise are large, and a busy machine gives them late.
    let config = dir.path().join("lookout.toml");
    fs::write(&config, "[media]\nring = \"768KiB\"\n").unwrap();
    let (service, event) = filmed(dir.path(), &["--config", config.to_str().unwrap()]);
    let url = event["clip_url"].as_str().unwrap();
    let clip = get(&service, url, "");
    assert_eq!(clip.field("content-type"), Some("video/quicktime"));
    let index: Value = serde_json::from_slice(&get(&service, &format!("{url}/frames"), "").body).unwrap();
    let rows: Vec<Vec<u64>> = serde_json::from_value(index["frames"].clone()).unwrap();
    for row in &rows {
        let bytes = &clip.body[row[0] as usize..][..row[1] as usize];
        assert!(is_jpeg(bytes), "at {}", row[0]);
    }
    assert!(rows.windows(2).all(|pair| pair[0][2] < pair[1][2]), "times ascend");
    assert_eq!((&index["width"], &index["height"]), (&640.into(), &480.into()));
    assert_eq!(index["bytes"], clip.body.len());
    let (start, last) = (index["start_ms"].as_i64().unwrap(), rows.last().unwrap()[2] as i64);
    assert!((-2000..-500).contains(&start), "it begins before the event: {start}");
    let seen = event["duration_ms"].as_i64().unwrap();
    assert!(
        (seen + 1500..seen + 4000).contains(&(start + last)),
        "from {start} on {last} ms of {seen}"
    );
    let expected = last / 250;
    assert!(
        (expected - 4..expected + 8).contains(&(rows.len() as i64)),
        "{} pictures in {last} ms",
        rows.len()
    );
    played_by_others(&clip.body, &rows);
}

/// A player of others decodes every picture, and shows it at its time; where there is none, that is said.
fn played_by_others(clip: &[u8], rows: &[Vec<u64>]) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("clip.mov");
    fs::write(&file, clip).unwrap();
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-show_entries", "frame=pts_time", "-of", "csv=p=0"])
        .arg(&file)
        .output();
    let Ok(probe) = probe else {
        return eprintln!("ffprobe is not here: not played");
    };
    assert!(probe.stderr.is_empty(), "{}", String::from_utf8_lossy(&probe.stderr));
    let text = String::from_utf8(probe.stdout).unwrap();
    let times = text
        .lines()
        .map(|line| (line.trim_end_matches(',').parse::<f64>().unwrap() * 1000.0).round() as u64);
    assert!(times.eq(rows.iter().map(|row| row[2])), "{text}");
    shown_by_others(&file, rows);
}

/// A player for people shows every picture to the end, and from the middle on when it is sent there.
fn shown_by_others(file: &Path, rows: &[Vec<u64>]) {
    for begin in [0, rows.len() / 2] {
        let shown = tempfile::tempdir().unwrap();
        let played = Command::new("mpv")
            .args([
                "--no-config",
                "--really-quiet",
                "--vo=image",
                "--ao=null",
                "--untimed",
                "--hr-seek=yes",
            ])
            .arg(format!("--vo-image-outdir={}", shown.path().display()))
            .arg(format!("--start={}.{:03}", rows[begin][2] / 1000, rows[begin][2] % 1000))
            .arg(file)
            .status();
        let Ok(played) = played else {
            return eprintln!("mpv is not here: not shown");
        };
        assert!(played.success(), "{played}");
        assert_eq!(
            fs::read_dir(shown.path()).unwrap().count(),
            rows.len() - begin,
            "from picture {begin} on"
        );
    }
}

#[test]
fn pictures_are_served_in_part_and_not_again_to_who_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let (service, event) = filmed(dir.path(), &[]);
    let url = event["clip_url"].as_str().unwrap();
    let whole = get(&service, url, "");
    let (length, etag) = (whole.body.len(), whole.field("etag").unwrap());
    for (range, from, to) in [
        ("0-9", 0, 10),
        ("100-", 100, length),
        ("-20", length - 20, length),
        ("5-99999999999", 5, length),
    ] {
        let part = get(&service, url, &format!("Range: bytes={range}\r\nIf-Range: {etag}\r\n"));
        assert_eq!((part.status, &part.body[..]), (206, &whole.body[from..to]), "{range}");
        assert_eq!(part.field("content-range"), Some(&*format!("bytes {from}-{}/{length}", to - 1)));
    }
    for range in ["x-y", "9-2", "0-1,5-6", "-"] {
        let all = get(&service, url, &format!("Range: bytes={range}\r\n"));
        assert_eq!((all.status, all.body.len()), (200, length), "{range}");
    }
    let other = get(&service, url, "Range: bytes=0-9\r\nIf-Range: \"other\"\r\n");
    assert_eq!((other.status, other.body.len()), (200, length), "of another version all is sent");
    for range in [format!("{length}-"), "-0".into()] {
        let none = get(&service, url, &format!("Range: bytes={range}\r\n"));
        assert_eq!(
            (none.status, none.field("content-range")),
            (416, Some(&*format!("bytes */{length}")))
        );
    }
    let known = get(&service, url, &format!("If-None-Match: {etag}\r\n"));
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(get(&service, "/api/events/999999/clip", "").status, 404);
    assert_eq!(get(&service, "/api/events/x/snapshot.jpg", "").status, 400);
}

#[test]
fn a_deleted_event_takes_its_pictures_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (service, event) = filmed(dir.path(), &[]);
    let id = event["id"].as_u64().unwrap();
    assert_eq!(service.request("DELETE", &format!("/api/events/{id}")).0, 204);
    wait_for("its files to be gone", || {
        let gone = |path: &str| get(&service, &format!("/api/events/{id}/{path}"), "").status == 404;
        (gone("clip") && gone("snapshot.jpg") && gone("clip/frames")).then_some(())
    });
}

#[test]
fn what_was_begun_is_saved_when_the_service_stops() {
    let dir = tempfile::tempdir().unwrap();
    let scene = ["--source", "scene:seed=5,visits=3..60..1", "--pir", "none"];
    let service = Service::start(dir.path(), &scene);
    let mut client = service.connect("/ws/ui");
    let id = client.next_of("snapshot_saved")["data"]["event_id"].as_u64().unwrap();
    let (status, took) = service.stop();
    assert_eq!(status, Some(0));
    assert!(took.as_millis() < 2000, "{took:?}");
    let service = Service::start(dir.path(), &scene);
    let (_, event) = service.get(&format!("/api/events/{id}"));
    assert_eq!(event["end_reason"], "shutdown");
    assert_eq!(get(&service, event["clip_url"].as_str().expect("a clip"), "").status, 200);
}

// ---- live ----

fn calm(dir: &std::path::Path, config: &str) -> Service {
    let file = dir.join("live.toml");
    fs::write(&file, config).unwrap();
    Service::start(
        dir,
        &[
            "--config",
            file.to_str().unwrap(),
            "--source",
            "scene:seed=1,visits=600..1..1",
            "--pir",
            "none",
        ],
    )
}

fn start(client: &mut Client, fps: u32) -> Value {
    client.send(&format!(r#"{{"type":"live","action":"start","fps":{fps}}}"#));
    client.next_of("live.confirmed")
}

#[test]
fn the_live_picture_comes_by_three_ways_and_only_while_someone_looks() {
    let dir = tempfile::tempdir().unwrap();
    let service = calm(dir.path(), "[media]\nclips = false\n");
    let made = || service.get("/api/system").1["pictures"]["made"].as_u64().expect("a figure");
    wait_for("frames", || (service.get("/api/health").1["status"] == "ok").then_some(()));
    assert_eq!(made(), 0, "nobody looks");
    let picture = get(&service, "/api/snapshot.jpg", "");
    assert!(picture.status == 200 && is_jpeg(&picture.body), "{}", picture.head);
    let mut client = service.connect("/ws");
    let confirmed = start(&mut client, 10);
    assert_eq!(
        (&confirmed["on"], &confirmed["fps"], &confirmed["viewers"]),
        (&true.into(), &10.into(), &1.into())
    );
    let began = now();
    (0..10).for_each(|_| assert!(is_jpeg(&client.next_picture())));
    let took = now().since(began).as_millis();
    assert!((500..4000).contains(&took), "ten pictures at ten a second in {took} ms");
    client.send(r#"{"type":"live","action":"stop"}"#);
    assert_eq!(client.next_of("live.confirmed")["on"], false);
    let mut multipart = ask(&service, "/api/live.mjpg?fps=10", "");
    let mut seen = Vec::new();
    while seen.windows(2).filter(|two| *two == [0xFF, 0xD9]).count() < 3 {
        let mut piece = [0; 4096];
        let length = multipart.read(&mut piece).expect("pictures");
        assert!(length > 0);
        seen.extend(&piece[..length]);
    }
    assert!(String::from_utf8_lossy(&seen).contains("multipart/x-mixed-replace; boundary=frame"));
    drop(multipart);
    let still = || {
        let before = made();
        std::thread::sleep(std::time::Duration::from_millis(300)); // simulates three frames that nobody looks at
        (made() == before).then_some(())
    };
    wait_for("nothing more to be made", still);
    assert_eq!(get(&service, "/api/live.mjpg?fps=31", "").status, 400);
}

#[test]
fn one_viewer_more_than_there_are_seats_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let service = calm(dir.path(), "[media]\nviewers_max = 1\n");
    let mut first = service.connect("/ws");
    start(&mut first, 5);
    let mut second = service.connect("/ws");
    second.send(r#"{"type":"live","action":"start"}"#);
    let error = second.next_of("error");
    assert!(error["message"].as_str().unwrap().contains("as many"), "{error}");
    let refused = get(&service, "/api/live.mjpg", "");
    assert_eq!((refused.status, refused.field("retry-after").is_some()), (503, true));
    drop(first);
    wait_for("the seat to be free", || {
        (get(&service, "/api/snapshot.jpg", "").status == 200).then_some(())
    });
    second.send(r#"{"type":"live","action":"jump"}"#);
    assert!(second.next_of("error")["message"].as_str().unwrap().contains("start or stop"));
}

#[test]
fn viewers_that_stop_reading_cost_nobody_a_picture() {
    let dir = tempfile::tempdir().unwrap();
    let service = calm(dir.path(), "");
    let made = || service.get("/api/system").1["pictures"]["made"].as_u64().expect("a figure");
    let stalled: Vec<TcpStream> = (0..2).map(|_| ask(&service, "/api/live.mjpg?fps=30", "")).collect();
    let mut silent = service.connect("/ws");
    silent.send(r#"{"type":"live","action":"start","fps":30}"#);
    let mut client = service.connect("/ws/ui");
    start(&mut client, 30);
    assert_eq!(service.get("/api/system").1["viewers"], 4);
    (0..10).for_each(|_| assert!(is_jpeg(&client.next_picture()))); // by now what the sockets of the others hold is full
    let before = made();
    (0..SHOWN).for_each(|_| assert!(is_jpeg(&client.next_picture())));
    let made = made() - before;
    assert!(made <= SHOWN + 2, "{made} were made while one who reads was given {SHOWN}");
    drop((stalled, silent));
}
