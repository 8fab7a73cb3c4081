//! What a client may want to hear of: [`Topic`], one for each kind of message that goes through the ring.

use schemars::JsonSchema;
use serde::Serialize;
use serde::Serializer;

/// A kind of message that goes through the ring; its name is the message's `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Events: begun, updated, ended.
    Event,
    /// What becomes of the camera: lost, restored, ended, tampered with.
    CameraEvent,
    /// What someone should look at.
    Alert,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 3] = [Topic::Event, Topic::CameraEvent, Topic::Alert];
}

/// A set of topics; as JSON the list of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics(u32);

impl Topics {
    /// No topic.
    pub const NONE: Topics = Topics(0);
    /// What `/ws/events` tells of: every durable topic.
    pub const EVENTS: Topics = Topics::of(&Topic::ALL);

    /// The set of `topics`.
    pub const fn of(topics: &[Topic]) -> Topics {
        let (mut set, mut n) = (0, 0);
        while n < topics.len() {
            set |= 1 << topics[n] as u32;
            n += 1;
        }
        Topics(set)
    }
    /// Whether `topic` is one of them.
    pub const fn has(self, topic: Topic) -> bool {
        self.0 & (1 << topic as u32) != 0
    }
}

impl Serialize for Topics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(Topic::ALL.iter().filter(|topic| self.has(**topic)))
    }
}
