//! The pictures of one event: its best moment and its clip, while they are taken.

use std::io;
use std::io::Write;
use std::time::Duration;

use super::Picture;
use super::Reel;
use super::ReelError;
use super::Settings;
use super::desk::News;
use crate::clock::Mono;
use crate::event::model::Phase;
use crate::limits::PICTURE_CALM_MS;
use crate::motion::Score;
use crate::store::Files;
use crate::store::Part;
use crate::store::PictureKind;
use crate::store::Saved;

/// What is taken of one event.
pub(super) struct Take {
    pub(super) key: u32,
    began: Mono,
    last_seen: Mono,
    ended: bool,
    /// When the clip is over; set at the event's end.
    pub(super) over_at: Option<Mono>,
    best: Option<Picture>,
    /// Number of the frame that was saved as the best moment.
    saved: Option<u64>,
    clip: Option<Clip>,
    /// The disk did not take it.
    pub(super) clip_lost: bool,
}

/// A clip that is being taken.
struct Clip {
    reel: Reel<Part>,
    /// When its first picture was taken.
    first: Mono,
}

impl Take {
    /// Begins with what was seen before: `earlier` pictures in the order of time.
    pub(super) fn begin<'a>(news: &News, settings: &Settings, files: &Files, earlier: impl Iterator<Item = &'a Picture>) -> Take {
        let mut take = Take {
            key: news.key,
            began: news.began,
            last_seen: news.last_seen,
            ended: false,
            over_at: None,
            best: None,
            saved: None,
            clip: None,
            clip_lost: false,
        };
        for picture in earlier {
            if picture.captured + settings.pre_roll >= news.began {
                take.film(picture, settings, files);
            }
            if settings.snapshots && picture.captured + Duration::from_millis(PICTURE_CALM_MS) >= news.began {
                take.prefer(picture);
            }
        }
        take
    }

    /// Whether a picture is wanted now, there being none yet.
    pub(super) fn is_blind(&self) -> bool {
        self.best.is_none()
    }

    pub(super) fn hear(&mut self, news: &News, settings: &Settings) {
        self.last_seen = news.last_seen;
        if news.phase == Phase::End {
            self.ended = true;
            self.over_at = Some(news.last_seen + settings.post_roll);
        }
    }

    /// Looks at a new picture.
    pub(super) fn see(&mut self, picture: &Picture, settings: &Settings, files: &Files) {
        if self.over_at.is_none_or(|over_at| picture.captured <= over_at) {
            self.film(picture, settings, files);
        }
        if settings.snapshots && !self.ended {
            self.prefer(picture);
        }
    }

    /// Ends at once.
    pub(super) fn cut(&mut self) {
        self.ended = true;
        self.over_at = Some(Mono::default());
    }

    /// The picture that should be saved as the best moment now: the first, and the best of all once the event is over.
    pub(super) fn best_unsaved(&self) -> Option<&Picture> {
        let best = self.best.as_ref()?;
        let due = match self.saved {
            None => true,
            Some(number) => self.ended && number != best.number,
        };
        due.then_some(best)
    }

    /// Saves the picture that should be, of event `id`.
    pub(super) fn save_best(&mut self, id: u64, files: &Files) -> io::Result<Option<Saved>> {
        let Some(best) = self.best_unsaved() else { return Ok(None) };
        let number = best.number;
        let mut part = files.begin(&format!("{}.jpg", self.key))?;
        part.write_all(&best.jpeg)?;
        let kind = PictureKind::Snapshot;
        let bytes = part.finish(id, kind)?;
        self.saved = Some(number);
        Ok(Some(Saved { id, kind, bytes }))
    }

    /// Gives up on a best moment that cannot be saved.
    pub(super) fn lose_best(&mut self) {
        self.saved = self.best.as_ref().map(|best| best.number);
    }

    /// Whether nothing more is taken at `now`.
    pub(super) fn is_over(&self, now: Mono) -> bool {
        self.over_at.is_some_and(|over_at| over_at <= now)
    }

    /// Whether there is something to save for which an id is needed.
    pub(super) fn has_something(&self) -> bool {
        self.best_unsaved().is_some() || self.clip.is_some()
    }

    /// Saves the clip, if there is one, of event `id`.
    pub(super) fn save_clip(&mut self, id: u64) -> io::Result<Option<Saved>> {
        let Some(Clip { reel, first }) = self.clip.take() else {
            return Ok(None);
        };
        let start_ms = first.millis() as i64 - self.began.millis() as i64;
        let start_ms = start_ms.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        let kind = PictureKind::Clip;
        let bytes = reel.finish(start_ms)?.finish(id, kind)?;
        Ok(Some(Saved { id, kind, bytes }))
    }

    /// Prefers a picture with more motion, the first among equals. What was seen before the event, perhaps of another one, stands in
    /// only until there is motion of its own.
    fn prefer(&mut self, picture: &Picture) {
        let own = |picture: &Picture| picture.captured >= self.began;
        let better = |best: &Picture| match (own(picture), own(best)) {
            (true, false) => picture.score > Score(0) || best.score == Score(0),
            (false, true) => false,
            _ => picture.score > best.score,
        };
        if self.best.as_ref().is_none_or(better) {
            self.best = Some(picture.clone());
        }
    }

    /// Adds a picture to the clip, which begins with the first. A long clip ends; one that the disk does not take is given up.
    fn film(&mut self, picture: &Picture, settings: &Settings, files: &Files) {
        if !settings.clips || self.clip_lost {
            return;
        }
        if let Err(ReelError::Io(error)) = self.try_film(picture, settings, files) {
            tracing::warn!(%error, "a clip cannot be written");
            self.clip = None;
            self.clip_lost = true;
        }
    }

    fn try_film(&mut self, picture: &Picture, settings: &Settings, files: &Files) -> Result<(), ReelError> {
        let clip = match &mut self.clip {
            Some(clip) => clip,
            None => {
                let part = files.begin(&format!("{}.mov", self.key))?;
                let reel = Reel::begin(part, picture.size, settings.clip_bytes_max)?;
                let first = picture.captured;
                self.clip.insert(Clip { reel, first })
            }
        };
        let t_ms = picture.captured.since(clip.first).as_millis();
        clip.reel.add(&picture.jpeg, t_ms.try_into().unwrap_or(u32::MAX))
    }
}
