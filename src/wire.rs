//! The messages that clients see, as Rust types, with their JSON. What carries them is `hub/` and `web/`.
//!
//! Every message is one JSON object without a line break, so that a client that prints them prints a log. Each has
//! `type` and `timestamp`; fields that a reader does not know are to be ignored.
//!
//! | from the server | when | kept |
//! | --- | --- | --- |
//! | `connection_status` | first of all | no |
//! | `event`, `camera_event`, `alert` | as they become durable; with `seq`, ascending | yes: replayed by `since` and by token |
//! | `bookmark_created`, `bookmark_removed`, `event_deleted` | likewise, when someone asked for it | yes |
//! | `snapshot_saved`, `clip_saved` | once file and event are durable | yes |
//! | `task.*` | as it happens | those with `seq` |
//! | `announcement`, `custom`, and `event`, `overlay`, `telemetry` with `test` | when someone asked for it | no |
//! | `statistics_update`, `telemetry`, `overlay`, `presence` | at their own pace while someone listens; latest wins | no |
//! | `subscription.confirmed` | after `subscribe`, `unsubscribe`, and a token that brought a subscription | no |
//! | `live.confirmed` | after `live`; then pictures as binary messages, each one JPEG, latest wins | no |
//! | `ping`, `pong` | every heartbeat and at once; in answer to `ping` | no |
//! | `lagged` | the client was too slow, messages that it wanted were left out | no |
//! | `recovered` | a replay is over, what follows is live | no |
//! | `system.reconnect` | the server goes away | no |
//! | `error` | what the client sent was not understood | no |
//!
//! From the client: `ping`, `pong`, `resume`, `subscribe`, `unsubscribe`, `live` ([`client`]). Where streams are: [`door`]. Reasons
//! for closing: [`close`]. Where each promise to clients is kept: [`contracts`].

/// Names of types, as [`Message::TYPE`].
macro_rules! message_types {
    ($($message:ty => $name:literal,)*) => { $(
        impl $crate::wire::Message for $message {
            const TYPE: &'static str = $name;
        }
    )* };
}

pub mod broadcast;
pub mod client;
pub mod close;
pub mod contracts;
pub mod door;
pub mod filter;
pub mod kept;
pub mod live;
pub mod news;
pub(crate) mod object;
pub mod server;
pub mod text;
pub mod token;
pub mod topic;

pub use client::ClientMessage;
pub use door::Door;
pub use filter::Facts;
pub use filter::Filter;
pub use filter::Names;
pub use text::Text;
pub use token::ResumeToken;
pub use topic::Topic;
pub use topic::Topics;

use serde::Serialize;

use crate::clock::Timestamp;

/// A message's own fields; `type` and `timestamp` are put before them by [`encode`].
pub trait Message: Serialize {
    /// What stands in `type`.
    const TYPE: &'static str;
}

/// The JSON of `message`, said at `timestamp`; at most
/// [`MESSAGE_BYTES_MAX`](crate::limits::MESSAGE_BYTES_MAX) bytes for what the service itself makes.
pub fn encode<M: Message>(timestamp: Timestamp, message: &M) -> Text {
    let envelope = Envelope {
        kind: M::TYPE,
        timestamp,
        message,
    };
    let json = serde_json::to_string(&envelope).expect("structs of plain fields have no key or value that JSON cannot say");
    json.into()
}

#[derive(Serialize)]
struct Envelope<'a, M> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    #[serde(flatten)]
    message: &'a M,
}
