//! Waiting for what a device does.

use std::time::Duration;

use lookout::clock::Clock;
use lookout::clock::SystemClock;

use super::PATIENCE;

/// Waits until `done`, for a bounded time.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let clock = SystemClock::default();
    let deadline = clock.now() + PATIENCE;
    while !done() {
        assert!(clock.now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
