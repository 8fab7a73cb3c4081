//! The store's promise of memory, measured: the heap that it holds at most over many commits, reads and its upkeep stays within
//! [`footprint`], and does not grow. A test binary of its own, since it counts every allocation of the process.

mod stored;

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use lookout::store::EventQuery;
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

/// Commits by `group`, with a page of events and of messages read after each tenth.
fn commit_and_read(store: &mut Store, commits: u64, group: u64) {
    let reader = store.reader();
    for n in 0..commits {
        store.commit(&stored::entries(store.next_seq(), group)).unwrap();
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
    }
}

fn check(settings: &Settings) {
    let promised = footprint(settings);
    let base = HELD.load(Ordering::Relaxed);
    let mut store = None;
    let opening = peak(base, || store = Some(Store::open(settings, WALL).unwrap().0));
    let mut store = store.unwrap();
    let singly = peak(base, || commit_and_read(&mut store, 2_000, 1));
    let grouped = peak(base, || commit_and_read(&mut store, 1_000, 32));
    let upkeep = peak(base, || while store.maintain(None).unwrap().more() {});
    let later = peak(base, || commit_and_read(&mut store, 1_000, 32));
    drop(store);
    let reopening = peak(base, || drop(Store::open(settings, WALL).unwrap()));
    println!(
        "cache {} promised {promised}: opening {opening}, single commits {singly}, groups {grouped}, upkeep {upkeep}, later {later}, reopening {reopening}",
        settings.cache_bytes
    );
    for (held, what) in [
        (opening, "opening"),
        (singly, "commits"),
        (grouped, "groups"),
        (upkeep, "upkeep"),
        (reopening, "reopening"),
    ] {
        assert!(held <= promised, "{what}: {held} of {promised}");
    }
    assert!(later <= promised.min(grouped + grouped / 8), "{later} after {grouped}: it grows");
}

#[test]
fn the_store_stays_within_its_footprint() {
    for (cache_bytes, events_max) in [(1024 * 1024, 10_000), (256 * 1024, 10_000), (4 * 1024 * 1024, 50_000)] {
        let dir = tempfile::tempdir().unwrap();
        check(&Settings {
            cache_bytes,
            events_max,
            bytes_max: 8 * 1024 * 1024,
            ..stored::settings(dir.path())
        });
    }
}
