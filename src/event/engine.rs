//! The state machine that makes events of motion and edges: idle, pending, active, cooling; fusion and suppression.
//!
//! One automatic event runs at a time, and beside it at most one that was asked for by hand. Evidence that stays away
//! for [`Settings::gap`] ends an event. Evidence that returns within the gap is the same event when it was away only for
//! [`Settings::lapse`] (a detector blinks), or when it is similar: in the same zones, and overlapping what the event
//! covered so far; then it is counted as suppressed. Otherwise, and always when the motion before it left by an edge of the
//! picture, it is a new event at once, so that a second visitor is not swallowed by the first one's event.

use std::time::Duration;

use heapless::Vec;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::clock::Mono;
use crate::event::evidence::Evidence;
pub use crate::event::evidence::Picture;
use crate::event::evidence::Sighting;
use crate::event::model::Change;
use crate::event::model::EndReason;
use crate::event::model::Trigger;
use crate::event::running::Running;
use crate::trigger::Edge;

/// Which evidence makes an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// Motion in the picture; PIR is recorded as evidence only.
    Video,
    /// The PIR sensor; video is recorded as evidence only.
    Pir,
    /// Either of them.
    #[default]
    Either,
    /// Both, within the window of each other.
    Both,
    /// Video, within the window after the PIR sensor saw something.
    PirArmsVideo,
}

impl Fusion {
    /// Whether motion in the picture keeps an event running.
    const fn video_sustains(self) -> bool {
        !matches!(self, Fusion::Pir)
    }
    /// Whether the PIR sensor keeps an event running.
    const fn pir_sustains(self) -> bool {
        matches!(self, Fusion::Pir | Fusion::Either | Fusion::Both)
    }
}

/// What a user may set of the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which evidence makes an event.
    pub fusion: Fusion,
    /// How far apart PIR and video evidence may lie and still belong together.
    pub window: Duration,
    /// Time without evidence after which an event is over.
    pub gap: Duration,
    /// Time without evidence that does not count: the same event goes on, wherever motion reappears; at most `gap`.
    pub lapse: Duration,
    /// Longest event; what goes on is a new one.
    pub length_max: Duration,
    /// Overlap (intersection over the smaller area) in thousandths from which motion that returns within the gap is the
    /// same event: 800 is 0.8.
    pub similarity_permille: u16,
    /// Shortest time between two updates of one event.
    pub update_interval: Duration,
    /// Whether events are made at all when the service starts.
    pub armed: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            fusion: Fusion::Either,
            window: Duration::from_secs(3),
            gap: Duration::from_secs(2),
            lapse: Duration::from_secs(1),
            length_max: Duration::from_secs(300),
            similarity_permille: 800,
            update_interval: Duration::from_secs(2),
            armed: true,
        }
    }
}

/// Where the engine stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineState {
    /// No event, no evidence.
    #[default]
    Idle,
    /// One kind of evidence, waiting for the other that the fusion mode asks for.
    Pending,
    /// An event, with evidence at this moment.
    Active,
    /// An event, without evidence for less than the gap.
    Cooling,
}

/// Most changes of one step: the automatic event ends and another begins, and the same by hand.
pub const CHANGES_PER_STEP_MAX: usize = 4;
/// What one step says.
pub type Changes = Vec<Change, CHANGES_PER_STEP_MAX>;

/// What one step sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    /// The time; never earlier than the last step's.
    pub now: Mono,
    /// The newest frame, if there was one.
    pub picture: Option<Picture<'a>>,
    /// Edges since the last step, oldest first.
    pub edges: &'a [Edge],
    /// Somebody asked for an event.
    pub manual: bool,
}

/// The state machine.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    armed: bool,
    evidence: Evidence,
    automatic: Option<Running>,
    manual: Option<Running>,
    /// No event begins before this: the end of the one before.
    not_before: Mono,
    key_next: u32,
    frame: u64,
}

impl Engine {
    /// An idle engine.
    pub fn new(settings: Settings) -> Engine {
        Engine {
            armed: settings.armed,
            settings,
            evidence: Evidence::default(),
            automatic: None,
            manual: None,
            not_before: Mono::default(),
            key_next: 0,
            frame: 0,
        }
    }

    /// Takes in what one step saw, and says what becomes of events.
    pub fn step(&mut self, input: Input<'_>) -> Changes {
        let mut changes = Changes::new();
        self.evidence.take(input.now, input.picture, input.edges);
        self.frame = input.picture.map_or(self.frame, |picture| picture.number);
        if self.armed {
            self.step_automatic(input.now, &mut changes);
        }
        self.step_manual(input.now, input.manual, &mut changes);
        changes
    }

    /// Goes on by other settings; whether it is armed stays as it is. What runs, runs on.
    pub fn retune(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Makes events, or none; a running one ends.
    pub fn arm(&mut self, armed: bool, now: Mono) -> Changes {
        let mut changes = Changes::new();
        self.armed = armed;
        if !armed {
            self.end_automatic(EndReason::Disarmed, now, &mut changes);
        }
        changes
    }

    /// The camera was lost: an event that only video kept running ends.
    pub fn camera_lost(&mut self, now: Mono) -> Changes {
        let mut changes = Changes::new();
        if !(self.evidence.pir.active && self.settings.fusion.pir_sustains()) {
            self.end_automatic(EndReason::CameraLost, now, &mut changes);
        }
        changes
    }

    /// The PIR sensor was lost: what it said last no longer counts.
    pub fn pir_lost(&mut self) {
        self.evidence.pir_lost();
    }

    /// Ends whatever runs.
    pub fn finish(&mut self, reason: EndReason, now: Mono) -> Changes {
        let mut changes = Changes::new();
        self.end_automatic(reason, now, &mut changes);
        say(&mut changes, self.manual.take().map(|running| running.end(reason, now, self.frame)));
        changes
    }

    /// Where it stands at `now`.
    pub fn state(&self, now: Mono) -> EngineState {
        match &self.automatic {
            Some(running) if now.since(running.last_seen()) < self.settings.lapse => EngineState::Active,
            Some(_) => EngineState::Cooling,
            None if self.armed && self.is_pending(now) => EngineState::Pending,
            None => EngineState::Idle,
        }
    }

    /// Whether events are made.
    pub fn armed(&self) -> bool {
        self.armed
    }

    /// Whether the PIR sensor sees something now.
    pub fn pir_active(&self) -> bool {
        self.evidence.pir.active
    }

    /// Whether the PIR sensor's evidence makes motion in the picture likely at `now`.
    pub fn expects_motion(&self, now: Mono) -> bool {
        self.settings.fusion != Fusion::Video && self.evidence.pir_within(now, self.settings.window).is_some()
    }

    fn is_pending(&self, now: Mono) -> bool {
        let (video, pir) = (
            self.evidence.video_within(now, self.settings.window),
            self.evidence.pir_within(now, self.settings.window),
        );
        match self.settings.fusion {
            Fusion::Both => video.is_some() != pir.is_some(),
            Fusion::PirArmsVideo => pir.is_some(),
            Fusion::Video | Fusion::Pir | Fusion::Either => false,
        }
    }

    fn step_automatic(&mut self, now: Mono, changes: &mut Changes) {
        if let Some(reason) = self.automatic.as_ref().and_then(|running| self.why_over(running, now)) {
            self.end_automatic(reason, now, changes);
        }
        let sustained = self.sustained();
        match &mut self.automatic {
            Some(running) => {
                if sustained && now.since(running.last_seen()) >= self.settings.lapse {
                    running.suppress();
                }
                running.absorb(
                    &self.evidence,
                    self.settings.fusion.video_sustains(),
                    self.settings.fusion.pir_sustains(),
                );
                say(changes, running.update(now, self.frame, self.settings.update_interval));
            }
            None => self.begin_automatic(now, changes),
        }
    }

    /// Why the running event is over, if it is; new evidence that is not similar ends it too.
    fn why_over(&self, running: &Running, now: Mono) -> Option<EndReason> {
        let away = now.since(running.last_seen());
        let quiet = if self.sustained() {
            away >= self.settings.lapse && !self.is_similar(running, away)
        } else {
            away >= self.settings.gap
        };
        let too_long = now.since(running.began()) >= self.settings.length_max;
        if too_long {
            Some(EndReason::Length)
        } else {
            quiet.then_some(EndReason::Quiet)
        }
    }

    /// Whether this step has evidence that keeps an event running.
    fn sustained(&self) -> bool {
        let video = self.settings.fusion.video_sustains() && self.evidence.video_now;
        let pir = self.settings.fusion.pir_sustains() && (self.evidence.pir.active || self.evidence.pir.rises > 0);
        video || pir
    }

    /// Whether evidence that returns after `away` belongs to `running`. A PIR sensor has no place: it always does.
    fn is_similar(&self, running: &Running, away: Duration) -> bool {
        if away >= self.settings.gap {
            return false;
        }
        match &self.evidence.video {
            Some(sighting) if self.evidence.video_now => running.covers(sighting, self.settings.similarity_permille),
            _ => true,
        }
    }

    fn begin_automatic(&mut self, now: Mono, changes: &mut Changes) {
        let Some(trigger) = self.start_trigger(now) else { return };
        let (window, fusion) = (self.settings.window, self.settings.fusion);
        let video = self
            .evidence
            .video_within(now, window)
            .filter(|sighting| sighting.at >= self.not_before)
            .cloned();
        let pir = self.evidence.pir_within(now, window).filter(|&last| last >= self.not_before);
        let onset = |sighting: &Sighting| sighting.onset.max(self.not_before);
        let began = match (fusion, &video) {
            (Fusion::Pir, _) | (_, None) => self.evidence.pir.rose.unwrap_or(now).max(self.not_before),
            (Fusion::Video | Fusion::PirArmsVideo, Some(sighting)) => onset(sighting),
            (Fusion::Either | Fusion::Both, Some(sighting)) => {
                let rose = self
                    .evidence
                    .pir
                    .rose
                    .filter(|_| pir.is_some())
                    .map_or(now, |rose| rose.max(self.not_before));
                onset(sighting).min(rose)
            }
        };
        let trigger = if video.is_some() && pir.is_some() { Trigger::Both } else { trigger };
        let mut running = Running::begin(self.next_key(), trigger, began, now);
        running.recall(video.as_ref(), pir.map(|_| self.evidence.pir));
        say(changes, Some(running.start(now, self.frame)));
        self.automatic = Some(running);
    }

    /// What sets an event off in this step, if anything does.
    fn start_trigger(&self, now: Mono) -> Option<Trigger> {
        let window = self.settings.window;
        let rose = self.evidence.pir.rises > 0;
        let moves = self.evidence.video_now;
        let pir = self.evidence.pir_within(now, window).is_some();
        let video = self.evidence.video_within(now, window).is_some();
        match self.settings.fusion {
            Fusion::Video => moves.then_some(Trigger::Video),
            Fusion::Pir => rose.then_some(Trigger::Pir),
            Fusion::Either if moves => Some(Trigger::Video),
            Fusion::Either => rose.then_some(Trigger::Pir),
            Fusion::Both => ((moves && pir) || (rose && video)).then_some(Trigger::Both),
            Fusion::PirArmsVideo => (moves && pir).then_some(Trigger::Both),
        }
    }

    fn end_automatic(&mut self, reason: EndReason, now: Mono, changes: &mut Changes) {
        let Some(running) = self.automatic.take() else { return };
        self.not_before = if reason == EndReason::Quiet { running.last_seen() } else { now };
        say(changes, Some(running.end(reason, now, self.frame)));
    }

    fn step_manual(&mut self, now: Mono, asked: bool, changes: &mut Changes) {
        match &mut self.manual {
            Some(running) if asked => running.ask_again(now),
            Some(running) if now.since(running.last_seen()) >= self.settings.gap => {
                say(
                    changes,
                    self.manual.take().map(|running| running.end(EndReason::Quiet, now, self.frame)),
                );
            }
            Some(_) => {}
            None if asked => {
                let mut running = Running::begin(self.next_key(), Trigger::Manual, now, now);
                running.recall(self.evidence.video_this_step(), Some(self.evidence.pir).filter(|pir| pir.active));
                say(changes, Some(running.start(now, self.frame)));
                self.manual = Some(running);
            }
            None => {}
        }
    }

    fn next_key(&mut self) -> u32 {
        let key = self.key_next;
        self.key_next = key.wrapping_add(1);
        key
    }
}

/// Adds a change; by the counting in [`CHANGES_PER_STEP_MAX`] there is always room.
fn say(changes: &mut Changes, change: Option<Change>) {
    if let Some(change) = change {
        let refused = changes.push(change);
        debug_assert!(refused.is_ok(), "more changes in one step than CHANGES_PER_STEP_MAX");
    }
}
