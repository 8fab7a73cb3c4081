//! The store by its promises: what is too much goes oldest first, times are
//! set right, readers are never in the way. Pages and filters are in `store_pages.rs`, what does not open in `store_open.rs`.

mod stored;

use std::fs;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lookout::clock::BootId;
use lookout::clock::Timestamp;
use lookout::event::model::ClockState;
use lookout::event::model::Event;
use lookout::event::model::Phase;
use lookout::store::Corrected;
use lookout::store::EventQuery;
use lookout::store::Reader;
use lookout::store::Settings;
use lookout::store::Store;
use lookout::store::StoreError;
use stored::WALL;
use stored::all;
use stored::entries;
use stored::event;
use stored::filled;
use stored::open;
use stored::settings;
use stored::told;
// ---- retention ----

/// Upkeep until nothing is left to do; how many calls it took.
fn settle(store: &mut Store, now: Option<Timestamp>) -> usize {
    (1..1000)
        .find(|_| !store.maintain(now).unwrap().more())
        .expect("upkeep comes to an end")
}

#[test]
fn age_is_judged_by_a_known_time_and_takes_unsynced_events_along() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        age_max: Duration::from_secs(100),
        ..settings(dir.path())
    };
    let (mut store, _) = open(&settings);
    for seq in 1..=300 {
        let clock = if seq % 10 == 1 { ClockState::Unsynced } else { ClockState::Synced };
        let timestamp = if seq % 10 == 1 {
            Timestamp(seq as i64)
        } else {
            event(seq).timestamp
        };
        store
            .commit(&[told(
                seq,
                Event {
                    clock,
                    timestamp,
                    ..event(seq)
                },
            )])
            .unwrap();
    }
    settle(&mut store, None);
    assert_eq!(store.reader().figures().unwrap().events, 300, "without a known time nothing is old");
    settle(&mut store, Some(event(300).timestamp));
    let figures = store.reader().figures().unwrap();
    assert_eq!((figures.oldest_event, figures.events), (200, 101));
    settle(&mut store, Some(event(100_000).timestamp));
    assert_eq!(store.reader().figures().unwrap().events, 0);
    assert_eq!(store.next_seq(), 301);
}

#[test]
fn bytes_are_bounded_and_free_space_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(&settings(dir.path()), 12_000).reader().figures().unwrap();
    let settings = Settings {
        bytes_max: 2 * 1024 * 1024,
        ..settings(dir.path())
    };
    assert!(before.file_bytes > 4 * settings.bytes_max, "{before:?}");
    let (mut store, _) = open(&settings);
    let calls = settle(&mut store, None);
    let after = store.reader().figures().unwrap();
    assert!(calls > 10, "in pieces, not at once: {calls}");
    assert!(after.used_bytes <= settings.bytes_max, "{after:?}");
    assert!(after.file_bytes <= 2 * settings.bytes_max, "{after:?}");
    assert_eq!(fs::metadata(store.file()).unwrap().len(), after.file_bytes);
    assert_eq!(after.newest_seq, 12_000);
    assert_eq!(
        store
            .reader()
            .messages_after(after.newest_seq - 1, 9, usize::MAX)
            .unwrap()
            .messages
            .len(),
        1
    );
    store.commit(&entries(12_001, 32)).unwrap();
}

#[test]
fn a_limit_below_what_an_empty_store_takes_ends_upkeep_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        bytes_max: 1,
        ..settings(dir.path())
    };
    let mut store = filled(&settings, 300);
    settle(&mut store, None);
    let figures = store.reader().figures().unwrap();
    assert_eq!((figures.events, figures.messages), (0, 1), "all but the number to go on from");
}

// ---- life of the service ----

/// The store moves to the recorder's thread, readers are shared with the network's.
const _: () = {
    const fn moves<T: Send>() {}
    const fn is_shared<T: Send + Sync + Clone>() {}
    moves::<Store>();
    is_shared::<Reader>();
};

#[test]
fn unfinished_events_are_found_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&settings(dir.path()));
    for seq in 1..=50 {
        let phase = if [7, 44, 50].contains(&seq) { Phase::Update } else { Phase::End };
        store.commit(&[told(seq, Event { phase, ..event(seq) })]).unwrap();
    }
    let ids: Vec<_> = store.unfinished().unwrap().iter().map(|event| event.id).collect();
    assert_eq!(ids, [7, 44, 50]);
}

fn boot(digit: char) -> BootId {
    BootId::parse(&BootId::NIL.as_str().replace('0', &digit.to_string())).unwrap()
}

/// Events of an earlier boot, then of this one: before the clock was known, and after.
fn boots(settings: &Settings, count: u64) -> Store {
    let (mut store, _) = open(settings);
    for seq in 1..=count {
        let (boot_id, clock) = match seq * 4 / (count + 1) {
            0 => (boot('a'), ClockState::Unsynced),
            3 => (boot('b'), ClockState::Synced),
            _ => (boot('b'), ClockState::Unsynced),
        };
        let timestamp = if clock == ClockState::Synced {
            event(seq).timestamp
        } else {
            Timestamp(seq as i64 * 1000)
        };
        let known = Event {
            boot_id,
            clock,
            timestamp,
            ..event(seq)
        };
        store.commit(&[told(seq, known)]).unwrap();
    }
    store
}

#[test]
fn times_of_this_boot_are_set_right_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = boots(&settings(dir.path()), 400);
    let reader = store.reader();
    let interrupted = reader.event(50).unwrap().unwrap();
    store.commit(&[told(401, interrupted)]).unwrap(); // of the boot before, ended in this one
    let (first, last) = (101, 300);
    let done = store.correct_times(boot('b'), WALL.at.0).unwrap();
    assert_eq!(
        done,
        Corrected {
            count: 200,
            first_id: first,
            last_id: last
        }
    );
    let messages = reader.messages_after(0, 1000, usize::MAX).unwrap().messages;
    for seq in 1..=400 {
        let found = reader.event(seq).unwrap().unwrap();
        let right = found.timestamp == event(seq).timestamp && found.clock == ClockState::Synced;
        assert_eq!(right, seq >= first, "event {seq}");
        let message: serde_json::Value = serde_json::from_slice(&messages[seq as usize - 1].1).unwrap();
        let then = Event { seq, ..found };
        assert_eq!(
            message["data"],
            serde_json::to_value(&then).unwrap(),
            "message {seq} tells the same"
        );
        assert_eq!(message["timestamp"], message["data"]["timestamp"]);
    }
    let span = EventQuery {
        from: Some(WALL.at),
        limit: 256,
        ..EventQuery::default()
    };
    assert_eq!(all(&reader, &span).0.len(), 300, "the index of times follows");
    let before = reader.figures().unwrap();
    assert_eq!(store.correct_times(boot('b'), WALL.at.0 + 5).unwrap(), Corrected::default());
    assert_eq!(
        reader.figures().unwrap().bytes_written,
        before.bytes_written,
        "nothing to do, nothing written"
    );
}

#[test]
fn pages_stay_as_they_are_while_events_are_added_and_the_file_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        bytes_max: 2 * 1024 * 1024,
        ..settings(dir.path())
    };
    let mut store = filled(&settings, 12_000);
    let reader = store.reader();
    let done = AtomicBool::new(false);
    let (pages, compacted) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut pages = 0;
            while !done.load(Ordering::SeqCst) || pages == 0 {
                pages += u32::from(read_backwards(&reader));
            }
            pages
        });
        let mut compacted = false;
        for _ in 0..300 {
            store.commit(&entries(store.next_seq(), 2)).unwrap();
            compacted |= store.maintain(None).unwrap().compacted;
        }
        done.store(true, Ordering::SeqCst);
        (reading.join().unwrap(), compacted)
    });
    assert!(pages > 0 && compacted);
}

/// Walks pages from the newest event to the oldest: ids descend with no gap, whatever happens meanwhile. False if the store was busy.
fn read_backwards(reader: &Reader) -> bool {
    let mut query = EventQuery::default();
    let mut last = None;
    loop {
        let page = match reader.events(&query) {
            Ok(page) => page,
            Err(StoreError::Busy) => return false,
            Err(fault) => panic!("{fault}"),
        };
        for event in page.events {
            assert!(last.is_none_or(|last: u64| event.id + 1 == last), "{} after {last:?}", event.id);
            assert_eq!(event, stored::event(event.id));
            last = Some(event.id);
        }
        query.before = page.next;
        if page.next.is_none() {
            return true;
        }
    }
}
