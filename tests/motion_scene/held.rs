//! What each test's thread has allocated, counted.

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::cell::Cell;

/// Bytes allocated by this thread now, their highest value, and how often it allocated.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub(crate) bytes: isize,
    pub(crate) peak: isize,
    pub(crate) count: usize,
}

thread_local! {
    pub(crate) static HELD: Cell<Held> = const { Cell::new(Held { bytes: 0, peak: 0, count: 0 }) };
}

/// Counts what each thread allocates, so that tests may run side by side.
struct Counting;

fn count(bytes: isize) {
    // A thread that is ending has no counter any more, and no test on it.
    let _ = HELD.try_with(|held| {
        let mut now = held.get();
        now.bytes += bytes;
        now.peak = now.peak.max(now.bytes);
        now.count += usize::from(bytes > 0);
        held.set(now);
    });
}

// SAFETY: every call goes to the system's allocator unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps alloc's contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps dealloc's contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;
