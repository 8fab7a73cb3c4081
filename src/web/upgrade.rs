//! From HTTP to WebSocket: the opening handshake of RFC 6455, section 4.2.

use hyper::HeaderMap;
use hyper::Response;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::auth;
use super::problem::Problem;
use super::reply;
use super::reply::Body;

/// Characters of a `Sec-WebSocket-Key`: 16 bytes in base64.
const KEY_CHARS: usize = 24;

/// The answer that turns the connection into a WebSocket, if that is what was asked for.
pub(super) fn accept(headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    if !has_token(headers, header::UPGRADE, "websocket") || !has_token(headers, header::CONNECTION, "upgrade") {
        let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket");
        return Err(problem.with(header::UPGRADE, HeaderValue::from_static("websocket")));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "WebSocket version 13 is spoken here");
        return Err(problem.with(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == KEY_CHARS);
    let key = key.ok_or_else(|| Problem::bad_request("Sec-WebSocket-Key is missing or not 16 bytes in base64"))?;
    let accept =
        HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| Problem::bad_request("Sec-WebSocket-Key is not base64"))?;
    let mut response = reply::plain(StatusCode::SWITCHING_PROTOCOLS, Default::default());
    response.headers_mut().extend([
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ]);
    let protocol = auth::protocol(headers);
    response
        .headers_mut()
        .extend(protocol.map(|protocol| (header::SEC_WEBSOCKET_PROTOCOL, protocol)));
    Ok(response)
}

/// Whether a field that is a list of words has `token` among them.
fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}
