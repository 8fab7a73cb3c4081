//! What lies between the pipeline, the studio, the viewers and the recorder: one picture, a few words of events, who looks.

use std::path::Path;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::TryLockError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use heapless::Deque;
use heapless::Vec;
use tokio::sync::watch;

use super::Picture;
use super::Settings;
use crate::clock::Mono;
use crate::event::model::Change;
use crate::event::model::Phase;
use crate::frame::Frame;
use crate::frame::FrameFormat;
use crate::frame::PixelFormat;
use crate::limits::PICTURE_NEWS_MAX;
use crate::limits::PICTURES_SAVED_MAX;
use crate::limits::VIEWERS_MAX;
use crate::motion::Score;
use crate::store::Files;
use crate::store::Saved;

/// A frame that lies on the desk: its bytes are copied, into memory that was reserved when the camera was opened.
#[derive(Debug, Default)]
pub(super) struct Exposure {
    pub(super) about: Option<About>,
    pub(super) data: std::vec::Vec<u8>,
}

/// What is known of a frame beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) format: FrameFormat,
    pub(super) number: u64,
    pub(super) captured: Mono,
    pub(super) score: Score,
}

/// As much of a change of an event as pictures of it need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) key: u32,
    pub(super) phase: Phase,
    pub(super) began: Mono,
    pub(super) last_seen: Mono,
}

/// What became of pictures since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Counters {
    /// Pictures made, or taken from the camera as it made them.
    pub made: u64,
    /// Left out because the one before was still being made.
    pub skipped: u64,
    /// Left out because they were too long, or not to be made.
    pub failed: u64,
    /// Snapshots and clips written.
    pub saved: u64,
    /// Snapshots and clips that came to nothing: the disk was full, or the recorder too slow.
    pub lost: u64,
}

/// The desk.
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    files: Files,
    exposure: Mutex<Exposure>,
    inbox: Mutex<Inbox>,
    filled: Condvar,
    /// The shortest time between two live pictures that someone wants, in milliseconds; 0: nobody looks.
    live_ms: AtomicU32,
    seats: Mutex<Vec<(u64, u32), VIEWERS_MAX>>,
    live: watch::Sender<Option<Picture>>,
    /// A picture is wanted whatever the time.
    wanted: AtomicBool,
    counts: [AtomicU64; 5],
}

#[derive(Debug, Default)]
struct Inbox {
    exposed: bool,
    /// Full: a change goes into a waiting one of its event; else the oldest goes.
    news: Deque<News, PICTURE_NEWS_MAX>,
    /// Ids of the newest events, by the engine's count. Full: the oldest goes.
    ids: Deque<(u32, u64), PICTURE_NEWS_MAX>,
    /// Full: another is given back, and lost.
    saved: Deque<Saved, PICTURES_SAVED_MAX>,
    closed: bool,
}

/// What the studio finds on the desk.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) exposed: bool,
    pub(super) news: Deque<News, PICTURE_NEWS_MAX>,
    pub(super) closed: bool,
}

/// Which of [`Counters`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    Made,
    Skipped,
    Failed,
    Saved,
    Lost,
}

impl Desk {
    /// An empty desk, for pictures kept in the data directory `dir`.
    pub fn new(settings: &Settings, dir: &Path) -> Desk {
        Desk {
            settings: settings.clone(),
            files: Files::new(dir),
            exposure: Mutex::default(),
            inbox: Mutex::default(),
            filled: Condvar::new(),
            live_ms: AtomicU32::new(0),
            seats: Mutex::default(),
            live: watch::Sender::new(None),
            wanted: AtomicBool::new(false),
            counts: Default::default(),
        }
    }

    /// What a user may set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where pictures are kept.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// What became of pictures so far.
    pub fn counters(&self) -> Counters {
        let of = |count: Count| self.counts[count as usize].load(Ordering::Relaxed);
        Counters {
            made: of(Count::Made),
            skipped: of(Count::Skipped),
            failed: of(Count::Failed),
            saved: of(Count::Saved),
            lost: of(Count::Lost),
        }
    }

    pub(super) fn count(&self, count: Count) {
        self.counts[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    // ---- viewers ----

    /// Takes a seat for so many pictures a second: its number, and where pictures are shown; none when all are taken.
    pub(super) fn take_seat(&self, fps: u32) -> Option<(u64, watch::Receiver<Option<Picture>>)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut seats = lock(&self.seats);
        if seats.len() >= self.settings.viewers_max {
            return None;
        }
        seats.push((number, fps.max(1))).ok()?;
        self.show_wish(&seats);
        Some((number, self.live.subscribe()))
    }

    /// Lets a seat have another rate, or none any more.
    pub(super) fn change_seat(&self, number: u64, fps: Option<u32>) {
        let mut seats = lock(&self.seats);
        seats.retain_mut(|(seat, rate)| {
            *rate = if *seat == number { fps.unwrap_or(0).max(1) } else { *rate };
            *seat != number || fps.is_some()
        });
        self.show_wish(&seats);
    }

    /// Whether nothing more will come from the pipeline.
    pub(super) fn is_closed(&self) -> bool {
        self.inbox().closed
    }

    /// How many look.
    pub fn viewers(&self) -> usize {
        lock(&self.seats).len()
    }

    fn show_wish(&self, seats: &[(u64, u32)]) {
        let fastest = seats.iter().map(|(_, fps)| *fps).max();
        self.live_ms.store(fastest.map_or(0, |fps| (1000 / fps).max(1)), Ordering::Relaxed);
        if fastest.is_none() {
            self.live.send_replace(None);
        }
    }

    /// Time between two live pictures; none when nobody looks.
    pub(super) fn live_interval(&self) -> Option<Duration> {
        let ms = self.live_ms.load(Ordering::Relaxed);
        (ms > 0).then(|| Duration::from_millis(ms.into()))
    }

    /// Shows a picture to all who look.
    pub(super) fn show(&self, picture: &Picture) {
        let seats = lock(&self.seats); // so that none is left for nobody
        if !seats.is_empty() {
            self.live.send_replace(Some(picture.clone()));
        }
    }

    // ---- from the pipeline ----

    /// Reserves memory for frames of `format`.
    pub(super) fn reserve(&self, format: &FrameFormat) {
        let bytes = match format.pixel {
            PixelFormat::Mjpeg => crate::encoder::camera_bytes_max(format.width, format.height),
            _ => format.bytes_min(),
        };
        let mut exposure = lock(&self.exposure);
        if exposure.data.capacity() < bytes {
            *exposure = Exposure {
                about: None,
                data: std::vec::Vec::with_capacity(bytes),
            };
        }
    }

    /// Puts a copy of `frame` on the desk; whether there was room. Never waits: the studio holds the place only while it works on
    /// what lies there.
    pub(super) fn expose(&self, frame: &Frame<'_>, score: Score) -> bool {
        let mut exposure = match self.exposure.try_lock() {
            Ok(exposure) => exposure,
            Err(TryLockError::Poisoned(exposure)) => exposure.into_inner(),
            Err(TryLockError::WouldBlock) => return self.passed(Count::Skipped),
        };
        let bytes = match frame.format.pixel {
            PixelFormat::Mjpeg => frame.data.len(),
            _ => frame.format.bytes_min().min(frame.data.len()),
        };
        if exposure.about.is_some() {
            return self.passed(Count::Skipped);
        }
        if bytes > exposure.data.capacity() {
            return self.passed(Count::Failed);
        }
        exposure.data.clear();
        exposure.data.extend_from_slice(&frame.data[..bytes]);
        exposure.about = Some(About {
            format: frame.format,
            number: frame.number,
            captured: frame.captured,
            score,
        });
        drop(exposure);
        self.inbox().exposed = true;
        self.filled.notify_one();
        true
    }

    fn passed(&self, count: Count) -> bool {
        self.count(count);
        false
    }

    /// Tells the studio what becomes of an event.
    pub(super) fn tell(&self, change: &Change) {
        let news = News {
            key: change.key,
            phase: change.phase,
            began: change.began,
            last_seen: change.last_seen,
        };
        self.inbox().tell(news);
        self.filled.notify_one();
    }

    /// Says that nothing more will come from the pipeline.
    pub(super) fn close(&self) {
        self.inbox().closed = true;
        self.filled.notify_one();
        self.live.send_replace(None); // those who look are told
    }

    /// Whether the studio wants a picture whatever the time; asked once.
    pub(super) fn take_wish(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) && self.wanted.swap(false, Ordering::Relaxed)
    }

    // ---- to the studio ----

    pub(super) fn wish(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// What there is; waits at most `wait` for it.
    pub(super) fn find(&self, wait: Duration) -> Found {
        let idle = |inbox: &mut Inbox| !inbox.exposed && inbox.news.is_empty() && !inbox.closed;
        let waited = self.filled.wait_timeout_while(self.inbox(), wait, idle);
        let (mut inbox, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Found {
            exposed: std::mem::take(&mut inbox.exposed),
            news: std::mem::take(&mut inbox.news),
            closed: inbox.closed,
        }
    }

    /// The place for a frame, for as long as it is worked on.
    pub(super) fn exposure(&self) -> MutexGuard<'_, Exposure> {
        lock(&self.exposure)
    }

    // ---- to and from the recorder ----

    /// Says which id an event has, by the engine's count, once that is durable.
    pub fn know(&self, key: u32, id: u64) {
        let mut inbox = self.inbox();
        if inbox.ids.iter().any(|known| *known == (key, id)) {
            return;
        }
        if inbox.ids.is_full() {
            inbox.ids.pop_front();
        }
        let _ = inbox.ids.push_back((key, id)); // there is room now
    }

    /// The id of an event by the engine's count, if it is durable.
    pub(super) fn id(&self, key: u32) -> Option<u64> {
        let inbox = self.inbox();
        inbox.ids.iter().rev().find(|(known, _)| *known == key).map(|(_, id)| *id)
    }

    /// Hands a finished picture to the recorder; gives it back when too many wait.
    pub(super) fn hand_over(&self, saved: Saved) -> Result<(), Saved> {
        self.inbox().saved.push_back(saved)
    }

    /// The oldest finished picture that is not yet indexed.
    pub fn take_saved(&self) -> Option<Saved> {
        self.inbox().saved.pop_front()
    }

    /// Whether finished pictures wait to be indexed.
    pub fn has_saved(&self) -> bool {
        !self.inbox().saved.is_empty()
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }
}

impl Inbox {
    fn tell(&mut self, news: News) {
        let waiting = self
            .news
            .iter_mut()
            .find(|waiting| waiting.key == news.key && waiting.phase != Phase::Start);
        if let Some(waiting) = waiting {
            *waiting = news;
            return;
        }
        if self.news.is_full() {
            self.news.pop_front();
        }
        let _ = self.news.push_back(news); // there is room now
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
