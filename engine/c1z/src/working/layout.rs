//! The tables of the working file.
//!
//! In: an open connection. Out: settings and tables, or what is wrong with the file that is there.
//! Records are not in it, they are in the ledger beside it; here is what a run looks up while it goes
//! on: its progress, its counts, its scope rows. Resource types have numbers in the order of their ids.

use rusqlite::{Connection, OptionalExtension as _};

use super::Policy;

/// Raised whenever the tables change: a file of another layout is not resumed.
const LAYOUT: i32 = 3;
/// Marks the file as one of ours: the letters `engw`.
const APPLICATION: i32 = 0x656e_6777;

/// `scoped` holds the resources whose scope rows later tasks go through, `terms` what grants have in
/// common, `counts` the tallies that grow where a record comes again, both as numbers that the ledger
/// names. `missing` is filled by settling: ids that grants name and no resource has, as keys.
const TABLES: &str = "
create table run (key text primary key, value text not null) without rowid;
create table types (number integer primary key, id text not null unique, definition text not null);
create table terms (number integer primary key, terms text not null unique);
create table counts (
    number integer primary key,
    list text not null,
    name text not null,
    amount integer not null,
    unique (list, name, amount)
);
create table scoped (
    sequence integer primary key,
    type integer not null,
    id text not null,
    rank text not null,
    unique (type, id)
);
create table scopes (place integer primary key, scope text not null);
create table missing (key blob primary key) without rowid;
create table look_ups (
    name text not null,
    key text not null,
    id text not null,
    primary key (name, key, id)
) without rowid;
create table marks (
    task text not null,
    key text not null,
    state text not null,
    primary key (task, key)
) without rowid;
create table tallies (
    list text not null,
    name text not null,
    total integer not null,
    primary key (list, name)
) without rowid;
";

/// The fact that says how many bytes of the ledger are stored.
const LEDGER: &str = "ledger";

/// What a file that is there turned out to be.
pub(super) enum Found {
    /// A new, empty database.
    Empty,
    /// Ours, of this layout.
    Current,
    /// Ours, of another layout.
    OtherLayout,
    /// A database of something else.
    Foreign,
}

/// Looks at the file without changing it.
pub(super) fn identify(connection: &Connection) -> rusqlite::Result<Found> {
    let objects: i64 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let layout: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(match (objects, application, layout) {
        (0, 0, 0) => Found::Empty,
        (_, APPLICATION, LAYOUT) => Found::Current,
        (_, APPLICATION, _) => Found::OtherLayout,
        _ => Found::Foreign,
    })
}

/// Settings of every connection. Exclusive locking spares the shared-memory file: the lock file
/// already keeps others away. A large checkpoint distance writes hot pages once, not many times.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(
        "pragma locking_mode = exclusive;
         pragma journal_mode = wal;
         pragma synchronous = normal;
         pragma wal_autocheckpoint = 8192;
         pragma cache_size = -16384;
         pragma trusted_schema = off;",
    )
}

/// Makes the tables of a new file and writes its first facts.
pub(super) fn create(connection: &Connection, policy: &Policy) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", LAYOUT)?;
    let now = policy.now.to_string();
    let facts = [
        ("fingerprint", policy.fingerprint.as_str()),
        ("started_at", &now),
        ("form", policy.form.name()),
        (LEDGER, "0"),
    ];
    for (key, value) in facts {
        transaction.execute("insert into run (key, value) values (?1, ?2)", [key, value])?;
    }
    transaction.commit()
}

/// A fact about the run.
pub(super) fn fact(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("select value from run where key = ?1", [key], |row| row.get(0)).optional()
}

/// How many bytes of the ledger are stored; nothing if that cannot be read.
pub(super) fn ledger_length(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    Ok(fact(connection, LEDGER)?.and_then(|text| text.parse().ok()))
}

/// Notes how many bytes of the ledger are stored, with what else the transaction does.
pub(super) fn set_ledger_length(connection: &Connection, length: u64) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached("update run set value = ?2 where key = ?1")?;
    update.execute([LEDGER, &length.to_string()]).map(|_| ())
}
