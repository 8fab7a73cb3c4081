//! Bookmarks and deletion in the real store: they outlast retention, are told in order, and survive a restart.

mod stored;

use lookout::clock::Timestamp;
use lookout::event::model::Event;
use lookout::store::Entry;
use lookout::store::Store;
use stored::WALL;
use stored::entry;
use stored::event;
use stored::open;
use stored::settings;
use stored::told;

fn marked(seq: u64, id: u64, bookmarked: bool) -> Entry {
    told(seq, Event { bookmarked, ..event(id) })
}

fn removal(seq: u64, id: u64) -> Entry {
    Entry {
        event: None,
        removed: Some(id),
        ..entry(seq)
    }
}

fn kept(store: &Store, ids: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let reader = store.reader();
    ids.into_iter().filter(|id| reader.event(*id).unwrap().is_some()).collect()
}

#[test]
fn a_bookmarked_event_outlasts_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    settings.events_max = 100;
    let (mut store, _) = open(&settings);
    for seq in 1..=10 {
        store.commit(&[entry(seq)]).unwrap();
    }
    for (seq, id) in [(11, 3), (12, 5), (13, 7)] {
        store.commit(&[marked(seq, id, true)]).unwrap();
    }
    store.commit(&[marked(14, 7, false)]).unwrap();
    for seq in 15..400 {
        store.commit(&[entry(seq)]).unwrap();
    }
    assert_eq!(kept(&store, 1..=20), [3, 5]);
    assert_eq!(store.reader().figures().unwrap().bookmarks, 2);
    let late = Timestamp(event(400).timestamp.0 + settings.age_max.as_millis() as i64 * 2);
    while store.maintain(Some(late)).unwrap().events_removed > 0 {}
    assert_eq!(kept(&store, 1..=400), [3, 5], "age takes all the others");
    drop(store);
    let (store, _) = Store::open(&settings, WALL).unwrap();
    assert!(store.reader().event(3).unwrap().unwrap().bookmarked);
}

#[test]
fn bookmarks_alone_do_not_fill_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    settings.events_max = 100;
    let (mut store, _) = open(&settings);
    for seq in 1..=300 {
        store.commit(&[marked(seq, seq, true)]).unwrap();
    }
    let figures = store.reader().figures().unwrap();
    assert!(figures.events <= 100 && figures.bookmarks == figures.events, "{figures:?}");
    assert_eq!(figures.newest_event, 300);
}

#[test]
fn a_deleted_event_is_gone_from_everywhere_and_its_message_stays() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let (mut store, _) = open(&settings);
    store.commit(&[entry(1), marked(2, 2, true), entry(3)]).unwrap();
    store.commit(&[removal(4, 2)]).unwrap();
    store.commit(&[removal(4, 2)]).unwrap();
    let figures = store.reader().figures().unwrap();
    assert_eq!((figures.events, figures.bookmarks, figures.newest_seq), (2, 0, 4));
    assert_eq!(kept(&store, 1..=4), [1, 3]);
    let early = lookout::store::EventQuery {
        from: Some(Timestamp(0)),
        ..Default::default()
    };
    let ids: Vec<_> = store.reader().events(&early).unwrap().events.iter().map(|event| event.id).collect();
    assert_eq!(ids, [3, 1], "by time, too");
    drop(store);
    let (store, _) = open(&settings);
    assert_eq!((store.next_seq(), kept(&store, 1..=4)), (5, vec![1, 3]));
}
