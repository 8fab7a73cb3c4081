//! What a commit of the store costs: bytes written and time for groups of events, against a plain append and fdatasync of the
//! same messages, interleaved in the same run.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use lookout::clock::BootId;
use lookout::clock::Clock;
use lookout::clock::SystemClock;
use lookout::clock::Timestamp;
use lookout::event::model::ClockState;
use lookout::event::model::EndReason;
use lookout::event::model::Event;
use lookout::event::model::Name;
use lookout::event::model::Phase;
use lookout::event::model::Trigger;
use lookout::event::model::VideoEvidence;
use lookout::motion::Rect;
use lookout::motion::Score;
use lookout::store::Entry;
use lookout::store::Settings;
use lookout::store::Store;

/// Events per commit.
const GROUPS: [u64; 4] = [1, 4, 10, 32];
/// Commits measured per group; as many go before them, so that the trees have their usual height.
const COMMITS: u64 = 200;

/// One line of the table.
#[derive(Default)]
struct Cost {
    message_bytes: u64,
    store_bytes: u64,
    syncs: u64,
    store: Duration,
    append: Duration,
}

pub(crate) fn run() {
    let dir = std::env::temp_dir().join(format!("lookout-bench-{}", std::process::id()));
    println!("commit: {COMMITS} commits per group in {} (TMPDIR moves it)", dir.display());
    println!(
        "| events per commit | B per message | B written per event | ratio to append | ms per commit | append + fdatasync, ms | ratio | syncs |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for group in GROUPS {
        match measure(&dir, group) {
            Ok(cost) => print(group, &cost),
            Err(why) => eprintln!("commit: {}: {why}", dir.display()),
        }
        let _ = fs::remove_dir_all(&dir); // left behind it harms nobody
    }
}

fn print(group: u64, cost: &Cost) {
    let events = (group * COMMITS) as f64;
    let ms = |time: Duration| time.as_secs_f64() * 1e3 / COMMITS as f64;
    println!(
        "| {group} | {:.0} | {:.0} | {:.1} | {:.3} | {:.3} | {:.2} | {:.2} |",
        cost.message_bytes as f64 / events,
        cost.store_bytes as f64 / events,
        cost.store_bytes as f64 / cost.message_bytes as f64,
        ms(cost.store),
        ms(cost.append),
        cost.store.as_secs_f64() / cost.append.as_secs_f64(),
        cost.syncs as f64 / COMMITS as f64,
    );
}

fn measure(dir: &Path, group: u64) -> io::Result<Cost> {
    let clock = SystemClock::default();
    let settings = Settings {
        dir: dir.to_owned(),
        ..Settings::default()
    };
    let (mut store, _) = Store::open(&settings, clock.wall()).map_err(io::Error::other)?;
    let mut file = File::create(dir.join("append"))?;
    let mut cost = Cost::default();
    for round in 0..2 * COMMITS {
        let entries: Vec<Entry> = (store.next_seq()..).take(group as usize).map(entry).collect();
        let before = store.reader().figures().map_err(io::Error::other)?;
        let began = clock.now();
        store.commit(&entries).map_err(io::Error::other)?;
        let committed = clock.now();
        for entry in &entries {
            file.write_all(&entry.message)?;
        }
        file.sync_data()?;
        let appended = clock.now();
        if round < COMMITS {
            continue;
        }
        let after = store.reader().figures().map_err(io::Error::other)?;
        cost.message_bytes += entries.iter().map(|entry| entry.message.len() as u64).sum::<u64>();
        cost.store_bytes += after.bytes_written - before.bytes_written;
        cost.syncs += after.syncs - before.syncs;
        cost.store += committed.since(began);
        cost.append += appended.since(committed);
    }
    Ok(cost)
}

/// An event with a few boxes: about 600 bytes as JSON.
fn entry(seq: u64) -> Entry {
    let event = Event {
        id: seq,
        seq,
        timestamp: Timestamp(1_790_000_000_000 + seq as i64 * 1000),
        camera_id: Name::try_from("front").unwrap_or_default(),
        trigger: Trigger::Video,
        phase: Phase::End,
        duration_ms: 4200,
        score: Score(734),
        zones: heapless_of(["gate", "path"].into_iter().filter_map(|zone| Name::try_from(zone).ok())),
        boxes: heapless_of([Rect {
            x: 1200,
            y: 3400,
            width: 900,
            height: 2100,
        }]),
        pir: None,
        video: Some(VideoEvidence::default()),
        suppressed: 0,
        end_reason: Some(EndReason::Quiet),
        snapshot_url: None,
        clip_url: None,
        bookmarked: false,
        clock: ClockState::Synced,
        boot_id: BootId::NIL,
        uptime_ms: seq * 1000,
    };
    let data = serde_json::to_string(&event).unwrap_or_default();
    let message = format!(r#"{{"type":"event","timestamp":"{}","seq":{seq},"data":{data}}}"#, event.timestamp);
    Entry {
        seq,
        message: message.into(),
        event: Some(event),
        removed: None,
        saved: None,
    }
}

fn heapless_of<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut all = C::default();
    all.extend(items);
    all
}
