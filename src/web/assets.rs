//! The dashboard's files, in the binary, as a browser wants them: typed, revalidated by ETag, confined by a strict policy.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::Response;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;

use super::etag;
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

pub(super) static OPENAPI: Asset = asset("application/json", include_bytes!("docs/openapi.json"));
pub(super) static ASYNCAPI: Asset = asset("application/json", include_bytes!("docs/asyncapi.json"));
pub(super) static DOCS: Asset = asset("text/html; charset=utf-8", include_bytes!("docs/index.html"));
pub(super) static DOCS_STYLE: Asset = asset("text/css; charset=utf-8", include_bytes!("docs/docs.css"));
pub(super) static DOCS_SCRIPT: Asset = asset("text/javascript; charset=utf-8", include_bytes!("docs/docs.js"));

const fn asset(content_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset {
        content_type,
        bytes,
        hash: etag::fnv1a(bytes),
    }
}

impl Asset {
    /// The file, or 304 to one who has it.
    pub(super) fn show(&'static self, headers: &HeaderMap) -> Response<Body> {
        let mut response = etag::answer(headers, self.hash, self.content_type, Bytes::from_static(self.bytes));
        let common = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::REFERRER_POLICY, "no-referrer")];
        let headers = response.headers_mut();
        headers.extend(common.map(|(name, value): (HeaderName, _)| (name, HeaderValue::from_static(value))));
        response
    }
}
