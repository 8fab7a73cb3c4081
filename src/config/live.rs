//! What is changed while the service runs: kept in a file of its own in the data folder, a layer over all others, of
//! `[motion]` and `[event]` alone. The file that a person wrote is never touched. Keys of a newer version, which the machine may
//! have come back from, stay in the file for it until the next change.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;

use super::Config;
use super::ConfigError;
use super::check;
use super::read::Places;
use crate::identity::file as durable;
use crate::limits::CONFIG_BYTES_MAX;
use crate::pipeline::Tuning;
use crate::web::Change;
use crate::web::Changed;
use crate::web::Refused;
use crate::web::Tuner;

/// Where changes are kept, in the data folder.
pub const FILE_NAME: &str = "settings.toml";
/// Where a file that breaks the rules is put.
const ASIDE_NAME: &str = "settings.toml.refused";
/// Tables that can be changed.
const TABLES: [&str; 2] = ["motion", "event"];
/// What the file opens with.
const HEADER: &str = "# Written by the service: what was set while it ran. It goes before the configuration file.\n";

/// The configuration that holds, and where its changes are kept.
#[derive(Debug)]
pub struct Live {
    file: PathBuf,
    /// Held for a moment only: whoever asks what holds does not wait for the disk.
    config: Mutex<Config>,
    /// Keys of the file that this version does not have.
    left_out: Vec<ConfigError>,
    /// One change at a time.
    changing: Mutex<()>,
}

impl Live {
    /// The configuration with what was changed in earlier runs. A file of changes that cannot be read or breaks the rules is
    /// set aside and said: the camera is to see, with the settings of the configuration file. Keys that this version does not
    /// have are left out: see [`left_out`](Live::left_out).
    pub fn open(config: Config) -> Live {
        let file = config.store.dir.join(FILE_NAME);
        let live = |config| Live {
            file: file.clone(),
            config: Mutex::new(config),
            left_out: Vec::new(),
            changing: Mutex::new(()),
        };
        let mut left_out = Vec::new();
        let text = match super::read_text(&file) {
            Ok(text) => text,
            Err(_) if !file.exists() => return live(config),
            Err(error) => return live(without(&file, &error, config)),
        };
        match config.with(&text, &file, Some(&mut left_out)) {
            Ok(changed) => Live {
                left_out,
                ..live(changed.only_tables(&config))
            },
            Err(error) => live(without(&file, &error, config)),
        }
    }

    /// The configuration that holds.
    pub fn config(&self) -> Config {
        self.lock().clone()
    }

    /// Keys of the file of changes that this version does not have, and where they stand.
    pub fn left_out(&self) -> &[ConfigError] {
        &self.left_out
    }

    fn lock(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Tuner for Live {
    fn now(&self) -> Tuning {
        let config = self.lock();
        Tuning {
            motion: config.motion.clone(),
            event: config.event.clone(),
        }
    }

    fn change(&self, change: Change) -> Result<Changed, Refused> {
        let _turn = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let held = self.config();
        let wanted = match change {
            Change::Keys(keys) => {
                let text = toml::to_string(&keys).map_err(|_| Refused::Rule("null is no value; a key that is left out stays".into()))?;
                let given = held.with(&text, Path::new("request"), None);
                given.map_err(|error| Refused::Rule(error.problem.to_string()))? // who sent JSON knows of no lines
            }
            Change::Whole(text) => {
                let given = Config::parse(&text, Path::new("request"));
                given.map_err(|error| Refused::Rule(error.to_string()))?
            }
        };
        let next = wanted.only_tables(&held);
        let changed = Changed {
            applied: differing(&next, &held),
            left: differing(&wanted, &next),
        };
        keep(&self.file, &format!("{HEADER}{}", next.to_toml(&TABLES))).map_err(|error| Refused::Disk(error.to_string()))?;
        *self.lock() = next;
        Ok(changed)
    }

    fn export(&self) -> String {
        self.lock().to_toml(&[])
    }
}

impl Config {
    /// These settings with those of `text` over them.
    fn with(&self, text: &str, file: &Path, left_out: Option<&mut Vec<ConfigError>>) -> Result<Config, ConfigError> {
        let (mut config, mut places) = (self.clone(), Places::new());
        config.read(text, file, &mut places, left_out)?;
        check::relations(&config, &places)?;
        Ok(config)
    }

    /// These settings where they can be changed, `other` elsewhere.
    fn only_tables(&self, other: &Config) -> Config {
        Config {
            motion: self.motion.clone(),
            event: self.event.clone(),
            ..other.clone()
        }
    }
}

/// Keys that have another value in `a` than in `b`; lists of tables by their name alone.
fn differing(a: &Config, b: &Config) -> Vec<String> {
    let mut keys: Vec<String> = a
        .keys()
        .into_iter()
        .zip(b.keys())
        .filter(|(a, b)| a != b)
        .map(|(a, _)| a.key)
        .collect();
    keys.extend((a.motion.zones != b.motion.zones).then(|| "motion.zones".to_owned()));
    keys.extend((a.motion.masks != b.motion.masks).then(|| "motion.masks".to_owned()));
    keys
}

/// Puts the file aside; the service goes on without it.
fn without(file: &Path, error: &dyn std::error::Error, config: Config) -> Config {
    tracing::error!(%error, aside = ASIDE_NAME, "settings that were changed while the service ran are set aside");
    if let Err(error) = fs::rename(file, file.with_file_name(ASIDE_NAME)) {
        tracing::error!(%error, "they stay where they are");
    }
    config
}

/// Whole or not at all, also when the power fails.
fn keep(file: &Path, text: &str) -> io::Result<()> {
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(io::Error::other(format!(
            "{} bytes, at most {CONFIG_BYTES_MAX} are kept",
            text.len()
        )));
    }
    durable::replace(file, text.as_bytes())
}
