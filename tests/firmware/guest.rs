//! The machine that runs the image: started, asked, told, and cut off from its power. What it says is waited for by condition.

use std::io::BufRead;
use std::io::BufReader;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::ops::Deref;
use std::os::unix::net::UnixStream;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::WebSocket;
use tokio_tungstenite::tungstenite::client;

/// Longest time from power on until the service answers: an emulated machine on a busy one.
pub(crate) const BOOT_MAX: Duration = Duration::from_secs(600);
/// Longest time that anything short takes there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// Longest time for an answer to one attempt at an upgrade.
const UPGRADE_MAX: Duration = Duration::from_secs(30);

/// Fields of the header for a body of JSON, and of bytes.
pub(crate) const JSON: &str = "Content-Type: application/json\r\n";
pub(crate) const BINARY: &str = "Content-Type: application/octet-stream\r\n";

pub(crate) fn now() -> Mono {
    SystemClock::default().now()
}

/// Polls `look` until it gives something, for `limit` at most.
pub(crate) fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = SystemClock::default();
    let until = clock.now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock.now() < until, "waited in vain for {what}");
        clock.sleep_until(clock.now() + Duration::from_millis(200));
    }
}

/// A machine that runs the image; its power is cut when it is dropped.
pub(crate) struct Machine {
    process: Child,
    address: SocketAddr,
}

/// The same with the test profile, whose shell does what it is told.
pub(crate) struct Guest {
    machine: Machine,
    shell: BufReader<UnixStream>,
}

impl Deref for Guest {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl Guest {
    /// Powers it on with the card in `dir`, made of the image when there is none, and open to whoever asks; back when the service
    /// answers.
    pub(crate) fn boot(dir: &Path) -> Guest {
        let mut guest = Guest::start(dir, "card.qcow2", &["--profile", "tests/firmware/open"]);
        guest.wait_for_service();
        guest.run("mkdir -p /run/tools && mount -o ro /dev/disk/by-label/tools /run/tools");
        guest
    }

    /// Powers it on with this card in `dir`, as the image is but for `options` of tools/qemu.
    pub(crate) fn start(dir: &Path, card: &str, options: &[&str]) -> Guest {
        let folder = dir.to_string_lossy();
        let mut machine = Machine::start(dir, card, &[options, &["--test", &folder]].concat());
        let shell = within(PATIENCE, "QEMU's socket", || {
            assert!(
                machine.process.try_wait().expect("a child").is_none(),
                "tools/qemu ended; see above"
            );
            UnixStream::connect(dir.join("shell")).ok()
        });
        shell.set_read_timeout(Some(BOOT_MAX)).expect("a timeout");
        let shell = BufReader::new(shell);
        Guest { machine, shell }
    }

    /// What a command says to the guest's shell, as root; fails when the command does.
    pub(crate) fn run(&mut self, command: &str) -> String {
        writeln!(self.shell.get_mut(), "{command}").expect("the shell listens");
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let bytes = self.shell.read_line(&mut line).unwrap_or_else(|error| panic!("{command}: {error}"));
            assert!(bytes > 0, "{command}: the guest is gone");
            match line.trim_end().strip_prefix('=').and_then(|line| line.strip_suffix('=')) {
                Some("0") => return said.trim_end().to_owned(),
                Some(status) => panic!("{command}: status {status}: {said}"),
                None => said += &line,
            }
        }
    }

    /// Runs a part of a chapter; when it fails, what these units logged is printed, too.
    pub(crate) fn explained<T>(&mut self, units: &[&str], part: impl FnOnce(&mut Guest) -> T) -> T {
        panic::catch_unwind(AssertUnwindSafe(|| part(self))).unwrap_or_else(|failure| {
            let units: String = units.iter().map(|unit| format!(" --unit {unit}")).collect();
            println!("{}", self.run(&format!("journalctl --output short-monotonic --lines 100{units}")));
            panic::resume_unwind(failure)
        })
    }

    /// Sets one of the camera's controls.
    pub(crate) fn camera(&mut self, control: &str, value: i32) {
        self.run(&format!("/run/tools/vivid '{control}' {value}"));
    }

    /// Sets the level of the sensor's line.
    pub(crate) fn sensor(&mut self, active: bool) {
        let pull = if active { "pull-up" } else { "pull-down" };
        self.run(&format!(
            "echo {pull} | tee /sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio4/pull"
        ));
    }

    /// Cuts its power.
    pub(crate) fn cut(self) {
        drop(self.machine);
    }
}

impl Machine {
    /// Powers it on with this card in `dir`, made of the image when there is none.
    pub(crate) fn start(dir: &Path, card: &str, options: &[&str]) -> Machine {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = port.expect("a free port");
        let process = Command::new("tools/qemu")
            .args(["--port", &address.port().to_string(), "--card"])
            .arg(dir.join(card))
            .arg("--serial")
            .arg(dir.join("console.log"))
            .arg("--image")
            .arg(std::env::var_os("LOOKOUT_IMAGE").expect("tools/firmware names the image"))
            .args(options)
            .stdin(Stdio::null())
            .spawn()
            .expect("tools/qemu runs");
        Machine { process, address }
    }

    /// Back when the service answers.
    pub(crate) fn wait_for_service(&self) {
        let alive = || (self.get("/api/health/live")?.0 == 200).then_some(());
        within(BOOT_MAX, "the service", alive);
    }

    /// A GET: status, and body as JSON or null; `None` when nobody answers.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, Value)> {
        self.get_as("", path)
    }

    /// A GET by who shows this field of the header.
    pub(crate) fn get_as(&self, who: &str, path: &str) -> Option<(u16, Value)> {
        let (status, _, body) = self.ask("GET", path, who, b"", Duration::from_secs(10))?;
        Some((status, body))
    }

    /// A POST of `body`, with a field of the header that says what it is.
    pub(crate) fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let answer = self.ask("POST", path, kind, body, BOOT_MAX);
        let (status, _, body) = answer.unwrap_or_else(|| panic!("no answer to a POST to {path}"));
        (status, body)
    }

    /// Logs in; gives the field of the header that shows it, or the status of the refusal.
    pub(crate) fn log_in(&self, password: &str) -> Result<String, u16> {
        let login = serde_json::json!({ "password": password }).to_string();
        let answer = self.ask("POST", "/api/login", JSON, login.as_bytes(), BOOT_MAX);
        let (status, head, _) = answer.expect("an answer");
        let cookie = head.split("set-cookie: ").nth(1).and_then(|rest| rest.split(';').next());
        cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).ok_or(status)
    }

    /// Status, header and body.
    fn ask(&self, method: &str, path: &str, field: &str, body: &[u8], limit: Duration) -> Option<(u16, String, Value)> {
        let mut socket = TcpStream::connect(self.address).ok()?;
        socket.set_read_timeout(Some(limit)).ok()?;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{field}\r\n");
        socket.write_all(head.as_bytes()).ok()?;
        let _ = socket.write_all(body); // who refuses early does not read it all
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    /// Asserts that each of these events is there.
    pub(crate) fn has_events(&self, ids: &[u64]) {
        for id in ids {
            let (status, _) = self.get(&format!("/api/events/{id}")).expect("an answer");
            assert_eq!(status, 200, "event {id} was seen by a client and is gone");
        }
    }

    /// A client of the stream.
    pub(crate) fn connect(&self, path: &str) -> Stream {
        // A new connection each time: an answer that comes late would be taken for one to the next try.
        let connect = || {
            let socket = TcpStream::connect(self.address).expect("the service listens");
            socket.set_read_timeout(Some(UPGRADE_MAX)).expect("a timeout");
            let (stream, _) = client(format!("ws://localhost{path}"), socket).ok()?;
            stream
                .get_ref()
                .set_read_timeout(Some(Duration::from_millis(500)))
                .expect("a timeout");
            Some(Stream(stream))
        };
        within(PATIENCE, "an upgrade", connect)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client of the stream.
pub(crate) struct Stream(WebSocket<TcpStream>);

impl Stream {
    /// Tells the service something.
    pub(crate) fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("sent");
    }

    /// The next message, if one comes within half a second; fails when the service has hung up.
    pub(crate) fn poll(&mut self) -> Option<Value> {
        match self.0.read() {
            Ok(Message::Text(text)) => Some(serde_json::from_str(&text).expect("JSON")),
            Ok(_) => None,
            Err(Error::Io(error)) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => None,
            Err(error) => panic!("the stream ended: {error}"),
        }
    }

    /// The first message that `wanted` takes, within [`PATIENCE`].
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until_within(PATIENCE, what, wanted)
    }

    /// The first message that `wanted` takes, within `limit`.
    pub(crate) fn until_within(&mut self, limit: Duration, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = now() + limit;
        while now() < until {
            if let Some(message) = self.poll().filter(&wanted) {
                return message;
            }
        }
        panic!("waited in vain for {what}")
    }

    /// All that comes in `time`.
    pub(crate) fn during(&mut self, time: Duration) -> Vec<Value> {
        let until = now() + time;
        let mut messages = Vec::new();
        while now() < until {
            messages.extend(self.poll());
        }
        messages
    }
}
