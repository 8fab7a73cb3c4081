//! The real binary before others: it wants an owner first, speaks TLS, and knows its browsers after a restart.

#[path = "common/machine.rs"]
mod machine;

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::SystemClock;
use lookout::limits::TLS_BUFFER_BYTES;
use lookout::limits::TLS_STATE_BYTES;
use lookout::web;
use lookout::web::Settings;
use lookout::web::TlsMode;
use serde_json::Value;
use tokio_rustls::rustls;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::ClientConnection;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::StreamOwned;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse";

/// A running service with a configuration of its own; killed when dropped.
struct Service {
    child: Child,
    address: SocketAddr,
    redirect: Option<SocketAddr>,
    fingerprint: Option<String>,
    client: Arc<ClientConfig>,
}

fn lookout(dir: &Path, command: &str, web: &str) -> Command {
    let file = dir.join("lookout.toml");
    let data = dir.join("data");
    let text = format!(
        "[camera]\nsource = \"scene:seed=3\"\nwidth = 320\nheight = 240\n[store]\ndir = {data:?}\n[web]\nlisten = \"127.0.0.1:0\"\n{web}\n"
    );
    fs::write(&file, text).expect("written");
    let mut lookout = machine::lookout();
    lookout.args([command, "--log", "warn", "--config"]).arg(file);
    lookout
}

fn claim(dir: &Path, password: &str) -> bool {
    let mut child = lookout(dir, "claim", "").stdin(Stdio::piped()).spawn().expect("the binary starts");
    writeln!(child.stdin.take().expect("piped"), "{password}").expect("written");
    child.wait().expect("gone").success()
}

impl Service {
    fn start(dir: &Path, web: &str) -> Service {
        let mut child = lookout(dir, "run", web).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            Some(
                line.split_once("dashboard")?
                    .1
                    .split_once("://")?
                    .1
                    .trim_end_matches('/')
                    .to_owned(),
            )
        });
        lines.next(); // the stream
        let fingerprint = web.contains("tls").then(|| lines.next()).flatten();
        let redirect = web.contains("redirect").then(|| lines.next()).flatten();
        let redirect = redirect.and_then(|line| line.strip_prefix("sent on from http://")?.trim_end_matches('/').parse().ok());
        Service {
            child,
            address: address.expect("the address is printed").parse().expect("an address"),
            redirect,
            fingerprint: fingerprint.and_then(|line| line.strip_prefix("certificate ").map(str::to_owned)),
            client: Arc::new(client(dir)),
        }
    }

    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let socket = TcpStream::connect(self.address).expect("the service listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let name = "localhost".try_into().expect("a name");
        StreamOwned::new(ClientConnection::new(self.client.clone(), name).expect("a client"), socket)
    }

    /// Status, head and body of the answer.
    fn ask(&self, method: &str, path: &str, fields: &str, body: &str) -> (u16, String, Value) {
        let mut stream = self.connect();
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}");
        stream.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, and its end");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (
            head[9..12].parse().expect("a status"),
            head.to_owned(),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }

    fn stream(&self, fields: &str) -> StreamOwned<ClientConnection, TcpStream> {
        let mut stream = self.connect();
        let request = format!(
            "GET /ws/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
        );
        stream.write_all(request.as_bytes()).expect("written");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 101");
        stream
    }

    fn memory(&self, fields: &str) -> (i64, i64) {
        let (_, _, health) = self.ask("GET", "/api/health", fields, "");
        let bytes = |name: &str| health["memory"][name].as_i64().expect("a figure");
        (bytes("used_bytes"), bytes("peak_bytes"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that trusts the device's certificate and no other.
fn client(dir: &Path) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    if let Ok(certificate) = CertificateDer::from_pem_file(dir.join("data/tls-certificate.pem")) {
        roots.add(certificate).expect("a certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    versions.expect("versions").with_root_certificates(roots).with_no_client_auth()
}

fn cookie(head: &str) -> String {
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    format!("Cookie: {}\r\n", cookie.split(';').next().unwrap_or_default())
}

#[test]
fn a_device_without_an_owner_is_not_served_to_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let refused = lookout(dir.path(), "run", "auth = \"password\"").output().expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("lookout claim"));
    assert!(!claim(dir.path(), "short"));
    assert!(claim(dir.path(), PASSWORD));
    assert!(!claim(dir.path(), "another one"), "it has an owner");
    fs::write(dir.path().join("data/identity.json"), "{").expect("written");
    let refused = lookout(dir.path(), "run", "auth = \"password\"").output().expect("it runs");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("identity.json: damaged"));
}

#[test]
fn the_certificate_and_the_sessions_are_the_same_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let password = dir.path().join("claim.txt");
    fs::write(&password, format!("{PASSWORD}\n")).expect("written");
    let web = format!("auth = \"password\"\ntls = \"self_signed\"\nclaim_password_file = {password:?}\nheader_ms = 1000");
    let service = Service::start(dir.path(), &web);
    assert!(!password.exists());
    let (fingerprint, key) = (service.fingerprint.clone(), dir.path().join("data/tls-key.pem"));
    assert!(
        fingerprint.as_ref().is_some_and(|print| print.len() == 32 * 3 - 1),
        "{fingerprint:?}"
    );
    assert_eq!(fs::metadata(&key).expect("the key").permissions().mode() & 0o777, 0o600);
    let body = serde_json::json!({ "password": PASSWORD }).to_string();
    let (status, head, _) = service.ask("POST", "/api/login", "", &body);
    assert_eq!(status, 200);
    let cookie = cookie(&head);
    service.stream(&format!("{cookie}Origin: https://localhost\r\n"));

    // One who speaks no TLS, or does not get on with it, is gone in time; others do not notice.
    let mut plain = TcpStream::connect(service.address).expect("a connection");
    plain.write_all(b"\0GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("written");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
    let mut silent = TcpStream::connect(service.address).expect("a connection");
    silent.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert_eq!(service.ask("GET", "/api/session", &cookie, "").0, 200);
    let clock = SystemClock::default();
    let began = clock.now();
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0);
    assert!(clock.now().since(began) < Duration::from_secs(10));
    drop(service);

    let service = Service::start(dir.path(), &web);
    assert_eq!(service.fingerprint, fingerprint);
    assert_eq!(service.ask("GET", "/api/session", &cookie, "").0, 200);
    assert_eq!(service.ask("GET", "/api/session", "", "").0, 401);
}

#[test]
fn whoever_comes_without_tls_is_sent_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let web = "tls = \"self_signed\"\nredirect = \"127.0.0.1:0\"\nheader_ms = 1000";
    let service = Service::start(dir.path(), web);
    let redirect = service.redirect.expect("its address is printed");
    let ask = |to: SocketAddr, request: &str| {
        let mut plain = TcpStream::connect(to).expect("a connection");
        plain.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        plain.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        plain.read_to_string(&mut answer).expect("an answer, and its end");
        answer
    };
    let port = service.address.port();
    for from in [redirect, service.address] {
        let answer = ask(from, "GET /events?x=1 HTTP/1.1\r\nHost: camera.local:8000\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
        let location = format!("\r\nlocation: https://camera.local:{port}/events?x=1\r\n");
        assert!(answer.contains(&location), "{answer}");
        let v6 = ask(from, "POST /api/login HTTP/1.1\r\nHost: [fe80::1]\r\nContent-Length: 0\r\n\r\n");
        assert!(
            v6.contains(&format!("\r\nlocation: https://[fe80::1]:{port}/api/login\r\n")),
            "{v6}"
        );
        let nowhere = ask(from, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
        assert!(nowhere.starts_with("HTTP/1.1 400 "), "{nowhere}");
        // One that never ends its request has the time of any other, and is gone.
        let late = ask(from, "GET / HTTP/1.1\r\nHost: camera");
        assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
    }
    let (_, _, health) = service.ask("GET", "/api/health/websocket", "", "");
    assert_eq!(health["clients"]["redirected"], 8, "{health}");

    let off = lookout(dir.path(), "check", "redirect = \"127.0.0.1:80\"")
        .output()
        .expect("it runs");
    assert_eq!(off.status.code(), Some(2));
    let said = String::from_utf8_lossy(&off.stderr);
    assert!(said.contains("web.redirect") && said.contains("web.tls"), "{said}");
}

#[test]
fn an_idle_connection_by_tls_is_closed_as_tls_wants_it_and_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(Service::start(dir.path(), "tls = \"self_signed\"")); // once, for the certificate
    let service = Service::start(dir.path(), "tls = \"self_signed\"\nheader_ms = 60000\nidle_ms = 1000");
    let mut idle = service.connect();
    idle.write_all(b"GET /api/armed HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("written");
    let mut answer = String::new();
    idle.read_to_string(&mut answer).expect("an end that is announced");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with('}'), "{answer}");
    let (_, _, streams) = service.ask("GET", "/api/health/websocket", "", "");
    let counted = |name: &str| streams["clients"][name].as_u64();
    assert_eq!((counted("idle"), counted("slow_headers")), (Some(1), Some(0)), "{streams}");
}

#[test]
fn a_client_by_tls_costs_no_more_than_promised() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = Settings::default();
    // Once, for the certificate.
    drop(Service::start(dir.path(), "tls = \"self_signed\""));
    let measure = |settings: &Settings| {
        let service = Service::start(dir.path(), "tls = \"self_signed\"");
        service.stream("");
        let (before, _) = service.memory("");
        let clients = settings.clients_max - 2;
        let streams: Vec<_> = (0..clients).map(|_| service.stream("")).collect();
        let (used, peak) = service.memory("");
        drop(streams);
        ((used - before) / clients as i64, (peak - before) / clients as i64)
    };
    let (idle, peak) = measure(&settings);
    let mut promised = settings.clone();
    promised.tls.mode = TlsMode::SelfSigned;
    let promised = web::footprint_per_client(&promised) as i64;
    println!(
        "a client by TLS: {idle} bytes idle, {peak} at the peak; promised {promised}, of it for TLS {}",
        TLS_STATE_BYTES + 2 * TLS_BUFFER_BYTES
    );
    assert!(idle <= promised && peak <= promised);
    assert!(idle > 1024, "nothing was measured");
}

#[test]
fn the_service_reaches_itself_and_no_one_in_its_place() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let service = Service::start(dir.path(), "tls = \"self_signed\"");
    let settings = web::TlsSettings {
        mode: TlsMode::SelfSigned,
        ..web::TlsSettings::default()
    };
    let open = |folder: &Path| web::Tls::open(&settings, folder, &[]).expect("a certificate").expect("TLS");
    let (own, strange) = (open(&dir.path().join("data")), open(other.path()));
    let runtime = web::runtime().unwrap();
    let ask = |tls: Option<&web::Tls>| runtime.block_on(web::answers(service.address, tls));
    ask(Some(&own)).expect("an answer");
    assert!(ask(Some(&strange)).is_err(), "another certificate");
    assert!(ask(None).is_err(), "no TLS");
    drop(service);
}

#[test]
fn the_certificate_is_told_as_a_browser_shows_it() {
    let dir = tempfile::tempdir().expect("a folder");
    assert!(claim(dir.path(), PASSWORD));
    Service::start(dir.path(), "auth = \"password\"\ntls = \"self_signed\""); // makes the certificate
    let service = Service::start(dir.path(), "auth = \"password\"\ntls = \"self_signed\"");
    let (_, head, _) = service.ask("POST", "/api/login", "", &format!("{{\"password\":\"{PASSWORD}\"}}"));
    assert_eq!(service.ask("GET", "/api/certificate", "", "").0, 401);
    let (status, _, answer) = service.ask("GET", "/api/certificate", &cookie(&head), "");
    let shown = &answer["certificate"];
    assert_eq!(status, 200);
    assert_eq!(shown["fingerprint"].as_str(), service.fingerprint.as_deref());
    let names = shown["names"].as_array().expect("names");
    assert!(
        names.contains(&"localhost".into()) && names.contains(&"127.0.0.1".into()) && names.contains(&"::1".into()),
        "{names:?}"
    );
}

#[test]
fn names_and_dates_of_a_certificate_are_those_it_was_made_with() {
    let mut params = rcgen::CertificateParams::new(["porch.local".to_owned(), "192.168.7.9".to_owned()]).expect("names");
    let key = rcgen::KeyPair::generate().expect("a key");
    for (from, until, dates) in [
        (
            (1975, 1, 1),
            (2049, 12, 31),
            ["1975-01-01T00:00:00.000Z", "2049-12-31T00:00:00.000Z"],
        ),
        (
            (2026, 2, 28),
            (2050, 1, 1),
            ["2026-02-28T00:00:00.000Z", "2050-01-01T00:00:00.000Z"],
        ),
    ] {
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        let der = params.self_signed(&key).expect("a certificate").der().to_vec();
        let shown = web::Certificate::read(&der);
        assert_eq!(shown.names, ["porch.local", "192.168.7.9"]);
        assert_eq!([shown.not_before, shown.not_after].map(|at| at.expect("a date").to_string()), dates);
        for end in 0..der.len() {
            let cut = web::Certificate::read(&der[..end]); // whatever is left of it is no reason to fail
            assert_eq!(cut.not_after, None, "{end}");
        }
        for place in 0..der.len() {
            let mut damaged = der.clone();
            damaged[place] ^= 0xff;
            web::Certificate::read(&damaged);
        }
    }
}
