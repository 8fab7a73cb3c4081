//! The live picture: one of now, one after another in a multipart answer, and at a viewer's own rate for whoever shows them.
//! Latest wins: a viewer that is slow skips, and nobody waits for it.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::StreamExt;
use futures_util::stream;
use hyper::Method;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;
use tokio::time::Interval;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::timeout;

use super::Server;
use super::auth;
use super::auth::Held;
use super::body::Body;
use super::problem::Problem;
use super::query::Parameters;
use super::reply;
use super::reply::Answer;
use crate::identity::Caller;
use crate::limits::LIVE_FPS_DEFAULT;
use crate::limits::LIVE_FPS_MAX;
use crate::limits::LIVE_WAIT_MS_MAX;
use crate::media::Picture;
use crate::media::Seat;

/// What the multipart answer may be asked by.
pub(super) const PARAMETERS: [&str; 1] = ["fps"];
/// What stands between its pictures.
const MULTIPART: &str = "multipart/x-mixed-replace; boundary=frame";

/// One who looks at the live picture, so many times a second at most.
pub(super) struct Viewer {
    seat: Seat,
    pace: Interval,
    /// It is time for the next picture, and none was there yet.
    due: bool,
}

impl Viewer {
    /// One more who looks; none when as many do as may.
    pub(super) fn new(server: &Server, fps: u32) -> Option<Viewer> {
        server.services.desk.look(fps).map(|seat| Viewer {
            seat,
            pace: pace(fps),
            due: false,
        })
    }

    /// Looks at another rate from now on.
    pub(super) fn set_rate(&mut self, fps: u32) {
        self.seat.set_rate(fps);
        self.pace = pace(fps);
    }

    /// The newest picture once it is time for one; `None` when no more come. Dropped half-way it loses nothing.
    pub(super) async fn next(&mut self) -> Option<Picture> {
        if !self.due {
            self.pace.tick().await;
            self.due = true;
        }
        let picture = self.seat.next().await;
        self.due = false;
        picture
    }
}

fn pace(fps: u32) -> Interval {
    let mut pace = interval(Duration::from_secs(1) / fps.max(1));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

fn full(server: &Server) -> Problem {
    Problem::unavailable(full_words(server.services.desk.settings().viewers_max))
}

/// Why there is no seat.
pub(super) fn full_words(viewers_max: usize) -> String {
    format!("as many look at the live picture as may: {viewers_max}")
}

/// `GET /api/snapshot.jpg`
pub(super) async fn snapshot(server: &Server) -> Answer {
    let mut seat = server.services.desk.look(LIVE_FPS_MAX).ok_or_else(|| full(server))?;
    let picture = timeout(Duration::from_millis(LIVE_WAIT_MS_MAX), seat.next()).await;
    let picture = picture
        .ok()
        .flatten()
        .ok_or_else(|| Problem::unavailable("the camera gives no picture"))?;
    Ok(reply::api(StatusCode::OK, "image/jpeg", picture.jpeg))
}

/// `GET /api/live.mjpg`
pub(super) fn multipart(server: &Server, method: &Method, query: Option<&str>, caller: Option<Caller>) -> Answer {
    let given = Parameters::parse(query, &PARAMETERS)?;
    let fps = given.count("fps", LIVE_FPS_MAX as usize, LIVE_FPS_DEFAULT as usize)? as u32;
    let held = auth::held(&server.access, auth::known(caller)?);
    let pictures: super::body::Pieces = if *method == Method::HEAD {
        Box::pin(stream::empty())
    } else {
        Box::pin(parts(Viewer::new(server, fps).ok_or_else(|| full(server))?, held))
    };
    let mut response = reply::pieces(StatusCode::OK, Body::Pieces(pictures, None));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MULTIPART));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Each picture with its head, for as long as who asked may look.
fn parts(viewer: Viewer, held: Held) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let pictures = stream::unfold((viewer, held), |(mut viewer, held)| async move {
        let picture = viewer.next().await.filter(|_| held.holds())?;
        Some((picture, (viewer, held)))
    });
    pictures.flat_map(|picture| {
        let head = format!(
            "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
            picture.jpeg.len()
        );
        stream::iter([Bytes::from(head), picture.jpeg, Bytes::from_static(b"\r\n")].map(Ok))
    })
}
