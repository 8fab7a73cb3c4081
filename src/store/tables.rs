//! What stands in the database: its tables, its schema version and how an older one is brought up to it.

use heapless::String;
use redb::Database;
use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::Table;
use redb::TableDefinition;
use redb::TableError;
use redb::WriteTransaction;

use crate::event::model::Event;

/// Sequence number to the exact bytes that clients were sent.
pub(super) const JOURNAL: TableDefinition<u64, &[u8]> = TableDefinition::new("journal");
/// Event id to the event's newest state, as JSON.
pub(super) const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");
/// Beginning in milliseconds since 1970 and id of each event; holds exactly the events of [`EVENTS`].
pub(super) const BY_TIME: TableDefinition<(i64, u64), ()> = TableDefinition::new("by_time");
/// Ids of the events that someone asked to keep; exactly those of [`EVENTS`] that say so.
pub(super) const BOOKMARKS: TableDefinition<u64, ()> = TableDefinition::new("bookmarks");
/// Facts about the store itself.
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// Key in [`META`]: schema version, decimal digits.
pub(super) const META_SCHEMA: &str = "schema";
/// Key in [`META`]: the oldest schema version whose program may open this store, decimal digits; none in stores of before 2,
/// which only their own version may.
pub(super) const META_OLDEST: &str = "oldest";
/// Key in [`META`]: the [`StoreId`].
pub(super) const META_ID: &str = "id";
/// Key in [`META`]: a correction of times that has begun and not ended (`times.rs`).
pub(super) const META_CORRECTION: &str = "correction";

/// Identity of a store, made at its creation: 16 random hexadecimal digits. Sequence numbers mean something only beside it.
pub type StoreId = String<16>;

/// Schema version that this program writes.
pub const SCHEMA: usize = 2;

/// Oldest schema version whose program may open what this program writes: as old as the one that an update replaced and that
/// a rollback comes back to. It stays as it is for a change that only adds tables, or fields to what is JSON.
const SCHEMA_OLDEST: usize = 2;

const _: () = assert!(SCHEMA_OLDEST <= SCHEMA);

type Step = fn(&WriteTransaction) -> Result<(), redb::Error>;

/// Step `n` brings a store from schema version `n` to `n + 1`. It may find what it adds there already, and out of date: an older
/// version that a rollback came back to writes its own number, and leaves tables alone that it does not know.
const MIGRATIONS: [Step; SCHEMA] = [index_times, begin_bookmarks];

/// From 0, which had no index of times.
fn index_times(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.delete_table(BY_TIME)?;
    let events = txn.open_table(EVENTS)?;
    let mut by_time = txn.open_table(BY_TIME)?;
    for row in events.iter()? {
        let (id, json) = row?;
        if let Some(event) = decode(json.value()) {
            by_time.insert((event.timestamp.0, id.value()), ())?;
        }
    }
    Ok(())
}

/// From 1, in which no event was bookmarked.
fn begin_bookmarks(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.delete_table(BOOKMARKS)?;
    let events = txn.open_table(EVENTS)?;
    let mut bookmarks = txn.open_table(BOOKMARKS)?;
    for row in events.iter()? {
        let (id, json) = row?;
        if decode(json.value()).is_some_and(|event| event.bookmarked) {
            bookmarks.insert(id.value(), ())?;
        }
    }
    Ok(())
}

/// What a database turned out to be.
pub(super) enum Found {
    /// Empty; its tables were made.
    Fresh(StoreId),
    /// A store of this version, or of an older one that was migrated.
    Existing(StoreId),
    /// A store of a newer version that this one would spoil; nothing was touched.
    Newer(usize),
    /// A sound database of something else.
    Foreign(std::string::String),
}

/// Makes `db` a store of version [`SCHEMA`] in one transaction, or says why it is none.
pub(super) fn prepare(db: &Database) -> Result<Found, redb::Error> {
    let meta = db.begin_read()?.open_table(META);
    let (schema, oldest, id) = match meta {
        Ok(meta) => (text(&meta, META_SCHEMA)?, text(&meta, META_OLDEST)?, text(&meta, META_ID)?),
        Err(TableError::TableDoesNotExist(_)) if db.begin_read()?.list_tables()?.next().is_none() => return create(db),
        Err(TableError::Storage(fault)) => return Err(fault.into()),
        Err(other) => return Ok(Found::Foreign(format!("not a store of events: {other}"))),
    };
    let id = id.and_then(|id| StoreId::try_from(id.as_str()).ok());
    let number = |digits: Option<std::string::String>| digits.and_then(|digits| digits.parse::<usize>().ok());
    let (schema, oldest) = (number(schema), number(oldest));
    match (schema, id) {
        (Some(version), Some(_)) if version > SCHEMA && oldest.is_none_or(|oldest| oldest > SCHEMA) => Ok(Found::Newer(version)),
        (Some(version), Some(id)) => migrate(db, version).map(|()| Found::Existing(id)),
        _ => Ok(Found::Foreign("no schema version or no id in its table 'meta'".to_owned())),
    }
}

fn text(meta: &impl ReadableTable<&'static str, &'static [u8]>, key: &str) -> Result<Option<std::string::String>, redb::Error> {
    Ok(meta
        .get(key)?
        .map(|value| std::string::String::from_utf8_lossy(value.value()).into_owned()))
}

fn create(db: &Database) -> Result<Found, redb::Error> {
    let id = new_id();
    let txn = db.begin_write()?;
    txn.open_table(JOURNAL)?;
    txn.open_table(EVENTS)?;
    txn.open_table(BY_TIME)?;
    txn.open_table(BOOKMARKS)?;
    let mut meta = txn.open_table(META)?;
    write_version(&mut meta)?;
    meta.insert(META_ID, id.as_bytes())?;
    drop(meta);
    txn.commit()?;
    Ok(Found::Fresh(id))
}

fn new_id() -> StoreId {
    let mut random = [0; 8];
    // Without randomness two stores of one device may share an id; that is no reason not to record.
    let _ = getrandom::fill(&mut random);
    let mut id = StoreId::new();
    for nibble in random.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        let _ = id.push(char::from(b"0123456789abcdef"[usize::from(nibble)])); // 16 digits into a capacity of 16
    }
    id
}

fn migrate(db: &Database, from: usize) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    if from == SCHEMA {
        // Proves that every table is there and of its type before anyone relies on it.
        txn.open_table(JOURNAL)?;
        txn.open_table(EVENTS)?;
        txn.open_table(BY_TIME)?;
        txn.open_table(BOOKMARKS)?;
        return Ok(txn.abort()?);
    }
    // None, where a newer version wrote it: then only the number goes back, so that the newer one does its steps again.
    for step in MIGRATIONS.iter().skip(from) {
        step(&txn)?;
    }
    write_version(&mut txn.open_table(META)?)?;
    Ok(txn.commit()?)
}

fn write_version(meta: &mut Table<'_, &'static str, &'static [u8]>) -> Result<(), redb::Error> {
    meta.insert(META_SCHEMA, SCHEMA.to_string().as_bytes())?;
    meta.insert(META_OLDEST, SCHEMA_OLDEST.to_string().as_bytes())?;
    Ok(())
}

/// An event from its JSON; none when it cannot be read (counted by who asks).
pub(super) fn decode(json: &[u8]) -> Option<Event> {
    serde_json::from_slice(json).ok()
}

/// Replaces the content of `into` by the JSON of `event`.
pub(super) fn encode(event: &Event, into: &mut Vec<u8>) {
    into.clear();
    serde_json::to_writer(into, event).expect("an event has only string keys, and memory does not fail to be written");
}
