//! A device for tests: the real server on a free port, before a store in memory; and clients for it.
#![allow(dead_code, unreachable_pub, unused_imports)] // each test binary uses its part

mod patience;
mod sample;
mod stream;

pub use patience::until;
pub use sample::event;
pub use stream::Stream;
pub use stream::open_narrow;

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use lookout::clock::BootId;
use lookout::clock::SystemClock;
use lookout::clock::Timestamp;
use lookout::event::model::Event;
use lookout::hub::Hub;
use lookout::hub::Message;
use lookout::identity::Accounts;
use lookout::media::Desk;
use lookout::pipeline::Controls;
use lookout::records::RecordQueue;
use lookout::status::CameraState;
use lookout::status::Status;
use lookout::store::EventPage;
use lookout::store::EventQuery;
use lookout::store::Figures;
use lookout::store::Page;
use lookout::store::StoreError;
use lookout::web;
use lookout::web::Counters;
use lookout::web::EventStore;
use lookout::web::Identity;
use lookout::web::Services;
use lookout::web::Settings;
use lookout::wire;
use lookout::wire::Facts;
use lookout::wire::Names;
use lookout::wire::Topic;
use lookout::wire::server::EventMessage;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Nothing in these tests takes that long, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Shelf {
    messages: Vec<(u64, Bytes)>,
    events: Vec<Event>,
    newest: u64,
    fault: Option<String>,
    delay: Duration,
}

/// A store in memory that can be made to forget, to fail and to be slow.
#[derive(Default)]
pub struct MemoryStore(Mutex<Shelf>);

impl MemoryStore {
    pub fn forget_before(&self, seq: u64) {
        self.0.lock().unwrap().messages.retain(|(other, _)| *other >= seq);
    }
    pub fn fail(&self, why: &str) {
        self.0.lock().unwrap().fault = Some(why.into());
    }
    pub fn be_slow(&self, delay: Duration) {
        self.0.lock().unwrap().delay = delay;
    }
    pub fn newest(&self) -> u64 {
        self.0.lock().unwrap().newest
    }
    fn read<T>(&self, read: impl FnOnce(&Shelf) -> T) -> Result<T, StoreError> {
        let delay = self.0.lock().unwrap().delay;
        std::thread::sleep(delay); // simulates a slow card
        let shelf = self.0.lock().unwrap();
        match &shelf.fault {
            Some(why) => Err(StoreError::Io {
                file: "shelf".into(),
                source: std::io::Error::other(why.clone()),
            }),
            None => Ok(read(&shelf)),
        }
    }
}

impl EventStore for MemoryStore {
    fn messages_after(&self, seq: u64, messages_max: usize, bytes_max: usize) -> Result<Page, StoreError> {
        self.read(|shelf| {
            let mut bytes = 0;
            let later = shelf.messages.iter().filter(|(other, _)| *other > seq).take(messages_max);
            let fits = |(n, (_, text)): &(usize, &(u64, Bytes))| {
                bytes += text.len();
                *n == 0 || bytes <= bytes_max
            };
            Page {
                messages: later.enumerate().take_while(fits).map(|(_, message)| copied(message)).collect(),
                oldest_available: shelf.messages.first().map_or(0, |(oldest, _)| *oldest),
                newest: shelf.newest,
            }
        })
    }
    fn event(&self, id: u64) -> Result<Option<Event>, StoreError> {
        self.read(|shelf| shelf.events.iter().find(|event| event.id == id).cloned())
    }
    fn events(&self, query: &EventQuery) -> Result<EventPage, StoreError> {
        self.read(|shelf| {
            let within =
                |event: &&Event| query.since.is_none_or(|since| event.id > since) && query.before.is_none_or(|before| event.id < before);
            let mut events: Vec<Event> = shelf.events.iter().filter(within).cloned().collect();
            if query.since.is_none() || query.before.is_some() {
                events.reverse();
            }
            let more = events.len() > query.limit;
            events.truncate(query.limit);
            let next = events.last().filter(|_| more).map(|last| last.id);
            EventPage { events, next }
        })
    }
    fn figures(&self) -> Result<Figures, StoreError> {
        self.read(|shelf| Figures {
            events: shelf.events.len() as u64,
            ..Figures::default()
        })
    }
    fn store_id(&self) -> String {
        "memory".into()
    }
}

/// A running server and what stands behind it.
pub struct Device {
    pub address: SocketAddr,
    pub hub: Arc<Hub>,
    pub store: Arc<MemoryStore>,
    pub status: Arc<Status>,
    pub controls: Arc<Controls>,
    pub counters: Arc<Counters>,
    pub records: Arc<RecordQueue>,
    pub accounts: Arc<Accounts>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    /// A healthy device with an empty store.
    pub fn start(settings: Settings) -> Device {
        Device::with_history(settings, 0)
    }

    /// A healthy device that made `events` events before it was last started.
    pub fn with_history(settings: Settings, events: u64) -> Device {
        Device::with_accounts(settings, events, Accounts::in_memory(Arc::new(SystemClock::default())).unwrap())
    }

    /// One that knows these accounts.
    pub fn with_accounts(settings: Settings, events: u64, accounts: Accounts) -> Device {
        let store = Arc::new(MemoryStore::default());
        for _ in 0..events {
            keep_event(&store);
        }
        Device::over(settings, store, accounts)
    }

    /// A healthy device that was last started on this store, or another such.
    pub fn on_store(settings: Settings, store: Arc<MemoryStore>) -> Device {
        Device::over(settings, store, Accounts::in_memory(Arc::new(SystemClock::default())).unwrap())
    }

    fn over(settings: Settings, store: Arc<MemoryStore>, accounts: Accounts) -> Device {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (stop, stopped) = oneshot::channel();
        let mut device = Device {
            address: listener.local_addr().unwrap(),
            hub: Arc::new(Hub::new(store.newest())),
            store,
            status: Arc::default(),
            controls: Arc::default(),
            counters: Arc::default(),
            records: Arc::default(),
            accounts: Arc::new(accounts),
            stop: Some(stop),
            thread: None,
        };
        device.status.recorder().writable = true;
        device.status.rename(names());
        device.status.pipeline().camera = CameraState::Live;
        let services = device.services(settings);
        device.thread = Some(std::thread::spawn(move || {
            let shutdown = async { stopped.await.unwrap_or_default() };
            web::runtime().unwrap().block_on(web::serve(listener, services, shutdown)).unwrap();
        }));
        device
    }

    pub fn services(&self, settings: Settings) -> Services {
        Services {
            settings,
            identity: Identity {
                camera_id: "porch".try_into().unwrap(),
                boot_id: BootId::NIL,
            },
            hub: self.hub.clone(),
            store: self.store.clone(),
            status: self.status.clone(),
            controls: self.controls.clone(),
            desk: Arc::new(Desk::new(&Default::default(), Path::new("nowhere"))),
            clock: Arc::new(SystemClock::default()),
            memory: None,
            counters: self.counters.clone(),
            board: None,
            records: self.records.clone(),
            about: Arc::default(),
            tuner: None,
            accounts: self.accounts.clone(),
            tls: None,
            updater: None,
            network: None,
        }
    }

    /// An event happens: kept first, told then. Its sequence number.
    pub fn publish(&self) -> u64 {
        let seq = self.hub.newest_seq() + 1;
        self.publish_event(event(seq));
        seq
    }

    /// This event happens.
    pub fn publish_event(&self, event: Event) {
        self.announce(self.keep(event));
    }

    /// This event is kept, and not told yet.
    pub fn keep(&self, event: Event) -> Message {
        let facts = Facts {
            camera: Some(0),
            zones: Some(names().known_zones(&event.zones)),
            score: Some(event.score),
        };
        let (seq, text) = keep(&self.store, event);
        Message {
            seq: Some(seq),
            topic: Topic::Event,
            text,
            facts,
        }
    }

    /// What was kept is told.
    pub fn announce(&self, message: Message) {
        self.hub.publish(message).unwrap();
    }

    /// Tells the server to stop; it does so in its own time.
    pub fn ask_to_stop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }

    /// Opens `path` as a WebSocket.
    pub async fn open(&self, path: &str) -> Stream {
        self.try_open(path, &[]).await.expect("a WebSocket")
    }

    /// Opens `path` as a WebSocket, with header fields of one's own.
    pub async fn try_open(&self, path: &str, fields: &[(&'static str, &str)]) -> Result<Stream, tungstenite::Error> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request()?;
        for (name, value) in fields {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = tokio::net::TcpStream::connect(self.address).await?;
        client_async(request, stream).await.map(|(stream, _)| Stream(stream))
    }

    /// Sends `bytes` and gives all that comes back until the server hangs up.
    pub fn exchange(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(&self.exchange_bytes(bytes)).into_owned()
    }

    /// The same, where what comes back is not text.
    pub fn exchange_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(bytes); // it may be refused half-way
        let mut answer = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => answer.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("the server hangs: {}", String::from_utf8_lossy(&answer))
                }
                Err(_) => break,
            }
        }
        answer
    }

    /// One request; its status and body.
    pub fn request(&self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let answer = self.exchange(
            format!(
                "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}",
                self.address
            )
            .as_bytes(),
        );
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer to {method} {target}: {answer:?}"));
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    pub fn get(&self, target: &str) -> (u16, Value) {
        self.request("GET", target, "")
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.ask_to_stop();
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().expect("the server does not panic");
            assert_eq!(self.counters.now().panicked, 0, "nor do its connections");
        }
    }
}

/// As a store on a disk gives it: in memory of its own.
fn copied((seq, text): &(u64, Bytes)) -> (u64, Bytes) {
    (*seq, Bytes::copy_from_slice(text))
}

fn keep_event(store: &MemoryStore) -> (u64, wire::Text) {
    let seq = store.0.lock().unwrap().newest + 1;
    keep(store, event(seq))
}

fn keep(store: &MemoryStore, event: Event) -> (u64, wire::Text) {
    let mut shelf = store.0.lock().unwrap();
    let seq = shelf.newest + 1;
    let text = wire::encode(Timestamp(0), &EventMessage { seq, data: &event });
    shelf.newest = seq;
    shelf.messages.push((seq, text.clone().into()));
    shelf.events.push(event);
    (seq, text)
}

/// The names of this device.
pub fn names() -> Names {
    Names {
        cameras: ["porch".try_into().unwrap()].into_iter().collect(),
        zones: ["drive", "lawn", "gate"].map(|name| name.try_into().unwrap()).into_iter().collect(),
    }
}
