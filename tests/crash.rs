//! What survives when power, the medium or the process fails at any moment: all that a commit returned for, and of the rest
//! whole commits or nothing.

#[path = "common/machine.rs"]
mod machine;
mod stored;

use std::collections::BTreeMap;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use bytes::Bytes;
use lookout::clock::BootId;
use lookout::event::model::ClockState;
use lookout::event::model::Event;
use lookout::store::Entry;
use lookout::store::Opened;
use lookout::store::Settings;
use lookout::store::Store;
use lookout::store::StoreError;
use stored::Random;
use stored::WALL;
use stored::medium::SimDisk;
use stored::medium::Step;
use stored::medium::apply;

/// Entries of a commit: `count` messages, of which every third one tells of the event before it.
fn group(first: u64, count: u64) -> Vec<Entry> {
    (first..first + count)
        .map(|seq| stored::told(seq, stored::event(if seq % 3 == 0 { seq - 1 } else { seq })))
        .collect()
}

fn open(disk: &SimDisk, settings: &Settings) -> Result<(Store, Opened), StoreError> {
    Store::open_on(Box::new(disk.clone()), settings, WALL)
}

/// Every message in the store.
fn journal(store: &Store) -> BTreeMap<u64, Bytes> {
    let page = store.reader().messages_after(0, usize::MAX, usize::MAX).expect("readable");
    page.messages.into_iter().collect()
}

/// Small tables, so that removals happen within a few commits.
fn small(dir: &Path) -> Settings {
    Settings {
        events_max: 24,
        journal_max: 40,
        ..stored::settings(dir)
    }
}

/// The store holds what was acknowledged, whole commits only, and events that agree with the messages.
fn check_image(image: Vec<u8>, settings: &Settings, acknowledged: u64, written: &BTreeMap<u64, Bytes>, ends: &[u64]) {
    let (store, opened) = open(&SimDisk::holding(image), settings).expect("a crash leaves a store that opens");
    assert_eq!(opened, Opened::Existing, "after a crash up to {acknowledged}");
    let newest = store.next_seq() - 1;
    assert!(newest >= acknowledged, "{newest} is newest but {acknowledged} was acknowledged");
    assert!(newest == 0 || ends.contains(&newest), "{newest} is within a commit");
    let found = journal(&store);
    assert!(found.iter().all(|(seq, message)| written[seq] == *message));
    let kept = found.len() as u64;
    assert!(
        found.keys().copied().eq(newest + 1 - kept..=newest),
        "no gap among {kept} up to {newest}"
    );
    assert!(
        kept == newest || kept + 8 > settings.journal_max,
        "only the oldest of too many are gone"
    );
    let event = if newest % 3 == 0 { newest.saturating_sub(1) } else { newest };
    if newest > 0 {
        let event = store.reader().event(event).expect("readable").expect("as durable as its message");
        assert_eq!(event.seq, newest);
    }
}

/// Gives `visit` every crash image of a run that began at `durable`: before each step what was durable, with none, all, and some
/// of what was written since; and the last number acknowledged until then.
fn crash_images(mut durable: Vec<u8>, log: &[Step], mut visit: impl FnMut(Vec<u8>, u64)) {
    let (mut pending, mut acknowledged, mut random) = (Vec::new(), 0, Random(7));
    for step in log {
        for chance in [0, 100, 50] {
            let mut image = durable.clone();
            for step in pending.iter().filter(|_| random.below(100) < chance) {
                apply(&mut image, step);
            }
            visit(image, acknowledged);
        }
        match step {
            Step::Sync => pending.drain(..).for_each(|step: Step| apply(&mut durable, &step)),
            Step::Acknowledged(seq) => acknowledged = *seq,
            step => pending.push(step.clone()),
        }
    }
}

#[test]
fn a_power_cut_at_any_step_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let settings = small(dir.path());
    let disk = SimDisk::default();
    let (mut store, _) = open(&disk, &settings).unwrap();
    let base = disk.record();
    let mut random = Random(5);
    let (mut written, mut ends) = (BTreeMap::new(), Vec::new());
    for _ in 0..24 {
        let entries = group(store.next_seq(), 1 + random.below(6));
        store.commit(&entries).unwrap();
        written.extend(entries.iter().map(|entry| (entry.seq, entry.message.clone())));
        ends.push(store.next_seq() - 1);
        disk.medium().log.push(Step::Acknowledged(store.next_seq() - 1));
    }
    crash_images(base, &disk.recorded(), |image, acknowledged| {
        check_image(image, &settings, acknowledged, &written, &ends);
    });
}

#[test]
fn a_power_cut_while_times_are_corrected_leaves_all_or_none_corrected() {
    let dir = tempfile::tempdir().unwrap();
    let settings = stored::settings(dir.path());
    let disk = SimDisk::default();
    let (mut store, _) = open(&disk, &settings).unwrap();
    let unsynced = |seq| Event {
        clock: ClockState::Unsynced,
        ..stored::event(seq)
    };
    for first in (1..=100).step_by(20) {
        let entries: Vec<_> = (first..first + 20).map(|seq| stored::told(seq, unsynced(seq))).collect();
        store.commit(&entries).unwrap();
    }
    let base = disk.record();
    store.correct_times(BootId::NIL, 0).unwrap();
    let (mut none, mut all) = (0, 0);
    crash_images(base, &disk.recorded(), |image, _| {
        let (store, _) = open(&SimDisk::holding(image), &settings).unwrap();
        let messages = journal(&store);
        let corrected = |seq: u64| {
            let event = store.reader().event(seq).unwrap().unwrap();
            let told = std::str::from_utf8(&messages[&seq]).unwrap().contains(r#""clock":"synced""#);
            assert_eq!(told, event.clock == ClockState::Synced, "message {seq} tells what is stored");
            u64::from(told)
        };
        match (1..=100).map(corrected).sum() {
            0 => none += 1,
            100 => all += 1,
            some => panic!("{some} of 100 are corrected"),
        }
    });
    assert!(none > 0 && all > 10, "{none} before, {all} after");
}

#[test]
fn a_power_cut_during_upkeep_loses_only_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let (mut store, _) = open(&disk, &stored::settings(dir.path())).unwrap();
    for _ in 0..300 {
        store.commit(&group(store.next_seq(), 32)).unwrap();
    }
    drop(store);
    let settings = Settings {
        bytes_max: 1024 * 1024,
        ..stored::settings(dir.path())
    };
    let (mut store, _) = open(&disk, &settings).unwrap();
    while !store.maintain(None).unwrap().measured {}
    let base = disk.record();
    let mut compacted = false;
    for _ in 0..200 {
        compacted |= store.maintain(None).unwrap().compacted;
    }
    assert!(compacted);
    let mut images = 0;
    crash_images(base, &disk.recorded(), |image, _| {
        images += 1;
        if images % 97 == 0 {
            let (store, opened) = open(&SimDisk::holding(image), &settings).unwrap();
            assert_eq!((opened, store.next_seq()), (Opened::Existing, 9601));
            let found = journal(&store);
            assert!(found.keys().copied().eq(9601 - found.len() as u64..=9600), "no gap");
        }
    });
    assert!(images > 97 * 20, "{images}");
}

/// Runs commits over a medium on which `count` operations fail from number `first` on; returns how many it took in all.
fn run_over_failures(dir: &Path, first: u64, count: u64) -> u64 {
    let settings = small(dir);
    let disk = SimDisk::default();
    let (mut store, _) = open(&disk, &settings).unwrap();
    let reader = store.reader();
    let base = disk.medium().operations;
    disk.medium().fails = Some((base + first, count));
    let mut written = BTreeMap::new();
    for round in 0..12 {
        let entries = group(store.next_seq(), 1 + round % 4);
        let mut tries = 0;
        while let Err(fault) = store.commit(&entries) {
            assert!(matches!(fault, StoreError::Io { .. }), "operation {first}: {fault}");
            tries += 1;
            assert!(tries < 20, "operation {first}: still failing: {fault}");
        }
        assert!(
            count > 1 || tries < 2,
            "operation {first}: one failure costs at most one commit's error"
        );
        written.extend(entries.into_iter().map(|entry| (entry.seq, entry.message)));
        assert_eq!(
            reader.messages_after(0, 1, 1).unwrap().newest,
            store.next_seq() - 1,
            "readers follow"
        );
    }
    let operations = disk.medium().operations - base;
    disk.medium().fails = None;
    drop(store);
    let image = disk.medium().durable.clone();
    let (store, _) = open(&SimDisk::holding(image), &settings).unwrap();
    let found = journal(&store);
    assert_eq!(store.next_seq() - 1, *written.keys().last().unwrap());
    assert!(found.iter().all(|(seq, message)| written[seq] == *message), "operation {first}");
    operations
}

#[test]
fn one_failure_anywhere_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = 1;
    while run_over_failures(dir.path(), first, 1) >= first {
        first += 1;
    }
    assert!(first > 100, "the run has too few operations to mean anything: {first}");
}

#[test]
fn a_lasting_failure_is_survived_when_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    for first in (1..150).step_by(7) {
        run_over_failures(dir.path(), first, 9);
    }
}

#[test]
fn a_full_medium_is_an_error_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let settings = stored::settings(dir.path());
    let disk = SimDisk::default();
    let (mut store, _) = open(&disk, &settings).unwrap();
    let reader = store.reader();
    disk.medium().capacity = Some(disk.medium_len());
    let fault = loop {
        if let Err(fault) = store.commit(&group(store.next_seq(), 32)) {
            break fault;
        }
    };
    assert!(
        matches!(&fault, StoreError::Io { source, .. } if source.kind() == ErrorKind::StorageFull),
        "{fault}"
    );
    let newest = store.next_seq() - 1;
    assert_eq!(reader.messages_after(0, 1, 1).unwrap().newest, newest, "what is there can be read");
    assert!(store.commit(&group(newest + 1, 32)).is_err());
    disk.medium().capacity = None;
    store.commit(&group(newest + 1, 32)).unwrap();
    assert_eq!(journal(&store).len() as u64, newest + 32);
}

/// A read that fails on the network's side must not leave the readers without a store until the next event.
#[test]
fn readers_recover_from_a_failed_read_at_the_next_upkeep() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        cache_bytes: 0, // every read reaches the medium
        ..stored::settings(dir.path())
    };
    let disk = SimDisk::default();
    let (mut store, _) = open(&disk, &settings).unwrap();
    store.commit(&group(1, 32)).unwrap();
    let reader = store.reader();
    let next = disk.medium().operations + 1;
    disk.medium().fails = Some((next, 1));
    assert!(matches!(reader.event(1), Err(StoreError::Io { .. })));
    assert!(matches!(reader.event(1), Err(StoreError::Io { .. })), "redb refuses until reopened");
    store.maintain(None).unwrap();
    assert!(reader.event(1).unwrap().is_some());
}

/// Directory in which [`child`] commits; not set in a normal run.
const CHILD_DIR: &str = "LOOKOUT_TEST_CRASH_DIR";

/// Not a test of its own: what [`sigkill_loses_nothing_acknowledged`] starts and kills.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let (mut store, opened) = Store::open(&small(Path::new(&dir)), WALL).unwrap();
    assert!(matches!(opened, Opened::Existing | Opened::Fresh), "{opened:?}");
    let mut random = Random(store.next_seq());
    loop {
        store.commit(&group(store.next_seq(), 1 + random.below(5))).unwrap();
        let mut out = io::stdout().lock();
        writeln!(out, "acknowledged {}", store.next_seq() - 1).unwrap();
        out.flush().unwrap();
    }
}

/// Starts the child, lets it acknowledge about `commits`, kills it, and returns the last number that it told.
fn commit_and_kill(dir: &Path, commits: u64) -> u64 {
    let mut child = machine::this_test()
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let number = |line: String| line.split_once("acknowledged ").and_then(|(_, seq)| seq.parse::<u64>().ok());
    let mut last = lines.by_ref().filter_map(number).take(commits as usize).last();
    child.kill().unwrap(); // SIGKILL, in the middle of whatever it does
    last = lines.filter_map(number).last().or(last);
    child.wait().unwrap();
    last.expect("the child commits")
}

#[test]
fn sigkill_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(99);
    for _ in 0..12 {
        let acknowledged = commit_and_kill(dir.path(), 1 + random.below(60));
        let (store, opened) = Store::open(&small(dir.path()), WALL).unwrap();
        assert_eq!(opened, Opened::Existing);
        let newest = store.next_seq() - 1;
        assert!(newest >= acknowledged, "{newest} < {acknowledged}");
        let found = journal(&store);
        assert!(found.iter().all(|(seq, message)| group(*seq, 1)[0].message == *message));
        assert!(found.keys().copied().eq(newest + 1 - found.len() as u64..=newest));
    }
}
