//! What stands behind the `?` of an address: names and values, decoded, each known and given once.

use std::borrow::Cow;

use super::problem::Problem;
use super::session::Start;
use crate::wire::ResumeToken;
use crate::wire::client::Resume;

/// The parameters of a request.
pub(super) struct Parameters<'a> {
    given: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> Parameters<'a> {
    /// Those of `query` that are among `known`. Anything else in it is a mistake that had better be seen.
    pub(super) fn parse(query: Option<&'a str>, known: &[&'static str]) -> Result<Parameters<'a>, Problem> {
        let mut given = Vec::with_capacity(known.len());
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = known.iter().find(|name| **name == key) else {
                let known = known.join(", ");
                return Err(Problem::bad_request(format!("no such parameter; there are: {known}")));
            };
            if given.iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::bad_request(format!("{name} is given twice")));
            }
            let value = decode(value).ok_or_else(|| Problem::bad_request(format!("{name} is not text in percent encoding")))?;
            given.push((*name, value));
        }
        Ok(Parameters { given })
    }

    /// What `name` was given as.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| &**value)
    }

    /// What `read` makes of `name`; it is to be of the `form` that is said.
    pub(super) fn value<T>(&self, name: &str, form: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let value = self.text(name).map(read);
        match value {
            Some(None) => Err(Problem::bad_request(format!("{name} is {form}"))),
            other => Ok(other.flatten()),
        }
    }

    /// The whole number that `name` was given as.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        self.value(name, "a whole number, 0 or greater", number)
    }

    /// The whole number that `name` was given as, 1 to `max`, or else `default`.
    pub(super) fn count(&self, name: &str, max: usize, default: usize) -> Result<usize, Problem> {
        let count = self.number(name)?.unwrap_or(default as u64);
        match usize::try_from(count) {
            Ok(count) if (1..=max).contains(&count) => Ok(count),
            _ => Err(Problem::bad_request(format!("{name} is 1 to {max}, not {count}"))),
        }
    }
}

/// Where a stream begins: `since`, or `resume` with a token; `since` beside a token says more exactly where.
pub(super) fn start(query: Option<&str>) -> Result<Start, Problem> {
    let given = Parameters::parse(query, &["since", "resume"])?;
    let since = given.number("since")?;
    Ok(match given.text("resume") {
        Some(token) => Some(ResumeToken::read(token).map(|token| Resume::Token(token.at(since)))),
        None => since.map(Resume::Since).map(Ok),
    })
}

/// Decimal digits alone, unlike `u64::from_str`, which takes a sign.
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `text` in percent encoding (RFC 3986, section 2.1), so that [`decode`] gives it back.
pub(super) fn encode(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}"); // a string takes it
        }
    }
    encoded
}

/// A plus sign stays one: it is part of times with an offset, and forms that mean a space by it are not sent here.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            16 * digit(bytes.next()?)? + digit(bytes.next()?)?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
