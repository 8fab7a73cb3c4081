//! All settings of the service in one typed value, from four layers: built-in defaults, a TOML file, `LOOKOUT_*`
//! variables, the command line; the later one wins, and every error names the one at fault. The keys are in `keys.rs`.

mod check;
mod error;
mod keys;
mod kinds;
mod read;
mod spec;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tracing::Level;

use crate::clock::Trust;
use crate::event::engine;
use crate::event::model::Name;
use crate::frame::PixelFormat;
use crate::limits::CONFIG_BYTES_MAX;
use crate::motion::settings as motion;
use crate::store;
use crate::web;

pub use error::ConfigError;
pub use error::Place;
pub use error::Problem;
pub use spec::PirSpec;
pub use spec::SourceSpec;

/// All settings of the service, each within its range and in keeping with the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[camera]`
    pub camera: Camera,
    /// `[pir]`
    pub pir: Pir,
    /// `[motion]`
    pub motion: motion::Settings,
    /// `[event]`
    pub event: engine::Settings,
    /// `[store]`
    pub store: store::Settings,
    /// `[web]`
    pub web: web::Settings,
    /// `web.auth`: who may connect.
    pub auth: Auth,
    /// `memory.budget`: memory that the service promises to stay within, in bytes.
    pub budget_bytes: usize,
    /// `clock.trust`: when the wall clock is believed.
    pub trust: Trust,
    /// `log.level`: least severe message that is logged.
    pub log_level: Level,
}

/// What a user may set of the camera; it may give something near it, and the service reports what it got.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    /// Its name in events.
    pub id: Name,
    /// Which one.
    pub source: SourceSpec,
    /// Pixels a row asked for.
    pub width: u32,
    /// Rows asked for.
    pub height: u32,
    /// Frames a second asked for.
    pub fps: u32,
    /// Layout asked for; `None`: the cheapest that it has.
    pub pixel: Option<PixelFormat>,
    /// Time without a frame after which it is lost.
    pub stall: Duration,
}

/// What a user may set of the PIR sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Pir {
    /// Which one.
    pub source: PirSpec,
    /// Resistor that the board puts on the line.
    pub bias: Bias,
    /// Level of the line while it sees something.
    pub active: LineLevel,
    /// Changes shorter than this are left out.
    pub debounce: Duration,
    /// Time after power-on in which its output means nothing.
    pub warm_up: Duration,
}

/// Resistor that the board puts on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// To ground.
    PullDown,
    /// To the supply.
    PullUp,
    /// None: the sensor drives the line.
    None,
}

/// Level of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineLevel {
    /// At the supply.
    High,
    /// At ground.
    Low,
}

/// Who may connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Programs on this machine, without a password.
    #[default]
    Loopback,
    /// Whoever reaches the port, without a password.
    None,
}

/// Settings that the command line and the environment may give, as text.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Configuration file; without one the built-in defaults hold
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port of the server
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Folder of the event store
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Camera: auto, v4l2:DEVICE, replay:FILE or scene[:seed=N]
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// PIR sensor: auto, none, rppal:BCM or chip:LABEL/LINE
    #[arg(long, value_name = "SENSOR")]
    pub pir: Option<String>,
    /// Memory budget, as in 16MiB
    #[arg(long, value_name = "SIZE")]
    pub budget: Option<String>,
    /// Log level: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<String>,
}

/// One setting outside the file: its option, its variable, its key.
struct Override {
    option: &'static str,
    variable: &'static str,
    key: &'static str,
    given: fn(&mut Overrides) -> &mut Option<String>,
}

#[rustfmt::skip] // a table
const OVERRIDES: [Override; 6] = [
    Override { option: "listen", variable: "LOOKOUT_LISTEN", key: "web.listen", given: |given| &mut given.listen },
    Override { option: "data-dir", variable: "LOOKOUT_DATA_DIR", key: "store.dir", given: |given| &mut given.data_dir },
    Override { option: "source", variable: "LOOKOUT_SOURCE", key: "camera.source", given: |given| &mut given.source },
    Override { option: "pir", variable: "LOOKOUT_PIR", key: "pir.source", given: |given| &mut given.pir },
    Override { option: "budget", variable: "LOOKOUT_BUDGET", key: "memory.budget", given: |given| &mut given.budget },
    Override { option: "log", variable: "LOOKOUT_LOG", key: "log.level", given: |given| &mut given.log },
];

/// One value of a configuration, for whoever shows them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key, with its tables.
    pub key: String,
    /// What it holds, as TOML; empty for a list of tables.
    pub value: String,
    /// What it may hold, in words.
    pub allowed: String,
}

impl Overrides {
    /// What the environment gives: `LOOKOUT_CONFIG`, `LOOKOUT_LISTEN`, `LOOKOUT_DATA_DIR`, `LOOKOUT_SOURCE`,
    /// `LOOKOUT_PIR`, `LOOKOUT_BUDGET`, `LOOKOUT_LOG`, as `variable` says (`std::env::var_os`); an empty one is not given.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Overrides {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut overrides = Overrides {
            config: given("LOOKOUT_CONFIG").map(PathBuf::from),
            ..Overrides::default()
        };
        for known in &OVERRIDES {
            *(known.given)(&mut overrides) = given(known.variable).map(|value| value.to_string_lossy().into_owned());
        }
        overrides
    }
}

impl Config {
    /// The settings that hold: built-in defaults, then the file that `arguments` or else `environment` names (none:
    /// no file), then `environment`, then `arguments`. The first thing wrong is the error.
    pub fn load(arguments: &Overrides, environment: &Overrides) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        let mut places = read::Places::new();
        if let Some(file) = arguments.config.as_ref().or(environment.config.as_ref()) {
            config.read(&read_text(file)?, file, &mut places)?;
        }
        config.set_all(environment, |known| Place::Environment(known.variable), &mut places)?;
        config.set_all(arguments, |known| Place::Argument(known.option), &mut places)?;
        check::relations(&config, &places)?;
        Ok(config)
    }

    /// The settings that a file of this `text` gives on top of the defaults; `file` is what errors call it.
    pub fn parse(text: &str, file: &Path) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        let mut places = read::Places::new();
        config.read(text, file, &mut places)?;
        check::relations(&config, &places)?;
        Ok(config)
    }

    /// Every key with what it holds, in the order of the documented file.
    pub fn keys(&self) -> Vec<KeyValue> {
        let mut config = self.clone();
        let mut found = Vec::new();
        kinds::collect("", &keys::keys(&mut config), &mut found);
        found
    }

    fn read(&mut self, text: &str, file: &Path, places: &mut read::Places) -> Result<(), ConfigError> {
        let reader = read::Reader {
            file,
            text,
            renames: keys::RENAMES,
            places,
        };
        reader.read(keys::keys(self))
    }

    fn set_all(&mut self, layer: &Overrides, place_of: fn(&Override) -> Place, places: &mut read::Places) -> Result<(), ConfigError> {
        let mut layer = layer.clone();
        for known in &OVERRIDES {
            if let Some(text) = (known.given)(&mut layer) {
                read::set_text(keys::keys(self), known.key, text, place_of(known), places)?;
            }
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            camera: Camera::default(),
            pir: Pir::default(),
            motion: motion::Settings::default(),
            event: engine::Settings::default(),
            store: store::Settings::default(),
            web: web::Settings::default(),
            auth: Auth::default(),
            budget_bytes: 16 * 1024 * 1024,
            trust: Trust::default(),
            log_level: Level::INFO,
        }
    }
}

impl Default for Camera {
    fn default() -> Camera {
        Camera {
            id: Name::try_from("camera").unwrap_or_default(),
            source: SourceSpec::default(),
            width: 640,
            height: 480,
            fps: 10,
            pixel: None,
            stall: Duration::from_secs(3),
        }
    }
}

impl Default for Pir {
    fn default() -> Pir {
        Pir {
            source: PirSpec::default(),
            bias: Bias::PullDown,
            active: LineLevel::High,
            debounce: Duration::from_millis(20),
            warm_up: Duration::from_secs(30),
        }
    }
}

/// The whole file, if it is text of a reasonable length.
fn read_text(file: &Path) -> Result<String, ConfigError> {
    let at = |place: Place, problem| ConfigError { place, problem };
    let whole = || Place::File(file.to_owned());
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|cause| at(whole(), Problem::Unreadable(cause)))?;
    if bytes.len() as u64 > CONFIG_BYTES_MAX {
        let bytes_max = CONFIG_BYTES_MAX;
        return Err(at(whole(), Problem::TooLong { bytes_max }));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        at(Place::Line(file.to_owned(), line), Problem::NotText)
    })
}
