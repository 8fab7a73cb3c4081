//! Everything that has a socket: listener, admission, REST, WebSocket sessions, dashboard.
//!
//! [`serve`] takes its listener, what it serves and when to stop as arguments, and runs on [`runtime`]: one thread for
//! all sockets, and one more that waits for the store. `admission` bounds who is in, `connection` is the life of one of
//! them, `routes` the table of what may be asked, `session` a WebSocket, `replay` how one who was away catches up.

mod admission;
mod assets;
mod auth;
mod body;
mod broadcast;
mod bucket;
mod connection;
mod cors;
mod counters;
pub mod documents;
mod entrance;
mod etag;
mod events;
mod fanout;
mod handlers;
mod health;
mod live;
mod logs;
mod metrics;
mod network;
mod pictures;
mod presence;
mod probe;
mod problem;
mod producers;
mod query;
mod redirect;
mod replay;
mod reply;
mod routes;
mod session;
mod settings;
mod socket;
mod store;
mod system;
mod tls;
mod tuning;
mod update;
mod upgrade;
mod waiting;

pub use cors::CorsOrigin;
pub use counters::Counters;
pub use counters::CountersNow;
pub use entrance::Listeners;
pub use probe::answers;
pub use producers::announce;
pub use producers::tell;
pub use routes::RouteInfo;
pub use routes::routes;
pub use settings::Redirect;
pub use settings::Settings;
pub use store::EventStore;
pub use system::About;
pub use system::Holder;
pub use tls::Certificate;
pub use tls::Tls;
pub use tls::TlsError;
pub use tls::TlsMode;
pub use tls::TlsSettings;
pub use tuning::Change;
pub use tuning::Changed;
pub use tuning::Refused;
pub use tuning::Tuner;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::board::Board;
use crate::clock::BootId;
use crate::clock::Clock;
use crate::clock::Mono;
use crate::event::model::Name;
use crate::hub::Hub;
use crate::identity::Accounts;
use crate::limits::FILE_PIECE_BYTES;
use crate::limits::HTTP_BUFFER_BYTES;
use crate::limits::REPLAY_PAGE_BYTES_MAX;
use crate::limits::REQUEST_BODY_BYTES_MAX;
use crate::limits::RESPONSE_BYTES_MAX;
use crate::limits::SETTINGS_BYTES_MAX;
use crate::limits::SHUTDOWN_MS_MAX;
use crate::limits::SOCKET_READ_BYTES;
use crate::limits::STORE_READS_MAX;
use crate::limits::THREAD_STACK_BYTES;
use crate::limits::TLS_BUFFER_BYTES;
use crate::limits::TLS_STATE_BYTES;
use crate::media::Desk;
use crate::network::Link;
use crate::ota::Updater;
use crate::pipeline::Controls;
use crate::records::RecordQueue;
use crate::status::Status;
use admission::Clients;
use auth::Access;
use counters::count;
use entrance::Entrance;
use presence::Roster;
use store::Reads;

/// Which device answers.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its camera.
    pub camera_id: Name,
    /// The boot of the machine.
    pub boot_id: BootId,
}

/// The true memory beside the promised, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Memory {
    /// Allocated now.
    pub used_bytes: u64,
    /// Most that was allocated at once.
    pub peak_bytes: u64,
    /// What may be.
    pub budget_bytes: u64,
}

/// Measures [`Memory`]; called for every `GET /api/health`.
pub type MeasureMemory = Arc<dyn Fn() -> Memory + Send + Sync>;

/// What is served, and with what.
#[derive(Clone)]
pub struct Services {
    /// What the user set.
    pub settings: Settings,
    /// Which device answers.
    pub identity: Identity,
    /// Where live messages come from.
    pub hub: Arc<Hub>,
    /// Where stored ones come from.
    pub store: Arc<dyn EventStore>,
    /// How the device is.
    pub status: Arc<Status>,
    /// How to ask something of the pipeline.
    pub controls: Arc<Controls>,
    /// Where pictures are.
    pub desk: Arc<Desk>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The memory, if someone counts it.
    pub memory: Option<MeasureMemory>,
    /// What became of clients; shared with who else shows it.
    pub counters: Arc<Counters>,
    /// What the board says of itself.
    pub board: Option<Board>,
    /// How to ask something of the recorder.
    pub records: Arc<RecordQueue>,
    /// What was set when the service started.
    pub about: Arc<About>,
    /// Who keeps what is set while it runs; none: it cannot be set.
    pub tuner: Option<Arc<dyn Tuner>>,
    /// Who may do what.
    pub accounts: Arc<Accounts>,
    /// Certificate and key, where TLS is spoken.
    pub tls: Option<Tls>,
    /// Who updates the system, where that is done.
    pub updater: Option<Arc<Updater>>,
    /// Whom to ask for a network, where somebody looks after it.
    pub network: Option<Arc<Link>>,
}

/// What every connection shares.
struct Server {
    services: Services,
    clients: Arc<Clients>,
    counters: Arc<Counters>,
    reads: Reads,
    roster: Arc<Roster>,
    access: Access,
    /// One sends settings at a time.
    settings_turn: Semaphore,
    store_id: String,
    began: Mono,
    /// Where this is: for those who came to the wrong place.
    port: u16,
}

/// What a connection became of which a client made a WebSocket.
type Stream = Pin<Box<dyn Future<Output = ()> + Send>>;
/// All connections.
type Tasks = JoinSet<Option<Stream>>;

/// The runtime for [`serve`]: this thread for every socket, and one of known size that waits for the store.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_stack_size(THREAD_STACK_BYTES)
        .thread_name("store-reader")
        .build()
}

/// Serves clients on `listeners` until `shutdown`; then tells them to come back, and returns within
/// [`SHUTDOWN_MS_MAX`]. A client never makes it fail.
pub async fn serve(listeners: impl Into<Listeners>, services: Services, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let entrance = Entrance::open(listeners.into())?;
    let server = Arc::new(Server {
        clients: Arc::new(Clients::new(&services.settings, services.clock.now())),
        counters: Arc::clone(&services.counters),
        reads: Reads::new(Arc::clone(&services.store)),
        roster: Arc::default(),
        access: Access::new(&services),
        settings_turn: Semaphore::new(1),
        store_id: services.store.store_id(),
        began: services.clock.now(),
        port: entrance.port()?,
        services,
    });
    let (leave, leaving) = watch::channel(false);
    let (leaving, mut tasks) = (Leaving(leaving), JoinSet::new());
    tokio::select! {
        never = entrance.admit_all(&server, &leaving, &mut tasks) => match never {},
        () = deliver_all(&server) => {}
        () = producers::run(&server) => {}
        () = shutdown => {}
    }
    drop(entrance);
    leave.send_replace(true);
    let gone = async {
        while let Some(ended) = tasks.join_next().await {
            go_on(&server, ended, &mut tasks);
        }
    };
    if timeout(Duration::from_millis(SHUTDOWN_MS_MAX), gone).await.is_err() {
        tracing::warn!(clients = tasks.len(), "clients that did not leave in time are dropped");
    }
    Ok(())
}

/// Hands on whatever is published; never returns.
async fn deliver_all(server: &Server) {
    loop {
        server.services.hub.published().await;
        server.roster.deliver();
    }
}

/// Most bytes that [`serve`] holds beside what each client does ([`footprint_per_client`]); the hub has its own.
pub const fn footprint() -> usize {
    Clients::footprint() + 4 * SETTINGS_BYTES_MAX + STORE_READS_MAX * 2 * RESPONSE_BYTES_MAX + THREAD_STACK_BYTES
}

/// Most bytes that one client holds: a stream with everything full, or a request, whichever is more. Answers with
/// events in them are bounded together, not one by one: see [`footprint`].
pub fn footprint_per_client(settings: &Settings) -> usize {
    /// The task of a connection with hyper's state; that of a session is smaller. Measured.
    const TASK_BYTES: usize = 5 * 1024;
    let reading = SOCKET_READ_BYTES + 2 * settings.client_message_bytes_max;
    // What is left of a batch is sent before anything else is gathered.
    let writing = fanout::REST_BYTES_MAX.max(2 * session::WRITE_BYTES_MAX);
    let stream = reading + writing + REPLAY_PAGE_BYTES_MAX;
    let request = 2 * HTTP_BUFFER_BYTES + REQUEST_BODY_BYTES_MAX + 2 * FILE_PIECE_BYTES;
    let tls = match settings.tls.mode {
        TlsMode::Off => 0,
        TlsMode::SelfSigned | TlsMode::Files => TLS_STATE_BYTES + 2 * TLS_BUFFER_BYTES,
    };
    TASK_BYTES + stream.max(request) + tls
}

/// How a WebSocket of this server is set up; for who examines the layer below it.
#[doc(hidden)]
pub fn websocket_config(settings: &Settings) -> WebSocketConfig {
    session::config(settings)
}

/// Told once that the server goes away.
#[derive(Clone)]
struct Leaving(watch::Receiver<bool>);

impl Leaving {
    /// Returns once it does. Dropped half-way it loses nothing.
    async fn told(&mut self) {
        // A sender that is gone says it, too.
        let _ = self.0.wait_for(|leaving| *leaving).await;
    }
}

/// A connection is over, and if it was a client's wish goes on as a stream, in a task that holds nothing of HTTP any more.
fn go_on(server: &Server, ended: Result<Option<Stream>, JoinError>, tasks: &mut Tasks) {
    match ended {
        Ok(None) => {}
        Ok(Some(stream)) => {
            tasks.spawn(async {
                stream.await;
                None
            });
        }
        Err(error) => {
            count(&server.counters.panicked);
            tracing::error!(%error, "a connection failed");
        }
    }
}
