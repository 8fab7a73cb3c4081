//! Power cuts at random moments: while events are made, while a bundle is written, while the machine changes from one system to the
//! other. LOOKOUT_POWER_CUTS says how many, LOOKOUT_POWER_SEED which; what was chosen is printed.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::guest::BINARY;
use crate::guest::BOOT_MAX;
use crate::guest::Guest;
use crate::guest::now;
use crate::guest::within;
use crate::updates;
use crate::watching;

/// Cuts, unless LOOKOUT_POWER_CUTS says otherwise.
const CUTS: u64 = 5;

/// What goes on when the power goes.
#[derive(Clone, Copy, Debug)]
enum During {
    Events,
    Install,
    Switch,
}

impl During {
    /// Within this time from its beginning.
    fn span(self) -> Duration {
        match self {
            During::Events => Duration::from_secs(10),
            During::Install => Duration::from_secs(90),
            During::Switch => Duration::from_secs(120),
        }
    }
}

/// After each cut the machine boots, one slot is good, and every event that a client had seen is there.
pub(crate) fn cuts(dir: &Path) {
    let seed = variable("LOOKOUT_POWER_SEED").unwrap_or_else(|| getrandom::u32().expect("randomness").into());
    let cuts = variable("LOOKOUT_POWER_CUTS").unwrap_or(CUTS);
    println!("  LOOKOUT_POWER_SEED={seed} LOOKOUT_POWER_CUTS={cuts}");
    let mut random = seed;
    let mut seen: Vec<u64> = Vec::new();
    let mut guest = Guest::boot(dir);
    for cut in 0..cuts {
        let during = [During::Events, During::Install, During::Switch][(cut % 3) as usize];
        let after = during.span().mul_f64((next(&mut random) % 10_000) as f64 / 10_000.0);
        println!(
            "  cut {cut}: {during:?}, after {} ms; {} events seen",
            after.as_millis(),
            seen.len()
        );
        begin(&mut guest, during);
        seen.extend(events(&mut guest, during, after));
        seen.dedup();
        guest.cut();
        let began = now();
        guest = Guest::boot(dir);
        guest.has_events(&seen);
        check_slots(&mut guest);
        println!("  decided {} s after power on", now().since(began).as_secs());
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// splitmix64 (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn begin(guest: &mut Guest, during: During) {
    match during {
        During::Events => {}
        During::Install => {
            let (status, accepted) = guest.post("/api/update", BINARY, &updates::bundle("good"));
            assert_eq!(status, 202, "{accepted}");
        }
        During::Switch => {
            updates::install(guest, "good");
            updates::restart(guest);
        }
    }
}

/// What a client sees until the power goes.
fn events(guest: &mut Guest, during: During, time: Duration) -> Vec<u64> {
    if let During::Switch = during {
        let until = now() + time;
        within(time * 2 + Duration::from_secs(1), "the moment", || (now() >= until).then_some(()));
        return Vec::new();
    }
    let mut stream = match during {
        During::Events => watching::quiet(guest),
        _ => guest.connect("/ws/events"),
    };
    guest.sensor(true);
    guest.camera("Horizontal Movement", watching::FAST);
    let messages = stream.during(time);
    let events = messages.iter().filter(|message| message["type"] == "event");
    events.filter_map(|event| event["data"]["id"].as_u64()).collect()
}

/// The system that runs is marked good, and what became of an update that was cut short is known.
fn check_slots(guest: &mut Guest) {
    within(BOOT_MAX, "a decision", || {
        let report = updates::report(guest);
        let open = ["installing", "testing"]
            .iter()
            .any(|outcome| report["last"]["outcome"] == *outcome);
        let waiting = report["state"] == "testing" || open;
        (!waiting).then(|| println!("  slot {}, last update {}", report["booted"], word(&report)))
    });
    updates::kept(guest);
}

fn word(report: &Value) -> String {
    format!("{} {}", report["last"]["outcome"], report["last"]["why"])
}
