//! RAUC's interface on the system bus, `de.pengutronix.rauc.Installer`, and the one call of logind that restarts the machine. Every
//! question has its time; the connection lasts as long as its [`Rauc`].

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::timeout;
use zbus::Connection;
use zbus::DynamicType;
use zbus::MatchRule;
use zbus::Message;
use zbus::MessageStream;
use zbus::OwnedVariant;
use zbus::Type;
use zbus::Variant;
use zbus::connection::Builder;
use zbus::fdo;

use crate::limits::BUS_CALL_MS_MAX;
use crate::limits::BUS_MESSAGES_MAX;
use crate::limits::BUS_RESTART_MS_MAX;
use crate::limits::UPDATE_INSPECT_MS_MAX;
use crate::limits::UPDATE_INSTALL_MS_MAX;
use crate::limits::UPDATE_PROGRESS_MS;
use crate::limits::UPDATE_SLOTS_MAX;

const RAUC: Place = Place {
    name: "de.pengutronix.rauc",
    path: "/",
    interface: "de.pengutronix.rauc.Installer",
};
const LOGIND: Place = Place {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
};
const QUESTION: Duration = Duration::from_millis(BUS_CALL_MS_MAX);

/// Named values of any kind, `a{sv}` on the bus.
type Dictionary = HashMap<String, OwnedVariant>;

/// Why RAUC did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RaucError {
    /// There is no bus, or nobody on it who installs.
    #[error("the installer cannot be reached: {0}")]
    Absent(String),
    /// It says no, in its own words.
    #[error("{0}")]
    Refused(String),
    /// It did not answer in time.
    #[error("the installer did not answer within {} s", .0.as_secs())]
    Slow(Duration),
    /// Its answer is not what this interface promises.
    #[error("the installer's answer is not understood: {0}")]
    Strange(String),
}

/// What a bundle says of itself, its signature being good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleInfo {
    /// Which devices it is for.
    pub compatible: String,
    /// Version of the system in it.
    pub version: String,
}

/// One place for a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Slot {
    /// As RAUC names it.
    pub name: String,
    /// As the boot loader names it.
    pub bootname: String,
    /// Whether it runs now.
    pub booted: bool,
    /// Whether the boot loader would start it.
    pub bootable: bool,
    /// Version that was installed there; null for what was flashed, and for what was not written to its end.
    pub version: Option<String>,
    /// When it was installed; null as the version is.
    pub installed: Option<String>,
}

struct Place {
    name: &'static str,
    path: &'static str,
    interface: &'static str,
}

/// A connection to RAUC.
pub(super) struct Rauc {
    bus: Connection,
}

impl Rauc {
    /// Connects to the system bus (`DBUS_SYSTEM_BUS_ADDRESS`, else its usual place). RAUC itself is started by the bus when it is
    /// first asked.
    pub(super) async fn connect() -> Result<Rauc, RaucError> {
        let messages = NonZeroUsize::new(BUS_MESSAGES_MAX).unwrap_or(NonZeroUsize::MIN);
        let building = Builder::system().max_queued(messages).build();
        let bus = timeout(QUESTION, building).await.map_err(|_| RaucError::Slow(QUESTION))?;
        bus.map(|bus| Rauc { bus }).map_err(|error| RaucError::Absent(error.to_string()))
    }

    /// What the bundle at `source`, a path or an address, says of itself; refused when its signature is not good.
    pub(super) async fn inspect(&self, source: &str) -> Result<BundleInfo, RaucError> {
        let time = Duration::from_millis(UPDATE_INSPECT_MS_MAX);
        let looked = self
            .call(&RAUC, "InspectBundle", &(source, HashMap::<&str, Variant<'_>>::new()), time)
            .await;
        match looked {
            Ok(reply) => update_section(&read(&reply)?),
            // RAUC before 1.9 has no such method.
            Err(RaucError::Strange(_)) => {
                let (compatible, version) = read(&self.call(&RAUC, "Info", &source, time).await?)?;
                Ok(BundleInfo { compatible, version })
            }
            Err(error) => Err(error),
        }
    }

    /// Installs the bundle at `source` into the slot that does not run; tells `progress` in hundredths and words whenever they change.
    pub(super) async fn install(&self, source: &str, progress: impl FnMut(u8, &str)) -> Result<(), RaucError> {
        let mut completed = self.completed().await?;
        self.call(&RAUC, "InstallBundle", &(source, HashMap::<&str, Variant<'_>>::new()), QUESTION)
            .await?;
        let time = Duration::from_millis(UPDATE_INSTALL_MS_MAX);
        let done = timeout(time, self.follow(&mut completed, progress)).await;
        match done.map_err(|_| RaucError::Slow(time))?? {
            0 => Ok(()),
            _ => Err(RaucError::Refused(self.property("LastError").await?)),
        }
    }

    /// Slots that a system can be started from.
    pub(super) async fn slots(&self) -> Result<Vec<Slot>, RaucError> {
        let reply = self.call(&RAUC, "GetSlotStatus", &(), QUESTION).await?;
        let status: Vec<(String, Dictionary)> = read(&reply)?;
        let bootable = status.into_iter().filter(|(_, facts)| facts.contains_key("bootname"));
        let mut slots: Vec<Slot> = bootable.take(UPDATE_SLOTS_MAX).map(slot).collect();
        slots.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(slots)
    }

    /// Which devices this is one of.
    pub(super) async fn compatible(&self) -> Result<String, RaucError> {
        self.property("Compatible").await
    }

    /// Marks the running system `good`, or `bad`: then the boot loader starts another one from now on.
    pub(super) async fn mark_booted(&self, state: &str) -> Result<(), RaucError> {
        self.call(&RAUC, "Mark", &(state, "booted"), QUESTION).await.map(|_| ())
    }

    /// Restarts the machine in good order.
    pub(super) async fn reboot(&self) -> Result<(), RaucError> {
        let time = Duration::from_millis(BUS_RESTART_MS_MAX);
        self.call(&LOGIND, "Reboot", &false, time).await.map(|_| ())
    }

    /// Signals that an installation is over, heard from now on.
    async fn completed(&self) -> Result<MessageStream, RaucError> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface(RAUC.interface)
            .member("Completed")
            .build()
            .map_err(|error| strange(&error))?;
        let stream = timeout(QUESTION, MessageStream::for_match_rule(rule, &self.bus, None)).await;
        stream.map_err(|_| RaucError::Slow(QUESTION))?.map_err(RaucError::from)
    }

    /// Follows an installation to its end; 0 is success. A signal that was lost is made up for by RAUC being idle.
    async fn follow(&self, completed: &mut MessageStream, mut progress: impl FnMut(u8, &str)) -> Result<i32, RaucError> {
        let mut looks = interval(Duration::from_millis(UPDATE_PROGRESS_MS));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told, mut idle) = (None, 0);
        loop {
            let signal = tokio::select! {
                signal = completed.next() => signal,
                _ = looks.tick() => None,
            };
            if let Some(signal) = signal {
                return read(&signal?);
            }
            let (hundredths, words, _): (i32, String, i32) = self.property("Progress").await?;
            let now = (hundredths.clamp(0, 100) as u8, words);
            if told.as_ref() != Some(&now) {
                progress(now.0, &now.1);
                told = Some(now);
            }
            idle = if self.property::<String>("Operation").await? == "idle" {
                idle + 1
            } else {
                0
            };
            if idle > 2 {
                let fault: String = self.property("LastError").await?;
                return Ok(i32::from(!fault.is_empty()));
            }
        }
    }

    async fn property<T>(&self, name: &str) -> Result<T, RaucError>
    where
        T: TryFrom<OwnedVariant, Error = zbus::Error>,
    {
        let properties = Place {
            interface: "org.freedesktop.DBus.Properties",
            ..RAUC
        };
        let reply = self.call(&properties, "Get", &(RAUC.interface, name), QUESTION).await?;
        T::try_from(read::<OwnedVariant>(&reply)?).map_err(|error| strange(&error))
    }

    async fn call<B>(&self, place: &Place, method: &str, body: &B, time: Duration) -> Result<Message, RaucError>
    where
        B: Serialize + DynamicType,
    {
        let call = self
            .bus
            .call_method(Some(place.name), place.path, Some(place.interface), method, body);
        let answered = timeout(time, call).await.map_err(|_| RaucError::Slow(time))?;
        answered.map_err(RaucError::from)
    }
}

impl From<zbus::Error> for RaucError {
    fn from(error: zbus::Error) -> RaucError {
        match error {
            zbus::Error::MethodError(name, words, _) => RaucError::Refused(words.unwrap_or_else(|| name.to_string())),
            zbus::Error::FDO(known) => match *known {
                fdo::Error::UnknownMethod(words) => RaucError::Strange(words),
                fdo::Error::Failed(words) | fdo::Error::AccessDenied(words) => RaucError::Refused(words),
                other => RaucError::Absent(other.to_string()),
            },
            other => RaucError::Absent(other.to_string()),
        }
    }
}

fn strange(error: &zbus::Error) -> RaucError {
    RaucError::Strange(error.to_string())
}

fn read<T: DeserializeOwned + Type>(reply: &Message) -> Result<T, RaucError> {
    reply.body().deserialize().map_err(|error| strange(&error))
}

/// The part of a bundle's description that is about the update.
fn update_section(info: &Dictionary) -> Result<BundleInfo, RaucError> {
    let missing = |what: &str| RaucError::Strange(format!("a bundle without {what}"));
    let update = info.get("update").ok_or_else(|| missing("[update]"))?;
    let update = within(update).map_err(|error| strange(&error))?;
    let word = |name: &str| text(&update, name).ok_or_else(|| missing(name));
    Ok(BundleInfo {
        compatible: word("compatible")?,
        version: word("version")?,
    })
}

/// The dictionary in `value`, which RAUC wraps twice.
fn within(value: &OwnedVariant) -> Result<Dictionary, zbus::Error> {
    let mut value = &**value;
    while let Variant::Variant(inner) = value {
        value = inner;
    }
    value.try_to_owned().and_then(Dictionary::try_from)
}

/// RAUC notes version and time before it writes, and that they hold ("ok") after.
fn slot((name, facts): (String, Dictionary)) -> Slot {
    let whole = text(&facts, "status").is_some_and(|status| status == "ok");
    let installed = |name| text(&facts, name).filter(|_| whole);
    Slot {
        name,
        bootname: text(&facts, "bootname").unwrap_or_default(),
        booted: text(&facts, "state").is_some_and(|state| state == "booted"),
        bootable: text(&facts, "boot-status").is_some_and(|status| status == "good"),
        version: installed("bundle.version"),
        installed: installed("installed.timestamp"),
    }
}

fn text(facts: &Dictionary, name: &str) -> Option<String> {
    facts.get(name)?.downcast_ref::<&str>().ok().map(str::to_owned)
}
