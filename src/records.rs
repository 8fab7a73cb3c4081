//! The hand-off from the pipeline to the recorder: what is handed over, and the bounded queue in between.

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use heapless::Deque;
use heapless::String;
use heapless::Vec;

use tokio::sync::oneshot;

use crate::clock::Mono;
use crate::event::model::Change;
use crate::event::model::Name;
use crate::event::model::Phase;
use crate::limits::COMMIT_RECORDS_MAX;
use crate::limits::DETAIL_BYTES_MAX;
use crate::limits::RECORD_QUEUE_MAX;
use crate::limits::WISH_QUEUE_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::Tamper;

/// Words about what happened, for people; cut at a character when too long.
pub type Detail = String<DETAIL_BYTES_MAX>;

/// `text`, as far as it fits.
pub fn detail(text: &str) -> Detail {
    let mut detail = Detail::new();
    for character in text.chars() {
        if detail.push(character).is_err() {
            break;
        }
    }
    detail
}

/// What became of the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameraChange {
    /// It gives frames, for the first time.
    Opened,
    /// It gives none any more.
    Lost,
    /// It gives frames again.
    Restored,
    /// The clip that stands for it is over.
    Ended,
}

/// What the pipeline wants known besides events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The camera came or went.
    Camera(CameraChange),
    /// The picture shows that somebody tampers with the camera, or that it hangs.
    Tampered(Tamper),
    /// The picture is as it should be again.
    TamperOver(Tamper),
    /// The whole picture changed at once; it is being learned anew.
    SceneChanged,
    /// The PIR sensor cannot be read.
    PirLost,
    /// The PIR sensor can be read again.
    PirRestored,
    /// Something became of an update.
    Update(UpdateChange),
    /// Settings of another version are left out.
    SettingsLeftOut,
}

/// What became of an update of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateChange {
    /// The new system runs, and is being tested.
    Testing,
    /// The new system does what it is for, and is kept.
    Confirmed,
    /// The new system does not do what it is for; the machine goes back.
    Rejected,
    /// The machine came back from the new system.
    RolledBack,
}

/// One thing that the recorder makes durable and announces.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An event changed.
    Change(Change),
    /// Something else happened at this time.
    Notice(Mono, Notice, Detail),
    /// From here on zones have these names, in the order of a [`ZoneSet`](crate::motion::ZoneSet)'s bits.
    Zones(Box<Vec<Name, ZONES_MAX>>),
}

/// What a person or a program asks of the recorder, about an event by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Delete it.
    Delete(u64),
    /// Keep it longer than others.
    Bookmark(u64),
    /// Keep it no longer than others.
    Unbookmark(u64),
}

impl Edit {
    /// Which event.
    pub fn id(self) -> u64 {
        let (Edit::Delete(id) | Edit::Bookmark(id) | Edit::Unbookmark(id)) = self;
        id
    }
}

/// Why an event stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not there.
    #[error("there is no event {0}")]
    Unknown(u64),
    /// It is not over.
    #[error("event {0} is not over yet")]
    Running(u64),
    /// As many are bookmarked as may be.
    #[error("{0} events are bookmarked already, which is the most")]
    Full(u64),
    /// The store cannot be read.
    #[error("{0}")]
    Store(std::string::String),
}

/// An edit, and where the answer goes: once it is durable, or why it is not to be.
#[derive(Debug)]
pub struct Wish {
    /// What is asked for.
    pub edit: Edit,
    /// Dropped without an answer when the recorder ends.
    pub answer: oneshot::Sender<Result<(), Refused>>,
}

/// What happened to records that did not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounters {
    /// Changes merged into a waiting change of the same event.
    pub coalesced: u64,
    /// Records lost.
    pub dropped: u64,
}

/// The queue: [`RECORD_QUEUE_MAX`] records. Full: a change replaces a waiting change of its event; failing that the
/// oldest update goes; failing that the oldest record. Of zones' names only the newest wait, and those are never lost.
/// Pushing never waits.
#[derive(Debug, Default)]
pub struct RecordQueue {
    inner: Mutex<Inner>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    /// Full: another is given back.
    wishes: Deque<Wish, WISH_QUEUE_MAX>,
    waiting: Box<Vec<Record, RECORD_QUEUE_MAX>>,
    counters: QueueCounters,
    nudged: bool,
    closed: bool,
}

impl RecordQueue {
    /// Bytes that it takes.
    pub const fn footprint() -> usize {
        size_of::<RecordQueue>() + size_of::<Vec<Record, RECORD_QUEUE_MAX>>()
    }

    /// Hands `record` over.
    pub fn push(&self, record: Record) {
        self.lock().push(record);
        self.filled.notify_one();
    }

    /// Says that nothing more will come.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// The oldest records, oldest first, at most [`COMMIT_RECORDS_MAX`] of them; waits at most `wait` for the first, or
    /// for a wish.
    /// `None` once the queue is closed and empty.
    pub fn take(&self, wait: Duration) -> Option<Vec<Record, COMMIT_RECORDS_MAX>> {
        let inner = self.lock();
        let waited = self.filled.wait_timeout_while(inner, wait, |inner| {
            inner.waiting.is_empty() && inner.wishes.is_empty() && !inner.nudged && !inner.closed
        });
        let (mut inner, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        inner.nudged = false;
        if inner.closed && inner.waiting.is_empty() {
            return None;
        }
        let count = inner.waiting.len().min(COMMIT_RECORDS_MAX);
        Some(inner.waiting.drain(..count).collect())
    }

    /// Asks for `edit`; what it comes to is told in time, or never if the recorder ends before. `None` when too many wait.
    pub fn ask(&self, edit: Edit) -> Option<oneshot::Receiver<Result<(), Refused>>> {
        let (answer, answered) = oneshot::channel();
        self.lock().wishes.push_back(Wish { edit, answer }).ok()?;
        self.filled.notify_one();
        Some(answered)
    }

    /// The oldest wish.
    pub fn take_wish(&self) -> Option<Wish> {
        self.lock().wishes.pop_front()
    }

    /// Ends the wait of [`take`](RecordQueue::take): there is something to do elsewhere.
    pub fn nudge(&self) {
        self.lock().nudged = true;
        self.filled.notify_one();
    }

    /// Whether nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// What did not fit so far.
    pub fn counters(&self) -> QueueCounters {
        self.lock().counters
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn push(&mut self, record: Record) {
        if matches!(record, Record::Zones(_)) {
            self.waiting.retain(|waiting| !matches!(waiting, Record::Zones(_)));
        }
        let Err(record) = self.waiting.push(record) else { return };
        let Some(record) = self.coalesce(record) else { return };
        let is_update = |record: &Record| matches!(record, Record::Change(change) if change.phase == Phase::Update);
        let can_go = |record: &Record| !matches!(record, Record::Zones(_));
        let victim = self.waiting.iter().position(is_update);
        let victim = victim.or_else(|| self.waiting.iter().position(can_go)).unwrap_or(0);
        self.waiting.remove(victim);
        self.counters.dropped += 1;
        let refused = self.waiting.push(record);
        debug_assert!(refused.is_ok(), "one was just removed");
    }

    /// Puts a change in the place of a waiting change of its event; gives it back when there is none. A start that was
    /// not yet told stays a start, with what is known now, unless the event is over.
    fn coalesce(&mut self, record: Record) -> Option<Record> {
        let Record::Change(mut change) = record else { return Some(record) };
        let same = |waiting: &&mut Record| matches!(waiting, Record::Change(earlier) if earlier.key == change.key);
        let Some(Record::Change(earlier)) = self.waiting.iter_mut().rev().find(same) else {
            return Some(Record::Change(change));
        };
        if earlier.phase == Phase::Start && change.phase == Phase::Update {
            change.phase = Phase::Start;
        }
        *earlier = change;
        self.counters.coalesced += 1;
        None
    }
}
