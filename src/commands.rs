//! The commands that `main.rs` lists: their arguments, and what each does with them.

pub mod export;
pub mod network;
pub mod provision;
pub mod record;
pub mod replay;

use std::io;
use std::io::BufRead;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::app::AppError;
use crate::app::Service;
use crate::app::signals;
use crate::budget::Ledger;
use crate::budget::OverBudget;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::config::ConfigError;
use crate::config::Overrides;
use crate::heap;
use crate::identity::Accounts;
use crate::identity::IdentityError;
use crate::limits::PASSWORD_BYTES_MAX;
use crate::logs;
use crate::ota;
use crate::source;
use crate::store::FILE_NAME;
use crate::store::Opened;
use crate::store::Store;
use crate::store::StoreError;
use crate::web::Listeners;

/// What `--help` ends with.
pub const AFTER_HELP: &str = "Options of `run` may be given without a command. LOOKOUT_CONFIG, LOOKOUT_LISTEN, LOOKOUT_DATA_DIR, \
LOOKOUT_SOURCE, LOOKOUT_PIR, LOOKOUT_CLAIM_PASSWORD_FILE, LOOKOUT_TLS, LOOKOUT_BUDGET and LOOKOUT_LOG in the environment do the same as the options. Every key of the configuration \
is documented in config/lookout.toml.";

/// Arguments of `replay`.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// YUV4MPEG2, MJPEG, AVI with MJPEG, a folder of JPEG or PGM pictures, or a recording; - is standard input
    #[arg(value_name = "FILE")]
    clip: PathBuf,
    /// Print a line for every frame, too
    #[arg(long)]
    frames: bool,
    /// Frames a second of a clip that does not say (MJPEG, folder)
    #[arg(long, value_name = "RATE")]
    fps: Option<u32>,
    #[command(flatten)]
    settings: Overrides,
}

/// Arguments of `record`.
#[derive(Args, Clone, Debug)]
pub struct RecordArgs {
    /// Where the recording goes; must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Length in seconds; without it, until interrupted
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u32>,
    #[command(flatten)]
    settings: Overrides,
}

/// Arguments of `export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// How events are written
    #[arg(long, value_enum, default_value_t)]
    format: export::Format,
    /// Begin with this event
    #[arg(long, value_name = "ID", default_value_t = 0)]
    from: u64,
    #[command(flatten)]
    settings: Overrides,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration is refused.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The memory that the configuration asks for is over the budget.
    #[error("{0}")]
    Budget(#[from] OverBudget),
    /// The service did not start, or did not go on.
    #[error("{0}")]
    App(#[from] AppError),
    /// The address cannot be listened on.
    #[error("{address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The clip cannot be played.
    #[error("{0}")]
    Replay(#[from] replay::ReplayError),
    /// Nothing can be recorded.
    #[error("{0}")]
    Record(#[from] record::RecordError),
    /// The store cannot be opened.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// There is no store.
    #[error("{}: there is no store", .0.display())]
    NoStore(PathBuf),
    /// The device cannot be claimed.
    #[error("{0}")]
    Claim(#[from] IdentityError),
    /// No password came.
    #[error("standard input: {0}")]
    Input(io::Error),
    /// What the boot partition says cannot be taken.
    #[error("{0}")]
    Provision(#[from] provision::Failed),
    /// The network cannot be looked after.
    #[error("{0}")]
    Network(io::Error),
    /// Events cannot be exported.
    #[error("{0}")]
    Export(#[from] export::ExportError),
}

impl CommandError {
    /// 2 for what the user has to change in the configuration, else 1.
    fn status(&self) -> u8 {
        match self {
            CommandError::Provision(provision::Failed::Refused(_)) => 2,
            CommandError::Config(_) | CommandError::Budget(_) | CommandError::App(AppError::Budget(_) | AppError::Unclaimed) => 2,
            _ => 1,
        }
    }

    /// Whether the reader of standard output went away, as `head` does: nothing to speak of.
    fn is_closed_pipe(&self) -> bool {
        let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
        match self {
            CommandError::Replay(replay::ReplayError::Output(cause)) | CommandError::Export(export::ExportError::Output(cause)) => {
                closed(cause)
            }
            _ => false,
        }
    }
}

/// A command's outcome as the process's exit status; an error is told to standard error.
pub fn exit(outcome: Result<(), CommandError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lookout: {error}");
            ExitCode::from(error.status())
        }
    }
}

/// `lookout run`
pub fn run(settings: &Overrides) -> Result<(), CommandError> {
    heap::share();
    let (config, left_out) = load_to_run(settings)?;
    start_log(&config);
    let ledger = Ledger::of(&config).check()?;
    let refused = |(address, cause)| CommandError::Listen { address, cause };
    let listeners = Listeners::bind(&config.web).map_err(refused)?;
    let address = listeners.address().map_err(|cause| refused((config.web.listen, cause)))?;
    let clock = clock(&config);
    let service = Service::new(&config, clock)?;
    service.tell_left_out(&left_out);
    let (http, ws) = service.fingerprint().map_or(("http", "ws"), |_| ("https", "wss"));
    let fingerprint = service
        .fingerprint()
        .map(|print| format!("\ncertificate {print}"))
        .unwrap_or_default();
    let redirect = listeners.redirect_address();
    let redirect = redirect.map(|from| format!("\nsent on from http://{from}/")).unwrap_or_default();
    // Whoever started the service may have closed its standard output: that is no reason not to run.
    let _ = writeln!(
        io::stdout(),
        "lookout {}: memory\n{ledger}\ndashboard   {http}://{address}/\nstream      websocat {ws}://{address}/ws/events{fingerprint}{redirect}",
        env!("CARGO_PKG_VERSION")
    );
    Ok(service.run(listeners, signals())?)
}

/// `lookout check`
pub fn check(settings: &Overrides) -> Result<(), CommandError> {
    let config = load(settings)?;
    let ledger = Ledger::of(&config).check()?;
    println!("{ledger}\nthe configuration is good");
    Ok(())
}

/// `lookout replay`
pub fn replay(args: &ReplayArgs) -> Result<(), CommandError> {
    let config = load(&args.settings)?;
    start_log(&config);
    let spec = source::replay::Spec {
        path: args.clip.clone(),
        looped: false,
        fps: args.fps,
    };
    let clock = SystemClock::new(config.trust);
    let began = clock.now();
    let summary = replay::replay(&config, spec, args.frames, &mut BufWriter::new(io::stdout().lock()))?;
    replay::tell(summary, clock.now().since(began));
    Ok(())
}

/// `lookout record`
pub fn record(args: &RecordArgs) -> Result<(), CommandError> {
    let config = load(&args.settings)?;
    start_log(&config);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(config.trust));
    let summary = record::record(&config, clock, &args.file, args.seconds)?;
    eprintln!("{summary}");
    Ok(())
}

/// `lookout export`
pub fn export(args: &ExportArgs) -> Result<(), CommandError> {
    let config = load(&args.settings)?;
    let store = open_existing(&config)?;
    let count = export::export(&store.reader(), args.format, args.from, &mut BufWriter::new(io::stdout().lock()))?;
    eprintln!("{count} events");
    Ok(())
}

/// `lookout claim`
pub fn claim(settings: &Overrides) -> Result<(), CommandError> {
    let config = load(settings)?;
    let accounts = Accounts::open(&config.store.dir, Arc::new(SystemClock::new(config.trust)))?;
    let mut password = String::new();
    let mut input = io::stdin().lock().take(PASSWORD_BYTES_MAX as u64 + 3);
    input.read_line(&mut password).map_err(CommandError::Input)?;
    accounts.claim(password.trim_end_matches(['\r', '\n']))?;
    println!("the device is claimed");
    Ok(())
}

/// `lookout network`: never returns but for an error.
pub fn network(args: &network::NetworkArgs) -> Result<(), CommandError> {
    start_log(&Config::default());
    match network::network(args).map_err(CommandError::Network)? {}
}

/// `lookout version`
pub fn version() -> Result<(), CommandError> {
    println!("lookout {}", env!("CARGO_PKG_VERSION"));
    Ok(())
}

fn load(settings: &Overrides) -> Result<Config, ConfigError> {
    Config::load(settings, &Overrides::from_environment(|name| std::env::var_os(name)))
}

/// A key that there is not stops the start, for whoever mistyped it sits before it. Where a newer version ran before, nobody does: it
/// may be that one's key, and a camera that came back from it is to see. Its keys are left out, and told beside the rest.
fn load_to_run(settings: &Overrides) -> Result<(Config, Vec<ConfigError>), ConfigError> {
    let error = match load(settings) {
        Err(error) if error.unknown_key().is_some() => error,
        outcome => return outcome.map(|config| (config, Vec::new())),
    };
    let (config, left_out) = Config::load_known(settings, &Overrides::from_environment(|name| std::env::var_os(name)))?;
    if ota::newer_was_here(&config.store.dir) {
        Ok((config, left_out))
    } else {
        Err(error)
    }
}

/// The machine's clock, or what the scene makes of it.
fn clock(config: &Config) -> Arc<dyn Clock> {
    let clock = Arc::new(SystemClock::new(config.trust));
    match &config.camera.source.spec {
        source::Spec::Scene(scene) => scene.clock(clock),
        _ => clock,
    }
}

/// Opens a store that is there; makes none.
fn open_existing(config: &Config) -> Result<Store, CommandError> {
    let file = config.store.dir.join(FILE_NAME);
    if !Path::exists(&file) {
        return Err(CommandError::NoStore(file));
    }
    let wall = SystemClock::new(config.trust).wall();
    let (store, opened) = Store::open(&config.store, wall)?;
    if let Opened::SetAside { to, why } = opened {
        eprintln!("lookout: {}: {why}; set aside as {}", file.display(), to.display());
    }
    Ok(store)
}

/// Logs to standard error, which systemd keeps in the journal, and to memory, which the API shows.
fn start_log(config: &Config) {
    let log = tracing_subscriber::fmt()
        .with_max_level(config.log_level)
        .with_writer(io::stderr)
        .with_ansi(false);
    let outcome = if std::env::var_os("JOURNAL_STREAM").is_some() {
        log.without_time().finish().with(logs::Keep).try_init()
    } else {
        log.finish().with(logs::Keep).try_init()
    };
    if let Err(error) = outcome {
        eprintln!("lookout: no log: {error}");
    }
}
