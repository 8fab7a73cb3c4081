//! Clients that do everything wrong, for as long as told, against the release binary: connect and vanish, stall, read
//! slowly, flood, speak nonsense. The service lives, its memory stays flat, and every figure of `/api/health` adds up.

mod client;

use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SystemClock;
use serde_json::Value;

use crate::memory::number;
use crate::process::Resident;
use crate::process::load_average;
use crate::service::Service;
use crate::service::configuration;
use client::Behaviour;
use client::Tally;

/// Misbehaving clients at once; each is another one as soon as it is through.
const TROUBLE: usize = 32;
/// Places in the service: fewer than there are clients, so that some are refused.
const PLACES: usize = 28;
/// Time between two reports.
const REPORT: Duration = Duration::from_secs(10);
/// Clients of the exact count at the end.
const WITNESSES: u64 = 10;
/// Time between two events: a little more than the gap after which one is over.
const EVENT: Duration = Duration::from_millis(200);
/// Time without a change after which figures stand still.
const SETTLED: Duration = Duration::from_secs(1);
/// Growth of what is in RAM, after a third of the time, that is still called flat: the allocator's own habits.
const GROWTH_MAX: u64 = 1 << 20;
/// Longest time until everything has calmed down when the trouble ends.
const CALM: Duration = Duration::from_secs(60);

/// How long, and which choices.
struct Plan {
    length: Duration,
    seed: u64,
}

pub(crate) fn run(options: &[String]) {
    let plan = plan(options).unwrap_or_else(|why| {
        eprintln!("soak: {why}");
        exit(2);
    });
    println!(
        "soak: {:?}, seed {}, {TROUBLE} clients at once, load average {}",
        plan.length,
        plan.seed,
        load_average()
    );
    match soak(&plan) {
        Ok(wrong) if wrong.is_empty() => println!("soak: nothing wrong"),
        Ok(wrong) => fail(&plan, &wrong),
        Err(why) => fail(&plan, &[why.to_string()]),
    }
}

fn fail(plan: &Plan, wrong: &[String]) {
    wrong.iter().for_each(|why| println!("soak: WRONG: {why}"));
    println!("soak: --seed {} makes the same choices", plan.seed);
    exit(1);
}

fn plan(options: &[String]) -> Result<Plan, String> {
    let mut plan = Plan {
        length: Duration::from_secs(300),
        seed: SystemClock::default().wall().at.0 as u64,
    };
    for pair in options.chunks(2) {
        let value = pair.get(1).and_then(|value| value.parse::<u64>().ok());
        let value = value.ok_or_else(|| format!("{} wants a whole number", pair[0]))?;
        match pair[0].as_str() {
            "--seconds" => plan.length = Duration::from_secs(value),
            "--minutes" => plan.length = Duration::from_secs(value * 60),
            "--hours" => plan.length = Duration::from_secs(value * 3600),
            "--seed" => plan.seed = value,
            other => return Err(format!("unknown option {other}; there are --seconds, --minutes, --hours, --seed")),
        }
    }
    Ok(plan)
}

/// What the trouble and the one who watches share.
struct Shared {
    stop: AtomicBool,
    tally: Mutex<Tally>,
}

/// Runs it all; gives what is wrong, in words. The store is small, so that it is soon full and grows no more.
fn soak(plan: &Plan) -> io::Result<Vec<String>> {
    let more = "heartbeat_ms = 2000\nclient_stall_ms = 2000\nheader_ms = 2000\n[camera]\nsource = \"scene:visits=0..0..1\"\n[event]\n\
                gap_ms = 100\nlapse_ms = 100\nupdate_ms = 200\n[store]\nevents_max = 200\njournal_max = 400\ncache = \"128KiB\"\n\
                [media]\nsnapshots = false\nclips = false\n"; // what is told of pictures is not what these clients ask for
    let mut service = Service::start(&configuration(PLACES, more))?;
    let shared = Arc::new(Shared {
        stop: AtomicBool::new(false),
        tally: Mutex::default(),
    });
    let address = service.address;
    let trouble: Vec<_> = (0..TROUBLE)
        .map(|number| {
            let (shared, mut choice) = (Arc::clone(&shared), Choice::new(plan.seed, number as u64));
            std::thread::spawn(move || {
                while !shared.stop.load(Ordering::Relaxed) {
                    let outcome = client::live(address, Behaviour::any(&mut choice), &mut choice);
                    *shared.tally.lock().expect("no client panics") += outcome;
                }
            })
        })
        .collect();
    let mut wrong = watch(&mut service, plan);
    shared.stop.store(true, Ordering::Relaxed);
    let failed = trouble.into_iter().map(|client| client.join()).filter(Result::is_err).count();
    if failed > 0 {
        wrong.push(format!("{failed} clients found what should not be; it stands above"));
    }
    wrong.extend(reckon(&service, &shared.tally.lock().expect("no client panics")));
    wrong.extend(exact(&service)?);
    Ok(wrong)
}

/// Makes events and looks at the service until the time is over.
fn watch(service: &mut Service, plan: &Plan) -> Vec<String> {
    let clock = SystemClock::default();
    let began = clock.now();
    let (mut reported, mut settled, mut most, mut wrong) = (began, 0, 0, Vec::new());
    while clock.now().since(began) < plan.length {
        // It may be refused while all places are taken.
        let _ = service.request("POST", "/api/events");
        std::thread::sleep(EVENT);
        let now = clock.now();
        if now.since(reported) < REPORT {
            continue;
        }
        reported = now;
        if !service.alive() {
            wrong.push("the service died".to_owned());
            return wrong;
        }
        let rss = Resident::of(service.pid()).rss;
        if now.since(began) < plan.length / 3 {
            settled = settled.max(rss);
        } else {
            most = most.max(rss);
        }
        service.comes_to(REPORT, |health| health["stream"].is_object()); // it may be refused, too
        report(now.since(began), rss, &service.health());
    }
    if settled > 0 && most > settled + GROWTH_MAX {
        wrong.push(format!(
            "RSS grew from {} to {} KiB after the first third",
            settled / 1024,
            most / 1024
        ));
    }
    wrong
}

fn report(passed: Duration, rss: u64, health: &Value) {
    println!(
        "soak: {:>5} s  RSS {:>6} KiB  allocated {:>6} KiB  stream {}  clients {}",
        passed.as_secs(),
        rss / 1024,
        number(health, "/memory/used_bytes") / 1024,
        health["stream"],
        health["clients"]
    );
}

/// Everybody has left: do the service's figures agree with each other and with what the clients saw?
fn reckon(service: &Service, tally: &Tally) -> Vec<String> {
    let mut wrong = Vec::new();
    let calm = service.comes_to(CALM, |health| {
        number(health, "/clients/active") == 1 && number(health, "/clients/streams") == 0
    });
    let health = service.health();
    println!("soak: clients saw {tally:?}");
    println!("soak: service says stream {} clients {}", health["stream"], health["clients"]);
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    check(
        calm,
        format!("places are still taken when everybody has left: {}", health["clients"]),
    );
    let (published, delivered) = (number(&health, "/stream/published"), number(&health, "/stream/delivered"));
    let lagged = number(&health, "/stream/lagged");
    let opened = number(&health, "/clients/opened");
    let records = number(&health, "/recorder/records");
    check(published > 0 && delivered > 0, format!("nothing was told: {}", health["stream"]));
    check(
        tally.received <= delivered,
        format!("clients got {} live messages, the service delivered {delivered}", tally.received),
    );
    check(
        delivered + lagged <= published * opened.max(1),
        format!("{delivered} delivered and {lagged} lagged of {published} told to {opened}"),
    );
    check(
        tally.opened <= opened,
        format!("{} saw a welcome, {opened} were opened", tally.opened),
    );
    check(
        number(&health, "/clients/malformed") >= tally.complaints,
        format!("clients got {} errors, {} were counted", tally.complaints, health["clients"]),
    );
    check(tally.disordered == 0, format!("{} messages out of order", tally.disordered));
    check(tally.kept == 0, format!("{} were not sent away", tally.kept));
    check(tally.gaps == 0, format!("{} messages missing without a word", tally.gaps));
    for none in ["/clients/panicked", "/recorder/records_dropped"] {
        check(number(&health, none) == 0, format!("{none} is {}", number(&health, none)));
    }
    check(
        health["status"] == "ok",
        format!("it says {} with {records} records", health["problems"]),
    );
    wrong
}

/// With clients that read to the end every figure is exact: each was told all that was published, and counted so.
fn exact(service: &Service) -> io::Result<Vec<String>> {
    settled(service);
    let clients = (0..WITNESSES)
        .map(|_| client::Witness::open(service.address))
        .collect::<io::Result<Vec<_>>>()?;
    service.comes_to(CALM, |health| number(health, "/clients/streams") == WITNESSES);
    let before = figures(&service.health());
    for _ in 0..20 {
        service.request("POST", "/api/events")?;
        std::thread::sleep(EVENT);
    }
    let after = settled(service);
    let [published, delivered, lagged] = [0, 1, 2].map(|at| after[at] - before[at]);
    let seen: Vec<u64> = clients.into_iter().map(client::Witness::count).collect();
    println!("soak: {WITNESSES} witnesses saw {seen:?} of {published} published; {delivered} delivered, {lagged} lagged");
    let exact = published > 0 && delivered == WITNESSES * published && lagged == 0 && seen.iter().all(|seen| *seen == published);
    let wrong = format!("{WITNESSES} witnesses saw {seen:?} of {published} published; {delivered} delivered, {lagged} lagged");
    Ok(if exact { Vec::new() } else { vec![wrong] })
}

/// Published, delivered and lagged.
fn figures(health: &Value) -> [u64; 3] {
    ["/stream/published", "/stream/delivered", "/stream/lagged"].map(|name| number(health, name))
}

/// The same once they stand still: events end by themselves, and then nothing is published any more.
fn settled(service: &Service) -> [u64; 3] {
    let mut last = None;
    service.comes_to(CALM, |health| {
        std::thread::sleep(SETTLED);
        last.replace(figures(health)) == Some(figures(health))
    });
    last.unwrap_or_default()
}

/// Random numbers that a seed repeats: splitmix64, by Sebastiano Vigna.
pub(crate) struct Choice(u64);

impl Choice {
    fn new(seed: u64, stream: u64) -> Choice {
        Choice(seed.wrapping_add(stream.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// A time of up to `most`.
    pub(crate) fn time(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.below(most.as_micros() as u64 + 1))
    }
}

/// A clock's time, as far as a client needs it.
pub(crate) fn now() -> Mono {
    SystemClock::default().now()
}
