//! What stands behind the `?` of an address, parsed once into numbers.

use super::problem::Problem;
use super::session::Start;
use crate::limits::PAGE_EVENTS_MAX;
use crate::store::EventQuery;
use crate::wire::ResumeToken;
use crate::wire::client::Resume;

/// Events in a page when the request does not say.
const PAGE_EVENTS_DEFAULT: usize = 50;

/// A page of events: `since`, `before`, `limit`.
pub(super) fn events(query: Option<&str>) -> Result<EventQuery, Problem> {
    let [since, before, limit] = numbers(query, ["since", "before", "limit"])?;
    let limit = limit.unwrap_or(PAGE_EVENTS_DEFAULT as u64);
    if limit == 0 || limit > PAGE_EVENTS_MAX as u64 {
        return Err(Problem::bad_request(format!("limit is 1 to {PAGE_EVENTS_MAX}, not {limit}")));
    }
    Ok(EventQuery {
        since,
        before,
        limit: limit as usize,
        ..EventQuery::default()
    })
}

/// Where a stream begins: `since`, or `resume` with a token; `since` beside a token says more exactly where.
pub(super) fn start(query: Option<&str>) -> Result<Start, Problem> {
    let [since, token] = values(query, ["since", "resume"])?;
    let since = since.map(|since| whole("since", since)).transpose()?;
    Ok(match token {
        Some(token) => Some(ResumeToken::read(token).map(|token| Resume::Token(token.at(since)))),
        None => since.map(Resume::Since).map(Ok),
    })
}

/// The value of each of `keys`, as a number.
fn numbers<const N: usize>(query: Option<&str>, keys: [&str; N]) -> Result<[Option<u64>; N], Problem> {
    let mut numbers = [None; N];
    for ((number, key), value) in numbers.iter_mut().zip(keys).zip(values(query, keys)?) {
        *number = value.map(|value| whole(key, value)).transpose()?;
    }
    Ok(numbers)
}

/// The value of each of `keys`. Anything else in the query is a mistake that had better be seen.
fn values<'a, const N: usize>(query: Option<&'a str>, keys: [&str; N]) -> Result<[Option<&'a str>; N], Problem> {
    let mut values = [None; N];
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(index) = keys.iter().position(|known| *known == key) else {
            return Err(Problem::bad_request(format!("no such parameter; there are: {}", keys.join(", "))));
        };
        if values[index].replace(value).is_some() {
            return Err(Problem::bad_request(format!("{key} is given twice")));
        }
    }
    Ok(values)
}

fn whole(key: &str, value: &str) -> Result<u64, Problem> {
    number(value).ok_or_else(|| Problem::bad_request(format!("{key} is a whole number, 0 or greater")))
}

/// Decimal digits alone, unlike `u64::from_str`, which takes a sign.
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
