//! The AsyncAPI 3 document: the doors for WebSockets, and every message that goes through them.

use schemars::JsonSchema;
use schemars::SchemaGenerator;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Kind;
use super::definitions;
use super::generator;
use super::routes;
use crate::clock::Timestamp;
use crate::limits::LIVE_FPS_DEFAULT;
use crate::limits::LIVE_FPS_MAX;
use crate::wire::Message;
use crate::wire::broadcast;
use crate::wire::client::ClientMessage;
use crate::wire::kept;
use crate::wire::live;
use crate::wire::news;
use crate::wire::server;

/// Schemas of messages by their names.
type Messages = Map<String, Value>;

/// The AsyncAPI document.
pub fn asyncapi() -> Value {
    let mut schemas = generator();
    let (from_server, from_client) = (said_by_server(&mut schemas), said_by_client());
    let names = |messages: &Messages| messages.keys().cloned().collect::<Vec<_>>();
    let (sent, received) = (names(&from_server), names(&from_client));
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for (_, path, kind) in routes() {
        if kind == Kind::Stream {
            let name = path.trim_start_matches('/').replace('/', "_");
            channels.insert(name.clone(), channel(path, sent.iter().chain(&received)));
            operations.insert(format!("{name}_send"), operation("send", &name, &sent));
            operations.insert(format!("{name}_receive"), operation("receive", &name, &received));
        }
    }
    let messages: Messages = from_server.into_iter().chain(from_client).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Lookout's streams",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "JSON text, one message a WebSocket frame and a line. Unknown fields are to be ignored. Binary messages come to those alone who asked for them by `live`.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": definitions(&mut schemas) },
    })
}

fn channel<'a>(path: &str, messages: impl Iterator<Item = &'a String>) -> Value {
    let references = messages.map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })));
    let since = json!({ "type": "integer", "minimum": 0, "description": "Send again what followed this sequence number." });
    json!({
        "address": path,
        "messages": references.collect::<Messages>(),
        "bindings": { "ws": { "method": "GET", "query": { "type": "object", "properties": { "since": since } } } },
    })
}

fn operation(action: &str, channel: &str, names: &[String]) -> Value {
    let reference = |name: &String| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") });
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{channel}") },
        "messages": names.iter().map(reference).collect::<Vec<_>>(),
    })
}

fn said_by_server(schemas: &mut SchemaGenerator) -> Messages {
    let mut said = Messages::new();
    add::<server::ConnectionStatus<'_>>(&mut said, schemas);
    add::<server::EventMessage<'_>>(&mut said, schemas);
    add::<server::CameraEvent<'_>>(&mut said, schemas);
    add::<server::Alert<'_>>(&mut said, schemas);
    add::<server::Ping>(&mut said, schemas);
    add::<server::Pong>(&mut said, schemas);
    add::<server::Lagged>(&mut said, schemas);
    add::<server::Recovered>(&mut said, schemas);
    add::<server::Reconnect>(&mut said, schemas);
    add::<server::ErrorMessage<'_>>(&mut said, schemas);
    add::<kept::BookmarkCreated<'_>>(&mut said, schemas);
    add::<kept::BookmarkRemoved<'_>>(&mut said, schemas);
    add::<kept::EventDeleted<'_>>(&mut said, schemas);
    add::<broadcast::Announcement<'_>>(&mut said, schemas);
    add::<server::SubscriptionConfirmed<'_>>(&mut said, schemas);
    add::<server::LiveConfirmed>(&mut said, schemas);
    add::<news::SnapshotSaved<'_>>(&mut said, schemas);
    add::<news::ClipSaved<'_>>(&mut said, schemas);
    add::<news::TaskStarted<'_>>(&mut said, schemas);
    add::<news::TaskProgress<'_>>(&mut said, schemas);
    add::<news::TaskCompleted<'_>>(&mut said, schemas);
    add::<news::TaskFailed<'_>>(&mut said, schemas);
    add::<live::StatisticsUpdate<'_>>(&mut said, schemas);
    add::<live::TelemetryMessage<'_>>(&mut said, schemas);
    add::<live::OverlayMessage<'_>>(&mut said, schemas);
    add::<live::PresenceMessage<'_>>(&mut said, schemas);
    add::<broadcast::SampleEvent<'_>>(&mut said, schemas);
    add::<broadcast::SampleOverlay<'_>>(&mut said, schemas);
    add::<broadcast::SampleTelemetry<'_>>(&mut said, schemas);
    add::<broadcast::Custom<'_>>(&mut said, schemas);
    said
}

/// Adds what `M` is in its envelope; a second message of the same type is named as a sample.
fn add<M: Message + JsonSchema>(said: &mut Messages, schemas: &mut SchemaGenerator) {
    let name = if said.contains_key(M::TYPE) {
        format!("{}.sample", M::TYPE)
    } else {
        M::TYPE.to_owned()
    };
    let timestamp = schemas.subschema_for::<Timestamp>().to_value();
    let fields = schemas.subschema_for::<M>().to_value();
    let payload = json!({
        "type": "object",
        "properties": { "type": { "const": M::TYPE }, "timestamp": timestamp },
        "required": ["type", "timestamp"],
        "allOf": [fields],
    });
    said.insert(name, json!({ "name": M::TYPE, "payload": payload }));
}

/// As `wire/client.rs` reads them.
fn said_by_client() -> Messages {
    let since = json!({ "type": "integer", "minimum": 0, "description": "Sequence number of the last message that the client has." });
    let message = |name: &&str| {
        let mut payload = json!({ "type": "object", "properties": { "type": { "const": name } }, "required": ["type"] });
        if *name == "resume" {
            payload["properties"]["since"] = since.clone();
            payload["required"] = json!(["type", "since"]);
        }
        if *name == "live" {
            payload["properties"]["action"] =
                json!({ "enum": ["start", "stop"], "description": "Whether pictures come, as binary messages, each one JPEG." });
            payload["properties"]["fps"] = json!({ "type": "integer", "minimum": 1, "maximum": LIVE_FPS_MAX, "default": LIVE_FPS_DEFAULT });
            payload["required"] = json!(["type", "action"]);
        }
        (format!("client.{name}"), json!({ "name": name, "payload": payload }))
    };
    ClientMessage::TYPES.iter().map(message).collect()
}
