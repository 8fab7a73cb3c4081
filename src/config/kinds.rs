//! Kinds of values: how one is read from TOML, checked and shown. Which keys there are is in `keys.rs`.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use toml::de::DeValue;

use super::KeyValue;
use crate::event::model::Name;
use crate::limits::NAME_BYTES_MAX;
use crate::limits::POLYGON_POINTS_MAX;
use crate::motion::settings::Polygon;

/// A key: its name in its table, and where its value lives.
pub(super) struct Key<'a> {
    pub(super) name: &'static str,
    pub(super) slot: Slot<'a>,
    /// Whether a table without it is refused.
    pub(super) required: bool,
}

/// A key that may be left out.
pub(super) fn key<'a>(name: &'static str, slot: Slot<'a>) -> Key<'a> {
    Key {
        name,
        slot,
        required: false,
    }
}

/// A key that may not be left out.
pub(super) fn required<'a>(name: &'static str, slot: Slot<'a>) -> Key<'a> {
    Key {
        name,
        slot,
        required: true,
    }
}

/// Where what a key holds lives.
pub(super) enum Slot<'a> {
    /// One value.
    Value(Box<dyn Value + 'a>),
    /// `[name]`: more keys.
    Table(Vec<Key<'a>>),
    /// `[[name]]`: any number of tables with the same keys.
    List(Box<dyn List + 'a>),
}

/// One value, in its place in the settings.
pub(super) trait Value {
    /// What may be written there, in words.
    fn allowed(&self) -> &str;
    /// What is there, as TOML.
    fn show(&self) -> String;
    /// Puts `value` there; false, with nothing changed, when it is not allowed.
    fn set(&mut self, value: &DeValue<'_>) -> bool;
}

/// A list of tables, in its place in the settings.
pub(super) trait List {
    /// Takes out every entry.
    fn clear(&mut self);
    /// Adds a blank entry and gives its keys; `None` when the list is full.
    fn add(&mut self) -> Option<Vec<Key<'_>>>;
    /// The keys of every entry.
    fn entries(&mut self) -> Vec<Vec<Key<'_>>>;
    /// What is allowed, in words.
    fn allowed(&self) -> String;
}

/// Adds every key below `keys`, with its value, to `found`; `path` is the table that they are in.
pub(super) fn collect(path: &str, keys: &[Key<'_>], found: &mut Vec<KeyValue>) {
    for Key { name, slot, .. } in keys {
        let key = join(path, name);
        match slot {
            Slot::Table(keys) => collect(&key, keys, found),
            Slot::Value(place) => found.push(KeyValue {
                key,
                value: place.show(),
                allowed: place.allowed().to_owned(),
            }),
            Slot::List(list) => found.push(KeyValue {
                key,
                value: String::new(),
                allowed: list.allowed(),
            }),
        }
    }
}

/// Writes `keys`, which are those of the table `path`, to `toml`: values first, then tables, as TOML wants it.
pub(super) fn write(path: &str, keys: Vec<Key<'_>>, toml: &mut String) {
    let (values, tables): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| matches!(key.slot, Slot::Value(_)));
    for Key { name, slot, .. } in values {
        let Slot::Value(place) = slot else { continue };
        let shown = place.show();
        if !shown.is_empty() {
            toml.push_str(&format!("{name} = {shown}\n"));
        }
    }
    for Key { name, slot, .. } in tables {
        let path = join(path, name);
        match slot {
            Slot::Table(keys) => {
                toml.push_str(&format!("\n[{path}]\n"));
                write(&path, keys, toml);
            }
            Slot::List(mut list) => {
                for keys in list.entries() {
                    toml.push_str(&format!("\n[[{path}]]\n"));
                    write(&path, keys, toml);
                }
            }
            Slot::Value(_) => {}
        }
    }
}

/// `name` in the table `path`.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// A value that is read by `read` and shown by `show`.
struct Typed<'a, T, R, S> {
    place: &'a mut T,
    allowed: String,
    read: R,
    show: S,
}

impl<T, R, S> Value for Typed<'_, T, R, S>
where
    R: Fn(&DeValue<'_>) -> Option<T>,
    S: Fn(&T) -> String,
{
    fn allowed(&self) -> &str {
        &self.allowed
    }
    fn show(&self) -> String {
        (self.show)(self.place)
    }
    fn set(&mut self, value: &DeValue<'_>) -> bool {
        (self.read)(value).map(|value| *self.place = value).is_some()
    }
}

fn typed<'a, T, R, S>(place: &'a mut T, allowed: String, read: R, show: S) -> Slot<'a>
where
    R: Fn(&DeValue<'_>) -> Option<T> + 'a,
    S: Fn(&T) -> String + 'a,
{
    Slot::Value(Box::new(Typed {
        place,
        allowed,
        read,
        show,
    }))
}

/// A whole number.
pub(super) fn count<T>(place: &mut T, range: RangeInclusive<u64>) -> Slot<'_>
where
    T: TryFrom<u64> + Display,
{
    let allowed = format!("{} to {}", range.start(), range.end());
    let read = move |value: &DeValue<'_>| integer(value).filter(|n| range.contains(n))?.try_into().ok();
    typed(place, allowed, read, T::to_string)
}

/// A whole number that may be left open.
pub(super) fn optional_count(place: &mut Option<u8>, range: RangeInclusive<u8>) -> Slot<'_> {
    let allowed = format!("{} to {}", range.start(), range.end());
    let read = move |value: &DeValue<'_>| {
        let number = integer(value)?.try_into().ok().filter(|n| range.contains(n))?;
        Some(Some(number))
    };
    typed(place, allowed, read, |n| n.map(|n| n.to_string()).unwrap_or_default())
}

/// A part of a whole.
pub(super) fn fraction(place: &mut f32, range: RangeInclusive<f32>) -> Slot<'_> {
    let allowed = format!("{} to {}", range.start(), range.end());
    let read = move |value: &DeValue<'_>| number(value).map(|n| n as f32).filter(|n| range.contains(n));
    typed(place, allowed, read, f32::to_string)
}

/// A part of a whole, 0 to 1, held in thousandths.
pub(super) fn permille(place: &mut u16) -> Slot<'_> {
    let read = |value: &DeValue<'_>| {
        number(value)
            .filter(|n| (0.0..=1.0).contains(n))
            .map(|n| (n * 1000.0).round() as u16)
    };
    typed(place, "0 to 1".into(), read, |n| (f64::from(*n) / 1000.0).to_string())
}

/// Yes or no.
pub(super) fn flag(place: &mut bool) -> Slot<'_> {
    typed(place, "true or false".into(), |value| value.as_bool(), bool::to_string)
}

/// Unit of a duration; the key's name ends with it.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Ms,
    S,
    Days,
}

impl Unit {
    const fn millis(self) -> u64 {
        match self {
            Unit::Ms => 1,
            Unit::S => 1000,
            Unit::Days => 24 * 3600 * 1000,
        }
    }
}

/// A span of time in whole `unit`s.
pub(super) fn duration(place: &mut Duration, unit: Unit, range: RangeInclusive<u64>) -> Slot<'_> {
    let allowed = format!("{} to {}", range.start(), range.end());
    let read = move |value: &DeValue<'_>| {
        let units = integer(value).filter(|n| range.contains(n))?;
        Some(Duration::from_millis(units * unit.millis()))
    };
    typed(place, allowed, read, move |span| {
        (span.as_millis() / u128::from(unit.millis())).to_string()
    })
}

/// Kibibyte, in bytes.
pub(super) const KIB: u64 = 1024;
/// Mebibyte, in bytes.
pub(super) const MIB: u64 = 1024 * KIB;
/// Gibibyte, in bytes.
pub(super) const GIB: u64 = 1024 * MIB;

const BYTE_UNITS: [(&str, u64); 3] = [("GiB", GIB), ("MiB", MIB), ("KiB", KIB)];

/// An amount of memory or disk, as text with its unit.
pub(super) fn bytes<T>(place: &mut T, range: RangeInclusive<u64>) -> Slot<'_>
where
    T: TryFrom<u64> + TryInto<u64> + Copy,
{
    let allowed = format!("\"{}\" to \"{}\"", show_bytes(*range.start()), show_bytes(*range.end()));
    let read = move |value: &DeValue<'_>| parse_bytes(value.as_str()?).filter(|n| range.contains(n))?.try_into().ok();
    typed(place, allowed, read, |n| quote(&show_bytes((*n).try_into().unwrap_or(u64::MAX))))
}

fn parse_bytes(text: &str) -> Option<u64> {
    let (digits, unit) = BYTE_UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse::<u64>().ok()?.checked_mul(unit)).flatten()
}

fn show_bytes(n: u64) -> String {
    let (name, unit) = BYTE_UNITS
        .into_iter()
        .find(|(_, unit)| n.is_multiple_of(*unit))
        .unwrap_or(("KiB", KIB));
    format!("{}{name}", n.div_ceil(unit))
}

/// One of a few words.
pub(super) fn choice<'a, T>(place: &'a mut T, words: &'static [(&'static str, T)]) -> Slot<'a>
where
    T: Copy + PartialEq,
{
    let allowed = words.iter().map(|(word, _)| quote(word)).collect::<Vec<_>>().join(", ");
    let read = |value: &DeValue<'_>| {
        let text = value.as_str()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant)
    };
    let show = |value: &T| quote(words.iter().find(|(_, meant)| meant == value).map_or("", |(word, _)| word));
    typed(place, allowed, read, show)
}

/// Text that a type of its own understands; `form` says what that is.
pub(super) fn text<'a, T: FromStr + Display>(place: &'a mut T, form: &str) -> Slot<'a> {
    typed(
        place,
        form.into(),
        |value| value.as_str()?.parse().ok(),
        |value| quote(&value.to_string()),
    )
}

/// A name that people see.
pub(super) fn name(place: &mut Name) -> Slot<'_> {
    let read = |value: &DeValue<'_>| {
        let text = value
            .as_str()
            .filter(|text| !text.trim().is_empty() && !text.contains(char::is_control))?;
        Name::try_from(text).ok()
    };
    typed(place, format!("1 to {NAME_BYTES_MAX} bytes of text"), read, |name| quote(name))
}

/// A folder.
pub(super) fn path(place: &mut PathBuf) -> Slot<'_> {
    let read = |value: &DeValue<'_>| value.as_str().filter(|text| !text.is_empty()).map(PathBuf::from);
    typed(place, "a path".into(), read, |path| quote(&path.to_string_lossy()))
}

/// A file that there need not be.
pub(super) fn optional_path(place: &mut PathBuf) -> Slot<'_> {
    let read = |value: &DeValue<'_>| value.as_str().map(PathBuf::from);
    typed(place, "a path, or \"\" for none".into(), read, |path| {
        quote(&path.to_string_lossy())
    })
}

/// Corners of a part of the picture.
pub(super) fn polygon(place: &mut Polygon) -> Slot<'_> {
    let read = |value: &DeValue<'_>| {
        let corners = value.as_array()?.iter().map(|at| corner(at.get_ref()));
        let polygon = bounded(corners)?;
        (polygon.len() >= 3).then_some(polygon)
    };
    let allowed = format!("3 to {POLYGON_POINTS_MAX} corners [x, y], each 0 to 1");
    typed(place, allowed, read, |polygon| {
        format!("{:?}", polygon.iter().map(|(x, y)| [*x, *y]).collect::<Vec<_>>())
    })
}

fn corner(value: &DeValue<'_>) -> Option<(f32, f32)> {
    let part = |index: usize| number(value.get(index)?.get_ref()).filter(|n| (0.0..=1.0).contains(n));
    let pair = value.as_array().is_some_and(|pair| pair.len() == 2);
    pair.then(|| Some((part(0)? as f32, part(1)? as f32))).flatten()
}

/// All corners; `None` when one is not a corner or there are too many.
fn bounded(corners: impl Iterator<Item = Option<(f32, f32)>>) -> Option<Polygon> {
    let polygon: Polygon = corners.take(POLYGON_POINTS_MAX + 1).collect::<Option<_>>()?;
    (polygon.len() <= POLYGON_POINTS_MAX).then_some(polygon)
}

/// A bounded list of tables.
struct Tables<'a, T, const N: usize> {
    entries: &'a mut heapless::Vec<T, N>,
    blank: fn() -> T,
    keys: fn(&mut T) -> Vec<Key<'_>>,
}

impl<T, const N: usize> List for Tables<'_, T, N> {
    fn clear(&mut self) {
        self.entries.clear();
    }
    fn add(&mut self) -> Option<Vec<Key<'_>>> {
        self.entries.push((self.blank)()).ok()?;
        self.entries.last_mut().map(self.keys)
    }
    fn entries(&mut self) -> Vec<Vec<Key<'_>>> {
        self.entries.iter_mut().map(self.keys).collect()
    }
    fn allowed(&self) -> String {
        format!("0 to {N} tables")
    }
}

/// A list of tables, each made by `blank` and filled in through `keys`.
pub(super) fn list<'a, T, const N: usize>(
    entries: &'a mut heapless::Vec<T, N>,
    blank: fn() -> T,
    keys: fn(&mut T) -> Vec<Key<'_>>,
) -> Slot<'a> {
    Slot::List(Box::new(Tables { entries, blank, keys }))
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A number with or without a point.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value.as_float() {
        Some(number) => number.as_str().parse().ok(),
        None => integer(value).map(|n| n as f64),
    }
}

fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}
