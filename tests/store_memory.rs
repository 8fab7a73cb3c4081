//! The store's promise of memory, measured: the heap that it holds at most over many commits, reads and its upkeep stays within
//! [`footprint`], and does not grow. A test binary of its own, since it counts every allocation of the process.

mod stored;

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use lookout::event::model::Event;
use lookout::store::Entry;
use lookout::store::EventQuery;
use lookout::store::FILE_NAME;
use lookout::store::Settings;
use lookout::store::Store;
use lookout::store::footprint;
use stored::WALL;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Highest heap during `work`, above what was held before all of it.
fn peak(base: usize, work: impl FnOnce()) -> usize {
    PEAK.store(HELD.load(Ordering::Relaxed), Ordering::Relaxed);
    work();
    PEAK.load(Ordering::Relaxed) - base
}

/// A commit of `count` long messages.
fn long(first: u64, count: u64) -> Vec<Entry> {
    let url = "x".repeat(1500);
    let event = |seq| Event {
        snapshot_url: Some(url.clone()),
        ..stored::event(seq)
    };
    (first..first + count).map(|seq| stored::told(seq, event(seq))).collect()
}

/// Commits by `group`, with a page of events and of messages read after each tenth, and upkeep after each hundredth.
fn commit_and_read(store: &mut Store, commits: u64, group: u64) {
    let reader = store.reader();
    for n in 0..commits {
        store.commit(&long(store.next_seq(), group)).unwrap();
        if n % 10 == 0 {
            let random = n * 7919 % store.next_seq();
            let query = EventQuery {
                before: Some(random),
                to: Some(stored::event(random).timestamp),
                ..EventQuery::default()
            };
            reader.events(&query).unwrap();
            reader.messages_after(random, 50, 64 * 1024).unwrap();
        }
        while n % 100 == 99 && store.maintain(None).unwrap().more() {}
    }
}

fn check(settings: &Settings) {
    let promised = footprint(settings);
    let base = HELD.load(Ordering::Relaxed);
    let mut store = None;
    let opening = peak(base, || store = Some(Store::open(settings, WALL).unwrap().0));
    let mut store = store.unwrap();
    let singly = peak(base, || commit_and_read(&mut store, 300, 1));
    let filling = peak(base, || commit_and_read(&mut store, 250, 32));
    let full = peak(base, || commit_and_read(&mut store, 150, 32));
    let later = peak(base, || commit_and_read(&mut store, 150, 32));
    let used = store.reader().figures().unwrap().used_bytes;
    assert!(used > settings.bytes_max / 2 && used <= settings.bytes_max * 5 / 4, "{used}");
    // A copy of the open file is what a crash leaves.
    let crashed = Settings {
        dir: settings.dir.join("crashed"),
        ..settings.clone()
    };
    std::fs::create_dir(&crashed.dir).unwrap();
    std::fs::copy(store.file(), crashed.dir.join(FILE_NAME)).unwrap();
    drop(store);
    let repair = peak(base, || drop(Store::open(&crashed, WALL).unwrap()));
    let reopening = peak(base, || drop(Store::open(settings, WALL).unwrap()));
    let smaller = Settings {
        bytes_max: settings.bytes_max / 8,
        ..settings.clone()
    };
    let mut compacted = false;
    let shrinking = peak(base, || {
        let mut store = Store::open(&smaller, WALL).unwrap().0;
        compacted = (0..500).any(|_| store.maintain(None).unwrap().compacted);
    });
    assert!(compacted);
    println!(
        "cache {} bytes_max {} promised {promised}: opening {opening}, single commits {singly}, groups {filling}, full {full}, later {later}, after a crash {repair}, reopening {reopening}, compacting {shrinking}",
        settings.cache_bytes, settings.bytes_max
    );
    for (held, what) in [
        (opening, "opening"),
        (singly, "commits"),
        (filling, "groups"),
        (full, "at the limit"),
        (repair, "repair"),
        (reopening, "reopening"),
        (shrinking, "compacting"),
    ] {
        assert!(held <= promised, "{what}: {held} of {promised}");
    }
    assert!(later <= promised.min(full + full / 8), "{later} after {full}: it grows");
}

#[test]
fn the_store_stays_within_its_footprint() {
    const MIB: u64 = 1024 * 1024;
    for (cache_bytes, bytes_max) in [(MIB, 16 * MIB), (MIB / 4, 8 * MIB)] {
        let dir = tempfile::tempdir().unwrap();
        check(&Settings {
            cache_bytes: cache_bytes as usize,
            bytes_max,
            ..stored::settings(dir.path())
        });
    }
}
