//! One client's life, good or bad, and what it saw.

use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use lookout::clock::Mono;
use serde_json::Value;
use socket2::Domain;
use socket2::Socket;
use socket2::Type;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::HandshakeError;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::WebSocket;

use super::Choice;
use super::now;
use crate::fanout::servers::HELLO;
use crate::memory::number;

/// Longest life of a client that is not sent away.
const LIFE: Duration = Duration::from_secs(8);
/// Longest time until the service gets rid of one that it has to get rid of; its own times are 2 s each here.
const RIDDANCE: Duration = Duration::from_secs(20);
/// How long a read waits before the clock is looked at again.
const GLANCE: Duration = Duration::from_millis(100);
/// Messages of a flood.
const FLOOD: u64 = 2000;
/// Receive buffer of one who does not want to read.
const NARROW: usize = 2048;

/// What a client does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Behaviour {
    /// Reads, answers, leaves.
    Good,
    /// The same from the beginning of what is kept, with pauses.
    Slow,
    /// Asks for everything and reads nothing.
    Stalled,
    /// Reads, never answers: half-open as far as the service can tell.
    Silent,
    /// Connects and is gone, in the middle of a request or of a stream.
    Vanishing,
    /// Sends a part of a header and waits.
    HalfRequest,
    /// Sends without end and reads nothing.
    Flooding,
    /// Sends frames that are none.
    BadFrames,
    /// Sends text that is no message.
    BadMessages,
    /// Asks for pages, some of which there are not.
    Requests,
}

const BEHAVIOURS: [Behaviour; 10] = [
    Behaviour::Good,
    Behaviour::Slow,
    Behaviour::Stalled,
    Behaviour::Silent,
    Behaviour::Vanishing,
    Behaviour::HalfRequest,
    Behaviour::Flooding,
    Behaviour::BadFrames,
    Behaviour::BadMessages,
    Behaviour::Requests,
];

impl Behaviour {
    pub(super) fn any(choice: &mut Choice) -> Behaviour {
        BEHAVIOURS[choice.below(BEHAVIOURS.len() as u64) as usize]
    }
}

/// What clients saw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Lives lived.
    pub(super) lives: u64,
    /// Told that all places are taken, or hung up on while connecting.
    pub(super) refused: u64,
    /// Welcomes seen.
    pub(super) opened: u64,
    /// Live durable messages read.
    pub(super) received: u64,
    /// Messages told to have been missed.
    pub(super) missed: u64,
    /// Messages whose number was not greater than the one before.
    pub(super) disordered: u64,
    /// Messages that did not come, and nobody said so.
    pub(super) gaps: u64,
    /// `error` messages read.
    pub(super) complaints: u64,
    /// Clients that should have been sent away and were not.
    pub(super) kept: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.lives += other.lives;
        self.refused += other.refused;
        self.opened += other.opened;
        self.received += other.received;
        self.missed += other.missed;
        self.disordered += other.disordered;
        self.gaps += other.gaps;
        self.complaints += other.complaints;
        self.kept += other.kept;
    }
}

/// One life, from connecting to leaving. That a connection breaks is part of life.
pub(super) fn live(address: SocketAddr, behaviour: Behaviour, choice: &mut Choice) -> Tally {
    let mut tally = Tally {
        lives: 1,
        ..Tally::default()
    };
    let outcome = match behaviour {
        Behaviour::Good => good(address, choice, &mut tally),
        Behaviour::Slow => slow(address, choice, &mut tally),
        Behaviour::Stalled => stalled(address, choice),
        Behaviour::Silent => silent(address, &mut tally),
        Behaviour::Vanishing => vanishing(address, choice),
        Behaviour::HalfRequest => half_request(address, choice, &mut tally),
        Behaviour::Flooding => flooding(address, choice),
        Behaviour::BadFrames => bad_frames(address, choice, &mut tally),
        Behaviour::BadMessages => bad_messages(address, choice, &mut tally),
        Behaviour::Requests => requests(address, choice),
    };
    if outcome.is_err() {
        tally.refused += 1;
        std::thread::sleep(choice.time(GLANCE)); // it would only be refused again at once
    }
    tally
}

/// A WebSocket; an error when there is no place.
fn open(address: SocketAddr, path: &str) -> io::Result<WebSocket<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(RIDDANCE))?;
    stream.set_write_timeout(Some(RIDDANCE))?;
    let (socket, _) = tungstenite::client(format!("ws://{address}{path}"), stream).map_err(|error| match error {
        HandshakeError::Failure(error) => io::Error::other(error),
        HandshakeError::Interrupted(_) => ErrorKind::TimedOut.into(),
    })?;
    socket.get_ref().set_read_timeout(Some(GLANCE))?;
    Ok(socket)
}

/// The numbers of one stream.
struct Stream {
    newest: u64,
    /// Whether the next number may be any greater one.
    loose: bool,
    live: bool,
}

impl Stream {
    /// Of one who comes for what is published from now on.
    fn live() -> Stream {
        Stream {
            newest: 0,
            loose: false,
            live: true,
        }
    }

    /// What a client that reads makes of `text`.
    fn note(&mut self, text: &str, tally: &mut Tally) {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        match message["type"].as_str() {
            Some("connection_status") => {
                tally.opened += 1;
                self.newest = if self.live { number(&message, "/newest_seq") } else { 0 };
            }
            Some("lagged") => {
                tally.missed += number(&message, "/missed");
                self.loose = true;
            }
            Some("error") => tally.complaints += 1,
            _ => {}
        }
        let Some(seq) = message["seq"].as_u64() else { return };
        tally.received += u64::from(self.live);
        tally.disordered += u64::from(seq <= self.newest);
        tally.gaps += u64::from(seq > self.newest + 1 && !self.loose);
        (self.newest, self.loose) = (seq, false);
    }
}

/// Reads until `until` or the end, with a pause between messages.
fn read(socket: &mut WebSocket<TcpStream>, mut stream: Stream, until: Mono, mut pause: impl FnMut() -> Duration, tally: &mut Tally) {
    while now() < until {
        match socket.read() {
            Ok(Message::Text(text)) => stream.note(&text, tally),
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(_) => {}
            Err(_) => return,
        }
        std::thread::sleep(pause());
    }
}

/// A good client on a thread of its own, that counts what it is told until it is asked.
pub(super) struct Witness {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Witness {
    pub(super) fn open(address: SocketAddr) -> io::Result<Witness> {
        let mut socket = open(address, "/ws/events")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut tally = Tally::default();
            let mut stream = Stream::live();
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(Message::Text(text)) = socket.read() {
                    stream.note(&text, &mut tally);
                }
            }
            tally.received
        });
        Ok(Witness { stop, thread })
    }

    /// Messages that it was told; it leaves.
    pub(super) fn count(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("witnesses do not panic")
    }
}

fn good(address: SocketAddr, choice: &mut Choice, tally: &mut Tally) -> io::Result<()> {
    let mut socket = open(address, "/ws/events")?;
    read(&mut socket, Stream::live(), now() + choice.time(LIFE), Duration::default, tally);
    if choice.below(2) == 0 {
        let _ = socket.close(None); // one that is gone needs no leave
        let until = now() + GLANCE * 10;
        while now() < until && socket.read().is_ok() {}
    }
    Ok(())
}

/// The first number is whatever is still kept; from there on nothing is missing.
fn slow(address: SocketAddr, choice: &mut Choice, tally: &mut Tally) -> io::Result<()> {
    let mut socket = open(address, "/ws/events?since=0")?;
    let stream = Stream {
        newest: 0,
        loose: true,
        live: false,
    };
    let until = now() + choice.time(LIFE);
    read(&mut socket, stream, until, || choice.time(GLANCE / 4), tally);
    Ok(())
}

/// A plain socket that takes little.
fn narrow(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(NARROW)?;
    socket.connect(&address.into())?;
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(GLANCE))?;
    stream.set_write_timeout(Some(GLANCE))?;
    Ok(stream)
}

fn stalled(address: SocketAddr, choice: &mut Choice) -> io::Result<()> {
    let mut stream = narrow(address)?;
    stream.write_all(HELLO.replace("/ws/events", "/ws/events?since=0").as_bytes())?;
    std::thread::sleep(choice.time(LIFE));
    Ok(())
}

fn silent(address: SocketAddr, tally: &mut Tally) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(HELLO.as_bytes())?;
    until_gone(&mut stream, tally)
}

/// Reads until the service hangs up, which it has to.
fn until_gone(stream: &mut TcpStream, tally: &mut Tally) -> io::Result<()> {
    stream.set_read_timeout(Some(GLANCE))?;
    let (until, mut scratch) = (now() + RIDDANCE, [0; 4096]);
    while now() < until {
        match stream.read(&mut scratch) {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return Ok(()),
        }
    }
    tally.kept += 1;
    Ok(())
}

fn vanishing(address: SocketAddr, choice: &mut Choice) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let sent = choice.below(HELLO.len() as u64 + 1) as usize;
    stream.write_all(&HELLO.as_bytes()[..sent])?;
    std::thread::sleep(choice.time(GLANCE));
    Ok(())
}

fn half_request(address: SocketAddr, choice: &mut Choice, tally: &mut Tally) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let sent = choice.below(HELLO.len() as u64 - 2) as usize;
    stream.write_all(&HELLO.as_bytes()[..sent])?;
    until_gone(&mut stream, tally)
}

fn flooding(address: SocketAddr, choice: &mut Choice) -> io::Result<()> {
    let mut stream = narrow(address)?;
    stream.write_all(HELLO.as_bytes())?;
    let messages = [&br#"{"type":"ping"}"#[..], br#"{"type":"resume","since":0}"#, b"nonsense"];
    let text = messages[choice.below(messages.len() as u64) as usize];
    for _ in 0..FLOOD {
        if stream.write_all(&frame(0x81, text)).is_err() {
            break; // nobody takes it any more: that is how it should be
        }
    }
    Ok(())
}

/// A masked frame of at most 125 bytes; the mask is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

fn bad_frames(address: SocketAddr, choice: &mut Choice, tally: &mut Tally) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(HELLO.as_bytes())?;
    let bad: [Vec<u8>; 8] = [
        vec![0x81, 2, b'h', b'i'],                         // not masked
        frame(0xf1, b"reserved bits"),                     // of no extension
        frame(0x83, b"reserved opcode"),                   // of no use
        frame(0x09, b"a ping in parts"),                   // control frames are whole
        frame(0x80, b"goes on"),                           // with nothing before it
        frame(0x81, &[0xff, 0xfe]),                        // no UTF-8
        [&[0x81, 0xff][..], &[0x7f; 8], &[0; 4]].concat(), // longer than anything
        (0..64).map(|_| choice.below(256) as u8).chain([0x8f, 0]).collect(),
    ];
    stream.write_all(&bad[choice.below(bad.len() as u64) as usize])?;
    until_gone(&mut stream, tally)
}

fn bad_messages(address: SocketAddr, choice: &mut Choice, tally: &mut Tally) -> io::Result<()> {
    let mut socket = open(address, "/ws/events")?;
    let bad = [
        "",
        "{",
        "[]",
        "{\"type\":1}",
        "{\"type\":\"no such\"}",
        "{\"type\":\"resume\",\"since\":-1}",
    ];
    for _ in 0..choice.below(10) {
        let text = bad[choice.below(bad.len() as u64) as usize];
        if socket.send(Message::text(text)).is_err() {
            break; // sent away, as the service may
        }
    }
    read(&mut socket, Stream::live(), now() + choice.time(LIFE / 4), Duration::default, tally);
    Ok(())
}

fn requests(address: SocketAddr, choice: &mut Choice) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(RIDDANCE))?;
    let long = format!("/{}", "x".repeat(9000));
    let paths = [
        "/",
        "/api/health",
        "/api/events?limit=100",
        "/api/events?limit=x",
        "/nowhere",
        "/api/events/1",
        &long,
    ];
    let path = paths[choice.below(paths.len() as u64) as usize];
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}
