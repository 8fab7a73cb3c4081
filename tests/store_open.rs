//! Opening the store: damaged files never keep it from that, and what is not damage is left alone and told in words.

#[path = "common/machine.rs"]
mod machine;
mod stored;

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Stdio;

use lookout::limits::STORE_DAMAGED_FILES_MAX;
use lookout::store::EventQuery;
use lookout::store::Opened;
use lookout::store::Settings;
use lookout::store::Store;
use lookout::store::StoreError;
use redb::ReadableTable;
use redb::TableDefinition;
use stored::Random;
use stored::WALL;
use stored::all;
use stored::damaged_files;
use stored::entries;
use stored::event;
use stored::file;
use stored::filled;
use stored::open;
use stored::settings;

/// Opens `image`: what was committed is there unchanged, or the image was set aside whole and a new store works.
fn check_image(dir: &Path, image: &[u8]) -> Opened {
    let settings = settings(dir);
    fs::write(file(&settings), image).unwrap();
    let (mut store, opened) = open(&settings);
    match &opened {
        Opened::SetAside { to, why } => {
            let kept = fs::read(to).unwrap();
            // What looks like a database is opened for writing to be judged, which marks its header and may trim its end.
            assert!(image.starts_with(b"redb") || kept == image, "kept as it was");
            assert!(!kept.is_empty());
            assert!(!why.is_empty());
            assert_eq!(store.next_seq(), 1);
        }
        Opened::Fresh => assert!(image.is_empty()),
        Opened::Existing | Opened::Repaired => {
            let page = store.reader().messages_after(0, usize::MAX, usize::MAX).unwrap();
            assert!(page.messages.iter().all(|(seq, bytes)| *bytes == stored::entry(*seq).message));
            assert!(page.newest >= 64, "at most the last commit is lost: {}", page.newest);
        }
    }
    let next = store.next_seq();
    store.commit(&entries(next, 3)).unwrap();
    drop(store);
    assert_eq!(open(&settings).1, Opened::Existing, "sound after it was dealt with");
    for old in damaged_files(&settings) {
        fs::remove_file(old).unwrap();
    }
    opened
}

fn sound_image(dir: &Path) -> Vec<u8> {
    let settings = settings(dir);
    drop(filled(&settings, 96));
    fs::read(file(&settings)).unwrap()
}

#[test]
fn a_truncated_file_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let image = sound_image(dir.path());
    let lengths = [
        0,
        1,
        8,
        9,
        63,
        64,
        319,
        320,
        512,
        4095,
        4096,
        4097,
        image.len() / 2,
        image.len() - 4096,
        image.len() - 1,
    ];
    for length in lengths {
        let opened = check_image(dir.path(), &image[..length]);
        assert!(matches!(opened, Opened::SetAside { .. }) || length == 0, "{length}: {opened:?}");
    }
}

#[test]
fn a_flipped_bit_is_mended_or_set_aside_but_never_served() {
    let dir = tempfile::tempdir().unwrap();
    let image = sound_image(dir.path());
    let mut random = Random(3);
    let mut aside = 0;
    for round in 0..150 {
        let mut flipped = image.clone();
        let used = if round % 3 == 0 { 512 } else { image.len() as u64 };
        flipped[random.below(used) as usize] ^= 1 << random.below(8);
        aside += u32::from(matches!(check_image(dir.path(), &flipped), Opened::SetAside { .. }));
    }
    assert!(aside > 5, "some bits matter: {aside}");
}

#[test]
fn garbage_and_foreign_databases_are_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(11);
    let garbage: Vec<u8> = (0..100_000).map(|_| random.below(256) as u8).collect();
    for image in [&garbage[..], &[0; 8192], b"SQLite format 3\0"] {
        assert!(matches!(check_image(dir.path(), image), Opened::SetAside { .. }));
    }
    let foreign = dir.path().join("foreign");
    let db = redb::Database::create(&foreign).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(TableDefinition::<u64, u64>::new("other")).unwrap();
    txn.commit().unwrap();
    drop(db);
    let image = fs::read(&foreign).unwrap();
    assert!(matches!(check_image(dir.path(), &image), Opened::SetAside { .. }));
}

#[test]
fn few_damaged_files_are_kept_and_the_newest_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    for n in 0..STORE_DAMAGED_FILES_MAX + 3 {
        fs::write(file(&settings), format!("damage {n}")).unwrap();
        let (_, opened) = open(&settings);
        let Opened::SetAside { to, .. } = opened else {
            panic!("{opened:?}")
        };
        assert!(to.to_string_lossy().ends_with("-20260102T030405.000Z"), "{}", to.display());
        let kept = damaged_files(&settings);
        assert!(kept.len() <= STORE_DAMAGED_FILES_MAX && kept.last() == Some(&to));
    }
}

const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

/// Writes schema version `version` into a closed store, which no other version may open.
fn set_schema(settings: &Settings, version: &str) {
    let db = redb::Database::open(file(settings)).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(META).unwrap().insert("schema", version.as_bytes()).unwrap();
    txn.open_table(META).unwrap().remove("oldest").unwrap();
    if version == "0" {
        txn.delete_table(TableDefinition::<(i64, u64), ()>::new("by_time")).unwrap();
    }
    txn.commit().unwrap();
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    drop(filled(&settings, 20));
    set_schema(&settings, "7");
    let fault = Store::open(&settings, WALL).err().expect("refused");
    assert!(matches!(fault, StoreError::NewerSchema { found: 7, .. }));
    assert!(fault.to_string().contains("newer than 2"), "{fault}");
    assert!(damaged_files(&settings).is_empty());
    set_schema(&settings, "1");
    let (store, opened) = open(&settings);
    assert_eq!((opened, store.next_seq()), (Opened::Existing, 21));
}

/// What the next version of the program might do: it adds a table, and says that this version may still open the store.
fn as_the_next_version(settings: &Settings) {
    let db = redb::Database::open(file(settings)).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(META).unwrap().insert("schema", "3".as_bytes()).unwrap();
    let clips = TableDefinition::<u64, &str>::new("clips");
    txn.open_table(clips).unwrap().insert(1, "a clip").unwrap();
    txn.commit().unwrap();
}

#[test]
fn after_a_rollback_the_older_version_goes_on_with_the_newer_ones_store() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    drop(filled(&settings, 20));
    as_the_next_version(&settings);
    let (mut store, opened) = open(&settings);
    assert_eq!((opened, store.next_seq()), (Opened::Existing, 21));
    assert_eq!(all(&store.reader(), &EventQuery::default()).0.len(), 20);
    store.commit(&entries(21, 1)).unwrap();
    drop(store);
    let db = redb::Database::open(file(&settings)).unwrap();
    let txn = db.begin_write().unwrap();
    let schema = txn
        .open_table(META)
        .unwrap()
        .get("schema")
        .unwrap()
        .map(|digits| digits.value().to_vec());
    assert_eq!(schema, Some(b"2".to_vec()), "the newer version is to do its steps again");
    let clips = TableDefinition::<u64, &str>::new("clips");
    assert_eq!(txn.open_table(clips).unwrap().get(1).unwrap().unwrap().value(), "a clip");
}

#[test]
fn steps_that_are_done_again_find_what_the_events_say() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    drop(filled(&settings, 20));
    let db = redb::Database::open(file(&settings)).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(META).unwrap().insert("schema", "0".as_bytes()).unwrap();
    txn.open_table(TableDefinition::<(i64, u64), ()>::new("by_time"))
        .unwrap()
        .insert((0, 99), ())
        .unwrap();
    txn.open_table(TableDefinition::<u64, ()>::new("bookmarks"))
        .unwrap()
        .insert(99, ())
        .unwrap();
    txn.commit().unwrap();
    drop(db);
    let (store, _) = open(&settings);
    let figures = store.reader().figures().unwrap();
    assert_eq!((figures.events, figures.bookmarks), (20, 0));
    let late = EventQuery {
        to: Some(event(1).timestamp),
        ..EventQuery::default()
    };
    assert_eq!(all(&store.reader(), &late).0.len(), 0, "what is not there is not found by its time");
}

#[test]
fn an_older_schema_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    drop(filled(&settings, 20));
    set_schema(&settings, "0");
    let (store, opened) = open(&settings);
    assert_eq!(opened, Opened::Existing);
    let early = EventQuery {
        to: Some(event(4).timestamp),
        ..EventQuery::default()
    };
    let ids: Vec<_> = all(&store.reader(), &early).0.iter().map(|event| event.id).collect();
    assert_eq!(ids, [3, 2, 1]);
}

#[test]
fn what_is_in_the_way_is_an_error_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let inside = settings(dir.path());
    fs::create_dir(file(&inside)).unwrap();
    assert!(matches!(Store::open(&inside, WALL).err(), Some(StoreError::Io { .. })));
    fs::write(dir.path().join("flat"), "").unwrap();
    let below = settings(&dir.path().join("flat"));
    let fault = Store::open(&below, WALL).err().expect("no directory there");
    assert!(fault.to_string().contains("flat"), "{fault}");
}

/// Directory that [`child`] holds open; not set in a normal run.
const CHILD_DIR: &str = "LOOKOUT_TEST_STORE_DIR";

/// Not a test of its own: the other process of [`a_second_process_is_refused`].
#[test]
fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let _store = open(&settings(Path::new(&dir)));
    println!("holding");
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut child = machine::this_test()
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD_DIR, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains("holding")));
    let fault = Store::open(&settings, WALL).err().expect("refused");
    assert!(matches!(fault, StoreError::Locked { .. }), "{fault}");
    assert!(damaged_files(&settings).is_empty());
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(open(&settings).1, Opened::Existing);
}

#[test]
fn a_file_that_is_damaged_meanwhile_is_set_aside_and_numbers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut store = filled(&settings, 50);
    let (reader, id) = (store.reader(), store.id().unwrap());
    assert_eq!(store.reopen(WALL).unwrap(), Opened::Existing);
    assert_eq!((reader.id().unwrap(), store.next_seq()), (id.clone(), 51));
    fs::write(file(&settings), "no longer a database").unwrap();
    assert!(matches!(store.reopen(WALL).unwrap(), Opened::SetAside { .. }));
    assert_ne!(store.id().unwrap(), id);
    assert_eq!(store.next_seq(), 51, "no number means two messages");
    store.commit(&entries(51, 4)).unwrap();
    let page = reader.messages_after(0, 9, usize::MAX).unwrap();
    assert_eq!((page.oldest_available, page.newest), (51, 54), "readers follow");
    assert_eq!(reader.id().unwrap(), store.id().unwrap());
}
