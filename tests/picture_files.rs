//! Pictures as files beside the store: whatever an event has the address of is there, nothing else is, whenever the service dies;
//! and what goes first when there is too much.

mod common;
mod stored;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use common::service::Service;
use common::service::wait_for;
use lookout::clock::Timestamp;
use lookout::event::model::Event;
use lookout::store::Entry;
use lookout::store::EventQuery;
use lookout::store::PictureKind;
use lookout::store::PictureLimits;
use lookout::store::Saved;
use lookout::store::Settings;
use lookout::store::Store;
use redb::Database;
use redb::ReadableDatabase;
use redb::TableHandle;
use stored::Random;
use stored::WALL;
use stored::event;
use stored::told;

const PLENTY: Option<u64> = Some(u64::MAX);

/// Every file of a picture, by what it is named.
fn files(dir: &Path) -> BTreeSet<String> {
    let folders = fs::read_dir(dir.join("pictures")).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).expect("a folder"));
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

/// Every picture that an event has the address of, by what its file is named.
fn told_of(store: &Store) -> BTreeSet<String> {
    let query = EventQuery {
        since: Some(0),
        ..EventQuery::default()
    };
    let (events, _) = stored::all(&store.reader(), &query);
    let names = events.iter().flat_map(|event| {
        let snapshot = event.snapshot_url.as_ref().map(|_| format!("{}.jpg", event.id));
        snapshot
            .into_iter()
            .chain(event.clip_url.as_ref().map(|_| format!("{}.mov", event.id)))
    });
    names.collect()
}

/// Opens the store as the service does at its start, and lets it finish what is to be done.
fn open(settings: &Settings) -> Store {
    let (mut store, _) = Store::open(settings, WALL).unwrap();
    store.sweep_pictures().unwrap();
    while store.maintain_pictures(None, PLENTY).unwrap().more() {}
    store
}

fn check(settings: &Settings, context: &str) -> Store {
    let store = open(settings);
    assert_eq!(files(&settings.dir), told_of(&store), "{context}");
    store
}

/// Event `id` with its pictures' addresses.
fn pictured(store: &Store, id: u64, kind: PictureKind) -> Event {
    let mut event = store.reader().event(id).unwrap().expect("there");
    match kind {
        PictureKind::Snapshot => event.snapshot_url = Some(kind.url(id)),
        PictureKind::Clip => event.clip_url = Some(kind.url(id)),
    }
    event
}

/// A file of so many bytes on its way, which no crash removes.
fn write(store: &Store, id: u64, kind: PictureKind, bytes: usize) -> lookout::store::Part {
    let mut part = store.files().begin(&format!("{id}-{kind:?}")).unwrap();
    part.write_all(&vec![7; bytes]).unwrap();
    part
}

fn commit(store: &mut Store, id: u64, kind: PictureKind, bytes: u64) {
    let event = pictured(store, id, kind);
    let entry = Entry {
        saved: Some(Saved { id, kind, bytes }),
        ..told(store.next_seq(), event)
    };
    store.commit(&[entry]).unwrap();
}

/// All steps of saving a picture, as far as `steps` go.
fn save(store: &mut Store, id: u64, kind: PictureKind, bytes: usize, steps: u64) {
    let part = write(store, id, kind, bytes);
    if steps == 0 {
        return std::mem::forget(part); // as a crash does
    }
    let bytes = part.finish(id, kind).unwrap();
    if steps > 1 {
        commit(store, id, kind, bytes);
    }
    if steps > 2 {
        store.files().settle(id, kind).unwrap();
    }
}

fn delete(store: &mut Store, id: u64) {
    let removal = Entry {
        event: None,
        removed: Some(id),
        ..told(store.next_seq(), event(id))
    };
    store.commit(&[removal]).unwrap();
}

#[test]
fn a_crash_at_any_step_leaves_no_orphan_and_no_event_that_points_at_nothing() {
    for kind in PictureKind::ALL {
        for earlier in [false, true] {
            for steps in 0..=3 {
                let dir = tempfile::tempdir().unwrap();
                let settings = stored::settings(dir.path());
                let mut store = stored::filled(&settings, 3);
                if earlier {
                    save(&mut store, 2, kind, 100, 3);
                }
                save(&mut store, 2, kind, 200, steps);
                drop(store);
                let context = format!("{kind:?}, after step {steps}, with an earlier one: {earlier}");
                let store = check(&settings, &context);
                assert_eq!(files(dir.path()).len(), usize::from(earlier || steps > 1), "{context}");
                assert_eq!(store.files().open(2, kind).is_ok(), earlier || steps > 1, "{context}");
            }
        }
    }
}

#[test]
fn a_crash_at_any_step_of_a_deletion_leaves_nothing_of_it() {
    for steps in 0..=2 {
        let dir = tempfile::tempdir().unwrap();
        let settings = stored::settings(dir.path());
        let mut store = stored::filled(&settings, 3);
        for (id, kind) in [(1, PictureKind::Snapshot), (2, PictureKind::Snapshot), (2, PictureKind::Clip)] {
            save(&mut store, id, kind, 100, 3);
        }
        delete(&mut store, 2);
        if steps > 0 {
            store.files().remove(2, PictureKind::Clip).unwrap();
        }
        if steps > 1 {
            store.files().remove(2, PictureKind::Snapshot).unwrap();
        }
        drop(store);
        let store = check(&settings, &format!("after step {steps}"));
        assert_eq!(files(dir.path()), ["1.jpg".to_owned()].into());
        assert_eq!(store.reader().figures().unwrap().picture_bytes, 100);
    }
}

#[test]
fn whatever_happens_in_whatever_order_files_and_events_agree_after_a_crash() {
    for seed in 0..24 {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            pictures: PictureLimits {
                bytes_max: 4000,
                ..PictureLimits::default()
            },
            ..stored::settings(dir.path())
        };
        let (mut random, mut store) = (Random(seed), stored::filled(&settings, 20));
        for _ in 0..60 {
            let id = 1 + random.below(20);
            let there = store.reader().event(id).unwrap().is_some();
            match random.below(8) {
                0 if there => delete(&mut store, id),
                1 => drop(store.maintain_pictures(None, PLENTY).unwrap()),
                2 => {
                    drop(store);
                    store = check(&settings, &format!("seed {seed}"));
                }
                _ if there => {
                    let kind = PictureKind::ALL[random.below(2) as usize];
                    let (bytes, steps) = (100 + random.below(400) as usize, random.below(9).min(3));
                    save(&mut store, id, kind, bytes, steps);
                }
                _ => {}
            }
        }
        drop(store);
        let figures = check(&settings, &format!("seed {seed}")).reader().figures().unwrap();
        assert!(figures.picture_bytes <= 4000, "seed {seed}: {figures:?}");
    }
}

/// A store with a snapshot of 100 bytes of each of ten events, of which the second is bookmarked.
fn ten(dir: &Path, pictures: PictureLimits) -> Store {
    let settings = Settings {
        pictures,
        ..stored::settings(dir)
    };
    let mut store = stored::filled(&settings, 10);
    for id in 1..=10 {
        save(&mut store, id, PictureKind::Snapshot, 100, 3);
    }
    let mut marked = store.reader().event(2).unwrap().unwrap();
    marked.bookmarked = true;
    let seq = store.next_seq();
    store.commit(&[told(seq, marked)]).unwrap();
    store
}

fn left(store: &mut Store, now: Option<Timestamp>, free: Option<u64>) -> Vec<u64> {
    while store.maintain_pictures(now, free).unwrap().more() {}
    let ids = (1..=10).filter(|id| store.reader().event(*id).unwrap().is_some_and(|event| event.snapshot_url.is_some()));
    let ids: Vec<u64> = ids.collect();
    let open = |id: &u64| store.files().open(*id, PictureKind::Snapshot).is_ok();
    assert!(ids.iter().all(open), "all that are told of are there: {ids:?}");
    assert_eq!(store.reader().figures().unwrap().pictures, ids.len() as u64);
    ids
}

#[test]
fn too_many_bytes_cost_the_oldest_and_bookmarked_ones_last() {
    let limits = |bytes_max| PictureLimits {
        bytes_max,
        ..PictureLimits::default()
    };
    for (bytes_max, kept) in [
        (1000, (1..=10).collect()),
        (700, vec![2, 5, 6, 7, 8, 9, 10]),
        (150, vec![2]),
        (50, vec![]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(left(&mut ten(dir.path(), limits(bytes_max)), None, PLENTY), kept, "{bytes_max}");
    }
}

#[test]
fn age_takes_all_but_bookmarked_ones_and_only_by_a_clock_that_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ten(dir.path(), PictureLimits::default());
    let old = PictureLimits::default().age_max.as_millis() as i64;
    assert_eq!(left(&mut store, None, PLENTY).len(), 10);
    assert_eq!(
        left(&mut store, Some(Timestamp(event(5).timestamp.0 + old)), PLENTY),
        [2, 5, 6, 7, 8, 9, 10]
    );
    assert_eq!(left(&mut store, Some(Timestamp(event(50).timestamp.0 + old)), PLENTY), [2]);
    assert_eq!(store.reader().figures().unwrap().events, 10, "events stay");
}

#[test]
fn a_disk_that_is_nearly_full_costs_old_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ten(dir.path(), PictureLimits::default());
    let missing = PictureLimits::default().free_min - 250;
    let done = store.maintain_pictures(None, Some(missing)).unwrap();
    assert_eq!(done.removed, 3, "as many as make room for 250 bytes");
    assert_eq!(
        store.maintain_pictures(None, Some(missing)).unwrap().files_removed,
        3,
        "before more go"
    );
    assert_eq!(left(&mut store, None, PLENTY), [2, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn a_disk_that_is_full_costs_the_oldest_files_and_events_own_up_to_it() {
    for crash in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = ten(dir.path(), PictureLimits::default());
        assert_eq!(store.shed_pictures().unwrap(), 9, "all but the bookmarked one");
        if crash {
            drop(store);
            store = check(&stored::settings(dir.path()), "after a crash");
        }
        assert_eq!(left(&mut store, None, PLENTY), [2], "crash: {crash}");
        assert_eq!(files(dir.path()), told_of(&store));
    }
}

#[test]
fn a_new_store_does_not_show_pictures_of_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let settings = stored::settings(dir.path());
    drop(ten(dir.path(), PictureLimits::default()));
    fs::remove_file(stored::file(&settings)).unwrap();
    let store = check(&settings, "a new store");
    assert!(store.files().open(3, PictureKind::Snapshot).is_err());
    assert!(!dir.path().join("pictures.old").exists(), "and they do not fill the disk");
}

/// Tables of pictures are beside the others, under the same version: an earlier program passes them over.
#[test]
fn a_store_from_before_there_were_pictures_opens_and_takes_them() {
    let dir = tempfile::tempdir().unwrap();
    let settings = stored::settings(dir.path());
    drop(stored::filled(&settings, 3));
    let db = Database::open(stored::file(&settings)).unwrap();
    let txn = db.begin_read().unwrap();
    let tables = txn.list_tables().unwrap();
    let ours: Vec<_> = tables.filter(|table| table.name().starts_with("pictures")).collect();
    drop(txn);
    let txn = db.begin_write().unwrap();
    assert_eq!(ours.len(), 3);
    ours.into_iter().for_each(|table| assert!(txn.delete_table(table).unwrap()));
    txn.commit().unwrap();
    drop(db);
    assert_eq!(lookout::store::SCHEMA, 2, "which earlier versions read");
    let mut store = check(&settings, "without tables");
    assert_eq!(store.reader().figures().unwrap().pictures, 0);
    save(&mut store, 2, PictureKind::Clip, 100, 3);
    drop(store);
    assert_eq!(check(&settings, "with them").reader().figures().unwrap().pictures, 1);
}

#[test]
fn a_service_that_is_killed_at_any_moment_leaves_files_and_events_that_agree() {
    let dir = tempfile::tempdir().unwrap();
    let settings = stored::settings(dir.path());
    let config = dir.path().join("busy.toml");
    fs::write(
        &config,
        "[event]\nlength_max_s = 1\ngap_ms = 200\nlapse_ms = 100\n[media]\npost_roll_ms = 0\n",
    )
    .unwrap();
    let mut random = Random(11);
    for round in 0..6 {
        let arguments = [
            "--config",
            config.to_str().unwrap(),
            "--source",
            "scene:seed=3,visits=2..4..1,width=320,height=240",
        ];
        let service = Service::start(dir.path(), &arguments);
        wait_for("a clip of this run", || {
            let (_, answer) = service.get("/api/events?limit=10");
            let events = answer["events"].as_array()?;
            (events.iter().filter(|event| !event["clip_url"].is_null()).count() > round.min(3)).then_some(())
        });
        std::thread::sleep(Duration::from_millis(random.below(700))); // simulates a power cut at any moment
        service.kill();
        drop(check(&settings, &format!("round {round}")));
    }
    assert!(files(dir.path()).len() > 6, "{:?}", files(dir.path()));
}
