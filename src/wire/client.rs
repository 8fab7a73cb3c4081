//! What a client may say, parsed once into [`ClientMessage`].

use std::borrow::Cow;

use heapless::Vec;
use serde::Deserialize;
use serde::Deserializer;

use super::Topic;
use super::Topics;
use super::filter::Filter;
use super::filter::Names;
use super::filter::UnknownName;
use super::object::Object;
use super::token::ResumeToken;
use super::token::TokenError;
use crate::event::model::Name;
use crate::limits::LIVE_FPS_DEFAULT;
use crate::limits::LIVE_FPS_MAX;
use crate::limits::ZONES_MAX;
use crate::motion::Score;

/// Characters of an unknown type that are quoted back.
const QUOTED_CHARS_MAX: usize = 40;

/// A message from a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// To be answered with `pong`.
    Ping,
    /// The answer to a `ping`.
    Pong,
    /// Send again what followed, then go on live.
    Resume(Resume),
    /// Tell of these topics, too; and set conditions.
    Subscribe(Box<Subscribe>),
    /// Tell of these topics no more.
    Unsubscribe(Topics),
    /// Show the live picture, or no more.
    Live(Live),
}

/// Whether the live picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// So many times a second at most.
    Start {
        /// 1 to [`LIVE_FPS_MAX`].
        fps: u32,
    },
    /// No more.
    Stop,
}

/// From where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// From behind this sequence number; 0 for all that is kept.
    Since(u64),
    /// From where a token says (or `since`, when both are given), told of what it says.
    Token(ResumeToken),
}

/// What a client asks to be told of. Of the conditions, one that is absent stays as it was; `null` lifts it.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscribe {
    /// These, beside those already told of.
    pub topics: Topics,
    /// Only this camera.
    pub camera_id: Option<Option<Name>>,
    /// Only what touches one of these zones.
    pub zones: Option<Option<Vec<Name, ZONES_MAX>>>,
    /// Only what is at least that strong.
    pub min_score: Option<Option<Score>>,
}

impl Subscribe {
    /// `filter` after this.
    pub fn apply(&self, mut filter: Filter, names: &Names) -> Result<Filter, UnknownName> {
        filter.topics = filter.topics.with(self.topics);
        if let Some(camera) = &self.camera_id {
            filter.camera = camera.as_ref().map(|name| names.camera(name)).transpose()?;
        }
        if let Some(zones) = &self.zones {
            filter.zones = zones.as_ref().map(|zones| names.zones(zones)).transpose()?;
        }
        filter.min_score = self.min_score.unwrap_or(filter.min_score);
        Ok(filter)
    }
}

impl ClientMessage {
    /// Every type understood.
    pub const TYPES: &'static [&'static str] = &["ping", "pong", "resume", "subscribe", "unsubscribe", "live"];

    /// Reads one message; fields that are not known are ignored.
    pub fn parse(text: &str) -> Result<ClientMessage, ClientError> {
        let Tag { kind } = read(text)?;
        match &*kind {
            "ping" => Ok(ClientMessage::Ping),
            "pong" => Ok(ClientMessage::Pong),
            "resume" => read(text).and_then(resume).map(ClientMessage::Resume),
            "subscribe" => read(text).and_then(subscribe),
            "unsubscribe" => read(text).and_then(unsubscribe),
            "live" => read(text).and_then(live).map(ClientMessage::Live),
            _ => Err(ClientError::UnknownType(quoted(&kind))),
        }
    }
}

/// Why a client's message was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Not JSON, not an object with a `type`, or a field missing or of the wrong kind.
    #[error("not understood: {0}")]
    Malformed(String),
    /// A type that there is not (yet).
    #[error("unknown type \"{0}\"")]
    UnknownType(String),
    /// An event type that there is not (yet).
    #[error("unknown event type \"{0}\"")]
    UnknownTopic(String),
    /// A token that says nothing.
    #[error(transparent)]
    Token(#[from] TokenError),
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ResumeFields<'a> {
    since: Option<u64>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct SubscribeFields<'a> {
    #[serde(borrow)]
    event_types: EventTypes<'a>,
    #[serde(default, deserialize_with = "given")]
    camera_id: Option<Option<Name>>,
    #[serde(default, deserialize_with = "given")]
    zones: Option<Option<Vec<Name, ZONES_MAX>>>,
    #[serde(default, deserialize_with = "given")]
    min_score: Option<Option<Score>>,
}

#[derive(Deserialize)]
struct UnsubscribeFields<'a> {
    #[serde(borrow)]
    event_types: Option<EventTypes<'a>>,
}

#[derive(Deserialize)]
struct LiveFields<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    fps: Option<u32>,
}

/// Names of topics; a topic named twice is no fault, a list longer than there are topics is.
type EventTypes<'a> = Vec<Cow<'a, str>, { Topic::ALL.len() }>;

fn resume(fields: ResumeFields<'_>) -> Result<Resume, ClientError> {
    match fields {
        ResumeFields { token: Some(token), since } => Ok(Resume::Token(ResumeToken::read(&token)?.at(since))),
        ResumeFields { since: Some(since), .. } => Ok(Resume::Since(since)),
        _ => Err(ClientError::Malformed("resume has a token or since".into())),
    }
}

fn subscribe(fields: SubscribeFields<'_>) -> Result<ClientMessage, ClientError> {
    Ok(ClientMessage::Subscribe(Box::new(Subscribe {
        topics: topics(&fields.event_types)?,
        camera_id: fields.camera_id,
        zones: fields.zones,
        min_score: fields.min_score,
    })))
}

fn live(fields: LiveFields<'_>) -> Result<Live, ClientError> {
    match (&*fields.action, fields.fps.unwrap_or(LIVE_FPS_DEFAULT)) {
        ("stop", _) => Ok(Live::Stop),
        ("start", fps @ 1..=LIVE_FPS_MAX) => Ok(Live::Start { fps }),
        ("start", _) => Err(ClientError::Malformed(format!("fps is 1 to {LIVE_FPS_MAX}"))),
        _ => Err(ClientError::Malformed("action is start or stop".into())),
    }
}

/// Without event types: from all.
fn unsubscribe(fields: UnsubscribeFields<'_>) -> Result<ClientMessage, ClientError> {
    let named = fields.event_types.map_or(Ok(Topics::ALL), |names| topics(&names))?;
    Ok(ClientMessage::Unsubscribe(named))
}

fn topics(names: &[Cow<'_, str>]) -> Result<Topics, ClientError> {
    names.iter().try_fold(Topics::NONE, |topics, name| match Topic::named(name) {
        Some(topic) => Ok(topics.with(Topics::of(&[topic]))),
        None => Err(ClientError::UnknownTopic(quoted(name))),
    })
}

/// Tells a field that is `null` from one that is absent.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn quoted(word: &str) -> String {
    word.chars().take(QUOTED_CHARS_MAX).collect()
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ClientError> {
    /// Characters of the reason, which quotes what the client sent.
    const REASON_CHARS_MAX: usize = 200;
    let read = serde_json::from_str(text).map(|Object(fields)| fields);
    read.map_err(|error| ClientError::Malformed(error.to_string().chars().take(REASON_CHARS_MAX).collect()))
}
