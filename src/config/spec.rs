//! Which camera and which PIR sensor, as a user writes it: checked here for its form, opened in `source/` and `trigger/`.

use std::fmt;
use std::str::FromStr;

/// Which camera, as text with a known beginning: `auto`, `v4l2:DEVICE`, `replay:FILE`, `scene` or `scene:OPTIONS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpec(String);

/// Which PIR sensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PirSpec {
    /// The one that the camera's source brings, else the usual line of a Raspberry Pi, else none.
    #[default]
    Auto,
    /// None.
    None,
    /// On a Raspberry Pi's header.
    Rppal {
        /// Its line's BCM number.
        bcm: u8,
    },
    /// On the kernel's GPIO character device.
    Chip {
        /// The chip's label or name, or the path of its node.
        chip: String,
        /// The line's name, or its offset.
        line: String,
    },
}

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
        let valid = match text.split_once(':') {
            None => matches!(text, "auto" | "scene"),
            Some(("v4l2" | "replay" | "scene", what)) => !what.is_empty(),
            Some(_) => false,
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
}

impl FromStr for PirSpec {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PirSpec, &'static str> {
        match text.split_once(':') {
            None if text == "auto" => Some(PirSpec::Auto),
            None if text == "none" => Some(PirSpec::None),
            Some(("rppal", bcm)) => rppal(bcm),
            Some(("chip", line)) => chip(line),
            _ => None,
        }
        .ok_or(PirSpec::FORM)
    }
}

fn rppal(bcm: &str) -> Option<PirSpec> {
    let bcm = bcm.parse().ok().filter(|bcm| *bcm <= BCM_LINE_MAX)?;
    Some(PirSpec::Rppal { bcm })
}

/// A chip may be the path of its node: the line is what follows the last slash.
fn chip(text: &str) -> Option<PirSpec> {
    let (chip, line) = text.rsplit_once('/').filter(|(chip, line)| !chip.is_empty() && !line.is_empty())?;
    Some(PirSpec::Chip {
        chip: chip.to_owned(),
        line: line.to_owned(),
    })
}

impl fmt::Display for PirSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PirSpec::Auto => f.write_str("auto"),
            PirSpec::None => f.write_str("none"),
            PirSpec::Rppal { bcm } => write!(f, "rppal:{bcm}"),
            PirSpec::Chip { chip, line } => write!(f, "chip:{chip}/{line}"),
        }
    }
}
