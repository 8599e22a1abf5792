//! Made-up records, and a look into a sealed file that shares no code with the reader.
//!
//! In: names. Out: records of the model, stores that hold them, open databases.

use std::path::{Path, PathBuf};

use engine_c1z::{Form, Policy, SealOptions, Sealed, WorkingStore};
use engine_json::json;
use engine_model::{
    AccountType, Entitlement, EntitlementRef, Expansion, Grant, Group, MissingReference, Page, Principal, Purpose,
    Resource, ResourceRef, ResourceType, Status, StatusValue, Store as _, Trait, TraitData, User, UserEmail,
};
use jiff::Timestamp;
use rusqlite::Connection;

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn start() -> Timestamp {
    at("2026-11-21T20:45:43.650583Z")
}

pub fn end() -> Timestamp {
    at("2026-11-21T20:46:00Z")
}

pub fn policy() -> Policy {
    Policy::new("spec 1", start())
}

pub fn open(target: &Path) -> WorkingStore {
    WorkingStore::open(target, &policy()).unwrap()
}

/// A store whose records will be lines.
pub fn open_lines(target: &Path) -> WorkingStore {
    WorkingStore::open(target, &Policy { form: Form::JsonLines, ..policy() }).unwrap()
}

/// The lines of a store with pages.
pub fn lines_of(mut store: WorkingStore, pages: Vec<Page>, expand: bool) -> String {
    store.declare(&types()).unwrap();
    store.commit_all(pages).unwrap();
    let mut lines = Vec::new();
    store.write_lines(&mut lines, expand).unwrap();
    String::from_utf8(lines).unwrap()
}

pub fn resource_type(id: &str, of: Option<Trait>, has_entitlements: bool) -> ResourceType {
    ResourceType {
        id: id.into(),
        display_name: id.to_uppercase(),
        description: String::new(),
        r#trait: of,
        has_entitlements,
        children: Vec::new(),
    }
}

pub fn types() -> Vec<ResourceType> {
    vec![
        resource_type("user", Some(Trait::User), false),
        ResourceType { children: vec!["group".into()], ..resource_type("group", Some(Trait::Group), true) },
        resource_type("site", None, false),
    ]
}

pub fn bare(id: ResourceRef, trait_data: TraitData) -> Resource {
    Resource {
        display_name: id.id.clone(),
        id,
        parent: None,
        description: None,
        link: None,
        profile: engine_json::Map::new(),
        created_at: None,
        trait_data,
    }
}

pub fn user(id: &str) -> Resource {
    bare(ResourceRef::new("user", id), TraitData::User(Box::default()))
}

pub fn group(id: &str) -> Resource {
    bare(ResourceRef::new("group", id), TraitData::Group(Group {}))
}

pub fn held(group: &str) -> EntitlementRef {
    EntitlementRef { resource: ResourceRef::new("group", group), slug: "member".into() }
}

pub fn member_of(group: &str) -> Entitlement {
    Entitlement {
        id: held(group),
        display_name: format!("{group} member"),
        description: None,
        purpose: Purpose::Assignment,
        grantable_to: vec!["user".into(), "group".into()],
        immutable: false,
    }
}

pub fn grant(group: &str, principal_type: &str, principal: &str) -> Grant {
    Grant {
        entitlement: held(group),
        principal: Principal::of(ResourceRef::new(principal_type, principal)),
        expands: Vec::new(),
        immutable: false,
        kept: engine_json::Map::new(),
        rule: 0,
        missing: MissingReference::Incomplete,
    }
}

pub fn open_grant(group: &str, types: &[&str], principal: &str) -> Grant {
    Grant {
        principal: Principal { types: types.iter().map(|id| (*id).to_owned()).collect(), id: principal.into() },
        ..grant(group, "user", principal)
    }
}

pub fn nested(group: &str, inner: &str, shallow: bool, types: &[&str]) -> Grant {
    let expansion = Expansion {
        principal_type: "group".into(),
        slugs: vec!["member".into()],
        shallow,
        resource_types: types.iter().map(|id| (*id).to_owned()).collect(),
    };
    Grant { expands: vec![expansion], ..grant(group, "group", inner) }
}

pub fn page(resources: Vec<Resource>) -> Page {
    Page { resources: resources.into_iter().map(|resource| (resource, None)).collect(), ..Page::default() }
}

/// Two groups, three users with every attribute, one nested group.
pub fn sample_pages() -> Vec<Page> {
    let full_user = |id: &str, status: StatusValue, details: Option<&str>, account_type| {
        let email = |address: String, is_primary| UserEmail { address, is_primary };
        Resource {
            description: Some(format!("the user {id}")),
            link: Some(format!("https://app.example.com/users/{id}")),
            profile: json!({
                "team": {"name": "core", "size": 3},
                "tags": ["a", null, true],
                "number": 9007199254740993_i64,
            })
            .as_object()
            .unwrap()
            .clone(),
            created_at: Some(at("2020-01-02T03:04:05Z")),
            trait_data: TraitData::User(Box::new(User {
                emails: vec![email(format!("{id}@example.com"), true), email(format!("{id}@example.org"), false)],
                status: Status { value: status, details: details.map(str::to_owned) },
                account_type,
                login: Some(id.into()),
                login_aliases: vec![format!("{id}-alias")],
                last_login: Some(at("2026-11-20T00:00:00.5Z")),
                mfa_enabled: Some(true),
                sso_enabled: Some(false),
                given_name: Some("Ada".into()),
                family_name: Some("Lovelace".into()),
                employee_ids: vec!["7".into()],
            })),
            ..user(id)
        }
    };
    let inner = Resource { parent: Some(ResourceRef::new("group", "g1")), ..group("g2") };
    let kept = json!({"membership": "m1"}).as_object().unwrap().clone();
    vec![
        page(vec![
            full_user("u2", StatusValue::Disabled, Some("suspended"), AccountType::Human),
            full_user("u1", StatusValue::Enabled, None, AccountType::Human),
            full_user("u3", StatusValue::Enabled, None, AccountType::Service),
        ]),
        Page {
            entitlements: vec![member_of("g2"), member_of("g1")],
            grants: vec![
                nested("g1", "g2", false, &["user"]),
                Grant { kept, immutable: true, ..grant("g1", "user", "u1") },
                grant("g2", "user", "u3"),
                grant("g2", "user", "u2"),
            ]
            .into(),
            ..page(vec![inner, group("g1")])
        },
    ]
}

pub fn sample(target: &Path) -> WorkingStore {
    let mut store = open(target);
    store.declare(&types()).unwrap();
    for page in sample_pages() {
        store.commit(page).unwrap();
    }
    store
}

pub fn seal_options(expand: bool) -> SealOptions {
    SealOptions { ended_at: end(), random: Some([7; 16]), expand }
}

pub fn seal(store: &mut WorkingStore, expand: bool) -> Sealed {
    store.seal(&seal_options(expand)).unwrap()
}

/// The packed file's content.
pub fn unpacked(target: &Path) -> Vec<u8> {
    let bytes = std::fs::read(target).unwrap();
    zstd::decode_all(&bytes[5..]).unwrap()
}

/// The database inside, written beside the file.
pub fn database(target: &Path) -> Connection {
    let path = target.with_extension("db");
    std::fs::write(&path, unpacked(target)).unwrap();
    Connection::open(path).unwrap()
}

pub fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Packs a database image the way the format wants it.
pub fn packed(path: &Path, content: &[u8]) -> PathBuf {
    let mut bytes = b"C1ZF\0".to_vec();
    bytes.extend(zstd::encode_all(content, 1).unwrap());
    std::fs::write(path, bytes).unwrap();
    path.to_owned()
}

/// The sample after some SQL, as another writer might have left it.
pub fn changed(directory: &Path, name: &str, sql: &str) -> PathBuf {
    let target = directory.join(name);
    seal(&mut sample(&target), false);
    let database = directory.join("changed.db");
    std::fs::write(&database, unpacked(&target)).unwrap();
    let connection = Connection::open(&database).unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
    packed(&target, &std::fs::read(&database).unwrap())
}
