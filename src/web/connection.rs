//! One connection, from accept to hang-up: HTTP requests, one of which may turn it into a WebSocket.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use hyper::HeaderMap;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::Uri;
use hyper::Version;
use hyper::body::Incoming;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncWriteExt;

use super::Leaving;
use super::Server;
use super::Settings;
use super::admission::Door;
use super::admission::Place;
use super::broadcast;
use super::cors;
use super::cors::CorsOrigin;
use super::counters::count;
use super::events;
use super::handlers;
use super::health;
use super::logs;
use super::metrics;
use super::problem::Problem;
use super::query;
use super::reply::Body;
use super::routes;
use super::routes::Endpoint;
use super::session;
use super::socket::Socket;
use super::socket::linger;
use super::system;
use super::upgrade;
use crate::limits::HTTP_BUFFER_BYTES;
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::wire;

/// Names a request, in the answer's header and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the requests of one connection: by what the client calls them, or else by their number.
struct Requests<'a> {
    connection: &'a str,
    count: AtomicU32,
}

impl Requests<'_> {
    fn of(connection: &str) -> Requests<'_> {
        Requests {
            connection,
            count: AtomicU32::new(0),
        }
    }

    fn name(&self, headers: &HeaderMap) -> HeaderValue {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let usable = |id: &&HeaderValue| (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain);
        let own = || HeaderValue::try_from(format!("{}-{}", self.connection, number));
        let given = headers.get(REQUEST_ID).filter(usable).cloned();
        given.unwrap_or_else(|| own().unwrap_or(HeaderValue::from_static("-")))
    }
}

/// A WebSocket that was asked for and granted.
struct Opened {
    door: wire::Door,
    start: session::Start,
}

/// Serves one connection until it is over; `place` is free again then.
pub(super) async fn run(server: Arc<Server>, socket: Socket, place: Place, mut leaving: Leaving) {
    let opened = OnceLock::new();
    let (mut socket, read) = {
        let requests = Requests::of(&place.id);
        let answer = service_fn(|request| Box::pin(answer(&server, request, &opened, &requests)));
        let mut http = http(&server.services.settings).serve_connection(TokioIo::new(socket), answer);
        let told = tokio::select! {
            ended = poll_fn(|cx| http.poll_without_shutdown(cx)) => Some(ended),
            () = leaving.told() => None,
        };
        let ended = match told {
            Some(ended) => ended,
            None => {
                Pin::new(&mut http).graceful_shutdown();
                poll_fn(|cx| http.poll_without_shutdown(cx)).await
            }
        };
        let parts = http.into_parts();
        let mut socket = parts.io.into_inner();
        if let Err(error) = ended {
            explain(&server, &mut socket, &error, parts.read_buf.is_empty()).await;
        }
        // A copy of what is left, mostly nothing: the bytes themselves would keep the whole request's buffer.
        (socket, parts.read_buf.to_vec())
    };
    match opened.get() {
        Some(Opened { door, start }) => {
            place.move_to(Door::Events);
            let client = session::Client {
                id: &place.id,
                door: *door,
                start: *start,
            };
            // Boxed: requests, far more frequent, need not be as large as a stream.
            Box::pin(session::run(&server, socket, read, client, &mut leaving)).await;
        }
        None => linger(&mut socket).await,
    }
}

/// Every limit explicit. A connection without a request is closed after `header_time_max`, too.
fn http(settings: &Settings) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.header_time_max)
        .max_headers(settings.header_fields_max)
        .max_header_size(settings.header_bytes_max)
        .max_buf_size(HTTP_BUFFER_BYTES)
        .half_close(false)
        .pipeline_flush(false)
        .auto_date_header(true);
    http
}

/// Tells a client that was too slow so, unless it only kept the connection open. What is malformed hyper answers itself.
async fn explain(server: &Server, socket: &mut Socket, error: &hyper::Error, silent: bool) {
    tracing::debug!(%error, "connection ended");
    if error.is_timeout() && !silent {
        count(&server.counters.slow_headers);
        let too_slow = Problem::new(StatusCode::REQUEST_TIMEOUT, "the request's header did not come in time");
        // It may be gone; then there is no one to tell.
        let _ = socket.write_all(&too_slow.raw()).await;
    }
}

async fn answer(
    server: &Server,
    request: Request<Incoming>,
    opened: &OnceLock<Opened>,
    requests: &Requests<'_>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let cors = &server.services.settings.cors_origin;
    let done = match check(cors, &head.method, head.version, &head.headers) {
        Ok(()) if head.method == Method::OPTIONS && cors.admits(&head.headers) => Ok(cors::preflight()),
        Ok(()) => dispatch(server, &head.method, &head.uri, &head.headers, body, opened).await,
        Err(problem) => Err(problem.with(header::CONNECTION, HeaderValue::from_static("close"))),
    };
    let mut response = done.unwrap_or_else(Problem::response);
    cors.allow(&head.headers, &mut response);
    let id = requests.name(&head.headers);
    tracing::debug!(request = ?id, method = %head.method, path = head.uri.path(), status = response.status().as_u16(), "request");
    response.headers_mut().insert(REQUEST_ID, id);
    Ok(response)
}

async fn dispatch(
    server: &Server,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Incoming,
    opened: &OnceLock<Opened>,
) -> Result<Response<Body>, Problem> {
    let (route, id) = routes::find(method, uri.path())?;
    match route.endpoint {
        Endpoint::Stream(door) => stream(server, door, uri.query(), headers, opened),
        Endpoint::ListEvents => events::list(server, uri.query(), headers).await,
        Endpoint::ShowEvent => events::show(server, id, headers).await,
        Endpoint::TriggerEvent => handlers::trigger_event(server),
        Endpoint::ShowArmed => handlers::show_armed(server),
        Endpoint::SetArmed => handlers::set_armed(server, body).await,
        Endpoint::Health => Ok(health::show(server)),
        Endpoint::DeleteEvent => events::delete(server, id).await,
        Endpoint::Bookmark => events::bookmark(server, id).await,
        Endpoint::Unbookmark => events::unbookmark(server, id).await,
        Endpoint::Zones => system::zones(server, headers),
        Endpoint::Tuning => system::tuning(server, headers),
        Endpoint::System => system::system(server).await,
        Endpoint::Test => broadcast::test(server, id, body).await,
        Endpoint::Announce => broadcast::announce(server, body).await,
        Endpoint::Alive => Ok(health::alive()),
        Endpoint::Ready => Ok(health::ready(server)),
        Endpoint::Streams => Ok(health::streams(server)),
        Endpoint::Logs => logs::show(server, uri.query()),
        Endpoint::Metrics => metrics::show(server).await,
        Endpoint::Asset(asset) => Ok(asset.show(headers)),
    }
}

/// `GET` of one of the stream's doors.
fn stream(
    server: &Server,
    door: wire::Door,
    query: Option<&str>,
    headers: &HeaderMap,
    opened: &OnceLock<Opened>,
) -> Result<Response<Body>, Problem> {
    same_origin(&server.services.settings.cors_origin, headers)?;
    let start = query::start(query)?;
    let response = upgrade::accept(headers)?;
    // One connection turns into a stream once: hyper takes no request after that.
    let _ = opened.set(Opened { door, start });
    Ok(response)
}

/// What hyper lets through and we do not: a request that others on the way might understand differently, and one
/// that changes something for a page from elsewhere.
fn check(cors: &CorsOrigin, method: &Method, version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let hosts = headers.get_all(header::HOST).into_iter().count();
    if hosts > 1 || (hosts == 0 && version != Version::HTTP_10) {
        return Err(Problem::bad_request("a request names one Host"));
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Problem::bad_request("a body comes with its Content-Length, not in chunks"));
    }
    if method.is_safe() { Ok(()) } else { same_origin(cors, headers) }
}

/// A browser says from which page a request comes; only ours and the one that the configuration
/// names may open streams and change things. Programs say nothing.
fn same_origin(cors: &CorsOrigin, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin_host = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, host)| host);
    match (origin_host, host) {
        _ if cors.admits(headers) => Ok(()),
        (Some(origin_host), Some(host)) if origin_host.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Problem::new(StatusCode::FORBIDDEN, "pages of another origin are not let in")),
    }
}
