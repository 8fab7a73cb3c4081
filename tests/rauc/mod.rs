//! RAUC itself on a bus of its own, with two files as slots, keys made for the test, and a listener in logind's place.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part

use std::fs;
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
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::service::PATIENCE;

/// What the boot loader would keep; RAUC asks and tells it by this script.
const BOOT_LOADER: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
case $1 in
get-primary) cat primary 2>/dev/null || echo A ;;
set-primary) echo "$2" >primary ;;
get-state) cat "state.$2" 2>/dev/null || echo good ;;
set-state) echo "$3" >"state.$2" ;;
esac
"#;

/// A program that is killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A device with RAUC.
pub struct Device {
    dir: TempDir,
    address: String,
    reboots: Arc<AtomicUsize>,
    rauc: Option<Running>,
    _bus: Running,
}

/// What is put into a bundle.
pub struct Recipe<'a> {
    pub compatible: &'a str,
    pub version: &'a str,
    pub image: &'a [u8],
    /// Whose key signs it.
    pub signer: &'a str,
}

impl Device {
    /// A device of two slots, which runs the one called `booted`.
    pub fn new(booted: &str) -> Device {
        let dir = tempfile::tempdir().expect("a folder");
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon runs (package dbus)");
        let mut line = String::new();
        let mut told = BufReader::new(bus.stdout.take().expect("piped"));
        told.read_line(&mut line).expect("an address");
        let mut device = Device {
            dir,
            address: line.trim().to_owned(),
            reboots: Arc::default(),
            rauc: None,
            _bus: Running(bus),
        };
        device.lay_out();
        device.listen_for_reboots();
        device.boot(booted);
        device
    }

    /// Starts the system in slot `booted`: RAUC anew, which says so.
    pub fn boot(&mut self, booted: &str) {
        self.rauc = None;
        let log = fs::File::create(self.path("rauc.log")).expect("a log");
        let rauc = Command::new("rauc")
            .arg(format!("--conf={}", self.path("system.conf").display()))
            .arg(format!("--override-boot-slot={booted}"))
            .arg("service")
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.address)
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("rauc runs (packages rauc, rauc-service)");
        self.rauc = Some(Running(rauc));
    }

    /// What programs on this device find in their environment.
    pub fn environment(&self) -> [(&str, &str); 1] {
        [("DBUS_SYSTEM_BUS_ADDRESS", &self.address)]
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What stands in the file, without the line's end; empty when there is none.
    pub fn word(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default().trim().to_owned()
    }

    /// How often a restart of the machine was asked for.
    pub fn reboots(&self) -> usize {
        self.reboots.load(Ordering::SeqCst)
    }

    /// A configuration of the service for this device.
    pub fn configuration(&self, more: &str) -> PathBuf {
        let file = self.path("lookout.toml");
        fs::write(
            &file,
            format!("[update]\ninstaller = \"rauc\"\nselftest_max_s = 5\nreserve = \"1MiB\"\n{more}\n[memory]\nbudget = \"18MiB\"\n"),
        )
        .expect("written");
        file
    }

    /// Makes a bundle.
    pub fn bundle(&self, recipe: &Recipe<'_>) -> Vec<u8> {
        let (input, bundle) = (tempfile::tempdir_in(self.dir.path()).expect("a folder"), self.path("made.raucb"));
        let manifest = format!(
            "[update]\ncompatible={}\nversion={}\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=root.img\n",
            recipe.compatible, recipe.version
        );
        fs::write(input.path().join("manifest.raucm"), manifest).expect("written");
        fs::write(input.path().join("root.img"), recipe.image).expect("written");
        let _ = fs::remove_file(&bundle);
        self.run(
            "rauc",
            &[
                "--cert",
                &format!("{}.pem", recipe.signer),
                "--key",
                &format!("{}.key", recipe.signer),
                "bundle",
                &input.path().to_string_lossy(),
                "made.raucb",
            ],
        );
        fs::read(&bundle).expect("a bundle")
    }

    fn lay_out(&self) {
        for who in ["owner", "stranger"] {
            let (key, certificate) = (format!("{who}.key"), format!("{who}.pem"));
            let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
            let names = ["-subj", "/CN=test", "-keyout", &key, "-out", &certificate];
            self.run("openssl", &[&["req", "-x509"], &curve[..], &names[..]].concat());
        }
        for slot in ["a.img", "b.img"] {
            fs::write(self.path(slot), vec![0; 1 << 20]).expect("written");
        }
        fs::create_dir(self.path("mount")).expect("a folder");
        fs::write(self.path("boot"), BOOT_LOADER).expect("written");
        self.run("chmod", &["+x", "boot"]);
        let here = self.dir.path().display();
        let slot = |n: u8, file: &str, name: &str| format!("[slot.rootfs.{n}]\ndevice={here}/{file}\ntype=raw\nbootname={name}\n");
        let conf = format!(
            "[system]\ncompatible=lookout-rpi\nbootloader=custom\nmountprefix={here}/mount\nstatusfile={here}/status\n\
             bundle-formats=plain verity\n[handlers]\nbootloader-custom-backend={here}/boot\n[keyring]\npath={here}/owner.pem\n{}{}",
            slot(0, "a.img", "A"),
            slot(1, "b.img", "B")
        );
        fs::write(self.path("system.conf"), conf).expect("written");
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = Command::new(program).args(arguments).current_dir(self.dir.path()).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Takes logind's name on the bus and counts what is asked of it; ends with the bus.
    fn listen_for_reboots(&self) {
        let (address, reboots) = (self.address.clone(), self.reboots.clone());
        let (ready, is_ready) = std::sync::mpsc::channel();
        let listen = async move {
            let bus = zbus::connection::Builder::address(address.as_str()).build().await.expect("the bus");
            let mut messages = zbus::MessageStream::from(&bus);
            bus.request_name("org.freedesktop.login1").await.expect("the name");
            ready.send(()).expect("awaited");
            while let Some(Ok(message)) = messages.next().await {
                let header = message.header();
                if header.member().is_some_and(|member| member.as_str() == "Reboot") {
                    reboots.fetch_add(1, Ordering::SeqCst);
                    let _ = bus.reply(&header, &()).await;
                }
            }
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(listen);
        });
        is_ready.recv_timeout(PATIENCE).expect("logind's place is taken");
    }
}

/// A POST of `body`; status and JSON. A server that refuses early may not read all of it.
pub fn post(address: SocketAddr, path: &str, kind: &str, length: u64, body: &[u8]) -> (u16, Value) {
    let mut socket = TcpStream::connect(address).expect("the service listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    socket.write_all(head.as_bytes()).expect("written");
    let _ = socket.write_all(body);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no answer to {path}: {answer:?}"));
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Whether this machine lets RAUC mount a bundle: it needs root and loop devices.
pub fn can_mount() -> bool {
    // SAFETY: it takes nothing and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    let able = root && Path::new("/dev/loop-control").exists();
    if !able {
        eprintln!("nothing is installed here: RAUC mounts bundles, which takes root and loop devices");
    }
    able
}
