//! Records into messages: gives events their identity, their wall time and their names. It knows neither store nor hub.

use std::sync::Arc;

use heapless::Vec;

use crate::clock::BootId;
use crate::clock::Clock;
use crate::clock::Mono;
use crate::clock::Timestamp;
use crate::clock::wall_at;
use crate::event::model::Change;
use crate::event::model::ClockState;
use crate::event::model::EndReason;
use crate::event::model::Event;
use crate::event::model::Name;
use crate::event::model::Phase;
use crate::limits::EVENTS_OPEN_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::Tamper;
use crate::records::CameraChange;
use crate::records::Notice;
use crate::records::UpdateChange;
use crate::store::PictureKind;
use crate::store::Saved;
use crate::wire;
use crate::wire::Facts;
use crate::wire::Names;
use crate::wire::Text;
use crate::wire::Topic;
use crate::wire::kept::BookmarkCreated;
use crate::wire::kept::BookmarkRemoved;
use crate::wire::kept::EventDeleted;
use crate::wire::news::ClipSaved;
use crate::wire::news::Media;
use crate::wire::news::SnapshotSaved;
use crate::wire::server::Alert;
use crate::wire::server::AlertData;
use crate::wire::server::AlertType;
use crate::wire::server::CameraEvent;
use crate::wire::server::CameraEventData;
use crate::wire::server::CameraEventType;
use crate::wire::server::EventMessage;

/// What filters ask of a message about the camera.
const CAMERA: Facts = Facts {
    camera: Some(0),
    zones: None,
    score: None,
};

/// Whose events they are.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The camera.
    pub camera_id: Name,
    /// The boot that the monotonic time line belongs to.
    pub boot_id: BootId,
    /// Names of the camera's zones, in the order of a [`ZoneSet`](crate::motion::ZoneSet)'s bits.
    pub zones: Vec<Name, ZONES_MAX>,
}

impl Identity {
    /// The names that filters know.
    pub fn names(&self) -> Names {
        Names {
            cameras: [self.camera_id.clone()].into_iter().collect(),
            zones: self.zones.clone(),
        }
    }
}

/// A message, and the state of the event that it tells of.
#[derive(Clone, Debug)]
pub struct Page {
    /// What it is about.
    pub topic: Topic,
    /// Its JSON.
    pub text: Text,
    /// What filters ask of it.
    pub facts: Facts,
    /// The event after it.
    pub event: Option<Event>,
    /// Id of the event that is gone after it.
    pub removed: Option<u64>,
}

/// What stays the same over an event's life.
#[derive(Clone, Copy, Debug)]
struct OpenEvent {
    key: u32,
    id: u64,
    timestamp: Timestamp,
    clock: ClockState,
    bookmarked: bool,
    /// Whether it has a picture.
    snapshot: bool,
    clip: bool,
}

/// Writes messages.
pub struct Scribe {
    identity: Identity,
    names: Names,
    clock: Arc<dyn Clock>,
    /// Events that have begun and not ended; at most [`EVENTS_OPEN_MAX`], as the engine runs no more. Full (an end was
    /// lost in the queue): the oldest goes.
    open: Vec<OpenEvent, EVENTS_OPEN_MAX>,
}

impl Scribe {
    /// A scribe that has heard of no event.
    pub fn new(identity: Identity, clock: Arc<dyn Clock>) -> Scribe {
        Scribe {
            names: identity.names(),
            identity,
            clock,
            open: Vec::new(),
        }
    }

    /// The names that filters know.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// From here on zones have these names.
    pub fn rename_zones(&mut self, zones: Vec<Name, ZONES_MAX>) {
        self.identity.zones = zones;
        self.names = self.identity.names();
    }

    /// The boot whose time line is written of.
    pub fn boot_id(&self) -> BootId {
        self.identity.boot_id
    }

    /// The last message about an event that an earlier run of the service left open.
    pub fn interrupted(&self, mut event: Event, seq: u64) -> Page {
        event.seq = seq;
        event.phase = Phase::End;
        event.end_reason = Some(EndReason::Interrupted);
        event.pir = event.pir.map(|pir| crate::event::model::PirEvidence { active: false, ..pir });
        self.event_page(event, self.clock.now())
    }

    /// An alert about the device.
    pub fn alert(&self, alert_type: AlertType, message: &str, seq: u64) -> Page {
        let alert = Alert {
            seq,
            alert_type,
            camera_id: None,
            data: AlertData { message },
        };
        self.page(Topic::Alert, Facts::default(), self.clock.now(), &alert)
    }

    /// The message that `event` was bookmarked, or is so no longer; what comes of it later says so, too.
    pub fn bookmark(&mut self, mut event: Event, bookmarked: bool, seq: u64) -> Page {
        (event.seq, event.bookmarked) = (seq, bookmarked);
        let running = self.open.iter_mut().find(|open| open.id == event.id);
        running.into_iter().for_each(|open| open.bookmarked = bookmarked);
        let (camera_id, event_id, data) = (event.camera_id.as_str(), event.id, &event);
        let facts = self.facts(&event);
        let page = if bookmarked {
            let message = BookmarkCreated {
                seq,
                camera_id,
                event_id,
                data,
            };
            self.page(Topic::BookmarkCreated, facts, self.clock.now(), &message)
        } else {
            let message = BookmarkRemoved {
                seq,
                camera_id,
                event_id,
                data,
            };
            self.page(Topic::BookmarkRemoved, facts, self.clock.now(), &message)
        };
        Page {
            event: Some(event),
            ..page
        }
    }

    /// The message that a picture of `event` was saved; what comes of the event later has its address, too.
    pub fn saved(&mut self, mut event: Event, saved: Saved, seq: u64) -> Page {
        event.seq = seq;
        let (url, running) = (saved.kind.url(event.id), self.open.iter_mut().find(|open| open.id == event.id));
        match saved.kind {
            PictureKind::Snapshot => {
                running.into_iter().for_each(|open| open.snapshot = true);
                event.snapshot_url = Some(url.clone());
            }
            PictureKind::Clip => {
                running.into_iter().for_each(|open| open.clip = true);
                event.clip_url = Some(url.clone());
            }
        }
        let data = Media {
            camera_id: &event.camera_id,
            event_id: event.id,
            url: &url,
            bytes: saved.bytes,
        };
        let (facts, at, some) = (self.facts(&event), self.clock.now(), Some(seq));
        let page = match saved.kind {
            PictureKind::Snapshot => self.page(Topic::SnapshotSaved, facts, at, &SnapshotSaved { seq: some, data }),
            PictureKind::Clip => self.page(Topic::ClipSaved, facts, at, &ClipSaved { seq: some, data }),
        };
        Page {
            event: Some(event),
            ..page
        }
    }

    /// The message that `event` was deleted.
    pub fn deleted(&self, event: &Event, seq: u64) -> Page {
        let message = EventDeleted {
            seq,
            camera_id: &event.camera_id,
            event_id: event.id,
        };
        Page {
            removed: Some(event.id),
            ..self.page(Topic::EventDeleted, self.facts(event), self.clock.now(), &message)
        }
    }

    /// The message about a change of an event, as number `seq`.
    pub fn event(&mut self, change: &Change, seq: u64) -> Page {
        let open = self.identify(change, seq);
        let event = Event {
            id: open.id,
            seq,
            timestamp: open.timestamp,
            camera_id: self.identity.camera_id.clone(),
            trigger: change.trigger,
            phase: change.phase,
            duration_ms: change.last_seen.since(change.began).as_millis() as u64,
            score: change.score,
            zones: change
                .zones
                .iter()
                .filter_map(|zone| self.identity.zones.get(zone))
                .cloned()
                .collect(),
            boxes: change.boxes.clone(),
            pir: change.pir,
            video: change.video,
            suppressed: change.suppressed,
            end_reason: change.end_reason,
            snapshot_url: open.snapshot.then(|| PictureKind::Snapshot.url(open.id)),
            clip_url: open.clip.then(|| PictureKind::Clip.url(open.id)),
            bookmarked: open.bookmarked,
            clock: open.clock,
            boot_id: self.identity.boot_id,
            uptime_ms: change.began.millis(),
        };
        self.event_page(event, change.at)
    }

    /// The identity of the event that `change` is about: that of its first message, its time fixed when the clock was good.
    fn identify(&mut self, change: &Change, seq: u64) -> OpenEvent {
        let known = self
            .open
            .iter()
            .position(|open| open.key == change.key)
            .map(|index| self.open.remove(index));
        let open = match known {
            Some(open) if open.clock == ClockState::Synced => open,
            known => {
                let wall = wall_at(&*self.clock, change.began);
                let clock = if wall.synced { ClockState::Synced } else { ClockState::Unsynced };
                OpenEvent {
                    bookmarked: known.is_some_and(|open| open.bookmarked),
                    snapshot: known.is_some_and(|open| open.snapshot),
                    clip: known.is_some_and(|open| open.clip),
                    key: change.key,
                    id: known.map_or(seq, |open| open.id),
                    timestamp: wall.at,
                    clock,
                }
            }
        };
        if change.phase != Phase::End {
            if self.open.is_full() {
                self.open.remove(0);
            }
            self.open.extend([open]);
        }
        open
    }

    /// What filters ask of a message about `event`.
    fn facts(&self, event: &Event) -> Facts {
        Facts {
            zones: Some(self.names.known_zones(&event.zones)),
            score: Some(event.score),
            ..CAMERA
        }
    }

    fn event_page(&self, event: Event, at: Mono) -> Page {
        let facts = self.facts(&event);
        let page = self.page(
            Topic::Event,
            facts,
            at,
            &EventMessage {
                seq: event.seq,
                data: &event,
            },
        );
        Page {
            event: Some(event),
            ..page
        }
    }

    /// The message about something else, as number `seq`.
    pub fn notice(&self, at: Mono, notice: Notice, words: &str, seq: u64) -> Page {
        let tamper = |tamper| CameraEventData {
            message: words_of(tamper),
            tamper: Some(tamper),
            ..CameraEventData::default()
        };
        let plain = CameraEventData {
            message: words,
            ..CameraEventData::default()
        };
        match notice {
            Notice::Camera(CameraChange::Opened) => self.camera(at, CameraEventType::Opened, plain, seq),
            Notice::Camera(CameraChange::Lost) => self.camera(at, CameraEventType::Lost, plain, seq),
            Notice::Camera(CameraChange::Restored) => self.camera(at, CameraEventType::Restored, plain, seq),
            Notice::Camera(CameraChange::Ended) => self.camera(at, CameraEventType::Ended, plain, seq),
            Notice::Tampered(kind) => self.camera(at, CameraEventType::Tampered, tamper(kind), seq),
            Notice::TamperOver(kind) => self.camera(at, CameraEventType::TamperOver, tamper(kind), seq),
            Notice::SceneChanged => self.camera_alert(at, AlertType::SceneChanged, "the whole picture changed at once", seq),
            Notice::PirLost => self.camera_alert(at, AlertType::PirUnavailable, words, seq),
            Notice::PirRestored => self.camera_alert(at, AlertType::PirRestored, "the PIR sensor can be read", seq),
            Notice::Update(UpdateChange::Testing) => self.alert(AlertType::UpdateTesting, words, seq),
            Notice::Update(UpdateChange::Confirmed) => self.alert(AlertType::UpdateConfirmed, words, seq),
            Notice::Update(UpdateChange::Rejected) => self.alert(AlertType::UpdateRejected, words, seq),
            Notice::Update(UpdateChange::RolledBack) => self.alert(AlertType::UpdateRolledBack, words, seq),
            Notice::SettingsLeftOut => self.alert(AlertType::SettingsLeftOut, words, seq),
        }
    }

    fn camera(&self, at: Mono, event_type: CameraEventType, data: CameraEventData<'_>, seq: u64) -> Page {
        let message = CameraEvent {
            seq,
            camera_id: &self.identity.camera_id,
            event_type,
            data,
        };
        self.page(Topic::CameraEvent, CAMERA, at, &message)
    }

    fn camera_alert(&self, at: Mono, alert_type: AlertType, message: &str, seq: u64) -> Page {
        let alert = Alert {
            seq,
            alert_type,
            camera_id: Some(&self.identity.camera_id),
            data: AlertData { message },
        };
        self.page(Topic::Alert, CAMERA, at, &alert)
    }

    fn page<M: wire::Message>(&self, topic: Topic, facts: Facts, at: Mono, message: &M) -> Page {
        Page {
            topic,
            text: wire::encode(wall_at(&*self.clock, at).at, message),
            facts,
            event: None,
            removed: None,
        }
    }
}

fn words_of(tamper: Tamper) -> &'static str {
    match tamper {
        Tamper::Covered => "the lens is covered, or it is too dark to see",
        Tamper::Moved => "the camera was moved: it sees another picture",
        Tamper::Frozen => "the picture does not change at all: the camera hangs",
    }
}
