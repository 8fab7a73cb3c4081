//! Pictures of stored events over REST: files, whole or in part (RFC 9110, section 14), and the index of a clip.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;
use tokio::task::spawn_blocking;

use super::Server;
use super::body::Body;
use super::etag;
use super::events::number;
use super::problem::Problem;
use super::reply;
use super::reply::Answer;
use crate::limits::FILE_PIECE_BYTES;
use crate::media::Index;
use crate::media::ReelError;
use crate::store::PictureKind;

/// A picture's file, and what tells one version of it from another.
struct Opened {
    file: File,
    bytes: u64,
    etag: String,
}

/// `GET /api/events/{id}/snapshot.jpg`
pub(super) async fn snapshot(server: &Server, id: &str, headers: &HeaderMap) -> Answer {
    let id = number(id)?;
    let name = format!("inline; filename=\"event-{id}.jpg\"");
    show(server, id, PictureKind::Snapshot, ("image/jpeg", &name), headers).await
}

/// `GET /api/events/{id}/clip`
pub(super) async fn clip(server: &Server, id: &str, headers: &HeaderMap) -> Answer {
    let id = number(id)?;
    let name = format!("inline; filename=\"event-{id}.mov\"");
    show(server, id, PictureKind::Clip, ("video/quicktime", &name), headers).await
}

/// `GET /api/events/{id}/clip/frames`
pub(super) async fn frames(server: &Server, id: &str, headers: &HeaderMap) -> Answer {
    let id = number(id)?;
    let files = server.services.desk.files().clone();
    let read = move || Index::read(&mut files.open(id, PictureKind::Clip)?);
    let (index, permit) = server.reads.now(move |_| Ok(read())).await?;
    let index = index.map_err(|error| match error {
        ReelError::Io(error) => absent(id, &error),
        error => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    })?;
    Ok(etag::json(headers, reply::held(reply::to_json(&index), permit)))
}

async fn show(server: &Server, id: u64, kind: PictureKind, (content_type, name): (&'static str, &str), asked: &HeaderMap) -> Answer {
    let files = server.services.desk.files().clone();
    let (opened, _) = server.reads.now(move |_| Ok(files.open(id, kind).and_then(look_at))).await?;
    let Opened { file, bytes, etag } = opened.map_err(|error| absent(id, &error))?;
    let part = wanted(asked, &etag, bytes);
    let mut response = match &part {
        _ if etag::has(asked, &etag) => reply::plain(StatusCode::NOT_MODIFIED, Bytes::new()),
        Part::None => return Err(unsatisfiable(bytes)),
        Part::Whole => reply::pieces(StatusCode::OK, Body::Pieces(Box::pin(pieces(file, 0..bytes)), Some(bytes))),
        Part::Of(range) => {
            let length = range.end - range.start;
            let body = Body::Pieces(Box::pin(pieces(file, range.clone())), Some(length));
            let mut response = reply::pieces(StatusCode::PARTIAL_CONTENT, body);
            let place = format!("bytes {}-{}/{bytes}", range.start, range.end - 1);
            response
                .headers_mut()
                .extend(HeaderValue::try_from(place).map(|place| (header::CONTENT_RANGE, place)));
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.extend(HeaderValue::from_str(name).map(|name| (header::CONTENT_DISPOSITION, name)));
    headers.extend(HeaderValue::try_from(etag).map(|etag| (header::ETAG, etag)));
    Ok(response)
}

/// A file is replaced as a whole, never changed: its length and its time tell versions apart.
fn look_at(file: File) -> io::Result<Opened> {
    let about = file.metadata()?;
    let etag = format!("\"{:x}-{:x}-{:x}\"", about.len(), about.mtime(), about.mtime_nsec());
    let bytes = about.len();
    Ok(Opened { file, bytes, etag })
}

fn absent(id: u64, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::NotFound => Problem::new(StatusCode::NOT_FOUND, format!("event {id} has no such picture, or no longer")),
        _ => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the picture cannot be read: {error}")),
    }
}

fn unsatisfiable(bytes: u64) -> Problem {
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("it is {bytes} bytes long"));
    match HeaderValue::try_from(format!("bytes */{bytes}")) {
        Ok(length) => problem.with(header::CONTENT_RANGE, length),
        Err(_) => problem,
    }
}

/// Which part of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Of(Range<u64>),
    /// One that there is not.
    None,
}

/// What `Range` and `If-Range` ask of a file of so many `bytes`. Several ranges, or what is not understood, are as none.
fn wanted(asked: &HeaderMap, etag: &str, bytes: u64) -> Part {
    let text = |name| asked.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|known| known != etag) {
        return Part::Whole;
    }
    let range = text(header::RANGE).and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = super::query::number;
    let (from, to) = match (first, last) {
        ("", last) => match number(last) {
            Some(0) => return Part::None,
            Some(count) => (bytes.saturating_sub(count), bytes),
            None => return Part::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => (first, bytes),
            None => return Part::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => (first, bytes.min(last.saturating_add(1))),
            _ => return Part::Whole,
        },
    };
    if from < to { Part::Of(from..to) } else { Part::None }
}

/// A file piece by piece, read where waiting for a card is allowed.
fn pieces(file: File, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold((Arc::new(file), range), |(file, range)| async move {
        if range.is_empty() {
            return None;
        }
        let (source, from) = (Arc::clone(&file), range.start);
        let length = (range.end - from).min(FILE_PIECE_BYTES as u64) as usize;
        let read = spawn_blocking(move || {
            let mut piece = vec![0; length];
            source.read_exact_at(&mut piece, from).map(|()| Bytes::from(piece))
        });
        match read.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(piece) => Some((Ok(piece), (file, from + length as u64..range.end))),
            Err(error) => Some((Err(error), (file, 0..0))),
        }
    })
}
