//! The network, as the service tells its clients of it.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Shared;
use crate::clock::Clock;
use crate::config::Config;
use crate::hub::Hub;
use crate::hub::Message;
use crate::network;
use crate::network::Link;
use crate::network::Report;
use crate::network::Said;
use crate::network::State;
use crate::wire;
use crate::wire::Facts;
use crate::wire::Topic;
use crate::wire::broadcast::Announcement;

/// The service's link to who looks after the network.
pub(super) struct Network {
    pub(super) link: Arc<Link>,
    to_say: mpsc::Receiver<Said>,
    settings: network::Settings,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
}

impl Network {
    /// For a service of this configuration.
    pub(super) fn new(config: &Config, shared: &Shared) -> Network {
        let (link, to_say) = Link::new();
        Network {
            link: Arc::new(link),
            to_say,
            settings: config.network.clone(),
            hub: shared.hub.clone(),
            clock: shared.clock.clone(),
        }
    }

    /// Keeps in touch as long as there is somebody, and announces what becomes of a network that is tried.
    pub(super) async fn run(self) {
        let Network {
            link,
            to_say,
            settings,
            hub,
            clock,
        } = self;
        let announce = |before: Option<&Report>, now: &Report| {
            let Some(words) = news(before, now) else { return };
            let published = hub.publish(Message {
                seq: None,
                topic: Topic::Announcement,
                text: wire::encode(clock.wall().at, &Announcement { message: &words }),
                facts: Facts::default(),
            });
            if let Err(error) = published {
                tracing::error!(%error, "a message of our own was refused");
            }
        };
        link.work(&settings, to_say, announce).await;
    }
}

/// What is worth telling of a change.
fn news(before: Option<&Report>, now: &Report) -> Option<String> {
    let before = before?;
    let name = now.ssid.as_deref().unwrap_or("the network");
    match (before.state, now.state) {
        (State::Testing, State::Settled) if now.failed.is_none() => Some(format!("{name} works, and is kept.")),
        (State::Joining, State::Testing) => Some(format!("{name} is joined; log in over it, and it is kept.")),
        _ if before.failed.is_none() => now.failed.as_ref().map(|failed| format!("{}: {}.", failed.ssid, failed.message)),
        _ => None,
    }
}
