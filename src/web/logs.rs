//! `GET /api/logs`: the newest lines of the log.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use tracing::Level;

use super::Server;
use super::query::Parameters;
use super::reply;
use super::reply::Answer;
use crate::limits::LOG_LINES_MAX;
use crate::limits::RESPONSE_BYTES_MAX;
use crate::logs;
use crate::logs::Line;

/// What the log can be asked by.
pub(super) const PARAMETERS: [&str; 2] = ["level", "limit"];
/// Lines when the request does not say.
pub(super) const LINES_DEFAULT: usize = 100;

/// Lines of the log.
#[derive(Serialize, JsonSchema)]
pub(super) struct Lines {
    /// Newest first; fewer than asked for when they are long.
    #[schemars(with = "Vec<Line>")]
    lines: Vec<Box<RawValue>>,
}

pub(super) fn show(server: &Server, query: Option<&str>) -> Answer {
    let given = Parameters::parse(query, &PARAMETERS)?;
    let least = given.value("level", "error, warn, info, debug or trace", level)?;
    let limit = given.count("limit", LOG_LINES_MAX, LINES_DEFAULT)?;
    let permit = server.reads.permit()?;
    let (mut lines, mut bytes) = (Vec::with_capacity(limit), 0);
    logs::newest_first(least.unwrap_or(Level::TRACE), |line| {
        let json = serde_json::value::to_raw_value(line).expect("a line is plain data, every key of it a string");
        bytes += json.get().len();
        lines.push(json);
        lines.len() < limit && bytes < RESPONSE_BYTES_MAX
    });
    let body = reply::held(reply::to_json(&Lines { lines }), permit);
    Ok(reply::api(hyper::StatusCode::OK, "application/json", body))
}

fn level(text: &str) -> Option<Level> {
    let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text))
}
