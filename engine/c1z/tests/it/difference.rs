//! What two files hold differently, told by the library.
//!
//! In: files made here, of this writer and as others leave them. Out: nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use engine_c1z::{
    Comparison, Difference, EntitlementFilter, GrantFilter, ReadError, ReadOptions, Reader, ResourceFilter,
    SealOptions, Way,
};
use engine_json::json;
use engine_model::{Page, Resource, Store as _, TraitData, User};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::support::{
    at, changed, grant, group, member_of, open, packed, page, sample, sample_pages, seal, types, unpacked, user,
};

fn read(path: &Path, sync_id: Option<&str>) -> Reader {
    let options = ReadOptions { sync_id: sync_id.map(str::to_owned), ..ReadOptions::default() };
    Reader::open(path, &options).unwrap()
}

/// Everything that differs, a line each.
fn told(old: &Reader, new: &Reader, ignored: &[&str]) -> Result<Vec<String>, ReadError> {
    fn line<T>(difference: Difference<T>) -> String {
        let Difference { id, way, changes, .. } = difference;
        let sign = match way {
            Way::Added => "+",
            Way::Removed => "-",
            Way::Changed => "",
        };
        let keys: Vec<String> = changes.iter().map(|change| format!(" {}", change.path())).collect();
        format!("{sign}{id}{}", keys.concat())
    }
    let ignored: Vec<String> = ignored.iter().map(|key| (*key).to_owned()).collect();
    let comparison = Comparison { old, new, ignored: &ignored };
    let mut lines = Vec::new();
    let mut add = |line: String| {
        lines.push(line);
        Ok::<(), ReadError>(())
    };
    comparison.grants(&GrantFilter::default(), |difference| add(line(difference)))?;
    comparison.resources(&ResourceFilter::default(), |difference| add(line(difference)))?;
    comparison.entitlements(&EntitlementFilter::default(), |difference| add(line(difference)))?;
    comparison.resource_types(None, |difference| add(line(difference)))?;
    Ok(lines)
}

/// A sealed file with these pages.
fn file(directory: &Path, name: &str, pages: Vec<Page>) -> PathBuf {
    let target = directory.join(name);
    let mut store = open(&target);
    store.declare(&types()).unwrap();
    for page in pages {
        store.commit(page).unwrap();
    }
    store.seal(&SealOptions::new(at("2026-11-22T20:46:00Z"))).unwrap();
    target
}

#[test]
fn another_sync_of_the_same_records_in_another_order_is_no_difference() {
    let directory = tempfile::tempdir().unwrap();
    let old = directory.path().join("old.c1z");
    let sealed = seal(&mut sample(&old), false);
    let pages = sample_pages().into_iter().rev().map(|mut page| {
        page.resources.reverse();
        page.entitlements.iter_mut().for_each(|entitlement| entitlement.grantable_to.reverse());
        page.entitlements.reverse();
        page.grants = page.grants.iter().rev().map(|grant| grant.to_grant()).collect();
        page
    });
    let new = file(directory.path(), "new.c1z", pages.collect());
    let (old, new) = (read(&old, None), read(&new, None));
    assert_ne!(new.sync().unwrap().id, sealed.sync_id);
    assert_eq!(told(&old, &new, &[]).unwrap(), [""; 0]);
    assert_eq!(told(&old, &old, &[]).unwrap(), [""; 0]);
}

#[test]
fn what_came_went_and_changed_is_told_with_its_keys() {
    let directory = tempfile::tempdir().unwrap();
    let profile = json!({"team": "core", "floor": 1}).as_object().unwrap().clone();
    let old = Page {
        entitlements: vec![member_of("g1"), member_of("g2")],
        grants: vec![grant("g1", "user", "u1"), grant("g1", "user", "u2")].into(),
        ..page(vec![group("g1"), group("g2"), Resource { profile, ..user("u1") }, user("u2")])
    };
    let profile = json!({"team": "infra", "floor": 1}).as_object().unwrap().clone();
    let login = User { login: Some("ada".into()), ..User::default() };
    let u1 = Resource { profile, trait_data: TraitData::User(Box::new(login)), ..user("u1") };
    let mut g1 = member_of("g1");
    g1.description = Some("whoever is in it".into());
    let new = Page {
        entitlements: vec![g1],
        grants: vec![grant("g1", "user", "u1"), grant("g1", "user", "u3")].into(),
        ..page(vec![group("g1"), u1, user("u2"), user("u3")])
    };
    let old = read(&file(directory.path(), "old.c1z", vec![old]), None);
    let new = read(&file(directory.path(), "new.c1z", vec![new]), None);
    let expected = [
        "-group:g1:member:user:u2",
        "+group:g1:member:user:u3",
        "-group:g2",
        "user:u1 login profile.team",
        "+user:u3",
        "group:g1:member description",
        "-group:g2:member",
    ];
    assert_eq!(told(&old, &new, &[]).unwrap(), expected);
    let back = told(&new, &old, &["profile", "description"]).unwrap();
    assert!(back.contains(&"user:u1 login".to_owned()) && back.contains(&"-user:u3".to_owned()), "{back:?}");
    assert!(!told(&old, &new, &["login", "profile.team"]).unwrap().iter().any(|line| line.starts_with("user:u1")));
}

#[test]
fn filters_compare_a_part_of_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let old = read(&file(directory.path(), "old.c1z", vec![page(vec![group("g1")])]), None);
    let new = directory.path().join("new.c1z");
    seal(&mut sample(&new), false);
    let new = read(&new, None);
    let comparison = Comparison { old: &old, new: &new, ignored: &[] };
    let mut ids = Vec::new();
    let filter = GrantFilter { principal: Some("u3".into()), ..GrantFilter::default() };
    comparison
        .grants(&filter, |difference| {
            ids.push(difference.id);
            Ok::<(), ReadError>(())
        })
        .unwrap();
    assert_eq!(ids, ["group:g2:member:user:u3"]);
}

#[test]
fn the_syncs_of_one_file_are_compared_and_where_there_are_none_the_last_rows_count() {
    let directory = tempfile::tempdir().unwrap();
    let two_syncs = "insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token, sync_type) values
             ('older', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+00:00', '', 'full');
         insert into v1_resources (resource_type_id, external_id, data, sync_id, discovered_at)
             select resource_type_id, external_id, data, 'older', discovered_at from v1_resources
             where external_id <> 'user:u1';
         insert into v1_resources (resource_type_id, external_id, data, sync_id, discovered_at)
             select resource_type_id, 'user:u9', data, 'older', discovered_at from v1_resources
             where external_id = 'user:u1';
         insert into v1_grants (resource_type_id, resource_id, entitlement_id, principal_resource_type_id,
                 principal_resource_id, external_id, expansion, needs_expansion, data, sync_id, discovered_at)
             select resource_type_id, resource_id, entitlement_id, principal_resource_type_id,
                 principal_resource_id, external_id, expansion, needs_expansion, data, 'older', discovered_at
             from v1_grants;";
    let path = changed(directory.path(), "two.c1z", two_syncs);
    let found = told(&read(&path, Some("older")), &read(&path, None), &[]).unwrap();
    let (resources, others): (Vec<String>, Vec<String>) =
        found.into_iter().partition(|line| line.starts_with("+user:") || line.starts_with("-user:"));
    assert_eq!(resources, ["+user:u1", "-user:u9"]);
    assert!(others.iter().all(|line| line.starts_with('+')) && others.len() == 5, "{others:?}");

    let none = changed(directory.path(), "none.c1z", &format!("{two_syncs} delete from v1_sync_runs;"));
    let all = read(&none, None);
    assert_eq!(told(&all, &all, &[]).unwrap(), [""; 0]);
    let sample = directory.path().join("sample.c1z");
    seal(&mut crate::support::sample(&sample), false);
    assert_eq!(told(&read(&sample, None), &all, &[]).unwrap(), ["+user:u9"]);
}

#[test]
fn files_without_the_index_of_ids_and_with_another_order_of_texts_are_compared() {
    let directory = tempfile::tempdir().unwrap();
    let pages = || sample_pages().into_iter().chain([page(vec![user("B"), user("a"), user("É"), user("z")])]);
    let old = file(directory.path(), "old.c1z", pages().collect());
    let database = directory.path().join("bare.db");
    fs::write(&database, unpacked(&old)).unwrap();
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch(
            "drop index idx_grants_external_sync_v1; drop index idx_entitlements_external_sync_v1;
             create table other (id integer primary key, resource_type_id text, external_id text collate nocase,
                 parent_resource_type_id text, parent_resource_id text, data blob, sync_id text, discovered_at text);
             insert into other select * from v1_resources order by external_id desc;
             drop table v1_resources; alter table other rename to v1_resources;
             create unique index by_name on v1_resources (external_id, sync_id);",
        )
        .unwrap();
    connection.close().unwrap();
    let new = packed(&directory.path().join("new.c1z"), &fs::read(&database).unwrap());
    assert_eq!(told(&read(&old, None), &read(&new, None), &[]).unwrap(), [""; 0]);
}

#[test]
fn ids_out_of_order_are_damage_and_not_a_difference() {
    let directory = tempfile::tempdir().unwrap();
    let old = file(directory.path(), "old.c1z", vec![page(vec![user("b"), user("ā")])]);
    // The bytes of these texts come in another order where they are UTF-16.
    let database = directory.path().join("wide.db");
    let wide = Connection::open(&database).unwrap();
    wide.execute_batch("pragma encoding = 'UTF-16le';").unwrap();
    let narrow = crate::support::database(&old);
    let mut statement = narrow.prepare("select sql from sqlite_schema where sql is not null").unwrap();
    let schema: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    wide.execute_batch(&format!("{};", schema.join(";"))).unwrap();
    for table in ["v1_sync_runs", "v1_resource_types", "v1_resources"] {
        let mut rows = narrow.prepare(&format!("select * from {table}")).unwrap();
        let places: Vec<String> = (1..=rows.column_count()).map(|place| format!("?{place}")).collect();
        let insert = format!("insert into {table} values ({})", places.join(","));
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<rusqlite::types::Value> = (0..places.len()).map(|place| row.get(place).unwrap()).collect();
            wide.execute(&insert, rusqlite::params_from_iter(values)).unwrap();
        }
    }
    wide.close().unwrap();
    let new = packed(&directory.path().join("new.c1z"), &fs::read(&database).unwrap());
    let error = told(&read(&old, None), &read(&new, None), &[]).unwrap_err().to_string();
    assert!(error.contains("the ids of v1_resources do not come in their order"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_added_and_removed_makes_the_new_file_of_the_old(
        old in prop::collection::btree_set("[a-c:Aé_]{1,3}", 0..8),
        new in prop::collection::btree_set("[a-c:Aé_]{1,3}", 0..8),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let made = |name: &str, ids: &BTreeSet<String>| {
            let page = Page {
                entitlements: vec![member_of("g1")],
                grants: ids.iter().map(|id| grant("g1", "user", id)).collect(),
                ..page(ids.iter().map(|id| user(id)).chain([group("g1")]).collect())
            };
            read(&file(directory.path(), name, vec![page]), None)
        };
        let (before, after) = (made("old.c1z", &old), made("new.c1z", &new));
        for prefix in ["user:", "group:g1:member:user:"] {
            let mut ids = old.clone();
            for line in told(&before, &after, &[]).unwrap() {
                let (sign, id) = line.split_at(1);
                match (sign, id.strip_prefix(prefix)) {
                    ("+", Some(id)) => prop_assert!(ids.insert(id.to_owned())),
                    ("-", Some(id)) => prop_assert!(ids.remove(id)),
                    _ => {}
                }
            }
            prop_assert_eq!(&ids, &new);
        }
    }
}
