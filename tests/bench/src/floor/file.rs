//! Rows into a file: tables first, indexes when all rows are in, then one zstd frame.
//!
//! In: batches of rows, in the order in which answers came. Out: a `.c1z` with the tables and
//! indexes of the engine's, or JSON Lines.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::mpsc::Receiver;

use engine_proto::{Message as _, v2};
use rusqlite::{Connection, params};

use super::{Batch, nested};
use crate::Failure;

const SETTINGS: &str = "
pragma page_size = 4096;
pragma journal_mode = off;
pragma synchronous = off;
pragma locking_mode = exclusive;
pragma cache_size = -16384;
";

const TABLES: &str = "
create table v1_resource_types (id integer primary key, external_id text not null, data blob not null,
    sync_id text not null, discovered_at datetime not null);
create table v1_resources (id integer primary key, resource_type_id text not null, external_id text not null,
    parent_resource_type_id text, parent_resource_id text, data blob not null, sync_id text not null,
    discovered_at datetime not null);
create table v1_entitlements (id integer primary key, resource_type_id text not null, resource_id text not null,
    external_id text not null, data blob not null, sync_id text not null, discovered_at datetime not null);
create table v1_grants (id integer primary key, resource_type_id text not null, resource_id text not null,
    entitlement_id text not null, principal_resource_type_id text not null, principal_resource_id text not null,
    external_id text not null, expansion blob, needs_expansion integer not null default 0, data blob not null,
    sync_id text not null, discovered_at datetime not null);
create table v1_sync_runs (id integer primary key, sync_id text not null, started_at datetime not null,
    ended_at datetime, sync_token text not null, sync_type text not null default 'full',
    parent_sync_id text not null default '', linked_sync_id text not null default '',
    supports_diff integer not null default 0);
create table v1_assets (id integer primary key, external_id text not null, content_type text not null,
    data blob not null, sync_id text not null, discovered_at datetime not null);
create table v1_connector_sessions (id integer primary key, sync_id text not null, key text not null,
    value blob not null);
";

const INDEXES: &str = "
create unique index idx_entitlements_external_sync_v1 on v1_entitlements (external_id, sync_id);
create unique index idx_grants_external_sync_v1 on v1_grants (external_id, sync_id);
create unique index idx_resource_types_external_sync_v1 on v1_resource_types (external_id, sync_id);
create index idx_resources_resource_type_id_v1 on v1_resources (resource_type_id);
create index idx_resources_external_sync_v1 on v1_resources (parent_resource_type_id, parent_resource_id);
create unique index idx_resources_parent_resource_id_v1 on v1_resources (external_id, sync_id);
create index idx_entitlements_resource_id_v1 on v1_entitlements (resource_type_id, resource_id);
create index idx_grants_resource_type_id_resource_id_v1 on v1_grants (resource_type_id, resource_id);
create index idx_grants_principal_id_v1 on v1_grants (principal_resource_type_id, principal_resource_id);
create index idx_grants_entitlement_id_principal_id_v1
    on v1_grants (entitlement_id, principal_resource_type_id, principal_resource_id);
create index idx_grants_sync_expansion_v1 on v1_grants (sync_id) where expansion is not null;
create index idx_grants_sync_needs_expansion_v1 on v1_grants (sync_id) where needs_expansion = 1;
create unique index idx_sync_runs_sync_id_v1 on v1_sync_runs (sync_id);
create unique index idx_assets_external_sync_v1 on v1_assets (external_id, sync_id);
create unique index idx_session_store_sync_key_v1 on v1_connector_sessions (sync_id, key);
";

/// The time of everything: the floor has no clock to show.
const AT: &str = "2026-01-01 00:00:00";

/// Writes a sync file; where teams are nested, with the grants that follow if `expand` says so.
pub fn write(path: &Path, batches: &Receiver<Batch>, expand: bool) -> Result<(), Failure> {
    let database = path.with_extension("db");
    let _ = std::fs::remove_file(&database);
    let sync_id = engine_c1z::ksuid("2026-01-01T00:00:00Z".parse()?, [7; 16]);
    let connection = Connection::open(&database)?;
    connection.execute_batch(SETTINGS)?;
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    types(&transaction, &sync_id)?;
    {
        let mut resource = transaction.prepare(
            "insert into v1_resources (resource_type_id, external_id, data, sync_id, discovered_at)
             values (?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut entitlement = transaction.prepare(
            "insert into v1_entitlements (resource_type_id, resource_id, external_id, data, sync_id, discovered_at)
             values ('team', ?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut grant = transaction.prepare(
            "insert into v1_grants (resource_type_id, resource_id, entitlement_id, principal_resource_type_id,
                 principal_resource_id, external_id, data, sync_id, discovered_at)
             values ('team', ?1, ?2, 'account', ?3, ?4, ?5, ?6, ?7)",
        )?;
        let mut nesting = transaction.prepare(
            "insert into v1_grants (resource_type_id, resource_id, entitlement_id, principal_resource_type_id,
                 principal_resource_id, external_id, data, sync_id, discovered_at, expansion, needs_expansion)
             values ('team', ?1, ?2, 'team', ?3, ?4, ?5, ?6, ?7, ?8, 1)",
        )?;
        let mut teams = Vec::new();
        for batch in batches {
            match batch {
                Batch::Users(users) => {
                    for row in users {
                        resource.execute(params!["account", row.id, row.data, sync_id, AT])?;
                    }
                }
                Batch::Teams(teams, entitlements) => {
                    for row in teams {
                        resource.execute(params!["team", row.id, row.data, sync_id, AT])?;
                    }
                    for row in entitlements {
                        entitlement.execute(params![row.resource, row.id, row.data, sync_id, AT])?;
                    }
                }
                Batch::Grants(grants) => {
                    for row in grants {
                        grant.execute(params![row.team, row.entitlement, row.user, row.id, row.data, sync_id, AT])?;
                    }
                }
                Batch::Members(members) => teams.push(members),
                Batch::Lines(_) => {}
            }
        }
        nested::each_grant(teams, expand, &mut |row| {
            let nested::Grant { team, entitlement: of, principal, id, expansion, data } = row;
            match expansion {
                Some(expansion) => nesting.execute(params![team, of, principal, id, data, sync_id, AT, expansion])?,
                None => grant.execute(params![team, of, principal, id, data, sync_id, AT])?,
            };
            Ok(())
        })?;
    }
    transaction.execute_batch(INDEXES)?;
    transaction.execute(
        "insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token, supports_diff) values (?1, ?2, ?2, '', 1)",
        [&sync_id, AT],
    )?;
    transaction.commit()?;
    drop(connection);
    pack(&database, path)?;
    std::fs::remove_file(&database)?;
    Ok(())
}

fn types(connection: &Connection, sync_id: &str) -> Result<(), Failure> {
    use v2::resource_type::Trait;
    let kinds = [("account", "Account", Trait::User, true), ("team", "Team", Trait::Group, false)];
    for (id, display_name, kind, is_bare) in kinds {
        let none = engine_proto::Any {
            type_url: <v2::SkipEntitlementsAndGrants as engine_proto::Name>::type_url(),
            value: Vec::new(),
        };
        let message = v2::ResourceType {
            id: id.to_owned(),
            display_name: display_name.to_owned(),
            traits: vec![kind.into()],
            annotations: if is_bare { vec![none] } else { Vec::new() },
            ..v2::ResourceType::default()
        };
        connection.execute(
            "insert into v1_resource_types (external_id, data, sync_id, discovered_at) values (?1, ?2, ?3, ?4)",
            params![id, message.encode_to_vec(), sync_id, AT],
        )?;
    }
    Ok(())
}

fn pack(database: &Path, path: &Path) -> io::Result<()> {
    let database = File::open(database)?;
    let size = database.metadata()?.len();
    let mut out = BufWriter::with_capacity(1 << 17, File::create(path)?);
    out.write_all(b"C1ZF\0")?;
    let mut encoder = zstd::stream::write::Encoder::new(out, 1)?;
    encoder.include_checksum(true)?;
    encoder.window_log(23)?;
    encoder.set_pledged_src_size(Some(size))?;
    io::copy(&mut BufReader::with_capacity(1 << 17, database), &mut encoder)?;
    encoder.finish()?.flush()
}

/// Writes JSON Lines.
pub fn write_lines(path: &Path, batches: &Receiver<Batch>) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(1 << 17, File::create(path)?);
    for batch in batches {
        if let Batch::Lines(lines) = batch {
            out.write_all(&lines)?;
        }
    }
    out.flush()?;
    Ok(())
}
