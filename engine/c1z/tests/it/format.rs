//! The sealed file against the facts of the format: bytes, schema, columns, blobs.
//!
//! In: sealed stores. Out: nothing. Files are opened with zstd and SQLite directly, not with the
//! crate's reader.

use std::fs;

use engine_c1z::{WorkingStore, ksuid};
use engine_model::{Page, Resource, ResourceRef, Status, StatusValue, Store as _, TraitData, User};
use engine_proto::{Any, Message as _, Name as _, Struct, Value, v2, value::Kind};
use rusqlite::Connection;

use crate::support::{
    database, grant, group, held, member_of, open, page, policy, sample, sample_pages, seal, seal_options, start,
    texts, types, unpacked, user,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn resource_id(resource_type: &str, id: &str) -> Option<v2::ResourceId> {
    Some(v2::ResourceId { resource_type: resource_type.into(), resource: id.into(), baton_resource: false })
}

#[test]
fn messages_have_the_golden_bytes() {
    let user = v2::ResourceType {
        id: "user".into(),
        display_name: "User".into(),
        traits: vec![v2::resource_type::Trait::User.into()],
        ..v2::ResourceType::default()
    };
    assert_eq!(hex(&user.encode_to_vec()), "0a04757365721204557365721a0101");

    let first_name = Value { kind: Some(Kind::StringValue("Ada".into())) };
    let user_trait = v2::UserTrait {
        emails: vec![v2::user_trait::Email { address: "ada@example.com".into(), is_primary: true }],
        status: Some(v2::user_trait::Status { status: 1, details: String::new() }),
        profile: Some(Struct { fields: [("first_name".to_owned(), first_name)].into() }),
        account_type: v2::user_trait::AccountType::Human.into(),
        login: "ada".into(),
        ..v2::UserTrait::default()
    };
    let trait_bytes = "0a130a0f616461406578616d706c652e636f6d1001120208011a150a130a0a66697273745f6e616d6512051a0341646128013203616461";
    assert_eq!(hex(&user_trait.encode_to_vec()), trait_bytes);

    let resource = v2::Resource {
        id: resource_id("user", "u1"),
        display_name: "Ada".into(),
        annotations: vec![Any { type_url: v2::UserTrait::type_url(), value: user_trait.encode_to_vec() }],
        ..v2::Resource::default()
    };
    let start = "0a0a0a0475736572120275311a0341646122680a2d747970652e676f6f676c65617069732e636f6d2f63312e636f6e6e6563746f722e76322e5573657254726169741237";
    assert_eq!(hex(&resource.encode_to_vec()), format!("{start}{trait_bytes}"));

    let entitlement = v2::Entitlement {
        resource: Some(v2::Resource { id: resource_id("group", "g1"), ..v2::Resource::default() }),
        id: "group:g1:member".into(),
        display_name: "Eng member".into(),
        grantable_to: vec![v2::ResourceType { id: "user".into(), ..v2::ResourceType::default() }],
        purpose: v2::entitlement::PurposeValue::Assignment.into(),
        slug: "member".into(),
        ..v2::Entitlement::default()
    };
    assert_eq!(
        hex(&entitlement.encode_to_vec()),
        "0a0d0a0b0a0567726f757012026731120f67726f75703a67313a6d656d6265721a0a456e67206d656d6265722a060a0475736572380142066d656d626572"
    );

    let expandable = v2::GrantExpandable {
        entitlement_ids: vec!["group:g2:member".into()],
        shallow: false,
        resource_type_ids: vec!["user".into()],
    };
    assert_eq!(hex(&expandable.encode_to_vec()), "0a0f67726f75703a67323a6d656d6265721a0475736572");
}

#[test]
fn the_outer_file_is_magic_and_one_frame_with_size_checksum_and_window() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = open(&target);
    store.declare(&types()).unwrap();
    // More than 8 MiB of database, so that the frame needs a window.
    for number in 0..20 {
        let mut users = Vec::new();
        for row in 0..1000 {
            let mut user = user(&format!("u{}", number * 1000 + row));
            user.description = Some(format!("{row}").repeat(100));
            users.push(user);
        }
        store.commit(page(users)).unwrap();
    }
    let sealed = seal(&mut store, false);
    let bytes = fs::read(&target).unwrap();
    assert_eq!(bytes.len() as u64, sealed.bytes);
    assert_eq!(bytes[..9], [0x43, 0x31, 0x5a, 0x46, 0, 0x28, 0xb5, 0x2f, 0xfd]);
    let descriptor = bytes[9];
    assert_eq!(descriptor & 0b0000_0100, 0b100, "checksum");
    assert_eq!(descriptor & 0b0010_0000, 0, "no single segment");
    assert_eq!(descriptor >> 6, 2, "content size of four bytes");
    assert_eq!(bytes[10], 0x68, "window of 8 MiB");
    let size = u32::from_le_bytes(bytes[11..15].try_into().unwrap());
    let content = unpacked(&target);
    assert!(content.len() > 8 << 20);
    assert_eq!(size as usize, content.len());
    assert_eq!(zstd::zstd_safe::find_frame_compressed_size(&bytes[5..]).unwrap(), bytes.len() - 5);
}

#[test]
fn the_database_is_plain_utf8_in_rollback_mode() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    seal(&mut sample(&target), false);
    let content = unpacked(&target);
    assert_eq!(content[18..20], [1, 1]);
    assert_eq!(u16::from_be_bytes([content[16], content[17]]), 4096);
    let database = database(&target);
    let pragma = |name: &str| -> String {
        database.query_row(&format!("select cast({name} as text) from pragma_{name}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(pragma("encoding"), "UTF-8");
    for name in ["user_version", "application_id", "auto_vacuum", "freelist_count"] {
        assert_eq!(pragma(name), "0", "{name}");
    }
    assert_eq!(pragma("integrity_check"), "ok");
}

#[test]
fn the_schema_is_that_of_sdk_0_7_27() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    seal(&mut sample(&target), false);
    let database = database(&target);
    let columns = "select m.name || ': ' || group_concat(c.name || ' ' || lower(c.type) || iif(c.\"notnull\", '!', '') || coalesce('=' || c.dflt_value, ''), ', ')
        from sqlite_schema m, pragma_table_info(m.name) c where m.type = 'table' group by m.name order by m.name";
    assert_eq!(
        texts(&database, columns),
        [
            "v1_assets: id integer, external_id text!, content_type text!, data blob!, sync_id text!, discovered_at datetime!",
            "v1_connector_sessions: id integer, sync_id text!, key text!, value blob!",
            "v1_entitlements: id integer, resource_type_id text!, resource_id text!, external_id text!, data blob!, sync_id text!, discovered_at datetime!",
            "v1_grants: id integer, resource_type_id text!, resource_id text!, entitlement_id text!, principal_resource_type_id text!, principal_resource_id text!, external_id text!, expansion blob, needs_expansion integer!=0, data blob!, sync_id text!, discovered_at datetime!",
            "v1_resource_types: id integer, external_id text!, data blob!, sync_id text!, discovered_at datetime!",
            "v1_resources: id integer, resource_type_id text!, external_id text!, parent_resource_type_id text, parent_resource_id text, data blob!, sync_id text!, discovered_at datetime!",
            "v1_sync_runs: id integer, sync_id text!, started_at datetime!, ended_at datetime, sync_token text!, sync_type text!='full', parent_sync_id text!='', linked_sync_id text!='', supports_diff integer!=0",
        ]
    );
    let indexes = "select m.name || iif(l.\"unique\", ' unique', '') || iif(l.partial, ' partial', '') || ': ' || (select group_concat(name, ', ') from pragma_index_info(l.name))
        from sqlite_schema m, pragma_index_list(m.tbl_name) l where m.type = 'index' and l.name = m.name order by m.name";
    assert_eq!(
        texts(&database, indexes),
        [
            "idx_assets_external_sync_v1 unique: external_id, sync_id",
            "idx_entitlements_external_sync_v1 unique: external_id, sync_id",
            "idx_entitlements_resource_id_v1: resource_type_id, resource_id",
            "idx_grants_entitlement_id_principal_id_v1: entitlement_id, principal_resource_type_id, principal_resource_id",
            "idx_grants_external_sync_v1 unique: external_id, sync_id",
            "idx_grants_principal_id_v1: principal_resource_type_id, principal_resource_id",
            "idx_grants_resource_type_id_resource_id_v1: resource_type_id, resource_id",
            "idx_grants_sync_expansion_v1 partial: sync_id",
            "idx_grants_sync_needs_expansion_v1 partial: sync_id",
            "idx_resource_types_external_sync_v1 unique: external_id, sync_id",
            "idx_resources_external_sync_v1: parent_resource_type_id, parent_resource_id",
            "idx_resources_parent_resource_id_v1 unique: external_id, sync_id",
            "idx_resources_resource_type_id_v1: resource_type_id",
            "idx_session_store_sync_key_v1 unique: sync_id, key",
            "idx_sync_runs_sync_id_v1 unique: sync_id",
        ]
    );
    let partial = "select substr(sql, instr(sql, 'where')) from sqlite_schema where sql like '%where%' order by name";
    assert_eq!(texts(&database, partial), ["where expansion is not null", "where needs_expansion = 1"]);
}

#[test]
fn one_finished_full_sync_makes_the_rows_visible() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let sealed = seal(&mut sample(&target), false);
    assert_eq!(sealed.sync_id, ksuid(start(), [7; 16]));
    let database = database(&target);
    let run = "select sync_id || '|' || started_at || '|' || ended_at || '|' || sync_token || '|' || sync_type || '|' || parent_sync_id || '|' || linked_sync_id || '|' || supports_diff from v1_sync_runs";
    let expected = format!("{}|2026-11-21 20:45:43.650583|2026-11-21 20:46:00||full|||1", sealed.sync_id);
    assert_eq!(texts(&database, run), [expected]);
    for table in ["v1_resource_types", "v1_resources", "v1_entitlements", "v1_grants"] {
        let syncs = format!("select distinct sync_id || ' ' || discovered_at || ' ' || typeof(data) from {table}");
        let expected = format!("{} 2026-11-21 20:45:43.650583 blob", sealed.sync_id);
        assert_eq!(texts(&database, &syncs), [expected]);
    }
}

#[test]
fn rows_stand_in_the_order_of_their_ids_with_columns_that_agree_with_their_blobs() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let sealed = seal(&mut sample(&target), false);
    let totals = sealed.totals;
    assert_eq!((totals.resource_types, totals.resources, totals.entitlements, totals.grants), (3, 5, 2, 4));
    let database = database(&target);
    assert_eq!(texts(&database, "select external_id from v1_resource_types order by id"), ["group", "site", "user"]);
    assert_eq!(
        texts(
            &database,
            "select external_id || ' ' || resource_type_id || ' ' || coalesce(parent_resource_type_id || '/' || parent_resource_id, '-') from v1_resources order by id"
        ),
        ["group:g1 group -", "group:g2 group group/g1", "user:u1 user -", "user:u2 user -", "user:u3 user -"]
    );
    assert_eq!(
        texts(
            &database,
            "select external_id || ' ' || resource_type_id || ' ' || resource_id from v1_entitlements order by id"
        ),
        ["group:g1:member group g1", "group:g2:member group g2"]
    );
    let columns = "select external_id || ' ' || entitlement_id || ' ' || resource_type_id || ' ' || resource_id || ' ' || principal_resource_type_id || ' ' || principal_resource_id || ' ' || needs_expansion || ' ' || iif(expansion is null, 'null', hex(expansion)) from v1_grants order by id";
    assert_eq!(
        texts(&database, columns),
        [
            "group:g1:member:group:g2 group:g1:member group g1 group g2 1 0A0F67726F75703A67323A6D656D6265721A0475736572",
            "group:g1:member:user:u1 group:g1:member group g1 user u1 0 null",
            "group:g2:member:user:u2 group:g2:member group g2 user u2 0 null",
            "group:g2:member:user:u3 group:g2:member group g2 user u3 0 null",
        ]
    );
    each_blob(&database, "select external_id, data from v1_grants", |id, data| {
        let grant = v2::Grant::decode(data).unwrap();
        let names: Vec<&str> = grant.annotations.iter().map(name).collect();
        let expected: &[&str] = match id {
            "group:g1:member:user:u1" => &["GrantImmutable", "GrantMetadata"],
            _ => &[],
        };
        assert_eq!(names, expected, "an expansion is in its column, never in the blob");
        assert_eq!(grant.id, id);
        assert!(grant.entitlement.is_some() && grant.principal.is_some());
        assert_eq!(grant.sources, None);
    });
}

fn name(any: &Any) -> &str {
    any.type_url.strip_prefix("type.googleapis.com/c1.connector.v2.").unwrap()
}

fn each_blob(database: &Connection, sql: &str, mut with: impl FnMut(&str, &[u8])) {
    let mut statement = database.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        with(row.get_ref(0).unwrap().as_str().unwrap(), row.get_ref(1).unwrap().as_blob().unwrap());
    }
}

#[test]
fn attributes_stand_where_old_and_where_new_readers_look() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = sample(&target);
    store.commit(page(vec![user("bare")])).unwrap();
    seal(&mut store, false);
    let sql = "select external_id, data from v1_resources where resource_type_id = 'user'";
    each_blob(&database(&target), sql, |id, data| {
        let resource = v2::Resource::decode(data).unwrap();
        let annotation = resource.annotations.iter().find(|any| name(any) == "UserTrait").unwrap();
        let user = v2::UserTrait::decode(annotation.value.as_slice()).unwrap();
        let profile = user.profile.unwrap();
        assert_eq!(resource.profile.as_ref(), Some(&profile));
        assert_eq!(resource.created_at, user.created_at);
        let (status, twin) = (user.status.unwrap(), resource.status.unwrap());
        assert_eq!((status.status, &status.details), (twin.status, &twin.details));
        let text = |key: &str| match profile.fields.get(key).and_then(|value| value.kind.as_ref()) {
            Some(Kind::StringValue(text)) => text.as_str(),
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(format!("user:{}", text("user_id")), id);
        if id == "user:u2" {
            assert_eq!((status.status, status.details.as_str()), (2, "suspended"));
            assert_eq!((text("first_name"), text("last_name")), ("Ada", "Lovelace"));
            assert_eq!(text("number"), "9007199254740993");
            assert_eq!(user.emails.iter().filter(|email| email.is_primary).count(), 1);
        }
    });
}

#[test]
fn annotations_are_those_that_the_old_reader_knows() {
    let known = [
        "UserTrait",
        "GroupTrait",
        "RoleTrait",
        "AppTrait",
        "SecretTrait",
        "SkipEntitlementsAndGrants",
        "ChildResourceType",
        "ExternalLink",
        "GrantImmutable",
        "GrantMetadata",
        "EntitlementImmutable",
    ];
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    seal(&mut sample(&target), true);
    let database = database(&target);
    let mut seen = Vec::new();
    each_blob(&database, "select external_id, data from v1_resource_types", |id, data| {
        let message = v2::ResourceType::decode(data).unwrap();
        seen.extend(message.annotations.iter().map(|any| format!("{id} {}", name(any))));
    });
    assert_eq!(seen, ["group ChildResourceType", "site SkipEntitlementsAndGrants", "user SkipEntitlementsAndGrants"]);
    each_blob(&database, "select external_id, data from v1_resources", |_, data| {
        let message = v2::Resource::decode(data).unwrap();
        assert!(message.annotations.iter().all(|any| known.contains(&name(any))));
    });
    each_blob(&database, "select external_id, data from v1_grants", |_, data| {
        let message = v2::Grant::decode(data).unwrap();
        assert!(message.annotations.iter().all(|any| known.contains(&name(any))));
    });
}

#[test]
fn a_resource_always_carries_the_message_of_its_types_trait() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = open(&target);
    store.declare(&types()).unwrap();
    store.commit(page(vec![Resource { trait_data: TraitData::None, ..user("u1") }])).unwrap();
    let wrong = Resource { trait_data: TraitData::Role, ..user("u2") };
    assert!(store.commit(page(vec![wrong])).is_err());
    seal(&mut store, false);
    each_blob(&database(&target), "select external_id, data from v1_resources", |_, data| {
        let message = v2::Resource::decode(data).unwrap();
        assert_eq!(name(&message.annotations[0]), "UserTrait");
    });
}

#[test]
fn long_texts_are_cut_to_the_formats_limits() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = open(&target);
    store.declare(&types()).unwrap();
    let details = Some("d".repeat(2000));
    let status = Status { value: StatusValue::Disabled, details };
    let long = Resource {
        display_name: "é".repeat(1000),
        description: Some("x".repeat(3000)),
        trait_data: TraitData::User(Box::new(User { status, ..User::default() })),
        ..user("u1")
    };
    store.commit(page(vec![long])).unwrap();
    seal(&mut store, false);
    each_blob(&database(&target), "select external_id, data from v1_resources", |_, data| {
        let message = v2::Resource::decode(data).unwrap();
        assert_eq!(message.display_name.len(), 1024);
        assert_eq!(message.description.len(), 2048);
        assert_eq!(message.status.unwrap().details.len(), 1024);
    });
}

#[test]
fn equal_records_give_equal_files_whatever_the_order_of_arrival() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one.c1z"), directory.path().join("other.c1z"));
    seal(&mut sample(&one), true);
    let mut store = open(&other);
    store.declare(&types().into_iter().rev().collect::<Vec<_>>()).unwrap();
    for mut page in sample_pages().into_iter().rev() {
        page.resources.reverse();
        page.entitlements.reverse();
        page.grants = page.grants.iter().rev().map(|grant| grant.to_grant()).collect();
        store.commit(page).unwrap();
    }
    seal(&mut store, true);
    assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
}

#[test]
fn dangling_grants_are_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = sample(&target);
    let grants = vec![grant("g1", "user", "gone"), grant("g9", "user", "u1")];
    store.commit(Page { grants: grants.into(), ..Page::default() }).unwrap();
    assert_eq!(seal(&mut store, false).totals.grants, 4);
}

#[test]
fn records_whose_joined_ids_collide_are_left_out_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = open(&target);
    store.declare(&types()).unwrap();
    let mut first = member_of("a");
    first.id.slug = "b:c".into();
    let mut second = member_of("a:b");
    second.id.slug = "c".into();
    assert_eq!(first.id.to_string(), second.id.to_string());
    let entitlements = vec![first, second];
    store.commit(Page { entitlements, ..page(vec![group("a"), group("a:b")]) }).unwrap();
    let sealed = seal(&mut store, false);
    assert_eq!(sealed.ambiguous, ["group:a:b:c"]);
    assert_eq!(sealed.totals.entitlements, 1);
    let database = database(&target);
    assert_eq!(texts(&database, "select resource_id from v1_entitlements"), ["a"]);
    assert_eq!(texts(&database, "select integrity_check from pragma_integrity_check"), ["ok"]);
    assert_eq!(held("a").slug, "member");
}

#[test]
fn a_good_file_stays_until_the_new_one_is_complete() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    fs::write(&target, "the good file").unwrap();
    // A directory in the way of the temporary name: sealing fails after the database was made.
    let blocked = directory.path().join("sync.c1z.tmp");
    fs::create_dir(&blocked).unwrap();
    let mut store = sample(&target);
    assert!(store.seal(&seal_options(false)).is_err());
    assert_eq!(fs::read(&target).unwrap(), b"the good file");
    fs::remove_dir(&blocked).unwrap();
    seal(&mut store, false);
    assert!(fs::read(&target).unwrap().starts_with(b"C1ZF\0"));
    store.remove().unwrap();
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the target is left: {left:?}");
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    fs::write(&target, "open to all").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
    seal(&mut sample(&target), false);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn sealing_twice_and_after_a_resume_gives_the_same_records() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = sample(&target);
    seal(&mut store, true);
    let first = fs::read(&target).unwrap();
    seal(&mut store, true);
    assert_eq!(fs::read(&target).unwrap(), first);
    drop(store);
    let mut store = WorkingStore::open(&target, &policy()).unwrap();
    seal(&mut store, true);
    assert_eq!(fs::read(&target).unwrap(), first);
}

#[test]
fn names_of_files_that_look_like_addresses_are_names_of_files() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("file:x?mode=memory.c1z");
    seal(&mut sample(&target), true);
    assert!(target.exists());
    let id = ResourceRef::new("user", "u1");
    assert_eq!(id.to_string(), "user:u1");
}
