//! JSON Lines: form, order, and what they say beside the sealed file.
//!
//! In: sample stores. Out: nothing.

use std::fs;

use engine_c1z::{ReadOptions, Reader, ResourceFilter};

use crate::support::{sample, seal};

fn lines(text: &str) -> Vec<engine_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_is_an_object_of_a_kind_in_the_order_of_ids() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.jsonl");
    let mut store = sample(&target);
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
    let mut text = Vec::new();
    sample(&directory.path().join("x")).write_lines(&mut text, true).unwrap();
    let text = String::from_utf8(text).unwrap();
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

#[test]
fn lines_say_what_the_reader_says_of_the_sealed_file() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = sample(&target);
    let mut text = Vec::new();
    store.write_lines(&mut text, true).unwrap();
    seal(&mut store, true);
    let reader = Reader::open(&target, &ReadOptions::default()).unwrap();
    let mut read = Vec::new();
    let mut put = |record: engine_c1z::Record| {
        serde_json::to_writer(&mut read, &record).unwrap();
        read.push(b'\n');
        Ok::<(), engine_c1z::ReadError>(())
    };
    for row in reader.resource_types().unwrap() {
        put(engine_c1z::Record::ResourceType(row)).unwrap();
    }
    reader.each_resource(&ResourceFilter::default(), |row| put(engine_c1z::Record::Resource(Box::new(row)))).unwrap();
    reader.each_entitlement(&Default::default(), |row| put(engine_c1z::Record::Entitlement(row))).unwrap();
    reader.each_grant(&Default::default(), |row| put(engine_c1z::Record::Grant(row))).unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), String::from_utf8(text).unwrap());
}
