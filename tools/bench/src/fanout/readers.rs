//! Clients on a thread of their own: they read WebSocket frames and note how late each message is.

use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;

use super::inflate::Inflate;
use super::servers::HELLO_OF_BROWSER;

/// Length of every message.
pub(crate) const MESSAGE_BYTES: usize = 350;
const PREFIX: &str = "{\"type\":\"event\",\"at\":\"";
const DIGITS: usize = 20;
/// Bytes of a frame's header, for messages of this length.
const HEADER_BYTES: usize = 4;
/// Clients that connect at once, and the time for letting them in.
const BACKLOG: usize = 50;
const ADMISSION: Duration = Duration::from_millis(10);
/// Longest time until everything arrived. Longer: the server lost something, and there is nothing to measure.
const PATIENCE: Duration = Duration::from_secs(120);

/// A message that says when it was made.
pub(crate) fn message(at: Mono) -> String {
    let head = format!("{PREFIX}{:0DIGITS$}\",\"data\":\"", at.nanos());
    let filler = MESSAGE_BYTES - head.len() - 2;
    format!("{head}{}\"}}", "x".repeat(filler))
}

/// The clients; each ends when the server does.
pub(crate) struct Readers {
    received: Arc<AtomicU64>,
    clients: u64,
    latencies: JoinHandle<Vec<u32>>,
    stop: oneshot::Sender<()>,
}

impl Readers {
    /// Connects them, each saying `hello`.
    pub(crate) fn connect(address: SocketAddr, hello: &str, clients: usize) -> Readers {
        let received = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = oneshot::channel();
        let connect = |number| {
            if number % BACKLOG == 0 {
                std::thread::sleep(ADMISSION); // the kernel keeps but so many who wait, and tells the others to try in a second
            }
            let mut stream = TcpStream::connect(address).expect("a free port on loopback");
            stream.write_all(hello.as_bytes()).expect("a server that reads");
            stream
        };
        let streams: Vec<TcpStream> = (0..clients).map(connect).collect();
        let (counter, compressed) = (Arc::clone(&received), hello == HELLO_OF_BROWSER);
        let latencies = std::thread::spawn(move || read_all(streams, &counter, compressed, stopped));
        Readers {
            received,
            clients: clients as u64,
            latencies,
            stop,
        }
    }

    /// Returns once each client has `each` messages.
    pub(crate) fn wait_for(&self, each: u64) {
        let clock = SystemClock::default();
        let until = clock.now() + PATIENCE;
        while self.received.load(Ordering::Acquire) < each * self.clients {
            assert!(clock.now() < until, "messages were lost on the way");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// How late each message was, in microseconds.
    pub(crate) fn finish(self) -> Vec<u32> {
        let _ = self.stop.send(());
        self.latencies.join().expect("readers do not panic")
    }
}

fn read_all(streams: Vec<TcpStream>, received: &Arc<AtomicU64>, compressed: bool, stopped: oneshot::Receiver<()>) -> Vec<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let latencies = Arc::new(Mutex::new(Vec::new()));
    runtime.expect("a runtime").block_on(async {
        for stream in streams {
            let inflate = compressed.then(Inflate::default);
            tokio::spawn(read(stream, inflate, Arc::clone(received), Arc::clone(&latencies)));
        }
        let _ = stopped.await;
    });
    let mut latencies = latencies.lock().expect("no reader panics");
    std::mem::take(&mut *latencies)
}

async fn read(stream: TcpStream, mut inflate: Option<Inflate>, received: Arc<AtomicU64>, latencies: Arc<Mutex<Vec<u32>>>) {
    stream.set_nonblocking(true).expect("a socket");
    let mut stream = tokio::net::TcpStream::from_std(stream).expect("a runtime with I/O");
    let clock = SystemClock::default();
    let mut bytes = Vec::with_capacity(16 * 1024);
    loop {
        let into = inflate.as_mut().map_or(&mut bytes, |inflate| &mut inflate.received);
        let Ok(1..) = stream.read_buf(into).await else { return };
        let now = clock.now();
        if let Some(inflate) = &mut inflate {
            inflate.run(&mut bytes);
        }
        let mut count = 0;
        let mut late = latencies.lock().expect("no reader panics");
        take(&mut bytes, |sent| {
            count += 1;
            if sent > Mono::default() {
                late.push(now.since(sent).as_micros() as u32);
            }
        });
        received.fetch_add(count, Ordering::AcqRel);
    }
}

/// Takes whole messages out of `bytes`; whatever else the server says (welcome, pings) is passed over.
fn take(bytes: &mut Vec<u8>, mut each: impl FnMut(Mono)) {
    let mut taken = 0;
    while let Some(start) = next(&bytes[taken..]) {
        let (start, end) = (taken + start, taken + start + MESSAGE_BYTES);
        if end > bytes.len() {
            bytes.drain(..taken);
            return;
        }
        let digits = &bytes[start + PREFIX.len()..][..DIGITS];
        each(Mono::from_nanos(
            digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')),
        ));
        taken = end;
    }
    let begun = PREFIX.len() + HEADER_BYTES; // the beginning of a message may be there
    bytes.drain(..taken.max(bytes.len().saturating_sub(begun)));
}

/// Where the next message begins: mostly right behind a frame's header.
fn next(bytes: &[u8]) -> Option<usize> {
    let wanted = PREFIX.as_bytes();
    if bytes.get(HEADER_BYTES..).is_some_and(|rest| rest.starts_with(wanted)) {
        return Some(HEADER_BYTES);
    }
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
