//! What clients of other services of this kind count on, and where it is kept here. Nothing but this table.
//!
//! | promise | kept in |
//! | --- | --- |
//! | events on `/ws/events`, one object each, the same model as REST | [`server::EventMessage`](super::server::EventMessage), `web/session.rs` |
//! | a panel's figures on `/api/ws/statistics`, every 5 s | [`live::Statistics`](super::live::Statistics), `web/producers.rs` |
//! | a live page's boxes, heat, zones and telemetry on `/ws/ui` | [`live::Overlay`](super::live::Overlay), [`live::Telemetry`](super::live::Telemetry) |
//! | subjects on `/ws`: only subscribers get them, every change is confirmed | [`client::Subscribe`](super::client::Subscribe), [`filter`](super::filter) |
//! | `type` and `timestamp` in every message, a schema for all | [`encode`](super::encode); the types of this module |
//! | a connection id for every client, in every line of the log about it | `connection_status`; the span of `web.rs` |
//! | a `ping` at once and at every heartbeat; any sign of life counts | `web/session.rs` |
//! | malformed text: an `error`, and the connection stays | [`client::ClientError`](super::client::ClientError) |
//! | selection by camera, zone and score | [`filter::Filter`](super::filter::Filter) |
//! | events are kept whether or not anyone is connected; publishing never fails one | `recorder.rs` commits, then announces |
//! | one client's broken or slow socket never affects another | `hub.rs`: a cursor each; `web/socket.rs` |
//! | a slow client is told, with a count | [`server::Lagged`](super::server::Lagged) |
//! | state survives a restart of the server | [`token`](super::token): the client keeps it |
//! | media: `snapshot_saved`, `clip_saved`, `bookmark_created` | [`news`](super::news) |
//! | tasks with `progress: {current, total, percentage}`, message, error | [`news::Task`](super::news::Task) |
//! | presence, and an administrator's word to all | [`live::Presence`](super::live::Presence), [`broadcast::Announcement`](super::broadcast::Announcement) |
//! | the server says that it goes away, and when to come back | [`server::Reconnect`](super::server::Reconnect), [`close::RESTART`](super::close::RESTART) |
//! | connects, disconnects and counts in log and metrics | `web/counters.rs`, `web/presence.rs` |
