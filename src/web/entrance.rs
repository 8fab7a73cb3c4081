//! How clients come in: admitted one after another, by TLS where that is spoken, or refused.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tracing::Instrument;

use super::Leaving;
use super::Server;
use super::Settings;
use super::Stream;
use super::Tasks;
use super::admission::Place;
use super::admission::Refusal;
use super::admission::Refusals;
use super::auth::Peer;
use super::connection;
use super::counters::count;
use super::go_on;
use super::redirect;
use super::socket::Socket;
use super::tls::Greeting;
use crate::limits::ACCEPT_PAUSE_MS;
use crate::limits::SOCKET_SEND_BYTES;

/// The sockets that clients connect to.
#[derive(Debug)]
pub struct Listeners {
    main: std::net::TcpListener,
    redirect: Option<std::net::TcpListener>,
}

impl Listeners {
    /// Binds what `settings` name; fails with the address that cannot be had, and why.
    pub fn bind(settings: &Settings) -> Result<Listeners, (SocketAddr, io::Error)> {
        let bind = |address| std::net::TcpListener::bind(address).map_err(|error| (address, error));
        Ok(Listeners {
            main: bind(settings.listen)?,
            redirect: settings.redirect.0.map(bind).transpose()?,
        })
    }

    /// Where the service is: the port, where any was asked for, is the one that was given.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.main.local_addr()
    }

    /// Where plain HTTP is sent on from, likewise.
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.redirect.as_ref()?.local_addr().ok()
    }
}

impl From<std::net::TcpListener> for Listeners {
    fn from(main: std::net::TcpListener) -> Listeners {
        Listeners { main, redirect: None }
    }
}

/// The same sockets under the runtime.
#[derive(Debug)]
pub(super) struct Entrance {
    main: TcpListener,
    redirect: Option<TcpListener>,
    refusals: Refusals,
}

/// One who was admitted.
struct Guest {
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
    purpose: Purpose,
}

/// What a client is to be spoken to about.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// Everything.
    Serve,
    /// Where the service is.
    Redirect,
}

impl Entrance {
    pub(super) fn open(listeners: Listeners) -> io::Result<Entrance> {
        let listen = |listener: std::net::TcpListener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        Ok(Entrance {
            main: listen(listeners.main)?,
            redirect: listeners.redirect.map(listen).transpose()?,
            refusals: Refusals::new(),
        })
    }

    /// Where the service is.
    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.main.local_addr()?.port())
    }

    /// Admits or refuses one after another; an accept that fails is tried again after a pause.
    pub(super) async fn admit_all(&self, server: &Arc<Server>, leaving: &Leaving, tasks: &mut Tasks) -> Infallible {
        let mut failing = false;
        loop {
            let (accepted, purpose) = tokio::select! {
                accepted = self.main.accept() => (accepted, Purpose::Serve),
                Some(accepted) = accept(&self.redirect) => (accepted, Purpose::Redirect),
                // One that is over keeps its memory until it is asked for.
                Some(ended) = tasks.join_next() => {
                    go_on(server, ended, tasks);
                    continue;
                }
            };
            match accepted {
                Ok((stream, address)) => {
                    failing = false;
                    match server.clients.admit(address.ip(), server.services.clock.now()) {
                        Ok(place) => {
                            let guest = Guest {
                                stream,
                                address,
                                place,
                                purpose,
                            };
                            start(server, guest, leaving, tasks);
                        }
                        Err(why) => self.refuse(server, why, stream, tasks),
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(%error, "connections cannot be accepted");
                    }
                    sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                }
            }
        }
    }

    fn refuse(&self, server: &Server, why: Refusal, stream: TcpStream, tasks: &mut Tasks) {
        count(match why {
            Refusal::Full => &server.counters.refused,
            Refusal::Address => &server.counters.refused_address,
            Refusal::Rate => &server.counters.refused_rate,
        });
        if let Some(explain) = self.refusals.refuse(why, stream) {
            tasks.spawn(async {
                explain.await;
                None
            });
        }
    }
}

/// The next one, if anything is listened on.
async fn accept(listener: &Option<TcpListener>) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    Some(listener.as_ref()?.accept().await)
}

fn start(server: &Arc<Server>, guest: Guest, leaving: &Leaving, tasks: &mut Tasks) {
    count(&server.counters.accepted);
    // Either fails only on a socket that is gone already, as its reader will see.
    let _ = guest.stream.set_nodelay(true);
    let _ = SockRef::from(&guest.stream).set_send_buffer_size(SOCKET_SEND_BYTES);
    let span = tracing::info_span!("client", id = %guest.place.id, address = %guest.address);
    tasks.spawn(welcome(Arc::clone(server), guest, leaving.clone()).instrument(span));
}

/// Speaks TLS first where that is spoken; one that does not in time is hung up on, one that speaks plain HTTP sent on.
async fn welcome(server: Arc<Server>, guest: Guest, leaving: Leaving) -> Option<Stream> {
    let Guest {
        stream,
        address,
        place,
        purpose,
    } = guest;
    let settings = &server.services.settings;
    let local = |address: SocketAddr| address.ip().to_canonical().is_loopback();
    let here = stream.local_addr().ok();
    let peer = Peer {
        address,
        local: here.map(|here| here.ip().to_canonical()),
        is_local: local(address) && here.is_some_and(local),
        is_secure: server.services.tls.is_some(),
    };
    let socket = match (&server.services.tls, purpose) {
        (_, Purpose::Redirect) => {
            Box::pin(redirect::run(&server, stream)).await;
            return None;
        }
        (None, Purpose::Serve) => Socket::new(stream, settings.client_stall_max),
        (Some(tls), Purpose::Serve) => match Box::pin(tls.accept(stream, settings.header_time_max)).await {
            Ok(Greeting::Secure(stream)) => Socket::secure(stream, settings.client_stall_max),
            Ok(Greeting::Plain(stream)) => {
                Box::pin(redirect::run(&server, stream)).await;
                return None;
            }
            Err(error) => {
                tracing::debug!(%error, "no TLS came about");
                return None;
            }
        },
    };
    connection::run(server, socket, peer, place, leaving).await
}
