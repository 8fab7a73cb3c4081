//! All settings of the service in one typed value, from four layers: built-in defaults, a TOML file, `LOOKOUT_*`
//! variables, the command line; the later one wins, and every error names the one at fault. The keys are in `keys.rs`.

mod check;
mod error;
mod keys;
mod kinds;
pub mod live;
mod read;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use tracing::Level;

use crate::clock::Trust;
use crate::event::engine;
use crate::event::model::Name;
use crate::limits::CONFIG_BYTES_MAX;
use crate::limits::ZONES_MAX;
use crate::media;
use crate::motion::settings as motion;
use crate::network;
use crate::ota;
use crate::source;
use crate::store;
use crate::trigger::sensor;
use crate::web;

pub use error::ConfigError;
pub use error::Place;
pub use error::Problem;

pub use crate::identity::Auth;

/// All settings of the service, each within its range and in keeping with the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[camera]`
    pub camera: Camera,
    /// `[pir]`
    pub pir: sensor::Settings,
    /// `[motion]`
    pub motion: motion::Settings,
    /// `[event]`
    pub event: engine::Settings,
    /// `[store]`
    pub store: store::Settings,
    /// `[media]`, but for how long pictures are kept, which is the store's
    pub media: media::Settings,
    /// `[web]`
    pub web: web::Settings,
    /// `[update]`
    pub update: ota::Settings,
    /// `[network]`
    pub network: network::Settings,
    /// `web.claim_password_file`: a file with the first password; empty: none.
    pub claim_password_file: PathBuf,
    /// `memory.budget`: memory that the service promises to stay within, in bytes.
    pub budget_bytes: usize,
    /// `clock.trust`: when the wall clock is believed.
    pub trust: Trust,
    /// `log.level`: least severe message that is logged.
    pub log_level: Level,
}

/// The camera, and what it is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    /// Its name in events.
    pub id: Name,
    /// Which one, and what is asked of it.
    pub source: source::Settings,
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
    /// File with the first password; it is removed once it is taken
    #[arg(long, value_name = "FILE")]
    pub claim_password_file: Option<String>,
    /// TLS: off, self_signed or files
    #[arg(long, value_name = "MODE")]
    pub tls: Option<String>,
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
const OVERRIDES: [Override; 8] = [
    Override { option: "listen", variable: "LOOKOUT_LISTEN", key: "web.listen", given: |given| &mut given.listen },
    Override { option: "data-dir", variable: "LOOKOUT_DATA_DIR", key: "store.dir", given: |given| &mut given.data_dir },
    Override { option: "source", variable: "LOOKOUT_SOURCE", key: "camera.source", given: |given| &mut given.source },
    Override { option: "pir", variable: "LOOKOUT_PIR", key: "pir.source", given: |given| &mut given.pir },
    Override { option: "claim-password-file", variable: "LOOKOUT_CLAIM_PASSWORD_FILE", key: "web.claim_password_file", given: |given| &mut given.claim_password_file },
    Override { option: "tls", variable: "LOOKOUT_TLS", key: "web.tls", given: |given| &mut given.tls },
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
    /// `LOOKOUT_PIR`, `LOOKOUT_CLAIM_PASSWORD_FILE`, `LOOKOUT_TLS`, `LOOKOUT_BUDGET`, `LOOKOUT_LOG`, as `variable` says (`std::env::var_os`); an empty one is not given.
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
        Config::load_layers(arguments, environment, None)
    }

    /// The same without the keys of the file that this version does not have; they are told beside it.
    pub fn load_known(arguments: &Overrides, environment: &Overrides) -> Result<(Config, Vec<ConfigError>), ConfigError> {
        let mut left_out = Vec::new();
        let config = Config::load_layers(arguments, environment, Some(&mut left_out))?;
        Ok((config, left_out))
    }

    fn load_layers(arguments: &Overrides, environment: &Overrides, left_out: Option<&mut Vec<ConfigError>>) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        let mut places = read::Places::new();
        if let Some(file) = arguments.config.as_ref().or(environment.config.as_ref()) {
            config.read(&read_text(file)?, file, &mut places, left_out)?;
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
        config.read(text, file, &mut places, None)?;
        check::relations(&config, &places)?;
        Ok(config)
    }

    /// Names of the zones, in the order of a [`ZoneSet`](crate::motion::ZoneSet)'s bits.
    pub fn zone_names(&self) -> heapless::Vec<Name, ZONES_MAX> {
        self.motion.zones.iter().map(|zone| zone.name.clone()).collect()
    }

    /// Every key with what it holds, in the order of the documented file.
    pub fn keys(&self) -> Vec<KeyValue> {
        let mut config = self.clone();
        let mut found = Vec::new();
        kinds::collect("", &keys::keys(&mut config), &mut found);
        found
    }

    /// These `tables` as TOML that [`parse`](Config::parse) reads, all of them when none is named.
    pub fn to_toml(&self, tables: &[&str]) -> String {
        let (mut config, mut toml) = (self.clone(), String::new());
        let mut keys = keys::keys(&mut config);
        keys.retain(|key| tables.is_empty() || tables.contains(&key.name));
        kinds::write("", keys, &mut toml);
        toml
    }

    fn read(
        &mut self,
        text: &str,
        file: &Path,
        places: &mut read::Places,
        left_out: Option<&mut Vec<ConfigError>>,
    ) -> Result<(), ConfigError> {
        let reader = read::Reader {
            file,
            text,
            renames: keys::RENAMES,
            places,
            left_out,
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
            pir: sensor::Settings::default(),
            motion: motion::Settings::default(),
            event: engine::Settings::default(),
            store: store::Settings::default(),
            media: media::Settings::default(),
            web: web::Settings::default(),
            update: ota::Settings::default(),
            network: network::Settings::default(),
            claim_password_file: PathBuf::new(),
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
            source: source::Settings::default(),
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
