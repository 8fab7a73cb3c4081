//! Who wants which message: [`Facts`] that a message carries, the [`Filter`] that a client has, and the names in between.

use serde::Deserialize;

use super::Topic;
use super::Topics;
use crate::event::model::Name;
use crate::limits::ZONES_MAX;
use crate::motion::Score;
use crate::motion::ZoneSet;

/// What can be asked of a message beside its topic, found out once by who writes it. A condition does not apply to a
/// message that does not carry the fact: an alert has no score, and comes whatever score is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Which camera, by its place in [`Names::cameras`].
    pub camera: Option<u8>,
    /// Zones that it is about.
    pub zones: Option<ZoneSet>,
    /// How strong the motion is.
    pub score: Option<Score>,
}

/// What a client wants to hear of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these topics.
    pub topics: Topics,
    /// Only this camera.
    pub camera: Option<u8>,
    /// Only what touches one of these zones.
    pub zones: Option<ZoneSet>,
    /// Only what is at least that strong.
    pub min_score: Option<Score>,
}

impl Filter {
    /// Whether a message of `topic` with these `facts` is wanted.
    pub fn wants(&self, topic: Topic, facts: &Facts) -> bool {
        let either = |(wanted, has): (Option<ZoneSet>, Option<ZoneSet>)| match (wanted, has) {
            (Some(wanted), Some(has)) => wanted.0 & has.0 != 0,
            _ => true,
        };
        let same = match (self.camera, facts.camera) {
            (Some(wanted), Some(camera)) => wanted == camera,
            _ => true,
        };
        let strong = match (self.min_score, facts.score) {
            (Some(least), Some(score)) => score >= least,
            _ => true,
        };
        self.topics.has(topic) && same && strong && either((self.zones, facts.zones))
    }
}

impl From<Topics> for Filter {
    fn from(topics: Topics) -> Filter {
        Filter {
            topics,
            ..Filter::default()
        }
    }
}

/// The names that stand for places in [`Facts`] and [`Filter`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The cameras; so far one.
    pub cameras: heapless::Vec<Name, 1>,
    /// The zones, in the order of a [`ZoneSet`]'s bits.
    pub zones: heapless::Vec<Name, ZONES_MAX>,
}

/// A name that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} \"{name}\"")]
pub struct UnknownName {
    /// What it was to be.
    pub what: &'static str,
    /// The name.
    pub name: Name,
}

impl Names {
    /// The place of a camera.
    pub fn camera(&self, name: &Name) -> Result<u8, UnknownName> {
        let place = self.cameras.iter().position(|camera| camera == name);
        place.map(|place| place as u8).ok_or_else(|| unknown("camera", name))
    }

    /// The set of zones of these names.
    pub fn zones<'a>(&self, names: impl IntoIterator<Item = &'a Name>) -> Result<ZoneSet, UnknownName> {
        let mut zones = ZoneSet::EMPTY;
        for name in names {
            let place = self.zones.iter().position(|zone| zone == name);
            zones.insert(place.ok_or_else(|| unknown("zone", name))?);
        }
        Ok(zones)
    }

    /// The set of zones of these names, those that there are no more left out.
    pub fn known_zones(&self, names: &[Name]) -> ZoneSet {
        let sets = names.iter().filter_map(|name| self.zones([name]).ok());
        sets.fold(ZoneSet::EMPTY, ZoneSet::union)
    }

    /// Names of the zones in `zones`.
    pub fn zone_names(&self, zones: ZoneSet) -> impl Iterator<Item = &Name> {
        zones.iter().filter_map(|place| self.zones.get(place))
    }

    /// A number that another list of names hardly has: what says whether places still mean the same.
    pub fn fingerprint(&self) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        for name in self.cameras.iter().chain(&self.zones) {
            hash.update(&[name.len() as u8]);
            hash.update(name.as_bytes());
        }
        hash.finalize()
    }

    /// Topic and facts of a durable message from its JSON, for those that come from the store: `None` when it is none of
    /// ours. Messages that go through the ring bring theirs along.
    pub fn facts_of(&self, text: &str) -> Option<(Topic, Facts)> {
        let gist: Gist = serde_json::from_str(text).ok()?;
        let data = gist.data.unwrap_or_default();
        let camera = gist.camera_id.or(data.camera_id);
        let facts = Facts {
            camera: camera.map(|name| self.camera(&name).unwrap_or(u8::MAX)),
            zones: data.zones.map(|zones| self.known_zones(&zones)),
            score: data.score,
        };
        Some((Topic::named(&gist.kind)?, facts))
    }
}

/// As much of a durable message as facts are made of.
#[derive(Deserialize)]
struct Gist {
    #[serde(rename = "type")]
    kind: heapless::String<32>,
    #[serde(default)]
    camera_id: Option<Name>,
    #[serde(default)]
    data: Option<GistData>,
}

#[derive(Default, Deserialize)]
struct GistData {
    #[serde(default)]
    camera_id: Option<Name>,
    #[serde(default)]
    zones: Option<heapless::Vec<Name, ZONES_MAX>>,
    #[serde(default)]
    score: Option<Score>,
}

fn unknown(what: &'static str, name: &Name) -> UnknownName {
    UnknownName { what, name: name.clone() }
}
