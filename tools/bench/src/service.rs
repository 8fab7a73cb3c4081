//! The release binary as a process of its own, with a configuration and a data directory that go with it.

use std::fs;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::SystemClock;
use lookout::config::Config;
use serde_json::Value;

/// Longest time that an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Keys that bound how many may come from one place: a benchmark is one place.
const ADMISSION: [&str; 3] = ["clients_max", "clients_per_address_max", "user_connections_max"];
/// Keys that bound how fast they may come.
const RATES: [&str; 3] = ["connect_rate", "connect_rate_total", "client_message_rate"];

/// A running service; killed when dropped, and its directory removed.
pub(crate) struct Service {
    child: Child,
    dir: PathBuf,
    pub(crate) address: SocketAddr,
}

/// A configuration for `clients` clients from one address, with `more` lines, the first of them in `[web]`.
pub(crate) fn configuration(clients: usize, more: &str) -> String {
    let lines = |keys: &[&str], value: usize| -> String { keys.iter().map(|key| format!("{key} = {value}\n")).collect() };
    format!("[web]\n{}{}{more}", lines(&ADMISSION, clients), lines(&RATES, 60_000))
}

impl Service {
    /// Starts the binary beside this one with the configuration `text`; back when it listens.
    pub(crate) fn start(text: &str) -> io::Result<Service> {
        let dir = std::env::temp_dir().join(format!("lookout-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir); // of an earlier run
        fs::create_dir_all(&dir)?;
        let config = dir.join("lookout.toml");
        fs::write(&config, text)?;
        let binary = std::env::current_exe()?.with_file_name("lookout");
        let mut child = Command::new(binary)
            .args(["run", "--listen", "127.0.0.1:0", "--log", "error", "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(dir.join("data"))
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
        let address = lines.find_map(|line| line.ok()?.strip_prefix("dashboard   http://")?.trim_end_matches('/').parse().ok());
        let address = address.ok_or_else(|| io::Error::other("the service did not start; its reason stands above"))?;
        Ok(Service { child, dir, address })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub(crate) fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// A request without a body; status and body as JSON (null when it is none).
    pub(crate) fn request(&self, method: &str, path: &str) -> io::Result<(u16, Value)> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let host = self.address;
        write!(
            socket,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let status = status.ok_or_else(|| io::Error::other("no status in the answer"))?;
        Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    /// What `GET /api/health` says; null if nothing.
    pub(crate) fn health(&self) -> Value {
        self.request("GET", "/api/health").map_or(Value::Null, |(_, health)| health)
    }

    /// Waits until `/api/health` is as `wanted`; whether it came to that.
    pub(crate) fn comes_to(&self, patience: Duration, mut wanted: impl FnMut(&Value) -> bool) -> bool {
        let clock = SystemClock::default();
        let until = clock.now() + patience;
        while !wanted(&self.health()) {
            if clock.now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        true
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The same text as `lookout check` reads it, for the ledger.
pub(crate) fn parsed(text: &str) -> Config {
    Config::parse(text, Path::new("bench.toml")).expect("a configuration that is allowed")
}
