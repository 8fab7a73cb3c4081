//! One WebSocket client, from the welcome to the end: what it says comes in, it is seen to be alive, and what is published
//! goes out where `fanout.rs` cannot send it. What is published in the meantime waits in the ring, never here.

mod ending;
mod subscription;
mod viewing;

pub(super) use subscription::Start;

use std::pin::pin;
use std::sync::Arc;
use std::sync::MutexGuard;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::Interval;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::Leaving;
use super::Server;
use super::Settings;
use super::admission::Place;
use super::auth;
use super::bucket::Bucket;
use super::counters::count;
use super::fanout::Desk;
use super::fanout::Left;
use super::fanout::Subscriber;
use super::live::Viewer;
use super::presence::network;
use super::replay::Replay;
use super::socket::Socket;
use super::store::ReadError;
use crate::hub::Next;
use crate::identity::Caller;
use crate::limits::BATCH_MESSAGES_MAX;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::limits::SOCKET_READ_BYTES;
use crate::limits::SOCKET_WRITE_BYTES;
use crate::media::Picture;
use crate::store::Page;
use crate::wire;
use crate::wire::ClientMessage;
use crate::wire::Door;
use crate::wire::Filter;
use crate::wire::Names;
use crate::wire::Topic;
use crate::wire::client::ClientError;
use crate::wire::close;
use crate::wire::server::ConnectionStatus;
use crate::wire::server::ErrorMessage;
use crate::wire::server::Lagged;
use crate::wire::server::Ping;
use crate::wire::server::Pong;
use ending::End;

/// Heartbeats without a sign of life after which a client is taken for dead.
const SILENT_BEATS_MAX: u32 = 2;
/// Most bytes that wait for the socket: a full buffer, the message that did not fit, and control frames.
pub(super) const WRITE_BYTES_MAX: usize = SOCKET_WRITE_BYTES + MESSAGE_BYTES_MAX + 512;

/// Every size explicit: the defaults would take 128 KiB a client, and fill them with zeros at every read.
pub(super) fn config(settings: &Settings) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(SOCKET_READ_BYTES)
        .write_buffer_size(SOCKET_WRITE_BYTES)
        .max_write_buffer_size(WRITE_BYTES_MAX)
        .max_message_size(Some(settings.client_message_bytes_max))
        .max_frame_size(Some(settings.client_message_bytes_max))
}

/// Who asks for a stream, and how; the places are free again once it is over.
pub(super) struct Client {
    pub(super) place: Place,
    pub(super) seat: auth::Seat,
    pub(super) caller: Caller,
    pub(super) door: Door,
    pub(super) start: Start,
}

/// Serves one client until it leaves, is lost or is sent away.
pub(super) async fn run(server: Arc<Server>, socket: Socket, read: Vec<u8>, client: Client, mut leaving: Leaving) {
    let network = network(socket.peer());
    let config = config(&server.services.settings);
    let socket = Box::pin(WebSocketStream::from_partially_read(socket, read, Role::Server, Some(config))).await;
    let cursor = server.services.hub.subscribe(client.door.topics());
    let progress = cursor.progress();
    let mut session = Session {
        server: &server,
        subscriber: Arc::new(Subscriber::new(cursor, socket.get_ref().plain())),
        socket,
        replay: None,
        silent_beats: 0,
        names: server.services.status.renamed(),
        rate: Bucket::new(server.services.settings.client_message_rate, server.services.clock.now()),
        viewer: None,
    };
    count(&server.counters.opened);
    tracing::info!(door = client.door.path(), "stream opened");
    let listed = server
        .roster
        .enter(&client.place.id, client.door, network, progress, &session.subscriber);
    // Boxed, what runs once: a stream waits for most of its life.
    let end = match Box::pin(session.greet(&client)).await {
        Ok(()) => session.serve(&client.caller, &mut leaving).await,
        Err(end) => end,
    };
    drop(listed);
    Box::pin(session.finish(end)).await;
    drop(client.seat);
}

struct Session<'a> {
    server: &'a Server,
    subscriber: Arc<Subscriber>,
    socket: WebSocketStream<Socket>,
    replay: Option<Replay>,
    silent_beats: u32,
    rate: Bucket,
    names: watch::Receiver<Arc<Names>>,
    /// There while it looks at the live picture.
    viewer: Option<Viewer>,
}

/// What there is to do.
enum Turn {
    Leave,
    Lapse,
    Rename,
    Deliver,
    Page(Result<Page, ReadError>),
    Receive(Option<Result<Message, Error>>),
    Show(Option<Picture>),
    Beat,
}

impl Session<'_> {
    async fn greet(&mut self, client: &Client) -> Result<(), End> {
        let newest_seq = self.desk().cursor.after_seq();
        self.start(&client.start);
        let welcome = ConnectionStatus {
            status: "connected",
            connection_id: &client.place.id,
            boot_id: self.server.services.identity.boot_id,
            store_id: &self.server.store_id,
            newest_seq,
            topics: self.filter().topics,
            resume_token: self.token(),
            message: "welcome to lookout",
        };
        self.feed(&welcome).await?;
        self.ping().await?;
        self.tell_start(&client.start).await?;
        self.flush().await
    }

    async fn serve(&mut self, caller: &Caller, leaving: &mut Leaving) -> End {
        let mut heartbeat = heartbeat(self.server.services.settings.heartbeat);
        let server = self.server;
        let (mut told, mut lapsed) = (pin!(leaving.told()), pin!(auth::lapsed(&server.access, caller)));
        loop {
            let turn = tokio::select! {
                () = &mut told => Turn::Leave,
                () = &mut lapsed => Turn::Lapse,
                turn = self.turn(&mut heartbeat) => turn,
            };
            let done = match turn {
                Turn::Leave => Err(self.take_leave().await),
                Turn::Lapse => Err(End::Closed(close::UNKNOWN)),
                // Only where it asked for zones; its token says by name what it wanted.
                Turn::Rename if self.filter().zones.is_some() => Err(End::Closed(close::REZONED)),
                Turn::Rename => Ok(()),
                Turn::Deliver => self.deliver().await,
                Turn::Page(page) => self.send_page(page).await,
                Turn::Receive(message) => self.receive(message).await,
                Turn::Show(picture) => self.show(picture).await,
                Turn::Beat => self.beat().await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// What the ring had when the server said that it goes away comes first: the end of the event that ran, say.
    async fn take_leave(&mut self) -> End {
        let told = if self.replay.is_none() { self.deliver().await } else { Ok(()) };
        told.err().unwrap_or(End::Closed(close::RESTART))
    }

    /// Waits for something to do. Every branch may be dropped half-way without loss.
    async fn turn(&mut self, heartbeat: &mut Interval) -> Turn {
        tokio::select! {
            turn = unsent(&self.subscriber, &mut self.replay) => turn,
            message = self.socket.next() => Turn::Receive(message),
            turn = viewing::next(&mut self.viewer) => turn,
            _ = self.names.changed() => Turn::Rename,
            _ = heartbeat.tick() => Turn::Beat,
        }
    }

    /// Sends what the loop left and what is in the ring, a batch at most: several messages, one write.
    async fn deliver(&mut self) -> Result<(), End> {
        self.finish_batch().await?;
        for _ in 0..BATCH_MESSAGES_MAX {
            let next = self.desk().cursor.try_next();
            match (next, &mut self.replay) {
                (Next::Message(message), replay) => {
                    replay.iter_mut().for_each(|replay| replay.sent(message.seq));
                    self.socket.feed(Message::Text(message.text.into_json())).await?;
                }
                (Next::Lagged(_), Some(replay)) => {
                    replay.advance(&mut self.subscriber.desk().cursor, &self.server.reads);
                    break;
                }
                (Next::Lagged(missed), None) => self.tell_lagged(missed).await?,
                (Next::Empty, Some(replay)) => {
                    let recovered = replay.recovered();
                    self.replay = None;
                    self.feed(&recovered).await?;
                    break;
                }
                (Next::Empty, None) => break,
            }
        }
        self.flush().await
    }

    /// Does what the loop could not.
    async fn finish_batch(&mut self) -> Result<(), End> {
        let Left { rest, missed } = self.desk().take_left();
        if !rest.is_empty() {
            self.socket.get_mut().write_all(&rest).await.map_err(Error::Io)?;
        }
        match missed {
            0 => Ok(()),
            missed => self.tell_lagged(missed).await,
        }
    }

    async fn tell_lagged(&mut self, missed: u64) -> Result<(), End> {
        count(&self.server.counters.lagged);
        tracing::info!(missed, "client is too slow");
        let lagged = {
            let desk = self.desk();
            Lagged {
                missed,
                oldest_seq: desk.cursor.floor_seq(),
                newest_seq: desk.cursor.newest_seq(),
            }
        };
        self.feed(&lagged).await
    }

    async fn send_page(&mut self, page: Result<Page, ReadError>) -> Result<(), End> {
        let Some(replay) = &mut self.replay else { return Ok(()) };
        let texts = replay.take(page, &self.subscriber.desk().cursor, &self.names.borrow());
        for text in texts {
            self.socket.feed(Message::Text(text)).await?;
        }
        self.socket.flush().await?;
        replay.advance(&mut self.subscriber.desk().cursor, &self.server.reads);
        Ok(())
    }

    async fn receive(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        self.silent_beats = 0;
        if !self.rate.take(self.server.services.clock.now()) {
            count(&self.server.counters.flooding);
            return Err(End::Closed(close::TOO_FAST));
        }
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(_))) => return self.complain("messages are JSON text", &[]).await,
            Some(Ok(Message::Close(_))) | None => return Err(End::Left),
            // A pong is taken below us; a ping is answered there, and the answer must be out before we wait again.
            Some(Ok(_)) => return self.flush().await,
            Some(Err(error)) => return Err(error.into()),
        };
        match ClientMessage::parse(&text) {
            Ok(ClientMessage::Pong) => Ok(()),
            Ok(ClientMessage::Ping) => {
                self.feed(&Pong {}).await?;
                self.flush().await
            }
            Ok(ClientMessage::Resume(resume)) => self.resume(resume).await,
            Ok(ClientMessage::Subscribe(wanted)) => self.subscribe(&wanted).await,
            Ok(ClientMessage::Unsubscribe(topics)) => self.unsubscribe(topics).await,
            Ok(ClientMessage::Live(wish)) => self.live(wish).await,
            Err(error) => {
                let known_types = known_types(&error);
                self.complain(&error.to_string(), &known_types).await
            }
        }
    }

    async fn complain(&mut self, message: &str, known_types: &[&str]) -> Result<(), End> {
        count(&self.server.counters.malformed);
        self.feed(&ErrorMessage { message, known_types }).await?;
        self.flush().await
    }

    async fn beat(&mut self) -> Result<(), End> {
        self.silent_beats += 1;
        if self.silent_beats > SILENT_BEATS_MAX {
            return Err(End::Closed(close::SILENT));
        }
        self.ping().await?;
        self.flush().await
    }

    /// For programs that read messages a JSON one, for browsers and tools that answer by themselves a protocol one.
    async fn ping(&mut self) -> Result<(), End> {
        let resume_token = self.token();
        self.feed(&Ping { resume_token }).await?;
        Ok(self.socket.feed(Message::Ping(Default::default())).await?)
    }

    async fn feed<M: wire::Message>(&mut self, message: &M) -> Result<(), End> {
        let text = wire::encode(self.server.services.clock.wall().at, message);
        Ok(self.socket.feed(Message::Text(text.into_json())).await?)
    }

    /// What the client wants to be told.
    fn filter(&self) -> Filter {
        self.desk().cursor.filter()
    }

    /// What names mean now.
    fn names(&self) -> Arc<Names> {
        self.names.borrow().clone()
    }

    /// For a statement at most: whoever holds it while it asks again waits for itself.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.subscriber.desk()
    }

    async fn flush(&mut self) -> Result<(), End> {
        Ok(self.socket.flush().await?)
    }
}

/// What would have been understood in the place of what was not.
fn known_types(error: &ClientError) -> Vec<&'static str> {
    match error {
        ClientError::UnknownType(_) => ClientMessage::TYPES.to_vec(),
        ClientError::UnknownTopic(_) => Topic::ALL.map(Topic::name).to_vec(),
        _ => Vec::new(),
    }
}

fn heartbeat(every: Duration) -> Interval {
    let mut heartbeat = interval(every);
    heartbeat.reset(); // the first beat is one interval from now
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

/// Waits for something to send: the next page while a replay reads the store, else what the loop over all clients leaves.
async fn unsent(subscriber: &Subscriber, replay: &mut Option<Replay>) -> Turn {
    match replay {
        Some(replay) if replay.reads() => Turn::Page(replay.page().await),
        Some(_) => Turn::Deliver, // whether there is something tells whether the replay is over
        None => {
            subscriber.needs_session().await;
            Turn::Deliver
        }
    }
}
