//! Whether a system does what it is for: frames flow, the PIR line is open, the store writes and reads back, the server answers.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::clock::Clock;
use crate::clock::Mono;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::limits::SELFTEST_FRAME_MS_MAX;
use crate::limits::SELFTEST_FRAMES_MIN;
use crate::limits::SELFTEST_LOOK_MS;
use crate::status::CameraState;
use crate::status::Status;
use crate::store::Reader;
use crate::trigger::TriggerState;

/// Asks something of the service's own server, the way that clients do.
pub type AskServer = Box<dyn Fn() -> Pin<Box<dyn Future<Output = io::Result<()>>>>>;

/// What is looked at.
pub struct Probes {
    /// How the device is.
    pub status: Arc<Status>,
    /// What is read back.
    pub reader: Arc<Reader>,
    /// The server.
    pub server: AskServer,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What a system does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The camera gives no frames.
    Frames(String),
    /// The PIR line cannot be had.
    Sensor,
    /// The store does not write, or not what is read back.
    Store(String),
    /// The server does not answer.
    Server(String),
}

impl Fault {
    /// Whether another system would mend it: a camera or a sensor may just be unplugged, which is a state that is served.
    pub fn is_of_system(&self) -> bool {
        matches!(self, Fault::Store(_) | Fault::Server(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Frames(why) => write!(f, "no frames ({why})"),
            Fault::Sensor => write!(f, "the PIR line cannot be opened"),
            Fault::Store(why) => write!(f, "the store does not work ({why})"),
            Fault::Server(why) => write!(f, "the server does not answer ({why})"),
        }
    }
}

/// All of `faults` in one line.
pub(super) fn words(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

/// A durable message that was asked for: somewhere after this sequence number, with these words in it.
pub(super) type Mark = (u64, &'static str);

/// Looks until nothing is wrong, at most for `time_max`; what was still wrong at the last look is the error. Where there is a
/// `mark`, it is to be read back from the store.
pub(super) async fn pass(probes: &Probes, mark: Option<Mark>, time_max: Duration) -> Result<(), Vec<Fault>> {
    let until = probes.clock.now() + time_max;
    loop {
        let faults = look(probes, mark).await;
        if faults.is_empty() {
            return Ok(());
        }
        if probes.clock.now() >= until {
            return Err(faults);
        }
        sleep(Duration::from_millis(SELFTEST_LOOK_MS)).await;
    }
}

async fn look(probes: &Probes, mark: Option<Mark>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = watching(&probes.status, probes.clock.now()).into_iter().collect();
    faults.extend(kept(probes, mark).await.err().map(Fault::Store));
    let answered = (probes.server)().await;
    faults.extend(answered.err().map(|error| Fault::Server(error.to_string())));
    faults
}

/// What the camera and the sensor lack, by the pipeline's own word.
fn watching(status: &Status, now: Mono) -> Vec<Fault> {
    let pipeline = status.pipeline();
    let fresh = |at: Mono| now.since(at) <= Duration::from_millis(SELFTEST_FRAME_MS_MAX);
    let flow = pipeline.camera == CameraState::Live && pipeline.frame >= SELFTEST_FRAMES_MIN && pipeline.last_frame.is_some_and(fresh);
    let why = || match (&pipeline.camera_fault, pipeline.camera) {
        (Some(fault), _) => fault.clone(),
        (None, CameraState::Opening) => "no camera was opened".to_owned(),
        (None, _) => format!("{} so far", pipeline.frame),
    };
    let frames = (!flow).then(|| Fault::Frames(why()));
    let sensor = matches!(pipeline.pir, None | Some(TriggerState::Unavailable)).then_some(Fault::Sensor);
    frames.into_iter().chain(sensor).collect()
}

/// Reads the mark back from the disk.
async fn kept(probes: &Probes, mark: Option<Mark>) -> Result<(), String> {
    let fault = probes.status.recorder().fault.clone();
    if let Some(fault) = fault {
        return Err(fault);
    }
    let Some((after, words)) = mark else { return Ok(()) };
    let reader = Arc::clone(&probes.reader);
    let read = move || {
        let mut at = after;
        loop {
            let page = reader
                .messages_after(at, 32, MESSAGE_BYTES_MAX)
                .map_err(|error| error.to_string())?;
            let Some((last, _)) = page.messages.last() else { return Ok(false) };
            at = *last;
            if page.messages.iter().any(|(_, text)| contains(text, words)) {
                return Ok::<bool, String>(true);
            }
        }
    };
    match spawn_blocking(read).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err("nothing was written".to_owned()),
        Ok(Err(why)) => Err(why),
        Err(error) => Err(error.to_string()),
    }
}

fn contains(text: &[u8], words: &str) -> bool {
    text.windows(words.len()).any(|window| window == words.as_bytes())
}
