//! The way of a network from a wish to a file that is kept, through the service's own API: who looks after it is the real one, with
//! a radio that exists in software alone and an address that is the loopback's.

mod common;

use std::fs;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use lookout::network::Keeper;
use lookout::network::Parts;
use lookout::network::Radio;
use lookout::network::RadioError;
use lookout::network::Seen;
use lookout::network::Sight;
use lookout::network::Wish;
use lookout::network::files;
use lookout::network::files::Files;
use lookout::network::machine::Times;
use lookout::network::wifi;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::common::service::Service;
use crate::common::service::request_with;
use crate::common::service::wait_for;
use crate::common::system_clock;

const PASSPHRASE: &str = "correct horse";

/// What is in the air, and what the radio does.
#[derive(Clone, Default)]
struct Air(Arc<Mutex<Now>>);

#[derive(Default)]
struct Now {
    folder: PathBuf,
    open: Option<String>,
    joined: Option<String>,
    gives_addresses: bool,
    starts: u32,
}

impl Air {
    fn with<T>(&self, look: impl FnOnce(&mut Now) -> T) -> T {
        look(&mut self.0.lock().expect("whole"))
    }
}

impl Radio for Air {
    async fn scan(&self) -> Result<Vec<Seen>, RadioError> {
        let network = |ssid: &str, secured| Seen {
            ssid: ssid.into(),
            signal_dbm: -50,
            secured,
        };
        Ok(vec![network("home", true), network("café", false)])
    }

    async fn open(&self, ssid: &str) -> Result<(), RadioError> {
        self.with(|now| (now.open, now.joined) = (Some(ssid.to_owned()), None));
        Ok(())
    }

    async fn is_open(&self) -> Result<bool, RadioError> {
        Ok(self.with(|now| now.open.is_some()))
    }

    async fn close(&self) -> Result<(), RadioError> {
        self.with(|now| now.open = None);
        Ok(())
    }

    async fn join(&self, ssid: &str, secured: bool) -> Result<(), RadioError> {
        self.close().await?;
        let seen = self.scan().await?;
        if !seen.iter().any(|seen| seen.ssid == ssid && seen.secured == secured) {
            return Err(RadioError::NotFound);
        }
        let known = read(&self.with(|now| now.folder.join(files::name(ssid, if secured { "x" } else { "" }))));
        if secured && !known.contains(&format!("Passphrase={PASSPHRASE}\n")) {
            return Err(RadioError::Refused("wrong".into()));
        }
        self.with(|now| now.joined = Some(ssid.to_owned()));
        Ok(())
    }

    async fn restart(&self) -> Result<(), RadioError> {
        self.with(|now| now.starts += 1);
        Ok(())
    }
}

impl Sight for Air {
    fn is_wired(&self) -> bool {
        false
    }

    fn address(&self) -> Option<IpAddr> {
        let has = self.with(|now| now.joined.is_some() && now.gives_addresses);
        has.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
}

/// A device: who looks after its network, and its service.
struct Device {
    dir: TempDir,
    air: Air,
    service: Service,
}

impl Device {
    fn new() -> Device {
        let dir = tempfile::tempdir().expect("a folder");
        let (folder, socket) = (dir.path().join("iwd"), dir.path().join("socket"));
        fs::create_dir_all(folder.join("ap")).expect("a folder");
        let (path, content) = files::access_point("lookout-1234", "a password");
        fs::write(folder.join(path), content).expect("written");
        // A trial that a power cut ended.
        fs::write(folder.join("old.psk"), "[Settings]\nAutoConnect=false\n").expect("written");
        let air = Air::default();
        air.with(|now| (now.folder, now.gives_addresses) = (folder.clone(), true));
        look_after(air.clone(), &folder, &socket);
        let config = dir.path().join("lookout.toml");
        fs::write(&config, format!("[network]\nsocket = {socket:?}\n")).expect("written");
        let service = Service::start(
            &dir.path().join("data"),
            &["--config", &config.to_string_lossy(), "--source", "scene"],
        );
        Device { dir, air, service }
    }

    fn report(&self) -> Option<Value> {
        let (status, report) = self.service.get("/api/network");
        (status == 200 && report["state"] != "off").then_some(report)
    }

    fn until(&self, state: &str) -> Value {
        wait_for(state, || self.report().filter(|report| report["state"] == state))
    }

    /// Until it is an access point again, and says why.
    fn until_back(&self, reason: &str) -> Value {
        let back = |report: &Value| report["state"] == "access_point" && report["failed"]["reason"] == reason;
        wait_for(reason, || self.report().filter(back))
    }

    fn wish(&self, wish: &Value) -> u16 {
        let body = wish.to_string();
        request_with(
            self.service.address,
            "PUT",
            "/api/network/wifi",
            "application/json",
            body.as_bytes(),
        )
        .0
    }

    /// Names of iwd's networks.
    fn networks(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join("iwd")).expect("a folder").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name != "ap" && name != "main.conf").collect();
        names.sort();
        names
    }
}

fn look_after(air: Air, folder: &Path, socket: &Path) {
    let (files, socket) = (Files::new(folder), socket.to_owned());
    let times = Times {
        wait: Duration::from_millis(100),
        address_max: Duration::from_secs(1),
        test_max: Duration::from_secs(2),
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let door = tokio::net::UnixListener::bind(socket).expect("a socket");
            let keeper = Keeper::new(Parts {
                radio: air.clone(),
                sight: air,
                files,
                times,
                clock: system_clock(),
            });
            keeper.run(door).await
        })
    });
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn a_network_is_kept_once_it_was_used_and_given_up_with_its_reason_before() {
    let device = Device::new();
    let report = device.until("access_point");
    assert_eq!(report["access_point"], "lookout-1234");
    assert_eq!(report["networks"][0], json!({ "ssid": "home", "signal_dbm": -50, "secured": true }));
    assert_eq!(device.air.with(|now| now.open.clone()).as_deref(), Some("lookout-1234"));
    assert!(device.networks().is_empty(), "what a power cut left is gone");

    assert_eq!(device.wish(&json!({ "ssid": "home", "passphrase": "wrong horse" })), 202);
    let back = device.until_back("refused");
    assert!(back["failed"]["message"].to_string().contains("passphrase"), "{back}");
    assert!(device.networks().is_empty(), "{:?}", device.networks());

    assert_eq!(device.wish(&json!({ "ssid": "hone", "passphrase": PASSPHRASE })), 202);
    device.until_back("not_found");
    device.air.with(|now| now.gives_addresses = false);
    assert_eq!(device.wish(&json!({ "ssid": "home", "passphrase": PASSPHRASE })), 202);
    device.until_back("no_address");
    assert!(device.networks().is_empty(), "{:?}", device.networks());
    device.air.with(|now| now.gives_addresses = true);

    // The first request over the network that is tried is the one that has it kept.
    let mut stream = device.service.connect("/ws");
    stream.send(r#"{"type":"subscribe","event_types":["announcement"]}"#);
    stream.next_of("subscription.confirmed");
    assert_eq!(
        device.wish(&json!({ "ssid": "home", "passphrase": PASSPHRASE, "country": "DE" })),
        202
    );
    let said = stream.next_of("announcement").to_string();
    assert!(said.contains("home is joined"), "{said}");
    assert_eq!(
        read(&device.dir.path().join("iwd/home.psk")).matches("AutoConnect=false").count(),
        1
    );
    let settled = device.until("settled");
    assert_eq!((&settled["ssid"], &settled["failed"]), (&json!("home"), &Value::Null));
    assert_eq!(
        read(&device.dir.path().join("iwd/home.psk")),
        format!("[Security]\nPassphrase={PASSPHRASE}\n")
    );
    assert_eq!(read(&device.dir.path().join("iwd/main.conf")), "[General]\nCountry=DE\n");
    assert_eq!(device.air.with(|now| now.starts), 1, "once, for the country");
}

#[test]
fn an_access_point_that_the_radio_has_forgotten_is_opened_again() {
    let device = Device::new();
    device.until("access_point");
    device.air.with(|now| now.open = None);
    wait_for("the access point", || device.air.with(|now| now.open.clone()));
}

#[test]
fn what_cannot_be_a_network_is_refused_and_so_is_a_second_one() {
    let device = Device::new();
    device.until("access_point");
    for wish in [
        json!({ "ssid": "", "passphrase": PASSPHRASE }),
        json!({ "ssid": "home", "passphrase": "short" }),
        json!({ "ssid": "home", "country": "Germany" }),
        json!({ "ssid": "home", "psk": PASSPHRASE }),
        json!({ "passphrase": PASSPHRASE }),
    ] {
        assert_eq!(device.wish(&wish), 400, "{wish}");
    }
    assert_eq!(device.wish(&json!({ "ssid": "nowhere" })), 202);
    wait_for("the trial", || (device.report()?["state"] == "joining").then_some(()));
    assert_eq!(device.wish(&json!({ "ssid": "home" })), 409);
}

#[test]
fn where_nobody_looks_after_the_network_there_is_none() {
    let dir = tempfile::tempdir().expect("a folder");
    let service = Service::start(dir.path(), &["--source", "scene"]);
    let (status, report) = service.get("/api/network");
    assert_eq!((status, &report["state"]), (200, &json!("off")));
    let body = json!({ "ssid": "home" }).to_string();
    let (status, _) = request_with(service.address, "PUT", "/api/network/wifi", "application/json", body.as_bytes());
    assert_eq!(status, 501);
}

#[test]
fn a_network_that_was_kept_before_is_there_again_after_a_trial_that_failed() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = Files::new(dir.path());
    let wish = |passphrase: &str| Wish {
        ssid: "home".into(),
        passphrase: passphrase.into(),
        country: None,
    };
    files.keep(&wish("the right one")).expect("written");
    let before = files.try_out(&wish("a wrong one")).expect("written");
    assert_eq!(files.known(), None);
    before.restore().expect("written");
    assert_eq!(files.known().as_deref(), Some("home"));
    assert_eq!(read(&dir.path().join("home.psk")), "[Security]\nPassphrase=the right one\n");
    files.sweep().expect("swept");
    assert_eq!(files.known().as_deref(), Some("home"), "what is kept is not swept away");
}

#[test]
fn names_are_told_from_files_and_files_from_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = Files::new(dir.path());
    for (ssid, file) in [("home", "home.psk"), ("Café 5", "=436166c3a92035.psk"), ("a.b", "=612e62.psk")] {
        let wish = Wish {
            ssid: ssid.into(),
            passphrase: PASSPHRASE.into(),
            country: None,
        };
        files.keep(&wish).expect("written");
        assert_eq!(files.known().as_deref(), Some(ssid));
        fs::remove_file(dir.path().join(file)).expect("it is called so");
    }
}

/// IEEE 802.11, annex J.4.2.
#[test]
fn a_passphrase_stands_for_the_key_of_the_standard() {
    let key = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e";
    assert_eq!(wifi::key("IEEE", "password"), key);
}
