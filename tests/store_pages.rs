//! Pages and filters of the store agree with a plain map, and every query is bounded.

mod stored;

use lookout::clock::Timestamp;
use lookout::event::model::Event;
use lookout::event::model::Trigger;
use lookout::limits::STORE_SCAN_ROWS_MAX;
use lookout::motion::Score;
use lookout::store::EventQuery;
use lookout::store::Settings;
use lookout::store::StoreError;
use proptest::prelude::*;
use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::TableDefinition;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use stored::WALL;
use stored::all;
use stored::entries;
use stored::event;
use stored::file;
use stored::filled;
use stored::open;
use stored::settings;
use stored::told;

/// One of many kinds of events; times ascend with ids only mostly.
fn varied(id: u64, dice: u64) -> Event {
    let plain = event(id);
    Event {
        timestamp: Timestamp(plain.timestamp.0 - (dice % 5) as i64 * 1500),
        trigger: [Trigger::Video, Trigger::Pir, Trigger::Both, Trigger::Manual][dice as usize % 4],
        score: Score((dice % 1000) as u16),
        zones: ["gate", "path"].into_iter().take(dice as usize % 3).map(stored::name).collect(),
        ..plain
    }
}

fn queries() -> impl Strategy<Value = EventQuery> {
    let id = || proptest::option::of(0..90u64);
    let time = || proptest::option::of((0..90i64).prop_map(|s| Timestamp(WALL.at.0 + s * 1000)));
    let trigger = proptest::option::of(proptest::sample::select(vec![Trigger::Video, Trigger::Pir, Trigger::Both]));
    let zone = proptest::option::of(proptest::sample::select(vec![stored::name("gate"), stored::name("path")]));
    let score = proptest::option::of((0..1000u16).prop_map(Score));
    (id(), id(), time(), time(), trigger, zone, score, 1..40usize).prop_map(|(since, before, from, to, trigger, zone, score_min, limit)| {
        EventQuery {
            since,
            before,
            from,
            to,
            trigger,
            zone,
            score_min,
            limit,
        }
    })
}

/// The index of times in a closed store.
fn times(settings: &Settings) -> BTreeSet<(i64, u64)> {
    let db = redb::Database::open(file(settings)).unwrap();
    let by_time = TableDefinition::<(i64, u64), ()>::new("by_time");
    let table = db.begin_read().unwrap().open_table(by_time).unwrap();
    table.iter().unwrap().map(|row| row.unwrap().0.value()).collect()
}

/// What `query` asks for, of `model`.
fn expected(model: &BTreeMap<u64, Event>, query: &EventQuery) -> Vec<Event> {
    let mut found: Vec<Event> = model
        .values()
        .filter(|e| query.since.is_none_or(|id| e.id > id) && query.before.is_none_or(|id| e.id < id))
        .filter(|e| query.from.is_none_or(|at| e.timestamp >= at) && query.to.is_none_or(|at| e.timestamp < at))
        .filter(|e| query.trigger.is_none_or(|trigger| e.trigger == trigger))
        .filter(|e| query.zone.as_ref().is_none_or(|zone| e.zones.contains(zone)))
        .filter(|e| query.score_min.is_none_or(|least| e.score >= least))
        .cloned()
        .collect();
    if query.since.is_none() || query.before.is_some() {
        found.reverse();
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Commits of new events and of updates to recent ones, then queries: as of a plain map that forgets its oldest.
    #[test]
    fn queries_agree_with_a_map(dice in proptest::collection::vec(any::<u32>(), 1..80), queries in proptest::collection::vec(queries(), 12)) {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { events_max: 40, journal_max: 30, ..settings(dir.path()) };
        let (mut store, _) = open(&settings);
        let mut model = BTreeMap::new();
        for group in dice.chunks(5) {
            let first = store.next_seq();
            let commit: Vec<_> = (first..).zip(group).map(|(seq, dice)| {
                let update = dice % 3 == 0 && seq > 4;
                told(seq, varied(if update { seq - u64::from(dice / 3 % 4) } else { seq }, u64::from(dice / 12)))
            }).collect();
            store.commit(&commit).unwrap();
            model.extend(commit.into_iter().filter_map(|entry| entry.event).map(|event| (event.id, event)));
            let kept = store.reader().figures().unwrap().events;
            prop_assert!(kept <= 40 && (kept == model.len() as u64 || kept >= 40 - 5));
            while model.len() as u64 > kept {
                model.pop_first();
            }
        }
        let reader = store.reader();
        for query in &queries {
            prop_assert_eq!(all(&reader, query).0, expected(&model, query), "{:?}", query);
        }
        let index: Vec<_> = model.values().map(|event| (event.timestamp.0, event.id)).collect();
        let mut exported = Vec::new();
        reader.for_each_event(0, |event| { exported.push(event); ControlFlow::Continue(()) }).unwrap();
        prop_assert_eq!(exported, model.into_values().collect::<Vec<_>>());
        drop((store, reader));
        prop_assert_eq!(times(&settings), index.into_iter().collect::<BTreeSet<_>>());
    }
}

#[test]
fn messages_after_a_number_come_whole_within_limits() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        journal_max: 64,
        ..settings(dir.path())
    };
    let reader = filled(&settings, 200).reader();
    let full = reader.messages_after(0, 1000, usize::MAX).unwrap();
    assert_eq!(full.newest, 200);
    assert_eq!(full.messages.first().map(|(seq, _)| *seq), Some(full.oldest_available));
    assert!((56..=64).contains(&full.messages.len()), "{}", full.messages.len());
    assert!(full.messages.iter().all(|(seq, bytes)| *bytes == stored::entry(*seq).message));

    let some = reader.messages_after(190, 4, usize::MAX).unwrap();
    assert_eq!(some.messages.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [191, 192, 193, 194]);
    let bytes = some.messages[..2].iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(reader.messages_after(190, 4, bytes).unwrap().messages.len(), 2);
    assert_eq!(
        reader.messages_after(190, 4, 1).unwrap().messages.len(),
        1,
        "a message is never too long to be had"
    );
    assert!(reader.messages_after(200, 4, usize::MAX).unwrap().messages.is_empty());
    assert!(reader.messages_after(u64::MAX, 4, usize::MAX).unwrap().messages.is_empty());
}

#[test]
fn a_query_that_finds_little_looks_at_a_bounded_number_of_rows() {
    let dir = tempfile::tempdir().unwrap();
    let rare = 17;
    let count = 3 * STORE_SCAN_ROWS_MAX as u64;
    let (mut store, _) = open(&settings(dir.path()));
    for first in (1..count).step_by(32) {
        let commit: Vec<_> = (first..first + 32)
            .map(|seq| {
                let trigger = if seq == rare { Trigger::Manual } else { Trigger::Pir };
                told(seq, Event { trigger, ..event(seq) })
            })
            .collect();
        store.commit(&commit).unwrap();
    }
    let manual = EventQuery {
        trigger: Some(Trigger::Manual),
        ..EventQuery::default()
    };
    let (found, pages) = all(&store.reader(), &manual);
    assert_eq!(found.iter().map(|event| event.id).collect::<Vec<_>>(), [rare]);
    assert_eq!(pages, 3, "each page ends for the rows that it looked at");
    let early = EventQuery {
        to: Some(event(20).timestamp),
        ..manual
    };
    assert_eq!(all(&store.reader(), &early).1, 1, "the index of times leads there at once");
}

#[test]
fn numbers_must_be_the_next_and_repeats_must_be_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = filled(&settings(dir.path()), 10);
    assert_eq!(store.next_seq(), 11);
    for wrong in [entries(12, 2), entries(0, 2), vec![stored::entry(11), stored::entry(13)]] {
        assert!(
            matches!(store.commit(&wrong), Err(StoreError::OutOfOrder { .. })),
            "{}",
            wrong[0].seq
        );
    }
    store.commit(&entries(9, 4)).unwrap(); // 9 and 10 stand there just so; 11 and 12 are new
    assert_eq!(store.next_seq(), 13);
    let other = told(
        12,
        Event {
            score: Score(1),
            ..event(12)
        },
    );
    assert!(matches!(
        store.commit(&[other]),
        Err(StoreError::OutOfOrder { expected: 13, got: 12 })
    ));
    assert_eq!(store.reader().figures().unwrap().events, 12);
}
