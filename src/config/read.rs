//! TOML text to settings, key by key: finds each key's place in the table of `keys.rs`, remembers where it was set,
//! and says what is wrong with it in the words of its kind.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use super::error::ConfigError;
use super::error::Place;
use super::error::Problem;
use super::kinds::Key;
use super::kinds::List;
use super::kinds::Slot;
use super::kinds::join;

/// Longest part of a wrong value that an error repeats, in characters.
const FOUND_CHARS_MAX: usize = 40;

/// Where each key was set; one that is not in it has its default.
pub(super) type Places = BTreeMap<String, Place>;

/// Keys that had another name, with all their tables: `(then, now)`.
pub(super) type Renames = [(&'static str, &'static str)];

/// One layer of TOML text.
pub(super) struct Reader<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    pub(super) renames: &'a Renames,
    pub(super) places: &'a mut Places,
    /// Where keys that there are not are told, which are left out then; without it the first of them is the error.
    pub(super) left_out: Option<&'a mut Vec<ConfigError>>,
}

impl Reader<'_> {
    /// Sets every key that the text names.
    pub(super) fn read(mut self, keys: Vec<Key<'_>>) -> Result<(), ConfigError> {
        match DeTable::parse(self.text) {
            Ok(table) => self.table("", table.get_ref(), &table.span(), keys),
            Err(error) => Err(self.syntax_error(&error)),
        }
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>, span: &Range<usize>, mut keys: Vec<Key<'_>>) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key_path = join(path, name.get_ref());
            match keys.iter_mut().find(|key| key.name == name.get_ref()) {
                Some(key) => self.slot(&key_path, value, &mut key.slot)?,
                None => self.no_such_key(self.error(&name.span(), self.unknown(path, &key_path, &keys)))?,
            }
        }
        match keys.iter().find(|key| key.required && !table.contains_key(key.name)) {
            Some(key) => Err(self.error(span, Problem::Missing { key: join(path, key.name) })),
            None => Ok(()),
        }
    }

    /// A key of another version is left out where that is asked for; one with a new name is not, since its value is known to count.
    fn no_such_key(&mut self, error: ConfigError) -> Result<(), ConfigError> {
        match &mut self.left_out {
            Some(left_out) if error.unknown_key().is_some() => {
                left_out.push(error);
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn slot(&mut self, path: &str, value: &Spanned<DeValue<'_>>, slot: &mut Slot<'_>) -> Result<(), ConfigError> {
        self.places.insert(path.to_owned(), self.place(&value.span()));
        match (slot, value.get_ref()) {
            (Slot::Table(keys), DeValue::Table(table)) => self.table(path, table, &value.span(), std::mem::take(keys)),
            (Slot::Table(_), _) => Err(self.refused(path, value, "a table of keys")),
            (Slot::List(list), _) => self.list(path, value, list.as_mut()),
            (Slot::Value(place), found) => match place.set(found) {
                true => Ok(()),
                false => Err(self.refused(path, value, place.allowed())),
            },
        }
    }

    fn list(&mut self, path: &str, value: &Spanned<DeValue<'_>>, list: &mut dyn List) -> Result<(), ConfigError> {
        let allowed = list.allowed();
        let Some(entries) = value.get_ref().as_array() else {
            return Err(self.refused(path, value, &allowed));
        };
        list.clear();
        for (index, entry) in entries.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match (entry.get_ref(), list.add()) {
                (DeValue::Table(table), Some(keys)) => self.table(&path, table, &entry.span(), keys)?,
                _ => return Err(self.refused(&path, entry, &allowed)),
            }
        }
        Ok(())
    }

    fn refused(&self, path: &str, value: &Spanned<DeValue<'_>>, allowed: &str) -> ConfigError {
        let problem = Problem::Value {
            key: path.to_owned(),
            found: self.text.get(value.span()).map(shortened).unwrap_or_default(),
            allowed: allowed.to_owned(),
        };
        self.error(&value.span(), problem)
    }

    fn unknown(&self, table: &str, path: &str, keys: &[Key<'_>]) -> Problem {
        if let Some((_, now)) = self.renames.iter().find(|(then, _)| *then == path) {
            return Problem::Renamed { key: path.to_owned(), now };
        }
        let name = path.rsplit('.').next().unwrap_or(path);
        let nearest = keys.iter().map(|key| (edits(name, key.name), key.name)).min();
        Problem::Unknown {
            key: path.to_owned(),
            meant: nearest.filter(|(edits, _)| *edits <= 2).map(|(_, near)| join(table, near)),
            allowed: keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", "),
        }
    }

    fn syntax_error(&self, error: &toml::de::Error) -> ConfigError {
        let span = error.span().unwrap_or(0..0);
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let problem = Problem::Syntax {
            column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
            message: error.message().to_owned(),
        };
        self.error(&span, problem)
    }

    fn error(&self, span: &Range<usize>, problem: Problem) -> ConfigError {
        ConfigError {
            place: self.place(span),
            problem,
        }
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Place::Line(self.file.to_owned(), line)
    }
}

/// Sets the one key `path` to `text`, which comes from `place`.
pub(super) fn set_text(keys: Vec<Key<'_>>, path: &str, text: &str, place: Place, places: &mut Places) -> Result<(), ConfigError> {
    let mut slot = Slot::Table(keys);
    for name in path.split('.') {
        let Slot::Table(keys) = slot else {
            unreachable!("{path} leads through tables")
        };
        let found = keys.into_iter().find(|key| key.name == name);
        slot = found.unwrap_or_else(|| unreachable!("{path} is in the table of keys")).slot;
    }
    let Slot::Value(mut value) = slot else {
        unreachable!("{path} is one value")
    };
    if !value.set(&DeValue::String(text.into())) {
        let problem = Problem::Value {
            key: path.to_owned(),
            found: shortened(text),
            allowed: value.allowed().to_owned(),
        };
        return Err(ConfigError { place, problem });
    }
    places.insert(path.to_owned(), place);
    Ok(())
}

/// The first line of `found`, cut where an error message would become unreadable.
fn shortened(found: &str) -> String {
    let line = found.lines().next().unwrap_or_default();
    match line.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

/// Levenshtein distance: fewest characters to insert, delete or replace.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kinds::count;
    use crate::config::kinds::key;

    fn read(text: &str, renames: &Renames) -> Result<u32, String> {
        let mut width = 640;
        let reader = Reader {
            file: Path::new("lookout.toml"),
            text,
            renames,
            places: &mut Places::new(),
            left_out: None,
        };
        let keys = vec![key("camera", Slot::Table(vec![key("width", count(&mut width, 1..=4096))]))];
        reader.read(keys).map_err(|error| error.to_string())?;
        Ok(width)
    }

    #[test]
    fn a_renamed_key_fails_with_its_new_name() {
        let renames = [("camera.columns", "camera.width"), ("video", "camera")];
        let refused = |text, message: &str| assert_eq!(read(text, &renames), Err(message.to_owned()));
        refused(
            "[camera]\ncolumns = 320\n",
            "lookout.toml:2: camera.columns is now called camera.width",
        );
        refused("[video]\nwidth = 320\n", "lookout.toml:1: video is now called camera");
        assert_eq!(read("[camera]\nwidth = 320\n", &renames), Ok(320));
    }

    #[test]
    fn edits_are_counted_as_levenshtein_did() {
        for (from, to, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("width", "widht", 2),
            ("kitten", "sitting", 3),
            ("fps", "fps", 0),
        ] {
            assert_eq!((edits(from, to), edits(to, from)), (distance, distance), "{from} {to}");
        }
    }
}
