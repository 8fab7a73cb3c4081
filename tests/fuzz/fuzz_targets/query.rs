//! What stands behind the `?` of an address, asked of the real server over one connection: an answer, whatever it is.

#![no_main]

#[path = "../../device/mod.rs"]
mod device;

use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::LazyLock;
use std::sync::Mutex;

use device::Device;
use device::PATIENCE;
use libfuzzer_sys::fuzz_target;
use lookout::web::Settings;

/// Events that there are to be asked for.
const EVENTS: u64 = 40;
/// Longest query asked: more is refused as a header too long.
const QUERY_BYTES_MAX: usize = 4096;
/// The addresses that take one.
const PATHS: [&str; 3] = ["/api/events", "/ws/events", "/api/health"];

static DEVICE: LazyLock<Device> = LazyLock::new(|| Device::with_history(Settings::default(), EVENTS));
static CONNECTION: Mutex<Option<TcpStream>> = Mutex::new(None);

fuzz_target!(|input: (u8, &str)| {
    let (path, query) = input;
    if query.len() > QUERY_BYTES_MAX || !query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return; // no address has it
    }
    let request = format!("GET {}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n", PATHS[path as usize % PATHS.len()]);
    let mut kept = CONNECTION.lock().expect("one at a time");
    let mut stream = kept.take().unwrap_or_else(connect);
    stream.write_all(request.as_bytes()).expect("a server that reads");
    let (status, open) = answer(&mut stream);
    assert!((200..500).contains(&status) || status == 503, "{status} for {request}");
    *kept = open.then_some(stream);
});

fn connect() -> TcpStream {
    let stream = TcpStream::connect(DEVICE.address).expect("a server that listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Status of a whole answer, and whether another request may follow.
fn answer(stream: &mut TcpStream) -> (u16, bool) {
    let (mut bytes, mut part) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let count = match stream.read(&mut part) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue, // by the fuzzer's own clock
            read => read.expect("an answer in time"),
        };
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        if count == 0 {
            return (status, false);
        }
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if length.is_some_and(|length| body.len() >= length) {
            return (status, !head.contains("connection: close"));
        }
    }
}
