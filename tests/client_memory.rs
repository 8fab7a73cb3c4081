//! What clients cost in memory, counted: never more than promised, and nothing once they are gone.

mod device;

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::AtomicIsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use device::Device;
use device::until;
use lookout::clock::Timestamp;
use lookout::event::model::Event;
use lookout::hub::Hub;
use lookout::hub::Message;
use lookout::limits::THREAD_STACK_BYTES;
use lookout::limits::ZONES_MAX;
use lookout::web;
use lookout::web::Settings;
use lookout::wire;
use lookout::wire::Topic;
use lookout::wire::server::EventMessage;

struct Counting;

static BYTES: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn add(bytes: isize) {
    let now = BYTES.fetch_add(bytes, Ordering::SeqCst) + bytes;
    PEAK.fetch_max(now, Ordering::SeqCst);
}

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size as isize - layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Opens a stream with a client that holds no memory of its own, and reads no more than the answer's first bytes.
fn open(device: &Device, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(device.address).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        device.address
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
    stream
}

/// An event of 4 kB.
fn long_event(id: u64) -> Event {
    let name = "\u{1}".repeat(32);
    Event {
        zones: (0..ZONES_MAX).map(|_| name.as_str().try_into().unwrap()).collect(),
        ..device::event(id)
    }
}

/// All but the last byte of the longest message, in two frames: the server holds both.
fn unfinished_message(settings: &Settings) -> Vec<u8> {
    let half = settings.client_message_bytes_max / 2;
    let frame = |opcode: u8, sent: usize| {
        let length = (half as u16).to_be_bytes();
        [&[opcode, 0x80 | 126, length[0], length[1], 0, 0, 0, 0], &vec![b' '; sent][..]].concat()
    };
    [frame(0x01, half), frame(0x00, half - 1)].concat()
}

/// A hub after more messages than it holds, short and long.
fn full_hub() -> Hub {
    let hub = Hub::new(0);
    for seq in 1..=1000 {
        let data = if seq % 3 == 0 { long_event(seq) } else { device::event(seq) };
        let message = Message {
            seq: Some(seq),
            topic: Topic::Event,
            text: wire::encode(Timestamp(0), &EventMessage { seq, data: &data }),
            facts: Default::default(),
        };
        hub.publish(message).unwrap();
    }
    hub
}

async fn settled() -> isize {
    let (mut last, mut same) = (0, 0);
    until("memory is settled", || {
        let now = BYTES.load(Ordering::SeqCst);
        same = if now == last { same + 1 } else { 0 };
        last = now;
        same > 60
    })
    .await;
    last
}

/// One test, for the counter counts all threads.
#[tokio::test]
async fn clients_cost_no_more_than_promised_and_nothing_once_they_are_gone() {
    let settings = Settings {
        client_stall_max: Duration::from_secs(60),
        ..Settings::default()
    };
    let clients = settings.clients_max;
    let device = Device::start(settings.clone());
    for id in 1..=600 {
        device.publish_event(long_event(id));
    }
    drop(open(&device, "/ws/events?since=0"));
    until("the first is gone", || device.get("/api/health").1["clients"]["streams"] == 0).await;
    let before = settled().await;

    let hub = full_hub();
    let hub_bytes = (settled().await - before) as usize;
    drop(hub);

    let idle: Vec<TcpStream> = (0..clients).map(|_| open(&device, "/ws/events")).collect();
    let idle_each = (settled().await - before) as usize / clients;
    drop(idle);
    until("the idle are gone", || device.get("/api/health").1["clients"]["streams"] == 0).await;

    PEAK.store(settled().await, Ordering::SeqCst);
    let unfinished = unfinished_message(&settings);
    let mut stalled: Vec<TcpStream> = (0..clients).map(|_| open(&device, "/ws/events?since=0")).collect();
    for stream in &mut stalled {
        stream.write_all(&unfinished).unwrap();
    }
    settled().await;
    let worst = (PEAK.load(Ordering::SeqCst) - before) as usize;
    drop(stalled);
    until("the stalled are gone", || device.get("/api/health").1["clients"]["streams"] == 0).await;
    let after = settled().await;

    let promised = web::footprint() - THREAD_STACK_BYTES + clients * web::footprint_per_client(&settings);
    println!(
        "a client: {idle_each} bytes idle, {} at worst, {} promised; all with what they share: {worst} of {promised}; a full hub: {hub_bytes} of {}",
        worst / clients,
        web::footprint_per_client(&settings),
        Hub::footprint()
    );
    assert!(idle_each <= web::footprint_per_client(&settings));
    assert!(worst <= promised);
    assert!(hub_bytes <= Hub::footprint());

    for _ in 0..300 {
        drop(open(&device, "/ws/events?since=590"));
        device.get("/api/events?limit=3");
    }
    until("all are gone", || device.get("/api/health").1["clients"]["streams"] == 0).await;
    let growth = settled().await - after;
    assert!(growth < 4096, "{growth} bytes in 300 cycles");
}
