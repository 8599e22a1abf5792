//! The reader on good, foreign, damaged and hostile files.
//!
//! In: files made here. Out: records or errors, never a panic.

use std::fs;
use std::path::{Path, PathBuf};

use engine_c1z::{EntitlementFilter, GrantFilter, GrantRow, ReadError, ReadOptions, Reader, ResourceFilter};
use engine_model::{Page, Resource, ResourceRef, StatusValue, Store as _};
use engine_proto::{Any, Message as _, Name as _, v2};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::support::{self, grant, group, member_of, open, packed, page, sample, seal, types, unpacked, user};

fn read(path: &Path) -> Result<Reader, ReadError> {
    Reader::open(path, &ReadOptions::default())
}

fn grants(reader: &Reader, filter: &GrantFilter) -> Vec<GrantRow> {
    let mut rows = Vec::new();
    reader
        .each_grant(filter, |row| {
            rows.push(row);
            Ok::<(), ReadError>(())
        })
        .unwrap();
    rows
}

fn ids(reader: &Reader, filter: &GrantFilter) -> Vec<String> {
    grants(reader, filter).into_iter().map(|row| row.id).collect()
}

/// Everything there is, read to the end.
fn read_all(path: &Path) -> Result<u64, ReadError> {
    let reader = read(path)?;
    let mut count = reader.resource_types()?.len() as u64;
    let mut add = || {
        count += 1;
        Ok::<(), ReadError>(())
    };
    reader.each_resource(&ResourceFilter::default(), |_| add())?;
    reader.each_entitlement(&EntitlementFilter::default(), |_| add())?;
    reader.each_grant(&GrantFilter::default(), |_| add())?;
    Ok(count)
}

#[test]
fn a_sealed_store_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let sealed = seal(&mut sample(&target), false);
    let reader = read(&target).unwrap();
    assert_eq!(reader.sync().unwrap().id, sealed.sync_id);
    assert_eq!(reader.syncs().unwrap().len(), 1);
    let types = reader.resource_types().unwrap();
    assert_eq!(types.len(), 3);
    assert_eq!((types[0].id.as_str(), types[0].has_entitlements), ("group", true));
    assert_eq!(types[0].children, ["group"]);
    let user = reader.resource(&ResourceRef::new("user", "u2")).unwrap().unwrap();
    assert_eq!(user.status, Some(StatusValue::Disabled));
    assert_eq!(user.emails[0].address, "u2@example.com");
    assert_eq!(user.link.as_deref(), Some("https://app.example.com/users/u2"));
    assert_eq!(reader.entitlement("group:g1:member").unwrap().unwrap().slug, "member");
    let all = grants(&reader, &GrantFilter::default());
    assert_eq!(all.len(), 4);
    assert_eq!(all[0].expands.as_ref().unwrap().entitlements, ["group:g2:member"]);
    assert_eq!(*all[1].kept.get("membership").unwrap(), "m1");
    assert!(all[1].immutable);
}

#[test]
fn filters_narrow_by_every_column() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    seal(&mut sample(&target), false);
    let reader = read(&target).unwrap();
    let some = |text: &str| Some(text.to_owned());
    let none = GrantFilter::default;
    let by_entitlement = GrantFilter { entitlement: some("group:g2:member"), ..none() };
    assert_eq!(ids(&reader, &by_entitlement).len(), 2);
    let by_principal = GrantFilter { principal_type: some("user"), principal: some("u1"), ..none() };
    assert_eq!(ids(&reader, &by_principal), ["group:g1:member:user:u1"]);
    let by_resource = GrantFilter { resource_type: some("group"), resource: some("g1"), ..none() };
    assert_eq!(ids(&reader, &by_resource).len(), 2);
    assert_eq!(ids(&reader, &GrantFilter { resource_type: some("user"), ..none() }).len(), 0);
    let count = |filter: ResourceFilter| {
        let mut count = 0;
        reader
            .each_resource(&filter, |_| {
                count += 1;
                Ok::<(), ReadError>(())
            })
            .unwrap();
        count
    };
    assert_eq!(count(ResourceFilter { resource_type: some("user"), ..Default::default() }), 3);
    assert_eq!(count(ResourceFilter { id: some("g2"), ..Default::default() }), 1);
    let parent = Some(ResourceRef::new("group", "g1"));
    assert_eq!(count(ResourceFilter { parent, ..Default::default() }), 1);
}

#[test]
fn what_is_not_a_c1z_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.c1z");
    assert!(matches!(read(&path), Err(ReadError::Missing { .. })));
    assert!(matches!(read(directory.path()), Err(ReadError::System { .. })));
    let cases: [(&[u8], &str); 8] = [
        (b"", "is empty"),
        (b"hello world, this is text", "does not begin with"),
        (b"C1Z3\0\0\0\0\x10", "version 3"),
        (b"C1Z", "cut short"),
        (b"C1ZF\0", "cut short"),
        (b"C1ZF\0\x28\xb5\x2f", "cut short"),
        (b"SQLite format 3\0", "bare SQLite"),
        (b"C1ZF\0SQLite format 3\0", "compressed content is wrong"),
    ];
    for (content, expected) in cases {
        fs::write(&path, content).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    packed(&path, b"this is not a database at all");
    assert!(read(&path).unwrap_err().to_string().contains("not an SQLite database"));
    packed(&path, b"");
    assert!(read(&path).is_err());
}

#[test]
fn a_file_that_was_cut_or_grew_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    seal(&mut sample(&target), false);
    let good = fs::read(&target).unwrap();
    fs::write(&target, &good[..good.len() / 2]).unwrap();
    assert!(matches!(read(&target), Err(ReadError::Truncated { .. })));
    let mut long = good.clone();
    long.extend([0; 8]);
    fs::write(&target, long).unwrap();
    assert!(read(&target).is_err());
    let mut changed = good;
    let place = changed.len() - 2;
    changed[place] ^= 1;
    fs::write(&target, changed).unwrap();
    assert!(matches!(read(&target), Err(ReadError::Damaged { .. })), "the checksum");
}

#[test]
fn limits_hold() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    seal(&mut sample(&target), false);
    let options = ReadOptions { max_decoded_bytes: 1000, ..ReadOptions::default() };
    assert!(matches!(Reader::open(&target, &options), Err(ReadError::TooLarge { .. })));

    let content = unpacked(&target);
    let mut out = b"C1ZF\0".to_vec();
    let mut encoder = zstd::Encoder::new(&mut out, 1).unwrap();
    encoder.window_log(28).unwrap();
    std::io::copy(&mut content.as_slice(), &mut encoder).unwrap();
    encoder.finish().unwrap();
    fs::write(&target, out).unwrap();
    let error = read(&target).unwrap_err();
    assert!(error.to_string().contains("window"), "{error}");
}

#[test]
fn the_unpacked_copy_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    seal(&mut sample(&target), false);
    let scratch = tempfile::tempdir().unwrap();
    let options = ReadOptions { scratch_directory: Some(scratch.path().to_owned()), ..ReadOptions::default() };
    let reader = Reader::open(&target, &options).unwrap();
    assert_eq!(grants(&reader, &GrantFilter::default()).len(), 4);
    drop(reader);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

/// The sample after some SQL.
fn changed(directory: &Path, sql: &str) -> PathBuf {
    support::changed(directory, "sync.c1z", sql)
}

#[test]
fn older_and_newer_columns_are_no_trouble() {
    let directory = tempfile::tempdir().unwrap();
    let older = changed(
        directory.path(),
        "drop index idx_grants_sync_expansion_v1; drop index idx_grants_sync_needs_expansion_v1;
         alter table v1_grants drop column expansion; alter table v1_grants drop column needs_expansion;
         alter table v1_sync_runs drop column sync_type; alter table v1_sync_runs drop column parent_sync_id;
         drop table v1_assets; drop table v1_connector_sessions;",
    );
    assert_eq!(read_all(&older).unwrap(), 14);
    let newer = changed(
        directory.path(),
        "alter table v1_sync_runs add column stats text; alter table v1_grants add column later text default 'x';
         pragma journal_mode = wal; create table other (x);",
    );
    assert_eq!(unpacked(&newer)[18], 2);
    assert_eq!(read_all(&newer).unwrap(), 14);
}

#[test]
fn the_sync_is_chosen_or_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = changed(
        directory.path(),
        "insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token, sync_type) values
             ('partial', '2027-01-01 00:00:00', '2027-01-01 01:00:00', '', 'partial'),
             ('older', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+00:00', '', 'full');
         insert into v1_resources (resource_type_id, external_id, data, sync_id, discovered_at)
             select resource_type_id, external_id, data, 'older', discovered_at from v1_resources limit 1;",
    );
    assert_eq!(read_all(&path).unwrap(), 14);
    let options = ReadOptions { sync_id: Some("older".into()), ..ReadOptions::default() };
    let reader = Reader::open(&path, &options).unwrap();
    assert_eq!(grants(&reader, &GrantFilter::default()).len(), 0);
    assert_eq!(reader.syncs().unwrap().len(), 3);
    let options = ReadOptions { sync_id: Some("none".into()), ..ReadOptions::default() };
    assert!(matches!(Reader::open(&path, &options), Err(ReadError::NoSuchSync { .. })));

    let without = changed(directory.path(), "delete from v1_sync_runs");
    assert_eq!(read(&without).unwrap().sync(), None);
    assert_eq!(read_all(&without).unwrap(), 14);
    let bad = changed(directory.path(), "update v1_sync_runs set ended_at = 'yesterday'");
    assert!(read(&bad).unwrap_err().to_string().contains("`yesterday` is not a time"));
}

#[test]
fn slim_grants_are_rebuilt_and_expansions_found_in_the_blob() {
    let directory = tempfile::tempdir().unwrap();
    let slim = v2::Grant { id: "group:g2:member:user:u2".into(), ..v2::Grant::default() };
    let expandable =
        v2::GrantExpandable { entitlement_ids: vec!["group:g9:member".into()], ..v2::GrantExpandable::default() };
    let inside = v2::Grant {
        annotations: vec![Any { type_url: v2::GrantExpandable::type_url(), value: expandable.encode_to_vec() }],
        ..v2::Grant::default()
    };
    let hex =
        |message: v2::Grant| -> String { message.encode_to_vec().iter().map(|byte| format!("{byte:02x}")).collect() };
    let path = changed(
        directory.path(),
        &format!(
            "update v1_grants set data = x'{}' where external_id = 'group:g2:member:user:u2';
             update v1_grants set data = x'{}', expansion = x'' where external_id = 'group:g2:member:user:u3';",
            hex(slim),
            hex(inside)
        ),
    );
    let rows = grants(&read(&path).unwrap(), &GrantFilter::default());
    assert_eq!((rows[2].principal.as_str(), rows[2].slug.as_str()), ("u2", "member"));
    assert_eq!(rows[2].resource, "g2");
    assert_eq!(rows[3].expands.as_ref().unwrap().entitlements, ["group:g9:member"]);
}

#[test]
fn wrong_content_is_an_error_and_not_an_empty_result() {
    let directory = tempfile::tempdir().unwrap();
    for sql in [
        "update v1_grants set data = x'ffff'",
        "update v1_resources set data = x'0aff'",
        "update v1_resources set data = 7",
        "update v1_grants set external_id = x'00' where id = 1",
        "drop table v1_grants",
        "drop table v1_sync_runs",
        "alter table v1_resources drop column data",
        "drop table v1_resources; create view v1_resources as
             with recursive n (id) as (select 1 union all select id + 1 from n)
             select id, 'user' as resource_type_id, id as external_id, x'' as data, 's' as sync_id from n",
    ] {
        let path = changed(directory.path(), sql);
        let error = read_all(&path).expect_err(sql);
        assert!(matches!(error, ReadError::Damaged { .. }), "{sql}: {error}");
    }
}

#[test]
fn nothing_in_a_file_is_computed() {
    let directory = tempfile::tempdir().unwrap();
    let columns = "id integer primary key, resource_type_id text, external_id text, sync_id text";
    for sql in [
        // A column that takes 60 MB for each row, and nothing in the file.
        format!(
            "drop table v1_resources;
             create table v1_resources ({columns}, data blob generated always as (zeroblob(60000000)) virtual);
             insert into v1_resources (sync_id) select sync_id from v1_sync_runs;"
        ),
        "create trigger t after insert on v1_grants begin delete from v1_resources; end;
         drop table v1_grants; create view v1_grants as select * from v1_resources;"
            .to_owned(),
        "drop table v1_grants; create virtual table v1_grants using fts5(data, external_id)".to_owned(),
    ] {
        let path = changed(directory.path(), &sql);
        let error = read_all(&path).expect_err(&sql).to_string();
        assert!(error.contains("is computed") || error.contains("is missing"), "{error}");
    }
    let large = changed(
        directory.path(),
        "update v1_resources set data = zeroblob(70000000) where id = (select min(id) from v1_resources)",
    );
    assert!(read_all(&large).unwrap_err().to_string().contains("too big"));
}

#[test]
fn a_small_file_has_no_rows_without_end() {
    // Twelve pages of a tree, each of which leads to the next one as often as it has children.
    const PAGE: usize = 512;
    let directory = tempfile::tempdir().unwrap();
    let path = changed(
        directory.path(),
        "pragma page_size = 512; vacuum;
         with recursive n (id) as (select 1 union all select id + 1 from n limit 20000)
         insert into v1_resources (resource_type_id, external_id, data, sync_id, discovered_at)
         select '', id, '', '', '' from n;",
    );
    let mut content = unpacked(&path);
    let copy = directory.path().join("copy.db");
    fs::write(&copy, &content).unwrap();
    let root: u32 = Connection::open(&copy)
        .unwrap()
        .query_row("select rootpage from sqlite_schema where name = 'v1_resources'", [], |row| row.get(0))
        .unwrap();
    let kind = |content: &[u8], page: u32| content[(page as usize - 1) * PAGE];
    let inner: Vec<u32> = (2..=(content.len() / PAGE) as u32).filter(|page| kind(&content, *page) == 5).collect();
    let lowest = |page: &u32| kind(&content, first_child(&content, *page)) == 13;
    let last = *inner.iter().find(|page| lowest(page)).unwrap();
    let leaf = first_child(&content, last);
    let between = inner.iter().copied().filter(|page| *page != root && *page != last).take(10);
    let chain: Vec<u32> = [root].into_iter().chain(between).chain([last, leaf]).collect();
    for pair in chain.windows(2) {
        lead_to(&mut content, pair[0], pair[1]);
    }
    packed(&path, &content);
    let error = read_all(&path).unwrap_err().to_string();
    assert!(error.contains("interrupted") || error.contains("more rows than fit"), "{error}");

    /// Where the cells of a page of children stand (the SQLite file format, 1.6).
    fn cells(content: &[u8], page: u32) -> Vec<usize> {
        let at = (page as usize - 1) * PAGE;
        let two = |place: usize| usize::from(u16::from_be_bytes([content[place], content[place + 1]]));
        (0..two(at + 3)).map(|number| at + two(at + 12 + 2 * number)).collect()
    }

    fn first_child(content: &[u8], page: u32) -> u32 {
        let at = cells(content, page)[0];
        u32::from_be_bytes(content[at..at + 4].try_into().unwrap())
    }

    fn lead_to(content: &mut [u8], page: u32, child: u32) {
        let rightmost = (page as usize - 1) * PAGE + 8;
        for at in cells(content, page).into_iter().chain([rightmost]) {
            content[at..at + 4].copy_from_slice(&child.to_be_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_an_id(
        users in prop::collection::btree_set("[a-z:/'\"\\\\ %é\u{0}-\u{1f}]{1,12}", 1..6),
        groups in prop::collection::btree_set("[a-b:/'\";]{1,6}", 1..4),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("sync.c1z");
        let mut store = open(&target);
        store.declare(&types()).unwrap();
        let resources: Vec<Resource> =
            users.iter().map(|id| user(id)).chain(groups.iter().map(|id| group(id))).collect();
        let entitlements = groups.iter().map(|id| member_of(id)).collect();
        let grants_of: Vec<_> = groups
            .iter()
            .flat_map(|id| users.iter().map(move |user| grant(id, "user", user)))
            .collect();
        let count = grants_of.len();
        store.commit(Page { entitlements, grants: grants_of.into(), ..page(resources) }).unwrap();
        let sealed = seal(&mut store, true);
        prop_assert_eq!(sealed.totals.entitlements, groups.len() as u64);
        let reader = read(&target).unwrap();
        for id in &users {
            let row = reader.resource(&ResourceRef::new("user", id.as_str())).unwrap().unwrap();
            prop_assert_eq!(&row.id, id);
            let held = GrantFilter {
                principal_type: Some("user".into()),
                principal: Some(id.clone()),
                ..GrantFilter::default()
            };
            let missing = sealed.ambiguous.len();
            prop_assert!(grants(&reader, &held).len() + missing >= groups.len());
        }
        let all = grants(&reader, &GrantFilter::default());
        prop_assert_eq!(all.len() as u64, sealed.totals.grants);
        prop_assert!(sealed.ambiguous.is_empty() == (all.len() == count));
        for row in all {
            prop_assert_eq!(row.slug, "member");
            prop_assert!(groups.contains(&row.resource) && users.contains(&row.principal));
        }
    }

    #[test]
    fn hostile_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..600)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.c1z");
        fs::write(&path, &content).unwrap();
        prop_assert!(read_all(&path).is_err());
        let mut with_magic = b"C1ZF\0".to_vec();
        with_magic.extend(&content);
        fs::write(&path, &with_magic).unwrap();
        prop_assert!(read_all(&path).is_err());
        packed(&path, &content);
        prop_assert!(read_all(&path).is_err());
    }

    #[test]
    fn flipped_bytes_in_the_database_never_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("sync.c1z");
        seal(&mut sample(&target), true);
        let mut content = unpacked(&target);
        for (place, value) in flips {
            let place = place.index(content.len());
            content[place] = value;
        }
        packed(&target, &content);
        // Any outcome is fine as long as there is one.
        let _ = read_all(&target);
    }

    #[test]
    fn hostile_blobs_never_panic(blob in prop::collection::vec(any::<u8>(), 0..60)) {
        let directory = tempfile::tempdir().unwrap();
        let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = changed(
            directory.path(),
            &format!("update v1_resources set data = x'{hex}'; update v1_grants set data = x'{hex}', expansion = x'{hex}';"),
        );
        let _ = read_all(&path);
    }
}
