//! Messages of which only the latest counts: one slot for each such topic, with a version. No locks, no waiting.

use super::Message;
use crate::wire::Topic;
use crate::wire::Topics;

/// Number of such topics.
pub(super) const SLOTS: usize = Topic::LATEST.len();

/// The newest message of each such topic, and how many listen to it.
#[derive(Debug, Default)]
pub(super) struct Latest {
    slots: [Slot; SLOTS],
}

#[derive(Debug, Default)]
struct Slot {
    /// Messages shown so far.
    version: u64,
    newest: Option<Message>,
    listeners: u32,
}

/// Versions that a reader has seen, one for each slot.
pub(super) type Seen = [u64; SLOTS];

impl Latest {
    /// Puts `message` in the place of the one before it.
    pub(super) fn show(&mut self, index: usize, message: Message) {
        let slot = &mut self.slots[index];
        slot.version += 1;
        slot.newest = Some(message);
    }

    /// Messages shown so far, of all topics.
    pub(super) fn shown(&self) -> u64 {
        self.slots.iter().map(|slot| slot.version).sum()
    }

    /// The first slot of `topics` with something newer than `seen`: its message, and how many it came in the place of.
    pub(super) fn read(&self, seen: &mut Seen, topics: Topics) -> Option<(Message, u64)> {
        let index = self.newer(seen, topics)?;
        let Slot { version, newest, .. } = &self.slots[index];
        let skipped = version - seen[index] - 1;
        seen[index] = *version;
        newest.clone().map(|message| (message, skipped))
    }

    /// Whether there is something newer than `seen`.
    pub(super) fn has_newer(&self, seen: &Seen, topics: Topics) -> bool {
        self.newer(seen, topics).is_some()
    }

    fn newer(&self, seen: &Seen, topics: Topics) -> Option<usize> {
        let newer = |index: &usize| topics.has(Topic::LATEST[*index]) && self.slots[*index].version > seen[*index];
        (0..SLOTS).find(newer)
    }

    /// One more listens to `topics`: from the newest message on where others listen, for that is fresh; else from the next.
    pub(super) fn join(&mut self, seen: &mut Seen, topics: Topics) {
        for (slot, (seen, topic)) in self.slots.iter_mut().zip(seen.iter_mut().zip(Topic::LATEST)) {
            if topics.has(topic) {
                *seen = slot.version - u64::from(slot.newest.is_some());
                slot.listeners += 1;
            }
        }
    }

    /// One less listens to `topics`; what nobody listens to is not kept.
    pub(super) fn leave(&mut self, topics: Topics) {
        for (slot, topic) in self.slots.iter_mut().zip(Topic::LATEST) {
            if topics.has(topic) {
                slot.listeners -= 1;
                slot.newest = slot.newest.take().filter(|_| slot.listeners > 0);
            }
        }
    }

    /// Topics that someone listens to.
    pub(super) fn listened(&self) -> Topics {
        let heard = self.slots.iter().zip(Topic::LATEST).filter(|(slot, _)| slot.listeners > 0);
        heard.fold(Topics::NONE, |topics, (_, topic)| topics.with(Topics::of(&[topic])))
    }
}
