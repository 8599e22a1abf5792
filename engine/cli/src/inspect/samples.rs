//! Files for tests: two nested groups and three users, or many users.
//!
//! In: a directory. Out: a `.c1z` in it; flags as a command reads them; what a command would write.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_c1z::{Policy, ReadOptions, Reader, SealOptions, WorkingStore};
use engine_model::{
    Entitlement, EntitlementRef, Expansion, Grant, Group, MissingReference, Page, Principal, Purpose, Resource,
    ResourceRef, ResourceType, Status, StatusValue, Store as _, Trait, TraitData, User, UserEmail,
};
use jiff::Timestamp;

use super::listing::{self, Listing};
use super::{Format, Inspected, Source, Stop};
use crate::exit::{End, Failure};
use crate::table::Surface;

/// Reads flags as the command line would; `-f` is the path.
pub fn arguments<A: Args>(path: &Path, flags: &[&str]) -> A {
    let command = A::augment_args(clap::Command::new("test").no_binary_name(true));
    let path = path.to_str().unwrap();
    let matches = command.try_get_matches_from([&["-f", path], flags].concat()).unwrap();
    A::from_arg_matches(&matches).unwrap()
}

/// What a command would write to standard output if that is no terminal.
pub fn shown(
    source: &Source,
    with: impl FnOnce(&Inspected, Format) -> Result<String, Stop>,
) -> Result<String, Failure> {
    let mut shown = String::new();
    super::inspect(&source.chosen, |file| {
        shown = with(file, source.output)?;
        Ok(End::Complete)
    })?;
    Ok(shown)
}

/// A list as a command would write it.
pub fn text<L: Listing>(mut list: L, format: Format) -> Result<String, Stop> {
    let mut out = Vec::new();
    let surface = Surface { width: None, bold: false };
    listing::write(&mut list, format, surface, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// The newest sync of a file.
pub fn reader(path: &Path) -> Reader {
    Reader::open(path, &ReadOptions::default()).unwrap()
}

/// A file with every kind of row.
pub fn file(directory: &Path) -> PathBuf {
    let member =
        |group: &str, slug: &str| EntitlementRef { resource: ResourceRef::new("group", group), slug: slug.into() };
    let entitlement = |id: EntitlementRef, name: &str, purpose, grantable_to: &[&str]| Entitlement {
        id,
        display_name: name.into(),
        description: None,
        purpose,
        grantable_to: grantable_to.iter().map(|of| (*of).to_owned()).collect(),
        immutable: false,
    };
    let expands = Expansion {
        principal_type: "group".into(),
        slugs: vec!["member".into()],
        shallow: false,
        resource_types: Vec::new(),
    };
    let ada = User {
        emails: [("ada@example.org", false), ("ada@example.com", true)]
            .map(|(address, is_primary)| UserEmail { address: address.into(), is_primary })
            .into(),
        status: status(StatusValue::Enabled, None),
        login: Some("ada".into()),
        ..User::default()
    };
    let suspended = User {
        emails: vec![UserEmail { address: "u2@example.com".into(), is_primary: true }],
        status: status(StatusValue::Disabled, Some("suspended")),
        login: Some("U2@example.com".into()),
        ..User::default()
    };
    let profile = engine_json::json!({"team": "core, infra"}).as_object().unwrap().clone();
    let page = Page {
        resources: vec![
            (Resource { profile, ..user("u1", "Ada Lovelace", ada) }, None),
            (user("u2", "山田太郎", suspended), None),
            (user("u3", "Robot", User::default()), None),
            (resource("group", "g1", "Engineering", TraitData::Group(Group {})), None),
            (
                Resource {
                    parent: Some(ResourceRef::new("group", "g1")),
                    ..resource("group", "g2", "Platform", TraitData::Group(Group {}))
                },
                None,
            ),
        ],
        entitlements: vec![
            entitlement(member("g1", "member"), "Engineering member", Purpose::Assignment, &["user", "group"]),
            entitlement(member("g1", "admin"), "Engineering admin", Purpose::Permission, &["user"]),
            entitlement(member("g2", "member"), "Platform member", Purpose::Assignment, &["user", "group"]),
        ],
        grants: vec![
            grant(member("g1", "admin"), "user", "u1"),
            grant(member("g1", "member"), "user", "u1"),
            Grant { expands: vec![expands], ..grant(member("g1", "member"), "group", "g2") },
            grant(member("g2", "member"), "user", "u2"),
            grant(member("g2", "member"), "user", "u3"),
        ]
        .into(),
        ..Page::default()
    };
    sealed(directory, page)
}

/// A file with users `u0`, `u1` and so on.
pub fn many(directory: &Path, users: usize) -> PathBuf {
    let users =
        (0..users).map(|number| (user(&format!("u{number}"), &format!("User {number}"), User::default()), None));
    sealed(directory, Page { resources: users.collect(), ..Page::default() })
}

fn sealed(directory: &Path, page: Page) -> PathBuf {
    let path = directory.join("sync.c1z");
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut store = WorkingStore::open(&path, &Policy::new("sample", at("2026-11-21T20:45:43Z"))).unwrap();
    let of = |id: &str, of, has_entitlements| ResourceType {
        id: id.into(),
        display_name: id.to_uppercase(),
        description: String::new(),
        r#trait: Some(of),
        has_entitlements,
        children: Vec::new(),
    };
    store.declare(&[of("user", Trait::User, false), of("group", Trait::Group, true)]).unwrap();
    store.commit(page).unwrap();
    store.seal(&SealOptions { expand: true, ..SealOptions::new(at("2026-11-21T20:46:00Z")) }).unwrap();
    store.remove().unwrap();
    path
}

fn status(value: StatusValue, details: Option<&str>) -> Status {
    Status { value, details: details.map(str::to_owned) }
}

fn user(id: &str, name: &str, user: User) -> Resource {
    resource("user", id, name, TraitData::User(Box::new(user)))
}

fn resource(of: &str, id: &str, name: &str, trait_data: TraitData) -> Resource {
    Resource {
        id: ResourceRef::new(of, id),
        parent: None,
        display_name: name.into(),
        description: None,
        link: None,
        profile: engine_json::Map::new(),
        created_at: None,
        trait_data,
    }
}

fn grant(entitlement: EntitlementRef, of: &str, principal: &str) -> Grant {
    Grant {
        entitlement,
        principal: Principal::of(ResourceRef::new(of, principal)),
        expands: Vec::new(),
        immutable: false,
        kept: engine_json::Map::new(),
        rule: 0,
        missing: MissingReference::Incomplete,
    }
}
