//! Answers: their bodies and the header fields that they share.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use serde::Serialize;

use super::problem::Problem;
use super::store::ReadPermit;

pub(super) use super::body::Body;

/// What a handler comes to.
pub(super) type Answer = Result<Response<Body>, Problem>;

const NOSNIFF: (HeaderName, HeaderValue) = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// The JSON of a value of our own.
pub(super) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("structs of plain fields have no key or value that JSON cannot say")
}

/// An answer of `value` as JSON.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Body> {
    api(status, "application/json", to_json(value).into())
}

/// An answer that no one is to keep: it is about now.
pub(super) fn api(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = plain(status, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer without a type of its own.
pub(super) fn plain(status: StatusCode, body: Bytes) -> Response<Body> {
    pieces(status, Body::Whole(Full::new(body)))
}

/// An answer of `body`, without a type of its own.
pub(super) fn pieces(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().extend([NOSNIFF]);
    response
}

/// A body that keeps its permit until the last byte is sent, so that what waits to be sent is bounded.
pub(super) fn held(body: Vec<u8>, permit: ReadPermit) -> Bytes {
    struct Held(Vec<u8>, #[expect(dead_code, reason = "kept for its Drop")] ReadPermit);
    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    Bytes::from_owner(Held(body, permit))
}
