//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

/// Which layer a setting comes from, as exactly as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Built in.
    Default,
    /// A file as a whole.
    File(PathBuf),
    /// A line of a file, counted from 1.
    Line(PathBuf, usize),
    /// A variable of the environment.
    Environment(&'static str),
    /// An option of the command line.
    Argument(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Default => write!(f, "built-in default"),
            Place::File(file) => write!(f, "{}", file.display()),
            Place::Line(file, line) => write!(f, "{}:{line}", file.display()),
            Place::Environment(variable) => write!(f, "environment {variable}"),
            Place::Argument(option) => write!(f, "--{option}"),
        }
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// The file is no configuration.
    #[error("longer than {bytes_max} bytes")]
    TooLong {
        /// Longest file that is read.
        bytes_max: u64,
    },
    /// The file is not text.
    #[error("not UTF-8")]
    NotText,
    /// The text is not TOML.
    #[error("column {column}: {message}")]
    Syntax {
        /// Character of the line, counted from 1.
        column: usize,
        /// What TOML's parser says.
        message: String,
    },
    /// There is no such key.
    #[error("unknown key {key}{}; allowed: {allowed}", .meant.as_ref().map(|key| format!(" ({key}?)")).unwrap_or_default())]
    Unknown {
        /// The key, with its tables.
        key: String,
        /// A key that is spelt alike.
        meant: Option<String>,
        /// The keys that there are in that table.
        allowed: String,
    },
    /// The key has another name since a release.
    #[error("{key} is now called {now}")]
    Renamed {
        /// The old name, with its tables.
        key: String,
        /// The new one.
        now: &'static str,
    },
    /// A table lacks what it cannot do without.
    #[error("{key} is missing")]
    Missing {
        /// The key, with its tables.
        key: String,
    },
    /// The value is not of the kind, or not in the range, that the key has.
    #[error("{key} = {found}: allowed is {allowed}")]
    Value {
        /// The key, with its tables.
        key: String,
        /// What stands there.
        found: String,
        /// What may.
        allowed: String,
    },
}

/// A configuration that is refused: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    /// Where.
    pub place: Place,
    /// Why.
    pub problem: Problem,
}

impl ConfigError {
    /// The key, where all that is wrong is that this version does not have it.
    pub fn unknown_key(&self) -> Option<&str> {
        match &self.problem {
            Problem::Unknown { key, .. } => Some(key),
            _ => None,
        }
    }
}
