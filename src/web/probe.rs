//! A request to the service's own server, over its own socket: whether it answers as clients see it.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Tls;
use crate::limits::SERVER_ANSWER_MS_MAX;

const REQUEST: &[u8] = b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 ";

/// Asks the server that listens on `address`; an error when it does not answer in time, or not with 200.
pub async fn answers(address: SocketAddr, tls: Option<&Tls>) -> io::Result<()> {
    let asked = async {
        let stream = TcpStream::connect(reachable(address)).await?;
        match tls {
            None => ask(stream).await,
            Some(tls) => ask(tls.connect_to_self(stream).await?).await,
        }
    };
    let time = Duration::from_millis(SERVER_ANSWER_MS_MAX);
    timeout(time, asked).await.map_err(|_| io::ErrorKind::TimedOut)?
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.write_all(REQUEST).await?;
    let mut answer = [0; ANSWER.len()];
    stream.read_exact(&mut answer).await?;
    let status = String::from_utf8_lossy(&answer[9..12]).into_owned();
    if answer == ANSWER {
        Ok(())
    } else {
        Err(io::Error::other(format!("status {status}")))
    }
}

/// Where a server that listens on `address` is reached from here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let here = match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        };
        address.set_ip(here);
    }
    address
}
