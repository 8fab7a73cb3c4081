//! The memory promise: the worst case measured against the ledger, and many cycles without growth.
//!
//! What is counted is the heap of the whole test process, so the clients here are bare sockets that hold none.

mod common;

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::thread::JoinHandle;

use common::service::PATIENCE;
use common::service::request;
use common::service::wait_for;
use heapless::Vec as FixedVec;
use lookout::app::AppError;
use lookout::app::Service;
use lookout::budget::Ledger;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use lookout::config::Config;
use lookout::config::Overrides;
use lookout::event::model::Change;
use lookout::event::model::Phase;
use lookout::event::model::PirEvidence;
use lookout::event::model::Trigger;
use lookout::event::model::VideoEvidence;
use lookout::heap;
use lookout::hub::Hub;
use lookout::limits::RECORD_QUEUE_MAX;
use lookout::motion::RECT_UNIT;
use lookout::motion::Rect;
use lookout::motion::Score;
use lookout::motion::ZoneSet;
use lookout::records::Record;
use lookout::records::RecordQueue;
use tokio::sync::oneshot;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// One heap is measured: one test at a time.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The service in this process, on the scene.
struct Running {
    address: SocketAddr,
    hub: Arc<Hub>,
    queue: Arc<RecordQueue>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), AppError>>,
}

fn start(config: &Config) -> Running {
    let service = Service::new(config, Arc::new(SystemClock::default())).expect("within the budget");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (hub, queue) = (service.hub(), service.queue());
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        service.run(listener, async {
            let _ = stopped.await;
        })
    });
    Running {
        address,
        hub,
        queue,
        stop,
        thread,
    }
}

impl Running {
    fn stop(self) {
        self.stop.send(()).expect("it runs");
        self.thread.join().expect("no panic").expect("an orderly end");
    }
}

fn config(dir: &Path) -> Config {
    let text = |text: &str| Some(text.to_owned());
    let source = text("scene:seed=3,visits=1..4..2");
    let given = Overrides {
        data_dir: text(dir.to_str().expect("UTF-8")),
        source,
        ..Overrides::default()
    };
    Config::load(&given, &Overrides::default()).expect("a good configuration")
}

/// A WebSocket client that asks, reads the answer's head, and then reads nothing more.
fn stalled_client(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("the service listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!(
        "GET /ws/events HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).expect("written");
    let mut status = [0; 12];
    socket.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 101");
    socket
}

/// The longest record that there can be.
fn longest_record(key: u32) -> Record {
    let rect = Rect {
        x: 1111,
        y: 2222,
        width: RECT_UNIT / 3,
        height: RECT_UNIT / 3,
    };
    let mut boxes = FixedVec::new();
    while boxes.push(rect).is_ok() {}
    let at = Mono::from_millis(1 << 40);
    Record::Change(Change {
        key,
        phase: Phase::Update,
        at,
        began: at,
        last_seen: at,
        frame: u64::MAX,
        trigger: Trigger::Both,
        score: Score(999),
        zones: ZoneSet(u16::MAX),
        boxes,
        pir: Some(PirEvidence {
            edges: u32::MAX,
            first_ms: i64::MIN,
            last_ms: i64::MIN,
            active: true,
        }),
        video: Some(VideoEvidence {
            frames: u32::MAX,
            ..VideoEvidence::default()
        }),
        suppressed: u32::MAX,
        end_reason: None,
    })
}

/// Fills the queue to the recorder again and again, which fills the ring and every stalled client's share.
fn flood(running: &Running, rounds: u32) {
    for round in 0..rounds {
        for n in 0..RECORD_QUEUE_MAX as u32 {
            running.queue.push(longest_record(round * RECORD_QUEUE_MAX as u32 + n));
        }
        let published = running.hub.counters().published;
        wait_for("the recorder", || (running.hub.counters().published > published).then_some(()));
    }
}

#[test]
fn the_worst_case_is_within_the_promise() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(dir.path());
    let promised = Ledger::of(&config).promised();
    let before = heap::in_use_bytes();
    heap::reset_peak();
    let running = start(&config);
    let clients: Vec<TcpStream> = (0..config.web.clients_max).map(|_| stalled_client(running.address)).collect();
    flood(&running, 60);
    let measured = heap::peak_bytes() - before;
    println!(
        "measured {} KiB of heap, promised {} KiB with stacks",
        measured / 1024,
        promised / 1024
    );
    assert!(
        measured < promised,
        "{measured} B measured, {promised} B promised\n{}",
        Ledger::of(&config)
    );
    drop(clients);
    running.stop();
}

#[test]
fn the_ledger_is_of_the_picture_that_the_source_has() {
    let motion = |source: &str| {
        let given = Overrides {
            source: Some(source.to_owned()),
            ..Overrides::default()
        };
        let config = Config::load(&given, &Overrides::default()).expect("a good configuration");
        let lines = Ledger::of(&config).lines;
        lines.iter().find(|line| line.holder == "motion").expect("a line").bytes
    };
    assert!(motion("scene:width=1280,height=720") > 2 * motion("scene"));
}

#[test]
fn the_defaults_are_within_the_budget_with_every_camera() {
    for source in ["auto", "scene", "v4l2:/dev/video0"] {
        let text = format!("[camera]\nsource = \"{source}\"\n");
        let config = Config::parse(&text, Path::new("lookout.toml")).expect("a configuration");
        Ledger::of(&config).check().unwrap_or_else(|over| panic!("{source}: {over}"));
    }
}

#[test]
fn many_cycles_do_not_grow() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = config(dir.path());
    (config.web.connect_rate, config.web.connect_rate_total) = (100_000, 100_000); // all come from one address
    // A store that is full: redb's own lists grow with its file, up to `store.size_max`, which the promise counts.
    (config.store.journal_max, config.store.events_max, config.store.cache_bytes) = (400, 200, 128 * 1024);
    // Pictures come and go with the scene's visitors; their line is held in tests/picture_memory.rs.
    (config.media.snapshots, config.media.clips) = (false, false);
    let running = start(&config);
    let cycle = |rounds: u32| {
        for _ in 0..rounds {
            let clients: Vec<TcpStream> = (0..8).map(|_| stalled_client(running.address)).collect();
            flood(&running, 2);
            drop(clients);
        }
    };
    cycle(60); // the store fills up to its bounds
    let settled = || {
        cycle(10);
        settled(running.address)
    };
    let warm: Vec<usize> = (0..4).map(|_| settled()).collect();
    let later: Vec<usize> = (0..8).map(|_| settled()).collect();
    println!("in use after warm-up: {warm:?}; later: {later:?}");
    let (most, least) = (warm.iter().max().expect("some"), later.iter().min().expect("some"));
    assert!(least <= most, "{warm:?} grew to {later:?}");
    running.stop();
}

/// What is in use once all streams of clients that left are cleaned up.
fn settled(address: SocketAddr) -> usize {
    wait_for("clients to be cleaned up", || {
        (request(address, "GET", "/api/health").1["clients"]["streams"] == 0).then_some(())
    });
    heap::in_use_bytes()
}
