//! What a device of tests tells of.

use lookout::clock::BootId;
use lookout::clock::Timestamp;
use lookout::event::model::ClockState;
use lookout::event::model::Event;
use lookout::event::model::Phase;
use lookout::event::model::Trigger;
use lookout::motion::Score;

/// An event of usual size.
pub fn event(id: u64) -> Event {
    Event {
        id,
        seq: id,
        timestamp: Timestamp(id as i64 * 1000),
        camera_id: "porch".try_into().unwrap(),
        trigger: Trigger::Video,
        phase: Phase::End,
        duration_ms: 1500,
        score: Score(640),
        zones: Default::default(),
        boxes: Default::default(),
        pir: None,
        video: None,
        suppressed: 0,
        end_reason: None,
        snapshot_url: None,
        clip_url: None,
        bookmarked: false,
        clock: ClockState::Synced,
        boot_id: BootId::NIL,
        uptime_ms: id * 1000,
    }
}
