//! What a login costs, counted: within the ledger's line, and nothing once it is done.

use std::sync::Arc;

use lookout::clock::Clock;
use lookout::clock::SystemClock;
use lookout::heap;
use lookout::identity;
use lookout::identity::Accounts;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

#[test]
fn a_login_stays_within_its_line_and_gives_back_all_of_it() {
    let clock = SystemClock::default();
    let folder = tempfile::tempdir().unwrap();
    let accounts = Accounts::open(folder.path(), Arc::new(SystemClock::default())).unwrap();
    accounts.claim("correct horse").unwrap();
    for _ in 0..20 {
        accounts.log_in("correct horse").unwrap(); // every place is taken from here on
    }
    let (before, began) = (heap::in_use_bytes(), clock.now());
    for _ in 0..5 {
        accounts.log_in("correct horse").unwrap();
    }
    let each = clock.now().since(began) / 5;
    let after = heap::in_use_bytes();
    let peak = heap::peak_bytes() - before;
    println!("a login: {each:?}, {peak} bytes of {}", identity::footprint());
    assert!(peak <= identity::footprint(), "{peak} bytes");
    assert!(peak > 1024 * 1024, "nothing was measured");
    assert!(after <= before + 1024, "{before} bytes became {after}");
}
