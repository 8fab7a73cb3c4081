//! Edges that a scene or a recording brings with it: [`line()`] makes both ends of a bounded queue.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use heapless::Deque;

use crate::limits::SCRIPTED_EDGES_MAX;
use crate::trigger::Edge;
use crate::trigger::TriggerCounters;
use crate::trigger::TriggerError;
use crate::trigger::TriggerSource;
use crate::trigger::TriggerState;

/// A line without a wire: what is pushed into the first comes out of the second.
pub fn line() -> (Line, Scripted) {
    let queue = Arc::new(Mutex::new(Queue::default()));
    (Line(queue.clone()), Scripted(queue))
}

/// The end that a source of frames holds: it pushes an edge when its time has come. Clones share one queue.
#[derive(Clone, Debug)]
pub struct Line(Arc<Mutex<Queue>>);

/// The end that is polled, as a sensor is.
#[derive(Debug)]
pub struct Scripted(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    edges: Deque<Edge, SCRIPTED_EDGES_MAX>,
    counters: TriggerCounters,
}

impl Line {
    /// Adds `edge`; when the queue is full the oldest goes, counted as missed.
    pub fn push(&self, edge: Edge) {
        let mut queue = lock(&self.0);
        if queue.edges.is_full() {
            queue.edges.pop_front();
            queue.counters.missed += 1;
        }
        queue.edges.push_back(edge).expect("one was taken out of a full queue");
    }
}

/// Bytes of one line and its queue.
pub const fn footprint() -> usize {
    size_of::<Mutex<Queue>>()
}

impl TriggerSource for Scripted {
    fn poll(&mut self) -> Result<Option<Edge>, TriggerError> {
        let mut queue = lock(&self.0);
        let edge = queue.edges.pop_front();
        queue.counters.delivered += u64::from(edge.is_some());
        Ok(edge)
    }
    fn state(&self) -> TriggerState {
        TriggerState::Live
    }
    fn counters(&self) -> TriggerCounters {
        lock(&self.0).counters
    }
}

/// Nothing that holds the lock can leave the queue half-changed, so a poisoned one is as good as any.
fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
