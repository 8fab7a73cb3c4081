//! From camera to event: the whole service on the kernel's drivers, seen by a WebSocket client as anybody is.

use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use lookout::app::AppError;
use lookout::app::Service;
use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use lookout::clock::Timestamp;
use lookout::config::Config;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::WebSocket;
use tokio_tungstenite::tungstenite::client;

use crate::Check;
use crate::kernel::Chip;
use crate::kernel::camera;
use crate::kernel::plug;
use crate::kernel::set;
use crate::kernel::sim_missing;
use crate::kernel::unplug;
use crate::kernel::vivid_missing;

pub(crate) const CHECKS: &[Check] = crate::checks![drivers_missing:
    motion_and_pir_become_events_and_a_pulled_plug_a_state,
];

/// vivid's menu "OSD Text Mode": no text, which would move.
const NO_TEXT: i32 = 2;
/// vivid's menu "Horizontal Movement": none.
const STILL: i32 = 3;
/// vivid's menu "Horizontal Movement": fast, to the right.
const FAST: i32 = 6;
/// Longest wait for any word of the service: an emulated machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

fn drivers_missing() -> Option<&'static str> {
    vivid_missing().or_else(sim_missing)
}

/// The service, running in this process.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), AppError>>,
}

impl Running {
    fn start(config: &Config) -> Running {
        let service = Service::new(config, Arc::new(SystemClock::default())).expect("it starts");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let end = async {
            let _ = stopped.await;
        };
        let thread = std::thread::spawn(move || service.run(listener, end));
        Running { address, stop, thread }
    }

    fn stop(self) {
        self.stop.send(()).expect("it runs");
        self.thread.join().expect("no panic").expect("an orderly end");
    }
}

/// A client of the stream.
struct Client(WebSocket<TcpStream>);

impl Client {
    fn of(running: &Running) -> Client {
        let socket = TcpStream::connect(running.address).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client(
            client(format!("ws://{}/ws/events?since=0", running.address), socket)
                .expect("an upgrade")
                .0,
        )
    }

    /// The next message for which `wanted` holds.
    fn next(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let clock = SystemClock::default();
        let until: Mono = clock.now() + PATIENCE;
        while clock.now() < until {
            let Message::Text(text) = self.0.read().unwrap_or_else(|error| panic!("{what}: {error}")) else {
                continue;
            };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if wanted(&message) {
                return message;
            }
        }
        panic!("in vain: {what}");
    }

    fn camera_event(&mut self, kind: &str) -> Value {
        self.next(kind, |message| message["type"] == "camera_event" && message["event_type"] == kind)
    }
}

fn config(dir: &Path, node: &Path) -> Config {
    let text = format!(
        "[camera]\nsource = \"v4l2:{}\"\n[pir]\nsource = \"chip:pir-sim/PIR\"\nwarm_up_s = 0\n[store]\ndir = {:?}\n[clock]\ntrust = \"always\"\n",
        node.display(),
        dir.display().to_string()
    );
    Config::parse(&text, Path::new("lookout.toml")).expect("a good configuration")
}

fn at(message: &Value) -> i64 {
    Timestamp::parse(message["timestamp"].as_str().expect("text")).expect("a time").0
}

fn motion_and_pir_become_events_and_a_pulled_plug_a_state() {
    let (chip, node) = (Chip::plug("pir-sim"), camera());
    set("OSD Text Mode", NO_TEXT);
    set("Horizontal Movement", STILL);
    let dir = tempfile::tempdir().expect("a directory");
    let running = Running::start(&config(dir.path(), &node));
    let mut client = Client::of(&running);
    let event = |trigger: &'static str, phase: &'static str| {
        move |message: &Value| message["data"]["trigger"] == trigger && message["data"]["phase"] == phase
    };
    client.camera_event("opened");

    chip.pull(true);
    let first = client.next("an event", |message| message["type"] == "event");
    assert!(event("pir", "start")(&first), "a still picture made no event before it: {first}");
    chip.pull(false);
    client.next("its end", event("pir", "end"));

    set("Horizontal Movement", FAST);
    client.next("an event of motion", |message| {
        message["data"]["video"]["frames"].as_u64() > Some(0)
    });
    set("Horizontal Movement", STILL);
    client.next("its end", |message| message["data"]["phase"] == "end");

    unplug();
    client.camera_event("lost");
    assert_eq!(plug(), node);
    let back = SystemClock::default().wall().at.0;
    let restored = client.camera_event("restored");
    assert!(at(&restored) - back < 2000, "{} ms after its return", at(&restored) - back);
    running.stop();
}
