//! The ring itself: bounded in messages and in bytes, the oldest making room. No locks, no waiting.

use heapless::Deque;

use super::BeforeRing;
use super::Message;
use super::Next;
use super::PublishError;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::limits::RING_BYTES_MAX;
use crate::limits::RING_MESSAGES_MAX;
use crate::wire::Topics;

/// Messages at positions `next - messages.len() .. next`.
#[derive(Debug)]
pub(super) struct Ring {
    messages: Deque<Message, RING_MESSAGES_MAX>,
    bytes: usize,
    next: u64,
    /// Greatest sequence number that is not in the ring any more, or never was.
    floor_seq: u64,
    newest_seq: u64,
}

impl Ring {
    pub(super) fn new(newest_seq: u64) -> Ring {
        Ring {
            messages: Deque::new(),
            bytes: 0,
            next: 0,
            floor_seq: newest_seq,
            newest_seq,
        }
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
        if bytes > MESSAGE_BYTES_MAX {
            return Err(PublishError::TooLong { bytes });
        }
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

    /// What stands at `at` or, if that is not wanted, later; `at` moves on behind it.
    pub(super) fn read(&self, at: &mut u64, topics: Topics, after_seq: u64) -> Next {
        let oldest = self.oldest();
        if *at < oldest {
            let missed = oldest - *at;
            *at = oldest;
            return Next::Lagged(missed);
        }
        while let Some(message) = self.messages.get((*at - oldest) as usize) {
            *at += 1;
            if topics.has(message.topic) && message.seq.is_none_or(|seq| seq > after_seq) {
                return Next::Message(message.clone());
            }
        }
        Next::Empty
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

    fn oldest(&self) -> u64 {
        self.next - self.messages.len() as u64
    }

    fn drop_oldest(&mut self) {
        if let Some(message) = self.messages.pop_front() {
            self.bytes -= message.text.len();
            self.floor_seq = message.seq.unwrap_or(self.floor_seq);
        }
    }
}
