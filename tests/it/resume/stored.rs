//! What a working file holds after its run was killed: the pages that must not be asked for again.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use engine_c1z::{EntitlementFilter, GrantFilter, ReadError, Reader, ResourceFilter};
use rusqlite::Connection;
use serde_json::Value as Json;

use super::harbor;
use crate::support::folder;

/// The lines of requests whose answers are in a working file. The file itself stays untouched.
pub fn lines(partial: &Path) -> BTreeSet<String> {
    let copy = folder();
    let name = partial.file_name().unwrap().to_str().unwrap().to_owned();
    for suffix in ["", "-wal"] {
        let from = partial.with_file_name(format!("{name}{suffix}"));
        if from.exists() {
            std::fs::copy(&from, copy.path().join(format!("{name}{suffix}"))).unwrap();
        }
    }
    if !copy.path().join(&name).exists() {
        return BTreeSet::new();
    }
    let connection = Connection::open(copy.path().join(&name)).unwrap();
    let Ok(mut marks) = connection.prepare("select task, key, state from marks") else { return BTreeSet::new() };
    let marks: Vec<(String, String, String)> =
        marks.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect();
    let ids = ids(&connection);
    let mut stored = BTreeSet::new();
    for (task, key, state) in marks {
        let id = key.split('/').next().and_then(|sequence| ids.get(sequence)).map(String::as_str).unwrap_or_default();
        let all = match task.as_str() {
            "list:user:0" => harbor::user_lines(),
            "list:group:0" => harbor::group_lines(),
            "list:unit:0" => vec![("0".to_owned(), vec!["/units".to_owned()])],
            "list:unit:1" => vec![("0".to_owned(), vec![format!("/units/{id}/below")])],
            "list:tag:0" => vec![("0".to_owned(), vec![format!("/units/{id}/tags")])],
            "list:project:0" => harbor::project_lines(id),
            _ if task.ends_with(":group:member") => harbor::member_lines(id),
            _ if task.ends_with(":group:owner") => vec![("0".to_owned(), vec![format!("/groups/{id}/owners")])],
            other => panic!("a task that this test does not know: {other}"),
        };
        let stands = stands(&state);
        let pages = all.into_iter().take_while(|(page, _)| stands.as_deref() != Some(page.as_str()));
        stored.extend(pages.flat_map(|(_, lines)| lines));
    }
    stored
}

/// The page that a list stands at; nothing if it is at its end.
fn stands(state: &str) -> Option<String> {
    let position: Json = serde_json::from_str(state).ok()?;
    let cursor = position.get("cursor").and_then(Json::as_str).map(str::to_owned);
    cursor.or_else(|| position.get("number").map(Json::to_string))
}

/// The ids of resources by their place.
fn ids(connection: &Connection) -> HashMap<String, String> {
    let mut ids = connection.prepare("select sequence, id from scoped").unwrap();
    let rows = ids.query_map([], |row| Ok((row.get::<_, i64>(0)?.to_string(), row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Every record of a file, as text.
pub fn each_record(reader: &Reader, with: &mut dyn FnMut(String)) {
    for row in reader.resource_types().unwrap() {
        with(format!("{row:?}"));
    }
    let done = reader.each_resource(&ResourceFilter::default(), |row| {
        with(format!("{row:?}"));
        Ok::<(), ReadError>(())
    });
    done.unwrap();
    let done = reader.each_entitlement(&EntitlementFilter::default(), |row| {
        with(format!("{row:?}"));
        Ok::<(), ReadError>(())
    });
    done.unwrap();
    let done = reader.each_grant(&GrantFilter::default(), |row| {
        with(format!("{row:?}"));
        Ok::<(), ReadError>(())
    });
    done.unwrap();
}
