//! A device without a cable that knows no network: it opens an access point for whoever has the card's password, tries what is wished
//! for there, comes back when that fails, and keeps what works. The radios are the kernel's own, `mac80211_hwsim`.

use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::guest::Guest;
use crate::guest::PATIENCE;
use crate::guest::within;

const NAME: &str = "lookout-porch";
const PASSWORD: &str = "a horse on the porch";
const HOME: &str = "somebody's home";
const HOME_PASSPHRASE: &str = "four words of home";
/// Whose words tell how it came to what.
const UNITS: [&str; 2] = ["lookout-network", "iwd"];
/// The device's address as an access point, of board/facts.
const FACTS: &str = include_str!("../../board/facts");

pub(crate) fn set_up(dir: &Path) {
    let add = dir.join("lookout.toml");
    let text = format!("hostname = \"{NAME}\"\npassword = \"{PASSWORD}\"\n[pir]\nsource = \"none\"\n");
    std::fs::write(&add, text).expect("written");
    let _ = std::fs::remove_file(dir.join("radio.qcow2"));
    let mut guest = start(dir, &["--add", &add.to_string_lossy()]);
    guest.explained(&UNITS, from_access_point_to_home);
    guest.run("sync");
    guest.cut();
    start(dir, &[]).explained(&UNITS, at_home_by_itself);
}

fn from_access_point_to_home(guest: &mut Guest) {
    let device = own_address();
    enter(guest);
    let report = network(guest, "phone", &device);
    println!("  {} sees {}", report["access_point"], report["networks"]);
    assert_eq!((&report["state"], &report["access_point"]), (&json!("access_point"), &json!(NAME)));
    assert!(
        report["networks"]
            .as_array()
            .is_some_and(|seen| seen.iter().any(|seen| seen["ssid"] == HOME)),
        "{report}"
    );

    wish(guest, &device, "three words of home");
    let report = back(guest, &device);
    println!("  back as an access point: {}", report["failed"]["message"]);
    assert_eq!(report["failed"]["reason"], "refused", "{report}");
    assert_eq!(kept(guest), "", "nothing of it is kept");

    wish(guest, &device, HOME_PASSPHRASE);
    let address = at_home(guest);
    assert!(kept(guest).contains("AutoConnect=false"), "only tried as yet");
    let report = within(PATIENCE, "a network that is kept", || {
        let report = network(guest, "home", &address);
        (report["state"] == "settled").then_some(report)
    });
    println!("  at home as {address}: {}", report["ssid"]);
    let kept = kept(guest);
    assert!(kept.contains("Passphrase=") && !kept.contains("AutoConnect"), "{kept}");
    assert_eq!(
        guest.run("/run/tools/iw dev wlan0 info | sed -n 's/.*type //p'"),
        "managed",
        "no access point any more"
    );
}

fn at_home_by_itself(guest: &mut Guest) {
    let address = at_home(guest);
    let report = network(guest, "home", &address);
    println!("  at home by itself after a start, as {address}");
    assert_eq!(report["state"], "settled", "{report}");
}

/// A device without a cable; in its air are a phone, and the access point of a home. Their radios come with its own in one go, while iwd makes
/// its devices anew, and one could take the name of a device that it has just removed: iwd leaves all alone until the others have theirs.
fn start(dir: &Path, options: &[&str]) -> Guest {
    let mut guest = Guest::start(dir, "radio.qcow2", &[options, &["--cable", "no"]].concat());
    guest.run("mkdir -p /run/tools && mount -o ro /dev/disk/by-label/tools /run/tools");
    guest.run("mkdir -p /run/systemd/system/iwd.service.d");
    let none = "/run/systemd/system/iwd.service.d/none.conf";
    guest.run(&format!(
        "printf '[Service]\\nExecStart=\\nExecStart=/usr/libexec/iwd --nophys phy0,phy1,phy2\\n' >{none}"
    ));
    guest.run("systemctl daemon-reload && systemctl restart iwd && modprobe mac80211_hwsim radios=3");
    guest.run("/run/tools/air phone take phy1 && /run/tools/air home take phy2");
    let quoted = HOME.replace('\'', "'\\''");
    guest.run(&format!("/run/tools/air home serve '{quoted}' '{HOME_PASSPHRASE}' 10.9.0.1/24"));
    guest.run(&format!("rm {none} && systemctl daemon-reload && systemctl restart iwd"));
    guest.run("until systemctl is-active --quiet lookout lookout-network; do sleep 1; done");
    guest
}

/// The phone joins the access point, once it is there; who has another password does not.
fn enter(guest: &mut Guest) {
    within(PATIENCE, "the access point", || {
        let log = guest.run("journalctl --unit lookout-network --output cat | grep -c 'the access point is open' || true");
        (log != "0").then_some(())
    });
    let stranger = guest.run(&format!("/run/tools/air phone join {NAME} 'another password' || echo none"));
    assert!(stranger.ends_with("none"), "{stranger}");
    join(guest);
}

fn join(guest: &mut Guest) {
    let joined = within(PATIENCE, "an address of the access point's", || {
        let said = guest.run(&format!("/run/tools/air phone join {NAME} '{PASSWORD}' || true"));
        said.contains("inet ").then_some(said)
    });
    println!("  {}", joined.split_whitespace().collect::<Vec<_>>().join(" "));
}

/// How the network is, as somebody sees it who is logged in and comes over `from`.
fn network(guest: &mut Guest, from: &str, device: &str) -> Value {
    let cookie = log_in(guest, from, device);
    ask(guest, from, device, "GET", "/api/network", &cookie, "").1
}

fn wish(guest: &mut Guest, device: &str, passphrase: &str) {
    let cookie = log_in(guest, "phone", device);
    let body = json!({ "ssid": HOME, "passphrase": passphrase }).to_string().replace('\'', "'\\''");
    let (head, _) = ask(guest, "phone", device, "PUT", "/api/network/wifi", &cookie, &body);
    assert!(head.starts_with("HTTP/1.1 202"), "{head}");
}

/// Until the device is an access point again, as the phone sees it.
fn back(guest: &mut Guest, device: &str) -> Value {
    within(PATIENCE, "the way back", || {
        let log = guest.run("journalctl --unit lookout-network --output cat | grep -c 'the access point is open' || true");
        (log == "2").then_some(())
    });
    join(guest);
    network(guest, "phone", device)
}

/// The device's address at home.
fn at_home(guest: &mut Guest) -> String {
    let given = "/run/tools/busybox ip -4 -o addr show dev wlan0 | sed -n 's/.*inet \\(10.9.0[.0-9]*\\).*/\\1/p'";
    // Between two networks iwd makes the device anew, and what is said then is that there is none.
    within(PATIENCE, "an address at home", || {
        Some(guest.run(given)).filter(|said| said.parse::<Ipv4Addr>().is_ok())
    })
}

/// What iwd knows of the home.
fn kept(guest: &mut Guest) -> String {
    guest.run("cat /data/iwd/*.psk 2>/dev/null || true")
}

fn log_in(guest: &mut Guest, from: &str, device: &str) -> String {
    let body = json!({ "password": PASSWORD }).to_string();
    let (head, _) = ask(guest, from, device, "POST", "/api/login", "", &body);
    let cookie = head.split("set-cookie: ").nth(1).and_then(|rest| rest.split(';').next());
    format!("Cookie: {}", cookie.unwrap_or_else(|| panic!("no cookie: {head}")))
}

/// Header and body of an answer.
fn ask(guest: &mut Guest, from: &str, device: &str, method: &str, path: &str, field: &str, body: &str) -> (String, Value) {
    let answer = within(PATIENCE, "an answer", || {
        let answer = guest.run(&format!(
            "/run/tools/air {from} ask {device} {method} {path} '{field}' '{body}' || true"
        ));
        answer.starts_with("HTTP/").then_some(answer)
    });
    let answer = answer.replace('\r', "");
    let (head, body) = answer.split_once("\n\n").unwrap_or((&answer, ""));
    (head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn own_address() -> String {
    let line = FACTS.lines().find_map(|line| line.strip_prefix("SETUP_ADDRESS="));
    line.expect("a fact").trim_matches('"').to_owned()
}
