//! JSON Lines: form, order, and what they say beside the sealed file.
//!
//! In: sample stores. Out: nothing.

use std::fs;
use std::path::Path;

use engine_c1z::{ReadError, ReadOptions, Reader, Record, ResourceFilter};
use engine_json::Value;
use engine_model::{
    AccountType, Entitlement, Grant, Group, Page, Resource, ResourceRef, Status, StatusValue, Store as _, TraitData,
    User, UserEmail,
};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::support::{grant, lines_of, member_of, open, open_lines, page, sample_pages, seal, seal_options, types};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_is_an_object_of_a_kind_in_the_order_of_ids() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.jsonl");
    let mut store = open_lines(&target);
    store.declare(&types()).unwrap();
    store.commit_all(sample_pages()).unwrap();
    assert_eq!(store.seal_lines(false).unwrap(), 14);
    let text = fs::read_to_string(&target).unwrap();
    let ids: Vec<String> = lines(&text)
        .iter()
        .map(|line| format!("{} {}", line["kind"].as_str().unwrap(), line["id"].as_str().unwrap()))
        .collect();
    assert_eq!(
        ids,
        [
            "resource_type group",
            "resource_type site",
            "resource_type user",
            "resource g1",
            "resource g2",
            "resource u1",
            "resource u2",
            "resource u3",
            "entitlement group:g1:member",
            "entitlement group:g2:member",
            "grant group:g1:member:group:g2",
            "grant group:g1:member:user:u1",
            "grant group:g2:member:user:u2",
            "grant group:g2:member:user:u3",
        ]
    );
    let mut written = Vec::new();
    store.write_lines(&mut written, false).unwrap();
    assert_eq!(written, text.as_bytes());
}

#[test]
fn lines_are_readable() {
    let directory = tempfile::tempdir().unwrap();
    let text = lines_of(open_lines(&directory.path().join("x")), sample_pages(), true);
    let line = |id: &str| text.lines().find(|line| line.contains(&format!("\"id\":\"{id}\""))).unwrap();
    assert_eq!(
        line("user"),
        r#"{"kind":"resource_type","id":"user","display_name":"USER","traits":["user"],"has_entitlements":false}"#
    );
    assert_eq!(
        line("g2"),
        r#"{"kind":"resource","resource_type":"group","id":"g2","parent":{"resource_type":"group","id":"g1"},"display_name":"g2","traits":["group"]}"#
    );
    assert_eq!(
        line("u2"),
        r#"{"kind":"resource","resource_type":"user","id":"u2","display_name":"u2","description":"the user u2","link":"https://app.example.com/users/u2","traits":["user"],"status":"disabled","status_details":"suspended","account_type":"human","emails":[{"address":"u2@example.com","is_primary":true},{"address":"u2@example.org","is_primary":false}],"login":"u2","login_aliases":["u2-alias"],"given_name":"Ada","family_name":"Lovelace","employee_ids":["7"],"created_at":"2020-01-02T03:04:05Z","last_login":"2026-11-20T00:00:00.5Z","mfa_enabled":true,"sso_enabled":false,"profile":{"first_name":"Ada","last_name":"Lovelace","number":"9007199254740993","tags":["a",null,true],"team":{"name":"core","size":3},"user_id":"u2"}}"#
    );
    assert_eq!(
        line("group:g1:member"),
        r#"{"kind":"entitlement","id":"group:g1:member","resource_type":"group","resource":"g1","slug":"member","display_name":"g1 member","purpose":"assignment","grantable_to":["user","group"],"immutable":false}"#
    );
    assert_eq!(
        line("group:g1:member:group:g2"),
        r#"{"kind":"grant","id":"group:g1:member:group:g2","entitlement":"group:g1:member","resource_type":"group","resource":"g1","slug":"member","principal_type":"group","principal":"g2","immutable":false,"expands":{"entitlements":["group:g2:member"],"shallow":false,"resource_types":["user"]}}"#
    );
    assert_eq!(
        line("group:g1:member:user:u1"),
        r#"{"kind":"grant","id":"group:g1:member:user:u1","entitlement":"group:g1:member","resource_type":"group","resource":"g1","slug":"member","principal_type":"user","principal":"u1","immutable":true,"kept":{"membership":"m1"}}"#
    );
    assert_eq!(
        line("group:g1:member:user:u2"),
        r#"{"kind":"grant","id":"group:g1:member:user:u2","entitlement":"group:g1:member","resource_type":"group","resource":"g1","slug":"member","principal_type":"user","principal":"u2","immutable":true,"sources":{"group:g2:member":true}}"#
    );
}

/// What a reader says of the sealed file of pages, as lines.
fn read_lines(target: &Path, pages: Vec<Page>, expand: bool) -> String {
    let mut store = open(target);
    store.declare(&types()).unwrap();
    store.commit_all(pages).unwrap();
    seal(&mut store, expand);
    let reader = Reader::open(target, &ReadOptions::default()).unwrap();
    let mut read = Vec::new();
    let mut put = |record: Record| {
        serde_json::to_writer(&mut read, &record).unwrap();
        read.push(b'\n');
        Ok::<(), ReadError>(())
    };
    for row in reader.resource_types().unwrap() {
        put(Record::ResourceType(row)).unwrap();
    }
    reader.each_resource(&ResourceFilter::default(), |row| put(Record::Resource(Box::new(row)))).unwrap();
    reader.each_entitlement(&Default::default(), |row| put(Record::Entitlement(row))).unwrap();
    reader.each_grant(&Default::default(), |row| put(Record::Grant(row))).unwrap();
    String::from_utf8(read).unwrap()
}

#[test]
fn lines_say_what_the_reader_says_of_the_sealed_file() {
    let directory = tempfile::tempdir().unwrap();
    for expand in [false, true] {
        let text = lines_of(open_lines(&directory.path().join(format!("{expand}.jsonl"))), sample_pages(), expand);
        assert_eq!(read_lines(&directory.path().join(format!("{expand}.c1z")), sample_pages(), expand), text);
    }
}

#[test]
fn a_store_for_one_form_of_file_does_not_write_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory.path().join("sync.c1z"));
    let refused = store.write_lines(&mut Vec::new(), false).unwrap_err().to_string();
    assert!(refused.contains("kept as c1z, not as jsonl"), "{refused}");
    let mut store = open_lines(&directory.path().join("sync.jsonl"));
    let refused = store.seal(&seal_options(false)).unwrap_err().to_string();
    assert!(refused.contains("kept as jsonl, not as c1z"), "{refused}");
}

/// Texts that are absent, empty, plain, strange, or longer than any limit.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z]{1,8}",
        "https://[a-z]{1,8}",
        ".{0,12}",
        (1000_usize..5000).prop_map(|length| "é".repeat(length)),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-9_i64..9).prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no other", |double| double.is_finite()).prop_map(Value::from),
        Just(Value::from(-0.0)),
        Just(Value::from(3.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(40, 80, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec((text(), inner), 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    of((-70_000_000_000_i64..250_000_000_000, 0..1_000_000_000))
        .prop_map(|time| time.map(|(seconds, nanos)| Timestamp::new(seconds, nanos).unwrap()))
}

fn user_data() -> impl Strategy<Value = TraitData> {
    let status = prop_oneof![
        Just(StatusValue::Unknown),
        Just(StatusValue::Enabled),
        Just(StatusValue::Disabled),
        Just(StatusValue::Deleted)
    ];
    let account = prop_oneof![
        Just(AccountType::Unknown),
        Just(AccountType::Human),
        Just(AccountType::Service),
        Just(AccountType::System)
    ];
    let email = (text(), any::<bool>()).prop_map(|(address, is_primary)| UserEmail { address, is_primary });
    let names = (of(text()), of(text()), of(text()), vec(text(), 0..2), vec(text(), 0..2));
    let facts = (time(), of(any::<bool>()), of(any::<bool>()));
    (vec(email, 0..4), status, of(text()), account, names, facts).prop_map(
        |(
            emails,
            value,
            details,
            account_type,
            (login, given_name, family_name, login_aliases, employee_ids),
            facts,
        )| {
            TraitData::User(Box::new(User {
                emails,
                status: Status { value, details },
                account_type,
                login,
                login_aliases,
                last_login: facts.0,
                mfa_enabled: facts.1,
                sso_enabled: facts.2,
                given_name,
                family_name,
                employee_ids,
            }))
        },
    )
}

/// A resource of one of the types of the samples, by its place.
fn resource(place: usize) -> impl Strategy<Value = Resource> {
    let data = prop_oneof![3 => user_data(), 1 => Just(TraitData::None)];
    let names = vec(prop_oneof!["first_name", "user_id", "[a-z]{1,3}"], 0..4);
    (0_usize..3, text(), of(text()), of(text()), names, vec(json(), 4), time(), data, any::<bool>()).prop_map(
        move |(kind, display_name, description, link, names, values, created_at, data, has_parent)| {
            let (resource_type, trait_data) = match kind {
                0 => ("user", data),
                1 => ("group", TraitData::Group(Group::default())),
                _ => ("site", TraitData::None),
            };
            Resource {
                id: ResourceRef::new(resource_type, format!("r{place}")),
                parent: has_parent.then(|| ResourceRef::new("group", "r0")),
                display_name,
                description,
                link,
                profile: names.into_iter().zip(values).collect(),
                created_at,
                trait_data,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_a_record_says_both_files_say_the_same(
        resources in (0_usize..12).prop_flat_map(|count| (0..count).map(resource).collect::<Vec<_>>()),
        names in vec((text(), of(text())), 0..4),
        kept in vec(json(), 0..4),
    ) {
        let entitlements = names.iter().enumerate().map(|(place, (display_name, description))| Entitlement {
            display_name: display_name.clone(),
            description: description.clone(),
            ..member_of(&format!("g{place}"))
        });
        let grants = kept.iter().enumerate().map(|(place, value)| Grant {
            kept: [("value", value.clone())].into_iter().collect(),
            ..grant(&format!("g{place}"), "user", "r0")
        });
        let page = || Page {
            entitlements: entitlements.clone().collect(),
            grants: grants.clone().collect(),
            ..page(resources.clone())
        };
        let directory = tempfile::tempdir().unwrap();
        let lines = lines_of(open_lines(&directory.path().join("sync.jsonl")), vec![page()], false);
        prop_assert_eq!(read_lines(&directory.path().join("sync.c1z"), vec![page()], false), lines);
    }
}
