//! The service: wiring, threads, and an orderly end. Everything else is told here what it works with.
//!
//! | thread | runs | ends when |
//! | --- | --- | --- |
//! | `pipeline` | camera, detector, events | asked to stop: running events are ended |
//! | `studio` | pictures | the pipeline is gone: what was begun is saved, the queue is closed |
//! | `recorder` | store, then hub | the queue is closed and empty |
//! | the caller's | tokio: whatever has a socket | all are done, or the time for stopping is over |

mod threads;

mod signals;
mod network;
mod start;
mod upkeep;
mod watchdog;

pub use signals::signals;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::board::Board;
use crate::budget::Ledger;
use crate::budget::Line;
use crate::budget::OverBudget;
use crate::clock::BootId;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::ConfigError;
use crate::config::live::Live;
use crate::health;
use crate::heap;
use crate::hub::Hub;
use crate::identity::Accounts;
use crate::identity::Auth;
use crate::identity::IdentityError;
use crate::limits::STOP_MS_MAX;
use crate::media::Desk;
use crate::media::Shutter;
use crate::media::Studio;
use crate::ota::Updater;
use crate::pipeline;
use crate::pipeline::Controls;
use crate::pipeline::Pipeline;
use crate::recorder;
use crate::recorder::Recorder;
use crate::recorder::scribe::Identity;
use crate::recorder::scribe::Scribe;
use crate::records::Notice;
use crate::records::Record;
use crate::records::RecordQueue;
use crate::records::detail;
use crate::source::camera::Camera;
use crate::source::pace::Pace;
use crate::status::Status;
use crate::store::Store;
use crate::store::StoreError;
use crate::trigger::sensor::Sensor;
use crate::web;
use crate::web::Listeners;
use crate::web::Tls;
use crate::web::TlsError;
use start::leave_behind;
use threads::Running;
use threads::record;
use threads::spawn;
use threads::watch;
use upkeep::Upkeep;
use watchdog::watchdog;

/// Why the service did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The memory promised is over the budget.
    #[error(transparent)]
    Budget(#[from] OverBudget),
    /// The store cannot be opened.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// The accounts cannot be opened, or the first password cannot be taken.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// There is no TLS, and it was asked for.
    #[error("tls: {0}")]
    Tls(#[from] TlsError),
    /// Others may come in, and there is no password yet.
    #[error(
        "web.auth is \"password\", and nobody has claimed the device: give the first password in a file that web.claim_password_file \
         names, or by `lookout claim`"
    )]
    Unclaimed,
    /// A thread or the runtime cannot be had.
    #[error("{what}: {cause}")]
    System {
        /// Which.
        what: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// A thread ended that should not have: a fault in the program, logged where it happened.
    #[error("the {0} ended by itself")]
    Died(&'static str),
    /// The server gave up.
    #[error("server: {0}")]
    Server(io::Error),
}

/// The service, put together and not yet running.
pub struct Service {
    shared: Shared,
    pipeline: Pipeline,
    studio: Studio,
    recorder: Recorder,
    services: web::Services,
    upkeep: Upkeep,
}

/// What the threads have in common.
struct Shared {
    hub: Arc<Hub>,
    queue: Arc<RecordQueue>,
    status: Arc<Status>,
    controls: Arc<Controls>,
    desk: Arc<Desk>,
    stop: Arc<AtomicBool>,
    clock: Arc<dyn Clock>,
}

impl Service {
    /// Opens the store and reserves memory; refuses when the memory promised is over the budget. The camera is opened by
    /// the first step, since it may be lost and come back at any time.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Service, AppError> {
        let live = Arc::new(Live::open(config.clone()));
        let config = &live.config();
        Ledger::of(config).check()?;
        let (store, opened) = Store::open(&config.store, clock.wall())?;
        let accounts = accounts(config, &clock)?;
        let shared = Shared {
            hub: Arc::new(Hub::new(store.next_seq() - 1)),
            queue: Arc::default(),
            status: Arc::default(),
            controls: Arc::default(),
            desk: Arc::new(Desk::new(&config.media, &config.store.dir)),
            stop: Arc::default(),
            clock,
        };
        let tls = Tls::open(&config.web.tls, &config.store.dir, &[config.web.listen.ip()])?;
        let upkeep = Upkeep::new(config, &shared, &store, tls.clone());
        let mut services = services(config, &shared, &store, accounts, tls, &upkeep.updater);
        services.tuner = Some(live.clone());
        services.network = Some(upkeep.network.link.clone());
        let recorder = Recorder::new(recorder::Parts {
            store,
            opened,
            scribe: Scribe::new(identity(config), shared.clock.clone()),
            hub: shared.hub.clone(),
            queue: shared.queue.clone(),
            clock: shared.clock.clone(),
            status: shared.status.clone(),
            desk: shared.desk.clone(),
            free: Some(free(config)),
        })?;
        let pipeline = pipeline(config, &shared);
        let studio = Studio::new(shared.desk.clone(), shared.queue.clone(), shared.clock.clone());
        let service = Service {
            shared,
            pipeline,
            studio,
            recorder,
            services,
            upkeep,
        };
        service.tell_left_out(live.left_out());
        Ok(service)
    }

    /// Logs each setting that was left out, as this version does not have it, and gives one alert for all of them.
    pub fn tell_left_out(&self, errors: &[ConfigError]) {
        if errors.is_empty() {
            return;
        }
        errors.iter().for_each(|error| tracing::warn!(%error, "a setting is left out"));
        let keys: Vec<&str> = errors.iter().filter_map(ConfigError::unknown_key).collect();
        let words = format!("settings that this version does not have are left out: {}", keys.join(", "));
        let now = self.shared.clock.now();
        self.shared.queue.push(Record::Notice(now, Notice::SettingsLeftOut, detail(&words)));
    }

    /// Where messages are announced.
    pub fn hub(&self) -> Arc<Hub> {
        self.shared.hub.clone()
    }

    /// SHA-256 of the certificate, where TLS is spoken.
    pub fn fingerprint(&self) -> Option<&str> {
        self.services.tls.as_ref().map(Tls::fingerprint)
    }

    /// Where records are handed to the recorder.
    pub fn queue(&self) -> Arc<RecordQueue> {
        self.shared.queue.clone()
    }

    /// Runs until `shutdown` is ready; then ends events, stores them, tells the clients, and returns, all within
    /// [`STOP_MS_MAX`].
    pub fn run(self, listeners: impl Into<Listeners>, shutdown: impl Future<Output = ()>) -> Result<(), AppError> {
        let Service {
            shared,
            pipeline,
            studio,
            recorder,
            services,
            upkeep,
        } = self;
        let recorder = spawn("recorder", move || record(recorder))?;
        let studio = spawn("studio", move || studio.run())?;
        let (stop, queue, clock) = (shared.stop.clone(), shared.queue.clone(), shared.clock.clone());
        let pipeline = spawn("pipeline", move || watch(pipeline, &stop, &queue, &*clock))?;
        let runtime = web::runtime().map_err(|cause| AppError::System { what: "runtime", cause })?;
        let outcome = runtime.block_on(serve(
            &shared,
            listeners.into(),
            services,
            upkeep,
            [pipeline, studio, recorder],
            shutdown,
        ));
        runtime.shutdown_timeout(Duration::from_millis(STOP_MS_MAX / 4));
        outcome
    }
}

/// Opens the accounts, takes the first password, and refuses to serve others before there is one.
fn accounts(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<Accounts>, AppError> {
    let accounts = Accounts::open(&config.store.dir, Arc::clone(clock))?;
    if !config.claim_password_file.as_os_str().is_empty() {
        accounts.claim_from(&config.claim_password_file)?;
    }
    if config.web.auth == Auth::Password && !accounts.is_claimed() {
        return Err(AppError::Unclaimed);
    }
    Ok(Arc::new(accounts))
}

fn services(
    config: &Config,
    shared: &Shared,
    store: &Store,
    accounts: Arc<Accounts>,
    tls: Option<Tls>,
    updater: &Arc<Updater>,
) -> web::Services {
    let budget_bytes = config.budget_bytes as u64;
    web::Services {
        settings: config.web.clone(),
        identity: web::Identity {
            camera_id: config.camera.id.clone(),
            boot_id: BootId::of_machine(),
        },
        hub: shared.hub.clone(),
        store: Arc::new(store.reader()),
        status: shared.status.clone(),
        controls: shared.controls.clone(),
        desk: shared.desk.clone(),
        clock: shared.clock.clone(),
        memory: Some(Arc::new(move || web::Memory {
            used_bytes: heap::in_use_bytes() as u64,
            peak_bytes: heap::peak_bytes() as u64,
            budget_bytes,
        })),
        counters: Arc::default(),
        board: Some(Board::here(&config.store.dir)),
        records: shared.queue.clone(),
        about: Arc::new(about(config)),
        tuner: None,
        accounts,
        tls,
        updater: Some(updater.clone()),
        network: None,
    }
}

/// What the API tells of the configuration.
fn about(config: &Config) -> web::About {
    let holder = |line: Line| web::Holder {
        holder: line.holder,
        bytes: line.bytes,
        reason: line.reason,
    };
    web::About {
        source: config.camera.source.spec.to_string(),
        ledger: Ledger::of(config).lines.into_iter().map(holder).collect(),
    }
}

fn pipeline(config: &Config, shared: &Shared) -> Pipeline {
    Pipeline::new(pipeline::Parts {
        camera: Camera::new(config.camera.source.clone(), Pace::Recorded, shared.clock.clone()),
        sensor: Sensor::new(config.pir.clone(), shared.clock.clone()),
        motion: config.motion.clone(),
        engine: config.event.clone(),
        clock: shared.clock.clone(),
        controls: shared.controls.clone(),
        status: shared.status.clone(),
        shutter: Some(Shutter::new(shared.desk.clone())),
    })
}

/// How the recorder learns how full the disk is.
fn free(config: &Config) -> recorder::MeasureFree {
    let board = Board::here(&config.store.dir);
    Box::new(move || board.disk().map(|disk| disk.free_bytes))
}

fn identity(config: &Config) -> Identity {
    Identity {
        camera_id: config.camera.id.clone(),
        boot_id: BootId::of_machine(),
        zones: config.zone_names(),
    }
}

/// The caller's thread: serves until told to stop or until a thread dies, then stops in order.
async fn serve(
    shared: &Shared,
    listeners: Listeners,
    services: web::Services,
    upkeep: Upkeep,
    threads: [Running; 3],
    shutdown: impl Future<Output = ()>,
) -> Result<(), AppError> {
    let address = listeners.address().ok();
    let (stop_web, web_stopped) = oneshot::channel::<()>();
    let server = web::serve(listeners, services, async {
        let _ = web_stopped.await;
    });
    let [mut pipeline, mut studio, mut recorder] = threads;
    let conduct = async {
        health::ready("serving; the camera is opened and reopened by itself");
        let outcome = tokio::select! {
            () = shutdown => Ok(()),
            _ = &mut pipeline.done => Err(AppError::Died(pipeline.name)),
            _ = &mut studio.done => Err(AppError::Died(studio.name)),
            _ = &mut recorder.done => Err(AppError::Died(recorder.name)),
            never = watchdog(shared) => never,
            never = upkeep.run(address) => match never {},
            never = leave_behind() => match never {},
        };
        health::stopping();
        shared.stop.store(true, Ordering::Relaxed);
        let ends = async { tokio::join!(&mut pipeline.done, &mut studio.done, &mut recorder.done) };
        if outcome.is_ok() && tokio::time::timeout(Duration::from_millis(STOP_MS_MAX / 2), ends).await.is_err() {
            tracing::error!("the threads did not end in time");
        }
        let _ = stop_web.send(());
        outcome
    };
    let (served, outcome) = tokio::join!(server, conduct);
    outcome.and(served.map_err(AppError::Server))
}
