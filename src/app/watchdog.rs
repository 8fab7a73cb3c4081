//! systemd's watchdog, fed while nothing hangs; what a hang is, is `health.rs`'s matter.

use super::AppError;
use super::Shared;
use crate::health;

/// Feeds systemd's watchdog as long as nothing hangs; never returns.
pub(super) async fn watchdog(shared: &Shared) -> Result<(), AppError> {
    let started = shared.clock.now();
    let Some(interval) = health::watchdog_interval() else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval(interval);
    let mut told = None;
    loop {
        ticks.tick().await;
        let hang = health::hang(&shared.status, started, shared.clock.now());
        match hang {
            None => health::feed(),
            Some(hang) if told.is_none() => tracing::error!(%hang, "the watchdog is not fed"),
            Some(_) => {}
        }
        told = hang;
    }
}
