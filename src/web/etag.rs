//! Which version of an answer someone has: entity tags (RFC 9110, section 8.8.3), and 304 for one who has the newest.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::Response;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;

use super::reply;
use super::reply::Body;

/// FNV-1a, 64 bits: tells one version of an answer from another, at compile time too.
pub(super) const fn fnv1a(bytes: &[u8]) -> u64 {
    let (mut hash, mut n) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while n < bytes.len() {
        hash = (hash ^ bytes[n] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        n += 1;
    }
    hash
}

/// The content with this `hash`, or 304 to one whose request says that it has it. It may be kept, and is to be asked for anew.
pub(super) fn answer(asked: &HeaderMap, hash: u64, content_type: &'static str, content: Bytes) -> Response<Body> {
    let etag = format!("\"{hash:016x}\"");
    let mut response = if has(asked, &etag) {
        reply::plain(StatusCode::NOT_MODIFIED, Bytes::new())
    } else {
        reply::plain(StatusCode::OK, content)
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.extend(HeaderValue::from_str(&etag).ok().map(|etag| (header::ETAG, etag)));
    response
}

/// The JSON `content`, likewise.
pub(super) fn json(asked: &HeaderMap, content: Bytes) -> Response<Body> {
    answer(asked, fnv1a(&content), "application/json", content)
}

/// Whether the request says that it has the version of this tag.
pub(super) fn has(asked: &HeaderMap, etag: &str) -> bool {
    let known = asked
        .get_all(header::IF_NONE_MATCH)
        .into_iter()
        .filter_map(|tags| tags.to_str().ok());
    known
        .flat_map(|tags| tags.split(','))
        .any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag)
}
