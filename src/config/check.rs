//! What must hold between keys that are each within their own range.

use super::Auth;
use super::Config;
use super::error::ConfigError;
use super::error::Place;
use super::error::Problem;
use super::read::Places;
use crate::motion::settings::Polygon;
use crate::web::TlsMode;

/// Smallest area of a polygon, as a part of the picture: less is a line, which no cell lies in.
const POLYGON_AREA_MIN: f32 = 1e-4;

/// A relation that does not hold: the key at fault, what it holds, what it would have to be.
struct Conflict {
    key: String,
    /// The other key of the relation, at fault where the first has its default.
    other: &'static str,
    found: String,
    allowed: String,
}

/// Checks every relation; the first that does not hold is the error.
pub(super) fn relations(config: &Config, places: &Places) -> Result<(), ConfigError> {
    let first = even_size(config)
        .or_else(|| confirmation(config))
        .or_else(|| event_times(config))
        .or_else(|| zone_names(config))
        .or_else(|| polygons(config))
        .or_else(|| open_port(config))
        .or_else(|| tls_files(config))
        .or_else(|| redirect(config));
    first.map_or(Ok(()), |conflict| Err(conflict.error(places)))
}

/// 4:2:0 and 4:2:2 halve the sides.
fn even_size(config: &Config) -> Option<Conflict> {
    let sides = [
        ("camera.width", config.camera.source.width),
        ("camera.height", config.camera.source.height),
    ];
    let (key, side) = sides.into_iter().find(|(_, side)| !side.is_multiple_of(2))?;
    Some(Conflict::new(key, key, side, "an even number"))
}

fn confirmation(config: &Config) -> Option<Conflict> {
    let (frames, window) = (config.motion.confirm_frames, config.motion.confirm_window);
    let allowed = format!("at most motion.confirm_window, {window}");
    (frames > window).then(|| Conflict::new("motion.confirm_frames", "motion.confirm_window", frames, allowed))
}

fn event_times(config: &Config) -> Option<Conflict> {
    let (gap, length) = (config.event.gap.as_millis(), config.event.length_max.as_millis());
    let allowed = format!("less than event.length_max_s, {length} ms");
    let lapse = config.event.lapse.as_millis();
    let too_long = (gap >= length).then(|| Conflict::new("event.gap_ms", "event.length_max_s", gap, allowed));
    too_long.or_else(|| {
        (lapse > gap).then(|| Conflict::new("event.lapse_ms", "event.gap_ms", lapse, format!("at most event.gap_ms, {gap} ms")))
    })
}

fn zone_names(config: &Config) -> Option<Conflict> {
    let zones = &config.motion.zones;
    let twice = (1..zones.len()).find(|n| zones[..*n].iter().any(|earlier| earlier.name == zones[*n].name))?;
    let key = format!("motion.zones[{twice}].name");
    Some(Conflict::new(key, "motion.zones", &zones[twice].name, "a name of its own"))
}

fn polygons(config: &Config) -> Option<Conflict> {
    let zones = config.motion.zones.iter().map(|zone| &zone.polygon).enumerate();
    let masks = config.motion.masks.iter().enumerate();
    let named = zones.map(|at| ("motion.zones", at)).chain(masks.map(|at| ("motion.masks", at)));
    let (list, (index, _)) = named.into_iter().find(|(_, (_, polygon))| area(polygon) < POLYGON_AREA_MIN)?;
    let key = format!("{list}[{index}].polygon");
    Some(Conflict::new(key, list, "a line or a point", "corners around an area, in order"))
}

/// Area by the shoelace formula, as a part of the picture.
fn area(polygon: &Polygon) -> f32 {
    let next = polygon.iter().cycle().skip(1);
    let twice: f32 = polygon.iter().zip(next).map(|((x, y), (u, v))| x * v - u * y).sum();
    twice.abs() / 2.0
}

/// Others on the network need a password, unless it was said in so many words that they do not.
fn open_port(config: &Config) -> Option<Conflict> {
    let listen = config.web.listen;
    let closed = listen.ip().to_canonical().is_loopback() || config.web.auth != Auth::Loopback;
    let allowed = "a loopback address (127.0.0.1 or [::1]), as there is no password: for others on the network write auth = \"password\" or, \
                   to let everyone in, auth = \"none\" under [web] in the configuration file";
    (!closed).then(|| Conflict::new("web.listen", "web.auth", listen, allowed))
}

/// Nobody can be sent on to TLS where none is spoken, nor from the very port that speaks it.
fn redirect(config: &Config) -> Option<Conflict> {
    let web = &config.web;
    let from = web.redirect.0?;
    if web.tls.mode == TlsMode::Off {
        return Some(Conflict::new("web.redirect", "web.tls", from, "\"\", as web.tls is \"off\""));
    }
    let same = from == web.listen && from.port() != 0;
    same.then(|| Conflict::new("web.redirect", "web.listen", from, "another port than that of web.listen"))
}

fn tls_files(config: &Config) -> Option<Conflict> {
    let tls = &config.web.tls;
    let files = [("web.tls_certificate", &tls.certificate), ("web.tls_key", &tls.key)];
    let (key, _) = files.into_iter().find(|(_, file)| file.as_os_str().is_empty())?;
    (tls.mode == TlsMode::Files).then(|| Conflict::new(key, "web.tls", "\"\"", "a file, as web.tls is \"files\""))
}

impl Conflict {
    fn new(key: impl Into<String>, other: &'static str, found: impl ToString, allowed: impl Into<String>) -> Conflict {
        Conflict {
            key: key.into(),
            other,
            found: found.to_string(),
            allowed: allowed.into(),
        }
    }

    fn error(self, places: &Places) -> ConfigError {
        let place = places.get(&self.key).or_else(|| places.get(self.other));
        ConfigError {
            place: place.cloned().unwrap_or(Place::Default),
            problem: Problem::Value {
                key: self.key,
                found: self.found,
                allowed: self.allowed,
            },
        }
    }
}
