//! The end of the start: what only it used of the program is no longer the process's.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;

use crate::limits::START_MS;
use crate::pages;

/// Waits for the end of the start, then forgets the pages that it used; never returns.
pub(super) async fn leave_behind() -> Infallible {
    sleep(Duration::from_millis(START_MS)).await;
    pages::forget();
    pending().await
}
