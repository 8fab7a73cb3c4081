//! The real binary, started on a free port with a data directory of its own, and looked at from outside.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::WebSocket;

use super::machine;

/// Longest time that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(60 * machine::SLOWNESS);

/// Polls `look` until it gives something; fails naming `what` when it does not in [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn now() -> Mono {
    SystemClock::default().now()
}

/// A running service; killed when dropped.
pub struct Service {
    child: Child,
    pub address: SocketAddr,
}

impl Service {
    /// Starts `lookout run` on a free port of the loopback, on `dir`, with `more` arguments; back when it listens.
    pub fn start(dir: &Path, more: &[&str]) -> Service {
        Service::start_in(dir, more, &[])
    }

    /// The same, with variables added to the environment.
    pub fn start_in(dir: &Path, more: &[&str], variables: &[(&str, &str)]) -> Service {
        let mut child = machine::lookout()
            .envs(variables.iter().copied())
            .args(["run", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir)
            .args(if more.contains(&"--log") { &[][..] } else { &["--log", "warn"] })
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = lines.find_map(|line| line.expect("text").strip_prefix("dashboard   http://").map(str::to_owned));
        let address = address
            .expect("the address is printed")
            .trim_end_matches('/')
            .parse()
            .expect("an address");
        Service { child, address }
    }

    /// A GET; status and body as JSON (null when it is none).
    pub fn get(&self, path: &str) -> (u16, Value) {
        self.request("GET", path)
    }

    /// A request without a body.
    pub fn request(&self, method: &str, path: &str) -> (u16, Value) {
        request(self.address, method, path)
    }

    /// A WebSocket client on `path`.
    pub fn connect(&self, path: &str) -> Client {
        let socket = TcpStream::connect(self.address).expect("the service listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let url = format!("ws://{}{path}", self.address);
        let (socket, _) = tokio_tungstenite::tungstenite::client(url, socket).expect("an upgrade");
        Client { socket }
    }

    /// Pulls the plug.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Asks it to stop; gives the exit status and the time that it took.
    pub fn stop(mut self) -> (Option<i32>, Duration) {
        let began = now();
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(asked.success());
        let status = self.child.wait().expect("gone");
        (status.code(), now().since(began))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A WebSocket client.
pub struct Client {
    socket: WebSocket<TcpStream>,
}

impl Client {
    /// The next JSON message; `None` when the server closed.
    pub fn next(&mut self) -> Option<Value> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next JSON message, or else what the server closed with.
    pub fn next_or_code(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(frame)) => return Err(frame.map(|frame| frame.code.into())),
                Err(_) => return Err(None),
                Ok(_) => {}
            }
        }
    }

    /// The next message of type `kind`, others passed over.
    pub fn next_of(&mut self, kind: &str) -> Value {
        let until = now() + PATIENCE;
        while now() < until {
            let message = self.next().unwrap_or_else(|| panic!("the server closed before {kind}"));
            if message["type"] == kind {
                return message;
            }
        }
        panic!("no {kind} came");
    }

    /// The next binary message, others passed over.
    pub fn next_picture(&mut self) -> Vec<u8> {
        loop {
            if let Message::Binary(bytes) = self.socket.read().expect("a picture") {
                return bytes.to_vec();
            }
        }
    }

    /// Sends text.
    pub fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("sent");
    }
}

/// A request without a body to `address`; status and body as JSON (null when it is none).
pub fn request(address: SocketAddr, method: &str, path: &str) -> (u16, Value) {
    request_with(address, method, path, "application/json", b"")
}

/// A request with a body of type `kind`; status and body as JSON (null when it is none).
pub fn request_with(address: SocketAddr, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
    let (status, body) = exchange(address, method, path, kind, body);
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// A GET of `path`: the body as text.
pub fn text(address: SocketAddr, path: &str) -> String {
    exchange(address, "GET", path, "text/plain", b"").1
}

fn exchange(address: SocketAddr, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, String) {
    let mut socket = TcpStream::connect(address).expect("the service listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(&[head.as_bytes(), body].concat()).expect("written");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (
        status,
        answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()),
    )
}
