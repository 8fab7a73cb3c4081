//! The wish to stop, as the system tells it.

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// Ready at the first SIGINT or SIGTERM.
pub async fn signals() {
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "signals cannot be waited for; only a kill will stop the service");
            std::future::pending::<()>().await;
        }
    }
}
