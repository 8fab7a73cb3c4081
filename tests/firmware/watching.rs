//! What the image does all day: it runs as its own user in a tight sandbox, sees, feels, and keeps to its memory.

use std::time::Duration;

use serde_json::Value;

use crate::guest::Guest;
use crate::guest::PATIENCE;
use crate::guest::Stream;
use crate::guest::within;

/// vivid's menu "Horizontal Movement": none, and fast to the right.
const STILL: i32 = 3;
pub(crate) const FAST: i32 = 6;
/// vivid's menu "OSD Text Mode": no text, which would move.
const NO_TEXT: i32 = 2;
/// Clients at once: as many as the image lets in.
const CLIENTS: usize = 32;
/// Highest exposure that `systemd-analyze security` may find.
const EXPOSURE_MAX: f64 = 2.0;

pub(crate) fn own_user(guest: &mut Guest) {
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

pub(crate) fn sandbox(guest: &mut Guest) {
    let report = guest.run("systemd-analyze security --no-pager lookout | cat");
    let verdict = report.lines().last().unwrap_or_default();
    println!("{verdict}");
    let exposure = verdict.split_whitespace().find_map(|word| word.parse::<f64>().ok());
    assert!(exposure.expect("an exposure") <= EXPOSURE_MAX, "{report}");
}

pub(crate) fn motion(guest: &mut Guest) {
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

pub(crate) fn sensor(guest: &mut Guest) {
    let mut stream = quiet(guest);
    guest.sensor(true);
    let event = stream.until("an event of the sensor", |message| is_event(message, "start"));
    assert_eq!(event["data"]["trigger"], "pir");
    guest.sensor(false);
}

pub(crate) fn unplugged(guest: &mut Guest) {
    let mut stream = quiet(guest);
    let camera_is = |state: &'static str| move |message: &Value| message["type"] == "camera_event" && message.to_string().contains(state);
    guest.run("echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind");
    stream.until("the loss of the camera", camera_is("lost"));
    guest.run("echo vivid.0 >/sys/bus/platform/drivers/vivid/bind");
    stream.until("its return", camera_is("restored"));
}

pub(crate) fn memory(guest: &mut Guest) {
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

/// A stream with nothing going on.
pub(crate) fn quiet(guest: &mut Guest) -> Stream {
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
