//! Pages of another origin: one may be let in by configuration (`web.cors_origin`), all others are kept out.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::Response;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;

use super::reply;
use super::reply::Body;

/// The origin whose pages may use the API, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsOrigin(Option<String>);

impl CorsOrigin {
    /// What may be written in the configuration.
    pub const FORM: &'static str = "\"none\" or an origin, as in \"https://home.example:8443\"";

    /// Whether a request says that it comes from a page of this origin.
    pub(super) fn admits(&self, asked: &HeaderMap) -> bool {
        let origin = asked.get(header::ORIGIN).map(HeaderValue::as_bytes);
        origin.is_some() && origin == self.0.as_deref().map(str::as_bytes)
    }

    /// Tells a browser that the page that asked may read the answer.
    pub(super) fn allow(&self, asked: &HeaderMap, answer: &mut Response<Body>) {
        let Some(origin) = &self.0 else { return };
        let headers = answer.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if self.admits(asked) {
            headers.extend(
                HeaderValue::from_str(origin)
                    .ok()
                    .map(|value| (header::ACCESS_CONTROL_ALLOW_ORIGIN, value)),
            );
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("ETag, Retry-After, X-Request-Id"),
            );
        }
    }
}

/// What a page of the admitted origin may send, in answer to a browser that asks before.
pub(super) fn preflight() -> Response<Body> {
    let mut answer = reply::plain(StatusCode::NO_CONTENT, Bytes::new());
    let fields: [(HeaderName, &str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, If-None-Match"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    let values = fields.map(|(name, value)| (name, HeaderValue::from_static(value)));
    answer.headers_mut().extend(values);
    answer
}

impl FromStr for CorsOrigin {
    type Err = ();

    fn from_str(text: &str) -> Result<CorsOrigin, ()> {
        if text == "none" {
            return Ok(CorsOrigin(None));
        }
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(())?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
        let origin = !host.is_empty() && host.bytes().all(plain);
        if origin { Ok(CorsOrigin(Some(text.to_owned()))) } else { Err(()) }
    }
}

impl fmt::Display for CorsOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("none"))
    }
}
