//! A client's socket that gives up on a client that does not read, and takes leave politely of one that does.

use std::future::Future;
use std::io;
use std::io::IoSlice;
use std::net::IpAddr;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::limits::CLOSE_MS_MAX;

/// Bytes that are read and thrown away for the sake of a polite leave.
const LINGER_BYTES_MAX: usize = 64 * 1024;

/// A TCP stream whose writes fail with [`io::ErrorKind::TimedOut`] once what was handed over was not taken
/// by the client for `stall_max`. The time runs from the first write that had to wait to the next complete
/// flush, so that a client that takes a byte now and then does not hold its place for ever.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Transport,
    stall_max: Duration,
    /// Only for those who made a write wait.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// What carries the bytes.
#[derive(Debug)]
enum Transport {
    /// Shared with the loop that delivers to everybody.
    Plain(Arc<TcpStream>),
    /// Boxed: most devices have none, and its state is large.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    fn tcp(&self) -> &TcpStream {
        match self {
            Transport::Plain(stream) => stream,
            Transport::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, stall_max: Duration) -> Socket {
        Socket {
            stream: Transport::Plain(Arc::new(stream)),
            stall_max,
            stalled: None,
        }
    }

    /// One that nobody on the way can read.
    pub(super) fn secure(stream: Box<TlsStream<TcpStream>>, stall_max: Duration) -> Socket {
        Socket {
            stream: Transport::Tls(stream),
            stall_max,
            stalled: None,
        }
    }

    /// Where bytes go out as they are; none under TLS.
    pub(super) fn plain(&self) -> Option<Arc<TcpStream>> {
        match &self.stream {
            Transport::Plain(stream) => Some(Arc::clone(stream)),
            Transport::Tls(_) => None,
        }
    }

    /// The client's address, unless it is gone already.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.stream.tcp().peer_addr().ok().map(|address| address.ip())
    }

    /// Drops what is not yet sent: the client gets a reset, the kernel its memory.
    pub(super) fn reset(&self) {
        // It fails only on a socket that is gone already.
        let _ = self.stream.tcp().set_zero_linger();
    }

    fn limit<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            return written;
        }
        let stall_max = self.stall_max;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall_max)));
        ready!(stalled.as_mut().poll(cx));
        // Whoever takes a byte a minute would keep the kernel's buffer for hours after we are gone.
        self.reset();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

/// Tries `io` on a shared stream whenever `ready` says that it may succeed.
fn try_when_ready<T>(mut ready: impl FnMut() -> Poll<io::Result<()>>, mut io: impl FnMut() -> io::Result<T>) -> Poll<io::Result<T>> {
    loop {
        ready!(ready())?;
        match io() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Transport::Plain(tcp) => try_when_ready(|| tcp.poll_read_ready(cx), || tcp.try_read_buf(buf).map(drop)),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Transport::Plain(tcp) => try_when_ready(|| tcp.poll_write_ready(cx), || tcp.try_write(bytes)),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        self.limit(cx, written)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Transport::Plain(tcp) => try_when_ready(|| tcp.poll_write_ready(cx), || tcp.try_write_vectored(parts)),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        };
        self.limit(cx, written)
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.stream {
            Transport::Plain(_) => Poll::Ready(Ok(())), // what was written is the kernel's already
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        let flushed = self.limit(cx, flushed);
        if flushed.is_ready() {
            self.stalled = None;
        }
        flushed
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Transport::Plain(tcp) => Poll::Ready(SockRef::from(&**tcp).shutdown(Shutdown::Write)),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Takes leave: says that nothing more comes, and waits for the client to hang up, for a bounded time. Closing with
/// unread bytes would make the kernel send a reset, which can overtake what the client was last told.
pub(super) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let leave = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let (mut scratch, mut taken) = ([0; 128], 0);
        while let Ok(bytes @ 1..) = stream.read(&mut scratch).await {
            taken += bytes;
            if taken > LINGER_BYTES_MAX {
                return;
            }
        }
    };
    // One who does not hang up in time is hung up on.
    let _ = timeout(Duration::from_millis(CLOSE_MS_MAX), leave).await;
}
