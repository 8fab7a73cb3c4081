//! Which camera and which PIR sensor, as a user writes it: checked here for its form, opened in `source/` and `trigger/`.

use std::fmt;
use std::str::FromStr;

/// Which camera: `auto`, `v4l2:DEVICE`, `replay:FILE`, `scene` or `scene:seed=N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpec(String);

/// Which PIR sensor: `auto`, `none`, `rppal:BCM` or `chip:LABEL/LINE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PirSpec(String);

/// Highest BCM number of a line on a Raspberry Pi's header.
const BCM_LINE_MAX: u8 = 27;

impl SourceSpec {
    /// The form, in words.
    pub const FORM: &'static str = r#""auto", "v4l2:DEVICE", "replay:FILE", "scene" or "scene:seed=N""#;

    /// The camera as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceSpec {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SourceSpec, &'static str> {
        let (scheme, rest) = text.split_once(':').map_or((text, None), |(scheme, rest)| (scheme, Some(rest)));
        let valid = match (scheme, rest) {
            ("auto" | "scene", None) => true,
            ("scene", Some(rest)) => rest.strip_prefix("seed=").is_some_and(|seed| seed.parse::<u64>().is_ok()),
            ("v4l2" | "replay", Some(file)) => !file.is_empty(),
            _ => false,
        };
        valid.then(|| SourceSpec(text.to_owned())).ok_or(SourceSpec::FORM)
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for SourceSpec {
    fn default() -> SourceSpec {
        SourceSpec("auto".to_owned())
    }
}

impl PirSpec {
    /// The form, in words.
    pub const FORM: &'static str = r#""auto", "none", "rppal:BCM" (0 to 27) or "chip:LABEL/LINE""#;

    /// The sensor as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PirSpec {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PirSpec, &'static str> {
        let valid = match text.split_once(':') {
            None => matches!(text, "auto" | "none"),
            Some(("rppal", line)) => line.parse::<u8>().is_ok_and(|line| line <= BCM_LINE_MAX),
            Some(("chip", line)) => line
                .rsplit_once('/')
                .is_some_and(|(label, line)| !label.is_empty() && !line.is_empty()),
            Some(_) => false,
        };
        valid.then(|| PirSpec(text.to_owned())).ok_or(PirSpec::FORM)
    }
}

impl fmt::Display for PirSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for PirSpec {
    fn default() -> PirSpec {
        PirSpec("auto".to_owned())
    }
}
