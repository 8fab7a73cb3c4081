//! Between a socket and hyper: how long a request is waited for, and what hyper would answer to one that it cannot read. How long a
//! client may take to read stands in `socket.rs`.

use std::future::Future;
use std::io;
use std::io::IoSlice;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Sleep;
use tokio::time::sleep;

use super::Settings;
use super::reply::Body;
use super::socket::Socket;

/// Where the status stands in the first line of an answer.
const STATUS: Range<usize> = 9..12;

/// The answers of one connection that are not yet handed to the socket: while there is one, no request is waited for.
#[derive(Debug, Default)]
pub(super) struct Answers {
    under_way: Arc<()>,
    /// Whether the next bytes that go out are the first of one of them.
    begun: AtomicBool,
}

/// One of them, until it is dropped.
pub(super) struct UnderWay {
    _counted: Arc<()>,
}

impl Answers {
    /// A request came.
    pub(super) fn begin(&self) -> UnderWay {
        self.begun.store(true, Ordering::Relaxed);
        UnderWay {
            _counted: Arc::clone(&self.under_way),
        }
    }

    fn are_under_way(&self) -> bool {
        Arc::strong_count(&self.under_way) > 1
    }
}

impl UnderWay {
    /// It is under way until the last byte of `response` was taken.
    pub(super) fn with(self, response: Response<Body>) -> Response<Answer> {
        response.map(|body| Answer { body, _under_way: self })
    }
}

/// What an answer carries, under way.
pub(super) struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What came of a request last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A part of its header; or nothing, of the first one.
    Header,
    /// Its answer goes out.
    Answer,
    /// Its answer is out, and of the next one there is nothing.
    Nothing,
}

/// Why a request came to nothing before it could be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It, or the rest of its header, did not come in time.
    Late,
    /// hyper cannot read it, for which this is the status.
    Malformed(StatusCode),
}

/// A socket whose reads fail with [`io::ErrorKind::TimedOut`] once a header has taken `header_time_max` since its first byte, or
/// since the connection was made; or once nothing came for `idle_max` since the last answer was out. A header that began to come
/// before that has the longer of both.
pub(super) struct Waiting<'a> {
    socket: Socket,
    settings: &'a Settings,
    answers: &'a Answers,
    seen: Seen,
    failure: Option<Failure>,
    /// Set anew as the wait begins; it asks the runtime for nothing unless a read has to wait.
    patience: Pin<Box<Sleep>>,
}

impl<'a> Waiting<'a> {
    /// The first request is waited for.
    pub(super) fn new(socket: Socket, settings: &'a Settings, answers: &'a Answers) -> Waiting<'a> {
        Waiting {
            socket,
            settings,
            answers,
            seen: Seen::Header,
            failure: None,
            patience: Box::pin(sleep(settings.header_time_max)),
        }
    }

    /// The socket, and what the last request failed by, if it did: nobody was told.
    pub(super) fn into_parts(self) -> (Socket, Option<Failure>) {
        (self.socket, self.failure)
    }

    /// Bytes go out: those of an answer, which `begun` says, or else hyper's own word on what it cannot read. That has no body, and so
    /// it is kept, to be said better.
    fn is_refusal(&mut self, bytes: &[u8]) -> bool {
        if self.seen == Seen::Answer || self.answers.begun.swap(false, Ordering::Relaxed) {
            self.seen = Seen::Answer;
            return false;
        }
        let status = bytes.get(STATUS).and_then(|status| StatusCode::from_bytes(status).ok());
        self.failure = Some(Failure::Malformed(status.unwrap_or(StatusCode::BAD_REQUEST)));
        true
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.seen == Seen::Answer || self.answers.are_under_way() {
            return Poll::Pending;
        }
        ready!(self.patience.as_mut().poll(cx));
        self.failure = Some(Failure::Late);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request came in time")))
    }
}

impl AsyncRead for Waiting<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if Pin::new(&mut self.socket).poll_read(cx, buf)?.is_pending() {
            return self.wait(cx);
        }
        if self.seen == Seen::Nothing {
            self.seen = Seen::Header;
            let header_time_max = self.settings.header_time_max;
            self.patience.set(sleep(header_time_max));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Waiting<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_refusal(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.is_refusal(parts.first().map_or(&[], |head| head)) {
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        Pin::new(&mut self.socket).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
        if self.seen == Seen::Answer && !self.answers.are_under_way() {
            self.seen = Seen::Nothing;
            let idle_max = self.settings.idle_max;
            self.patience.set(sleep(idle_max));
            // hyper found nothing to read while it answered, and looks again only when it is woken.
            let _ = self.patience.as_mut().poll(cx);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
