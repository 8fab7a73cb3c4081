//! What a request is answered when it cannot be done: problem JSON (RFC 9457).

use bytes::Bytes;
use hyper::Response;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use schemars::JsonSchema;
use serde::Serialize;

use super::reply;
use super::reply::Body;
use super::store::ReadError;
use crate::limits::RETRY_AFTER_S;
use crate::store::StoreError;

/// Why a request is not done.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why a request is not done (RFC 9457).
#[derive(Serialize, JsonSchema)]
pub(super) struct ProblemJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
            headers: Vec::new(),
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// For now; comes with `Retry-After`.
    pub(super) fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))
    }

    /// Too much of one client, for now; comes with `Retry-After`.
    pub(super) fn too_many(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).with(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.push((name, value));
        self
    }

    /// The body alone.
    pub(super) fn json(&self) -> Vec<u8> {
        reply::to_json(&ProblemJson {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
        })
    }

    /// The whole answer as it goes over the wire, after which the connection ends: for those whom no HTTP server serves.
    pub(super) fn raw(&self) -> Bytes {
        let (body, mut head) = (self.json(), format!("HTTP/1.1 {}\r\n", self.status).into_bytes());
        for (name, value) in &self.headers {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        let rest = format!(
            "Content-Type: application/problem+json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        [&head, rest.as_bytes(), &body].concat().into()
    }

    pub(super) fn response(self) -> Response<Body> {
        let mut response = reply::api(self.status, "application/problem+json", self.json().into());
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        match error {
            ReadError::Busy | ReadError::Slow | ReadError::Failed(StoreError::Busy) => Problem::unavailable(error.to_string()),
            ReadError::Failed(_) | ReadError::Panicked(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}
