//! Updates over REST: what runs and what became of the last update, a bundle taken in or fetched, a restart. What is done with it
//! is `ota`'s.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::body::Body as _;
use hyper::body::Incoming;
use hyper::header;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::timeout;

use super::Server;
use super::handlers::Accepted;
use super::handlers::from_json;
use super::handlers::whole;
use super::problem::Problem;
use super::reply;
use super::reply::Answer;
use crate::bus::BusError;
use crate::limits::UPDATE_STALL_MS_MAX;
use crate::limits::UPDATE_UPLOAD_MS_MAX;
use crate::limits::UPDATE_URL_BYTES_MAX;
use crate::ota::BUNDLE_MAGIC;
use crate::ota::Bundle;
use crate::ota::Refusal;
use crate::ota::Updater;
use crate::ota::Upload;

/// Where a bundle is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    /// The installer reads it by itself, piece by piece; the server has to answer ranges.
    #[schemars(length(max = 2048), regex(pattern = "^https?://"))]
    url: String,
}

/// `GET /api/update`
pub(super) async fn show(server: &Server) -> Answer {
    Ok(reply::json(StatusCode::OK, &updater(server)?.report().await))
}

/// `POST /api/update`: a bundle, or where it is. Answered once the installer has taken it on.
pub(super) async fn begin(server: &Server, headers: &HeaderMap, body: Incoming) -> Answer {
    let updater = updater(server)?;
    let lane = updater.claim()?;
    let accepted = if is_json(headers) {
        let bytes = whole(body, server.services.settings.header_time_max).await?;
        updater.take_address(lane, address(&bytes)?).await?
    } else {
        updater.take_file(lane, receive(updater, body).await?).await?
    };
    Ok(reply::json(StatusCode::ACCEPTED, &accepted))
}

/// `POST /api/update/reboot`
pub(super) async fn reboot(server: &Server) -> Answer {
    updater(server)?.reboot().await?;
    tracing::info!("a restart of the machine was asked for");
    Ok(reply::json(StatusCode::ACCEPTED, &Accepted { accepted: true }))
}

fn updater(server: &Server) -> Result<&Updater, Problem> {
    let updater = server.services.updater.as_deref();
    updater.ok_or_else(|| Refusal::Off.into())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    })
}

fn address(bytes: &[u8]) -> Result<String, Problem> {
    let form = || Problem::bad_request("the body is {\"url\": \"https://...\"}, or a bundle of another Content-Type");
    let Address { url } = from_json(bytes).map_err(|_| form())?;
    let known = url.starts_with("https://") || url.starts_with("http://");
    let plain = url.len() <= UPDATE_URL_BYTES_MAX && url.bytes().all(|byte| byte.is_ascii_graphic());
    if known && plain { Ok(url) } else { Err(form()) }
}

/// The whole body in a file; refused as early as it can be told.
async fn receive(updater: &Updater, mut body: Incoming) -> Result<Bundle, Problem> {
    let bytes = body.size_hint().exact().unwrap_or(u64::MAX);
    if bytes <= BUNDLE_MAGIC.len() as u64 {
        return Err(no_bundle());
    }
    let upload = updater.receive(bytes)?;
    let all = timeout(Duration::from_millis(UPDATE_UPLOAD_MS_MAX), copy(&mut body, &upload)).await;
    all.map_err(|_| too_slow())??;
    upload.finish().await.map_err(|error| Refusal::Disk(error.to_string()).into())
}

/// Hands on piece by piece; the length is hyper's to keep.
async fn copy(body: &mut Incoming, upload: &Upload) -> Result<(), Problem> {
    let mut magic = &BUNDLE_MAGIC[..];
    while let Some(bytes) = piece(body).await? {
        let count = magic.len().min(bytes.len());
        if bytes[..count] != magic[..count] {
            return Err(no_bundle());
        }
        magic = &magic[count..];
        if !upload.add(bytes).await {
            return Ok(()); // why is told at its end
        }
    }
    Ok(())
}

/// The next piece of the body, in time.
async fn piece(body: &mut Incoming) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = timeout(Duration::from_millis(UPDATE_STALL_MS_MAX), body.frame()).await;
        match frame.map_err(|_| too_slow())? {
            None => return Ok(None),
            Some(Err(error)) => return Err(Problem::bad_request(format!("the bundle is cut short: {error}"))),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "the bundle did not come in time")
}

fn no_bundle() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is no bundle of RAUC's")
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let status = match &refusal {
            Refusal::Off => StatusCode::NOT_IMPLEMENTED,
            Refusal::Busy => StatusCode::CONFLICT,
            Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::NoRoom { .. } => StatusCode::INSUFFICIENT_STORAGE,
            Refusal::Incompatible { .. } | Refusal::Older { .. } | Refusal::Unversioned(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::Bundle(_) | Refusal::Installer(BusError::Refused(_) | BusError::Denied(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::Installer(_) => return Problem::unavailable(refusal.to_string()),
            Refusal::Disk(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, refusal.to_string())
    }
}
