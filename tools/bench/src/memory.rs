//! Memory of the whole service, from outside: the release binary with the scene at 1280x720 and its store, with nobody,
//! a hundred and a thousand clients that read events; the ledger's promise beside it.

use std::io;
use std::time::Duration;

use lookout::budget::Ledger;
use serde_json::Value;

use crate::fanout::readers::Readers;
use crate::fanout::servers::HELLO;
use crate::process::Resident;
use crate::process::load_average;
use crate::service::Service;
use crate::service::configuration;
use crate::service::parsed;

const CLIENTS: [usize; 3] = [0, 100, 1000];
/// Places beside those of the streams: for the requests of this stage.
const SPARE: usize = 8;
/// Longest time until something is as it should be.
const PATIENCE: Duration = Duration::from_secs(60);
/// Events that the clients are told before anything is read off.
const EVENTS: u64 = 20;

/// What was read off.
struct Figures {
    resident: Resident,
    heap: u64,
    heap_peak: u64,
    promised: u64,
    per_client_promised: u64,
}

pub(crate) fn run() {
    println!(
        "memory: lookout run, scene 1280x720, redb; {EVENTS} events told first; load average {}",
        load_average()
    );
    println!(
        "| clients | RSS MiB | of it heap and stacks MiB | PSS MiB | peak RSS MiB | allocated MiB | peak MiB | promised MiB | RSS a client KiB | allocated a client KiB | promised a client KiB |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut alone = None;
    for clients in CLIENTS {
        match measure(clients) {
            Ok(figures) => print(clients, &figures, alone.get_or_insert((figures.resident.rss, figures.heap))),
            Err(why) => eprintln!("memory: {clients} clients: {why}"),
        }
    }
}

fn print(clients: usize, figures: &Figures, alone: &(u64, u64)) {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let each = |bytes: u64, alone: u64| bytes.saturating_sub(alone) as f64 / 1024.0 / clients.max(1) as f64;
    let resident = figures.resident;
    println!(
        "| {clients} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} |",
        mib(resident.rss),
        mib(resident.anonymous),
        mib(resident.pss),
        mib(resident.peak),
        mib(figures.heap),
        mib(figures.heap_peak),
        mib(figures.promised),
        each(resident.rss, alone.0),
        each(figures.heap, alone.1),
        figures.per_client_promised as f64 / 1024.0,
    );
}

fn measure(clients: usize) -> io::Result<Figures> {
    let more = "heartbeat_ms = 300000\n[camera]\nsource = \"scene\"\nwidth = 1280\nheight = 720\n[event]\ngap_ms = 100\nlapse_ms = 100\n\
                update_ms = 200\n[memory]\nbudget = \"256MiB\"\n";
    let text = configuration((clients + SPARE).min(1024), more);
    let service = Service::start(&text)?;
    let readers = Readers::connect(service.address, HELLO, clients);
    let (mut told, mut asked) = (0, 0);
    let settled = service.comes_to(PATIENCE, |health| {
        let streams = number(health, "/clients/streams");
        streams == clients as u64 && health["pipeline"]["camera"] == "live"
    });
    while settled && told < EVENTS && asked < 10 * EVENTS {
        service.request("POST", "/api/events")?;
        service.comes_to(Duration::from_millis(300), |_| false);
        told = number(&service.health(), "/stream/published");
        asked += 1;
    }
    let health = service.health();
    if told < EVENTS || number(&health, "/clients/streams") != clients as u64 {
        return Err(io::Error::other(format!("{told} events, {}", health["clients"])));
    }
    let config = parsed(&text);
    let figures = Figures {
        resident: Resident::of(service.pid()),
        heap: number(&health, "/memory/used_bytes"),
        heap_peak: number(&health, "/memory/peak_bytes"),
        promised: Ledger::of(&config).promised() as u64,
        per_client_promised: lookout::web::footprint_per_client(&config.web) as u64,
    };
    drop(service);
    readers.finish();
    Ok(figures)
}

/// What stands at `pointer`; 0 if nothing.
pub(crate) fn number(health: &Value, pointer: &str) -> u64 {
    health.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}
