//! RAUC's interface on the system bus, `de.pengutronix.rauc.Installer`, and the one call of logind that restarts the machine. Every
//! question has its time; the connection lasts as long as its [`Rauc`].

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::timeout;
use zbus::MessageStream;
use zbus::OwnedVariant;
use zbus::Variant;

use crate::bus::Bus;
use crate::bus::BusError;
use crate::bus::Dictionary;
use crate::bus::Place;
use crate::bus::QUESTION;
use crate::bus::Reply;
use crate::bus::text;
use crate::limits::BUS_RESTART_MS_MAX;
use crate::limits::UPDATE_INSPECT_MS_MAX;
use crate::limits::UPDATE_INSTALL_MS_MAX;
use crate::limits::UPDATE_PROGRESS_MS;
use crate::limits::UPDATE_SLOTS_MAX;

const RAUC: Place<'_> = Place {
    who: WHO,
    name: "de.pengutronix.rauc",
    path: "/",
    interface: "de.pengutronix.rauc.Installer",
};
const LOGIND: Place<'_> = Place {
    who: "logind",
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
};
const WHO: &str = "the installer";

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

/// A connection to RAUC.
pub(super) struct Rauc {
    bus: Bus,
}

impl Rauc {
    /// Connects to the bus, which starts RAUC itself when it is first asked.
    pub(super) async fn connect() -> Result<Rauc, BusError> {
        Bus::connect().await.map(|bus| Rauc { bus })
    }

    /// What the bundle at `source`, a path or an address, says of itself; refused when its signature is not good.
    pub(super) async fn inspect(&self, source: &str) -> Result<BundleInfo, BusError> {
        let time = Duration::from_millis(UPDATE_INSPECT_MS_MAX);
        let looked = self
            .bus
            .call(&RAUC, "InspectBundle", &(source, HashMap::<&str, Variant<'_>>::new()), time)
            .await;
        match looked {
            Ok(reply) => update_section(&reply.read()?),
            // RAUC before 1.9 has no such method.
            Err(BusError::Strange(..)) => {
                let (compatible, version) = self.bus.call(&RAUC, "Info", &source, time).await?.read()?;
                Ok(BundleInfo { compatible, version })
            }
            Err(error) => Err(error),
        }
    }

    /// Installs the bundle at `source` into the slot that does not run; tells `progress` in hundredths and words whenever they change.
    pub(super) async fn install(&self, source: &str, progress: impl FnMut(u8, &str)) -> Result<(), BusError> {
        let mut completed = self.bus.signals(&RAUC, "Completed").await?;
        self.bus
            .call(&RAUC, "InstallBundle", &(source, HashMap::<&str, Variant<'_>>::new()), QUESTION)
            .await?;
        let time = Duration::from_millis(UPDATE_INSTALL_MS_MAX);
        let done = timeout(time, self.follow(&mut completed, progress)).await;
        match done.map_err(|_| BusError::Slow { who: WHO, time })?? {
            0 => Ok(()),
            _ => Err(BusError::Refused(self.property("LastError").await?)),
        }
    }

    /// Slots that a system can be started from.
    pub(super) async fn slots(&self) -> Result<Vec<Slot>, BusError> {
        let reply = self.bus.call(&RAUC, "GetSlotStatus", &(), QUESTION).await?;
        let status: Vec<(String, Dictionary)> = reply.read()?;
        let bootable = status.into_iter().filter(|(_, facts)| facts.contains_key("bootname"));
        let mut slots: Vec<Slot> = bootable.take(UPDATE_SLOTS_MAX).map(slot).collect();
        slots.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(slots)
    }

    /// Which devices this is one of.
    pub(super) async fn compatible(&self) -> Result<String, BusError> {
        self.property("Compatible").await
    }

    /// Marks the running system `good`, or `bad`: then the boot loader starts another one from now on.
    pub(super) async fn mark_booted(&self, state: &str) -> Result<(), BusError> {
        self.bus.call(&RAUC, "Mark", &(state, "booted"), QUESTION).await.map(|_| ())
    }

    /// Restarts the machine in good order.
    pub(super) async fn reboot(&self) -> Result<(), BusError> {
        let time = Duration::from_millis(BUS_RESTART_MS_MAX);
        self.bus.call(&LOGIND, "Reboot", &false, time).await.map(|_| ())
    }

    /// Follows an installation to its end; 0 is success. A signal that was lost is made up for by RAUC being idle.
    async fn follow(&self, completed: &mut MessageStream, mut progress: impl FnMut(u8, &str)) -> Result<i32, BusError> {
        let mut looks = interval(Duration::from_millis(UPDATE_PROGRESS_MS));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told, mut idle) = (None, 0);
        loop {
            let signal = tokio::select! {
                signal = completed.next() => signal,
                _ = looks.tick() => None,
            };
            if let Some(signal) = signal {
                return Reply::signal(&RAUC, signal)?.read();
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

    async fn property<T>(&self, name: &str) -> Result<T, BusError>
    where
        T: TryFrom<OwnedVariant, Error = zbus::Error>,
    {
        self.bus.property(&RAUC, name).await
    }
}

/// The part of a bundle's description that is about the update.
fn update_section(info: &Dictionary) -> Result<BundleInfo, BusError> {
    let missing = |what: &str| BusError::Strange(WHO, format!("a bundle without {what}"));
    let update = info.get("update").ok_or_else(|| missing("[update]"))?;
    let update = within(update).map_err(|error| BusError::Strange(WHO, error.to_string()))?;
    let word = |name: &str| text(&update, name).map(str::to_owned).ok_or_else(|| missing(name));
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
    let installed = |name| text(&facts, name).filter(|_| whole).map(str::to_owned);
    Slot {
        name,
        bootname: text(&facts, "bootname").unwrap_or_default().to_owned(),
        booted: text(&facts, "state").is_some_and(|state| state == "booted"),
        bootable: text(&facts, "boot-status").is_some_and(|status| status == "good"),
        version: installed("bundle.version"),
        installed: installed("installed.timestamp"),
    }
}
