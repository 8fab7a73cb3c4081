//! iwd's interface on the system bus, `net.connman.iwd`, and the one call of systemd that starts it anew. Every question has its
//! time; the connection lasts as long as what is asked.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep;
use tokio::time::timeout;
use zbus::Connection;
use zbus::DynamicType;
use zbus::Message;
use zbus::OwnedObjectPath;
use zbus::OwnedVariant;
use zbus::Type;
use zbus::Variant;
use zbus::connection::Builder;

use super::Radio;
use super::RadioError;
use super::Seen;
use crate::limits::BUS_CALL_MS_MAX;
use crate::limits::BUS_MESSAGES_MAX;
use crate::limits::WIFI_CALL_MS_MAX;
use crate::limits::WIFI_FIND_MS_MAX;
use crate::limits::WIFI_SEEN_MAX;

const IWD: &str = "net.connman.iwd";
const DEVICE: &str = "net.connman.iwd.Device";
const STATION: &str = "net.connman.iwd.Station";
const ACCESS_POINT: &str = "net.connman.iwd.AccessPoint";
const NETWORK: &str = "net.connman.iwd.Network";
const SYSTEMD: &str = "org.freedesktop.systemd1";
/// iwd's own unit.
const UNIT: &str = "iwd.service";
const QUESTION: Duration = Duration::from_millis(BUS_CALL_MS_MAX);
const WORK: Duration = Duration::from_millis(WIFI_CALL_MS_MAX);
/// Pause between two looks at how far iwd is.
const LOOK: Duration = Duration::from_millis(250);
/// Attempts at a network that was found and did not let the device in: the first may be lost to noise.
const ATTEMPTS: u32 = 2;

/// Named values of any kind, `a{sv}` on the bus.
type Dictionary = HashMap<String, OwnedVariant>;
/// Everything that iwd has, by path and interface.
type Objects = HashMap<OwnedObjectPath, HashMap<String, Dictionary>>;

/// iwd, asked for its first radio.
#[derive(Clone, Copy, Debug, Default)]
pub struct Iwd;

impl Radio for Iwd {
    async fn scan(&self) -> Result<Vec<Seen>, RadioError> {
        let bus = Bus::connect().await?;
        let radio = bus.become_a(STATION).await?;
        let found = bus.scan(&radio).await?;
        let mut seen: Vec<Seen> = found.into_iter().filter_map(Found::seen).collect();
        seen.truncate(WIFI_SEEN_MAX);
        Ok(seen)
    }

    async fn open(&self, ssid: &str) -> Result<(), RadioError> {
        let bus = Bus::connect().await?;
        let radio = bus.become_a(ACCESS_POINT).await?;
        bus.call(&radio, ACCESS_POINT, "StartProfile", &ssid, WORK).await.map(drop)
    }

    async fn is_open(&self) -> Result<bool, RadioError> {
        let objects = Bus::connect().await?.objects().await?;
        let radio = device(&objects).and_then(|radio| objects[&radio].get(ACCESS_POINT)?.get("Started")?.downcast_ref::<bool>().ok());
        Ok(radio == Some(true))
    }

    async fn close(&self) -> Result<(), RadioError> {
        Bus::connect().await?.become_a(STATION).await.map(drop)
    }

    async fn join(&self, ssid: &str, secured: bool) -> Result<(), RadioError> {
        let bus = Bus::connect().await?;
        let radio = bus.become_a(STATION).await?;
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            let network = bus.find(&radio, ssid, secured).await?;
            match bus.call(&network, NETWORK, "Connect", &(), WORK).await {
                // The first refusal says why: who was refused for the key is then asked for another one.
                Err(error @ RadioError::Refused(_)) => refused = refused.or(Some(error)),
                joined => return joined.map(drop),
            }
            sleep(LOOK).await;
        }
        refused.map_or(Ok(()), Err)
    }

    async fn restart(&self) -> Result<(), RadioError> {
        let bus = Bus::connect().await?;
        let body = (UNIT, "replace");
        let manager = "org.freedesktop.systemd1.Manager";
        let asked = bus
            .bus
            .call_method(Some(SYSTEMD), "/org/freedesktop/systemd1", Some(manager), "RestartUnit", &body);
        within(QUESTION, asked).await?;
        // It has left the bus once systemd answers a moment later; then its radio comes back.
        sleep(LOOK * 4).await;
        bus.until("its radio after a start", |objects| device(objects).map(drop)).await
    }
}

/// A connection to the system bus (`DBUS_SYSTEM_BUS_ADDRESS`, else its usual place).
struct Bus {
    bus: Connection,
}

/// A network in sight, as iwd has it.
struct Found {
    path: OwnedObjectPath,
    ssid: String,
    kind: String,
    /// In hundredths of a dBm.
    signal: i16,
}

impl Found {
    /// As it is shown; those that are joined with a certificate or a broken cipher are not.
    fn seen(self) -> Option<Seen> {
        ["psk", "open"].contains(&self.kind.as_str()).then(|| Seen {
            secured: self.kind == "psk",
            ssid: self.ssid,
            signal_dbm: self.signal / 100,
        })
    }
}

impl Bus {
    async fn connect() -> Result<Bus, RadioError> {
        let messages = NonZeroUsize::new(BUS_MESSAGES_MAX).unwrap_or(NonZeroUsize::MIN);
        let bus = within(QUESTION, Builder::system().max_queued(messages).build()).await?;
        Ok(Bus { bus })
    }

    /// The first radio, once it is what has this interface.
    async fn become_a(&self, interface: &str) -> Result<OwnedObjectPath, RadioError> {
        let mode = if interface == STATION { "station" } else { "ap" };
        let objects = self.objects().await?;
        let radio = device(&objects).ok_or_else(|| RadioError::Broken("there is no radio".into()))?;
        let facts = &objects[&radio][DEVICE];
        if facts.get("Powered").and_then(|on| on.downcast_ref::<bool>().ok()) == Some(false) {
            self.set(&radio, "Powered", Variant::from(true)).await?;
        }
        if text(facts, "Mode") != mode {
            self.set(&radio, "Mode", Variant::from(mode)).await?;
        }
        let has = |objects: &Objects| objects.get(&radio)?.contains_key(interface).then_some(());
        self.until(interface, has).await?;
        Ok(radio)
    }

    /// What is in sight, the strongest first.
    async fn scan(&self, radio: &OwnedObjectPath) -> Result<Vec<Found>, RadioError> {
        match self.call(radio, STATION, "Scan", &(), WORK).await {
            Ok(_) | Err(RadioError::Refused(_)) => {} // it is at it already
            Err(error) => return Err(error),
        }
        let quiet = |objects: &Objects| {
            let scanning = objects.get(radio)?.get(STATION)?.get("Scanning")?;
            (!scanning.downcast_ref::<bool>().ok()?).then_some(())
        };
        self.until("the end of a scan", quiet).await?;
        let reply = self.call(radio, STATION, "GetOrderedNetworks", &(), QUESTION).await?;
        let ordered: Vec<(OwnedObjectPath, i16)> = read(&reply)?;
        let objects = self.objects().await?;
        let found = ordered.into_iter().filter_map(|(path, signal)| {
            let facts = objects.get(&path)?.get(NETWORK)?;
            let (ssid, kind) = (text(facts, "Name").to_owned(), text(facts, "Type").to_owned());
            Some(Found { path, ssid, kind, signal })
        });
        Ok(found.collect())
    }

    /// The network of this name, looked for again and again for [`WIFI_FIND_MS_MAX`].
    async fn find(&self, radio: &OwnedObjectPath, ssid: &str, secured: bool) -> Result<OwnedObjectPath, RadioError> {
        let kind = if secured { "psk" } else { "open" };
        let looking = async {
            loop {
                let found = self.scan(radio).await?;
                if let Some(found) = found.into_iter().find(|found| found.ssid == ssid && found.kind == kind) {
                    return Ok(found.path);
                }
                sleep(LOOK * 4).await;
            }
        };
        let found = timeout(Duration::from_millis(WIFI_FIND_MS_MAX), looking).await;
        found.unwrap_or(Err(RadioError::NotFound))
    }

    async fn objects(&self) -> Result<Objects, RadioError> {
        let root = OwnedObjectPath::try_from("/").map_err(strange)?;
        let reply = self
            .call(&root, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &(), QUESTION)
            .await?;
        read(&reply)
    }

    /// Looks at what iwd has until that gives something, for [`WIFI_CALL_MS_MAX`] at most.
    async fn until<T>(&self, what: &str, look: impl Fn(&Objects) -> Option<T>) -> Result<T, RadioError> {
        let looking = async {
            loop {
                if let Some(found) = self.objects().await.ok().as_ref().and_then(&look) {
                    return found;
                }
                sleep(LOOK).await;
            }
        };
        let found = timeout(WORK, looking).await;
        found.map_err(|_| RadioError::Broken(format!("iwd does not come to {what}")))
    }

    async fn set(&self, radio: &OwnedObjectPath, name: &str, value: Variant<'_>) -> Result<(), RadioError> {
        let body = (DEVICE, name, value);
        self.call(radio, "org.freedesktop.DBus.Properties", "Set", &body, WORK)
            .await
            .map(drop)
    }

    async fn call<B>(&self, path: &OwnedObjectPath, interface: &str, method: &str, body: &B, time: Duration) -> Result<Message, RadioError>
    where
        B: Serialize + DynamicType,
    {
        within(time, self.bus.call_method(Some(IWD), path, Some(interface), method, body)).await
    }
}

async fn within<T>(time: Duration, asked: impl Future<Output = zbus::Result<T>>) -> Result<T, RadioError> {
    let slow = || RadioError::Broken(format!("no answer within {} s", time.as_secs()));
    timeout(time, asked).await.map_err(|_| slow())?.map_err(RadioError::from)
}

impl From<zbus::Error> for RadioError {
    fn from(error: zbus::Error) -> RadioError {
        match error {
            zbus::Error::MethodError(name, words, _) if name.starts_with(IWD) => {
                RadioError::Refused(words.unwrap_or_else(|| name.to_string()))
            }
            other => strange(other),
        }
    }
}

fn strange(error: zbus::Error) -> RadioError {
    RadioError::Broken(error.to_string())
}

fn read<T: DeserializeOwned + Type>(reply: &Message) -> Result<T, RadioError> {
    reply.body().deserialize().map_err(strange)
}

/// The first radio by its name.
fn device(objects: &Objects) -> Option<OwnedObjectPath> {
    let devices = objects.iter().filter(|(_, interfaces)| interfaces.contains_key(DEVICE));
    devices.map(|(path, _)| path).min_by_key(|path| path.as_str().to_owned()).cloned()
}

fn text<'a>(facts: &'a Dictionary, name: &str) -> &'a str {
    facts
        .get(name)
        .and_then(|value| value.downcast_ref::<&str>().ok())
        .unwrap_or_default()
}
