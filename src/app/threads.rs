//! The service's threads: what each runs, and how its end is noticed.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::AppError;
use crate::clock::Clock;
use crate::event::model::EndReason;
use crate::limits::STEP_WAIT_MS_MAX;
use crate::limits::THREAD_STACK_BYTES;
use crate::pipeline::Pipeline;
use crate::pipeline::Records;
use crate::pipeline::Stepped;
use crate::recorder::Recorded;
use crate::recorder::Recorder;
use crate::records::CameraChange;
use crate::records::Notice;
use crate::records::Record;
use crate::records::RecordQueue;

/// A thread that runs, and the word that it gives when it ends, however it does.
pub(super) struct Running {
    pub(super) name: &'static str,
    pub(super) done: oneshot::Receiver<()>,
}

/// Starts a thread.
pub(super) fn spawn(name: &'static str, work: impl FnOnce() + Send + 'static) -> Result<Running, AppError> {
    let (alive, done) = oneshot::channel::<()>();
    let body = move || {
        let _alive = alive; // dropped at the end, in a panic too
        work();
    };
    let spawned = thread::Builder::new().name(name.into()).stack_size(THREAD_STACK_BYTES).spawn(body);
    spawned
        .map(|_| Running { name, done })
        .map_err(|cause| AppError::System { what: name, cause })
}

/// The pipeline's thread. The queue is closed by the studio, which ends after it.
pub(super) fn watch(mut pipeline: Pipeline, stop: &AtomicBool, queue: &RecordQueue, clock: &dyn Clock) {
    let mut records = Records::new();
    while !stop.load(Ordering::Relaxed) {
        if pipeline.step(&mut records) == Stepped::Ended {
            clock.sleep_until(clock.now() + Duration::from_millis(STEP_WAIT_MS_MAX)); // nothing paces it any more
        }
        hand_over(&mut records, queue);
    }
    pipeline.finish(EndReason::Shutdown, &mut records);
    hand_over(&mut records, queue);
}

fn hand_over(records: &mut Records, queue: &RecordQueue) {
    for record in records.drain(..) {
        log(&record);
        queue.push(record);
    }
}

/// A record is news, and so it is logged here, once.
fn log(record: &Record) {
    match record {
        Record::Change(change) => {
            tracing::debug!(event = change.key, phase = ?change.phase, trigger = ?change.trigger, frame = change.frame, "event");
        }
        Record::Zones(names) => tracing::info!(?names, "zones"),
        Record::Notice(_, notice, words) => match notice {
            Notice::Camera(CameraChange::Opened | CameraChange::Restored) | Notice::PirRestored | Notice::TamperOver(_) => {
                tracing::info!(%words, "{notice:?}");
            }
            _ => tracing::warn!(%words, "{notice:?}"),
        },
    }
}

/// The recorder's thread.
pub(super) fn record(mut recorder: Recorder) {
    loop {
        match recorder.step() {
            Recorded::Open => {}
            Recorded::Closed => return,
            Recorded::GaveUp { messages } => {
                tracing::error!(messages, "stopped with messages that could not be written");
                return;
            }
        }
    }
}
