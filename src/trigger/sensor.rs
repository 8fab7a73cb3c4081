//! One PIR sensor, whatever it hangs on: which one is meant, opening it, and opening it again when it was lost.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use heapless::Vec;

use crate::clock::Clock;
use crate::clock::Mono;
use crate::limits::EDGES_PER_STEP_MAX;
use crate::limits::SENSOR_REOPEN_MS;
use crate::trigger::Edge;
use crate::trigger::TriggerCounters;
use crate::trigger::TriggerError;
use crate::trigger::TriggerSource;
use crate::trigger::TriggerState;
use crate::trigger::chardev;
use crate::trigger::rppal;

/// BCM number of the line that a sensor is expected on where nothing is said: physical pin 7.
pub const BCM_DEFAULT: u8 = 4;

/// Which sensor is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Spec {
    /// None.
    None,
    /// The one that comes with the camera (scene, recording); else on a Raspberry Pi the one on [`BCM_DEFAULT`]; else none.
    #[default]
    Auto,
    /// `rppal:4`: a Raspberry Pi's line by BCM number.
    Rppal(u8),
    /// `chip:LABEL/LINE`: a line of the kernel's GPIO character device; chip by path, name or label, line by name or offset.
    Chip {
        /// Path, name or label.
        chip: String,
        /// Name or offset.
        line: String,
    },
}

/// What would have been understood.
const SPEC_ALLOWED: &str = "none, auto, rppal:BCM (a number from 0 to 27) or chip:LABEL/LINE";

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Spec, String> {
        let refuse = || format!("{text:?} is not a PIR sensor; allowed: {SPEC_ALLOWED}");
        match text.split_once(':') {
            None if text == "none" => Ok(Spec::None),
            None if text == "auto" => Ok(Spec::Auto),
            Some(("rppal", number)) => number.parse().ok().filter(|bcm| *bcm <= 27).map(Spec::Rppal).ok_or_else(refuse),
            Some(("chip", rest)) => {
                let (chip, line) = rest.rsplit_once('/').filter(|(chip, line)| !chip.is_empty() && !line.is_empty()).ok_or_else(refuse)?;
                Ok(Spec::Chip { chip: chip.to_owned(), line: line.to_owned() })
            }
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::None => f.write_str("none"),
            Spec::Auto => f.write_str("auto"),
            Spec::Rppal(bcm) => write!(f, "rppal:{bcm}"),
            Spec::Chip { chip, line } => write!(f, "chip:{chip}/{line}"),
        }
    }
}

/// What a user may set of the sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which sensor.
    pub spec: Spec,
    /// How its line is driven and read.
    pub line: LineSettings,
}

/// How a sensor's line is driven and read, on whatever chip.
#[derive(Clone, Debug, PartialEq)]
pub struct LineSettings {
    /// The sensor pulls its line down when it sees something.
    pub active_low: bool,
    /// Resistor that holds the line when nothing drives it.
    pub bias: Bias,
    /// Shorter pulses are ignored.
    pub debounce: Duration,
    /// Time after opening in which the sensor's output means nothing.
    pub warm_up: Duration,
}

/// Resistor that holds a line when nothing drives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bias {
    /// None.
    None,
    /// To the supply.
    Up,
    /// To ground: a line on which nothing hangs is quiet.
    #[default]
    Down,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { spec: Spec::Auto, line: LineSettings::default() }
    }
}

impl Default for LineSettings {
    fn default() -> LineSettings {
        let (debounce, warm_up) = (Duration::from_millis(50), Duration::from_secs(30));
        LineSettings { active_low: false, bias: Bias::Down, debounce, warm_up }
    }
}

/// What became of the sensor, if anything did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SensorChange {
    /// It cannot be read (any more), and why.
    Lost(String),
    /// It can be read (again).
    Restored,
}

/// One PIR sensor that is never given up: lost, it is opened again every [`SENSOR_REOPEN_MS`].
pub struct Sensor {
    settings: Settings,
    clock: Arc<dyn Clock>,
    source: Option<Box<dyn TriggerSource>>,
    /// The source came with the camera: there is nothing to open it by.
    borrowed: bool,
    retry_at: Mono,
    fault: Option<String>,
    /// Losses of sources that are closed.
    past: TriggerCounters,
}

impl fmt::Debug for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sensor").field("spec", &self.settings.spec).field("state", &self.state()).finish_non_exhaustive()
    }
}

impl Sensor {
    /// A sensor that is opened at the first [`poll`](Sensor::poll).
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Sensor {
        let settings = Settings { spec: resolve(settings.spec), ..settings };
        let (retry_at, past) = (Mono::default(), TriggerCounters::default());
        Sensor { settings, clock, source: None, borrowed: false, retry_at, fault: None, past }
    }

    /// Takes the edges that come with the camera, where `auto` leaves the choice.
    pub fn lend(&mut self, edges: Box<dyn TriggerSource>) {
        if self.settings.spec == Spec::Auto {
            self.close();
            self.source = Some(edges);
            self.borrowed = true;
        }
    }

    /// Adds the edges since the last call to `edges`, as far as they fit; the rest stays for the next call.
    pub fn poll(&mut self, edges: &mut Vec<Edge, EDGES_PER_STEP_MAX>) -> Option<SensorChange> {
        let opened = self.open_when_due();
        let Some(source) = self.source.as_mut() else { return opened };
        while !edges.is_full() {
            match source.poll() {
                Ok(Some(edge)) => edges.extend([edge]),
                Ok(None) => return opened,
                Err(error) => return self.lose(error),
            }
        }
        opened
    }

    /// Whether it can be relied on now.
    pub fn state(&self) -> TriggerState {
        match (&self.source, &self.settings.spec) {
            (Some(source), _) => source.state(),
            (None, Spec::None | Spec::Auto) => TriggerState::None,
            (None, _) => TriggerState::Unavailable,
        }
    }

    /// What was lost so far.
    pub fn counters(&self) -> TriggerCounters {
        let now = self.source.as_ref().map(|source| source.counters()).unwrap_or_default();
        add(self.past, now)
    }

    fn open_when_due(&mut self) -> Option<SensorChange> {
        let now = self.clock.now();
        if self.source.is_some() || now < self.retry_at {
            return None;
        }
        self.retry_at = now + Duration::from_millis(SENSOR_REOPEN_MS);
        match open(&self.settings, &self.clock)? {
            Ok(source) => {
                self.source = Some(source);
                self.fault = None;
                Some(SensorChange::Restored)
            }
            Err(error) => self.lose(error),
        }
    }

    /// Closes it; says so once per reason.
    fn lose(&mut self, error: TriggerError) -> Option<SensorChange> {
        self.close();
        let why = error.to_string();
        let news = self.fault.as_ref() != Some(&why);
        self.fault = Some(why.clone());
        news.then_some(SensorChange::Lost(why))
    }

    fn close(&mut self) {
        if let Some(source) = self.source.take() {
            self.past = add(self.past, source.counters());
        }
        self.borrowed = false;
    }
}

fn add(a: TriggerCounters, b: TriggerCounters) -> TriggerCounters {
    TriggerCounters { delivered: a.delivered + b.delivered, missed: a.missed + b.missed, warm_up: a.warm_up + b.warm_up }
}

/// On a Raspberry Pi `auto` is the usual line.
fn resolve(spec: Spec) -> Spec {
    match spec {
        Spec::Auto if is_raspberry_pi() => Spec::Rppal(BCM_DEFAULT),
        spec => spec,
    }
}
