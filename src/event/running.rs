//! One event while it runs: what is known of it so far, and what has been said.

use std::time::Duration;

use heapless::Vec;

use crate::clock::Mono;
use crate::event::evidence::Evidence;
use crate::event::evidence::Pir;
use crate::event::evidence::Sighting;
use crate::event::model::Change;
use crate::event::model::EndReason;
use crate::event::model::Phase;
use crate::event::model::PirEvidence;
use crate::event::model::Trigger;
use crate::event::model::VideoEvidence;
use crate::limits::REGIONS_MAX;
use crate::motion::RECT_UNIT;
use crate::motion::Rect;
use crate::motion::Score;
use crate::motion::ZoneSet;

/// What was last seen this near to an edge of the picture, in units of a [`Rect`], left by it: 5 %.
const EDGE: u16 = RECT_UNIT / 20;

/// One event while it runs.
#[derive(Debug)]
pub(super) struct Running {
    /// Everything known so far, in the form in which it is said.
    change: Change,
    /// Rectangle around all motion so far.
    extent: Option<Rect>,
    /// Rectangle around the last motion.
    last_extent: Option<Rect>,
    /// Boxes at the strongest moment.
    peak_boxes: Vec<Rect, REGIONS_MAX>,
    /// When something was last said.
    said: Mono,
    /// Something is known that was not said.
    news: bool,
    /// It cannot wait for the next update: another kind of evidence came.
    urgent: bool,
}

impl Running {
    pub(super) fn begin(key: u32, trigger: Trigger, began: Mono, now: Mono) -> Running {
        let change = Change {
            key,
            phase: Phase::Start,
            at: now,
            began,
            last_seen: now,
            frame: 0,
            trigger,
            score: Score::default(),
            zones: ZoneSet::EMPTY,
            boxes: Vec::new(),
            pir: None,
            video: None,
            suppressed: 0,
            end_reason: None,
        };
        Running {
            change,
            extent: None,
            last_extent: None,
            peak_boxes: Vec::new(),
            said: now,
            news: false,
            urgent: false,
        }
    }

    pub(super) fn began(&self) -> Mono {
        self.change.began
    }

    pub(super) fn last_seen(&self) -> Mono {
        self.change.last_seen
    }

    /// Takes in the evidence that the event begins with.
    pub(super) fn recall(&mut self, video: Option<&Sighting>, pir: Option<Pir>) {
        if let Some(sighting) = video {
            self.absorb_video(sighting);
        }
        if let Some(pir) = pir {
            self.absorb_pir(Pir {
                rises: pir.rises.max(1),
                ..pir
            });
        }
    }

    /// Takes in one step's evidence; of the kinds that sustain the event it puts off the event's end.
    pub(super) fn absorb(&mut self, evidence: &Evidence, video_sustains: bool, pir_sustains: bool) {
        if let Some(sighting) = evidence.video_this_step() {
            self.absorb_video(sighting);
            self.change.last_seen = if video_sustains {
                self.change.last_seen.max(sighting.at)
            } else {
                self.change.last_seen
            };
        }
        if evidence.pir.active || evidence.pir.rises > 0 || evidence.pir.fell {
            self.absorb_pir(evidence.pir);
            self.change.last_seen = self
                .change
                .last_seen
                .max(evidence.pir.last.filter(|_| pir_sustains).unwrap_or_default());
        }
    }

    /// Similar evidence came back within the gap.
    pub(super) fn suppress(&mut self) {
        self.change.suppressed = self.change.suppressed.saturating_add(1);
        self.news = true;
    }

    /// Somebody asked once more while it ran.
    pub(super) fn ask_again(&mut self, now: Mono) {
        self.change.last_seen = now;
        self.suppress();
    }

    /// Whether `sighting` lies where the event has been: in its zones, and with `permille` of the smaller area in common.
    /// An event without a place (PIR so far) covers everything; one whose motion left the picture covers nothing more, for
    /// who comes then, comes in.
    pub(super) fn covers(&self, sighting: &Sighting, permille: u16) -> bool {
        let (Some(extent), Some(new)) = (self.extent, sighting.extent()) else {
            return true;
        };
        let zones_known = sighting.zones.0 & !self.change.zones.0 == 0;
        zones_known && !self.has_left() && extent.overlap_permille(new) >= permille
    }

    /// Whether the last motion was at an edge of the picture.
    fn has_left(&self) -> bool {
        let at_edge = |rect: Rect| {
            let (right, bottom) = (rect.x + rect.width, rect.y + rect.height);
            rect.x.min(rect.y) < EDGE || right.max(bottom) > RECT_UNIT - EDGE
        };
        self.last_extent.is_some_and(at_edge)
    }

    /// Its first words.
    pub(super) fn start(&mut self, now: Mono, frame: u64) -> Change {
        self.say(Phase::Start, now, frame)
    }

    /// What there is to say of it now, if it is time.
    pub(super) fn update(&mut self, now: Mono, frame: u64, interval: Duration) -> Option<Change> {
        let due = self.urgent || (self.news && now.since(self.said) >= interval);
        due.then(|| self.say(Phase::Update, now, frame))
    }

    /// Its last words.
    pub(super) fn end(mut self, reason: EndReason, now: Mono, frame: u64) -> Change {
        let last_frame = self.change.video.map_or(frame, |video| video.last_frame);
        self.change.boxes = std::mem::take(&mut self.peak_boxes);
        self.change.end_reason = Some(reason);
        self.say(Phase::End, now, last_frame)
    }

    fn say(&mut self, phase: Phase, now: Mono, frame: u64) -> Change {
        self.change.phase = phase;
        self.change.at = now;
        self.change.frame = frame;
        self.said = now;
        self.news = false;
        self.urgent = false;
        self.change.clone()
    }

    fn absorb_video(&mut self, sighting: &Sighting) {
        let since_began = self.after_began_ms(sighting.at);
        let first = VideoEvidence {
            first_frame: sighting.frame,
            ..VideoEvidence::default()
        };
        let video = self.change.video.get_or_insert(first);
        video.frames += 1;
        video.last_frame = sighting.frame;
        video.area_permille = video.area_permille.max(sighting.area_permille);
        if sighting.score > video.peak_score || video.frames == 1 {
            video.peak_score = sighting.score;
            video.peak_ms = since_began;
            self.peak_boxes = sighting.boxes.clone();
        }
        self.change.score = video.peak_score;
        self.change.zones = self.change.zones.union(sighting.zones);
        self.change.boxes = sighting.boxes.clone();
        self.last_extent = sighting.extent();
        self.extent = self.extent.into_iter().chain(self.last_extent).reduce(Rect::hull);
        self.news = true;
        self.upgrade(Trigger::Pir);
    }

    fn absorb_pir(&mut self, pir: Pir) {
        let first_ms = self.after_began_ms(pir.rose.or(pir.last).unwrap_or(self.change.began));
        let last_ms = self.after_began_ms(pir.last.unwrap_or(self.change.began));
        let evidence = self.change.pir.get_or_insert(PirEvidence {
            first_ms,
            ..PirEvidence::default()
        });
        evidence.edges += pir.rises;
        evidence.last_ms = last_ms;
        self.news |= evidence.active != pir.active || pir.rises > 0;
        evidence.active = pir.active;
        self.upgrade(Trigger::Video);
    }

    /// Evidence of the other kind than `alone` came: an event of that kind is now one of both.
    fn upgrade(&mut self, alone: Trigger) {
        if self.change.trigger == alone {
            self.change.trigger = Trigger::Both;
            self.urgent = true;
        }
    }

    fn after_began_ms(&self, at: Mono) -> i64 {
        at.millis() as i64 - self.change.began.millis() as i64
    }
}
