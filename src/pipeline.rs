//! Frame, edges, motion, event: one bounded step after another, on a thread of its own or in a loop.

use std::sync::Mutex;

use heapless::Deque;

use crate::limits::COMMAND_QUEUE_MAX;

/// What a person or a program asks of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make events (true) or none (false).
    Arm(bool),
    /// Make an event now.
    Trigger,
}

/// The queue of commands to the pipeline, shared with the network side.
#[derive(Debug, Default)]
pub struct Controls(Mutex<Deque<Command, COMMAND_QUEUE_MAX>>);

impl Controls {
    /// Asks for `command` at the next step; gives it back when the queue is full.
    pub fn ask(&self, command: Command) -> Result<(), Command> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push_back(command)
    }
    /// The oldest command not yet done.
    pub(crate) fn take(&self) -> Option<Command> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop_front()
    }
}
