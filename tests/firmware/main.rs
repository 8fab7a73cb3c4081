//! The image, booted in emulation, as its user meets it: it answers, sees, feels, keeps to its memory, and survives power cuts.
//! `tools/firmware` builds what is needed and runs this; elsewhere nothing is checked, and that is said.

mod guest;

use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use crate::guest::Guest;
use crate::guest::PATIENCE;
use crate::guest::Stream;
use crate::guest::now;
use crate::guest::within;

/// vivid's menu "Horizontal Movement": none, and fast to the right.
const STILL: i32 = 3;
const FAST: i32 = 6;
/// vivid's menu "OSD Text Mode": no text, which would move.
const NO_TEXT: i32 = 2;
/// Clients at once: as many as the image lets in.
const CLIENTS: usize = 32;
/// Highest exposure that `systemd-analyze security` may find.
const EXPOSURE_MAX: f64 = 2.0;
/// Power cuts, unless LOOKOUT_POWER_CUTS says otherwise.
const POWER_CUTS: u64 = 5;

/// One chapter, on a guest that runs.
type Chapter = fn(&mut Guest);

const CHAPTERS: [(&str, Chapter); 6] = [
    ("the service runs as its own user, on a read-only system", own_user),
    ("the sandbox is tight", sandbox),
    ("motion makes an event, a still picture none", motion),
    ("a pull of the sensor's line makes an event", sensor),
    ("a camera that goes and comes back is told", unplugged),
    ("the memory limit holds with as many clients as come in", memory),
];

fn main() -> ExitCode {
    let Some(dir) = std::env::var_os("LOOKOUT_FIRMWARE") else {
        if !std::env::args().any(|argument| argument == "--list") {
            println!("nothing checked: tools/firmware builds the image and boots it");
        }
        return ExitCode::SUCCESS;
    };
    let dir = Path::new(&dir);
    let mut failed = Vec::new();
    let mut guest = None;
    chapter("the image boots, and the service answers", &mut failed, || {
        guest = Some(Guest::boot(dir))
    });
    if let Some(mut guest) = guest {
        for (name, run) in CHAPTERS {
            chapter(name, &mut failed, || run(&mut guest));
        }
        drop(guest);
        chapter("a power cut costs no event that a client has seen", &mut failed, || power_cuts(dir));
    }
    failed.iter().for_each(|name| println!("failed: {name}"));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn chapter(name: &'static str, failed: &mut Vec<&'static str>, run: impl FnOnce()) {
    let began = now();
    let ok = panic::catch_unwind(AssertUnwindSafe(run)).is_ok();
    println!("{name}: {} ({} s)", if ok { "ok" } else { "FAILED" }, now().since(began).as_secs());
    if !ok {
        failed.push(name);
    }
}

fn own_user(guest: &mut Guest) {
    let pid = guest.run("systemctl show --property MainPID --value lookout");
    assert_eq!(guest.run(&format!("stat -c %U /proc/{pid}")), "lookout");
    assert!(guest.run("findmnt --noheadings --output OPTIONS /").starts_with("ro"));
    assert_eq!(guest.run("cat /sys/class/video4linux/video0/name"), "vivid-000-vid-cap");
    assert!(
        guest
            .run("cat /run/lookout-board/environment")
            .contains("LOOKOUT_PIR=chip:lookout-sim/PIR")
    );
    assert!(
        guest.run("fw_printenv BOOT_ORDER").contains('A'),
        "the boot loader's variables are read"
    );
    assert_eq!(guest.run("systemctl --failed --no-legend | cat"), "", "no unit has failed");
    let grown: u64 = guest
        .run("df --output=size --block-size=1M /data | tail -n 1")
        .trim()
        .parse()
        .expect("a size");
    assert!(grown > 1000, "the data partition is as large as the card: {grown} MiB");
}

fn sandbox(guest: &mut Guest) {
    let report = guest.run("systemd-analyze security --no-pager lookout | cat");
    let verdict = report.lines().last().unwrap_or_default();
    println!("{verdict}");
    let exposure = verdict.split_whitespace().find_map(|word| word.parse::<f64>().ok());
    assert!(exposure.expect("an exposure") <= EXPOSURE_MAX, "{report}");
}

fn motion(guest: &mut Guest) {
    let mut stream = quiet(guest);
    let events = stream
        .during(Duration::from_secs(15))
        .into_iter()
        .filter(|message| message["type"] == "event");
    assert_eq!(events.count(), 0, "nothing moves");
    guest.camera("Horizontal Movement", FAST);
    let event = stream.until("an event of the camera", |message| is_event(message, "start"));
    assert_eq!(event["data"]["trigger"], "video");
}

fn sensor(guest: &mut Guest) {
    let mut stream = quiet(guest);
    guest.sensor(true);
    let event = stream.until("an event of the sensor", |message| is_event(message, "start"));
    assert_eq!(event["data"]["trigger"], "pir");
    guest.sensor(false);
}

fn unplugged(guest: &mut Guest) {
    let mut stream = quiet(guest);
    let camera_is = |state: &'static str| move |message: &Value| message["type"] == "camera_event" && message.to_string().contains(state);
    guest.run("echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind");
    stream.until("the loss of the camera", camera_is("lost"));
    guest.run("echo vivid.0 >/sys/bus/platform/drivers/vivid/bind");
    stream.until("its return", camera_is("restored"));
}

fn memory(guest: &mut Guest) {
    let mut clients: Vec<Stream> = (0..CLIENTS - 1).map(|_| guest.connect("/ws/ui")).collect();
    guest.camera("Horizontal Movement", FAST);
    clients.iter_mut().for_each(|client| {
        client.until("anything", |message| message["type"] != "connection_status");
    });
    let mut figure = |name: &str| -> u64 {
        let value = guest.run(&format!("systemctl show --property {name} --value lookout"));
        value.parse().unwrap_or_else(|_| panic!("{name}: {value}"))
    };
    let (current, peak, max) = (figure("MemoryCurrent"), figure("MemoryPeak"), figure("MemoryMax"));
    let status = guest.run("cat /proc/$(systemctl show --property MainPID --value lookout)/status");
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or_default()
        .trim();
    println!(
        "MemoryCurrent {} KiB, peak {} KiB, limit {} KiB, resident {resident}",
        current / 1024,
        peak / 1024,
        max / 1024
    );
    assert!(current < max && guest.run("systemctl show --property NRestarts --value lookout") == "0");
}

/// Cuts the power at random moments while events are made; each that a client had seen is there after the next boot.
fn power_cuts(dir: &Path) {
    let cuts = std::env::var("LOOKOUT_POWER_CUTS")
        .ok()
        .and_then(|cuts| cuts.parse().ok())
        .unwrap_or(POWER_CUTS);
    let mut seen: Vec<u64> = Vec::new();
    for cut in 0..cuts {
        let mut guest = Guest::boot(dir);
        check_seen(&guest, &seen);
        let seed = getrandom::u32().expect("randomness");
        let time = Duration::from_millis(u64::from(seed % 10_000));
        println!(
            "power cut {cut}: seed {seed}, after {} ms; {} events seen",
            time.as_millis(),
            seen.len()
        );
        let mut stream = quiet(&mut guest);
        guest.sensor(true);
        guest.camera("Horizontal Movement", FAST);
        let messages = stream.during(time);
        guest.cut();
        seen.extend(
            messages
                .iter()
                .filter(|message| message["type"] == "event")
                .filter_map(|event| event["data"]["id"].as_u64()),
        );
        seen.dedup();
    }
    check_seen(&Guest::boot(dir), &seen);
}

fn check_seen(guest: &Guest, seen: &[u64]) {
    for id in seen {
        let (status, _) = guest.get(&format!("/api/events/{id}")).expect("an answer");
        assert_eq!(status, 200, "event {id} was seen by a client and is gone");
    }
}

/// A stream with nothing going on.
fn quiet(guest: &mut Guest) -> Stream {
    guest.camera("OSD Text Mode", NO_TEXT);
    guest.camera("Horizontal Movement", STILL);
    guest.sensor(false);
    let mut stream = guest.connect("/ws/events");
    within(PATIENCE, "silence", || {
        let heard = stream.during(Duration::from_secs(5));
        heard.iter().all(|message| message["type"] != "event").then_some(())
    });
    stream
}

fn is_event(message: &Value, phase: &str) -> bool {
    message["type"] == "event" && message["data"]["phase"] == phase
}
