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
use crate::trigger::gate;
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

impl Spec {
    /// The form, in words.
    pub const FORM: &'static str = r#""auto", "none", "rppal:BCM" (0 to 27) or "chip:LABEL/LINE""#;
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Spec, String> {
        let refuse = || format!("{text:?} is not a PIR sensor; allowed is {}", Spec::FORM);
        match text.split_once(':') {
            None if text == "none" => Ok(Spec::None),
            None if text == "auto" => Ok(Spec::Auto),
            Some(("rppal", number)) => number.parse().ok().filter(|bcm| *bcm <= 27).map(Spec::Rppal).ok_or_else(refuse),
            Some(("chip", rest)) => {
                let (chip, line) = rest
                    .rsplit_once('/')
                    .filter(|(chip, line)| !chip.is_empty() && !line.is_empty())
                    .ok_or_else(refuse)?;
                Ok(Spec::Chip {
                    chip: chip.to_owned(),
                    line: line.to_owned(),
                })
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
    /// How it is wired, and how it behaves.
    pub line: gate::Sensor,
}

impl Default for Settings {
    fn default() -> Settings {
        let (debounce, warm_up) = (Duration::from_millis(20), Duration::from_secs(30));
        // Pulled down, so that a line on which nothing hangs is quiet.
        Settings {
            spec: Spec::Auto,
            line: gate::Sensor {
                active_low: false,
                bias: gate::Bias::Down,
                debounce,
                warm_up,
            },
        }
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
    retry_at: Mono,
    fault: Option<String>,
    /// Losses of sources that are closed.
    past: TriggerCounters,
}

impl fmt::Debug for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sensor")
            .field("spec", &self.settings.spec)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Sensor {
    /// A sensor that is opened at the first [`poll`](Sensor::poll).
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Sensor {
        let (retry_at, past) = (Mono::default(), TriggerCounters::default());
        Sensor {
            settings,
            clock,
            source: None,
            retry_at,
            fault: None,
            past,
        }
    }

    /// Takes the edges that come with the camera, where `auto` leaves the choice.
    pub fn lend(&mut self, edges: Box<dyn TriggerSource>) {
        if self.settings.spec == Spec::Auto {
            self.close();
            self.source = Some(edges);
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
    }
}

fn add(a: TriggerCounters, b: TriggerCounters) -> TriggerCounters {
    TriggerCounters {
        delivered: a.delivered + b.delivered,
        missed: a.missed + b.missed,
        warm_up: a.warm_up + b.warm_up,
    }
}

/// Opens what `settings` mean on this machine; `None` when that is no sensor.
fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> Option<Result<Box<dyn TriggerSource>, TriggerError>> {
    let sensor = settings.line;
    match &settings.spec {
        Spec::None => None,
        Spec::Auto => is_raspberry_pi().then(|| open_rppal(BCM_DEFAULT, sensor, clock)),
        Spec::Rppal(bcm) => Some(open_rppal(*bcm, sensor, clock)),
        Spec::Chip { chip, line } => {
            let request = chardev::Request {
                chip: chip.clone(),
                line: line.clone(),
                sensor,
            };
            Some(chardev::Chardev::open(&request, clock.clone()).map(|line| Box::new(line) as Box<dyn TriggerSource>))
        }
    }
}

fn open_rppal(bcm: u8, sensor: gate::Sensor, clock: &Arc<dyn Clock>) -> Result<Box<dyn TriggerSource>, TriggerError> {
    let pin = rppal::Rppal::open(&rppal::Request { bcm, sensor }, clock.clone())?;
    Ok(Box::new(pin))
}

/// As the firmware's device tree says.
fn is_raspberry_pi() -> bool {
    std::fs::read_to_string("/proc/device-tree/model").is_ok_and(|model| model.starts_with("Raspberry Pi"))
}
