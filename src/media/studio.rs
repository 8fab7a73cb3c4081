//! The thread that makes pictures: JPEG once for all who want it, files of events. Nobody waits for it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use heapless::Vec;

use super::Desk;
use super::Picture;
use super::desk::Count;
use super::desk::News;
use super::take::Take;
use crate::clock::Clock;
use crate::clock::Mono;
use crate::encoder::Developer;
use crate::event::model::Phase;
use crate::limits::STUDIO_CLOSE_MS_MAX;
use crate::limits::STUDIO_WAIT_MS_MAX;
use crate::limits::TAKE_WAIT_MS_MAX;
use crate::limits::TAKES_MAX;
use crate::records::RecordQueue;
use crate::store::Saved;

/// How much less of the processor it gets than the others, as `nice` has it.
const NICENESS: i32 = 5;

/// The studio.
pub struct Studio {
    desk: Arc<Desk>,
    queue: Arc<RecordQueue>,
    clock: Arc<dyn Clock>,
    developer: Developer,
    ring: Ring,
    /// The newest picture, for an event that begins where there is no ring.
    newest: Option<Picture>,
    takes: Vec<Take, TAKES_MAX>,
    /// When it was first seen that nothing more will come.
    closed: Option<Mono>,
}

impl Studio {
    /// A studio that has made nothing; it closes `queue` at its end, as nothing can come after its last picture.
    pub fn new(desk: Arc<Desk>, queue: Arc<RecordQueue>, clock: Arc<dyn Clock>) -> Studio {
        let settings = desk.settings();
        Studio {
            developer: Developer::new(settings.quality),
            ring: Ring::new(if settings.clips { settings.ring_bytes } else { 0 }),
            desk,
            queue,
            clock,
            newest: None,
            takes: Vec::new(),
            closed: None,
        }
    }

    /// Works until the pipeline says that nothing more will come, and what was begun is saved.
    pub fn run(mut self) {
        step_aside();
        while self.step() {}
    }

    /// Waits a moment for something to do, and does it; false once there will be nothing more.
    pub fn step(&mut self) -> bool {
        let mut found = self.desk.find(Duration::from_millis(STUDIO_WAIT_MS_MAX));
        if found.exposed {
            self.develop();
        }
        while let Some(news) = found.news.pop_front() {
            self.hear(&news);
        }
        let now = self.clock.now();
        if found.closed {
            self.closed.get_or_insert(now);
            self.takes.iter_mut().for_each(Take::cut);
        }
        self.save(now);
        self.closed.is_none() || !self.takes.is_empty()
    }

    /// Makes a picture of what lies on the desk, and gives it to all who want it.
    fn develop(&mut self) {
        let mut exposure = self.desk.exposure();
        let Some(about) = exposure.about else { return };
        let jpeg = self.developer.develop(&about.format, &exposure.data);
        exposure.about = None;
        drop(exposure);
        let Some(jpeg) = jpeg else { return self.desk.count(Count::Failed) };
        self.desk.count(Count::Made);
        let picture = Picture {
            jpeg,
            size: (about.format.width, about.format.height),
            number: about.number,
            captured: about.captured,
            score: about.score,
        };
        self.desk.show(&picture);
        let (settings, files) = (self.desk.settings(), self.desk.files());
        self.takes.iter_mut().for_each(|take| take.see(&picture, settings, files));
        self.newest = settings.snapshots.then(|| picture.clone());
        self.ring.push(picture);
    }

    fn hear(&mut self, news: &News) {
        let settings = self.desk.settings();
        if !settings.snapshots && !settings.clips {
            return;
        }
        if !self.takes.iter().any(|take| take.key == news.key) {
            if news.phase == Phase::End || self.takes.is_full() {
                return self.desk.count(Count::Lost);
            }
            let newest = self.newest.iter().filter(|_| self.ring.is_empty());
            let take = Take::begin(news, settings, self.desk.files(), self.ring.iter().chain(newest));
            if settings.snapshots && take.is_blind() {
                self.desk.wish();
            }
            let _ = self.takes.push(take); // it is not full
        }
        let known = self.takes.iter_mut().filter(|take| take.key == news.key);
        known.for_each(|take| take.hear(news, settings));
    }

    /// Saves what is ready and whose event is durable; forgets what is done.
    fn save(&mut self, now: Mono) {
        let mut n = 0;
        while let Some(take) = self.takes.get_mut(n) {
            let id = self.desk.id(take.key).filter(|_| take.has_something());
            let best = id.and_then(|id| take.save_best(id, self.desk.files()).inspect_err(|_| take.lose_best()).transpose());
            let over = take.is_over(now);
            let clip = id.filter(|_| over).and_then(|id| take.save_clip(id).transpose());
            let patience = if self.closed.is_some() {
                STUDIO_CLOSE_MS_MAX
            } else {
                TAKE_WAIT_MS_MAX
            };
            let since = self.closed.or(take.over_at);
            let late = since.is_some_and(|since| now.since(since) > Duration::from_millis(patience));
            let (done, lost) = (over && !take.has_something(), late && take.has_something());
            let lost_clip = done && take.clip_lost;
            [best, clip].into_iter().flatten().for_each(|saved| self.hand_over(saved));
            if lost || lost_clip {
                self.desk.count(Count::Lost);
            }
            if done || lost {
                self.takes.remove(n);
            } else {
                n += 1;
            }
        }
    }

    fn hand_over(&self, saved: io::Result<Saved>) {
        match saved.map(|saved| self.desk.hand_over(saved)) {
            Ok(Ok(())) => {
                self.desk.count(Count::Saved);
                self.queue.nudge();
            }
            Ok(Err(saved)) => {
                self.desk.count(Count::Lost);
                // Its file is where the next start removes it.
                tracing::warn!(event = saved.id, "a picture is lost: the recorder is too slow");
            }
            Err(error) => {
                self.desk.count(Count::Lost);
                tracing::warn!(%error, "a picture cannot be saved");
            }
        }
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The newest pictures, bounded in bytes.
struct Ring {
    bytes_max: usize,
    bytes: usize,
    pictures: VecDeque<Picture>,
}

impl Ring {
    fn new(bytes_max: usize) -> Ring {
        Ring {
            bytes_max,
            bytes: 0,
            pictures: VecDeque::new(),
        }
    }

    /// Adds a picture; the oldest go to make room, and one that has no room by itself is not kept.
    fn push(&mut self, picture: Picture) {
        self.bytes += cost(&picture);
        self.pictures.push_back(picture);
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.pictures.pop_front() else { return };
            self.bytes -= cost(&oldest);
        }
    }

    fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = &Picture> {
        self.pictures.iter()
    }
}

/// Bytes that a picture takes in the ring, whose own place is up to twice as large.
fn cost(picture: &Picture) -> usize {
    picture.jpeg.len() + 2 * size_of::<Picture>()
}

/// Lets the other threads go first.
fn step_aside() {
    // SAFETY: a call without pointers; with 0 it is about the thread that calls.
    let refused = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) } != 0;
    if refused {
        tracing::debug!("the studio has no lower priority");
    }
}
