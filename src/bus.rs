//! The system bus (D-Bus): one bounded connection, questions that have their time, and answers as values.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use zbus::Connection;
use zbus::DynamicType;
use zbus::MatchRule;
use zbus::Message;
use zbus::MessageStream;
use zbus::OwnedVariant;
use zbus::Type;
use zbus::connection::Builder;
use zbus::fdo;

use crate::limits::BUS_CALL_MS_MAX;
use crate::limits::BUS_MESSAGES_MAX;

/// Time for a question that is answered from memory.
pub const QUESTION: Duration = Duration::from_millis(BUS_CALL_MS_MAX);

/// Named values of any kind, `a{sv}` on the bus.
pub type Dictionary = HashMap<String, OwnedVariant>;

/// Why what was asked was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// There is no bus, or nobody of this name on it.
    #[error("{0} cannot be reached: {1}")]
    Absent(&'static str, String),
    /// Who was asked says no, by an error of its own and in its own words.
    #[error("{0}")]
    Refused(String),
    /// It failed, or may not be asked, as the bus itself has words for.
    #[error("{0}")]
    Denied(String),
    /// It did not answer in time.
    #[error("{who} did not answer within {} s", .time.as_secs())]
    Slow {
        /// Who.
        who: &'static str,
        /// How long was waited.
        time: Duration,
    },
    /// The answer is not what the interface promises.
    #[error("{0}'s answer is not understood: {1}")]
    Strange(&'static str, String),
}

/// Who is asked, and of what interface of which of its objects.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// As people know it.
    pub who: &'static str,
    /// As the bus knows it.
    pub name: &'static str,
    /// Which of its objects.
    pub path: &'a str,
    /// Which interface of that.
    pub interface: &'a str,
}

/// An answer, and whose it is.
#[derive(Debug)]
pub struct Reply {
    who: &'static str,
    message: Message,
}

/// A connection to the system bus; as long as what is asked by it.
#[derive(Debug)]
pub struct Bus {
    connection: Connection,
}

impl Bus {
    /// Connects (`DBUS_SYSTEM_BUS_ADDRESS`, else the usual place). [`BUS_MESSAGES_MAX`] messages wait to be read.
    pub async fn connect() -> Result<Bus, BusError> {
        let messages = NonZeroUsize::new(BUS_MESSAGES_MAX).unwrap_or(NonZeroUsize::MIN);
        let building = Builder::system().max_queued(messages).build();
        let connection = within("the system bus", QUESTION, building).await?;
        Ok(Bus { connection })
    }

    /// Asks, and waits for the answer for this time at most. Who is asked is started by the bus where it knows how.
    pub async fn call<B>(&self, place: &Place<'_>, method: &str, body: &B, time: Duration) -> Result<Reply, BusError>
    where
        B: Serialize + DynamicType,
    {
        let asked = self
            .connection
            .call_method(Some(place.name), place.path, Some(place.interface), method, body);
        let message = within(place.who, time, asked).await?;
        Ok(Reply { who: place.who, message })
    }

    /// A property of the interface.
    pub async fn property<T>(&self, place: &Place<'_>, name: &str) -> Result<T, BusError>
    where
        T: TryFrom<OwnedVariant, Error = zbus::Error>,
    {
        let properties = Place {
            interface: "org.freedesktop.DBus.Properties",
            ..*place
        };
        let reply = self.call(&properties, "Get", &(place.interface, name), QUESTION).await?;
        T::try_from(reply.read::<OwnedVariant>()?).map_err(|error| strange(place.who, &error))
    }

    /// Signals of this name, heard from now on.
    pub async fn signals(&self, place: &Place<'static>, name: &'static str) -> Result<MessageStream, BusError> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface(place.interface)
            .member(name)
            .build()
            .map_err(|error| strange(place.who, &error))?;
        let asked = MessageStream::for_match_rule(rule, &self.connection, None);
        within("the system bus", QUESTION, asked).await
    }
}

impl Reply {
    /// A message that `who` sent.
    pub fn signal(place: &Place<'_>, message: zbus::Result<Message>) -> Result<Reply, BusError> {
        let who = place.who;
        message
            .map(|message| Reply { who, message })
            .map_err(|error| BusError::of(who, error))
    }

    /// What it says.
    pub fn read<T: DeserializeOwned + Type>(&self) -> Result<T, BusError> {
        self.message.body().deserialize().map_err(|error| strange(self.who, &error))
    }
}

impl BusError {
    fn of(who: &'static str, error: zbus::Error) -> BusError {
        match error {
            zbus::Error::MethodError(name, words, _) => BusError::Refused(words.unwrap_or_else(|| name.to_string())),
            zbus::Error::FDO(known) => match *known {
                fdo::Error::UnknownMethod(words) => BusError::Strange(who, words),
                fdo::Error::Failed(words) | fdo::Error::AccessDenied(words) => BusError::Denied(words),
                other => BusError::Absent(who, other.to_string()),
            },
            other => BusError::Absent(who, other.to_string()),
        }
    }
}

/// The text of this name.
pub fn text<'a>(facts: &'a Dictionary, name: &str) -> Option<&'a str> {
    facts.get(name)?.downcast_ref::<&str>().ok()
}

/// The yes or no of this name.
pub fn flag(facts: &Dictionary, name: &str) -> Option<bool> {
    facts.get(name)?.downcast_ref::<bool>().ok()
}

async fn within<T>(who: &'static str, time: Duration, asked: impl Future<Output = zbus::Result<T>>) -> Result<T, BusError> {
    let answered = timeout(time, asked).await.map_err(|_| BusError::Slow { who, time })?;
    answered.map_err(|error| BusError::of(who, error))
}

fn strange(who: &'static str, error: &zbus::Error) -> BusError {
    BusError::Strange(who, error.to_string())
}
