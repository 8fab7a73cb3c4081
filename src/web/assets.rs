//! The dashboard's files, in the binary, as a browser wants them: typed, revalidated by ETag, confined by a strict policy.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::Response;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;

use super::reply;
use super::reply::Body;

/// Nothing from elsewhere, nothing inline; no other page may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file of the dashboard.
pub(super) struct Asset {
    content_type: &'static str,
    bytes: &'static [u8],
    hash: u64,
}

pub(super) static PAGE: Asset = asset("text/html; charset=utf-8", include_bytes!("dashboard/index.html"));
pub(super) static STYLE: Asset = asset("text/css; charset=utf-8", include_bytes!("dashboard/app.css"));
pub(super) static APP: Asset = asset("text/javascript; charset=utf-8", include_bytes!("dashboard/app.js"));
pub(super) static CLIENT: Asset = asset("text/javascript; charset=utf-8", include_bytes!("dashboard/client.js"));
pub(super) static LOGIN: Asset = asset("text/javascript; charset=utf-8", include_bytes!("dashboard/login.js"));
pub(super) static VIEW: Asset = asset("text/javascript; charset=utf-8", include_bytes!("dashboard/view.js"));
pub(super) static ICON: Asset = asset("image/svg+xml", include_bytes!("dashboard/icon.svg"));

const fn asset(content_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset {
        content_type,
        bytes,
        hash: fnv1a(bytes),
    }
}

/// FNV-1a, 64 bits: tells one version of a file from another, at compile time.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let (mut hash, mut n) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while n < bytes.len() {
        hash = (hash ^ bytes[n] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        n += 1;
    }
    hash
}

impl Asset {
    /// The file, or 304 to one who has it.
    pub(super) fn show(&'static self, headers: &HeaderMap) -> Response<Body> {
        let etag = format!("\"{:016x}\"", self.hash);
        let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        let fresh = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
        let mut response = if fresh {
            reply::plain(StatusCode::NOT_MODIFIED, Bytes::new())
        } else {
            reply::plain(StatusCode::OK, Bytes::from_static(self.bytes))
        };
        let common = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        let headers = response.headers_mut();
        headers.extend(common.map(|(name, value): (HeaderName, _)| (name, HeaderValue::from_static(value))));
        headers.extend(HeaderValue::from_str(&etag).ok().map(|etag| (header::ETAG, etag)));
        response
    }
}
