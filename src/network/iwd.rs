//! iwd's interface on the system bus, `net.connman.iwd`, and the one call of systemd that starts it anew. Every question has its
//! time; the connection lasts as long as what is asked.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;
use tokio::time::timeout;
use zbus::DynamicType;
use zbus::OwnedObjectPath;
use zbus::Variant;

use super::Radio;
use super::RadioError;
use super::Seen;
use crate::bus::Bus;
use crate::bus::BusError;
use crate::bus::Dictionary;
use crate::bus::Place;
use crate::bus::QUESTION;
use crate::bus::Reply;
use crate::bus::flag;
use crate::bus::text;
use crate::limits::WIFI_CALL_MS_MAX;
use crate::limits::WIFI_FIND_MS_MAX;
use crate::limits::WIFI_SEEN_MAX;

const IWD: &str = "net.connman.iwd";
const DEVICE: &str = "net.connman.iwd.Device";
const STATION: &str = "net.connman.iwd.Station";
const ACCESS_POINT: &str = "net.connman.iwd.AccessPoint";
const NETWORK: &str = "net.connman.iwd.Network";
const SYSTEMD: Place<'_> = Place {
    who: "systemd",
    name: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
};
/// iwd's own unit.
const UNIT: &str = "iwd.service";
const WORK: Duration = Duration::from_millis(WIFI_CALL_MS_MAX);
/// Pause between two looks at how far iwd is.
const LOOK: Duration = Duration::from_millis(250);
/// Attempts at a network that was found and did not let the device in: the first may be lost to noise.
const ATTEMPTS: u32 = 2;

/// Everything that iwd has, by path and interface.
type Objects = HashMap<OwnedObjectPath, HashMap<String, Dictionary>>;

/// iwd, asked for its first radio.
#[derive(Clone, Copy, Debug, Default)]
pub struct Iwd;

impl Radio for Iwd {
    async fn scan(&self) -> Result<Vec<Seen>, RadioError> {
        let iwd = Session::begin().await?;
        let radio = iwd.become_a(STATION).await?;
        let found = iwd.scan(&radio).await?;
        let mut seen: Vec<Seen> = found.into_iter().filter_map(Found::seen).collect();
        seen.truncate(WIFI_SEEN_MAX);
        Ok(seen)
    }

    async fn open(&self, ssid: &str) -> Result<(), RadioError> {
        let iwd = Session::begin().await?;
        let radio = iwd.become_a(ACCESS_POINT).await?;
        iwd.call(&radio, ACCESS_POINT, "StartProfile", &ssid, WORK).await.map(drop)
    }

    async fn is_open(&self) -> Result<bool, RadioError> {
        let objects = Session::begin().await?.objects().await?;
        let radio = device(&objects).and_then(|radio| flag(objects[&radio].get(ACCESS_POINT)?, "Started"));
        Ok(radio == Some(true))
    }

    async fn close(&self) -> Result<(), RadioError> {
        Session::begin().await?.become_a(STATION).await.map(drop)
    }

    async fn join(&self, ssid: &str, secured: bool) -> Result<(), RadioError> {
        let iwd = Session::begin().await?;
        let radio = iwd.become_a(STATION).await?;
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            let network = iwd.find(&radio, ssid, secured).await?;
            match iwd.call(&network, NETWORK, "Connect", &(), WORK).await {
                // The first refusal says why: who was refused for the key is then asked for another one.
                Err(error @ RadioError::Refused(_)) => refused = refused.or(Some(error)),
                joined => return joined.map(drop),
            }
            sleep(LOOK).await;
        }
        refused.map_or(Ok(()), Err)
    }

    async fn restart(&self) -> Result<(), RadioError> {
        let iwd = Session::begin().await?;
        iwd.bus.call(&SYSTEMD, "RestartUnit", &(UNIT, "replace"), QUESTION).await?;
        // It has left the bus once systemd answers a moment later; then its radio comes back.
        sleep(LOOK * 4).await;
        iwd.until("its radio after a start", |objects| device(objects).map(drop)).await
    }
}

/// What is asked of iwd by one connection.
struct Session {
    bus: Bus,
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

impl Session {
    async fn begin() -> Result<Session, RadioError> {
        Ok(Session {
            bus: Bus::connect().await?,
        })
    }

    /// The first radio, once it is what has this interface.
    async fn become_a(&self, interface: &str) -> Result<OwnedObjectPath, RadioError> {
        let mode = if interface == STATION { "station" } else { "ap" };
        let objects = self.objects().await?;
        let radio = device(&objects).ok_or_else(|| RadioError::Broken("there is no radio".into()))?;
        let facts = &objects[&radio][DEVICE];
        if flag(facts, "Powered") == Some(false) {
            self.set(&radio, "Powered", Variant::from(true)).await?;
        }
        if text(facts, "Mode") != Some(mode) {
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
        let quiet = |objects: &Objects| (!flag(objects.get(radio)?.get(STATION)?, "Scanning")?).then_some(());
        self.until("the end of a scan", quiet).await?;
        let reply = self.call(radio, STATION, "GetOrderedNetworks", &(), QUESTION).await?;
        let ordered: Vec<(OwnedObjectPath, i16)> = reply.read()?;
        let objects = self.objects().await?;
        let found = ordered.into_iter().filter_map(|(path, signal)| {
            let facts = objects.get(&path)?.get(NETWORK)?;
            let (ssid, kind) = (text(facts, "Name")?.to_owned(), text(facts, "Type")?.to_owned());
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
        let manager = "org.freedesktop.DBus.ObjectManager";
        let reply = self.bus.call(&place("/", manager), "GetManagedObjects", &(), QUESTION).await?;
        Ok(reply.read()?)
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

    async fn call<B>(&self, path: &OwnedObjectPath, interface: &str, method: &str, body: &B, time: Duration) -> Result<Reply, RadioError>
    where
        B: Serialize + DynamicType,
    {
        Ok(self.bus.call(&place(path.as_str(), interface), method, body, time).await?)
    }
}

impl From<BusError> for RadioError {
    fn from(error: BusError) -> RadioError {
        match error {
            BusError::Refused(words) => RadioError::Refused(words),
            other => RadioError::Broken(other.to_string()),
        }
    }
}

fn place<'a>(path: &'a str, interface: &'a str) -> Place<'a> {
    let (who, name) = ("iwd", IWD);
    Place {
        who,
        name,
        path,
        interface,
    }
}

/// The first radio by its name.
fn device(objects: &Objects) -> Option<OwnedObjectPath> {
    let devices = objects.iter().filter(|(_, interfaces)| interfaces.contains_key(DEVICE));
    devices.map(|(path, _)| path).min_by_key(|path| path.as_str().to_owned()).cloned()
}
