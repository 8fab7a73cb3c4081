//! Plain HTTP where TLS is spoken: whoever comes is told the same address under `https`, and nothing else.

use std::convert::Infallible;
use std::future::poll_fn;

use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header;
use hyper::header::HeaderValue;
use hyper::http::uri::Authority;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Server;
use super::connection;
use super::counters::count;
use super::problem::Problem;
use super::reply::Body;
use super::socket::Socket;
use super::socket::linger;
use super::waiting::Answers;
use super::waiting::Waiting;

/// The port that `https` needs not name.
const HTTPS_PORT: u16 = 443;

/// Answers one request under the limits of any other, and hangs up.
pub(super) async fn run(server: &Server, stream: TcpStream) {
    let settings = &server.services.settings;
    count(&server.counters.redirected);
    let answers = Answers::default();
    let answer = service_fn(|request: Request<Incoming>| {
        let answer = elsewhere(&request, server.port).unwrap_or_else(Problem::response);
        std::future::ready(Ok::<_, Infallible>(answers.begin().with(answer)))
    });
    let socket = Socket::new(stream, settings.client_stall_max);
    let io = TokioIo::new(Waiting::new(socket, settings, &answers));
    let mut http = connection::http(settings).keep_alive(false).serve_connection(io, answer);
    let ended = poll_fn(|cx| http.poll_without_shutdown(cx)).await;
    let (mut socket, _) = connection::part(server, http.into_parts(), ended).await;
    linger(&mut socket).await;
}

/// The same address under `https` on `port`: permanently, and with the method that was asked with.
fn elsewhere(request: &Request<Incoming>, port: u16) -> Result<Response<Body>, Problem> {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host: Authority = named
        .and_then(|host| host.parse().ok())
        .ok_or_else(|| Problem::bad_request("a request names one Host"))?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = match port {
        HTTPS_PORT => format!("https://{}{path}", host.host()),
        port => format!("https://{}:{port}{path}", host.host()),
    };
    let location = HeaderValue::try_from(location).map_err(|_| Problem::bad_request("the address cannot be sent on"))?;
    let tls = Problem::new(StatusCode::PERMANENT_REDIRECT, "this device speaks TLS").with(header::LOCATION, location);
    Ok(tls.response())
}
