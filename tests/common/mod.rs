//! What several test files need: clocks that stand still, clips made on the spot, and the conformance suite of the edges.

#![allow(dead_code, unreachable_pub)] // each test file uses its part

pub mod clips;
pub mod conformance;
pub mod machine;
pub mod service;

use std::path::Path;
use std::sync::Arc;

use lookout::clock::Clock;
use lookout::clock::Mono;
use lookout::clock::SimClock;
use lookout::clock::SystemClock;
use lookout::clock::Timestamp;
use lookout::clock::Trust;
use lookout::clock::Wall;
use lookout::event::model::Change;
use lookout::event::model::Phase;
use lookout::event::model::Trigger;
use lookout::frame::SourceError;
use lookout::motion::Score;
use lookout::motion::ZoneSet;
use lookout::records::Record;
use lookout::source::Opened;
use lookout::source::Settings;
use lookout::source::pace::Pace;

/// A clock at monotonic zero, 2026-01-01T00:00:00Z, synced.
pub fn sim_clock() -> SimClock {
    let at = Timestamp::parse("2026-01-01T00:00:00Z").expect("RFC 3339");
    SimClock::new(Wall { at, synced: true })
}

/// The machine's clocks.
pub fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new(Trust::Always))
}

/// Settings with the source that `spec` says, all else as usual.
pub fn settings(spec: &str) -> Settings {
    Settings {
        spec: spec.parse().expect("a source"),
        ..Settings::default()
    }
}

/// Settings that play the clip at `path`.
pub fn clip_settings(path: &Path) -> Settings {
    settings(&format!("replay:{}", path.display()))
}

/// Opens the clip at `path`, as fast as it goes.
pub fn open_clip(path: &Path) -> Result<Opened, SourceError> {
    lookout::source::open(&clip_settings(path), Pace::Fast, Arc::new(sim_clock()))
}

/// Word that event `key` has begun at `at`.
pub fn begun(key: u32, at: Mono) -> Record {
    Record::Change(Change {
        key,
        phase: Phase::Start,
        at,
        began: at,
        last_seen: at,
        frame: 1,
        trigger: Trigger::Video,
        score: Score(1),
        zones: ZoneSet::EMPTY,
        boxes: Default::default(),
        pir: None,
        video: None,
        suppressed: 0,
        end_reason: None,
    })
}
