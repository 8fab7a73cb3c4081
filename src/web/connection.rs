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
use hyper::Version;
use hyper::body::Incoming;
use hyper::header;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::server::conn::http1::Parts;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tracing::Instrument;

use super::Leaving;
use super::Server;
use super::Settings;
use super::Stream;
use super::admission::Door;
use super::admission::Place;
use super::assets;
use super::auth;
use super::auth::Asked;
use super::auth::Peer;
use super::auth::Seat;
use super::broadcast;
use super::cors;
use super::cors::CorsOrigin;
use super::counters::count;
use super::events;
use super::handlers;
use super::health;
use super::live;
use super::logs;
use super::metrics;
use super::network;
use super::pictures;
use super::problem::Problem;
use super::query;
use super::reply::Body;
use super::routes;
use super::routes::Endpoint;
use super::routes::Route;
use super::session;
use super::socket::Socket;
use super::socket::linger;
use super::system;
use super::tuning;
use super::update;
use super::upgrade;
use super::waiting::Answers;
use super::waiting::Failure;
use super::waiting::Waiting;
use crate::identity::Caller;
use crate::limits::HTTP_BUFFER_BYTES;
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::wire;
use crate::wire::close;
use crate::wire::close::Close;

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

type Answer = Result<Response<Body>, Problem>;

/// A WebSocket that was asked for and granted.
struct Opened {
    door: wire::Door,
    start: session::Start,
    caller: Caller,
}

/// A connection, and what its requests make of it.
struct Visit {
    peer: Peer,
    opened: OnceLock<Opened>,
    /// The place that it takes among the streams of its user.
    seat: OnceLock<Seat>,
    /// A WebSocket that was opened only to be closed.
    turned_away: OnceLock<Close>,
}

/// Serves one connection until it is over, when `place` is free again, or until it becomes a stream, which takes it along.
pub(super) async fn run(server: Arc<Server>, socket: Socket, peer: Peer, place: Place, mut leaving: Leaving) -> Option<Stream> {
    let visit = Visit {
        peer,
        opened: OnceLock::new(),
        seat: OnceLock::new(),
        turned_away: OnceLock::new(),
    };
    let (mut socket, read) = {
        let (requests, answers) = (Requests::of(&place.id), Answers::default());
        let answer = service_fn(|request| {
            let under_way = answers.begin();
            let response = answer(&server, request, &visit, &requests);
            Box::pin(async { Ok::<_, Infallible>(under_way.with(response.await)) })
        });
        let settings = &server.services.settings;
        let io = TokioIo::new(Waiting::new(socket, settings, &answers));
        let mut http = http(settings).serve_connection(io, answer);
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
        part(&server, http.into_parts(), ended).await
    };
    let Visit {
        opened, seat, turned_away, ..
    } = visit;
    match (turned_away.into_inner(), opened.into_inner(), seat.into_inner()) {
        (Some(reason), ..) => auth::close(&server.services.settings, socket, read, reason).await,
        (None, Some(Opened { door, start, caller }), Some(seat)) => {
            tracing::info!(user = caller.user(), scope = %caller.scope, "let in");
            place.move_to(Door::Events);
            let client = session::Client {
                place,
                seat,
                caller,
                door,
                start,
            };
            return Some(Box::pin(session::run(server, socket, read, client, leaving).in_current_span()));
        }
        (None, ..) => linger(&mut socket).await,
    }
    None
}

/// Every limit explicit, but for times: those are `waiting.rs`'s.
pub(super) fn http(settings: &Settings) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.header_read_timeout(None)
        .max_headers(settings.header_fields_max)
        .max_header_size(settings.header_bytes_max)
        .max_buf_size(HTTP_BUFFER_BYTES)
        .half_close(false)
        .pipeline_flush(false)
        .auto_date_header(true);
    http
}

/// What is left of a connection that hyper is done with, and what came on it after the last request; whose request failed was told so.
pub(super) async fn part<S>(server: &Server, parts: Parts<TokioIo<Waiting<'_>>, S>, ended: hyper::Result<()>) -> (Socket, Vec<u8>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
    let (mut socket, failure) = parts.io.into_inner().into_parts();
    if let Some(problem) = failure.and_then(|failure| explain(server, failure, parts.read_buf.is_empty())) {
        // It may be gone; then there is no one to tell.
        let _ = socket.write_all(&problem.raw()).await;
    }
    // A copy of what is left, mostly nothing: the bytes themselves would keep the whole request's buffer.
    (socket, parts.read_buf.to_vec())
}

/// What there is to say to a client whose request failed: nothing to one that only kept the connection open.
fn explain(server: &Server, failure: Failure, silent: bool) -> Option<Problem> {
    let (status, why) = match failure {
        Failure::Late if silent => {
            count(&server.counters.idle);
            return None;
        }
        Failure::Late => {
            count(&server.counters.slow_headers);
            (StatusCode::REQUEST_TIMEOUT, "the request's header did not come in time")
        }
        Failure::Malformed(status @ StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => {
            (status, "the request's header is too long, or has too many fields")
        }
        Failure::Malformed(status @ StatusCode::URI_TOO_LONG) => (status, "the request's address is too long"),
        Failure::Malformed(status) => (status, "this is no request of HTTP/1.1"),
    };
    Some(Problem::new(status, why))
}

async fn answer(server: &Server, request: Request<Incoming>, visit: &Visit, requests: &Requests<'_>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let cors = &server.services.settings.cors_origin;
    let asked = Asked {
        method: &head.method,
        uri: &head.uri,
        headers: &head.headers,
        peer: visit.peer,
    };
    let done = match check(cors, &head.method, head.version, &head.headers) {
        Ok(()) if head.method == Method::OPTIONS && cors.admits(&head.headers) => Ok(cors::preflight()),
        Ok(()) => dispatch(server, asked, body, visit).await,
        Err(problem) => Err(problem.with(header::CONNECTION, HeaderValue::from_static("close"))),
    };
    let mut response = done.unwrap_or_else(Problem::response);
    cors.allow(&head.headers, &mut response);
    let id = requests.name(&head.headers);
    tracing::debug!(request = ?id, method = %head.method, path = head.uri.path(), status = response.status().as_u16(), "request");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

async fn dispatch(server: &Server, asked: Asked<'_>, body: Incoming, visit: &Visit) -> Answer {
    let (route, id) = routes::find(asked.method, asked.uri.path())?;
    let admitted = auth::admit(server, route, asked);
    let caller = match admitted {
        Err(_) if route.closes_strangers() => {
            return turn_away(&server.services.settings.cors_origin, asked.headers, visit, close::UNKNOWN);
        }
        admitted => admitted?,
    };
    auth::keep(&server.access);
    if caller.is_some() {
        network::reached(server, asked.peer);
    }
    let query = auth::without_token(asked.uri.query());
    let query = query.as_deref();
    match route.endpoint {
        Endpoint::Stream(door) => stream(server, route, door, auth::known(caller)?, asked, query, visit),
        Endpoint::ListEvents => events::list(server, query, asked.headers).await,
        Endpoint::ShowEvent => events::show(server, id, asked.headers).await,
        Endpoint::TriggerEvent => handlers::trigger_event(server),
        Endpoint::ShowArmed => handlers::show_armed(server),
        Endpoint::SetArmed => handlers::set_armed(server, body).await,
        Endpoint::Health => Ok(health::show(server)),
        Endpoint::DeleteEvent => events::delete(server, id).await,
        Endpoint::Bookmark => events::bookmark(server, id).await,
        Endpoint::Unbookmark => events::unbookmark(server, id).await,
        Endpoint::Zones => tuning::zones(server, asked.headers),
        Endpoint::SetZones => tuning::set_zones(server, body).await,
        Endpoint::Tuning => tuning::show(server, asked.headers),
        Endpoint::Scores => tuning::scores(server),
        Endpoint::SetTuning => tuning::set(server, body).await,
        Endpoint::ExportConfig => tuning::export(server),
        Endpoint::ImportConfig => tuning::import(server, body).await,
        Endpoint::System => system::system(server).await,
        Endpoint::Certificate => Ok(system::certificate(server)),
        Endpoint::Test => broadcast::test(server, id, body).await,
        Endpoint::Announce => broadcast::announce(server, body).await,
        Endpoint::Alive => Ok(health::alive()),
        Endpoint::Ready => Ok(health::ready(server)),
        Endpoint::Streams => Ok(health::streams(server)),
        Endpoint::Logs => logs::show(server, query),
        Endpoint::Metrics => metrics::show(server).await,
        Endpoint::Account(action) => auth::answer(server, action, caller, id, asked, body).await,
        Endpoint::Update => update::show(server).await,
        Endpoint::BeginUpdate => Box::pin(update::begin(server, asked.headers, body)).await,
        Endpoint::Reboot => update::reboot(server).await,
        Endpoint::Network => network::show(server),
        Endpoint::JoinNetwork => network::join(server, body).await,
        Endpoint::Snapshot => pictures::snapshot(server, id, asked.headers).await,
        Endpoint::Clip => pictures::clip(server, id, asked.headers).await,
        Endpoint::ClipFrames => pictures::frames(server, id, asked.headers).await,
        Endpoint::LiveSnapshot => live::snapshot(server).await,
        Endpoint::LivePictures => live::multipart(server, asked.method, query, caller),
        Endpoint::Asset(asset) => Ok(asset.show(asked.headers)),
        Endpoint::Ui => assets::of_page(id, asked.headers),
    }
}

/// A door: the connection becomes a WebSocket, if its user may have one more.
fn stream(
    server: &Server,
    route: &Route,
    door: wire::Door,
    caller: Caller,
    asked: Asked<'_>,
    query: Option<&str>,
    visit: &Visit,
) -> Answer {
    let cors = &server.services.settings.cors_origin;
    auth::same_origin(cors, asked.headers)?;
    let start = query::start(query)?;
    let response = upgrade::accept(asked.headers)?;
    match server.access.seat(&caller) {
        Some(seat) => {
            // One connection turns into a stream once: hyper takes no request after that.
            let _ = visit.seat.set(seat);
            let _ = visit.opened.set(Opened { door, start, caller });
            Ok(response)
        }
        None if route.closes_strangers() => turn_away(cors, asked.headers, visit, close::TOO_MANY),
        None => Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, close::TOO_MANY.reason)),
    }
}

/// Opens a WebSocket that will be closed at once.
fn turn_away(cors: &CorsOrigin, headers: &HeaderMap, visit: &Visit, reason: Close) -> Answer {
    auth::same_origin(cors, headers)?;
    let response = upgrade::accept(headers)?;
    let _ = visit.turned_away.set(reason);
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
    if method.is_safe() {
        Ok(())
    } else {
        auth::same_origin(cors, headers)
    }
}
