//! The image, booted in emulation, as its user meets it. One boot serves as many chapters as it can; each says how long it took. Two
//! machines run at a time, as one of them seldom keeps more than one core busy.
//! `tools/firmware` builds what is needed and runs this; elsewhere nothing is checked, and that is said.

mod first_boot;
mod guest;
mod network;
mod power;
mod updates;
mod watching;
mod webcam;

use std::fs;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use crate::guest::Guest;
use crate::guest::now;

/// A chapter on a guest that runs, and goes on running.
type Shared = fn(&mut Guest);
/// A chapter that boots what it needs, with what lies in the folder.
type Own = fn(&Path);

/// A disk with programs that the guest has not.
const TOOLS: &str = "tools.img";
const SHARED: [(&str, Shared); 12] = [
    ("the service runs as its own user, on a read-only system", watching::own_user),
    ("the sandbox is tight", watching::sandbox),
    ("the running system is marked good once it works", updates::kept),
    ("motion makes an event, a still picture none", watching::motion),
    ("a pull of the sensor's line makes an event", watching::sensor),
    ("a camera that goes and comes back is told", watching::unplugged),
    (
        "a webcam on USB is watched, and missed while it is unplugged",
        webcam::plugged_and_unplugged,
    ),
    ("the memory limit holds with as many clients as come in", watching::memory),
    ("what is not to be installed is refused, and nothing changes", updates::refused),
    ("a system that does not start is counted out", updates::counted_out),
    ("a good bundle is installed, started and kept, with all events", updates::updated),
    ("a system that sees nothing gives itself up, and it is said why", updates::blind),
];
const OWN: [(&str, Own); 4] = [
    ("a power cut costs neither an event that was seen nor the system", power::cuts),
    (
        "without a cable and a network it is an access point, until one was tried and is kept",
        network::set_up,
    ),
    (
        "a card that was prepared on a laptop comes up claimed",
        first_boot::prepared_on_a_laptop,
    ),
    ("the same card boots on a Raspberry Pi 3", first_boot::on_a_raspberry),
];

fn main() -> ExitCode {
    let Some(dir) = std::env::var_os("LOOKOUT_FIRMWARE") else {
        if !std::env::args().any(|argument| argument == "--list") {
            println!("nothing checked: tools/firmware builds the image and boots it");
        }
        return ExitCode::SUCCESS;
    };
    let dir = Path::new(&dir);
    let filter = std::env::var("LOOKOUT_CHAPTER").unwrap_or_default();
    let rest = Mutex::new(OWN.iter().filter(|(name, _)| asked(name, &filter)));
    let failed: Vec<&str> = thread::scope(|scope| {
        let shared = scope.spawn(|| [shared(&lane(dir, "shared"), &filter), own(&lane(dir, "after"), &rest)].concat());
        let own = scope.spawn(|| own(&lane(dir, "own"), &rest));
        [shared, own]
            .into_iter()
            .flat_map(|lane| lane.join().expect("chapters catch"))
            .collect()
    });
    failed.iter().for_each(|name| println!("failed: {name}"));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A folder for the machines of one lane, one of which runs at a time.
fn lane(dir: &Path, name: &str) -> PathBuf {
    let lane = dir.join(name);
    fs::create_dir_all(&lane).expect("a folder");
    let tools = lane.join(TOOLS);
    if !tools.exists() {
        fs::hard_link(dir.join(TOOLS), tools).expect("tools/firmware has made it");
    }
    lane
}

fn shared(dir: &Path, filter: &str) -> Vec<&'static str> {
    let (mut failed, mut guest) = (Vec::new(), None);
    let chapters: Vec<_> = SHARED.iter().filter(|(name, _)| asked(name, filter)).collect();
    if !chapters.is_empty() {
        chapter("the image boots, and the service answers", &mut failed, || {
            guest = Some(Guest::boot(dir));
        });
    }
    if let Some(mut guest) = guest {
        for (name, run) in chapters {
            chapter(name, &mut failed, || run(&mut guest));
        }
    }
    failed
}

/// Takes one chapter after another, as the other lane does, until none is left.
fn own(dir: &Path, rest: &Mutex<impl Iterator<Item = &'static (&'static str, Own)>>) -> Vec<&'static str> {
    let next = || rest.lock().unwrap_or_else(PoisonError::into_inner).next();
    let mut failed = Vec::new();
    while let Some((name, run)) = next() {
        chapter(name, &mut failed, || run(dir));
    }
    failed
}

/// Whether `filter` has a part of `name` among what it lists; an empty one has.
fn asked(name: &str, filter: &str) -> bool {
    filter.split('|').any(|part| name.contains(part))
}

fn chapter(name: &'static str, failed: &mut Vec<&'static str>, run: impl FnOnce()) {
    let began = now();
    let ok = panic::catch_unwind(AssertUnwindSafe(run)).is_ok();
    println!("{name}: {} ({} s)", if ok { "ok" } else { "FAILED" }, now().since(began).as_secs());
    if !ok {
        failed.push(name);
    }
}
