//! The dashboard's files, in the binary, as a browser wants them: typed, packed by gzip, confined by a strict policy, and kept
//! for good under an address that changes with them (`/ui/VERSION/...`).
//!
//! `tools/dashboard` packs the files and writes their version into the page; `tests/dashboard.rs` holds what is packed against
//! what was written. Nothing here is unpacked or copied at run time: what is served are pages of the binary.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::Response;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;

use super::etag;
use super::problem::Problem;
use super::reply::Body;

/// Nothing from elsewhere, nothing inline; no other page may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Stands in the address of every file that the page loads.
const VERSION: &str = include_str!("dashboard/packed/version").trim_ascii();

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";

/// One file.
pub(super) struct Asset {
    content_type: &'static str,
    plain: Encoded,
    /// The same by gzip.
    packed: Option<Encoded>,
}

/// A file's bytes, and what tells them from other versions.
#[derive(Clone, Copy)]
struct Encoded {
    bytes: &'static [u8],
    hash: u64,
}

const fn encoded(bytes: &'static [u8]) -> Encoded {
    Encoded {
        bytes,
        hash: etag::fnv1a(bytes),
    }
}

const fn plain(content_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset {
        content_type,
        plain: encoded(bytes),
        packed: None,
    }
}

/// A file of the dashboard, as it was written and packed.
macro_rules! file {
    ($content_type:expr, $name:literal) => {
        Asset {
            content_type: $content_type,
            plain: encoded(include_bytes!(concat!("dashboard/", $name))),
            packed: Some(encoded(include_bytes!(concat!("dashboard/packed/", $name, ".gz")))),
        }
    };
}

pub(super) static PAGE: Asset = file!(HTML, "index.html");
pub(super) static ICON: Asset = file!(SVG, "icon.svg");
/// For programs of others, at an address that stays.
pub(super) static CLIENT: Asset = file!(SCRIPT, "lookout-client.js");

pub(super) static OPENAPI: Asset = plain(JSON, include_bytes!("docs/openapi.json"));
pub(super) static ASYNCAPI: Asset = plain(JSON, include_bytes!("docs/asyncapi.json"));
pub(super) static DOCS: Asset = plain(HTML, include_bytes!("docs/index.html"));
pub(super) static DOCS_STYLE: Asset = plain(CSS, include_bytes!("docs/docs.css"));
pub(super) static DOCS_SCRIPT: Asset = plain(SCRIPT, include_bytes!("docs/docs.js"));

/// What the page loads, by name.
static UI: &[(&str, Asset)] = &[
    ("access.js", file!(SCRIPT, "access.js")),
    ("api.js", file!(SCRIPT, "api.js")),
    ("app.css", file!(CSS, "app.css")),
    ("app.js", file!(SCRIPT, "app.js")),
    ("chart.js", file!(SCRIPT, "chart.js")),
    ("clip.js", file!(SCRIPT, "clip.js")),
    ("device.js", file!(SCRIPT, "device.js")),
    ("dom.js", file!(SCRIPT, "dom.js")),
    ("event.js", file!(SCRIPT, "event.js")),
    ("events.js", file!(SCRIPT, "events.js")),
    ("feed.js", file!(SCRIPT, "feed.js")),
    ("format.js", file!(SCRIPT, "format.js")),
    ("item.js", file!(SCRIPT, "item.js")),
    ("login.js", file!(SCRIPT, "login.js")),
    ("lookout-client.js", file!(SCRIPT, "lookout-client.js")),
    ("notify.js", file!(SCRIPT, "notify.js")),
    ("now.js", file!(SCRIPT, "now.js")),
    ("picture.js", file!(SCRIPT, "picture.js")),
    ("polygons.js", file!(SCRIPT, "polygons.js")),
    ("system.js", file!(SCRIPT, "system.js")),
    ("timeline.js", file!(SCRIPT, "timeline.js")),
    ("tuning.js", file!(SCRIPT, "tuning.js")),
    ("update.js", file!(SCRIPT, "update.js")),
    ("whatif.js", file!(SCRIPT, "whatif.js")),
    ("zones.js", file!(SCRIPT, "zones.js")),
];

/// The file at `/ui/{path}`, where `path` is `VERSION/NAME`. One of another version is refused: a page is of one version, or
/// it is loaded anew.
pub(super) fn of_page(path: &str, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    let nothing = || Problem::new(StatusCode::NOT_FOUND, format!("there is no /ui/{path}"));
    let (version, name) = path.split_once('/').ok_or_else(nothing)?;
    let found = UI.iter().find(|(known, _)| *known == name && version == VERSION);
    let (_, asset) = found.ok_or_else(nothing)?;
    let mut response = asset.show(headers);
    let for_good = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, for_good);
    Ok(response)
}

impl Asset {
    /// The file, packed for one who can unpack it, or 304 to one who has it.
    pub(super) fn show(&'static self, headers: &HeaderMap) -> Response<Body> {
        let packed = self.packed.filter(|_| takes_gzip(headers));
        let Encoded { bytes, hash } = packed.unwrap_or(self.plain);
        let mut response = etag::answer(headers, hash, self.content_type, Bytes::from_static(bytes));
        let common = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::REFERRER_POLICY, "no-referrer")];
        let vary = self.packed.map(|_| (header::VARY, "Accept-Encoding"));
        let encoding = packed.map(|_| (header::CONTENT_ENCODING, "gzip"));
        let fields = common.into_iter().chain(vary).chain(encoding);
        let headers = response.headers_mut();
        headers.extend(fields.map(|(name, value): (HeaderName, _)| (name, HeaderValue::from_static(value))));
        response
    }
}

/// Whether the request says that gzip is understood (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(header::ACCEPT_ENCODING).into_iter();
    let mut codings = fields.filter_map(|field| field.to_str().ok()).flat_map(|field| field.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}
