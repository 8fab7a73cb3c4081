//! What each REST endpoint takes and gives. An endpoint that is not here does not compile.

use schemars::JsonSchema;
use schemars::SchemaGenerator;
use serde_json::Value;
use serde_json::json;

use super::taken;
use crate::event::model::Event;
use crate::event::model::Trigger;
use crate::identity::SessionInfo;
use crate::limits::LIVE_FPS_DEFAULT;
use crate::limits::LIVE_FPS_MAX;
use crate::limits::LOG_LINES_MAX;
use crate::limits::PAGE_EVENTS_MAX;
use crate::network;
use crate::ota;
use crate::web::auth::Action;
use crate::web::auth::account;
use crate::web::broadcast;
use crate::web::events;
use crate::web::handlers;
use crate::web::health;
use crate::web::logs;
use crate::web::routes::Endpoint;
use crate::web::system;
use crate::web::tuning;
use crate::web::update;

/// One operation, as far as the table of routes does not say.
pub(super) struct Operation {
    pub(super) tag: &'static str,
    /// Its name, unique.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: Vec<Value>,
    /// Schema of the body that it takes.
    pub(super) body: Option<Value>,
    /// Whether the body may be a bundle instead.
    pub(super) bundle: bool,
    /// Type of the body.
    pub(super) body_kind: &'static str,
    /// Whether it may also come without.
    pub(super) body_optional: bool,
    /// Status and body of the answer when it is done.
    pub(super) done: (u16, Content),
    /// Other answers that are no problems.
    pub(super) others: Vec<(u16, Content)>,
    /// Problems that not every operation may have.
    pub(super) problems: &'static [u16],
}

/// What an answer carries.
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// JSON of this schema.
    Json(Value),
    /// Text of this type.
    Text(&'static str),
    /// Bytes of this type.
    Bytes(&'static str),
}

impl Operation {
    fn new(tag: &'static str, id: &'static str, summary: &'static str, status: u16, content: Content) -> Operation {
        Operation {
            tag,
            id,
            summary,
            parameters: Vec::new(),
            body: None,
            bundle: false,
            body_kind: "application/json",
            body_optional: false,
            done: (status, content),
            others: Vec::new(),
            problems: &[],
        }
    }

    fn about(self, problems: &'static [u16]) -> Operation {
        let number = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
        let id = json!({ "name": "id", "in": "path", "required": true, "description": "Which event.", "schema": number });
        Operation {
            parameters: vec![id],
            problems,
            ..self
        }
    }

    /// Revalidated by its tag.
    fn tagged(mut self) -> Operation {
        self.others.push((304, Content::Empty));
        self
    }

    /// As much of it as `Range` asks for.
    fn in_part(mut self, kind: &'static str) -> Operation {
        self.others.push((206, Content::Bytes(kind)));
        self
    }

    fn asked_by(self, parameters: Vec<Value>) -> Operation {
        Operation { parameters, ..self }
    }

    /// Of the kinds that there are.
    fn may_take(self, body: Value) -> Operation {
        Operation {
            body_optional: true,
            problems: &[404],
            ..self.takes(body)
        }
    }

    fn takes(self, body: Value) -> Operation {
        Operation { body: Some(body), ..self }
    }
}

/// The operation of `endpoint`; none for what is not REST.
#[rustfmt::skip] // a table
pub(super) fn operation(endpoint: Endpoint, schemas: &mut SchemaGenerator) -> Option<Operation> {
    use Content::Empty;
    Some(match endpoint {
        Endpoint::Stream(_) | Endpoint::Asset(_) | Endpoint::Ui => return None,
        Endpoint::ListEvents => Operation::new("events", "listEvents", "A page of events, newest first; oldest first with since alone.", 200, json_of::<events::EventList>(schemas)).asked_by(filters()).tagged(),
        Endpoint::ShowEvent => Operation::new("events", "showEvent", "One event as it is now.", 200, json_of::<Event>(schemas)).about(&[404]).tagged(),
        Endpoint::TriggerEvent => Operation::new("events", "triggerEvent", "Make an event by hand.", 202, json_of::<handlers::Accepted>(schemas)),
        Endpoint::DeleteEvent => Operation::new("events", "deleteEvent", "Delete an event that is over.", 204, Empty).about(&[404, 409]),
        Endpoint::Bookmark => Operation::new("events", "bookmarkEvent", "Keep an event longer than others.", 200, json_of::<events::Bookmark>(schemas)).about(&[404, 409]),
        Endpoint::Unbookmark => Operation::new("events", "unbookmarkEvent", "Keep an event no longer than others.", 204, Empty).about(&[404]),
        Endpoint::ShowArmed => Operation::new("camera", "showArmed", "Whether events are made.", 200, json_of::<handlers::Armed>(schemas)),
        Endpoint::SetArmed => Operation::new("camera", "setArmed", "Make events, or none.", 202, json_of::<handlers::Armed>(schemas)).takes(taken::<handlers::Armed>()),
        Endpoint::Zones => Operation::new("camera", "showZones", "Zones and masks.", 200, json_of::<tuning::Zones>(schemas)).tagged(),
        Endpoint::SetZones => Operation::new("camera", "setZones", "Other zones and masks, from the next picture on.", 200, json_of::<tuning::Zones>(schemas)).takes(taken::<tuning::Zones>()).may(&[422]),
        Endpoint::Tuning => Operation::new("camera", "showTuning", "What decides what is an event.", 200, json_of::<tuning::Tuning>(schemas)).tagged(),
        Endpoint::SetTuning => Operation::new("camera", "setTuning", "Other settings, from the next picture on; what is left out stays.", 200, json_of::<tuning::Tuning>(schemas)).takes(taken::<tuning::Wanted>()).may(&[422]),
        Endpoint::Scores => Operation::new("camera", "showScores", "How strong motion was in each second of the last hour.", 200, json_of::<tuning::Scores>(schemas)),
        Endpoint::ExportConfig => Operation::new("device", "exportConfig", "The configuration that holds, as TOML.", 200, Content::Text("application/toml")),
        Endpoint::ImportConfig => Operation::new("device", "importConfig", "Takes of a configuration in TOML what can be set while the service runs.", 200, json_of::<tuning::Changed>(schemas)).takes_text("application/toml").may(&[422]),
        Endpoint::System => Operation::new("device", "showSystem", "Version, memory, store in figures.", 200, json_of::<system::System<'_>>(schemas)),
        Endpoint::Certificate => Operation::new("device", "showCertificate", "The certificate that clients are shown.", 200, json_of::<system::Encryption<'_>>(schemas)),
        Endpoint::Health => Operation::new("device", "showHealth", "How the device is; 503 with the same body when not well.", 200, json_of::<health::Health<'_>>(schemas)).well_or_not(schemas),
        Endpoint::Alive => Operation::new("device", "showAlive", "Whether the server answers.", 200, json_of::<health::Alive>(schemas)),
        Endpoint::Ready => Operation::new("device", "showReady", "Whether the device does what it is for; 503 when not.", 200, json_of::<health::Ready>(schemas)).ready_or_not(schemas),
        Endpoint::Streams => Operation::new("device", "showStreams", "Streams, and what became of clients.", 200, json_of::<health::Streams>(schemas)),
        Endpoint::Logs => Operation::new("device", "showLogs", "The newest lines of the log.", 200, json_of::<logs::Lines>(schemas)).asked_by(log_filters()),
        Endpoint::Metrics => Operation::new("device", "showMetrics", "Figures in Prometheus' text form.", 200, Content::Text("text/plain")),
        Endpoint::Test => Operation::new("streams", "sendTest", "Send a sample to every stream; only custom takes a body.", 202, json_of::<handlers::Accepted>(schemas)).asked_by(vec![kind()]).may_take(json!({ "type": "object" })),
        Endpoint::Update => Operation::new("device", "showUpdate", "What runs, what is installed where, what became of the last update.", 200, json_of::<ota::Report>(schemas)).may(&[501]),
        Endpoint::BeginUpdate => Operation::new("device", "beginUpdate", "Install a bundle, or the one at an address; told of by task messages.", 202, json_of::<ota::Accepted>(schemas)).takes(taken::<update::Address>()).or_bundle().may(&[409, 415, 422, 501, 507]),
        Endpoint::Reboot => Operation::new("device", "reboot", "Restart the machine, into what was installed last.", 202, json_of::<handlers::Accepted>(schemas)).may(&[409, 422, 501]),
        Endpoint::Network => Operation::new("device", "showNetwork", "Which network the device is in, what is in sight, what became of the one that was tried.", 200, json_of::<network::Report>(schemas)),
        Endpoint::JoinNetwork => Operation::new("device", "joinNetwork", "Try a Wi-Fi network; it is kept once a client was let in over it, else the device comes back.", 202, json_of::<handlers::Accepted>(schemas)).takes(taken::<network::Wish>()).may(&[409, 501]),
        Endpoint::Account(action) => account_operation(action, schemas),
        Endpoint::Snapshot => Operation::new("pictures", "showSnapshot", "The best moment of an event, or the first while it goes on.", 200, Content::Bytes("image/jpeg")).about(&[404, 416]).tagged().in_part("image/jpeg"),
        Endpoint::Clip => Operation::new("pictures", "showClip", "The clip of an event: Motion-JPEG in a QuickTime file.", 200, Content::Bytes("video/quicktime")).about(&[404, 416]).tagged().in_part("video/quicktime"),
        Endpoint::ClipFrames => Operation::new("pictures", "showClipFrames", "Where each picture of a clip is, and when.", 200, json_of::<crate::media::Index>(schemas)).about(&[404]).tagged(),
        Endpoint::LiveSnapshot => Operation::new("pictures", "showLiveSnapshot", "A picture of now.", 200, Content::Bytes("image/jpeg")),
        Endpoint::LivePictures => Operation::new("pictures", "showLivePictures", "One picture after another, for as long as one looks.", 200, Content::Bytes("multipart/x-mixed-replace")).asked_by(vec![query("fps", "Most pictures a second.", count(LIVE_FPS_MAX as usize, LIVE_FPS_DEFAULT as usize))]),
        Endpoint::Announce => Operation::new("streams", "announce", "Say a word to every stream.", 202, json_of::<handlers::Accepted>(schemas)).takes(taken::<broadcast::Announce>()),
    })
}

/// The operation of `action` on the account.
#[rustfmt::skip] // a table
fn account_operation(action: Action, schemas: &mut SchemaGenerator) -> Operation {
    use Content::Empty;
    match action {
        Action::LogIn => Operation::new("account", "logIn", "Begin a session; its cookie is set.", 200, json_of::<SessionInfo>(schemas)).takes(taken::<account::Login>()),
        Action::LogOut => Operation::new("account", "logOut", "End the session that asks.", 204, Empty),
        Action::ShowSession => Operation::new("account", "showSession", "Who asks, and what they may do.", 200, json_of::<account::Whoami<'_>>(schemas)),
        Action::ListTokens => Operation::new("account", "listTokens", "Tokens that hold.", 200, json_of::<account::Tokens>(schemas)),
        Action::MakeToken => Operation::new("account", "makeToken", "Make a token; it is shown this once.", 201, json_of::<account::MadeToken>(schemas)).takes(taken::<account::TokenWish>()).may(&[409]),
        Action::RevokeToken => Operation::new("account", "revokeToken", "Revoke a token.", 204, Empty).named("Which token.").may(&[404]),
        Action::ListSessions => Operation::new("account", "listSessions", "Sessions that hold.", 200, json_of::<account::Sessions>(schemas)),
        Action::EndSession => Operation::new("account", "endSession", "End a session.", 204, Empty).named("Which session.").may(&[404]),
        Action::SetPassword => Operation::new("account", "setPassword", "Set the password, or another.", 204, Empty).takes(taken::<account::NewPassword>()).may(&[409]),
    }
}

impl Operation {
    /// With an id of hexadecimal digits in its path.
    fn named(self, what: &str) -> Operation {
        let id = json!({ "name": "id", "in": "path", "required": true, "description": what, "schema": { "type": "string" } });
        Operation {
            parameters: vec![id],
            ..self
        }
    }

    /// Text of this type.
    fn takes_text(self, kind: &'static str) -> Operation {
        Operation {
            body: Some(json!({ "type": "string" })),
            body_kind: kind,
            ..self
        }
    }

    fn or_bundle(self) -> Operation {
        Operation { bundle: true, ..self }
    }

    fn may(self, problems: &'static [u16]) -> Operation {
        Operation { problems, ..self }
    }

    fn well_or_not(mut self, schemas: &mut SchemaGenerator) -> Operation {
        self.others.push((503, json_of::<health::Health<'_>>(schemas)));
        self
    }

    fn ready_or_not(mut self, schemas: &mut SchemaGenerator) -> Operation {
        self.others.push((503, json_of::<health::Ready>(schemas)));
        self
    }
}

fn schema<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}

fn json_of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Content {
    Content::Json(schema::<T>(schemas))
}

fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn filters() -> Vec<Value> {
    let number = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
    let time = json!({ "type": "string", "format": "date-time" });
    let triggers = Trigger::ALL.map(Trigger::name);
    vec![
        query("since", "Only ids greater than this.", number.clone()),
        query("before", "Only ids less than this.", number),
        query("from", "Only events that began at or after this.", time.clone()),
        query("to", "Only events that began before this.", time),
        query("trigger", "Only what was set off so.", json!({ "enum": triggers })),
        query("zone", "Only events that touched this zone.", json!({ "type": "string" })),
        query(
            "score_min",
            "Only events at least this strong.",
            json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        ),
        query(
            "limit",
            "Most events in the page.",
            count(PAGE_EVENTS_MAX, events::PAGE_EVENTS_DEFAULT),
        ),
    ]
}

fn log_filters() -> Vec<Value> {
    let levels = json!({ "enum": ["error", "warn", "info", "debug", "trace"] });
    vec![
        query("level", "Least severity.", levels),
        query("limit", "Most lines.", count(LOG_LINES_MAX, logs::LINES_DEFAULT)),
    ]
}

fn count(max: usize, default: usize) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": max, "default": default })
}

fn kind() -> Value {
    let kinds = json!({ "enum": broadcast::KINDS });
    json!({ "name": "kind", "in": "path", "required": true, "description": "What to try.", "schema": kinds })
}
