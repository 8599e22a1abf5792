//! The tables of the working file.
//!
//! In: an open connection. Out: settings and tables, or what is wrong with the file that is there.
//! Records are kept under their ids, so that sealing can copy them in order: resource types have
//! numbers in the order of their ids, and every key sorts the way the sealed file does.

use rusqlite::{Connection, OptionalExtension as _};

/// Raised whenever the tables change: a file of another layout is not resumed.
const LAYOUT: i32 = 2;
/// Marks the file as one of ours: the letters `engw`.
const APPLICATION: i32 = 0x656e_6777;

/// `grants` holds those whose principal type is known; `open_grants` those with several
/// candidates, from which settling makes `settled_grants`. `missing` is 0, 1 for an entitlement
/// or 2 for a principal that does not exist; `flags` adds 1 for immutable and 2 where the spec
/// expects missing references.
const TABLES: &str = "
create table run (key text primary key, value text not null) without rowid;
create table types (number integer primary key, id text not null unique, definition text not null);
create table resources (
    sequence integer primary key,
    type integer not null,
    id text not null,
    parent_type text,
    parent_id text,
    rank text not null,
    data blob not null
);
create unique index resources_by_id on resources (type, id);
create table scopes (place integer primary key, scope text not null);
create table entitlements (
    type integer not null,
    resource text not null,
    slug text not null,
    rank text not null,
    data blob not null,
    primary key (type, resource, slug)
) without rowid;
create table grants (
    type integer not null,
    resource text not null,
    slug text not null,
    principal_type integer not null,
    principal text not null,
    rule integer not null,
    flags integer not null,
    expansion integer,
    kept text,
    missing integer not null default 0,
    primary key (type, resource, slug, principal_type, principal)
) without rowid;
create index missing_grants on grants (missing) where missing <> 0;
create table open_grants (
    type integer not null,
    resource text not null,
    slug text not null,
    candidates text not null,
    principal text not null,
    rule integer not null,
    flags integer not null,
    expansion integer,
    kept text,
    primary key (type, resource, slug, candidates, principal)
) without rowid;
create table settled_grants (
    type integer not null,
    resource text not null,
    slug text not null,
    principal_type integer not null,
    principal text not null,
    rule integer not null,
    flags integer not null,
    expansion integer,
    kept text,
    missing integer not null default 0,
    candidates text not null,
    primary key (type, resource, slug, principal_type, principal)
) without rowid;
create table candidates (
    list text not null,
    position integer not null,
    type integer not null,
    primary key (list, position)
) without rowid;
create table expansions (number integer primary key, rules text not null unique);
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
pub(super) fn create(connection: &Connection, fingerprint: &str, started_at: &str) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", LAYOUT)?;
    for (key, value) in [("fingerprint", fingerprint), ("started_at", started_at)] {
        transaction.execute("insert into run (key, value) values (?1, ?2)", [key, value])?;
    }
    transaction.commit()
}

/// A fact about the run.
pub(super) fn fact(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("select value from run where key = ?1", [key], |row| row.get(0)).optional()
}
