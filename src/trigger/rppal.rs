//! A PIR sensor on the header of a Raspberry Pi, by BCM number. Everything else: `chardev.rs`.

use std::sync::Arc;
use std::time::Duration;

use rppal::gpio;
use rppal::gpio::Gpio;
use rppal::gpio::InputPin;
use rppal::gpio::Trigger;

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

/// Which pin, and what is on it.
#[derive(Clone, Debug)]
pub struct Request {
    /// BCM number of the GPIO (4 is pin 7 of the header).
    pub bcm: u8,
    /// The sensor.
    pub sensor: Sensor,
}

/// A sensor on a pin of the header.
pub struct Rppal(Gate<Interrupt>);

impl Rppal {
    /// Takes the pin as an input with interrupts on both edges.
    ///
    /// # Errors
    /// [`Unavailable`](TriggerError::Unavailable) on a machine that is no Raspberry Pi, without the right to use its
    /// GPIO, or when the pin does not exist or is in use.
    pub fn open(request: &Request, clock: Arc<dyn Clock>) -> Result<Rppal, TriggerError> {
        let what = format!("BCM {}", request.bcm);
        match Interrupt::new(request) {
            Ok(line) => Ok(Rppal(Gate::new(what, line, &request.sensor, clock))),
            Err(error) => Err(TriggerError::Unavailable {
                what,
                why: explain(&error),
            }),
        }
    }
}

impl TriggerSource for Rppal {
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

/// A pin whose interrupt is set until it is dropped, which `InputPin` by itself does not see to.
struct Interrupt(InputPin);

impl Interrupt {
    fn new(request: &Request) -> gpio::Result<Interrupt> {
        let pin = Gpio::new()?.get(request.bcm)?;
        let pin = match request.sensor.bias {
            Bias::None => pin.into_input(),
            Bias::Up => pin.into_input_pullup(),
            Bias::Down => pin.into_input_pulldown(),
        };
        let mut interrupt = Interrupt(pin);
        let debounce = Some(request.sensor.debounce).filter(|period| !period.is_zero());
        interrupt.0.set_interrupt(Trigger::Both, debounce)?;
        Ok(interrupt)
    }
}

impl Line for Interrupt {
    /// Synchronous and without waiting: one `epoll_wait` a step, where rppal's asynchronous interrupts cost a thread,
    /// its stack, and a queue of our own whose losses none would count.
    fn next(&mut self) -> Result<Option<Change>, String> {
        let event = self
            .0
            .poll_interrupt(false, Some(Duration::ZERO))
            .map_err(|error| explain(&error))?;
        Ok(event.map(|event| Change {
            sequence: event.seqno,
            // uAPI v2 stamps with CLOCK_MONOTONIC unless asked otherwise, and rppal does not ask.
            at: Mono::from_nanos(u64::try_from(event.timestamp.as_nanos()).unwrap_or(u64::MAX)),
            rising: event.trigger == Trigger::RisingEdge,
        }))
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let _ = self.0.clear_interrupt(); // fails only when the chip is gone, and the interrupt with it
    }
}

fn explain(error: &gpio::Error) -> String {
    match error {
        gpio::Error::UnknownModel => "this machine is no Raspberry Pi that rppal knows; name the chip and line instead".to_owned(),
        other => other.to_string(),
    }
}
