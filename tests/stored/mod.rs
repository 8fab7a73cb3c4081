//! What the tests of the store share: events, entries, settings.
#![allow(dead_code)] // each test binary uses its part

pub(crate) mod medium;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use bytes::Bytes;
use lookout::clock::BootId;
use lookout::clock::Timestamp;
use lookout::clock::Wall;
use lookout::event::model::ClockState;
use lookout::event::model::Event;
use lookout::event::model::Name;
use lookout::event::model::Phase;
use lookout::event::model::Trigger;
use lookout::motion::Score;
use lookout::store::Entry;
use lookout::store::EventQuery;
use lookout::store::FILE_NAME;
use lookout::store::Opened;
use lookout::store::Reader;
use lookout::store::Settings;
use lookout::store::Store;

/// 2026-01-02T03:04:05Z.
pub(crate) const WALL: Wall = Wall {
    at: Timestamp(1_767_323_045_000),
    synced: true,
};

pub(crate) fn settings(dir: &Path) -> Settings {
    Settings {
        dir: dir.to_owned(),
        cache_bytes: 256 * 1024,
        ..Settings::default()
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::try_from(text).expect("short")
}

/// An event that is over, one second after the one before it.
pub(crate) fn event(id: u64) -> Event {
    Event {
        id,
        seq: id,
        timestamp: Timestamp(WALL.at.0 + id as i64 * 1000),
        camera_id: name("front"),
        trigger: Trigger::Video,
        phase: Phase::End,
        duration_ms: 4200,
        score: Score(734),
        zones: heapless::Vec::new(),
        boxes: heapless::Vec::new(),
        pir: None,
        video: None,
        suppressed: 0,
        end_reason: None,
        snapshot_url: None,
        clip_url: None,
        bookmarked: false,
        clock: ClockState::Synced,
        boot_id: BootId::NIL,
        uptime_ms: id * 1000,
    }
}

/// The message of `event` under number `seq`, with its state.
pub(crate) fn told(seq: u64, event: Event) -> Entry {
    let event = Event { seq, ..event };
    let message = serde_json::json!({ "type": "event", "timestamp": event.timestamp, "seq": seq, "data": event });
    Entry {
        seq,
        message: Bytes::from(message.to_string()),
        event: Some(event),
        removed: None,
        saved: None,
    }
}

/// A message about a new event.
pub(crate) fn entry(seq: u64) -> Entry {
    told(seq, event(seq))
}

pub(crate) fn entries(first: u64, count: u64) -> Vec<Entry> {
    (first..first + count).map(entry).collect()
}

pub(crate) fn open(settings: &Settings) -> (Store, Opened) {
    Store::open(settings, WALL).expect("opens")
}

/// A store with `count` plain events.
pub(crate) fn filled(settings: &Settings, count: u64) -> Store {
    let (mut store, _) = open(settings);
    while store.next_seq() <= count {
        let first = store.next_seq();
        store.commit(&entries(first, (count + 1 - first).min(32))).unwrap();
    }
    store
}

/// All pages of `query`, and how many there were.
pub(crate) fn all(reader: &Reader, query: &EventQuery) -> (Vec<Event>, usize) {
    let (mut found, mut query, mut pages) = (Vec::new(), query.clone(), 0);
    let ascending = query.since.is_some() && query.before.is_none();
    loop {
        let page = reader.events(&query).unwrap();
        pages += 1;
        assert!(page.events.len() <= query.limit);
        found.extend(page.events);
        let Some(next) = page.next else { return (found, pages) };
        if ascending {
            query.since = Some(next);
        } else {
            query.before = Some(next);
        }
    }
}

pub(crate) fn file(settings: &Settings) -> PathBuf {
    settings.dir.join(FILE_NAME)
}

pub(crate) fn damaged_files(settings: &Settings) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(&settings.dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("damaged"))
        .collect();
    files.sort();
    files
}

/// A small generator of numbers (splitmix64), so that a seed tells a test's whole run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}
