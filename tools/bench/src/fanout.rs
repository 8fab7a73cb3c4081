//! Telling many clients: CPU of the server's thread for each message delivered, and the time from publishing to
//! receipt, beside a loop that writes the same bytes to plain sockets and does nothing else. That loop is the limit
//! for one write a message; where messages come in bursts, gathering them can beat it.

mod servers;

use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use servers::Lookout;
use servers::Raw;
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;

const MESSAGE_BYTES: usize = 350;
const ROUNDS: usize = 5;
const MESSAGES_PER_ROUND: u64 = 240;
const PAUSE: Duration = Duration::from_millis(4);
const PREFIX: &str = "{\"type\":\"event\",\"at\":\"";
const DIGITS: usize = 20;

/// How messages come: so many at once, then a pause in proportion.
struct Load {
    name: &'static str,
    burst: u64,
}

/// What one round cost.
struct Cost {
    cpu_ns: f64,
    latencies_us: Vec<u32>,
}

pub(crate) fn run() {
    println!("fanout: {MESSAGE_BYTES}-byte events, {ROUNDS} interleaved rounds of {MESSAGES_PER_ROUND}; median CPU of the server's thread");
    println!("| clients | load | server | us CPU per delivery | ratio | p50 us | p99 us | p99 ratio |");
    println!("| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for clients in [32, 100] {
        for load in [
            Load { name: "single", burst: 1 },
            Load {
                name: "bursts of 12",
                burst: 12,
            },
        ] {
            compare(clients, &load);
        }
    }
}

fn compare(clients: usize, load: &Load) {
    let (mut raw, mut lookout) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw.push(measure(&mut Raw::start(clients), clients, load));
        lookout.push(measure(&mut Lookout::start(clients), clients, load));
    }
    let (raw, lookout) = (summary(raw), summary(lookout));
    for (name, this) in [("raw writes", &raw), ("lookout", &lookout)] {
        println!(
            "| {clients} | {} | {name} | {:.2} | {:.2} | {} | {} | {:.2} |",
            load.name,
            this.0 / 1000.0,
            this.0 / raw.0,
            this.1,
            this.2,
            f64::from(this.2) / f64::from(raw.2)
        );
    }
}

/// Median CPU per delivery in nanoseconds; p50 and p99 of all latencies in microseconds.
fn summary(rounds: Vec<Cost>) -> (f64, u32, u32) {
    let mut cpu: Vec<f64> = rounds.iter().map(|round| round.cpu_ns).collect();
    cpu.sort_by(f64::total_cmp);
    let mut latencies: Vec<u32> = rounds.into_iter().flat_map(|round| round.latencies_us).collect();
    latencies.sort_unstable();
    let at = |percent: usize| latencies[latencies.len() * percent / 100];
    (cpu[cpu.len() / 2], at(50), at(99))
}

/// What tells its clients.
trait Server {
    fn address(&self) -> SocketAddr;
    /// What a client sends first.
    fn hello(&self) -> &'static str;
    /// Once every client is known.
    fn ready(&mut self);
    fn publish(&mut self, text: String);
    /// CPU time of the thread that writes, in nanoseconds.
    fn cpu_ns(&self) -> u64;
}

fn measure(server: &mut dyn Server, clients: usize, load: &Load) -> Cost {
    let readers = Readers::connect(server.address(), server.hello(), clients);
    server.ready();
    let clock = SystemClock::default();
    // One that is not counted, so that everything is awake and every client in.
    server.publish(message(Mono::default()));
    readers.wait_for(1);
    let (before, mut next) = (server.cpu_ns(), clock.now());
    for sent in 1..=MESSAGES_PER_ROUND {
        server.publish(message(clock.now()));
        if sent % load.burst == 0 {
            next = next + PAUSE * load.burst as u32;
            clock.sleep_until(next);
        }
    }
    readers.wait_for(1 + MESSAGES_PER_ROUND);
    let cpu = server.cpu_ns() - before;
    Cost {
        cpu_ns: cpu as f64 / (MESSAGES_PER_ROUND * clients as u64) as f64,
        latencies_us: readers.finish(),
    }
}

/// A message that says when it was made.
fn message(at: Mono) -> String {
    let head = format!("{PREFIX}{:0DIGITS$}\",\"data\":\"", at.nanos());
    let filler = MESSAGE_BYTES - head.len() - 2;
    format!("{head}{}\"}}", "x".repeat(filler))
}

/// Clients on a thread of their own, reading WebSocket frames; each ends when the server does.
struct Readers {
    received: Arc<AtomicU64>,
    clients: u64,
    latencies: JoinHandle<Vec<u32>>,
    stop: oneshot::Sender<()>,
}

impl Readers {
    fn connect(address: SocketAddr, hello: &str, clients: usize) -> Readers {
        let received = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = oneshot::channel();
        let streams: Vec<TcpStream> = (0..clients)
            .map(|_| {
                let mut stream = TcpStream::connect(address).expect("a free port on loopback");
                stream.write_all(hello.as_bytes()).expect("a server that reads");
                stream
            })
            .collect();
        let counter = Arc::clone(&received);
        let latencies = std::thread::spawn(move || read_all(streams, &counter, stopped));
        Readers {
            received,
            clients: clients as u64,
            latencies,
            stop,
        }
    }

    fn wait_for(&self, each: u64) {
        while self.received.load(Ordering::Acquire) < each * self.clients {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn finish(self) -> Vec<u32> {
        let _ = self.stop.send(());
        self.latencies.join().expect("readers do not panic")
    }
}

fn read_all(streams: Vec<TcpStream>, received: &Arc<AtomicU64>, stopped: oneshot::Receiver<()>) -> Vec<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let latencies = Arc::new(std::sync::Mutex::new(Vec::new()));
    runtime.block_on(async {
        for stream in streams {
            tokio::spawn(read(stream, Arc::clone(received), Arc::clone(&latencies)));
        }
        let _ = stopped.await;
    });
    drop(runtime);
    let mut latencies = latencies.lock().expect("no reader panics");
    std::mem::take(&mut *latencies)
}

async fn read(stream: TcpStream, received: Arc<AtomicU64>, latencies: Arc<std::sync::Mutex<Vec<u32>>>) {
    stream.set_nonblocking(true).expect("a socket");
    let mut stream = tokio::net::TcpStream::from_std(stream).expect("a runtime with I/O");
    let clock = SystemClock::default();
    let mut bytes = Vec::with_capacity(64 * 1024);
    while let Ok(1..) = stream.read_buf(&mut bytes).await {
        let now = clock.now();
        let mut taken = 0;
        // Whatever else the server says (answer to the handshake, welcome, pings) is passed over.
        while let Some(start) = find(&bytes[taken..], PREFIX.as_bytes()) {
            let (start, end) = (taken + start, taken + start + MESSAGE_BYTES);
            if end > bytes.len() {
                break;
            }
            let digits = &bytes[start + PREFIX.len()..][..DIGITS];
            let sent = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
            if sent > 0 {
                let late = now.since(Mono::from_nanos(sent)).as_micros() as u32;
                latencies.lock().expect("no reader panics").push(late);
            }
            received.fetch_add(1, Ordering::AcqRel);
            taken = end;
        }
        bytes.drain(..taken);
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// CPU time of the thread `task`, in nanoseconds.
fn thread_cpu_ns(task: &str) -> u64 {
    let statistics = std::fs::read_to_string(format!("/proc/{task}/schedstat")).unwrap_or_default();
    statistics.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// This thread, as `/proc` names it.
fn this_thread() -> String {
    let link = std::fs::read_link("/proc/thread-self").expect("a Linux with /proc");
    link.to_string_lossy().into_owned()
}
