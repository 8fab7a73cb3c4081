//! The first boot: what a laptop wrote is where the system looks for it, whatever is wrong with it and whenever the plug is pulled.

#[path = "common/machine.rs"]
mod machine;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use lookout::board::Board;
use lookout::clock::Timestamp;
use lookout::config::Config;
use lookout::provision;
use lookout::provision::Places;
use lookout::provision::Provisioned;
use lookout::provision::disk::Access;
use lookout::provision::disk::Disk;
use lookout::provision::disk::RealDisk;
use lookout::provision::last_time;
use proptest::prelude::*;
use tempfile::TempDir;

const FULL: &str = r#"# Written on a laptop.
hostname = "Garden"
password = "open sesame"
ssh_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFake me@laptop"
time_server = "time.example.org"
tls = "self_signed"
wifi = { ssid = "Café 5", psk = 'back\slash "quoted"', country = "DE" }
[pir]
line = 17
"#;
const SECRETS: [&str; 2] = ["open sesame", "back\\slash"];

/// A card, and the board that it is put in.
struct Card {
    dir: TempDir,
    places: Places,
    board: Board,
}

impl Card {
    fn with(text: &str) -> Card {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        for folder in ["boot", "data/lookout", "board/proc/device-tree"] {
            fs::create_dir_all(at(folder)).expect("a folder");
        }
        fs::write(at("boot/lookout.toml"), text).expect("written");
        fs::write(at("board/proc/device-tree/serial-number"), "10000000CAFE1234\0").expect("written");
        fs::write(at("base.toml"), "[memory]\nbudget = \"24MiB\"\n").expect("written");
        let places = Places {
            boot: at("boot"),
            data: at("data"),
            base: at("base.toml"),
            listen: "0.0.0.0:8000".into(),
            listen_tls: "0.0.0.0:8443".into(),
        };
        let board = Board {
            root: at("board"),
            disk: at("data"),
        };
        Card { dir, places, board }
    }

    fn run(&self) -> Provisioned {
        self.run_on(&RealDisk).expect("the disk works")
    }

    fn run_on(&self, disk: &dyn Disk) -> Result<Provisioned, provision::ProvisionError> {
        provision::provision(&self.places, &self.board, disk)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn mode(&self, name: &str) -> u32 {
        let file = fs::metadata(self.dir.path().join(name)).expect("the file");
        file.permissions().mode() & 0o777
    }

    /// Every file with its content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.places.boot.clone(), self.places.data.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.dir.path()).expect("within").to_owned();
                    found.insert(name, fs::read(path).expect("a file"));
                }
            }
        }
        found
    }

    fn configuration(&self) -> Config {
        Config::parse(&self.text("data/lookout/lookout.toml"), Path::new("lookout.toml")).expect("a configuration that holds")
    }
}

/// A disk whose power fails before one of its writes, or in the middle of it.
struct Failing {
    writes_left: Cell<u32>,
    torn: bool,
}

impl Failing {
    fn step(&self, torn: impl FnOnce()) -> io::Result<()> {
        match self.writes_left.get().checked_sub(1) {
            Some(left) => {
                self.writes_left.set(left);
                Ok(())
            }
            None => {
                if self.torn {
                    torn();
                }
                Err(io::Error::other("the power is gone"))
            }
        }
    }
}

/// What is left of a file that was being written beside another.
fn leave_torn(file: &Path, content: &[u8]) {
    let mut fresh = file.as_os_str().to_owned();
    fresh.push(".new");
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(fresh, &content[..content.len() / 2]).expect("written");
}

impl Disk for Failing {
    fn read(&self, file: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        RealDisk.read(file, bytes_max)
    }
    fn replace(&self, file: &Path, content: &[u8], access: Access) -> io::Result<()> {
        self.step(|| leave_torn(file, content))?;
        RealDisk.replace(file, content, access)
    }
    fn replace_secret(&self, file: &Path, content: &[u8]) -> io::Result<()> {
        self.step(|| leave_torn(file, content))?;
        RealDisk.replace_secret(file, content)
    }
    fn remove(&self, file: &Path) -> io::Result<()> {
        self.step(|| {})?;
        RealDisk.remove(file)
    }
}

#[test]
fn everything_is_where_the_system_looks_for_it_and_the_secrets_are_gone() {
    let card = Card::with(FULL);
    assert!(matches!(card.run(), Provisioned::Done(8)));
    assert_eq!(card.text("data/hostname"), "garden\n");
    assert_eq!(card.text("data/lookout/claim-password"), "open sesame\n");
    assert_eq!(card.mode("data/lookout/claim-password"), 0o600);
    assert_eq!(
        card.text("data/iwd/=436166c3a92035.psk"),
        "[Security]\nPassphrase=back\\\\slash \"quoted\"\n"
    );
    assert_eq!(card.mode("data/iwd/=436166c3a92035.psk"), 0o600);
    assert_eq!(card.text("data/iwd/main.conf"), "[General]\nCountry=DE\n");
    assert_eq!(card.text("data/timesyncd.conf"), "[Time]\nNTP=time.example.org\n");
    assert!(card.text("data/ssh/authorized_keys").ends_with(" me@laptop\n"));
    let config = card.configuration();
    assert_eq!((config.pir.spec.to_string(), config.budget_bytes), ("rppal:17".into(), 24 << 20));
    assert_eq!(
        (config.web.listen.to_string(), config.web.auth),
        ("0.0.0.0:8443".into(), lookout::config::Auth::Password)
    );
    assert_eq!(
        config.web.redirect.to_string(),
        "0.0.0.0:8000",
        "who types no https arrives all the same"
    );
    assert_eq!(config.web.tls.mode, lookout::web::TlsMode::SelfSigned);
    assert_eq!(config.claim_password_file, card.dir.path().join("data/lookout/claim-password"));
    let left = card.text("boot/lookout.toml");
    assert!(SECRETS.iter().all(|secret| !left.contains(secret)), "{left}");
    assert!(
        left.contains("# Written on a laptop.\nhostname = \"Garden\"\npassword = \"taken\"\n"),
        "{left}"
    );
}

#[test]
fn a_second_run_changes_nothing_even_after_the_password_was_taken() {
    let card = Card::with(FULL);
    card.run();
    let before = card.files();
    assert_eq!(card.run(), Provisioned::Done(0));
    assert_eq!(card.files(), before);
    fs::rename(
        card.places.data.join("lookout/claim-password"),
        card.places.data.join("lookout/identity.json"),
    )
    .expect("claimed");
    assert_eq!(card.run(), Provisioned::Done(0));
}

#[test]
fn a_device_without_a_name_gets_its_own_and_keeps_what_it_has() {
    let card = Card::with("");
    card.run();
    assert_eq!(card.text("data/hostname"), "lookout-1234\n");
    assert_eq!(
        card.configuration().web.listen.to_string(),
        "127.0.0.1:8000",
        "closed until it has a password"
    );
    fs::write(card.places.data.join("hostname"), "attic\n").expect("written");
    card.run();
    assert_eq!(card.text("data/hostname"), "attic\n");
    fs::remove_file(card.places.boot.join("lookout.toml")).expect("removed");
    assert_eq!(card.run(), Provisioned::Nothing);
}

#[test]
fn what_is_wrong_is_told_in_words_and_nothing_is_taken() {
    let cases = [
        ("hostname = \"-x\"", "hostname is"),
        ("password = \"short\"", "password is"),
        ("password = 12345678", "line 1"),
        ("ssh_key = \"hello\"", "ssh_key is"),
        ("time_server = \"a b\"", "time_server is"),
        ("tls = \"maybe\"", "tls is"),
        ("wifi = { ssid = \"\", psk = \"12345678\", country = \"DE\" }", "wifi.ssid is"),
        ("wifi = { ssid = \"a\", psk = \"1234567\", country = \"DE\" }", "wifi.psk is"),
        ("wifi = { ssid = \"a\", psk = \"\", country = \"de\" }", "wifi.country is"),
        ("wifi = { ssid = \"a\", country = \"DE\" }", "line 1"),
        (
            "wifi = { ssid = \"a\", psk = \"taken\", country = \"DE\" }",
            "wifi.psk was taken before",
        ),
        ("password = \"taken\"", "password was taken before"),
        ("pir.line = 28", "pir.line is"),
        ("pir.line = 300", "line 1"),
        ("colour = \"red\"", "line 1"),
        ("\n\nhostname = ", "line 3"),
    ];
    for (text, words) in cases {
        let card = Card::with(text);
        assert!(matches!(card.run(), Provisioned::Refused(_)), "{text}");
        let told = card.text("boot/lookout-errors.txt");
        assert!(told.contains(words), "{text}: {told}");
        assert_eq!(card.files().len(), 2, "{text}: the file and the word about it");
        fs::write(card.places.boot.join("lookout.toml"), FULL).expect("written");
        card.run();
        assert!(!card.places.boot.join("lookout-errors.txt").exists(), "what was wrong is right now");
    }
}

#[test]
fn wherever_the_power_fails_the_next_run_completes_it() {
    let whole = Card::with(FULL);
    whole.run();
    let expected: BTreeMap<_, _> = whole.files();
    let here = |card: &Card, files: BTreeMap<PathBuf, Vec<u8>>| -> BTreeMap<PathBuf, String> {
        let root = card.dir.path().to_string_lossy().into_owned();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").replace(&root, "");
        files.into_iter().map(|(path, bytes)| (path, text(bytes))).collect()
    };
    let expected = here(&whole, expected);
    let mut cuts = 0;
    for torn in [false, true] {
        for writes in 0.. {
            let card = Card::with(FULL);
            let disk = Failing {
                writes_left: Cell::new(writes),
                torn,
            };
            if card.run_on(&disk).is_ok() {
                break;
            }
            cuts += 1;
            let claim = card.places.data.join("lookout/claim-password");
            let kept = card.text("boot/lookout.toml").contains(SECRETS[0]) || fs::read(&claim).is_ok_and(|text| text == b"open sesame\n");
            assert!(kept, "cut {writes}: the password is somewhere");
            card.run();
            assert_eq!(here(&card, card.files()), expected, "cut {writes}");
        }
    }
    assert!(cuts >= 16, "{cuts} cuts");
}

#[test]
fn the_time_is_never_earlier_than_the_build_nor_believed_when_absurd() {
    let data = tempfile::tempdir().expect("a folder");
    fs::create_dir(data.path().join("lookout")).expect("a folder");
    let built = Timestamp::parse("2026-01-01T00:00:00Z").expect("a time");
    let earliest = || provision::earliest(data.path(), built);
    assert_eq!(earliest(), built);
    for (noted, expected) in [
        ("2026-05-01T12:00:00Z", "2026-05-01T12:00:00Z"),
        ("1970-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2099-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ] {
        last_time::write(&data.path().join("lookout"), Timestamp::parse(noted).expect("a time")).expect("written");
        assert_eq!(Some(earliest()), Timestamp::parse(expected), "{noted}");
    }
    fs::write(data.path().join("lookout/last-time"), [255; 99]).expect("written");
    assert_eq!(earliest(), built);
}

#[test]
fn the_command_says_what_it_did() {
    let card = Card::with("hostname = \"a b\"\n");
    let run = || {
        let mut command = machine::lookout();
        command
            .arg("provision")
            .arg("--boot")
            .arg(&card.places.boot)
            .arg("--data")
            .arg(&card.places.data);
        command.output().expect("it runs")
    };
    let output = run();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hostname is"));
    fs::write(card.places.boot.join("lookout.toml"), "hostname = \"attic\"\n").expect("written");
    assert_eq!(String::from_utf8_lossy(&run().stdout), "2 files were written\n");
}

proptest! {
    #[test]
    fn no_file_makes_it_fail_or_forget_a_secret(
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), piece()), 0..6)
    ) {
        let mut bytes = FULL.as_bytes().to_vec();
        for (begin, length, piece) in at {
            let begin = begin.index(bytes.len() + 1);
            let end = begin + length.index((bytes.len() - begin).min(12) + 1);
            bytes.splice(begin..end, piece);
        }
        let card = Card::with("");
        fs::write(card.places.boot.join("lookout.toml"), &bytes).expect("written");
        match card.run() {
            Provisioned::Done(_) => {
                let secret = |line: &&str| line.starts_with("password = ") && !line.contains("\"taken\"");
                let left = card.text("boot/lookout.toml");
                prop_assert_eq!(left.lines().find(secret), None);
                card.configuration();
                prop_assert_eq!(card.run(), Provisioned::Done(0));
            }
            Provisioned::Refused(complaints) => {
                prop_assert!(!complaints.is_empty());
                prop_assert_eq!(card.files().len(), 2);
            }
            Provisioned::Nothing => prop_assert!(false, "there is a file"),
        }
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let signs = prop::sample::select(vec!["\"", "'", "\n", "=", "[wifi]", "#", "{", "}", "\\u0000", "psk = ", "\"\"\""]);
    prop_oneof![
        signs.prop_map(|sign| sign.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ]
}

/// What a card with the host name `porch` and these lines leaves for the access point, the card itself afterwards, and the key that belongs to `passphrase`.
fn access_point(lines: &str, passphrase: &str) -> (String, String, String) {
    let card = Card::with(&format!("hostname = \"porch\"\n{lines}"));
    assert!(matches!(card.run(), Provisioned::Done(_)));
    assert_eq!(card.run(), Provisioned::Done(0), "a second start finds nothing to do");
    assert_eq!(card.mode("data/iwd/ap/porch.ap"), 0o600);
    let key = lookout::network::wifi::key("porch", passphrase);
    (card.text("data/iwd/ap/porch.ap"), card.text("boot/lookout.toml"), key)
}

#[test]
fn the_access_point_has_a_key_by_the_password_or_by_a_passphrase_of_its_own_which_leaves_the_card_too() {
    let (file, _, key) = access_point("password = \"open sesame\"\n", "open sesame");
    assert_eq!(file, format!("[Security]\nPreSharedKey={key}\n"));
    let (file, card, key) = access_point("password = \"öffne dich\"\n[setup]\npassphrase = \"another one\"\n", "another one");
    assert_eq!(file, format!("[Security]\nPreSharedKey={key}\n"));
    assert!(card.contains("passphrase = \"taken\"") && !card.contains("another one"), "{card}");
}

#[test]
fn an_access_point_that_could_not_be_entered_is_complained_of() {
    let complains = |text: &str, of: &str| match Card::with(text).run() {
        Provisioned::Refused(complaints) => assert!(complaints.iter().any(|words| words.contains(of)), "{text}: {complaints:?}"),
        other => panic!("{text}: {other:?}"),
    };
    complains("password = \"öffne dich, Sesam\"\n", "write another one as setup.passphrase");
    complains("password = \"open sesame\"\n[setup]\npassphrase = \"x\"\n", "is 8 to 63");
    complains("[setup]\npassphrase = \"another one\"\n", "needs a password");
}
