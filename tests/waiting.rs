//! How long the server waits for one who asks: through real sockets, each time measured by what else came to its end meanwhile.

mod device;

use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use device::Device;
use device::PATIENCE;
use lookout::web;
use lookout::web::Settings;

const REQUEST: &[u8] = b"GET /api/armed HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// A time that none of these tests takes.
const LONG: Duration = Duration::from_secs(600);
/// A time that is over soon.
const SHORT: Duration = Duration::from_millis(200);

fn device(header_time_max: Duration, idle_max: Duration) -> Device {
    Device::start(Settings {
        header_time_max,
        idle_max,
        ..Settings::default()
    })
}

fn connect(device: &Device) -> TcpStream {
    let stream = TcpStream::connect(device.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends `request` and reads the answer, which says how long it is; its status.
fn ask(stream: &mut TcpStream, request: &[u8]) -> u16 {
    stream.write_all(request).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head
        .split_once("content-length: ")
        .map_or("0", |(_, rest)| rest.lines().next().unwrap());
    stream.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
    head[9..12].parse().unwrap()
}

/// What comes until the server hangs up, which it does without a reset.
fn rest(stream: &mut TcpStream) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("an end in time, and no reset");
    rest
}

/// Slow headers and idle connections that were counted.
fn counted(device: &Device) -> (u64, u64) {
    let now = device.counters.now();
    (now.slow_headers, now.idle)
}

/// Lets a newcomer be silent until it is hung up on: `header_time_max`, and more than that since anything before.
fn outlast_a_header(device: &Device) {
    assert_eq!(device.exchange(b""), "");
}

/// Lets a connection be idle after a request until it is hung up on: likewise `idle_max`.
fn outlast_an_idle_one(device: &Device) {
    let mut idle = connect(device);
    assert_eq!(ask(&mut idle, REQUEST), 200);
    assert_eq!(rest(&mut idle), "");
}

#[test]
fn one_who_asks_nothing_has_the_time_of_a_header() {
    let device = device(SHORT, LONG);
    assert_eq!(rest(&mut connect(&device)), "");
    assert_eq!(counted(&device), (0, 1));
}

#[test]
fn a_header_has_its_time_from_its_first_byte_whatever_it_is_on() {
    let device = device(SHORT, LONG);
    let mut second = connect(&device);
    assert_eq!(ask(&mut second, REQUEST), 200);
    // Silence after an answer is no header.
    outlast_a_header(&device);
    assert_eq!(ask(&mut second, REQUEST), 200);
    let mut first = connect(&device);
    for stream in [&mut first, &mut second] {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with('}'), "{answer}");
    }
    assert_eq!(counted(&device), (2, 1));
}

#[test]
fn bytes_that_drip_do_not_prolong_a_header() {
    let device = device(SHORT, LONG);
    let mut dripping = connect(&device);
    assert_eq!(ask(&mut dripping, REQUEST), 200);
    dripping.set_read_timeout(Some(SHORT / 10)).unwrap();
    let mut status = [0; 12];
    let drips = (0..1000).find(|_| dripping.write_all(b"G").is_err() || dripping.read_exact(&mut status).is_ok());
    assert!(drips.is_some_and(|drips| drips > 1), "{drips:?}");
    assert_eq!((&status, counted(&device)), (b"HTTP/1.1 408", (1, 0)));
}

#[test]
fn a_connection_is_idle_from_an_answer_on_and_not_in_a_header() {
    let device = device(LONG, SHORT);
    let mut slow = connect(&device);
    assert_eq!(ask(&mut slow, REQUEST), 200);
    slow.write_all(&REQUEST[..9]).unwrap();
    let mut idle = connect(&device);
    // Two at once are answered at once; then it is idle.
    idle.write_all(&[REQUEST, REQUEST].concat()).unwrap();
    let answers = rest(&mut idle);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
    assert_eq!(counted(&device), (0, 1));
    assert_eq!(ask(&mut slow, &REQUEST[9..]), 200);
}

#[test]
fn neither_time_cuts_off_what_is_sent_or_answered() {
    let device = device(SHORT, SHORT);
    let mut pictures = connect(&device);
    pictures
        .write_all(b"GET /api/live.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut status = [0; 12];
    pictures.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    device.store.be_slow(3 * SHORT);
    let mut slow = connect(&device);
    assert_eq!(ask(&mut slow, b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    outlast_a_header(&device);
    outlast_an_idle_one(&device);
    pictures.set_nonblocking(true).unwrap();
    let ended = pictures.read_to_end(&mut Vec::new());
    assert_eq!(ended.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
}

#[test]
fn a_body_may_take_longer_than_a_connection_may_be_idle() {
    let device = device(LONG, SHORT);
    let mut slow = connect(&device);
    assert_eq!(ask(&mut slow, REQUEST), 200);
    slow.write_all(b"PUT /api/armed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n{\"armed\"")
        .unwrap();
    outlast_an_idle_one(&device);
    assert_eq!(ask(&mut slow, b": true}"), 202);
    assert_eq!(rest(&mut slow), "");
    assert_eq!(counted(&device), (0, 2));
}

#[test]
fn a_stream_is_not_idle() {
    let device = device(SHORT, SHORT);
    web::runtime().unwrap().block_on(async {
        let mut stream = device.open("/ws/events").await;
        outlast_a_header(&device);
        outlast_an_idle_one(&device);
        let seq = device.publish();
        while stream.message().await["seq"] != seq {}
    });
    assert_eq!(counted(&device), (0, 2));
}
