//! A card that someone has prepared on a laptop: a wrong file is answered in words beside it, a right one is taken, and the device comes
//! up claimed; on QEMU's own machine, and on a Raspberry Pi 3 as QEMU emulates it.

use std::path::Path;

use crate::guest::Guest;
use crate::guest::Machine;
use crate::guest::PATIENCE;
use crate::guest::within;

const PASSWORD: &str = "a horse on the porch";
const NAME: &str = "porch";

pub(crate) fn prepared_on_a_laptop(dir: &Path) {
    let add = prepare(dir, "hostname = \"no name\"\npasword = \"secret\"\n");
    let _ = std::fs::remove_file(dir.join("first.qcow2"));
    let mut guest = Guest::start(dir, "first.qcow2", &["--add", &add]);
    complained(&mut guest);
    correct(&mut guest);
    // Nobody sits before its console: what stops a start ends in another one.
    guest.run("systemd-run --quiet --on-active=1 systemctl --no-block isolate emergency.target"); // which ends this shell
    guest.wait_for_service(); // it answers this machine only once it is claimed
    claimed(&guest);
    taken(&mut guest);
}

/// There is no camera on the emulated board: the service watches its built-in scene.
pub(crate) fn on_a_raspberry(dir: &Path) {
    let add = prepare(dir, &format!("password = \"{PASSWORD}\"\n[pir]\nline = 4\n"));
    let _ = std::fs::remove_file(dir.join("raspberry.qcow2"));
    let machine = Machine::start(dir, "raspberry.qcow2", &["--board", "raspberrypi3", "--add", &add]);
    machine.wait_for_service();
    let cookie = machine.log_in(PASSWORD).expect("the password of the card");
    let told = |path: &str| machine.get_as(&cookie, path).unwrap_or_default();
    let (_, system) = told("/api/system");
    println!("  {}", system["board"]);
    assert!(system["board"].to_string().contains("Raspberry Pi 3"), "{system}");
    // The kernel has no /dev/gpiomem, which rppal works on: the board's unit names the same line by its chip.
    let pipeline = within(PATIENCE * 3, "frames and the sensor", || {
        let (status, health) = told("/api/health");
        let sensor = ["warm_up", "live"].iter().any(|state| health["pipeline"]["pir"] == *state);
        (status == 200 && sensor && health["pipeline"]["camera"] == "live").then(|| health["pipeline"].clone())
    });
    println!(
        "  camera {}, sensor by its chip (no /dev/gpiomem for rppal in this kernel) {}",
        pipeline["camera"], pipeline["pir"]
    );
}

/// Writes `lookout.toml`; gives its path.
fn prepare(dir: &Path, text: &str) -> String {
    let file = dir.join("lookout.toml");
    std::fs::write(&file, text).expect("written");
    file.to_string_lossy().into_owned()
}

/// Nothing of a wrong file is taken, and the device stays closed.
fn complained(guest: &mut Guest) {
    guest.run("until systemctl is-active --quiet lookout; do sleep 1; done");
    let errors = guest.run("cat /boot/firmware/lookout-errors.txt");
    println!("  {}", errors.lines().last().unwrap_or_default());
    assert!(errors.contains("line 2: unknown field `pasword`"), "{errors}");
    assert!(!errors.contains("secret"), "{errors}");
    let listens = guest.run("cat /proc/net/tcp | awk '$4 == \"0A\" { print $2 }'");
    assert!(
        !listens.contains("00000000:0050"),
        "it listens for all before it is claimed: {listens}"
    );
}

fn correct(guest: &mut Guest) {
    let file = format!("hostname = \"{NAME}\"\npassword = \"{PASSWORD}\"\n[pir]\nsource = \"chip:lookout-sim/4\"\n");
    let lines = file.replace('\n', "\\n");
    guest.run(&format!("printf '{lines}' >/boot/firmware/lookout.toml && sync"));
}

/// Who has the password is let in from the network, and nobody else.
fn claimed(guest: &Guest) {
    assert_eq!(guest.get("/api/events").expect("an answer").0, 401);
    assert_eq!(guest.log_in("another password"), Err(401));
    let cookie = guest.log_in(PASSWORD).expect("the password of the card");
    assert_eq!(guest.get_as(&cookie, "/api/events").expect("an answer").0, 200);
}

/// What was asked for holds, and the secret is nowhere that a reader of the card finds it.
fn taken(guest: &mut Guest) {
    assert_eq!(guest.run("cat /proc/sys/kernel/hostname"), NAME);
    assert!(guest.run("cat /data/lookout/lookout.toml").contains("chip:lookout-sim/4"));
    assert!(guest.run("cat /boot/firmware/lookout.toml").contains("password = \"taken\""));
    assert_eq!(guest.run("ls /boot/firmware | grep -c errors || true"), "0");
    let secret = &PASSWORD[2..]; // the guest's own shell does not say it
    let found = "sync; umount /boot/firmware; grep -c -a";
    let place = "/dev/disk/by-partuuid/*-01 || true";
    assert_eq!(guest.run(&format!("{found} '{secret}' {place}")), "0", "on the boot partition");
    assert_eq!(guest.run(&format!("journalctl | grep -c '{secret}' || true")), "0", "in the log");
    assert_eq!(guest.run("ls /data/lookout | grep -c claim-password || true"), "0");
    assert_eq!(
        guest.run("systemctl is-active lookout-ssh || true"),
        "inactive",
        "nobody gave a key"
    );
}
