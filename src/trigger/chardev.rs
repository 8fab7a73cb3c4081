//! A PIR sensor on the kernel's GPIO character device (uAPI v2): every board that Linux knows, USB adapters included.

use std::sync::Arc;

use gpiocdev::chip::Chip;
use gpiocdev::chip::chips;
use gpiocdev::line;
use gpiocdev::line::EdgeDetection;
use gpiocdev::line::EdgeEvent;
use gpiocdev::line::EdgeKind;
use gpiocdev::line::EventClock;

use super::Edge;
use super::TriggerCounters;
use super::TriggerError;
use super::TriggerSource;
use super::TriggerState;
use super::gate::Bias;
use super::gate::Change;
use super::gate::Gate;
use super::gate::Line;
use super::gate::Sensor;
use crate::clock::Clock;
use crate::clock::Mono;
use crate::limits::KERNEL_EDGES_MAX;

/// Which line, and what is on it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The chip's label (`pinctrl-bcm2711`), its name (`gpiochip0`) or the path of its node. Prefer the label: names
    /// depend on the order in which the kernel finds chips.
    pub chip: String,
    /// The line's name (`GPIO4`), or its offset on the chip in decimal.
    pub line: String,
    /// The sensor.
    pub sensor: Sensor,
}

/// A sensor on a line of the character device.
pub struct Chardev(Gate<Requested>);

impl Chardev {
    /// Finds the line and takes it for this program alone.
    ///
    /// # Errors
    /// [`Unavailable`](TriggerError::Unavailable) when there is no such chip or line (it says which there are), or
    /// another program holds it (it says which).
    pub fn open(request: &Request, clock: Arc<dyn Clock>) -> Result<Chardev, TriggerError> {
        let what = format!("{}/{}", request.chip, request.line);
        match find_chip(&request.chip).and_then(|chip| take(request, &chip)) {
            Ok(line) => Ok(Chardev(Gate::new(what, line, &request.sensor, clock))),
            Err(why) => Err(TriggerError::Unavailable { what, why }),
        }
    }
}

impl TriggerSource for Chardev {
    fn poll(&mut self) -> Result<Option<Edge>, TriggerError> {
        self.0.poll()
    }
    fn state(&self) -> TriggerState {
        self.0.state()
    }
    fn counters(&self) -> TriggerCounters {
        self.0.counters()
    }
}

struct Requested {
    request: gpiocdev::Request,
    /// Room for exactly one event: the library's own `read_edge_event` reads up to eight and keeps the first.
    event: Vec<u64>,
}

impl Requested {
    /// A chip that is gone is readable too, and the read fails.
    fn next_event(&mut self) -> gpiocdev::Result<Option<EdgeEvent>> {
        if !self.request.has_edge_event()? {
            return Ok(None);
        }
        let words = self.request.read_edge_events_into_slice(&mut self.event)?;
        self.request.edge_event_from_slice(&self.event[..words]).map(Some)
    }
}

impl Line for Requested {
    fn next(&mut self) -> Result<Option<Change>, String> {
        let change = |event: EdgeEvent| Change {
            sequence: event.line_seqno,
            at: Mono::from_nanos(event.timestamp_ns),
            rising: event.kind == EdgeKind::Rising,
        };
        let event = self.next_event().map_err(|error| error.to_string())?;
        Ok(event.map(change))
    }
}

/// The one chip that is called `wanted`, or why there is none.
fn find_chip(wanted: &str) -> Result<Chip, String> {
    if wanted.contains('/') {
        return Chip::from_path(wanted).map_err(|error| error.to_string());
    }
    let present = chips().map_err(|error| error.to_string())?;
    let present = present.iter().filter_map(|path| {
        let chip = Chip::from_path(path).ok()?;
        let info = chip.info().ok()?;
        Some((chip, info))
    });
    let (mut matching, others): (Vec<_>, Vec<_>) = present.partition(|(_, info)| info.label == wanted || info.name == wanted);
    let names = |chips: &[(Chip, gpiocdev::chip::Info)]| {
        let names = chips.iter().map(|(_, info)| format!("{} ({})", info.label, info.name));
        names.collect::<Vec<_>>().join(", ")
    };
    match (matching.len(), others.len()) {
        (1, _) => Ok(matching.remove(0).0),
        (0, 0) => Err("this machine has no GPIO chip, or none that this user may open".to_owned()),
        (0, _) => Err(format!("no such chip; there is {}", names(&others))),
        _ => Err(format!("several chips are called so: {}", names(&matching))),
    }
}

/// Requests the line, or says why it cannot be had.
fn take(request: &Request, chip: &Chip) -> Result<Requested, String> {
    let line = find_line(&request.line, chip)?;
    let mut builder = gpiocdev::Request::builder();
    builder
        .on_chip(chip.path())
        .with_consumer("lookout")
        .with_line(line.offset)
        .as_input()
        .with_edge_detection(EdgeDetection::BothEdges)
        .with_event_clock(EventClock::Monotonic)
        .with_bias(match request.sensor.bias {
            Bias::None => line::Bias::Disabled,
            Bias::Up => line::Bias::PullUp,
            Bias::Down => line::Bias::PullDown,
        })
        .with_kernel_event_buffer_size(KERNEL_EDGES_MAX);
    if !request.sensor.debounce.is_zero() {
        builder.with_debounce_period(request.sensor.debounce);
    }
    let request = builder.request().map_err(|error| match line.used {
        true => format!("in use by {:?}", line.consumer),
        false => error.to_string(),
    })?;
    let event = vec![0; request.edge_event_u64_size()];
    Ok(Requested { request, event })
}

fn find_line(wanted: &str, chip: &Chip) -> Result<line::Info, String> {
    let lines = chip.line_info_iter().map_err(|error| error.to_string())?;
    let lines: Vec<line::Info> = lines.flatten().collect();
    let offset = wanted.parse::<u32>().ok();
    if let Some(line) = lines.iter().find(|line| line.name == wanted || Some(line.offset) == offset) {
        return Ok(line.clone());
    }
    let names: Vec<&str> = lines
        .iter()
        .map(|line| line.name.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    Err(format!("no such line; it has {}, named {}", lines.len(), names.join(", ")))
}
