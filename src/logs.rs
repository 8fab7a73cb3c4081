//! The newest lines of the log, in memory, for those who have no console: a bounded ring that `tracing` writes to and REST
//! shows. One for the process, as `tracing` itself is.

use std::fmt;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::MutexGuard;

use heapless::Deque;
use heapless::String;
use schemars::JsonSchema;
use serde::Serialize;
use tracing::Event;
use tracing::Level;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::DefaultFields;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::Timestamp;
use crate::clock::Trust;
use crate::limits::LOG_LINE_BYTES_MAX;
use crate::limits::LOG_LINES_MAX;

static RING: Mutex<Deque<Line, LOG_LINES_MAX>> = Mutex::new(Deque::new());

/// A line of the log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Line {
    /// When.
    pub timestamp: Timestamp,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    #[serde(serialize_with = "name")]
    #[schemars(with = "std::string::String")]
    pub level: Level,
    /// Which part of the program.
    pub target: &'static str,
    /// What it says, with its fields; cut where it is too long.
    #[schemars(with = "std::string::String")]
    pub text: String<LOG_LINE_BYTES_MAX>,
}

fn name<S: serde::Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(level.as_str())
}

/// Calls `visit` for the lines of at least this severity, newest first, until it says false.
pub fn newest_first(least: Level, mut visit: impl FnMut(&Line) -> bool) {
    let ring = ring();
    let severe = ring.iter().rev().filter(|line| line.level <= least);
    for line in severe {
        if !visit(line) {
            break;
        }
    }
}

/// Bytes of the ring, taken whether it is full or not.
pub const fn footprint() -> usize {
    size_of::<Deque<Line, LOG_LINES_MAX>>()
}

fn ring() -> MutexGuard<'static, Deque<Line, LOG_LINES_MAX>> {
    RING.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Writes lines to the ring. It uses what the formatting layer keeps of spans, so that one comes first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = Text(String::new());
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<DefaultFields>>();
            // What does not fit is left out.
            let _ = write!(text, "{}{{{}}}: ", span.name(), fields.map_or("", |fields| fields.fields.as_str()));
        }
        event.record(&mut text);
        let metadata = event.metadata();
        let line = Line {
            timestamp: SystemClock::new(Trust::Always).wall().at,
            level: *metadata.level(),
            target: metadata.target(),
            text: text.0,
        };
        let mut ring = ring();
        if ring.is_full() {
            ring.pop_front();
        }
        let kept = ring.push_back(line);
        debug_assert!(kept.is_ok(), "room was made");
    }
}

/// The fields of an event, one after another, as far as they fit.
struct Text(String<LOG_LINE_BYTES_MAX>);

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        part.chars()
            .try_for_each(|character| self.0.push(character).map_err(|_| fmt::Error))
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // What does not fit is left out.
        let _ = match field.name() {
            "message" => write!(self, "{value:?} "),
            name => write!(self, "{name}={value:?} "),
        };
    }
}
