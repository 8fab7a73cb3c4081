//! What is compared: a bare loop of writes, and the server as it ships.

use lookout::clock::BootId;
use lookout::clock::SystemClock;
use lookout::event::model::Event;
use lookout::hub::Hub;
use lookout::hub::Message;
use lookout::identity::Accounts;
use lookout::media::Desk;
use lookout::store::EventPage;
use lookout::store::EventQuery;
use lookout::store::Figures;
use lookout::store::Page;
use lookout::store::StoreError;
use lookout::web;
use lookout::web::EventStore;
use lookout::web::Identity;
use lookout::web::Services;
use lookout::web::Settings;
use lookout::wire::Topic;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

use crate::process::this_thread;
use crate::process::thread_cpu_ns;

/// How a client asks for a stream.
pub(crate) const HELLO: &str = "GET /ws/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// How a browser asks for it: it always offers to take compressed messages. Lookout takes no such offer, as compressing costs memory and time for each client.
pub(crate) const HELLO_OF_BROWSER: &str = "GET /ws/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
     Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// What tells its clients.
pub(super) trait Server {
    fn address(&self) -> SocketAddr;
    /// What a client sends first.
    fn hello(&self) -> &'static str;
    /// Once every client is known.
    fn ready(&mut self);
    fn publish(&mut self, text: String);
    /// CPU time of the thread or process that writes, in nanoseconds.
    fn cpu_ns(&self) -> u64;
}

/// The limit: one thread, one write of ready bytes for each message and client.
pub(super) struct Raw {
    address: SocketAddr,
    task: String,
    accepted: Option<JoinHandle<Vec<TcpStream>>>,
    queue: Option<mpsc::Sender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Raw {
    pub(super) fn start(clients: usize) -> Raw {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        Raw {
            address: listener.local_addr().expect("it is bound"),
            task: String::new(),
            // At once: the kernel keeps but so many who wait.
            accepted: Some(std::thread::spawn(move || accept(&listener, clients))),
            queue: None,
            thread: None,
        }
    }
}

fn accept(listener: &TcpListener, clients: usize) -> Vec<TcpStream> {
    let streams: Vec<TcpStream> = (0..clients).map(|_| listener.accept().expect("a client").0).collect();
    streams.iter().for_each(|stream| stream.set_nodelay(true).expect("a socket"));
    streams
}

impl Server for Raw {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn hello(&self) -> &'static str {
        ""
    }
    fn ready(&mut self) {
        let accepted = self.accepted.take().expect("made ready once");
        let mut streams = accepted.join().expect("clients that come");
        let (queue, messages) = mpsc::channel::<Vec<u8>>();
        let (tell, task) = mpsc::channel();
        self.thread = Some(std::thread::spawn(move || {
            tell.send(this_thread()).expect("it is waited for");
            for message in messages {
                for stream in &mut streams {
                    stream.write_all(&message).expect("a client that reads");
                }
            }
        }));
        self.task = task.recv().expect("the thread says it first");
        self.queue = Some(queue);
    }
    fn publish(&mut self, text: String) {
        let length = (text.len() as u16).to_be_bytes();
        let frame = [&[0x81, 126, length[0], length[1]], text.as_bytes()].concat();
        self.queue.as_ref().expect("made ready").send(frame).expect("the thread lives");
    }
    fn cpu_ns(&self) -> u64 {
        thread_cpu_ns(&self.task)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.queue = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What is measured: the server as it ships.
pub(super) struct Lookout {
    address: SocketAddr,
    task: String,
    hub: Arc<Hub>,
    seq: u64,
    clients: u64,
    opened: Arc<web::Counters>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lookout {
    pub(super) fn start(clients: usize) -> Lookout {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("it is bound");
        let (hub, opened) = (Arc::new(Hub::new(0)), Arc::new(web::Counters::default()));
        let services = services(clients, &hub, &opened);
        let (stop, stopped) = oneshot::channel();
        let (tell, task) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            tell.send(this_thread()).expect("it is waited for");
            let stopped = async { stopped.await.unwrap_or_default() };
            let runtime = web::runtime().expect("a runtime");
            runtime.block_on(web::serve(listener, services, stopped)).expect("a listener");
        });
        Lookout {
            address,
            task: task.recv().expect("the thread says it first"),
            hub,
            seq: 0,
            clients: clients as u64,
            opened,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Server for Lookout {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn hello(&self) -> &'static str {
        HELLO
    }
    fn ready(&mut self) {
        while self.opened.now().opened < self.clients {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    fn publish(&mut self, text: String) {
        self.seq += 1;
        let message = Message {
            seq: Some(self.seq),
            topic: Topic::Event,
            text: text.into(),
            facts: Default::default(),
        };
        self.hub.publish(message).expect("ascending numbers");
    }
    fn cpu_ns(&self) -> u64 {
        thread_cpu_ns(&self.task)
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn services(clients: usize, hub: &Arc<Hub>, counters: &Arc<web::Counters>) -> Services {
    Services {
        settings: Settings {
            clients_max: clients,
            clients_per_address_max: clients,
            connect_rate: 100_000, // they all come at once, from one address
            connect_rate_total: 100_000,
            ..Settings::default()
        },
        identity: Identity {
            camera_id: Default::default(),
            boot_id: BootId::NIL,
        },
        hub: Arc::clone(hub),
        store: Arc::new(NoStore),
        status: Arc::default(),
        controls: Arc::default(),
        desk: Arc::new(Desk::new(&Default::default(), Path::new("nowhere"))),
        clock: Arc::new(SystemClock::default()),
        memory: None,
        counters: Arc::clone(counters),
        about: Arc::default(),
        records: Arc::default(),
        tuner: None,
        board: None,
        accounts: Arc::new(Accounts::in_memory(Arc::new(SystemClock::default())).expect("random numbers")),
        tls: None,
        updater: None,
        network: None,
    }
}

/// Live clients never ask it.
struct NoStore;

impl EventStore for NoStore {
    fn messages_after(&self, _: u64, _: usize, _: usize) -> Result<Page, StoreError> {
        Ok(Page::default())
    }
    fn event(&self, _: u64) -> Result<Option<Event>, StoreError> {
        Ok(None)
    }
    fn events(&self, _: &EventQuery) -> Result<EventPage, StoreError> {
        Ok(EventPage::default())
    }
    fn figures(&self) -> Result<Figures, StoreError> {
        Ok(Figures::default())
    }
    fn store_id(&self) -> String {
        "none".into()
    }
}
