//! What an answer carries: something whole, or pieces as they are asked for, of a file or of a picture that goes on.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::Full;
use hyper::body::Frame;
use hyper::body::SizeHint;

/// Pieces of an answer.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What an answer carries.
pub(super) enum Body {
    /// All of it.
    Whole(Full<Bytes>),
    /// Piece after piece: the next is asked for once the one before is sent. With how many bytes they are, if that is known.
    Pieces(Pieces, Option<u64>),
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Body::Whole(whole) => Pin::new(whole).poll_frame(cx).map_err(|never| match never {}),
            Body::Pieces(pieces, _) => pieces.as_mut().poll_next(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(whole) => whole.size_hint(),
            Body::Pieces(_, Some(bytes)) => SizeHint::with_exact(*bytes),
            Body::Pieces(_, None) => SizeHint::default(),
        }
    }
}
