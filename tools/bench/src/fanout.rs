//! Telling many clients: CPU of the server for each message delivered, and the time from publishing to receipt, beside
//! a loop that writes the same bytes to plain sockets and does nothing else. That loop is the limit for one write a
//! message; where messages come in bursts, gathering them can beat it.

mod inflate;
mod peers;
pub(crate) mod readers;
pub(crate) mod servers;

use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use peers::Peer;
use peers::Tungstenite;
use readers::MESSAGE_BYTES;
use readers::Readers;
use readers::message;
use servers::Lookout;
use servers::Raw;
use servers::Server;

use crate::process::load_average;

const ROUNDS: usize = 5;
/// Deliveries of a round, all clients together.
const DELIVERIES: u64 = 24_000;
/// Time for each client and message: 25 000 deliveries a second, which leaves every server idle most of the time.
const PACE: Duration = Duration::from_micros(40);

/// How messages come.
#[derive(Clone, Copy)]
struct Load {
    name: &'static str,
    /// So many at once.
    burst: u64,
    /// Whether a pause follows, or the next burst as soon as this one is received.
    paced: bool,
}

const LOADS: [Load; 3] = [
    load("single", 1, true),
    load("bursts of 12", 12, true),
    load("saturated", 128, false),
];

const fn load(name: &'static str, burst: u64, paced: bool) -> Load {
    Load { name, burst, paced }
}

/// What one round cost.
struct Cost {
    cpu_ns: f64,
    per_second: f64,
    latencies_us: Vec<u32>,
}

/// What all rounds cost: the least CPU, since whatever else runs only adds; the median latencies of the rounds.
struct Summary {
    cpu_us: f64,
    per_second: f64,
    p50_us: u32,
    p99_us: u32,
}

type Start = fn(usize) -> Option<Box<dyn Server>>;

const SERVERS: [(&str, Start); 6] = [
    ("raw writes", |clients| Some(Box::new(Raw::start(clients)))),
    ("lookout", |clients| Some(Box::new(Lookout::start(clients)))),
    ("tokio-tungstenite", |clients| Some(Box::new(Tungstenite::start(clients)))),
    ("node ws", |clients| {
        Peer::node(clients).map(|peer| Box::new(peer) as Box<dyn Server>)
    }),
    ("fastapi", |clients| {
        Peer::fastapi(clients).map(|peer| Box::new(peer) as Box<dyn Server>)
    }),
    ("fastapi, browsers", |clients| {
        Peer::fastapi_of_browsers(clients).map(|peer| Box::new(peer) as Box<dyn Server>)
    }),
];

pub(crate) fn run() {
    println!(
        "fanout: {MESSAGE_BYTES}-byte events, {ROUNDS} interleaved rounds; least CPU, median latencies, load average {}",
        load_average()
    );
    println!("| clients | load | server | us CPU per delivery | ratio | p50 us | p99 us | p99 ratio | deliveries/s | ratio |");
    println!("| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for clients in [100, 1000] {
        LOADS.iter().for_each(|load| compare(clients, *load));
    }
}

/// One block of the table: every server under the same load, in turn.
fn compare(clients: usize, load: Load) {
    let mut costs: [Vec<Cost>; SERVERS.len()] = Default::default();
    for _ in 0..ROUNDS {
        for ((_, start), costs) in SERVERS.iter().zip(&mut costs) {
            costs.extend(start(clients).map(|mut server| measure(&mut *server, clients, load)));
        }
    }
    let [raw, others @ ..] = costs.map(summary);
    let Some(raw) = raw else { return };
    print(clients, load, SERVERS[0].0, &raw, &raw);
    for ((name, _), this) in SERVERS[1..].iter().zip(others) {
        match this {
            Some(this) => print(clients, load, name, &this, &raw),
            None => println!("| {clients} | {} | {name} | not installed | | | | | | |", load.name),
        }
    }
}

fn print(clients: usize, load: Load, name: &str, this: &Summary, raw: &Summary) {
    println!(
        "| {clients} | {} | {name} | {:.2} | {:.2} | {} | {} | {:.2} | {:.0} | {:.2} |",
        load.name,
        this.cpu_us,
        this.cpu_us / raw.cpu_us,
        this.p50_us,
        this.p99_us,
        f64::from(this.p99_us) / f64::from(raw.p99_us),
        this.per_second,
        this.per_second / raw.per_second,
    );
}

fn summary(rounds: Vec<Cost>) -> Option<Summary> {
    let percentiles = |percent: usize| -> Vec<u32> {
        let of = |round: &Cost| round.latencies_us[round.latencies_us.len() * percent / 100];
        let mut all: Vec<u32> = rounds.iter().map(of).collect();
        all.sort_unstable();
        all
    };
    let cpu_ns = rounds.iter().map(|round| round.cpu_ns).min_by(f64::total_cmp)?;
    Some(Summary {
        cpu_us: cpu_ns / 1000.0,
        per_second: rounds.iter().map(|round| round.per_second).fold(0.0, f64::max),
        p50_us: percentiles(50)[rounds.len() / 2],
        p99_us: percentiles(99)[rounds.len() / 2],
    })
}

fn measure(server: &mut dyn Server, clients: usize, load: Load) -> Cost {
    let readers = Readers::connect(server.address(), server.hello(), clients);
    server.ready();
    let clock = SystemClock::default();
    // One that is not counted, so that everything is awake and every client in.
    server.publish(message(Mono::default()));
    readers.wait_for(1);
    let messages = (DELIVERIES / clients as u64).next_multiple_of(load.burst);
    let (cpu_before, began) = (server.cpu_ns(), clock.now());
    let mut next = began;
    for sent in 1..=messages {
        server.publish(message(clock.now()));
        if sent % load.burst != 0 {
            continue;
        }
        if load.paced {
            next = next + PACE * (load.burst as u32 * clients as u32);
            clock.sleep_until(next);
        } else {
            readers.wait_for(1 + sent);
        }
    }
    readers.wait_for(1 + messages);
    let (cpu, took) = (server.cpu_ns() - cpu_before, clock.now().since(began));
    let deliveries = (messages * clients as u64) as f64;
    let mut latencies_us = readers.finish();
    latencies_us.sort_unstable();
    Cost {
        cpu_ns: cpu as f64 / deliveries,
        per_second: deliveries / took.as_secs_f64(),
        latencies_us,
    }
}
