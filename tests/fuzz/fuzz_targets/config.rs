//! A configuration file: allowed, and then all its keys can be said again, or refused in words.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use lookout::budget::Ledger;
use lookout::config::Config;
use lookout::limits::CONFIG_BYTES_MAX;

fuzz_target!(|text: &str| {
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return; // refused before it is parsed
    }
    match Config::parse(text, Path::new("lookout.toml")) {
        Ok(config) => {
            assert!(!config.keys().is_empty());
            assert!(Ledger::of(&config).promised() > 0);
        }
        Err(error) => assert!(error.to_string().contains("lookout.toml"), "{error}"),
    }
});
