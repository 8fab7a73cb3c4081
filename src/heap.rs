//! What the process has allocated: a counting global allocator. What it ought to allocate is `budget.rs`'s.

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// The system's allocator, counted. A binary that wants figures declares it as its `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Bytes allocated and not yet freed; 0 for ever where [`Counting`] is not the global allocator.
pub fn in_use_bytes() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

/// Most bytes that were in use at once, since the start or the last [`reset_peak`].
pub fn peak_bytes() -> usize {
    PEAK.load(Ordering::Relaxed)
}

/// One arena for all threads that come: with an arena each, what one frees is of no use to another.
pub fn share() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a bound of the allocator's, which takes its own lock for that.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1)
    };
}

/// Begins a new measurement of the peak.
pub fn reset_peak() {
    PEAK.store(in_use_bytes(), Ordering::Relaxed);
}

fn added(bytes: usize) {
    let now = IN_USE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

fn removed(bytes: usize) {
    IN_USE.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches only two integers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps GlobalAlloc's contract, which is System's.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            added(layout.size());
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            added(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) };
        removed(layout.size());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            added(size);
            removed(layout.size());
        }
        moved
    }
}
