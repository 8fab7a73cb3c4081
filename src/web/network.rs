//! The network over REST: how it stands, and a wish for another one. What comes of that is the matter of `network`.

use hyper::StatusCode;
use hyper::body::Incoming;

use super::Server;
use super::auth::Peer;
use super::handlers::Accepted;
use super::handlers::from_json;
use super::handlers::whole;
use super::problem::Problem;
use super::reply;
use super::reply::Answer;
use crate::network::Link;
use crate::network::Refusal;
use crate::network::Report;
use crate::network::Wish;

/// `GET /api/network`
pub(super) fn show(server: &Server) -> Answer {
    let report = server.services.network.as_ref().and_then(|link| link.report());
    Ok(reply::json(StatusCode::OK, &report.unwrap_or_else(Report::off)))
}

/// `PUT /api/network/wifi`: answered before it is done, since the way to the client may be what changes.
pub(super) async fn join(server: &Server, body: Incoming) -> Answer {
    let link = link(server)?;
    let bytes = whole(body, server.services.settings.header_time_max).await?;
    let form = |error| {
        Problem::bad_request(format!(
            "the body is {{\"ssid\": ..., \"passphrase\": ..., \"country\": ...}}: {error}"
        ))
    };
    let wish: Wish = from_json(&bytes).map_err(form)?;
    wish.check().map_err(Problem::bad_request)?;
    link.join(wish)?;
    Ok(reply::json(StatusCode::ACCEPTED, &Accepted { accepted: true }))
}

/// Takes note that somebody who was let in came from there.
pub(super) fn reached(server: &Server, peer: Peer) {
    if let (Some(link), Some(local)) = (&server.services.network, peer.local) {
        link.reached(local);
    }
}

fn link(server: &Server) -> Result<&Link, Problem> {
    let link = server.services.network.as_deref();
    link.ok_or_else(|| Refusal::Absent.into())
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::Absent => Problem::new(StatusCode::NOT_IMPLEMENTED, refusal.to_string()),
            Refusal::Busy => Problem::new(StatusCode::CONFLICT, refusal.to_string()),
            Refusal::Full => Problem::unavailable(refusal.to_string()),
        }
    }
}
