//! The ring itself: bounded in messages and in bytes, the oldest making room. No locks, no waiting.

use heapless::Deque;

use super::BeforeRing;
use super::Message;
use super::PublishError;
use crate::limits::RING_BYTES_MAX;
use crate::limits::RING_GONE_MAX;
use crate::limits::RING_MESSAGES_MAX;
use crate::wire::Facts;
use crate::wire::Filter;
use crate::wire::Topic;

/// Messages at positions `next - messages.len() .. next`. Both tables are boxed by themselves, so that their memory is touched as they
/// fill, not moved about while they are made.
#[derive(Debug)]
pub(super) struct Ring {
    messages: Box<Deque<Message, RING_MESSAGES_MAX>>,
    /// What stood right before them: enough to say who would have been told.
    gone: Box<Deque<Gone, RING_GONE_MAX>>,
    bytes: usize,
    next: u64,
    /// Greatest sequence number that is not in the ring any more, or never was.
    floor_seq: u64,
    newest_seq: u64,
}

/// What is left of a message that is out of the ring.
#[derive(Clone, Copy, Debug)]
struct Gone {
    seq: Option<u64>,
    topic: Topic,
    facts: Facts,
}

/// A reader's place in the ring, and what it wants there.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// Position that is read next.
    pub(super) at: u64,
    /// Durable messages up to this number are known.
    pub(super) after_seq: u64,
    /// Everything before this position was read; what is not durable is not given twice.
    pub(super) read_to: u64,
    pub(super) filter: Filter,
}

/// What a reader finds in the ring.
pub(super) enum Found {
    Message(Message),
    /// So many that it wanted are gone.
    Lagged(u64),
    Nothing,
}

impl Place {
    fn wants(&self, position: u64, seq: Option<u64>, topic: Topic, facts: &Facts) -> bool {
        let new = seq.map_or(position >= self.read_to, |seq| seq > self.after_seq);
        new && self.filter.wants(topic, facts)
    }

    fn pass(&mut self, seq: Option<u64>) {
        self.at += 1;
        self.read_to = self.read_to.max(self.at);
        self.after_seq = self.after_seq.max(seq.unwrap_or_default());
    }
}

impl Ring {
    pub(super) fn new(newest_seq: u64) -> Ring {
        Ring {
            messages: Box::default(),
            gone: Box::default(),
            bytes: 0,
            next: 0,
            floor_seq: newest_seq,
            newest_seq,
        }
    }

    /// Bytes that [`new`](Ring::new) allocates.
    pub(super) const fn footprint() -> usize {
        size_of::<Deque<Message, RING_MESSAGES_MAX>>() + size_of::<Deque<Gone, RING_GONE_MAX>>()
    }

    /// Position of the next message to be published.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn newest_seq(&self) -> u64 {
        self.newest_seq
    }

    pub(super) fn floor_seq(&self) -> u64 {
        self.floor_seq
    }

    pub(super) fn push(&mut self, message: Message) -> Result<(), PublishError> {
        let bytes = message.text.len();
        if let Some(seq) = message.seq {
            let newest = self.newest_seq;
            if seq <= newest {
                return Err(PublishError::Disordered { seq, newest });
            }
            self.newest_seq = seq;
        }
        while self.messages.is_full() || self.bytes + bytes > RING_BYTES_MAX {
            self.drop_oldest();
        }
        self.bytes += bytes;
        self.next += 1;
        let pushed = self.messages.push_back(message);
        debug_assert!(pushed.is_ok(), "room was made");
        Ok(())
    }

    /// What stands at `place` or, if that is not wanted, later; `place` moves on behind it. How many were passed over.
    pub(super) fn read(&self, place: &mut Place) -> (Found, u64) {
        let (oldest, mut unwanted) = (self.oldest(), 0);
        if place.at < oldest {
            match self.catch_up(place) {
                (0, passed) => unwanted = passed,
                (missed, passed) => return (Found::Lagged(missed), passed),
            }
        }
        while let Some(message) = self.messages.get((place.at - oldest) as usize) {
            let wanted = place.wants(place.at, message.seq, message.topic, &message.facts);
            place.pass(message.seq);
            if wanted {
                return (Found::Message(message.clone()), unwanted);
            }
            unwanted += 1;
        }
        (Found::Nothing, unwanted)
    }

    /// Moves `place` to the oldest message: how many it missed of what it wanted, and how many that it did not want. Those of
    /// which nothing is known any more count as wanted.
    fn catch_up(&self, place: &mut Place) -> (u64, u64) {
        let oldest = self.oldest();
        let known = oldest - self.gone.len() as u64;
        let (gone, mut wanted) = (oldest - place.at, known.saturating_sub(place.at));
        for (position, gone) in (known..oldest).zip(self.gone.iter()) {
            wanted += u64::from(position >= place.at && place.wants(position, gone.seq, gone.topic, &gone.facts));
        }
        place.at = oldest;
        place.read_to = place.read_to.max(oldest);
        place.after_seq = place.after_seq.max(self.floor_seq);
        (wanted, gone - wanted)
    }

    /// Position of the first durable message after `seq`, or of what comes next.
    pub(super) fn position_after(&self, seq: u64) -> Result<u64, BeforeRing> {
        if seq < self.floor_seq {
            return Err(BeforeRing { floor_seq: self.floor_seq });
        }
        let later = |message: &Message| message.seq.is_some_and(|other| other > seq);
        let index = self.messages.iter().position(later).unwrap_or(self.messages.len());
        Ok(self.oldest() + index as u64)
    }

    /// Zones of what is there have other names now: it is wanted whatever zone is asked for, so that nobody misses it.
    pub(super) fn forget_zones(&mut self) {
        self.messages.iter_mut().for_each(|message| message.facts.zones = None);
        self.gone.iter_mut().for_each(|gone| gone.facts.zones = None);
    }

    fn oldest(&self) -> u64 {
        self.next - self.messages.len() as u64
    }

    fn drop_oldest(&mut self) {
        let Some(Message { seq, topic, text, facts }) = self.messages.pop_front() else {
            return;
        };
        self.bytes -= text.len();
        self.floor_seq = seq.unwrap_or(self.floor_seq);
        if self.gone.is_full() {
            self.gone.pop_front();
        }
        let kept = self.gone.push_back(Gone { seq, topic, facts });
        debug_assert!(kept.is_ok(), "room was made");
    }
}
